/* The job, played: steps that run outside a transaction. */
#include "agent/core/job_internal.h"
#include "tests/unit/agent/core/job_stage.h"

static void a_statement_outside_a_transaction_is_noted_run_probed_and_noted(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 0);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN });
    assert_true(job_is_in_step(stage.job));
    assert_true(stage.action.deadline_ms >= stage.now_ms + 7200000);
    PLAY(&stage, { RESULT_OK, ACTION_PROBE }, { RESULT_OK, ACTION_NOTE_END },
         { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

static void no_goal_ever_cancels_a_statement_outside_a_transaction(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN });
    const Goal goals[] = { GOAL_NONE, GOAL_HOLD, GOAL_ROLL_BACK };
    for (size_t i = 0; i < ARRAY_LEN(goals); i++) {
        assert_false(job_should_cancel(stage.job, (Permit){ .goal = goals[i] }));
    }
    stage.permit.goal = GOAL_ROLL_BACK;
    PLAY(&stage, { RESULT_OK, ACTION_PROBE });
    assert_false(stage.action.is_down);
    PLAY(&stage, { RESULT_OK, ACTION_NOTE_END }, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
}

/* How far the statement is when what it has left is looked at. */
typedef enum Far {
    FAR_UNKNOWN, /* nobody knows how it ended */
    FAR_RAN,     /* with success, and the catalog does not show it */
    FAR_FAILED,  /* with an error */
    FAR_COUNT_,
} Far;

/* docs/nontransactional.md, "What follows": one row for each. */
static const struct Left {
    Trace trace;
    ActionKind wanted[FAR_COUNT_];
} LEFT[] = {
    { TRACE_RUNS, { ACTION_WAIT, ACTION_WAIT, ACTION_WAIT } },
    { TRACE_DONE, { ACTION_NOTE_END, ACTION_NOTE_END, ACTION_NOTE_END } },
    { TRACE_ABSENT, { ACTION_NOTE_BACK, ACTION_NOTE_BACK, ACTION_NOTE_BACK } },
    { TRACE_AGAIN, { ACTION_NOTE_BACK, ACTION_NOTE_BACK, ACTION_NOTE_BACK } },
    { TRACE_CARCASS, { ACTION_MEND, ACTION_MEND, ACTION_MEND } },
    { TRACE_PENDING, { ACTION_MEND, ACTION_MEND, ACTION_MEND } },
    { TRACE_BEFORE, { ACTION_NOTE_BACK, ACTION_NOTE_END, ACTION_NOTE_BACK } },
    { TRACE_WRECK, { ACTION_NOTE_BACK, ACTION_NOTE_BACK, ACTION_NOTE_BACK } },
    { TRACE_FOREIGN, { ACTION_NOTE_BACK, ACTION_NOTE_BACK, ACTION_NOTE_BACK } },
    { TRACE_GONE, { ACTION_NOTE_BACK, ACTION_NOTE_BACK, ACTION_NOTE_BACK } },
    { TRACE_UNKNOWN, { ACTION_CLOSE, ACTION_CLOSE, ACTION_CLOSE } },
};

static void stage_come_to_look(Stage *stage, Far far)
{
    stage_is_solo(stage);
    if (far == FAR_UNKNOWN) {
        stage->rows[0] = stage_begun(ROW_STARTED, true, true, 0);
        PLAY(stage, TO_HISTORY(ACTION_TRACE));
        return;
    }
    PLAY(stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN });
    if (far == FAR_RAN) {
        PLAY(stage, { RESULT_OK, ACTION_PROBE });
    }
    err_set(&stage->err, far == FAR_RAN ? ERR_UNPROVEN : ERR_SERVER, "the statement's words");
    stage->statement = 1;
    stage_feed(stage, far == FAR_RAN ? RESULT_UNPROVEN : RESULT_FAILED);
    assert_int_equal(stage->action.kind, ACTION_TRACE);
}

static void what_a_statement_has_left_decides(void **state)
{
    (void)state;
    assert_int_equal(sizeof(LEFT) / sizeof(LEFT[0]), TRACE_COUNT_ - 1);
    for (size_t i = 0; i < sizeof(LEFT) / sizeof(LEFT[0]); i++) {
        for (Far far = FAR_UNKNOWN; far < FAR_COUNT_; far++) {
            AUTO(Stage) stage;
            stage_init(&stage, GOAL_APPLY);
            stage_come_to_look(&stage, far);
            stage_find(&stage, LEFT[i].trace);
            if (stage.action.kind != LEFT[i].wanted[far]) {
                fail_msg("%s, case %d: wanted %s, the job wants %s", trace_name(LEFT[i].trace),
                         (int)far, action_kind_name(LEFT[i].wanted[far]),
                         action_kind_name(stage.action.kind));
            }
        }
    }
}

static void an_interrupted_build_is_cleared_away_and_run_again(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 0);
    stage_is_solo(&stage);
    stage.rows[3] = stage_begun(ROW_STARTED, false, true, 0);
    PLAY(&stage, TO_HISTORY(ACTION_TRACE));
    stage_find(&stage, TRACE_CARCASS);
    assert_int_equal(stage.action.kind, ACTION_MEND);
    PLAY(&stage, { RESULT_OK, ACTION_TRACE });
    stage_find(&stage, TRACE_ABSENT);
    PLAY(&stage, { RESULT_OK, ACTION_NOTE_BEGIN }, { RESULT_OK, ACTION_RUN },
         { RESULT_OK, ACTION_PROBE }, { RESULT_OK, ACTION_NOTE_END }, { RESULT_OK, ACTION_CLOSE },
         TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

static void a_statement_whose_answer_was_lost_is_found_done(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 0);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN },
         { RESULT_LOST, ACTION_CLOSE });
    stage_expect(&stage, REPORT_UNKNOWN, ERR_LOST);
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_TRACE));
    stage_find(&stage, TRACE_DONE);
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

static void a_failed_statement_fails_with_its_words_when_nothing_is_left(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_come_to_look(&stage, FAR_FAILED);
    stage_find(&stage, TRACE_CARCASS);
    PLAY(&stage, { RESULT_OK, ACTION_TRACE });
    stage_find(&stage, TRACE_ABSENT);
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_SERVER);
    assert_string_equal(stage_report(&stage).message, "the statement's words");
    assert_string_equal(stage_report(&stage).migration, "0001_a");
    assert_int_equal(stage_report(&stage).statement, 1);
    assert_int_equal(stage_report(&stage).applied, 0);
    assert_string_not_equal(stage_report(&stage).hint, "");
}

static void a_deadlock_is_tried_again_until_the_tries_are_spent(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN));
    for (uint32_t tries = 0; tries <= stage.order.blocked_retries_max; tries++) {
        PLAY(&stage, { RESULT_OK, ACTION_RUN });
        err_set(&stage.err, ERR_RETRYABLE, "deadlock detected");
        PLAY(&stage, { RESULT_RETRYABLE, ACTION_TRACE });
        stage_find(&stage, TRACE_ABSENT);
        if (tries < stage.order.blocked_retries_max) {
            PLAY(&stage, { RESULT_OK, ACTION_WAIT }, { RESULT_OK, ACTION_READ },
                 { RESULT_HISTORY, ACTION_NOTE_BEGIN });
        }
    }
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_RETRYABLE);
    assert_int_equal(stage_report(&stage).retries, 2);
}

static void what_cannot_be_told_is_held_with_the_servers_words(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_come_to_look(&stage, FAR_FAILED);
    stage_find(&stage, TRACE_UNKNOWN);
    PLAY(&stage, TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_INTERRUPTED);
    assert_string_equal(stage_report(&stage).message,
                        "0001_a was begun and did not end well: the statement's words");
}

static void a_stranger_at_work_is_waited_for_and_at_the_deadline_named(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_come_to_look(&stage, FAR_UNKNOWN);
    stage_find(&stage, TRACE_RUNS);
    PLAY(&stage, { RESULT_OK, ACTION_TRACE });
    stage.now_ms += stage.order.deadline_ms;
    stage_find(&stage, TRACE_RUNS);
    PLAY(&stage, TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_INTERRUPTED);
    assert_non_null(strstr(stage_report(&stage).message, "looked: runs"));
}

/* A roll back finds the up of the migration interrupted: first it is known where that is. */
static void the_other_way_an_interrupted_statement_is_settled_first(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_is_solo(&stage);
    stage.rows[0] = stage_begun(ROW_STARTED, true, true, 0);
    PLAY(&stage, TO_HISTORY(ACTION_TRACE));
    assert_false(stage.action.is_down);
    stage_find(&stage, TRACE_DONE);
    PLAY(&stage, { RESULT_OK, ACTION_NOTE_BEGIN });
    assert_true(stage.action.is_down);
    PLAY(&stage, { RESULT_OK, ACTION_RUN }, { RESULT_OK, ACTION_PROBE },
         { RESULT_OK, ACTION_NOTE_END }, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
}

static void a_broken_off_drop_is_ended_and_not_called_applied(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_is_solo(&stage);
    stage.rows[0] = stage_begun(ROW_UNDOING, true, true, 0);
    PLAY(&stage, TO_HISTORY(ACTION_TRACE));
    assert_true(stage.action.is_down);
    stage_find(&stage, TRACE_PENDING);
    PLAY(&stage, { RESULT_OK, ACTION_TRACE });
    stage_find(&stage, TRACE_DONE);
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
}

/* However long it runs, as long as its own attempt would have let it. */
static void a_statement_that_outlived_its_client_is_adopted(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    PLAY(&stage, { RESULT_NONE, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK });
    for (int i = 0; i < 3; i++) {
        stage.now_ms += stage.order.deadline_ms;
        PLAY(&stage, { RESULT_HELD_AT_WORK, ACTION_WAIT }, { RESULT_OK, ACTION_LOCK });
        assert_int_equal(stage_report(&stage).report, REPORT_RUNNING);
    }
    stage.rows[0] = stage_begun(ROW_STARTED, false, true, 0);
    PLAY(&stage, { RESULT_OK, ACTION_PREPARE }, { RESULT_OK, ACTION_READ },
         { RESULT_HISTORY, ACTION_TRACE });
    stage_find(&stage, TRACE_DONE);
    assert_int_equal(stage.action.kind, ACTION_NOTE_END);
}

/* It is what brings the server down, perhaps. */
static void a_statement_that_breaks_its_connection_each_time_is_not_run_for_ever(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.order.deadline_ms = 0;
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN));
    for (int i = 0; i < STEP_BREAKS_MAX; i++) {
        PLAY(&stage, { RESULT_OK, ACTION_RUN }, { RESULT_LOST, ACTION_CLOSE },
             AGAIN_TO_HISTORY(ACTION_TRACE));
        stage_find(&stage, TRACE_ABSENT);
        PLAY(&stage, { RESULT_OK, i + 1 < STEP_BREAKS_MAX ? ACTION_NOTE_BEGIN : ACTION_CLOSE });
    }
    PLAY(&stage, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_SERVER);
}

/* The note of a step that went back makes no row this rollout's that was not. */
static void a_part_that_went_back_stays_with_the_rollout_that_tried(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_in_parts(&stage, 0, 2);
    stage.rows[0] = stage_begun(ROW_STARTED, false, false, 1);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN },
         { RESULT_FAILED, ACTION_TRACE });
    assert_int_equal(stage_report(&stage).applied, 1);
    stage_find(&stage, TRACE_ABSENT);
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_SERVER);
    assert_int_equal(stage_report(&stage).applied, 1);
}

static void a_changed_statement_is_held(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    stage.rows[0] = stage_begun(ROW_STARTED, true, true, 0);
    stage.rows[0].is_same_statement = false;
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_CHECKSUM);
    assert_string_not_equal(stage_report(&stage).hint, "");
}

static void a_lost_final_note_is_probed_and_written_again_without_a_second_run(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 0);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN },
         { RESULT_OK, ACTION_PROBE }, { RESULT_OK, ACTION_NOTE_END }, { RESULT_LOST, ACTION_CLOSE },
         AGAIN_TO_HISTORY(ACTION_PROBE), { RESULT_OK, ACTION_NOTE_END });
    stage_lose_committed(&stage);
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

static void a_lost_first_note_runs_the_statement_once(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN));
    stage_lose_committed(&stage);
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_RUN), { RESULT_OK, ACTION_PROBE });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_outside_a_transaction_is_noted_run_probed_and_noted),
        cmocka_unit_test(no_goal_ever_cancels_a_statement_outside_a_transaction),
        cmocka_unit_test(what_a_statement_has_left_decides),
        cmocka_unit_test(an_interrupted_build_is_cleared_away_and_run_again),
        cmocka_unit_test(a_statement_whose_answer_was_lost_is_found_done),
        cmocka_unit_test(a_failed_statement_fails_with_its_words_when_nothing_is_left),
        cmocka_unit_test(a_deadlock_is_tried_again_until_the_tries_are_spent),
        cmocka_unit_test(what_cannot_be_told_is_held_with_the_servers_words),
        cmocka_unit_test(a_stranger_at_work_is_waited_for_and_at_the_deadline_named),
        cmocka_unit_test(the_other_way_an_interrupted_statement_is_settled_first),
        cmocka_unit_test(a_broken_off_drop_is_ended_and_not_called_applied),
        cmocka_unit_test(a_statement_that_outlived_its_client_is_adopted),
        cmocka_unit_test(a_statement_that_breaks_its_connection_each_time_is_not_run_for_ever),
        cmocka_unit_test(a_part_that_went_back_stays_with_the_rollout_that_tried),
        cmocka_unit_test(a_changed_statement_is_held),
        cmocka_unit_test(a_lost_final_note_is_probed_and_written_again_without_a_second_run),
        cmocka_unit_test(a_lost_first_note_runs_the_statement_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
