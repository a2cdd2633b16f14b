/*
 * The gates of a rollout file: what may stand in one entry of `strategy.gates`, and what it means.
 */
#ifndef SKEIN_CLI_ROLLOUT_GATES_H
#define SKEIN_CLI_ROLLOUT_GATES_H

#include "common/config.h"
#include "proto/bundle.h"

typedef struct GateEntry {
    uint32_t metric;
    PlanGate max; /* as far as a limit goes */
    PlanGate min;
    uint32_t failures;
} GateEntry;

extern const ConfigTable ROLLOUT_GATE_TABLE; /* of GateEntry */

/* Has each of them one limit, and the one that goes with its metric? ERR_CONFIG, with the place. */
ErrCode rollout_gates_check(const ConfigDocument *document, const GateEntry *entries, size_t count,
                            Err *err);

/* Into the plan's strategy; in `arena`. */
void rollout_gates_take(const GateEntry *entries, size_t count, Arena *arena,
                        PlanStrategy *strategy);

#endif
