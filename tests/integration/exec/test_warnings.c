/*
 * What the server only warns of. The role "plain" may use what "owner" owns, and nothing more: each
 * of the table's rows (agent/exec/warnings.c) is met on a real server, but the one that
 * PostgreSQL 15 does not have.
 */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#include "common/str.h"

/* What is not the migration's own is somebody else's, not skein's. */
static const char WORLD[] =
    AS_SUPERUSER "GRANT ALL ON SCHEMA public TO plain; CREATE TABLE theirs (i int);"
                 "GRANT SELECT ON theirs TO plain;"
                 "CREATE TABLE part (i int); GRANT SELECT ON part TO plain;"
                 "GRANT INSERT ON part TO plain WITH GRANT OPTION;"
                 "CREATE VIEW seen AS SELECT 1; ALTER VIEW seen OWNER TO plain;";

static int roles_begin(void **state)
{
    suite_begin(state);
    pg_cluster_run(cluster, "postgres", "CREATE ROLE plain LOGIN; CREATE ROLE other");
    return 0;
}

static Bench *bench_plain(const Migration *migrations, size_t count)
{
    pg_cluster_run(cluster, "postgres", "DROP DATABASE IF EXISTS warned WITH (FORCE)");
    Bench *bench = bench_begin(cluster, "warned", 0, migrations, count);
    pg_cluster_run(cluster, "warned", WORLD);
    pg_cluster_run(cluster, "postgres", "GRANT CREATE ON DATABASE warned TO plain");
    bench_as(bench, "plain");
    return bench;
}

static void bench_leave(Bench *bench)
{
    bench_end(bench);
    pg_cluster_run(cluster, "postgres", "DROP DATABASE warned WITH (FORCE)");
}

typedef struct Case {
    const char *sql;
    const char *sqlstate;
    const char *words; /* part of the server's */
    bool is_solo;
    const char *detail;
    ErrCode code; /* ERR_NONE: it is told, and the migration is applied */
} Case;

static const Case CASES[] = {
    { "GRANT SELECT ON theirs TO other", "01007", "no privileges were granted for \"theirs\"",
      false, "", ERR_PRIVILEGE },
    { "GRANT SELECT, INSERT ON part TO other", "01007",
      "not all privileges were granted for \"part\"", false, "", ERR_PRIVILEGE },
    { "DO $$ BEGIN EXECUTE 'GRANT SELECT ON theirs TO other'; END $$", "01007", "\"theirs\"", false,
      "", ERR_PRIVILEGE },
    { "REVOKE SELECT ON theirs FROM other", "01006", "no privileges could be revoked for", false,
      "", ERR_PRIVILEGE },
    { "REVOKE SELECT, INSERT ON part FROM other", "01006", "not all privileges could be revoked",
      false, "", ERR_PRIVILEGE },
    { "ANALYZE theirs", "01000", "skipping \"theirs\"", false, "", ERR_PRIVILEGE },
    { "ANALYZE seen", "01000", "cannot analyze non-tables", false, "", ERR_SERVER },
    { "VACUUM theirs", "01000", "skipping \"theirs\"", true, "", ERR_PRIVILEGE },
    { "VACUUM seen", "01000", "cannot vacuum non-tables", true, "", ERR_SERVER },
    { "VACUUM", "01000", "skipping \"", true, PLAN_WHOLE_DATABASE, ERR_NONE },
    { "ANALYZE", "01000", "skipping \"", false, PLAN_WHOLE_DATABASE, ERR_NONE },
    { "SELECT pg_advisory_unlock(4711)", "01000", "you don't own a lock", false, "", ERR_NONE },
    { "DO $$ BEGIN RAISE WARNING 'mind the gap' USING ERRCODE = '01007'; END $$", "01007",
      "mind the gap", false, "", ERR_NONE },
};

static void case_failed(const Bench *bench, const Case *row, Report report)
{
    if (report != REPORT_FAILED || bench->err.code != row->code ||
        strstr(bench->err.message, row->words) == NULL ||
        strstr(bench->err.hint, "tolerate-warnings") == NULL) {
        fail_msg("%s: %s: %s", row->sql, report_name(report), bench->err.message);
    }
    assert_string_equal(bench->err.sqlstate, row->sqlstate);
    assert_string_equal(bench->last.migration, "0001_w");
    assert_int_equal(bench->last.statement, row->is_solo ? 1 : 2);
    assert_int_equal(bench->last.remarks.warning_count, 0);
}

static void case_told(const Bench *bench, const Case *row, Report report)
{
    if (report != REPORT_APPLIED || bench->last.remarks.warning_count == 0) {
        fail_msg("%s: %s: %s", row->sql, report_name(report), bench->err.message);
    }
    const Warning *warning = &bench->last.remarks.warnings[0];
    assert_non_null(strstr(warning->message, row->words));
    assert_string_equal(warning->migration, "0001_w");
    assert_string_equal(warning->sqlstate, row->sqlstate);
    assert_int_equal(warning->statement, row->is_solo ? 1 : 2);
}

static void case_run(const Case *row, bool is_tolerant)
{
    const Migration migration = {
        .id = "0001_w",
        .up = { row->is_solo ? row->sql : "CREATE TABLE t (i int)", row->is_solo ? NULL : row->sql,
                NULL },
        .is_solo = row->is_solo,
        .probe = PROBE_REPEATABLE,
        .detail = row->detail,
    };
    Bench *bench = bench_plain(&migration, 1);
    bench->plan.migrations[0].up.tolerates_warnings = is_tolerant;
    Report report = bench_run(bench, GOAL_APPLY);
    if (row->code == ERR_NONE || is_tolerant) {
        case_told(bench, row, report);
    } else {
        case_failed(bench, row, report);
        assert_ask(bench, "SELECT to_regclass('t') IS NULL", "t");
        assert_ask(bench, "SELECT count(*) FROM skein.history WHERE state = 'applied'", "0");
    }
    bench_leave(bench);
}

static void a_statement_that_the_server_only_warns_it_has_not_done_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        case_run(&CASES[i], false);
    }
}

static void where_the_migration_tolerates_it_the_warning_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        case_run(&CASES[i], true);
    }
}

/* pg_dump's own files, and many others, turn notices off. */
static void who_turns_warnings_off_is_told_of_them_all_the_same(void **state)
{
    (void)state;
    static const char *const OFF[] = {
        "SET client_min_messages = error",
        "SET LOCAL Client_Min_Messages TO 'error'",
        "SELECT set_config('client_min_messages', 'error', false)",
    };
    for (size_t i = 0; i < ARRAY_LEN(OFF); i++) {
        const Migration migration = { .id = "0001_w",
                                      .up = { OFF[i], "GRANT SELECT ON theirs TO other" } };
        Bench *bench = bench_plain(&migration, 1);
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
        assert_string_equal(bench->err.sqlstate, "01007");
        bench_leave(bench);
    }
}

/* What comes behind it in the pipeline has been sent, and is undone with it. */
static void nothing_behind_it_is_left_and_the_session_goes_on(void **state)
{
    (void)state;
    static const Migration MIGRATIONS[] = {
        { .id = "0001_good", .up = { "CREATE TABLE good (i int)" } },
        { .id = "0002_w",
          .up = { "GRANT SELECT ON theirs TO other", "CREATE TABLE behind (i int)",
                  "INSERT INTO behind VALUES (1)" } },
    };
    Bench *bench = bench_plain(MIGRATIONS, ARRAY_LEN(MIGRATIONS));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.version, "0001_good");
    assert_ask(bench, "SELECT to_regclass('behind') IS NULL", "t");
    bench->plan.migrations[1].up.tolerates_warnings = true;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT count(*) FROM behind", "1");
    bench_leave(bench);
}

static void a_thousand_warnings_leave_room_for_those_of_others(void **state)
{
    (void)state;
    static const Migration MIGRATIONS[] = {
        { .id = "0001_loud",
          .up = { "DO $$ BEGIN FOR i IN 1..1000 LOOP RAISE WARNING 'no %', repeat('x', 900); "
                  "END LOOP; END $$" } },
        { .id = "0002_quiet",
          .up = { "DO $$ BEGIN RAISE NOTICE 'not told'; RAISE WARNING 'told'; END $$" } },
    };
    Bench *bench = bench_plain(MIGRATIONS, ARRAY_LEN(MIGRATIONS));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_int_equal(bench->last.remarks.warnings_total, 1001);
    assert_int_equal(bench->last.remarks.warning_count, 4);
    assert_true(strlen(bench->last.remarks.warnings[0].message) <= WARNING_TEXT_MAX);
    assert_string_equal(bench->last.remarks.warnings[3].migration, "0002_quiet");
    assert_string_equal(bench->last.remarks.warnings[3].message, "told");
    bench_leave(bench);
}

/* It is read while the statement before it runs: by its position nobody can say whose it is. */
static void what_the_grammar_warns_of_is_told_of_no_statement(void **state)
{
    (void)state;
    static const Migration MIGRATION = {
        .id = "0001_w", .up = { "SELECT 1", "CREATE GLOBAL TEMP TABLE g (i int)" }
    };
    Bench *bench = bench_plain(&MIGRATION, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_int_equal(bench->last.remarks.warning_count, 1);
    assert_int_equal(bench->last.remarks.warnings[0].statement, 0);
    bench_leave(bench);
}

/* What a constraint trigger says at the end is of the migration, and of none of its statements. */
static void a_warning_at_commit_is_told_of_no_statement(void **state)
{
    (void)state;
    static const Migration MIGRATION = {
        .id = "0001_w",
        .up = { "CREATE TABLE t (i int)",
                "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE WARNING 'late'; RETURN NEW; END $$",
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION late()",
                "INSERT INTO t VALUES (1)" },
    };
    Bench *bench = bench_plain(&MIGRATION, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_int_equal(bench->last.remarks.warning_count, 1);
    assert_string_equal(bench->last.remarks.warnings[0].message, "late");
    assert_int_equal(bench->last.remarks.warnings[0].statement, 0);
    bench_leave(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_statement_that_the_server_only_warns_it_has_not_done_fails,
                                  test_end),
        cmocka_unit_test_teardown(where_the_migration_tolerates_it_the_warning_is_told, test_end),
        cmocka_unit_test_teardown(who_turns_warnings_off_is_told_of_them_all_the_same, test_end),
        cmocka_unit_test_teardown(nothing_behind_it_is_left_and_the_session_goes_on, test_end),
        cmocka_unit_test_teardown(a_thousand_warnings_leave_room_for_those_of_others, test_end),
        cmocka_unit_test_teardown(what_the_grammar_warns_of_is_told_of_no_statement, test_end),
        cmocka_unit_test_teardown(a_warning_at_commit_is_told_of_no_statement, test_end),
    };
    return cmocka_run_group_tests(tests, roles_begin, suite_end);
}
