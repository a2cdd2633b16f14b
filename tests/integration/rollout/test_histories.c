/* Histories as people have them, over a fleet: taken over from another tool, kept true for it, and
 * with files that no single transaction fits. */
#include "tests/harness/fleet.h"

#include <string.h>

#define TOOL_TABLE                                                                                 \
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"         \
    "INSERT INTO schema_migrations VALUES (1, false)"

static void each_target(Fleet *fleet, const char *sql)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        fleet_run(fleet, fleet_address(fleet, i), sql);
    }
}

static void assert_everywhere(Fleet *fleet, const char *sql, const char *answer)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_ask(fleet, fleet_address(fleet, i), sql), answer);
    }
}

#define STANDING                                                                                   \
    "SELECT coalesce(string_agg(concat_ws(' ', id, adopted_from), ',' ORDER BY seq), '')"          \
    " FROM skein.history WHERE state <> 'undone'"

/* Two migrations, the first of which another tool has applied everywhere. */
static const char *adopted_start(Fleet *fleet)
{
    fleet_migration_raw(fleet, "0001_solo", "CREATE TABLE t (i int);\n", "DROP TABLE t;\n");
    fleet_migration_raw(fleet, "0002_solo", "ALTER TABLE t ADD j int;\n",
                        "ALTER TABLE t DROP j;\n");
    each_target(fleet, TOOL_TABLE);
    each_target(fleet, "CREATE TABLE t (i int)");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .more = "adopt: golang-migrate" });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_everywhere(fleet, STANDING, "0001_solo golang-migrate");
    return id;
}

static void a_fleet_is_taken_over_and_given_back(void **state)
{
    Fleet *fleet = *state;
    const char *id = adopted_start(fleet);
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_everywhere(fleet, STANDING, "");
    assert_everywhere(fleet, "SELECT to_regclass('t') IS NOT NULL", "t");
}

#define TOLD "SELECT version || ' ' || dirty FROM schema_migrations"

static void the_old_tool_is_told_of_all_that_follows(void **state)
{
    Fleet *fleet = *state;
    adopted_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .more = "mirror: true" });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_everywhere(fleet, TOLD, "2 false");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_everywhere(fleet, TOLD, "1 false");
    assert_everywhere(fleet, STANDING, "0001_solo golang-migrate");
}

/* Of db1/tenant_1, as skein comes there. */
static const char *first_database(Fleet *fleet)
{
    return arena_strdup(&fleet->arena, pg_cluster_conninfo(fleet->hosts[0].cluster, "tenant_1", 0));
}

/* The one target that the tool has been at, and that nobody has adopted. */
static void what_was_not_adopted_is_not_done_twice(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_solo", "CREATE TABLE IF NOT EXISTS t (i int);\n",
                        "DROP TABLE t;\n");
    const char *forgotten = fleet_address(fleet, 0);
    fleet_run(fleet, forgotten, "CREATE TABLE t (i int); " TOOL_TABLE);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_target(fleet, id, forgotten, "held");
    CliResult show = fleet_cli(fleet, "rollout", "show", id, NULL);
    assert_non_null(strstr(show.out, "golang-migrate has applied 1 migration of this directory"));
    const char *database = first_database(fleet);
    CliResult adopt = fleet_cli(fleet, "adopt", "--from", "golang-migrate", "--database", database,
                                "--migrations", fleet_path(fleet, "migrations"), NULL);
    assert_int_equal(adopt.exit_code, 0);
    assert_int_equal(fleet_cli(fleet, "rollout", "retry", id, forgotten, NULL).exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_ask(fleet, forgotten, STANDING), "0001_solo golang-migrate");
}

/* In one target the tool goes on by itself; the rollout has nothing to do with that tool. */
static void what_the_old_tool_does_by_itself_is_held_and_taken_over(void **state)
{
    Fleet *fleet = *state;
    adopted_start(fleet);
    const char *ahead = fleet_address(fleet, 0);
    const char *database = first_database(fleet);
    fleet_run(fleet, ahead, "ALTER TABLE t ADD j int; UPDATE schema_migrations SET version = 2");
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_target(fleet, id, ahead, "held");
    CliResult show = fleet_cli(fleet, "rollout", "show", id, NULL);
    assert_non_null(strstr(show.out, "golang-migrate has applied 0002_solo here by itself"));
    CliResult adopt = fleet_cli(fleet, "adopt", "--from", "golang-migrate", "--database", database,
                                "--migrations", fleet_path(fleet, "migrations"), NULL);
    assert_int_equal(adopt.exit_code, 0);
    assert_int_equal(fleet_cli(fleet, "rollout", "retry", id, ahead, NULL).exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_ask(fleet, ahead, STANDING),
                        "0001_solo golang-migrate,0002_solo golang-migrate");
}

/* In one target the tool has undone by itself what it was told of. */
static void what_the_old_tool_undid_by_itself_is_held_and_not_undone_twice(void **state)
{
    Fleet *fleet = *state;
    adopted_start(fleet);
    const char *back = fleet_address(fleet, 0);
    const char *database = first_database(fleet);
    CliResult told = fleet_cli(fleet, "up", "--mirror", "golang-migrate", "--database", database,
                               "--migrations", fleet_path(fleet, "migrations"), NULL);
    assert_int_equal(told.exit_code, 0);
    fleet_run(fleet, back, "ALTER TABLE t DROP j; UPDATE schema_migrations SET version = 1");
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_target(fleet, id, back, "held");
    CliResult show = fleet_cli(fleet, "rollout", "show", id, NULL);
    assert_non_null(strstr(show.out, "golang-migrate had 0002_solo here and has it no more"));
    assert_non_null(strstr(show.out, "skein repair --undone 0002_solo"));
    CliResult repair = fleet_cli(fleet, "repair", "--undone", "0002_solo", "--yes", "--database",
                                 database, "--migrations", fleet_path(fleet, "migrations"), NULL);
    assert_int_equal(repair.exit_code, 0);
    assert_int_equal(fleet_cli(fleet, "rollout", "retry", id, back, NULL).exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_ask(fleet, back, STANDING), "0001_solo golang-migrate,0002_solo ");
}

/* Typed without the mirror, the command would leave the tool to run again what skein has run. */
static void a_command_for_a_target_of_a_mirroring_rollout_mirrors(void **state)
{
    Fleet *fleet = *state;
    adopted_start(fleet);
    const char *strange = fleet_address(fleet, 0);
    fleet_ask(fleet, strange, "UPDATE schema_migrations SET version = 9");
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .more = "mirror: true" });
    fleet_await_target(fleet, id, strange, "held");
    CliResult show = fleet_cli(fleet, "rollout", "show", id, NULL);
    const char *typed = strstr(show.out, "  on the host of db1: skein up --to 0002_solo");
    assert_non_null(typed);
    const char *mirror = strstr(typed, " --migrations DIR --mirror golang-migrate\n");
    assert_non_null(mirror);
    assert_null(memchr(typed, '\n', (size_t)(mirror - typed)));
}

static void a_fleet_has_done_with_the_old_tool(void **state)
{
    Fleet *fleet = *state;
    adopted_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .more = "mirror: none" });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_everywhere(fleet, TOLD, "1 false");
    each_target(fleet, "UPDATE schema_migrations SET version = 9");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_everywhere(fleet, STANDING, "0001_solo golang-migrate");
}

static void a_file_of_several_parts_goes_out_and_back(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_mixed_solo",
                        "SET search_path = public;\nCREATE TABLE things (v int);\n"
                        "CREATE INDEX CONCURRENTLY things_v ON things (v);\n"
                        "INSERT INTO things VALUES (1);\n",
                        "DROP TABLE things;\n");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_everywhere(
        fleet, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_v'::regclass", "t");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_everywhere(fleet, "SELECT to_regclass('things') IS NULL", "t");
}

/* One target fails in its last part. It goes on there once the cause is gone. */
static void a_failure_between_parts_is_gone_on_with_by_retry(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_mixed_solo",
                        "CREATE TABLE things (v int);\n"
                        "CREATE INDEX CONCURRENTLY things_v ON things (v);\n"
                        "INSERT INTO things SELECT 1 / (SELECT count(*) FROM gate);\n",
                        "DROP TABLE things;\n");
    for (size_t i = 1; i < FLEET_TARGETS; i++) {
        fleet_run(fleet, fleet_address(fleet, i), "INSERT INTO gate VALUES (1)");
    }
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "paused");
    const char *bad = fleet_address(fleet, 0);
    assert_int_equal(fleet_rollout_count(fleet, id, "failed"), 1);
    assert_string_equal(fleet_ask(fleet, bad, "SELECT state || parts_done FROM skein.history"),
                        "started2");
    fleet_run(fleet, bad, "INSERT INTO gate VALUES (1)");
    CliResult retry = fleet_cli(fleet, "rollout", "retry", id, bad, NULL);
    assert_int_equal(retry.exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_everywhere(fleet, "SELECT count(*) FROM things", "1");
}

/* The agent dies between a statement outside a transaction and its note, and begins anew. */
static const char *leave_behind(Fleet *fleet)
{
    fleet_coordinator_start(fleet, NULL);
    fleet_agent_start(fleet, 0, "exec.after_run=kill@1");
    fleet_await_targets(fleet, FLEET_TENANTS);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "instance = 'db1' and database = 'tenant_1'",
                             .waves = FLEET_ONE_WAVE });
    FLEET_AWAIT(fleet, fleet_process_has_died(&fleet->hosts[0].pid));
    fleet_agent_start(fleet, 0, NULL);
    return id;
}

static void what_an_agent_left_behind_is_settled_by_the_next(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_mixed_solo",
                        "CREATE TABLE things (v int);\n"
                        "CREATE INDEX CONCURRENTLY things_v ON things (v);\n"
                        "INSERT INTO things VALUES (1);\n",
                        "DROP TABLE things;\n");
    const char *id = leave_behind(fleet);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_ask(fleet, "db1/tenant_1", "SELECT count(*) FROM things"), "1");
}

/* What no catalog shows is held; the command that rollout show tells looks, a person's word sets it
 * right, and the row is still the rollout's. */
static void what_nobody_can_tell_is_repaired_and_gone_on_with(void **state)
{
    static const char HELD[] = "db1/tenant_1";
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_mixed_solo",
                        "-- skein: no-transaction\nCREATE TABLE things (v int);\n"
                        "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN"
                        " INSERT INTO things VALUES (1); COMMIT; END $$;\nCALL fill();\n",
                        "DROP PROCEDURE fill();\nDROP TABLE things;\n");
    const char *id = leave_behind(fleet);
    fleet_await_target(fleet, id, HELD, "held");
    CliResult show = fleet_cli(fleet, "rollout", "show", id, NULL);
    assert_non_null(strstr(show.out, "  on the host of db1: skein repair --database dbname=tenant_1"
                                     " --migrations DIR\n"));
    const char *database = first_database(fleet);
    CliResult repair =
        fleet_cli(fleet, "repair", "--applied", "0001_mixed_solo", "--database", database,
                  "--migrations", fleet_path(fleet, "migrations"), "--yes", NULL);
    assert_int_equal(repair.exit_code, 0);
    assert_int_equal(fleet_cli(fleet, "rollout", "retry", id, HELD, NULL).exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_string_equal(fleet_ask(fleet, HELD, "SELECT to_regclass('things') IS NULL"), "t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_fleet_is_taken_over_and_given_back),
        FLEET_TEST(the_old_tool_is_told_of_all_that_follows),
        FLEET_TEST(what_was_not_adopted_is_not_done_twice),
        FLEET_TEST(what_the_old_tool_does_by_itself_is_held_and_taken_over),
        FLEET_TEST(what_the_old_tool_undid_by_itself_is_held_and_not_undone_twice),
        FLEET_TEST(a_command_for_a_target_of_a_mirroring_rollout_mirrors),
        FLEET_TEST(a_fleet_has_done_with_the_old_tool),
        FLEET_TEST(a_file_of_several_parts_goes_out_and_back),
        FLEET_TEST(a_failure_between_parts_is_gone_on_with_by_retry),
        FLEET_TEST(what_an_agent_left_behind_is_settled_by_the_next),
        FLEET_TEST(what_nobody_can_tell_is_repaired_and_gone_on_with),
    };
    return FLEET_RUN(tests);
}
