/* One statement on a Conn, with a deadline. For everything but the pipelined steps (exec/batch.h). */
#ifndef SKEIN_AGENT_CONN_QUERY_H
#define SKEIN_AGENT_CONN_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"

#define QUERY_PARAMS_MAX 24

typedef struct Query {
    const char *sql;
    const char *const *params; /* text format; NULL items are NULLs */
    size_t param_count;
    uint64_t deadline_ms;
    const Interrupt *interrupt; /* NULL: none */
} Query;

/*
 * Sends one statement and waits for its result, which the caller clears. With parameters, or with
 * one statement, the extended protocol is used. An error of the server is turned by server_error.h.
 * After ERR_TIMEOUT and ERR_CANCELLED the connection is still busy: close it. After ERR_UNREACHABLE and
 * ERR_LOST it is broken: what was sent may or may not have been done.
 */
ErrCode conn_query(Conn *conn, const Query *query, PGresult **ret_result, Err *err);

/* As conn_query, for a statement without parameters whose result does not matter. */
ErrCode conn_run(Conn *conn, const char *sql, uint64_t deadline_ms, Err *err);

/* Text of a field; "" for NULL. Valid as long as the result. */
const char *result_text(const PGresult *result, int row, int column);
uint64_t result_uint64(const PGresult *result, int row, int column);
int64_t result_int64(const PGresult *result, int row, int column);
bool result_bool(const PGresult *result, int row, int column);

#endif
