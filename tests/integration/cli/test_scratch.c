/* skein test: its scratch databases, however it ends, and whom it leaves alone. */
#include "tests/integration/cli/cli_world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/str.h"
#include "tests/patience.h"

#define SCRATCH "SELECT count(*) FROM pg_database WHERE datname LIKE 'skein_test_%'"
#define IS_ASLEEP                                                                                  \
    "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"                       \
    " AND datname LIKE 'skein_test_%'"

/* A run that is in the middle of its work: its migration sleeps in a scratch database. */
static Running begin_sleeping(World *world, const char *seconds)
{
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    put_migration(world, "0002_sleep",
                  arena_printf(&world->arena, "SELECT pg_sleep(%s);\n", seconds), "SELECT 1;\n");
    Running running = run_begin(world, "test");
    pg_cluster_await(world->cluster, "postgres", IS_ASLEEP, PATIENCE_MS);
    return running;
}

static void assert_no_scratch(World *world)
{
    assert_ask(world, SCRATCH, "0");
}

static void after_a_kill_the_next_run_drops_what_was_left(void **state)
{
    World *world = *state;
    Running running = begin_sleeping(world, "60");
    kill(running.pid, SIGKILL);
    assert_int_equal(run_end(world, running).exit_code, -1);
    pg_cluster_await(world->cluster, "postgres",
                     "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'", PATIENCE_MS);
    assert_ask(world, "SELECT count(*) > 0 FROM pg_database WHERE datname LIKE 'skein_test_%'",
               "t");
    remove_migration(world, "0002_sleep");
    Outcome next = run(world, "test");
    assert_int_equal(next.exit_code, 0);
    assert_non_null(strstr(next.err, " of a killed run were dropped\n"));
    assert_no_scratch(world);
}

static void interrupt_with(World *world, int signal_number)
{
    Running running = begin_sleeping(world, "60");
    kill(running.pid, signal_number);
    Outcome outcome = run_end(world, running);
    assert_int_equal(outcome.exit_code, 1);
    assert_non_null(strstr(outcome.err, "interrupted"));
    assert_no_scratch(world);
}

static void interrupted_it_drops_its_databases(void **state)
{
    interrupt_with(*state, SIGINT);
    interrupt_with(*state, SIGTERM);
}

/* It would go on for ten minutes in the server, whoever goes. */
static void interrupted_it_waits_for_no_statement_outside_a_transaction(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users",
                  "CREATE TABLE users (id int);\nINSERT INTO users VALUES (1);\n"
                  "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                  " $$ BEGIN PERFORM pg_sleep(600); RETURN $1; END $$;\n",
                  "DROP TABLE users;\nDROP FUNCTION slow;\n");
    put_migration(world, "0002_slow", "CREATE INDEX CONCURRENTLY slow_id ON users (slow(id));\n",
                  "DROP INDEX CONCURRENTLY slow_id;\n");
    Running running = run_begin(world, "test");
    pg_cluster_await(world->cluster, "postgres", IS_ASLEEP, PATIENCE_MS);
    kill(running.pid, SIGINT);
    Outcome outcome = run_end(world, running);
    assert_int_equal(outcome.exit_code, 1);
    assert_non_null(strstr(outcome.err, "interrupted"));
    assert_no_scratch(world);
}

static void two_runs_at_once_leave_each_other_alone(void **state)
{
    World *world = *state;
    Running slow = begin_sleeping(world, "2");
    mkdir(arena_printf(&world->arena, "%s/other", world->directory), 0755);
    Err err = { 0 };
    const char *up = arena_printf(&world->arena, "%s/other/0001_a.up.sql", world->directory);
    const char *down = arena_printf(&world->arena, "%s/other/0001_a.down.sql", world->directory);
    file_write_atomic(up, "CREATE TABLE a ();", strlen("CREATE TABLE a ();"), 0644, &err);
    file_write_atomic(down, "DROP TABLE a;", strlen("DROP TABLE a;"), 0644, &err);
    Outcome quick = run(world, "test other --output json");
    assert_int_equal(quick.exit_code, 0);
    Outcome outcome = run_end(world, slow);
    if (outcome.exit_code != 0) {
        fail_msg("%s%s", outcome.out, outcome.err);
    }
    assert_no_scratch(world);
}

static void a_server_that_goes_away_ends_the_run_and_the_next_one_cleans_up(void **state)
{
    World *world = *state;
    Running running = begin_sleeping(world, "60");
    pg_cluster_crash(world->cluster);
    Outcome outcome = run_end(world, running);
    pg_cluster_restart(world->cluster);
    if (outcome.exit_code != 4) {
        fail_msg("exit code %d\n%s%s", outcome.exit_code, outcome.out, outcome.err);
    }
    remove_migration(world, "0002_sleep");
    assert_int_equal(run(world, "test").exit_code, 0);
    assert_no_scratch(world);
}

/* A DROP DATABASE that a crash breaks off leaves an invalid database, without the mark. */
static void a_database_whose_drop_was_broken_off_is_dropped(void **state)
{
    World *world = *state;
    pg_cluster_run(world->cluster, "postgres",
                   "CREATE DATABASE skein_test_0000abcd_3 OWNER " PG_CLUSTER_ROLE);
    pg_cluster_run(
        world->cluster, "postgres",
        "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'skein_test_0000abcd_3'");
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    assert_int_equal(run(world, "test").exit_code, 0);
    assert_no_scratch(world);
}

static void what_only_looks_like_a_scratch_database_is_left_alone(void **state)
{
    World *world = *state;
    pg_cluster_run(world->cluster, "postgres",
                   "CREATE DATABASE skein_test_0000abcd_1 OWNER " PG_CLUSTER_ROLE);
    pg_cluster_run(
        world->cluster, "postgres",
        "CREATE DATABASE skein_test_0000abcd_x CONNECTION LIMIT 1907 OWNER " PG_CLUSTER_ROLE);
    pg_cluster_run(
        world->cluster, "postgres",
        "CREATE DATABASE skein_test_0000abcd_2 CONNECTION LIMIT 1907 OWNER " PG_CLUSTER_ROLE);
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    assert_int_equal(run(world, "test").exit_code, 0);
    assert_ask(world,
               "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database"
               " WHERE datname LIKE 'skein_test_%'",
               "skein_test_0000abcd_1,skein_test_0000abcd_x");
    pg_cluster_run(world->cluster, "postgres", "DROP DATABASE skein_test_0000abcd_1");
    pg_cluster_run(world->cluster, "postgres", "DROP DATABASE skein_test_0000abcd_x");
}

static void a_role_that_may_not_make_databases_is_refused_with_a_hint(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    pg_cluster_run(world->cluster, "postgres", "CREATE ROLE clerk LOGIN");
    world->connection = arena_printf(&world->arena, "%s user=clerk", world->connection);
    assert_refusal(world, "test", 3, "skein: role clerk may not create databases\nhint: ");
    assert_refusal(world, "test", 3, "ALTER ROLE clerk CREATEDB");
    pg_cluster_run(world->cluster, "postgres", "ALTER ROLE clerk CREATEDB");
    assert_run(world, "test", 0, "1 migration: 1 proved\n");
    pg_cluster_run(world->cluster, "postgres", "DROP ROLE clerk");
}

typedef struct Reach {
    const char *up;
    const char *kind;
} Reach;

static const Reach REACHES[] = {
    { "CREATE ROLE app;", "CREATE ROLE" },
    { "ALTER SYSTEM SET work_mem = '5MB';", "ALTER SYSTEM" },
    { "GRANT CONNECT ON DATABASE postgres TO public;", "GRANT" },
    { "GRANT pg_monitor TO postgres;", "GRANT" },
    { "ALTER DATABASE postgres SET work_mem = '5MB';", "ALTER DATABASE" },
};

static void what_reaches_beyond_its_database_is_refused(void **state)
{
    World *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(REACHES); i++) {
        put_migration(world, "0001_a", REACHES[i].up, "SELECT 1;\n");
        assert_refusal(world, "test", 3,
                       arena_printf(&world->arena, "0001_a reaches beyond its database: %s, line 1",
                                    REACHES[i].kind));
    }
    put_migration(world, "0001_a", "CREATE TABLE t (); GRANT SELECT ON t TO public;",
                  "DROP TABLE t;");
    assert_int_equal(run(world, "test").exit_code, 0);
}

static void on_a_server_of_its_own_a_role_is_made_once(void **state)
{
    World *world = *state;
    put_migration(world, "0001_role", "CREATE ROLE app;\n", "DROP ROLE app;\n");
    put_migration(world, "0002_t", "CREATE TABLE t (); GRANT SELECT ON t TO app;\n",
                  "DROP TABLE t;\n");
    pg_cluster_run(world->cluster, "postgres", "ALTER ROLE " PG_CLUSTER_ROLE " CREATEROLE");
    assert_run(world, "test --own-server", 0,
               "2 migrations: 2 proved\nchain: 0002_t down to empty, and up again\n");
    pg_cluster_run(world->cluster, "postgres",
                   "DROP ROLE app; ALTER ROLE " PG_CLUSTER_ROLE " NOCREATEROLE");
}

static void a_server_that_is_not_there_is_told_as_such(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    world->connection = "postgresql://postgres@127.0.0.1:1/x";
    assert_refusal(world, "test", 4,
                   "skein: cannot connect to 127.0.0.1:1, database x, as postgres: Connection "
                   "refused\nhint: does the server run");
    world->connection = "";
    assert_refusal(world, "test", 2, "no database is named");
    assert_refusal(world, "test --jobs 33", 2, "--jobs is at most 32, found 33");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(after_a_kill_the_next_run_drops_what_was_left),
        WORLD_TEST(interrupted_it_drops_its_databases),
        WORLD_TEST(interrupted_it_waits_for_no_statement_outside_a_transaction),
        WORLD_TEST(two_runs_at_once_leave_each_other_alone),
        WORLD_TEST(a_server_that_goes_away_ends_the_run_and_the_next_one_cleans_up),
        WORLD_TEST(a_database_whose_drop_was_broken_off_is_dropped),
        WORLD_TEST(what_only_looks_like_a_scratch_database_is_left_alone),
        WORLD_TEST(a_role_that_may_not_make_databases_is_refused_with_a_hint),
        WORLD_TEST(what_reaches_beyond_its_database_is_refused),
        WORLD_TEST(on_a_server_of_its_own_a_role_is_made_once),
        WORLD_TEST(a_server_that_is_not_there_is_told_as_such),
    };
    return SCRATCH_RUN(tests);
}
