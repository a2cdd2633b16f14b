/*
 * One seed: the parts put together, the phase of faults, the healing, and the demand that
 * everything comes to an end.
 */
#ifndef SKEIN_TESTS_SIM_SIM_H
#define SKEIN_TESTS_SIM_SIM_H

#include "tests/sim/invariants.h"
#include "tests/sim/scenario.h"
#include "common/list.h"
#include "tests/sim/sim_agent.h"
#include "tests/sim/sim_cli.h"
#include "tests/sim/sim_coordinator.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_pg.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/world.h"

typedef struct Sim {
    Pieces pieces;
    World *world;
    SimPg *pg;
    Scenario *scenario;
    SimNet *net;
    SimDisk *disk;
    SimAgent *agents[SCENARIO_AGENTS_MAX + 1]; /* the last is a cloned machine: mostly down */
    /* Two processes on one address: usually the second is down; in a takeover it follows the frozen
     * first. */
    SimCoordinator *coordinators[2];
    Invariants *invariants[2]; /* each judged by what it can know */
    size_t leader;             /* which of them serves */
    uint64_t began_ms;
    LIST(SimCli *) clis; /* all there ever were */
    uint64_t retire_pace_ms;
    bool are_plans_hurt; /* the store has lost some, or holds them damaged */
    bool is_healed;
} Sim;

typedef struct SeedOutcome {
    char violation[2048]; /* "": passed */
    uint32_t sights[SIGHT_COUNT_];
    bool rules[RULES_MAX]; /* which have fired */
    uint64_t digest;
    uint64_t virtual_ms;
    size_t piece_count;
} SeedOutcome;

/* What to run and how. */
typedef struct SeedRequest {
    uint64_t seed;
    const PieceSet *without; /* pieces to leave out; NULL: none */
    Str *pieces;             /* the list of those that are in is appended; NULL: nobody wants it */
    FILE *story;             /* NULL: silently */
} SeedRequest;

/* Runs one seed from beginning to end. */
void sim_run(const SeedRequest *request, SeedOutcome *ret_outcome);

static inline SimAgent *sim_twin(const Sim *sim)
{
    return sim->agents[sim->scenario->agent_count];
}

/* The process that people reach: the one whose term is the newest, or the one that is to be. */
SimCoordinator *sim_leader(const Sim *sim);

#endif
