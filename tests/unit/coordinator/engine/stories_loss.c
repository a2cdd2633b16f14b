/* Lost agents: unknown outcomes, verdicts, the breaker. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

#define AFTER_MS 121000

static Fleet *started(size_t hosts, uint32_t databases, OnAgentLost policy)
{
    Fleet *fleet = fleet_new(hosts, databases);
    fleet->plan.strategy.on_agent_lost = policy;
    assert_ok(start(fleet));
    return fleet;
}

static void a_short_partition_charges_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_ROLL_BACK_ROLLOUT);
    report(fleet, "a/db1", REPORT_RUNNING);
    fall_silent(fleet, "a");
    fall_silent(fleet, "b");
    host(fleet, "b")->is_silent = false; /* b was only late */
    pass(fleet, 32000);
    assert_agent(fleet, "a", SESSION_LOST);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    come_back(fleet, "a");
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_target(fleet, "a/db1", TARGET_APPLYING);
    assert_false(target(fleet, "a/db1")->is_charged);
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

static void an_order_without_an_answer_is_unknown_when_its_agent_is_lost(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_PAUSE);
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    report_all(fleet, REPORT_APPLIED);
    assert_non_null(strstr(explained(fleet), "nothing new starts"));
}

static void a_refusal_by_an_agent_that_was_lost_says_that_nothing_was_sent(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_PAUSE);
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    come_back(fleet, "a"); /* the same process: nobody else had the order */
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    report(fleet, "a/db1", REPORT_REFUSED);
    assert_target(fleet, "a/db1", TARGET_FAILED);
}

static void a_lost_agent_rolls_the_rollout_back_and_leaves_debt(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_ROLL_BACK_ROLLOUT);
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_APPLIED);
    fall_silent(fleet, "a");
    pass(fleet, AFTER_MS);
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
    assert_true(target(fleet, "a/db1")->is_charged);
    assert_target(fleet, "a/db1", TARGET_DEBT);
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
    assert_non_null(strstr(explained(fleet), "a/db1: debt"));
}

static void a_late_applied_is_a_fact_and_is_undone(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_ROLL_BACK_ROLLOUT);
    OrderStamp first = goal(fleet, "a/db1")->stamp;
    report(fleet, "a/db1", REPORT_RUNNING);
    fall_silent(fleet, "a");
    report_all(fleet, REPORT_APPLIED);
    pass(fleet, AFTER_MS);
    report_all(fleet, REPORT_ROLLED_BACK);
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_ROLL_BACK);
    report_stamp(fleet, "a/db1", REPORT_APPLIED, first);
    assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), 1);
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_int_equal(target(fleet, "a/db1")->applied, 1);
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
}

static void a_lost_agent_takes_its_wave_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_ROLL_BACK_WAVE);
    report_all(fleet, REPORT_RUNNING);
    report(fleet, "b/db1", REPORT_APPLIED);
    fall_silent(fleet, "a");
    pass(fleet, AFTER_MS);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_wave(fleet, 0, WAVE_ROLLING_BACK);
    assert_target(fleet, "b/db1", TARGET_ROLLING_BACK);
    assert_target(fleet, "a/db1", TARGET_DEBT);
}

static void a_wave_taken_back_for_an_absent_agent_keeps_what_never_started(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_ROLL_BACK_WAVE;
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_RUNNING);
    pass(fleet, AFTER_MS);
    assert_target(fleet, "a/db1", TARGET_PENDING);
    assert_wave(fleet, 0, WAVE_ROLLING_BACK);
    assert_ok(command(fleet, COMMAND_ROLL_BACK)); /* now for good */
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
    assert_non_null(event_of(fleet, "W34"));
}

static void a_lost_agent_pauses(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_PAUSE);
    fall_silent(fleet, "a");
    report(fleet, "b/db1", REPORT_APPLIED);
    pass(fleet, AFTER_MS);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_AGENT_LOST);
    assert_non_null(strstr(rollout(fleet)->reason, "a is away"));
    assert_ok(command(fleet, COMMAND_RESUME)); /* absence alone trips nothing */
}

static void a_rollout_may_wait_for_a_lost_agent(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_WAIT);
    fall_silent(fleet, "a");
    report_all(fleet, REPORT_APPLIED);
    pass(fleet, AFTER_MS);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    assert_true(target(fleet, "a/db1")->is_charged);
    assert_non_null(strstr(explained(fleet), "1 waits for agent a, which is lost"));
    come_back(fleet, "a");
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_target_whose_agent_is_away_fails_unreached_and_returns_with_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.strategy.max_failures.value = 1;
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    assert_ok(start(fleet));
    assert_target(fleet, "a/db1", TARGET_PENDING);
    pass(fleet, AFTER_MS);
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_UNREACHABLE);
    come_back(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static void
a_target_that_was_not_reached_does_not_wait_again_once_its_rollout_is_aborted(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_RUNNING);
    pass(fleet, AFTER_MS);
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_ok(command(fleet, COMMAND_ABORT));
    come_back(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_FAILED);
}

/* It was to be taken back with its wave when its agent would be there again. */
static void an_abort_takes_back_nothing_that_is_owed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "a/db2", REPORT_APPLIED);
    fall_silent(fleet, "a");
    pass(fleet, AFTER_MS);
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_target(fleet, "a/db2", TARGET_DEBT);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    assert_target(fleet, "a/db2", TARGET_FAILED);
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_HOLD);
    report_steps(fleet, "a/db1", REPORT_PARKED, 1, 1);
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_rollout(fleet, ROLLOUT_ABORTED);
}

/* Its charge was for its agent alone, and is no failure that a person would have to retry: with the
 * budget that it used up nothing would ever have been started again. */
static void who_was_away_goes_again_with_its_wave(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_APPLIED);
    fall_silent(fleet, "a");
    pass(fleet, AFTER_MS);
    report(fleet, "b/db1", REPORT_ROLLED_BACK); /* it has had an attempt */
    come_back(fleet, "a");
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_wave(fleet, 0, WAVE_ROLLED_BACK);
    fall_silent(fleet, "b");
    pass(fleet, 40000);
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_target(fleet, "b/db1", TARGET_PENDING);
    report(fleet, "a/db1", REPORT_APPLIED);
    pass(fleet, AFTER_MS);
    assert_target(fleet, "b/db1", TARGET_ROLLED_BACK);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    come_back(fleet, "b");
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_target(fleet, "b/db1", TARGET_ASSIGNED);
    report_all(fleet, REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

/* Nor does on_failure take back who was only away: it goes on when its agent is back. */
static void who_is_away_before_another_try_waits_for_his_agent(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_TARGET;
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_FAILED);
    assert_target(fleet, "b/db1", TARGET_ROLLED_BACK);
    report(fleet, "a/db1", REPORT_APPLIED);
    fall_silent(fleet, "b");
    pass(fleet, 40000);
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_ok(command(fleet, COMMAND_RESUME));
    pass(fleet, AFTER_MS);
    assert_target(fleet, "b/db1", TARGET_FAILED);
    come_back(fleet, "b");
    assert_target(fleet, "b/db1", TARGET_ASSIGNED);
    report(fleet, "b/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

/* Aborted first, and rolled back then: whoever owed it before owes it again. */
static void an_aborted_rollout_that_is_rolled_back_owes_again(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    fall_silent(fleet, "a");
    pass(fleet, AFTER_MS);
    assert_wave(fleet, 0, WAVE_ROLLING_BACK);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_wave(fleet, 0, WAVE_HELD);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_wave(fleet, 0, WAVE_ROLLING_BACK);
    assert_target(fleet, "a/db1", TARGET_DEBT);
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_ROLL_BACK);
}

/* A person has given it another try: what it failed by before is no answer to an agent's absence.
 */
static void another_try_whose_agent_is_lost_is_absent_and_has_not_failed(void **state)
{
    (void)state;
    static const struct {
        bool is_given; /* before the agent was lost */
        TargetState state;
    } CASES[] = { { true, TARGET_UNKNOWN }, { false, TARGET_FAILED } };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
        fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
        fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_WAVE;
        assert_ok(start(fleet));
        report(fleet, "b/db1", REPORT_APPLIED);
        report(fleet, "c/db1", REPORT_APPLIED);
        report(fleet, "d/db1", REPORT_APPLIED);
        report_steps(fleet, "a/db1", REPORT_FAILED, 0, 0);
        static const char *const BACK[] = { "b/db1", "c/db1", "d/db1" };
        for (size_t j = 0; j < ARRAY_LEN(BACK); j++) {
            report(fleet, BACK[j], REPORT_ROLLED_BACK);
        }
        assert_rollout(fleet, ROLLOUT_PAUSED);
        if (!CASES[i].is_given) {
            fall_silent(fleet, "a");
            pass(fleet, 40000);
        }
        assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
        assert_ok(command(fleet, COMMAND_RESUME));
        if (CASES[i].is_given) {
            report_steps(fleet, "a/db1", REPORT_RUNNING, 0, 0);
            fall_silent(fleet, "a");
        }
        pass(fleet, 40000);
        assert_rollout(fleet, ROLLOUT_RUNNING); /* a silence of a moment trips nothing */
        pass(fleet, AFTER_MS);
        assert_target(fleet, "a/db1", CASES[i].state);
        assert_true(target(fleet, "a/db1")->is_absent);
        assert_rollout(fleet, ROLLOUT_RUNNING);
    }
}

/* Excused was that outcome, not what becomes of the target for ever. */
static void an_outcome_that_is_unknown_once_more_is_a_failure_once_more(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(2, 1, ON_AGENT_LOST_PAUSE);
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "a/db1", REPORT_UNKNOWN);
    pass(fleet, 31 * 60 * 1000);
    assert_ok(command(fleet, COMMAND_RESUME));
    report(fleet, "a/db1", REPORT_FAILED);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_RUNNING);
    report(fleet, "a/db1", REPORT_UNKNOWN);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    pass(fleet, 31 * 60 * 1000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
}

static void no_verdict_falls_in_a_pause_nor_right_after_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_ROLL_BACK_ROLLOUT);
    assert_ok(command(fleet, COMMAND_PAUSE));
    fall_silent(fleet, "a");
    pass(fleet, 10 * AFTER_MS);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_ok(command(fleet, COMMAND_RESUME));
    pass(fleet, AFTER_MS - 2000);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    pass(fleet, 2000);
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
}

static void many_agents_lost_at_once_pause_and_roll_nothing_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(5, 1, ON_AGENT_LOST_ROLL_BACK_ROLLOUT);
    fall_silent(fleet, "a");
    fall_silent(fleet, "b");
    pass(fleet, 35000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_MASS_LOSS);
    pass(fleet, 3 * AFTER_MS);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_non_null(strstr(explained(fleet), "coordinator's own network"));
}

/* Nothing was open when they were lost; what is started right then is not to decide upon it. */
static void a_rollout_that_is_started_in_a_mass_loss_is_paused(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    fall_silent(fleet, "a");
    fall_silent(fleet, "b");
    pass(fleet, 40000);
    assert_ok(start(fleet));
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_MASS_LOSS);
    assert_null(goal(fleet, "c/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_int_equal(goal(fleet, "c/db1")->goal, GOAL_APPLY);
}

static void mass_loss_pauses_what_is_ready_and_leaves_what_is_paused(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(5, 1);
    fleet->migrations[1].is_irreversible = true;
    assert_ok(start(fleet));
    assert_rollout(fleet, ROLLOUT_READY);
    fall_silent(fleet, "a");
    fall_silent(fleet, "b");
    pass(fleet, 35000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    come_back(fleet, "a");
    come_back(fleet, "b");
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_READY); /* and not past the approval */
    assert_ok(command(fleet, COMMAND_PAUSE));
    fall_silent(fleet, "a");
    fall_silent(fleet, "b");
    pass(fleet, 35000);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_OPERATOR);
}

static void goodbyes_are_no_mass_loss(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(3, 1, ON_AGENT_LOST_PAUSE);
    say_bye(fleet, "a");
    say_bye(fleet, "b");
    pass(fleet, 10000);
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

static void a_deadline_without_an_end_is_unknown_and_charged(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(2, 1, ON_AGENT_LOST_PAUSE);
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "b/db1", REPORT_UNKNOWN);
    pass(fleet, 31 * 60 * 1000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    assert_true(target(fleet, "a/db1")->is_charged);
    assert_true(target(fleet, "b/db1")->is_charged);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_ok(command(fleet, COMMAND_RESUME)); /* only going on can resolve it */
    assert_rollout(fleet, ROLLOUT_RUNNING);
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_VERIFYING);
}

/* on_agent_lost decides, and on_failure only once the agent is back and still has no end to tell.
 */
static void a_deadline_stands_still_while_the_agent_is_lost(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    fleet->plan.strategy.target_timeout_ms = 20000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_APPLIED);
    fall_silent(fleet, "a");
    pass(fleet, 100000);
    assert_false(target(fleet, "a/db1")->is_charged);
    pass(fleet, AFTER_MS);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    assert_true(target(fleet, "a/db1")->is_absent);
    come_back(fleet, "a");
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void an_agent_that_is_back_has_time_to_look_before_its_deadline(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.target_timeout_ms = 20000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_APPLIED);
    fall_silent(fleet, "a");
    pass(fleet, 60000);
    come_back(fleet, "a");
    pass(fleet, 25000);
    assert_false(target(fleet, "a/db1")->is_charged);
    pass(fleet, 10000);
    assert_true(target(fleet, "a/db1")->is_charged);
}

static void an_assigned_target_is_unknown_after_its_deadline(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.target_timeout_ms = 5000;
    assert_ok(start(fleet));
    pass(fleet, 36000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
}

/* More was ordered of its agent than it has connections for. */
static void an_order_that_its_agent_has_not_begun_spends_no_time(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.target_timeout_ms = 5000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_ACCEPTED);
    for (int i = 0; i < 10; i++) {
        size_t goals = fleet->goal_count;
        pass(fleet, 31000);
        assert_true(fleet->goal_count > goals); /* asked again before its time is up */
        report_again(fleet, "a/db1", REPORT_ACCEPTED);
        assert_target(fleet, "a/db1", TARGET_APPLYING);
    }
    report(fleet, "a/db1", REPORT_RUNNING);
    pass(fleet, 30000);
    assert_target(fleet, "a/db1", TARGET_APPLYING);
    pass(fleet, 6000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
}

static void what_was_said_before_it_began_wins_no_time(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.target_timeout_ms = 5000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_ACCEPTED);
    report(fleet, "a/db1", REPORT_RUNNING);
    pass(fleet, 31000);
    report_late(fleet, "a/db1", REPORT_ACCEPTED, 0);
    pass(fleet, 5000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
}

static void a_deadline_stands_still_in_a_pause(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(1, 1, ON_AGENT_LOST_PAUSE);
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_PAUSE));
    report(fleet, "a/db1", REPORT_PARKED);
    pass(fleet, 60 * 60 * 1000);
    assert_target(fleet, "a/db1", TARGET_APPLYING);
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_APPLY);
    assert_int_equal(goal(fleet, "a/db1")->stamp.revision, 3);
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 1);
}

static void an_agent_lost_in_a_pause_is_asked_again_on_resume(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_PAUSE);
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_ok(command(fleet, COMMAND_RESUME));
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_APPLY);
}

static void a_quarantined_agent_is_given_up_like_a_lost_one(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = started(4, 1, ON_AGENT_LOST_PAUSE);
    host(fleet, "a")->is_silent = true;
    step(fleet, (Event){ .kind = EVENT_AGENT_FORGED, .agent = "a", .reason = "forged" });
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    pass(fleet, AFTER_MS);
    assert_rollout(fleet, ROLLOUT_PAUSED);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(a_short_partition_charges_nothing),
    cmocka_unit_test(an_order_without_an_answer_is_unknown_when_its_agent_is_lost),
    cmocka_unit_test(a_refusal_by_an_agent_that_was_lost_says_that_nothing_was_sent),
    cmocka_unit_test(a_lost_agent_rolls_the_rollout_back_and_leaves_debt),
    cmocka_unit_test(a_late_applied_is_a_fact_and_is_undone),
    cmocka_unit_test(a_lost_agent_takes_its_wave_back),
    cmocka_unit_test(a_wave_taken_back_for_an_absent_agent_keeps_what_never_started),
    cmocka_unit_test(a_lost_agent_pauses),
    cmocka_unit_test(a_rollout_may_wait_for_a_lost_agent),
    cmocka_unit_test(a_target_whose_agent_is_away_fails_unreached_and_returns_with_it),
    cmocka_unit_test(a_target_that_was_not_reached_does_not_wait_again_once_its_rollout_is_aborted),
    cmocka_unit_test(an_abort_takes_back_nothing_that_is_owed),
    cmocka_unit_test(who_was_away_goes_again_with_its_wave),
    cmocka_unit_test(who_is_away_before_another_try_waits_for_his_agent),
    cmocka_unit_test(an_aborted_rollout_that_is_rolled_back_owes_again),
    cmocka_unit_test(another_try_whose_agent_is_lost_is_absent_and_has_not_failed),
    cmocka_unit_test(an_outcome_that_is_unknown_once_more_is_a_failure_once_more),
    cmocka_unit_test(no_verdict_falls_in_a_pause_nor_right_after_it),
    cmocka_unit_test(many_agents_lost_at_once_pause_and_roll_nothing_back),
    cmocka_unit_test(a_rollout_that_is_started_in_a_mass_loss_is_paused),
    cmocka_unit_test(mass_loss_pauses_what_is_ready_and_leaves_what_is_paused),
    cmocka_unit_test(goodbyes_are_no_mass_loss),
    cmocka_unit_test(a_deadline_without_an_end_is_unknown_and_charged),
    cmocka_unit_test(a_deadline_stands_still_while_the_agent_is_lost),
    cmocka_unit_test(an_agent_that_is_back_has_time_to_look_before_its_deadline),
    cmocka_unit_test(an_assigned_target_is_unknown_after_its_deadline),
    cmocka_unit_test(an_order_that_its_agent_has_not_begun_spends_no_time),
    cmocka_unit_test(what_was_said_before_it_began_wins_no_time),
    cmocka_unit_test(a_deadline_stands_still_in_a_pause),
    cmocka_unit_test(an_agent_lost_in_a_pause_is_asked_again_on_resume),
    cmocka_unit_test(a_quarantined_agent_is_given_up_like_a_lost_one),
};
STORIES(LOSS_STORIES, TESTS);
