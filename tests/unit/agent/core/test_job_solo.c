/* The job, played: steps that run outside a transaction. */
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

static void a_lost_statement_outside_a_transaction_is_held_when_its_note_is_found(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN },
         { RESULT_LOST, ACTION_CLOSE });
    stage_expect(&stage, REPORT_UNKNOWN, ERR_LOST);
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_INTERRUPTED);
    assert_string_equal(stage_report(&stage).migration, "0001_a");
    assert_string_not_equal(stage_report(&stage).hint, "");
}

static void a_failed_statement_outside_a_transaction_is_held_with_the_servers_words(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN });
    err_set(&stage.err, ERR_SERVER, "could not create unique index");
    str_copy(stage.err.sqlstate, sizeof(stage.err.sqlstate), "23505");
    PLAY(&stage, { RESULT_FAILED, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_INTERRUPTED);
    assert_string_equal(stage_report(&stage).sqlstate, "23505");
    assert_string_equal(stage_report(&stage).message,
                        "0001_a was begun and did not end well: could not create unique index");
    assert_string_not_equal(stage_report(&stage).hint, "");
}

static void an_unproven_statement_is_never_applied(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN },
         { RESULT_OK, ACTION_PROBE }, { RESULT_UNPROVEN, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_UNPROVEN);
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
        cmocka_unit_test(a_lost_statement_outside_a_transaction_is_held_when_its_note_is_found),
        cmocka_unit_test(a_failed_statement_outside_a_transaction_is_held_with_the_servers_words),
        cmocka_unit_test(an_unproven_statement_is_never_applied),
        cmocka_unit_test(a_lost_final_note_is_probed_and_written_again_without_a_second_run),
        cmocka_unit_test(a_lost_first_note_runs_the_statement_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
