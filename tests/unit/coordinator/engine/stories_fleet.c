/* The fleet: inventories, databases that go, move, or are claimed twice, and what fences tell. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static void what_no_page_of_a_listing_names_is_gone(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    say_page_of_one(fleet, 2, 1, true, "a/two");
    say_page_of_one(fleet, 2, 1, true, "a/two"); /* doubled */
    assert_non_null(listed(fleet, "a/two"));
    assert_false(listed(fleet, "a/db1")->is_gone); /* a page is still to come */
    say_page_of_one(fleet, 2, 0, false, "a/one");
    assert_non_null(listed(fleet, "a/one"));
    assert_non_null(listed(fleet, "a/two"));
    assert_true(listed(fleet, "a/db1")->is_gone);
    say_page_of_one(fleet, 1, 0, true, "a/old"); /* older: changes nothing */
    assert_null(listed(fleet, "a/old"));
}

/* 500 databases a page, as many pages as it takes. */
static void list_many(Fleet *fleet, uint32_t pages)
{
    AUTO(Arena) arena = { 0 };
    for (uint32_t page = 0; page < pages; page++) {
        InventoryTarget targets[500];
        for (uint32_t i = 0; i < ARRAY_LEN(targets); i++) {
            uint32_t number = page * (uint32_t)ARRAY_LEN(targets) + i;
            targets[i] = (InventoryTarget){ .target = arena_printf(&arena, "a/x%u", number),
                                            .instance = "a",
                                            .version = "",
                                            .rollout = "" };
        }
        say_page(fleet, "a",
                 &(Inventory){ .revision = 2,
                               .page = page,
                               .targets = targets,
                               .target_count = ARRAY_LEN(targets) });
    }
}

static void one_agent_lists_so_many_databases_and_no_more(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    list_many(fleet, 210);
    assert_int_equal(engine_inventory_count(fleet->engine), 100000);
    assert_non_null(event_of(fleet, "E08"));
}

static void what_was_gone_and_never_rolled_out_is_forgotten(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    assert_true(listed(fleet, "a/db2")->is_gone);
    say_inventory(fleet, "a");
    assert_null(listed(fleet, "a/db2"));
}

static void an_address_of_another_agent_is_not_taken(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    say_page_of_one(fleet, 2, 0, true, "b/db1");
    assert_string_equal(listed(fleet, "b/db1")->agent, "b");
}

static void a_target_gone_before_its_turn_is_skipped(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 6);
    assert_ok(start(fleet));
    host(fleet, "a")->dropped = 6;
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db6", TARGET_SKIPPED);
}

static void a_target_gone_at_work_is_held(void **state)
{
    (void)state;
    static const struct {
        Report before;
        bool is_alone;
    } CASES[] = { { REPORT_NONE, false },
                  { REPORT_RUNNING, false },
                  { REPORT_UNKNOWN, false },
                  { REPORT_APPLIED, false } };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
        assert_ok(start(fleet));
        if (CASES[i].before != REPORT_NONE) {
            report(fleet, "a/db2", CASES[i].before);
        }
        host(fleet, "a")->dropped = 2;
        say_inventory(fleet, "a");
        assert_target(fleet, "a/db2", TARGET_HELD);
        assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db2"), ERR_REFUSED);
        assert_ok(command_on(fleet, COMMAND_SKIP, "a/db2"));
    }
}

static void a_target_gone_between_two_tries_is_held(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    assert_ok(start(fleet));
    report(fleet, "a/db2", REPORT_FAILED);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db2")); /* paused: it waits */
    assert_target(fleet, "a/db2", TARGET_PENDING);
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db2", TARGET_HELD);
}

static void a_failed_target_that_is_gone_is_not_retried(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    assert_ok(start(fleet));
    report(fleet, "a/db2", REPORT_FAILED);
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db2", TARGET_FAILED);
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db2"), ERR_REFUSED);
    assert_int_equal(command_all_failed(fleet, COMMAND_RETRY), ERR_REFUSED);
    assert_ok(command_all_failed(fleet, COMMAND_SKIP));
}

static void an_instance_that_is_not_reached_loses_no_targets(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    host(fleet, "a")->system_identifier = 0;
    host(fleet, "a")->databases = 0;
    say_hello(fleet, "a");
    say_inventory(fleet, "a");
    assert_false(listed(fleet, "a/db1")->is_gone);
}

/* b is the standby of a: the same identities, in recovery. */
static Fleet *with_standby(void)
{
    Fleet *fleet = fleet_new(1, 1);
    uint64_t system = host(fleet, "a")->system_identifier;
    fleet_add_host(fleet, "b", 0);
    Host *b = host(fleet, "b");
    b->system_identifier = system;
    b->in_recovery = true;
    b->databases = 1;
    say_hello(fleet, "b");
    say_inventory(fleet, "b");
    return fleet;
}

static void a_replica_serves_no_targets(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_standby();
    assert_ok(start(fleet));
    assert_int_equal(engine_target_count(fleet->engine, ROLLOUT), 1);
}

static void a_target_that_is_only_on_a_replica_is_refused(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    host(fleet, "a")->in_recovery = true;
    say_inventory(fleet, "a");
    assert_int_equal(start(fleet), ERR_REPLICA);
}

static void promote(Fleet *fleet)
{
    host(fleet, "b")->in_recovery = false;
    host(fleet, "b")->timeline = 2;
    say_hello(fleet, "b");
    say_inventory(fleet, "b");
}

static void a_target_moves_with_its_primary_and_keeps_its_address(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_standby();
    assert_ok(start(fleet));
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    promote(fleet);
    assert_string_equal(target(fleet, "a/db1")->agent, "b");
    assert_string_equal(target(fleet, "a/db1")->instance, "b");
    const GoalMessage *order = goal(fleet, "b/db1"); /* under the name that b knows */
    assert_non_null(order);
    report_as(fleet, "b", "b/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static Fleet *with_renamed(void)
{
    Fleet *fleet = fleet_new(1, 2);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[0].needs_approval = true;
    assert_ok(start(fleet));
    host(fleet, "a")->names[0] = "other";
    say_inventory(fleet, "a");
    return fleet;
}

/* It is neither dropped nor there twice, at whatever moment of the listing. */
static void a_target_keeps_its_turn_when_its_database_is_renamed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_renamed();
    assert_target(fleet, "a/db1", TARGET_PENDING);
    assert_null(event_of(fleet, "T09"));
    assert_non_null(event_of(fleet, "I02"));
    assert_false(listed(fleet, "a/other")->is_disputed);
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_non_null(goal(fleet, "a/other"));
    report_as(fleet, "a", "a/other", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
}

/* Also by a coordinator that has never heard of the former name. */
static void a_renamed_database_is_found_again_after_a_restart(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = with_renamed();
        if (i == 1) {
            say_inventory(fleet, "a"); /* what is gone for the second time is forgotten */
        }
        restart(fleet);
        say_hello(fleet, "a");
        say_inventory(fleet, "a");
        assert_ok(command(fleet, COMMAND_APPROVE));
        assert_non_null(goal(fleet, "a/other"));
        report_as(fleet, "a", "a/other", REPORT_APPLIED);
        assert_target(fleet, "a/db1", TARGET_HEALTHY);
    }
}

/* An ended rollout knows it by its former name, with more attempts than the present one. */
static void a_renamed_database_goes_on_counting_its_attempts(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
    host(fleet, "a")->names[0] = "other";
    say_inventory(fleet, "a");
    assert_ok(start_as(fleet, "r2"));
    OrderStamp before = goal(fleet, "a/other")->stamp;
    restart(fleet);
    say_hello(fleet, "a");
    assert_int_equal(goal(fleet, "a/other")->stamp.attempt, before.attempt);
    assert_int_equal(goal(fleet, "a/other")->stamp.term, before.term + 1);
}

/*
 * A coordinator that has not seen it made anew finds nothing of its target: neither its former name
 * nor, under the later one, its identity.
 */
static void a_renamed_database_that_is_made_anew_is_gone(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_renamed();
    host(fleet, "a")->lives++;
    say_inventory(fleet, "a");
    restart(fleet);
    say_hello(fleet, "a");
    say_inventory(fleet, "a");
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_null(goal(fleet, "a/other"));
}

/* What an agent says of a name is about the database that has it now. */
static void a_name_that_is_given_anew_is_another_databases(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_renamed();
    host(fleet, "a")->names[1] = "db1";
    say_inventory(fleet, "a");
    assert_ok(command(fleet, COMMAND_APPROVE));
    report_as(fleet, "a", "a/other", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_target(fleet, "a/db2", TARGET_ASSIGNED);
    assert_int_equal(goal(fleet, "a/db1")->identity.database_oid, 1002);
    report_as(fleet, "a", "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db2", TARGET_HEALTHY);
    assert_null(event_of(fleet, "E02"));
}

static void databases_that_have_exchanged_their_names_are_told_apart_after_a_restart(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[0].needs_approval = true;
    assert_ok(start(fleet));
    host(fleet, "a")->names[0] = "db2";
    host(fleet, "a")->names[1] = "db1";
    say_inventory(fleet, "a");
    restart(fleet);
    say_hello(fleet, "a");
    say_inventory(fleet, "a");
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_int_equal(goal(fleet, "a/db2")->identity.database_oid, 1001);
    report_as(fleet, "a", "a/db2", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
}

static void exchange_names(Fleet *fleet)
{
    host(fleet, "a")->names[0] = "db2";
    host(fleet, "a")->names[1] = "db1";
    say_inventory(fleet, "a");
}

static void targets_follow_databases_that_exchange_their_names(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[0].needs_approval = true;
    assert_ok(start(fleet));
    exchange_names(fleet);
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_int_equal(goal(fleet, "a/db2")->identity.database_oid, 1001);
    report_as(fleet, "a", "a/db2", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_int_equal(goal(fleet, "a/db1")->identity.database_oid, 1002);
    report_as(fleet, "a", "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db2", TARGET_HEALTHY);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

/* Of the two, one has had more attempts: what is in hand stays so under the other's address. */
static void an_order_in_hand_follows_its_database_to_anothers_name(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    plan_two_waves(fleet, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report_error(fleet, "a/db2", REPORT_FAILED, ERR_SERVER);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db2"));
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report_all(fleet, REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);

    fleet->plan_waves[0].targets.value = 2;
    assert_ok(start_as(fleet, "r2"));
    OrderStamp before = goal(fleet, "a/db1")->stamp;
    exchange_names(fleet);
    assert_int_equal(goal(fleet, "a/db2")->identity.database_oid, 1001);
    assert_int_equal(goal(fleet, "a/db1")->identity.database_oid, 1002);
    assert_true(goal(fleet, "a/db1")->stamp.attempt > before.attempt);
    report_as(fleet, "a", "a/db2", REPORT_APPLIED);
    report_as(fleet, "a", "a/db1", REPORT_APPLIED);
    assert_string_equal(rollout_state_name(engine_rollout_find(fleet->engine, "r2")->state),
                        rollout_state_name(ROLLOUT_SUCCEEDED));
}

/* r1 has come to its end, after more attempts on the second database than on the first. */
static void try_the_second_more_often(Fleet *fleet)
{
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    for (int i = 0; i < 3; i++) {
        report_error(fleet, "a/db2", REPORT_FAILED, ERR_SERVER);
        assert_ok(command_on(fleet, COMMAND_RETRY, "a/db2"));
        assert_ok(command(fleet, COMMAND_RESUME));
    }
    report(fleet, "a/db2", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static RolloutState state_of(Fleet *fleet, const char *id)
{
    return engine_rollout_find(fleet->engine, id)->state;
}

/* Its agent has it in hand, which takes room on the host; under the other name, too. */
static void
a_debt_whose_database_takes_anothers_name_leaves_its_host_when_it_is_settled(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    fleet->plan.strategy.max_parallel_per_host = 1;
    try_the_second_more_often(fleet);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    assert_ok(start_as(fleet, "r2"));
    report(fleet, "a/db1", REPORT_RUNNING);
    const Command back = { .verb = COMMAND_ROLL_BACK,
                           .rollout = "r2",
                           .wave = "",
                           .actor = "operator ann",
                           .reason = "" };
    assert_ok(step(fleet, (Event){ .kind = EVENT_COMMAND, .command = back }));
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    host(fleet, "a")->names[0] = "db2";
    host(fleet, "a")->names[1] = "db1";
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db2")->goal, GOAL_ROLL_BACK);
    assert_int_equal(goal(fleet, "a/db2")->identity.database_oid, 1001);
    report_as(fleet, "a", "a/db2", REPORT_ROLLED_BACK);
    assert_int_equal(state_of(fleet, "r2"), ROLLOUT_ROLLED_BACK);
    assert_ok(start_as(fleet, "r3"));
    assert_string_equal(goal(fleet, "a/db1")->rollout, "r3"); /* there is room for it */
}

/* It moved to another host before anybody had read it there; there it has had fewer attempts. */
static void an_order_stays_in_force_when_its_database_turns_out_to_be_a_known_one(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    try_the_second_more_often(fleet);
    host(fleet, "a")->dropped = 2;
    say_inventory(fleet, "a");
    Host *to = fleet_add_host(fleet, "b", 0);
    to->system_identifier = 0;
    to->version = NULL;
    to->databases = 2;
    to->dropped = 1;
    say_hello(fleet, "b");
    say_inventory(fleet, "b");
    assert_ok(start_as(fleet, "r2"));
    report_as(fleet, "b", "b/db2", REPORT_RUNNING);
    to->system_identifier = host(fleet, "a")->system_identifier;
    say_inventory(fleet, "b");
    const Command pause = {
        .verb = COMMAND_PAUSE, .rollout = "r2", .wave = "", .actor = "operator ann", .reason = ""
    };
    assert_ok(step(fleet, (Event){ .kind = EVENT_COMMAND, .command = pause }));
    assert_int_equal(goal(fleet, "b/db2")->goal, GOAL_HOLD);
}

/* Else it would be of an order that nobody here gave, and a sign of a later coordinator. */
static void what_is_said_under_a_former_name_is_nobodys_word(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    plan_two_waves(fleet, 1);
    assert_ok(start(fleet));
    State late = { .rollout = ROLLOUT,
                   .target = "a/db1",
                   .stamp = goal(fleet, "a/db1")->stamp,
                   .token = goal(fleet, "a/db1")->token,
                   .report = REPORT_HELD,
                   .code = ERR_IDENTITY };
    report(fleet, "a/db1", REPORT_RUNNING);
    exchange_names(fleet);
    assert_target(fleet, "a/db2", TARGET_PENDING);
    report_bare(fleet, "a", &late);
    assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), 1);
    assert_null(event_of(fleet, "E02"));
    assert_rollout(fleet, ROLLOUT_RUNNING);
    assert_target(fleet, "a/db2", TARGET_PENDING);
    report_as(fleet, "a", "a/db2", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
}

/* Two targets at one address would have two orders for it, and an agent has one. */
static void a_target_whose_name_another_bears_is_not_served_by_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    plan_two_waves(fleet, 2);
    fleet->plan_waves[0].needs_approval = true;
    assert_ok(start(fleet));
    host(fleet, "a")->names[0] = "db2";
    host(fleet, "a")->names[1] = "db1";
    say_inventory(fleet, "a");
    host(fleet, "a")->remade = 2; /* it was db2, and has the name of the other one */
    say_inventory(fleet, "a");
    restart(fleet);
    say_hello(fleet, "a");
    say_inventory(fleet, "a");
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_int_equal(goal(fleet, "a/db2")->identity.database_oid, 1001);
    report_as(fleet, "a", "a/db2", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_VERIFYING);
    assert_int_equal(goal(fleet, "a/db1")->identity.database_oid, 1002); /* to be refused there */
    report_as(fleet, "a", "a/db1", REPORT_REFUSED);
    assert_target(fleet, "a/db2", TARGET_FAILED);
    assert_null(event_of(fleet, "E02"));
}

static void two_writable_databases_with_one_identity_are_disputed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_standby();
    host(fleet, "b")->in_recovery = false;
    say_hello(fleet, "b"); /* on the same timeline: nobody can tell */
    say_inventory(fleet, "b");
    assert_true(listed(fleet, "a/db1")->is_disputed);
    assert_true(listed(fleet, "b/db1")->is_disputed);
    assert_int_equal(start(fleet), ERR_IDENTITY);
}

/* A clone that was stopped for good tells nobody so. */
static void a_dispute_ends_when_the_key_of_one_is_revoked(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_standby();
    host(fleet, "b")->in_recovery = false;
    say_hello(fleet, "b");
    say_inventory(fleet, "b");
    assert_true(listed(fleet, "a/db1")->is_disputed);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "b" });
    assert_false(listed(fleet, "a/db1")->is_disputed);
    assert_false(listed(fleet, "b/db1")->is_disputed);
    come_back(fleet, "b"); /* its key was put back */
    assert_true(listed(fleet, "a/db1")->is_disputed);
    assert_true(listed(fleet, "b/db1")->is_disputed);
}

static void a_dispute_holds_what_waits_until_it_is_over(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_standby();
    fleet->migrations[1].is_irreversible = true; /* it waits for approval */
    assert_ok(start(fleet));
    host(fleet, "b")->in_recovery = false;
    say_hello(fleet, "b");
    say_inventory(fleet, "b");
    assert_target(fleet, "a/db1", TARGET_HELD);
    host(fleet, "b")->in_recovery = true;
    say_inventory(fleet, "b");
    assert_target(fleet, "a/db1", TARGET_PENDING);
}

static void what_a_dispute_held_was_never_started(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = with_standby();
        host(fleet, "a")->databases = 2;
        host(fleet, "b")->databases = 2;
        say_inventory(fleet, "a");
        say_inventory(fleet, "b");
        fleet->plan.strategy.max_parallel = 1;
        fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_WAVE;
        assert_ok(start(fleet));
        report(fleet, "a/db1", REPORT_RUNNING);
        host(fleet, "b")->dropped = 1;
        host(fleet, "b")->in_recovery = false;
        say_hello(fleet, "b");
        say_inventory(fleet, "b");
        assert_target(fleet, "a/db2", TARGET_HELD);
        if (i == 0) {
            report_steps(fleet, "a/db1", REPORT_FAILED, 1, 1); /* its wave is taken back */
        } else {
            assert_ok(command(fleet, COMMAND_ROLL_BACK));
        }
        assert_target(fleet, "a/db2", i == 0 ? TARGET_PENDING : TARGET_SKIPPED);
    }
}

static void a_dispute_holds_what_is_at_work(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        AUTO_PTR(Fleet) fleet = with_standby();
        assert_ok(start(fleet));
        if (i > 0) {
            report(fleet, "a/db1", i == 1 ? REPORT_RUNNING : REPORT_FAILED);
        }
        host(fleet, "b")->in_recovery = false;
        say_hello(fleet, "b");
        say_inventory(fleet, "b");
        assert_target(fleet, "a/db1", i == 2 ? TARGET_FAILED : TARGET_HELD);
    }
}

/* Nobody can write there now: whoever rolls back must not wait for ever without a word. */
static void what_is_to_go_back_on_a_replica_is_debt_until_it_is_writable(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
        assert_ok(start(fleet));
        report_all(fleet, REPORT_APPLIED);
        assert_rollout(fleet, ROLLOUT_SUCCEEDED);
        host(fleet, "a")->in_recovery = true;
        say_inventory(fleet, "a");
        assert_ok(command(fleet, COMMAND_ROLL_BACK));
        report_all(fleet, REPORT_ROLLED_BACK);
        assert_target(fleet, "a/db1", TARGET_DEBT);
        assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
        if (i == 0) {
            assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
        } else {
            host(fleet, "a")->in_recovery = false;
            say_inventory(fleet, "a");
            report(fleet, "a/db1", REPORT_ROLLED_BACK);
        }
        assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
    }
}

static void what_is_disputed_before_its_turn_to_go_back_is_debt(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_standby();
    fleet_add_host(fleet, "c", 1);
    fleet->plan.strategy.max_parallel = 1;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    assert_target(fleet, "c/db1", TARGET_ROLLING_BACK);
    host(fleet, "b")->in_recovery = false;
    say_hello(fleet, "b");
    say_inventory(fleet, "b"); /* two writable ones */
    report(fleet, "c/db1", REPORT_ROLLED_BACK);
    assert_target(fleet, "a/db1", TARGET_DEBT);
    assert_rollout(fleet, ROLLOUT_ROLLBACK_HELD);
    host(fleet, "b")->in_recovery = true;
    say_hello(fleet, "b");
    say_inventory(fleet, "b");
    assert_target(fleet, "a/db1", TARGET_ROLLING_BACK);
}

static void say_fence(Fleet *fleet, Fence fence, const char *version, const char *rollout_id)
{
    Host *a = host(fleet, "a");
    InventoryTarget target = { .target = "a/db1",
                               .instance = "a",
                               .identity = { a->system_identifier, 1001, "" },
                               .version = version,
                               .is_read = true,
                               .fence = fence,
                               .rollout = rollout_id };
    say_listing(fleet, "a", &target, 1);
}

static void tokens_go_on_from_what_the_databases_have_seen(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    say_fence(fleet, (Fence){ 1, 41 }, "0001_init", "");
    assert_int_equal(engine_term_seen(fleet->engine), 0); /* the command line was there */
    assert_ok(start(fleet));
    assert_int_equal(goal(fleet, "a/db1")->token, 42);
}

static void a_higher_term_stops_everything(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    say_fence(fleet, (Fence){ 9, 1 }, "0001_init", "r7");
    assert_int_equal(engine_term_seen(fleet->engine), 9);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_STORE_BEHIND);
    const RolloutRow *adopted = engine_rollout_find(fleet->engine, "r7");
    assert_true(adopted->is_adopted);
    assert_int_equal(start_as(fleet, "r2"), ERR_STORE_TERM);
}

static void a_ready_rollout_and_an_ended_one_hear_of_a_higher_term(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->migrations[1].is_irreversible = true;
    assert_ok(start(fleet));
    say_fence(fleet, (Fence){ 9, 1 }, "0001_init", "");
    assert_rollout(fleet, ROLLOUT_PAUSED);
    say_fence(fleet, (Fence){ 10, 1 }, "0001_init", "");
    assert_int_equal(engine_term_seen(fleet->engine), 10);
}

static void an_absurd_term_is_not_followed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    say_fence(fleet, (Fence){ UINT64_MAX, 1 }, "", "");
    assert_int_equal(engine_term_seen(fleet->engine), 0);
    assert_agent(fleet, "a", SESSION_ACTIVE); /* its other databases are sound */
    assert_non_null(strstr(event_of(fleet, "E07")->text, "a/db1 has been under"));
    size_t events = fleet->events.count;
    say_fence(fleet, (Fence){ UINT64_MAX, 1 }, "", "");
    assert_int_equal(fleet->events.count, events); /* said once */
}

/* An agent that says hello and knows a coordinator of this term. */
static void say_hello_of_term(Fleet *fleet, uint64_t term)
{
    static const uint8_t BOOT_ID[BOOT_ID_BYTES] = { 9 };
    const Hello hello = { .boot_id = { BOOT_ID, BOOT_ID_BYTES },
                          .protocol_min = 1,
                          .protocol_max = 1,
                          .version = "0.1.0" };
    step(fleet, (Event){ .kind = EVENT_HELLO,
                         .agent = "a",
                         .connection = ++fleet->connection_count,
                         .term = term,
                         .hello = &hello });
}

static void an_agent_that_speaks_of_an_absurd_term_is_quarantined(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    say_hello_of_term(fleet, 7000000);
    assert_agent(fleet, "a", SESSION_QUARANTINED);
    assert_non_null(strstr(event_of(fleet, "S32")->text, "a coordinator of term 7000000"));
    assert_int_equal(engine_term_seen(fleet->engine), 0);
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

/* As the shell does it: a term above the one that was seen, and everything from the store. */
static void raise_term(Fleet *fleet)
{
    fleet->term = engine_term_seen(fleet->engine);
    restart(fleet);
}

static void the_term_is_raised_on_one_agents_word_so_many_times_only(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    for (int i = 0; i < 8; i++) {
        say_hello_of_term(fleet, fleet->term + 1);
        assert_agent(fleet, "a", SESSION_ACTIVE);
        raise_term(fleet);
    }
    say_hello_of_term(fleet, fleet->term + 1);
    assert_agent(fleet, "a", SESSION_QUARANTINED);
    assert_non_null(strstr(event_of(fleet, "S33")->text, "raised on its word 8 times"));
    assert_int_equal(engine_term_seen(fleet->engine), 0);
    step(fleet, (Event){ .kind = EVENT_AGENT_RELEASED, .agent = "a" });
    say_hello_of_term(fleet, fleet->term + 1);
    assert_int_equal(engine_term_seen(fleet->engine), fleet->term + 1);
}

static void a_higher_term_is_told_once_with_who_knows_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    say_hello_of_term(fleet, 5);
    assert_non_null(strstr(event_of(fleet, "E02")->text,
                           "a knows a coordinator of term 5, and this store none later than 1"));
    size_t told = fleet->events.count;
    say_hello_of_term(fleet, 6);
    assert_int_equal(engine_term_seen(fleet->engine), 6);
    for (size_t i = told; i < fleet->events.count; i++) {
        assert_string_not_equal(fleet->events.items[i]->rule, "E02");
    }
}

static void who_resumes_after_an_old_backup_forgives_what_was_claimed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    say_hello_of_term(fleet, 5);
    raise_term(fleet);
    assert_int_equal(engine_agent_find(fleet->engine, "a")->term_claims, 1);
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_int_equal(engine_agent_find(fleet->engine, "a")->term_claims, 0);
}

static void an_absurd_token_is_not_followed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    say_fence(fleet, (Fence){ 1, UINT64_MAX }, "", "");
    assert_ok(start(fleet));
    assert_int_equal(goal(fleet, "a/db1")->token, 1);
}

static void what_somebody_else_took_back_is_held(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
        plan_two_waves(fleet, 1);
        fleet->plan_waves[0].soak_ms = i == 0 ? 60000 : 0;
        assert_ok(start(fleet));
        report(fleet, "a/db1", REPORT_APPLIED);
        say_fence(fleet, (Fence){ 1, 77 }, "0001_init", "");
        assert_target(fleet, "a/db1", TARGET_HELD);
    }
}

static void an_unknown_rollout_is_taken_up_and_acknowledged(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    report_bare(
        fleet, "a",
        &(State){
            .rollout = "r9", .target = "a/db1", .stamp = { 1, 1, 1 }, .report = REPORT_APPLIED });
    assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), 1);
    assert_true(engine_rollout_find(fleet->engine, "r9")->is_adopted);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(what_no_page_of_a_listing_names_is_gone),
    cmocka_unit_test(one_agent_lists_so_many_databases_and_no_more),
    cmocka_unit_test(what_was_gone_and_never_rolled_out_is_forgotten),
    cmocka_unit_test(an_address_of_another_agent_is_not_taken),
    cmocka_unit_test(a_target_gone_before_its_turn_is_skipped),
    cmocka_unit_test(a_target_gone_at_work_is_held),
    cmocka_unit_test(a_target_gone_between_two_tries_is_held),
    cmocka_unit_test(a_failed_target_that_is_gone_is_not_retried),
    cmocka_unit_test(an_instance_that_is_not_reached_loses_no_targets),
    cmocka_unit_test(a_replica_serves_no_targets),
    cmocka_unit_test(a_target_that_is_only_on_a_replica_is_refused),
    cmocka_unit_test(a_target_moves_with_its_primary_and_keeps_its_address),
    cmocka_unit_test(a_target_keeps_its_turn_when_its_database_is_renamed),
    cmocka_unit_test(a_renamed_database_is_found_again_after_a_restart),
    cmocka_unit_test(a_renamed_database_goes_on_counting_its_attempts),
    cmocka_unit_test(a_renamed_database_that_is_made_anew_is_gone),
    cmocka_unit_test(a_name_that_is_given_anew_is_another_databases),
    cmocka_unit_test(databases_that_have_exchanged_their_names_are_told_apart_after_a_restart),
    cmocka_unit_test(targets_follow_databases_that_exchange_their_names),
    cmocka_unit_test(an_order_in_hand_follows_its_database_to_anothers_name),
    cmocka_unit_test(a_debt_whose_database_takes_anothers_name_leaves_its_host_when_it_is_settled),
    cmocka_unit_test(an_order_stays_in_force_when_its_database_turns_out_to_be_a_known_one),
    cmocka_unit_test(what_is_said_under_a_former_name_is_nobodys_word),
    cmocka_unit_test(a_target_whose_name_another_bears_is_not_served_by_it),
    cmocka_unit_test(two_writable_databases_with_one_identity_are_disputed),
    cmocka_unit_test(a_dispute_ends_when_the_key_of_one_is_revoked),
    cmocka_unit_test(a_dispute_holds_what_waits_until_it_is_over),
    cmocka_unit_test(what_a_dispute_held_was_never_started),
    cmocka_unit_test(a_dispute_holds_what_is_at_work),
    cmocka_unit_test(what_is_to_go_back_on_a_replica_is_debt_until_it_is_writable),
    cmocka_unit_test(what_is_disputed_before_its_turn_to_go_back_is_debt),
    cmocka_unit_test(tokens_go_on_from_what_the_databases_have_seen),
    cmocka_unit_test(a_higher_term_stops_everything),
    cmocka_unit_test(a_ready_rollout_and_an_ended_one_hear_of_a_higher_term),
    cmocka_unit_test(an_absurd_term_is_not_followed),
    cmocka_unit_test(an_agent_that_speaks_of_an_absurd_term_is_quarantined),
    cmocka_unit_test(the_term_is_raised_on_one_agents_word_so_many_times_only),
    cmocka_unit_test(a_higher_term_is_told_once_with_who_knows_it),
    cmocka_unit_test(who_resumes_after_an_old_backup_forgives_what_was_claimed),
    cmocka_unit_test(an_absurd_token_is_not_followed),
    cmocka_unit_test(what_somebody_else_took_back_is_held),
    cmocka_unit_test(an_unknown_rollout_is_taken_up_and_acknowledged),
};
STORIES(FLEET_STORIES, TESTS);
