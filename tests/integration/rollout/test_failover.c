/*
 * Failovers to a standby that lacks what was committed last: asynchronous, and cut off from its
 * primary before the rollout. Nobody works on the targets when it happens.
 */
#include "tests/harness/fleet.h"

#include <string.h>

#include "common/str.h"

#define HERE "ha/tenant_1"
#define OLD 3 /* the host of the old primary: behind db1 … db3, which do not run */
#define NEW 4 /* of its standby, where that has an agent of its own */
#define CANARY "{ name: canary, targets: 1 }, { name: rest, targets: 100%, approval: required }"

static PgCluster *standby_of(Fleet *fleet, PgCluster *primary)
{
    PgCluster *standby = pg_cluster_start_standby(primary);
    LIST_PUSH(&fleet->clusters, standby);
    pg_cluster_run(standby, "postgres", "ALTER SYSTEM SET primary_conninfo = ''");
    pg_cluster_run(standby, "postgres", "SELECT pg_reload_conf()");
    pg_cluster_await(standby, "postgres", "SELECT count(*) = 0 FROM pg_stat_wal_receiver",
                     FLEET_AWAIT_MS);
    return standby;
}

/* A primary with two tenants, dialled at an address of its own, and its standby, which gets nothing
 * from now on. */
static PgCluster *pair_start(Fleet *fleet)
{
    PgCluster *primary = pg_cluster_start(NULL);
    LIST_PUSH(&fleet->clusters, primary);
    pg_cluster_make_database(primary, "tenant_1");
    pg_cluster_make_database(primary, "tenant_2");
    fleet_migration_raw(fleet, "0001_first_solo", "CREATE TABLE first (i int)", "DROP TABLE first");
    fleet_host_add(fleet, "ha", primary);
    fleet_proxy(fleet, OLD);
    fleet_coordinator_start(fleet, NULL);
    fleet_agent_start(fleet, OLD, NULL);
    fleet_await_targets(fleet, 2);
    return standby_of(fleet, primary);
}

/* The old primary is dead, and its address leads to the new one. */
static void fail_over(Fleet *fleet, PgCluster *standby)
{
    pg_cluster_crash(fleet->hosts[OLD].cluster);
    pg_cluster_run(standby, "postgres", "SELECT pg_promote()");
    tcp_proxy_retarget(fleet->proxies.items[0], pg_cluster_port(standby));
    fleet->hosts[OLD].cluster = standby;
}

static json_t *target_of(Fleet *fleet, const char *address)
{
    json_t *items = json_object_get(fleet_get(fleet, "/targets?limit=1000"), "items");
    size_t index = 0;
    json_t *target = NULL;
    json_array_foreach(items, index, target)
    {
        if (strcmp(json_text(target, "address"), address) == 0) {
            return target;
        }
    }
    return NULL;
}

static const char *lost_of(Fleet *fleet, const char *address)
{
    return json_text(target_of(fleet, address), "lost");
}

static bool is_disputed(Fleet *fleet, const char *address)
{
    return json_is_true(json_object_get(target_of(fleet, address), "is_disputed"));
}

static void a_settled_target_that_a_promoted_standby_lacks_is_held(void **state)
{
    Fleet *fleet = *state;
    PgCluster *standby = pair_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = CANARY });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    fleet_await_target(fleet, id, HERE, "healthy");
    fail_over(fleet, standby);
    const char *words = fleet_await_target(fleet, id, HERE, "held");
    assert_non_null(
        strstr(words, "a standby was promoted (timeline 1 to 2) without 0001_first_solo"));
    fleet_await_rollout(fleet, id, "paused");
    assert_string_equal(json_text(fleet_get(fleet, "/rollouts/%s", id), "pause_cause"), "failover");
    assert_non_null(strstr(fleet_cli(fleet, "rollout", "events", id, NULL).out,
                           "was promoted (timeline 1 to 2) and has lost what "));
    assert_non_null(
        strstr(fleet_cli(fleet, "targets", NULL).out, "lost in a failover: 0001_first_solo"));
    assert_int_equal(fleet_cli(fleet, "rollout", "resume", id, NULL).exit_code, EXIT_CODE_REFUSED);
    assert_int_equal(fleet_cli(fleet, "rollout", "retry", id, HERE, NULL).exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_target(fleet, id, HERE, "healthy");
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_applied(fleet, HERE), "0001_first_solo");
    assert_string_equal(lost_of(fleet, HERE), "");
}

static bool is_told(Fleet *fleet, const char *id, const char *address)
{
    const json_t *error = json_object_get(fleet_target(fleet, id, address), "error");
    return json_is_object(error) && strcmp(json_text(error, "code"), "lost_after_failover") == 0;
}

/* Nothing is held of what has ended: the list of targets tells, until it is mended. */
static void what_an_ended_rollout_lost_in_a_failover_is_told(void **state)
{
    Fleet *fleet = *state;
    PgCluster *standby = pair_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    fleet_coordinator_kill(fleet); /* what it knows of it is in its store */
    fail_over(fleet, standby);
    fleet_coordinator_start(fleet, NULL);
    FLEET_AWAIT(fleet, strcmp(lost_of(fleet, HERE), "0001_first_solo") == 0 &&
                           strcmp(lost_of(fleet, "ha/tenant_2"), "0001_first_solo") == 0);
    fleet_await_rollout(fleet, id, "succeeded");
    id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_applied(fleet, HERE), "0001_first_solo");
    FLEET_AWAIT(fleet, strcmp(lost_of(fleet, HERE), "") == 0);
}

/* The one upon the other is taken back, which brings nothing back that was lost beneath it. */
static void what_two_rollouts_lost_in_a_failover_is_told_of_both(void **state)
{
    Fleet *fleet = *state;
    PgCluster *standby = pair_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    const char *upon = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, upon, "succeeded");
    fail_over(fleet, standby);
    FLEET_AWAIT(fleet, is_told(fleet, upon, HERE) && is_told(fleet, id, HERE));
    fleet_rollout_order(fleet, "rollback", upon);
    fleet_await_rollout(fleet, upon, "rolled_back");
    FLEET_AWAIT(fleet, strcmp(lost_of(fleet, HERE), "0001_first_solo") == 0);
    id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_applied(fleet, HERE), "0001_first_solo");
    FLEET_AWAIT(fleet, strcmp(lost_of(fleet, HERE), "") == 0);
}

/* Its original lives on: which is the real one? When one of them is silent, the other. */
static void a_base_backup_that_is_promoted_beside_its_original_is_disputed(void **state)
{
    Fleet *fleet = *state;
    PgCluster *standby = pair_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = CANARY });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    fleet_host_add(fleet, "copy", standby);
    pg_cluster_run(standby, "postgres", "SELECT pg_promote()");
    fleet_agent_start(fleet, NEW, NULL);
    FLEET_AWAIT(fleet, is_disputed(fleet, HERE) && is_disputed(fleet, "copy/tenant_1"));
    assert_string_equal(json_text(fleet_target(fleet, id, HERE), "state"), "healthy");
    assert_string_equal(json_text(fleet_target(fleet, id, HERE), "agent"), "ha");
    pg_cluster_crash(fleet->hosts[OLD].cluster);
    fleet_await_target(fleet, id, HERE, "held");
    assert_string_equal(json_text(fleet_target(fleet, id, HERE), "agent"), "copy");
    assert_false(is_disputed(fleet, "copy/tenant_1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_settled_target_that_a_promoted_standby_lacks_is_held),
        FLEET_TEST(what_an_ended_rollout_lost_in_a_failover_is_told),
        FLEET_TEST(what_two_rollouts_lost_in_a_failover_is_told_of_both),
        FLEET_TEST(a_base_backup_that_is_promoted_beside_its_original_is_disputed),
    };
    return FLEET_RUN(tests);
}
