/* Agents that are cut off, for short and for long, in one direction and in both; and messages that
 * are lost, doubled and late. */
#include "tests/chaos/chaos.h"

#include <string.h>

#include "common/str.h"

#define HERE "db2/tenant_1"
#define PATIENT "timeouts: { lock: 30s }"

static void gated_history(Fleet *fleet)
{
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
}

static void all_are_at(Fleet *fleet, const char *applied)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)), applied);
    }
}

static long long active_agents(Fleet *fleet)
{
    return json_count(json_object_get(fleet_get(fleet, "/status"), "agents"), "active");
}

static void an_agent_cut_off_for_a_while_is_charged_nothing(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    gated_history(fleet);
    PGconn *gate = fleet_gate_close(fleet, HERE);
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = PATIENT });
    fleet_gate_await(fleet, HERE);
    net_cut(chaos_net, HOST_COORDINATOR, HOST_DB(2));
    fleet_await_target(fleet, id, HERE, "unknown");
    net_heal(chaos_net);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(json_count(fleet_get(fleet, "/rollouts/%s", id), "charged"), 0);
    all_are_at(fleet, "0001_t,0002_gate");
}

/* What is in reach is taken back at once; what is applied meanwhile where nobody hears of it is
 * taken back when it is heard of. */
static void an_agent_cut_off_for_long_is_taken_back_on_its_return(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    gated_history(fleet);
    PGconn *gate = fleet_gate_close(fleet, HERE);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE,
                             .strategy = PATIENT ", on_agent_lost: { after: " FLEET_LOST_AFTER
                                                 ", then: roll_back_rollout }" });
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "verifying") == FLEET_TARGETS - 1);
    fleet_gate_await(fleet, HERE);
    net_cut(chaos_net, HOST_COORDINATOR, HOST_DB(2));
    fleet_await_rollout(fleet, id, "rollback_held");
    assert_int_equal(fleet_rollout_count(fleet, id, "debt"), FLEET_TENANTS);
    fleet_gate_open(fleet, gate);
    fleet_await_sql(fleet, HERE, "SELECT to_regclass('behind') IS NOT NULL");
    net_heal(chaos_net);
    fleet_await_rollout(fleet, id, "rolled_back");
    all_are_at(fleet, "");
}

/* Nothing is started over a line that carries nothing back; and afterwards all is quiet. */
static void a_line_of_one_direction_is_no_line(void **state)
{
    static const struct {
        size_t from;
        size_t to;
    } ROWS[] = {
        { HOST_COORDINATOR, HOST_DB(2) },
        { HOST_DB(2), HOST_COORDINATOR },
    };
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_history(fleet, 1);
    fleet_start(fleet);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        net_trouble(chaos_net, ROWS[i].from, ROWS[i].to, &(NetTrouble){ .is_cut = true });
        FLEET_AWAIT(fleet, active_agents(fleet) == FLEET_HOSTS - 1);
        net_heal(chaos_net);
        FLEET_AWAIT(fleet, active_agents(fleet) == FLEET_HOSTS);
        const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
        fleet_await_rollout(fleet, id, "succeeded");
        fleet_rollout_order(fleet, "rollback", id);
        fleet_await_rollout(fleet, id, "rolled_back");
    }
}

/* Some are lost, among them acknowledgements; many come twice, and up to fifty messages late. */
static void messages_lost_doubled_and_late_change_nothing(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet->messages = "seed=1,lose=5,double=30,hold=10";
    fleet_history(fleet, 3);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    chaos_see_through(fleet, id, "succeeded");
    all_are_at(fleet, "0001_t,0002_t,0003_t");
    fleet_rollout_order(fleet, "rollback", id);
    chaos_see_through(fleet, id, "rolled_back");
    all_are_at(fleet, "");
}

static void a_bad_line_changes_nothing(void **state)
{
    static const NetTrouble BAD = {
        .loss_percent = 10, .double_percent = 10, .delay_ms = 10, .jitter_ms = 100
    };
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_history(fleet, 3);
    fleet_start(fleet);
    for (size_t i = 1; i <= FLEET_HOSTS; i++) {
        net_trouble(chaos_net, HOST_COORDINATOR, HOST_DB(i), &BAD);
        net_trouble(chaos_net, HOST_DB(i), HOST_COORDINATOR, &BAD);
    }
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    chaos_see_through(fleet, id, "succeeded");
    assert_true(net_counts(chaos_net).dropped > 0);
    all_are_at(fleet, "0001_t,0002_t,0003_t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHAOS_TEST(an_agent_cut_off_for_a_while_is_charged_nothing),
        CHAOS_TEST(an_agent_cut_off_for_long_is_taken_back_on_its_return),
        CHAOS_TEST(a_line_of_one_direction_is_no_line),
        CHAOS_TEST(messages_lost_doubled_and_late_change_nothing),
        CHAOS_TEST(a_bad_line_changes_nothing),
    };
    return CHAOS_RUN(tests);
}
