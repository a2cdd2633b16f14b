/* The agent's session, played: messages and time in, effects out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/session.h"
#include "common/cleanup.h"
#include "common/str.h"

typedef struct Play {
    AgentFacts facts;
    HelloInstance instance;
    AgentSession *session;
    uint64_t now_ms;
    uint64_t term;       /* of the coordinator that speaks */
    uint64_t number;     /* its session */
    LinkEffects effects; /* of the last call */
} Play;

static void play_done(Play *play)
{
    link_effects_done(&play->effects);
    agent_session_free(play->session);
    free(play->facts.targets);
}

AUTO_DEFINE(Play, play_done)

static LinkEffects *fresh(Play *play)
{
    link_effects_done(&play->effects);
    return &play->effects;
}

static void play_init(Play *play)
{
    memset(play, 0, sizeof(*play));
    play->facts.version = "1";
    play->instance.name = "i";
    play->facts.inventory_revision = 5;
    play->now_ms = 1000000;
    play->term = 3;
    play->number = 7;
    play->session = agent_session_new(&play->facts, 42, play->now_ms);
}

static const char *state_of(const Play *play)
{
    return agent_session_state_name(agent_session_state(play->session));
}

static size_t count_of(const Play *play, LinkEffectKind kind, MessageType type)
{
    size_t count = 0;
    for (size_t i = 0; i < play->effects.list.count; i++) {
        const LinkEffect *effect = &play->effects.list.items[i];
        count += effect->kind == kind && effect->type == type;
    }
    return count;
}

/* The last effect of a kind; a SEND of `type`. NULL: none. */
static const LinkEffect *effect_of(const Play *play, LinkEffectKind kind, MessageType type)
{
    const LinkEffect *found = NULL;
    for (size_t i = 0; i < play->effects.list.count; i++) {
        const LinkEffect *effect = &play->effects.list.items[i];
        found = effect->kind == kind && effect->type == type ? effect : found;
    }
    return found;
}

static const LinkEffect *wanted(const Play *play, LinkEffectKind kind)
{
    const LinkEffect *effect = effect_of(play, kind, MESSAGE_NONE);
    assert_non_null(effect);
    return effect;
}

static const void *sent(const Play *play, MessageType type)
{
    const LinkEffect *effect = effect_of(play, LINK_EFFECT_SEND, type);
    return effect == NULL ? NULL : effect->body;
}

static const State *told(const Play *play)
{
    const State *state = sent(play, MESSAGE_STATE);
    assert_non_null(state);
    return state;
}

static void connect_link(Play *play)
{
    agent_session_connected(play->session, play->now_ms, fresh(play));
}

static void hear_in(Play *play, MessageType type, const void *body, uint64_t session, uint64_t term)
{
    Envelope envelope = {
        .version = 1, .type = type, .session = session, .term = term, .body = body
    };
    agent_session_take(play->session, &envelope, play->now_ms, fresh(play));
}

static void hear(Play *play, MessageType type, const void *body)
{
    hear_in(play, type, body, play->number, play->term);
}

static void welcome(Play *play, uint64_t inventory_revision)
{
    Welcome body = { .session = play->number,
                     .heartbeat_ms = 5000,
                     .lease_ms = 20000,
                     .lost_ms = 30000,
                     .inventory_revision = inventory_revision };
    hear(play, MESSAGE_WELCOME, &body);
}

static void pong(Play *play, uint64_t sent_at_ms)
{
    hear(play, MESSAGE_PONG, &(Pong){ .sent_at_ms = sent_at_ms, .lease_ms = 20000 });
}

static void tick_at(Play *play, uint64_t at_ms)
{
    play->now_ms = at_ms;
    agent_session_tick(play->session, play->now_ms, fresh(play));
}

/* Connected, welcomed, with a lease from now on. */
static void play_active(Play *play)
{
    play_init(play);
    connect_link(play);
    welcome(play, 5);
    pong(play, play->now_ms);
}

static GoalMessage goal_of(uint32_t attempt, uint32_t revision, Goal goal)
{
    static const uint8_t HASH[PLAN_HASH_BYTES] = { 1, 2, 3 };
    return (GoalMessage){
        .rollout = "r1",
        .target = "i/d",
        .identity = { 9, 8, "" },
        .stamp = { 3, attempt, revision },
        .token = 100 + attempt,
        .goal = (uint32_t)goal,
        .plan_hash = { HASH, sizeof(HASH) },
        .from = "",
        .to = "0004_d",
        .deadline_ms = 60000,
    };
}

static void order(Play *play, uint32_t attempt, uint32_t revision, Goal goal)
{
    GoalMessage message = goal_of(attempt, revision, goal);
    hear(play, MESSAGE_GOAL, &message);
}

static State state_from(uint32_t attempt, uint32_t revision, Report report)
{
    return (State){ .rollout = "r1",
                    .target = "i/d",
                    .stamp = { 3, attempt, revision },
                    .token = 100 + attempt,
                    .report = report,
                    .start = "",
                    .version = "",
                    .sqlstate = "",
                    .message = "words",
                    .hint = "",
                    .migration = "" };
}

static void report(Play *play, uint32_t attempt, uint32_t revision, Report kind)
{
    State state = state_from(attempt, revision, kind);
    agent_session_report(play->session, &state, play->now_ms, fresh(play));
}

static void worker_ends(Play *play)
{
    agent_session_job_ended(play->session, "i/d", play->now_ms, fresh(play));
}

static void acknowledge(Play *play, uint64_t report_id)
{
    hear(play, MESSAGE_STATE_ACK, &(StateAck){ .report_id = report_id, .target = "i/d" });
}

/* A report, its worker gone, its end acknowledged. */
static void settle(Play *play, uint32_t attempt, uint32_t revision, Report kind)
{
    report(play, attempt, revision, kind);
    uint64_t id = told(play)->report_id;
    worker_ends(play);
    acknowledge(play, id);
}

/* ---- the link ---- */

static void the_table_is_well_formed(void **state)
{
    (void)state;
    Err err;
    if (rule_table_check(agent_session_rule_table(), &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void a_connected_socket_says_hello_with_what_is_in_flight(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    connect_link(&play);
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_non_null(hello);
    assert_int_equal(hello->in_flight_count, 1);
    assert_string_equal(hello->in_flight[0].target, "i/d");
    assert_int_equal(hello->in_flight[0].report, REPORT_ACCEPTED);
    assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_HELLO)->session, 0);
    assert_string_equal(state_of(&play), "greeting");
}

static void a_welcome_opens_the_session_and_is_answered_by_a_ping(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    welcome(&play, 5);
    assert_string_equal(state_of(&play), "active");
    const LinkEffect *ping = effect_of(&play, LINK_EFFECT_SEND, MESSAGE_PING);
    assert_non_null(ping);
    assert_int_equal(ping->session, 7);
    assert_int_equal(ping->term, 3);
    assert_null(sent(&play, MESSAGE_INVENTORY));
}

static void a_busy_coordinator_is_asked_again_when_it_said(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    hear_in(&play, MESSAGE_BUSY, &(Busy){ .retry_after_ms = 10000 }, 0, 3);
    uint64_t again_ms = agent_session_next_deadline_ms(play.session);
    assert_in_range(again_ms, play.now_ms + 8000, play.now_ms + 12000);
    tick_at(&play, again_ms - 1);
    assert_null(sent(&play, MESSAGE_HELLO));
    tick_at(&play, again_ms);
    assert_non_null(sent(&play, MESSAGE_HELLO));
}

static void a_refused_agent_waits_long_and_shows_why(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    hear_in(&play, MESSAGE_REJECT,
            &(Reject){ .code = ERR_FORBIDDEN, .reason = "the key is revoked" }, 0, 3);
    assert_in_range(wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms, 30000, 60000);
    assert_string_equal(agent_session_refusal(play.session), "the key is revoked (forbidden)");
    assert_string_equal(state_of(&play), "down");
}

static void a_deposed_coordinator_is_left(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    connect_link(&play);
    play.term = 2;
    play.number = 9;
    welcome(&play, 5);
    assert_string_equal(state_of(&play), "down");
    wanted(&play, LINK_EFFECT_RECONNECT);
    assert_null(sent(&play, MESSAGE_PING));
}

static void a_higher_term_is_taken(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    connect_link(&play);
    play.term = 4;
    play.number = 9;
    welcome(&play, 5);
    assert_string_equal(state_of(&play), "active");
    assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_PING)->term, 4);
}

static void late_welcomes_do_not_change_the_session(void **state)
{
    (void)state;
    const struct {
        uint64_t number;
        uint64_t term;
        uint64_t session; /* afterwards */
    } rows[] = { { 6, 3, 7 }, { 9, 2, 7 }, { 7, 3, 7 }, { 8, 3, 8 }, { 8, 4, 8 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Play) play;
        play_active(&play);
        play.number = rows[i].number;
        play.term = rows[i].term;
        welcome(&play, 5);
        tick_at(&play, play.now_ms + 6000);
        assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_PING)->session,
                         rows[i].session);
    }
}

static void silence_rebuilds_the_socket(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    tick_at(&play, play.now_ms + 29999);
    assert_string_equal(state_of(&play), "active");
    tick_at(&play, play.now_ms + 1);
    assert_string_equal(state_of(&play), "down");
    assert_in_range(wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms, 0, 1000);
}

static void a_hello_without_an_answer_rebuilds_the_socket_with_longer_and_longer_waits(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    uint32_t longest_ms = 0;
    for (int i = 0; i < 40; i++) {
        connect_link(&play);
        tick_at(&play, play.now_ms + 10000);
        uint32_t delay_ms = wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms;
        assert_in_range(delay_ms, 0, 60000);
        longest_ms = delay_ms > longest_ms ? delay_ms : longest_ms;
    }
    assert_in_range(longest_ms, 30000, 60000);
}

static void a_connection_that_worked_shortens_the_next_wait(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    for (int i = 0; i < 10; i++) {
        connect_link(&play);
        tick_at(&play, play.now_ms + 10000);
    }
    for (int i = 0; i < 10; i++) {
        connect_link(&play);
        play.number++;
        welcome(&play, 5);
        pong(&play, play.now_ms);
        tick_at(&play, play.now_ms + 30000);
        assert_in_range(wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms, 0, 1000);
    }
}

static void messages_of_another_session_or_term_change_nothing(void **state)
{
    (void)state;
    const struct {
        uint64_t session;
        uint64_t term;
    } rows[] = { { 6, 3 }, { 8, 3 }, { 7, 2 }, { 7, 4 }, { 0, 3 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Play) play;
        play_active(&play);
        GoalMessage message = goal_of(1, 1, GOAL_APPLY);
        hear_in(&play, MESSAGE_GOAL, &message, rows[i].session, rows[i].term);
        assert_null(agent_session_order(play.session, "i/d"));
        hear_in(&play, MESSAGE_REJECT, &(Reject){ .reason = "" }, rows[i].session, rows[i].term);
        hear_in(&play, MESSAGE_BYE, &(Bye){ .reason = "" }, rows[i].session, rows[i].term);
        assert_string_equal(state_of(&play), "active");
    }
}

/* One letter per thing that happens. */
static void happen(Play *play, char deed)
{
    switch (deed) {
    case 'c':
        connect_link(play);
        return;
    case 'w': /* a welcome; 'n': to a newer session; 'd': by a deposed coordinator */
    case 'n':
    case 'd':
        play->number += deed == 'n';
        play->term -= deed == 'd';
        welcome(play, 5);
        return;
    case 'i': /* an instance changes */
        play->facts.instances = &play->instance;
        play->facts.instance_count = 1;
        agent_session_facts_changed(play->session, play->now_ms, fresh(play));
        return;
    case 'b':
        hear(play, MESSAGE_BUSY, &(Busy){ .retry_after_ms = 1000 });
        return;
    case 'r':
        hear(play, MESSAGE_REJECT, &(Reject){ .reason = "" });
        return;
    case 'y':
        hear(play, MESSAGE_BYE, &(Bye){ .reason = "" });
        return;
    case 'l':
        agent_session_bye(play->session, "stop", fresh(play));
        return;
    default: /* 't': time passes */
        tick_at(play, play->now_ms + 30000);
        return;
    }
}

static const struct {
    const char *deeds;
    const char *id; /* the rule that the last of them fires */
    const char *state;
} LINK_CASES[] = {
    { "c", "A1", "greeting" },    { "cd", "A11", "active" },   { "cwcd", "A10", "down" },
    { "cw", "A11", "active" },    { "cwn", "A13", "active" },  { "cww", "A14", "active" },
    { "cb", "A20", "waiting" },   { "cr", "A30", "down" },     { "cwr", "A31", "down" },
    { "cwy", "A40", "down" },     { "ct", "A50", "down" },     { "cwt", "A51", "down" },
    { "cbt", "A60", "greeting" }, { "cwi", "A3", "greeting" }, { "ci", "A4", "greeting" },
    { "cwl", "A70", "parted" },   { "cl", "A71", "parted" },
};

static void every_case_of_the_link_fires_its_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(LINK_CASES); i++) {
        AUTO(Play) play;
        play_init(&play);
        for (const char *deed = LINK_CASES[i].deeds; *deed != '\0'; deed++) {
            happen(&play, *deed);
        }
        JobMove move;
        agent_session_last_move(play.session, &move);
        assert_string_equal(move.rule->id, LINK_CASES[i].id);
        assert_string_equal(state_of(&play), LINK_CASES[i].state);
    }
}

static void every_rule_of_the_link_has_a_case(void **state)
{
    (void)state;
    const RuleTable *table = agent_session_rule_table();
    for (size_t i = 0; i < table->rule_count; i++) {
        bool has_case = table->rules[i].to == RULE_IGNORE;
        for (size_t j = 0; j < ARRAY_LEN(LINK_CASES); j++) {
            has_case |= str_equal(LINK_CASES[j].id, table->rules[i].id);
        }
        if (!has_case) {
            fail_msg("rule %s (%s) is fired by no test", table->rules[i].id, table->rules[i].why);
        }
    }
}

static void good_bye_is_the_last_word(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    agent_session_bye(play.session, "stopping", fresh(&play));
    assert_string_equal(((const Bye *)sent(&play, MESSAGE_BYE))->reason, "stopping");
    report(&play, 1, 1, REPORT_APPLIED);
    assert_int_equal(play.effects.list.count, 0);
    connect_link(&play);
    assert_int_equal(play.effects.list.count, 0);
}

static void a_hello_is_given_its_time_to_be_answered(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    assert_int_equal(agent_session_next_deadline_ms(play.session), play.now_ms + 10000);
    tick_at(&play, play.now_ms + 9999);
    assert_string_equal(state_of(&play), "greeting");
    welcome(&play, 5); /* and from then on it is the session's own time */
    tick_at(&play, play.now_ms + 29999);
    assert_string_equal(state_of(&play), "active");
    tick_at(&play, play.now_ms + 1);
    assert_string_equal(state_of(&play), "down");
}

static void senseless_intervals_are_not_obeyed(void **state)
{
    (void)state;
    const struct {
        uint32_t heartbeat_ms;
        uint32_t lost_ms;
        uint32_t ping_min_ms; /* the next PING's */
        uint32_t ping_max_ms;
    } rows[] = { { 0, 0, 4000, 6000 }, { 1, 1, 8, 12 }, { 5000, 100, 4000, 6000 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Play) play;
        play_init(&play);
        connect_link(&play);
        Welcome body = { .session = 7,
                         .heartbeat_ms = rows[i].heartbeat_ms,
                         .lost_ms = rows[i].lost_ms,
                         .inventory_revision = 5 };
        hear(&play, MESSAGE_WELCOME, &body);
        uint64_t next_ms = agent_session_next_deadline_ms(play.session);
        assert_in_range(next_ms - play.now_ms, rows[i].ping_min_ms, rows[i].ping_max_ms);
        tick_at(&play, next_ms);
        assert_non_null(sent(&play, MESSAGE_PING));
    }
}

/* ---- heartbeat and lease ---- */

static void pings_come_every_heartbeat_give_or_take(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    for (int i = 0; i < 20; i++) {
        uint64_t before_ms = play.now_ms;
        tick_at(&play, agent_session_next_deadline_ms(play.session));
        const Ping *ping = sent(&play, MESSAGE_PING);
        assert_non_null(ping);
        assert_int_equal(ping->sent_at_ms, play.now_ms);
        assert_in_range(play.now_ms - before_ms, 4000, 6000);
        pong(&play, play.now_ms);
    }
}

static void the_lease_counts_from_the_pings_own_send_time(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    uint64_t sent_ms = play.now_ms;
    play.now_ms += 15000;
    pong(&play, sent_ms);
    assert_int_equal(agent_session_lease_until_ms(play.session), sent_ms + 20000);
    pong(&play, play.now_ms + 1); /* of a PING that was never sent */
    assert_int_equal(agent_session_lease_until_ms(play.session), sent_ms + 20000);
}

static void workers_are_told_when_the_lease_runs_out_and_when_it_is_back(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    assert_true(wanted(&play, LINK_EFFECT_START)->permit.may_start);
    tick_at(&play, play.now_ms + 19999);
    assert_null(effect_of(&play, LINK_EFFECT_PERMIT, MESSAGE_NONE));
    uint64_t pinged_ms = play.now_ms;
    tick_at(&play, play.now_ms + 1);
    assert_false(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
    pong(&play, pinged_ms);
    assert_true(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
    assert_string_equal(wanted(&play, LINK_EFFECT_PERMIT)->target, "i/d");
}

/* Of a process that thaws a worker may see that the lease has run out, and
 * the loop a PONG first. */
static void a_lease_that_ran_out_unseen_is_told_when_it_is_back(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    uint64_t pinged_ms = play.now_ms + 6000;
    tick_at(&play, pinged_ms);
    play.now_ms += 15000;
    pong(&play, pinged_ms);
    assert_true(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
}

static void an_older_pong_does_not_shorten_or_lengthen_the_lease(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    uint64_t first_ms = play.now_ms;
    tick_at(&play, play.now_ms + 6000);
    pong(&play, play.now_ms);
    uint64_t until_ms = agent_session_lease_until_ms(play.session);
    pong(&play, first_ms);
    assert_int_equal(agent_session_lease_until_ms(play.session), until_ms);
}

static void a_pong_without_a_lease_ends_it(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    hear(&play, MESSAGE_PONG, &(Pong){ .sent_at_ms = play.now_ms, .lease_ms = 0 });
    assert_false(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
}

static void a_refusal_ends_the_lease_at_once(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    hear(&play, MESSAGE_REJECT, &(Reject){ .code = ERR_FORBIDDEN, .reason = "revoked" });
    assert_false(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
}

static void an_order_without_a_lease_is_started_without_leave_to_step(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    welcome(&play, 5);
    order(&play, 1, 1, GOAL_APPLY);
    assert_false(wanted(&play, LINK_EFFECT_START)->permit.may_start);
}

static void the_digest_is_over_the_orders_in_force(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    tick_at(&play, play.now_ms + 6000);
    const Ping *ping = sent(&play, MESSAGE_PING);
    assert_int_equal(ping->running, 1);
    assert_true(ping->goals_digest ==
                goals_digest_add(0, "i/d", (OrderStamp){ 3, 1, 1 }, GOAL_APPLY));
    settle(&play, 1, 1, REPORT_APPLIED);
    tick_at(&play, play.now_ms + 6000);
    ping = sent(&play, MESSAGE_PING);
    assert_int_equal(ping->running, 0);
    assert_true(ping->goals_digest == 0);
}

/* ---- orders ---- */

static void an_order_is_accepted_and_started(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    const LinkEffect *start = wanted(&play, LINK_EFFECT_START);
    assert_string_equal(start->order->to, "0004_d");
    assert_int_equal(start->order->plan_hash[0], 1);
    assert_int_equal(start->permit.goal, GOAL_APPLY);
    assert_int_equal(told(&play)->report, REPORT_ACCEPTED);
    assert_int_equal(told(&play)->token, 101);
}

static void an_equal_order_is_answered_with_the_present_state(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_RUNNING);
    order(&play, 1, 1, GOAL_APPLY);
    assert_int_equal(play.effects.list.count, 1);
    assert_int_equal(told(&play)->report, REPORT_RUNNING);
}

static void a_lower_order_is_ignored(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 2, 5, GOAL_APPLY);
    const GoalMessage rows[] = { goal_of(2, 4, GOAL_ROLL_BACK), goal_of(1, 9, GOAL_ROLL_BACK) };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        hear(&play, MESSAGE_GOAL, &rows[i]);
        assert_int_equal(play.effects.list.count, 0);
    }
    assert_int_equal(agent_session_order(play.session, "i/d")->goal, GOAL_APPLY);
}

static void a_new_goal_of_the_same_attempt_is_told_to_its_worker(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 1, 2, GOAL_ROLL_BACK);
    const Permit permit = wanted(&play, LINK_EFFECT_PERMIT)->permit;
    assert_int_equal(permit.goal, GOAL_ROLL_BACK);
    assert_int_equal(permit.revision, 2);
    assert_true(permit.may_start);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
}

static void a_new_attempt_withdraws_the_older_worker_and_starts_when_it_has_gone(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 2, 1, GOAL_ROLL_BACK);
    const Permit permit = wanted(&play, LINK_EFFECT_PERMIT)->permit;
    assert_int_equal(permit.goal, GOAL_NONE);
    assert_false(permit.may_start);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    order(&play, 2, 2, GOAL_APPLY);
    assert_int_equal(play.effects.list.count, 0); /* nothing for the older worker */
    worker_ends(&play);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->order->stamp.attempt, 2);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->permit.goal, GOAL_APPLY);
}

static void a_report_of_an_older_attempt_is_told_once_as_a_fact(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 2, 1, GOAL_ROLL_BACK);
    report(&play, 1, 1, REPORT_APPLIED);
    assert_int_equal(told(&play)->stamp.attempt, 1);
    tick_at(&play, play.now_ms + 3000);
    assert_null(sent(&play, MESSAGE_STATE));
    order(&play, 2, 1, GOAL_ROLL_BACK);
    assert_int_equal(told(&play)->report, REPORT_ACCEPTED);
}

/* Attempts count within a rollout: between two of them the fence tells which is newer. */
static void an_order_of_another_rollout_is_judged_by_its_token(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 5, 1, GOAL_APPLY);
    GoalMessage other = goal_of(1, 1, GOAL_APPLY);
    other.rollout = "r2";
    other.token = 99;
    hear(&play, MESSAGE_GOAL, &other);
    assert_string_equal(agent_session_order(play.session, "i/d")->rollout, "r1");
    other.token = 200;
    hear(&play, MESSAGE_GOAL, &other);
    assert_string_equal(agent_session_order(play.session, "i/d")->rollout, "r2");
}

static void a_new_term_keeps_the_worker_and_its_reports_are_told_under_it(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.stamp.term = 4;
    hear(&play, MESSAGE_GOAL, &message);
    wanted(&play, LINK_EFFECT_PERMIT);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    report(&play, 1, 1, REPORT_RUNNING);
    assert_int_equal(told(&play)->stamp.term, 4);
}

static void orders_are_bounded(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    char target[32];
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.target = target;
    for (int i = 0; i <= IN_FLIGHT_MAX; i++) {
        text_format(target, sizeof(target), "i/d%d", i);
        hear(&play, MESSAGE_GOAL, &message);
    }
    assert_int_equal(told(&play)->report, REPORT_REFUSED);
    assert_int_equal(told(&play)->code, ERR_LIMIT);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    connect_link(&play);
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_in_range(hello->in_flight_count, 1000, IN_FLIGHT_MAX);
}

static void an_incomplete_order_is_refused(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    GoalMessage message = goal_of(1, 1, GOAL_NONE);
    hear(&play, MESSAGE_GOAL, &message);
    assert_int_equal(told(&play)->code, ERR_PROTOCOL);
    assert_null(agent_session_order(play.session, "i/d"));
}

/* ---- ends ---- */

static void an_end_is_repeated_until_it_is_acknowledged(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_APPLIED);
    uint64_t id = told(&play)->report_id;
    worker_ends(&play);
    uint64_t last_ms = play.now_ms;
    uint64_t gaps_ms[64];
    size_t repeats = 0;
    while (play.now_ms < 1400000 && repeats < ARRAY_LEN(gaps_ms)) {
        tick_at(&play, agent_session_next_deadline_ms(play.session));
        if (sent(&play, MESSAGE_STATE) != NULL) {
            assert_int_equal(told(&play)->report_id, id);
            gaps_ms[repeats++] = play.now_ms - last_ms;
            last_ms = play.now_ms;
        }
        pong(&play, play.now_ms);
    }
    assert_in_range(repeats, 7, ARRAY_LEN(gaps_ms) - 1);
    assert_in_range(gaps_ms[0], 1600, 2400);
    assert_in_range(gaps_ms[1], 3200, 4800);
    assert_in_range(gaps_ms[repeats - 1], 48000, 72000);
    acknowledge(&play, id);
    wanted(&play, LINK_EFFECT_FORGET);
    assert_null(agent_session_order(play.session, "i/d"));
}

static void a_wrong_acknowledgement_settles_nothing(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_RUNNING);
    acknowledge(&play, told(&play)->report_id);
    report(&play, 1, 1, REPORT_APPLIED);
    uint64_t id = told(&play)->report_id;
    acknowledge(&play, id - 1);
    worker_ends(&play);
    assert_non_null(agent_session_order(play.session, "i/d"));
    acknowledge(&play, id);
    wanted(&play, LINK_EFFECT_FORGET);
}

static void an_end_acknowledged_before_its_worker_has_gone_is_settled_then(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_FAILED);
    acknowledge(&play, told(&play)->report_id);
    assert_null(effect_of(&play, LINK_EFFECT_FORGET, MESSAGE_NONE));
    worker_ends(&play);
    wanted(&play, LINK_EFFECT_FORGET);
}

/* Fault 4, and 14: the acknowledgement or the coordinator was lost, another one asks. */
static void ends_are_told_again_in_a_new_session(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_FAILED);
    worker_ends(&play);
    connect_link(&play);
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_int_equal(hello->in_flight[0].report, REPORT_FAILED);
    play.number = 8;
    welcome(&play, 5);
    assert_int_equal(told(&play)->report, REPORT_FAILED);
    assert_string_equal(told(&play)->message, "words");
}

static void a_new_term_does_not_try_a_failed_attempt_again(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_FAILED);
    worker_ends(&play);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.stamp.term = 4;
    hear(&play, MESSAGE_GOAL, &message);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    assert_int_equal(told(&play)->report, REPORT_FAILED);
    assert_int_equal(told(&play)->stamp.term, 4);
}

static void a_roll_back_after_the_end_starts_a_worker_anew(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    settle(&play, 1, 1, REPORT_APPLIED);
    order(&play, 1, 2, GOAL_ROLL_BACK);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->permit.goal, GOAL_ROLL_BACK);
    assert_non_null(agent_session_order(play.session, "i/d"));
}

static void
a_roll_back_that_comes_while_the_end_is_told_starts_when_the_worker_has_gone(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 1, 2, GOAL_ROLL_BACK);
    report(&play, 1, 1, REPORT_APPLIED);
    worker_ends(&play);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->permit.goal, GOAL_ROLL_BACK);
}

static void a_hold_that_comes_while_the_end_is_told_restates_the_end(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 1, 2, GOAL_HOLD);
    report(&play, 1, 1, REPORT_APPLIED);
    worker_ends(&play);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    assert_int_equal(told(&play)->report, REPORT_APPLIED);
    assert_int_equal(told(&play)->stamp.revision, 2);
}

/* Fault 23: the order to apply comes once more, long after the roll back was acknowledged. */
static void a_late_order_does_not_begin_anew_what_was_settled(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    settle(&play, 1, 1, REPORT_APPLIED);
    order(&play, 1, 2, GOAL_ROLL_BACK);
    settle(&play, 1, 2, REPORT_ROLLED_BACK);
    order(&play, 1, 1, GOAL_APPLY);
    assert_int_equal(play.effects.list.count, 0);
    order(&play, 1, 2, GOAL_ROLL_BACK);
    assert_int_equal(told(&play)->report, REPORT_ROLLED_BACK);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
}

static void a_worker_that_ended_without_an_end_is_started_when_its_order_is_repeated(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_RUNNING);
    worker_ends(&play);
    assert_int_equal(play.effects.list.count, 0);
    order(&play, 1, 1, GOAL_APPLY);
    wanted(&play, LINK_EFFECT_START);
}

static void an_end_restated_under_a_new_term_wants_its_own_acknowledgement(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    settle(&play, 1, 1, REPORT_APPLIED);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.stamp.term = 4;
    hear(&play, MESSAGE_GOAL, &message);
    uint64_t id = told(&play)->report_id;
    tick_at(&play, play.now_ms + 2400);
    assert_int_equal(told(&play)->report_id, id);
    acknowledge(&play, id);
    wanted(&play, LINK_EFFECT_FORGET);
}

static void an_end_from_before_a_hold_is_the_end_of_what_was_wanted_then(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 1, 2, GOAL_HOLD);
    report(&play, 1, 1, REPORT_FAILED);
    worker_ends(&play);
    order(&play, 1, 3, GOAL_APPLY);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    assert_int_equal(told(&play)->report, REPORT_FAILED);
}

static void an_acknowledgement_for_an_unknown_target_is_nothing(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    acknowledge(&play, 1);
    assert_int_equal(play.effects.list.count, 0);
}

static void order_number(Play *play, int number)
{
    char target[32];
    text_format(target, sizeof(target), "i/d%d", number);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.target = target;
    hear(play, MESSAGE_GOAL, &message);
}

static void settle_number(Play *play, int number)
{
    char target[32];
    text_format(target, sizeof(target), "i/d%d", number);
    State state = state_from(1, 1, REPORT_APPLIED);
    state.target = target;
    agent_session_report(play->session, &state, play->now_ms, fresh(play));
    uint64_t id = told(play)->report_id;
    agent_session_job_ended(play->session, target, play->now_ms, fresh(play));
    hear(play, MESSAGE_STATE_ACK, &(StateAck){ .report_id = id, .target = target });
    wanted(play, LINK_EFFECT_FORGET);
}

static void settled_orders_are_remembered_up_to_a_limit(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    for (int i = 0; i < IN_FLIGHT_MAX + 10; i++) {
        order_number(&play, i);
        wanted(&play, LINK_EFFECT_START);
        settle_number(&play, i);
    }
    order_number(&play, 10); /* the oldest that is remembered */
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    order_number(&play, 9);
    wanted(&play, LINK_EFFECT_START);
    connect_link(&play);
    assert_int_equal(((const Hello *)sent(&play, MESSAGE_HELLO))->in_flight_count, 1);
}

static void a_target_may_be_ordered_again_and_again(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    for (uint32_t attempt = 1; attempt < 10; attempt++) {
        order(&play, attempt, 1, GOAL_APPLY);
        wanted(&play, LINK_EFFECT_START);
        settle(&play, attempt, 1, REPORT_FAILED);
        wanted(&play, LINK_EFFECT_FORGET);
    }
    order_number(&play, 1);
    wanted(&play, LINK_EFFECT_START);
    settle_number(&play, 1);
}

static void every_report_has_a_higher_id_than_those_before(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    uint64_t accepted = told(&play)->report_id;
    report(&play, 1, 1, REPORT_FAILED);
    uint64_t failed = told(&play)->report_id;
    worker_ends(&play);
    order(&play, 1, 2, GOAL_HOLD);
    uint64_t restated = told(&play)->report_id;
    order(&play, 2, 1, GOAL_APPLY);
    assert_true(accepted > 0 && failed > accepted && restated > failed);
    assert_true(told(&play)->report_id > restated);
}

/* ---- inventory ---- */

static void fill_inventory(Play *play, size_t count)
{
    play->facts.targets = calloc(count, sizeof(*play->facts.targets));
    play->facts.target_count = count;
    for (size_t i = 0; i < count; i++) {
        play->facts.targets[i] = (InventoryTarget){
            .target = "i/d", .instance = "i", .identity = { 1, 1, "" }, .version = "", .rollout = ""
        };
    }
}

static void the_inventory_is_told_in_pages_when_the_coordinators_differs(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    fill_inventory(&play, 1201);
    connect_link(&play);
    welcome(&play, 4);
    assert_int_equal(count_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY), 3);
    const Inventory *last = sent(&play, MESSAGE_INVENTORY);
    assert_int_equal(last->revision, 5);
    assert_int_equal(last->page, 2);
    assert_int_equal(last->target_count, 201);
    assert_ptr_equal(last->targets, play.facts.targets + 1000);
    assert_true(last->is_last);
}

static void pages_stay_below_the_limit_of_a_message(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    fill_inventory(&play, 500);
    char address[ADDRESS_MAX + 1];
    memset(address, 'a', ADDRESS_MAX);
    address[ADDRESS_MAX] = '\0';
    for (size_t i = 0; i < 500; i++) {
        play.facts.targets[i].target = address;
    }
    connect_link(&play);
    welcome(&play, 4);
    assert_true(count_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY) >= 2);
    assert_in_range(((const Inventory *)sent(&play, MESSAGE_INVENTORY))->target_count, 1, 400);
}

static void an_empty_inventory_is_told_too(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    welcome(&play, 4);
    const Inventory *page = sent(&play, MESSAGE_INVENTORY);
    assert_non_null(page);
    assert_true(page->is_last);
    assert_int_equal(page->target_count, 0);
}

/* Nothing acknowledges a page: one that was lost must not stay lost. */
static void the_inventory_is_told_again_now_and_then(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    size_t times = 0;
    while (play.now_ms < 1000000 + 1200000) {
        tick_at(&play, agent_session_next_deadline_ms(play.session));
        times += count_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY);
        pong(&play, play.now_ms);
    }
    assert_in_range(times, 3, 5);
}

static void a_changed_inventory_is_told_once(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    assert_int_equal(play.effects.list.count, 0);
    play.facts.inventory_revision = 6;
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    assert_int_equal(count_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY), 1);
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    assert_int_equal(play.effects.list.count, 0);
}

/* The welcome may get lost: it is waited for like the first one. */
static void a_changed_instance_is_told_by_a_new_hello(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    HelloInstance instance = { .name = "i", .timeline = 2 };
    play.facts.instances = &instance;
    play.facts.instance_count = 1;
    play.facts.inventory_revision = 6;
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_non_null(hello);
    assert_int_equal(hello->instances[0].timeline, 2);
    assert_null(sent(&play, MESSAGE_INVENTORY));
    play.number++;
    welcome(&play, 5);
    assert_non_null(sent(&play, MESSAGE_INVENTORY));
    agent_session_facts_changed(play.session, play.now_ms, fresh(&play));
    assert_int_equal(play.effects.list.count, 0);
}

static void what_was_reported_while_nobody_listened_is_told_with_the_welcome(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    connect_link(&play);
    report(&play, 1, 1, REPORT_UNKNOWN);
    assert_null(sent(&play, MESSAGE_STATE));
    play.number++;
    welcome(&play, 5);
    assert_int_equal(told(&play)->report, REPORT_UNKNOWN);
    settle(&play, 1, 1, REPORT_APPLIED);
    connect_link(&play);
    play.number++;
    welcome(&play, 5);
    assert_null(sent(&play, MESSAGE_STATE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_well_formed),
        cmocka_unit_test(a_connected_socket_says_hello_with_what_is_in_flight),
        cmocka_unit_test(a_welcome_opens_the_session_and_is_answered_by_a_ping),
        cmocka_unit_test(a_busy_coordinator_is_asked_again_when_it_said),
        cmocka_unit_test(a_refused_agent_waits_long_and_shows_why),
        cmocka_unit_test(a_deposed_coordinator_is_left),
        cmocka_unit_test(a_higher_term_is_taken),
        cmocka_unit_test(late_welcomes_do_not_change_the_session),
        cmocka_unit_test(silence_rebuilds_the_socket),
        cmocka_unit_test(
            a_hello_without_an_answer_rebuilds_the_socket_with_longer_and_longer_waits),
        cmocka_unit_test(messages_of_another_session_or_term_change_nothing),
        cmocka_unit_test(every_case_of_the_link_fires_its_rule),
        cmocka_unit_test(every_rule_of_the_link_has_a_case),
        cmocka_unit_test(good_bye_is_the_last_word),
        cmocka_unit_test(pings_come_every_heartbeat_give_or_take),
        cmocka_unit_test(the_lease_counts_from_the_pings_own_send_time),
        cmocka_unit_test(workers_are_told_when_the_lease_runs_out_and_when_it_is_back),
        cmocka_unit_test(a_lease_that_ran_out_unseen_is_told_when_it_is_back),
        cmocka_unit_test(an_older_pong_does_not_shorten_or_lengthen_the_lease),
        cmocka_unit_test(a_pong_without_a_lease_ends_it),
        cmocka_unit_test(a_refusal_ends_the_lease_at_once),
        cmocka_unit_test(an_order_without_a_lease_is_started_without_leave_to_step),
        cmocka_unit_test(the_digest_is_over_the_orders_in_force),
        cmocka_unit_test(an_order_is_accepted_and_started),
        cmocka_unit_test(an_equal_order_is_answered_with_the_present_state),
        cmocka_unit_test(a_lower_order_is_ignored),
        cmocka_unit_test(a_new_goal_of_the_same_attempt_is_told_to_its_worker),
        cmocka_unit_test(a_new_attempt_withdraws_the_older_worker_and_starts_when_it_has_gone),
        cmocka_unit_test(a_report_of_an_older_attempt_is_told_once_as_a_fact),
        cmocka_unit_test(an_order_of_another_rollout_is_judged_by_its_token),
        cmocka_unit_test(a_new_term_keeps_the_worker_and_its_reports_are_told_under_it),
        cmocka_unit_test(orders_are_bounded),
        cmocka_unit_test(an_incomplete_order_is_refused),
        cmocka_unit_test(an_end_is_repeated_until_it_is_acknowledged),
        cmocka_unit_test(a_wrong_acknowledgement_settles_nothing),
        cmocka_unit_test(an_end_acknowledged_before_its_worker_has_gone_is_settled_then),
        cmocka_unit_test(ends_are_told_again_in_a_new_session),
        cmocka_unit_test(a_new_term_does_not_try_a_failed_attempt_again),
        cmocka_unit_test(a_roll_back_after_the_end_starts_a_worker_anew),
        cmocka_unit_test(
            a_roll_back_that_comes_while_the_end_is_told_starts_when_the_worker_has_gone),
        cmocka_unit_test(a_hold_that_comes_while_the_end_is_told_restates_the_end),
        cmocka_unit_test(a_late_order_does_not_begin_anew_what_was_settled),
        cmocka_unit_test(a_worker_that_ended_without_an_end_is_started_when_its_order_is_repeated),
        cmocka_unit_test(the_inventory_is_told_in_pages_when_the_coordinators_differs),
        cmocka_unit_test(pages_stay_below_the_limit_of_a_message),
        cmocka_unit_test(an_empty_inventory_is_told_too),
        cmocka_unit_test(a_changed_inventory_is_told_once),
        cmocka_unit_test(a_changed_instance_is_told_by_a_new_hello),
        cmocka_unit_test(what_was_reported_while_nobody_listened_is_told_with_the_welcome),
        cmocka_unit_test(a_hello_is_given_its_time_to_be_answered),
        cmocka_unit_test(senseless_intervals_are_not_obeyed),
        cmocka_unit_test(an_end_restated_under_a_new_term_wants_its_own_acknowledgement),
        cmocka_unit_test(an_end_from_before_a_hold_is_the_end_of_what_was_wanted_then),
        cmocka_unit_test(an_acknowledgement_for_an_unknown_target_is_nothing),
        cmocka_unit_test(settled_orders_are_remembered_up_to_a_limit),
        cmocka_unit_test(the_inventory_is_told_again_now_and_then),
        cmocka_unit_test(a_target_may_be_ordered_again_and_again),
        cmocka_unit_test(every_report_has_a_higher_id_than_those_before),
        cmocka_unit_test(a_connection_that_worked_shortens_the_next_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
