/* The job, played: what it may and may not while leave, goal and deadline change. */
#include "tests/unit/agent/core/job_stage.h"

#define UNTIL_S 1000

static void a_hold_between_steps_parks_without_a_connection_and_goes_on_after_it(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    stage.permit = (Permit){ .goal = GOAL_HOLD, .revision = 2, .may_start = true };
    assert_false(job_should_cancel(stage.job, stage.permit));
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, { RESULT_OK, ACTION_WAIT });
    stage_expect(&stage, REPORT_PARKED, ERR_NONE);
    assert_int_equal(stage_report(&stage).stamp.revision, 2);
    assert_true(stage.action.until_ms == UINT64_MAX);
    stage.permit = (Permit){ .goal = GOAL_APPLY, .revision = 3, .may_start = true };
    PLAY(&stage, { RESULT_OK, ACTION_CONNECT });
    stage_expect(&stage, REPORT_ACCEPTED, ERR_NONE);
    PLAY(&stage, { RESULT_OK, ACTION_LOCK }, { RESULT_OK, ACTION_PREPARE },
         { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
    assert_int_equal(stage.action.migration, 1);
}

static void no_step_starts_without_a_lease(void **state)
{
    (void)state;
    const Goal goals[] = { GOAL_APPLY, GOAL_ROLL_BACK };
    for (size_t i = 0; i < ARRAY_LEN(goals); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, goals[i]);
        stage_applied(&stage, 2, 0);
        PLAY(&stage, { RESULT_NONE, ACTION_CONNECT });
        stage.permit.may_start = false;
        PLAY(&stage, { RESULT_OK, ACTION_LOCK }, { RESULT_OK, ACTION_PREPARE },
             { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_CLOSE },
             { RESULT_OK, ACTION_WAIT });
        stage_expect(&stage, REPORT_PARKED, ERR_NONE);
    }
}

static void a_hold_with_nothing_left_to_do_reports_what_is_done(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 0);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    stage.permit.goal = GOAL_HOLD;
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

static void a_lease_that_comes_back_while_it_parks_is_not_waited_for(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.permit.may_start = false;
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE));
    stage.permit.may_start = true;
    PLAY(&stage, { RESULT_OK, ACTION_WAIT });
    assert_true(stage.action.until_ms <= stage.now_ms);
    PLAY(&stage, { RESULT_OK, ACTION_CONNECT });
}

static void an_order_held_back_from_the_start_looks_before_it_parks(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_HOLD);
    stage_applied(&stage, 1, 1);
    PLAY(&stage, { RESULT_NONE, ACTION_CONNECT }, { RESULT_UNREACHABLE, ACTION_CLOSE },
         { RESULT_OK, ACTION_WAIT });
    assert_int_not_equal(stage_report(&stage).report, REPORT_PARKED);
    stage.now_ms = stage.action.until_ms;
    PLAY(&stage, { RESULT_OK, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK },
         { RESULT_OK, ACTION_PREPARE }, { RESULT_OK, ACTION_READ },
         { RESULT_HISTORY, ACTION_CLOSE }, { RESULT_OK, ACTION_WAIT });
    assert_int_equal(stage_report(&stage).report, REPORT_PARKED);
    assert_true(stage_report(&stage).has_start);
}

static void the_deadline_stands_still_while_parked(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.permit.may_start = false;
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), { RESULT_OK, ACTION_WAIT });
    stage.now_ms += 3600000;
    stage.permit.may_start = true;
    PLAY(&stage, { RESULT_OK, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK },
         { RESULT_OK, ACTION_PREPARE }, { RESULT_OK, ACTION_READ },
         { RESULT_HISTORY, ACTION_APPLY });
    assert_in_range(stage.action.deadline_ms, stage.now_ms + 59000, stage.now_ms + 60000);
}

/* An attempt has one direction: who turns round begins another one. */
static void a_goal_of_the_other_direction_withdraws_the_order(void **state)
{
    (void)state;
    const Goal goals[] = { GOAL_APPLY, GOAL_ROLL_BACK };
    for (size_t i = 0; i < ARRAY_LEN(goals); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, goals[i]);
        stage_applied(&stage, i == 0 ? 0 : 3, 0);
        ActionKind step = i == 0 ? ACTION_APPLY : ACTION_UNDO;
        PLAY(&stage, TO_HISTORY(step));
        stage.permit = (Permit){ .goal = goals[1 - i], .revision = 2, .may_start = true };
        assert_true(job_should_cancel(stage.job, stage.permit));
        PLAY(&stage, { RESULT_CANCELLED, ACTION_READ }, { RESULT_HISTORY, ACTION_CLOSE },
             TO_THE_END);
        stage_expect(&stage, REPORT_RUNNING, ERR_NONE);
    }
}

static void a_step_that_won_the_race_against_its_cancel_is_the_last(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    stage.permit.goal = GOAL_ROLL_BACK;
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    assert_int_equal(stage_report(&stage).steps_done, 1);
}

static void an_outcome_belongs_to_the_goal_it_was_decided_under(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 4, 0);
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE));
    stage.permit = (Permit){ .goal = GOAL_ROLL_BACK, .revision = 2, .may_start = true };
    PLAY(&stage, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
    assert_int_equal(stage_report(&stage).stamp.revision, 1);
}

/* ---- the plan's own time ---- */

static void stage_init_until(Stage *stage, Goal goal)
{
    stage_init(stage, goal);
    stage->plan.apply_until_s = UNTIL_S;
    stage->plan.rollback_until_s = UNTIL_S;
    stage->permit.wall_s = UNTIL_S;
}

static void a_plan_that_expires_between_steps_is_applied_no_further(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init_until(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    stage.permit.wall_s = UNTIL_S + 1; /* the step under way comes to its end */
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_EXPIRED);
    assert_string_equal(stage_report(&stage).message,
                        "plan \"p\" may be applied until 1970-01-01T00:16:40Z, and this host's "
                        "clock says 1970-01-01T00:16:41Z");
    assert_int_equal(stage_report(&stage).steps_done, 1);
}

/* It was taken in time, and kept until it was too late. */
static void an_order_that_was_held_beyond_the_plans_time_is_applied_no_more(void **state)
{
    (void)state;
    static const Goal GOALS[] = { GOAL_APPLY, GOAL_ROLL_BACK };
    for (size_t i = 0; i < ARRAY_LEN(GOALS); i++) {
        AUTO(Stage) stage;
        stage_init_until(&stage, GOALS[i]);
        stage_applied(&stage, 3, 1);
        stage.permit.may_start = false;
        PLAY(&stage, TO_HISTORY(ACTION_CLOSE), { RESULT_OK, ACTION_WAIT });
        stage.permit.may_start = true;
        stage.permit.wall_s = UNTIL_S + 1;
        PLAY(&stage, { RESULT_OK, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK },
             { RESULT_OK, ACTION_PREPARE }, { RESULT_OK, ACTION_READ },
             { RESULT_HISTORY, ACTION_CLOSE }, TO_THE_END);
        stage_expect(&stage, REPORT_FAILED, ERR_EXPIRED);
    }
}

static void what_is_done_already_is_applied_whatever_the_clock_says(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init_until(&stage, GOAL_APPLY);
    stage.permit.wall_s = UNTIL_S + 1;
    stage_applied(&stage, STAGE_MIGRATIONS, 1);
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

static void the_time_to_apply_says_nothing_of_the_way_back(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init_until(&stage, GOAL_ROLL_BACK);
    stage.plan.rollback_until_s = UNTIL_S + 1;
    stage.permit.wall_s = UNTIL_S + 1;
    stage_applied(&stage, 2, 1);
    PLAY(&stage, TO_HISTORY(ACTION_UNDO), { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
}

static void a_migration_that_is_undone_in_part_is_undone_to_its_end(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init_until(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 3, 1);
    stage_in_parts(&stage, 2, 3);
    stage.rows[2] = stage_begun(ROW_UNDOING, true, false, 1);
    stage.permit.wall_s = UNTIL_S + 1;
    PLAY(&stage, TO_HISTORY(ACTION_UNDO), { RESULT_OK, ACTION_NOTE_BEGIN },
         { RESULT_OK, ACTION_RUN }, { RESULT_OK, ACTION_PROBE }, { RESULT_OK, ACTION_NOTE_END },
         { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_EXPIRED);
    assert_non_null(strstr(stage_report(&stage).message, "may be rolled back until"));
}

static void a_migration_that_is_applied_in_part_is_applied_to_its_end(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init_until(&stage, GOAL_APPLY);
    stage_applied(&stage, 2, 0);
    stage_in_parts(&stage, 2, 3);
    stage.rows[2] = stage_begun(ROW_STARTED, true, false, 2);
    stage.permit.wall_s = UNTIL_S + 1;
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN },
         { RESULT_OK, ACTION_PROBE }, { RESULT_OK, ACTION_NOTE_END }, { RESULT_OK, ACTION_CLOSE },
         TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_EXPIRED);
    assert_int_equal(stage_report(&stage).steps_done, 3);
}

/* The clock was set back meanwhile, or is not asked at all: nothing is over. */
static void a_clock_that_is_not_beyond_the_time_lets_steps_begin(void **state)
{
    (void)state;
    static const int64_t CLOCKS[] = { 0, 1, UNTIL_S };
    for (size_t i = 0; i < ARRAY_LEN(CLOCKS); i++) {
        AUTO(Stage) stage;
        stage_init_until(&stage, GOAL_APPLY);
        stage.permit.wall_s = CLOCKS[i];
        PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_between_steps_parks_without_a_connection_and_goes_on_after_it),
        cmocka_unit_test(no_step_starts_without_a_lease),
        cmocka_unit_test(a_hold_with_nothing_left_to_do_reports_what_is_done),
        cmocka_unit_test(a_lease_that_comes_back_while_it_parks_is_not_waited_for),
        cmocka_unit_test(an_order_held_back_from_the_start_looks_before_it_parks),
        cmocka_unit_test(the_deadline_stands_still_while_parked),
        cmocka_unit_test(a_goal_of_the_other_direction_withdraws_the_order),
        cmocka_unit_test(a_step_that_won_the_race_against_its_cancel_is_the_last),
        cmocka_unit_test(an_outcome_belongs_to_the_goal_it_was_decided_under),
        cmocka_unit_test(a_plan_that_expires_between_steps_is_applied_no_further),
        cmocka_unit_test(an_order_that_was_held_beyond_the_plans_time_is_applied_no_more),
        cmocka_unit_test(what_is_done_already_is_applied_whatever_the_clock_says),
        cmocka_unit_test(the_time_to_apply_says_nothing_of_the_way_back),
        cmocka_unit_test(a_migration_that_is_undone_in_part_is_undone_to_its_end),
        cmocka_unit_test(a_migration_that_is_applied_in_part_is_applied_to_its_end),
        cmocka_unit_test(a_clock_that_is_not_beyond_the_time_lets_steps_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
