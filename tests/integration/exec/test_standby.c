/* A COMMIT that waits for a synchronous standby which nobody has, and is cancelled: it has
 * happened, on this server alone. */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#include <libpq-fe.h>

#include "agent/exec/runner_internal.h"
#include "common/clock.h"

static char told[PG_TEXT_MAX];

static void take_note(void *ctx, const char *text)
{
    (void)ctx;
    snprintf(told, sizeof(told), "%s", text);
}

static bool waits_for_standby(const char *compare)
{
    char sql[PG_TEXT_MAX];
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND"
             " application_name %s 'probe'",
             compare);
    return pg_cluster_count(cluster, "postgres", sql) > 0;
}

/* The server says that it wants a standby before its commits do: one that waits is the proof. */
static PGconn *standby_want(const char *database)
{
    PGconn *probe = PQconnectdb(pg_cluster_socket_conninfo(cluster, database));
    PQclear(PQexec(probe, "SET application_name = 'probe'"));
    PQclear(PQexec(probe, "CREATE TABLE probe (i int)"));
    pg_cluster_run(cluster, "postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    pg_cluster_run(cluster, "postgres", "SELECT pg_reload_conf()");
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (!waits_for_standby("=")) {
        assert_true(clock_boot_ms() < until_ms);
        assert_int_equal(PQconsumeInput(probe), 1);
        if (!PQisBusy(probe)) {
            PQclear(PQgetResult(probe));
            PQsendQuery(probe, "INSERT INTO probe VALUES (1)");
        }
    }
    return probe;
}

static void standby_forget(PGconn *probe)
{
    pg_cluster_run(cluster, "postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    pg_cluster_run(cluster, "postgres", "SELECT pg_reload_conf()");
    PQfinish(probe);
}

static void cancel_when_it_waits(void *ctx, const ExecProgress *progress)
{
    Bench *bench = ctx;
    (void)progress;
    if (!bench->cancel && waits_for_standby("<>")) {
        bench->cancel = true;
        wake_raise(bench->wake);
    }
}

static bool is_cancelled(void *ctx)
{
    return ((Bench *)ctx)->cancel;
}

static void a_commit_that_is_cancelled_at_its_wait_is_told_as_this_servers_alone(void **state)
{
    (void)state;
    static const Migration MADE[] = { { .id = "0001_made", .up = { "CREATE TABLE made ()" } } };
    database_ensure(cluster, "waiting");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "waiting", 0, MADE, 1);
    AUTO_PTR(Runner)
    runner = runner_new(&(RunnerConfig){
        .source = bench->source,
        .watch = bench->pool,
        .database = bench->database,
        .schema = "",
        .agent = "tester",
        .order = &bench->order,
        .wake = bench->wake,
        .should_cancel = is_cancelled,
        .progress = cancel_when_it_waits,
        .note = take_note,
        .ctx = bench,
    });
    bench_open(runner);
    PGconn *probe = standby_want("waiting");
    Result result = bench_perform(runner, ACTION_APPLY, 0);
    standby_forget(probe);
    assert_result(result, RESULT_OK);
    assert_true(bench->cancel);
    assert_non_null(strstr(told, "0001_made is committed on this server, and may not be on a"));
    assert_ask(bench, "SELECT state FROM skein.history", "applied");
}

static void a_commit_that_nobody_cancels_is_told_without_a_word(void **state)
{
    (void)state;
    static const Migration MADE[] = { { .id = "0001_made", .up = { "CREATE TABLE made ()" } } };
    database_ensure(cluster, "quiet");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "quiet", 0, MADE, 1);
    AUTO_PTR(Runner)
    runner = runner_new(&(RunnerConfig){
        .source = bench->source,
        .watch = bench->pool,
        .database = bench->database,
        .schema = "",
        .agent = "tester",
        .order = &bench->order,
        .note = take_note,
    });
    told[0] = '\0';
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_OK);
    assert_string_equal(told, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            a_commit_that_is_cancelled_at_its_wait_is_told_as_this_servers_alone, test_end),
        cmocka_unit_test_teardown(a_commit_that_nobody_cancels_is_told_without_a_word, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
