/* agent/core/job_remarks.c: what went on all the same. */
#include "job_stage.h"

static const Warning TWO[] = { { "0001_a", 1, "01000", "one" }, { "0001_a", 2, "01000", "two" } };

static Action feed(Stage *stage, ResultKind kind, size_t count, uint32_t total)
{
    Result result = { .kind = kind,
                      .migration = "0001_a",
                      .warnings = TWO,
                      .warning_count = count,
                      .warnings_total = total };
    stage->action = job_next(stage->job, &result, stage->permit, stage->now_ms);
    return stage->action;
}

static void warnings_of_a_committed_step_are_reported(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    feed(&stage, RESULT_OK, 2, 3);
    State told = stage_report(&stage);
    assert_int_equal(told.remarks.warning_count, 2);
    assert_int_equal(told.remarks.warnings_total, 3);
    assert_string_equal(told.remarks.warnings[1].message, "two");
    assert_int_equal(told.remarks.warnings[1].statement, 2);
}

static void those_of_a_step_that_is_tried_again_are_not(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    feed(&stage, RESULT_BLOCKED, 2, 2);
    assert_int_equal(stage_report(&stage).remarks.warnings_total, 0);
}

static void the_first_ones_are_kept_and_all_are_counted(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    Warning many[WARNINGS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = (Warning){ "0001_a", (uint32_t)i + 1, "01000", "one" };
    }
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    Result result = { .kind = RESULT_OK,
                      .migration = "",
                      .warnings = many,
                      .warning_count = ARRAY_LEN(many),
                      .warnings_total = UINT32_MAX };
    job_next(stage.job, &result, stage.permit, stage.now_ms);
    job_next(stage.job, &result, stage.permit, stage.now_ms);
    State told = stage_report(&stage);
    assert_int_equal(told.remarks.warning_count, WARNINGS_MAX);
    assert_int_equal(told.remarks.warnings[WARNINGS_MAX - 1].statement, WARNINGS_MAX);
    assert_int_equal(told.remarks.warnings_total, UINT32_MAX);
}

static void what_the_plan_passes_over_is_reported_by_its_id(void **state)
{
    (void)state;
    static const char *FOREIGN[] = { "0000_gone", "" };
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.plan.out_of_order = HISTORY_IGNORE;
    stage.plan.missing = HISTORY_IGNORE;
    stage_applied(&stage, 3, 3);
    stage.rows[1] = (HistoryRow){ 0 };
    stage.history.foreign = 40;
    stage.history.foreign_newest = "0000_gone";
    stage.history.foreign_ids = FOREIGN;
    stage.history.foreign_id_count = ARRAY_LEN(FOREIGN);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    Remarks told = stage_report(&stage).remarks;
    assert_int_equal(told.passed_count, 2);
    assert_string_equal(told.passed[0].id, "0002_b");
    assert_false(told.passed[0].is_missing);
    assert_string_equal(told.passed[1].id, "0000_gone");
    assert_true(told.passed[1].is_missing);
    assert_int_equal(told.passed_total, 41);
}

static void on_the_way_back_nothing_is_passed_over(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage.plan.out_of_order = HISTORY_IGNORE;
    stage_applied(&stage, 3, 1);
    stage.rows[0] = (HistoryRow){ 0 };
    PLAY(&stage, TO_HISTORY(ACTION_UNDO));
    assert_int_equal(stage_report(&stage).remarks.passed_total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warnings_of_a_committed_step_are_reported),
        cmocka_unit_test(those_of_a_step_that_is_tried_again_are_not),
        cmocka_unit_test(what_the_plan_passes_over_is_reported_by_its_id),
        cmocka_unit_test(on_the_way_back_nothing_is_passed_over),
        cmocka_unit_test(the_first_ones_are_kept_and_all_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
