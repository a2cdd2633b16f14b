/* skein beside graphile-migrate, on one database: either goes on where the other stands. Nothing
 * undoes a migration there. */
#include "tests/integration/peers/peer.h"

#include <string.h>

#include "common/str.h"

#define TOOL "graphile-migrate "
#define MIRROR "skein up --mirror graphile-migrate --set VISITOR=public"

/* The hashes are graphile-migrate's own. */
#define HASH_ACCOUNTS "sha1:0dc1c82ea5eb51180f33cc2c941e758d98d17ee0"
#define HASH_EMAIL "sha1:7993c50bbff933f2da9522cabe949979cc38c512"
#define HASH_AUDIT "sha1:ef085ec09433970d0debdf81392c34a64dcc0af3"
#define HASH_NOTES "sha1:73452a47332683911fc01e3cf81c41bb1e45c59f"

static void put_settings(World *world)
{
    const char *shadow =
        arena_printf(&world->arena, "%.*s/shadow_%s?sslmode=disable",
                     (int)(strrchr(world->url, '/') - world->url), world->url, world->database);
    put_file(world, ".gmrc",
             arena_printf(&world->arena,
                          "{ // of the test\n  shadowConnectionString: '%s',\n"
                          "  rootConnectionString: '%.*s/postgres',\n"
                          "  placeholders: { ':VISITOR': 'public', },\n}\n",
                          shadow, (int)(strrchr(world->url, '/') - world->url), world->url));
}

static void put(World *world, const char *name, const char *previous, const char *hash,
                const char *text)
{
    put_history_file(
        world, arena_printf(&world->arena, "committed/%s.sql", name),
        arena_printf(&world->arena, "--! Previous: %s\n--! Hash: %s\n\n%s", previous, hash, text));
}

static void put_first_two(World *world)
{
    put_settings(world);
    put(world, "000001-accounts", "-", HASH_ACCOUNTS,
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, email text, note text DEFAULT 'a;b');\n"
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN\n    NEW.note := 'it''s; $x$';\n    RETURN NEW;\nEND\n$$;\n"
        "GRANT SELECT ON accounts TO :VISITOR;\n");
    put(world, "000002", HASH_ACCOUNTS, HASH_EMAIL,
        "--! no-transaction\n"
        "CREATE INDEX CONCURRENTLY accounts_email ON accounts (lower(email));\n");
}

static void put_third(World *world)
{
    put(world, "000003", HASH_EMAIL, HASH_AUDIT,
        "CREATE TYPE kind AS ENUM ('in', E'o\\'ut');\n"
        "DO $do$ BEGIN EXECUTE $q$CREATE TABLE audit (k kind, at timestamptz)$q$; END $do$;\n"
        "CREATE FUNCTION one() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n");
}

static void each_goes_on_where_the_other_stands(void **state)
{
    World *world = *state;
    peer_needs("graphile-migrate");
    put_first_two(world);
    peer_says(world, TOOL "migrate");
    peer_says(world, "skein adopt --set VISITOR=public");
    put_third(world);
    assert_program(world, TOOL "status", 1, "1 committed migrations pending:\n\n  000003.sql");
    peer_says(world, MIRROR);
    assert_program(world, TOOL "status", 0, "Up to date.");
    assert_program(world, TOOL "migrate", 0, "Already up to date");
    put(world, "000004-notes", HASH_AUDIT, HASH_NOTES, "SELECT 1;\n");
    assert_program(world, MIRROR, 2, "its text is not what \"--! Hash:\" says was committed");
    put_history_file(world, "committed/000004-notes.sql",
                     "--! Previous: " HASH_AUDIT "\n--! Hash: any\n--! AllowInvalidHash\n\n"
                     "SELECT 1;\n");
    peer_says(world, TOOL "migrate");
    assert_program(world, MIRROR, 3,
                   "graphile-migrate has applied 000004-notes here, and skein's history does not");
    peer_says(world, "skein adopt --set VISITOR=public");
    assert_program(world, "skein status --set VISITOR=public", 0, "4 applied, 0 pending");
}

/* The project's directory, settings and all. */
static void what_the_tool_commits_is_read(void **state)
{
    World *world = *state;
    peer_needs("graphile-migrate");
    put_settings(world);
    put_history_file(world, "current.sql",
                     "\n\nCREATE TABLE accounts (i int);\nGRANT SELECT ON accounts TO :VISITOR");
    peer_says(world, TOOL "commit -m it's_new");
    put_history_file(world, "current.sql", "--! no-transaction\r\nVACUUM accounts;\r\n\r\n");
    peer_says(world, TOOL "commit");
    peer_says(world, "skein adopt --migrations .");
    assert_program(world, "skein status --migrations .", 0, "2 applied, 0 pending");
    assert_program(world, "skein status --migrations .", 0, "000001-it-s_new");
    new_database(world);
    peer_says(world, TOOL "status --skipDatabase");
    peer_says(world, "skein up --migrations .");
}

static void both_make_the_same_catalog_and_the_same_rows(void **state)
{
    World *world = *state;
    static const char ROWS[] = "SELECT string_agg(m::text, ' ' ORDER BY filename) FROM"
                               " (SELECT hash, previous_hash, filename FROM"
                               " graphile_migrate.migrations) m";
    peer_needs("graphile-migrate");
    put_first_two(world);
    put_third(world);
    peer_says(world, TOOL "migrate");
    const char *dump = peer_dump(world);
    const char *rows = pg_cluster_ask(world->cluster, world->database, ROWS);
    assert_non_null(strstr(rows, "(" HASH_EMAIL "," HASH_ACCOUNTS ",000002.sql)"));
    new_database(world);
    assert_program(world, TOOL "status", 1, "3 committed migrations pending");
    peer_says(world, MIRROR);
    assert_same_dump(dump, peer_dump(world));
    assert_ask(world, ROWS, rows);
    assert_program(world, TOOL "status", 0, "Up to date.");
}

static void a_file_that_was_applied_as_another_is_held(void **state)
{
    World *world = *state;
    peer_needs("graphile-migrate");
    put_first_two(world);
    peer_says(world, TOOL "migrate");
    pg_cluster_run(world->cluster, world->database,
                   "UPDATE graphile_migrate.migrations SET hash = 'sha1:0'"
                   " WHERE filename = '000002.sql'");
    assert_refusal(world, "adopt --set VISITOR=public", 3,
                   "graphile-migrate is not at rest here: 000002.sql was applied as sha1:0, and "
                   "its file is " HASH_EMAIL);
}

static void race(World *world, const char *first, const char *second)
{
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE gate (i int)");
    put_first_two(world);
    put_third(world);
    peer_says(world, TOOL "migrate");
    peer_says(world, "skein adopt --set VISITOR=public");
    put(world, "000004-notes", HASH_AUDIT, HASH_NOTES,
        PEER_PASS_GATE "CREATE TABLE notes (i int);\nINSERT INTO notes VALUES (1);\n");
    Race race = peer_race(world, first, second);
    assert_int_equal(race.first.exit_code, 0);
    assert_came_second(&race.second, "notes");
    peer_says(world, "skein adopt --set VISITOR=public");
    assert_program(world, TOOL "status", 0, "Up to date.");
    assert_ask(world, "SELECT count(*) FROM notes", "1");
}

static void skein_fails_whole_where_the_tool_was_first(void **state)
{
    peer_needs("graphile-migrate");
    race(*state, TOOL "migrate", MIRROR);
}

static void the_tool_fails_whole_where_skein_was_first(void **state)
{
    peer_needs("graphile-migrate");
    race(*state, MIRROR, TOOL "migrate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_goes_on_where_the_other_stands),
        WORLD_TEST(what_the_tool_commits_is_read),
        WORLD_TEST(both_make_the_same_catalog_and_the_same_rows),
        WORLD_TEST(a_file_that_was_applied_as_another_is_held),
        WORLD_TEST(skein_fails_whole_where_the_tool_was_first),
        WORLD_TEST(the_tool_fails_whole_where_skein_was_first),
    };
    return PEER_RUN(tests);
}
