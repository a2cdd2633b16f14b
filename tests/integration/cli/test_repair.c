/* skein repair: every state that a person can find a history in, made by real means, and set right.
 */
#include "tests/integration/cli/cli_world.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "common/failpoint.h"
#include "common/str.h"

#define INDEX_ID "0002_index"

static const char STATE[] =
    "SELECT string_agg(id || ' ' || state || ' ' || parts_done || CASE WHEN is_running THEN ' running'"
    " ELSE '' END, ', ' ORDER BY seq) FROM skein.history";

static const char INDEXES[] =
    "SELECT coalesce(string_agg(indexrelid::regclass || CASE WHEN indisvalid THEN '' ELSE ' INVALID'"
    " END, ' '), '') FROM pg_index WHERE indrelid = 'things'::regclass";

/* What was done to the newest row by hand: each repair's choice, reason and former state. */
static const char RECORD[] =
    "SELECT string_agg(format('%s (%s) was %s', r ->> 'choice', r ->> 'reason', r -> 'was' ->> 'state'),"
    " ', ') FROM skein.history h, jsonb_array_elements(h.evidence -> 'repairs') r";

/* ---- making states ---- */

static void put_things(World *world)
{
    put_migration(world, "0001_things",
                  "CREATE TABLE things (v int);\nINSERT INTO things VALUES (1), (1);\n",
                  "DROP TABLE things;\n");
}

static void put_index(World *world)
{
    put_things(world);
    put_migration(world, INDEX_ID, "CREATE INDEX CONCURRENTLY things_v ON things (v);\n",
                  "DROP INDEX CONCURRENTLY things_v;\n");
}

/* Runs it until a failpoint kills it. */
static void run_killed(World *world, const char *line, const char *failpoint)
{
    setenv(FAILPOINT_VARIABLE, failpoint, 1);
    Outcome outcome = run(world, line);
    unsetenv(FAILPOINT_VARIABLE);
    if (outcome.exit_code != -1) {
        fail_msg("skein %s: not killed, exit code %d\n%s", line, outcome.exit_code, outcome.err);
    }
    pg_cluster_assert_quiet(world->cluster);
}

/* Kills an `up` whose CREATE INDEX CONCURRENTLY waits for another session's transaction. */
static void kill_build(World *world)
{
    PGconn *reader = PQconnectdb(world->connection);
    PQclear(PQexec(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO things VALUES (0)"));
    Running running = run_begin(world, "up");
    pg_cluster_await(world->cluster, world->database,
                     "SELECT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase LIKE "
                     "'waiting%')",
                     PATIENCE_MS);
    kill(running.pid, SIGKILL);
    assert_int_equal(run_end(world, running).exit_code, -1);
    pg_cluster_run(world->cluster, world->database,
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name"
                   " LIKE 'skein/%'"); /* or the build would come to its end */
    pg_cluster_assert_quiet(world->cluster);
    PQfinish(reader);
}

/* ---- what is shown ---- */

static const json_t *only_finding(World *world, const char *line, const char *kind, int exit_code)
{
    const json_t *findings = json_object_get(run_json(world, line, exit_code), "findings");
    if (json_array_size(findings) != 1) {
        fail_msg("%s", json_dumps(findings, JSON_INDENT(1)));
    }
    const json_t *finding = json_array_get(findings, 0);
    assert_string_equal(json_string_value(json_object_get(finding, "finding")), kind);
    return finding;
}

/* The options of its choices, with blanks between. */
static const char *choices_of(World *world, const json_t *finding)
{
    AUTO(Str) words = { 0 };
    size_t index = 0;
    const json_t *choice = NULL;
    json_array_foreach(json_object_get(finding, "choices"), index, choice)
    {
        str_printf(&words, "%s%s", index == 0 ? "" : " ",
                   json_string_value(json_object_get(choice, "option")));
    }
    return arena_strdup(&world->arena, str_text(&words));
}

static void assert_found(World *world, const char *kind, const char *looked, const char *choices)
{
    const json_t *finding = only_finding(world, "repair", kind, 6);
    assert_true(str_equal(json_string_value(json_object_get(finding, "looked")), looked));
    assert_string_equal(choices_of(world, finding), choices);
}

static void assert_up(World *world)
{
    Outcome outcome = run(world, "up");
    if (outcome.exit_code != 0) {
        fail_msg("skein up: exit code %d\n%s", outcome.exit_code, outcome.err);
    }
    assert_run(world, "repair", 0, "nothing is wrong with the history\n");
}

/* ---- files ---- */

static void a_history_in_order_has_nothing_wrong(void **state)
{
    World *world = *state;
    put_index(world);
    assert_run(world, "repair", 0, "nothing is wrong with the history\n");
    assert_up(world);
    assert_refusal(world, "repair --settle " INDEX_ID " --yes", 3,
                   INDEX_ID ": nothing is found that --settle could set right");
}

static void a_changed_file_is_shown_and_accepted(void **state)
{
    World *world = *state;
    put_things(world);
    assert_up(world);
    put_migration(world, "0001_things",
                  "CREATE TABLE things (v bigint);\nINSERT INTO things VALUES (1), (1);\n",
                  "DROP TABLE things;\n");
    assert_refusal(world, "up", 3, "skein repair");
    assert_found(world, "changed", NULL, "accept");
    assert_non_null(strstr(run(world, "repair").out, "statement 1 (CREATE TABLE, line 1)"));
    assert_refusal(world, "repair --accept 0001_things", 2, "this needs a yes");
    assert_found(world, "changed", NULL, "accept");
    assert_run(world, "repair --accept 0001_things --reason same-bytes --yes", 0,
               "accept 0001_things: applied\n");
    assert_ask(world, RECORD, "accept (same-bytes) was applied");
    assert_up(world);
}

static void a_renamed_file_takes_its_row_along(void **state)
{
    World *world = *state;
    put_things(world);
    put_migration(world, "0002_b", "CREATE TABLE b (v int);\n", "DROP TABLE b;\n");
    assert_up(world);
    remove_migration(world, "0002_b");
    put_migration(world, "0003_b", "CREATE TABLE b (v int);\n", "DROP TABLE b;\n");
    assert_found(world, "renamed", NULL, "rename forget");
    assert_run(world, "repair --rename 0002_b --yes", 0, "rename 0002_b: applied\n");
    assert_ask(world, STATE, "0001_things applied 0, 0003_b applied 0");
    assert_up(world);
    assert_int_equal(run(world, "down --yes").exit_code, 0);
    assert_ask(world, "SELECT to_regclass('b') IS NULL", "t");
}

static void a_missing_file_is_forgotten_and_what_it_made_stays(void **state)
{
    World *world = *state;
    put_things(world);
    put_migration(world, "0002_b", "CREATE TABLE b (v int);\n", "DROP TABLE b;\n");
    assert_up(world);
    remove_migration(world, "0002_b");
    assert_refusal(world, "up", 3, "skein repair");
    assert_found(world, "missing", NULL, "forget");
    assert_refusal(world, "repair --accept 0002_b --yes", 3, "--accept does not fit");
    assert_run(world, "repair --forget 0002_b --yes", 0, "forget 0002_b: undone\n");
    assert_ask(world, "SELECT to_regclass('b') IS NOT NULL", "t");
    assert_up(world);
}

static void a_gap_is_explained_and_left_to_up(void **state)
{
    World *world = *state;
    put_things(world);
    put_migration(world, "0003_c", "CREATE TABLE c (v int);\n", "DROP TABLE c;\n");
    assert_up(world);
    put_migration(world, "0002_b", "CREATE TABLE b (v int);\n", "DROP TABLE b;\n");
    assert_found(world, "gap", NULL, "");
    assert_int_equal(run(world, "up --out-of-order apply").exit_code, 0);
    assert_run(world, "repair", 0, "nothing is wrong with the history\n");
}

static void commit_all(World *world, const char *subject)
{
    assert_program(
        world,
        arena_printf(&world->arena,
                     "git -c user.name=Ann -c user.email=ann@localhost commit -q -a -m %s",
                     subject),
        0, "");
}

/* A checksum has no text: the text is in version control. */
static void what_a_changed_file_was_is_shown_from_git(void **state)
{
    World *world = *state;
    put_migration(world, "0001_orders", "CREATE TABLE orders (id int);\n", "DROP TABLE orders;\n");
    assert_program(world, "git init -q .", 0, "");
    assert_program(world, "git add migrations", 0, "");
    commit_all(world, "one");
    assert_int_equal(run(world, "up").exit_code, 0);
    put_migration(world, "0001_orders", "CREATE TABLE orders (id bigint);\n",
                  "DROP TABLE orders;\n");
    commit_all(world, "two");
    static const char DIFF[] = "    @@ -1,1 +1,1 @@\n"
                               "    -CREATE TABLE orders (id int);\n"
                               "    +CREATE TABLE orders (id bigint);\n";
    assert_program(world, SKEIN_PROGRAM " repair", 6, ", Ann: one), and since then\n");
    assert_program(world, SKEIN_PROGRAM " repair", 6, DIFF);
    assert_refusal(world, "up", 3, DIFF);
    const json_t *past = json_object_get(only_finding(world, "repair", "changed", 6), "past");
    assert_string_equal(json_string_value(json_object_get(past, "subject")), "one");
    assert_program(world, "rm -rf .git", 0, "");
    assert_program(world, SKEIN_PROGRAM " repair", 6,
                   "is not at hand: its file is in no git repository; now there is\n"
                   "    statement 1, CREATE TABLE, line 1:\n"
                   "      CREATE TABLE orders (id bigint)\n");
}

/* ---- interrupted ---- */

static void a_carcass_is_dropped_and_the_index_built_anew(void **state)
{
    World *world = *state;
    put_things(world);
    assert_up(world);
    put_index(world);
    kill_build(world);
    assert_ask(world, INDEXES, "things_v INVALID");
    assert_refusal(world, "up --dry-run", 3, "no script can settle");
    assert_found(world, "interrupted", "carcass", "settle");
    assert_refusal(world, "repair --applied " INDEX_ID " --yes", 3, "--applied does not fit");
    assert_ask(world, INDEXES, "things_v INVALID");
    assert_run(world, "repair --settle " INDEX_ID " --yes", 0,
               "settle " INDEX_ID
               ": undone; ran DROP INDEX CONCURRENTLY IF EXISTS public.things_v\n");
    assert_ask(world, INDEXES, "");
    assert_up(world);
    assert_ask(world, INDEXES, "things_v");
}

static void up_settles_by_itself_what_was_interrupted(void **state)
{
    World *world = *state;
    put_things(world);
    assert_up(world);
    put_index(world);
    kill_build(world);
    assert_up(world);
    assert_ask(world, INDEXES, "things_v");
    assert_ask(world, STATE,
               "0001_things applied 0, " INDEX_ID " undone 0, " INDEX_ID " applied 0");
}

static void a_build_that_failed_leaves_nothing_to_set_right(void **state)
{
    World *world = *state;
    put_things(world);
    put_migration(world, INDEX_ID, "CREATE UNIQUE INDEX CONCURRENTLY things_v ON things (v);\n",
                  NULL);
    assert_refusal(world, "up", 1, "23505");
    assert_ask(world, INDEXES, "");
    assert_run(world, "repair", 0, "nothing is wrong with the history\n");
    pg_cluster_run(world->cluster, world->database, "TRUNCATE things");
    assert_up(world);
}

static void what_was_never_sent_is_cleared(void **state)
{
    World *world = *state;
    put_index(world);
    run_killed(world, "up", "exec.before_run=kill");
    assert_found(world, "interrupted", "absent", "settle");
    assert_run(world, "repair --settle " INDEX_ID " --yes", 0, "settle " INDEX_ID ": undone\n");
    assert_up(world);
}

static void what_was_done_is_taken_as_applied(void **state)
{
    World *world = *state;
    put_index(world);
    run_killed(world, "up", "exec.after_run=kill");
    assert_found(world, "interrupted", "done", "settle");
    assert_refusal(world, "repair --undone " INDEX_ID " --yes", 3, "--undone does not fit");
    assert_run(world, "repair --settle " INDEX_ID " --yes", 0, "settle " INDEX_ID ": applied\n");
    assert_ask(world, RECORD, "settle () was started");
    assert_up(world);
}

static void a_down_is_settled_the_other_way(void **state)
{
    World *world = *state;
    put_index(world);
    assert_up(world);
    run_killed(world, "down --yes", "exec.before_run=kill");
    assert_found(world, "interrupted", "absent", "settle");
    assert_run(world, "repair --settle " INDEX_ID " --yes", 0, "settle " INDEX_ID ": applied\n");
    run_killed(world, "down --yes", "exec.after_run=kill");
    assert_found(world, "interrupted", "done", "settle");
    assert_run(world, "repair --settle " INDEX_ID " --yes", 0, "settle " INDEX_ID ": undone\n");
    assert_up(world);
}

/* An index that was there before is nobody's carcass: IF NOT EXISTS left it alone. */
static void what_was_there_before_is_not_dropped(void **state)
{
    World *world = *state;
    put_things(world);
    assert_up(world);
    put_migration(world, INDEX_ID,
                  "CREATE INDEX CONCURRENTLY IF NOT EXISTS things_v ON things (v);\n", NULL);
    pg_cluster_run(world->cluster, world->database,
                   "CREATE INDEX things_v ON things (v);" MAKE_INVALID("things_v"));
    run_killed(world, "up", "exec.after_run=kill");
    assert_found(world, "interrupted", "wreck", "settle");
    assert_run(world, "repair --settle " INDEX_ID " --yes", 0, "settle " INDEX_ID ": undone\n");
    assert_ask(world, INDEXES, "things_v INVALID");
}

static void what_no_catalog_shows_is_left_to_a_person(void **state)
{
    World *world = *state;
    put_things(world);
    put_migration(world, "0002_call",
                  "-- skein: no-transaction\nCREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN"
                  " COMMIT; END $$;\nCALL work();\n",
                  NULL);
    run_killed(world, "up", "exec.after_run=kill");
    assert_found(world, "interrupted", "unknown", "done again applied undone");
    assert_refusal(world, "up", 3, "skein repair");
    assert_run(world, "repair --again 0002_call --yes", 0,
               "again 0002_call: started, 1 parts done\n");
    run_killed(world, "up", "exec.after_run=kill");
    assert_run(world, "repair --done 0002_call --yes", 0, "done 0002_call: applied\n");
    assert_up(world);
}

static void what_may_be_done_twice_is(void **state)
{
    World *world = *state;
    put_things(world);
    put_migration(world, "0002_vacuum", "VACUUM things;\n", NULL);
    run_killed(world, "up", "exec.after_run=kill");
    assert_found(world, "interrupted", "again", "settle applied undone");
    assert_non_null(strstr(run(world, "repair").out, "it does no harm to run it again"));
    assert_up(world);
}

/* ---- parts ---- */

static void put_parts(World *world, const char *third)
{
    put_things(world);
    put_migration(world, "0002_parts",
                  arena_printf(&world->arena,
                               "ALTER TABLE things ADD COLUMN w int;\n"
                               "CREATE INDEX CONCURRENTLY things_w ON things (w);\n%s\n",
                               third),
                  "DROP INDEX things_w;\nALTER TABLE things DROP COLUMN w;\n");
}

static void a_settled_part_is_where_up_goes_on(void **state)
{
    World *world = *state;
    put_parts(world, "ALTER TABLE things ADD COLUMN x int;");
    run_killed(world, "up", "exec.before_run=kill");
    assert_ask(world, STATE, "0001_things applied 0, 0002_parts started 1 running");
    assert_found(world, "interrupted", "absent", "settle undone");
    assert_run(world, "repair --settle 0002_parts --yes", 0,
               "settle 0002_parts: started, 1 parts done\n");
    run_killed(world, "up", "exec.after_run=kill");
    assert_found(world, "interrupted", "done", "settle applied");
    assert_run(world, "repair --settle 0002_parts --yes", 0,
               "settle 0002_parts: started, 2 parts done\n");
    assert_up(world);
    assert_ask(world, RECORD, "settle () was started, settle () was started");
}

static void between_two_parts_a_person_may_say_where_it_is(void **state)
{
    World *world = *state;
    put_parts(world, "SELECT 1 / 0;");
    assert_refusal(world, "up", 1, "22012");
    const json_t *finding = only_finding(world, "repair", "half", 0);
    assert_string_equal(choices_of(world, finding), "applied undone");
    assert_refusal(world, "down --yes", 3, "skein repair");
    pg_cluster_run(world->cluster, world->database, "ALTER TABLE things DROP COLUMN w");
    assert_run(world, "repair --undone 0002_parts --yes", 0, "undone 0002_parts: undone\n");
    put_parts(world, "ALTER TABLE things ADD COLUMN x int;");
    assert_up(world);
    assert_int_equal(run(world, "down --yes").exit_code, 0);
}

static void changed_parts_are_accepted(void **state)
{
    World *world = *state;
    put_parts(world, "SELECT 1 / 0;");
    assert_refusal(world, "up", 1, "22012");
    put_migration(world, "0002_parts",
                  "ALTER TABLE things ADD COLUMN w integer;\n"
                  "CREATE INDEX CONCURRENTLY things_w ON things (w);\nSELECT 1;\n",
                  NULL);
    assert_refusal(world, "up", 3, "skein repair");
    assert_found(world, "parts", NULL, "accept applied undone");
    assert_run(world, "repair --accept 0002_parts --yes", 0,
               "accept 0002_parts: started, 2 parts done\n");
    assert_up(world);
}

/* ---- other databases and schemas ---- */

static void a_copy_is_settled_by_what_is_in_it(void **state)
{
    World *world = *state;
    put_things(world);
    assert_up(world);
    put_index(world);
    kill_build(world);
    const char *copy = arena_printf(&world->arena, "%s_copy", world->database);
    pg_cluster_run(
        world->cluster, "postgres",
        arena_printf(&world->arena, "CREATE DATABASE %s TEMPLATE %s", copy, world->database));
    const char *original = world->database;
    world->connection = arena_strdup(&world->arena, pg_cluster_conninfo(world->cluster, copy, 0));
    world->database = copy;
    const json_t *findings = json_object_get(run_json(world, "repair", 6), "findings");
    assert_int_equal(json_array_size(findings), 2);
    assert_refusal(world, "up", 3, "skein repair");
    assert_found(world, "interrupted", "carcass", "settle");
    assert_int_equal(run(world, "repair --settle " INDEX_ID " --yes").exit_code, 0);
    assert_up(world);
    world->database = original;
    assert_ask(world, INDEXES, "things_v INVALID");
    assert_ask(world, STATE, "0001_things applied 0, 0002_index started 0 running");
}

static void remake_schema(World *world)
{
    put_migration(world, "0001_items", "CREATE TABLE items (v int);\n", "DROP TABLE items;\n");
    pg_cluster_run(world->cluster, world->database, "CREATE SCHEMA acme");
    assert_int_equal(run(world, "up --schema acme").exit_code, 0);
    pg_cluster_run(world->cluster, world->database,
                   "DROP SCHEMA acme CASCADE; CREATE SCHEMA acme; CREATE TABLE acme.items (v int)");
    assert_refusal(world, "up --schema acme", 3, "skein repair");
    const json_t *finding = only_finding(world, "repair --schema acme", "schema", 6);
    assert_string_equal(choices_of(world, finding), "same-schema new-schema");
}

static void a_schema_made_anew_is_as_its_history_says(void **state)
{
    World *world = *state;
    remake_schema(world);
    assert_refusal(world, "repair --schema acme --same-schema", 2, "this needs a yes");
    assert_run(world, "repair --schema acme --same-schema --yes", 0,
               "same-schema: the history is about the schema that has the name now\n");
    assert_run(world, "up --schema acme", 0, "nothing to do; at 0001_items\n");
    assert_ask(world, RECORD, "same-schema () was applied");
}

static void a_schema_made_anew_begins_anew(void **state)
{
    World *world = *state;
    remake_schema(world);
    assert_int_equal(run(world, "repair --schema acme --new-schema --yes").exit_code, 0);
    assert_ask(world, STATE, "0001_items undone 0");
    pg_cluster_run(world->cluster, world->database, "DROP TABLE acme.items");
    assert_int_equal(run(world, "up --schema acme").exit_code, 0);
}

/* ---- other tools ---- */

static void a_dirty_flag_is_explained_and_left_to_its_tool(void **state)
{
    World *world = *state;
    put_things(world);
    assert_up(world);
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean);"
                   "INSERT INTO schema_migrations VALUES (1, true)");
    const json_t *finding = only_finding(world, "repair", "tool-fault", 0);
    assert_string_equal(choices_of(world, finding), "");
    assert_non_null(
        strstr(json_string_value(json_object_get(finding, "text")), "version 1 is dirty"));
}

static void a_mirrored_table_is_told_of_a_repair(void **state)
{
    World *world = *state;
    put_index(world);
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean)");
    run_killed(world, "up --mirror golang-migrate", "exec.after_run=kill");
    assert_ask(world, "SELECT version FROM schema_migrations", "1");
    assert_int_equal(
        run(world, "repair --mirror golang-migrate --settle " INDEX_ID " --yes").exit_code, 0);
    assert_ask(world, "SELECT version || ' ' || dirty FROM schema_migrations", "2 false");
}

/* ---- refusals ---- */

static void choices_are_made_one_at_a_time_and_by_name(void **state)
{
    World *world = *state;
    put_things(world);
    assert_refusal(world, "repair --accept --forget 0001_things", 2, "one choice at a time");
    assert_refusal(world, "repair --accept", 2, "--accept wants to know of which migrations");
    assert_refusal(world, "repair 0001_things", 2, "nothing is said of 0001_things");
    assert_refusal(world, "repair --tell 0001_things", 2, "`skein repair --mirror TOOL --tell`");
    assert_refusal(world, "repair --same-schema --yes", 3, "nothing is found");
}

/* What to type stands in the refusal, whole. */
static void a_migration_that_a_choice_is_not_for_is_said_with_what_is(void **state)
{
    World *world = *state;
    put_things(world);
    assert_up(world);
    put_migration(world, "0002_a", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0002_b", "SELECT 2;\n", "SELECT 2;\n");
    assert_refusal(world, "repair --undone 0001_thing --yes", 3,
                   "did you mean `skein repair --undone 0001_things`?");
    assert_refusal(world, "repair --undone 1 --yes", 3, "`skein repair --undone 0001_things`");
    assert_refusal(world, "repair --undone 2 --yes", 3,
                   "`skein repair --undone 0002_a` or `skein repair --undone 0002_b`");
    assert_refusal(world, "repair --undone 0001_things --yes", 3, "`skein down --to empty`");
    assert_refusal(world, "repair --applied 0002_a --yes", 3, "`skein baseline 0002_a`");
    pg_cluster_run(world->cluster, world->database,
                   "UPDATE skein.history SET checksum = '\\x00ff' WHERE id = '0001_things'");
    assert_refusal(world, "repair --undone 0001_things --yes", 3,
                   "`skein repair --accept 0001_things`");
    assert_run(world, "repair --accept 0001_things 0001_things --yes", 0,
               "accept 0001_things: applied\n");
}

/* What looks interrupted may be at work: its lock says so. */
static void nothing_is_changed_while_an_attempt_is_at_work(void **state)
{
    World *world = *state;
    put_things(world);
    assert_up(world);
    put_index(world);
    PGconn *reader = PQconnectdb(world->connection);
    PQclear(PQexec(reader, "BEGIN; LOCK TABLE things"));
    const char *directory = world->directory;
    Running running = run_begin(world, "up");
    pg_cluster_await(world->cluster, world->database,
                     "SELECT EXISTS (SELECT FROM skein.history WHERE is_running)", PATIENCE_MS);
    world->directory = arena_printf(&world->arena, "%s/migrations", directory);
    const json_t *findings =
        json_object_get(run_json(world, "repair --migrations .", 6), "findings");
    assert_int_equal(json_array_size(findings), 2);
    const json_t *second = json_array_get(findings, 1);
    assert_string_equal(json_string_value(json_object_get(second, "looked")), "runs");
    assert_refusal(world, "repair --migrations . --settle " INDEX_ID " --yes", 3, "does not fit");
    world->directory = directory;
    PQfinish(reader);
    assert_int_equal(run_end(world, running).exit_code, 0);
    assert_ask(world, INDEXES, "things_v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_history_in_order_has_nothing_wrong),
        WORLD_TEST(a_changed_file_is_shown_and_accepted),
        WORLD_TEST(a_renamed_file_takes_its_row_along),
        WORLD_TEST(a_missing_file_is_forgotten_and_what_it_made_stays),
        WORLD_TEST(a_gap_is_explained_and_left_to_up),
        WORLD_TEST(a_carcass_is_dropped_and_the_index_built_anew),
        WORLD_TEST(what_a_changed_file_was_is_shown_from_git),
        WORLD_TEST(up_settles_by_itself_what_was_interrupted),
        WORLD_TEST(a_build_that_failed_leaves_nothing_to_set_right),
        WORLD_TEST(what_was_never_sent_is_cleared),
        WORLD_TEST(what_was_done_is_taken_as_applied),
        WORLD_TEST(a_down_is_settled_the_other_way),
        WORLD_TEST(what_was_there_before_is_not_dropped),
        WORLD_TEST(what_no_catalog_shows_is_left_to_a_person),
        WORLD_TEST(what_may_be_done_twice_is),
        WORLD_TEST(a_settled_part_is_where_up_goes_on),
        WORLD_TEST(between_two_parts_a_person_may_say_where_it_is),
        WORLD_TEST(changed_parts_are_accepted),
        WORLD_TEST(a_copy_is_settled_by_what_is_in_it),
        WORLD_TEST(a_schema_made_anew_is_as_its_history_says),
        WORLD_TEST(a_schema_made_anew_begins_anew),
        WORLD_TEST(a_dirty_flag_is_explained_and_left_to_its_tool),
        WORLD_TEST(a_mirrored_table_is_told_of_a_repair),
        WORLD_TEST(choices_are_made_one_at_a_time_and_by_name),
        WORLD_TEST(a_migration_that_a_choice_is_not_for_is_said_with_what_is),
        WORLD_TEST(nothing_is_changed_while_an_attempt_is_at_work),
    };
    return WORLD_RUN(tests);
}
