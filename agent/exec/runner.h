/*
 * The runner: performs the actions of a job (agent/core/job.h) on a real PostgreSQL, and the loop
 * that drives a job with it. One runner serves one attempt at one target, on one thread; it blocks.
 *
 * The agent runs exec_job in a worker thread per target, the command line on its only thread.
 */
#ifndef SKEIN_AGENT_EXEC_RUNNER_H
#define SKEIN_AGENT_EXEC_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "agent/conn/pool.h"
#include "agent/core/job.h"
#include "agent/exec/lock_watch.h"

/* Statement i of n of what runs now, for people; latest wins. Strings are valid during the call. */
typedef struct ExecProgress {
    const char *migration;
    bool is_down;
    uint32_t statement; /* from 1 */
    uint32_t statement_count;
    const char *phase;      /* "running", "waiting for a lock", or pg_stat_progress_*'s own words */
    uint32_t percent;       /* 0 to 100; 255: not known */
    const char *blocked_by; /* "pgbench (pid 4711, idle in transaction, …)"; "": nobody */
    uint32_t blocks;        /* sessions that wait because of it */
    uint32_t blocks_for_ms; /* the longest of them, as far as known */
} ExecProgress;

typedef struct RunnerConfig {
    ConnSource *source;
    ConnPool *watch;      /* NULL: looks and cancels over one of its own to the target's database */
    LockWatch *locks;     /* of the instance, over the same pool; NULL: one of its own */
    const char *database; /* NULL: the one that the source names */
    const char *schema;   /* the tenant; "": the whole database */
    const char *agent;    /* who runs it, for the history: the agent's name, or the operator's */
    const JobOrder *order;

    /* Raised by others when the permit changes: ends ACTION_WAIT, and has should_cancel asked. */
    Wake *wake;
    bool (*should_cancel)(void *ctx);                          /* NULL: never */
    void (*progress)(void *ctx, const ExecProgress *progress); /* NULL: nobody looks */
    void (*note)(void *ctx, const char *text); /* what a person should know; NULL: nobody does */
    /* What the plan's tool has applied and the plan passes over, by the tool's name for it, each
     * once; NULL: nobody asks. */
    void (*strange)(void *ctx, const char *name);
    void *ctx;
} RunnerConfig;

typedef struct Runner Runner;

/* Borrows everything in `config`, copies the struct. Opens nothing. */
Runner *runner_new(const RunnerConfig *config);

/* The attempt is over: notes what a person should know of all that it has done. */
void runner_conclude(Runner *runner);

/* Closes the connection, in whatever state it is. NULL is allowed. */
void runner_free(Runner *runner);

AUTO_PTR_DEFINE(Runner, runner_free)

/*
 * Blocks until done; at action->deadline_ms what runs is cancelled, which takes some seconds at
 * worst. The result's pointers are valid until the next call.
 */
Result runner_perform(Runner *runner, const Action *action);

/* How the outside is asked and told while a job runs; called on the thread of exec_job. */
typedef struct ExecHooks {
    Permit (*permit)(void *ctx);
    void (*report)(void *ctx, const State *state); /* at every change, the last time at the end */
    void (*progress)(void *ctx, const ExecProgress *progress); /* NULL: nobody looks */
    void *ctx;
    uint32_t counts_every_ms; /* changes that are but counts of steps are reported at most so often;
                                 0: each */
    void (*note)(void *ctx, const char *text);    /* what a person should know, and which stops
                                                     nothing; NULL: nobody does */
    void (*strange)(void *ctx, const char *name); /* as in RunnerConfig; also on paper */
} ExecHooks;

typedef struct ExecJob {
    ConnSource *source;
    ConnPool *watch; /* as in RunnerConfig, also the next four */
    LockWatch *locks;
    const char *database;
    const char *schema;
    const char *agent;
    const JobOrder *order;
    uint64_t seed;
    Wake *wake; /* the caller's; NULL: nobody will wake it */
    ExecHooks hooks;
} ExecJob;

/*
 * Runs a job to its end and returns that end. Afterwards its connection is closed and its lock
 * gone. `ret_err` says why when it is not REPORT_APPLIED or REPORT_ROLLED_BACK.
 */
Report exec_job(const ExecJob *exec, Err *ret_err);

/* From any thread: the permit has changed, look again. Wakes waits and may cancel a transactional
 * step. */
static inline void exec_wake(Wake *wake)
{
    wake_raise(wake);
}

#endif
