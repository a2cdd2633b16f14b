/*
 * Walking a scratch database up and down a history, by the executor that the agents use: what is
 * proved is what will run.
 */
#ifndef SKEIN_CLI_PROOF_WALK_H
#define SKEIN_CLI_PROOF_WALK_H

#include <stdatomic.h>

#include "agent/conn/conn.h"
#include "cli/source/source.h"

/* What every thread of a proof walks with; shared, and not changed while they do. */
typedef struct WalkGround {
    ConnSource *source;
    const MigrationSet *set;
    const Plan *plan;        /* of all its migrations */
    const char *search_path; /* of the tenant, as SET takes it; "": as the database has it */
    const char *agent;       /* who runs them, for the history in the scratch databases */
    atomic_bool *is_stopped; /* set, with all wakes raised, it makes every walk end soon */
} WalkGround;

/* What a walker is at; for whoever watches, from any thread. */
typedef struct WalkNow {
    atomic_size_t migration; /* index + 1; 0: none */
    atomic_bool is_down;
    atomic_uint_fast64_t since_ms;
} WalkNow;

/* One thread's. */
typedef struct Walker {
    const WalkGround *ground;
    Wake *wake;
    const char *schema; /* of whom it walks: a tenant; "": the whole database */
    WalkNow *now;       /* NULL: nobody watches */
} Walker;

/* A migration that cannot be run: its own fault, and so a finding, not an error. */
typedef struct WalkFailure {
    bool is_there;
    size_t migration;               /* index into the set */
    const PlanStatement *statement; /* NULL: none of its statements */
    uint32_t number;                /* of the statement, from 1 */
    bool is_of_rows; /* those of a seed that only another schema can hold are in its way; said by
                        whoever knows, see chain.c */
    Err err;
} WalkFailure;

/*
 * Applies migration `index`, above those that are applied. ERR_NONE also when it cannot be run:
 * then *ret_failure says why. Other errors are of the server or the connection, or ERR_CANCELLED.
 */
ErrCode walk_up(const Walker *walker, const char *database, size_t index, WalkFailure *ret_failure,
                Err *err);

/*
 * Likewise all from `from` to `to`, in a session each: what ALTER DATABASE … SET has set holds for
 * the next one, however far a walk goes at a time.
 */
ErrCode walk_climb(const Walker *walker, const char *database, size_t from, size_t to,
                   WalkFailure *ret_failure, Err *err);

/* Undoes migration `index`, which is the newest applied one; likewise. */
ErrCode walk_down(const Walker *walker, const char *database, size_t index,
                  WalkFailure *ret_failure, Err *err);

/* For waits of the thread's own. */
Interrupt walker_interrupt(const Walker *walker);

/* A connection to a scratch database, for looking at it beside the walk. */
ErrCode walker_open(const Walker *walker, const char *database, Conn **ret_conn, Err *err);

/* The longest that one look may take. */
#define WALK_LOOK_TIMEOUT_MS 120000

#endif
