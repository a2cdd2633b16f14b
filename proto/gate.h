/*
 * A gate of a plan: a condition measured on the servers that a rollout touches. What it measures is
 * its kind; the limit stands beside. The direction is the metric's own (proto/metrics.h): where
 * higher is worse the limit is the most that passes, else the least. Pure.
 */
#ifndef SKEIN_PROTO_GATE_H
#define SKEIN_PROTO_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/str.h"
#include "proto/metrics.h"

/* Numbers travel. */
typedef enum GateKind {
    GATE_KIND_NONE = 0,
    GATE_METRIC = 1, /* of the samples that agents send of their servers */
    GATE_KIND_COUNT_,
} GateKind;

#define PLAN_GATES_MAX 32
#define GATE_FAILURES_MAX 12 /* samples in a row; the coordinator keeps so many of each server */
#define GATE_FAILURES 3      /* where the author says nothing */
#define GATE_LIMIT_MAX UINT64_C(1000000000000000000) /* thousandths */
#define GATE_FACTOR_MAX UINT64_C(1000000)            /* thousandths of the baseline */

typedef struct PlanGate {
    uint32_t kind;   /* GateKind */
    uint32_t metric; /* GATE_METRIC: Metric, or the number of a newer skein's */
    bool is_relative;
    uint64_t limit;    /* thousandths of the metric's unit; relative: of the baseline */
    uint32_t failures; /* so many samples in a row beyond the limit fail */
} PlanGate;

const char *gate_kind_name(GateKind kind);

/* Does this value pass this limit? */
bool gate_is_within(const PlanGate *gate, uint64_t value, uint64_t limit);

/* The limit in thousandths of the unit, for a server with this baseline, which counts where the
 * gate is relative. */
uint64_t gate_limit(const PlanGate *gate, uint64_t baseline);

/*
 * "20", "2.5", "1.5x baseline": *gate gets is_relative and limit. ERR_CONFIG. At most three digits
 * behind the point: what is compared are whole thousandths.
 */
ErrCode gate_limit_parse(const char *text, PlanGate *gate, Err *err);

/* As a rollout file has it: "20", "1.5x baseline". Appends. */
void gate_limit_write(const PlanGate *gate, Str *out);

const char *gate_bound_name(const PlanGate *gate);  /* "max" or "min", as in a rollout file */
const char *gate_metric_name(const PlanGate *gate); /* "an unknown metric" of a newer skein's */

/* "blocked_sessions at most 20", "cache_hit_percent at least 0.9x baseline". Appends. */
void gate_write(const PlanGate *gate, Str *out);

/* A value of its metric with the unit: "12.50 ms", "97.20%"; of sessions and the like the number
 * alone. Appends. */
void gate_value_write(const PlanGate *gate, uint64_t value, Str *out);

/* What is wrong with its numbers; NULL: nothing. A metric that is not known here is not wrong: only
 * whoever judges by it has to know it. */
const char *gate_fault(const PlanGate *gate);

#endif
