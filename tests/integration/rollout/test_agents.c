/* Agents that are killed, frozen, stopped or away: every change takes effect exactly once. */
#include "tests/harness/fleet.h"

#include <string.h>

#include "common/str.h"

#define PATIENT "timeouts: { lock: 30s }"

static void gated_history(Fleet *fleet)
{
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
}

static void assert_applied_everywhere(Fleet *fleet, const char *applied)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)), applied);
    }
}

static bool has_happened(Fleet *fleet, const char *id, const char *new_state)
{
    json_t *answer = fleet_get(fleet, "/events?rollout=%s&limit=1000", id);
    size_t index = 0;
    json_t *event = NULL;
    json_array_foreach(json_object_get(answer, "items"), index, event)
    {
        if (json_text(event, "target")[0] == '\0' && json_text(event, "wave")[0] == '\0' &&
            strcmp(json_text(event, "new"), new_state) == 0) {
            return true;
        }
    }
    return false;
}

/* A rollout of which db2/tenant_1 waits inside a transaction. */
static const char *start_and_stick(Fleet *fleet, PGconn **ret_gate)
{
    gated_history(fleet);
    *ret_gate = fleet_gate_close(fleet, "db2/tenant_1");
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = PATIENT });
    fleet_gate_await(fleet, "db2/tenant_1");
    return id;
}

static void an_agent_killed_inside_a_transaction_begins_anew(void **state)
{
    Fleet *fleet = *state;
    PGconn *gate = NULL;
    const char *id = start_and_stick(fleet, &gate);
    fleet_agent_kill(fleet, 1);
    fleet_agent_start(fleet, 1, NULL);
    FLEET_AWAIT(fleet, json_count(fleet_target(fleet, id, "db2/tenant_1"), "attempt") >= 1);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_applied_everywhere(fleet, "0001_t,0002_gate");
}

/* The COMMIT may be in the server's hands already when the agent dies. */
static void an_agent_killed_as_its_transaction_ends_applies_once(void **state)
{
    Fleet *fleet = *state;
    PGconn *gate = NULL;
    const char *id = start_and_stick(fleet, &gate);
    fleet_gate_open(fleet, gate);
    fleet_agent_kill(fleet, 1);
    fleet_agent_start(fleet, 1, NULL);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_applied_everywhere(fleet, "0001_t,0002_gate");
}

static void an_agent_killed_in_the_middle_of_a_wave_goes_on(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_slow", "SELECT pg_sleep(0.2)", "SELECT 1");
    fleet_migration(fleet, "0002_slow", "SELECT pg_sleep(0.2)", "SELECT 1");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = "max_parallel_per_host: 1" });
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "verifying") >= 3);
    fleet_agent_kill(fleet, 0);
    fleet_agent_start(fleet, 0, NULL);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_applied_everywhere(fleet, "0001_slow,0002_slow");
}

static void a_stopped_agent_leaves_nothing_half_done(void **state)
{
    Fleet *fleet = *state;
    PGconn *gate = NULL;
    const char *id = start_and_stick(fleet, &gate);
    fleet_agent_stop(fleet, 1);
    assert_string_equal(
        fleet_ask(fleet, "db2/tenant_1",
                  "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'skein/%'"),
        "0");
    assert_string_equal(fleet_applied(fleet, "db2/tenant_1"), "0001_t");
    fleet_gate_open(fleet, gate);
    fleet_agent_start(fleet, 1, NULL);
    fleet_await_rollout(fleet, id, "succeeded");
}

static void a_frozen_agent_is_lost_and_found(void **state)
{
    Fleet *fleet = *state;
    PGconn *gate = NULL;
    const char *id = start_and_stick(fleet, &gate);
    fleet_agent_freeze(fleet, 1);
    fleet_await_target(fleet, id, "db2/tenant_1", "unknown");
    fleet_agent_thaw(fleet, 1);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_applied_everywhere(fleet, "0001_t,0002_gate");
}

/* What the first cluster of errors advises; "" for nothing. */
static const char *advice(Fleet *fleet, const char *id)
{
    json_t *items = json_object_get(fleet_get(fleet, "/rollouts/%s/errors", id), "items");
    return json_text(json_array_get(items, 0), "hint");
}

/* Beyond agent_lost.after: what is in reach is taken back at once, the rest is debt until it
 * returns. */
static void an_agent_that_stays_away_is_owed_its_roll_back(void **state)
{
    Fleet *fleet = *state;
    gated_history(fleet);
    PGconn *gate = fleet_gate_close(fleet, "db3/tenant_2");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE,
                             .strategy = PATIENT ", on_agent_lost: { after: " FLEET_LOST_AFTER
                                                 ", then: roll_back_rollout }" });
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "verifying") == FLEET_TARGETS - 1);
    fleet_gate_await(fleet, "db3/tenant_2");
    fleet_agent_kill(fleet, 2);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "rollback_held");
    assert_int_equal(fleet_rollout_count(fleet, id, "debt"), 4);
    assert_int_equal(fleet_rollout_count(fleet, id, "rolled_back"), 8);
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "");
    assert_string_equal(fleet_applied(fleet, "db3/tenant_1"), "0001_t,0002_gate");
    assert_int_equal(fleet_cli(fleet, "rollout", "watch", id, NULL).exit_code, 6);
    assert_non_null(strstr(advice(fleet, id), "as soon as the agent is back"));
    fleet_agent_start(fleet, 2, NULL);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_string_equal(advice(fleet, id), "");
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)), "");
    }
}

static void a_rollout_told_to_wait_waits_for_its_agent(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    fleet_agent_kill(fleet, 2);
    const char *id = fleet_rollout_start(
        fleet,
        &(FleetPlan){ .waves = FLEET_ONE_WAVE,
                      .strategy = "on_agent_lost: { after: " FLEET_LOST_AFTER ", then: wait }" });
    FLEET_AWAIT(fleet, json_count(fleet_get(fleet, "/rollouts/%s", id), "charged") == 4);
    assert_int_equal(fleet_rollout_count(fleet, id, "verifying"), 8);
    assert_string_equal(fleet_rollout_state(fleet, id), "running");
    fleet_agent_start(fleet, 2, NULL);
    fleet_await_rollout(fleet, id, "succeeded");
}

/* Two of three at once: the coordinator itself is probably cut off, and nothing is taken back. */
static void many_agents_lost_at_once_only_pause(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet,
        &(FleetPlan){
            .waves =
                "{ name: most, targets: 9 }, { name: rest, targets: 100%, approval: required }",
            .strategy =
                "on_agent_lost: { after: " FLEET_LOST_AFTER ", then: roll_back_rollout }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    fleet_agent_freeze(fleet, 1);
    fleet_agent_freeze(fleet, 2);
    fleet_await_rollout(fleet, id, "paused");
    assert_string_equal(json_text(fleet_get(fleet, "/rollouts/%s", id), "pause_cause"),
                        "mass_loss");
    fleet_agent_thaw(fleet, 1);
    fleet_agent_thaw(fleet, 2);
    FLEET_AWAIT(fleet, json_count(json_object_get(fleet_get(fleet, "/status"), "agents"),
                                  "active") == FLEET_HOSTS);
    fleet_rollout_order(fleet, "resume", id);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_false(has_happened(fleet, id, "rolling_back"));
}

/* kill -9 after the COMMIT and before the report, at several reports. */
static void an_agent_killed_before_it_reports_applies_once(void **state)
{
    Fleet *fleet = *state;
    unsigned deaths = 0;
    fleet_history(fleet, 3);
    fleet_start(fleet);
    for (unsigned passing = 1; passing <= 4; passing++) {
        fleet_agent_stop(fleet, 1);
        fleet_agent_start(fleet, 1,
                          arena_printf(&fleet->arena, "agent.before_report=kill@%u", passing * 2));
        const char *id =
            fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE,
                                                     .where = "instance = 'db2'",
                                                     .strategy = "max_parallel_per_host: 1" });
        FLEET_AWAIT(fleet, fleet_process_has_died(&fleet->hosts[1].pid) ||
                               strcmp(fleet_rollout_state(fleet, id), "succeeded") == 0);
        if (fleet->hosts[1].pid == 0) {
            deaths++;
            fleet_agent_start(fleet, 1, NULL);
        }
        fleet_await_rollout(fleet, id, "succeeded");
        assert_string_equal(fleet_applied(fleet, "db2/tenant_1"), "0001_t,0002_t,0003_t");
        fleet_rollout_order(fleet, "rollback", id);
        fleet_await_rollout(fleet, id, "rolled_back");
    }
    assert_true(deaths >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(an_agent_killed_inside_a_transaction_begins_anew),
        FLEET_TEST(an_agent_killed_as_its_transaction_ends_applies_once),
        FLEET_TEST(an_agent_killed_in_the_middle_of_a_wave_goes_on),
        FLEET_TEST(a_stopped_agent_leaves_nothing_half_done),
        FLEET_TEST(a_frozen_agent_is_lost_and_found),
        FLEET_TEST(an_agent_that_stays_away_is_owed_its_roll_back),
        FLEET_TEST(a_rollout_told_to_wait_waits_for_its_agent),
        FLEET_TEST(many_agents_lost_at_once_only_pause),
        FLEET_TEST(an_agent_killed_before_it_reports_applies_once),
    };
    return FLEET_RUN(tests);
}
