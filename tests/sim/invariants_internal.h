/* What the invariants' files share: the shadow of what the engine has persisted. */
#ifndef SKEIN_TESTS_SIM_INVARIANTS_INTERNAL_H
#define SKEIN_TESTS_SIM_INVARIANTS_INTERNAL_H

#include "common/list.h"
#include "common/map.h"
#include "tests/sim/invariants.h"

#define ALL_WAVES UINT32_MAX
#define KEY_MAX (ROLLOUT_ID_MAX + ADDRESS_MAX + 2)

typedef struct ShadowRollout {
    char id[ROLLOUT_ID_MAX + 1];
    const Plan *plan;
    bool is_known;
    RolloutState state;
    PauseCause pause_cause;
    /* As of the beginning of the step in hand. */
    RolloutState state_before;
    PauseCause pause_before;
    uint32_t spent; /* targets that stand against the budget */
    uint32_t spent_before;
    bool is_touched;
} ShadowRollout;

typedef struct ShadowTarget {
    TargetState state;
    Report report;
    uint32_t attempt;
    uint64_t term;
    bool is_charged;
    bool is_shut_out;       /* held for a revoked key */
    bool is_spent;          /* stands against the budget */
    uint64_t heard_session; /* the newest report taken: of which session, */
    uint32_t heard_attempt; /* of which attempt, */
    uint64_t heard_id;      /* and its number */
    bool is_in_flight;      /* when this coordinator started, and not heard of since */
} ShadowTarget;

/* Names are given away and exchanged: whose order a report answers tells its token. */
typedef struct ShadowOrder {
    uint64_t token;
    ShadowTarget *shadow;
} ShadowOrder;

typedef struct ShadowAgent {
    char name[NAME_MAX_BYTES + 1];
    uint64_t lost_ms;  /* when it was found lost in silence; 0: it is not */
    uint64_t heard_ms; /* in a session of this coordinator; 0: not yet */
} ShadowAgent;

/* A session as WELCOME made it; over when its connection was closed or a newer one has spoken. */
typedef struct ShadowSession {
    char agent[NAME_MAX_BYTES + 1];
    uint64_t session;
    uint64_t connection;
    uint32_t protocol;
    bool is_over;
} ShadowSession;

#define SHADOW_SAMPLES 16

/* Readings by metric; of one that was not told the absence is 0 and the value too. */
typedef struct ShadowSample {
    uint64_t came_ms; /* on the engine's clock */
    uint64_t session;
    HealthReading readings[METRIC_COUNT_];
} ShadowSample;

typedef struct ShadowServer {
    char agent[NAME_MAX_BYTES + 1];
    char instance[NAME_MAX_BYTES + 1];
    ShadowSample samples[SHADOW_SAMPLES]; /* the newest first */
    size_t count;
} ShadowServer;

/* Samples of one server beyond one gate's limit, in a row: with everything that may break it, and
 * with nothing but what must. */
typedef struct ShadowRun {
    char rollout[ROLLOUT_ID_MAX + 1];
    char agent[NAME_MAX_BYTES + 1];
    char instance[NAME_MAX_BYTES + 1];
    uint32_t gate;
    uint32_t least;
    uint32_t most;
} ShadowRun;

struct Invariants {
    World *world;
    SimDisk *disk;
    SimPg *pg;
    EngineConfig config;
    LIST(ShadowRollout) rollouts;
    LIST(ShadowSession) sessions;
    LIST(ShadowTarget *) all_targets;
    Map *targets; /* "rollout address" */
    LIST(ShadowOrder) orders;
    ShadowTarget *heard; /* whom the report in hand is about; NULL: nobody knows, or it is none */
    LIST(ShadowAgent) agents;
    LIST(ShadowServer) servers;
    LIST(ShadowRun) runs;
    uint64_t deaf_ms;  /* as of the newest event */
    uint64_t hears_ms; /* since when it is so, on the engine's clock */
    size_t in_flight;
    size_t undurable; /* rows and events that were stepped and are not committed */
    uint64_t started_ms;
    uint64_t resumed_ms; /* when a person last resumed something */
    uint64_t highest_token;
    uint64_t token_before;         /* the step */
    char twin[NAME_MAX_BYTES + 1]; /* "": none */
    bool was_recovering;
    bool is_stale;
    bool is_garbled;    /* the message in hand has another version than its session */
    bool is_due;        /* a timer acts in this step, whatever else it is about */
    bool is_fresh;      /* the engine has not stepped yet */
    bool is_spent_word; /* the report in hand is old */
};

/* Made when there is none. */
ShadowRollout *invariants_rollout(Invariants *invariants, const char *id);

/* NULL: there is none. */
ShadowTarget *invariants_find_target(const Invariants *invariants, const char *rollout,
                                     const char *address);
/* Made when there is none. */
ShadowTarget *invariants_target(Invariants *invariants, const char *rollout, const char *address);

/* Whose order has, or had, this token; NULL: it was given before this coordinator began. */
ShadowTarget *invariants_order(const Invariants *invariants, uint64_t token);
void invariants_note_order(Invariants *invariants, uint64_t token, ShadowTarget *shadow);

/* Ready and running rollouts start work, and no others. */
bool invariants_may_start(RolloutState state);
bool invariants_is_turned_back(RolloutState state);
bool invariants_is_ended(RolloutState state); /* well or not, but not taken back */

/* --- invariants_targets.c --- */

/* Before a step with a report in it. */
void invariants_hear(Invariants *invariants, const Event *event);
/* First all rows of a step are counted, then each is judged. */
void invariants_count_target(Invariants *invariants, const TargetRow *row);
void invariants_take_target(Invariants *invariants, const Engine *engine, const Event *event,
                            const TargetRow *row);

/* --- invariants_gates.c --- */

/* Before a step: what is told in it; behind it: what was made of it. */
void invariants_gates_hear(Invariants *invariants, const Engine *engine, const Event *event);
void invariants_gates_judge(Invariants *invariants, const Engine *engine, const Event *event,
                            const Effects *effects, size_t from);
/* A coordinator begins anew. */
void invariants_gates_forget(Invariants *invariants);

#endif
