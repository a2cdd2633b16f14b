/*
 * up and down on paper: --dry-run changes nothing, and the script of --sql, run by psql, leaves
 * what up and down leave.
 */
#include "tests/integration/cli/cli_world.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "common/file.h"
#include "common/str.h"

#define DUMP_MAX (4u * 1024 * 1024)

/* ---- a history of all that a script can hold ---- */

static void put_first(World *world)
{
    put_migration(world, "0001_things",
                  "CREATE TABLE things (v int, note text); -- a comment\n"
                  "INSERT INTO things VALUES (1, 'it''s :v and \\if'), (2, E'back\\\\slash');\n"
                  "COPY things FROM stdin;\n3\tthree\\tfold\n4\t\\N\n\\.\n"
                  "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT ':x; $1 \\' $$;\n"
                  "SET standard_conforming_strings = off;\nSET search_path = pg_catalog;\n"
                  "SET DateStyle = German;\n"
                  "COMMENT ON TABLE public.things IS 'last' -- without an end\n",
                  "DROP FUNCTION f();\nDROP TABLE things;\n");
}

static void put_rest(World *world)
{
    put_migration(world, "0002_parts",
                  "-- skein: lock-timeout=7s\nSET search_path = pg_catalog, public;\n"
                  "ALTER TABLE things ADD COLUMN w int;\n"
                  "CREATE INDEX CONCURRENTLY things_w ON things (w);\n"
                  "ALTER TABLE things ADD COLUMN x int;\n",
                  "DROP INDEX CONCURRENTLY things_w;\n"
                  "ALTER TABLE things DROP COLUMN x, DROP COLUMN w;\n");
    put_migration(world, "0003_empty", "-- nothing\n", "-- nothing\n");
    put_migration(world, "0004_vacuum", "VACUUM things;\n", "VACUUM things;\n");
    put_migration(world, "0005_mood", "CREATE TYPE mood AS ENUM ('sad', 'it''s');\n",
                  "DROP TYPE mood;\n");
}

/* ---- two databases ---- */

static const char *sibling_make(World *world, const char *suffix)
{
    const char *name = arena_printf(&world->arena, "%s_%s", world->database, suffix);
    pg_cluster_make_database(world->cluster, name);
    return name;
}

static void look_at(World *world, const char *database)
{
    world->database = database;
    world->connection =
        arena_strdup(&world->arena, pg_cluster_conninfo(world->cluster, database, 0));
}

static int wait_exit(int pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *take(World *world, const char *path)
{
    AUTO(Str) text = { 0 };
    assert_int_equal(file_read(path, DUMP_MAX, &text, NULL), ERR_NONE);
    return arena_strdup(&world->arena, str_text(&text));
}

/* The exit code of psql; what it said on standard error is shown when that is not `exit_code`. */
static void assert_psql(World *world, const char *script, int exit_code, const char *words)
{
    const char *path = arena_printf(&world->arena, "%s/%s", world->directory, script);
    const char *err = arena_printf(&world->arena, "%s/psql.err", world->directory);
    chmod(world->directory, 0755);
    unlink(err); /* it would be appended to */
    int pid = process_start_split((const char *const[]){ "/usr/bin/psql", "-X", "-q", "-d",
                                                         world->connection, "-f", path, NULL },
                                  "/dev/null", err);
    int found = wait_exit(pid);
    const char *said = take(world, err);
    if (found != exit_code || strstr(said, words) == NULL) {
        fail_msg("psql: exit code %d\n%s", found, said);
    }
}

/* Objects and rows as pg_dump has them, but for skein's own and the random \restrict. */
static const char *dump(World *world)
{
    const char *path = arena_printf(&world->arena, "%s/dump", world->directory);
    unlink(path);
    int pid =
        process_start_split((const char *const[]){ "/usr/bin/pg_dump", "-d", world->connection,
                                                   "--exclude-table-data", "skein.*", NULL },
                            path, "/dev/null");
    assert_int_equal(wait_exit(pid), 0);
    AUTO(Str) kept = { 0 };
    char *rest = arena_strdup(&world->arena, take(world, path));
    for (char *line = NULL; (line = strsep(&rest, "\n")) != NULL;) {
        if (!str_starts_with(line, "\\restrict") && !str_starts_with(line, "\\unrestrict")) {
            str_printf(&kept, "%s\n", line);
        }
    }
    return arena_strdup(&world->arena, str_text(&kept));
}

/* skein's own rows, but for times and pids; and that those are there where they should be. */
static const char OWN[] =
    "SELECT string_agg(row, E'\\n' ORDER BY row) FROM ("
    "SELECT (to_jsonb(h) - '{backend_pid,backend_start,started_at,applied_at,undone_at}'::text[] ||"
    " jsonb_build_object('pid', backend_pid > 0, 'start', backend_start IS NOT NULL,"
    " 'applied', applied_at >= started_at, 'undone', undone_at IS NOT NULL,"
    " 'evidence', evidence IS NOT NULL))::text AS row FROM skein.history h"
    " UNION ALL SELECT (to_jsonb(f) - '{taken_at,database_oid,schema_oid}'::text[])::text FROM skein.fence f"
    " UNION ALL SELECT (to_jsonb(m) - '{made_at,changed_at}'::text[])::text FROM skein.meta m) rows";

static const char *own(World *world)
{
    return arena_strdup(&world->arena, pg_cluster_ask(world->cluster, world->database, OWN));
}

static void assert_equal(World *world, const char *one, const char *other)
{
    look_at(world, one);
    const char *first = dump(world);
    const char *first_own = own(world);
    look_at(world, other);
    assert_string_equal(dump(world), first);
    assert_string_equal(own(world), first_own);
}

static void assert_done(World *world, const char *line)
{
    Outcome outcome = run(world, line);
    if (outcome.exit_code != 0) {
        fail_msg("skein %s: exit code %d\n%s", line, outcome.exit_code, outcome.err);
    }
}

/* ---- the script ---- */

static void the_script_leaves_what_up_and_down_leave(void **state)
{
    World *world = *state;
    const char *one = world->database;
    const char *other = sibling_make(world, "sql");
    static const struct {
        const char *run;
        const char *sql;
    } MOVES[] = {
        { "up --to 1", "up --to 1 --sql --out s.sql" },
        { "up", "up --sql --out s.sql" },
        { "down --to 1 --yes", "down --to 1 --sql --out s.sql" },
        { "up", "up --sql --out s.sql" },
        { "down --to empty --yes", "down --to empty --sql --out s.sql" },
    };
    put_first(world);
    put_rest(world);
    for (size_t i = 0; i < ARRAY_LEN(MOVES); i++) {
        look_at(world, one);
        assert_done(world, MOVES[i].run);
        look_at(world, other);
        assert_done(world, MOVES[i].sql);
        assert_psql(world, "s.sql", 0, "");
        assert_equal(world, one, other);
        assert_run(world, "repair", 0, "nothing is wrong with the history\n");
    }
    assert_done(world, "up");
}

/* Its name is the work of somebody else: a line of it is to end no comment. */
static void the_script_of_a_schema_leaves_it_likewise(void **state)
{
    World *world = *state;
    const char *one = world->database;
    const char *other = sibling_make(world, "sql");
    put_migration(world, "0001_items", "CREATE TABLE items (v money_of_all);\n",
                  "DROP TABLE items;\n");
    static const char WORLD[] = "CREATE SCHEMA \"Ac me\"; CREATE SCHEMA common;"
                                "CREATE DOMAIN common.money_of_all AS numeric";
    pg_cluster_run(world->cluster, one, WORLD);
    pg_cluster_run(world->cluster, other, WORLD);
    pg_cluster_run(world->cluster, one, "ALTER SCHEMA \"Ac me\" RENAME TO \"Ac'me\nfail\"");
    pg_cluster_run(world->cluster, other, "ALTER SCHEMA \"Ac me\" RENAME TO \"Ac'me\nfail\"");
    look_at(world, one);
    assert_done(world, "up --schema Ac'me\nfail --shared-schemas common");
    look_at(world, other);
    assert_done(world, "up --schema Ac'me\nfail --shared-schemas common --sql --out s.sql");
    assert_psql(world, "s.sql", 0, "");
    assert_equal(world, one, other);
}

static void the_script_tells_a_mirrored_table(void **state)
{
    World *world = *state;
    const char *one = world->database;
    const char *other = sibling_make(world, "sql");
    static const char TABLE[] =
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean)";
    put_first(world);
    put_rest(world);
    pg_cluster_run(world->cluster, one, TABLE);
    pg_cluster_run(world->cluster, other, TABLE);
    assert_done(world, "up --mirror golang-migrate");
    look_at(world, other);
    assert_done(world, "up --mirror golang-migrate --sql --out s.sql");
    assert_psql(world, "s.sql", 0, "");
    assert_equal(world, one, other);
    assert_ask(world, "SELECT version FROM schema_migrations", "5");
    assert_done(world, "down --to 1 --mirror golang-migrate --sql --out s.sql");
    assert_psql(world, "s.sql", 0, "");
    assert_ask(world, "SELECT version FROM schema_migrations", "1");
    pg_cluster_run(world->cluster, other, "UPDATE schema_migrations SET version = 3");
    assert_refusal(world, "up --mirror golang-migrate --dry-run", 3, "golang-migrate");
}

static void the_script_stops_where_it_is_not_meant(void **state)
{
    World *world = *state;
    const char *one = world->database;
    const char *other = sibling_make(world, "sql");
    put_first(world);
    assert_done(world, "up --sql --out s.sql");
    look_at(world, other);
    assert_psql(world, "s.sql", 3, "this is not the database that the script was written for");
    assert_ask(world, "SELECT to_regnamespace('skein') IS NULL", "t");
    look_at(world, one);
    PGconn *holder = PQconnectdb(world->connection);
    assert_psql(world, "s.sql", 0, "");
    assert_psql(world, "s.sql", 3, "the history has gone on since the script was written");
    put_rest(world);
    assert_done(world, "up --sql --out s.sql");
    PQclear(PQexec(holder, "SELECT pg_advisory_lock('-7894839981775541679')"));
    assert_psql(world, "s.sql", 3, "another session holds the lock of this target");
    PQfinish(holder);
    assert_psql(world, "s.sql", 0, "");
    assert_run(world, "up", 0, "nothing to do; at 0005_mood\n");
    assert_refusal(world, "up --sql", 3, "there is nothing to do");
}

static void a_migration_that_fails_stops_the_script_and_leaves_nothing(void **state)
{
    World *world = *state;
    put_first(world);
    put_migration(world, "0002_wrong", "CREATE TABLE b (v int);\nSELECT 1 / 0;\n", NULL);
    assert_done(world, "up --sql --out s.sql");
    assert_psql(world, "s.sql", 3, "division by zero");
    assert_run(world, "current", 0, "0001_things\n");
    assert_ask(world, "SELECT to_regclass('public.b') IS NULL", "t");
}

/* As the executor sees it; and the row that would call it done is not written. */
static void a_migration_that_ends_its_transaction_is_not_called_applied(void **state)
{
    World *world = *state;
    put_migration(world, "0001_commit",
                  "CREATE TABLE b (v int);\nCREATE PROCEDURE p() LANGUAGE plpgsql AS"
                  " $$ BEGIN COMMIT; END $$;\nCALL p();\n",
                  NULL);
    assert_done(world, "up --sql --out s.sql");
    assert_psql(world, "s.sql", 3, "");
    assert_run(world, "current", 0, "empty\n");
}

/* The head says so; afterwards it is as after an agent that died. */
static void a_build_that_fails_is_settled_by_the_next_up(void **state)
{
    World *world = *state;
    put_migration(world, "0001_things", "CREATE TABLE things (v int);\n", "DROP TABLE things;\n");
    put_migration(world, "0002_index", "CREATE UNIQUE INDEX CONCURRENTLY i ON things (v);\n", NULL);
    assert_done(world, "up --to 1");
    pg_cluster_run(world->cluster, world->database, "INSERT INTO things VALUES (1), (1)");
    assert_done(world, "up --sql --out s.sql");
    const char *path = arena_printf(&world->arena, "%s/s.sql", world->directory);
    assert_non_null(
        strstr(take(world, path), "the next `skein up` or `down` settles what it has left"));
    assert_psql(world, "s.sql", 3, "could not create unique index");
    pg_cluster_run(world->cluster, world->database, "TRUNCATE things");
    assert_done(world, "up");
}

/* ---- --dry-run ---- */

static const json_t *statement_of_kind(const json_t *step, const char *kind)
{
    const json_t *statements = json_object_get(step, "statements");
    for (size_t i = 0; i < json_array_size(statements); i++) {
        const json_t *statement = json_array_get(statements, i);
        const char *its = json_string_value(json_object_get(statement, "kind"));
        if (its != NULL && str_equal(its, kind)) {
            return statement;
        }
    }
    fail_msg("no %s", kind);
    return NULL;
}

static void a_dry_run_shows_every_statement_and_changes_nothing(void **state)
{
    World *world = *state;
    put_first(world);
    put_rest(world);
    const json_t *answer = run_json(world, "up --dry-run", 0);
    assert_true(json_boolean_value(json_object_get(answer, "makes_tables")));
    const json_t *steps = json_object_get(answer, "steps");
    assert_int_equal(json_array_size(steps), 7);
    const json_t *build = json_array_get(steps, 2);
    assert_false(json_boolean_value(json_object_get(build, "is_transactional")));
    const json_t *statement = statement_of_kind(build, "CREATE INDEX CONCURRENTLY");
    assert_string_equal(json_string_value(json_object_get(statement, "sql")),
                        "CREATE INDEX CONCURRENTLY things_w ON things (w)");
    assert_string_equal(json_string_value(json_object_get(statement, "looked_at")), "index_valid");
    assert_ask(world, "SELECT to_regnamespace('skein') IS NULL", "t");
    assert_done(world, "up");
    const char *before = dump(world);
    const char *own_before = own(world);
    assert_done(world, "up --dry-run");
    assert_done(world, "down --to empty --dry-run");
    assert_done(world, "down --to empty --sql");
    assert_string_equal(dump(world), before);
    assert_string_equal(own(world), own_before);
}

static void what_up_would_refuse_is_refused_on_paper(void **state)
{
    World *world = *state;
    put_first(world);
    assert_done(world, "up");
    put_migration(world, "0001_things", "CREATE TABLE things (v bigint);\n", NULL);
    assert_refusal(world, "up --dry-run", 3, "0001_things is applied here with other contents");
    assert_refusal(world, "up --sql", 3, "0001_things is applied here with other contents");
    assert_refusal(world, "up --sql --dry-run", 2, "one of them");
    assert_refusal(world, "up --out x", 2, "--out is where --sql writes");
}

static void a_copy_gets_no_script_before_its_history_is_its_own(void **state)
{
    World *world = *state;
    put_first(world);
    assert_done(world, "up");
    const char *copy = arena_printf(&world->arena, "%s_copy", world->database);
    pg_cluster_run(
        world->cluster, "postgres",
        arena_printf(&world->arena, "CREATE DATABASE %s TEMPLATE %s", copy, world->database));
    look_at(world, copy);
    put_rest(world);
    assert_refusal(world, "up --sql", 3, "this database is a copy");
    assert_done(world, "up --to 1");
    assert_done(world, "up --sql --out s.sql");
    assert_psql(world, "s.sql", 0, "");
}

/* Its history is still under the former name: on paper it would look like none. */
static void a_renamed_schema_gets_no_script_before_its_history_has_come_along(void **state)
{
    World *world = *state;
    put_migration(world, "0001_items", "CREATE TABLE items (v int);\n", "DROP TABLE items;\n");
    pg_cluster_run(world->cluster, world->database, "CREATE SCHEMA acme");
    assert_done(world, "up --schema acme");
    pg_cluster_run(world->cluster, world->database, "ALTER SCHEMA acme RENAME TO apex");
    assert_refusal(world, "up --schema apex --dry-run", 3, "the schema had another name");
    assert_done(world, "up --schema apex --to 1");
    assert_done(world, "up --schema apex --dry-run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_script_leaves_what_up_and_down_leave),
        WORLD_TEST(the_script_of_a_schema_leaves_it_likewise),
        WORLD_TEST(the_script_tells_a_mirrored_table),
        WORLD_TEST(the_script_stops_where_it_is_not_meant),
        WORLD_TEST(a_migration_that_fails_stops_the_script_and_leaves_nothing),
        WORLD_TEST(a_migration_that_ends_its_transaction_is_not_called_applied),
        WORLD_TEST(a_build_that_fails_is_settled_by_the_next_up),
        WORLD_TEST(a_dry_run_shows_every_statement_and_changes_nothing),
        WORLD_TEST(what_up_would_refuse_is_refused_on_paper),
        WORLD_TEST(a_copy_gets_no_script_before_its_history_is_its_own),
        WORLD_TEST(a_renamed_schema_gets_no_script_before_its_history_has_come_along),
    };
    return WORLD_RUN(tests);
}
