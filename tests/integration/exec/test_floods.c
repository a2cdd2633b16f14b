/* Statements that make a server say more than is taken in: the operator reads which, and why. */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#include "common/str.h"

#define GREAT_ROW "SELECT repeat('x', 1024 * 1024 * 70)"
#define MANY_WARNINGS                                                                              \
    "DO $$ BEGIN FOR i IN 1..70 LOOP RAISE WARNING '%', repeat('x', 1024 * 1024); END LOOP; END $$"

static const struct Case {
    const char *name;
    const char *sql;
    bool is_copy;
} CASES[] = {
    { "a great row", GREAT_ROW, false },
    { "a great row of a copy", "COPY (" GREAT_ROW ") TO STDOUT", false },
    { "warnings", MANY_WARNINGS, false },
    { "warnings within a copy", "COPY t FROM stdin", true },
};

/* Each row that comes makes the server warn. */
static const Migration FLOOD = {
    .id = "0001_flood",
    .up = { "CREATE TABLE t (i int)",
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
            "FOR i IN 1..70 LOOP RAISE WARNING ''%'', repeat(''x'', 1024 * 1024); END LOOP;"
            "RETURN new; END'",
            "CREATE TRIGGER tell BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tell()",
            GREAT_ROW, "INSERT INTO t VALUES (2)" },
};

static Bench *flood_begin(const struct Case *row)
{
    static const uint8_t ROWS[] = "1\n";
    Bench *bench = bench_begin(cluster, "flood", 0, &FLOOD, 1);
    PlanStatement *statement = &bench->plan.migrations[0].up.statements[3];
    statement->sql = row->sql;
    statement->is_copy = row->is_copy;
    statement->copy_data = (Bytes){ ROWS, row->is_copy ? sizeof(ROWS) - 1 : 0 };
    return bench;
}

static void a_statement_whose_answer_does_not_end_fails_and_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Bench) bench = flood_begin(&CASES[i]);
        Report report = bench_run(bench, GOAL_APPLY);
        if (report != REPORT_FAILED || strstr(bench->err.message, "more than 64 MiB") == NULL) {
            fail_msg("%s: %s: %s", CASES[i].name, report_name(report), bench->err.message);
        }
        assert_int_equal(bench->last.statement, 4);
        assert_ask(bench, "SELECT to_regclass('t') IS NULL", "t");
        assert_ask(bench, "SELECT count(*) FROM skein.history WHERE state <> 'undone'", "0");
    }
}

/* Taken off row by row, an answer of any length is none too long. */
static void many_rows_are_no_flood(void **state)
{
    (void)state;
    static const Migration READS = {
        .id = "0001_reads",
        .up = { "SELECT repeat('x', 1024 * 1024) FROM generate_series(1, 100)",
                "COPY (SELECT repeat('x', 1024 * 1024) FROM generate_series(1, 100)) TO STDOUT" },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "reads", 0, &READS, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
}

/* Outside a transaction nobody knows what is done by then: the words say why it is not known. */
static void of_a_statement_without_a_transaction_the_way_it_broke_is_told(void **state)
{
    (void)state;
    static const Migration SOLO = {
        .id = "0001_solo",
        .up = { GREAT_ROW },
        .is_solo = true,
        .probe = PROBE_NONE,
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "solo", 0, &SOLO, 1);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    Result result = bench_perform(runner, ACTION_RUN, 0);
    assert_result(result, RESULT_LOST);
    assert_non_null(strstr(result.err.message, "more than 64 MiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_statement_whose_answer_does_not_end_fails_and_is_told,
                                  test_end),
        cmocka_unit_test_teardown(many_rows_are_no_flood, test_end),
        cmocka_unit_test_teardown(of_a_statement_without_a_transaction_the_way_it_broke_is_told,
                                  test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
