/*
 * The health board: the newest sample of each server, as its agent told it, with the time at which
 * it came. In memory only: after a restart of the coordinator it fills within an interval. No
 * sockets here.
 *
 * It holds what agents that are known tell of instances that they have: their number bounds it.
 */
#ifndef SKEIN_COORDINATOR_FLEET_HEALTH_H
#define SKEIN_COORDINATOR_FLEET_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "coordinator/engine/model.h"
#include "proto/messages.h"
#include "proto/metrics.h"

typedef struct HealthSample {
    uint64_t received_ms; /* boot-time clock */
    uint32_t every_ms;
    HealthReading readings[METRIC_COUNT_]; /* by metric; number 0: nothing was told of it */
} HealthSample;

typedef struct HealthBoard HealthBoard;

HealthBoard *health_board_new(void);
void health_board_free(HealthBoard *board); /* NULL is allowed */

AUTO_PTR_DEFINE(HealthBoard, health_board_free)

/* A sample in a session of this agent. Of an instance that it does not have nothing is kept, nor of
 * metrics that this version does not know. */
void health_board_take(HealthBoard *board, const AgentRow *agent, const Health *health,
                       uint64_t now_ms);

/* It is no agent any more. */
void health_board_forget(HealthBoard *board, const char *agent);

/* NULL: none has come. Valid until the next one is taken. `board` may be NULL. */
const HealthSample *health_board_find(const HealthBoard *board, const char *agent,
                                      const char *instance);

/* Older than METRIC_STALE_INTERVALS, or of an agent whose session is not active: it says how it
 * was. */
bool health_sample_is_stale(const HealthSample *sample, const AgentRow *agent, uint64_t now_ms);

#endif
