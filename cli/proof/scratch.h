/*
 * Scratch databases: made on the server that a URL names, used by one run, gone afterwards.
 *
 * A run has a number and holds an advisory lock over it for as long as it lives. Its databases are
 * called skein_test_<number>_<n>, and the statement that makes one also gives it SCRATCH_MARK as
 * connection limit, so that there is no moment at which one has the name only. A database with such
 * a name and that mark (or an invalid one, whose DROP was broken off) whose run holds no lock was
 * left by a run that was killed: the next run drops it. No other database is ever written to or
 * dropped.
 *
 * Everything here blocks, and may be called from any thread.
 */
#ifndef SKEIN_CLI_PROOF_SCRATCH_H
#define SKEIN_CLI_PROOF_SCRATCH_H

#include <stddef.h>

#include "agent/conn/conn.h"

#define SCRATCH_NAME_MAX 40
#define SCRATCH_MARK "1907"

typedef struct Scratch Scratch;

/*
 * Looks at the server, takes the run's lock and drops what dead runs have left. ERR_PRIVILEGE when
 * the role cannot make databases; ERR_REPLICA, ERR_POOLER; ERR_REFUSED for a server that is too
 * old; errors as conn_open. `source` outlives it.
 */
ErrCode scratch_open(ConnSource *source, Scratch **ret_scratch, Err *err);

/* Drops every database that is still there, and gives up the lock. NULL is allowed. */
void scratch_free(Scratch *scratch);

AUTO_PTR_DEFINE(Scratch, scratch_free)

/* What scratch_open has done with the databases of dead runs. */
typedef struct Swept {
    size_t dropped;
    size_t left; /* that could not be dropped */
    Err why;     /* the last of them */
} Swept;

const Swept *scratch_swept(const Scratch *scratch);

/*
 * Makes a database: an empty one (`from` NULL: as the server makes them), or a copy of one that was
 * made here and to which nobody is connected, with its settings and privileges.
 */
ErrCode scratch_make(Scratch *scratch, const char *from, char ret_name[SCRATCH_NAME_MAX], Err *err);

/* Ends its sessions, if there are any, and drops it. */
ErrCode scratch_drop(Scratch *scratch, const char *name, Err *err);

/*
 * Cancels what sessions in its databases run at the moment, whatever that is: for whoever ends a
 * run early and would wait for it. By one thread, and not beside scratch_open or scratch_free. What
 * fails is not told: it is asked again.
 */
void scratch_cancel(Scratch *scratch);

#endif
