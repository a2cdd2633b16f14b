/* A coordinator that is killed at any moment: what runs goes on, what was decided stands, nothing
 * runs twice. */
#include "tests/harness/fleet.h"

#include <string.h>

#include "common/str.h"

static void assert_applied_everywhere(Fleet *fleet, const char *applied)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)), applied);
    }
}

/* Has anything in the answer's events come into this state? */
static bool has_entered(const json_t *answer, const char *entered)
{
    size_t index = 0;
    json_t *event = NULL;
    json_array_foreach(json_object_get(answer, "items"), index, event)
    {
        if (strcmp(json_text(event, "new"), entered) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_rolled_back(Fleet *fleet, const char *id)
{
    return has_entered(fleet_get(fleet, "/events?rollout=%s&limit=1000", id), "rolling_back");
}

/* Coordinator starts are numbered by its term. */
static long long term(Fleet *fleet)
{
    return json_count(fleet_get(fleet, "/status"), "term");
}

static void steps_end_without_a_coordinator_and_it_goes_on(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
    PGconn *gate = fleet_gate_close(fleet, "db2/tenant_1");
    fleet_start(fleet);
    long long before = term(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "timeouts: { lock: 30s }" });
    fleet_gate_await(fleet, "db2/tenant_1");
    fleet_coordinator_kill(fleet);
    fleet_gate_open(fleet, gate);
    fleet_await_sql(fleet, "db2/tenant_1", "SELECT to_regclass('behind') IS NOT NULL");
    fleet_coordinator_start(fleet, NULL);
    assert_true(term(fleet) > before);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_applied_everywhere(fleet, "0001_t,0002_gate");
}

/* Away for longer than agent_lost.after: its own absence is no verdict about others. */
static void a_coordinator_that_was_away_takes_nothing_back(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet,
        &(FleetPlan){
            .waves =
                "{ name: most, targets: 9 }, { name: rest, targets: 100%, approval: required }",
            .strategy =
                "on_agent_lost: { after: " FLEET_LOST_AFTER ", then: roll_back_rollout }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    fleet_coordinator_kill(fleet);
    uint64_t back_ms = clock_boot_ms() + 3500;
    FLEET_AWAIT(fleet, clock_boot_ms() > back_ms);
    fleet_coordinator_start(fleet, NULL);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_false(has_rolled_back(fleet, id));
}

/*
 * As a suspended machine does, longer than agents may be silent: it was the one that was away. With
 * all of them lost at once, everything would be paused until a person looks.
 */
static void a_frozen_coordinator_thinks_nobody_lost(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = "{ name: most, targets: 9 },"
                                      "{ name: rest, targets: 100%, approval: required }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    fleet_coordinator_freeze(fleet);
    uint64_t thaw_ms = clock_boot_ms() + 4000;
    FLEET_AWAIT(fleet, clock_boot_ms() > thaw_ms);
    fleet_coordinator_thaw(fleet);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
    json_t *events = fleet_get(fleet, "/events?limit=1000");
    assert_false(has_entered(events, "lost"));
    assert_false(has_entered(events, "paused"));
}

static void a_roll_back_goes_on_after_a_restart(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_slow_back", "CREATE TABLE t (i int)",
                    "SELECT pg_sleep(0.1); DROP TABLE t");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "max_parallel: 2" });
    fleet_await_rollout(fleet, id, "succeeded");
    fleet_rollout_order(fleet, "rollback", id);
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "rolled_back") >= 2);
    fleet_coordinator_kill(fleet);
    fleet_coordinator_start(fleet, NULL);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_applied_everywhere(fleet, "");
}

static void a_paused_rollout_is_still_paused_after_a_restart(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .waves = "{ name: a, targets: 1, soak: 1h },"
                                                          "{ name: b, targets: 100% }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "a"), "soaking") == 0);
    fleet_rollout_order(fleet, "pause", id);
    fleet_coordinator_kill(fleet);
    fleet_coordinator_start(fleet, NULL);
    FLEET_AWAIT(fleet,
                !json_is_true(json_object_get(fleet_get(fleet, "/status"), "is_recovering")));
    json_t *rollout = fleet_get(fleet, "/rollouts/%s", id);
    assert_string_equal(json_text(rollout, "state"), "paused");
    assert_string_equal(json_text(rollout, "pause_cause"), "operator");
    assert_int_equal(fleet_rollout_count(fleet, id, "pending"), FLEET_TARGETS - 1);
}

static void revive(Fleet *fleet, unsigned *deaths)
{
    if (fleet_process_has_died(&fleet->coordinator_pid)) {
        (*deaths)++;
        fleet_coordinator_start(fleet, NULL);
    }
}

/*
 * Gives an order until it has been answered. The coordinator may die before it says that it has
 * taken it: then the second try is refused, because the first one counted.
 */
static void order_despite_deaths(Fleet *fleet, const char *verb, const char *subject,
                                 unsigned *deaths)
{
    CliResult result = { .exit_code = EXIT_CODE_UNREACHABLE };
    uint64_t deadline_ms = clock_boot_ms() + FLEET_AWAIT_MS;
    while (result.exit_code == EXIT_CODE_UNREACHABLE) {
        fleet_poll(fleet, deadline_ms, "an answer to an order");
        revive(fleet, deaths);
        result = fleet_cli(fleet, "rollout", verb, subject, "--yes", NULL);
    }
    if (result.exit_code != EXIT_CODE_DONE && result.exit_code != EXIT_CODE_REFUSED) {
        fleet_fail(fleet, "rollout %s: exit code %d: %s", verb, result.exit_code, result.err);
    }
}

static const char *newest_despite_deaths(Fleet *fleet, unsigned *deaths)
{
    json_t *answer = NULL;
    uint64_t deadline_ms = clock_boot_ms() + FLEET_AWAIT_MS;
    while ((answer = fleet_try_get(fleet, "/rollouts")) == NULL) {
        fleet_poll(fleet, deadline_ms, "the list of rollouts");
        revive(fleet, deaths);
    }
    return json_text(json_array_get(json_object_get(answer, "items"), 0), "id");
}

static void await_despite_deaths(Fleet *fleet, const char *id, const char *rollout_state,
                                 unsigned *deaths)
{
    uint64_t deadline_ms = clock_boot_ms() + FLEET_AWAIT_MS;
    while (strcmp(fleet_rollout_state(fleet, id), rollout_state) != 0) {
        fleet_poll(fleet, deadline_ms, rollout_state);
        revive(fleet, deaths);
    }
}

/*
 * A failpoint kills the coordinator around its commits: after one and before anything is sent, or
 * after a report has come in and before it is stored. Swept over the commits of a rollout and of
 * its way back, so that all kinds of them are hit; each time it comes back and the rollout ends as
 * if nothing had happened.
 */
static void swept(Fleet *fleet, const char *failpoint)
{
    unsigned deaths = 0;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    for (unsigned passing = 14; passing <= 40; passing += 13) {
        fleet_coordinator_kill(fleet);
        fleet_coordinator_launch(fleet,
                                 arena_printf(&fleet->arena, "%s=kill@%u", failpoint, passing));
        FLEET_AWAIT(fleet, fleet_process_has_died(&fleet->coordinator_pid) ||
                               fleet_try_get(fleet, "/status") != NULL);
        const char *plan = fleet_plan_write(fleet, &(FleetPlan){ 0 });
        order_despite_deaths(fleet, "start", plan, &deaths);
        const char *id = newest_despite_deaths(fleet, &deaths);
        await_despite_deaths(fleet, id, "succeeded", &deaths);
        assert_applied_everywhere(fleet, "0001_t,0002_t");
        order_despite_deaths(fleet, "rollback", id, &deaths);
        await_despite_deaths(fleet, id, "rolled_back", &deaths);
        assert_applied_everywhere(fleet, "");
    }
    assert_true(deaths >= 2);
}

static void a_coordinator_killed_before_it_sends_sends_later(void **state)
{
    swept(*state, "store.after_commit");
}

static void a_coordinator_killed_before_it_stores_hears_it_again(void **state)
{
    swept(*state, "store.before_commit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(steps_end_without_a_coordinator_and_it_goes_on),
        FLEET_TEST(a_coordinator_that_was_away_takes_nothing_back),
        FLEET_TEST(a_frozen_coordinator_thinks_nobody_lost),
        FLEET_TEST(a_roll_back_goes_on_after_a_restart),
        FLEET_TEST(a_paused_rollout_is_still_paused_after_a_restart),
        FLEET_TEST(a_coordinator_killed_before_it_sends_sends_later),
        FLEET_TEST(a_coordinator_killed_before_it_stores_hears_it_again),
    };
    return FLEET_RUN(tests);
}
