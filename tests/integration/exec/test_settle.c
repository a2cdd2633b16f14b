/*
 * Statements outside transactions that did not come to a good end: what they have left decides, and
 * the next attempt settles it by itself. The rows of docs/nontransactional.md, on a real server.
 */
#include "tests/integration/exec/exec_world.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/str.h"
#include "tests/patience.h"

#define INDEX_WITH(statement)                                                                      \
    {                                                                                              \
        .id = "0001_index", .up = { statement }, .down = { "DROP INDEX CONCURRENTLY things_v" },   \
        .is_solo = true, .probe = PROBE_INDEX_VALID, .object = "things_v", .detail = "things"      \
    }

static const Migration INDEX[] = {
    INDEX_WITH("CREATE INDEX CONCURRENTLY things_v ON things (v)"),
};

static const char INDEXES[] =
    "SELECT coalesce(string_agg(c.relname || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END, ', '"
    " ORDER BY c.relname), '') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE NOT i.indisvalid OR i.indrelid = to_regclass('things')";

static const char ROWS[] =
    "SELECT string_agg(id || ' ' || state, ', ' ORDER BY seq) FROM skein.history";

static void things_make(const char *database)
{
    database_ensure(cluster, database);
    pg_cluster_run(
        cluster, database,
        "CREATE TABLE things (v int, t text); INSERT INTO things SELECT generate_series(1, 100)");
}

static void next_attempt(Bench *bench)
{
    bench->order.stamp.attempt++;
    bench->order.token++;
}

/* ---- clients that die, freeze, or lose their backend ---- */

/* Runs the job in a process of its own, under failpoints; it is ended with the test. */
static pid_t client_start(const char *database, const Migration *migrations, Goal goal,
                          const char *failpoints)
{
    pid_t child = fork();
    if (child == 0) {
        failpoint_set(failpoints, NULL);
        Bench *bench = bench_begin(cluster, database, 0, migrations, 1);
        bench->order.stamp.attempt = 2;
        bench->order.token = 2;
        _exit((int)bench_run(bench, goal));
    }
    assert_true(child > 0);
    return child;
}

static void client_await_death(pid_t client)
{
    int status = 0;
    assert_int_equal(waitpid(client, &status, 0), client);
    assert_true(WIFSIGNALED(status));
}

static Bench *after_client(const char *database, const Migration *migrations)
{
    Bench *bench = bench_begin(cluster, database, 0, migrations, 1);
    bench->order.stamp.attempt = 3;
    bench->order.token = 3;
    return bench;
}

/* Connect, lock, prepare, read; then what these tests are about. */
enum ActionNumber {
    NOTE_BEGIN_NUMBER = 5,
    NOTE_END_NUMBER = 8,
};

static void killed_before_or_after_any_action_it_is_done_once(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        Goal goal;
        const char *indexes;
        const char *rows;
    } WAYS[] = {
        { "before", GOAL_APPLY, "things_v", "applied" },
        { "after", GOAL_APPLY, "things_v", "applied" },
        { "before", GOAL_ROLL_BACK, "", "undone" },
        { "after", GOAL_ROLL_BACK, "", "undone" },
    };
    for (size_t i = 0; i < ARRAY_LEN(WAYS); i++) {
        for (int number = NOTE_BEGIN_NUMBER; number <= NOTE_END_NUMBER; number++) {
            AUTO(Arena) arena = { 0 };
            const char *database = arena_printf(&arena, "killed_%zu_%d", i, number);
            things_make(database);
            if (WAYS[i].goal == GOAL_ROLL_BACK) {
                AUTO_PTR(Bench) bench = bench_begin(cluster, database, 0, INDEX, 1);
                assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
            }
            client_await_death(
                client_start(database, INDEX, WAYS[i].goal,
                             arena_printf(&arena, "job.%s_action=kill@%d", WAYS[i].when, number)));
            AUTO_PTR(Bench) bench = after_client(database, INDEX);
            Report wanted = WAYS[i].goal == GOAL_APPLY ? REPORT_APPLIED : REPORT_ROLLED_BACK;
            assert_report(bench, bench_run(bench, WAYS[i].goal), wanted);
            assert_ask(bench, INDEXES, WAYS[i].indexes);
            assert_ask(bench, "SELECT state FROM skein.history ORDER BY seq DESC LIMIT 1",
                       WAYS[i].rows);
            assert_ask(bench, "SELECT count(*) FROM skein.history WHERE is_running", "0");
        }
    }
}

/* Whoever has read or written the table in a transaction that goes on holds builds up. */
static PGconn *reader_start(const char *database)
{
    PGconn *reader = PQconnectdb(pg_cluster_socket_conninfo(cluster, database));
    PQclear(PQexec(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO things VALUES (0)"));
    assert_int_equal(PQtransactionStatus(reader), PQTRANS_INTRANS);
    return reader;
}

#define SKEIN_WAITS                                                                                \
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'skein/%'"            \
    " AND wait_event_type = 'Lock')"

static PGconn *met_reader;

/* The build that another client began is seen as if it were ours; then it may go on. */
static void let_reader_go(Bench *bench, const ExecProgress *progress)
{
    (void)bench;
    bool is_build = str_equal(progress->migration, "0001_index") && progress->statement == 1 &&
                    str_equal(progress->phase, "waiting for a lock");
    if (met_reader != NULL && is_build) {
        PQfinish(met_reader);
        met_reader = NULL;
    }
}

static void a_build_that_outlives_its_client_is_adopted_and_its_progress_told(void **state)
{
    (void)state;
    things_make("adopted");
    met_reader = reader_start("adopted");
    pid_t client = client_start("adopted", INDEX, GOAL_APPLY, NULL);
    pg_cluster_await(cluster, "adopted", SKEIN_WAITS, PATIENCE_MS);
    int64_t oid = pg_cluster_count(cluster, "adopted", "SELECT 'things_v'::regclass::oid");
    kill(client, SIGKILL);
    client_await_death(client);
    AUTO_PTR(Bench) bench = after_client("adopted", INDEX);
    bench->on_progress = let_reader_go;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_null(met_reader);
    assert_ask(bench, INDEXES, "things_v");
    assert_int_equal(pg_cluster_count(cluster, "adopted", "SELECT 'things_v'::regclass::oid"), oid);
}

/* Its backend stays, with the lock, and does nothing: it is ended. */
static void a_client_frozen_behind_its_statement_is_overtaken(void **state)
{
    (void)state;
    things_make("frozen");
    pid_t client = client_start("frozen", INDEX, GOAL_APPLY, "exec.after_run=stop");
    int status = 0;
    assert_int_equal(waitpid(client, &status, WUNTRACED), client);
    assert_true(WIFSTOPPED(status));
    AUTO_PTR(Bench) bench = after_client("frozen", INDEX);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    kill(client, SIGCONT);
    assert_int_equal(waitpid(client, &status, 0), client);
    assert_int_equal(WEXITSTATUS(status), REPORT_REFUSED);
    assert_ask(bench, INDEXES, "things_v");
    assert_ask(bench, ROWS, "0001_index applied");
}

static void skein_terminate(const char *database)
{
    pg_cluster_run(cluster, database,
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE application_name LIKE 'skein/r1/%'");
}

typedef struct Cut {
    const char *database;
    Migration migration;
    const char *before;
    const char *question;
    const char *answer;
} Cut;

static const Cut CUTS[] = {
    { "cut_index", INDEX_WITH("CREATE INDEX CONCURRENTLY things_v ON things (v)"), "SELECT 1",
      INDEXES, "things_v" },
    { "cut_drop",
      { .id = "0001_drop",
        .up = { "DROP INDEX CONCURRENTLY things_v" },
        .is_solo = true,
        .probe = PROBE_INDEX_ABSENT,
        .object = "things_v",
        .detail = "" },
      "CREATE INDEX things_v ON things (v)",
      INDEXES,
      "" },
    /* Its long values have an index of their own, which is left over as well. */
    { "cut_reindex",
      { .id = "0001_reindex",
        .up = { "REINDEX TABLE CONCURRENTLY things" },
        .is_solo = true,
        .probe = PROBE_REINDEXED,
        .object = "things",
        .detail = "table" },
      "CREATE INDEX things_v ON things (v)",
      INDEXES,
      "things_v" },
    { "cut_detach",
      { .id = "0001_detach",
        .up = { "ALTER TABLE whole DETACH PARTITION things CONCURRENTLY" },
        .is_solo = true,
        .probe = PROBE_PARTITION_DETACHED,
        .object = "things",
        .detail = "whole" },
      "CREATE TABLE whole (v int, t text) PARTITION BY LIST (v);"
      "ALTER TABLE whole ATTACH PARTITION things DEFAULT;"
      "ALTER TABLE whole DETACH PARTITION things; TRUNCATE things;"
      "ALTER TABLE whole ATTACH PARTITION things FOR VALUES IN (0)",
      "SELECT count(*) FROM pg_inherits",
      "0" },
};

/* Twice: while it waits to begin what is half done, and each time by somebody else's hand. */
static void a_backend_that_is_ended_under_its_client_is_made_up_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CUTS); i++) {
        const Cut *row = &CUTS[i];
        things_make(row->database);
        pg_cluster_run(cluster, row->database, row->before);
        PGconn *reader = reader_start(row->database);
        pid_t client = client_start(row->database, &row->migration, GOAL_APPLY, NULL);
        pg_cluster_await(cluster, row->database, SKEIN_WAITS, PATIENCE_MS);
        skein_terminate(row->database);
        PQfinish(reader);
        int status = 0;
        assert_int_equal(waitpid(client, &status, 0), client);
        assert_int_equal(WEXITSTATUS(status), REPORT_APPLIED);
        assert_string_equal(pg_cluster_ask(cluster, row->database, row->question), row->answer);
        pg_cluster_assert_quiet(cluster);
    }
}

/* ---- errors ---- */

typedef struct Failing {
    const char *database;
    Migration migration;
    const char *before;
    const char *sqlstate;
    const char *indexes; /* after it */
} Failing;

static const Failing FAILING[] = {
    { "fails_unique", INDEX_WITH("CREATE UNIQUE INDEX CONCURRENTLY things_v ON things ((v % 2))"),
      "SELECT 1", "23505", "" },
    { "fails_there", INDEX_WITH("CREATE INDEX CONCURRENTLY things_v ON things (v)"),
      "CREATE INDEX things_v ON things (v)", "42P07", "things_v" },
    { "fails_partitioned", INDEX_WITH("CREATE INDEX CONCURRENTLY things_v ON things (v)"),
      "DROP TABLE things; CREATE TABLE things (v int) PARTITION BY LIST (v)", "0A000", "" },
    { "fails_gone", INDEX_WITH("CREATE INDEX CONCURRENTLY things_v ON things (v)"),
      "DROP TABLE things", "42P01", "" },
    /* Not of its making: named, and left to whoever made it. */
    { "fails_wreck", INDEX_WITH("CREATE INDEX CONCURRENTLY IF NOT EXISTS things_v ON things (v)"),
      "CREATE INDEX things_v ON things (v);" MAKE_INVALID("things_v"), "", "things_v INVALID" },
    { "fails_other", INDEX_WITH("CREATE INDEX CONCURRENTLY IF NOT EXISTS things_v ON things (v)"),
      "CREATE TABLE others (v int); CREATE INDEX things_v ON others (v)", "", "" },
    { "fails_again",
      { .id = "0001_vacuum",
        .up = { "VACUUM nothing" },
        .is_solo = true,
        .probe = PROBE_REPEATABLE },
      "SELECT 1",
      "42P01",
      "" },
    { "fails_label",
      { .id = "0001_label",
        .up = { "ALTER TYPE mood ADD VALUE 'sad'" },
        .is_solo = true,
        .probe = PROBE_ENUM_LABEL,
        .object = "mood",
        .detail = "sad" },
      "CREATE TYPE mood AS ENUM ('sad')",
      "42710",
      "" },
    { "fails_database",
      { .id = "0001_database",
        .up = { "CREATE DATABASE fails_database" },
        .is_solo = true,
        .probe = PROBE_NAMED_PRESENT,
        .object = "fails_database",
        .detail = "database" },
      "SELECT 1",
      "42P04",
      "" },
};

static void an_error_that_leaves_nothing_is_a_failure_like_any(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FAILING); i++) {
        const Failing *row = &FAILING[i];
        things_make(row->database);
        pg_cluster_run(cluster, row->database, row->before);
        AUTO_PTR(Bench) bench = bench_begin(cluster, row->database, 0, &row->migration, 1);
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
        assert_string_equal(bench->last.sqlstate, row->sqlstate);
        assert_int_equal(bench->last.applied, 0);
        assert_ask(bench, "SELECT state || ' ' || is_running FROM skein.history", "undone false");
        assert_ask(bench, INDEXES, row->indexes);
    }
}

static void a_failed_build_is_built_when_its_cause_is_mended(void **state)
{
    (void)state;
    static const Migration UNIQUE[] = {
        INDEX_WITH("CREATE UNIQUE INDEX CONCURRENTLY things_v ON things (v)"),
    };
    things_make("mended");
    pg_cluster_run(cluster, "mended", "INSERT INTO things VALUES (1)");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "mended", 0, UNIQUE, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    pg_cluster_run(cluster, "mended", "DELETE FROM things WHERE v = 1");
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, ROWS, "0001_index undone, 0001_index applied");
}

static void let_go_when_named(Bench *bench, const State *state)
{
    (void)bench;
    if (met_reader != NULL && strstr(state->message, "works on the table") != NULL) {
        PQfinish(met_reader);
        met_reader = NULL;
    }
}

/* The server's victim is the build, which waits for the very session that waits for it. That one
 * has the table's lock then, and is respected. */
static void a_deadlock_is_cleared_away_and_the_build_tried_again(void **state)
{
    (void)state;
    things_make("deadlock");
    met_reader = reader_start("deadlock");
    PQclear(PQexec(met_reader, "SET deadlock_timeout = '10min'"));
    AUTO_PTR(Bench) bench = bench_begin(cluster, "deadlock", 0, INDEX, 1);
    bench->order.deadline_ms = 120000;
    bench->on_report = let_go_when_named;
    /* Sent at once, done when the build's first phase lets it: it waits behind the build. */
    PQsetnonblocking(met_reader, 1);
    PQsendQuery(met_reader, "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE relation ="
                            " 'things'::regclass AND mode = 'ShareUpdateExclusiveLock' AND granted)"
                            " LOOP PERFORM pg_sleep(0.05); END LOOP;"
                            " LOCK TABLE things IN SHARE UPDATE EXCLUSIVE MODE; END $$");
    PQflush(met_reader);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_null(met_reader);
    assert_true(bench->last.retries > 0);
    assert_ask(bench, INDEXES, "things_v");
    assert_ask(bench, ROWS, "0001_index undone, 0001_index applied");
}

/* ---- what is found ---- */

/* An INVALID index, as a build leaves it. */
#define CARCASS "CREATE INDEX things_v ON things (v);" MAKE_INVALID("things_v")

typedef struct Found {
    const char *database;
    Migration migration;
    const char *before; /* the note of its begin */
    const char *after;
    Report report;
    const char *indexes;
} Found;

#define PLAIN INDEX_WITH("CREATE INDEX CONCURRENTLY things_v ON things (v)")
#define IF_NOT_EXISTS INDEX_WITH("CREATE INDEX CONCURRENTLY IF NOT EXISTS things_v ON things (v)")
#define REINDEX_OF(sql, name, scope)                                                               \
    {                                                                                              \
        .id = "0001_reindex", .up = { sql }, .is_solo = true, .probe = PROBE_REINDEXED,            \
        .object = name, .detail = scope                                                            \
    }
#define LEFT(name) "CREATE INDEX " name " ON things (v);" MAKE_INVALID(name)
#define CALL_IT                                                                                    \
    {                                                                                              \
        .id = "0001_call", .up = { "CALL work()" }, .is_solo = true, .probe = PROBE_NONE           \
    }

/* What is done to a whole database, its owner does. */
#define OWN(database) AS_SUPERUSER "ALTER DATABASE " database " OWNER TO skein; RESET ROLE;"
#define ELSEWHERE(make, database)                                                                  \
    "CREATE SCHEMA elses;" make ";" OWN(database) "ALTER DATABASE " database                       \
                                                  " SET search_path = elses, public"
#define ELSES_WRECK(name)                                                                          \
    "CREATE TABLE elses.things (v int); CREATE INDEX " name                                        \
    " ON elses.things (v);" MAKE_INVALID("elses." name)

static const Found FOUND[] = {
    { "found_absent", PLAIN, "SELECT 1", "SELECT 1", REPORT_APPLIED, "things_v" },
    { "found_carcass", PLAIN, "SELECT 1", CARCASS, REPORT_APPLIED, "things_v" },
    { "found_blind", IF_NOT_EXISTS, "SELECT 1", CARCASS, REPORT_APPLIED, "things_v" },
    { "found_done", PLAIN, "SELECT 1", "CREATE INDEX things_v ON things (v)", REPORT_APPLIED,
      "things_v" },
    { "found_before", PLAIN, "CREATE INDEX things_v ON things (v)", "SELECT 1", REPORT_FAILED,
      "things_v" },
    { "found_before_blind", IF_NOT_EXISTS, "CREATE INDEX things_v ON things (v)", "SELECT 1",
      REPORT_APPLIED, "things_v" },
    { "found_wreck", IF_NOT_EXISTS, CARCASS, "SELECT 1", REPORT_FAILED, "things_v INVALID" },
    { "found_gone", PLAIN, "SELECT 1", "DROP TABLE things", REPORT_FAILED, "" },
    { "found_ccnew", REINDEX_OF("REINDEX TABLE CONCURRENTLY things", "things", "table"),
      "CREATE INDEX things_v ON things (v)", LEFT("things_v_ccnew"), REPORT_APPLIED, "things_v" },
    { "found_ccold", REINDEX_OF("REINDEX INDEX CONCURRENTLY things_v", "things_v", "index"),
      "CREATE INDEX things_v ON things (v)", LEFT("things_v_ccold1"), REPORT_APPLIED, "things_v" },
    { "found_schema", REINDEX_OF("REINDEX SCHEMA CONCURRENTLY public", "public", "schema"),
      OWN("found_schema") "CREATE INDEX things_v ON things (v)", LEFT("things_v_ccnew"),
      REPORT_APPLIED, "things_v" },
    { "found_whole",
      REINDEX_OF("REINDEX DATABASE CONCURRENTLY found_whole", "found_whole", "database"),
      OWN("found_whole") "CREATE INDEX things_v ON things (v)", LEFT("things_v_ccnew"),
      REPORT_APPLIED, "things_v" },
    { "found_elses", REINDEX_OF("REINDEX TABLE CONCURRENTLY things", "things", "table"),
      LEFT("elses_ccnew"), "SELECT 1", REPORT_APPLIED, "elses_ccnew INVALID" },
    { "found_label",
      { .id = "0001_label",
        .up = { "ALTER TYPE mood ADD VALUE 'glad'" },
        .is_solo = true,
        .probe = PROBE_ENUM_LABEL,
        .object = "mood",
        .detail = "glad" },
      "CREATE TYPE mood AS ENUM ('sad')",
      "ALTER TYPE mood ADD VALUE 'glad'",
      REPORT_APPLIED,
      "" },
    { "found_attached",
      { .id = "0001_detach",
        .up = { "ALTER TABLE whole DETACH PARTITION part CONCURRENTLY" },
        .is_solo = true,
        .probe = PROBE_PARTITION_DETACHED,
        .object = "part",
        .detail = "whole" },
      "CREATE TABLE whole (v int) PARTITION BY LIST (v);"
      "CREATE TABLE part PARTITION OF whole FOR VALUES IN (1)",
      "SELECT 1",
      REPORT_APPLIED,
      "" },
    { "found_vacuum",
      { .id = "0001_vacuum",
        .up = { "VACUUM things" },
        .is_solo = true,
        .probe = PROBE_REPEATABLE },
      "SELECT 1",
      "SELECT 1",
      REPORT_APPLIED,
      "" },
    { "found_system",
      { .id = "0001_system",
        .up = { "ALTER SYSTEM SET track_functions = 'pl'" },
        .is_solo = true,
        .probe = PROBE_REPEATABLE },
      "SELECT 1",
      "SELECT 1",
      REPORT_APPLIED,
      "" },
    { "found_database",
      { .id = "0001_database",
        .up = { "CREATE DATABASE made_by_it" },
        .is_solo = true,
        .probe = PROBE_NAMED_PRESENT,
        .object = "made_by_it",
        .detail = "database" },
      "SELECT 1",
      "CREATE DATABASE made_by_it",
      REPORT_APPLIED,
      "" },
    { "found_no_database",
      { .id = "0001_database",
        .up = { "DROP DATABASE gone_by_it" },
        .is_solo = true,
        .probe = PROBE_NAMED_ABSENT,
        .object = "gone_by_it",
        .detail = "database" },
      "CREATE DATABASE gone_by_it",
      "DROP DATABASE gone_by_it",
      REPORT_APPLIED,
      "" },
    /* In the session that settles, the same names mean what another schema has. */
    { "found_elsewhere", PLAIN, "SELECT 1", ELSEWHERE(ELSES_WRECK("things_v"), "found_elsewhere"),
      REPORT_FAILED, "things_v INVALID" },
    { "found_elses_index",
      { .id = "0001_drop",
        .up = { "DROP INDEX CONCURRENTLY things_v" },
        .is_solo = true,
        .probe = PROBE_INDEX_ABSENT,
        .object = "things_v" },
      "CREATE INDEX things_v ON things (v)",
      "DROP INDEX things_v;" ELSEWHERE(ELSES_WRECK("things_v"), "found_elses_index"),
      REPORT_APPLIED,
      "things_v INVALID" },
    { "found_elses_old", REINDEX_OF("REINDEX TABLE CONCURRENTLY things", "things", "table"),
      "SELECT 1", ELSEWHERE(ELSES_WRECK("things_v_ccnew"), "found_elses_old"), REPORT_APPLIED,
      "things_v_ccnew INVALID" },
    { "found_elses_part",
      { .id = "0001_detach",
        .up = { "ALTER TABLE whole DETACH PARTITION part CONCURRENTLY" },
        .is_solo = true,
        .probe = PROBE_PARTITION_DETACHED,
        .object = "part",
        .detail = "whole" },
      "CREATE TABLE whole (v int) PARTITION BY LIST (v);"
      "CREATE TABLE part PARTITION OF whole FOR VALUES IN (1)",
      "ALTER TABLE whole DETACH PARTITION part;" ELSEWHERE(
          "CREATE TABLE elses.whole (v int) PARTITION BY LIST (v);"
          "CREATE TABLE elses.part PARTITION OF elses.whole FOR VALUES IN (1);"
          "CREATE INDEX ON elses.whole (v);" MAKE_INVALID("elses.part_v_idx"),
          "found_elses_part"),
      REPORT_APPLIED,
      "part_v_idx INVALID" },
    /* What a procedure has committed by itself, nobody else knows. */
    { "found_call", CALL_IT, "CREATE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'",
      "SELECT 1", REPORT_HELD, "" },
};

/* The begin is noted; what became of the statement since, the row says; and nobody is there. */
static void found_make(const Found *row)
{
    things_make(row->database);
    pg_cluster_run(cluster, row->database, row->before);
    AUTO_PTR(Bench) bench = bench_begin(cluster, row->database, 0, &row->migration, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_NOTE_BEGIN, 0), RESULT_OK);
    pg_cluster_run(cluster, row->database, row->after);
}

static void what_is_found_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FOUND); i++) {
        const Found *row = &FOUND[i];
        found_make(row);
        AUTO_PTR(Bench) bench = bench_begin(cluster, row->database, 0, &row->migration, 1);
        next_attempt(bench);
        Report report = bench_run(bench, GOAL_APPLY);
        if (report != row->report) {
            fail_msg("%s: \"%s\" instead of \"%s\": %s", row->database, report_name(report),
                     report_name(row->report), bench->err.message);
        }
        assert_ask(bench, INDEXES, row->indexes);
        assert_ask(bench,
                   "SELECT is_running OR state = 'started' FROM skein.history ORDER BY seq DESC",
                   row->report == REPORT_HELD ? "t" : "f");
    }
}

/* What a roll back finds is settled first: an up that was done is undone, a carcass is no more. */
static void a_roll_back_settles_what_it_finds(void **state)
{
    (void)state;
    static const Found BACK[] = {
        { "back_absent", PLAIN, "SELECT 1", "SELECT 1", REPORT_ROLLED_BACK, "" },
        { "back_carcass", PLAIN, "SELECT 1", CARCASS, REPORT_ROLLED_BACK, "" },
        { "back_done", PLAIN, "SELECT 1", "CREATE INDEX things_v ON things (v)", REPORT_ROLLED_BACK,
          "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(BACK); i++) {
        found_make(&BACK[i]);
        AUTO_PTR(Bench) bench = bench_begin(cluster, BACK[i].database, 0, &BACK[i].migration, 1);
        next_attempt(bench);
        assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), BACK[i].report);
        assert_ask(bench, INDEXES, BACK[i].indexes);
        assert_ask(bench, ROWS, "0001_index undone");
    }
}

static void a_stranger_at_work_on_the_table_is_respected_and_named(void **state)
{
    (void)state;
    static const Found STRANGER = { "stranger", PLAIN,       "SELECT 1",
                                    CARCASS,    REPORT_HELD, "things_v INVALID" };
    found_make(&STRANGER);
    PGconn *stranger = PQconnectdb(pg_cluster_socket_conninfo(cluster, "stranger"));
    PQclear(PQexec(stranger, "SET application_name = 'psql'; BEGIN;"
                             " LOCK TABLE things IN SHARE UPDATE EXCLUSIVE MODE"));
    AUTO_PTR(Bench) bench = bench_begin(cluster, "stranger", 0, INDEX, 1);
    next_attempt(bench);
    bench->order.deadline_ms = 3000;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
    AUTO(Arena) arena = { 0 };
    const char *named = arena_printf(&arena, "pid %d (psql)", PQbackendPID(stranger));
    assert_non_null(strstr(bench->last.message, named));
    assert_ask(bench, INDEXES, "things_v INVALID");
    PQfinish(stranger);
    next_attempt(bench);
    bench->order.deadline_ms = PATIENCE_MS;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
}

static void a_statement_that_was_changed_since_it_began_is_held(void **state)
{
    (void)state;
    static const Migration OTHER[] = {
        INDEX_WITH("CREATE INDEX CONCURRENTLY things_v ON things (v DESC)"),
    };
    static const Found CHANGED = { "changed", PLAIN, "SELECT 1", CARCASS, REPORT_HELD, "" };
    found_make(&CHANGED);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "changed", 0, OTHER, 1);
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
    assert_int_equal(bench->err.code, ERR_CHECKSUM);
    assert_ask(bench, INDEXES, "things_v INVALID");
    AUTO_PTR(Bench) restored = bench_begin(cluster, "changed", 0, INDEX, 1);
    restored->order.stamp.attempt = 3;
    restored->order.token = 3;
    assert_report(restored, bench_run(restored, GOAL_APPLY), REPORT_APPLIED);
}

/* Migrations of these tests make databases, and change the server's configuration: neither is what
 * role.sql grants. */
static int rights_begin(void **state)
{
    int code = suite_begin(state);
    pg_cluster_run(cluster, "postgres",
                   "ALTER ROLE " PG_CLUSTER_ROLE " CREATEDB;"
                   "GRANT ALTER SYSTEM, SET ON PARAMETER track_functions TO " PG_CLUSTER_ROLE);
    return code;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(killed_before_or_after_any_action_it_is_done_once, test_end),
        cmocka_unit_test_teardown(a_build_that_outlives_its_client_is_adopted_and_its_progress_told,
                                  test_end),
        cmocka_unit_test_teardown(a_client_frozen_behind_its_statement_is_overtaken, test_end),
        cmocka_unit_test_teardown(a_backend_that_is_ended_under_its_client_is_made_up_for,
                                  test_end),
        cmocka_unit_test_teardown(an_error_that_leaves_nothing_is_a_failure_like_any, test_end),
        cmocka_unit_test_teardown(a_failed_build_is_built_when_its_cause_is_mended, test_end),
        cmocka_unit_test_teardown(a_deadlock_is_cleared_away_and_the_build_tried_again, test_end),
        cmocka_unit_test_teardown(what_is_found_decides, test_end),
        cmocka_unit_test_teardown(a_roll_back_settles_what_it_finds, test_end),
        cmocka_unit_test_teardown(a_stranger_at_work_on_the_table_is_respected_and_named, test_end),
        cmocka_unit_test_teardown(a_statement_that_was_changed_since_it_began_is_held, test_end),
    };
    return cmocka_run_group_tests(tests, rights_begin, suite_end);
}
