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

/* What is done first in the one that has got the name, empty or not, and what is in it then. */
static const struct Successor {
    const char *sql;
    const char *line;
    const char *current;
} SUCCESSORS[] = {
    { "SELECT 1", "up", "0002_posts\n" },
    { "SELECT 1", "up --to 0001_users", "0001_users\n" },
    { "SELECT 1", "down --yes --to empty", "empty\n" },
    { "CREATE TABLE acme.users (id int)", "baseline 0001_users", "0001_users\n" },
    { "CREATE TABLE acme.users (id int); CREATE TABLE acme.schema_migrations (version bigint,"
      " dirty bool); INSERT INTO acme.schema_migrations VALUES (1, false)",
      "adopt --from golang-migrate", "0001_users\n" },
};

static void the_history_of_a_renamed_schema_survives_whoever_gets_its_name(void **state)
{
    World *world = *state;
    put_history(world);
    for (size_t i = 0; i < ARRAY_LEN(SUCCESSORS); i++) {
        const struct Successor *successor = &SUCCESSORS[i];
        psql(world, "DROP SCHEMA IF EXISTS skein, acme, old CASCADE; CREATE SCHEMA acme");
        assert_int_equal(run(world, "up --schema acme").exit_code, 0);
        psql(world, "ALTER SCHEMA acme RENAME TO old; CREATE SCHEMA acme");
        psql(world, successor->sql);
        assert_non_null(strstr(run(world, "repair --schema acme").out, "nothing"));
        const char *line = arena_printf(&world->arena, "%s --schema acme", successor->line);
        assert_int_equal(run(world, line).exit_code, 0);
        assert_run(world, "current --schema acme", 0, successor->current);
        assert_run(world, "current --schema old", 0, "0002_posts\n");
        const json_t *up = run_json(world, "up --schema old", 0);
        assert_int_equal(json_array_size(json_object_get(up, "migrations")), 0);
        assert_ask(world, "SELECT count(*) FROM skein.history WHERE state = 'undone'", "0");
    }
}

static void of_schemas_renamed_in_a_row_each_keeps_its_history(void **state)
{
    World *world = *state;
    put_history(world);
    psql(world, "CREATE SCHEMA a; CREATE SCHEMA b");
    assert_int_equal(run(world, "up --schema a --to 0001_users").exit_code, 0);
    assert_int_equal(run(world, "up --schema b").exit_code, 0);
    psql(world, "ALTER SCHEMA b RENAME TO c; ALTER SCHEMA a RENAME TO b; CREATE SCHEMA a");
    assert_program(world, "skein up --schema a", 3, "`skein up --schema b` moves it on");
    assert_int_equal(run(world, "up --schema b --to 0001_users").exit_code, 0);
    assert_int_equal(run(world, "up --schema a").exit_code, 0);
    assert_run(world, "current --schema b", 0, "0001_users\n");
    assert_run(world, "current --schema c", 0, "0002_posts\n");
    assert_ask(world, "SELECT count(*) FROM skein.history WHERE state = 'undone'", "0");
}

static void schemas_that_have_exchanged_their_names_are_held(void **state)
{
    World *world = *state;
    put_history(world);
    psql(world, "CREATE SCHEMA a; CREATE SCHEMA b");
    assert_int_equal(run(world, "up --schema a --to 0001_users").exit_code, 0);
    assert_int_equal(run(world, "up --schema b").exit_code, 0);
    psql(world, "ALTER SCHEMA a RENAME TO x; ALTER SCHEMA b RENAME TO a;"
                "ALTER SCHEMA x RENAME TO b");
    assert_program(world, "skein up --schema a", 3, "need the former ones back");
    assert_program(world, "skein up --schema b", 3, "need the former ones back");
    assert_ask(world, "SELECT count(*) FROM skein.history WHERE state = 'undone'", "0");
}

/* Whatever became of what the name stood for before. */
static void a_name_with_a_history_of_a_dropped_schema_is_not_taken_over(void **state)
{
    World *world = *state;
    static const char *const BEFORE[] = { "up --schema b", "down --yes --to empty --schema b" };
    put_history(world);
    psql(world, "CREATE SCHEMA a; CREATE SCHEMA b");
    assert_int_equal(run(world, "up --schema a").exit_code, 0);
    for (size_t i = 0; i < ARRAY_LEN(BEFORE); i++) {
        assert_int_equal(run(world, BEFORE[i]).exit_code, 0);
        psql(world, "ALTER SCHEMA b RENAME TO gone; ALTER SCHEMA a RENAME TO b;"
                    "DROP SCHEMA gone CASCADE");
        assert_program(world, "skein up --schema b", 3, "a name that skein has no history of");
        run(world, "repair --new-schema --yes --schema b");
        assert_program(world, "skein up --schema b", 3, "a name that skein has no history of");
        psql(world, "ALTER SCHEMA b RENAME TO a; CREATE SCHEMA b");
        assert_run(world, "current --schema a", 0, "0002_posts\n");
    }
}

static const char *const NO_SCHEMAS[] = { "", "skein", "information_schema", "pg_catalog" };

/* An unset variable of a script must not mean the whole database. */
static void what_can_be_no_tenant_is_refused_by_every_command(void **state)
{
    World *world = *state;
    put_history(world);
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        for (size_t j = 0; j < ARRAY_LEN(NO_SCHEMAS); j++) {
            assert_program(world,
                           arena_printf(&world->arena, "skein %s --schema=%s", COMMANDS[i].line,
                                        NO_SCHEMAS[j]),
                           2, "--schema ");
        }
    }
    assert_ask(world, "SELECT to_regclass('users') IS NULL AND to_regnamespace('skein') IS NULL",
               "t");
}

static void a_shared_schema_that_is_not_there_is_said(void **state)
{
    World *world = *state;
    put_history(world);
    psql(world, "CREATE SCHEMA acme; CREATE SCHEMA common");
    Outcome up = run(world, "up --schema acme --shared-schemas common,nope");
    assert_int_equal(up.exit_code, 0);
    assert_string_equal(up.err, "warning: --shared-schemas: schema \"nope\" does not exist\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_schema_that_is_not_there_is_named_by_every_command),
        WORLD_TEST(of_a_renamed_schema_the_new_name_is_said),
        WORLD_TEST(of_a_dropped_schema_it_is_said_that_it_was_there),
        WORLD_TEST(a_renamed_schema_shows_the_history_that_it_brings_along),
        WORLD_TEST(a_schema_made_anew_has_nothing_of_what_was_done_to_the_old_one),
        WORLD_TEST(the_history_of_a_renamed_schema_survives_whoever_gets_its_name),
        WORLD_TEST(of_schemas_renamed_in_a_row_each_keeps_its_history),
        WORLD_TEST(schemas_that_have_exchanged_their_names_are_held),
        WORLD_TEST(a_name_with_a_history_of_a_dropped_schema_is_not_taken_over),
        WORLD_TEST(what_can_be_no_tenant_is_refused_by_every_command),
        WORLD_TEST(a_shared_schema_that_is_not_there_is_said),
    };
    return WORLD_RUN(tests);
}
