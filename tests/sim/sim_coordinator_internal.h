/* What the coordinator's parts share: its process (sim_coordinator.c), what comes in
 * (sim_coordinator_inbox.c), its loop (sim_coordinator_loop.c), and the batch that a turn of it
 * leaves (sim_coordinator_batch.c). */
#ifndef SKEIN_TESTS_SIM_SIM_COORDINATOR_INTERNAL_H
#define SKEIN_TESTS_SIM_SIM_COORDINATOR_INTERNAL_H

#include "common/list.h"
#include "coordinator/fleet/plan_server.h"
#include "coordinator/reckoning.h"
#include "tests/sim/sim_coordinator.h"
#include "tests/sim/sim_router.h"

#define STORE_RETRY_MS 500
#define LOOP_MS 2 /* how long messages gather before they are taken together */

/* One decoded message (or a broken route) that waits for the loop. */
typedef struct Inbound {
    Arena arena;
    Event event;
} Inbound;

/* A bundle's bytes that were opened, and what is in them. In the arena of plans. */
typedef struct KnownPlan {
    uint8_t hash[PLAN_HASH_BYTES];
    Bytes bytes;
    const Plan *plan;
} KnownPlan;

struct SimCoordinator {
    CoordinatorParts parts;
    Dice dice;
    Dice releases;
    const char *name;
    Engine *engine; /* NULL: the process is down */
    Store *store;
    Arena plans; /* decoded for this engine */
    LIST(KnownPlan) known_plans;
    uint64_t term;
    uint64_t life; /* of the process: older happenings are stale */
    SimRouter *router;
    PlanServer *plan_server; /* of this process */
    bool is_frozen;
    bool is_stuck;    /* the batch in `effects` could not be committed yet */
    bool is_freezing; /* will freeze between commit and send */
    bool is_unsent;   /* the batch in `effects` is committed and waits for the thaw */
    bool is_woken;
    bool is_committing;   /* the disk is slow: the loop waits for it */
    bool is_written;      /* and has it already, whether or not the process lives to hear of it */
    ErrCode written_code; /* what it said then */
    Reckoning reckoning;
    int64_t wall_off_by_ms; /* its machine's wall clock: not the process's */
    uint64_t tick_at_ms;    /* the armed tick; 0: none */
    bool is_doomed;         /* dies before its next commit */
    uint64_t sends_left;    /* dies before the last of so many messages of one batch; 0: does not */
    Effects effects;
    LIST(Inbound) inbox;
};

static inline World *coordinator_world(const SimCoordinator *coordinator)
{
    return coordinator->parts.world;
}

/* The engine's time. */
static inline uint64_t coordinator_clock_ms(const SimCoordinator *coordinator)
{
    return reckoning_now_ms(&coordinator->reckoning, world_now_ms(coordinator_world(coordinator)));
}

/* --- the process --- */

/* It was doomed; somebody (systemd) starts it again. */
void process_crash(SimCoordinator *coordinator, Sight sight);
/* An engine of the present term, made from what the store has. */
void process_engine_start(SimCoordinator *coordinator);
/* The engine learns who is an agent, and who is none any more. */
void process_tell_keys(SimCoordinator *coordinator);
/* Would an engine that is made from the store now be the same? */
void process_replay_sometimes(SimCoordinator *coordinator);

/* --- what comes in --- */

void inbox_clear(SimCoordinator *coordinator);
void inbox_tell_gone(SimCoordinator *coordinator, const char *agent, uint64_t handle);

/* --- the loop --- */

void loop_wake_after(SimCoordinator *coordinator, uint64_t delay_ms);
void loop_tick_arm(SimCoordinator *coordinator);
/* A higher term is about in the fleet: take one above it and begin again from the store. */
void loop_follow_term(SimCoordinator *coordinator);

/* --- the batch --- */

/* Commits the batch and sends it. False: it did not get that far, or the process is gone. */
bool batch_commit(SimCoordinator *coordinator);
/* What is committed leaves. False: the process died while sending. */
bool batch_finish(SimCoordinator *coordinator);

#endif
