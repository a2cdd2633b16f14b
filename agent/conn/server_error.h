/*
 * What PostgreSQL and libpq say, as Err: the one place where a server's words enter skein.
 *
 * Only SQLSTATE, primary message, hint and names of objects come out: never DETAIL, CONTEXT, QUERY or
 * STATEMENT. For class 22, and for 42601 at a constant, quoted text becomes "…". Of a failed connection
 * neither host nor user nor service comes out.
 */
#ifndef SKEIN_AGENT_CONN_SERVER_ERROR_H
#define SKEIN_AGENT_CONN_SERVER_ERROR_H

#include <libpq-fe.h>

#include "agent/core/job.h"
#include "common/err.h"

/* Raised by skein's own functions (exec/sql.h). */
#define SQLSTATE_FENCED "SK001"
#define SQLSTATE_ALREADY "SK002"

/*
 * An error result of the server, or of libpq about a broken connection (then ERR_UNREACHABLE). Returns what
 * it means for a statement of a migration: RESULT_FAILED, RESULT_BLOCKED, RESULT_RETRYABLE,
 * RESULT_FENCED, RESULT_ALREADY or RESULT_UNREACHABLE.
 */
ResultKind server_error_result(const PGresult *result, Err *err);

/* Why a connection could not be opened, or broke. Returns err->code. */
ErrCode server_error_connection(const PGconn *conn, Err *err);

/* What a SQLSTATE means for a statement; `message` tells XX000 apart. For tests and the batch. */
ResultKind server_error_kind(const char *sqlstate, const char *message);

#endif
