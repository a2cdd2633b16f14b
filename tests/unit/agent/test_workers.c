/* Workers: threads that end when they are told to, whatever they are told afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

#include "agent/letter.h"
#include "agent/workers.h"
#include "common/clock.h"
#include "tests/patience.h"

#define TARGET "db1/tenant_1"

typedef struct Fixture {
    void *context;
    Zsock box;
    ConnSource *source;
    ConnPool *pool;
    Plan plan;
    HeldPlan held;
    Workers *workers;
} Fixture;

/* Nobody listens on port 1: the job connects again and again. */
static int set_up(void **state)
{
    Fixture *fixture = mem_alloc(sizeof(Fixture));
    AUTO_PTR(Secret) connection = secret_new("host=127.0.0.1 port=1 dbname=postgres user=nobody");
    fixture->context = zmq_ctx_new();
    assert_int_equal(letter_box_open(fixture->context, &fixture->box, NULL), ERR_NONE);
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 3, &fixture->source, NULL),
                     ERR_NONE);
    fixture->pool = conn_pool_new(fixture->source, NULL);
    fixture->plan = (Plan){ .name = "p", .to = "", .where = "" };
    plan_strategy_defaults(&fixture->plan.strategy);
    fixture->held.plan = &fixture->plan;
    fixture->workers = workers_new(fixture->context, "agent", 10);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    workers_free(fixture->workers);
    conn_pool_free(fixture->pool);
    conn_source_free(fixture->source);
    zsock_done(&fixture->box);
    zmq_ctx_term(fixture->context);
    free(fixture);
    return 0;
}

static void start(Fixture *fixture, Permit permit)
{
    AgentOrder order = { .rollout = "r1",
                         .target = TARGET,
                         .identity = { .schema = "" },
                         .stamp = { .term = 1, .attempt = 1, .revision = 1 },
                         .token = 1,
                         .goal = permit.goal,
                         .from = "",
                         .to = "",
                         .deadline_ms = 100 };
    WorkerStart begin = { .order = &order,
                          .permit = permit,
                          .plan = &fixture->held,
                          .source = fixture->source,
                          .watch = fixture->pool,
                          .seed = 1 };
    assert_int_equal(workers_start(fixture->workers, &begin, NULL), ERR_NONE);
}

/* Takes letters until the report that is wanted (REPORT_NONE: the end) or until the time is up. */
static bool await(Fixture *fixture, Report wanted, uint64_t allowed_ms)
{
    uint64_t until_ms = clock_boot_ms() + allowed_ms;
    for (uint64_t now_ms = 0; (now_ms = clock_boot_ms()) < until_ms;) {
        AUTO(Arena) arena = { 0 };
        Letter letter;
        zmq_pollitem_t item = { .socket = fixture->box, .events = ZMQ_POLLIN };
        zmq_poll(&item, 1, (long)(until_ms - now_ms));
        if (letter_receive(fixture->box, &arena, &letter, NULL) != ZSOCK_OK) {
            continue;
        }
        const State *told = letter.envelope.body;
        if (wanted == REPORT_NONE ? letter.is_end
                                  : !letter.is_end && letter.envelope.type == MESSAGE_STATE &&
                                        told->report == (uint32_t)wanted) {
            return true;
        }
    }
    return false;
}

static const HeldPlan *ended(Fixture *fixture)
{
    AUTO(Arena) arena = { 0 };
    WorkerEnd end;
    assert_true(workers_ended(fixture->workers, TARGET, &arena, &end));
    assert_string_equal(end.target, TARGET);
    assert_string_equal(end.address.database, "tenant_1");
    return end.plan;
}

static void a_withdrawn_worker_ends(void **state)
{
    Fixture *fixture = *state;
    start(fixture, (Permit){ .goal = GOAL_HOLD, .revision = 1 });
    assert_true(await(fixture, REPORT_PARKED, PATIENCE_MS));
    workers_permit(fixture->workers, TARGET, (Permit){ .goal = GOAL_NONE });
    assert_true(await(fixture, REPORT_NONE, PATIENCE_MS));
    assert_ptr_equal(ended(fixture), &fixture->held);
    assert_int_equal(workers_count(fixture->workers), 0);
}

/* The lease runs out while the agent leaves: that is no new permit. */
static void no_permit_calls_a_withdrawn_worker_back(void **state)
{
    Fixture *fixture = *state;
    Permit held_back = { .goal = GOAL_APPLY, .revision = 1, .may_start = false };
    start(fixture, held_back);
    workers_withdraw(fixture->workers);
    workers_permit(fixture->workers, TARGET, held_back);
    bool has_ended = await(fixture, REPORT_NONE, PATIENCE_MS);
    if (!has_ended) {
        fail_msg("the worker goes on");
    }
    ended(fixture);
}

/* A parked one has closed its connection: its place is another's until it goes on. */
static void who_is_parked_takes_no_place(void **state)
{
    Fixture *fixture = *state;
    start(fixture, (Permit){ .goal = GOAL_HOLD, .revision = 1 });
    assert_int_equal(workers_busy(fixture->workers, fixture->source), 1);
    assert_int_equal(workers_busy(fixture->workers, NULL), 0);
    assert_true(workers_note_report(fixture->workers, TARGET, REPORT_PARKED));
    assert_false(workers_note_report(fixture->workers, TARGET, REPORT_PARKED));
    assert_int_equal(workers_busy(fixture->workers, fixture->source), 0);
    assert_false(workers_note_report(fixture->workers, TARGET, REPORT_ACCEPTED));
    assert_int_equal(workers_busy(fixture->workers, fixture->source), 1);
    workers_withdraw(fixture->workers);
    assert_true(await(fixture, REPORT_NONE, PATIENCE_MS));
    ended(fixture);
    assert_false(workers_note_report(fixture->workers, TARGET, REPORT_PARKED));
}

/* Nobody tells it that the lease has run out, nor that it is renewed: it looks itself. */
static void a_worker_parks_when_its_lease_has_run_out_and_goes_on_with_the_next(void **state)
{
    Fixture *fixture = *state;
    workers_lease(fixture->workers, clock_boot_ms());
    start(fixture, (Permit){ .goal = GOAL_APPLY, .revision = 1, .may_start = true });
    assert_true(await(fixture, REPORT_PARKED, PATIENCE_MS));
    workers_lease(fixture->workers, clock_boot_ms() + 60000);
    assert_true(await(fixture, REPORT_ACCEPTED, PATIENCE_MS));
    workers_withdraw(fixture->workers);
    assert_true(await(fixture, REPORT_NONE, PATIENCE_MS));
    ended(fixture);
}

static bool is_gone(void *ctx, const Address *address, const char *target)
{
    assert_string_equal(address->instance, "db1");
    assert_string_equal(target, TARGET);
    return ctx == NULL;
}

/* Later permits, the lease's for example, do not call it back. */
static void only_who_waits_idly_for_a_target_that_is_gone_ends(void **state)
{
    Fixture *fixture = *state;
    Permit hold = { .goal = GOAL_HOLD, .revision = 1 };
    start(fixture, hold);
    workers_withdraw_idle(fixture->workers, is_gone, NULL); /* it has not said that it waits */
    assert_true(await(fixture, REPORT_PARKED, PATIENCE_MS));
    workers_note_report(fixture->workers, TARGET, REPORT_PARKED);
    workers_withdraw_idle(fixture->workers, is_gone, fixture); /* its target is there */
    workers_permit(fixture->workers, TARGET, hold);
    workers_withdraw_idle(fixture->workers, is_gone, NULL);
    workers_permit(fixture->workers, TARGET, hold);
    assert_true(await(fixture, REPORT_NONE, PATIENCE_MS));
    ended(fixture);
}

static void a_permit_for_nobody_says_so(void **state)
{
    Fixture *fixture = *state;
    assert_false(workers_permit(fixture->workers, TARGET, (Permit){ .goal = GOAL_APPLY }));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_setup_teardown(a_withdrawn_worker_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_permit_calls_a_withdrawn_worker_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_parked_takes_no_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_worker_parks_when_its_lease_has_run_out_and_goes_on_with_the_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_who_waits_idly_for_a_target_that_is_gone_ends, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_permit_for_nobody_says_so, set_up, tear_down),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
