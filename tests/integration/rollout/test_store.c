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

/* ---- a store that has forgotten ---- */

static const char TWO_WAVES[] = "{ name: canary, targets: 3 }, "
                                "{ name: rest, targets: 100%, approval: required }";

/* Until the first wave has passed and the second waits for its approval. */
static const char *start_and_await_canary(Fleet *fleet, const char *file)
{
    CliResult started = fleet_cli(fleet, "rollout", "start", file, "--yes", NULL);
    assert_int_equal(started.exit_code, 0);
    const char *id =
        json_text(json_array_get(json_object_get(fleet_get(fleet, "/rollouts"), "items"), 0), "id");
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    return id;
}

static bool says(Fleet *fleet, const char *id, const char *text)
{
    return strstr(fleet_cli(fleet, "rollout", "show", id, NULL).out, text) != NULL;
}

/* The backup is from before the rollout, which is killed while its second wave waits for approval.
 */
static const char *forget_rollout(Fleet *fleet, const char **ret_file)
{
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *backup = fleet_path(fleet, "backup.db");
    const char *store = fleet_path(fleet, "store.db");
    sql(store, arena_printf(&fleet->arena, "VACUUM INTO '%s'", backup));
    *ret_file = fleet_plan_write(fleet, &(FleetPlan){ .waves = TWO_WAVES });
    const char *id = start_and_await_canary(fleet, *ret_file);
    fleet_coordinator_kill(fleet);
    Bytes bytes = fleet_file_bytes(fleet, backup);
    FILE *restored = fopen(store, "wb");
    assert_int_equal(fwrite(bytes.data, 1, bytes.length, restored), bytes.length);
    fclose(restored);
    remove(fleet_path(fleet, "store.db-wal"));
    remove(fleet_path(fleet, "store.db-shm"));
    fleet_coordinator_start(fleet, NULL);
    FLEET_AWAIT(fleet, strcmp(fleet_rollout_state(fleet, id), "found") == 0);
    FLEET_AWAIT(fleet,
                !json_is_true(json_object_get(fleet_get(fleet, "/status"), "is_recovering")));
    FLEET_AWAIT(fleet, says(fleet, id, "3 at 0002"));
    return id;
}

/*
 * Nothing is undone and nothing goes on by itself; the rollout is listed as one that was found,
 * with what the databases say of it, and goes back when somebody brings its plan.
 */
static void a_rollout_outlives_an_old_backup_of_the_store(void **state)
{
    Fleet *fleet = *state;
    const char *file = NULL;
    const char *id = forget_rollout(fleet, &file);
    assert_true(json_is_true(json_object_get(fleet_get(fleet, "/rollouts/%s", id), "is_adopted")));
    CliResult shown = fleet_cli(fleet, "rollout", "show", id, NULL);
    assert_int_equal(shown.exit_code, 6);
    assert_non_null(strstr(shown.out, "this store knows nothing of"));
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_0002') IS NOT NULL"), 3);
    assert_int_equal(fleet_cli(fleet, "rollout", "rollback", id, "--yes", NULL).exit_code, 3);
    CliResult resumed = fleet_cli(fleet, "rollout", "resume", id, NULL);
    assert_int_equal(resumed.exit_code, 3);
    assert_non_null(strstr(resumed.err, "`skein rollout resume --plan FILE` brings the plan"));
    CliResult back = fleet_cli(fleet, "rollout", "rollback", id, "--plan", file, "--yes", NULL);
    assert_int_equal(back.exit_code, 0);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_0002') IS NULL"),
                     FLEET_TARGETS);
}

static void a_rollout_that_was_forgotten_goes_on_with_its_plan(void **state)
{
    Fleet *fleet = *state;
    const char *file = NULL;
    const char *id = forget_rollout(fleet, &file);
    CliResult resumed = fleet_cli(fleet, "rollout", "resume", id, "--plan", file, NULL);
    assert_int_equal(resumed.exit_code, 0);
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_0002') IS NOT NULL"), 3);
    assert_int_equal(fleet_cli(fleet, "rollout", "approve", id, NULL).exit_code, 0);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_0002') IS NOT NULL"),
                     FLEET_TARGETS);
    assert_int_equal(fleet_cli(fleet, "rollout", "rollback", id, "--yes", NULL).exit_code, 0);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_0002') IS NULL"),
                     FLEET_TARGETS);
}

/* ---- a plan that is not in the store any more ---- */

/* The coordinator dies, and the plans are gone when it comes back. */
static void lose_plans(Fleet *fleet)
{
    fleet_coordinator_kill(fleet);
    sql(fleet_path(fleet, "store.db"), "DELETE FROM plans");
    fleet_coordinator_start(fleet, NULL);
    FLEET_AWAIT(fleet,
                !json_is_true(json_object_get(fleet_get(fleet, "/status"), "is_recovering")));
}

static void a_rollout_whose_plan_is_lost_is_resumed_with_its_file(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *file = fleet_plan_write(fleet, &(FleetPlan){ .waves = TWO_WAVES });
    const char *id = start_and_await_canary(fleet, file);
    lose_plans(fleet);
    assert_string_equal(fleet_rollout_state(fleet, id), "paused");
    assert_true(says(fleet, id, "which the coordinator does not have"));
    assert_true(says(fleet, id, "`skein rollout resume --plan FILE` brings its plan and goes on"));
    CliResult plain = fleet_cli(fleet, "rollout", "resume", id, NULL);
    assert_int_equal(plain.exit_code, 3);
    assert_non_null(strstr(plain.err, "skein rollout resume --plan FILE"));
    CliResult resumed = fleet_cli(fleet, "rollout", "resume", id, "--plan", file, NULL);
    assert_int_equal(resumed.exit_code, 0);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

/* By the file that `skein plan --out` wrote; a rollout that has ended was not
 * even waiting for it. */
static void a_rollout_that_has_ended_is_rolled_back_with_its_lost_plan(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *plan = fleet_path(fleet, "p.plan");
    const char *yaml = fleet_plan_write(fleet, &(FleetPlan){ .waves = TWO_WAVES });
    assert_int_equal(fleet_cli(fleet, "plan", yaml, "--out", plan, NULL).exit_code, 0);
    const char *id = start_and_await_canary(fleet, plan);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
    lose_plans(fleet);
    CliResult plain = fleet_cli(fleet, "rollout", "rollback", id, "--yes", NULL);
    assert_int_equal(plain.exit_code, 3);
    assert_non_null(strstr(plain.err, "skein rollout rollback --plan FILE"));
    CliResult ordered = fleet_cli(fleet, "rollout", "rollback", id, "--plan", plan, "--yes", NULL);
    assert_int_equal(ordered.exit_code, 0);
    fleet_await_rollout(fleet, id, "rolled_back");
}

/* In the middle of its way back: nothing can be undone, and nothing fails, until
 * the plan is there. */
static void a_roll_back_whose_plan_is_lost_stands_still_until_it_is_brought(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *file = fleet_plan_write(fleet, &(FleetPlan){ .waves = TWO_WAVES });
    const char *id = start_and_await_canary(fleet, file);
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        fleet_agent_kill(fleet, i);
    }
    fleet_rollout_order(fleet, "rollback", id);
    lose_plans(fleet);
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        fleet_agent_start(fleet, i, NULL);
    }
    FLEET_AWAIT(fleet, says(fleet, id, "`skein rollout rollback --plan FILE` brings it"));
    CliResult ordered = fleet_cli(fleet, "rollout", "rollback", id, "--plan", file, "--yes", NULL);
    assert_int_equal(ordered.exit_code, 0);
    fleet_await_rollout(fleet, id, "rolled_back");
}

static void a_plan_with_another_hash_is_not_brought(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *file = fleet_plan_write(fleet, &(FleetPlan){ .waves = TWO_WAVES });
    const char *id = start_and_await_canary(fleet, file);
    const char *wanted = json_text(fleet_get(fleet, "/rollouts/%s", id), "plan");
    lose_plans(fleet);
    const char *other = fleet_path(fleet, "other.plan");
    const char *yaml = fleet_plan_write(fleet, &(FleetPlan){ .name = "other", .waves = TWO_WAVES });
    CliResult written = fleet_cli(fleet, "plan", yaml, "--out", other, "--output", "json", NULL);
    json_t *plan = json_loads(written.out, 0, NULL);
    CliResult refused = fleet_cli(fleet, "rollout", "resume", id, "--plan", other, NULL);
    assert_int_equal(refused.exit_code, 3);
    assert_non_null(strstr(refused.err, wanted));
    assert_non_null(strstr(refused.err, json_text(plan, "hash")));
    assert_string_equal(fleet_rollout_state(fleet, id), "paused");
    json_decref(plan);
    file = fleet_plan_write(fleet, &(FleetPlan){ .waves = TWO_WAVES });
    CliResult resumed = fleet_cli(fleet, "rollout", "resume", id, "--plan", file, NULL);
    assert_int_equal(resumed.exit_code, 0);
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_rollout_waits_for_its_store),
        FLEET_TEST(a_rollout_outlives_an_old_backup_of_the_store),
        FLEET_TEST(a_rollout_that_was_forgotten_goes_on_with_its_plan),
        FLEET_TEST(a_rollout_whose_plan_is_lost_is_resumed_with_its_file),
        FLEET_TEST(a_rollout_that_has_ended_is_rolled_back_with_its_lost_plan),
        FLEET_TEST(a_roll_back_whose_plan_is_lost_stands_still_until_it_is_brought),
        FLEET_TEST(a_plan_with_another_hash_is_not_brought),
    };
    return FLEET_RUN(tests);
}
