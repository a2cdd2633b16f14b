/* Two releases at once: what speaks the protocol version before this one works beside what does
 * not. */
#include "tests/harness/fleet.h"

#include <string.h>

#include "common/str.h"

#define OLD_AGENT "agent.release_before=error"
#define OLD_COORDINATOR "coordinator.release_before=error"

static void assert_applied_everywhere(Fleet *fleet, const char *applied)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)), applied);
    }
}

static const char *step_of(Fleet *fleet, const char *id, const char *address)
{
    return json_text(fleet_target(fleet, id, address), "step");
}

/* What only a newer one can say is missing, and nothing else. */
static void a_fleet_of_two_releases_rolls_out(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    fleet_agent_kill(fleet, 1);
    fleet_agent_start(fleet, 1, OLD_AGENT);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_true(str_starts_with(step_of(fleet, id, "db1/tenant_1"), "0002_"));
    assert_string_equal(step_of(fleet, id, "db2/tenant_1"), "");
}

static void releases_may_change_in_the_middle_of_a_rollout(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
    PGconn *gate = fleet_gate_close(fleet, "db2/tenant_1");
    fleet_start(fleet);
    fleet_agent_kill(fleet, 1);
    fleet_agent_start(fleet, 1, OLD_AGENT);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = "timeouts: { lock: 30s }" });
    fleet_gate_await(fleet, "db2/tenant_1");
    fleet_agent_kill(fleet, 1);
    fleet_agent_start(fleet, 1, NULL); /* upgraded, its transaction open */
    fleet_agent_kill(fleet, 0);
    fleet_agent_start(fleet, 0, OLD_AGENT);
    fleet_coordinator_kill(fleet);
    fleet_coordinator_start(fleet, OLD_COORDINATOR);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_applied_everywhere(fleet, "0001_t,0002_gate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_fleet_of_two_releases_rolls_out),
        FLEET_TEST(releases_may_change_in_the_middle_of_a_rollout),
    };
    return FLEET_RUN(tests);
}
