/*
 * The session's machine: greeting, heartbeat, lease, silence, and which messages are taken at all.
 * Orders are in session_orders.c, the contents of messages in session_tell.c. Pure: time comes in.
 */
#include "agent/core/session.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core/session_internal.h"
#include "common/str.h"

/* Where the link to the coordinator stands. */
typedef enum LinkState {
    LINK_NONE = 0,
    LINK_DOWN,     /* the socket is being rebuilt */
    LINK_GREETING, /* HELLO is sent */
    LINK_WAITING,  /* the coordinator is busy and said when to come again */
    LINK_ACTIVE,   /* welcomed: goals are taken, states told */
    LINK_PARTED,   /* this process is going; nothing is said any more */
    LINK_STATE_COUNT_,
} LinkState;

typedef enum LinkEvent {
    LINK_EVENT_NONE = 0,
    LINK_EVENT_CONNECTED,
    LINK_EVENT_WELCOME,
    LINK_EVENT_BUSY,
    LINK_EVENT_REJECT,
    LINK_EVENT_BYE,
    LINK_EVENT_SILENCE, /* nothing heard for too long */
    LINK_EVENT_RETRY,   /* the time that BUSY named is over */
    LINK_EVENT_LEAVE,   /* this process stops */
    LINK_EVENT_COUNT_,
} LinkEvent;

static const char *const STATE_NAMES[] = {
    [LINK_NONE] = "none",       [LINK_DOWN] = "down",     [LINK_GREETING] = "greeting",
    [LINK_WAITING] = "waiting", [LINK_ACTIVE] = "active", [LINK_PARTED] = "parted",
};
_Static_assert(ARRAY_LEN(STATE_NAMES) == LINK_STATE_COUNT_, "a name per state");

static const char *const EVENT_NAMES[] = {
    [LINK_EVENT_NONE] = "none",       [LINK_EVENT_CONNECTED] = "connected",
    [LINK_EVENT_WELCOME] = "welcome", [LINK_EVENT_BUSY] = "busy",
    [LINK_EVENT_REJECT] = "reject",   [LINK_EVENT_BYE] = "bye",
    [LINK_EVENT_SILENCE] = "silence", [LINK_EVENT_RETRY] = "retry",
    [LINK_EVENT_LEAVE] = "leave",
};
_Static_assert(ARRAY_LEN(EVENT_NAMES) == LINK_EVENT_COUNT_, "a name per event");

#define HANDSHAKE_MS 10000
#define HEARTBEAT_MS 5000
#define HEARTBEAT_MIN_MS 10
#define LOST_MS 30000
#define JITTER_PERCENT 20
#define RECONNECT_MS 1000
#define RECONNECT_MAX_MS 60000
#define RECONNECT_DOUBLINGS_MAX 6
#define REJECTED_MIN_MS 30000
#define REFRESH_HEARTBEATS 60 /* an inventory page may be lost unnoticed: all are told again so often */

const char *agent_session_state_name(int state)
{
    return (unsigned)state < LINK_STATE_COUNT_ ? STATE_NAMES[state] : "invalid";
}

static const char *event_name(int event)
{
    return (unsigned)event < LINK_EVENT_COUNT_ ? EVENT_NAMES[event] : "invalid";
}

bool session_is_active(const AgentSession *session)
{
    return session->state == LINK_ACTIVE;
}

/* ---- guards ---- */

static bool is_deposed(const void *subject)
{
    const AgentSession *session = subject;
    return session->envelope->term < session->term;
}

/* Session numbers are never used twice and rise: the higher one is the one in force. */
static bool is_newer_session(const void *subject)
{
    const AgentSession *session = subject;
    const Welcome *welcome = session->envelope->body;
    return welcome->session > session->session;
}

static bool is_same_session(const void *subject)
{
    const AgentSession *session = subject;
    const Welcome *welcome = session->envelope->body;
    return welcome->session == session->session;
}

/* ---- actions ---- */

static void greet(void *subject)
{
    AgentSession *session = subject;
    session->session = 0;
    session->greeted_at_ms = session->now_ms;
    session_tell_hello(session);
}

static void reconnect(AgentSession *session, uint64_t delay_ms)
{
    LinkEffect effect = { .kind = LINK_EFFECT_RECONNECT, .delay_ms = (uint32_t)delay_ms };
    LIST_PUSH(&session->effects->list, effect);
    session->session = 0;
}

/* Full jitter: a fleet that lost its coordinator at one moment must not come back at one. */
static void back_off(void *subject)
{
    AgentSession *session = subject;
    uint64_t ceiling = (uint64_t)RECONNECT_MS << session->failures;
    ceiling = ceiling < RECONNECT_MAX_MS ? ceiling : RECONNECT_MAX_MS;
    session->failures += session->failures < RECONNECT_DOUBLINGS_MAX;
    reconnect(session, random_between(&session->random, 0, ceiling));
}

static void back_off_deposed(void *subject)
{
    AgentSession *session = subject;
    text_format(session->refusal, sizeof(session->refusal),
                "a coordinator of term %llu answers, but term %llu has reigned here",
                (unsigned long long)session->envelope->term, (unsigned long long)session->term);
    back_off(session);
}

/* What the coordinator refuses will not be right in a second; a person has to act first. */
static void back_off_rejected(void *subject)
{
    AgentSession *session = subject;
    const Reject *reject = session->envelope->body;
    text_format(session->refusal, sizeof(session->refusal), "%s (%s)", reject->reason,
                err_name((ErrCode)reject->code));
    session->lease_until_ms = 0;
    reconnect(session, random_between(&session->random, REJECTED_MIN_MS, RECONNECT_MAX_MS));
}

static void wait_as_told(void *subject)
{
    AgentSession *session = subject;
    const Busy *busy = session->envelope->body;
    uint64_t wait_ms = random_jitter(&session->random, busy->retry_after_ms, JITTER_PERCENT);
    session->retry_at_ms = session->now_ms + (wait_ms > HEARTBEAT_MIN_MS ? wait_ms : HEARTBEAT_MIN_MS);
}

static void take_intervals(AgentSession *session, const Welcome *welcome)
{
    session->heartbeat_ms = welcome->heartbeat_ms == 0 ? HEARTBEAT_MS : welcome->heartbeat_ms;
    if (session->heartbeat_ms < HEARTBEAT_MIN_MS) {
        session->heartbeat_ms = HEARTBEAT_MIN_MS;
    }
    session->lost_ms = welcome->lost_ms == 0 ? LOST_MS : welcome->lost_ms;
    if (session->lost_ms / 2 < session->heartbeat_ms) {
        session->lost_ms = 2 * session->heartbeat_ms;
    }
    session->heard_at_ms = session->now_ms;
}

static void compare_inventory(AgentSession *session, const Welcome *welcome)
{
    uint64_t refresh_ms = (uint64_t)REFRESH_HEARTBEATS * session->heartbeat_ms;
    session->refresh_at_ms =
        session->now_ms + random_jitter(&session->random, refresh_ms, JITTER_PERCENT);
    session->inventory_told = welcome->inventory_revision;
    if (session->facts->inventory_revision != welcome->inventory_revision) {
        session_tell_inventory(session);
    }
}

static void ping(AgentSession *session)
{
    session_tell_ping(session);
    session->ping_at_ms =
        session->now_ms + random_jitter(&session->random, session->heartbeat_ms, JITTER_PERCENT);
}

static void enter(void *subject)
{
    AgentSession *session = subject;
    const Welcome *welcome = session->envelope->body;
    session->session = welcome->session;
    session->term = session->envelope->term;
    session->state = LINK_ACTIVE; /* what follows is told within the session */
    session->refusal[0] = '\0';
    take_intervals(session, welcome);
    ping(session);
    session_repeat_ends(session, true);
    compare_inventory(session, welcome);
}

static void refresh(void *subject)
{
    AgentSession *session = subject;
    take_intervals(session, session->envelope->body);
    compare_inventory(session, session->envelope->body);
}

static void say_bye(void *subject)
{
    AgentSession *session = subject;
    session_send(session, MESSAGE_BYE, session->envelope->body);
}

/* ---- the table ---- */

#define ALWAYS NULL, NULL
#define WHEN(guard) guard, #guard
#define NOTHING(id, from, event, why) { id, from, event, ALWAYS, RULE_IGNORE, NULL, why }

static const Rule RULES[] = {
    { "A1", RULE_ANY, LINK_EVENT_CONNECTED, ALWAYS, LINK_GREETING, greet,
      "the socket is up: says hello" },
    NOTHING("A2", LINK_PARTED, LINK_EVENT_CONNECTED, "this agent is going: it greets nobody"),

    { "A10", LINK_GREETING, LINK_EVENT_WELCOME, WHEN(is_deposed), LINK_DOWN, back_off_deposed,
      "a coordinator of a lower term is deposed: looks for the one that reigns" },
    { "A11", LINK_GREETING, LINK_EVENT_WELCOME, ALWAYS, LINK_ACTIVE, enter,
      "welcomed: goals are taken, ends repeated, the inventory told" },
    { "A12", LINK_ACTIVE, LINK_EVENT_WELCOME, WHEN(is_deposed), RULE_IGNORE, NULL,
      "a deposed coordinator's welcome comes late: the one that reigns stays" },
    { "A13", LINK_ACTIVE, LINK_EVENT_WELCOME, WHEN(is_newer_session), RULE_SAME, enter,
      "welcomed anew under a newer session: goes on in it" },
    { "A14", LINK_ACTIVE, LINK_EVENT_WELCOME, WHEN(is_same_session), RULE_SAME, refresh,
      "the welcome is repeated: its intervals and the inventory are looked at again" },
    NOTHING("A15", LINK_ACTIVE, LINK_EVENT_WELCOME, "a late welcome to an older session"),
    NOTHING("A16", RULE_ANY, LINK_EVENT_WELCOME, "a late welcome that nobody waits for"),

    { "A20", LINK_GREETING, LINK_EVENT_BUSY, ALWAYS, LINK_WAITING, wait_as_told,
      "the coordinator is busy: comes again when it said, give or take" },
    NOTHING("A21", RULE_ANY, LINK_EVENT_BUSY, "a late word that the coordinator is busy"),

    { "A30", LINK_GREETING, LINK_EVENT_REJECT, ALWAYS, LINK_DOWN, back_off_rejected,
      "the coordinator refuses this agent: a person has to act, asks again after a long wait" },
    { "A31", LINK_ACTIVE, LINK_EVENT_REJECT, ALWAYS, LINK_DOWN, back_off_rejected,
      "the coordinator turns this agent out: no step starts, asks again after a long wait" },
    NOTHING("A32", RULE_ANY, LINK_EVENT_REJECT, "a late refusal"),

    { "A40", LINK_ACTIVE, LINK_EVENT_BYE, ALWAYS, LINK_DOWN, back_off,
      "the coordinator goes: what runs goes on, connects again" },
    NOTHING("A41", RULE_ANY, LINK_EVENT_BYE, "a late good-bye"),

    { "A50", LINK_GREETING, LINK_EVENT_SILENCE, ALWAYS, LINK_DOWN, back_off,
      "no answer to the hello: the socket is rebuilt" },
    { "A51", LINK_ACTIVE, LINK_EVENT_SILENCE, ALWAYS, LINK_DOWN, back_off,
      "nothing heard for too long: the socket is rebuilt" },
    NOTHING("A52", RULE_ANY, LINK_EVENT_SILENCE, "nobody is expected to speak"),

    { "A60", LINK_WAITING, LINK_EVENT_RETRY, ALWAYS, LINK_GREETING, greet,
      "the wait is over: says hello again" },
    NOTHING("A61", RULE_ANY, LINK_EVENT_RETRY, "nothing was to be tried again"),

    { "A70", LINK_ACTIVE, LINK_EVENT_LEAVE, ALWAYS, LINK_PARTED, say_bye,
      "this agent stops: says good-bye" },
    { "A71", RULE_ANY, LINK_EVENT_LEAVE, ALWAYS, LINK_PARTED, NULL,
      "this agent stops, and there is nobody to tell" },
};

const RuleTable *agent_session_rule_table(void)
{
    static const RuleTable TABLE = {
        .name = "agent session",
        .rules = RULES,
        .rule_count = ARRAY_LEN(RULES),
        .state_count = LINK_STATE_COUNT_,
        .event_count = LINK_EVENT_COUNT_,
        .initial_state = LINK_DOWN,
        .state_name = agent_session_state_name,
        .event_name = event_name,
    };
    return &TABLE;
}

/* ---- driving ---- */

/* The one place where the state changes. `envelope` NULL: no message. */
static void fire(AgentSession *session, LinkEvent event, const Envelope *envelope)
{
    session->envelope = envelope;
    const Rule *rule = rule_find(agent_session_rule_table(), session->state, event, session);
    if (rule == NULL || rule->to == RULE_IGNORE) {
        return;
    }
    int from = session->state;
    if (rule->action != NULL) {
        rule->action(session);
    }
    if (rule->to != RULE_SAME) {
        session->state = rule->to;
    }
    session->move = (JobMove){ .rule = rule, .from = from, .to = session->state };
    session->move_serial++;
    session->envelope = NULL;
}

static void begin_call(AgentSession *session, uint64_t now_ms, LinkEffects *effects)
{
    session->now_ms = now_ms;
    session->effects = effects;
}

/* Workers are told when the lease begins and when it has run out, not at each renewal. */
static void watch_lease(AgentSession *session)
{
    bool is_leased = session_has_lease(session);
    if (is_leased != session->is_leased) {
        session->is_leased = is_leased;
        session_tell_permits(session);
    }
}

/* ---- messages ---- */

/* Counted from when our own PING left: however long the answer took, the coordinator counts from later. */
static void take_pong(AgentSession *session, const void *body)
{
    const Pong *pong = body;
    if (pong->sent_at_ms > session->pinged_at_ms || pong->sent_at_ms < session->ponged_at_ms) {
        return;
    }
    session->ponged_at_ms = pong->sent_at_ms;
    session->lease_until_ms = pong->lease_ms == 0 ? 0 : pong->sent_at_ms + pong->lease_ms;
    session->failures = 0;
}

static void take_goal(AgentSession *session, const void *body)
{
    session_take_goal(session, body);
}

static void take_ack(AgentSession *session, const void *body)
{
    session_take_ack(session, body);
}

/* Heard is heard; the bytes of plans are the link's business. */
static void take_nothing(AgentSession *session, const void *body)
{
    (void)session;
    (void)body;
}

typedef struct TakeRow {
    MessageType type;
    bool is_greeting; /* comes before there is a session */
    LinkEvent event;  /* to fire, or */
    void (*take)(AgentSession *session, const void *body);
} TakeRow;

static const TakeRow TAKES[] = {
    { MESSAGE_WELCOME, true, LINK_EVENT_WELCOME, NULL },
    { MESSAGE_BUSY, true, LINK_EVENT_BUSY, NULL },
    { MESSAGE_REJECT, true, LINK_EVENT_REJECT, NULL },
    { MESSAGE_BYE, false, LINK_EVENT_BYE, NULL },
    { MESSAGE_PONG, false, LINK_EVENT_NONE, take_pong },
    { MESSAGE_GOAL, false, LINK_EVENT_NONE, take_goal },
    { MESSAGE_STATE_ACK, false, LINK_EVENT_NONE, take_ack },
    { MESSAGE_PLAN_CHUNK, false, LINK_EVENT_NONE, take_nothing },
};

/* In force: from the coordinator that welcomed us, in the session it gave. */
static bool is_of_session(const AgentSession *session, const Envelope *envelope)
{
    return session->state == LINK_ACTIVE && envelope->session == session->session &&
           envelope->term == session->term;
}

/* A refusal within a session must name it; before there is one it cannot. */
static bool is_taken(const AgentSession *session, const TakeRow *row, const Envelope *envelope)
{
    bool is_late_refusal = row->event == LINK_EVENT_REJECT && session->state == LINK_ACTIVE;
    if (row->is_greeting && !is_late_refusal) {
        return true;
    }
    return is_of_session(session, envelope);
}

void agent_session_take(AgentSession *session, const Envelope *envelope, uint64_t now_ms,
                        LinkEffects *effects)
{
    begin_call(session, now_ms, effects);
    for (size_t i = 0; i < ARRAY_LEN(TAKES); i++) {
        const TakeRow *row = &TAKES[i];
        if (row->type != envelope->type || !is_taken(session, row, envelope)) {
            continue;
        }
        if (is_of_session(session, envelope)) {
            session->heard_at_ms = now_ms;
        }
        if (row->take != NULL) {
            row->take(session, envelope->body);
        } else {
            fire(session, row->event, envelope);
        }
    }
    watch_lease(session);
}

/* ---- time ---- */

static uint64_t silence_at_ms(const AgentSession *session)
{
    if (session->state == LINK_ACTIVE) {
        return session->heard_at_ms + session->lost_ms;
    }
    bool is_quicker = session->lost_ms != 0 && session->lost_ms < HANDSHAKE_MS;
    return session->greeted_at_ms + (is_quicker ? session->lost_ms : HANDSHAKE_MS);
}

static void tick_active(AgentSession *session)
{
    if (session->now_ms >= session->ping_at_ms) {
        ping(session);
    }
    if (session->now_ms >= session->repeat_at_ms) {
        session_repeat_ends(session, false);
    }
    if (session->now_ms >= session->refresh_at_ms) {
        uint64_t refresh_ms = (uint64_t)REFRESH_HEARTBEATS * session->heartbeat_ms;
        session->refresh_at_ms =
            session->now_ms + random_jitter(&session->random, refresh_ms, JITTER_PERCENT);
        session_tell_inventory(session);
    }
}

void agent_session_tick(AgentSession *session, uint64_t now_ms, LinkEffects *effects)
{
    begin_call(session, now_ms, effects);
    watch_lease(session);
    bool is_listening = session->state == LINK_ACTIVE || session->state == LINK_GREETING;
    if (is_listening && now_ms >= silence_at_ms(session)) {
        fire(session, LINK_EVENT_SILENCE, NULL);
    } else if (session->state == LINK_WAITING && now_ms >= session->retry_at_ms) {
        fire(session, LINK_EVENT_RETRY, NULL);
    } else if (session->state == LINK_ACTIVE) {
        tick_active(session);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t agent_session_next_deadline_ms(const AgentSession *session)
{
    uint64_t next = session->is_leased ? session->lease_until_ms : UINT64_MAX;
    switch ((LinkState)session->state) {
    case LINK_ACTIVE:
        next = earlier(next, earlier(session->ping_at_ms, session->refresh_at_ms));
        next = earlier(next, session->repeat_at_ms);
        return earlier(next, silence_at_ms(session));
    case LINK_GREETING:
        return earlier(next, silence_at_ms(session));
    case LINK_WAITING:
        return earlier(next, session->retry_at_ms);
    default:
        return next;
    }
}

/* ---- the rest of the outside ---- */

AgentSession *agent_session_new(const AgentFacts *facts, uint64_t seed, uint64_t now_ms)
{
    AgentSession *session = mem_alloc(sizeof(*session));
    session->facts = facts;
    session->state = LINK_DOWN;
    session->now_ms = now_ms;
    session->repeat_at_ms = UINT64_MAX;
    random_init(&session->random, seed);
    order_book_init(&session->book);
    return session;
}

void agent_session_free(AgentSession *session)
{
    if (session != NULL) {
        order_book_done(&session->book);
        free(session);
    }
}

void link_effects_done(LinkEffects *effects)
{
    LIST_DONE(&effects->list);
    arena_done(&effects->arena);
}

void agent_session_connected(AgentSession *session, uint64_t now_ms, LinkEffects *effects)
{
    begin_call(session, now_ms, effects);
    fire(session, LINK_EVENT_CONNECTED, NULL);
}

void agent_session_report(AgentSession *session, const State *state, uint64_t now_ms,
                          LinkEffects *effects)
{
    begin_call(session, now_ms, effects);
    session_take_report(session, state);
}

void agent_session_job_ended(AgentSession *session, const char *target, uint64_t now_ms,
                             LinkEffects *effects)
{
    begin_call(session, now_ms, effects);
    session_take_job_ended(session, target);
}

/* Instances are told by a HELLO, also within a session: the coordinator answers with a welcome to a newer one. */
void agent_session_facts_changed(AgentSession *session, uint64_t now_ms, LinkEffects *effects)
{
    begin_call(session, now_ms, effects);
    if (session->state != LINK_ACTIVE) {
        return;
    }
    if (session_instances_digest(session->facts) != session->instances_told) {
        session_tell_hello(session);
    }
    if (session->facts->inventory_revision != session->inventory_told) {
        session_tell_inventory(session);
    }
}

void agent_session_pass(AgentSession *session, MessageType type, const void *body, LinkEffects *effects)
{
    begin_call(session, session->now_ms, effects);
    if (session->state == LINK_ACTIVE) {
        session_send(session, type, body);
    }
}

void agent_session_bye(AgentSession *session, const char *reason, LinkEffects *effects)
{
    begin_call(session, session->now_ms, effects);
    Bye *bye = ARENA_NEW(&effects->arena, Bye);
    bye->reason = arena_strdup(&effects->arena, reason);
    fire(session, LINK_EVENT_LEAVE, &(Envelope){ .type = MESSAGE_BYE, .body = bye });
}

uint64_t agent_session_lease_until_ms(const AgentSession *session)
{
    return session->lease_until_ms;
}

const AgentOrder *agent_session_order(const AgentSession *session, const char *target)
{
    const OrderEntry *entry = order_book_find(&session->book, target);
    return entry == NULL || entry->is_settled ? NULL : &entry->wanted->order;
}

int agent_session_state(const AgentSession *session)
{
    return session->state;
}

const char *agent_session_refusal(const AgentSession *session)
{
    return session->refusal;
}

uint32_t agent_session_last_move(const AgentSession *session, JobMove *ret_move)
{
    *ret_move = session->move;
    return session->move_serial;
}
