/* What a rollout is said to do or wait for, where a list is long, a clock is over, or nobody is
 * there. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static void assert_said(Fleet *fleet, const char *words)
{
    if (strstr(explained(fleet), words) == NULL) {
        fail_msg("expected '%s' in:\n%s", words, explained(fleet));
    }
}

static const char *explained_at(Fleet *fleet, const char *id, uint64_t now_ms)
{
    AUTO(Str) text = { 0 };
    engine_explain(fleet->engine, id, now_ms, &text);
    return arena_strdup(&fleet->arena, str_text(&text));
}

/* Twelve databases on one host, all at once, and as many failures allowed. */
static Fleet *with_twelve(void)
{
    Fleet *fleet = fleet_new(1, 12);
    fleet->plan.strategy.max_parallel_per_host = 12;
    fleet->plan.strategy.max_failures = (Amount){ .value = 12 };
    return fleet;
}

static void of_many_in_trouble_ten_are_named(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_twelve();
    assert_ok(start(fleet));
    report_all(fleet, REPORT_FAILED);
    assert_said(fleet, "  a/db7: failed: ");
    assert_said(fleet, "\n  and 2 more");
    assert_null(strstr(explained(fleet), "  a/db8: "));
}

static void of_many_that_are_left_out_ten_are_named(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_twelve();
    assert_ok(start(fleet));
    report_all(fleet, REPORT_FAILED);
    assert_ok(command_all_failed(fleet, COMMAND_SKIP));
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_said(fleet, ": left out: ");
    assert_said(fleet, "\n  and 2 more");
}

static void who_was_skipped_before_his_turn_was_not_started(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    fleet->plan.strategy.max_parallel = 1;
    assert_ok(start(fleet));
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db2"));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_said(fleet, "a/db2: left out: it was not started");
}

/* Another try was given and taken away again: what it failed with is still the reason. */
static void who_is_skipped_before_another_try_is_left_out_for_its_failure(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    report(fleet, "a/db2", REPORT_APPLIED);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_PENDING);
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_said(fleet, "a/db1: left out: 23505 duplicate key");
}

/* Only those of this rollout, in its open wave, that nothing has been heard of. */
static void whom_an_absent_agent_keeps_waiting_is_counted(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 5);
    fleet->plan.strategy.max_parallel_per_host = 1;
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.where = "database = 'db5'";
    assert_ok(start_as(fleet, "r2"));
    fleet->plan.where = "database != 'db5'";
    plan_two_waves(fleet, 3);
    assert_ok(start(fleet));
    report(fleet, "a/db5", REPORT_APPLIED);
    report(fleet, "a/db1", REPORT_APPLIED);
    fall_silent(fleet, "a");
    pass(fleet, 20000);
    assert_agent(fleet, "a", SESSION_SUSPECT);
    assert_said(fleet, "1 waits for agent a, which is suspect (nothing heard for 20 s)");
    pass(fleet, 20000);
    assert_said(fleet, "2 wait for agent a, which is lost (nothing heard for 40 s)");
    /* A clock behind the engine's has heard of it just now. */
    assert_non_null(strstr(explained_at(fleet, ROLLOUT, 0), "(nothing heard for "));
}

static void an_agent_that_was_never_heard_is_not_connected(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    restart(fleet);
    assert_said(fleet, "1 waits for agent a, which is ");
}

/* Between the end of its time and the step that looks at it, as while a coordinator recovers. */
static void a_soak_that_is_over_does_not_stand_still(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_wave(fleet, 0, WAVE_SOAKING);
    const char *late = explained_at(fleet, ROLLOUT, fleet->now_ms + 60001);
    assert_non_null(strstr(late, "; its soak is over"));
    assert_int_equal(engine_soak_left_ms(fleet->engine, ROLLOUT, 0, fleet->now_ms + 60001), 0);
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_said(fleet, "; its soak stands still");
}

/* A person pauses after its end and before the step that would have seen it. */
static void a_soak_that_was_over_when_it_was_paused_is_over(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    fleet->now_ms += 60001;
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_said(fleet, "; its soak is over");
    assert_ok(command(fleet, COMMAND_RESUME));
    pass(fleet, 1);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

/* Recovering, nothing opens; what needs no approval, or has it, waits for that alone. */
static void what_is_ready_opens_its_first_wave_next(void **state)
{
    (void)state;
    for (int is_irreversible = 0; is_irreversible < 2; is_irreversible++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
        fleet->plan.where = "database = 'db2'";
        assert_ok(start_as(fleet, "r2"));
        restart(fleet);
        fleet->plan.where = "database = 'db1'";
        fleet->migrations[1].is_irreversible = is_irreversible == 1;
        say_hello(fleet, "a");
        assert_ok(start(fleet));
        assert_rollout(fleet, ROLLOUT_READY);
        if (is_irreversible) {
            assert_said(fleet, "0002_currency cannot be undone");
            assert_ok(command(fleet, COMMAND_APPROVE));
        }
        assert_said(fleet, "ready: it opens its first wave next");
    }
}

/* The last wave has no targets of its own, so that no wave is held for what failed. */
static void what_is_left_behind_its_waves_is_counted(void **state)
{
    (void)state;
    for (uint32_t failed = 1; failed <= 2; failed++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 3);
        plan_two_waves(fleet, 3);
        fleet->plan.strategy.max_failures = (Amount){ .value = 2 };
        assert_ok(start(fleet));
        report(fleet, "a/db3", REPORT_APPLIED);
        report(fleet, "a/db1", REPORT_FAILED);
        report(fleet, "a/db2", failed == 2 ? REPORT_FAILED : REPORT_APPLIED);
        assert_rollout(fleet, ROLLOUT_RUNNING);
        assert_wave(fleet, 1, WAVE_PASSED);
        assert_said(fleet, failed == 1 ? "1 of 3 targets is not applied"
                                       : "2 of 3 targets are not applied");
    }
}

static void an_abort_waits_for_what_is_under_way(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_rollout(fleet, ROLLOUT_ABORTING);
    assert_said(fleet, "1 step is still under way");
    assert_null(strstr(explained(fleet), "what is unknown"));
}

static void of_what_has_ended_nothing_is_recovered(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.where = "instance = 'b'";
    assert_ok(start_as(fleet, "r2"));
    fleet->plan.where = "instance = 'a'";
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    restart(fleet);
    assert_true(engine_is_recovering(fleet->engine));
    assert_null(strstr(explained(fleet), "recovering"));
    assert_non_null(strstr(explained_at(fleet, "r2", fleet->now_ms), "recovering: 1 attempt"));
    assert_string_equal(explained_at(fleet, "r9", fleet->now_ms), "");
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(of_many_in_trouble_ten_are_named),
    cmocka_unit_test(of_many_that_are_left_out_ten_are_named),
    cmocka_unit_test(who_was_skipped_before_his_turn_was_not_started),
    cmocka_unit_test(whom_an_absent_agent_keeps_waiting_is_counted),
    cmocka_unit_test(an_agent_that_was_never_heard_is_not_connected),
    cmocka_unit_test(a_soak_that_is_over_does_not_stand_still),
    cmocka_unit_test(who_is_skipped_before_another_try_is_left_out_for_its_failure),
    cmocka_unit_test(a_soak_that_was_over_when_it_was_paused_is_over),
    cmocka_unit_test(what_is_ready_opens_its_first_wave_next),
    cmocka_unit_test(what_is_left_behind_its_waves_is_counted),
    cmocka_unit_test(an_abort_waits_for_what_is_under_way),
    cmocka_unit_test(of_what_has_ended_nothing_is_recovered),
};
STORIES(WORDS_STORIES, TESTS);
