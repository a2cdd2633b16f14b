/*
 * A coordinator without sockets, for fuzzers: a real shell and engine over the store that it is
 * given, and one agent, db1, with five databases.
 */
#ifndef SKEIN_TESTS_FUZZ_COORDINATOR_H
#define SKEIN_TESTS_FUZZ_COORDINATOR_H

#include "coordinator/shell.h"
#include "proto/bundle.h"

#define COORDINATOR_DATABASES 5 /* db1/t0 … */

typedef struct Coordinator {
    Arena arena;
    Store *store;
    Loop *loop;
    Shell *shell;
    uint64_t session;
    uint64_t report_id;
} Coordinator;

/* Takes the store, also when it fails; the error is the shell's. */
ErrCode coordinator_open(Coordinator *coordinator, Store *store, Err *err);
void coordinator_done(Coordinator *coordinator); /* zero-initialised is fine */

AUTO_DEFINE(Coordinator, coordinator_done)

/* The agent says hello, and lists its databases. */
void coordinator_join(Coordinator *coordinator);

/* Of the newest rollout's target on `database`, by the order that it has. */
void coordinator_report(Coordinator *coordinator, uint32_t database, Report report);

typedef struct SealedPlan {
    Bytes bundle;
    const Plan *plan;
    uint8_t hash[PLAN_HASH_BYTES];
    char hash_text[2 * PLAN_HASH_BYTES + 1];
} SealedPlan;

/* Two waves, the first of which wants approval; signed. Made once, the same in every process. */
const SealedPlan *sample_plan(void);

#endif
