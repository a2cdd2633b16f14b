/*
 * The session's inside: shared by session.c (the link's machine, timers, messages),
 * session_orders.c (goals, reports, acknowledgements, permits) and session_tell.c (what is put into
 * messages).
 */
#ifndef SKEIN_AGENT_CORE_SESSION_INTERNAL_H
#define SKEIN_AGENT_CORE_SESSION_INTERNAL_H

#include "agent/core/order_book.h"
#include "agent/core/session.h"
#include "common/random.h"

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
    LINK_EVENT_NEWS,    /* an instance is not what the last HELLO said */
    LINK_EVENT_LEAVE,   /* this process stops */
    LINK_EVENT_GARBLED, /* another protocol version in the session than its own */
    LINK_EVENT_COUNT_,
} LinkEvent;

struct AgentSession {
    const AgentFacts *facts;
    Random random;
    int state; /* LinkState */

    /* The call in hand. */
    uint64_t now_ms;
    LinkEffects *effects;
    const Envelope *envelope; /* NULL: no message */

    /* What WELCOME said. */
    uint64_t session;
    uint32_t protocol; /* version of the session: WELCOME's */
    uint64_t term;     /* the highest that has welcomed us */
    uint32_t heartbeat_ms;
    uint32_t lease_ms;
    uint32_t lost_ms;

    /* Timers. */
    uint64_t heard_at_ms;
    uint64_t greeted_at_ms;
    uint64_t retry_at_ms;
    uint64_t ping_at_ms;
    uint64_t refresh_at_ms;
    uint64_t repeat_at_ms; /* not later than the first unacknowledged end's */
    uint32_t failures;     /* connections in a row that came to nothing */

    /* The lease. */
    uint64_t pinged_at_ms; /* the newest PING's */
    uint64_t ponged_at_ms; /* sent-at of the newest PING that was answered */
    uint64_t lease_until_ms;
    bool is_leased; /* as the workers were told */

    bool is_shut_out; /* its key was revoked, and nobody has welcomed it since */

    OrderBook book;
    uint64_t report_id;
    uint64_t inventory_told; /* revision sent in this session, or known to be there; 0: none */
    uint64_t instances_told; /* digest of what HELLO said */
    char refusal[ERR_MESSAGE_MAX];
    JobMove move;
    uint32_t move_serial;
};

/* session.c */
bool agent_session_is_active(const AgentSession *session);

/* session_rules.c */
void agent_session_ping(AgentSession *session);         /* and plans the next */
void agent_session_plan_refresh(AgentSession *session); /* of the inventory */

/* session_tell.c: build a message in the effects' arena and append its SEND. */
void agent_session_send(AgentSession *session, MessageType type, const void *body);
void agent_session_tell_hello(AgentSession *session);
void agent_session_tell_ping(AgentSession *session);
void agent_session_tell_inventory(AgentSession *session);
void agent_session_tell_state(AgentSession *session, const State *state);
uint64_t agent_session_instances_digest(const AgentFacts *facts);

/* session_orders.c */
void agent_session_take_goal(AgentSession *session, const GoalMessage *goal);
void agent_session_take_ack(AgentSession *session, const StateAck *ack);
void agent_session_take_report(AgentSession *session, const State *state);
void agent_session_take_job_ended(AgentSession *session, const char *target);
void agent_session_tell_permits(AgentSession *session); /* to every worker */
void agent_session_repeat_ends(AgentSession *session);  /* the due ones */
void agent_session_tell_orders(AgentSession *session);  /* the last report of each in force */
/* Every worker is to end; no order begins while is_shut_out. */
void agent_session_withdraw_orders(AgentSession *session);
void agent_session_resume_orders(AgentSession *session); /* those that were cut short */
bool agent_session_has_lease(const AgentSession *session);

#endif
