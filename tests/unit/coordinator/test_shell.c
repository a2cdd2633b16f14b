/* The shell: durable before sent, read-only while the store is, and right after a restart. */
#include "fixture.h"

#include "coordinator/load.h"

#define BEGIN_MS 1000000      /* where the test's own clock begins */
#define RETRY_PATIENCE_MS 150 /* the first retry comes within it */

static int setup(void **state)
{
    *state = fixture_new(BEGIN_MS);
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

/* Did any message of this type go out? */
static bool has_sent(const Fixture *fixture, MessageType type)
{
    for (size_t i = 0; i < fixture->sent.count; i++) {
        if (fixture->sent.items[i].type == type) {
            return true;
        }
    }
    return false;
}

static void turn_after(Fixture *fixture, uint64_t ms)
{
    Err err = { 0 };
    fixture->clock_ms += ms;
    assert_int_equal(loop_turn(fixture->loop, 0, &err), ERR_NONE);
}

/* The store takes writes from now on; the shell finds out by itself. */
static void mend_store(Fixture *fixture)
{
    fixture->store->fault = ERR_NONE;
    turn_after(fixture, RETRY_PATIENCE_MS);
    assert_null(shell_read_only(fixture->shell));
}

static Event command(CommandVerb verb, const char *rollout)
{
    return (Event){ .kind = EVENT_COMMAND,
                    .command = { .verb = verb,
                                 .rollout = rollout,
                                 .wave = "",
                                 .actor = "operator ann",
                                 .reason = "" } };
}

static ErrCode bring(Fixture *fixture, const SealedPlan *sealed, const Plan *plan, Err *err)
{
    Event event = { .kind = EVENT_PLAN_BROUGHT,
                    .brought = { .plan = plan,
                                 .plan_hash = sealed->hash,
                                 .bundle = sealed->bundle,
                                 .signers = "3f2a",
                                 .actor = "operator ann" } };
    return shell_request(fixture->shell, &event, NULL, err);
}

/* Brings a plan and starts it over the fleet's targets. */
static ErrCode start(Fixture *fixture, const char *id, Err *err)
{
    AUTO(Arena) arena = { 0 };
    SignedPlan loaded;
    SealedPlan sealed = plan_sample("sample", &arena);
    ErrCode code = load_bundle(sealed.bundle, sealed.hash, &arena, &loaded, err);
    if (code == ERR_NONE) {
        code = bring(fixture, &sealed, loaded.plan, err);
    }
    Event event = { .kind = EVENT_START_ROLLOUT,
                    .start = { .id = id,
                               .plan = loaded.plan,
                               .plan_hash = sealed.hash,
                               .actor = "operator ann" } };
    return code == ERR_NONE ? shell_request(fixture->shell, &event, NULL, err) : code;
}

static void nothing_is_sent_before_it_is_durable(void **state)
{
    Fixture *fixture = *state;
    fleet_add_agent(fixture);
    unsigned commits = fixture->store->commits;
    fleet_say_hello(fixture);
    assert_true(has_sent(fixture, MESSAGE_WELCOME));
    for (size_t i = 0; i < fixture->sent.count; i++) {
        assert_true(fixture->sent.items[i].commits > commits);
    }
}

static void all_events_of_a_turn_make_one_transaction(void **state)
{
    Fixture *fixture = *state;
    Err err = { 0 };
    unsigned commits = fixture->store->commits;
    static const char *const NAMES[] = { "db1", "db2", "db3" };
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        const Event event = { .kind = EVENT_AGENT_ADDED, .agent = NAMES[i] };
        shell_take(fixture->shell, &event);
    }
    assert_int_equal(loop_turn(fixture->loop, 0, &err), ERR_NONE);
    assert_int_equal(fixture->store->commits, commits + 1);
    assert_int_equal(engine_agent_count(shell_engine(fixture->shell)), 3);
}

static void a_batch_that_the_store_refuses_sends_nothing_and_is_tried_again_whole(void **state)
{
    Fixture *fixture = *state;
    fleet_add_agent(fixture);
    fixture->store->fault = ERR_STORE;
    fleet_say_hello(fixture);
    assert_non_null(shell_read_only(fixture->shell));
    assert_null(shell_inbox(fixture->shell));
    assert_int_equal(fixture->sent.count, 0);
    mend_store(fixture);
    assert_true(has_sent(fixture, MESSAGE_WELCOME));
    assert_int_equal(fixture->resumed, 1);
    assert_int_equal(fixture->published, shell_last_seq(fixture->shell));
}

/* Whoever has read it before is told when the store has it, and not earlier. */
static void a_plan_is_told_of_when_it_is_kept(void **state)
{
    Fixture *fixture = *state;
    AUTO(Arena) arena = { 0 };
    SignedPlan loaded;
    Bytes found = { 0 };
    Err err = { 0 };
    Store *store = shell_store(fixture->shell);
    SealedPlan sealed = plan_sample("sample", &arena);
    assert_int_equal(load_bundle(sealed.bundle, sealed.hash, &arena, &loaded, &err), ERR_NONE);
    fixture->store->fault = ERR_STORE;
    assert_int_equal(bring(fixture, &sealed, loaded.plan, &err), ERR_STORE);
    assert_int_equal(fixture->plans, 0);
    memset((uint8_t *)(uintptr_t)sealed.bundle.data, 0, 4); /* the caller's bytes may go */
    mend_store(fixture);
    assert_int_equal(fixture->plans, 1);
    assert_int_equal(store->ops->get_plan(store, sealed.hash, &arena, &found, &err), ERR_NONE);
    assert_int_equal(load_bundle(found, sealed.hash, &arena, &loaded, &err), ERR_NONE);
}

static void a_read_only_shell_refuses_requests_and_goes_on_by_itself(void **state)
{
    Fixture *fixture = *state;
    Err err = { 0 };
    fleet_join(fixture, 3);
    assert_int_equal(start(fixture, "r-1", &err), ERR_NONE);
    fixture->store->fault = ERR_STORE;
    Event pause = command(COMMAND_PAUSE, "r-1");
    assert_int_equal(shell_request(fixture->shell, &pause, NULL, &err), ERR_STORE);
    assert_non_null(strstr(err.message, "told to fail"));
    Event again = command(COMMAND_RESUME, "r-1");
    assert_int_equal(shell_request(fixture->shell, &again, NULL, &err), ERR_STORE);
    mend_store(fixture);
    assert_int_equal(shell_request(fixture->shell, &again, NULL, &err), ERR_NONE);
}

static void the_engines_clock_stands_still_while_the_store_does(void **state)
{
    Fixture *fixture = *state;
    fixture->store->fault = ERR_STORE;
    fleet_add_agent(fixture);
    assert_non_null(shell_read_only(fixture->shell));
    uint64_t stopped_ms = shell_now_ms(fixture->shell);
    fixture->clock_ms += 30;
    assert_int_equal(shell_now_ms(fixture->shell), stopped_ms);
    mend_store(fixture);
    assert_int_equal(shell_now_ms(fixture->shell), stopped_ms);
    fixture->clock_ms += 7;
    assert_int_equal(shell_now_ms(fixture->shell), stopped_ms + 7);
}

static SessionState agent_state(const Fixture *fixture)
{
    return engine_agent_find(shell_engine(fixture->shell), "db1")->state;
}

static EngineConfig config_of(void)
{
    EngineConfig config;
    engine_config_defaults(&config);
    return config;
}

/* The process stood still, and what its agents said meanwhile has not been read. */
static void a_coordinator_that_was_frozen_finds_nobody_lost(void **state)
{
    Fixture *fixture = *state;
    fleet_join(fixture, 3);
    uint64_t before_ms = shell_now_ms(fixture->shell);
    turn_after(fixture, 10 * (uint64_t)config_of().lost_ms);
    assert_int_equal(agent_state(fixture), SESSION_ACTIVE);
    assert_int_equal(shell_now_ms(fixture->shell), before_ms);
}

/* Silence while it runs counts as ever, and on a machine that is always late too. */
static void silence_counts_again_after_a_freeze(void **state)
{
    Fixture *fixture = *state;
    const EngineConfig config = config_of();
    uint64_t late_ms = config.suspect_ms + config.heartbeat_ms;
    fleet_join(fixture, 3);
    turn_after(fixture, 10 * (uint64_t)config.lost_ms);
    for (uint64_t ms = 0; ms < 4 * (uint64_t)config.lost_ms; ms += late_ms) {
        turn_after(fixture, late_ms);
    }
    assert_int_equal(agent_state(fixture), SESSION_LOST);
}

static void a_refused_request_changes_nothing(void **state)
{
    Fixture *fixture = *state;
    Err err = { 0 };
    unsigned commits = fixture->store->commits;
    Event event = command(COMMAND_PAUSE, "r-nowhere");
    assert_int_not_equal(shell_request(fixture->shell, &event, NULL, &err), ERR_NONE);
    assert_int_equal(fixture->store->commits, commits);
    assert_null(shell_read_only(fixture->shell));
}

static void a_higher_term_in_the_store_stops_the_coordinator_for_good(void **state)
{
    Fixture *fixture = *state;
    Err err = { 0 };
    Store *other = NULL;
    uint64_t term = 0;
    assert_int_equal(store_sqlite_open(fixture->path, &other, &err), ERR_NONE);
    assert_int_equal(other->ops->take_term(other, 0, &term, &err), ERR_NONE);
    store_close(other);
    fleet_add_agent(fixture);
    assert_int_equal(shell_fatal(fixture->shell)->code, ERR_STORE_TERM);
    assert_int_equal(err_exit_code(shell_fatal(fixture->shell)->code), EXIT_CODE_REFUSED);
    assert_int_equal(loop_run(fixture->loop, &err),
                     ERR_NONE); /* it has been stopped: returns at once */
}

/* The store is an old backup, or another coordinator has reigned meanwhile. */
static void a_higher_term_in_the_fleet_is_taken_over(void **state)
{
    Fixture *fixture = *state;
    Err err = { 0 };
    fleet_join(fixture, 3);
    assert_int_equal(start(fixture, "r-1", &err), ERR_NONE);
    fleet_list_targets(fixture, 2, 3, 50);
    assert_int_equal(shell_term(fixture->shell), 51);
    assert_int_equal(fixture->resumed, 1);
    assert_null(shell_read_only(fixture->shell));
    const Engine *engine = shell_engine(fixture->shell);
    assert_int_equal(engine_term_seen(engine), 0);
    assert_int_equal(engine_target_count(engine, "r-1"), 3);
}

static void a_restart_raises_the_term_and_finds_everything(void **state)
{
    Fixture *fixture = *state;
    Err err = { 0 };
    fleet_join(fixture, 3);
    assert_int_equal(start(fixture, "r-1", &err), ERR_NONE);
    uint64_t term = shell_term(fixture->shell);
    uint64_t last_seq = shell_last_seq(fixture->shell);
    fixture_close(fixture);
    fixture_open(fixture);
    const Engine *engine = shell_engine(fixture->shell);
    assert_int_equal(shell_term(fixture->shell), term + 1);
    assert_true(shell_last_seq(fixture->shell) >= last_seq);
    assert_int_equal(engine_rollout_count(engine), 1);
    assert_int_equal(engine_target_count(engine, "r-1"), 3);
    assert_int_equal(engine_inventory_count(engine), 3);
}

/* As kill -9 leaves it: nothing is closed, the store's file is only opened again. */
static void a_killed_shell_has_lost_nothing_that_it_answered_for(void **state)
{
    Fixture *fixture = *state;
    Err err = { 0 };
    AUTO(Arena) arena = { 0 };
    StoreContents before = { 0 };
    fleet_join(fixture, 3);
    assert_int_equal(start(fixture, "r-1", &err), ERR_NONE);
    Fixture killed = *fixture;
    Store *real = killed.store->real;
    assert_int_equal(real->ops->load(real, &arena, &before, &err), ERR_NONE);
    LIST_DONE(&killed.sent);
    memset(&fixture->sent, 0, sizeof(fixture->sent));
    fixture_open(fixture);
    const Engine *engine = shell_engine(fixture->shell);
    assert_int_equal(engine_target_count(engine, "r-1"), before.target_count);
    for (size_t i = 0; i < before.target_count; i++) {
        const TargetRow *target = engine_target_at(engine, "r-1", i);
        assert_string_equal(target->address, before.targets[i].address);
        assert_int_equal(target->state, before.targets[i].state);
    }
    shell_free(killed.shell); /* only now, so that the leak checker is content */
    store_close(&killed.store->base);
    loop_free(killed.loop);
}

/* ---- what comes while a batch is performed ---- */

/* As when somebody who is sent to is found gone. */
static void on_send_tell(void *ctx, const SendEffect *send)
{
    Fixture *fixture = ctx;
    unsigned commits = fixture->store->commits;
    if (send->type == MESSAGE_WELCOME) {
        shell_tell(fixture->shell, EVENT_AGENT_FORGED, "db2", 0, "a test");
        shell_flush(fixture->shell);
        assert_int_equal(fixture->store->commits, commits);
    }
}

static void what_is_told_while_a_batch_is_performed_is_the_next_batch(void **state)
{
    Fixture *fixture = *state;
    const ShellPorts ports = { .ctx = fixture,
                               .send = on_send_tell,
                               .published = fixture_on_published };
    Err err = { 0 };
    shell_set_ports(fixture->shell, &ports);
    fleet_add_agent(fixture);
    fleet_say_hello(fixture);
    const Engine *engine = shell_engine(fixture->shell);
    assert_null(engine_agent_find(engine, "db2"));
    assert_int_equal(loop_turn(fixture->loop, 0, &err), ERR_NONE);
    assert_int_equal(engine_agent_find(engine, "db2")->state, SESSION_QUARANTINED);
    assert_int_equal(fixture->published, shell_last_seq(fixture->shell));
}

/* Messages are repeated by those who sent them; what is known of agents is not. */
static void what_is_known_of_agents_is_never_too_much(void **state)
{
    Fixture *fixture = *state;
    const Ping ping = { .sent_at_ms = 1 };
    const Event message = { .kind = EVENT_PING, .agent = "db1", .connection = 1, .ping = &ping };
    fleet_add_agent(fixture);
    while (shell_inbox(fixture->shell) != NULL) {
        shell_take(fixture->shell, &message);
    }
    char name[] = "new";
    shell_tell(fixture->shell, EVENT_AGENT_ADDED, name, 0, "");
    name[0] = '?'; /* it was copied */
    shell_flush(fixture->shell);
    assert_non_null(engine_agent_find(shell_engine(fixture->shell), "new"));
    assert_non_null(shell_inbox(fixture->shell));
}

/* The store fails while a batch is performed that has found a higher term in the fleet. */
static void on_send_break_store(void *ctx, const SendEffect *send)
{
    Fixture *fixture = ctx;
    if (send->type == MESSAGE_PONG) {
        fixture->store->fault = ERR_STORE;
        shell_tell(fixture->shell, EVENT_AGENT_FORGED, "db2", 0, "a test");
        shell_flush(fixture->shell);
    }
}

static void queue_ping(Fixture *fixture)
{
    static const Ping PING = { .sent_at_ms = 1 };
    const Event event = { .kind = EVENT_PING,
                          .agent = "db1",
                          .connection = 1,
                          .session = fixture->session,
                          .protocol = 1,
                          .ping = &PING };
    shell_take(fixture->shell, &event);
}

static void an_outage_ends_once(void **state)
{
    Fixture *fixture = *state;
    const ShellPorts ports = { .ctx = fixture,
                               .send = on_send_break_store,
                               .resumed = fixture_on_resumed };
    fleet_join(fixture, 3);
    shell_set_ports(fixture->shell, &ports);
    queue_ping(fixture);
    fleet_list_targets(fixture, 2, 3, 50);
    assert_non_null(shell_read_only(fixture->shell));
    uint64_t stopped_ms = shell_now_ms(fixture->shell);
    mend_store(fixture);
    for (int i = 0; i < 45; i++) { /* another timer, were there one, would come in this time */
        turn_after(fixture, RETRY_PATIENCE_MS / 15);
        assert_true(shell_now_ms(fixture->shell) >= stopped_ms);
    }
    assert_int_equal(fixture->resumed, 1);
    assert_int_equal(shell_term(fixture->shell), 51);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_sent_before_it_is_durable),
        TEST(all_events_of_a_turn_make_one_transaction),
        TEST(a_batch_that_the_store_refuses_sends_nothing_and_is_tried_again_whole),
        TEST(a_plan_is_told_of_when_it_is_kept),
        TEST(a_read_only_shell_refuses_requests_and_goes_on_by_itself),
        TEST(the_engines_clock_stands_still_while_the_store_does),
        TEST(a_coordinator_that_was_frozen_finds_nobody_lost),
        TEST(silence_counts_again_after_a_freeze),
        TEST(a_refused_request_changes_nothing),
        TEST(what_is_told_while_a_batch_is_performed_is_the_next_batch),
        TEST(what_is_known_of_agents_is_never_too_much),
        TEST(an_outage_ends_once),
        TEST(a_higher_term_in_the_store_stops_the_coordinator_for_good),
        TEST(a_higher_term_in_the_fleet_is_taken_over),
        TEST(a_restart_raises_the_term_and_finds_everything),
        TEST(a_killed_shell_has_lost_nothing_that_it_answered_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
