/* A migration in several parts on a real server: each part is a step, the row between them says
 * where to go on, and what was set for the session is set again. */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#define SHOWS_SETTING "CREATE TABLE shown AS SELECT current_setting('app.tenant') AS tenant"
#define FAILS "SELECT 1 / 0"
#define PLACE                                                                                      \
    "SELECT concat_ws(' ', state, parts_done, is_running, parts_hash IS NOT NULL)"                 \
    " FROM skein.history ORDER BY seq DESC LIMIT 1"

static const Migration TABLE_INDEX_ROWS[] = {
    { .id = "0001_mixed",
      .up = { "SET app.tenant = 'kept'", "CREATE TABLE things (v int)",
              "CREATE INDEX CONCURRENTLY things_v ON things (v)", SHOWS_SETTING },
      .down = { "DROP TABLE shown", "DROP INDEX CONCURRENTLY things_v", "DROP TABLE things" } },
};

static PlanStatement *statement(Bench *bench, bool is_down, size_t number)
{
    PlanMigration *migration = &bench->plan.migrations[0];
    return &(is_down ? &migration->down : &migration->up)->statements[number - 1];
}

static void cut(PlanScript *script, PlanPart *parts, size_t count)
{
    script->is_transactional = false;
    script->parts = parts;
    script->part_count = count;
}

/* Up: a setting and a table, an index outside a transaction, rows. Down: the same backwards. */
static Bench *mixed_begin(const char *database)
{
    static PlanPart up[] = { { 2, true }, { 1, false }, { 1, true } };
    static PlanPart down[] = { { 1, true }, { 1, false }, { 1, true } };
    database_ensure(cluster, database);
    Bench *bench = bench_begin(cluster, database, 0, TABLE_INDEX_ROWS, 1);
    cut(&bench->plan.migrations[0].up, up, 3);
    cut(&bench->plan.migrations[0].down, down, 3);
    statement(bench, false, 1)->is_setting = true;
    *statement(bench, false, 3) = (PlanStatement){
        .sql = TABLE_INDEX_ROWS[0].up[2],
        .line = 3,
        .kind = "CREATE INDEX CONCURRENTLY",
        .probe = PROBE_INDEX_VALID,
        .object = "things_v",
        .detail = "things",
    };
    return bench;
}

static void next_attempt(Bench *bench)
{
    bench->order.stamp.attempt++;
    bench->order.token++;
}

static void parts_run_in_order_and_back(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mixed_begin("through");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT tenant FROM shown", "kept");
    assert_ask(bench, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_v'::regclass",
               "t");
    assert_ask(bench, PLACE, "applied 0 f f");
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, "SELECT to_regclass('things') IS NULL AND to_regclass('shown') IS NULL", "t");
    assert_ask(bench, PLACE, "undone 0 f f");
}

static void a_transaction_is_as_its_migration_says_and_recorded_all_the_same(void **state)
{
    (void)state;
    static const Migration LEVEL[] = {
        { .id = "0000_before", .up = { "SET app.tenant = 'kept'" }, .down = { "SELECT 1" } },
        { .id = "0001_level",
          .up = { "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                  "CREATE TABLE shown AS SELECT current_setting('transaction_isolation') AS level" },
          .down = { "DROP TABLE shown" } },
    };
    database_ensure(cluster, "level");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "level", 0, LEVEL, 2);
    bench->plan.migrations[1].up.statements[0].is_opening = true;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT level FROM shown", "serializable");
    assert_ask(bench, PLACE, "applied 0 f f");
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
}

static void the_next_attempt_goes_on_after_what_is_done(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mixed_begin("resumed");
    statement(bench, false, 4)->sql = FAILS;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->last.statement, 4);
    assert_int_equal(bench->last.applied, 1);
    assert_ask(bench, PLACE, "started 2 f t");
    statement(bench, false, 4)->sql = SHOWS_SETTING;
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT tenant FROM shown", "kept");
    assert_ask(bench, "SELECT attempt || ' ' || state FROM skein.history", "2 applied");
}

/* In one transaction with it: a part that fails leaves neither its work nor its place. */
static void a_part_that_fails_leaves_the_place_where_it_was(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mixed_begin("stays");
    statement(bench, false, 2)->sql = FAILS;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->last.statement, 2);
    assert_int_equal(bench->last.applied, 0);
    assert_ask(bench, "SELECT count(*) FROM skein.history", "0");
}

static void parts_that_are_done_may_not_have_changed(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mixed_begin("changed");
    statement(bench, false, 4)->sql = FAILS;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    statement(bench, false, 2)->sql = "CREATE TABLE things (v bigint)";
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
    assert_int_equal(bench->err.code, ERR_CHECKSUM);
    assert_ask(bench, PLACE, "started 2 f t");
}

static void what_is_half_applied_is_not_taken_back_by_its_down(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mixed_begin("half");
    statement(bench, false, 4)->sql = FAILS;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_HELD);
    assert_non_null(strstr(bench->err.message, "0001_mixed is half applied: 2 of 3 parts are done: "
                                               "statements 1 to 3 of 4, the last of them CREATE "
                                               "INDEX CONCURRENTLY (line 3)"));
    assert_ask(bench, "SELECT to_regclass('things_v') IS NOT NULL", "t");
}

static void a_down_that_stopped_half_way_is_gone_on_with(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mixed_begin("back");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    statement(bench, true, 3)->sql = FAILS;
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_FAILED);
    assert_ask(bench, PLACE, "undoing 2 f t");
    statement(bench, true, 3)->sql = "DROP TABLE things";
    next_attempt(bench);
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, PLACE, "undone 0 f f");
}

/* Two performers of one part: the row has moved on, and the second one changes nothing. */
static void a_part_is_not_done_twice(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mixed_begin("twice");
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_OK);
    Action last = { .kind = ACTION_APPLY, .part = 2, .deadline_ms = UINT64_MAX };
    assert_result(runner_perform(runner, &last), RESULT_ALREADY);
    assert_ask(bench, "SELECT to_regclass('shown') IS NULL", "t");
    assert_ask(bench, PLACE, "started 1 f t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(parts_run_in_order_and_back, test_end),
        cmocka_unit_test_teardown(a_transaction_is_as_its_migration_says_and_recorded_all_the_same,
                                  test_end),
        cmocka_unit_test_teardown(the_next_attempt_goes_on_after_what_is_done, test_end),
        cmocka_unit_test_teardown(a_part_that_fails_leaves_the_place_where_it_was, test_end),
        cmocka_unit_test_teardown(parts_that_are_done_may_not_have_changed, test_end),
        cmocka_unit_test_teardown(what_is_half_applied_is_not_taken_back_by_its_down, test_end),
        cmocka_unit_test_teardown(a_down_that_stopped_half_way_is_gone_on_with, test_end),
        cmocka_unit_test_teardown(a_part_is_not_done_twice, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
