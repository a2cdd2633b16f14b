/*
 * What is measured of a server: one table for the agent, which measures, the coordinator, which
 * keeps, and whoever shows it. docs/health.md is printed from it. Pure.
 *
 * A value is a whole number of thousandths of its unit, never below 0. What was not measured has no
 * value but an absence, which says why: it is never 0.
 */
#ifndef SKEIN_PROTO_METRICS_H
#define SKEIN_PROTO_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

/* Numbers travel: they are never changed or used again. */
typedef enum Metric {
    METRIC_NONE = 0,
    METRIC_CONNECTIONS_USED_PERCENT = 1,
    METRIC_BLOCKED_SESSIONS = 2,
    METRIC_LONGEST_TRANSACTION_SECONDS = 3,
    METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS = 4,
    METRIC_REPLICATION_LAG_SECONDS = 5,
    METRIC_REPLICATION_LAG_BYTES = 6,
    METRIC_SLOT_LAG_BYTES = 7,
    METRIC_DEADLOCKS_PER_SECOND = 8,
    METRIC_ROLLBACK_PERCENT = 9,
    METRIC_CACHE_HIT_PERCENT = 10,
    METRIC_CHECKPOINTS_FORCED_PER_MINUTE = 11,
    METRIC_TEMP_BYTES_PER_SECOND = 12,
    METRIC_WAL_BYTES_PER_SECOND = 13,
    METRIC_OLDEST_XID_AGE = 14,
    METRIC_PROBE_LATENCY_MS = 15,
    METRIC_MEAN_STATEMENT_TIME_MS = 16,
    METRIC_COUNT_,
} Metric;

#define METRIC_SCALE 1000        /* thousandths in one */
#define METRIC_STALE_INTERVALS 3 /* a sample that is so many intervals old is no news */
#define METRIC_NUMBER_MAX 65535  /* of any skein's, also of a newer one's */

typedef enum MetricKind {
    METRIC_GAUGE = 1, /* as it is at the moment */
    METRIC_RATE,      /* what happened between two samples: the first one has none */
} MetricKind;

typedef enum MetricWorse {
    METRIC_WORSE_HIGHER = 1,
    METRIC_WORSE_LOWER,
} MetricWorse;

typedef struct MetricRow {
    const char *name; /* with its unit in it */
    const char *unit;
    uint32_t decimals; /* shown to people */
    MetricKind kind;
    MetricWorse worse;
    const char *doc;
    const char *source;  /* views and columns, or functions */
    const char *needs;   /* beyond connecting; "": nothing */
    const char *nothing; /* in words, what METRIC_NOTHING means here; "": it cannot be */
} MetricRow;

/* Why there is no value. Numbers travel. */
typedef enum MetricAbsence {
    METRIC_PRESENT = 0,
    METRIC_NOT_SAMPLED = 1,   /* the server did not answer, or not in time */
    METRIC_NO_PRIVILEGE = 2,  /* the agent's login does not see it */
    METRIC_NOT_INSTALLED = 3, /* an extension is missing, or too old */
    METRIC_FIRST_SAMPLE = 4,  /* a rate takes two */
    METRIC_RESET = 5,         /* the counters do not continue those of the sample before */
    METRIC_NOT_STREAMING = 6, /* a standby that receives nothing cannot know how far behind it is */
    METRIC_NOTHING = 7,       /* all is known, and there is nothing to measure: no standby, … */
    METRIC_ABSENCE_COUNT_,
} MetricAbsence;

/* NULL for a number that this version does not know. */
const MetricRow *metric_row(uint32_t metric);

Metric metric_find(const char *name);         /* METRIC_NONE: there is none of that name */
const char *metric_nearest(const char *name); /* what may have been meant; NULL: nothing is near */

const char *metric_absence_name(uint32_t absence); /* "no privilege"; "unknown" for a newer one */

/* In a sentence, of this metric. */
const char *metric_absence_text(const MetricRow *row, uint32_t absence);

/* Is this value to be missed? Not where there is nothing to measure. */
bool metric_absence_is_gap(uint32_t absence);

/* "12.50" of 12500 with two decimals; the unit is the caller's. Appends. */
void metric_format(const MetricRow *row, uint64_t value, Str *out);

#endif
