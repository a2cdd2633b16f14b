/* One statement, asynchronously, with a deadline. */
#include "agent/conn/query.h"

#include <poll.h>
#include <stdlib.h>

#include "agent/conn/intake.h"
#include "agent/conn/server_error.h"
#include "common/str.h"

static ErrCode wait_error(WaitEnd end, Err *err)
{
    if (end == WAIT_STOPPED) {
        return err_set(err, ERR_CANCELLED, "cancelled while the server was working");
    }
    return err_set(err, ERR_TIMEOUT, "the server did not answer in time");
}

/* Until everything is sent and a result can be taken without blocking. */
static ErrCode answer_wait(Conn *conn, const Query *query, Err *err)
{
    PGconn *pg = conn_pg(conn);
    while (true) {
        int unsent = PQflush(pg);
        if (unsent == 0 && PQisBusy(pg) == 0) {
            return ERR_NONE;
        }
        short events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0));
        WaitEnd end = wait_fd(PQsocket(pg), events, query->deadline_ms, query->interrupt);
        if (end != WAIT_READY) {
            return wait_error(end, err);
        }
        ErrCode code = conn_take_in(conn, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
}

static bool is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* libpq says so again and again, until somebody copies. */
static bool is_copy(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* Takes all results of what was sent: the first error counts, else the last result. */
static ErrCode results_take(Conn *conn, const Query *query, PGresult **ret_result, Err *err)
{
    AUTO_PTR(PGresult) kept = NULL;
    Err first = { 0 };
    while (true) {
        ErrCode wait_code = answer_wait(conn, query, err);
        if (wait_code != ERR_NONE) {
            return wait_code;
        }
        PGresult *result = PQgetResult(conn_pg(conn));
        if (result == NULL) {
            break;
        }
        PQclear(kept);
        kept = result;
        intake_settle(conn_intake(conn), result);
        if (is_copy(result)) {
            conn_give_up(conn);
            return err_set(err, ERR_UNREACHABLE, "the server wants to copy, and was not asked to");
        }
        if (first.code == ERR_NONE && !is_success(result)) {
            server_error_result(result, &first);
        }
        if (first.code != ERR_NONE && !conn_is_alive(conn)) {
            break;
        }
    }
    if (first.code == ERR_NONE && kept == NULL) {
        err_set(&first, ERR_UNREACHABLE, "the server did not answer");
    }
    if (first.code == ERR_NONE) {
        *ret_result = TAKE(kept);
    } else if (err != NULL) {
        *err = first;
    }
    return first.code;
}

/* The connection's intake, for this question's answers. */
static IntakeTap query_tap(Conn *conn, const Query *query)
{
    uint64_t bytes_max = query->answer_bytes_max;
    intake_begin(conn_intake(conn), bytes_max == 0 ? INTAKE_ANSWER_BYTES : bytes_max,
                 query->deadline_ms);
    return intake_tap(conn_intake(conn));
}

static ErrCode query_prepare(Conn *conn, const Query *query, Err *err)
{
    AUTO_PTR(PGresult) result = NULL;
    if (query->name == NULL || conn_keeps(conn, query->name)) {
        return ERR_NONE;
    }
    if (PQsendPrepare(conn_pg(conn), query->name, query->sql, 0, NULL) == 0) {
        return server_error_connection(conn_pg(conn), err);
    }
    ErrCode code = results_take(conn, query, &result, err);
    if (code == ERR_NONE) {
        conn_keep(conn, query->name);
    }
    return code;
}

static int query_send(PGconn *pg, const Query *query)
{
    int count = (int)query->param_count;
    return query->name == NULL
               ? PQsendQueryParams(pg, query->sql, count, NULL, query->params, NULL, NULL, 0)
               : PQsendQueryPrepared(pg, query->name, count, query->params, NULL, NULL, 0);
}

ErrCode conn_query(Conn *conn, const Query *query, PGresult **ret_result, Err *err)
{
    AUTO(IntakeTap) tap = query_tap(conn, query);
    ErrCode code = query_prepare(conn, query, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (query_send(conn_pg(conn), query) == 0) {
        return server_error_connection(conn_pg(conn), err);
    }
    return results_take(conn, query, ret_result, err);
}

ErrCode conn_run(Conn *conn, const char *sql, uint64_t deadline_ms, Err *err)
{
    Query query = { .sql = sql, .deadline_ms = deadline_ms };
    AUTO(IntakeTap) tap = query_tap(conn, &query);
    if (PQsendQuery(conn_pg(conn), sql) == 0) {
        return server_error_connection(conn_pg(conn), err);
    }
    AUTO_PTR(PGresult) result = NULL;
    return results_take(conn, &query, &result, err);
}

ErrCode conn_open_to_ask(ConnSource *source, const ConnRequest *request, Conn **ret_conn, Err *err)
{
    Conn *conn = NULL;
    ErrCode code = conn_open(source, request, &conn, err);
    if (code == ERR_NONE) {
        code = conn_run(conn, "SET search_path = pg_catalog, pg_temp", request->deadline_ms, err);
    }
    if (code != ERR_NONE) {
        conn_close(conn);
        return code;
    }
    *ret_conn = conn;
    return ERR_NONE;
}

const char *result_text(const PGresult *result, int row, int column)
{
    bool is_there = row < PQntuples(result) && column < PQnfields(result);
    return is_there ? PQgetvalue(result, row, column) : "";
}

uint64_t result_uint64(const PGresult *result, int row, int column)
{
    return strtoull(result_text(result, row, column), NULL, 10);
}

int64_t result_int64(const PGresult *result, int row, int column)
{
    return strtoll(result_text(result, row, column), NULL, 10);
}

bool result_bool(const PGresult *result, int row, int column)
{
    return result_text(result, row, column)[0] == 't';
}
