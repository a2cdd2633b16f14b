/* --schema: a schema that is not there, was renamed, or was made anew under an old name. */
#include "tests/integration/cli/cli_world.h"

#include <string.h>

#include "common/str.h"

static void put_history(World *world)
{
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    put_migration(world, "0002_posts", "CREATE TABLE posts (id int);\n", "DROP TABLE posts;\n");
}

static void psql(World *world, const char *sql)
{
    pg_cluster_run(world->cluster, world->database, sql);
}

/* Every command that takes --schema and a database of people's (`skein test` makes its own). */
static const struct Command {
    const char *line;
    int exit_code;
} COMMANDS[] = {
    { "status", 2 },
    { "status --output json", 2 },
    { "current", 2 },
    { "current --output json", 2 },
    { "history", 2 },
    { "history --output json", 2 },
    { "up", 2 },
    { "up --output json", 2 },
    { "up --dry-run", 2 },
    { "up --sql", 2 },
    { "down --yes", 2 },
    { "down --yes --to empty", 2 },
    { "down --dry-run", 2 },
    { "baseline 0001_users", 2 },
    { "adopt --from golang-migrate", 2 },
    { "repair", 2 },
    { "repair --accept 0001_users --yes", 2 },
    { "check", 1 },
};

static void assert_all(World *world, const char *schema, const char *const *words, size_t count)
{
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        const char *line = arena_printf(&world->arena, "%s --schema %s", COMMANDS[i].line, schema);
        for (size_t j = 0; j < count; j++) {
            assert_program(world, arena_printf(&world->arena, "skein %s", line),
                           COMMANDS[i].exit_code, words[j]);
        }
    }
}

static void a_schema_that_is_not_there_is_named_by_every_command(void **state)
{
    World *world = *state;
    put_history(world);
    static const char *const WORDS[] = { "nosuch", "does not exist",
                                         "create the schema first, or correct its name" };
    assert_all(world, "nosuch", WORDS, ARRAY_LEN(WORDS));
    assert_ask(world, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('nosuch', 'skein')",
               "0");
    psql(world, "CREATE SCHEMA acme");
    assert_int_equal(run(world, "up --schema acme").exit_code, 0);
    assert_all(world, "nosuch", WORDS, ARRAY_LEN(WORDS)); /* also where skein's tables are */
}

static void of_a_renamed_schema_the_new_name_is_said(void **state)
{
    World *world = *state;
    put_history(world);
    psql(world, "CREATE SCHEMA acme");
    assert_int_equal(run(world, "up --schema acme").exit_code, 0);
    psql(world, "ALTER SCHEMA acme RENAME TO \"Roadrunner\"");
    static const char *const WORDS[] = { "acme", "does not exist", "it was renamed, it seems",
                                         "Roadrunner", "its history goes along" };
    assert_all(world, "acme", WORDS, ARRAY_LEN(WORDS));
}

static void of_a_dropped_schema_it_is_said_that_it_was_there(void **state)
{
    World *world = *state;
    put_history(world);
    psql(world, "CREATE SCHEMA acme");
    assert_int_equal(run(world, "up --schema acme").exit_code, 0);
    psql(world, "DROP SCHEMA acme CASCADE");
    static const char *const WORDS[] = {
        "acme", "does not exist", "2 migrations of a schema of this name, which was dropped"
    };
    assert_all(world, "acme", WORDS, ARRAY_LEN(WORDS));
}

static void a_renamed_schema_shows_the_history_that_it_brings_along(void **state)
{
    World *world = *state;
    put_history(world);
    psql(world, "CREATE SCHEMA acme");
    assert_int_equal(run(world, "up --schema acme --to 0001_users").exit_code, 0);
    psql(world, "ALTER SCHEMA acme RENAME TO beep");
    assert_run(world, "current --schema beep", 0, "0001_users\n");
    Outcome status = run(world, "status --schema beep");
    assert_int_equal(status.exit_code, 0);
    assert_non_null(strstr(status.out, "1 applied, 1 pending\n"));
    assert_non_null(strstr(status.err, "schema \"beep\" was called \"acme\" when its history was "
                                       "written; the next up or down takes that along"));
    const json_t *up = run_json(world, "up --schema beep", 0);
    assert_int_equal(json_array_size(json_object_get(up, "migrations")), 1);
    status = run(world, "status --schema beep");
    assert_string_equal(status.err, "");
    assert_non_null(strstr(status.out, "2 applied, 0 pending\n"));
    assert_int_equal(run(world, "down --yes --to empty --schema beep").exit_code, 0);
}

static void a_schema_made_anew_has_nothing_of_what_was_done_to_the_old_one(void **state)
{
    World *world = *state;
    put_history(world);
    psql(world, "CREATE SCHEMA acme");
    assert_int_equal(run(world, "up --schema acme").exit_code, 0);
    psql(world, "ALTER SCHEMA acme RENAME TO old; CREATE SCHEMA acme");
    assert_run(world, "current --schema acme", 0, "empty\n");
    Outcome status = run(world, "status --schema acme");
    assert_non_null(strstr(status.out, "0 applied, 2 pending\n"));
    assert_non_null(
        strstr(status.err, "is not the one that skein's history of this name is about"));
    assert_non_null(strstr(status.err, "that one is called \"old\" now"));
    const json_t *up = run_json(world, "up --schema acme", 0);
    assert_int_equal(json_array_size(json_object_get(up, "migrations")), 2);
    assert_ask(world, "SELECT count(*) FROM pg_tables WHERE schemaname = 'acme'", "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_schema_that_is_not_there_is_named_by_every_command),
        WORLD_TEST(of_a_renamed_schema_the_new_name_is_said),
        WORLD_TEST(of_a_dropped_schema_it_is_said_that_it_was_there),
        WORLD_TEST(a_renamed_schema_shows_the_history_that_it_brings_along),
        WORLD_TEST(a_schema_made_anew_has_nothing_of_what_was_done_to_the_old_one),
    };
    return WORLD_RUN(tests);
}
