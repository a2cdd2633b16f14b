/* The plan's own time to be applied: a rollout that it runs out for stops, and fails nobody. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

#define LATER_MS 600000
#define NEVER_MS (INT64_C(1) << 50)

/* A canary and the rest, on hosts a and b, to be applied for `left_ms` from now on. */
static Fleet *with_time(uint64_t left_ms)
{
    Fleet *fleet = fleet_new(2, 2);
    plan_two_waves(fleet, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    fleet->plan.apply_until_s = (harness_wall_ms(fleet) + (int64_t)left_ms) / 1000;
    return fleet;
}

static void what_waits_beyond_the_plans_time_pauses_and_says_how_to_go_on(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(LATER_MS);
    fleet->plan_waves[0].soak_ms = 2 * LATER_MS;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    pass(fleet, LATER_MS - 2000);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    pass(fleet, 4000); /* its own timer: nothing else happens */
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_EXPIRED);
    assert_wave(fleet, 0, WAVE_SOAKING);
    pass(fleet, 4 * LATER_MS);
    assert_wave(fleet, 1, WAVE_WAITING);
    assert_null(goal(fleet, "b/db1"));
    assert_non_null(strstr(explained(fleet), "nothing more of it begins, with 3 targets not"));
    assert_non_null(strstr(explained(fleet), "--apply-until TIME"));
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.message, "that is over, with 3 targets not through"));
    assert_non_null(strstr(fleet->err.hint, "with a later end"));
    assert_ok(command(fleet, COMMAND_ROLL_BACK)); /* the way back has a time of its own */
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_ROLL_BACK);
}

static void an_approval_that_comes_too_late_opens_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(LATER_MS);
    fleet->plan_waves[1].needs_approval = true;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_wave(fleet, 1, WAVE_GATED);
    pass(fleet, LATER_MS + 2000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_wave(fleet, 1, WAVE_GATED);
    assert_null(goal(fleet, "b/db1"));
}

/* The timer counts the machine's time, and a clock that is set runs ahead of it. */
static void a_clock_that_is_set_forward_counts_at_once(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(LATER_MS);
    fleet->plan_waves[0].soak_ms = 2 * LATER_MS;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    fleet->wall_ahead_ms = 2 * LATER_MS;
    pass(fleet, 60000);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_EXPIRED);
    fleet->wall_ahead_ms = 0; /* it was wrong */
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_RUNNING);
    pass(fleet, LATER_MS);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_EXPIRED);
}

/* Nothing is left to begin when the last of them is through: nobody has to say anything. */
static void what_is_under_way_at_the_end_may_finish_and_the_rollout_with_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(LATER_MS);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report_all(fleet, REPORT_RUNNING);
    pass(fleet, LATER_MS + 2000);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_EXPIRED);
    assert_int_equal(goal(fleet, "b/db1")->goal, GOAL_HOLD);
    report(fleet, "a/db2", REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    report(fleet, "b/db2", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_plan_whose_time_is_over_is_not_started(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(LATER_MS);
    AUTO(Arena) arena = { 0 };
    PlanPreview preview = { 0 };
    Err err = { 0 };
    fleet->plan.apply_until_s = harness_wall_ms(fleet) / 1000 - 1;
    assert_int_equal(start(fleet), ERR_EXPIRED);
    assert_non_null(strstr(fleet->err.hint, "--apply-until"));
    assert_int_equal(engine_preview(fleet->engine, &fleet->plan, &arena, &preview, &err),
                     ERR_EXPIRED);
}

/* It was started in time, and what it waits for first outlasts the plan. */
static void a_rollout_that_has_not_begun_pauses_as_well(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(LATER_MS);
    fleet->plan.strategy.on_failure = ON_FAILURE_PAUSE;
    fleet->migrations[1].is_irreversible = true;
    fleet->plan.strategy.allow_irreversible = true;
    assert_ok(start(fleet));
    assert_rollout(fleet, ROLLOUT_READY);
    pass(fleet, LATER_MS + 2000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_EXPIRED);
    restart(fleet);
    pass(fleet, 1000);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_EXPIRED);
}

/* Where the agents' clocks are ahead, or the coordinator's is behind. */
static void refusals_for_the_times_sake_take_nothing_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(NEVER_MS);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report_error(fleet, "b/db1", REPORT_REFUSED, ERR_EXPIRED);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_EXPIRED);
    assert_non_null(strstr(explained(fleet), "by their clocks hosts say"));
    assert_ok(command_all_failed(fleet, COMMAND_RETRY)); /* whose clock was wrong has been set */
    assert_ok(command(fleet, COMMAND_RESUME));
    report_all(fleet, REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

/* As many as are allowed, with or without them. */
static void failures_beside_them_count_as_ever(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(NEVER_MS);
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report_error(fleet, "b/db1", REPORT_REFUSED, ERR_EXPIRED);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    report(fleet, "b/db2", REPORT_FAILED); /* one of each: without the refusal it is allowed */
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_EXPIRED);
}

static void failures_beyond_what_is_allowed_turn_it_back_as_ever(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_time(NEVER_MS);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "b/db2", REPORT_FAILED);
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(what_waits_beyond_the_plans_time_pauses_and_says_how_to_go_on),
    cmocka_unit_test(an_approval_that_comes_too_late_opens_nothing),
    cmocka_unit_test(a_clock_that_is_set_forward_counts_at_once),
    cmocka_unit_test(what_is_under_way_at_the_end_may_finish_and_the_rollout_with_it),
    cmocka_unit_test(a_plan_whose_time_is_over_is_not_started),
    cmocka_unit_test(a_rollout_that_has_not_begun_pauses_as_well),
    cmocka_unit_test(refusals_for_the_times_sake_take_nothing_back),
    cmocka_unit_test(failures_beside_them_count_as_ever),
    cmocka_unit_test(failures_beyond_what_is_allowed_turn_it_back_as_ever),
};
STORIES(TIME_STORIES, TESTS);
