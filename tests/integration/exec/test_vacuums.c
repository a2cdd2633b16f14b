/*
 * Autovacuums in the way: one that yields, and one that does not. They are made slow by the cost
 * settings of the one table they are to be met on.
 */
#include "tests/integration/exec/exec_world.h"
#include "tests/patience.h"

#include <stdio.h>
#include <string.h>

static const char SETTINGS[] = "autovacuum_naptime = 1\n"
                               "autovacuum_max_workers = 2\n"
                               "autovacuum_freeze_max_age = 100000\n";

/* A page of it takes a vacuum some tenths of a second. */
#define SLOW                                                                                       \
    "CREATE TABLE busy (i int, t text) WITH (autovacuum_vacuum_cost_delay = 100,"                  \
    " autovacuum_vacuum_cost_limit = 1, fillfactor = 10, autovacuum_vacuum_threshold = 1,"         \
    " autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 1000000000);"             \
    "INSERT INTO busy SELECT g, repeat('x', 500) FROM generate_series(1, 400) g"

static const Migration ADD[] = {
    { .id = "0001_add", .up = { "SELECT 1", "ALTER TABLE busy ADD c int" } },
};

static int cluster_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start(SETTINGS);
    return 0;
}

#define assert_says(text, part)                                                                    \
    do {                                                                                           \
        if (strstr((text), (part)) == NULL) {                                                      \
            fail_msg("'%s' is not in: %s", (part), (text));                                        \
        }                                                                                          \
    } while (0)

static const char *database_at_hand;

/* With its slow vacuum, which would keep a worker from the next test. */
static int database_end(void **state)
{
    int result = test_end(state);
    char sql[PG_TEXT_MAX];
    snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", database_at_hand);
    pg_cluster_run(cluster, "postgres", sql);
    return result;
}

static void database_begin(const char *database)
{
    database_at_hand = database;
    database_ensure(cluster, database);
    pg_cluster_run(cluster, database, SLOW);
}

/* The table is dirty enough for an autovacuum, which is at it when this returns. */
static void vacuum_await(const char *database, const char *query)
{
    char sql[PG_TEXT_MAX];
    snprintf(sql, sizeof(sql),
             "SELECT EXISTS (SELECT FROM pg_stat_activity a JOIN pg_stat_progress_vacuum v USING"
             " (pid) WHERE a.datname = '%s' AND a.query = '%s' AND v.phase = 'scanning heap')",
             database, query);
    pg_cluster_await(cluster, database, sql, PATIENCE_MS);
}

static void autovacuum_make(const char *database)
{
    database_begin(database);
    pg_cluster_run(cluster, database, "UPDATE busy SET i = i + 1");
    vacuum_await(database, "autovacuum: VACUUM public.busy");
}

static bool has_met_vacuum;

static void vacuum_meet(Bench *bench, const State *report)
{
    (void)bench;
    if (report->code == ERR_BLOCKED) {
        has_met_vacuum = true;
        assert_says(report->message, "blocked by an autovacuum of public.busy (pid ");
        assert_says(report->message, "canceling statement due to lock timeout");
        assert_says(report->hint, "deadlock_timeout");
    }
}

/* With 800 ms no number of tries would get past it: it yields after a second. */
static void a_try_after_one_that_met_an_autovacuum_waits_until_it_yields(void **state)
{
    (void)state;
    autovacuum_make("yielding");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "yielding", 0, ADD, 1);
    bench->plan.strategy.lock_timeout_ms = 800;
    bench->on_report = vacuum_meet;
    bench->order.blocked_retries_max = 3;
    has_met_vacuum = false;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_true(has_met_vacuum);
}

static PGconn *reader;

/* Once the migration waits, somebody waits behind it. */
static void reader_comes(Bench *bench, const ExecProgress *progress)
{
    if (progress->blocked_by[0] != '\0' && reader == NULL) {
        reader = PQconnectdb(pg_cluster_socket_conninfo(cluster, bench->database));
        assert_int_equal(PQsendQuery(reader, "SELECT count(*) FROM busy"), 1);
    }
}

/* The watchdog's 200 ms are over long before it yields. */
static void the_watchdog_lets_what_yields_yield(void **state)
{
    (void)state;
    autovacuum_make("patient");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "patient", 0, ADD, 1);
    bench->plan.strategy.lock_timeout_ms = 60000;
    bench->plan.strategy.watchdog = (PlanWatchdog){ 0, 200 };
    bench->on_progress = reader_comes;
    bench->order.blocked_retries_max = 3;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_non_null(reader);
    PQfinish(reader);
    reader = NULL;
}

/* Old enough that it has to be frozen: transaction numbers are used up. */
static void wraparound_make(const char *database)
{
    database_begin(database);
    pg_cluster_run(cluster, database,
                   "DO $$ BEGIN FOR i IN 1..101000 LOOP"
                   " PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$");
    vacuum_await(database, "autovacuum: VACUUM public.busy (to prevent wraparound)");
}

static void a_vacuum_against_wraparound_costs_no_try_and_is_named_at_the_deadline(void **state)
{
    (void)state;
    wraparound_make("wraparound");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "wraparound", 0, ADD, 1);
    bench->plan.strategy.lock_timeout_ms = 60000;
    bench->order.blocked_retries_max = 0;
    bench->order.deadline_ms = 8000;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_BLOCKED);
    assert_int_equal(bench->last.retries, 0);
    assert_says(bench->err.message, "not done within the 8000 ms allowed: blocked by an autovacuum "
                                    "to prevent wraparound of public.busy (pid ");
    assert_says(bench->err.message, "scanning heap, ");
    assert_says(bench->err.message, "which never yields");
    assert_ask(bench,
               "SELECT count(*) FROM pg_stat_activity WHERE query ="
               " 'autovacuum: VACUUM public.busy (to prevent wraparound)'",
               "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_try_after_one_that_met_an_autovacuum_waits_until_it_yields,
                                  database_end),
        cmocka_unit_test_teardown(the_watchdog_lets_what_yields_yield, database_end),
        cmocka_unit_test_teardown(
            a_vacuum_against_wraparound_costs_no_try_and_is_named_at_the_deadline, database_end),
    };
    return cmocka_run_group_tests(tests, cluster_begin, suite_end);
}
