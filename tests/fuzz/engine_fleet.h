/*
 * A small fleet around an engine that is fuzzed: hosts that remember what they were told, a store
 * in memory, and what must hold after every step, whatever agents and people say. Nobody here is
 * honest: reports need not be true, so nothing is asked of the databases.
 */
#ifndef SKEIN_TESTS_FUZZ_ENGINE_FLEET_H
#define SKEIN_TESTS_FUZZ_ENGINE_FLEET_H

#include "common/list.h"
#include "coordinator/engine/engine.h"
#include "tests/sim/sim_store.h"

#define FLEET_HOSTS 3
#define FLEET_DATABASES 3 /* of each host: db1, db2, db3 */
#define FLEET_TARGETS (FLEET_HOSTS * FLEET_DATABASES)
#define FLEET_ROLLOUTS 4 /* r1 … r4 */

/* An agent as its coordinator's messages have made it. */
typedef struct FleetHost {
    const char *name; /* of its instance, too */
    uint64_t connection;
    uint64_t session; /* of the last WELCOME */
    uint64_t inventory_revision;
    uint64_t report_id;
} FleetHost;

/* The last order for a target; `rollout` NULL: there was none. */
typedef struct FleetOrder {
    const char *rollout;
    OrderStamp stamp;
    uint64_t token;
    Goal goal;
    bool is_new; /* of the step that is being taken */
} FleetOrder;

typedef struct StartedPlan {
    const Plan *plan;
    uint8_t hash[PLAN_HASH_BYTES];
} StartedPlan;

typedef struct FuzzFleet {
    Arena arena;
    World *world;
    SimDisk *disk;
    Store *store;
    Engine *engine;
    uint64_t now_ms;
    int64_t wall_off_by_ms; /* somebody has set the machine's clock */
    uint64_t connection_count;
    FleetHost hosts[FLEET_HOSTS];
    FleetOrder orders[FLEET_TARGETS];
    Fence fences[FLEET_TARGETS]; /* the highest that an order has carried */
    LIST(StartedPlan) plans;
    bool is_plan_lost; /* the store has none at the next restart */
} FuzzFleet;

FuzzFleet *fuzz_fleet_new(void);
void fuzz_fleet_free(FuzzFleet *fleet);

AUTO_PTR_DEFINE(FuzzFleet, fuzz_fleet_free)

int64_t fuzz_fleet_wall_ms(const FuzzFleet *fleet);

/* "a/db1". Static text. */
const char *fuzz_fleet_address(size_t target);

/*
 * One step at the fleet's time, committed and sent; when a later coordinator was spoken of, the
 * engine is made anew from the store, as the shell does. What must not be aborts.
 */
ErrCode fuzz_fleet_step(FuzzFleet *fleet, Event event);

/* The coordinator dies, and another one loads what was committed. */
void fuzz_fleet_restart(FuzzFleet *fleet);

/* Everything that people can ask to see. */
void fuzz_fleet_look(FuzzFleet *fleet);

#endif
