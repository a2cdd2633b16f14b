/* One statement on a Conn, with a deadline. For everything but the
 * pipelined steps (exec/batch.h). */
#ifndef SKEIN_AGENT_CONN_QUERY_H
#define SKEIN_AGENT_CONN_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"

typedef struct Query {
    const char *sql;
    const char *name;          /* NULL: planned anew. Else the server keeps it under this name, of
                                  static storage, as long as the connection lives */
    const char *const *params; /* text format; NULL items are NULLs */
    size_t param_count;
    uint64_t deadline_ms;
    const Interrupt *interrupt; /* NULL: none */
    uint64_t answer_bytes_max;  /* 0: INTAKE_ANSWER_BYTES */
} Query;

/*
 * As conn_open, for skein's own questions: a name without a schema is PostgreSQL's own there,
 * whatever the role's or the database's search_path says.
 */
ErrCode conn_open_to_ask(ConnSource *source, const ConnRequest *request, Conn **ret_conn, Err *err);

/*
 * Sends one statement in the extended protocol and waits for its result, which the caller clears.
 * An error of the server is turned by server_error.h. After ERR_TIMEOUT and ERR_CANCELLED the
 * connection is still busy: close it. After ERR_UNREACHABLE it is broken, and what was sent may
 * have been done or not; so it is where the server's answer is larger than the question may have,
 * or is no answer to it.
 */
ErrCode conn_query(Conn *conn, const Query *query, PGresult **ret_result, Err *err);

/* Sends `sql`, one statement or several in one transaction, in the simple protocol. Errors as
 * above. */
ErrCode conn_run(Conn *conn, const char *sql, uint64_t deadline_ms, Err *err);

/* Text of a field; "" for NULL, and where the server has sent no such row or column: it may be
 * anybody. Valid as long as the result. */
const char *result_text(const PGresult *result, int row, int column);
uint64_t result_uint64(const PGresult *result, int row, int column);
int64_t result_int64(const PGresult *result, int row, int column);
bool result_bool(const PGresult *result, int row, int column);

#endif
