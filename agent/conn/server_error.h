/*
 * What PostgreSQL and libpq say, as Err: the one place where a server's words enter skein.
 *
 * Only SQLSTATE, primary message, hint and names of objects come out: never DETAIL, CONTEXT, QUERY
 * or STATEMENT. For class 22, and for 42601 at a constant, quoted text becomes "…". Of a failed
 * connection neither host nor user nor service comes out.
 */
#ifndef SKEIN_AGENT_CONN_SERVER_ERROR_H
#define SKEIN_AGENT_CONN_SERVER_ERROR_H

#include <libpq-fe.h>

#include "agent/core/job.h"
#include "common/err.h"

/* Raised by SQL of skein's own (exec/sql_own.c). */
#define SQLSTATE_OTHER_SCHEMA "SK004"

/* The parts of a server's error that are looked at. NULL: not told. */
typedef struct ServerWords {
    const char *sqlstate;
    const char *message;
    const char *hint;
    const char *schema;
    const char *table;
    const char *column;
    const char *constraint;
} ServerWords;

/*
 * Fills *err and returns what the error means for a statement of a migration: RESULT_FAILED,
 * RESULT_BLOCKED, RESULT_RETRYABLE or RESULT_REFUSED.
 */
ResultKind server_error_words(const ServerWords *words, Err *err);

/* The same of an error result; RESULT_UNREACHABLE (ERR_UNREACHABLE) when libpq made it of a broken
 * connection. */
ResultKind server_error_result(const PGresult *result, Err *err);

/* Was it the server's last word in this session? */
bool server_error_ends_session(const PGresult *result);

/* Which constraint was violated, as schema.name; "": none, or not told. */
#define CONSTRAINT_NAME_MAX 130
void server_error_constraint(const PGresult *result, char ret_name[CONSTRAINT_NAME_MAX]);

/*
 * Why a connection could not be opened, or broke: ERR_UNREACHABLE, ERR_PRIVILEGE (authentication,
 * no right to connect), ERR_NOT_FOUND (no such database) or ERR_REFUSED (the server answers, and
 * will not have it until somebody mends something). Returns err->code.
 */
ErrCode server_error_connection(const PGconn *conn, Err *err);

/* The same of the text of PQerrorMessage at verbosity PQERRORS_VERBOSE. */
ErrCode server_error_connection_text(const char *text, Err *err);

#endif
