/* What skein does not work on, and that it says so at once and in words; and Ctrl-C. */
#include "tests/integration/cli/cli_world.h"

#include <signal.h>
#include <string.h>

#include "common/str.h"

typedef struct Refusal {
    const char *connection; /* NULL: the test's */
    const char *line;
    int exit_code;
    const char *words;
} Refusal;

static const Refusal REFUSALS[] = {
    { "", "up", 2,
      "skein: no database is named\nhint: --database postgresql://user@host/name, or "
      "SKEIN_DATABASE_URL" },
    { "not a connection", "status", 2, "skein: the connection string does not parse" },
    { "postgresql://postgres@127.0.0.1:1/x", "up", 4,
      "skein: cannot connect to 127.0.0.1:1, database x, as postgres: Connection refused" },
    { "postgresql://postgres@127.0.0.1:1/x", "current", 4,
      "hint: does the server run, and do host and port say where?" },
    { "postgresql://postgres@127.0.0.1:1/x", "repair", 4,
      "skein: 127.0.0.1:1, database x, as postgres: cannot connect to the server: Connection" },
    { NULL, "up --migrations /nonexistent", 2, "cannot open the migrations at /nonexistent" },
    { NULL, "up --to 7", 2,
      "no migration has the version or id '7'\nhint: the newest one is 0001_users" },
    { NULL, "up --to 0001_user", 2, "did you mean 0001_users?" },
    { NULL, "up --lock-timeout 2", 2, "--lock-timeout wants a duration above zero, found '2'" },
    { NULL, "up --lock-timeout 0s", 2, "--lock-timeout wants a duration above zero, found '0s'" },
    { NULL, "up --format nosuch", 2, "nosuch" },
    { NULL, "up --schema nosuch", 2, "schema \"nosuch\" does not exist" },
    { NULL, "new ---", 2, "'---'" },
};

static void what_cannot_be_done_is_said_at_once(void **state)
{
    World *world = *state;
    const char *connection = world->connection;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", NULL);
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        world->connection = REFUSALS[i].connection == NULL ? connection : REFUSALS[i].connection;
        assert_refusal(world, REFUSALS[i].line, REFUSALS[i].exit_code, REFUSALS[i].words);
    }
    assert_ask(world, "SELECT to_regclass('users') IS NULL", "t");
}

static void a_database_that_is_not_there_is_named(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", NULL);
    world->connection = arena_printf(&world->arena, "%s dbname=nosuch", world->connection);
    assert_refusal(
        world, "up", 2,
        ", database nosuch, as skein: database \"nosuch\" does not exist (SQLSTATE 3D000)\nhint: make it first, or name another");
}

static void a_role_that_is_not_there_is_named(void **state)
{
    static const char *const LINES[] = { "up", "status", "history", "current", "repair", "down" };
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", NULL);
    world->connection = arena_printf(&world->arena, "%s user=nosuch", world->connection);
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        assert_refusal(world, LINES[i], 3, ", as nosuch: ");
        assert_refusal(world, LINES[i], 3, "\nhint: check the role, pg_hba.conf, and where");
    }
}

static void a_password_is_never_shown(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", NULL);
    static const char *const CONNECTIONS[] = {
        "postgresql://postgres:s3kr3t@127.0.0.1:1/x",
        "host=127.0.0.1 password=s3kr3t =",
        "postgresql://postgres:s3kr3t@127.0.0.1:port/x",
    };
    for (size_t i = 0; i < ARRAY_LEN(CONNECTIONS); i++) {
        world->connection = CONNECTIONS[i];
        Outcome outcome = run(world, "up");
        assert_true(outcome.exit_code > 0);
        assert_null(strstr(outcome.err, "s3kr3t"));
        assert_null(strstr(outcome.out, "s3kr3t"));
    }
}

static void a_replica_is_refused(void **state)
{
    World *world = *state;
    PgCluster *standby = pg_cluster_start_standby(world->cluster);
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", NULL);
    world->connection =
        arena_strdup(&world->arena, pg_cluster_conninfo(standby, world->database, 0));
    Outcome outcome = run(world, "up");
    pg_cluster_stop(standby);
    assert_int_equal(outcome.exit_code, 3);
    assert_non_null(strstr(outcome.err, "replica"));
}

/* Ends what runs in the middle of a statement. */
static Outcome interrupt(World *world, int signal_number)
{
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", NULL);
    put_migration(world, "0002_slow", "CREATE TABLE slow (id int);\nSELECT pg_sleep(60);\n", NULL);
    Running running = run_begin(world, "up");
    pg_cluster_await(world->cluster, world->database,
                     "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND "
                     "application_name LIKE 'skein/%')",
                     PATIENCE_MS);
    kill(running.pid, signal_number);
    return run_end(world, running);
}

static void ctrl_c_cancels_the_migration_whole(void **state)
{
    World *world = *state;
    Outcome outcome = interrupt(world, SIGINT);
    assert_int_equal(outcome.exit_code, 1);
    assert_non_null(strstr(outcome.err, "interrupted: the migration that runs is cancelled"));
    assert_non_null(strstr(outcome.out, "1 applied; now at 0001_users\n"));
    assert_true(pg_cluster_sessions(world->cluster) == 0);
    assert_ask(world, "SELECT to_regclass('users') IS NOT NULL AND to_regclass('slow') IS NULL",
               "t");
    assert_run(world, "current", 0, "0001_users\n");
}

static void killed_outright_it_leaves_nothing_half_done(void **state)
{
    World *world = *state;
    assert_int_equal(interrupt(world, SIGKILL).exit_code, -1);
    pg_cluster_await(
        world->cluster, world->database,
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'skein/%')",
        PATIENCE_MS);
    assert_ask(world, "SELECT to_regclass('slow') IS NULL", "t");
    put_migration(world, "0002_slow", "CREATE TABLE slow (id int);\n", NULL);
    Outcome outcome = run(world, "up");
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(outcome.out, "1 applied; now at 0002_slow\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_cannot_be_done_is_said_at_once),
        WORLD_TEST(a_database_that_is_not_there_is_named),
        WORLD_TEST(a_role_that_is_not_there_is_named),
        WORLD_TEST(a_password_is_never_shown),
        WORLD_TEST(a_replica_is_refused),
        WORLD_TEST(ctrl_c_cancels_the_migration_whole),
        WORLD_TEST(killed_outright_it_leaves_nothing_half_done),
    };
    return WORLD_RUN(tests);
}
