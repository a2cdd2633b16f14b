/*
 * What ALTER ROLE and ALTER DATABASE … SET say reaches the next migration, as with any tool that
 * connects for each file; and the target's lock is there throughout.
 */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#include <libpq-fe.h>

#include "agent/exec/runner_internal.h"
#include "common/str.h"

#define OWNER "settled"
#define CLEAN(condition) "DO $$ BEGIN ASSERT " condition "; END $$"
#define SHOWS(value) CLEAN("current_setting('geqo_effort') = '" value "'")

static const struct Lasting {
    const char *name;
    const char *before; /* as a superuser */
    const char *leaves[3];
    const char *finds[2]; /* fails where it has not reached it */
} LASTINGS[] = {
    { "of_database", "", { "ALTER DATABASE of_database SET geqo_effort = '1'" }, { SHOWS("1") } },
    { "of_role", "", { "ALTER ROLE " OWNER " SET geqo_effort = '2'" }, { SHOWS("2") } },
    { "of_both",
      "",
      { "ALTER ROLE " OWNER " IN DATABASE of_both SET geqo_effort = '3'" },
      { SHOWS("3") } },
    { "of_another", "", { "ALTER ROLE other SET geqo_effort = '4'" }, { SHOWS("5") } },
    { "in_a_block",
      "",
      { "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET geqo_effort = 6', current_database());"
        " EXCEPTION WHEN undefined_table THEN NULL; END $$" },
      { SHOWS("6") } },
    { "taken_back",
      AS_SUPERUSER "ALTER DATABASE taken_back SET work_mem = '9MB'",
      { "ALTER DATABASE taken_back RESET ALL" },
      { CLEAN("current_setting('work_mem') = '4MB'") } },
    { "as_another",
      "",
      { "ALTER DATABASE as_another SET work_mem = '7MB'", "SET ROLE other",
        "SET statement_timeout = '1ms'" },
      { CLEAN("current_setting('work_mem') = '7MB' AND current_user = '" OWNER "'") } },
    { "path",
      AS_SUPERUSER "CREATE SCHEMA app AUTHORIZATION " OWNER,
      { "ALTER DATABASE path SET search_path = app", "CREATE TABLE app.t ()" },
      { "ALTER TABLE t ADD v int", CLEAN("to_regclass('app.t') = to_regclass('t')") } },
};

static Bench *plain_begin(const char *name, const char *before, const Migration *migrations,
                          size_t count)
{
    char make[160];
    snprintf(make, sizeof(make), "CREATE DATABASE %s OWNER " OWNER, name);
    pg_cluster_run(cluster, "postgres", make);
    pg_cluster_run(cluster, name,
                   AS_SUPERUSER "ALTER SCHEMA public OWNER TO " OWNER "; ALTER ROLE " OWNER
                                " RESET ALL");
    if (before[0] != '\0') {
        pg_cluster_run(cluster, name, before);
    }
    Bench *bench = bench_begin(cluster, name, 0, migrations, count);
    bench_as(bench, OWNER);
    return bench;
}

static void what_is_set_for_new_sessions_reaches_the_next_migration(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(LASTINGS); i++) {
        const struct Lasting *row = &LASTINGS[i];
        Migration pair[] = { { .id = "0001_leaves" }, { .id = "0002_finds" } };
        memcpy(pair[0].up, row->leaves, sizeof(row->leaves));
        memcpy(pair[1].up, row->finds, sizeof(row->finds));
        AUTO_PTR(Bench) bench = plain_begin(row->name, row->before, pair, ARRAY_LEN(pair));
        if (bench_run(bench, GOAL_APPLY) != REPORT_APPLIED) {
            fail_msg("%s: %s", row->name, bench->err.message);
        }
    }
}

/* Outside transactions, too: it is set there, and names mean what it says. */
static void it_reaches_what_runs_outside_transactions(void **state)
{
    (void)state;
    static const Migration OUTSIDE[] = {
        { .id = "0001_sets",
          .up = { "DO $$ BEGIN EXECUTE 'ALTER DATABASE outside SET search_path = app, public';"
                  " END $$" },
          .is_solo = true,
          .probe = PROBE_REPEATABLE },
        { .id = "0002_index",
          .up = { "CREATE INDEX CONCURRENTLY things_v ON things (v)" },
          .down = { "DROP INDEX CONCURRENTLY things_v" },
          .is_solo = true,
          .probe = PROBE_INDEX_VALID,
          .object = "things_v",
          .detail = "things" },
    };
    AUTO_PTR(Bench)
    bench = plain_begin("outside",
                        AS_SUPERUSER "CREATE SCHEMA app AUTHORIZATION " OWNER
                                     "; CREATE TABLE app.things (v int);"
                                     "ALTER TABLE app.things OWNER TO " OWNER,
                        OUTSIDE, ARRAY_LEN(OUTSIDE));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT to_regclass('app.things_v') IS NOT NULL", "t");
}

/* ---- which session it is ---- */

#define NOTES_BACKEND "INSERT INTO backends VALUES (pg_backend_pid())"
#define SETS(value) "ALTER DATABASE backends SET geqo_effort = '" value "'"

static void only_a_migration_that_sets_something_is_followed_by_a_new_session(void **state)
{
    (void)state;
    static const Migration BACKENDS[] = {
        { .id = "0001_first", .up = { "CREATE TABLE backends (pid int)", NOTES_BACKEND } },
        { .id = "0002_same", .up = { NOTES_BACKEND } },
        { .id = "0003_sets", .up = { SETS("1"), NOTES_BACKEND } },
        { .id = "0004_new", .up = { SHOWS("1"), NOTES_BACKEND } },
        { .id = "0005_same", .up = { SETS("1"), NOTES_BACKEND } },
        { .id = "0006_same", .up = { NOTES_BACKEND } },
    };
    AUTO_PTR(Bench) bench = plain_begin("backends", "", BACKENDS, ARRAY_LEN(BACKENDS));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench,
               "SELECT string_agg(times::text, ' ' ORDER BY first) FROM (SELECT count(*) AS times,"
               " min(ctid::text) AS first FROM backends GROUP BY pid) b",
               "3 3");
}

/* What is temporary is there for its later parts, as it would be for psql. */
static void a_migration_of_several_parts_stays_in_its_session(void **state)
{
    (void)state;
    static PlanPart cut[] = { { 2, true }, { 1, false }, { 1, true } };
    static const Migration PARTS[] = {
        { .id = "0001_parts",
          .up = { "ALTER DATABASE in_parts SET geqo_effort = '1'", "CREATE TEMP TABLE ids (id int)",
                  "VACUUM", "INSERT INTO ids VALUES (1)" } },
        { .id = "0002_next", .up = { SHOWS("1") } },
    };
    AUTO_PTR(Bench) bench = plain_begin("in_parts", "", PARTS, ARRAY_LEN(PARTS));
    PlanScript *script = &bench->plan.migrations[0].up;
    script->is_transactional = false;
    script->parts = cut;
    script->part_count = ARRAY_LEN(cut);
    script->statements[2].kind = "VACUUM";
    script->statements[2].probe = PROBE_REPEATABLE;
    script->statements[2].detail = PLAN_WHOLE_DATABASE;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
}

/* ---- the lock, and the place among the connections ---- */

#define SETS_EFFORT(database, value) "ALTER DATABASE " database " SET geqo_effort = '" value "'"
#define RENEWING(database)                                                                         \
    { .id = "0001_a", .up = { SETS_EFFORT(database, "1") } },                                      \
        { .id = "0002_b", .up = { SHOWS("1"), SETS_EFFORT(database, "2") } },                      \
        { .id = "0003_c", .up = { SHOWS("2"), SETS_EFFORT(database, "3") } },                      \
        { .id = "0004_d", .up = { SHOWS("3"), SETS_EFFORT(database, "4") } },                      \
        { .id = "0005_e", .up = { SHOWS("4"), SETS_EFFORT(database, "6") } },                      \
    {                                                                                              \
        .id = "0006_f", .up = { SHOWS("6") }                                                       \
    }

#define HOLDERS                                                                                    \
    "SELECT string_agg(mode || ' ' || granted, ', ') FROM pg_locks l JOIN pg_database d"           \
    " ON d.oid = l.database WHERE l.locktype = 'advisory' AND d.datname = current_database()"

/* Somebody tries it all the time. */
static void the_lock_is_never_free_between_two_sessions(void **state)
{
    (void)state;
    static const Migration HELD[] = { RENEWING("held") };
    AUTO_PTR(Bench) bench = plain_begin("held", "", HELD, ARRAY_LEN(HELD));
    AUTO_PTR(Runner) runner = bench_runner(bench);
    char key[LOCK_KEY_MAX];
    bench_open(runner);
    session_lock_key(runner, key);
    PGconn *thief = PQconnectdb(pg_cluster_socket_conninfo(cluster, "held"));
    assert_int_equal(
        PQsendQuery(thief, arena_printf(&bench->arena,
                                        "DO $$ BEGIN WHILE NOT pg_try_advisory_lock(%s) LOOP"
                                        " END LOOP; END $$",
                                        key)),
        1);
    pg_cluster_await(cluster, "held",
                     "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query"
                     " LIKE 'DO $$ BEGIN WHILE%')",
                     10000);
    for (size_t i = 0; i < ARRAY_LEN(HELD); i++) {
        assert_result(bench_perform(runner, ACTION_APPLY, i), RESULT_OK);
        assert_ask(bench, HOLDERS, "ExclusiveLock true");
    }
    PQconsumeInput(thief);
    assert_int_equal(PQisBusy(thief), 1);
    PQfinish(thief);
}

/* One place for migrations, and what watches has its own. */
static void a_new_session_takes_the_place_of_the_old_one(void **state)
{
    (void)state;
    static const Migration NARROW[] = { RENEWING("narrow") };
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(ConnSource) source = NULL;
    AUTO_PTR(Bench) bench = plain_begin("narrow", "", NARROW, ARRAY_LEN(NARROW));
    const char *text = arena_printf(&arena, "host=127.0.0.1 port=%d dbname=narrow user=" OWNER,
                                    pg_cluster_port(cluster));
    AUTO_PTR(Secret) connection = secret_new(text);
    assert_int_equal(conn_source_new(connection, PASSWORD_ALLOWED, 3, &source, NULL), ERR_NONE);
    assert_int_equal(conn_source_migrations_max(source), 1);
    AUTO_PTR(ConnPool) pool = conn_pool_new(source, "narrow");
    Conn *watching = NULL;
    assert_int_equal(conn_pool_take(pool, UINT64_MAX, NULL, &watching, NULL), ERR_NONE);
    bench_share(bench, source, pool);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_int_equal(conn_source_used(source), 1); /* what watches */
    conn_pool_give(pool, watching);
}

/* Nothing of the next one has run: it waits until such a session can be had. */
static void without_a_new_session_the_next_one_does_not_begin(void **state)
{
    (void)state;
    static const Migration CLOSED[] = {
        { .id = "0001_closes", .up = { "ALTER DATABASE closed SET geqo_effort = '1'" } },
        { .id = "0002_next", .up = { "CREATE TABLE next ()" } },
    };
    AUTO_PTR(Bench) bench = plain_begin("closed", "", CLOSED, ARRAY_LEN(CLOSED));
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_OK);
    pg_cluster_run(cluster, "postgres", "ALTER DATABASE closed CONNECTION LIMIT 0");
    Result result = bench_perform(runner, ACTION_APPLY, 1);
    assert_result(result, RESULT_UNREACHABLE);
    assert_non_null(strstr(result.err.message, "new session"));
    pg_cluster_run(cluster, "postgres", "ALTER DATABASE closed CONNECTION LIMIT -1");
    assert_ask(bench, HOLDERS, "ExclusiveLock true");
    assert_ask(bench, "SELECT to_regclass('next') IS NULL", "t");
    assert_result(bench_perform(runner, ACTION_APPLY, 1), RESULT_OK);
}

static int roles_begin(void **state)
{
    int code = suite_begin(state);
    pg_cluster_run(cluster, "postgres",
                   "CREATE ROLE " OWNER " LOGIN CREATEROLE; CREATE ROLE other;"
                   "GRANT pg_monitor, other TO " OWNER);
    return code;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_set_for_new_sessions_reaches_the_next_migration,
                                  test_end),
        cmocka_unit_test_teardown(it_reaches_what_runs_outside_transactions, test_end),
        cmocka_unit_test_teardown(only_a_migration_that_sets_something_is_followed_by_a_new_session,
                                  test_end),
        cmocka_unit_test_teardown(a_migration_of_several_parts_stays_in_its_session, test_end),
        cmocka_unit_test_teardown(the_lock_is_never_free_between_two_sessions, test_end),
        cmocka_unit_test_teardown(a_new_session_takes_the_place_of_the_old_one, test_end),
        cmocka_unit_test_teardown(without_a_new_session_the_next_one_does_not_begin, test_end),
    };
    return cmocka_run_group_tests(tests, roles_begin, suite_end);
}
