/*
 * One look at who waits for whom on a server, and what of it concerns one backend: whom it waits
 * for, and who waits because of it. Pure: the look itself is lock_watch.h's.
 */
#ifndef SKEIN_AGENT_EXEC_LOCK_VIEW_H
#define SKEIN_AGENT_EXEC_LOCK_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/exec/blocker.h"
#include "common/arena.h"
#include "common/list.h"

#define PERCENT_UNKNOWN 255
#define WAIT_UNKNOWN UINT32_MAX

/* A process that waits. Those of one parallel query are one session. */
typedef struct LockWait {
    int session;
    const int *blockers; /* pids of sessions; 0: a prepared transaction */
    size_t blocker_count;
    uint32_t wait_ms; /* WAIT_UNKNOWN: the server does not tell (before 14), or it is no lock */
} LockWait;

/* A backend that was asked about. */
typedef struct LockOurs {
    int pid;
    const char *lock; /* kind of what it waits for: "relation"; "": it does not wait */
    const char *phase;
    uint32_t percent; /* PERCENT_UNKNOWN */
} LockOurs;

typedef struct LockHolder {
    int blocked; /* whom of ours it blocks */
    Blocker blocker;
} LockHolder;

typedef struct LockSnapshot {
    Arena arena;
    LIST(LockOurs) ours;
    LIST(LockWait) waits;
    LIST(LockHolder) holders;
} LockSnapshot;

void lock_snapshot_done(LockSnapshot *snapshot);
AUTO_DEFINE(LockSnapshot, lock_snapshot_done)

/* "{1,22}" as the server writes an array. Anything else gives what could be read of it. */
const int *lock_pids_parse(const char *text, Arena *arena, size_t *ret_count);

typedef struct LockView {
    bool waits;
    bool waits_for_table; /* for a lock on a relation, so that it has not begun */
    char phase[64];       /* of what it runs; "" */
    uint32_t percent;
    Blocker blocker;      /* who matters most of those in its way; BLOCKER_NONE: nobody */
    size_t blocker_count; /* all of them */
    bool yields;          /* every one of them does, after deadlock_timeout */
    uint32_t blocked;     /* sessions that wait because of it, directly or behind one that does */
    uint32_t longest_ms;  /* of their waits, as far as known */
    uint32_t ranked_ms;   /* more than the asked number of them have waited at least so long; 0 */
} LockView;

/* What concerns backend `pid`; `rank`: see LockView.ranked_ms. False: it is not in the snapshot. */
bool lock_view_of(const LockSnapshot *snapshot, int pid, uint32_t rank, LockView *ret_view);

/* Appends who stands in its way: "psql (pid 7, …) and 2 more". */
void lock_view_write_blocker(const LockView *view, Str *out);

/* "7 sessions wait behind it, the longest for 1.2 s". */
void lock_view_write_blocked(uint32_t blocked, uint32_t longest_ms, Str *out);

#endif
