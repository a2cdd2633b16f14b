/* What the invariants' two files share: the shadow of what the engine has persisted. */
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
    TargetCounts counts_before;
    bool is_touched;
} ShadowRollout;

typedef struct ShadowTarget {
    TargetState state;
    uint32_t attempt;
    uint64_t term;
    bool is_in_flight; /* when this coordinator started, and not heard of since */
} ShadowTarget;

/* When an agent was found lost in silence; 0: it is not. */
typedef struct ShadowAgent {
    char name[NAME_MAX_BYTES + 1];
    uint64_t lost_ms;
} ShadowAgent;

/* A session as WELCOME made it; over when its connection was closed or a newer one has spoken. */
typedef struct ShadowSession {
    char agent[NAME_MAX_BYTES + 1];
    uint64_t session;
    uint64_t connection;
    bool is_over;
} ShadowSession;

struct Invariants {
    World *world;
    SimDisk *disk;
    SimPg *pg;
    EngineConfig config;
    LIST(ShadowRollout) rollouts;
    LIST(ShadowSession) sessions;
    LIST(ShadowTarget *) all_targets;
    Map *targets; /* "rollout address" */
    LIST(ShadowAgent) agents;
    size_t in_flight;
    size_t undurable; /* rows and events that were stepped and are not committed */
    uint64_t started_ms;
    uint64_t resumed_ms; /* when a person last resumed something */
    uint64_t highest_token;
    uint64_t token_before;         /* the step */
    char twin[NAME_MAX_BYTES + 1]; /* "": none */
    bool was_recovering;
    bool is_stale;
};

/* Made when there is none. */
ShadowRollout *invariants_rollout(Invariants *invariants, const char *id);

/* Ready and running rollouts start work, and no others. */
bool invariants_may_start(RolloutState state);

#endif
