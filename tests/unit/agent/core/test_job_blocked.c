/* How a job tries again, by what stood in its way. */
#include "tests/unit/agent/core/job_stage.h"

static void blocked_by(Stage *stage, Obstacle obstacle, ActionKind wanted)
{
    stage->obstacle = obstacle;
    PLAY(stage, { RESULT_BLOCKED, wanted });
}

/* What yields does so only to a wait that is longer than deadlock_timeout. */
static void the_try_after_one_that_met_what_yields_is_patient(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_false(stage.action.is_patient);
    blocked_by(&stage, OBSTACLE_YIELDING, ACTION_WAIT);
    PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
    assert_true(stage.action.is_patient);
    assert_int_equal(stage_report(&stage).retries, 1);
}

static void patience_is_for_one_try_and_for_one_step(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    blocked_by(&stage, OBSTACLE_YIELDING, ACTION_WAIT);
    PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
    blocked_by(&stage, OBSTACLE_NONE, ACTION_WAIT);
    PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
    assert_false(stage.action.is_patient);
    AUTO(Stage) other;
    stage_init(&other, GOAL_APPLY);
    PLAY(&other, TO_HISTORY(ACTION_APPLY));
    blocked_by(&other, OBSTACLE_YIELDING, ACTION_WAIT);
    PLAY(&other, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY },
         { RESULT_OK, ACTION_APPLY });
    assert_false(other.action.is_patient);
}

static void what_never_yields_costs_no_try(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.order.deadline_ms = 3600000;
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    uint64_t longest_ms = 0;
    for (int i = 0; i < 20; i++) {
        blocked_by(&stage, OBSTACLE_UNYIELDING, ACTION_WAIT);
        uint64_t wait_ms = stage.action.until_ms - stage.now_ms;
        longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
        PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
    }
    assert_in_range(longest_ms, 10000, 30000);
    assert_int_equal(stage_report(&stage).retries, 0);
    PLAY(&stage, { RESULT_OK, ACTION_APPLY });
}

static void what_never_yields_fails_at_the_deadline_with_its_name(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    for (int i = 0; stage.action.kind != ACTION_CLOSE; i++) {
        assert_true(i < 1000);
        err_set(&stage.err, ERR_BLOCKED, "blocked by an autovacuum to prevent wraparound");
        blocked_by(&stage, OBSTACLE_UNYIELDING, ACTION_WAIT);
        stage_feed(&stage, RESULT_OK);
        if (stage.action.kind == ACTION_READ) {
            PLAY(&stage, { RESULT_HISTORY, ACTION_APPLY });
        }
    }
    PLAY(&stage, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_BLOCKED);
    assert_string_equal(stage_report(&stage).message,
                        "not done within the 60000 ms allowed: blocked by an autovacuum to prevent "
                        "wraparound");
}

/* Whoever is blocked by both in turn has its tries still. */
static void what_ends_some_time_costs_a_try_as_before(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    blocked_by(&stage, OBSTACLE_UNYIELDING, ACTION_WAIT);
    for (int i = 0; i < 2; i++) {
        PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY },
             { RESULT_BLOCKED, ACTION_WAIT });
    }
    PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY },
         { RESULT_BLOCKED, ACTION_CLOSE });
}

static void ended_for_the_sake_of_others_it_is_tried_again(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    for (int i = 0; i < 2; i++) {
        err_set(&stage.err, ERR_BLOCKING, "ended for the sake of others: 7 sessions wait");
        PLAY(&stage, { RESULT_CANCELLED, ACTION_WAIT });
        stage_expect(&stage, REPORT_RUNNING, ERR_BLOCKING);
        PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
    }
    err_set(&stage.err, ERR_BLOCKING, "ended for the sake of others: 7 sessions wait");
    PLAY(&stage, { RESULT_CANCELLED, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_BLOCKING);
    assert_string_equal(stage_report(&stage).message,
                        "gave up after 3 tries: ended for the sake of others: 7 sessions wait");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_try_after_one_that_met_what_yields_is_patient),
        cmocka_unit_test(patience_is_for_one_try_and_for_one_step),
        cmocka_unit_test(what_never_yields_costs_no_try),
        cmocka_unit_test(what_never_yields_fails_at_the_deadline_with_its_name),
        cmocka_unit_test(what_ends_some_time_costs_a_try_as_before),
        cmocka_unit_test(ended_for_the_sake_of_others_it_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
