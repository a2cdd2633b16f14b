/* Failovers: what a standby lacks that was promoted, who is told, and what does not look like it.
 */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static const InventoryRow *item(Fleet *fleet, const char *address)
{
    for (size_t i = 0; i < engine_inventory_count(fleet->engine); i++) {
        if (strcmp(engine_inventory_at(fleet->engine, i)->address, address) == 0) {
            return engine_inventory_at(fleet->engine, i);
        }
    }
    return NULL;
}

/* Behind the same name, and as its databases show themselves then. */
static void promote(Fleet *fleet, const char *name, const char *version)
{
    host(fleet, name)->timeline++;
    host(fleet, name)->version = version;
    say_hello(fleet, name);
    say_inventory(fleet, name);
}

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
    assert_string_equal(item(fleet, "a/db1")->lost, "0002_currency");
}

static void what_a_promoted_standby_lacks_is_held_and_told(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = with_applied(i * 60000);
        assert_target(fleet, "a/db1", i == 0 ? TARGET_HEALTHY : TARGET_VERIFYING);
        promote(fleet, "a", "0001_init");
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
    promote(fleet, "a", "0001_init");
    assert_lost(fleet);
}

static void what_a_failover_lost_is_applied_again_by_a_person(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    promote(fleet, "a", "0001_init");
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_string_equal(item(fleet, "a/db1")->lost, "");
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
    promote(fleet, "a", "0002_currency");
    assert_target(fleet, "a/db1", TARGET_HELD);
    report(fleet, "b/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
    assert_string_equal(item(fleet, "a/db1")->lost, "");
}

static void a_failover_that_lost_nothing_changes_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    promote(fleet, "a", "0002_currency");
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
    promote(fleet, "a", "0001_init"); /* what was reported counts all the same */
    assert_lost(fleet);
}

/* A report that comes after the listing of the server that lost what it speaks of. */
static void a_report_that_a_failover_overtook_is_compared_too(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    promote(fleet, "a", "0001_init");
    host(fleet, "a")->timeline = 1;
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_lost(fleet);
    assert_string_equal(item(fleet, "a/db1")->version, "0001_init");
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
    promote(fleet, "a", "0003_by_hand");
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
    promote(fleet, "s", "0001_init");
    assert_target(fleet, "a/db1", TARGET_HELD);
    assert_string_equal(target(fleet, "a/db1")->agent, "s");
    assert_string_equal(item(fleet, "s/db1")->lost, "0002_currency");
}

static void a_failover_that_was_slept_through_is_found(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_applied(0);
    restart(fleet);
    promote(fleet, "a", "0001_init");
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
    promote(fleet, "a", "0001_init");
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_int_equal(target(fleet, "a/db1")->code, ERR_LOST_AFTER_FAILOVER);
    assert_int_equal(target(fleet, "a/db1")->applied, 0);
    assert_string_equal(item(fleet, "a/db1")->lost, "0002_currency");
    assert_non_null(event_of(fleet, "I03"));
    const EventRow *told = event_of(fleet, "I03");
    say_inventory(fleet, "a");
    assert_ptr_equal(event_of(fleet, "I03"), told); /* once */
    assert_ok(start_as(fleet, "r2"));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_string_equal(item(fleet, "a/db1")->lost, "");
}

/* r1 and upon it r2, both ended: one database's work of two rollouts, tokens 1 and 2. */
static Fleet *with_two_applied(void)
{
    Fleet *fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_ok(start_as(fleet, "r2"));
    report(fleet, "a/db1", REPORT_APPLIED);
    return fleet;
}

static const TargetRow *target_of(Fleet *fleet, const char *id)
{
    return engine_target_at(fleet->engine, id, 0);
}

static void assert_told(Fleet *fleet, const char *id, ErrCode code)
{
    assert_string_equal(err_name(target_of(fleet, id)->code), err_name(code));
}

static ErrCode roll_back(Fleet *fleet, const char *id)
{
    return step(fleet, (Event){ .kind = EVENT_COMMAND,
                                .command = { .verb = COMMAND_ROLL_BACK,
                                             .rollout = id,
                                             .wave = "",
                                             .actor = "operator ann",
                                             .reason = "" } });
}

/* Each rollout's own people are told, not those of the last one alone. */
static void a_failover_takes_the_work_of_several_rollouts(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = with_two_applied();
        if (i == 1) {
            restart(fleet);
        }
        promote(fleet, "a", "0001_init");
        assert_told(fleet, "r2", ERR_LOST_AFTER_FAILOVER);
        assert_told(fleet, "r1", ERR_LOST_AFTER_FAILOVER);
        assert_string_equal(event_of(fleet, "I03")->rollout, "r1"); /* the older one last */
        assert_string_equal(item(fleet, "a/db1")->lost, "0002_currency");
    }
}

/* The second order left its fence there: with it, everything before it. */
static void what_lies_beneath_what_a_failover_took_may_be_there(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    host(fleet, "a")->fence = (Fence){ 1, 1 };
    promote(fleet, "a", "0002_currency");
    assert_null(event_of(fleet, "I03"));
}

/* What is taken back had been laid on something that is not there any more. */
static void what_is_lost_beneath_a_roll_back_is_told_on(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    promote(fleet, "a", "0001_init");
    assert_ok(roll_back(fleet, "r2"));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_string_equal(item(fleet, "a/db1")->lost, "0002_currency");
    host(fleet, "a")->fence = (Fence){ 1, 3 };
    say_inventory(fleet, "a");
    assert_string_equal(item(fleet, "a/db1")->lost, "0002_currency");
    assert_ok(start_as(fleet, "r3"));
    assert_string_equal(item(fleet, "a/db1")->lost, "");
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_string_equal(item(fleet, "a/db1")->lost, "");
}

/* It met the promoted server before any listing of that came, and has left its own fence there. */
static void an_order_that_was_faster_than_the_listing_hides_no_loss(void **state)
{
    static const Report ENDS[] = { REPORT_FAILED, REPORT_ROLLED_BACK };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = with_two_applied();
        bool is_back = ENDS[i] == REPORT_ROLLED_BACK;
        host(fleet, "a")->timeline = 2;
        assert_ok(is_back ? roll_back(fleet, "r2") : start_as(fleet, "r3"));
        report(fleet, "a/db1", ENDS[i]);
        host(fleet, "a")->fence = (Fence){ 1, 3 };
        host(fleet, "a")->version = "0001_init";
        say_inventory(fleet, "a");
        assert_told(fleet, "r1", ERR_LOST_AFTER_FAILOVER);
        assert_told(fleet, "r2", is_back ? ERR_NONE : ERR_LOST_AFTER_FAILOVER);
        assert_string_equal(item(fleet, "a/db1")->lost, "0002_currency");
    }
}

/* It has begun where the promoted server was, and gone all the way. */
static void what_a_newer_order_has_done_again_is_not_lost(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    host(fleet, "a")->timeline = 2;
    assert_ok(start_as(fleet, "r3"));
    report(fleet, "a/db1", REPORT_APPLIED);
    host(fleet, "a")->fence = (Fence){ 1, 3 };
    host(fleet, "a")->version = "0002_currency";
    say_inventory(fleet, "a");
    assert_null(event_of(fleet, "I03"));
    assert_string_equal(item(fleet, "a/db1")->lost, "");
}

/* Out of order: 0003 was there before 0002, which is the last that was applied. */
static void an_order_upon_others_vouches_as_far_as_its_plan_goes(void **state)
{
    static const char *const ENDS[] = { "0003_more", "0002_currency" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
        fleet->migrations[0].id = "0002_currency";
        fleet->migrations[1].id = "0003_more";
        fleet->plan.to = "0003_more";
        assert_ok(start(fleet));
        report(fleet, "a/db1", REPORT_APPLIED);
        host(fleet, "a")->timeline = 2;
        fleet->plan.to = ENDS[i];
        assert_ok(start_as(fleet, "r2"));
        report(fleet, "a/db1", REPORT_APPLIED);
        host(fleet, "a")->fence = (Fence){ 1, 2 };
        host(fleet, "a")->version = "0002_currency";
        say_inventory(fleet, "a");
        assert_told(fleet, "r1", i == 0 ? ERR_NONE : ERR_LOST_AFTER_FAILOVER);
    }
}

/* Another database bore the name for a while, and had the newest order. */
static void what_a_former_bearer_of_the_name_had_done_vouches_for_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    host(fleet, "a")->remade = 1;
    say_inventory(fleet, "a");
    assert_ok(start_as(fleet, "r2"));
    report(fleet, "a/db1", REPORT_APPLIED);
    host(fleet, "a")->remade = 0;
    say_inventory(fleet, "a");
    promote(fleet, "a", "0001_init");
    say_inventory(fleet, "a");
    assert_told(fleet, "r1", ERR_LOST_AFTER_FAILOVER);
    assert_told(fleet, "r2", ERR_NONE);
    assert_string_equal(item(fleet, "a/db1")->lost, "0002_currency");
}

/* `skein down`, and later a failover that lost nothing, and a rollout that fails. */
static void what_somebody_took_down_by_hand_no_failover_has_lost(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    host(fleet, "a")->fence = (Fence){ 1, 9 };
    host(fleet, "a")->version = "0001_init";
    say_inventory(fleet, "a");
    promote(fleet, "a", "0001_init");
    assert_ok(start_as(fleet, "r3"));
    report(fleet, "a/db1", REPORT_FAILED);
    host(fleet, "a")->fence = (Fence){ 1, goal(fleet, "a/db1")->token };
    say_inventory(fleet, "a");
    assert_null(event_of(fleet, "I03"));
}

/* The old primary is back, or somebody has done it by hand: also under another version. */
static void what_was_lost_is_told_until_somebody_mends_it(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
        assert_ok(start(fleet));
        report(fleet, "a/db1", REPORT_APPLIED);
        promote(fleet, "a", "0001_init");
        say_inventory(fleet, "a");
        assert_string_equal(item(fleet, "a/db1")->lost, "0002_currency");
        host(fleet, "a")->fence = (Fence){ 1, i == 0 ? 1 : 9 };
        host(fleet, "a")->version = i == 0 ? "0002_currency" : "0003_by_hand";
        say_inventory(fleet, "a");
        assert_string_equal(item(fleet, "a/db1")->lost, "");
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
    promote(fleet, "a", "0001_init");
    assert_string_equal(item(fleet, "a/db1")->lost, "");
}

/* A copy of all files that was promoted beside its original, which lives on. */
static Fleet *with_promoted_copy(void)
{
    Fleet *fleet = with_applied(0);
    Host *copy = fleet_add_host(fleet, "s", 1);
    copy->system_identifier = host(fleet, "a")->system_identifier;
    promote(fleet, "s", "0001_init");
    return fleet;
}

static void a_promoted_copy_beside_its_original_is_disputed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_promoted_copy();
    assert_true(item(fleet, "a/db1")->is_disputed);
    assert_true(item(fleet, "s/db1")->is_disputed);
    assert_string_equal(target(fleet, "a/db1")->agent, "a");
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    restart(fleet);
    promote(fleet, "s", "0001_init"); /* it is the first to greet the new coordinator */
    assert_true(item(fleet, "s/db1")->is_disputed);
    assert_string_equal(target(fleet, "a/db1")->agent, "a");
}

/* The old primary's agent lives, and says that its server does not answer. */
static void a_server_that_does_not_answer_disputes_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_promoted_copy();
    host(fleet, "a")->timeline = 0;
    say_hello(fleet, "a");
    assert_false(item(fleet, "s/db1")->is_disputed);
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
    cmocka_unit_test(a_failover_takes_the_work_of_several_rollouts),
    cmocka_unit_test(what_lies_beneath_what_a_failover_took_may_be_there),
    cmocka_unit_test(what_is_lost_beneath_a_roll_back_is_told_on),
    cmocka_unit_test(an_order_that_was_faster_than_the_listing_hides_no_loss),
    cmocka_unit_test(what_a_newer_order_has_done_again_is_not_lost),
    cmocka_unit_test(an_order_upon_others_vouches_as_far_as_its_plan_goes),
    cmocka_unit_test(what_a_former_bearer_of_the_name_had_done_vouches_for_nothing),
    cmocka_unit_test(what_somebody_took_down_by_hand_no_failover_has_lost),
    cmocka_unit_test(a_promoted_copy_beside_its_original_is_disputed),
    cmocka_unit_test(a_server_that_does_not_answer_disputes_nothing),
};
STORIES(FAILOVER_STORIES, TESTS);
