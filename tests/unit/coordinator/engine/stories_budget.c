/* The budget: charges, trips, policies, retry and skip. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static Fleet *started(size_t hosts, uint32_t databases, OnFailure policy, uint32_t max_failures)
{
    Fleet *fleet = fleet_new(hosts, databases);
    fleet->plan.strategy.on_failure = policy;
    fleet->plan.strategy.max_failures.value = max_failures;
    assert_ok(start(fleet));
    return fleet;
}

static void a_failure_beyond_the_budget_pauses_and_says_why(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(3, 1, ON_FAILURE_PAUSE, 0);
    report(fleet, "a/db1", REPORT_FAILED);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_wave(fleet, 0, WAVE_TRIPPED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_BUDGET);
    assert_int_equal(goal(fleet, "b/db1")->goal, GOAL_HOLD);
    const char *words = explained(fleet);
    assert_non_null(strstr(words, "1 failed, 0 allowed"));
    assert_non_null(strstr(words, "a/db1: failed: 23505 duplicate key"));
    assert_non_null(strstr(words, "statement 4"));
}

static void words_of_a_server_stay_on_their_line(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(3, 1, ON_FAILURE_PAUSE, 0);
    report_words(fleet, "a/db1", REPORT_FAILED, "no\nall is well");
    const char *words = explained(fleet);
    assert_non_null(strstr(words, "\n  a/db1: failed: no all is well"));
}

static void advice_for_many_is_given_once(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(3, 1, ON_FAILURE_PAUSE, 0);
    report_hint(fleet, "a/db1", REPORT_FAILED, "mend the rows");
    report_hint(fleet, "b/db1", REPORT_FAILED, "ask the DBA");
    report_hint(fleet, "c/db1", REPORT_FAILED, "mend the rows");
    const char *words = explained(fleet);
    assert_non_null(strstr(words, "\n  a/db1: failed: duplicate key; hint: mend the rows\n"));
    assert_non_null(strstr(words, "\n  b/db1: failed: duplicate key; hint: ask the DBA\n"));
    const char *last = strstr(words, "\n  c/db1: failed: duplicate key");
    assert_non_null(last);
    assert_null(strstr(last, "hint:"));
}

static void failures_within_the_budget_do_not_stop_the_others(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(3, 1, ON_FAILURE_PAUSE, 1);
    report(fleet, "a/db1", REPORT_FAILED);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    report_all(fleet, REPORT_APPLIED);
    assert_wave(fleet, 0, WAVE_HELD); /* the last wave waits for every failure */
    assert_non_null(event_of(fleet, "W14"));
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    report_all(fleet, REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_false(target(fleet, "a/db1")->is_charged);
}

static void skipping_what_failed_lets_the_last_wave_pass(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(3, 1, ON_FAILURE_PAUSE, 1);
    report(fleet, "a/db1", REPORT_FAILED);
    report_all(fleet, REPORT_APPLIED);
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
}

static void a_wave_in_which_nothing_was_applied_proves_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    plan_two_waves(fleet, 1);
    fleet->plan.strategy.max_failures.value = 2;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    assert_wave(fleet, 0, WAVE_HELD);
    assert_wave(fleet, 1, WAVE_WAITING);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_wave(fleet, 0, WAVE_RUNNING);
    report(fleet, "a/db1", REPORT_FAILED);
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
    assert_wave(fleet, 1, WAVE_RUNNING);
}

static void a_tripped_rollout_goes_on_after_a_retry(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(2, 1, ON_FAILURE_PAUSE, 0);
    report(fleet, "a/db1", REPORT_FAILED);
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.hint, "retry"));
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_wave(fleet, 0, WAVE_RUNNING);
    report_all(fleet, REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void roll_back_target_takes_each_failed_target_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(3, 1, ON_FAILURE_ROLL_BACK_TARGET, 2);
    report_steps(fleet, "a/db1", REPORT_FAILED, 3, 3);
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    assert_non_null(
        strstr(event_of(fleet, "T22")->text, " failed at 3 of 5, after 0002_currency: "));
    assert_string_equal(target(fleet, "a/db1")->step, ""); /* of the attempt back: none yet */
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 2);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_target(fleet, "a/db1", TARGET_ROLLED_BACK);
    assert_true(target(fleet, "a/db1")->is_charged);
    report(fleet, "b/db1", REPORT_FAILED); /* with nothing applied there is nothing to undo */
    assert_target(fleet, "b/db1", TARGET_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

static void roll_back_wave_takes_its_wave_back_and_no_other(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    plan_two_waves(fleet, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_RUNNING);
    report_steps(fleet, "d/db1", REPORT_FAILED, 1, 1);
    assert_wave(fleet, 1, WAVE_ROLLING_BACK);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_target(fleet, "c/db1", TARGET_ROLLING_BACK); /* turned round */
    assert_target(fleet, "b/db1", TARGET_ROLLING_BACK);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_wave(fleet, 1, WAVE_ROLLED_BACK);
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_ok(command(fleet, COMMAND_RESUME)); /* those taken along get another try, too */
    assert_wave(fleet, 1, WAVE_RUNNING);
    report_all(fleet, REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_percentage_of_failures_rounds_down(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(5, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_PAUSE;
    fleet->plan.strategy.max_failures = (Amount){ .value = 39, .is_percent = true };
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    report(fleet, "b/db1", REPORT_FAILED);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_non_null(strstr(rollout(fleet)->reason, "2 failed, 1 allowed"));
}

/* Neither counts as the other: one failure is allowed, and that one is away. */
static void an_absent_target_and_a_failed_one_use_up_the_budget_together(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_PAUSE;
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_RUNNING);
    fall_silent(fleet, "a");
    pass(fleet, 121000);
    assert_true(target(fleet, "a/db1")->is_absent);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    report(fleet, "b/db1", REPORT_FAILED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_BUDGET);
}

static void a_wave_that_was_taken_back_says_what_it_waits_for(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    plan_two_waves(fleet, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    assert_wave(fleet, 0, WAVE_ROLLED_BACK);
    assert_non_null(strstr(explained(fleet), "taken back: `skein rollout retry` or `skip`"));
}

static void a_wave_taken_back_before_its_targets_started_keeps_them_waiting(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 6);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report_steps(fleet, "a/db1", REPORT_FAILED, 1, 1);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_wave(fleet, 0, WAVE_ROLLED_BACK);
    assert_target(fleet, "a/db6", TARGET_PENDING);
    assert_ok(command(fleet, COMMAND_ROLL_BACK)); /* now the rollout, too: they never start */
    assert_target(fleet, "a/db6", TARGET_SKIPPED);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
}

static void a_wave_whose_targets_are_all_skipped_passes(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(1, 1, ON_FAILURE_ROLL_BACK_WAVE, 0);
    report_steps(fleet, "a/db1", REPORT_FAILED, 1, 1);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_non_null(event_of(fleet, "W27"));
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void resuming_before_the_wave_is_back_lets_it_end_first(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(2, 1, ON_FAILURE_ROLL_BACK_WAVE, 0);
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_FAILED); /* nothing applied: back at once */
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "b/db1"), ERR_REFUSED);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_wave(fleet, 0, WAVE_ROLLED_BACK);
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static void roll_back_rollout_takes_everything_back_in_reverse(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 2);
    plan_two_waves(fleet, 3);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    fleet->plan.strategy.max_parallel = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_APPLIED);
    report(fleet, "a/db2", REPORT_FAILED);
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
    assert_false(rollout(fleet)->is_rollback_by_operator);
    assert_target(fleet, "c/db1", TARGET_ROLLING_BACK); /* the last that was applied is the first */
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
    assert_target(fleet, "b/db2", TARGET_SKIPPED);
    assert_int_equal(command(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
}

static void a_failure_while_soaking_trips(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report_all(fleet, REPORT_APPLIED);
    report_error(fleet, "a/db1", REPORT_HELD, ERR_LOST_AFTER_FAILOVER);
    assert_wave(fleet, 0, WAVE_TRIPPED);
}

static void a_soaking_wave_with_nothing_left_applied_is_held(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report_error(fleet, "a/db1", REPORT_HELD, ERR_HISTORY);
    assert_wave(fleet, 0, WAVE_HELD);
}

static void what_was_taken_back_and_is_gone_is_not_retried(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(1, 2, ON_FAILURE_ROLL_BACK_TARGET, 1);
    report(fleet, "a/db2", REPORT_FAILED);
    assert_target(fleet, "a/db2", TARGET_ROLLED_BACK);
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db2"), ERR_REFUSED);
}

static void a_held_wave_trips_when_more_fails(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(3, 1, ON_FAILURE_PAUSE, 1);
    report(fleet, "a/db1", REPORT_FAILED);
    report_all(fleet, REPORT_APPLIED);
    assert_wave(fleet, 0, WAVE_HELD);
    report_error(fleet, "b/db1", REPORT_HELD, ERR_LOST_AFTER_FAILOVER);
    assert_wave(fleet, 0, WAVE_TRIPPED);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_wave(fleet, 0, WAVE_HELD);
}

static void the_soak_that_is_left_counts_down(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    assert_int_equal(engine_soak_left_ms(fleet->engine, "r1", 0, fleet->now_ms), 60000);
    report_all(fleet, REPORT_APPLIED);
    uint64_t begun_ms = fleet->now_ms;
    assert_int_equal(engine_soak_left_ms(fleet->engine, "r1", 0, begun_ms + 20000), 40000);
    assert_int_equal(engine_soak_left_ms(fleet->engine, "r1", 0, begun_ms + 90000), 0);
    assert_int_equal(engine_soak_left_ms(fleet->engine, "none", 0, begun_ms), 0);
}

static void a_soak_starts_anew_after_a_retry(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    report_all(fleet, REPORT_APPLIED);
    pass(fleet, 30000);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_wave(fleet, 0, WAVE_RUNNING);
    report(fleet, "a/db1", REPORT_APPLIED);
    pass(fleet, 59000);
    assert_wave(fleet, 0, WAVE_SOAKING);
    pass(fleet, 1500);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_wave_that_had_soaked_soaks_again_after_a_retry(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    report_all(fleet, REPORT_APPLIED);
    pass(fleet, 61000);
    assert_wave(fleet, 0, WAVE_HELD);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_wave(fleet, 0, WAVE_SOAKING);
    pass(fleet, 61000);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_retry_in_a_passed_wave_is_taken_in_without_a_soak(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    plan_two_waves(fleet, 2);
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    report(fleet, "b/db1", REPORT_APPLIED);
    assert_wave(fleet, 0, WAVE_PASSED);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_non_null(event_of(fleet, "W16"));
}

static void the_budget_used_up_in_a_pause_takes_the_wave_back_on_resume(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(2, 1, ON_FAILURE_ROLL_BACK_WAVE, 0);
    assert_ok(command(fleet, COMMAND_PAUSE));
    report_steps(fleet, "a/db1", REPORT_FAILED, 1, 1);
    assert_wave(fleet, 0, WAVE_TRIPPED); /* the operator's pause wins over the policy */
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_wave(fleet, 0, WAVE_ROLLING_BACK);
}

static void an_unsigned_plan_leaves_nothing_to_take_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(2, 1, ON_FAILURE_ROLL_BACK_ROLLOUT, 0);
    report(fleet, "b/db1", REPORT_REFUSED);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
    assert_target(fleet, "b/db1", TARGET_ROLLED_BACK);
}

static void a_paused_rollout_whose_failures_are_retried_only_wants_to_be_resumed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    assert_non_null(strstr(explained(fleet), "`skein rollout retry` or `skip`"));
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_null(strstr(explained(fleet), "`skein rollout retry`"));
    assert_non_null(strstr(explained(fleet), "`skein rollout resume` goes on"));
    assert_ok(command(fleet, COMMAND_RESUME));
}

/* The first process of an agent died with the order in hand; the second says this, and has not
 * looked. */
static void assert_unseen_end(Report before, Report end, TargetState expected)
{
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    say_hello_reborn(fleet, "a");
    say_ping(fleet, "a");
    if (before != REPORT_NONE) {
        report(fleet, "a/db1", before);
    }
    report_unseen(fleet, "a/db1", end, ERR_UNREACHABLE);
    assert_target(fleet, "a/db1", expected);
    assert_true(target(fleet, "a/db1")->is_charged);
}

/* A step of the first one may have committed: only a look at the history tells. */
static void what_a_dead_process_did_is_not_known_until_somebody_has_looked(void **state)
{
    (void)state;
    /* RUNNING: it has read the history, and then begun anew without. */
    static const Report BEFORE[] = { REPORT_NONE, REPORT_ACCEPTED, REPORT_UNKNOWN, REPORT_RUNNING };
    for (size_t i = 0; i < ARRAY_LEN(BEFORE); i++) {
        assert_unseen_end(BEFORE[i], REPORT_FAILED, TARGET_HELD);
        assert_unseen_end(BEFORE[i], REPORT_REFUSED, TARGET_HELD);
    }
}

static void what_nobody_has_looked_at_stays_so_over_retries_and_restarts(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_APPLIED);
    say_hello_reborn(fleet, "a");
    say_ping(fleet, "a");
    report_unseen(fleet, "a/db1", REPORT_FAILED, ERR_UNREACHABLE);
    assert_target(fleet, "a/db1", TARGET_HELD);
    restart(fleet);
    come_back(fleet, "a");
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    report_unseen(fleet, "a/db1", REPORT_FAILED, ERR_UNREACHABLE);
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    report(fleet, "a/db1", REPORT_RUNNING); /* it has looked */
    report(fleet, "a/db1", REPORT_FAILED);
    assert_target(fleet, "a/db1", TARGET_FAILED);
}

/* Its first try ended, and said what is applied: that holds, whatever the second meets. */
static void a_retried_target_that_fails_before_it_has_looked_has_failed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report_steps(fleet, "a/db1", REPORT_FAILED, 1, 1);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    report_unseen(fleet, "a/db1", REPORT_FAILED, ERR_UNREACHABLE);
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_int_equal(target(fleet, "a/db1")->applied, 1);
    assert_ok(command(fleet, COMMAND_ROLL_BACK)); /* so there is something to take back */
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(a_percentage_of_failures_rounds_down),
    cmocka_unit_test(an_absent_target_and_a_failed_one_use_up_the_budget_together),
    cmocka_unit_test(a_wave_that_was_taken_back_says_what_it_waits_for),
    cmocka_unit_test(a_failure_beyond_the_budget_pauses_and_says_why),
    cmocka_unit_test(words_of_a_server_stay_on_their_line),
    cmocka_unit_test(advice_for_many_is_given_once),
    cmocka_unit_test(failures_within_the_budget_do_not_stop_the_others),
    cmocka_unit_test(skipping_what_failed_lets_the_last_wave_pass),
    cmocka_unit_test(a_wave_in_which_nothing_was_applied_proves_nothing),
    cmocka_unit_test(a_tripped_rollout_goes_on_after_a_retry),
    cmocka_unit_test(roll_back_target_takes_each_failed_target_back),
    cmocka_unit_test(roll_back_wave_takes_its_wave_back_and_no_other),
    cmocka_unit_test(a_wave_taken_back_before_its_targets_started_keeps_them_waiting),
    cmocka_unit_test(a_wave_whose_targets_are_all_skipped_passes),
    cmocka_unit_test(resuming_before_the_wave_is_back_lets_it_end_first),
    cmocka_unit_test(roll_back_rollout_takes_everything_back_in_reverse),
    cmocka_unit_test(a_failure_while_soaking_trips),
    cmocka_unit_test(a_soaking_wave_with_nothing_left_applied_is_held),
    cmocka_unit_test(what_was_taken_back_and_is_gone_is_not_retried),
    cmocka_unit_test(a_held_wave_trips_when_more_fails),
    cmocka_unit_test(the_soak_that_is_left_counts_down),
    cmocka_unit_test(a_paused_rollout_whose_failures_are_retried_only_wants_to_be_resumed),
    cmocka_unit_test(what_a_dead_process_did_is_not_known_until_somebody_has_looked),
    cmocka_unit_test(what_nobody_has_looked_at_stays_so_over_retries_and_restarts),
    cmocka_unit_test(a_retried_target_that_fails_before_it_has_looked_has_failed),
    cmocka_unit_test(a_soak_starts_anew_after_a_retry),
    cmocka_unit_test(a_wave_that_had_soaked_soaks_again_after_a_retry),
    cmocka_unit_test(a_retry_in_a_passed_wave_is_taken_in_without_a_soak),
    cmocka_unit_test(the_budget_used_up_in_a_pause_takes_the_wave_back_on_resume),
    cmocka_unit_test(an_unsigned_plan_leaves_nothing_to_take_back),
};
STORIES(BUDGET_STORIES, TESTS);
