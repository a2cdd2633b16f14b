/* Doubts between servers, listings and orders that overtake each other, and what a later look makes
 * worse. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static Host *add_standby(Fleet *fleet, const char *name)
{
    Host *standby = fleet_add_host(fleet, name, 1);
    standby->system_identifier = host(fleet, "a")->system_identifier;
    standby->in_recovery = true;
    say_hello(fleet, name);
    say_inventory(fleet, name);
    return standby;
}

static void promote(Fleet *fleet, const char *name)
{
    host(fleet, name)->in_recovery = false;
    host(fleet, name)->timeline = 1; /* fail_over makes it the next */
    fail_over(fleet, name, "0001_init");
}

/* Both of them silent: the one that was promoted last serves, whoever spoke last. */
static void of_two_silent_servers_the_later_timeline_serves(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    assert_ok(start(fleet));
    add_standby(fleet, "s");
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    promote(fleet, "s");
    assert_string_equal(target(fleet, "a/db1")->agent, "s");
    fall_silent(fleet, "s");
    pass(fleet, 32000);
    assert_agent(fleet, "s", SESSION_LOST);
    add_standby(fleet, "t"); /* whoever joins them asks again who serves */
    assert_string_equal(target(fleet, "a/db1")->agent, "s");
    assert_false(listed(fleet, "s/db1")->is_disputed);
    come_back(fleet, "a"); /* it answers, and the other does not */
    assert_string_equal(target(fleet, "a/db1")->agent, "a");
    come_back(fleet, "s"); /* now both do: that is a person's to decide */
    assert_true(listed(fleet, "s/db1")->is_disputed);
    assert_true(listed(fleet, "a/db1")->is_disputed);
}

/* Of what has ended the agent follows, too, and nobody is told anything. */
static void the_target_of_an_ended_rollout_stays_where_it_ended(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    add_standby(fleet, "s");
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    size_t goals = fleet->goal_count;
    host(fleet, "s")->fence = (Fence){ 1, 1 };
    host(fleet, "s")->in_recovery = false;
    fail_over(fleet, "s", "0002_currency");
    assert_int_equal(fleet->goal_count, goals);
    assert_null(event_of(fleet, "I01"));
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

/* A listing is under way: an older one adds nothing to it, nor does a page behind its last. */
static void pages_that_belong_nowhere_are_not_taken(void **state)
{
    (void)state;
    static const struct {
        uint64_t revision;
        uint32_t page;
        const char *address;
        bool is_taken;
    } ROWS[] = {
        { 8, 1, "a/older", false },   { 9, 3, "a/behind", false },   { 0, 0, "a/none", false },
        { 9, 2, "a/doubled", false }, { 9, 300, "a/beyond", false }, { 9, 1, "a/right", true },
    };
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    say_page_of_one(fleet, 9, 2, true, "a/last");
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        say_page_of_one(fleet, ROWS[i].revision, ROWS[i].page, false, ROWS[i].address);
        assert_int_equal(listed(fleet, ROWS[i].address) != NULL, ROWS[i].is_taken);
    }
    assert_false(listed(fleet, "a/db1")->is_gone);
    say_page_of_one(fleet, 9, 0, false, "a/first");
    assert_true(listed(fleet, "a/db1")->is_gone); /* the whole of it is here */
}

/* Of its own agent it has gone: whoever has it now lists it, and reports on it. */
static void what_has_gone_from_one_agent_may_be_anothers(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    host(fleet, "a")->dropped = 1;
    say_inventory(fleet, "a");
    assert_true(listed(fleet, "a/db1")->is_gone);
    State said = { .rollout = "r1",
                   .target = "a/db1",
                   .stamp = { 1, 1, 1 },
                   .token = 1,
                   .report = REPORT_FAILED,
                   .step = "" };
    assert_ok(start(fleet));
    report_bare(fleet, "b", &said);
    assert_agent(fleet, "b", SESSION_ACTIVE); /* nobody's word was stolen */
    assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), 1);
}

/* It was away, and that was all; its deadline that passes when it is back is a failure of its own.
 */
static void a_deadline_that_passes_makes_an_absence_a_failure(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
    fleet->plan.strategy.max_failures = (Amount){ .value = 1 };
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    fall_silent(fleet, "a");
    pass(fleet, 200000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    assert_true(target(fleet, "a/db1")->is_charged);
    assert_true(target(fleet, "a/db1")->is_absent);
    come_back(fleet, "a");
    report(fleet, "a/db1", REPORT_RUNNING);
    pass(fleet, 31 * 60 * 1000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    assert_true(target(fleet, "a/db1")->is_charged);
    assert_false(target(fleet, "a/db1")->is_absent);
    assert_string_equal(err_name(target(fleet, "a/db1")->code), err_name(ERR_TIMEOUT));
    assert_int_equal(target(fleet, "a/db1")->is_charged, 1);
}

/* A person pauses after it and before the step that would have seen it: it passes when that goes
 * on.
 */
static void a_deadline_that_passed_before_a_pause_passes_after_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    fleet->now_ms += 31 * 60 * 1000;
    assert_ok(command(fleet, COMMAND_PAUSE));
    assert_target(fleet, "a/db1", TARGET_APPLYING);
    pass(fleet, 60000); /* in a pause it stands still */
    assert_target(fleet, "a/db1", TARGET_APPLYING);
    assert_ok(command(fleet, COMMAND_RESUME));
    pass(fleet, 1000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN);
    assert_string_equal(err_name(target(fleet, "a/db1")->code), err_name(ERR_TIMEOUT));
}

/* Nobody believes its term, so nobody believes the rollout either. */
static void a_rollout_under_a_term_beyond_belief_is_not_adopted(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    State said = { .rollout = "r9",
                   .target = "a/db1",
                   .stamp = { 1000000, 1, 1 },
                   .token = 1,
                   .report = REPORT_FAILED,
                   .step = "" };
    report_bare(fleet, "a", &said);
    assert_agent(fleet, "a", SESSION_QUARANTINED);
    assert_int_equal(engine_rollout_count(fleet->engine), 0);
    assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), 0);
}

/* Another try of what is not there any more would wait for ever. */
static void what_is_gone_gets_no_other_try(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    host(fleet, "a")->dropped = 1;
    say_inventory(fleet, "a");
    assert_int_equal(command_on(fleet, COMMAND_RETRY, "a/db1"), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.message, "a/db1 is gone: bring its database back"));
    assert_target(fleet, "a/db1", TARGET_FAILED);
}

/* The whole is at work: nothing inside it begins, and the other way round. */
static void a_schema_inside_a_database_at_work_is_refused(void **state)
{
    (void)state;
    for (int is_schema_first = 0; is_schema_first < 2; is_schema_first++) {
        AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
        Host *tenants = fleet_add_host(fleet, "t", 0);
        tenants->databases = 1;
        tenants->schema = "t1";
        tenants->system_identifier = host(fleet, "a")->system_identifier;
        say_hello(fleet, "t");
        say_inventory(fleet, "t");
        fleet->plan.where = is_schema_first ? "instance = 't'" : "instance = 'a'";
        assert_ok(start(fleet));
        fleet->plan.where = is_schema_first ? "instance = 'a'" : "instance = 't'";
        assert_int_equal(start_as(fleet, "r2"), ERR_CONFLICT);
        assert_non_null(strstr(fleet->err.message, "belongs to rollout r1, which is open"));
        assert_non_null(strstr(fleet->err.message, is_schema_first ? "a/db1 holds t/db1/t1"
                                                                   : "t/db1/t1 lies inside a/db1"));
    }
}

/* It knows a later coordinator: this one lends it no time to begin anything. */
static void no_lease_is_given_under_a_term_that_has_passed(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    say_ping(fleet, "b");
    assert_true(((const Pong *)last_sent(fleet, MESSAGE_PONG)->body)->lease_ms > 0);
    host(fleet, "a")->fence = (Fence){ 7, 1 };
    say_inventory(fleet, "a");
    assert_int_equal(engine_term_seen(fleet->engine), 7);
    say_ping(fleet, "b");
    assert_int_equal(((const Pong *)last_sent(fleet, MESSAGE_PONG)->body)->lease_ms, 0);
}

/* One process after another behind one connection, as a proxy would have it: it is not cut. */
static void a_connection_that_serves_two_processes_is_kept(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    Host *a = host(fleet, "a");
    a->boot_id[0]++;
    a->revision = 0;
    say_hello_on(fleet, "a", a->connection);
    say_ping(fleet, "a");
    assert_agent(fleet, "a", SESSION_ACTIVE);
    LIST_EACH(effect, &fleet->effects.list) {
        assert_true(effect->kind != EFFECT_CLOSE_SESSION);
    }
    say_inventory(fleet, "a");
    assert_ok(start(fleet));
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(of_two_silent_servers_the_later_timeline_serves),
    cmocka_unit_test(the_target_of_an_ended_rollout_stays_where_it_ended),
    cmocka_unit_test(pages_that_belong_nowhere_are_not_taken),
    cmocka_unit_test(what_has_gone_from_one_agent_may_be_anothers),
    cmocka_unit_test(a_deadline_that_passes_makes_an_absence_a_failure),
    cmocka_unit_test(a_deadline_that_passed_before_a_pause_passes_after_it),
    cmocka_unit_test(a_rollout_under_a_term_beyond_belief_is_not_adopted),
    cmocka_unit_test(what_is_gone_gets_no_other_try),
    cmocka_unit_test(a_schema_inside_a_database_at_work_is_refused),
    cmocka_unit_test(no_lease_is_given_under_a_term_that_has_passed),
    cmocka_unit_test(a_connection_that_serves_two_processes_is_kept),
};
STORIES(DOUBT_STORIES, TESTS);
