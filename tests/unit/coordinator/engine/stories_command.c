/* Commands of people: pause, resume, abort, retry, skip. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static void a_pause_holds_what_runs_and_starts_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 6);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_HOLD);
    assert_int_equal(goal(fleet, "a/db1")->stamp.revision, 2);
    report(fleet, "a/db2", REPORT_APPLIED);
    assert_target(fleet, "a/db5", TARGET_PENDING);
    assert_int_equal(command(fleet, COMMAND_PAUSE), ERR_REFUSED);
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_target(fleet, "a/db5", TARGET_ASSIGNED);
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_APPLY);
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
}

static TargetCounts counts_of(const Fleet *fleet)
{
    TargetCounts counts = { 0 };
    engine_count(fleet->engine, ROLLOUT, UINT32_MAX, &counts);
    return counts;
}

static void a_paused_rollout_tells_how_many_steps_still_run(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 3);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "a/db3", REPORT_UNKNOWN);
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_int_equal(counts_of(fleet).running, 2);
    assert_non_null(strstr(explained(fleet), "2 steps are still under way; nothing new starts"));
    report(fleet, "a/db2", REPORT_APPLIED);
    assert_int_equal(counts_of(fleet).running, 1);
    report(fleet, "a/db1", REPORT_PARKED);
    assert_int_equal(counts_of(fleet).running, 0);
    assert_null(strstr(explained(fleet), "under way"));
    assert_non_null(strstr(explained(fleet), "\n1 waits between steps\n"));
    assert_int_equal(counts_of(fleet).busy, 2); /* one is parked, one unknown */
}

static void those_that_failed_are_named_before_they_are_acted_on(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.max_failures.value = 2;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    report(fleet, "b/db1", REPORT_APPLIED);
    static const CommandVerb VERBS[] = { COMMAND_RETRY, COMMAND_SKIP };
    for (size_t i = 0; i < ARRAY_LEN(VERBS); i++) {
        assert_true(engine_target_is_failed_for(fleet->engine, ROLLOUT, 0, VERBS[i]));
        assert_false(engine_target_is_failed_for(fleet->engine, ROLLOUT, 1, VERBS[i]));
        assert_false(engine_target_is_failed_for(fleet->engine, ROLLOUT, 2, VERBS[i]));
        assert_false(engine_target_is_failed_for(fleet->engine, ROLLOUT, 3, VERBS[i]));
    }
    assert_false(engine_target_is_failed_for(fleet->engine, "nosuch", 0, COMMAND_SKIP));
}

static void an_operators_pause_replaces_an_automatic_one(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_BUDGET);
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_OPERATOR);
}

static void what_is_parked_in_a_pause_leaves_its_host_to_others(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    fleet->plan.strategy.max_parallel_per_host = 1;
    fleet->plan.where = "database = 'db1'";
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_PAUSE));
    fleet->plan.where = "database = 'db2'";
    assert_ok(start_as(fleet, "r2"));
    assert_null(goal(fleet, "a/db2"));
    report(fleet, "a/db1", REPORT_PARKED);
    assert_non_null(goal(fleet, "a/db2"));
    assert_ok(command(fleet, COMMAND_RESUME)); /* it waits for room on its host */
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_HOLD);
}

static void an_abort_lets_running_steps_end_and_starts_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 6);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "a/db2", REPORT_RUNNING);
    report(fleet, "a/db3", REPORT_UNKNOWN);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_rollout(fleet, ROLLOUT_ABORTING);
    assert_target(fleet, "a/db6", TARGET_SKIPPED);
    report_steps(fleet, "a/db2", REPORT_PARKED, 3, 3);
    assert_target(fleet, "a/db2", TARGET_FAILED);
    assert_int_equal(target(fleet, "a/db2")->code, ERR_CANCELLED);
    report(fleet, "a/db3", REPORT_APPLIED);
    report(fleet, "a/db4", REPORT_PARKED); /* before it began */
    report(fleet, "a/db5", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_ABORTED);
    assert_target(fleet, "a/db1", TARGET_VERIFYING);
    assert_int_equal(command(fleet, COMMAND_ABORT), ERR_REFUSED);
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_int_equal(command(fleet, COMMAND_PAUSE), ERR_REFUSED);
    assert_int_equal(command_all_failed(fleet, COMMAND_RETRY), ERR_REFUSED);
    assert_int_equal(command(fleet, COMMAND_APPROVE), ERR_REFUSED);
}

static void an_abort_holds_what_nobody_looked_at(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 4);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "a/db2", REPORT_UNKNOWN);
    report(fleet, "a/db3", REPORT_UNKNOWN);
    say_hello_reborn(fleet, "a"); /* what was sent is not known to the new process */
    say_inventory(fleet, "a");
    assert_ok(command(fleet, COMMAND_ABORT));
    static const char *const UNSEEN[] = { "a/db1", "a/db2", "a/db4" };
    for (size_t i = 0; i < ARRAY_LEN(UNSEEN); i++) {
        const GoalMessage *order = goal(fleet, UNSEEN[i]);
        report_bare(fleet, "a",
                    &(State){ .rollout = ROLLOUT,
                              .target = UNSEEN[i],
                              .stamp = order->stamp,
                              .token = order->token,
                              .report = REPORT_PARKED });
        assert_target(fleet, UNSEEN[i], TARGET_HELD);
    }
    report(fleet, "a/db3", REPORT_PARKED); /* this one was looked at */
    assert_target(fleet, "a/db3", TARGET_FAILED);
    assert_rollout(fleet, ROLLOUT_ABORTED);
}

/* Its order was in a lost agent's hand, and a new process could not even read the database. */
static void what_is_held_is_not_failed_before_anybody_looked(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "a" });
    assert_target(fleet, "a/db1", TARGET_HELD);
    say_hello_reborn(fleet, "a");
    say_inventory(fleet, "a");
    report_unseen(fleet, "a/db1", REPORT_FAILED, ERR_SERVER);
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_SERVER);
    assert_true(target(fleet, "a/db1")->is_charged);
    report_error(fleet, "a/db1", REPORT_FAILED, ERR_SERVER);
    assert_target(fleet, "a/db1", TARGET_HELD); /* an attempt ends once */
}

/* The key of its agent was revoked in the middle of a step, and is back. */
static Fleet *with_a_held_target_in_hand(void)
{
    Fleet *fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_APPLIED);
    report_steps(fleet, "a/db1", REPORT_RUNNING, 0, 0);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "a" });
    step(fleet, (Event){ .kind = EVENT_AGENT_ADDED, .agent = "a" });
    come_back(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_HOLD);
    return fleet;
}

/* A person has it, so no report decides; but the next decision goes by where it stands. */
static void where_it_parked_is_known_of_what_is_held(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_a_held_target_in_hand();
    report_steps(fleet, "a/db1", REPORT_PARKED, 1, 1);
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_int_equal(target(fleet, "a/db1")->applied, 1);
    assert_non_null(strstr(target(fleet, "a/db1")->message, "key of its agent was revoked"));
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_int_equal(target(fleet, "a/db1")->applied, 1);
}

/* Nor is it asked for ever about an order that has ended. */
static void what_is_held_may_be_held_by_its_agent_too(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_a_held_target_in_hand();
    report_error(fleet, "a/db1", REPORT_HELD, ERR_HISTORY);
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_non_null(strstr(target(fleet, "a/db1")->message, "key of its agent was revoked"));
    size_t goals = fleet->goal_count;
    pass(fleet, 600000);
    assert_int_equal(fleet->goal_count, goals);
}

/* What it has applied meanwhile is not known before its agent has said so. */
static void a_retry_of_what_is_in_hand_still_is_neither_failed_nor_back(void **state)
{
    (void)state;
    static const struct {
        CommandVerb verb;
        TargetState state;
    } CASES[] = { { COMMAND_ABORT, TARGET_HELD }, { COMMAND_ROLL_BACK, TARGET_DEBT } };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Fleet) fleet = with_a_held_target_in_hand();
        assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
        assert_target(fleet, "a/db1", TARGET_PENDING);
        assert_ok(command(fleet, CASES[i].verb));
        assert_target(fleet, "a/db1", CASES[i].state);
    }
}

/* What it had applied when it parked is taken back, too. */
static void a_retry_of_what_is_parked_owes_what_it_applied(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_a_held_target_in_hand();
    report_steps(fleet, "a/db1", REPORT_PARKED, 1, 1);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_ROLL_BACK);
}

/* Its way back was refused before it read anything, and what it applied before is not known. */
static void an_abort_holds_a_debt_that_nobody_looked_at(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_WAVE;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "b/db1", REPORT_FAILED);
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    report_unseen(fleet, "a/db1", REPORT_FAILED, ERR_UNREACHABLE);
    assert_target(fleet, "a/db1", TARGET_ROLLBACK_FAILED);
    fall_silent(fleet, "a");
    pass(fleet, 31000);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_LOST);
}

static void an_abort_ends_what_was_parked_already(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 3);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "a/db2", REPORT_UNKNOWN);
    report(fleet, "a/db3", REPORT_UNKNOWN);
    assert_ok(command(fleet, COMMAND_PAUSE));
    report(fleet, "a/db1", REPORT_PARKED);
    report(fleet, "a/db2", REPORT_PARKED);
    report_bare(fleet, "a",
                &(State){ .rollout = ROLLOUT,
                          .target = "a/db3",
                          .stamp = goal(fleet, "a/db3")->stamp,
                          .token = goal(fleet, "a/db3")->token,
                          .report = REPORT_PARKED });
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_target(fleet, "a/db2", TARGET_FAILED);
    assert_target(fleet, "a/db3", TARGET_HELD);
    assert_rollout(fleet, ROLLOUT_ABORTED);
}

static void an_abort_of_what_never_ran_skips_everything(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->migrations[1].is_irreversible = true;
    assert_ok(start(fleet));
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_rollout(fleet, ROLLOUT_ABORTED);
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
}

static void an_abort_stops_a_soaking_wave_and_what_waits_for_another_try(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report_all(fleet, REPORT_APPLIED);
    assert_wave(fleet, 0, WAVE_SOAKING);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_wave(fleet, 0, WAVE_HELD);
}

static void a_retry_that_was_waiting_is_what_it_was_before_when_aborted(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    report(fleet, "a/db2", REPORT_HELD);
    assert_ok(command_all_failed(fleet, COMMAND_RETRY));
    assert_target(fleet, "a/db1", TARGET_PENDING);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_target(fleet, "a/db2", TARGET_HELD);
}

/* An earlier try may have left something, and the one that was to look did not begin. */
static void an_abort_holds_a_retry_that_was_to_look_first(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report_steps(fleet, "a/db1", REPORT_RUNNING, 1, 1);
    say_hello_reborn(fleet, "a");
    say_inventory(fleet, "a");
    report_unseen(fleet, "a/db1", REPORT_FAILED, ERR_POOLER);
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_PENDING);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_LOST);
    assert_rollout(fleet, ROLLOUT_ABORTED);
}

/* The same, and its agent stayed away before the other try could be given. */
static void an_abort_holds_a_retry_that_was_to_look_and_reached_nobody(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report_steps(fleet, "a/db1", REPORT_RUNNING, 1, 1);
    say_hello_reborn(fleet, "a");
    say_inventory(fleet, "a");
    report_unseen(fleet, "a/db1", REPORT_FAILED, ERR_POOLER);
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    pass(fleet, 121000);
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_UNREACHABLE);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_LOST);
}

static void an_unknown_target_can_be_skipped_and_is_told_to_hold(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_UNKNOWN);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db1"), ERR_REFUSED);
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_HOLD);
}

static void pending_targets_can_be_skipped_and_others_not(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 6);
    assert_ok(start(fleet));
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db6"));
    assert_int_equal(command_on(fleet, COMMAND_SKIP, "a/db1"), ERR_REFUSED);
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db1"), ERR_REFUSED);
    assert_int_equal(command_on(fleet, COMMAND_SKIP, "a/nowhere"), ERR_NOT_FOUND);
    assert_int_equal(command_all_failed(fleet, COMMAND_SKIP), ERR_REFUSED);
}

static void a_held_target_gets_another_try(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_HELD);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static void what_was_held_while_it_worked_may_end_all_the_same(void **state)
{
    (void)state;
    static const struct {
        Report end;
        TargetState state;
    } CASES[] = { { REPORT_APPLIED, TARGET_VERIFYING }, { REPORT_FAILED, TARGET_FAILED } };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
        assert_ok(start(fleet));
        report(fleet, "a/db2", REPORT_RUNNING);
        host(fleet, "a")->dropped = 2;
        say_inventory(fleet, "a");
        assert_target(fleet, "a/db2", TARGET_HELD);
        report(fleet, "a/db2", CASES[i].end);
        assert_target(fleet, "a/db2", CASES[i].state);
    }
}

static void commands_on_nothing_are_refused(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_int_equal(command(fleet, COMMAND_PAUSE), ERR_NOT_FOUND);
    assert_ok(start(fleet));
    assert_int_equal(command(fleet, COMMAND_NONE), ERR_USAGE);
    const Command wave = {
        .verb = COMMAND_APPROVE, .rollout = ROLLOUT, .wave = "no such", .actor = "x", .reason = ""
    };
    assert_int_equal(step(fleet, (Event){ .kind = EVENT_COMMAND, .command = wave }), ERR_NOT_FOUND);
    assert_int_equal(fleet->effects.list.count, 0);
}

static void a_ready_rollout_can_be_paused(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->migrations[1].is_irreversible = true;
    assert_ok(start(fleet));
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

static void an_abort_takes_up_no_debt_that_nobody_was_told_of(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_TARGET;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "b/db1", REPORT_RUNNING);
    report_steps(fleet, "a/db1", REPORT_FAILED, 1, 1);
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
    report(fleet, "a/db1", REPORT_FAILED);
    assert_target(fleet, "a/db1", TARGET_ROLLBACK_FAILED);
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_target(fleet, "a/db1", TARGET_FAILED);
    report(fleet, "b/db1", REPORT_PARKED);
    assert_target(fleet, "c/db1", TARGET_ASSIGNED);
}

/* Else the order would be sent again at every heartbeat, and be answered each time. */
static void the_end_of_what_was_skipped_is_the_end_of_its_order(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_UNKNOWN);
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_HOLD);
    say_ping(fleet, "a"); /* whose digest knows of no order */
    assert_int_equal(sent(fleet, MESSAGE_GOAL), 1);
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
    assert_int_equal(target(fleet, "a/db1")->applied, 1);
    say_ping(fleet, "a");
    assert_int_equal(sent(fleet, MESSAGE_GOAL), 0);
}

static void an_abort_that_waits_says_for_what(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_UNKNOWN);
    report(fleet, "b/db1", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_ABORT));
    const char *words = explained(fleet);
    assert_non_null(strstr(words, "aborted by operator ann"));
    assert_non_null(strstr(words, "still under way"));
    assert_non_null(strstr(words, "a/db1: unknown"));
    assert_non_null(strstr(words, "`skein rollout skip` leaves it as it is"));
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(an_abort_that_waits_says_for_what),
    cmocka_unit_test(the_end_of_what_was_skipped_is_the_end_of_its_order),
    cmocka_unit_test(an_abort_takes_up_no_debt_that_nobody_was_told_of),
    cmocka_unit_test(a_pause_holds_what_runs_and_starts_nothing),
    cmocka_unit_test(a_paused_rollout_tells_how_many_steps_still_run),
    cmocka_unit_test(those_that_failed_are_named_before_they_are_acted_on),
    cmocka_unit_test(an_operators_pause_replaces_an_automatic_one),
    cmocka_unit_test(what_is_parked_in_a_pause_leaves_its_host_to_others),
    cmocka_unit_test(an_abort_lets_running_steps_end_and_starts_nothing),
    cmocka_unit_test(an_abort_holds_what_nobody_looked_at),
    cmocka_unit_test(what_is_held_is_not_failed_before_anybody_looked),
    cmocka_unit_test(where_it_parked_is_known_of_what_is_held),
    cmocka_unit_test(what_is_held_may_be_held_by_its_agent_too),
    cmocka_unit_test(a_retry_of_what_is_in_hand_still_is_neither_failed_nor_back),
    cmocka_unit_test(a_retry_of_what_is_parked_owes_what_it_applied),
    cmocka_unit_test(an_abort_holds_a_debt_that_nobody_looked_at),
    cmocka_unit_test(an_abort_ends_what_was_parked_already),
    cmocka_unit_test(an_abort_of_what_never_ran_skips_everything),
    cmocka_unit_test(an_abort_stops_a_soaking_wave_and_what_waits_for_another_try),
    cmocka_unit_test(a_retry_that_was_waiting_is_what_it_was_before_when_aborted),
    cmocka_unit_test(an_abort_holds_a_retry_that_was_to_look_first),
    cmocka_unit_test(an_abort_holds_a_retry_that_was_to_look_and_reached_nobody),
    cmocka_unit_test(an_unknown_target_can_be_skipped_and_is_told_to_hold),
    cmocka_unit_test(pending_targets_can_be_skipped_and_others_not),
    cmocka_unit_test(a_held_target_gets_another_try),
    cmocka_unit_test(what_was_held_while_it_worked_may_end_all_the_same),
    cmocka_unit_test(commands_on_nothing_are_refused),
    cmocka_unit_test(a_ready_rollout_can_be_paused),
};
STORIES(COMMAND_STORIES, TESTS);
