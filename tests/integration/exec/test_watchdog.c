/* Who waits because of a migration, and for whom it waits itself: what ends it, and what it says.
 */
#include "tests/integration/exec/exec_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/str.h"
#include "tests/patience.h"

static const Migration ADD[] = {
    { .id = "0001_add", .up = { "ALTER TABLE busy ADD c int" } },
};

/* ---- strangers ---- */

#define STRANGERS_MAX 8

static PGconn *strangers[STRANGERS_MAX];
static size_t stranger_count;

/* A session of somebody else; `sql` is sent and, unless `waits`, answered. It ends with the test.
 */
static PGconn *stranger(const char *database, const char *name, const char *sql, bool waits)
{
    char conninfo[PG_TEXT_MAX];
    snprintf(conninfo, sizeof(conninfo), "%s application_name=%s",
             pg_cluster_socket_conninfo(cluster, database), name);
    PGconn *conn = PQconnectdb(conninfo);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    assert_int_equal(PQsendQuery(conn, sql), 1);
    while (!waits) {
        PGresult *result = PQgetResult(conn);
        if (result == NULL) {
            break;
        }
        if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
            fail_msg("%s: %s", sql, PQresultErrorMessage(result));
        }
        PQclear(result);
    }
    assert_true(stranger_count < STRANGERS_MAX);
    strangers[stranger_count++] = conn;
    return conn;
}

static void stranger_leave(PGconn *conn)
{
    for (size_t i = 0; i < stranger_count; i++) {
        if (strangers[i] == conn) {
            PQfinish(conn);
            strangers[i] = strangers[--stranger_count];
            return;
        }
    }
}

static int strangers_end(void **state)
{
    while (stranger_count > 0) {
        PQfinish(strangers[--stranger_count]);
    }
    return test_end(state);
}

static void busy_make(const char *database)
{
    database_ensure(cluster, database);
    pg_cluster_run(cluster, database, "CREATE TABLE busy (i int)");
}

static int cluster_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start("max_prepared_transactions = 4\n");
    return 0;
}

static Bench *watched_bench(const char *database, const Migration *migrations, uint32_t sessions)
{
    Bench *bench = bench_begin(cluster, database, 0, migrations, 1);
    bench->plan.strategy.lock_timeout_ms = 600000; /* the watchdog is all there is */
    bench->plan.strategy.watchdog = (PlanWatchdog){ sessions, 300 };
    bench->order.deadline_ms = PATIENCE_MS;
    return bench;
}

#define assert_says(text, part)                                                                    \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL) {                                                      \
            fail_msg("'%s' is not in: %s", (part), (text));                                        \
        }                                                                                          \
    } while (0)

/* ---- readers behind it ---- */

static const char *reader_database;
static unsigned readers;

/* Two readers come as soon as the migration waits: not before, or they would be served first. */
static void readers_come(Bench *bench, const ExecProgress *progress)
{
    (void)bench;
    if (progress->blocked_by[0] != '\0' && readers < 2) {
        while (readers++ < 2) {
            stranger(reader_database, "reader", "SELECT count(*) FROM busy", true);
        }
    }
}

static void a_queue_behind_its_own_waiting_ends_it(void **state)
{
    (void)state;
    busy_make("queue");
    PGconn *holder = stranger("queue", "report", "BEGIN; SELECT * FROM busy", false);
    AUTO_PTR(Bench) bench = watched_bench("queue", ADD, 1);
    reader_database = "queue";
    readers = 0;
    bench->on_progress = readers_come;
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_BLOCKED);
    assert_string_equal(bench->err.sqlstate, "");
    assert_int_equal(bench->last.statement, 1);
    assert_says(bench->err.message, "blocked by report (pid ");
    assert_says(bench->err.message, "role postgres, idle in transaction, in a transaction for ");
    assert_says(bench->err.message, "wait event Client/ClientRead");
    assert_says(bench->err.message,
                "ended for the sake of others: 2 sessions wait behind it, the longest for ");
    assert_null(strstr(bench->err.message, "SELECT"));
    assert_says(bench->err.hint, "pg_terminate_backend");
    stranger_leave(holder);
    assert_ask(bench, "SELECT count(*) FROM skein.history", "0");
}

static PGconn *leaver;

static void leaver_leave(Bench *bench, const State *report)
{
    (void)bench;
    if (report->code == ERR_BLOCKED && leaver != NULL) {
        stranger_leave(leaver);
        leaver = NULL;
    }
}

static void it_comes_through_when_the_holder_has_gone(void **state)
{
    (void)state;
    busy_make("leaving");
    leaver = stranger("leaving", "report", "BEGIN; SELECT * FROM busy", false);
    AUTO_PTR(Bench) bench = watched_bench("leaving", ADD, 1);
    reader_database = "leaving";
    readers = 0;
    bench->on_progress = readers_come;
    bench->on_report = leaver_leave;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_null(leaver);
    assert_true(bench->last.retries >= 1);
}

static void writers_come(Bench *bench, const ExecProgress *progress)
{
    (void)bench;
    if (progress->statement == 2 && readers < 2) {
        while (readers++ < 2) {
            stranger(reader_database, "writer", "SELECT * FROM busy", true);
        }
    }
}

/* It waits for nobody: the others wait for it. */
static void whoever_waits_for_what_it_holds_ends_it(void **state)
{
    (void)state;
    static const Migration LONG[] = {
        { .id = "0001_long", .up = { "LOCK TABLE busy", "SELECT pg_sleep(3600)" } },
    };
    busy_make("holding");
    AUTO_PTR(Bench) bench = watched_bench("holding", LONG, 1);
    reader_database = "holding";
    readers = 0;
    bench->on_progress = writers_come;
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_BLOCKING);
    assert_says(bench->err.message, "ended for the sake of others: 2 sessions wait behind it");
    assert_int_equal(bench->last.statement, 2);
}

static void turned_off_it_lets_others_wait(void **state)
{
    (void)state;
    static const Migration SHORT[] = {
        { .id = "0001_short", .up = { "LOCK TABLE busy", "SELECT pg_sleep(3)" } },
    };
    busy_make("off");
    AUTO_PTR(Bench) bench = watched_bench("off", SHORT, 1);
    reader_database = "off";
    bench->plan.migrations[0].up.has_watchdog = true; /* its own word, against the strategy's */
    readers = 0;
    bench->on_progress = writers_come;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_int_equal(bench->last.retries, 0);
}

static bool is_standby_wanted;
static unsigned looks_at_commit;

static void standby_want(const char *name)
{
    char sql[PG_TEXT_MAX];
    snprintf(sql, sizeof(sql), "ALTER SYSTEM SET synchronous_standby_names = '%s'", name);
    pg_cluster_run(cluster, "postgres", sql);
    pg_cluster_run(cluster, "postgres", "SELECT pg_reload_conf()");
    pg_cluster_await(cluster, "postgres",
                     name[0] == '\0' ? "SELECT current_setting('synchronous_standby_names') = ''"
                                     : "SELECT current_setting('synchronous_standby_names') <> ''",
                     PATIENCE_MS);
    is_standby_wanted = name[0] != '\0';
}

#define GATE "7" /* an advisory lock, which the statement before COMMIT waits for */
#define STANDBY_FOR_MS 300

static PGconn *gate;
static PGconn *probe;

static bool waits_for_standby(const char *name)
{
    char sql[PG_TEXT_MAX];
    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND"
             " application_name %s 'probe'",
             name);
    return pg_cluster_count(cluster, "postgres", sql) > 0;
}

/* The server says that it wants a standby before its commits do: one that waits is the proof. */
static void probe_commit(const char *database)
{
    if (probe == NULL) {
        probe = stranger(database, "probe", "CREATE TABLE probe (i int)", true);
    }
    assert_int_equal(PQconsumeInput(probe), 1);
    while (!PQisBusy(probe)) {
        PGresult *result = PQgetResult(probe);
        if (result == NULL) {
            assert_int_equal(PQsendQuery(probe, "CREATE TABLE IF NOT EXISTS probe (i int);"
                                                "INSERT INTO probe VALUES (1)"),
                             1);
            return;
        }
        PQclear(result);
    }
}

/*
 * COMMIT waits for a standby that nobody has, and only then a reader comes for what is locked until
 * it has ended. The standby is given up when the reader has waited for longer than anybody is to.
 */
static void commit_waits(Bench *bench, const ExecProgress *progress)
{
    if (gate != NULL && progress->statement == 2) {
        if (!is_standby_wanted) {
            standby_want("nobody");
        }
        probe_commit(bench->database);
        if (waits_for_standby("=")) {
            stranger_leave(gate);
            gate = NULL;
        }
    } else if (gate == NULL && readers == 0 && waits_for_standby("<>")) {
        readers = 1;
        stranger(bench->database, "reader", "SELECT * FROM busy", true);
    } else if (is_standby_wanted && progress->blocks_for_ms > STANDBY_FOR_MS &&
               ++looks_at_commit == 2) {
        standby_want("");
    }
}

/* What waits for a standby has happened: cancelled, it would be told as durable, and is not. */
static void a_commit_under_way_is_not_ended_for_the_sake_of_others(void **state)
{
    (void)state;
    static const Migration BOTH[] = {
        { .id = "0001_both",
          .up = { "LOCK TABLE busy", "SELECT pg_advisory_xact_lock(" GATE ")" } },
    };
    busy_make("standby");
    gate = stranger("standby", "gate", "SELECT pg_advisory_lock(" GATE ")", false);
    probe = NULL;
    AUTO_PTR(Bench) bench = watched_bench("standby", BOTH, 0);
    bench->plan.strategy.watchdog.for_ms = STANDBY_FOR_MS;
    bench->on_progress = commit_waits;
    readers = 0;
    looks_at_commit = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_false(is_standby_wanted);
    assert_int_equal(bench->last.retries, 0);
    assert_int_equal(looks_at_commit, 2);
}

/* ---- roles, kinds of holders ---- */

/* The agent's role cannot see what others do; that they wait stands in pg_locks. */
static void without_pg_monitor_it_works_from_pg_locks(void **state)
{
    (void)state;
    busy_make("plain");
    pg_cluster_run(
        cluster, "plain",
        AS_SUPERUSER
        "CREATE ROLE plain LOGIN; ALTER TABLE busy OWNER TO plain;"
        "GRANT CREATE ON DATABASE plain TO plain; GRANT CREATE ON SCHEMA public TO plain");
    stranger("plain", "report", "BEGIN; SELECT * FROM busy", false);
    AUTO_PTR(Bench) bench = watched_bench("plain", ADD, 1);
    char conninfo[PG_TEXT_MAX];
    snprintf(conninfo, sizeof(conninfo), "host=127.0.0.1 port=%d user=plain dbname=postgres",
             pg_cluster_port(cluster));
    AUTO_PTR(Secret) connection = secret_new(conninfo);
    AUTO_PTR(ConnSource) source = NULL;
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 10, &source, &bench->err),
                     ERR_NONE);
    AUTO_PTR(ConnPool) pool = conn_pool_new(source, NULL);
    bench_share(bench, source, pool);
    reader_database = "plain";
    readers = 0;
    bench->on_progress = readers_come;
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_BLOCKED);
    assert_says(bench->err.message, "blocked by report (pid ");
    assert_says(bench->err.message, "role postgres, whose state this role may not see)");
    assert_says(bench->err.message, "2 sessions wait behind it, the longest for ");
}

static void a_prepared_transaction_is_named_though_nobody_is_connected(void **state)
{
    (void)state;
    busy_make("prepared");
    pg_cluster_run(cluster, "prepared",
                   "BEGIN; INSERT INTO busy VALUES (1);"
                   "PREPARE TRANSACTION 'order 17'");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "prepared", 0, ADD, 1);
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    pg_cluster_run(cluster, "prepared", "ROLLBACK PREPARED 'order 17'");
    assert_says(bench->err.message, "blocked by a prepared transaction (\"order 17\", role "
                                    "skein, prepared under 1 s ago): canceling statement");
    assert_says(bench->err.hint, "ROLLBACK PREPARED");
}

/* A row that a prepared transaction has changed: what is waited for is its own number. */
static void a_prepared_transaction_is_found_by_the_row_it_holds(void **state)
{
    (void)state;
    static const Migration UPDATE[] = {
        { .id = "0001_update", .up = { "UPDATE busy SET i = 3" } },
    };
    busy_make("rows");
    pg_cluster_run(cluster, "rows", "INSERT INTO busy VALUES (1)");
    pg_cluster_run(cluster, "rows", "BEGIN; UPDATE busy SET i = 2; PREPARE TRANSACTION 'order 18'");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "rows", 0, UPDATE, 1);
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    pg_cluster_run(cluster, "rows", "ROLLBACK PREPARED 'order 18'");
    assert_says(bench->err.message, "blocked by a prepared transaction (\"order 18\"");
}

/* The leader holds the lock, its workers share it: one holder, named once. */
static void a_parallel_query_is_one_holder(void **state)
{
    (void)state;
    busy_make("parallel");
    pg_cluster_run(cluster, "parallel",
                   "INSERT INTO busy SELECT generate_series(1, 20000);"
                   "CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE AS"
                   " 'BEGIN PERFORM pg_sleep(0.01); RETURN $1; END'; ANALYZE busy");
    stranger("parallel", "report",
             "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;"
             "SET min_parallel_table_scan_size = 0; SELECT sum(slow(i)) FROM busy",
             true);
    pg_cluster_await(cluster, "postgres",
                     "SELECT count(*) >= 1 FROM pg_stat_activity WHERE backend_type ="
                     " 'parallel worker'",
                     PATIENCE_MS);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "parallel", 0, ADD, 1);
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_says(bench->err.message, "blocked by report (pid ");
    assert_null(strstr(bench->err.message, " more"));
}

static void snapshot_is_asked_for(Bench *bench, const ExecProgress *progress)
{
    (void)bench;
    if (progress->statement == 2 && readers == 0) {
        readers = 1;
        stranger("snapshot", "dump",
                 "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; SELECT 1", true);
    }
}

/* Who waits for a snapshot that is safe waits for no lock. */
static void who_waits_for_a_safe_snapshot_counts(void **state)
{
    (void)state;
    static const Migration SERIALIZABLE[] = {
        { .id = "0001_s",
          .up = { "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT pg_sleep(3600)" } },
    };
    busy_make("snapshot");
    AUTO_PTR(Bench) bench = watched_bench("snapshot", SERIALIZABLE, 0);
    bench->plan.migrations[0].up.statements[0].is_opening = true;
    readers = 0;
    bench->on_progress = snapshot_is_asked_for;
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_BLOCKING);
    assert_says(bench->err.message, "1 session waits behind it");
}

/* ---- looking ---- */

static const char *last_look(void)
{
    return pg_cluster_ask(cluster, "postgres",
                          "SELECT query_start FROM pg_stat_activity WHERE application_name ="
                          " 'skein/watch'");
}

static void one_look_serves_all_who_are_watched(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "looks", 0, ADD, 1);
    AUTO_PTR(LockWatch) watch = lock_watch_new(bench->pool);
    int pids[] = { PQbackendPID(stranger("looks", "one", "SELECT 1", false)),
                   PQbackendPID(stranger("looks", "two", "SELECT 1", false)) };
    LockView view = { 0 };
    lock_watch_join(watch, pids[0], NULL);
    lock_watch_join(watch, pids[1], NULL);
    assert_true(lock_watch_look(watch, pids[0], 0, 0, &view));
    const char *looked = arena_strdup(&bench->arena, last_look());
    assert_true(lock_watch_look(watch, pids[1], 600000, 0, &view));
    assert_string_equal(last_look(), looked);
    lock_watch_leave(watch, pids[1]);
    while (str_equal(last_look(), looked)) { /* within the same millisecond it is the same look */
        assert_true(lock_watch_look(watch, pids[0], 0, 0, &view));
    }
    assert_false(lock_watch_look(watch, pids[1], 600000, 0, &view));
}

/* Its pid may be another's by the time it is looked at. */
static void a_backend_is_known_by_its_start_too(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "looks", 0, ADD, 1);
    AUTO_PTR(LockWatch) watch = lock_watch_new(bench->pool);
    int pid = PQbackendPID(stranger("looks", "one", "SELECT 1", false));
    LockView view = { 0 };
    lock_watch_join(watch, pid, "2001-01-01T00:00:00+00:00");
    assert_false(lock_watch_look(watch, pid, 0, 0, &view));
}

/* ---- outside transactions ---- */

static const Migration INDEX[] = {
    { .id = "0001_index",
      .up = { "CREATE INDEX CONCURRENTLY busy_i ON busy (i)" },
      .is_solo = true,
      .probe = PROBE_INDEX_VALID,
      .object = "busy_i" },
};

static PGconn *old_one;

/* Readers and writers come and go while the index waits for an old transaction. */
static void traffic_goes_on(Bench *bench, const ExecProgress *progress)
{
    if (progress->blocked_by[0] == '\0' || old_one == NULL) {
        return;
    }
    assert_says(progress->blocked_by, "old (pid ");
    assert_int_equal(progress->blocks, 0);
    pg_cluster_run(cluster, bench->database, "INSERT INTO busy VALUES (2)");
    if (++readers == 3) {
        stranger_leave(old_one);
        old_one = NULL;
    }
}

static void an_index_that_waits_for_old_transactions_blocks_nobody_and_is_left_alone(void **state)
{
    (void)state;
    busy_make("concurrent");
    old_one = stranger("concurrent", "old",
                       "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM busy", false);
    AUTO_PTR(Bench) bench = watched_bench("concurrent", INDEX, 0);
    readers = 0;
    bench->on_progress = traffic_goes_on;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_null(old_one);
}

/* VACUUM FULL has no lock_timeout, and until it has its table it has done nothing. */
static void what_still_waits_for_its_table_is_ended_as_soon_as_any(void **state)
{
    (void)state;
    static const Migration FULL[] = {
        { .id = "0001_full", .up = { "VACUUM FULL busy" }, .is_solo = true },
    };
    busy_make("full");
    stranger("full", "report", "BEGIN; SELECT * FROM busy", false);
    AUTO_PTR(Bench) bench = watched_bench("full", FULL, 1);
    reader_database = "full";
    readers = 0;
    bench->on_progress = readers_come;
    assert_int_not_equal(bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_says(bench->err.message, "blocked by report (pid ");
    assert_says(bench->err.message, "2 sessions wait behind it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_queue_behind_its_own_waiting_ends_it, strangers_end),
        cmocka_unit_test_teardown(it_comes_through_when_the_holder_has_gone, strangers_end),
        cmocka_unit_test_teardown(whoever_waits_for_what_it_holds_ends_it, strangers_end),
        cmocka_unit_test_teardown(turned_off_it_lets_others_wait, strangers_end),
        cmocka_unit_test_teardown(a_commit_under_way_is_not_ended_for_the_sake_of_others,
                                  strangers_end),
        cmocka_unit_test_teardown(without_pg_monitor_it_works_from_pg_locks, strangers_end),
        cmocka_unit_test_teardown(a_prepared_transaction_is_named_though_nobody_is_connected,
                                  strangers_end),
        cmocka_unit_test_teardown(a_prepared_transaction_is_found_by_the_row_it_holds,
                                  strangers_end),
        cmocka_unit_test_teardown(a_parallel_query_is_one_holder, strangers_end),
        cmocka_unit_test_teardown(who_waits_for_a_safe_snapshot_counts, strangers_end),
        cmocka_unit_test_teardown(one_look_serves_all_who_are_watched, strangers_end),
        cmocka_unit_test_teardown(a_backend_is_known_by_its_start_too, strangers_end),
        cmocka_unit_test_teardown(
            an_index_that_waits_for_old_transactions_blocks_nobody_and_is_left_alone,
            strangers_end),
        cmocka_unit_test_teardown(what_still_waits_for_its_table_is_ended_as_soon_as_any,
                                  strangers_end),
    };
    return cmocka_run_group_tests(tests, cluster_begin, suite_end);
}
