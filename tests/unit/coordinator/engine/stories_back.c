/* Back: rolling a rollout back, debt, and what holds it up. */
#include "tests/unit/coordinator/engine/stories.h"

#include <stdio.h>
#include <string.h>

/* Two waves over four hosts; the first is healthy, `a` first of all. */
static Fleet *half_way(void)
{
    Fleet *fleet = fleet_new(4, 2);
    plan_two_waves(fleet, 4);
    assert_ok(start(fleet));
    static const char *const FIRST[] = { "a/db1", "b/db1", "c/db1", "d/db1" };
    for (size_t i = 0; i < ARRAY_LEN(FIRST); i++) {
        report(fleet, FIRST[i], REPORT_APPLIED);
    }
    return fleet;
}

static void an_operator_rolls_a_running_rollout_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    report(fleet, "a/db2", REPORT_RUNNING);
    report(fleet, "b/db2", REPORT_UNKNOWN);
    report(fleet, "c/db2", REPORT_APPLIED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_true(rollout(fleet)->is_rollback_by_operator);
    assert_target(fleet, "a/db2", TARGET_ROLLING_BACK);
    assert_target(fleet, "b/db2", TARGET_DEBT); /* to be looked at first */
    assert_target(fleet, "d/db2", TARGET_ROLLING_BACK);
    assert_int_equal(goal(fleet, "a/db2")->goal, GOAL_ROLL_BACK);
    assert_int_equal(goal(fleet, "a/db2")->stamp.attempt,
                     2); /* the fence knows it from the first */
    assert_int_equal(command(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
    assert_int_equal(command(fleet, COMMAND_ABORT), ERR_REFUSED);
    report(fleet, "b/db2", REPORT_ACCEPTED);
    report(fleet, "b/db2", REPORT_ROLLED_BACK);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
}

static void a_succeeded_rollout_goes_back_by_command_only(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    report_all(fleet, REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_DEBT);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
    assert_int_equal(command(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
    come_back(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
}

static void a_rollout_under_a_later_one_does_not_go_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_ok(start_as(fleet, "r2"));
    assert_int_equal(command(fleet, COMMAND_ROLL_BACK), ERR_CONFLICT); /* r2 is open */
    const GoalMessage *order = goal(fleet, "a/db1");
    assert_string_equal(order->rollout, "r2");
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_int_equal(command(fleet, COMMAND_ROLL_BACK), ERR_CONFLICT);
    assert_non_null(strstr(fleet->err.hint, "roll r2 back first"));
}

static void a_roll_back_that_fails_is_held_with_the_exact_list(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    report_all(fleet, REPORT_APPLIED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report(fleet, "a/db1", REPORT_FAILED);
    report(fleet, "b/db1", REPORT_REFUSED);
    report(fleet, "c/db1", REPORT_HELD);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
    const char *words = explained(fleet);
    assert_non_null(strstr(words, "a/db1: rollback_failed: 23505"));
    assert_non_null(strstr(words, "c/db1: held"));
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_ok(command_on(fleet, COMMAND_RETRY, "c/db1"));
    report(fleet, "c/db1", REPORT_ROLLED_BACK);
    assert_ok(command_on(fleet, COMMAND_SKIP, "b/db1"));
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
    assert_non_null(strstr(rollout(fleet)->reason, "; 1 skipped stays as it is"));
    assert_non_null(strstr(explained(fleet), "b/db1: left out:"));
}

static void reports_on_the_way_back_lead_where_the_table_says(void **state)
{
    (void)state;
    static const struct {
        Report report;
        TargetState end;
    } CASES[] = {
        { REPORT_ACCEPTED, TARGET_ROLLING_BACK }, { REPORT_RUNNING, TARGET_ROLLING_BACK },
        { REPORT_PARKED, TARGET_ROLLING_BACK },   { REPORT_UNKNOWN, TARGET_DEBT },
        { REPORT_APPLIED, TARGET_ROLLING_BACK },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Fleet) fleet = half_way();
        assert_ok(command(fleet, COMMAND_ROLL_BACK));
        report(fleet, "a/db1", CASES[i].report);
        assert_target(fleet, "a/db1", CASES[i].end);
    }
}

static void debt_in_an_agents_hands_goes_where_it_says(void **state)
{
    (void)state;
    static const struct {
        Report report;
        TargetState end;
    } CASES[] = {
        { REPORT_ACCEPTED, TARGET_ROLLING_BACK },
        { REPORT_RUNNING, TARGET_ROLLING_BACK },
        { REPORT_PARKED, TARGET_DEBT },
        { REPORT_UNKNOWN, TARGET_DEBT },
        { REPORT_ROLLED_BACK, TARGET_ROLLED_BACK },
        { REPORT_FAILED, TARGET_ROLLBACK_FAILED },
        { REPORT_HELD, TARGET_HELD },
        { REPORT_REFUSED, TARGET_ROLLBACK_FAILED },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Fleet) fleet = half_way();
        report(fleet, "a/db2", REPORT_UNKNOWN);
        assert_ok(command(fleet, COMMAND_ROLL_BACK));
        assert_target(fleet, "a/db2", TARGET_DEBT);
        report(fleet, "a/db2", CASES[i].report);
        assert_target(fleet, "a/db2", CASES[i].end);
    }
}

static void an_agent_lost_on_the_way_back_leaves_debt(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    fleet->plan.strategy.max_parallel = 1;
    report(fleet, "a/db2", REPORT_APPLIED);
    report(fleet, "b/db2", REPORT_FAILED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
}

static void what_waits_for_its_way_back_is_debt_when_its_agent_is_lost(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 3);
    plan_two_waves(fleet, 8);
    fleet->plan.strategy.max_parallel = 1;
    fleet->plan.strategy.max_failures.value = 1;
    fleet->plan_waves[1].soak_ms = 60000;
    assert_ok(start(fleet));
    for (size_t i = 0; i < 8; i++) {
        const char *address = engine_target_at(fleet->engine, ROLLOUT, i)->address;
        report_steps(fleet, address, strcmp(address, "a/db2") == 0 ? REPORT_FAILED : REPORT_APPLIED,
                     1, 1);
    }
    report(fleet, "a/db3", REPORT_APPLIED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_target(fleet, "a/db2", TARGET_DEBT);
    assert_target(fleet, "a/db3", TARGET_DEBT);
}

static void everything_of_an_absent_agent_is_debt_at_once(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 5);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.strategy.max_failures.value = 3;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report_steps(fleet, "a/db2", REPORT_FAILED, 1, 1);
    report(fleet, "a/db3", REPORT_HELD);
    report(fleet, "a/db4", REPORT_RUNNING);
    fall_silent(fleet, "a");
    pass(fleet, 16000); /* suspect: out of reach, nothing concluded */
    assert_target(fleet, "a/db4", TARGET_APPLYING);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    for (uint32_t i = 1; i <= 5; i++) {
        char address[16];
        snprintf(address, sizeof(address), "a/db%u", i);
        assert_target(fleet, address, TARGET_DEBT);
    }
}

static void a_roll_back_without_an_end_is_debt(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report(fleet, "a/db1", REPORT_RUNNING);
    pass(fleet, 32 * 60 * 1000);
    assert_target(fleet, "a/db1", TARGET_DEBT);
}

static void a_late_applied_on_the_way_back_is_recorded(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    OrderStamp first = goal(fleet, "a/db2")->stamp;
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report_stamp(fleet, "a/db2", REPORT_APPLIED, first);
    assert_target(fleet, "a/db2", TARGET_ROLLING_BACK);
    assert_non_null(event_of(fleet, "T100"));
}

static void a_late_applied_under_an_older_attempt_changes_no_state(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    OrderStamp first = goal(fleet, "a/db1")->stamp;
    report(fleet, "a/db1", REPORT_FAILED);
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_ok(command(fleet, COMMAND_RESUME));
    report_stamp(fleet, "a/db1", REPORT_APPLIED, first);
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static void a_database_gone_on_the_way_back_is_held(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        AUTO_PTR(Fleet) fleet = half_way();
        if (i == 1) {
            report(fleet, "a/db2", REPORT_UNKNOWN);
        } else if (i == 2) {
            report_all(fleet, REPORT_APPLIED);
        } else if (i == 3) {
            report_steps(fleet, "a/db2", REPORT_FAILED, 1, 1);
        }
        if (i < 2) {
            assert_ok(command(fleet, COMMAND_ROLL_BACK));
        }
        host(fleet, "a")->dropped = 2;
        say_inventory(fleet, "a");
        if (i >= 2) {
            assert_ok(command(fleet, COMMAND_ROLL_BACK));
        }
        assert_target(fleet, "a/db2", TARGET_HELD);
        assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db2"), ERR_REFUSED);
        report_all(fleet, REPORT_ROLLED_BACK);
        assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
    }
}

static void what_was_held_on_its_way_back_may_be_back_all_the_same(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db2", TARGET_HELD);
    report(fleet, "a/db2", REPORT_ROLLED_BACK);
    assert_target(fleet, "a/db2", TARGET_ROLLED_BACK);
}

static void what_was_applied_after_it_was_gone_is_held_on_the_way_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    report(fleet, "a/db2", REPORT_RUNNING);
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    report(fleet, "a/db2", REPORT_APPLIED);
    assert_target(fleet, "a/db2", TARGET_VERIFYING);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db2", TARGET_HELD);
}

static void a_failed_roll_back_of_what_is_gone_is_not_retried(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report(fleet, "a/db2", REPORT_FAILED);
    assert_target(fleet, "a/db2", TARGET_ROLLBACK_FAILED);
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db2"), ERR_REFUSED);
}

static void what_waits_for_its_way_back_and_goes_is_held(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 3);
    plan_two_waves(fleet, 2);
    fleet->plan.strategy.max_parallel = 1;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report_steps(fleet, "a/db2", REPORT_FAILED, 1, 1);
    report(fleet, "a/db3", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db2", TARGET_HELD);
    host(fleet, "a")->dropped = 1;
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_HELD);
}

static void what_failed_or_was_never_started_needs_no_way_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.strategy.max_failures.value = 3;
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_FAILED);
    pass(fleet, 121000);
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
    assert_target(fleet, "b/db1", TARGET_ROLLED_BACK);
    assert_int_equal(command_on(fleet, COMMAND_SKIP, "b/db1"), ERR_REFUSED);
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "b/db1"), ERR_REFUSED);
}

static void what_waits_for_another_try_is_taken_back_first(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = half_way();
    report_steps(fleet, "a/db2", REPORT_FAILED, 1, 1);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db2"));
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db2", TARGET_ROLLING_BACK);
    report_steps(fleet, "b/db2", REPORT_FAILED, 1, 1);
}

static void a_failed_target_that_is_being_taken_back_is_not_retried(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    fleet->plan.strategy.max_parallel = 1;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report_steps(fleet, "a/db1", REPORT_FAILED, 1, 1);
    report(fleet, "a/db2", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db1"), ERR_REFUSED);
}

static void a_held_target_is_taken_back_once_and_then_a_persons(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_HELD);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    report_error(fleet, "a/db1", REPORT_HELD, ERR_NEWER_MIGRATIONS);
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
}

static void a_wave_that_was_back_goes_back_again_with_what_was_retried(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report_steps(fleet, "a/db1", REPORT_FAILED, 1, 1);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_wave(fleet, 0, WAVE_ROLLED_BACK);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_non_null(event_of(fleet, "W25"));
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK); /* its second try was not sent yet */
}

/* Its role may not touch skein's tables, say: neither could it be rolled back. */
static void a_target_that_failed_before_anything_was_done_is_where_it_was(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_APPLIED);
    report_unseen(fleet, "a/db1", REPORT_FAILED, ERR_PRIVILEGE);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_ROLLED_BACK);
    report(fleet, "b/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
}

/* A statement outside a transaction that broke off leaves neither what was applied nor nothing. */
static void what_was_held_is_never_taken_for_untouched(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_APPLIED);
    report_error(fleet, "a/db1", REPORT_HELD, ERR_INTERRUPTED);
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_PENDING);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
}

static void what_waits_for_another_try_goes_back_if_there_is_something_to_undo(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "c/db1", REPORT_APPLIED);
    report_steps(fleet, "a/db1", REPORT_FAILED, 0, 0);
    report_steps(fleet, "b/db1", REPORT_FAILED, 1, 1);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_ROLLED_BACK);
    assert_target(fleet, "b/db1", TARGET_ROLLING_BACK);
}

/* Also where its agent has an order in hand that could be turned round at once. */
static void a_roll_back_that_is_retried_in_a_pause_waits_for_its_end(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "b/db1", REPORT_FAILED);
    assert_wave(fleet, 0, WAVE_ROLLING_BACK);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "a" });
    assert_ok(command(fleet, COMMAND_PAUSE));
    come_back(fleet, "a"); /* its key was put back */
    assert_target(fleet, "a/db1", TARGET_HELD);
    uint32_t attempt = target(fleet, "a/db1")->stamp.attempt;
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_int_equal(target(fleet, "a/db1")->stamp.attempt, attempt);
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(an_operator_rolls_a_running_rollout_back),
    cmocka_unit_test(a_succeeded_rollout_goes_back_by_command_only),
    cmocka_unit_test(a_rollout_under_a_later_one_does_not_go_back),
    cmocka_unit_test(a_target_that_failed_before_anything_was_done_is_where_it_was),
    cmocka_unit_test(what_was_held_is_never_taken_for_untouched),
    cmocka_unit_test(what_waits_for_another_try_goes_back_if_there_is_something_to_undo),
    cmocka_unit_test(a_roll_back_that_fails_is_held_with_the_exact_list),
    cmocka_unit_test(reports_on_the_way_back_lead_where_the_table_says),
    cmocka_unit_test(debt_in_an_agents_hands_goes_where_it_says),
    cmocka_unit_test(an_agent_lost_on_the_way_back_leaves_debt),
    cmocka_unit_test(what_waits_for_its_way_back_is_debt_when_its_agent_is_lost),
    cmocka_unit_test(everything_of_an_absent_agent_is_debt_at_once),
    cmocka_unit_test(a_roll_back_without_an_end_is_debt),
    cmocka_unit_test(a_late_applied_on_the_way_back_is_recorded),
    cmocka_unit_test(a_late_applied_under_an_older_attempt_changes_no_state),
    cmocka_unit_test(a_database_gone_on_the_way_back_is_held),
    cmocka_unit_test(what_was_held_on_its_way_back_may_be_back_all_the_same),
    cmocka_unit_test(what_was_applied_after_it_was_gone_is_held_on_the_way_back),
    cmocka_unit_test(a_failed_roll_back_of_what_is_gone_is_not_retried),
    cmocka_unit_test(what_waits_for_its_way_back_and_goes_is_held),
    cmocka_unit_test(what_failed_or_was_never_started_needs_no_way_back),
    cmocka_unit_test(what_waits_for_another_try_is_taken_back_first),
    cmocka_unit_test(a_failed_target_that_is_being_taken_back_is_not_retried),
    cmocka_unit_test(a_held_target_is_taken_back_once_and_then_a_persons),
    cmocka_unit_test(a_wave_that_was_back_goes_back_again_with_what_was_retried),
    cmocka_unit_test(a_roll_back_that_is_retried_in_a_pause_waits_for_its_end),
};
STORIES(BACK_STORIES, TESTS);
