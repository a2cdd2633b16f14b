/* Failovers that reach beneath the newest order: several rollouts' work upon one database. */
#include "tests/unit/coordinator/engine/stories.h"

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

/* Its last, where it has several. */
static const TargetRow *target_of(Fleet *fleet, const char *id)
{
    return engine_target_at(fleet->engine, id, engine_target_count(fleet->engine, id) - 1);
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
    for (int i = 0; i < 3; i++) {
        AUTO_PTR(Fleet) fleet = with_two_applied();
        if (i == 1) {
            restart(fleet);
        } else if (i == 2) { /* a part of the upper one's work is there, and below the lower's */
            host(fleet, "a")->fence = (Fence){ 1, 2 };
        }
        fail_over(fleet, "a", "0001_init");
        assert_told(fleet, "r2", ERR_LOST_AFTER_FAILOVER);
        assert_told(fleet, "r1", ERR_LOST_AFTER_FAILOVER);
        assert_string_equal(event_of(fleet, "I03")->rollout, "r1"); /* the older one last */
        assert_string_equal(listed(fleet, "a/db1")->lost, "0002_currency");
    }
}

/* The second order left its fence there: with it, everything before it. */
static void what_lies_beneath_what_a_failover_took_may_be_there(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    host(fleet, "a")->fence = (Fence){ 1, 1 };
    fail_over(fleet, "a", "0002_currency");
    assert_null(event_of(fleet, "I03"));
}

/* What is taken back had been laid on something that is not there any more. */
static void what_is_lost_beneath_a_roll_back_is_told_on(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    fail_over(fleet, "a", "0001_init");
    assert_ok(roll_back(fleet, "r2"));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_string_equal(listed(fleet, "a/db1")->lost, "0002_currency");
    host(fleet, "a")->fence = (Fence){ 1, 3 };
    say_inventory(fleet, "a");
    assert_string_equal(listed(fleet, "a/db1")->lost, "0002_currency");
    assert_ok(start_as(fleet, "r3"));
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
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
        assert_string_equal(listed(fleet, "a/db1")->lost, "0002_currency");
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
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
}

/* It was read while the newer order was at work, and comes after its report. */
static void what_is_lost_and_done_again_is_told_by_whom_it_was_lost(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    host(fleet, "a")->timeline = 2;
    assert_ok(start_as(fleet, "r3"));
    report(fleet, "a/db1", REPORT_APPLIED);
    host(fleet, "a")->fence = (Fence){ 1, 3 };
    host(fleet, "a")->version = "0001_init";
    say_inventory(fleet, "a");
    assert_told(fleet, "r1", ERR_LOST_AFTER_FAILOVER);
    assert_told(fleet, "r2", ERR_LOST_AFTER_FAILOVER);
    assert_told(fleet, "r3", ERR_NONE);
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
}

/* Somebody has brought it back by hand, and the next rollout comes to nothing. */
static void what_was_lost_and_is_there_again_is_not_told_on(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    fail_over(fleet, "a", "0001_init");
    host(fleet, "a")->version = "0002_currency";
    say_inventory(fleet, "a");
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
    assert_ok(start_as(fleet, "r3"));
    report(fleet, "a/db1", REPORT_FAILED);
    say_inventory(fleet, "a");
    assert_string_equal(listed(fleet, "a/db1")->lost, "");
}

/* Each of the two rollouts stays with the address that was its database's when it ended. */
static void orders_lie_upon_each_other_under_whichever_address(void **state)
{
    (void)state;
    for (int is_back = 0; is_back < 2; is_back++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
        assert_ok(start(fleet));
        report(fleet, "a/db1", REPORT_APPLIED);
        Host *standby = fleet_add_host(fleet, "s", 1);
        standby->system_identifier = host(fleet, "a")->system_identifier;
        fall_silent(fleet, "a");
        pass(fleet, 32000);
        fail_over(fleet, "s", "0002_currency");
        assert_ok(start_as(fleet, "r2"));
        report(fleet, "s/db1", REPORT_APPLIED);
        if (is_back) {
            fall_silent(fleet, "s");
            pass(fleet, 32000);
            come_back(fleet, "a");
        }
        const char *name = is_back ? "a" : "s";
        host(fleet, name)->timeline = 2;
        fail_over(fleet, name, "0001_init");
        assert_told(fleet, "r1", ERR_LOST_AFTER_FAILOVER);
        assert_told(fleet, "r2", ERR_LOST_AFTER_FAILOVER);
        assert_string_equal(listed(fleet, is_back ? "a/db1" : "s/db1")->lost, "0002_currency");
    }
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
    fail_over(fleet, "a", "0001_init");
    say_inventory(fleet, "a");
    assert_told(fleet, "r1", ERR_LOST_AFTER_FAILOVER);
    assert_told(fleet, "r2", ERR_NONE);
    assert_string_equal(listed(fleet, "a/db1")->lost, "0002_currency");
}

/* `skein down`, and later a failover that lost nothing, and a rollout that fails. */
static void what_somebody_took_down_by_hand_no_failover_has_lost(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_two_applied();
    host(fleet, "a")->fence = (Fence){ 1, 9 };
    host(fleet, "a")->version = "0001_init";
    say_inventory(fleet, "a");
    fail_over(fleet, "a", "0001_init");
    assert_ok(start_as(fleet, "r3"));
    report(fleet, "a/db1", REPORT_FAILED);
    host(fleet, "a")->fence = (Fence){ 1, goal(fleet, "a/db1")->token };
    say_inventory(fleet, "a");
    assert_null(event_of(fleet, "I03"));
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(a_failover_takes_the_work_of_several_rollouts),
    cmocka_unit_test(what_lies_beneath_what_a_failover_took_may_be_there),
    cmocka_unit_test(what_is_lost_beneath_a_roll_back_is_told_on),
    cmocka_unit_test(an_order_that_was_faster_than_the_listing_hides_no_loss),
    cmocka_unit_test(what_a_newer_order_has_done_again_is_not_lost),
    cmocka_unit_test(what_is_lost_and_done_again_is_told_by_whom_it_was_lost),
    cmocka_unit_test(what_was_lost_and_is_there_again_is_not_told_on),
    cmocka_unit_test(orders_lie_upon_each_other_under_whichever_address),
    cmocka_unit_test(an_order_upon_others_vouches_as_far_as_its_plan_goes),
    cmocka_unit_test(what_a_former_bearer_of_the_name_had_done_vouches_for_nothing),
    cmocka_unit_test(what_somebody_took_down_by_hand_no_failover_has_lost),
};
STORIES(BENEATH_STORIES, TESTS);
