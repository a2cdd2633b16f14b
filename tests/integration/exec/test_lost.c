/* Torn connections, dead clients, crashed servers, cancelled steps: the database says what became
 * of them. */
#include "tests/integration/exec/exec_world.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/str.h"
#include "tests/harness/tcp_proxy.h"

static TcpProxy *proxy;

static int proxied_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    proxy = tcp_proxy_start(pg_cluster_port(cluster));
    return 0;
}

static int proxied_end(void **state)
{
    (void)state;
    tcp_proxy_stop(proxy);
    pg_cluster_stop(cluster);
    return 0;
}

static int proxied_test_end(void **state)
{
    tcp_proxy_freeze(proxy, 0);
    return test_end(state);
}

static const Migration ONCE[] = {
    { .id = "0001_once",
      .up = { "CREATE TABLE once (i int)", "INSERT INTO once VALUES (1)" },
      .down = { "DROP TABLE once" } },
    { .id = "0002_more",
      .up = { "INSERT INTO once VALUES (2)" },
      .down = { "DELETE FROM once WHERE i = 2" } },
};

static const Migration SLOW[] = {
    { .id = "0001_slow",
      .up = { "CREATE TABLE slow (i int)", "SELECT pg_sleep(3600)", "INSERT INTO slow VALUES (1)" },
      .down = { "DROP TABLE slow", "SELECT pg_sleep(0)" } },
};

/* READ commits first, so the second COMMIT is the migration's. */
static void a_lost_commit_is_resolved_by_looking(void **state)
{
    (void)state;
    static const struct {
        const char *database;
        ProxyTear tear;
    } ROWS[] = {
        { "lost_not_done", PROXY_TEAR_BEFORE_COMMIT },
        { "lost_done", PROXY_TEAR_AFTER_COMMIT },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_PTR(Bench)
        bench =
            bench_begin(cluster, ROWS[i].database, tcp_proxy_port(proxy), ONCE, ARRAY_LEN(ONCE));
        unsigned torn = tcp_proxy_torn(proxy);
        tcp_proxy_tear(proxy, ROWS[i].tear, 2);
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
        assert_int_equal(tcp_proxy_torn(proxy), torn + 1);
        assert_ask(bench, "SELECT string_agg(i::text, ',') FROM once", "1,2");
        assert_ask(bench,
                   "SELECT string_agg(id || ' ' || state, ',' ORDER BY seq) FROM skein.history",
                   "0001_once applied,0002_more applied");
    }
}

static void a_lost_commit_of_an_undo_is_resolved_by_looking(void **state)
{
    (void)state;
    static const ProxyTear TEARS[] = { PROXY_TEAR_BEFORE_COMMIT, PROXY_TEAR_AFTER_COMMIT };
    for (size_t i = 0; i < ARRAY_LEN(TEARS); i++) {
        AUTO_PTR(Bench)
        bench = bench_begin(cluster, "lost_undo", tcp_proxy_port(proxy), ONCE, ARRAY_LEN(ONCE));
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
        tcp_proxy_tear(proxy, TEARS[i], 2);
        assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
        assert_ask(bench, "SELECT count(*) FROM skein.history WHERE state <> 'undone'", "0");
        assert_ask(bench, "SELECT to_regclass('once') IS NULL", "t");
    }
}

static void a_torn_commit_is_answered_with_lost(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "lost_kind", tcp_proxy_port(proxy), ONCE, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    tcp_proxy_tear(proxy, PROXY_TEAR_AFTER_COMMIT, 1);
    Result result = bench_perform(runner, ACTION_APPLY, 0);
    assert_result(result, RESULT_LOST);
    assert_int_equal(result.err.code, ERR_LOST);
    assert_result(bench_perform(runner, ACTION_READ, 0), RESULT_UNREACHABLE);
}

/* A child runs the job and is killed while its statement runs. */
static pid_t victim_start(const Migration *migrations, const char *database)
{
    pid_t victim = fork();
    if (victim == 0) {
        Bench *bench = bench_begin(cluster, database, 0, migrations, 1);
        bench_run(bench, GOAL_APPLY);
        _exit(0);
    }
    assert_true(victim > 0);
    return victim;
}

static void statement_await(const char *database)
{
    (void)database;
    pg_cluster_await(cluster, "postgres",
                     "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                     " AND application_name LIKE 'skein/%')",
                     PATIENCE_MS);
}

static void a_killed_client_leaves_nothing_and_the_next_attempt_applies_once(void **state)
{
    (void)state;
    static const Migration QUICK[] = {
        { .id = "0001_slow", .up = { "CREATE TABLE slow (i int)", "INSERT INTO slow VALUES (1)" } },
    };
    database_ensure(cluster, "killed");
    pid_t victim = victim_start(SLOW, "killed");
    statement_await("killed");
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "killed", 0, QUICK, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT count(*) FROM slow", "1");
    assert_ask(bench, "SELECT count(*) FROM skein.history", "1");
}

/* Thawed, its COMMIT comes too late. */
static void a_frozen_client_is_overtaken_by_the_next_attempt(void **state)
{
    (void)state;
    static const Migration QUICK[] = {
        { .id = "0001_slow", .up = { "CREATE TABLE slow (i int)", "INSERT INTO slow VALUES (1)" } },
    };
    database_ensure(cluster, "frozen");
    pid_t victim = victim_start(SLOW, "frozen");
    statement_await("frozen");
    kill(victim, SIGSTOP);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "frozen", 0, QUICK, 1);
    bench->order.stamp.attempt = 2;
    bench->order.token = 2;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    kill(victim, SIGCONT);
    int status = 0;
    waitpid(victim, &status, 0);
    assert_int_equal(status, 0);
    assert_ask(bench, "SELECT count(*) FROM slow", "1");
    assert_ask(bench, "SELECT string_agg(attempt || ' ' || state, ',') FROM skein.history",
               "2 applied");
}

static void withdraw(Bench *bench, const ExecProgress *progress)
{
    if (progress->statement == 2) {
        bench->permit.goal = GOAL_NONE;
        exec_wake(bench->wake);
    }
}

static void a_withdrawn_order_cancels_the_step_that_runs(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "turned", 0, SLOW, 1);
    bench->on_progress = withdraw;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_RUNNING);
    assert_ask(bench,
               "SELECT to_regclass('slow') IS NULL AND NOT EXISTS (SELECT FROM skein.history)",
               "t");
}

static void ask_for_cancel(Bench *bench, const ExecProgress *progress)
{
    (void)progress;
    bench->cancel = true;
    exec_wake(bench->wake);
}

/* A cancel is enough for a statement: the session, and with it the lock, is kept. */
static void a_cancelled_step_leaves_its_session_usable(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "cancelled", 0, SLOW, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    bench->on_progress = ask_for_cancel;
    Result result = bench_perform(runner, ACTION_APPLY, 0);
    assert_result(result, RESULT_CANCELLED);
    assert_int_equal(result.err.code, ERR_CANCELLED);
    bench->cancel = false;
    assert_result(bench_perform(runner, ACTION_READ, 0), RESULT_HISTORY);
    assert_int_equal(pg_cluster_advisory_locks(cluster), 1);
}

/*
 * All places for watching are taken: nobody can be told to cancel anything. What the server says
 * then is its own word, and the statement was not cancelled by us.
 */
static void a_cancel_that_was_never_sent_is_not_what_ended_a_statement(void **state)
{
    (void)state;
    static const Migration LIMITED[] = {
        { .id = "0001_limited",
          .up = { "CREATE TABLE limited (i int)", "SET LOCAL statement_timeout = '1s'",
                  "SELECT pg_sleep(3600)" } },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "unsent", 0, LIMITED, 1);
    AUTO_PTR(Conn) survey = NULL;
    AUTO_PTR(Conn) sampler = NULL;
    const ConnRequest request = { .purpose = CONN_WATCH,
                                  .application_name = "skein/test",
                                  .deadline_ms = clock_boot_ms() + PATIENCE_MS };
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_int_equal(conn_open(bench->source, &request, &survey, &bench->err), ERR_NONE);
    assert_int_equal(conn_open(bench->source, &request, &sampler, &bench->err), ERR_NONE);
    bench->cancel = true;
    Result result = bench_perform(runner, ACTION_APPLY, 0);
    assert_result(result, RESULT_FAILED);
    assert_string_equal(result.err.sqlstate, "57014");
    assert_non_null(strstr(result.err.message, "statement timeout"));
}

/* Outside a transaction, too, only the echo of our cancel is one. */
static void another_error_than_the_echo_is_the_statements_own(void **state)
{
    (void)state;
    static const Migration STUBBORN[] = {
        { .id = "0001_stubborn",
          .up = { "DO $$ BEGIN PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN "
                  "RAISE EXCEPTION 'not unique' USING ERRCODE = '23505'; END $$" },
          .is_solo = true },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "stubborn", 0, STUBBORN, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    bench->on_progress = ask_for_cancel;
    Result result = bench_perform(runner, ACTION_RUN, 0);
    assert_result(result, RESULT_FAILED);
    assert_string_equal(result.err.sqlstate, "23505");
}

static void the_deadline_cancels_a_step(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "late", 0, SLOW, 1);
    bench->order.deadline_ms = 700;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_TIMEOUT);
    assert_ask(bench, "SELECT to_regclass('slow') IS NULL", "t");
}

static void a_statement_timeout_is_the_servers_word(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "timeout", 0, SLOW, 1);
    bench->plan.strategy.statement_timeout_ms = 1000;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.sqlstate, "57014");
    assert_int_equal(bench->last.statement, 2);
}

static void a_wait_ends_when_the_permit_changes(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "woken", 0, ONCE, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    exec_wake(bench->wake);
    Action action = { .kind = ACTION_WAIT, .until_ms = UINT64_MAX };
    assert_result(runner_perform(runner, &action), RESULT_OK);
}

static unsigned crashes;

static void crash_once(Bench *bench, const ExecProgress *progress)
{
    (void)bench;
    if (progress->statement == 2 && crashes++ == 0) {
        pg_cluster_crash(cluster);
        pg_cluster_restart(cluster);
    }
}

static void a_server_that_crashes_inside_a_step_is_met_again(void **state)
{
    (void)state;
    static const Migration CRASHED[] = {
        { .id = "0001_crashed",
          .up = { "CREATE TABLE crashed (i int)", "SELECT pg_sleep(1)",
                  "INSERT INTO crashed VALUES (1)" } },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "crashed", 0, CRASHED, 1);
    bench->on_progress = crash_once;
    bench->order.deadline_ms = 60000;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_true(crashes >= 1);
    assert_ask(bench, "SELECT count(*) FROM crashed", "1");
}

static bool was_unknown;

static void note_unknown(Bench *bench, const State *report)
{
    (void)bench;
    was_unknown = was_unknown || report->report == REPORT_UNKNOWN;
}

/* Its last word may have come before the commit or after it: only looking tells. */
static void a_session_that_the_server_ends_at_commit_is_looked_after(void **state)
{
    (void)state;
    static const Migration ENDED[] = {
        { .id = "0001_ended",
          .up = { "CREATE TABLE ended (is_last bool)",
                  "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON ended DEFERRABLE INITIALLY DEFERRED"
                  " FOR EACH ROW EXECUTE FUNCTION end_once()",
                  "INSERT INTO ended VALUES (false)" } },
    };
    database_ensure(cluster, "ended");
    pg_cluster_run(cluster, "ended",
                   "CREATE SEQUENCE tries;" /* not rolled back */
                   "CREATE FUNCTION end_once() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                   " IF NOT NEW.is_last THEN" /* once more, to have its turn at COMMIT */
                   "  SET CONSTRAINTS ALL DEFERRED; INSERT INTO ended VALUES (true);"
                   " ELSIF nextval('tries') = 1 THEN"
                   "  PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10);"
                   " END IF; RETURN NULL; END$$");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "ended", 0, ENDED, 1);
    bench->on_report = note_unknown;
    was_unknown = false;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_true(was_unknown);
    assert_ask(bench, "SELECT (SELECT last_value FROM tries) || ' ' || count(*) FROM ended", "2 2");
}

/* Nothing is answered and nothing closed: what runs is given up. COMMIT waits for the answers
 * before it, so nothing can have come of the step. */
static void a_partition_inside_a_step_leaves_no_doubt(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "partition", tcp_proxy_port(proxy), SLOW, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    Action action = { .kind = ACTION_APPLY, .deadline_ms = clock_boot_ms() };
    tcp_proxy_freeze(proxy, 1);
    assert_result(runner_perform(runner, &action), RESULT_UNREACHABLE);
    bench_perform(runner, ACTION_CLOSE, 0);
    tcp_proxy_freeze(proxy, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_lost_commit_is_resolved_by_looking, proxied_test_end),
        cmocka_unit_test_teardown(a_lost_commit_of_an_undo_is_resolved_by_looking,
                                  proxied_test_end),
        cmocka_unit_test_teardown(a_torn_commit_is_answered_with_lost, proxied_test_end),
        cmocka_unit_test_teardown(a_killed_client_leaves_nothing_and_the_next_attempt_applies_once,
                                  proxied_test_end),
        cmocka_unit_test_teardown(a_frozen_client_is_overtaken_by_the_next_attempt,
                                  proxied_test_end),
        cmocka_unit_test_teardown(a_withdrawn_order_cancels_the_step_that_runs, proxied_test_end),
        cmocka_unit_test_teardown(a_cancelled_step_leaves_its_session_usable, proxied_test_end),
        cmocka_unit_test_teardown(a_cancel_that_was_never_sent_is_not_what_ended_a_statement,
                                  proxied_test_end),
        cmocka_unit_test_teardown(another_error_than_the_echo_is_the_statements_own,
                                  proxied_test_end),
        cmocka_unit_test_teardown(the_deadline_cancels_a_step, proxied_test_end),
        cmocka_unit_test_teardown(a_statement_timeout_is_the_servers_word, proxied_test_end),
        cmocka_unit_test_teardown(a_wait_ends_when_the_permit_changes, proxied_test_end),
        cmocka_unit_test_teardown(a_server_that_crashes_inside_a_step_is_met_again,
                                  proxied_test_end),
        cmocka_unit_test_teardown(a_session_that_the_server_ends_at_commit_is_looked_after,
                                  proxied_test_end),
        cmocka_unit_test_teardown(a_partition_inside_a_step_leaves_no_doubt, proxied_test_end),
    };
    return cmocka_run_group_tests(tests, proxied_begin, proxied_end);
}
