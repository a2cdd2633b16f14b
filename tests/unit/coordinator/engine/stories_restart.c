/* A coordinator that dies and comes back: what it knows, and what it does not decide yet. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static void a_restart_goes_on_where_it_was(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    plan_two_waves(fleet, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_RUNNING);
    restart(fleet);
    assert_true(engine_is_recovering(fleet->engine));
    assert_non_null(strstr(explained(fleet), "recovering: 2 attempts"));
    assert_target(fleet, "b/db1", TARGET_APPLYING);
    come_back(fleet, "a");
    come_back(fleet, "b");
    come_back(fleet, "c");
    assert_int_equal(goal(fleet, "b/db1")->stamp.term, 2); /* given anew under this term */
    assert_int_equal(goal(fleet, "b/db1")->stamp.attempt, 1);
    report(fleet, "b/db1", REPORT_RUNNING);
    report(fleet, "c/db1", REPORT_ACCEPTED);
    assert_false(engine_is_recovering(fleet->engine));
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void nothing_new_starts_while_recovering(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 6);
    assert_ok(start(fleet));
    restart(fleet);
    come_back(fleet, "a");
    size_t goals = fleet->goal_count;
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db5", TARGET_PENDING);
    assert_int_equal(fleet->goal_count, goals);
    fall_silent(fleet, "b");
    pass(fleet, 91000); /* the grace passes */
    assert_false(engine_is_recovering(fleet->engine));
}

static void what_is_heard_of_an_ended_rollout_recovers_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.where = "instance = 'a'";
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_ABORT));
    report(fleet, "a/db1", REPORT_PARKED);
    assert_rollout(fleet, ROLLOUT_ABORTED);
    fleet->plan.where = "instance = 'b'";
    assert_ok(start_as(fleet, "r2"));
    restart(fleet);
    come_back(fleet, "a");
    report(fleet, "a/db1", REPORT_PARKED);
    assert_true(engine_is_recovering(fleet->engine)); /* b/db1 is still to be heard of */
}

/* Lost while it looks: the verdict is on its absence, before and after. */
static Fleet *waiting_for_one_that_looks(OnAgentLost policy)
{
    Fleet *fleet = fleet_new(4, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    fleet->plan.strategy.on_agent_lost = policy;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_UNKNOWN);
    fall_silent(fleet, "a");
    report(fleet, "b/db1", REPORT_APPLIED);
    pass(fleet, 121000);
    assert_true(target(fleet, "a/db1")->is_charged);
    return fleet;
}

static void recover_without_a(Fleet *fleet)
{
    restart(fleet);
    host(fleet, "a")->is_silent = true;
    come_back(fleet, "b");
    come_back(fleet, "c");
    come_back(fleet, "d");
    pass(fleet, 95000);
    assert_false(engine_is_recovering(fleet->engine));
}

static void what_was_charged_for_absence_is_no_failure_after_a_restart(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = waiting_for_one_that_looks(ON_AGENT_LOST_WAIT);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    recover_without_a(fleet);
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

static void what_a_person_resumed_in_spite_of_stays_excused_after_a_restart(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_UNKNOWN);
    report(fleet, "b/db1", REPORT_APPLIED);
    pass(fleet, 31 * 60 * 1000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    report(fleet, "c/db1", REPORT_APPLIED);
    report(fleet, "d/db1", REPORT_APPLIED);
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_RUNNING);
    recover_without_a(fleet);
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

static void no_verdict_falls_in_the_grace(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_ROLL_BACK_ROLLOUT;
    assert_ok(start(fleet));
    fall_silent(fleet, "a");
    pass(fleet, 100000);
    host(fleet, "b")->is_silent = true;
    host(fleet, "c")->is_silent = true;
    restart(fleet);
    come_back(fleet, "b");
    come_back(fleet, "c");
    pass(fleet, 89000);
    assert_agent(fleet, "a", SESSION_NONE);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    pass(fleet, 33000);
    assert_agent(fleet, "a", SESSION_LOST);
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
}

static void a_roll_back_goes_on_while_recovering_only_by_a_person(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    assert_ok(start(fleet));
    restart(fleet);
    come_back(fleet, "a");
    report(fleet, "a/db1", REPORT_FAILED);
    assert_rollout(fleet, ROLLOUT_RUNNING); /* not while b has not been heard of */
    come_back(fleet, "b");
    report(fleet, "b/db1", REPORT_RUNNING);
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
}

static void a_missing_plan_allows_nobody_knows_how_many_failures(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    fleet->is_plan_lost = true;
    restart(fleet);
    come_back(fleet, "a");
    come_back(fleet, "b");
    come_back(fleet, "c");
    pass(fleet, 100000);
    assert_wave(fleet, 0, WAVE_RUNNING);
}

static void a_missing_plan_pauses_until_it_is_back_and_wanted(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    fleet->is_plan_lost = true;
    restart(fleet);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_PLAN_MISSING);
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.hint, "skein rollout resume --plan FILE"));
    assert_int_equal(command(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.hint, "skein rollout rollback --plan FILE"));
    assert_non_null(strstr(explained(fleet), "`skein rollout resume --plan FILE` brings its plan"));
    bring_plan(fleet, "");
    assert_rollout(fleet, ROLLOUT_PAUSED); /* to bring it is not to resume: it may be to go back */
    assert_non_null(strstr(explained(fleet), "the plan of r1 is back\n"));
    assert_non_null(strstr(explained(fleet), "\n`skein rollout resume` goes on"));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

/* What is under way cannot be looked at without it: the abort waits, and says for what. */
static void an_abort_that_misses_its_plan_says_so(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    fleet->is_plan_lost = true;
    restart(fleet);
    assert_ok(command(fleet, COMMAND_ABORT));
    say_hello_reborn(fleet, "a");
    say_ping(fleet, "a");
    assert_rollout(fleet, ROLLOUT_ABORTING);
    assert_non_null(strstr(explained(fleet), "without its plan: `skein plan FILE` brings it"));
    bring_plan(fleet, "");
    say_ping(fleet, "a"); /* its digest shows that it has nothing in hand */
    report_steps(fleet, "a/db1", REPORT_PARKED, 1, 1);
    assert_rollout(fleet, ROLLOUT_ABORTED);
}

static void a_missing_plan_pauses_what_is_ready_and_leaves_a_persons_pause(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->migrations[1].is_irreversible = true;
    assert_ok(start(fleet));
    fleet->is_plan_lost = true;
    restart(fleet);
    bring_plan(fleet, "");
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_READY);
    assert_ok(command(fleet, COMMAND_PAUSE));
    restart(fleet);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_OPERATOR);
    assert_non_null(strstr(explained(fleet), "`skein rollout resume --plan FILE` brings its plan"));
    bring_plan(fleet, "");
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_ok(command(fleet, COMMAND_RESUME));
}

/* Also where nobody waited for it: what has ended can be rolled back again. */
static void a_missing_plan_that_is_back_lets_an_ended_rollout_be_rolled_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    fleet->is_plan_lost = true;
    restart(fleet);
    come_back(fleet, "a");
    assert_int_equal(command(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.hint, "rollback --plan FILE"));
    bring_plan(fleet, "");
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
}

static void a_soak_starts_anew_after_a_restart(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    pass(fleet, 50000);
    restart(fleet);
    come_back(fleet, "a");
    pass(fleet, 59000);
    assert_wave(fleet, 0, WAVE_SOAKING);
    pass(fleet, 1500);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_soak_that_stood_still_starts_anew_after_a_restart(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    pass(fleet, 50000);
    assert_ok(command(fleet, COMMAND_PAUSE));
    restart(fleet);
    come_back(fleet, "a");
    assert_ok(command(fleet, COMMAND_RESUME));
    pass(fleet, 59000);
    assert_wave(fleet, 0, WAVE_SOAKING);
}

static void debt_is_settled_after_a_restart(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    fall_silent(fleet, "a");
    report(fleet, "b/db1", REPORT_APPLIED);
    pass(fleet, 32000);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report(fleet, "b/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
    restart(fleet);
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_ROLL_BACK);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
}

/* The store was thrown back to before an attempt, whose number is given once more. */
static void an_attempt_of_a_forgotten_reign_is_told_apart_by_its_token(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    const GoalMessage *order = goal(fleet, "a/db1");
    State word = { .rollout = ROLLOUT,
                   .target = "a/db1",
                   .stamp = { order->stamp.term - 1, order->stamp.attempt, order->stamp.revision },
                   .token = order->token + 1,
                   .report = REPORT_FAILED };
    report_bare(fleet, "a", &word);
    assert_target(fleet, "a/db1", TARGET_APPLYING);
    assert_int_equal(engine_term_seen(fleet->engine), 0);
    word.stamp = order->stamp; /* its term was given once more, too */
    report_bare(fleet, "a", &word);
    assert_int_equal(engine_term_seen(fleet->engine), order->stamp.term);
}

static void a_quarantine_outlives_a_restart(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    step(fleet, (Event){ .kind = EVENT_AGENT_FORGED, .agent = "a", .reason = "forged" });
    restart(fleet);
    assert_agent(fleet, "a", SESSION_QUARANTINED);
}

static void session_numbers_are_never_used_again(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    for (int i = 0; i < 5; i++) {
        say_hello_reborn(fleet, "a");
        say_ping(fleet, "a");
    }
    uint64_t before = host(fleet, "a")->session;
    restart(fleet);
    come_back(fleet, "a");
    assert_true(host(fleet, "a")->session > before);
}

static void an_agent_without_work_is_not_waited_for(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    host(fleet, "a")->is_silent = true;
    restart(fleet);
    pass(fleet, 200000);
    assert_agent(fleet, "a", SESSION_NONE);
}

/* One target is in hand, one has not been told yet: both wait, and both go on. */
static void a_roll_back_without_its_plan_says_so_and_goes_on_when_it_is_brought(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_APPLIED);
    fleet->plan.strategy.max_parallel = 1;
    restart(fleet);
    come_back(fleet, "a");
    come_back(fleet, "b");
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "b/db1", TARGET_ROLLING_BACK);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    fleet->is_plan_lost = true;
    restart(fleet);
    come_back(fleet, "a");
    come_back(fleet, "b");
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
    assert_non_null(strstr(explained(fleet), "`skein rollout rollback --plan FILE` brings it"));
    size_t goals = fleet->goal_count;
    pass(fleet, 20000);
    assert_int_equal(fleet->goal_count, goals);
    bring_plan(fleet, "");
    pass(fleet, 6000);
    assert_null(strstr(explained(fleet), "--plan"));
    assert_int_equal(goal(fleet, "b/db1")->goal, GOAL_ROLL_BACK);
    assert_int_equal(goal(fleet, "b/db1")->stamp.term, fleet->term);
    report(fleet, "b/db1", REPORT_ROLLED_BACK);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
}

/* It parked, was given to a rollout that came later, and is to be taken back after all. */
static void a_debt_that_a_later_rollout_had_keeps_no_host_busy_after_a_restart(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.max_parallel_per_host = 1;
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_ABORT));
    report_steps(fleet, "a/db1", REPORT_PARKED, 1, 1);
    assert_rollout(fleet, ROLLOUT_ABORTED);
    assert_ok(start_as(fleet, "r2"));
    report(fleet, "a/db1", REPORT_FAILED);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    fall_silent(fleet, "a");
    pass(fleet, 31000);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "a/db1", TARGET_DEBT);
    restart(fleet);
    come_back(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
}

/* While it recovers nothing is paused, and the key is back before it has recovered. */
static void a_key_revoked_while_recovering_pauses_afterwards(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report(fleet, "b/db1", REPORT_RUNNING);
    restart(fleet);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "a" });
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_true(engine_is_recovering(fleet->engine));
    come_back(fleet, "a"); /* its key was put back */
    come_back(fleet, "b");
    report(fleet, "b/db1", REPORT_RUNNING);
    pass(fleet, 91000);
    assert_false(engine_is_recovering(fleet->engine));
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(a_key_revoked_while_recovering_pauses_afterwards),
    cmocka_unit_test(a_debt_that_a_later_rollout_had_keeps_no_host_busy_after_a_restart),
    cmocka_unit_test(a_restart_goes_on_where_it_was),
    cmocka_unit_test(nothing_new_starts_while_recovering),
    cmocka_unit_test(what_is_heard_of_an_ended_rollout_recovers_nothing),
    cmocka_unit_test(what_was_charged_for_absence_is_no_failure_after_a_restart),
    cmocka_unit_test(what_a_person_resumed_in_spite_of_stays_excused_after_a_restart),
    cmocka_unit_test(no_verdict_falls_in_the_grace),
    cmocka_unit_test(a_roll_back_goes_on_while_recovering_only_by_a_person),
    cmocka_unit_test(a_missing_plan_allows_nobody_knows_how_many_failures),
    cmocka_unit_test(a_missing_plan_pauses_until_it_is_back_and_wanted),
    cmocka_unit_test(an_abort_that_misses_its_plan_says_so),
    cmocka_unit_test(a_missing_plan_pauses_what_is_ready_and_leaves_a_persons_pause),
    cmocka_unit_test(a_missing_plan_that_is_back_lets_an_ended_rollout_be_rolled_back),
    cmocka_unit_test(a_soak_starts_anew_after_a_restart),
    cmocka_unit_test(a_soak_that_stood_still_starts_anew_after_a_restart),
    cmocka_unit_test(debt_is_settled_after_a_restart),
    cmocka_unit_test(an_attempt_of_a_forgotten_reign_is_told_apart_by_its_token),
    cmocka_unit_test(a_quarantine_outlives_a_restart),
    cmocka_unit_test(session_numbers_are_never_used_again),
    cmocka_unit_test(an_agent_without_work_is_not_waited_for),
    cmocka_unit_test(a_roll_back_without_its_plan_says_so_and_goes_on_when_it_is_brought),
};
STORIES(RESTART_STORIES, TESTS);
