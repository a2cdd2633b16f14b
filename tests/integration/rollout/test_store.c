/* A store that takes no writes, or was put back from a backup, under a fleet that goes on. */
#include "tests/harness/fleet.h"

#include <stdio.h>
#include <string.h>
#include <sqlite3.h>

#include "common/str.h"

static bool is_read_only(Fleet *fleet)
{
    json_t *status = fleet_try_get(fleet, "/status");
    return status != NULL && json_is_true(json_object_get(status, "is_read_only"));
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* The step that runs ends in its database; that is not acknowledged before it can be kept. */
static void a_rollout_waits_for_its_store(void **state)
{
    Fleet *fleet = *state;
    sqlite3 *other = NULL;
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
    const char *first = fleet_address(fleet, 0);
    PGconn *gate = fleet_gate_close(fleet, first);
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "timeouts: { lock: 30s }" });
    fleet_gate_await(fleet, first);
    assert_int_equal(sqlite3_open(fleet_path(fleet, "store.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    fleet_gate_open(fleet, gate);
    fleet_await_sql(fleet, first, "SELECT to_regclass('behind') IS NOT NULL");
    FLEET_AWAIT(fleet, is_read_only(fleet));
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('behind') IS NOT NULL"), 1);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    fleet_await_rollout(fleet, id, "succeeded");
}

/*
 * The backup is from before the rollout: the store forgets it while the first wave soaks. Nothing
 * is undone and nothing goes on; the rollout is listed as one that was found, and says what it
 * wants.
 */
static void a_rollout_outlives_an_old_backup_of_the_store(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *backup = fleet_path(fleet, "backup.db");
    const char *store = fleet_path(fleet, "store.db");
    sql(store, arena_printf(&fleet->arena, "VACUUM INTO '%s'", backup));
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .waves = "{ name: canary, targets: 3, soak: 1h },"
                                                          "{ name: rest, targets: 100% }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "canary"), "soaking") == 0);
    fleet_coordinator_kill(fleet);
    Bytes bytes = fleet_file_bytes(fleet, backup);
    FILE *file = fopen(store, "wb");
    assert_int_equal(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
    fclose(file);
    remove(fleet_path(fleet, "store.db-wal"));
    remove(fleet_path(fleet, "store.db-shm"));
    fleet_coordinator_start(fleet, NULL);
    FLEET_AWAIT(fleet, strcmp(fleet_rollout_state(fleet, id), "paused") == 0);
    FLEET_AWAIT(fleet,
                !json_is_true(json_object_get(fleet_get(fleet, "/status"), "is_recovering")));
    assert_true(json_is_true(json_object_get(fleet_get(fleet, "/rollouts/%s", id), "is_adopted")));
    CliResult shown = fleet_cli(fleet, "rollout", "show", id, NULL);
    assert_int_equal(shown.exit_code, 6);
    assert_non_null(strstr(shown.out, "this store knows nothing of it"));
    assert_non_null(strstr(shown.out, "it goes on when the plan is put back"));
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_0002') IS NOT NULL"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_rollout_waits_for_its_store),
        FLEET_TEST(a_rollout_outlives_an_old_backup_of_the_store),
    };
    return FLEET_RUN(tests);
}
