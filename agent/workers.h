/*
 * Workers: one thread per target with a running attempt. Each runs one job (agent/exec/runner.h)
 * and writes letters to the loop; the loop tells it only what it is permitted now, and how long the
 * lease is.
 *
 * All functions are called on the loop's thread.
 */
#ifndef SKEIN_AGENT_WORKERS_H
#define SKEIN_AGENT_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "agent/conn/pool.h"
#include "agent/core/job.h"
#include "agent/core/session.h"
#include "agent/exec/lock_watch.h"
#include "agent/plans.h"
#include "common/arena.h"
#include "common/err.h"
#include "proto/address.h"

typedef struct Workers Workers;

/* `context` is ZeroMQ's; `agent` the name that history rows carry. Both are borrowed. */
Workers *workers_new(void *context, const char *agent, uint32_t blocked_retries);

/* Joins the threads that have ended; aborts if one still runs: workers_count must be 0. */
void workers_free(Workers *workers);

AUTO_PTR_DEFINE(Workers, workers_free)

typedef struct WorkerStart {
    const AgentOrder *order; /* copied */
    Permit permit;
    const HeldPlan *plan; /* held by the caller until the worker has ended */
    ConnSource *source;
    ConnPool *watch;
    LockWatch *locks;
    uint64_t seed;
} WorkerStart;

/* ERR_EXISTS: the target has a worker. ERR_INTERNAL: no thread could be had. */
ErrCode workers_start(Workers *workers, const WorkerStart *start, Err *err);

/*
 * Until when steps may start, on the boot-time clock; 0: not at all. Each worker looks at the clock
 * itself before a step: a process that thaws must not begin one on a permit that ran out while it
 * was frozen.
 */
void workers_lease(Workers *workers, uint64_t until_ms);

/* False: the target has no worker; it has ended meanwhile, or never began. */
bool workers_permit(Workers *workers, const char *target, Permit permit);

typedef struct WorkerEnd {
    const char *target;
    Address address;
    const HeldPlan *plan; /* what it was given, to be released */
    Report report;        /* its last one; REPORT_NONE: it never spoke */
} WorkerEnd;

/* A letter said that its sender ends: joins it; *ret_end lives in `arena`. False:
 * it is no worker. */
bool workers_ended(Workers *workers, const char *target, Arena *arena, WorkerEnd *ret_end);

/*
 * Withdraws the permits of those for whose target `is_gone` is true, if they wait without a
 * connection: in doubt about a step, or parked. Any other comes to an end by itself.
 */
void workers_withdraw_idle(Workers *workers,
                           bool (*is_gone)(void *ctx, const Address *address, const char *target),
                           void *ctx);

/*
 * Withdraws every permit, for good: transactional steps are cancelled, others end first; then the
 * workers end, whatever workers_permit says after that.
 */
void workers_withdraw(Workers *workers);

/* A worker's letter said where it stands. True when it has just parked: it
 * needs no connection now. */
bool workers_note_report(Workers *workers, const char *target, Report report);

/* Workers that have a connection to the source, or want one. */
size_t workers_busy(const Workers *workers, const ConnSource *source);

bool workers_has(const Workers *workers, const char *target);
size_t workers_count(const Workers *workers);

#endif
