/* Disks that are full, under the store and under a server; and a server that stays away. */
#include "tests/chaos/chaos.h"

#include <string.h>

#include "common/str.h"

#define HERE "db2/tenant_1"
#define ONLY_HERE "instance = 'db2' and database = 'tenant_1'"
#define STORE_BYTES (8u * 1024 * 1024)
#define TABLESPACE_BYTES (4u * 1024 * 1024)

static bool is_read_only(Fleet *fleet)
{
    json_t *status = fleet_try_get(fleet, "/status");
    return status != NULL && json_is_true(json_object_get(status, "is_read_only"));
}

/* The step that runs ends; nothing more begins, nothing is taken from people, nothing forgotten. */
static void a_full_disk_under_the_store_is_waited_for(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    const char *disk = chaos_disk(fleet, STORE_BYTES);
    fleet->store = arena_printf(&fleet->arena, "%s/store.db", disk);
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
    const char *first = fleet_address(fleet, 0);
    PGconn *gate = fleet_gate_close(fleet, first);
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "timeouts: { lock: 30s }" });
    fleet_gate_await(fleet, first);
    chaos_disk_fill(fleet, disk);
    fleet_gate_open(fleet, gate);
    FLEET_AWAIT(fleet, is_read_only(fleet));
    fleet_await_sql(fleet, first, "SELECT to_regclass('behind') IS NOT NULL");
    assert_int_equal(fleet_cli(fleet, "rollout", "pause", id, NULL).exit_code, EXIT_CODE_FAILED);
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('behind') IS NOT NULL"), 1);
    chaos_disk_empty(fleet, disk);
    fleet_await_rollout(fleet, id, "succeeded");
}

/* The target says so in the server's words, keeps nothing of it, and goes on when there is room. */
static void a_full_disk_under_a_server_is_its_targets_failure(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    const char *disk = chaos_disk_under(fleet, 1, "tenant_1", TABLESPACE_BYTES);
    fleet_migration(fleet, "0001_large",
                    "CREATE TABLE large AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
                    "DROP TABLE large");
    fleet_start(fleet);
    chaos_disk_fill(fleet, disk);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = "on_failure: pause" });
    fleet_await_rollout(fleet, id, "paused");
    fleet_await_target(fleet, id, HERE, "failed");
    const json_t *error = json_object_get(fleet_target(fleet, id, HERE), "error");
    assert_string_equal(json_text(error, "sqlstate"), "53100");
    assert_non_null(strstr(json_text(error, "message"), "No space left on device"));
    assert_string_equal(fleet_applied(fleet, HERE), "");
    chaos_disk_empty(fleet, disk);
    chaos_see_through(fleet, id, "succeeded");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
}

/* Nothing was sent: that is known, and said. Its agent is there all the time. */
static void a_server_that_stays_away_fails_what_was_not_sent(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_history(fleet, 1);
    fleet_start(fleet);
    pg_cluster_crash(fleet->hosts[1].cluster);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = ONLY_HERE,
                             .waves = FLEET_ONE_WAVE,
                             .strategy = "on_failure: pause, timeouts: { target: 3s }" });
    fleet_await_rollout(fleet, id, "paused");
    const char *words = fleet_await_target(fleet, id, HERE, "failed");
    assert_non_null(strstr(words, "cannot connect to the server"));
    assert_int_equal(json_count(json_object_get(fleet_get(fleet, "/status"), "agents"), "active"),
                     FLEET_HOSTS);
    pg_cluster_restart(fleet->hosts[1].cluster);
    chaos_see_through(fleet, id, "succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHAOS_TEST(a_full_disk_under_the_store_is_waited_for),
        CHAOS_TEST(a_full_disk_under_a_server_is_its_targets_failure),
        CHAOS_TEST(a_server_that_stays_away_fails_what_was_not_sent),
    };
    return CHAOS_RUN(tests);
}
