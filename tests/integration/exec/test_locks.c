/* Other sessions: who blocks, who holds the target's lock, who is newer. */
#include "tests/integration/exec/exec_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/str.h"
#include "tests/patience.h"

static const Migration ADD[] = {
    { .id = "0001_add",
      .up = { "SELECT 1", "ALTER TABLE busy ADD c int" },
      .down = { "ALTER TABLE busy DROP c" } },
};

/* A session that holds what `sql` locks until it is closed. */
static PGconn *session_open(const char *where, const char *name, const char *sql)
{
    char conninfo[PG_TEXT_MAX];
    snprintf(conninfo, sizeof(conninfo), "%s application_name=%s", where, name);
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *result = PQexec(conn, sql);
    assert_int_not_equal(PQresultStatus(result), PGRES_FATAL_ERROR);
    PQclear(result);
    return conn;
}

/* Somebody else's. */
static PGconn *stranger_open(const char *database, const char *name, const char *sql)
{
    return session_open(pg_cluster_socket_conninfo(cluster, database), name, sql);
}

static void busy_make(const char *database)
{
    database_ensure(cluster, database);
    pg_cluster_run(cluster, database, "CREATE TABLE busy (i int)");
}

static PGconn *blocker;

static void blocker_end(Bench *bench, const State *report)
{
    (void)bench;
    if (report->code == ERR_BLOCKED && blocker != NULL) {
        PQfinish(blocker);
        blocker = NULL;
    }
}

static void a_blocked_step_is_tried_again_and_succeeds(void **state)
{
    (void)state;
    busy_make("blocked");
    blocker = stranger_open("blocked", "pgbench", "BEGIN; LOCK TABLE busy");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "blocked", 0, ADD, 1);
    bench->on_report = blocker_end;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_null(blocker);
    assert_true(bench->last.retries >= 1);
}

static void a_step_that_stays_blocked_names_the_blocker(void **state)
{
    (void)state;
    busy_make("staying");
    PGconn *stranger = stranger_open("staying", "pgbench", "BEGIN; LOCK TABLE busy");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "staying", 0, ADD, 1);
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_BLOCKED);
    assert_string_equal(bench->last.sqlstate, "55P03");
    assert_int_equal(bench->last.statement, 2);
    assert_non_null(strstr(bench->err.message, "blocked by pgbench (pid "));
    assert_non_null(strstr(bench->err.message, ", role postgres, idle in transaction, in a "));
    assert_non_null(strstr(bench->err.message, "canceling statement due to lock timeout"));
    assert_null(strstr(bench->err.message, "LOCK"));
    PQfinish(stranger);
    assert_ask(bench, "SELECT count(*) FROM skein.history", "0");
}

/* The server tells that the fence went well only together with the error of the first statement. */
static void a_first_statement_that_stays_blocked_names_the_blocker_too(void **state)
{
    (void)state;
    static const Migration FIRST[] = {
        { .id = "0001_first",
          .up = { "ALTER TABLE busy ADD COLUMN w int" },
          .lock_timeout_ms = 600 },
    };
    busy_make("first");
    PGconn *stranger = stranger_open("first", "pgbench", "BEGIN; LOCK TABLE busy");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "first", 0, FIRST, 1);
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->last.statement, 1);
    assert_non_null(strstr(bench->err.message, "blocked by pgbench (pid "));
    PQfinish(stranger);
}

static void progress_says_who_blocks(Bench *bench, const ExecProgress *progress)
{
    if (progress->blocked_by[0] != '\0') {
        assert_string_equal(progress->phase, "waiting for a lock");
        assert_non_null(strstr(progress->blocked_by, "idle in transaction, in a transaction for"));
        bench->reports = 1000;
    }
}

static void progress_tells_of_a_lock_that_is_waited_for(void **state)
{
    (void)state;
    busy_make("progress");
    PGconn *stranger = stranger_open("progress", "pgbench", "BEGIN; LOCK TABLE busy");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "progress", 0, ADD, 1);
    bench->on_progress = progress_says_who_blocks;
    bench->order.blocked_retries_max = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_true(bench->reports >= 1000);
    PQfinish(stranger);
}

/* The key of the lock on a whole database, asked of a runner that holds it. */
static void lock_key_text(Bench *bench, char text[64])
{
    AUTO_PTR(Runner) runner = bench_runner(bench);
    assert_result(bench_perform(runner, ACTION_CONNECT, 0), RESULT_OK);
    assert_result(bench_perform(runner, ACTION_LOCK, 0), RESULT_OK);
    snprintf(text, 64, "%s",
             pg_cluster_ask(cluster, "postgres",
                            "SELECT (classid::int8 << 32 | objid::int8)::text FROM pg_locks WHERE "
                            "locktype = 'advisory'"));
}

static PGconn *lock_holder_open(Bench *bench, const char *name)
{
    char key[64];
    char sql[PG_TEXT_MAX];
    lock_key_text(bench, key);
    pg_cluster_assert_quiet(cluster);
    snprintf(sql, sizeof(sql), "SELECT pg_advisory_lock(%s)", key);
    return session_open(pg_cluster_conninfo(cluster, bench->database, 0), name, sql);
}

static void the_lock_tells_its_holders_apart(void **state)
{
    (void)state;
    static const struct {
        const char *holder;
        const char *rollout;
        ResultKind kind;
        ErrCode code;
    } ROWS[] = {
        { "psql", "r1", RESULT_HELD_BY_OTHER, ERR_CONFLICT },
        { "skein/cli", "r1", RESULT_HELD_BY_OTHER, ERR_ATTEMPT_IN_PROGRESS },
        { "skein/r1/1", "r1", RESULT_HELD_BY_OURS, ERR_NONE },
        { "skein/r1/4", "r1", RESULT_HELD_BY_OURS, ERR_NONE },
        { "skein/r0/9", "r1", RESULT_HELD_BY_OURS, ERR_NONE },
        { "skein/r1/5", "r1", RESULT_FENCED, ERR_FENCED },
        { "skein/r1/1", "", RESULT_HELD_BY_OTHER, ERR_ATTEMPT_IN_PROGRESS },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_PTR(Bench) bench = bench_begin(cluster, "holders", 0, NULL, 0);
        bench->order.rollout = ROWS[i].rollout;
        bench->order.stamp.attempt = 4;
        PGconn *holder = lock_holder_open(bench, ROWS[i].holder);
        AUTO_PTR(Runner) runner = bench_runner(bench);
        assert_result(bench_perform(runner, ACTION_CONNECT, 0), RESULT_OK);
        Result result = bench_perform(runner, ACTION_LOCK, 0);
        assert_result(result, ROWS[i].kind);
        assert_int_equal(result.err.code, ROWS[i].code);
        assert_true(result.kind == RESULT_FENCED || result.backend_pid == PQbackendPID(holder));
        PQfinish(holder);
        bench_perform(runner, ACTION_CLOSE, 0);
        pg_cluster_assert_quiet(cluster);
    }
}

static void an_older_attempt_is_ended_and_the_target_migrated(void **state)
{
    (void)state;
    busy_make("older");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "older", 0, ADD, 1);
    bench->order.stamp.attempt = 2;
    PGconn *holder = lock_holder_open(bench, "skein/r1/1");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    PGresult *result = PQexec(holder, "SELECT 1");
    assert_int_equal(PQresultStatus(result), PGRES_FATAL_ERROR);
    PQclear(result);
    PQfinish(holder);
}

static void a_stranger_on_the_lock_fails_the_target_at_its_deadline(void **state)
{
    (void)state;
    busy_make("stranger");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "stranger", 0, ADD, 1);
    PGconn *holder = lock_holder_open(bench, "psql");
    bench->order.deadline_ms = 4000;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_non_null(strstr(bench->err.message, "psql"));
    assert_ask(bench, "SELECT to_regnamespace('skein') IS NULL", "t");
    PQfinish(holder);
}

/* A pid may be another backend's by the time it is to be ended: here that has another name. */
static void only_the_backend_that_was_seen_on_the_lock_is_ended(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "spared", 0, NULL, 0);
    bench->order.stamp.attempt = 2;
    PGconn *holder = lock_holder_open(bench, "skein/r1/1");
    AUTO_PTR(Runner) runner = bench_runner(bench);
    assert_result(bench_perform(runner, ACTION_CONNECT, 0), RESULT_OK);
    Result seen = bench_perform(runner, ACTION_LOCK, 0);
    assert_result(seen, RESULT_HELD_BY_OURS);
    Action action = {
        .kind = ACTION_END_BACKEND,
        .backend_pid = seen.backend_pid,
        .deadline_ms = clock_boot_ms() + PATIENCE_MS,
    };
    PQclear(PQexec(holder, "SET application_name = 'skein/r2/1'"));
    assert_result(runner_perform(runner, &action), RESULT_OK);
    PGresult *result = PQexec(holder, "SET application_name = 'skein/r1/1'");
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    assert_result(runner_perform(runner, &action), RESULT_OK);
    result = PQexec(holder, "SELECT 1");
    assert_int_equal(PQresultStatus(result), PGRES_FATAL_ERROR);
    PQclear(result);
    PQfinish(holder);
}

/* Who cannot know whether a newer attempt was here ends nobody. */
static void a_fence_that_cannot_be_read_ends_nobody(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "unread", 0, NULL, 0);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    bench->order.stamp.attempt = 2;
    PGconn *holder = lock_holder_open(bench, "skein/r1/1");
    PGconn *other = stranger_open("unread", "psql", "BEGIN; LOCK TABLE skein.fence");
    AUTO_PTR(Runner) runner = bench_runner(bench);
    assert_result(bench_perform(runner, ACTION_CONNECT, 0), RESULT_OK);
    assert_result(bench_perform(runner, ACTION_LOCK, 0), RESULT_IN_PROGRESS);
    PQfinish(other);
    assert_result(bench_perform(runner, ACTION_LOCK, 0), RESULT_HELD_BY_OURS);
    PQfinish(holder);
}

static void a_stale_token_is_refused_inside_the_pipeline(void **state)
{
    (void)state;
    busy_make("stale");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "stale", 0, ADD, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    pg_cluster_run(cluster, "stale", "UPDATE skein.fence SET token = 2");
    Result result = bench_perform(runner, ACTION_APPLY, 0);
    assert_result(result, RESULT_FENCED);
    assert_int_equal(result.err.code, ERR_FENCED);
    assert_ask(
        bench,
        "SELECT NOT EXISTS (SELECT FROM skein.history) AND"
        " (SELECT count(*) FROM pg_attribute WHERE attrelid = 'busy'::regclass AND attnum > 0) = 1",
        "t");
    assert_ask(bench, "SELECT token FROM skein.fence", "2");
    assert_result(bench_perform(runner, ACTION_READ, 0), RESULT_FENCED);
}

static void a_higher_term_wins_over_any_token(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "terms", 0, NULL, 0);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    bench->order.stamp.term = 2;
    bench->order.token = 1;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    bench->order.stamp.term = 1;
    bench->order.token = 99;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_REFUSED);
    assert_ask(bench, "SELECT term || ' ' || token FROM skein.fence", "2 1");
}

/* Somebody inside a transaction that has taken the fence: not the migration's fault, so no try is
 * spent. */
static void waiting_for_the_fence_is_no_block_of_the_migration(void **state)
{
    (void)state;
    busy_make("inside");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "inside", 0, ADD, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    PGconn *other = stranger_open("inside", "psql", "BEGIN; SELECT * FROM skein.fence FOR UPDATE");
    Result result = bench_perform(runner, ACTION_APPLY, 0);
    assert_result(result, RESULT_IN_PROGRESS);
    assert_int_equal(result.err.code, ERR_ATTEMPT_IN_PROGRESS);
    PQfinish(other);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_OK);
}

/* Of the same attempt, so that the fence does not tell the two apart: refused before its statements
 * run. */
static void what_a_twin_has_written_meanwhile_is_resolved_by_reading(void **state)
{
    (void)state;
    busy_make("twin");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "twin", 0, ADD, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    pg_cluster_run(cluster, "twin",
                   "UPDATE skein.fence SET writes = writes + 1, known_writes = writes + 1;"
                   "DROP TABLE busy");
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_ALREADY);
    assert_result(bench_perform(runner, ACTION_READ, 0), RESULT_HISTORY);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_FAILED);
}

static const Migration TWO[] = {
    { .id = "0001_one", .up = { "CREATE TABLE one ()" }, .down = { "DROP TABLE one" } },
    { .id = "0002_two", .up = { "CREATE TABLE two ()" }, .down = { "DROP TABLE two" } },
};

/* A person has set it right by hand, say. */
static void a_row_that_is_there_or_gone_is_resolved_by_reading(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "already", 0, TWO, ARRAY_LEN(TWO));
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_OK);
    pg_cluster_run(cluster, "already",
                   "INSERT INTO skein.history SELECT (jsonb_populate_record(h,"
                   " '{\"id\": \"0002_two\", \"seq\": 99}')).* FROM skein.history h");
    assert_result(bench_perform(runner, ACTION_APPLY, 1), RESULT_ALREADY);
    assert_ask(bench, "SELECT to_regclass('two') IS NULL", "t");
    pg_cluster_run(cluster, "already", "DELETE FROM skein.history");
    assert_result(bench_perform(runner, ACTION_UNDO, 0), RESULT_ALREADY);
    assert_ask(bench, "SELECT to_regclass('one') IS NOT NULL", "t");
}

/* Whoever deletes it takes it from those that are under way. */
static void a_fence_that_is_gone_lets_nobody_through(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "fenceless", 0, TWO, ARRAY_LEN(TWO));
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_OK);
    pg_cluster_run(cluster, "fenceless", "DELETE FROM skein.fence");
    assert_result(bench_perform(runner, ACTION_APPLY, 1), RESULT_ALREADY);
    assert_ask(bench, "SELECT to_regclass('two') IS NULL", "t");
    assert_result(bench_perform(runner, ACTION_READ, 0), RESULT_HISTORY);
    assert_result(bench_perform(runner, ACTION_APPLY, 1), RESULT_OK);
    assert_ask(bench, "SELECT string_agg(seq || ' ' || id, ',' ORDER BY seq) FROM skein.history",
               "1 0001_one,2 0002_two");
}

static void a_deadlock_asks_to_try_again(void **state)
{
    (void)state;
    static const Migration DEADLOCK[] = {
        { .id = "0001_raise",
          .up = { "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$" } },
        { .id = "0002_ours",
          .up = { "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'SK004', SCHEMA = 'skein',"
                  " CONSTRAINT = 'fence_never_goes_down'; END $$" } },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "deadlock", 0, DEADLOCK, ARRAY_LEN(DEADLOCK));
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_RETRYABLE);
    assert_result(bench_perform(runner, ACTION_APPLY, 1), RESULT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_blocked_step_is_tried_again_and_succeeds, test_end),
        cmocka_unit_test_teardown(a_step_that_stays_blocked_names_the_blocker, test_end),
        cmocka_unit_test_teardown(a_first_statement_that_stays_blocked_names_the_blocker_too,
                                  test_end),
        cmocka_unit_test_teardown(progress_tells_of_a_lock_that_is_waited_for, test_end),
        cmocka_unit_test_teardown(the_lock_tells_its_holders_apart, test_end),
        cmocka_unit_test_teardown(an_older_attempt_is_ended_and_the_target_migrated, test_end),
        cmocka_unit_test_teardown(a_stranger_on_the_lock_fails_the_target_at_its_deadline,
                                  test_end),
        cmocka_unit_test_teardown(only_the_backend_that_was_seen_on_the_lock_is_ended, test_end),
        cmocka_unit_test_teardown(a_fence_that_cannot_be_read_ends_nobody, test_end),
        cmocka_unit_test_teardown(a_stale_token_is_refused_inside_the_pipeline, test_end),
        cmocka_unit_test_teardown(a_higher_term_wins_over_any_token, test_end),
        cmocka_unit_test_teardown(waiting_for_the_fence_is_no_block_of_the_migration, test_end),
        cmocka_unit_test_teardown(what_a_twin_has_written_meanwhile_is_resolved_by_reading,
                                  test_end),
        cmocka_unit_test_teardown(a_row_that_is_there_or_gone_is_resolved_by_reading, test_end),
        cmocka_unit_test_teardown(a_fence_that_is_gone_lets_nobody_through, test_end),
        cmocka_unit_test_teardown(a_deadlock_asks_to_try_again, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
