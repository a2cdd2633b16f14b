/* skein beside dbmate, on one database: either goes on where the other stands. */
#include "tests/integration/peers/peer.h"

#include <string.h>

#include "common/str.h"

#define DBMATE "dbmate --no-dump-schema -d migrations "

static void put(World *world, const char *id, const char *text)
{
    put_history_file(world, arena_printf(&world->arena, "%s.sql", id), text);
}

/* A body with quotes in it, and what cannot run in a transaction. */
static void put_first_two(World *world)
{
    put(world, "20240101000001_accounts",
        "-- migrate:up\n"
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, email text, note text DEFAULT 'a;b');\n"
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$\n"
        "BEGIN\n    -- a ; in a comment\n    NEW.note := 'it''s; $x$';\n    RETURN NEW;\nEND\n$$;\n"
        "-- migrate:down\nDROP FUNCTION touch();\nDROP TABLE accounts;\n");
    put(world, "20240101000002_email",
        "-- migrate:up transaction:false\n"
        "CREATE INDEX CONCURRENTLY accounts_email ON accounts (lower(email));\n"
        "-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY accounts_email;\n");
}

static void put_last_three(World *world)
{
    put(world, "20240101000003_audit",
        "-- migrate:up\n"
        "CREATE TYPE kind AS ENUM ('in', E'o\\'ut');\n"
        "DO $do$ BEGIN EXECUTE $q$CREATE TABLE audit (k kind, at timestamptz)$q$; END $do$;\n"
        "CREATE FUNCTION one() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"
        "/* nested /* ; */ ; */ CREATE VIEW kinds AS SELECT DISTINCT k FROM audit;\n"
        "CREATE TRIGGER touched BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();\n"
        "-- migrate:down\nDROP TRIGGER touched ON accounts;\nDROP VIEW kinds;\n"
        "DROP FUNCTION one();\nDROP TABLE audit;\nDROP TYPE kind;\n");
    put(world, "20240101000004_label",
        "-- migrate:up transaction:false\nALTER TYPE kind ADD VALUE IF NOT EXISTS 'both';\n"
        "-- migrate:down\nSELECT 1;\n");
    put(world, "20240101000005_empty", "-- migrate:up\n-- nothing yet\n-- migrate:down\n");
}

#define GATED                                                                                      \
    "-- migrate:up\n" PEER_PASS_GATE                                                               \
    "CREATE TABLE notes (i int);\nINSERT INTO notes VALUES (1);\n"                                 \
    "-- migrate:down\nDROP TABLE notes;\n"

#define TWO_LINES "[X] 20240101000001_accounts.sql\n[X] 20240101000002_email.sql\n"
#define FOUR_LINES TWO_LINES "[X] 20240101000003_audit.sql\n[X] 20240101000004_label.sql\n"
#define STATUS_ALL FOUR_LINES "[X] 20240101000005_empty.sql\n\nApplied: 5\nPending: 0\n"
#define STATUS_FOUR FOUR_LINES "[ ] 20240101000005_empty.sql\n\nApplied: 4\nPending: 1\n"

static void each_goes_on_where_the_other_stands(void **state)
{
    World *world = *state;
    peer_needs("dbmate");
    put_first_two(world);
    peer_says(world, DBMATE "up");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "2 applied, 0 pending");
    put_last_three(world);
    peer_says(world, "skein up --mirror dbmate");
    assert_program(world, DBMATE "status", 0, STATUS_ALL);
    peer_says(world, "skein down --yes --mirror dbmate");
    assert_program(world, DBMATE "status", 0, STATUS_FOUR);
    peer_says(world, DBMATE "up");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "5 applied, 0 pending");
}

static void what_dbmate_did_meanwhile_is_seen(void **state)
{
    World *world = *state;
    peer_needs("dbmate");
    put_first_two(world);
    peer_says(world, DBMATE "up");
    peer_says(world, "skein adopt");
    peer_says(world, DBMATE "down");
    assert_refusal(
        world, "up --mirror dbmate", 3,
        "dbmate had 20240101000002_email here and has it no more, and skein's history still has"
        " it\nhint: `skein repair --mirror dbmate` on this database shows all");
    assert_refusal(world, "down --yes --mirror dbmate", 3, "and has it no more");
    assert_refusal(world, "adopt", 3, "and has it no more");
    assert_refusal(world, "up", 3, "`skein repair --undone 20240101000002_email`");
    assert_refusal(world, "down --yes", 3, "and has it no more");
    assert_program(world, "skein adopt --to 20240101000001", 0, "given back 20240101000002_email");
    peer_says(world, DBMATE "up");
    assert_refusal(
        world, "up --mirror dbmate", 3,
        "dbmate has applied 20240101000002_email here, and skein's history does not have it"
        "\nhint: dbmate went on by itself: take over what it has done with `skein adopt --from "
        "dbmate`");
    peer_says(world, "skein adopt");
    peer_says(world, "skein up --mirror dbmate");
    assert_program(world, "skein status", 0, "2 applied, 0 pending");
}

static void both_make_the_same_catalog(void **state)
{
    World *world = *state;
    peer_needs("dbmate");
    put_first_two(world);
    put_last_three(world);
    peer_says(world, DBMATE "up");
    const char *wanted = peer_dump(world);
    assert_non_null(strstr(wanted, "CREATE TRIGGER touched"));
    new_database(world);
    const char *empty = peer_dump(world);
    peer_says(world, "skein up");
    assert_same_dump(wanted, peer_dump(world));
    peer_says(world, "skein down --to empty --yes");
    assert_same_dump(empty, peer_dump(world));
}

static void all_that_skein_undoes_is_pending_to_dbmate(void **state)
{
    World *world = *state;
    peer_needs("dbmate");
    put_first_two(world);
    peer_says(world, DBMATE "up");
    peer_says(world, "skein adopt");
    peer_says(world, "skein down --to empty --yes --mirror dbmate");
    assert_program(world, DBMATE "status", 0, "Applied: 0\nPending: 2\n");
    peer_says(world, DBMATE "up");
    assert_ask(world, "SELECT count(*) FROM pg_index WHERE indrelid = 'accounts'::regclass", "2");
}

static void a_table_elsewhere_is_found_in_the_environment(void **state)
{
    World *world = *state;
    peer_needs("dbmate");
    setenv("DBMATE_MIGRATIONS_TABLE", "public.Moves", 1);
    put_first_two(world);
    Outcome up = run_program(world, DBMATE "up");
    Outcome adopt = run(world, "adopt");
    put_last_three(world);
    Outcome mirror = run(world, "up --mirror dbmate");
    Outcome status = run_program(world, DBMATE "status");
    unsetenv("DBMATE_MIGRATIONS_TABLE");
    assert_int_equal(up.exit_code + adopt.exit_code + mirror.exit_code, 0);
    assert_string_equal(status.out, STATUS_ALL);
    assert_ask(world, "SELECT count(*) FROM \"Moves\"", "5");
}

/* dbmate leaves no word of it: what stands in the way is the index that it left. */
static void an_index_that_dbmate_left_invalid_is_seen(void **state)
{
    World *world = *state;
    peer_needs("dbmate");
    put(world, "20240101000001_accounts",
        "-- migrate:up\nCREATE TABLE accounts (email text);\n"
        "INSERT INTO accounts VALUES ('a'), ('a');\n-- migrate:down\nDROP TABLE accounts;\n");
    put(world, "20240101000002_email",
        "-- migrate:up transaction:false\n"
        "CREATE UNIQUE INDEX CONCURRENTLY accounts_email ON accounts (email);\n"
        "-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY accounts_email;\n");
    assert_program(world, DBMATE "up", 2, "could not create unique index");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "1 applied, 1 pending");
    assert_program(
        world, "skein up --mirror dbmate", 1,
        "\"accounts_email\" already exists (SQLSTATE 42P07)\nhint: nothing of it is left");
}

static void race(World *world, const char *first, const char *second)
{
    peer_needs("dbmate");
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE gate (i int)");
    put_first_two(world);
    peer_says(world, DBMATE "up");
    peer_says(world, "skein adopt");
    put(world, "20240101000003_notes", GATED);
    Race race = peer_race(world, first, second);
    assert_int_equal(race.first.exit_code, 0);
    assert_came_second(&race.second, "notes");
    peer_says(world, "skein adopt");
    assert_program(world, "skein status", 0, "3 applied, 0 pending");
    assert_program(world, DBMATE "status", 0, "Applied: 3\nPending: 0\n");
    assert_ask(world, "SELECT count(*) FROM notes", "1");
}

static void skein_fails_whole_where_dbmate_was_first(void **state)
{
    race(*state, DBMATE "up", "skein up --mirror dbmate");
}

static void dbmate_fails_whole_where_skein_was_first(void **state)
{
    race(*state, "skein up --mirror dbmate", DBMATE "up");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_goes_on_where_the_other_stands),
        WORLD_TEST(what_dbmate_did_meanwhile_is_seen),
        WORLD_TEST(both_make_the_same_catalog),
        WORLD_TEST(all_that_skein_undoes_is_pending_to_dbmate),
        WORLD_TEST(a_table_elsewhere_is_found_in_the_environment),
        WORLD_TEST(an_index_that_dbmate_left_invalid_is_seen),
        WORLD_TEST(skein_fails_whole_where_dbmate_was_first),
        WORLD_TEST(dbmate_fails_whole_where_skein_was_first),
    };
    return PEER_RUN(tests);
}
