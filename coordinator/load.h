/* From the store to an engine: rows, plans and a term of our own. */
#ifndef SKEIN_COORDINATOR_LOAD_H
#define SKEIN_COORDINATOR_LOAD_H

#include "common/arena.h"
#include "common/err.h"
#include "coordinator/engine/engine.h"
#include "coordinator/store/store.h"
#include "proto/bundle.h"

/*
 * Loads everything and takes a term above `term_seen` and all that the store knows. A plan that is
 * missing or damaged is a NULL for the engine, which pauses its rollout; it is logged.
 */
ErrCode load_engine(Store *store, const EngineConfig *config, uint64_t term_seen, uint64_t now_ms,
                    Engine **ret_engine, uint64_t *ret_term, Err *err);

/* What an engine is made of, from what a store has: `plans` by its rollouts, NULL where none is.
 * Borrows all of it. */
EngineLoad load_of_contents(const StoreContents *contents, uint64_t term, const Plan *const *plans);

/* A plan, and the bundle that says who has signed it. */
typedef struct SignedPlan {
    Bundle bundle;
    Plan *plan;
} SignedPlan;

/* One plan of the store, verified against its hash and signatures, in `arena`. */
ErrCode load_plan(Store *store, const uint8_t hash[PLAN_HASH_BYTES], Arena *arena,
                  SignedPlan *ret_plan, Err *err);

/* The same from a bundle's bytes, whose hash must be `hash`. It points into them. */
ErrCode load_bundle(Bytes bytes, const uint8_t hash[PLAN_HASH_BYTES], Arena *arena,
                    SignedPlan *ret_plan, Err *err);

#endif
