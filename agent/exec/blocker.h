/*
 * Who stands in the way of a session, and in which words that is told. Never a statement's text:
 * of an autovacuum the server's own words say what it works on. Pure.
 */
#ifndef SKEIN_AGENT_EXEC_BLOCKER_H
#define SKEIN_AGENT_EXEC_BLOCKER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/core/job.h"
#include "common/str.h"

typedef enum BlockerKind {
    BLOCKER_NONE = 0,
    BLOCKER_SESSION,    /* of a client */
    BLOCKER_AUTOVACUUM, /* yields to whoever waits longer than deadlock_timeout */
    BLOCKER_WRAPAROUND, /* an autovacuum that never does */
    BLOCKER_PREPARED,   /* a prepared transaction: no process at all */
    BLOCKER_KIND_COUNT_,
} BlockerKind;

#define BLOCKER_NAME_MAX 201 /* a prepared transaction's name has 200 bytes */
#define BLOCKER_WORK_MAX 256

typedef struct Blocker {
    BlockerKind kind;
    int pid; /* 0: prepared */
    char name[BLOCKER_NAME_MAX];
    char role[64];
    char start[48]; /* of its backend; "": not told */
    char state[40];
    char event[96];              /* "Client/ClientRead" */
    char work[BLOCKER_WORK_MAX]; /* of an autovacuum: "VACUUM public.orders" */
    char phase[64];              /* of any vacuum */
    uint64_t blocks_done;
    uint64_t blocks_total;
    int64_t age_ms; /* of its transaction; -1: not known */
    bool is_hidden; /* this role may not see what it does */
} Blocker;

/*
 * What a process is by what the server tells of it. `is_worker`: of autovacuum, as far as this role
 * may know; `has_role`: it has logged in.
 */
BlockerKind blocker_kind(bool is_worker, bool has_role, const char *query);

/* The server's words without what is said otherwise: "VACUUM public.orders". */
void blocker_work(const char *query, char ret_work[BLOCKER_WORK_MAX]);

/*
 * Appends "pgbench (pid 4711, role app, idle in transaction for 12 s, …)". What stands before the
 * first parenthesis is the same for everybody whom the like of it blocks.
 */
void blocker_write(const Blocker *blocker, Str *out);

/* What to do about it. "": nothing is known. Valid for ever. */
const char *blocker_hint(const Blocker *blocker);

/* What it means to a job that tries again. */
Obstacle blocker_obstacle(BlockerKind kind);

#endif
