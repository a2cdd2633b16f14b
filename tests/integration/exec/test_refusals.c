/* Connections that must not be migrated over: replica, pooler, another database, a role without
 * rights. */
#include "tests/integration/exec/exec_world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "common/clock.h"
#include "common/str.h"
#include "tests/patience.h"

#define BOUNCER "/usr/sbin/pgbouncer"

static const Migration ONE[] = {
    { .id = "0001_one", .up = { "CREATE TABLE one (i int)" }, .down = { "DROP TABLE one" } },
};

static void nothing_of_skein_is_there(Bench *bench)
{
    assert_ask(bench, "SELECT to_regnamespace('skein') IS NULL AND to_regclass('one') IS NULL",
               "t");
}

static void a_replica_is_refused(void **state)
{
    (void)state;
    PgCluster *standby = pg_cluster_start_standby(cluster);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "postgres", pg_cluster_port(standby), ONE, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_REPLICA);
    nothing_of_skein_is_there(bench);
    pg_cluster_stop(standby);
}

static void path_of(char path[PG_TEXT_MAX], const char *name)
{
    snprintf(path, PG_TEXT_MAX, "%s/%s", pg_cluster_socket_dir(cluster), name);
}

static int bouncer_start(const char *mode, int port)
{
    char config[PG_TEXT_MAX];
    char users[PG_TEXT_MAX];
    char log[PG_TEXT_MAX];
    char text[PG_TEXT_MAX * 4];
    path_of(config, "pgbouncer.ini");
    path_of(users, "users.txt");
    path_of(log, "pgbouncer.log");
    snprintf(text, sizeof(text),
             "[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = "
             "127.0.0.1\nlisten_port = %d\n"
             "unix_socket_dir =\nauth_type = trust\nauth_file = %s\npool_mode = %s\n"
             "ignore_startup_parameters = extra_float_digits\n",
             pg_cluster_port(cluster), port, users, mode);
    file_write_as_cluster_user(users, "\"" PG_CLUSTER_ROLE "\" \"\"\n");
    file_write_as_cluster_user(config, text);
    const char *argv[] = { BOUNCER, config, NULL };
    return process_start(argv, log);
}

static void port_await(int port)
{
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    while (PQping(pg_cluster_conninfo(cluster, "postgres", port)) != PQPING_OK) {
        if (clock_boot_ms() > deadline_ms) {
            fail_msg("pgbouncer did not start");
        }
        poll_pause(20);
    }
}

static void a_pooler_is_refused_in_every_mode(void **state)
{
    (void)state;
    static const char *const MODES[] = { "session", "transaction" };
    for (size_t i = 0; i < ARRAY_LEN(MODES); i++) {
        int port = free_port();
        int bouncer = bouncer_start(MODES[i], port);
        port_await(port);
        Bench *bench = bench_begin(cluster, "postgres", port, ONE, 1);
        Report report = bench_run(bench, GOAL_APPLY);
        process_stop(bouncer);
        assert_report(bench, report, REPORT_FAILED);
        assert_string_equal(err_name(bench->err.code), "pooler");
        nothing_of_skein_is_there(bench);
        bench_end(bench);
    }
}

static void another_cluster_is_refused(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "cluster", 0, ONE, 1);
    bench_know_identity(bench);
    bench->order.identity.system_identifier++;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
    assert_int_equal(bench->err.code, ERR_IDENTITY);
    nothing_of_skein_is_there(bench);
}

static void a_database_made_anew_under_the_old_name_is_refused(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "anew", 0, ONE, 1);
    bench_know_identity(bench);
    pg_cluster_run(cluster, "postgres", "DROP DATABASE anew");
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE anew");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
    assert_int_equal(bench->err.code, ERR_IDENTITY);
    nothing_of_skein_is_there(bench);
}

/* The command line means no identity, but what it has begun on it goes on with, or stops. */
static void a_run_does_not_go_on_in_a_database_made_anew(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "midway", 0, ONE, 1);
    bench_be_cli(bench);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    assert_int_equal(bench_perform(runner, ACTION_CONNECT, 0).kind, RESULT_OK);
    assert_int_equal(bench_perform(runner, ACTION_CLOSE, 0).kind, RESULT_OK);
    pg_cluster_assert_quiet(cluster);
    pg_cluster_run(cluster, "postgres", "DROP DATABASE midway WITH (FORCE)");
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE midway");
    Result result = bench_perform(runner, ACTION_CONNECT, 0);
    assert_int_equal(result.kind, RESULT_REFUSED);
    assert_int_equal(result.err.code, ERR_IDENTITY);
    assert_non_null(strstr(result.err.message, "and this run began on database "));
    nothing_of_skein_is_there(bench);
}

static void a_copy_in_the_originals_place_is_refused(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "original", 0, ONE, 1);
    bench_know_identity(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_assert_quiet(cluster);
    conn_pool_tidy(bench->pool, clock_boot_ms() + POOL_IDLE_MS);
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE copy TEMPLATE original");
    bench->database = "copy";
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_HELD);
    assert_int_equal(bench->err.code, ERR_IDENTITY);
    assert_ask(bench, "SELECT to_regclass('one') IS NOT NULL", "t");
}

/* The copy is a target of its own: what the rollout applied to the original is not its to undo. */
static void a_copy_begins_its_own_fence_and_keeps_the_rows(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "mother", 0, ONE, 1);
    bench->order.token = 9;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_assert_quiet(cluster);
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE daughter TEMPLATE mother");
    bench->database = "daughter";
    bench->order.token = 1;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT token FROM skein.fence", "1");
    assert_ask(bench, "SELECT string_agg(id || ' ' || is_inherited, ',') FROM skein.history",
               "0001_one true");
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, "SELECT to_regclass('one') IS NOT NULL", "t");
}

static void a_role_without_rights_is_told_what_it_lacks(void **state)
{
    (void)state;
    database_ensure(cluster, "poor");
    pg_cluster_run(cluster, "postgres", "CREATE ROLE poor LOGIN");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "poor", 0, ONE, 1);
    char conninfo[PG_TEXT_MAX];
    snprintf(conninfo, sizeof(conninfo), "host=127.0.0.1 port=%d user=poor",
             pg_cluster_port(cluster));
    AUTO_PTR(Secret) connection = secret_new(conninfo);
    AUTO_PTR(ConnSource) source = NULL;
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 5, &source, NULL), ERR_NONE);
    ConnSource *own = bench->source;
    bench->source = source;
    Report report = bench_run(bench, GOAL_APPLY);
    bench->source = own;
    assert_report(bench, report, REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_PRIVILEGE);
    assert_string_equal(bench->err.sqlstate, "42501");
    assert_non_null(strstr(bench->err.hint, "grant CREATE"));
    nothing_of_skein_is_there(bench);
}

static void a_database_that_is_gone_is_named(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "gone", 0, ONE, 1);
    pg_cluster_run(cluster, "postgres", "DROP DATABASE gone");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_NOT_FOUND);
    assert_string_equal(bench->err.sqlstate, "3D000");
    assert_string_equal(bench->err.message, "database \"gone\" does not exist");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_replica_is_refused, test_end),
        cmocka_unit_test_teardown(a_pooler_is_refused_in_every_mode, test_end),
        cmocka_unit_test_teardown(another_cluster_is_refused, test_end),
        cmocka_unit_test_teardown(a_database_made_anew_under_the_old_name_is_refused, test_end),
        cmocka_unit_test_teardown(a_run_does_not_go_on_in_a_database_made_anew, test_end),
        cmocka_unit_test_teardown(a_copy_in_the_originals_place_is_refused, test_end),
        cmocka_unit_test_teardown(a_copy_begins_its_own_fence_and_keeps_the_rows, test_end),
        cmocka_unit_test_teardown(a_role_without_rights_is_told_what_it_lacks, test_end),
        cmocka_unit_test_teardown(a_database_that_is_gone_is_named, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
