/*
 * The agent's session with the coordinator, without I/O: what to tell it, what to take from it,
 * when to give up a silent connection, and which goals are in force. One per agent process.
 *
 * Pure: no sockets, no clock (time comes in), no threads, no logging. Effects are a closed list
 * that the link (agent/link.c) or the simulator performs in order.
 */
#ifndef SKEIN_AGENT_CORE_SESSION_H
#define SKEIN_AGENT_CORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/core/job.h"
#include "common/arena.h"
#include "common/list.h"
#include "proto/envelope.h"
#include "proto/messages.h"

typedef enum LinkEffectKind {
    LINK_EFFECT_NONE = 0,
    LINK_EFFECT_SEND,      /* .type, .body, in an envelope with .protocol, .session and .term; lost
                              ones are repeated */
    LINK_EFFECT_RECONNECT, /* close the socket, open a new one after .delay_ms */
    LINK_EFFECT_START,  /* .target, .order, .permit: start a worker for it, when the plan is at hand
                         */
    LINK_EFFECT_PERMIT, /* .target, .permit: tell that worker; GOAL_NONE: its order is withdrawn, it
                           ends */
    LINK_EFFECT_FORGET, /* .target: nothing of it is in force any more (ended and acknowledged) */
    LINK_EFFECT_KIND_COUNT_,
} LinkEffectKind;

/*
 * An order as taken from a GOAL; strings belong to the session, while its worker runs and until the
 * target is forgotten or re-ordered. Another goal for the same attempt changes stamp, goal and
 * deadline in place: a worker's thread works on a copy.
 */
typedef struct AgentOrder {
    const char *rollout;
    const char *target;
    Identity identity;
    OrderStamp stamp;
    uint64_t token;
    Goal goal;
    uint8_t plan_hash[PLAN_HASH_BYTES];
    const char *from;
    const char *to;
    uint32_t deadline_ms;
} AgentOrder;

typedef struct LinkEffect {
    LinkEffectKind kind;
    MessageType type;
    const void *body;
    uint32_t protocol; /* version of the envelope */
    uint64_t session;
    uint64_t term;
    uint32_t delay_ms;
    const char *target;
    const AgentOrder *order;
    Permit permit;
} LinkEffect;

typedef struct LinkEffects {
    Arena arena;
    LIST(LinkEffect) list;
} LinkEffects;

void link_effects_done(LinkEffects *effects);
AUTO_DEFINE(LinkEffects, link_effects_done)

/* What HELLO says of this agent. Borrowed; the caller changes it in place as
 * instances come and go. */
typedef struct AgentFacts {
    uint8_t boot_id[BOOT_ID_BYTES];
    const char *name; /* that it would like where its key is not known; NULL: does not knock */
    const char *version;
    ProtocolRange protocol; /* versions that it speaks */
    Bytes coordinator_keys; /* that it trusts; told with each PING */
    Labels labels;
    HelloInstance *instances;
    size_t instance_count;
    uint64_t inventory_revision;
    InventoryTarget *targets; /* the whole inventory; sent in pages */
    size_t target_count;
    uint32_t required_signatures; /* told with it */
    bool plans_must_expire;       /* likewise */
    TrustedKey *trusted;
    size_t trusted_count;
} AgentFacts;

typedef struct AgentSession AgentSession;

AgentSession *agent_session_new(const AgentFacts *facts, uint64_t seed, uint64_t now_ms);
void agent_session_free(AgentSession *session);

AUTO_PTR_DEFINE(AgentSession, agent_session_free)

/* The socket is up (again): says HELLO. */
void agent_session_connected(AgentSession *session, uint64_t now_ms, LinkEffects *effects);

/* A decoded message of the coordinator. Stale terms and sessions change nothing. */
void agent_session_take(AgentSession *session, const Envelope *envelope, uint64_t now_ms,
                        LinkEffects *effects);

/* Time has passed: pings, repeats of unacknowledged ends, lease running out, silence. */
void agent_session_tick(AgentSession *session, uint64_t now_ms, LinkEffects *effects);
uint64_t agent_session_next_deadline_ms(const AgentSession *session);

/*
 * A worker reports. `state` is copied. An end (report_is_end) is kept and repeated until its
 * STATE_ACK. A report of an order that is no longer in force is still told: it is a fact about the
 * database.
 */
void agent_session_report(AgentSession *session, const State *state, uint64_t now_ms,
                          LinkEffects *effects);

/*
 * The order in force for a target goes no further, for `reason`: no worker was started for it
 * (accept.h), or the one that was has gone without an end. Reports REPORT_REFUSED, or, once a
 * worker has told more than that it has the order, REPORT_HELD with what it told last; forgets the
 * order once that is acknowledged. Without an order: nothing.
 */
void agent_session_refuse(AgentSession *session, const char *target, const Err *reason,
                          uint64_t now_ms, LinkEffects *effects);

/*
 * No worker is started for the order in force yet, for `reason`: told with REPORT_ACCEPTED, once
 * for each reason. Without an order, or once a worker has told more: nothing.
 */
void agent_session_delay(AgentSession *session, const char *target, const Err *reason,
                         uint64_t now_ms, LinkEffects *effects);

/* The worker of a target has gone; a newer order for it may start now. */
void agent_session_job_ended(AgentSession *session, const char *target, uint64_t now_ms,
                             LinkEffects *effects);

/* The inventory or an instance in the facts has changed: tell it. */
void agent_session_facts_changed(AgentSession *session, uint64_t now_ms, LinkEffects *effects);

/*
 * A message of the link's own, of which the session only knows how to address it: PROGRESS,
 * HEALTH, PLAN_GET. It is dropped while there is no session. `body` is read when the effect is
 * performed.
 */
void agent_session_pass(AgentSession *session, MessageType type, const void *body,
                        LinkEffects *effects);

/* Clean shutdown: BYE. */
void agent_session_bye(AgentSession *session, const char *reason, LinkEffects *effects);

/* Until when steps may start, on the clock of `now_ms`; 0: not at all. */
uint64_t agent_session_lease_until_ms(const AgentSession *session);

/* The order in force for a target; NULL: none. For the workers' start and tests. */
const AgentOrder *agent_session_order(const AgentSession *session, const char *target);

/* Where the link stands, for the log and `skein-agent`'s status: "down", "greeting", "waiting",
 * "active", "parted". */
int agent_session_state(const AgentSession *session);
const char *agent_session_state_name(int state);

/* Why the coordinator last refused this agent, or was refused by it; "" once welcomed. */
const char *agent_session_refusal(const AgentSession *session);

/* The last rule that fired, and how many have: one that rises by one per rule, so that each is
 * logged once. */
uint32_t agent_session_last_move(const AgentSession *session, JobMove *ret_move);

const RuleTable *agent_session_rule_table(void);

#endif
