/*
 * What the coordinator has counted since its process began, for GET /metrics. In memory only: a
 * restart begins at 0, which Prometheus expects of counters. One thread; nothing here decides
 * anything.
 */
#ifndef SKEIN_COORDINATOR_METERS_H
#define SKEIN_COORDINATOR_METERS_H

#include "common/histogram.h"
#include "coordinator/engine/engine.h"

typedef enum MeterMachine {
    METER_SESSION = 0,
    METER_TARGET,
    METER_WAVE,
    METER_ROLLOUT,
    METER_MACHINE_COUNT_,
} MeterMachine;

#define METER_STATES_MAX 16

typedef enum MeterWay {
    METER_FORWARD = 0,
    METER_BACK,
    METER_WAY_COUNT_,
} MeterWay;

typedef struct Meters {
    uint64_t moves[METER_MACHINE_COUNT_][METER_STATES_MAX]; /* into a state, from another */
    uint64_t messages[EVENT_KIND_COUNT_];                   /* of agents, that were stepped */
    uint64_t messages_dropped;
    uint64_t retries; /* blocked or retryable tries that agents have spent */
    uint64_t commits_failed;
    Histogram steps[METER_WAY_COUNT_];    /* in METER_DURATIONS */
    Histogram attempts[METER_WAY_COUNT_]; /* likewise */
    Histogram commits;                    /* in METER_LATENCIES */
    Histogram batches;                    /* in METER_SIZES */
} Meters;

extern const HistogramScale METER_DURATIONS; /* of migrations: ms */
extern const HistogramScale METER_LATENCIES; /* of the store: us */
extern const HistogramScale METER_SIZES;     /* of batches: events */

const char *meter_machine_name(MeterMachine machine);
const char *meter_way_name(MeterWay way);

/* NULL: there is no such state. */
const char *meter_state_name(MeterMachine machine, unsigned state);

/* A line of the event log that is durable. */
void meters_event(Meters *meters, const EventRow *event);

/*
 * A report of an agent in its session, before the engine takes it: `row` is its target's, NULL
 * where there is none. One that is told again, or was given under another order than the one in
 * force, counts for nothing. Several steps of which one report tells count as so many of their
 * mean.
 */
void meters_report(Meters *meters, const TargetRow *row, const State *state);

#endif
