/*
 * COPY … FROM STDIN with rows that the plan carries. libpq cannot do it in pipeline mode, so it is
 * an exchange of its own inside the transaction that a batch has begun.
 */
#ifndef SKEIN_AGENT_EXEC_COPY_H
#define SKEIN_AGENT_EXEC_COPY_H

#include <libpq-fe.h>

#include "agent/exec/guard.h"

typedef enum CopyEnd {
    COPY_DONE = 1,
    COPY_REFUSED, /* by the server, with its words; the connection is in order */
    COPY_BROKEN,  /* the connection is gone, or given up */
} CopyEnd;

/*
 * Blocks, under the guard's watch. The connection is not in pipeline mode, and nothing is under way
 * on it; what it receives is counted by the caller's tap. *ret_error is set for COPY_REFUSED, and
 * is the caller's to clear; `cut` for COPY_BROKEN, where it is known how.
 */
CopyEnd copy_run(Conn *conn, const char *sql, Bytes rows, Guard *guard, PGresult **ret_error,
                 Err *cut);

#endif
