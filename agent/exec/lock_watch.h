/*
 * The lock watch of an instance: one look at who waits for whom, on behalf of all backends that run
 * migrations there. Shared by threads: one of them looks, all of them see what it saw.
 *
 * What it costs the server stands in docs/performance.md. It reads pg_locks only when somebody
 * waits who concerns one of ours, or when the role may not see what other sessions wait for.
 */
#ifndef SKEIN_AGENT_EXEC_LOCK_WATCH_H
#define SKEIN_AGENT_EXEC_LOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/conn/pool.h"
#include "agent/exec/lock_view.h"

typedef struct LockWatch LockWatch;

/* Looks over connections of `pool`, which outlives it. */
LockWatch *lock_watch_new(ConnPool *pool);
void lock_watch_free(LockWatch *watch); /* nobody is on it; NULL is allowed */

AUTO_PTR_DEFINE(LockWatch, lock_watch_free)

/* From now on looks are taken for this backend, too; `start`, of its backend, is copied; NULL: not
 * known. To be left with the same pid. */
void lock_watch_join(LockWatch *watch, int pid, const char *start);
void lock_watch_leave(LockWatch *watch, int pid);

/*
 * What there is to see of a backend that has joined, no older than `max_age_ms`. Blocks for half a
 * second at most. False: nothing is known (no connection, another thread is just looking, or the
 * backend is gone). `rank`: see LockView.
 */
bool lock_watch_look(LockWatch *watch, int pid, uint32_t max_age_ms, uint32_t rank,
                     LockView *ret_view);

#endif
