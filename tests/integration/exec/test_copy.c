/* COPY with rows that the plan carries: in the same transaction as what stands around it. */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#include "common/str.h"

#define ROWS_MANY 400000

static const Migration FILL[] = {
    { .id = "0001_fill",
      .up = { "CREATE TABLE t (a int, b text)", "COPY t FROM stdin",
              "SELECT g FROM generate_series(1, 100000) g",
              "COPY t (b) FROM stdin WITH (FORMAT csv)", "UPDATE t SET a = 0 WHERE a IS NULL" },
      .down = { "DROP TABLE t" } },
};

static Bench *fill_begin(const char *database, const char *first, const char *second)
{
    database_ensure(cluster, database);
    Bench *bench = bench_begin(cluster, database, 0, FILL, 1);
    PlanStatement *statements = bench->plan.migrations[0].up.statements;
    statements[1].is_copy = true;
    statements[1].copy_data = (Bytes){ (const uint8_t *)first, strlen(first) };
    statements[3].is_copy = true;
    statements[3].copy_data = (Bytes){ (const uint8_t *)second, strlen(second) };
    return bench;
}

#define CONTENT "SELECT string_agg(a || ':' || b, ' ' ORDER BY a, b) FROM t"

static void rows_are_committed_with_what_stands_around_them(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = fill_begin("around", "1\tone\n2\tit's\n", "\"x,\ny\"\n");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, CONTENT, "0:x,\ny 1:one 2:it's");
    assert_ask(bench, "SELECT state FROM skein.history", "applied");
}

static void no_rows_are_rows_too(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = fill_begin("none", "", "");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT count(*) FROM t", "0");
}

/* More than any buffer on the way holds. */
static void many_rows_are_sent_as_the_server_takes_them(void **state)
{
    (void)state;
    AUTO(Str) rows = { 0 };
    for (int i = 0; i < ROWS_MANY; i++) {
        str_printf(&rows, "%d\tsome text to make it long\n", i);
    }
    AUTO_PTR(Bench) bench = fill_begin("many", str_text(&rows), "");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT count(DISTINCT a) = 400000 FROM t", "t");
}

static void a_row_that_the_server_refuses_takes_all_back(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = fill_begin("refused", "1\tone\n", "a,b\n");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.sqlstate, "22P04");
    assert_int_equal(bench->last.statement, 4);
    assert_ask(bench, "SELECT to_regclass('t') IS NULL", "t");
    assert_ask(bench, "SELECT count(*) FROM skein.history", "0");
}

static void a_copy_that_does_not_begin_is_told_by_its_number(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = fill_begin("unbegun", "1\tone\n", "");
    bench->plan.migrations[0].up.statements[1].sql = "COPY nowhere FROM stdin";
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.sqlstate, "42P01");
    assert_int_equal(bench->last.statement, 2);
    assert_ask(bench, "SELECT count(*) FROM skein.history", "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_committed_with_what_stands_around_them, test_end),
        cmocka_unit_test_teardown(no_rows_are_rows_too, test_end),
        cmocka_unit_test_teardown(many_rows_are_sent_as_the_server_takes_them, test_end),
        cmocka_unit_test_teardown(a_row_that_the_server_refuses_takes_all_back, test_end),
        cmocka_unit_test_teardown(a_copy_that_does_not_begin_is_told_by_its_number, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
