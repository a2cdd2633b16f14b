/* Failovers: what a standby lacks that was promoted, who is told, and what does not look like it.
 */
#include "tests/unit/coordinator/engine/stories.h"

/* a/db1 is applied and reported, b/db1 is not begun. */
static Fleet *with_applied(uint32_t soak_ms)
{
    Fleet *fleet = fleet_new(2, 1);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[0].soak_ms = soak_ms;
    fleet->plan_waves[1].needs_approval = true;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    return fleet;
}

static void assert_lost(Fleet *fleet)
{
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_LOST_AFTER_FAILOVER);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_FAILOVER);
    assert_string_equal(listed(fleet, "a/db1")->lost, "0002_currency");
}

static void what_a_promoted_standby_lacks_is_held_and_told(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = with_applied(i * 60000);
        assert_target(fleet, "a/db1", i == 0 ? TARGET_HEALTHY : TARGET_VERIFYING);
        fail_over(fleet, "a", "0001_init");
        assert_lost(fleet);
        assert_string_equal(event_of(fleet, "I03")->text,
                            "the server of a/db1 was promoted (timeline 1 to 2) and has lost what "
                            "r1 did there: it was reported at 0002_currency, and is at 0001_init");
    }
}

/* Whatever a failure would do: a database that lost something is no failed migration. */
static void a_failover_pauses_and_takes_nothing_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    plan_two_waves(fleet, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    fleet->plan_waves[1].needs_approval = true;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    fail_over(fleet, "a", "0001_init");
    assert_lost(fleet);
}

static void what_a_failover_lost_is_applied_again_by_a_person(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    fail_over(fleet, "a", "0001_init");
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
    assert_ok(command(fleet, COMMAND_APPROVE));
    report(fleet, "b/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_roll_back_that_a_failover_lost_is_held(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report_all(fleet, REPORT_APPLIED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    fail_over(fleet, "a", "0002_currency");
    assert_target(fleet, "a/db1", TARGET_HELD);
    report(fleet, "b/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
}

static void a_failover_that_lost_nothing_changes_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    fail_over(fleet, "a", "0002_currency");
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_null(event_of(fleet, "I03"));
}

/* On the same timeline it was only read before it was reported. */
static void an_older_listing_of_the_same_server_is_no_loss(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    fail_over(fleet, "a", "0001_init"); /* what was reported counts all the same */
    assert_lost(fleet);
}

/* A report that comes after the listing of the server that lost what it speaks of. */
static void a_report_that_a_failover_overtook_is_compared_too(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    fail_over(fleet, "a", "0001_init");
    host(fleet, "a")->timeline = 1;
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_lost(fleet);
    assert_string_equal(listed(fleet, "a/db1")->version, "0001_init");
}

static void a_listing_of_an_earlier_timeline_is_no_loss(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    host(fleet, "a")->timeline = 2;
    report(fleet, "a/db1", REPORT_APPLIED);
    host(fleet, "a")->timeline = 1;
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_VERIFYING);
}

/* Somebody with a newer token has been there since: what he made of it is his. */
static void what_somebody_did_after_a_failover_is_not_lost(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    host(fleet, "a")->fence = (Fence){ 1, 9 };
    fail_over(fleet, "a", "0003_by_hand");
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_null(event_of(fleet, "I03"));
}

/* The primary moves to another agent's server, which lacks it. */
static void a_target_that_moves_is_compared_with_what_was_reported(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    Host *standby = fleet_add_host(fleet, "s", 1);
    standby->system_identifier = host(fleet, "a")->system_identifier;
    standby->in_recovery = true;
    say_hello(fleet, "s");
    say_inventory(fleet, "s");
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    standby->in_recovery = false;
    fail_over(fleet, "s", "0001_init");
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_string_equal(target(fleet, "a/db1")->agent, "s");
    assert_string_equal(listed(fleet, "s/db1")->lost, "0002_currency");
}

static void a_failover_that_was_slept_through_is_found(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    restart(fleet);
    fail_over(fleet, "a", "0001_init");
    assert_lost(fleet);
}

/* Of what has ended nothing is held, and everybody is told; until somebody mends it. */
static void what_an_ended_rollout_did_and_a_failover_lost_is_told(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    restart(fleet);
    fail_over(fleet, "a", "0001_init");
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_LOST_AFTER_FAILOVER);
    assert_int_equal(target(fleet, "a/db1")->applied, 0);
    assert_string_equal(listed(fleet, "a/db1")->lost, "0002_currency");
    assert_non_null(event_of(fleet, "I03"));
    const EventRow *told = event_of(fleet, "I03");
    say_inventory(fleet, "a");
    assert_ptr_equal(event_of(fleet, "I03"), told); /* once */
    assert_ok(start_as(fleet, "r2"));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
}

/* The old primary is back, or somebody has done it by hand: also under another version. */
static void what_was_lost_is_told_until_somebody_mends_it(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
        assert_ok(start(fleet));
        report(fleet, "a/db1", REPORT_APPLIED);
        fail_over(fleet, "a", "0001_init");
        say_inventory(fleet, "a");
        assert_string_equal(listed(fleet, "a/db1")->lost, "0002_currency");
        host(fleet, "a")->fence = (Fence){ 1, i == 0 ? 1 : 9 };
        host(fleet, "a")->version = i == 0 ? "0002_currency" : "0003_by_hand";
        say_inventory(fleet, "a");
        assert_string_equal(listed(fleet, "a/db1")->lost, "");
    }
}

/* Nobody knows any more what it was when the rollout that did it is forgotten. */
static void a_rollout_that_is_forgotten_claims_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    host(fleet, "a")->version = "0002_currency";
    say_inventory(fleet, "a");
    step(fleet, (Event){ .kind = EVENT_RETIRE, .ages = { .rollouts_ms = INT64_MAX } });
    assert_null(engine_rollout_find(fleet->engine, ROLLOUT));
    fail_over(fleet, "a", "0001_init");
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
}

/* A copy of all files that was promoted beside its original, which lives on. */
static Fleet *with_promoted_copy(void)
{
    Fleet *fleet = with_applied(0);
    Host *copy = fleet_add_host(fleet, "s", 1);
    copy->system_identifier = host(fleet, "a")->system_identifier;
    fail_over(fleet, "s", "0001_init");
    return fleet;
}

static void a_promoted_copy_beside_its_original_is_disputed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_promoted_copy();
    assert_true(listed(fleet, "a/db1")->is_disputed);
    assert_true(listed(fleet, "s/db1")->is_disputed);
    assert_string_equal(target(fleet, "a/db1")->agent, "a");
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    restart(fleet);
    fail_over(fleet, "s", "0001_init"); /* it is the first to greet the new coordinator */
    assert_true(listed(fleet, "s/db1")->is_disputed);
    assert_string_equal(target(fleet, "a/db1")->agent, "a");
}

/* The old primary's agent lives, and says that its server does not answer. */
static void a_server_that_does_not_answer_disputes_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_promoted_copy();
    host(fleet, "a")->timeline = 0;
    say_hello(fleet, "a");
    assert_false(listed(fleet, "s/db1")->is_disputed);
    assert_string_equal(target(fleet, "a/db1")->agent, "s");
    assert_target(fleet, "a/db1", TARGET_HELD);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(what_a_promoted_standby_lacks_is_held_and_told),
    cmocka_unit_test(a_failover_pauses_and_takes_nothing_back),
    cmocka_unit_test(what_a_failover_lost_is_applied_again_by_a_person),
    cmocka_unit_test(a_roll_back_that_a_failover_lost_is_held),
    cmocka_unit_test(a_failover_that_lost_nothing_changes_nothing),
    cmocka_unit_test(an_older_listing_of_the_same_server_is_no_loss),
    cmocka_unit_test(a_report_that_a_failover_overtook_is_compared_too),
    cmocka_unit_test(a_listing_of_an_earlier_timeline_is_no_loss),
    cmocka_unit_test(what_somebody_did_after_a_failover_is_not_lost),
    cmocka_unit_test(a_target_that_moves_is_compared_with_what_was_reported),
    cmocka_unit_test(a_failover_that_was_slept_through_is_found),
    cmocka_unit_test(what_an_ended_rollout_did_and_a_failover_lost_is_told),
    cmocka_unit_test(what_was_lost_is_told_until_somebody_mends_it),
    cmocka_unit_test(a_rollout_that_is_forgotten_claims_nothing),
    cmocka_unit_test(a_promoted_copy_beside_its_original_is_disputed),
    cmocka_unit_test(a_server_that_does_not_answer_disputes_nothing),
};
STORIES(FAILOVER_STORIES, TESTS);
