/*
 * The shell around the engine, in virtual time: it collects the events that are ready, steps,
 * commits one batch, and only then sends. A commit that fails freezes it: the same batch is tried
 * again and nothing else happens. It can die between step and commit and between commit and send,
 * freeze, and start again with a new term from what the store has.
 */
#ifndef SKEIN_TESTS_SIM_SIM_COORDINATOR_H
#define SKEIN_TESTS_SIM_SIM_COORDINATOR_H

#include "coordinator/engine/engine.h"
#include "tests/sim/invariants.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/world.h"

typedef struct SimCoordinator SimCoordinator;

/* Borrowed, all of it. */
typedef struct CoordinatorParts {
    World *world;
    SimNet *net;
    SimDisk *disk;
    Invariants *invariants;
    EngineConfig config;
    const char *const *agents; /* names in agents.d, by the network's numbers */
    const bool *is_revoked;    /* by the same numbers: taken out of agents.d for now */
    size_t agent_count;
    uint32_t handshakes_per_second;
    uint32_t old_percent; /* of its processes are of the release before */
} CoordinatorParts;

SimCoordinator *sim_coordinator_new(const CoordinatorParts *parts, const char *name,
                                    uint64_t number);
void sim_coordinator_free(SimCoordinator *coordinator);

AUTO_PTR_DEFINE(SimCoordinator, sim_coordinator_free)

/* Starts after `delay_ms`, or as soon as the store lets it take a term. */
void sim_coordinator_start(SimCoordinator *coordinator, uint64_t delay_ms);
void sim_coordinator_kill(SimCoordinator *coordinator);
void sim_coordinator_freeze(SimCoordinator *coordinator, bool is_frozen);
/* Freezes as soon as its next batch is committed: it is sent after the thaw, whatever happened
 * meanwhile. */
void sim_coordinator_freeze_in_send(SimCoordinator *coordinator);

/*
 * It will die at one of the two bad moments: before its next commit, or, once that is done, with
 * `sends` more messages let out. It starts again by itself. Spared: it will not.
 */
void sim_coordinator_doom(SimCoordinator *coordinator, bool is_before_commit, uint64_t sends);
/* Its next message in a session has another protocol version than that. */
void sim_coordinator_garble(SimCoordinator *coordinator);
void sim_coordinator_spare(SimCoordinator *coordinator);

/* agents.d has lost this agent's key, or has it again (CoordinatorParts.is_revoked). */
void sim_coordinator_tell_key(SimCoordinator *coordinator, size_t agent);

/* Somebody sets its machine's wall clock; what counts time does not notice. */
void sim_coordinator_set_wall(SimCoordinator *coordinator, int64_t off_by_ms);

/* NetUp: a frame has arrived. `listener` is the coordinator. */
void sim_coordinator_receive(void *listener, size_t agent, uint64_t route, Bytes frame);

/*
 * A person's request: stepped, committed and answered in line. ERR_UNREACHABLE: nobody answers, or
 * the store does not take it now. Fills the event's times.
 */
ErrCode sim_coordinator_request(SimCoordinator *coordinator, Event *event, Err *err);

const Engine *sim_coordinator_engine(const SimCoordinator *coordinator); /* NULL: down */
/* Up, and nobody has taken a newer term. */
bool sim_coordinator_is_current(const SimCoordinator *coordinator);
bool sim_coordinator_is_serving(const SimCoordinator *coordinator);

#endif
