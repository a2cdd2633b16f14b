/*
 * What a seed is about: the fleet, how scripts behave on each target, and the plans to be rolled
 * out. All plans of a seed are prefixes of one history, so that later rollouts stack on earlier
 * ones.
 */
#ifndef SKEIN_TESTS_SIM_SCENARIO_H
#define SKEIN_TESTS_SIM_SCENARIO_H

#include "coordinator/engine/engine.h"
#include "proto/bundle.h"
#include "proto/trust.h"
#include "tests/sim/pieces.h"
#include "tests/sim/sim_pg.h"
#include "tests/sim/world.h"

#define SCENARIO_AGENTS_MAX 6
#define SCENARIO_SERVERS_MAX 2 /* of one agent */
#define SCENARIO_ROLLOUTS_MAX 3

typedef struct ScenarioRollout {
    const char *id;
    Plan *plan;
    Bytes bundle;       /* signed by one */
    Bytes bundle_again; /* and by another */
    uint8_t hash[PLAN_HASH_BYTES];
    uint64_t start_after_ms; /* since the seed's beginning */
    bool is_started;
    bool is_given_up; /* refused for good */
} ScenarioRollout;

typedef struct Scenario {
    Arena arena;
    Pieces *pieces;
    EngineConfig config;
    const char
        *agents[SCENARIO_AGENTS_MAX + 1]; /* behind the last: the name of the one that has a twin */
    bool is_absent[SCENARIO_AGENTS_MAX + 1];  /* left out: never starts */
    bool is_revoked[SCENARIO_AGENTS_MAX + 1]; /* now: agents.d is without its key */
    uint32_t handshakes_per_second;
    uint32_t old_agents_percent; /* of their processes are of the release before */
    uint32_t old_coordinators_percent;
    uint32_t workers_max; /* of each agent's process */
    uint8_t signers[2][SIGN_PUBLIC_BYTES];
    TrustedKey trusted[2];                /* the same, as an agent has them */
    size_t trusting[SCENARIO_AGENTS_MAX]; /* how many of these the agent trusts */
    bool has_gates;                       /* some rollout has: agents sample their servers */
    bool has_fat_plans;                   /* of several chunks */
    char *padding;                        /* what makes them fat */
    size_t twin_of;
    size_t servers[SCENARIO_AGENTS_MAX][SCENARIO_SERVERS_MAX];
    size_t server_counts[SCENARIO_AGENTS_MAX];
    size_t agent_count;
    size_t migration_count;
    Plan by_hand; /* the whole history: what somebody has on the command line */
    ScenarioRollout rollouts[SCENARIO_ROLLOUTS_MAX];
    size_t rollout_count;
    uint64_t faults_ms;     /* length of the first phase */
    uint64_t heal_after_ms; /* the same, unless that was left out */
} Scenario;

/* Fills `pg` with servers and tenants. `pieces` is borrowed. */
Scenario *scenario_new(World *world, SimPg *pg, Pieces *pieces);
void scenario_free(Scenario *scenario);

AUTO_PTR_DEFINE(Scenario, scenario_free)

#endif
