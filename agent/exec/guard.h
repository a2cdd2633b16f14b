/*
 * The guard of what runs on the server: waits for it, looks after it, and ends it when the job
 * wants that, the time is up, or others have to wait for too long because of it (watchdog.h). First
 * pg_cancel_backend, then pg_terminate_backend, both over a watching connection; then the
 * connection is given up.
 */
#ifndef SKEIN_AGENT_EXEC_GUARD_H
#define SKEIN_AGENT_EXEC_GUARD_H

#include "agent/exec/runner_internal.h"
#include "agent/exec/watchdog.h"

#define BLOCKED_BY_MAX 600
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
    bool is_signalled; /* the server may have been told to end it: it certainly was not else */
    bool is_late;      /* ended because the time was up, not because the job wanted it */
    WatchdogWord word; /* ended because the watchdog said so; CALM: for another reason */
    bool is_committing;
    bool is_watched; /* has joined the lock watch */
    uint64_t cancel_at_ms;
    uint64_t next_stage_ms;
    uint64_t next_look_ms;
    uint32_t look_every_ms;
    uint32_t tick_ms; /* of the watchdog; 0: it is off */
    uint64_t next_tell_ms;
    uint32_t tell_every_ms;
    uint64_t told_at_ms;
    Watchdog watchdog;
    WatchdogRules rules;
    LockView seen; /* at the last look */
    LockView met;  /* at the last one at which somebody was in the way, in this batch: a server
                    * tells of a pipeline only at its end, when the looks at its statements are
                    * long past */
    ExecProgress progress;
    char phase[PHASE_MAX];
    char blocked_by[BLOCKED_BY_MAX]; /* as last seen; "": nobody was */
} Guard;

/* `script` NULL: nothing of a migration runs, and nobody is told of progress. Ended by guard_end.
 */
void guard_begin(Guard *guard, Runner *runner, const Action *action, const PlanScript *script);
void guard_end(Guard *guard);

/* Statement `number` (from 1) runs now. */
void guard_statement(Guard *guard, uint32_t number);

/* COMMIT is sent: from here on it is not ended for the sake of others, since a COMMIT that waits
 * for a standby and is cancelled has happened all the same. */
void guard_commit(Guard *guard);

/* True: `fd` is ready. False: given up; what runs there is unknown. */
bool guard_wait(Guard *guard, int fd, short events);

/* Has the guard had it ended? Not where it wanted to, and nobody could be told. */
bool guard_has_ended_it(const Guard *guard);

/* Is this error of the server the echo of that, and not its judgement of the statement? */
bool guard_is_echo(const Guard *guard, const Err *err);

/* ---- guard_words.c: what there is to say of it ---- */

/* Why it ended it: sets err, and what that is to the job. */
void guard_explain(const Guard *guard, Result *result);

/*
 * The COMMIT of a step of `migration` was answered with success. If it was ended before, it had
 * waited for a standby: it has happened, on this server, and RunnerConfig.note is told so.
 */
void guard_tell_commit(const Guard *guard, const char *migration);

/* The server gave up waiting for a lock: says for whose, as far as it was seen. */
void guard_blame(const Guard *guard, Result *result);

/* ---- progress.c ---- */

/* Asks the server how it goes; fills `seen`, phase, percent and who blocks whom. Failing is silent:
 * false. */
bool guard_look(Guard *guard);

/* Takes in what was seen of a backend, be it another's. */
void guard_take_view(Guard *guard, const LockView *view);

#endif
