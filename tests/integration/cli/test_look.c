/* skein status, history, current, check: what is told of a database, and that nothing changes by
 * it. */
#include "tests/integration/cli/cli_world.h"

#include <string.h>

#include "common/str.h"

static void put_two(World *world)
{
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    put_migration(world, "0002_posts", "CREATE TABLE posts (id int);\n", "DROP TABLE posts;\n");
}

static void assert_status(World *world, const char *id, const char *wanted)
{
    const json_t *lines = run_json(world, "status", 0);
    size_t index = 0;
    const json_t *line = NULL;
    json_array_foreach((json_t *)lines, index, line)
    {
        if (str_equal(json_string_value(json_object_get(line, "id")), id)) {
            assert_string_equal(json_string_value(json_object_get(line, "state")), wanted);
            return;
        }
    }
    fail_msg("status does not name %s", id);
}

/* The messages of an answer's warnings, a line each. */
static const char *warnings_of(World *world, const char *line, int exit_code)
{
    AUTO(Str) text = { 0 };
    size_t index = 0;
    const json_t *warning = NULL;
    const json_t *answer = run_json(world, line, exit_code);
    json_array_foreach(json_object_get(answer, "warnings"), index, warning)
    {
        str_printf(&text, "%s\n", json_string_value(json_object_get(warning, "message")));
    }
    return arena_strdup(&world->arena, str_text(&text));
}

/* A program that reads the answer is not to believe that the file was run. */
static void a_file_that_is_left_out_is_told_to_programs_too(void **state)
{
    static const char *const COMMANDS[] = { "up --dry-run", "up --sql", "up",  "down --yes",
                                            "baseline 1",   "lint",     "test" };
    World *world = *state;
    put_migration(world, "1_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    put_history_file(world, "2_b.sql", "CREATE TABLE b ();\n");
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        const char *told = warnings_of(world, COMMANDS[i], 0);
        if (strstr(told, "2_b.sql: ") == NULL) {
            fail_msg("%s: %s", COMMANDS[i], told);
        }
    }
    Outcome status = run(world, "status --output json");
    assert_int_equal(status.exit_code, 0);
    assert_true(str_starts_with(status.err, "{\"warning\":{\"message\":"));
    assert_non_null(strstr(status.err, "2_b.sql: "));
}

static void looking_leaves_nothing_behind(void **state)
{
    World *world = *state;
    put_two(world);
    assert_run(world, "status", 0,
               "migration   state    applied\n0001_users  pending\n0002_posts  pending\n0 "
               "applied, 2 pending\n");
    assert_run(world, "current", 0, "empty\n");
    assert_run(world, "history", 0, "skein has applied nothing here\n");
    run_json(world, "check", 0);
    assert_ask(world, "SELECT to_regnamespace('skein') IS NULL", "t");
}

static void status_tells_applied_pending_changed_and_missing(void **state)
{
    World *world = *state;
    put_two(world);
    run_json(world, "up --to 1", 0);
    assert_status(world, "0001_users", "applied");
    assert_status(world, "0002_posts", "pending");
    run_json(world, "up", 0);
    put_migration(world, "0001_users", "-- a comment\nCREATE TABLE users (id int);\nSELECT 1;\n",
                  "DROP TABLE users;\n");
    assert_status(world, "0001_users", "changed");
    assert_non_null(
        strstr(run(world, "status").out, "\n0001_users: statement 2 (SELECT, line 3) was added\n"));
    assert_refusal(world, "up", 3,
                   "0001_users is applied here with other contents: statement 2 "
                   "(SELECT, line 3) was added");
    remove_migration(world, "0001_users");
    assert_status(world, "0001_users", "missing");
    assert_refusal(world, "up", 3,
                   "0001_users is applied here and is none of these migrations (1 such in "
                   "all)\nhint: the database is ahead");
}

/* Every state that there is has its number, and its sentence. */
static void status_counts_each_state_once(void **state)
{
    World *world = *state;
    put_two(world);
    put_migration(world, "0003_likes", "SELECT 3;\n", NULL);
    put_migration(world, "0004_parts", "CREATE TABLE p (i int);\nCOMMIT;\nSELECT 1 / 0;\n", NULL);
    put_migration(world, "0005_last", "SELECT 5;\n", NULL);
    assert_int_equal(run(world, "up").exit_code, 1);
    put_migration(world, "0002_posts", "SELECT 2;\n", NULL);
    remove_migration(world, "0003_likes");
    const char *text = run(world, "status").out;
    assert_non_null(strstr(text, "\n1 applied, 1 pending, 1 changed, 1 missing, 1 half applied\n"));
    assert_non_null(strstr(text, "\nhalf applied: some of its parts are done"));
    assert_null(strstr(text, "interrupted"));
    const json_t *lines = run_json(world, "status", 0);
    assert_int_equal(json_array_size(lines), 5);
}

/* A file that nothing runs is not passed over in silence. */
static void what_is_left_out_of_the_directory_is_warned_of(void **state)
{
    World *world = *state;
    put_two(world);
    put_history_file(world, "0003_likes.sql", "CREATE TABLE likes (id int);\n");
    const char *const lines[] = { "status", "up", "down --yes" };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        Outcome outcome = run(world, lines[i]);
        assert_int_equal(outcome.exit_code, 0);
        assert_string_equal(outcome.err,
                            "warning: ./migrations/0003_likes.sql: left out: its name ends neither "
                            "in .up.sql nor in .down.sql\n");
    }
    run_json(world, "status", 0);
}

static void beside_a_missing_migration_down_tells_what_was_applied_last(void **state)
{
    World *world = *state;
    put_two(world);
    put_migration(world, "0003_likes", "CREATE TABLE likes (id int);\n", "DROP TABLE likes;\n");
    run_json(world, "up", 0);
    remove_migration(world, "0002_posts");
    const json_t *answer = run_json(world, "down --yes", 0);
    assert_string_equal(json_string_value(json_object_get(answer, "version")), "0002_posts");
    assert_run(world, "current", 0, "0002_posts\n");
    assert_refusal(world, "down --to empty --yes", 3,
                   "0002_posts is applied here and is none of these migrations");
    assert_run(world, "current", 0, "0002_posts\n");
}

static void a_comment_more_is_no_change(void **state)
{
    World *world = *state;
    put_two(world);
    run_json(world, "up", 0);
    put_migration(world, "0001_users", "-- the first one\nCREATE TABLE users (id int);\n\n",
                  "DROP TABLE users;\n");
    assert_status(world, "0001_users", "applied");
    assert_run(world, "up", 0, "nothing to do; at 0002_posts\n");
}

static void history_keeps_what_was_undone(void **state)
{
    World *world = *state;
    put_two(world);
    run_json(world, "up", 0);
    run_json(world, "down --yes", 0);
    const json_t *rows = run_json(world, "history", 0);
    assert_int_equal(json_array_size(rows), 2);
    const json_t *undone = json_array_get(rows, 1);
    assert_string_equal(json_string_value(json_object_get(undone, "state")), "undone");
    assert_true(json_is_string(json_object_get(undone, "undone_at")));
    assert_true(json_is_null(json_object_get(undone, "rollout")));
    assert_true(json_is_null(json_object_get(json_array_get(rows, 0), "undone_at")));
    assert_run(world, "current", 0, "0001_users\n");
}

static const char *verdict_of(const json_t *rows, const char *name)
{
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach((json_t *)rows, index, row)
    {
        if (str_equal(json_string_value(json_object_get(row, "name")), name)) {
            return json_string_value(json_object_get(row, "verdict"));
        }
    }
    return "not asked";
}

static void check_answers_row_by_row(void **state)
{
    World *world = *state;
    const json_t *rows = run_json(world, "check", 0);
    assert_string_equal(verdict_of(rows, "reachable"), "ok");
    assert_string_equal(verdict_of(rows, "primary"), "ok");
    assert_string_equal(verdict_of(rows, "privileges"), "ok");
}

static const char *text_of(const json_t *rows, const char *name, const char *key)
{
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach((json_t *)rows, index, row)
    {
        if (str_equal(json_string_value(json_object_get(row, "name")), name)) {
            return json_string_value(json_object_get(row, key));
        }
    }
    return "not asked";
}

static void check_says_who_never_yields_and_what_cannot_be_seen(void **state)
{
    World *world = *state;
    const json_t *rows = run_json(world, "check", 0);
    assert_string_equal(verdict_of(rows, "locks"), "ok");
    assert_string_equal(text_of(rows, "locks", "text"), "an autovacuum yields after 1s");
    assert_string_equal(verdict_of(rows, "monitoring"), "ok");
    pg_cluster_run(world->cluster, world->database,
                   AS_SUPERUSER
                   "CREATE ROLE blind LOGIN; ALTER ROLE skein SET deadlock_timeout = '5s'");
    rows = run_json(world, "check", 0);
    pg_cluster_run(world->cluster, "postgres", "ALTER ROLE skein RESET deadlock_timeout");
    assert_string_equal(verdict_of(rows, "locks"), "warn");
    world->connection = arena_printf(&world->arena, "%s user=blind", world->connection);
    rows = run_json(world, "check", 1);
    assert_string_equal(verdict_of(rows, "monitoring"), "warn");
    assert_non_null(strstr(text_of(rows, "monitoring", "hint"), "by pid, role and program alone"));
}

static void check_of_a_server_that_is_not_there_is_one_row(void **state)
{
    World *world = *state;
    world->connection = "postgresql://postgres@127.0.0.1:1/shop";
    const json_t *rows = run_json(world, "check", 4);
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(verdict_of(rows, "reachable"), "fail");
}

static void check_of_a_database_that_is_not_there_is_no_unreachable_server(void **state)
{
    World *world = *state;
    world->connection = arena_printf(&world->arena, "%s dbname=nosuch", world->connection);
    const json_t *row = json_array_get(run_json(world, "check", 2), 0);
    assert_non_null(strstr(json_string_value(json_object_get(row, "text")),
                           ", database nosuch, as skein: database \"nosuch\" does not exist"));
}

static void check_fails_where_up_would(void **state)
{
    World *world = *state;
    pg_cluster_run(
        world->cluster, world->database,
        AS_SUPERUSER
        "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    put_two(world);
    world->connection = arena_printf(&world->arena, "%s user=guest", world->connection);
    assert_string_equal(verdict_of(run_json(world, "check", 1), "privileges"), "fail");
    assert_refusal(world, "up", 3, "permission denied for database");
}

static void a_role_that_may_not_look_is_no_server_that_is_away(void **state)
{
    World *world = *state;
    pg_cluster_run(
        world->cluster, world->database,
        AS_SUPERUSER
        "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    put_two(world);
    run_json(world, "up", 0);
    world->connection = arena_printf(&world->arena, "%s user=guest", world->connection);
    const json_t *rows = run_json(world, "check", 1);
    assert_string_equal(verdict_of(rows, "reachable"), "ok");
    assert_string_equal(verdict_of(rows, "privileges"), "fail");
    assert_refusal(world, "status", 3,
                   "skein: role guest lacks USAGE on schema skein, SELECT on skein.meta, SELECT on"
                   " skein.fence, SELECT on skein.history (SQLSTATE 42501)\n"
                   "hint: grant USAGE on schema skein and SELECT on its tables to this role");
}

/* ---- what programs read ---- */

/* Every member of the answer, or of the first of a list, stands in the command's help. */
static void assert_documented(World *world, const char *command, const char *line, int exit_code)
{
    Outcome help = run(world, arena_printf(&world->arena, "%s --help", command));
    const char *json = strstr(help.out, "with --output json:");
    const json_t *answer = run_json(world, line, exit_code);
    const json_t *object = json_is_array(answer) ? json_array_get(answer, 0) : answer;
    const char *key = NULL;
    json_t *value = NULL;
    assert_non_null(json);
    assert_true(json_object_size(object) > 0);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (strstr(json, key) == NULL) {
            fail_msg("skein %s --help does not name '%s'", command, key);
        }
    }
}

static void help_names_what_programs_read(void **state)
{
    World *world = *state;
    put_two(world);
    assert_documented(world, "new", "new three", 0);
    assert_documented(world, "up", "up", 0);
    assert_documented(world, "status", "status", 0);
    assert_documented(world, "history", "history", 0);
    assert_documented(world, "current", "current", 0);
    assert_documented(world, "check", "check", 0);
    assert_documented(world, "down", "down --yes", 0);
    assert_documented(world, "lint", "lint", 0);
    assert_documented(world, "keys generate", "keys generate signer x --out x.key", 0);
    assert_documented(world, "keys show", "keys show x.key", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_file_that_is_left_out_is_told_to_programs_too),
        WORLD_TEST(looking_leaves_nothing_behind),
        WORLD_TEST(status_tells_applied_pending_changed_and_missing),
        WORLD_TEST(status_counts_each_state_once),
        WORLD_TEST(what_is_left_out_of_the_directory_is_warned_of),
        WORLD_TEST(beside_a_missing_migration_down_tells_what_was_applied_last),
        WORLD_TEST(a_comment_more_is_no_change),
        WORLD_TEST(history_keeps_what_was_undone),
        WORLD_TEST(check_answers_row_by_row),
        WORLD_TEST(check_says_who_never_yields_and_what_cannot_be_seen),
        WORLD_TEST(check_of_a_server_that_is_not_there_is_one_row),
        WORLD_TEST(check_of_a_database_that_is_not_there_is_no_unreachable_server),
        WORLD_TEST(check_fails_where_up_would),
        WORLD_TEST(a_role_that_may_not_look_is_no_server_that_is_away),
        WORLD_TEST(help_names_what_programs_read),
    };
    return SCRATCH_RUN(tests);
}
