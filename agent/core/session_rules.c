/*
 * The rules of the link: how the session greets, is welcomed, turned away, cut off and ended, as a
 * table; session.c drives it. Pure.
 */
#include <string.h>

#include "agent/core/session_internal.h"
#include "common/cleanup.h"

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
    [LINK_EVENT_NEWS] = "news",       [LINK_EVENT_LEAVE] = "leave",
    [LINK_EVENT_GARBLED] = "garbled",
};
_Static_assert(ARRAY_LEN(EVENT_NAMES) == LINK_EVENT_COUNT_, "a name per event");

#define HEARTBEAT_MS 5000
#define HEARTBEAT_MIN_MS 10
#define LOST_MS 30000
#define JITTER_PERCENT 20
#define RECONNECT_MS 1000
#define RECONNECT_MAX_MS 60000
#define RECONNECT_DOUBLINGS_MAX 6

/* Nothing acknowledges a page of the inventory: all are told again after so many heartbeats. */
#define REFRESH_HEARTBEATS 60

const char *agent_session_state_name(int state)
{
    return (unsigned)state < LINK_STATE_COUNT_ ? STATE_NAMES[state] : "invalid";
}

static const char *event_name(int event)
{
    return (unsigned)event < LINK_EVENT_COUNT_ ? EVENT_NAMES[event] : "invalid";
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

/* The word of a coordinator that is deposed shuts nobody out. */
static bool is_revoked(const void *subject)
{
    const AgentSession *session = subject;
    const Reject *reject = session->envelope->body;
    return reject->code == ERR_REVOKED && !is_deposed(session);
}

/* ---- actions ---- */

static void greet(void *subject)
{
    AgentSession *session = subject;
    session->session = 0;
    session->greeted_at_ms = session->now_ms;
    agent_session_tell_hello(session);
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

static void back_off_garbled(void *subject)
{
    AgentSession *session = subject;
    text_format(session->refusal, sizeof(session->refusal),
                "a message came in protocol version %u, and the session is of version %u",
                (unsigned)session->envelope->version, (unsigned)session->protocol);
    back_off(session);
}

/* What the coordinator refuses will not be right in a second; a person has to act first. */
static void back_off_rejected(void *subject)
{
    AgentSession *session = subject;
    const Reject *reject = session->envelope->body;
    text_format(session->refusal, sizeof(session->refusal), "%s (%s)", reject->reason,
                err_name((ErrCode)reject->code));
    bool is_quicker = session->lost_ms != 0 && session->lost_ms < LOST_MS;
    uint64_t least_ms = is_quicker ? session->lost_ms : LOST_MS;
    session->lease_until_ms = 0;
    reconnect(session, random_between(&session->random, least_ms, 2 * least_ms));
}

/* Whatever comes of it is found in the database by whoever is let in here again. */
static void shut_out(void *subject)
{
    AgentSession *session = subject;
    session->is_shut_out = true;
    agent_session_withdraw_orders(session);
    back_off_rejected(session);
}

static void wait_as_told(void *subject)
{
    AgentSession *session = subject;
    const Busy *busy = session->envelope->body;
    uint64_t wait_ms = random_jitter(&session->random, busy->retry_after_ms, JITTER_PERCENT);
    session->retry_at_ms =
        session->now_ms + (wait_ms > HEARTBEAT_MIN_MS ? wait_ms : HEARTBEAT_MIN_MS);
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

void agent_session_plan_refresh(AgentSession *session)
{
    uint64_t refresh_ms = (uint64_t)REFRESH_HEARTBEATS * session->heartbeat_ms;
    session->refresh_at_ms =
        session->now_ms + random_jitter(&session->random, refresh_ms, JITTER_PERCENT);
}

static void compare_inventory(AgentSession *session, const Welcome *welcome)
{
    agent_session_plan_refresh(session);
    session->inventory_told = welcome->inventory_revision;
    if (session->facts->inventory_revision != welcome->inventory_revision) {
        agent_session_tell_inventory(session);
    }
}

void agent_session_ping(AgentSession *session)
{
    agent_session_tell_ping(session);
    session->ping_at_ms =
        session->now_ms + random_jitter(&session->random, session->heartbeat_ms, JITTER_PERCENT);
}

static void enter(void *subject)
{
    AgentSession *session = subject;
    const Welcome *welcome = session->envelope->body;
    session->session = welcome->session;
    session->protocol = session->envelope->version;
    session->term = session->envelope->term;
    session->state = LINK_ACTIVE; /* what follows is told within the session */
    session->refusal[0] = '\0';
    take_intervals(session, welcome);
    agent_session_ping(session);
    agent_session_tell_orders(session);
    if (session->is_shut_out) {
        session->is_shut_out = false;
        agent_session_resume_orders(session);
    }
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
    agent_session_send(session, MESSAGE_BYE, session->envelope->body);
}

/* ---- the table ---- */

/* A row of the table is a row here. */
/* clang-format off */

#define ALWAYS NULL, NULL
#define WHEN(guard) guard, #guard
#define NOTHING(id, from, event, why) { id, from, event, ALWAYS, RULE_IGNORE, NULL, why }

static const Rule RULES[] = {
    { "A1", RULE_ANY, LINK_EVENT_CONNECTED, ALWAYS, LINK_GREETING, greet,
      "the socket is up: says hello" },
    NOTHING("A2", LINK_PARTED, LINK_EVENT_CONNECTED, "this agent is going: it greets nobody"),
    { "A3", LINK_ACTIVE, LINK_EVENT_NEWS, ALWAYS, LINK_GREETING, greet,
      "an instance has changed: says hello anew, with what it is now" },
    { "A4", LINK_GREETING, LINK_EVENT_NEWS, ALWAYS, RULE_SAME, greet,
      "an instance has changed since the hello: says it again" },
    NOTHING("A5", RULE_ANY, LINK_EVENT_NEWS, "the next hello will say it"),

    { "A10", LINK_GREETING, LINK_EVENT_WELCOME, WHEN(is_deposed), LINK_DOWN, back_off_deposed,
      "a coordinator of a lower term is deposed: looks for the one that reigns" },
    { "A11", LINK_GREETING, LINK_EVENT_WELCOME, ALWAYS, LINK_ACTIVE, enter,
      "welcomed: goals are taken, reports told again, the inventory compared" },
    { "A12", LINK_ACTIVE, LINK_EVENT_WELCOME, WHEN(is_deposed), RULE_IGNORE, NULL,
      "a deposed coordinator's welcome comes late: the one that reigns stays" },
    { "A13", LINK_ACTIVE, LINK_EVENT_WELCOME, WHEN(is_newer_session), RULE_SAME, enter,
      "welcomed anew under a newer session: goes on in it" },
    { "A14", LINK_ACTIVE, LINK_EVENT_WELCOME, WHEN(is_same_session), RULE_SAME, refresh,
      "the welcome is repeated: its intervals and the inventory are looked at again" },
    NOTHING("A15", LINK_ACTIVE, LINK_EVENT_WELCOME, "a late welcome to an older session"),
    NOTHING("A16", RULE_ANY, LINK_EVENT_WELCOME, "a late welcome that nobody waits for"),

    { "A20", LINK_GREETING, LINK_EVENT_BUSY, ALWAYS, LINK_WAITING, wait_as_told,
      "the coordinator is busy, or this agent's key is not accepted yet: comes again when it said" },
    NOTHING("A21", RULE_ANY, LINK_EVENT_BUSY, "a late word that the coordinator is busy"),

    { "A33", LINK_ACTIVE, LINK_EVENT_REJECT, WHEN(is_revoked), LINK_DOWN, shut_out,
      "this agent's key was revoked: running transactions are cancelled, no order is taken, knocks" },
    { "A34", LINK_GREETING, LINK_EVENT_REJECT, WHEN(is_revoked), LINK_DOWN, shut_out,
      "this agent's key was revoked: running transactions are cancelled, no order is taken, knocks" },
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

    { "A80", LINK_ACTIVE, LINK_EVENT_GARBLED, ALWAYS, LINK_DOWN, back_off_garbled,
      "the coordinator changes the protocol version within the session: not taken, greets anew" },
    NOTHING("A81", RULE_ANY, LINK_EVENT_GARBLED, "there is no session whose version it could be"),
};

/* clang-format on */

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
