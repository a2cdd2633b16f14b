/*
 * From two looks at a server to the values of its metrics. Pure: no I/O, no clock, no libpq.
 *
 * A look is a row of raw numbers, each known or not: gauges as they are, and counters that only
 * grow. A rate is the difference of two counters; where they are not of the same life (the server
 * was restarted, its statistics were reset, a database was dropped) there is none.
 */
#ifndef SKEIN_AGENT_HEALTH_MEASURE_H
#define SKEIN_AGENT_HEALTH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"
#include "proto/metrics.h"

typedef enum Raw {
    RAW_NONE = 0,

    /* Of the server, and of this look at it. */
    RAW_SERVER_START, /* µs; an epoch: counters with different ones do not belong together */
    RAW_IN_RECOVERY,
    RAW_SEES_ALL, /* the login has pg_read_all_stats */
    RAW_PROBE_US,

    /* Of sessions, locks and replication. */
    RAW_CLIENTS,
    RAW_CLIENTS_MAX,
    RAW_BLOCKED,
    RAW_TRANSACTION_MS,
    RAW_IDLE_MS,
    RAW_REPLICATION_MS,
    RAW_REPLICATION_BYTES,
    RAW_SLOT_BYTES,
    RAW_XID_AGE,
    RAW_WAL_BYTES, /* a counter */

    /* Sums over pg_stat_database, with their epochs. */
    RAW_DATABASES,       /* differs when one came or went */
    RAW_DATABASES_RESET, /* µs */
    RAW_COMMITS,
    RAW_ROLLBACKS,
    RAW_BLOCKS_HIT,
    RAW_BLOCKS_READ,
    RAW_DEADLOCKS,
    RAW_TEMP_BYTES,

    RAW_CHECKPOINTER_RESET, /* µs; an epoch */
    RAW_CHECKPOINTS_FORCED,

    RAW_STATEMENTS_RESET,   /* µs; an epoch */
    RAW_STATEMENTS_EVICTED, /* so is this: with an entry its times go */
    RAW_STATEMENT_US,
    RAW_STATEMENTS,

    RAW_COUNT_,
} Raw;

typedef struct RawValue {
    bool is_known;
    int64_t value;
} RawValue;

typedef struct Look {
    uint64_t at_us; /* on one clock for all looks at a server; 0: there was none */
    RawValue raw[RAW_COUNT_];
} Look;

/* One reading of every metric, in the order of their numbers. */
typedef struct Measures {
    HealthReading readings[METRIC_COUNT_ - 1];
} Measures;

/* `before` with at_us 0: this is the first. */
void measures_make(const Look *before, const Look *now, Measures *ret_measures);

/* There was no look: every metric is missing for this one reason. */
void measures_missing(MetricAbsence absence, Measures *ret_measures);

#endif
