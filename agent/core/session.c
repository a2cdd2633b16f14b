/*
 * The session: which messages are taken at all, what time brings about, and the outside of it all.
 * The rules of the link are in session_rules.c, orders in session_orders.c, the contents of
 * messages in session_tell.c. Pure: time comes in.
 */
#include "agent/core/session.h"

#include <stdlib.h>

#include "agent/core/session_internal.h"

#define HANDSHAKE_MS 10000

bool agent_session_is_active(const AgentSession *session)
{
    return session->state == LINK_ACTIVE;
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
    bool is_leased = agent_session_has_lease(session);
    if (is_leased != session->is_leased) {
        session->is_leased = is_leased;
        agent_session_tell_permits(session);
    }
}

/* ---- messages ---- */

/* Counted from when our own PING left: however long the answer took, the coordinator counts from
 * later. */
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
    agent_session_take_goal(session, body);
}

static void take_ack(AgentSession *session, const void *body)
{
    agent_session_take_ack(session, body);
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

/* One version is agreed upon with WELCOME, for all that follows; that WELCOME said again, too. */
static bool is_garbled(const AgentSession *session, const TakeRow *row, const Envelope *envelope)
{
    uint64_t number = envelope->session;
    if (row->type == MESSAGE_WELCOME) {
        number = ((const Welcome *)envelope->body)->session;
    }
    return session->state == LINK_ACTIVE && number == session->session &&
           envelope->term == session->term && envelope->version != session->protocol;
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
    watch_lease(session); /* one that ran out unseen, and is renewed now, has still run out */
    for (size_t i = 0; i < ARRAY_LEN(TAKES); i++) {
        const TakeRow *row = &TAKES[i];
        if (row->type != envelope->type || !is_taken(session, row, envelope)) {
            continue;
        }
        if (is_garbled(session, row, envelope)) {
            fire(session, LINK_EVENT_GARBLED, envelope);
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
        agent_session_ping(session);
    }
    if (session->now_ms >= session->repeat_at_ms) {
        agent_session_repeat_ends(session);
    }
    if (session->now_ms >= session->refresh_at_ms) {
        agent_session_plan_refresh(session);
        agent_session_tell_inventory(session);
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
    agent_session_take_report(session, state);
}

void agent_session_job_ended(AgentSession *session, const char *target, uint64_t now_ms,
                             LinkEffects *effects)
{
    begin_call(session, now_ms, effects);
    agent_session_take_job_ended(session, target);
}

/* The texts are borrowed. */
static State state_with_reason(const OrderEntry *entry, Report report, const Err *reason)
{
    State state = entry->last;
    state.stamp = entry->wanted->order.stamp;
    state.report = report;
    state.code = (uint32_t)reason->code;
    state.sqlstate = reason->sqlstate;
    state.message = reason->message;
    state.hint = reason->hint;
    return state;
}

/*
 * Before a worker has looked, nothing can have been done: the order is refused. Behind that, what
 * it told last holds, and its last step may have left what nobody will look for now.
 */
static State state_without_end(const OrderEntry *entry, const Err *reason)
{
    bool has_begun = entry->last.report != REPORT_ACCEPTED;
    return state_with_reason(entry, has_begun ? REPORT_HELD : REPORT_REFUSED, reason);
}

void agent_session_refuse(AgentSession *session, const char *target, const Err *reason,
                          uint64_t now_ms, LinkEffects *effects)
{
    const OrderEntry *entry = order_book_find(&session->book, target);
    if (entry == NULL || entry->is_settled) {
        return;
    }
    State state = state_without_end(entry, reason);
    agent_session_report(session, &state, now_ms, effects);
    agent_session_job_ended(session, target, now_ms, effects);
}

void agent_session_delay(AgentSession *session, const char *target, const Err *reason,
                         uint64_t now_ms, LinkEffects *effects)
{
    const OrderEntry *entry = order_book_find(&session->book, target);
    if (entry == NULL || entry->is_settled || entry->last.report != REPORT_ACCEPTED ||
        str_equal(entry->last.message, reason->message)) {
        return;
    }
    State state = state_with_reason(entry, REPORT_ACCEPTED, reason);
    agent_session_report(session, &state, now_ms, effects);
}

/* Instances are told by a HELLO, and the welcome to it compares the inventory. */
void agent_session_facts_changed(AgentSession *session, uint64_t now_ms, LinkEffects *effects)
{
    begin_call(session, now_ms, effects);
    if (agent_session_instances_digest(session->facts) != session->instances_told) {
        fire(session, LINK_EVENT_NEWS, NULL);
    } else if (agent_session_is_active(session) &&
               session->facts->inventory_revision != session->inventory_told) {
        agent_session_tell_inventory(session);
    }
}

void agent_session_pass(AgentSession *session, MessageType type, const void *body,
                        LinkEffects *effects)
{
    begin_call(session, session->now_ms, effects);
    if (session->state == LINK_ACTIVE) {
        agent_session_send(session, type, body);
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
