/*
 * What a migration leaves in its session: the next one finds none of it, later parts of the same
 * one find all of it, and the target's own lock is there throughout.
 */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#include "agent/exec/runner_internal.h"
#include "common/str.h"

/* Superusers have ways that nobody needs: the rows below are run as a plain owner. */
#define OWNER "plain"
#define MAKE_OWNER                                                                                 \
    "CREATE ROLE " OWNER " LOGIN; CREATE ROLE other; GRANT pg_monitor, other TO " OWNER

#define CLEAN(condition) "DO $$ BEGIN ASSERT " condition "; END $$"
#define RAISES_55000(call)                                                                         \
    "DO $$ BEGIN PERFORM " call "; ASSERT false; EXCEPTION"                                        \
    " WHEN object_not_in_prerequisite_state THEN NULL; END $$"
#define ADVISORY                                                                                   \
    "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
#define NO_ADVISORY CLEAN(ADVISORY " = 1") /* skein's own */

static const struct Leaving {
    const char *name;
    const char *leaves[3];
    const char *finds[2]; /* fails if it is still there */
} LEAVINGS[] = {
    { "temp_table", { "CREATE TEMP TABLE t AS SELECT 1" }, { "CREATE TEMP TABLE t (v text)" } },
    { "temp_in_the_way",
      { "CREATE TABLE t ()", "CREATE TEMP TABLE t (v int)" },
      { "ALTER TABLE t ADD w int", CLEAN("'public.t'::regclass = 't'::regclass") } },
    { "temp_view", { "CREATE TEMP VIEW v AS SELECT 1" }, { CLEAN("to_regclass('v') IS NULL") } },
    { "temp_sequence", { "CREATE TEMP SEQUENCE s" }, { "CREATE TEMP SEQUENCE s" } },
    { "temp_type",
      { "CREATE TYPE pg_temp.mood AS ENUM ('sad')" },
      { "CREATE TYPE pg_temp.mood AS ENUM ('glad')" } },
    { "temp_function",
      { "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'" },
      { CLEAN("to_regprocedure('pg_temp.f()') IS NULL") } },
    { "cursor_on_temp_table",
      { "CREATE TEMP TABLE t AS SELECT 1", "DECLARE c CURSOR WITH HOLD FOR TABLE t" },
      { "CREATE TEMP TABLE t ()",
        CLEAN("NOT EXISTS (SELECT FROM pg_cursors WHERE is_holdable)") } },
    { "cursor",
      { "DECLARE c CURSOR WITH HOLD FOR SELECT 1" },
      { "DECLARE c CURSOR WITH HOLD FOR SELECT 2" } },
    { "prepared", { "PREPARE q AS SELECT 1" }, { "PREPARE q AS SELECT 2" } },
    { "prepared_in_a_function",
      { "DO $$ BEGIN EXECUTE 'PREPARE q AS SELECT 1'; END $$" },
      { CLEAN("NOT EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql)") } },
    { "advisory", { "SELECT pg_advisory_lock(4711)" }, { NO_ADVISORY } },
    { "advisory_often",
      { "SELECT pg_advisory_lock(4711)", "SELECT pg_try_advisory_lock(4711)",
        "SELECT pg_advisory_lock(47, 11)" },
      { NO_ADVISORY } },
    { "advisory_shared", { "SELECT pg_advisory_lock_shared(4711)" }, { NO_ADVISORY } },
    { "lastval",
      { "CREATE SEQUENCE s", "SELECT nextval('s')" },
      { RAISES_55000("lastval()"), RAISES_55000("currval('s')") } },
    { "sequence_cache",
      { "CREATE SEQUENCE s CACHE 10", "SELECT nextval('s')" },
      { CLEAN("nextval('s') = 11") } },
    { "setting",
      { "SET enable_seqscan = off", "SET search_path = pg_catalog" },
      { "CREATE TABLE t ()",
        CLEAN(
            "current_setting('enable_seqscan') = 'on' AND to_regclass('public.t') IS NOT NULL") } },
    { "set_config",
      { "SELECT set_config('enable_seqscan', 'off', false)" },
      { CLEAN("current_setting('enable_seqscan') = 'on'") } },
    { "set_local",
      { "SET LOCAL enable_seqscan = off", "SELECT set_config('work_mem', '1MB', true)" },
      { CLEAN("current_setting('enable_seqscan') = 'on'"),
        CLEAN("current_setting('work_mem') = '4MB'") } },
    { "custom_setting",
      { "SET app.tenant = 'acme'" },
      { CLEAN("coalesce(current_setting('app.tenant', true), '') = ''") } },
    { "session_characteristics",
      { "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE" },
      { CLEAN("current_setting('default_transaction_isolation') = 'read committed'") } },
    { "role", { "SET ROLE other" }, { CLEAN("current_user = '" OWNER "'") } },
    { "session_authorization",
      { "SET SESSION AUTHORIZATION " OWNER },
      { CLEAN("session_user = '" OWNER "' AND current_user = session_user") } },
    { "everything_reset",
      { "RESET ALL", "RESET SESSION AUTHORIZATION", "CLOSE ALL" },
      { CLEAN("current_setting('lock_timeout') = '500ms'"), NO_ADVISORY } },
    { "forgotten", { "PREPARE q AS SELECT 1", "DEALLOCATE ALL" }, { "PREPARE q AS SELECT 2" } },
    { "all_locks_released", { "SELECT pg_advisory_unlock_all()", NO_ADVISORY }, { NO_ADVISORY } },
};

static Bench *plain_begin(const char *name, const Migration *migrations, size_t count)
{
    char make[160];
    snprintf(make, sizeof(make), "CREATE DATABASE %s OWNER " OWNER, name);
    pg_cluster_run(cluster, "postgres", make);
    pg_cluster_run(cluster, name, AS_SUPERUSER "ALTER SCHEMA public OWNER TO " OWNER);
    Bench *bench = bench_begin(cluster, name, 0, migrations, count);
    bench_as(bench, OWNER);
    return bench;
}

static void the_next_migration_finds_nothing_that_one_has_left(void **state)
{
    (void)state;
    pg_cluster_run(cluster, "postgres", MAKE_OWNER);
    for (size_t i = 0; i < ARRAY_LEN(LEAVINGS); i++) {
        const struct Leaving *row = &LEAVINGS[i];
        Migration pair[] = { { .id = "0001_leaves" }, { .id = "0002_finds" } };
        memcpy(pair[0].up, row->leaves, sizeof(row->leaves));
        memcpy(pair[1].up, row->finds, sizeof(row->finds));
        AUTO_PTR(Bench) bench = plain_begin(row->name, pair, ARRAY_LEN(pair));
        if (bench_run(bench, GOAL_APPLY) != REPORT_APPLIED) {
            fail_msg("%s: %s", row->name, bench->err.message);
        }
    }
}

/* UNLISTEN, like LISTEN, is done by the COMMIT of its transaction. */
static void what_one_listens_to_is_over_with_the_next(void **state)
{
    (void)state;
    static const Migration NEWS[] = {
        { .id = "0001_listens", .up = { "LISTEN news", "NOTIFY news" } },
        { .id = "0002_next", .up = { "SELECT 1" } },
        { .id = "0003_finds", .up = { CLEAN("NOT EXISTS (SELECT pg_listening_channels())") } },
    };
    AUTO_PTR(Bench) bench = plain_begin("news", NEWS, ARRAY_LEN(NEWS));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
}

/* A transaction that is undone keeps its locks, and what it prepared. */
static void the_next_try_finds_nothing_that_the_last_one_has_left(void **state)
{
    (void)state;
    static const Migration TRIES[] = {
        { .id = "0001_tries", .up = { "CREATE SEQUENCE tries" } },
        { .id = "0002_again",
          .up = { "PREPARE q AS SELECT 1", "SELECT pg_advisory_lock(4711)",
                  "CREATE TEMP TABLE t ()", CLEAN(ADVISORY " = 2"),
                  "DO $$ BEGIN IF nextval('tries') < 3 THEN RAISE serialization_failure;"
                  " END IF; END $$" } },
        { .id = "0003_last", .up = { "PREPARE q AS SELECT 2", NO_ADVISORY } },
    };
    AUTO_PTR(Bench) bench = plain_begin("tries", TRIES, ARRAY_LEN(TRIES));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT last_value FROM tries", "3");
}

/* ---- what is there before a statement outside a transaction ---- */

#define WRECK "things_v"
#define WRECKED                                                                                    \
    "CREATE TABLE things (v int); INSERT INTO things VALUES (1), (1);"                             \
    "CREATE INDEX " WRECK " ON things (v);" MAKE_INVALID(WRECK)
#define WRECK_OID "SELECT '" WRECK "'::regclass::oid"

/* Somebody's INVALID index, and a table of another migration that hides the one that it is on. */
static void anothers_temporary_table_hides_no_index_that_was_there_before(void **state)
{
    (void)state;
    static const Migration HIDING[] = {
        { .id = "0001_hides", .up = { "CREATE TEMP TABLE things (v int)" } },
        { .id = "0002_index",
          .up = { "CREATE UNIQUE INDEX CONCURRENTLY " WRECK " ON things (v)" },
          .is_solo = true,
          .probe = PROBE_INDEX_VALID,
          .object = WRECK,
          .detail = "things" },
    };
    database_ensure(cluster, "hiding");
    pg_cluster_run(cluster, "hiding", WRECKED);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "hiding", 0, HIDING, ARRAY_LEN(HIDING));
    const char *wreck = arena_strdup(&bench->arena, pg_cluster_ask(cluster, "hiding", WRECK_OID));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->err.sqlstate, "42P07");
    assert_ask(bench, WRECK_OID, wreck);
}

/* ---- within a migration ---- */

static const Migration PARTS[] = {
    { .id = "0001_parts",
      .up = { "CREATE TEMP TABLE ids AS SELECT 7 AS id", "CREATE TABLE kept (id int)",
              "CREATE INDEX CONCURRENTLY kept_id ON kept (id)",
              "INSERT INTO kept SELECT id FROM ids", NO_ADVISORY } },
    { .id = "0002_next", .up = { CLEAN("to_regclass('ids') IS NULL") } },
};

/* A temporary table, an index outside a transaction, rows of that table. */
static Bench *parts_begin(const char *name)
{
    static PlanPart cut[] = { { 2, true }, { 1, false }, { 2, true } };
    Bench *bench = plain_begin(name, PARTS, ARRAY_LEN(PARTS));
    PlanScript *script = &bench->plan.migrations[0].up;
    script->is_transactional = false;
    script->parts = cut;
    script->part_count = ARRAY_LEN(cut);
    script->statements[2].kind = "CREATE INDEX CONCURRENTLY";
    script->statements[2].probe = PROBE_INDEX_VALID;
    script->statements[2].object = "kept_id";
    script->statements[2].detail = "kept";
    return bench;
}

static void later_parts_find_what_earlier_ones_have_left(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = parts_begin("parts");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT id FROM kept", "7");
}

static void a_later_part_in_another_session_says_why_it_finds_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = parts_begin("resumed");
    bench->plan.migrations[0].up.statements[3].sql = "SELECT 1 / 0";
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    bench->plan.migrations[0].up.statements[3].sql = "INSERT INTO kept SELECT id FROM ids";
    bench->order.stamp.attempt++;
    bench->order.token++;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->err.sqlstate, "42P01");
    assert_non_null(strstr(bench->err.hint, "another session"));
}

/* ---- the lock ---- */

#define HOLDERS                                                                                    \
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"                     \
    " WHERE l.locktype = 'advisory' AND d.datname = current_database()"

static const Migration RELEASING[] = {
    { .id = "0001_one", .up = { "CREATE TABLE one ()" } },
    { .id = "0002_now", .up = { "SELECT pg_advisory_unlock_all()" } },
    { .id = "0003_late",
      .up = { "CREATE TABLE late (is_last bool)",
              "CREATE FUNCTION release() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
              " IF NEW.is_last THEN PERFORM pg_advisory_unlock_all(); RETURN NULL; END IF;"
              " SET CONSTRAINTS ALL DEFERRED; INSERT INTO late VALUES (true); RETURN NULL; END $$",
              "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON late DEFERRABLE INITIALLY"
              " DEFERRED FOR EACH ROW EXECUTE FUNCTION release()",
              "INSERT INTO late VALUES (false)" } },
    { .id = "0004_next", .up = { "CREATE TABLE next ()" } },
};

static void the_lock_is_taken_anew_before_a_migration_that_released_it_commits(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = plain_begin("releasing", RELEASING, ARRAY_LEN(RELEASING));
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_OK);
    assert_result(bench_perform(runner, ACTION_APPLY, 1), RESULT_OK);
    assert_ask(bench, HOLDERS, "1");
}

/* Released behind the last look, by the COMMIT itself (deferred once more, when its turn had come
 * before), and taken by somebody else. */
static void who_has_lost_the_lock_does_nothing_and_says_so(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = plain_begin("lost_lock", RELEASING, ARRAY_LEN(RELEASING));
    AUTO_PTR(Runner) runner = bench_runner(bench);
    char key[LOCK_KEY_MAX];
    bench_open(runner);
    session_lock_key(runner, key);
    for (size_t migration = 0; migration < 3; migration++) {
        assert_result(bench_perform(runner, ACTION_APPLY, migration), RESULT_OK);
    }
    assert_ask(bench, HOLDERS, "0");
    PGconn *other = PQconnectdb(pg_cluster_socket_conninfo(cluster, "lost_lock"));
    PQclear(PQexec(other, arena_printf(&bench->arena, "SELECT pg_advisory_lock(%s)", key)));
    Result result = bench_perform(runner, ACTION_APPLY, 3);
    assert_result(result, RESULT_IN_PROGRESS);
    assert_non_null(strstr(result.err.message, "another session holds the lock of this target"));
    assert_ask(bench, "SELECT to_regclass('next') IS NULL", "t");
    PQfinish(other);
    pg_cluster_await(cluster, "lost_lock", "SELECT NOT EXISTS (" HOLDERS " HAVING count(*) > 0)",
                     10000);
    assert_result(bench_perform(runner, ACTION_APPLY, 3), RESULT_OK);
    assert_ask(bench, HOLDERS, "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_next_migration_finds_nothing_that_one_has_left, test_end),
        cmocka_unit_test_teardown(what_one_listens_to_is_over_with_the_next, test_end),
        cmocka_unit_test_teardown(the_next_try_finds_nothing_that_the_last_one_has_left, test_end),
        cmocka_unit_test_teardown(anothers_temporary_table_hides_no_index_that_was_there_before,
                                  test_end),
        cmocka_unit_test_teardown(later_parts_find_what_earlier_ones_have_left, test_end),
        cmocka_unit_test_teardown(a_later_part_in_another_session_says_why_it_finds_nothing,
                                  test_end),
        cmocka_unit_test_teardown(
            the_lock_is_taken_anew_before_a_migration_that_released_it_commits, test_end),
        cmocka_unit_test_teardown(who_has_lost_the_lock_does_nothing_and_says_so, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
