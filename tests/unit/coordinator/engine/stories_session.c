/* Sessions: who speaks for an agent. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static void an_agent_that_says_hello_is_active(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_agent(fleet, "a", SESSION_ACTIVE);
}

static void silence_makes_suspect_then_lost_and_a_word_makes_active(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fall_silent(fleet, "a");
    pass(fleet, 14000);
    assert_agent(fleet, "a", SESSION_ACTIVE);
    pass(fleet, 2000);
    assert_agent(fleet, "a", SESSION_SUSPECT);
    say_ping(fleet, "a");
    assert_agent(fleet, "a", SESSION_ACTIVE);
    pass(fleet, 31000);
    assert_agent(fleet, "a", SESSION_LOST);
    say_ping(fleet, "a");
    assert_agent(fleet, "a", SESSION_ACTIVE);
}

static void a_suspect_and_a_lost_agent_come_back_by_hello(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fall_silent(fleet, "a");
    pass(fleet, 16000);
    say_hello(fleet, "a");
    assert_string_equal(event_of(fleet, "S03")->new_state, "active");
    pass(fleet, 31000);
    say_hello(fleet, "a");
    assert_string_equal(event_of(fleet, "S04")->new_state, "active");
}

static void an_agent_speaks_in_one_session_over_one_connection(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    uint64_t connection = host(fleet, "a")->connection;
    uint64_t session = host(fleet, "a")->session;
    assert_true(engine_is_in_session(fleet->engine, "a", connection, session));
    assert_false(engine_is_in_session(fleet->engine, "a", connection, session + 1));
    assert_false(engine_is_in_session(fleet->engine, "a", connection + 1, session));
    assert_false(engine_is_in_session(fleet->engine, "a", connection, 0));
    assert_false(engine_is_in_session(fleet->engine, "nobody", connection, session));
}

static void a_message_of_an_unbound_session_changes_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    Ping ping = { .sent_at_ms = 1 };
    step(fleet, (Event){ .kind = EVENT_PING,
                         .agent = "a",
                         .connection = host(fleet, "a")->connection,
                         .session = 999,
                         .ping = &ping });
    assert_int_equal(fleet->effects.list.count, 0);
    step(fleet, (Event){ .kind = EVENT_PING,
                         .agent = "a",
                         .connection = 999,
                         .session = host(fleet, "a")->session,
                         .ping = &ping });
    assert_int_equal(fleet->effects.list.count, 0);
    step(fleet, (Event){ .kind = EVENT_PING, .agent = "nobody", .connection = 1, .ping = &ping });
    assert_int_equal(fleet->effects.list.count, 0);
}

static void a_repeated_hello_is_answered_with_the_same_session(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    uint64_t session = host(fleet, "a")->session;
    say_hello_on(fleet, "a", host(fleet, "a")->connection);
    assert_int_equal(host(fleet, "a")->session, session);
    assert_int_equal(sent(fleet, MESSAGE_WELCOME), 1);
}

static void a_hello_that_comes_late_does_not_take_the_session_away(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    Host before = *host(fleet, "a");
    say_hello_on(fleet, "a", 77); /* by a connection that died long ago */
    say_hello_on(fleet, "a", 77);
    *host(fleet, "a") = before;
    say_ping(fleet, "a");
    assert_int_equal(sent(fleet, MESSAGE_PONG), 1);
}

static void a_new_process_is_bound_when_it_has_spoken(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    say_hello_reborn(fleet, "a");
    say_ping(fleet, "a");
    assert_int_equal(sent(fleet, MESSAGE_PONG), 1);
    assert_non_null(event_of(fleet, "S02"));
}

static void two_processes_with_one_key_are_quarantined(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    say_hello_reborn(fleet, "a");
    say_ping(fleet, "a");
    host(fleet, "a")->boot_id[0]--; /* the first one lives, too */
    say_hello(fleet, "a");
    assert_agent(fleet, "a", SESSION_ACTIVE);
    say_ping(fleet, "a");
    assert_agent(fleet, "a", SESSION_QUARANTINED);
    say_hello(fleet, "a");
    assert_int_equal(sent(fleet, MESSAGE_REJECT), 1);
    step(fleet, (Event){ .kind = EVENT_AGENT_RELEASED,
                         .agent = "a",
                         .released = { "operator ann", "the clone is stopped" } });
    assert_string_equal(event_of(fleet, "S27")->actor, "operator ann");
    assert_string_equal(event_of(fleet, "S27")->text,
                        "operator ann released a from quarantine; it may say hello: the clone is "
                        "stopped");
    say_hello(fleet, "a");
    assert_agent(fleet, "a", SESSION_ACTIVE);
}

/* The fence tells attempts apart, and nothing else: one order is never in the hands of two. */
static void another_process_gets_a_new_attempt_with_a_token_of_its_own(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    uint64_t token = goal(fleet, "a/db1")->token;
    say_hello_reborn(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 1); /* it may have died long ago */
    say_ping(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 2);
    assert_true(goal(fleet, "a/db1")->token > token);
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_APPLY);
    assert_target(fleet, "a/db1", TARGET_APPLYING); /* nothing has started, it goes on */
}

/* What one of two processes says that it has in hand, the other does not have. */
static void an_order_in_one_hand_is_not_given_to_the_other(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    Host first = *host(fleet, "a");
    void *order = map_get(fleet->in_hand, "a/db1");
    say_hello_reborn(fleet, "a"); /* offered a session, and says nothing in it yet */
    Host second = *host(fleet, "a");
    *host(fleet, "a") = first;
    map_put(fleet->in_hand, "a/db1", order);
    say_hello_on(fleet, "a", first.connection);
    *host(fleet, "a") = second;
    say_ping(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 2);
}

static void the_same_process_keeps_its_order_on_a_new_connection(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    say_hello(fleet, "a");
    say_ping(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 1);
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 1);
    restart(fleet);
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 1);
    restart(fleet);
    say_hello_reborn(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, 2);
}

static void a_new_attempt_for_another_process_has_the_rest_of_the_time(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.target_timeout_ms = 60000;
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_RUNNING);
    pass(fleet, 80000);
    say_hello_reborn(fleet, "a");
    pass(fleet, 11000);
    assert_target(fleet, "a/db1", TARGET_UNKNOWN); /* 60 s, and 30 s to answer */
}

static void forged_messages_quarantine(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    step(fleet, (Event){ .kind = EVENT_AGENT_FORGED, .agent = "a", .reason = "a forged name" });
    assert_agent(fleet, "a", SESSION_QUARANTINED);
    step(fleet, (Event){ .kind = EVENT_AGENT_FORGED, .agent = "a", .reason = "again" });
    assert_string_equal(engine_agent_find(fleet->engine, "a")->reason, "a forged name");
}

static void a_quarantined_agent_moves_no_term(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    const uint8_t boot_id[BOOT_ID_BYTES] = { 9 };
    const Hello hello = { .boot_id = { boot_id, BOOT_ID_BYTES },
                          .protocol_min = 1,
                          .protocol_max = 1,
                          .version = "0.1.0" };
    step(fleet, (Event){ .kind = EVENT_AGENT_FORGED, .agent = "a", .reason = "a forged name" });
    step(fleet, (Event){ .kind = EVENT_HELLO,
                         .agent = "a",
                         .connection = 99,
                         .term = fleet->term + 5,
                         .hello = &hello });
    assert_int_equal(engine_term_seen(fleet->engine), 0);
}

static void only_a_quarantined_agent_can_be_released(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    Event release = { .kind = EVENT_AGENT_RELEASED,
                      .agent = "a",
                      .released = { "operator ann", "" } };
    assert_int_equal(step(fleet, release), ERR_REFUSED);
    release.agent = "nobody";
    assert_int_equal(step(fleet, release), ERR_NOT_FOUND);
}

static void goodbye_and_a_cut_end_a_session(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    say_bye(fleet, "a");
    assert_agent(fleet, "a", SESSION_LOST);
    Event cut = { .kind = EVENT_DISCONNECTED,
                  .agent = "b",
                  .connection = host(fleet, "b")->connection };
    step(fleet, cut);
    assert_agent(fleet, "b", SESSION_SUSPECT);
    step(fleet, cut); /* known already */
    assert_int_equal(fleet->effects.list.count, 0);
}

static void a_suspect_says_goodbye_or_is_cut(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fall_silent(fleet, "a");
    fall_silent(fleet, "b");
    pass(fleet, 16000);
    step(fleet, (Event){ .kind = EVENT_DISCONNECTED,
                         .agent = "b",
                         .connection = host(fleet, "b")->connection });
    assert_agent(fleet, "b", SESSION_SUSPECT);
    /* A word makes active before it ends: BYE is a word. */
    say_bye(fleet, "a");
    assert_agent(fleet, "a", SESSION_LOST);
}

static void the_connection_of_a_lost_agent_is_forgotten(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fall_silent(fleet, "a");
    pass(fleet, 31000);
    step(fleet, (Event){ .kind = EVENT_DISCONNECTED,
                         .agent = "a",
                         .connection = host(fleet, "a")->connection });
    say_ping(fleet, "a"); /* by no session that counts */
    assert_agent(fleet, "a", SESSION_LOST);
}

static void a_revoked_agent_is_lost_and_its_targets_are_nobodys(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    Event revoked = { .kind = EVENT_AGENT_REVOKED, .agent = "a" };
    step(fleet, revoked);
    assert_agent(fleet, "a", SESSION_LOST);
    size_t events = fleet->events.count;
    step(fleet, revoked);
    assert_int_equal(fleet->events.count, events);
    restart(fleet);
    step(fleet, revoked); /* the shell compares keys and agents at each start */
    assert_int_equal(fleet->events.count, events);
    come_back(fleet, "b");
    assert_ok(start(fleet));
    assert_int_equal(engine_target_count(fleet->engine, ROLLOUT), 1);
}

/* It is to cancel what it runs: that it is out has to be the last that it hears. */
static void a_revoked_agent_is_told_so_in_its_session(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    uint64_t session = last_sent(fleet, MESSAGE_GOAL)->session;
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "a" });
    const SendEffect *reject = last_sent(fleet, MESSAGE_REJECT);
    assert_int_equal(((const Reject *)reject->body)->code, ERR_REVOKED);
    assert_int_equal(reject->session, session);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "a" });
    assert_int_equal(sent(fleet, MESSAGE_REJECT), 0);
}

static void what_a_revoked_agent_has_in_hand_is_held_with_the_reason(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "b" });
    assert_target(fleet, "b/db1", TARGET_HELD);
    assert_non_null(strstr(target(fleet, "b/db1")->message, "key of its agent was revoked"));
}

/* Its targets have not failed, whatever the plan says of failures and of agents that are lost. */
static void a_revoked_key_pauses_and_takes_nothing_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_ROLL_BACK_ROLLOUT;
    fleet->plan.strategy.max_failures = (Amount){ .value = 1 };
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_RUNNING);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "c" });
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_string_equal(rollout(fleet)->reason, "the key of c was revoked, and 1 target is held "
                                                "for it: somebody has to look");
    assert_target(fleet, "b/db1", TARGET_VERIFYING);
    assert_true(target(fleet, "c/db1")->is_charged);
    assert_true(target(fleet, "c/db1")->is_absent);
    pass(fleet, 200000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_target(fleet, "b/db1", TARGET_VERIFYING);
}

/* It had failed once; what ends the try that a person has given it is the key. */
static void a_revoked_key_makes_no_failure_of_another_try(void **state)
{
    (void)state;
    static const Report FIRST[] = { REPORT_FAILED, REPORT_HELD };
    for (size_t i = 0; i < ARRAY_LEN(FIRST); i++) {
        AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
        assert_ok(start(fleet));
        report_steps(fleet, "a/db1", FIRST[i], 0, 0);
        report(fleet, "b/db1", REPORT_APPLIED);
        assert_rollout(fleet, ROLLOUT_PAUSED);
        fall_silent(fleet, "a");
        pass(fleet, 40000);
        assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
        fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
        restart(fleet);
        come_back(fleet, "b");
        assert_ok(command(fleet, COMMAND_RESUME));
        assert_target(fleet, "a/db1", TARGET_PENDING);
        step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "a" });
        assert_target(fleet, "a/db1", TARGET_HELD);
        assert_true(target(fleet, "a/db1")->is_absent);
        assert_rollout(fleet, ROLLOUT_PAUSED);
        assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
        assert_target(fleet, "b/db1", TARGET_VERIFYING);
    }
}

static void the_pause_for_a_revoked_key_is_not_lifted_over_what_it_holds(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "b" });
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "c" });
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_string_equal(fleet->err.message,
                        "the key of b, c was revoked, and 2 targets are held for it");
    assert_non_null(strstr(explained(fleet), "`skein rollout skip` what is held for it"));
    restart(fleet);
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_ok(command_all_failed(fleet, COMMAND_SKIP));
    assert_ok(command(fleet, COMMAND_RESUME));
    come_back(fleet, "a");
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_key_that_is_put_back_lets_its_targets_be_retried(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "b" });
    step(fleet, (Event){ .kind = EVENT_AGENT_ADDED, .agent = "b" });
    come_back(fleet, "b");
    assert_int_equal(command(fleet, COMMAND_RESUME), ERR_REFUSED); /* it is held all the same */
    assert_non_null(strstr(explained(fleet), "put the key back"));
    assert_ok(command_on(fleet, COMMAND_RETRY, "b/db1"));
    assert_null(strstr(explained(fleet), "put the key back")); /* that is done */
    assert_non_null(strstr(explained(fleet), "nothing is held for it any more"));
    assert_ok(command(fleet, COMMAND_RESUME));
    report(fleet, "b/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

/* What it had applied says nothing of the key, and stays applied. */
static void a_revoked_key_unmakes_nothing_that_was_applied(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    fleet->plan_waves[0].soak_ms = 60000;
    assert_ok(start(fleet));
    report_all(fleet, REPORT_APPLIED);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "b" });
    assert_target(fleet, "b/db1", TARGET_VERIFYING);
    assert_false(target(fleet, "b/db1")->is_charged);
    pass(fleet, 61000);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_success_says_what_was_left_out_and_why(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->plan.strategy.max_parallel = 1;
    assert_ok(start(fleet));
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "b" });
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "c/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_string_equal(rollout(fleet)->reason,
                        "rollout r1 succeeded: 2 of 3 targets; 1 was left out");
    assert_non_null(strstr(explained(fleet), "b/db1: left out: the key of its agent was revoked"));
}

static void an_instance_name_belongs_to_one_agent(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    HelloInstance instance = { .name = "a" };
    Hello hello = { .boot_id = { host(fleet, "a")->boot_id, BOOT_ID_BYTES },
                    .protocol_min = 1,
                    .protocol_max = 1,
                    .version = "",
                    .instances = &instance,
                    .instance_count = 1 };
    step(fleet,
         (Event){ .kind = EVENT_HELLO, .agent = "thief", .connection = 50, .hello = &hello });
    assert_int_equal(sent(fleet, MESSAGE_REJECT), 1);
}

static void an_agent_of_another_protocol_is_refused(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    Hello hello = { .boot_id = { host(fleet, "a")->boot_id, BOOT_ID_BYTES },
                    .protocol_min = PROTOCOL_VERSION_MAX + 1,
                    .protocol_max = PROTOCOL_VERSION_MAX + 9,
                    .version = "" };
    step(fleet, (Event){ .kind = EVENT_HELLO, .agent = "new", .connection = 51, .hello = &hello });
    assert_int_equal(sent(fleet, MESSAGE_REJECT), 1);
    hello.protocol_min = PROTOCOL_VERSION_MAX; /* speaks ours besides its own */
    step(fleet, (Event){ .kind = EVENT_HELLO, .agent = "new", .connection = 52, .hello = &hello });
    assert_int_equal(sent(fleet, MESSAGE_WELCOME), 1);
}

static void a_coordinator_that_slept_blames_nobody(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 1);
    fleet->now_ms += 300000; /* the machine was frozen */
    step(fleet, (Event){ .kind = EVENT_TICK });
    assert_agent(fleet, "a", SESSION_SUSPECT);
    say_ping(fleet, "a");
    assert_agent(fleet, "a", SESSION_ACTIVE);
}

static void a_lease_is_granted_with_the_pings_own_time(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    say_ping(fleet, "a");
    LIST_EACH(effect, &fleet->effects.list) {
        if (effect->kind == EFFECT_SEND && effect->send.type == MESSAGE_PONG) {
            const Pong *pong = effect->send.body;
            assert_int_equal(pong->lease_ms, 20000);
            assert_int_equal(pong->sent_at_ms, fleet->now_ms);
        }
    }
}

static void goals_are_sent_again_when_the_digests_differ(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    size_t goals = fleet->goal_count;
    say_ping(fleet, "a"); /* it knows of no goal */
    assert_int_equal(fleet->goal_count, goals + 1);
}

static void an_idle_coordinator_writes_now_and_then(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    size_t before = map_count(fleet->agents);
    const void *row = map_get(fleet->agents, "a");
    pass(fleet, 40000);
    assert_int_equal(map_count(fleet->agents), before);
    assert_ptr_not_equal(map_get(fleet->agents, "a"), row);
}

/* An old process with the first attempt in hand, a second one that has failed, and an abort. */
static Fleet *with_an_order_out_of_force(State *ret_old)
{
    Fleet *fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    *ret_old = (State){ .rollout = ROLLOUT,
                        .target = "a/db1",
                        .stamp = goal(fleet, "a/db1")->stamp,
                        .token = goal(fleet, "a/db1")->token,
                        .report = REPORT_PARKED };
    say_hello_reborn(fleet, "a");
    say_ping(fleet, "a");
    assert_true(goal(fleet, "a/db1")->stamp.attempt > ret_old->stamp.attempt);
    report_error(fleet, "a/db1", REPORT_FAILED, ERR_SERVER);
    assert_ok(command(fleet, COMMAND_ABORT));
    assert_rollout(fleet, ROLLOUT_ABORTED);
    return fleet;
}

static void assert_recalled(Fleet *fleet, const State *old)
{
    const GoalMessage *recall = goal(fleet, "a/db1");
    assert_int_equal(recall->goal, GOAL_HOLD);
    assert_int_equal(recall->token, old->token);
    assert_int_equal(recall->stamp.attempt, old->stamp.attempt);
    assert_int_equal(recall->stamp.revision, old->stamp.revision + 1);
}

/* It has a lease again, and nothing is in force that would tell it otherwise. */
static void who_speaks_of_an_order_out_of_force_is_told_to_hold(void **state)
{
    (void)state;
    State old;
    AUTO_PTR(Fleet) fleet = with_an_order_out_of_force(&old);
    size_t before = fleet->goal_count;
    report_bare(fleet, "a", &old);
    assert_int_equal(fleet->goal_count, before + 1);
    assert_recalled(fleet, &old);
    old.stamp = goal(fleet, "a/db1")->stamp; /* it holds */
    report_bare(fleet, "a", &old);
    assert_int_equal(fleet->goal_count, before + 1);
    assert_rollout(fleet, ROLLOUT_ABORTED);
}

/* The store was thrown back behind it: numbers that come after it are newer than what it has. */
static void an_order_that_the_store_has_forgotten_is_recalled_under_the_rows_stamp(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    restart(fleet);
    come_back(fleet, "a");
    report_error(fleet, "a/db1", REPORT_FAILED, ERR_SERVER);
    assert_ok(command(fleet, COMMAND_ABORT));
    State old = { .rollout = ROLLOUT,
                  .target = "a/db1",
                  .stamp = { 1, 7, 1 },
                  .token = 99,
                  .report = REPORT_PARKED };
    report_bare(fleet, "a", &old);
    assert_recalled(fleet, &old);
    assert_true(order_stamp_compare(target(fleet, "a/db1")->stamp, goal(fleet, "a/db1")->stamp) >
                0);
    assert_ok(start_as(fleet, "r2"));
    assert_true(goal(fleet, "a/db1")->stamp.attempt > 7);
}

/* r1 has ended here, and this was an order of it, which the store has forgotten. */
static const State FORGOTTEN = { .rollout = ROLLOUT,
                                 .target = "a/db1",
                                 .stamp = { 1, 7, 1 },
                                 .token = 99,
                                 .report = REPORT_PARKED };

/* Its own order lives as well: told under a later number, that one's end would come too late. */
static void nothing_forgotten_is_recalled_over_an_order_that_has_not_ended(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    restart(fleet);
    come_back(fleet, "a");
    report(fleet, "a/db1", REPORT_UNKNOWN);
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1"));
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    assert_ok(start_as(fleet, "r2")); /* puts it out of force */
    const GoalMessage *other = goal(fleet, "a/db1");
    report_as(fleet, "a", "a/db1", REPORT_APPLIED);
    OrderStamp stamp = target(fleet, "a/db1")->stamp;
    report_bare(fleet, "a", &FORGOTTEN);
    assert_ptr_equal(goal(fleet, "a/db1"), other);
    assert_int_equal(target(fleet, "a/db1")->stamp.attempt, stamp.attempt);
}

/* The other's order is newer, and the agent takes it instead. */
static void nothing_forgotten_is_recalled_where_another_rollout_is_at_work(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    restart(fleet);
    come_back(fleet, "a");
    report_error(fleet, "a/db1", REPORT_FAILED, ERR_SERVER);
    assert_ok(command(fleet, COMMAND_ABORT));
    OrderStamp stamp = target(fleet, "a/db1")->stamp;
    assert_ok(start_as(fleet, "r2"));
    const GoalMessage *other = goal(fleet, "a/db1");
    assert_string_equal(other->rollout, "r2");
    report_bare(fleet, "a", &FORGOTTEN);
    assert_ptr_equal(goal(fleet, "a/db1"), other);
    assert_int_equal(target(fleet, "a/db1")->stamp.attempt, stamp.attempt);
    report_as(fleet, "a", "a/db1", REPORT_APPLIED); /* which has ended now */
    report_bare(fleet, "a", &FORGOTTEN);
    assert_recalled(fleet, &FORGOTTEN);
}

/* In the batch that welcomes it, ahead of its lease. */
static void who_greets_with_an_order_out_of_force_is_told_to_hold(void **state)
{
    (void)state;
    State old;
    AUTO_PTR(Fleet) fleet = with_an_order_out_of_force(&old);
    Host *back = host(fleet, "a");
    InFlight flight = { .rollout = ROLLOUT,
                        .target = "a/db1",
                        .stamp = old.stamp,
                        .token = old.token,
                        .report = REPORT_PARKED };
    fall_silent(fleet, "a");
    pass(fleet, 31000);
    back->boot_id[0]--;
    Hello hello = { .boot_id = { back->boot_id, BOOT_ID_BYTES },
                    .protocol_min = back->spoken.min,
                    .protocol_max = back->spoken.max,
                    .version = "0.1.0",
                    .in_flight = &flight,
                    .in_flight_count = 1 };
    step(fleet, (Event){ .kind = EVENT_HELLO,
                         .agent = "a",
                         .connection = ++fleet->connection_count,
                         .protocol = back->spoken.min,
                         .hello = &hello });
    assert_int_equal(sent(fleet, MESSAGE_WELCOME), 1);
    assert_int_equal(sent(fleet, MESSAGE_GOAL), 1);
    assert_recalled(fleet, &old);
}

/* It was welcomed and sent the order, and turned out before it had proven itself. */
static void what_an_unproven_process_was_sent_is_not_sent_to_another(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    Host *both = host(fleet, "a");
    fall_silent(fleet, "a");
    pass(fleet, 31000);
    say_hello_reborn(fleet, "a");
    uint32_t attempt = goal(fleet, "a/db1")->stamp.attempt;
    step(fleet, (Event){ .kind = EVENT_PING,
                         .agent = "a",
                         .connection = both->connection,
                         .session = both->session,
                         .protocol = both->protocol - 1,
                         .ping = &(Ping){ 0 } });
    assert_agent(fleet, "a", SESSION_SUSPECT);
    map_remove(fleet->in_hand, "a/db1");
    both->boot_id[0]--; /* the process before is there again */
    say_hello(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->stamp.attempt, attempt + 1);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(what_an_unproven_process_was_sent_is_not_sent_to_another),
    cmocka_unit_test(who_speaks_of_an_order_out_of_force_is_told_to_hold),
    cmocka_unit_test(who_greets_with_an_order_out_of_force_is_told_to_hold),
    cmocka_unit_test(an_order_that_the_store_has_forgotten_is_recalled_under_the_rows_stamp),
    cmocka_unit_test(nothing_forgotten_is_recalled_over_an_order_that_has_not_ended),
    cmocka_unit_test(nothing_forgotten_is_recalled_where_another_rollout_is_at_work),
    cmocka_unit_test(an_agent_that_says_hello_is_active),
    cmocka_unit_test(silence_makes_suspect_then_lost_and_a_word_makes_active),
    cmocka_unit_test(a_suspect_and_a_lost_agent_come_back_by_hello),
    cmocka_unit_test(an_agent_speaks_in_one_session_over_one_connection),
    cmocka_unit_test(a_message_of_an_unbound_session_changes_nothing),
    cmocka_unit_test(a_repeated_hello_is_answered_with_the_same_session),
    cmocka_unit_test(a_hello_that_comes_late_does_not_take_the_session_away),
    cmocka_unit_test(a_new_process_is_bound_when_it_has_spoken),
    cmocka_unit_test(two_processes_with_one_key_are_quarantined),
    cmocka_unit_test(another_process_gets_a_new_attempt_with_a_token_of_its_own),
    cmocka_unit_test(an_order_in_one_hand_is_not_given_to_the_other),
    cmocka_unit_test(the_same_process_keeps_its_order_on_a_new_connection),
    cmocka_unit_test(a_new_attempt_for_another_process_has_the_rest_of_the_time),
    cmocka_unit_test(forged_messages_quarantine),
    cmocka_unit_test(a_quarantined_agent_moves_no_term),
    cmocka_unit_test(only_a_quarantined_agent_can_be_released),
    cmocka_unit_test(goodbye_and_a_cut_end_a_session),
    cmocka_unit_test(a_suspect_says_goodbye_or_is_cut),
    cmocka_unit_test(the_connection_of_a_lost_agent_is_forgotten),
    cmocka_unit_test(a_revoked_agent_is_lost_and_its_targets_are_nobodys),
    cmocka_unit_test(a_revoked_agent_is_told_so_in_its_session),
    cmocka_unit_test(what_a_revoked_agent_has_in_hand_is_held_with_the_reason),
    cmocka_unit_test(a_revoked_key_pauses_and_takes_nothing_back),
    cmocka_unit_test(a_revoked_key_makes_no_failure_of_another_try),
    cmocka_unit_test(the_pause_for_a_revoked_key_is_not_lifted_over_what_it_holds),
    cmocka_unit_test(a_key_that_is_put_back_lets_its_targets_be_retried),
    cmocka_unit_test(a_revoked_key_unmakes_nothing_that_was_applied),
    cmocka_unit_test(a_success_says_what_was_left_out_and_why),
    cmocka_unit_test(an_instance_name_belongs_to_one_agent),
    cmocka_unit_test(an_agent_of_another_protocol_is_refused),
    cmocka_unit_test(a_coordinator_that_slept_blames_nobody),
    cmocka_unit_test(a_lease_is_granted_with_the_pings_own_time),
    cmocka_unit_test(goals_are_sent_again_when_the_digests_differ),
    cmocka_unit_test(an_idle_coordinator_writes_now_and_then),
};
STORIES(SESSION_STORIES, TESTS);
