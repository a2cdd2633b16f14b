/*
 * A history that is shared with another tool, and a plan that has nothing to do with that tool:
 * docs/repair.md, "Where nothing is mirrored". What the tool has done by itself never runs again.
 */
#include "tests/integration/cli/cli_world.h"

#include <string.h>

#include "common/str.h"

#define STANDING                                                                                   \
    "SELECT coalesce(string_agg(left(id, 4), ' ' ORDER BY seq), '') FROM skein.history"            \
    " WHERE state = 'applied'"
#define VERSIONS                                                                                   \
    "SELECT coalesce(string_agg(version, ' ' ORDER BY version), '') FROM schema_migrations"
#define LIKES "SELECT count(*) FROM likes"
#define TOOL_GOES_ON "INSERT INTO likes VALUES (3); INSERT INTO schema_migrations VALUES ('0003')"
#define GONE_ON "dbmate has applied 0003_like here by itself"

/* Two migrations that dbmate has applied, and a third one that would do harm if it ran twice. */
static void put_shop(World *world)
{
    put_migration(world, "0001_users", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0002_posts", "SELECT 1;\n", "SELECT 1;\n");
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE likes (i int); CREATE TABLE schema_migrations (version varchar"
                   " PRIMARY KEY); INSERT INTO schema_migrations VALUES ('0001'), ('0002')");
}

static void put_third(World *world)
{
    put_migration(world, "0003_like", "INSERT INTO likes VALUES (3);\n",
                  "DELETE FROM likes WHERE i = 3;\n");
}

static void tool_does(World *world, const char *sql)
{
    pg_cluster_run(world->cluster, world->database, sql);
}

/* The tool knows it by its version, and skein's history by its former name: nobody went on. */
static void a_renamed_file_is_not_taken_for_what_the_tool_did_by_itself(void **state)
{
    static const char *const LINES[] = { "up", "up --missing ignore",
                                         "up --missing ignore --dry-run",
                                         "up --mirror dbmate --missing ignore" };
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_third(world);
    run_json(world, "up --mirror dbmate", 0);
    remove_migration(world, "0003_like");
    put_migration(world, "0003_liked", "INSERT INTO likes VALUES (3);\n",
                  "DELETE FROM likes WHERE i = 3;\n");
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        Outcome outcome = run(world, LINES[i]);
        assert_int_equal(outcome.exit_code, 3);
        assert_non_null(strstr(outcome.err, "0003_liked looks like 0003_like under a new name"));
        assert_non_null(strstr(outcome.err, "`skein repair --rename 0003_like"));
        assert_null(strstr(outcome.err, "skein adopt"));
    }
    run_json(world, "repair --rename 0003_like --yes", 0);
    run_json(world, "up", 0);
    assert_ask(world, LIKES, "1");
}

static void what_the_tool_did_by_itself_does_not_run_again(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_third(world);
    tool_does(world, TOOL_GOES_ON);
    assert_refusal(world, "up", 3, GONE_ON);
    assert_refusal(world, "up", 3, "skein adopt --from dbmate");
    assert_refusal(world, "up --dry-run", 3, GONE_ON);
    assert_refusal(world, "up --sql", 3, GONE_ON);
    assert_refusal(world, "up --mirror none", 3, GONE_ON);
    assert_ask(world, LIKES, "1");
    run_json(world, "up --to 2", 0);
    run_json(world, "adopt --from dbmate", 0);
    run_json(world, "up", 0);
    assert_ask(world, LIKES, "1");
    assert_ask(world, STANDING, "0001 0002 0003");
}

static void a_tool_that_was_told_is_remembered_as_one_that_was_adopted(void **state)
{
    World *world = *state;
    put_shop(world);
    tool_does(world, "DELETE FROM schema_migrations");
    run_json(world, "up --mirror dbmate", 0);
    assert_ask(world, VERSIONS, "0001 0002");
    put_third(world);
    tool_does(world, TOOL_GOES_ON);
    assert_refusal(world, "up", 3, GONE_ON);
}

static void a_table_of_another_name_and_schema_is_remembered(void **state)
{
    World *world = *state;
    put_shop(world);
    tool_does(world, "CREATE SCHEMA ops; ALTER TABLE schema_migrations SET SCHEMA ops;"
                     " ALTER TABLE ops.schema_migrations RENAME TO \"My_moves\"");
    run_json(world, "adopt --from dbmate --table ops.\"My_moves\"", 0);
    put_third(world);
    tool_does(world, "INSERT INTO ops.\"My_moves\" VALUES ('0003')");
    assert_refusal(world, "up", 3, GONE_ON);
}

/* Typed without --schema, it would begin a second history, of the whole database. */
static void what_is_to_be_typed_goes_to_the_same_target(void **state)
{
    World *world = *state;
    put_shop(world);
    tool_does(world, "CREATE SCHEMA app; CREATE TABLE app.likes (i int)");
    run_json(world, "adopt --from dbmate --schema app --table public.schema_migrations", 0);
    put_third(world);
    tool_does(world, TOOL_GOES_ON);
    assert_program(world, "skein status --schema app", 0,
                   "`skein repair --mirror dbmate --table public.schema_migrations --schema app`"
                   " compares");
    assert_refusal(world, "up --schema app", 3,
                   "`skein adopt --from dbmate --table public.schema_migrations --schema app`");
    assert_non_null(
        strstr(run(world, "up --schema app --output json").err,
               "`skein adopt --from dbmate --table public.schema_migrations --schema app`"));
    tool_does(world, "UPDATE schema_migrations SET version = '0004' WHERE version = '0003'");
    run_json(world, "up --schema app --missing ignore", 0);
    assert_refusal(
        world, "up --schema app", 0,
        "`skein repair --mirror dbmate --table public.schema_migrations --tell --schema app`");
}

/* The operator is told, and nothing is stopped. */
static void a_tool_that_lags_behind_is_told_of(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_third(world);
    assert_refusal(world, "up", 0, "note: dbmate does not know of 1 migration that skein has");
    assert_ask(world, VERSIONS, "0001 0002");
    assert_program(world, "skein status", 0, "shared with dbmate, table schema_migrations: ");
    const json_t *lines = run_json(world, "status", 0);
    const json_t *shared = json_object_get(json_array_get(lines, 0), "shared");
    assert_string_equal(json_string_value(json_object_get(shared, "tool")), "dbmate");
    assert_string_equal(json_string_value(json_object_get(shared, "table")), "schema_migrations");
    assert_true(json_is_null(json_object_get(json_array_get(lines, 2), "shared")));
    assert_refusal(world, "up", 0, "note: dbmate does not know of 1 migration that skein has");
    run_json(world, "repair --mirror dbmate --tell --yes", 0);
    assert_ask(world, VERSIONS, "0001 0002 0003");
    assert_string_equal(run(world, "up").err, "");
}

/* Of two tables of one tool, each has had what was told to it. */
static void what_another_table_of_the_tool_has_had_this_one_has_not(void **state)
{
    World *world = *state;
    put_shop(world);
    tool_does(world, "CREATE SCHEMA old; ALTER TABLE schema_migrations SET SCHEMA old");
    run_json(world, "adopt --from dbmate --table old.schema_migrations", 0);
    tool_does(world, "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)");
    assert_program(world, "skein repair --mirror dbmate", 6, "dbmate was never told");
    assert_null(strstr(run(world, "repair --mirror dbmate").out, "tool-undone"));
    assert_refusal(world, "up --mirror dbmate", 3,
                   "0001_users is applied here by skein's history, and dbmate does not have it");
    tool_does(world, "DELETE FROM old.schema_migrations WHERE version = '0002'");
    assert_program(world, "skein repair --mirror dbmate --table old.schema_migrations", 6,
                   "tool-undone");
}

static void dropping_the_tools_table_ends_it(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_third(world);
    tool_does(world, "INSERT INTO schema_migrations VALUES ('0003')");
    assert_refusal(world, "up", 3, GONE_ON);
    tool_does(world, "DROP TABLE schema_migrations");
    run_json(world, "up", 0);
    assert_ask(world, LIKES, "1");
}

/* To who may not use its schema it looks as if it were not there. */
static void a_table_in_a_schema_that_is_closed_to_the_role_is_not_gone(void **state)
{
    World *world = *state;
    put_shop(world);
    tool_does(world, "CREATE SCHEMA ops; ALTER TABLE schema_migrations SET SCHEMA ops");
    run_json(world, "adopt --from dbmate --table ops.schema_migrations", 0);
    put_third(world);
    tool_does(world, AS_SUPERUSER
              "CREATE ROLE mover LOGIN; RESET ROLE;"
              "INSERT INTO ops.schema_migrations VALUES ('0003');"
              " GRANT ALL ON likes TO mover; GRANT USAGE ON SCHEMA skein TO mover;"
              " GRANT ALL ON ALL TABLES IN SCHEMA skein TO mover; CREATE TABLE"
              " __diesel_schema_migrations (version varchar PRIMARY KEY, run_on timestamp);"
              " INSERT INTO __diesel_schema_migrations VALUES ('0001'), ('0002');"
              " GRANT ALL ON __diesel_schema_migrations TO mover");
    world->connection = arena_printf(&world->arena, "%s user=mover", world->connection);
    assert_refusal(world, "up", 3, "cannot be seen: permission denied for schema ops");
    assert_refusal(world, "up --mirror diesel", 3, "dbmate");
    assert_program(world, "skein repair", 6, "permission denied for schema ops");
    assert_ask(world, LIKES, "0");
    run_json(world, "up --mirror none", 0);
}

static void a_table_that_cannot_be_read_is_held_until_it_is_said_to_be_done_with(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_third(world);
    tool_does(world, "ALTER TABLE schema_migrations RENAME version TO v");
    assert_refusal(world, "up", 3, "has gone on by itself cannot be seen: column");
    run_json(world, "up --to 2", 0); /* nothing to be done */
    assert_ask(world, LIKES, "0");
    run_json(world, "up --mirror none", 0);
    assert_ask(world, LIKES, "1");
    run_json(world, "down --yes", 0);
    assert_ask(world, LIKES, "0");
}

static void a_migration_that_takes_the_tools_table_away_is_told_how_to_run(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_migration(world, "0003_alone", "DROP TABLE schema_migrations;\n", "SELECT 1;\n");
    assert_refusal(world, "up --mirror dbmate", 1, "cannot tell the other tool's table");
    assert_refusal(world, "up --mirror dbmate", 1, "is run with --mirror none");
    run_json(world, "up --mirror none", 0);
}

static void what_the_tool_goes_on_having_is_not_undone_behind_its_back(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    assert_refusal(world, "down --yes", 3, "dbmate has 0002_posts in its own table");
    run_json(world, "down --yes --mirror dbmate", 0);
    assert_ask(world, VERSIONS, "0001");
    run_json(world, "down --yes --mirror none", 0);
    assert_ask(world, STANDING, "");
    assert_ask(world, VERSIONS, "0001");
}

/* ---- what the tool has undone by itself ---- */

#define TOOL_GOES_BACK "DELETE FROM likes; DELETE FROM schema_migrations WHERE version = '0003'"
#define GONE_BACK "dbmate had 0003_like here and has it no more"

/* Three, told to dbmate, which takes the last one back. */
static void put_undone(World *world)
{
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_third(world);
    run_json(world, "up --mirror dbmate", 0);
    assert_ask(world, LIKES, "1");
    tool_does(world, TOOL_GOES_BACK);
}

static void what_the_tool_undid_by_itself_is_not_built_upon_nor_undone_again(void **state)
{
    static const char *const COMMANDS[] = {
        "up",         "up --mirror none",    "up --dry-run",
        "up --sql",   "up --to 2",           "down --yes",
        "down --sql", "adopt --from dbmate", "down --yes --mirror none"
    };
    World *world = *state;
    put_undone(world);
    tool_does(world, "INSERT INTO likes VALUES (3)"); /* a second undoing would show */
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        assert_refusal(world, COMMANDS[i], 3, GONE_BACK);
    }
    assert_refusal(world, "up", 3, "`skein repair --undone 0003_like`");
    assert_refusal(world, "up --mirror dbmate", 3, GONE_BACK);
    assert_ask(world, LIKES, "1");
    tool_does(world, "DELETE FROM likes");
    run_json(world, "repair --undone 0003_like --yes", 0);
    run_json(world, "up", 0);
    assert_ask(world, LIKES, "1");
}

static void a_table_that_has_lost_a_row_is_told_again(void **state)
{
    World *world = *state;
    put_undone(world);
    run_json(world, "repair --mirror dbmate --tell --yes", 0);
    assert_ask(world, VERSIONS, "0001 0002 0003");
    run_json(world, "up", 0);
    tool_does(world, TOOL_GOES_BACK);
    assert_refusal(world, "up", 3, GONE_BACK);
}

static void adopting_back_to_where_the_tool_stands_takes_the_row_back(void **state)
{
    World *world = *state;
    put_undone(world);
    run_json(world, "adopt --from dbmate --to 2", 0);
    assert_ask(world, STANDING, "0001 0002");
    run_json(world, "up", 0);
    assert_ask(world, LIKES, "1");
}

/* What was applied without telling it is no sign of anything. */
static void what_the_tool_never_had_it_has_not_undone(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_third(world);
    run_json(world, "up", 0);
    run_json(world, "up", 0);
    run_json(world, "down --yes", 0);
    assert_ask(world, LIKES, "0");
}

/* Neither taken over nor told, but both had it when they were compared. */
static void what_both_had_the_tool_can_undo_by_itself(void **state)
{
    static const char *const BEFORE[] = { "baseline 2", "up --to 2 --mirror none" };
    static const char *const COMPARED[] = { "up --mirror dbmate", "adopt --from dbmate" };
    World *world = *state;
    put_shop(world);
    for (size_t i = 0; i < ARRAY_LEN(BEFORE) * ARRAY_LEN(COMPARED); i++) {
        tool_does(world, "DROP SCHEMA IF EXISTS skein CASCADE; DELETE FROM schema_migrations;"
                         " INSERT INTO schema_migrations VALUES ('0001'), ('0002')");
        run_json(world, BEFORE[i / ARRAY_LEN(COMPARED)], 0);
        run_json(world, COMPARED[i % ARRAY_LEN(COMPARED)], 0);
        tool_does(world, "DELETE FROM schema_migrations WHERE version = '0002'");
        assert_refusal(world, "up", 3, "dbmate had 0002_posts here and has it no more");
        assert_refusal(world, "up", 3, "`skein repair --undone 0002_posts`");
    }
}

/* Begun with --mirror, and brought to its end without: it was never told. */
static void what_was_only_begun_with_the_mirror_it_never_had(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_migration(
        world, "0003_parts",
        "CREATE INDEX CONCURRENTLY a ON likes (i);\nSELECT 1 / (SELECT count(*) FROM likes"
        " WHERE i = 7);\n",
        NULL);
    assert_refusal(world, "up --mirror dbmate", 1, "division by zero");
    tool_does(world, "INSERT INTO likes VALUES (7)");
    run_json(world, "up", 0);
    assert_ask(world, STANDING, "0001 0002 0003");
    run_json(world, "up", 0);
}

static void a_statement_outside_a_transaction_is_remembered_as_told(void **state)
{
    World *world = *state;
    put_shop(world);
    tool_does(world, "DELETE FROM schema_migrations");
    put_migration(world, "0003_index", "CREATE INDEX CONCURRENTLY a ON likes (i);\n",
                  "DROP INDEX a;\n");
    run_json(world, "up --mirror dbmate", 0);
    tool_does(world, "DROP INDEX a; DELETE FROM schema_migrations WHERE version = '0003'");
    assert_refusal(world, "up", 3, "dbmate had 0003_index here and has it no more");
}

/* ---- a tool that keeps but where it stands ---- */

#define STANDS_AT(version) "UPDATE schema_migrations SET version = " #version ", dirty = false"

static void put_golang(World *world)
{
    put_migration(world, "0001_users", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0002_posts", "SELECT 1;\n", "SELECT 1;\n");
    put_third(world);
    tool_does(world, "CREATE TABLE likes (i int); CREATE TABLE schema_migrations (version bigint"
                     " PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES"
                     " (3, false)");
    run_json(world, "adopt --from golang-migrate", 0);
}

static void where_one_version_goes_back_all_above_it_is_undone(void **state)
{
    World *world = *state;
    put_golang(world);
    tool_does(world, STANDS_AT(1));
    assert_refusal(world, "up", 3, "golang-migrate had 0002_posts here and has it no more");
    assert_refusal(world, "up", 3, "(2 such in all)");
    assert_refusal(world, "up", 3, "`skein repair --undone 0002_posts 0003_like`");
    assert_refusal(world, "down --yes", 3, "golang-migrate had 0003_like here");
    run_json(world, "repair --undone 0002_posts 0003_like --yes", 0);
    run_json(world, "up --mirror golang-migrate", 0);
    assert_ask(world, "SELECT version || ' ' || dirty FROM schema_migrations", "3 false");
}

static void a_dirty_version_is_said_as_such(void **state)
{
    static const char *const COMMANDS[] = { "up", "up --dry-run", "down --yes" };
    World *world = *state;
    put_golang(world);
    tool_does(world, "UPDATE schema_migrations SET version = 2, dirty = true");
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        assert_refusal(world, COMMANDS[i], 3,
                       "golang-migrate is not at rest here: version 2 is dirty");
    }
    assert_null(strstr(run(world, "up").err, "take over"));
    assert_program(world, "skein repair", 6, "tool-fault");
    tool_does(world, STANDS_AT(3));
    run_json(world, "up", 0);
}

/* What lies below a version that no file has, nobody can tell. */
static void a_version_that_no_file_has_hides_the_rest(void **state)
{
    World *world = *state;
    put_golang(world);
    tool_does(world, STANDS_AT(5));
    run_json(world, "up", 0); /* nothing is to be done */
    put_migration(world, "0004_more", "INSERT INTO likes VALUES (4);\n", NULL);
    assert_refusal(world, "up", 3, "cannot be seen: it stands at 5, which the directory does not");
    assert_program(world, "skein repair", 6, "it stands at 5");
    assert_ask(world, LIKES, "0");
    put_migration(world, "0005_last", "SELECT 1;\n", NULL);
    assert_refusal(world, "up", 3, "golang-migrate has applied 0004_more here by itself");
}

/* ---- one judgement ---- */

/* What holds an up, repair finds, without being told of the tool; and where it does not, not. */
static void repair_judges_as_up_does(void **state)
{
    static const struct {
        const char *tool_does;
        const char *finding;
        int exit_code;
    } rows[] = {
        { "SELECT 1", "nothing is wrong with the history", 0 },
        { "INSERT INTO schema_migrations VALUES ('0003')", "0003_like: tool-ahead", 6 },
        { "DELETE FROM schema_migrations WHERE version = '0002'", "0002_posts: tool-undone", 6 },
        { "ALTER TABLE schema_migrations RENAME version TO v", "tool-table", 6 },
        { "DROP TABLE schema_migrations", "nothing is wrong with the history", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        World *world = *state;
        new_database(world);
        put_shop(world);
        run_json(world, "adopt --from dbmate", 0);
        put_third(world);
        tool_does(world, rows[i].tool_does);
        assert_program(world, "skein repair", rows[i].exit_code, rows[i].finding);
        assert_int_equal(run(world, "up").exit_code, rows[i].exit_code == 0 ? 0 : 3);
        remove_migration(world, "0003_like");
    }
}

static void a_history_is_shared_with_one_tool(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    put_third(world);
    tool_does(world,
              "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL,"
              " is_applied boolean NOT NULL); INSERT INTO goose_db_version (version_id, is_applied)"
              " VALUES (1, true), (2, true)");
    assert_refusal(world, "up --mirror goose", 3, "this history is shared with dbmate");
    run_json(world, "up --mirror rails", 0); /* the very table */
    assert_ask(world, VERSIONS, "0001 0002 0003");
    run_json(world, "up --mirror none", 0);
    assert_refusal(world, "up --mirror goose", 3, "goose does not have it");
    run_json(world, "repair --mirror goose --tell --yes", 0);
    run_json(world, "up --mirror goose", 0);
}

static void once_done_with_the_tool_is_not_asked(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "adopt --from dbmate", 0);
    run_json(world, "up --mirror none", 0);
    assert_null(strstr(run(world, "status").out, "shared with"));
    put_third(world);
    tool_does(world, "INSERT INTO schema_migrations VALUES ('0003')");
    run_json(world, "up", 0);
    assert_ask(world, LIKES, "1");
    run_json(world, "down --yes", 0);
    assert_ask(world, LIKES, "0");
}

static void a_baseline_is_shared_with_nobody(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "baseline 2", 0);
    put_third(world);
    tool_does(world, "INSERT INTO schema_migrations VALUES ('0003')");
    run_json(world, "up", 0);
    assert_ask(world, LIKES, "1");
}

/* ---- nobody has adopted ---- */

#define SCRIPT(up, down) "-- migrate:up\n" up "\n-- migrate:down\n" down "\n"
#define BALANCE "SELECT string_agg(bal::text, ' ') FROM acct"
#define ALONE                                                                                      \
    "nothing is applied here by skein's history, and dbmate has applied 2 migrations of this"

/* A directory of dbmate's own, which dbmate has run. */
static void put_bank(World *world)
{
    put_history_file(world, "0001_acct.sql",
                     SCRIPT("CREATE TABLE IF NOT EXISTS acct (bal int);", "DROP TABLE acct;"));
    put_history_file(
        world, "0002_cents.sql",
        SCRIPT("UPDATE acct SET bal = bal * 100;", "UPDATE acct SET bal = bal / 100;"));
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE acct (bal int); INSERT INTO acct VALUES (700);"
                   " CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
                   " INSERT INTO schema_migrations VALUES ('0001'), ('0002')");
}

static void what_nobody_adopted_does_not_run_again(void **state)
{
    World *world = *state;
    put_bank(world);
    assert_refusal(world, "up", 3, ALONE);
    assert_refusal(world, "up", 3, "skein adopt --from dbmate");
    assert_refusal(world, "up --dry-run", 3, ALONE);
    assert_refusal(world, "up --sql", 3, ALONE);
    assert_refusal(world, "up --to 1", 3, ALONE);
    assert_ask(world, BALANCE, "700");
    run_json(world, "adopt --from dbmate", 0);
    run_json(world, "up", 0);
    assert_ask(world, BALANCE, "700");
    assert_ask(world, STANDING, "0001 0002");
}

static void what_nobody_adopted_runs_again_for_who_says_so(void **state)
{
    World *world = *state;
    put_bank(world);
    run_json(world, "up --mirror none", 0);
    assert_ask(world, BALANCE, "70000");
    run_json(world, "down --yes", 0);
    run_json(world, "down --yes", 0);
    assert_ask(world, STANDING, "");
    assert_refusal(world, "up", 3, ALONE); /* for all that is known, it was at work since */
    run_json(world, "up --mirror none", 0);
    assert_ask(world, STANDING, "0001 0002");
}

/* Of another format than the directory's, and at a table of another name. */
static void whom_the_history_was_shared_with_is_asked_also_when_all_is_undone(void **state)
{
    World *world = *state;
    put_shop(world);
    tool_does(world, "ALTER TABLE schema_migrations RENAME TO moves");
    run_json(world, "adopt --from dbmate --table moves", 0);
    run_json(world, "down --to empty --yes --mirror dbmate --table moves", 0);
    put_third(world);
    tool_does(world, "INSERT INTO moves VALUES ('0001'), ('0002'), ('0003');"
                     " INSERT INTO likes VALUES (3)");
    assert_refusal(world, "up", 3, "and dbmate has applied 3 migrations of this");
    assert_refusal(world, "up", 3, "`skein adopt --from dbmate --table moves`");
    assert_program(world, "skein repair", 6, "0003_like: tool-ahead");
    tool_does(world, "DELETE FROM moves; DELETE FROM likes");
    run_json(world, "up", 0);
    assert_ask(world, LIKES, "1");
}

/* Taking an adoption back leaves the target as nobody had adopted it. */
static void an_adoption_that_was_undone_is_none(void **state)
{
    World *world = *state;
    put_bank(world);
    run_json(world, "adopt --from dbmate", 0);
    tool_does(world, "UPDATE skein.history SET state = 'undone', undone_at = now()");
    assert_refusal(world, "up", 3, ALONE);
    assert_ask(world, BALANCE, "700");
}

static void a_baseline_comes_before_what_nobody_adopted(void **state)
{
    World *world = *state;
    put_bank(world);
    run_json(world, "baseline 2", 0);
    run_json(world, "up", 0);
    assert_ask(world, BALANCE, "700");
}

/* Of a tool that has done nothing here nothing is said, nor of another one's table of that name. */
static void a_table_that_says_nothing_holds_nothing(void **state)
{
    static const char *const TABLES[] = {
        "DELETE FROM schema_migrations",
        "DROP TABLE schema_migrations",
        "UPDATE schema_migrations SET version = 'x' || version",
        "ALTER TABLE schema_migrations RENAME version TO v",
    };
    World *world = *state;
    put_bank(world);
    for (size_t i = 0; i < ARRAY_LEN(TABLES); i++) {
        tool_does(world, "DROP SCHEMA IF EXISTS skein CASCADE; DROP TABLE acct, schema_migrations");
        pg_cluster_run(world->cluster, world->database,
                       "CREATE TABLE acct (bal int); INSERT INTO acct VALUES (7);"
                       " CREATE TABLE schema_migrations (version varchar);"
                       " INSERT INTO schema_migrations VALUES ('0001')");
        tool_does(world, TABLES[i]);
        tool_does(world, "CREATE TABLE IF NOT EXISTS schema_migrations ()");
        run_json(world, "up", 0);
        assert_ask(world, BALANCE, "700");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_renamed_file_is_not_taken_for_what_the_tool_did_by_itself),
        WORLD_TEST(what_the_tool_did_by_itself_does_not_run_again),
        WORLD_TEST(a_tool_that_was_told_is_remembered_as_one_that_was_adopted),
        WORLD_TEST(a_table_of_another_name_and_schema_is_remembered),
        WORLD_TEST(what_is_to_be_typed_goes_to_the_same_target),
        WORLD_TEST(a_tool_that_lags_behind_is_told_of),
        WORLD_TEST(what_another_table_of_the_tool_has_had_this_one_has_not),
        WORLD_TEST(dropping_the_tools_table_ends_it),
        WORLD_TEST(a_table_in_a_schema_that_is_closed_to_the_role_is_not_gone),
        WORLD_TEST(a_table_that_cannot_be_read_is_held_until_it_is_said_to_be_done_with),
        WORLD_TEST(a_migration_that_takes_the_tools_table_away_is_told_how_to_run),
        WORLD_TEST(what_the_tool_goes_on_having_is_not_undone_behind_its_back),
        WORLD_TEST(what_the_tool_undid_by_itself_is_not_built_upon_nor_undone_again),
        WORLD_TEST(a_table_that_has_lost_a_row_is_told_again),
        WORLD_TEST(adopting_back_to_where_the_tool_stands_takes_the_row_back),
        WORLD_TEST(what_the_tool_never_had_it_has_not_undone),
        WORLD_TEST(what_both_had_the_tool_can_undo_by_itself),
        WORLD_TEST(what_was_only_begun_with_the_mirror_it_never_had),
        WORLD_TEST(a_statement_outside_a_transaction_is_remembered_as_told),
        WORLD_TEST(where_one_version_goes_back_all_above_it_is_undone),
        WORLD_TEST(a_dirty_version_is_said_as_such),
        WORLD_TEST(a_version_that_no_file_has_hides_the_rest),
        WORLD_TEST(repair_judges_as_up_does),
        WORLD_TEST(a_history_is_shared_with_one_tool),
        WORLD_TEST(once_done_with_the_tool_is_not_asked),
        WORLD_TEST(a_baseline_is_shared_with_nobody),
        WORLD_TEST(what_nobody_adopted_does_not_run_again),
        WORLD_TEST(what_nobody_adopted_runs_again_for_who_says_so),
        WORLD_TEST(whom_the_history_was_shared_with_is_asked_also_when_all_is_undone),
        WORLD_TEST(an_adoption_that_was_undone_is_none),
        WORLD_TEST(a_baseline_comes_before_what_nobody_adopted),
        WORLD_TEST(a_table_that_says_nothing_holds_nothing),
    };
    return WORLD_RUN(tests);
}
