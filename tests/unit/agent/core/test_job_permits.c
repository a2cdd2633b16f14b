/* The job, played: what it may and may not while leave, goal and deadline change. */
#include "tests/unit/agent/core/job_stage.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
