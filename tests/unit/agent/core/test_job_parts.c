/* A migration in several parts: each is a step of its own, and where an attempt ends between two of
 * them the next one goes on with the second. */
#include "tests/unit/agent/core/job_stage.h"

/* 0001_a and 0002_b stand, and 0003_c has three parts, the last outside a transaction. */
static void stage_midway(Stage *stage, Goal goal)
{
    stage_init(stage, goal);
    stage_applied(stage, 2, 2);
    stage_in_parts(stage, 2, 3);
}

static void parts_are_steps_in_their_order(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.part, 0);
    PLAY(&stage, { RESULT_OK, ACTION_APPLY });
    assert_int_equal(stage.action.migration, 2);
    assert_int_equal(stage.action.part, 1);
    PLAY(&stage, { RESULT_OK, ACTION_NOTE_BEGIN }, { RESULT_OK, ACTION_RUN });
    assert_int_equal(stage.action.part, 2);
    PLAY(&stage, { RESULT_OK, ACTION_PROBE }, { RESULT_OK, ACTION_NOTE_END },
         { RESULT_OK, ACTION_APPLY });
    assert_int_equal(stage.action.migration, 3);
    assert_int_equal(stage.action.part, 0);
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
    assert_int_equal(stage_report(&stage).steps_done, 2);
}

static void a_migration_counts_when_its_last_part_is_done(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY });
    State told = stage_report(&stage);
    assert_int_equal(told.steps_done, 0);
    assert_int_equal(told.steps_total, 2);
    assert_string_equal(told.version, "0002_b");
    assert_int_equal(told.applied, 1);
}

/* Else the coordinator would think that there is nothing to take back. */
static void a_failure_between_two_parts_leaves_something_to_take_back(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY },
         { RESULT_FAILED, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_SERVER);
    assert_int_equal(stage_report(&stage).applied, 1);
}

static void the_next_attempt_goes_on_with_the_next_part(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_APPLY);
    stage.rows[2] = stage_begun(ROW_STARTED, true, false, 1);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 2);
    assert_int_equal(stage.action.part, 1);
}

/* Fault 10, between two parts: what is left of the migration is not all that was answered. */
static void a_part_that_a_failover_lost_is_not_done_again_in_silence(void **state)
{
    (void)state;
    const HistoryRow left[] = { stage_begun(ROW_STARTED, true, false, 1), { 0 } };
    for (size_t i = 0; i < ARRAY_LEN(left); i++) {
        AUTO(Stage) stage;
        stage_midway(&stage, GOAL_APPLY);
        PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY },
             { RESULT_OK, ACTION_NOTE_BEGIN }, { RESULT_UNREACHABLE, ACTION_CLOSE });
        stage.rows[2] = left[i];
        stage.history.timeline = 2;
        PLAY(&stage, AGAIN_TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        stage_expect(&stage, REPORT_HELD, ERR_LOST_AFTER_FAILOVER);
        assert_string_equal(stage_report(&stage).migration, "0003_c");
    }
}

static void a_whole_migration_of_which_a_failover_left_a_part_is_lost(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY },
         { RESULT_OK, ACTION_NOTE_BEGIN }, { RESULT_OK, ACTION_RUN }, { RESULT_OK, ACTION_PROBE },
         { RESULT_OK, ACTION_NOTE_END }, { RESULT_OK, ACTION_APPLY },
         { RESULT_UNREACHABLE, ACTION_CLOSE });
    stage.rows[2] = stage_begun(ROW_STARTED, true, false, 2);
    stage.history.timeline = 2;
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_LOST_AFTER_FAILOVER);
}

static void a_lost_commit_of_a_part_is_resolved_by_how_far_the_row_is(void **state)
{
    (void)state;
    for (uint32_t done = 1; done <= 2; done++) {
        AUTO(Stage) stage;
        stage_midway(&stage, GOAL_APPLY);
        PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY },
             { RESULT_LOST, ACTION_CLOSE });
        assert_int_equal(stage_report(&stage).report, REPORT_UNKNOWN);
        stage.rows[2].parts_done = done;
        PLAY(&stage, AGAIN_TO_HISTORY(done == 1 ? ACTION_APPLY : ACTION_NOTE_BEGIN));
        assert_int_equal(stage.action.part, done);
    }
}

static void a_pause_acts_between_two_parts(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    stage.permit.goal = GOAL_HOLD;
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, { RESULT_OK, ACTION_WAIT });
    stage.permit.goal = GOAL_APPLY;
    PLAY(&stage, { RESULT_OK, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK },
         { RESULT_OK, ACTION_PREPARE }, { RESULT_OK, ACTION_READ },
         { RESULT_HISTORY, ACTION_APPLY });
    assert_int_equal(stage.action.part, 1);
}

static void downs_go_in_parts_as_well(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 3, 2);
    PLAY(&stage, TO_HISTORY(ACTION_UNDO), { RESULT_OK, ACTION_UNDO });
    assert_int_equal(stage.action.part, 1);
    assert_string_equal(stage_report(&stage).version, "0003_c");
    PLAY(&stage, { RESULT_OK, ACTION_NOTE_BEGIN }, { RESULT_OK, ACTION_RUN },
         { RESULT_OK, ACTION_PROBE }, { RESULT_OK, ACTION_NOTE_END }, { RESULT_OK, ACTION_CLOSE },
         TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
    assert_string_equal(stage_report(&stage).version, "0002_b");
    assert_int_equal(stage_report(&stage).steps_done, 1);
}

static void a_down_that_was_left_midway_is_gone_on_with(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_ROLL_BACK);
    stage.rows[2] = stage_begun(ROW_UNDOING, true, false, 1);
    PLAY(&stage, TO_HISTORY(ACTION_UNDO));
    assert_int_equal(stage.action.part, 1);
}

static void what_is_midway_the_other_way_is_for_a_person(void **state)
{
    (void)state;
    const struct {
        Goal goal;
        RowState row;
        const char *words;
    } rows[] = {
        { GOAL_APPLY, ROW_UNDOING, "0003_c is half undone: 1 of 3 parts are done" },
        { GOAL_ROLL_BACK, ROW_STARTED, "0003_c is half applied: 1 of 3 parts are done" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Stage) stage;
        stage_midway(&stage, rows[i].goal);
        stage.rows[2] = stage_begun(rows[i].row, true, false, 1);
        PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        stage_expect(&stage, REPORT_HELD, ERR_INTERRUPTED);
        assert_string_equal(stage_report(&stage).message, rows[i].words);
        assert_string_not_equal(stage_report(&stage).hint, "");
    }
}

static void what_has_run_of_it_is_named(void **state)
{
    (void)state;
    static PlanStatement statements[] = {
        { .sql = "", .kind = "CREATE TABLE", .line = 2 },
        { .sql = "", .kind = "INSERT", .line = 5 },
        { .sql = "", .kind = "CREATE INDEX CONCURRENTLY", .line = 9 },
    };
    const struct {
        uint32_t parts_done;
        bool is_same_parts;
        const char *words;
    } rows[] = {
        { 1, true,
          "0003_c is half applied: 1 of 3 parts are done: statement 1 of 3, CREATE TABLE (line 2)" },
        { 2, true,
          "0003_c is half applied: 2 of 3 parts are done: statements 1 to 2 of 3, the last of them "
          "INSERT (line 5)" },
        { 2, false, "0003_c is half applied: 2 of 3 parts are done" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Stage) stage;
        stage_midway(&stage, GOAL_ROLL_BACK);
        stage.migrations[2].up.statements = statements;
        stage.migrations[2].up.count = ARRAY_LEN(statements);
        stage.rows[2] = stage_begun(ROW_STARTED, true, false, rows[i].parts_done);
        stage.rows[2].is_same_parts = rows[i].is_same_parts;
        PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        assert_string_equal(stage_report(&stage).message, rows[i].words);
    }
}

static void what_others_left_midway_is_not_in_the_way_of_rolling_back_ours(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_ROLL_BACK);
    stage.rows[2] = stage_begun(ROW_STARTED, false, false, 1);
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
}

/* What has failed may be mended, what is done may not be changed. */
static void parts_that_are_done_must_be_those_of_the_plan(void **state)
{
    (void)state;
    for (int is_same = 0; is_same <= 1; is_same++) {
        AUTO(Stage) stage;
        stage_midway(&stage, GOAL_APPLY);
        stage.rows[2] = stage_begun(ROW_STARTED, true, false, 1);
        stage.rows[2].is_same_checksum = false;
        stage.rows[2].is_same_parts = is_same == 1;
        PLAY(&stage, TO_HISTORY(is_same == 1 ? ACTION_APPLY : ACTION_CLOSE));
        if (is_same == 0) {
            PLAY(&stage, TO_THE_END);
            stage_expect(&stage, REPORT_HELD, ERR_CHECKSUM);
            assert_string_equal(stage_report(&stage).migration, "0003_c");
        }
    }
}

static void a_part_that_runs_outside_a_transaction_is_looked_at_before_it_runs_again(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_APPLY);
    stage.rows[2] = stage_begun(ROW_STARTED, true, true, 2);
    PLAY(&stage, TO_HISTORY(ACTION_TRACE));
    assert_int_equal(stage.action.migration, 2);
    assert_int_equal(stage.action.part, 2);
    stage_find(&stage, TRACE_ABSENT);
    PLAY(&stage, { RESULT_OK, ACTION_NOTE_BEGIN });
    assert_int_equal(stage.action.part, 2);
}

static void tries_are_counted_for_each_part(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_midway(&stage, GOAL_APPLY);
    stage.order.deadline_ms = 0;
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    for (int part = 0; part < 2; part++) {
        for (uint32_t i = 0; i < stage.order.blocked_retries_max; i++) {
            PLAY(&stage, { RESULT_BLOCKED, ACTION_WAIT });
            stage.now_ms += 20000;
            PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
        }
        PLAY(&stage, { RESULT_OK, part == 0 ? ACTION_APPLY : ACTION_NOTE_BEGIN });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_steps_in_their_order),
        cmocka_unit_test(a_migration_counts_when_its_last_part_is_done),
        cmocka_unit_test(a_failure_between_two_parts_leaves_something_to_take_back),
        cmocka_unit_test(the_next_attempt_goes_on_with_the_next_part),
        cmocka_unit_test(a_part_that_a_failover_lost_is_not_done_again_in_silence),
        cmocka_unit_test(a_whole_migration_of_which_a_failover_left_a_part_is_lost),
        cmocka_unit_test(a_lost_commit_of_a_part_is_resolved_by_how_far_the_row_is),
        cmocka_unit_test(a_pause_acts_between_two_parts),
        cmocka_unit_test(downs_go_in_parts_as_well),
        cmocka_unit_test(a_down_that_was_left_midway_is_gone_on_with),
        cmocka_unit_test(what_is_midway_the_other_way_is_for_a_person),
        cmocka_unit_test(what_has_run_of_it_is_named),
        cmocka_unit_test(what_others_left_midway_is_not_in_the_way_of_rolling_back_ours),
        cmocka_unit_test(parts_that_are_done_must_be_those_of_the_plan),
        cmocka_unit_test(a_part_that_runs_outside_a_transaction_is_looked_at_before_it_runs_again),
        cmocka_unit_test(tries_are_counted_for_each_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
