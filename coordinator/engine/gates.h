/*
 * Gates on the servers' health: what agents have told of their servers lately, and what follows
 * from it for a gate of a plan. A part of the engine's inside (state.h), and of what the API shows.
 *
 * Whose servers: those of all targets in this wave and in the waves before it, but for targets that
 * were skipped. One gate on one server, by the newest sample of that server:
 *
 *     the agent's session is not active, or no sample has come in it   inconclusive
 *     older than three intervals, or than the coordinator's deafness   inconclusive
 *     its agent says nothing of the metric                             inconclusive
 *     absent: nothing to measure                                       pass *
 *     absent for any other reason                                      inconclusive
 *     relative, and there is no baseline                               inconclusive
 *     within the limit                                                 pass *
 *     beyond it, as were the samples before it: N in a row             fail
 *     beyond it, fewer in a row                                        inconclusive
 *     * at the end of a soak, by a sample from before it began         inconclusive
 *
 * In a row are samples without a gap of three intervals between them, of the present session, since
 * the rollout was started, resumed or loaded last. Over all gates and servers: any fail is a fail,
 * else any inconclusive is inconclusive, else it passes. Inconclusive never lets anything go on.
 * A fail that comes while the coordinator knows too little to act is looked at again when it does.
 *
 * A baseline is the median of at least three samples that came before the wave opened, of each
 * server for itself; a wave without one does not open, unless there was nothing to measure. It is
 * kept in the store: after the wave has opened it cannot be taken any more. Where a server came to
 * an open wave later, whoever resumes the rollout takes its baseline as it is then.
 */
#ifndef SKEIN_COORDINATOR_ENGINE_GATES_H
#define SKEIN_COORDINATOR_ENGINE_GATES_H

#include "common/arena.h"
#include "common/list.h"
#include "common/map.h"
#include "coordinator/engine/model.h"
#include "proto/bundle.h"
#include "proto/gate.h"

#define SAMPLES_KEPT GATE_FAILURES_MAX /* of each server */
#define BASELINE_SAMPLES_MIN 3

/* While a gate holds something up it is looked at this often. */
#define GATE_LOOK_MS 1000
/* At the end of a soak the gates may be inconclusive for so long, or for as long as the slowest
 * sampler takes to tell a fail; then a person is asked. */
#define GATE_PATIENCE_MS 60000

typedef enum GateVerdict {
    GATE_NONE = 0, /* nobody has asked */
    GATE_PASS,
    GATE_INCONCLUSIVE,
    GATE_FAIL,
    GATE_VERDICT_COUNT_,
} GateVerdict;

typedef enum GateReason {
    GATE_REASON_NONE = 0,
    GATE_WITHIN,
    GATE_BEYOND,
    GATE_NOTHING,     /* there is nothing to measure */
    GATE_ABSENT,      /* .absence */
    GATE_UNTOLD,      /* its agent says nothing of this metric */
    GATE_NO_BASELINE, /* .samples of those that one takes */
    GATE_LATE,        /* no baseline, and the wave is open */
    GATE_STALE,
    GATE_SILENT,  /* no sample has come */
    GATE_AWAITED, /* none since the soak began */
    GATE_REASON_COUNT_,
} GateReason;

const char *gate_verdict_name(GateVerdict verdict);

/* One gate on one server. */
typedef struct GateFinding {
    GateVerdict verdict;
    GateReason reason;
    const char *agent;
    const char *instance;
    bool has_value; /* the newest sample's, also where it is too old to count */
    bool has_baseline;
    bool has_limit;
    uint64_t value; /* thousandths */
    uint64_t baseline;
    uint64_t limit;
    uint32_t absence;  /* MetricAbsence; of a newer agent any number */
    uint32_t in_a_row; /* beyond the limit */
    uint32_t samples;  /* that a baseline could be made of now */
    uint32_t every_ms; /* 0: no sample has come */
} GateFinding;

/* Why the verdict is what it is: "35, 2 of 3 samples in a row". Appends. */
void gate_reason_write(const PlanGate *gate, const GateFinding *finding, Str *out);

/* "blocked_sessions at most 20 on db1: 35, 2 of 3 samples in a row". Appends. */
void gate_finding_write(const PlanGate *gate, const GateFinding *finding, Str *out);

/* A gate over the servers of the wave that the rollout is at. */
typedef struct GateView {
    const PlanGate *gate;
    GateVerdict verdict;
    size_t counts[GATE_VERDICT_COUNT_]; /* servers */
    GateFinding *servers;               /* the worst first; then as their targets stand */
    size_t server_count;
} GateView;

#endif
