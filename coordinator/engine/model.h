/*
 * The engine's rows: what the coordinator knows, exactly as the store keeps it and the API shows
 * it.
 *
 * A row's strings belong to whoever holds the row: inside the engine to the engine, in an effect to
 * the effect's arena. They are never NULL. Wall-clock times are Unix milliseconds and for people
 * only; no decision reads them.
 */
#ifndef SKEIN_COORDINATOR_ENGINE_MODEL_H
#define SKEIN_COORDINATOR_ENGINE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/bundle.h"
#include "proto/messages.h"
#include "proto/orders.h"

/* An agent's session. Numbers are in the store: never reused. */
typedef enum SessionState {
    SESSION_NONE = 0,    /* known, never heard of since the coordinator started */
    SESSION_ACTIVE,      /* heard of within suspect_ms */
    SESSION_SUSPECT,     /* silent: nothing new is sent, nothing concluded */
    SESSION_LOST,        /* silent beyond lost_ms: its leases have run out */
    SESSION_QUARANTINED, /* two processes with one key, or forged messages: refused until released
                          */
    SESSION_STATE_COUNT_,
} SessionState;

typedef enum TargetState {
    TARGET_NONE = 0,
    TARGET_PENDING,         /* waits for its wave and a slot */
    TARGET_ASSIGNED,        /* an attempt is committed and its goal sent; no report yet */
    TARGET_APPLYING,        /* the agent has the order in hand */
    TARGET_UNKNOWN,         /* a step was sent and nobody knows its outcome yet; keeps its slot */
    TARGET_VERIFYING,       /* applied is reported; its wave soaks and gates watch it */
    TARGET_HEALTHY,         /* applied, and its wave has passed */
    TARGET_FAILED,          /* not at the plan's version; the database is known and nothing runs */
    TARGET_HELD,            /* a person has to look; code and hint say at what */
    TARGET_ROLLING_BACK,    /* goal "roll back" is with the agent */
    TARGET_ROLLED_BACK,     /* where it was before this rollout, proved by its history */
    TARGET_ROLLBACK_FAILED, /* the roll back itself failed: a person has to look */
    TARGET_SKIPPED,         /* out of the rollout by an operator, or because it is gone */
    TARGET_DEBT, /* to be rolled back or moved and cannot be reached yet; the goal stands */
    TARGET_STATE_COUNT_,
} TargetState;

typedef enum WaveState {
    WAVE_NONE = 0,
    WAVE_WAITING, /* an earlier wave is not through, or approval is missing */
    WAVE_GATED,   /* could open, held back by a condition: approval, gate, breaker */
    WAVE_RUNNING,
    WAVE_SOAKING, /* all its targets are applied or skipped; watched for soak_ms */
    WAVE_PASSED,
    WAVE_TRIPPED, /* the budget is used up in it */
    WAVE_HELD,    /* nothing runs in it and something in it needs a person */
    WAVE_ROLLING_BACK,
    WAVE_ROLLED_BACK,
    WAVE_STATE_COUNT_,
} WaveState;

typedef enum RolloutState {
    ROLLOUT_NONE = 0,
    ROLLOUT_READY, /* durable, membership frozen; opens its first wave next */
    ROLLOUT_RUNNING,
    ROLLOUT_PAUSED, /* starts nothing; pause_cause says who or what paused it */
    ROLLOUT_ABORTING,
    ROLLOUT_ABORTED,
    ROLLOUT_ROLLING_BACK,
    ROLLOUT_ROLLBACK_HELD, /* debt or a failed roll back remains; listed exactly */
    ROLLOUT_ROLLED_BACK,
    ROLLOUT_SUCCEEDED,
    ROLLOUT_FOUND, /* known from the databases alone: this store is older than it */
    ROLLOUT_STATE_COUNT_,
} RolloutState;

/* Why a rollout is paused; an operator's pause wins over every automatic resume. */
typedef enum PauseCause {
    PAUSE_NONE = 0,
    PAUSE_OPERATOR,
    PAUSE_BUDGET,       /* tripped with on_failure: pause */
    PAUSE_AGENT_LOST,   /* on_agent_lost: pause */
    PAUSE_MASS_LOSS,    /* the breaker: the coordinator itself is probably cut off */
    PAUSE_PLAN_MISSING, /* the bundle is not in the store */
    PAUSE_STORE_BEHIND, /* the fleet has seen a higher term than the store: it is an old backup */
    PAUSE_FAILOVER,     /* a server was promoted without what had been reported */
    PAUSE_KEY_REVOKED,  /* an agent was shut out with targets in hand */
    PAUSE_EXPIRED,      /* the plan's time to be applied is over, and not all of it is applied */
    PAUSE_GATE,         /* a gate has failed, and on_failure does not turn the rollout back */
    PAUSE_GATE_UNSURE,  /* a wave has soaked, and nobody can say whether its gates hold */
    PAUSE_CAUSE_COUNT_,
} PauseCause;

const char *session_state_name(SessionState state);
const char *target_state_name(TargetState state);
const char *wave_state_name(WaveState state);
const char *rollout_state_name(RolloutState state);
bool rollout_is_open(RolloutState state); /* it has not ended */
const char *pause_cause_name(PauseCause cause);

typedef struct InstanceRow {
    const char *name;
    const char *agent;
    uint64_t system_identifier;
    uint32_t timeline;
    uint32_t server_version;
    bool in_recovery;
    Labels labels;
} InstanceRow;

typedef struct AgentRow {
    const char *name; /* of its key in agents.d */
    SessionState state;
    const char *version;
    uint32_t protocol; /* the highest version that it speaks; 0: not known */
    Labels labels;
    InstanceRow *instances;
    size_t instance_count;
    uint64_t inventory_revision; /* newest complete one */
    int64_t heard_at_ms;         /* wall clock */
    const char *reason;          /* of quarantine; "" */
    uint32_t term_claims;        /* times the term was raised on its word since a person looked */
} AgentRow;

/* A target of the fleet, as its agent last listed it. */
typedef struct InventoryRow {
    const char *address;
    const char *agent;
    const char *instance;
    Identity identity;
    const char *version;
    bool is_read;
    bool in_recovery;
    bool is_gone;     /* not in its agent's newest complete inventory */
    bool is_disputed; /* two writable instances with one identity */
    Fence fence;
    uint32_t timeline;   /* of the server that it was read on; 0: not known */
    const char *rollout; /* of its newest history row */
    const char *lost; /* newest migration as was reported, and as a server that was promoted since
                         does not show it; "": none */
} InventoryRow;

typedef struct RolloutRow {
    const char *id;
    const char *name;
    uint8_t plan_hash[PLAN_HASH_BYTES];
    RolloutState state;
    PauseCause pause_cause;
    bool is_rollback_by_operator; /* else by policy */
    bool is_irreversible_approved;
    bool is_adopted;    /* not started here: found in the fleet after the store was restored */
    const char *reason; /* the sentence of the last transition, with its numbers */
    const char *actor;  /* who started it */
    int64_t created_at_ms;
    int64_t changed_at_ms;
} RolloutRow;

typedef struct WaveRow {
    const char *rollout;
    uint32_t index; /* from 0 */
    const char *name;
    WaveState state;
    bool is_approved;
    const char *approved_by;
    uint32_t target_count; /* of this wave alone */
    uint32_t soak_ms;
    uint32_t soak_left_ms; /* as of the last persisted change; starts anew after a restart */
    int64_t opened_at_ms;
    int64_t changed_at_ms;
} WaveRow;

/* What a relative gate's metric was on one server before the wave opened. Never changed. */
typedef struct BaselineRow {
    const char *rollout;
    uint32_t wave;
    uint32_t gate; /* its place in the plan, from 0 */
    const char *instance;
    uint64_t value;   /* thousandths of the metric's unit: the median */
    uint32_t samples; /* that it was made of */
    int64_t taken_at_ms;
} BaselineRow;

/* A target in a rollout. */
typedef struct TargetRow {
    const char *rollout;
    const char *address;
    Identity identity;
    const char *agent;
    const char *instance;
    const char *database; /* with its instance: what max_parallel_per_database counts */
    uint32_t wave;
    TargetState state;
    Goal goal;
    OrderStamp stamp; /* of the goal in force; attempt 0: never assigned */
    uint64_t token;
    bool is_charged;
    bool is_absent;  /* charged because its agent stays away, not for a failure */
    bool is_excused; /* charged and unknown, and a person resumed all the same */
    bool was_sent;   /* a step may have been sent of which nobody has told how it ended, or what it
                        left */
    bool has_start;
    const char *start;   /* migration id where it was before; "": empty */
    const char *version; /* newest applied, as last reported */
    uint32_t timeline;   /* of the server that said so; 0: not known */
    uint32_t applied;    /* history rows of this rollout there, as last reported */
    uint32_t steps_done;
    uint32_t steps_total;
    const char *step; /* the migration of the attempt's last; "": none, or its agent does not say */
    Report report;    /* the last one taken */
    ErrCode code;
    const char *sqlstate;
    const char *message;
    const char *hint;
    const char *migration;
    uint32_t statement;
    uint32_t retries;
    uint32_t duration_ms;
    int64_t changed_at_ms;
    const Remarks *remarks; /* of all its attempts; NULL: there are none */
} TargetRow;

/* A signed plan. The engine hands it on and reads nothing in it. */
typedef struct PlanRow {
    uint8_t hash[PLAN_HASH_BYTES];
    Bytes bundle; /* 1 to BUNDLE_MAX bytes */
    int64_t kept_at_ms;
} PlanRow;

/*
 * What is older is not kept, on the wall clock; 0: everything is. The one use of that clock that
 * decides anything, and nothing in a fleet depends on it.
 */
typedef struct Ages {
    int64_t rollouts_ms; /* that have ended */
    int64_t events_ms;   /* of no rollout; those of a rollout stay and go with it */
    int64_t plans_ms;    /* of no rollout: brought, and never started */
} Ages;

/* One line of the event log: every state change once, with the id of its rule. */
typedef struct EventRow {
    uint64_t seq; /* given by the store */
    int64_t time_ms;
    const char *actor;   /* "coordinator", "operator NAME", "agent NAME" */
    const char *rollout; /* "" where none */
    const char *wave;
    const char *target;
    const char *agent;
    const char *rule; /* "T14" */
    const char *old_state;
    const char *new_state;
    ErrCode code;
    const char *text; /* the rule's sentence, with names and numbers */
} EventRow;

#endif
