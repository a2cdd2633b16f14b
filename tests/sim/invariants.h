/*
 * The invariants that need the coordinator's side: checked after every step, before every commit,
 * at every send and at the end. Those about a single database are checked where it is written
 * (sim_pg_write.c).
 */
#ifndef SKEIN_TESTS_SIM_INVARIANTS_H
#define SKEIN_TESTS_SIM_INVARIANTS_H

#include "coordinator/engine/engine.h"
#include "tests/sim/sim_pg.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/world.h"

typedef struct Invariants Invariants;

/* `disk` and `pg` are borrowed. */
Invariants *invariants_new(World *world, SimDisk *disk, SimPg *pg, const EngineConfig *config);
void invariants_free(Invariants *invariants);

AUTO_PTR_DEFINE(Invariants, invariants_free)

/* A plan that rollouts may be made of; lives as long as the invariants. */
void invariants_add_plan(Invariants *invariants, const char *rollout, const Plan *plan);

/* Two processes with this key have been alive: it may be quarantined. */
void invariants_expect_twin(Invariants *invariants, const char *agent);

/* Around engine_step: `effects` from index `from` on are this step's. */
void invariants_step_begin(Invariants *invariants, const Engine *engine, const Event *event);
void invariants_step_end(Invariants *invariants, const Engine *engine, const Event *event,
                         ErrCode code, const Effects *effects, size_t from);

/* Right before a batch is committed over what is on the disk, and right after. */
void invariants_commit(Invariants *invariants, const Engine *engine, const Effects *effects);
void invariants_committed(Invariants *invariants);

/* A message leaves: everything it speaks of is committed. `agent`: by its route. */
void invariants_send(Invariants *invariants, const char *agent, const SendEffect *send);

/* An engine made from the disk now has the same rows as the live one. */
void invariants_replay(Invariants *invariants, const Engine *engine, const EngineLoad *load);

/* A coordinator has started (sessions are new), or the disk was thrown back to a backup. */
void invariants_coordinator_started(Invariants *invariants);
void invariants_disk_restored(Invariants *invariants);

/* Nothing moves any more: what the rollouts claim against what the databases show. */
void invariants_end(Invariants *invariants);

/* Until when an agent may begin steps, by when this coordinator last heard it; UINT64_MAX: it has
 * not. */
uint64_t invariants_lease_ends_ms(Invariants *invariants, const char *agent);

#endif
