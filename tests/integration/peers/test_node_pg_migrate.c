/* skein beside node-pg-migrate, on one database: either goes on where the other stands. */
#include "tests/integration/peers/peer.h"

#include <string.h>

#include "common/str.h"

#define UP "node-pg-migrate up --no-verbose"
#define DOWN "node-pg-migrate down --no-verbose"
#define IS_THERE UP " --dry-run" /* it has no other word for its state */

static void put(World *world, const char *id, const char *text)
{
    put_history_file(world, arena_printf(&world->arena, "%s.sql", id), text);
}

/* Times in milliseconds and in UTC, a body with quotes in it. */
static void put_first_two(World *world)
{
    put(world, "1704067200000_accounts",
        "-- Up Migration\n"
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, email text, note text DEFAULT 'a;b');\n"
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN\n    -- a ; in a comment\n    NEW.note := 'it''s; $x$';\n    RETURN NEW;\nEND\n$$;\n"
        "-- Down Migration\nDROP FUNCTION touch();\nDROP TABLE accounts;\n");
    put(world, "20240102000000000_email",
        "-- Up Migration\nCREATE INDEX accounts_email ON accounts (lower(email));\n"
        "-- Down Migration\nDROP INDEX accounts_email;\n");
}

static void put_last_three(World *world)
{
    put(world, "1704240000000_audit",
        "-- Down Migration\nDROP TRIGGER touched ON accounts;\nDROP VIEW kinds;\n"
        "DROP FUNCTION one();\nDROP TABLE audit;\nDROP TYPE kind;\n"
        "-- Up Migration\n"
        "CREATE TYPE kind AS ENUM ('in', E'o\\'ut');\n"
        "DO $do$ BEGIN EXECUTE $q$CREATE TABLE audit (k kind, at timestamptz)$q$; END $do$;\n"
        "CREATE FUNCTION one() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"
        "/* nested /* ; */ ; */ CREATE VIEW kinds AS SELECT DISTINCT k FROM audit;\n"
        "CREATE TRIGGER touched BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch()\n");
    put(world, "1704326400000_label",
        "-- Up Migration\nALTER TYPE kind ADD VALUE IF NOT EXISTS 'both'\n-- Down Migration\nSELECT 1;\n");
    put(world, "1704412800000_empty", "-- Up Migration\n\n-- Down Migration\n");
}

#define GATED                                                                                      \
    "-- Up Migration\n" PEER_PASS_GATE                                                             \
    "CREATE TABLE notes (i int);\nINSERT INTO notes VALUES (1);\n"                                 \
    "-- Down Migration\nDROP TABLE notes;\n"

static void each_goes_on_where_the_other_stands(void **state)
{
    World *world = *state;
    peer_needs("node-pg-migrate");
    put_first_two(world);
    peer_says(world, UP);
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "2 applied, 0 pending");
    pg_cluster_run(world->cluster, world->database, /* as from a session in another time zone */
                   "UPDATE pgmigrations SET run_on = run_on + interval '14 hours'");
    put_last_three(world);
    peer_says(world, "skein up --mirror node-pg-migrate");
    assert_program(world, IS_THERE, 0, "No migrations to run!");
    peer_says(world, "skein down --yes --mirror node-pg-migrate");
    assert_program(world, IS_THERE, 0, "> Migrating files:\n> - 1704412800000_empty\n");
    pg_cluster_run(world->cluster, world->database,
                   "UPDATE pgmigrations SET run_on = run_on - interval '14 hours'");
    peer_says(world, UP);
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "5 applied, 0 pending");
    peer_says(world, DOWN " 2");
    assert_refusal(world, "up --mirror node-pg-migrate", 3,
                   "node-pg-migrate had 1704326400000_label here and has it no more");
    assert_refusal(world, "up", 3,
                   "node-pg-migrate had 1704326400000_label here and has it no more");
    peer_says(world, "skein adopt --to 1704240000000");
    assert_program(world, "skein status", 0, "3 applied, 2 pending");
}

static void both_make_the_same_catalog(void **state)
{
    World *world = *state;
    peer_needs("node-pg-migrate");
    put_first_two(world);
    put_last_three(world);
    peer_says(world, UP);
    const char *wanted = peer_dump(world);
    assert_non_null(strstr(wanted, "CREATE TRIGGER touched"));
    new_database(world);
    const char *empty = peer_dump(world);
    peer_says(world, "skein up");
    assert_same_dump(wanted, peer_dump(world));
    peer_says(world, "skein down --to empty --yes");
    assert_same_dump(empty, peer_dump(world));
}

static void all_that_skein_undoes_is_to_be_done_by_the_tool(void **state)
{
    World *world = *state;
    peer_needs("node-pg-migrate");
    put_first_two(world);
    peer_says(world, UP);
    peer_says(world, "skein adopt");
    peer_says(world, "skein down --to empty --yes --mirror node-pg-migrate");
    assert_program(world, IS_THERE, 0, "> - 1704067200000_accounts\n> - 20240102000000000_email\n");
    peer_says(world, UP);
    assert_ask(world, "SELECT count(*) FROM pg_index WHERE indrelid = 'accounts'::regclass", "2");
}

/* Where its table is, is said on its command line. */
static void a_table_elsewhere_is_kept_as_well(void **state)
{
    World *world = *state;
    const char *where = " -t moves --migrations-schema tools --create-migrations-schema";
    peer_needs("node-pg-migrate");
    put_first_two(world);
    peer_says(world, arena_printf(&world->arena, UP " 1%s", where));
    peer_says(world, "skein adopt --table tools.moves");
    peer_says(world, "skein up --mirror node-pg-migrate --table tools.moves");
    assert_program(world, arena_printf(&world->arena, IS_THERE "%s", where), 0,
                   "No migrations to run!");
    assert_ask(world, "SELECT string_agg(name, ' ' ORDER BY run_on, id) FROM tools.moves",
               "1704067200000_accounts 20240102000000000_email");
}

static void race(World *world, const char *first, const char *second)
{
    peer_needs("node-pg-migrate");
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE gate (i int)");
    put_first_two(world);
    peer_says(world, UP);
    peer_says(world, "skein adopt");
    put(world, "1704240000000_notes", GATED);
    Race race = peer_race(world, first, second);
    assert_int_equal(race.first.exit_code, 0);
    assert_came_second(&race.second, "notes");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "3 applied, 0 pending");
    assert_program(world, IS_THERE, 0, "No migrations to run!");
    assert_ask(world, "SELECT count(*) FROM notes", "1");
}

static void skein_fails_whole_where_the_tool_was_first(void **state)
{
    race(*state, UP, "skein up --mirror node-pg-migrate");
}

static void the_tool_fails_whole_where_skein_was_first(void **state)
{
    race(*state, "skein up --mirror node-pg-migrate", UP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_goes_on_where_the_other_stands),
        WORLD_TEST(both_make_the_same_catalog),
        WORLD_TEST(all_that_skein_undoes_is_to_be_done_by_the_tool),
        WORLD_TEST(a_table_elsewhere_is_kept_as_well),
        WORLD_TEST(skein_fails_whole_where_the_tool_was_first),
        WORLD_TEST(the_tool_fails_whole_where_skein_was_first),
    };
    return PEER_RUN(tests);
}
