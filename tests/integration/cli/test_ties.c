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
                   "`skein repair --mirror dbmate --schema app` compares");
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
    run_json(world, "up", 0);
    assert_ask(world, VERSIONS, "0001 0002");
    assert_program(world, "skein status", 0, "shared with dbmate: ");
    assert_refusal(world, "up", 0, "note: dbmate does not know of 1 migration that skein has");
    run_json(world, "repair --mirror dbmate --tell --yes", 0);
    assert_ask(world, VERSIONS, "0001 0002 0003");
    assert_string_equal(run(world, "up").err, "");
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
        WORLD_TEST(what_the_tool_did_by_itself_does_not_run_again),
        WORLD_TEST(a_tool_that_was_told_is_remembered_as_one_that_was_adopted),
        WORLD_TEST(a_table_of_another_name_and_schema_is_remembered),
        WORLD_TEST(what_is_to_be_typed_goes_to_the_same_target),
        WORLD_TEST(a_tool_that_lags_behind_is_told_of),
        WORLD_TEST(dropping_the_tools_table_ends_it),
        WORLD_TEST(a_table_that_cannot_be_read_is_held_until_it_is_said_to_be_done_with),
        WORLD_TEST(what_the_tool_goes_on_having_is_not_undone_behind_its_back),
        WORLD_TEST(a_history_is_shared_with_one_tool),
        WORLD_TEST(once_done_with_the_tool_is_not_asked),
        WORLD_TEST(a_baseline_is_shared_with_nobody),
        WORLD_TEST(what_nobody_adopted_does_not_run_again),
        WORLD_TEST(what_nobody_adopted_runs_again_for_who_says_so),
        WORLD_TEST(an_adoption_that_was_undone_is_none),
        WORLD_TEST(a_baseline_comes_before_what_nobody_adopted),
        WORLD_TEST(a_table_that_says_nothing_holds_nothing),
    };
    return WORLD_RUN(tests);
}
