/* Forward: waves, limits, orders and reports. */
#include "tests/unit/coordinator/engine/stories.h"

#include <stdio.h>
#include <string.h>

static uint32_t count_in(Fleet *fleet, TargetState state)
{
    TargetCounts counts;
    engine_count(fleet->engine, ROLLOUT, UINT32_MAX, &counts);
    return counts.by_state[state];
}

static void a_rollout_over_two_waves_succeeds(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 2);
    plan_two_waves(fleet, 1);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_RUNNING);
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
    assert_target(fleet, "b/db1", TARGET_PENDING);
    report(fleet, "a/db1", REPORT_ACCEPTED);
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_target(fleet, "a/db1", TARGET_APPLYING);
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    report_all(fleet, REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_non_null(strstr(explained(fleet), "succeeded"));
}

static size_t events_counted(Fleet *fleet, const char *rule)
{
    size_t count = 0;
    for (size_t i = 0; i < fleet->events.count; i++) {
        count += strcmp(fleet->events.items[i]->rule, rule) == 0;
    }
    return count;
}

static void what_blocks_a_target_is_told_while_it_is_tried_again(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report_error(fleet, "a/db1", REPORT_RUNNING, ERR_BLOCKED);
    assert_non_null(strstr(event_of(fleet, "E10")->text, "a tries a/db1 again: "));
    assert_non_null(strstr(event_of(fleet, "E10")->text, "blocked by"));
    report_error(fleet, "a/db1", REPORT_RUNNING, ERR_BLOCKED);
    assert_int_equal(events_counted(fleet, "E10"), 1);
    report_error(fleet, "a/db1", REPORT_RUNNING, ERR_BLOCKING);
    assert_int_equal(events_counted(fleet, "E10"), 2);
    report_error(fleet, "a/db1", REPORT_FAILED, ERR_BLOCKING);
    assert_int_equal(events_counted(fleet, "E10"), 2);
}

static void what_went_on_all_the_same_is_kept_over_attempts_and_restarts(void **state)
{
    (void)state;
    static Warning FIRST[] = { { "0001_a", 1, "01000", "one" }, { "0001_a", 1, "01000", "two" } };
    static Warning THEN[] = { { "0001_a", 1, "01000", "two" }, { "0002_b", 1, "01000", "three" } };
    static Passed PASSED[] = { { "0000_x", true } };
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_null(target(fleet, "a/db1")->remarks);
    report_remarks(fleet, "a/db1", REPORT_FAILED,
                   &(Remarks){ .warnings = FIRST, .warning_count = 2, .warnings_total = 9 });
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    report_remarks(fleet, "a/db1", REPORT_RUNNING,
                   &(Remarks){ .warnings = THEN,
                               .warning_count = 2,
                               .warnings_total = 2,
                               .passed = PASSED,
                               .passed_count = 1,
                               .passed_total = 1 });
    restart(fleet);
    const Remarks *kept = target(fleet, "a/db1")->remarks;
    assert_int_equal(kept->warning_count, 3);
    assert_string_equal(kept->warnings[0].message, "one");
    assert_string_equal(kept->warnings[2].message, "three");
    assert_int_equal(kept->warnings_total, 9);
    assert_string_equal(kept->passed[0].id, "0000_x");
}

static void parallelism_is_limited_overall(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 2);
    fleet->plan.strategy.max_parallel = 3;
    assert_ok(start(fleet));
    assert_int_equal(count_in(fleet, TARGET_ASSIGNED), 3);
    report(fleet, "a/db1", REPORT_UNKNOWN); /* unknown keeps its slot, and stops admission */
    assert_int_equal(count_in(fleet, TARGET_ASSIGNED), 2);
}

static void parallelism_is_limited_per_host(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 6);
    assert_ok(start(fleet));
    assert_int_equal(count_in(fleet, TARGET_ASSIGNED), 8); /* four on each */
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_int_equal(count_in(fleet, TARGET_ASSIGNED), 8);
}

static void strict_runs_no_more_at_once_than_may_fail(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 2);
    fleet->plan.strategy.is_strict = true;
    fleet->plan.strategy.max_failures.value = 1;
    assert_ok(start(fleet));
    assert_int_equal(count_in(fleet, TARGET_ASSIGNED), 2);
}

static void a_wave_soaks_before_it_passes(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    assert_non_null(strstr(explained(fleet), "starts when all are applied"));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_wave(fleet, 0, WAVE_SOAKING);
    assert_non_null(strstr(explained(fleet), "soaks for another 1 m"));
    pass(fleet, 59000);
    assert_wave(fleet, 0, WAVE_SOAKING);
    pass(fleet, 1000);
    assert_wave(fleet, 0, WAVE_PASSED);
    assert_wave(fleet, 1, WAVE_RUNNING);
}

static void a_pause_stops_the_soaks_clock(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    pass(fleet, 30000);
    assert_ok(command(fleet, COMMAND_PAUSE));
    pass(fleet, 100000);
    assert_ok(command(fleet, COMMAND_RESUME));
    pass(fleet, 29000);
    assert_wave(fleet, 0, WAVE_SOAKING);
    pass(fleet, 1500);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_wave_waits_for_its_approval(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[1].needs_approval = true;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_wave(fleet, 1, WAVE_GATED);
    assert_non_null(strstr(explained(fleet), "waits for approval"));
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_wave(fleet, 1, WAVE_RUNNING);
    assert_string_equal(wave(fleet, 1)->approved_by, "operator ann");
}

static void a_wave_may_be_approved_before_its_turn_and_only_once(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[1].needs_approval = true;
    assert_ok(start(fleet));
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_int_equal(command(fleet, COMMAND_APPROVE), ERR_REFUSED);
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_wave(fleet, 1, WAVE_RUNNING);
    const Command named = { .verb = COMMAND_APPROVE,
                            .rollout = ROLLOUT,
                            .wave = "rest",
                            .actor = "operator ann",
                            .reason = "" };
    assert_int_equal(step(fleet, (Event){ .kind = EVENT_COMMAND, .command = named }), ERR_REFUSED);
}

static ErrCode approve(Fleet *fleet, const char *wave)
{
    const Command named = { .verb = COMMAND_APPROVE,
                            .rollout = ROLLOUT,
                            .wave = wave,
                            .actor = "operator ann",
                            .reason = "" };
    return step(fleet, (Event){ .kind = EVENT_COMMAND, .command = named });
}

static void approving_twice_approves_one_wave(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[2] = fleet->plan_waves[1];
    fleet->plan_waves[1] = (PlanWave){ .name = "early", .targets = { .value = 2 } };
    fleet->plan.strategy.wave_count = 3;
    fleet->plan_waves[1].needs_approval = true;
    fleet->plan_waves[2].needs_approval = true;
    assert_ok(start(fleet));
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_int_equal(command(fleet, COMMAND_APPROVE), ERR_REFUSED);
    assert_int_equal(approve(fleet, wave(fleet, 0)->name), ERR_REFUSED); /* it is open */
    assert_ok(approve(fleet, wave(fleet, 2)->name));
    assert_int_equal(approve(fleet, wave(fleet, 2)->name), ERR_REFUSED);
}

static void a_wave_that_does_not_ask_is_not_approved(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    plan_two_waves(fleet, 1);
    assert_ok(start(fleet));
    assert_int_equal(approve(fleet, wave(fleet, 1)->name), ERR_REFUSED);
}

static void a_wave_without_targets_of_its_own_passes(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    plan_two_waves(fleet, 5);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_non_null(event_of(fleet, "W01"));
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void an_order_carries_what_the_agent_needs(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    const GoalMessage *order = goal(fleet, "a/db1");
    assert_int_equal(order->goal, GOAL_APPLY);
    assert_string_equal(order->to, "0002_currency");
    assert_int_equal(order->stamp.attempt, 1);
    assert_int_equal(order->token, 1);
    assert_int_equal(order->identity.database_oid, 1001);
    assert_int_equal(order->deadline_ms, 30 * 60 * 1000);
}

static void an_order_is_sent_again_ever_more_rarely(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    fall_silent(fleet, "a");
    size_t goals = fleet->goal_count;
    pass(fleet, 14900); /* after 5 s; the next after 10 more */
    assert_int_equal(fleet->goal_count, goals + 1);
}

static void an_order_that_a_living_agent_never_answers_is_renewed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    pass(fleet, 120000);
    assert_true(target(fleet, "a/db1")->stamp.attempt > 1);
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static void a_doubled_end_is_acknowledged_and_told_once(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), 1);
    size_t events = fleet->events.count;
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), 1);
    assert_int_equal(fleet->events.count, events);
    report(fleet, "a/db1", REPORT_RUNNING); /* overtaken */
    assert_target(fleet, "a/db1", TARGET_VERIFYING);
}

static void a_report_that_was_overtaken_changes_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_ACCEPTED);
    report_steps(fleet, "a/db1", REPORT_RUNNING, 3, 3);
    report_late(fleet, "a/db1", REPORT_RUNNING, 2);
    assert_int_equal(target(fleet, "a/db1")->steps_done, 3);
}

static void a_report_of_another_agents_target_is_a_forgery(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report_as(fleet, "b", "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
    assert_agent(fleet, "b", SESSION_QUARANTINED);
}

static void every_report_leads_where_the_table_says(void **state)
{
    (void)state;
    static const struct {
        Report first;
        Report then;
        TargetState end;
    } CASES[] = {
        { REPORT_PARKED, REPORT_APPLIED, TARGET_VERIFYING },
        { REPORT_NONE, REPORT_FAILED, TARGET_FAILED },
        { REPORT_NONE, REPORT_HELD, TARGET_HELD },
        { REPORT_NONE, REPORT_REFUSED, TARGET_FAILED },
        { REPORT_NONE, REPORT_UNKNOWN, TARGET_UNKNOWN },
        { REPORT_ACCEPTED, REPORT_ACCEPTED, TARGET_APPLYING },
        { REPORT_RUNNING, REPORT_PARKED, TARGET_APPLYING },
        { REPORT_RUNNING, REPORT_UNKNOWN, TARGET_UNKNOWN },
        { REPORT_RUNNING, REPORT_FAILED, TARGET_FAILED },
        { REPORT_RUNNING, REPORT_HELD, TARGET_HELD },
        { REPORT_NONE, REPORT_ROLLED_BACK, TARGET_ROLLED_BACK }, /* ordered in another reign */
        { REPORT_RUNNING, REPORT_ROLLED_BACK, TARGET_ROLLED_BACK },
        { REPORT_UNKNOWN, REPORT_ROLLED_BACK, TARGET_ROLLED_BACK },
        { REPORT_UNKNOWN, REPORT_ACCEPTED, TARGET_UNKNOWN },
        { REPORT_UNKNOWN, REPORT_UNKNOWN, TARGET_UNKNOWN },
        { REPORT_UNKNOWN, REPORT_PARKED, TARGET_UNKNOWN },
        { REPORT_UNKNOWN, REPORT_RUNNING, TARGET_APPLYING },
        { REPORT_UNKNOWN, REPORT_APPLIED, TARGET_VERIFYING },
        { REPORT_UNKNOWN, REPORT_FAILED, TARGET_FAILED },
        { REPORT_UNKNOWN, REPORT_HELD, TARGET_HELD },
        { REPORT_UNKNOWN, REPORT_REFUSED, TARGET_HELD },
        { REPORT_RUNNING, REPORT_REFUSED, TARGET_HELD }, /* begun anew: what was it at before? */
        { REPORT_APPLIED, REPORT_HELD, TARGET_HELD },    /* lost after a failover */
        { REPORT_APPLIED, REPORT_FAILED, TARGET_VERIFYING },
        { REPORT_APPLIED, REPORT_REFUSED, TARGET_VERIFYING },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
        fleet->plan_waves[0].soak_ms = 60000;
        assert_ok(start(fleet));
        if (CASES[i].first != REPORT_NONE) {
            report(fleet, "a/db1", CASES[i].first);
        }
        report(fleet, "a/db1", CASES[i].then);
        assert_target(fleet, "a/db1", CASES[i].end);
    }
}

/* Its process took the order once, and whatever else it did, it told of its steps itself. */
static void a_refusal_by_the_process_that_was_asked_first_is_a_failure(void **state)
{
    (void)state;
    static const Report BEFORE[] = { REPORT_NONE, REPORT_ACCEPTED };
    for (size_t i = 0; i < ARRAY_LEN(BEFORE); i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
        assert_ok(start(fleet));
        if (BEFORE[i] != REPORT_NONE) {
            report(fleet, "a/db1", BEFORE[i]);
        }
        report_error(fleet, "a/db1", REPORT_REFUSED, ERR_EXPIRED);
        assert_target(fleet, "a/db1", TARGET_FAILED);
    }
}

/* Somebody whom this coordinator knows nothing of has been at the database. */
static void a_target_that_a_newer_attempt_owns_is_held(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    report_error(fleet, "a/db1", REPORT_REFUSED, ERR_FENCED);
    assert_target(fleet, "a/db1", TARGET_HELD);
}

static void a_healthy_target_that_lost_its_migrations_is_held(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    plan_two_waves(fleet, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report_error(fleet, "a/db1", REPORT_HELD, ERR_LOST_AFTER_FAILOVER);
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_rollout(fleet, ROLLOUT_PAUSED);
}

static void progress_is_shown_and_not_kept(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    progress(fleet, "a/db1", "building index");
    assert_int_equal(fleet->effects.list.count, 0);
    assert_string_equal(engine_target_progress(fleet->engine, ROLLOUT, "a/db1")->phase,
                        "building index");
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_null(engine_target_progress(fleet->engine, ROLLOUT, "a/db1"));
}

static void tokens_and_attempts_rise_over_rollouts(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_ok(start_as(fleet, "r2"));
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 2);
    assert_int_equal(goal(fleet, "a/db1")->token, 2);
}

static void ten_thousand_targets_are_rolled_out(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(0, 0);
    fleet->is_checked = false;
    for (size_t i = 0; i < 50; i++) {
        char name[8];
        snprintf(name, sizeof(name), "h%zu", i);
        fleet_add_host(fleet, name, 200);
    }
    fleet->plan.strategy.max_parallel = 10000;
    fleet->plan.strategy.max_parallel_per_host = 200;
    assert_ok(start(fleet));
    for (size_t i = 0; i < 10000; i++) {
        report(fleet, engine_target_at(fleet->engine, ROLLOUT, i)->address, REPORT_APPLIED);
    }
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

/* Five canaries are more than a tenth of six: the second wave has none of its own. */
/* Schemas of one database share its catalogs. */
static void parallelism_is_limited_per_database(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 0);
    Host *a = host(fleet, "a");
    InventoryTarget targets[4];
    static const char *const ADDRESSES[] = { "a/db1/s1", "a/db1/s2", "a/db2/s1", "a/db2/s2" };
    for (uint32_t i = 0; i < ARRAY_LEN(targets); i++) {
        targets[i] = (InventoryTarget){ .target = ADDRESSES[i],
                                        .instance = "a",
                                        .identity = { a->system_identifier, 1000 + i / 2,
                                                      i % 2 == 0 ? "s1" : "s2" },
                                        .version = "",
                                        .is_read = true,
                                        .rollout = "" };
    }
    say_listing(fleet, "a", targets, ARRAY_LEN(targets));
    assert_ok(start(fleet));
    assert_target(fleet, "a/db1/s1", TARGET_ASSIGNED);
    assert_target(fleet, "a/db2/s1", TARGET_ASSIGNED);
    assert_target(fleet, "a/db1/s2", TARGET_PENDING);
    assert_target(fleet, "a/db2/s2", TARGET_PENDING);
    report(fleet, "a/db1/s1", REPORT_UNKNOWN); /* which keeps its place */
    assert_target(fleet, "a/db1/s2", TARGET_PENDING);
    report(fleet, "a/db2/s1", REPORT_APPLIED);
    assert_target(fleet, "a/db2/s2", TARGET_PENDING); /* nor beyond the budget: one is unknown */
    report(fleet, "a/db1/s1", REPORT_APPLIED);
    assert_target(fleet, "a/db1/s2", TARGET_ASSIGNED);
    assert_target(fleet, "a/db2/s2", TARGET_ASSIGNED);
}

static void sentences_count_as_people_do(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 3);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[1].soak_ms = 60000;
    assert_ok(start(fleet));
    assert_string_equal(event_of(fleet, "R02")->text, "rollout r1 runs: 3 targets");
    assert_string_equal(event_of(fleet, "W03")->text, "wave canary opens with 1 target");
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_string_equal(event_of(fleet, "W09")->text, "wave canary: 1 of 1 applied");
    assert_string_equal(event_of(fleet, "W03")->text, "wave rest opens with 2 targets");
    report(fleet, "a/db2", REPORT_APPLIED);
    report_unseen(fleet, "a/db3", REPORT_REFUSED, ERR_SIGNATURE);
    assert_non_null(strstr(rollout(fleet)->reason, "1 failed, 0 allowed"));
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db3"));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_string_equal(event_of(fleet, "W09")->text,
                        "wave rest: 1 of 2 applied; it soaks for 1 m");
}

static void an_empty_wave_asks_for_the_approval_that_guards_those_behind_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(6, 1);
    plan_two_waves(fleet, 5);
    fleet->plan_waves[2] = fleet->plan_waves[1];
    fleet->plan_waves[2].name = "last";
    fleet->plan_waves[1].targets = (Amount){ .value = 10, .is_percent = true };
    fleet->plan_waves[1].needs_approval = true;
    fleet->plan.strategy.wave_count = 3;
    assert_ok(start(fleet));
    report_all(fleet, REPORT_APPLIED);
    report(fleet, "e/db1", REPORT_APPLIED);
    assert_wave(fleet, 1, WAVE_GATED);
    assert_wave(fleet, 2, WAVE_WAITING);
    assert_null(goal(fleet, "f/db1"));
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_wave(fleet, 1, WAVE_PASSED);
    assert_wave(fleet, 2, WAVE_RUNNING);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(parallelism_is_limited_per_database),
    cmocka_unit_test(sentences_count_as_people_do),
    cmocka_unit_test(an_empty_wave_asks_for_the_approval_that_guards_those_behind_it),
    cmocka_unit_test(a_rollout_over_two_waves_succeeds),
    cmocka_unit_test(what_blocks_a_target_is_told_while_it_is_tried_again),
    cmocka_unit_test(what_went_on_all_the_same_is_kept_over_attempts_and_restarts),
    cmocka_unit_test(parallelism_is_limited_overall),
    cmocka_unit_test(parallelism_is_limited_per_host),
    cmocka_unit_test(strict_runs_no_more_at_once_than_may_fail),
    cmocka_unit_test(a_wave_soaks_before_it_passes),
    cmocka_unit_test(a_pause_stops_the_soaks_clock),
    cmocka_unit_test(a_wave_waits_for_its_approval),
    cmocka_unit_test(a_wave_may_be_approved_before_its_turn_and_only_once),
    cmocka_unit_test(approving_twice_approves_one_wave),
    cmocka_unit_test(a_wave_that_does_not_ask_is_not_approved),
    cmocka_unit_test(a_wave_without_targets_of_its_own_passes),
    cmocka_unit_test(an_order_carries_what_the_agent_needs),
    cmocka_unit_test(an_order_is_sent_again_ever_more_rarely),
    cmocka_unit_test(an_order_that_a_living_agent_never_answers_is_renewed),
    cmocka_unit_test(a_doubled_end_is_acknowledged_and_told_once),
    cmocka_unit_test(a_report_that_was_overtaken_changes_nothing),
    cmocka_unit_test(a_report_of_another_agents_target_is_a_forgery),
    cmocka_unit_test(every_report_leads_where_the_table_says),
    cmocka_unit_test(a_refusal_by_the_process_that_was_asked_first_is_a_failure),
    cmocka_unit_test(a_target_that_a_newer_attempt_owns_is_held),
    cmocka_unit_test(a_healthy_target_that_lost_its_migrations_is_held),
    cmocka_unit_test(progress_is_shown_and_not_kept),
    cmocka_unit_test(tokens_and_attempts_rise_over_rollouts),
    cmocka_unit_test(ten_thousand_targets_are_rolled_out),
};
STORIES(FORWARD_STORIES, TESTS);
