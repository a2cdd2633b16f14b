/*
 * The guard of what runs on the server: waits for it, looks after it now and then, and ends it when
 * the job wants that or the time is up. First pg_cancel_backend, then pg_terminate_backend, both
 * over a second connection; then the connection is given up.
 */
#ifndef SKEIN_AGENT_EXEC_GUARD_H
#define SKEIN_AGENT_EXEC_GUARD_H

#include "agent/exec/runner_internal.h"

#define BLOCKED_BY_MAX 200
#define PHASE_MAX 64

typedef enum GuardStage {
    GUARD_WATCHING = 0,
    GUARD_CANCELLED,
    GUARD_TERMINATED,
    GUARD_GAVE_UP,
} GuardStage;

typedef struct Guard {
    Runner *runner;
    GuardStage stage;
    bool is_late; /* ended because the time was up, not because the job wanted it */
    uint64_t cancel_at_ms;
    uint64_t next_stage_ms;
    uint64_t next_look_ms;
    uint32_t look_every_ms;
    uint64_t told_at_ms;
    ExecProgress progress;
    char phase[PHASE_MAX];
    char blocked_by[BLOCKED_BY_MAX];   /* as last seen; "": nobody was */
    char last_blocker[BLOCKED_BY_MAX]; /* of this batch: a server tells of a pipeline only at its
                                        * end, when the looks at its statements are long past */
} Guard;

/* `script` NULL: nothing of a migration runs, and nobody is told of progress. */
void guard_begin(Guard *guard, Runner *runner, const Action *action, const PlanScript *script);

/* Statement `number` (from 1) runs now. */
void guard_statement(Guard *guard, uint32_t number);

/* True: `fd` is ready. False: given up; what runs there is unknown. */
bool guard_wait(Guard *guard, int fd, short events);

/* Has the guard ended it? Then what the server answered is the echo of that. */
bool guard_has_ended_it(const Guard *guard);

/* progress.c: asks the server how it goes, fills phase, percent and blocked_by.
 * Failing is silent. */
void guard_look(Guard *guard);

#endif
