/* Sending rows to COPY. */
#include "agent/exec/copy.h"

#include <poll.h>

#include "agent/conn/conn.h"

#define CHUNK_BYTES (64 * 1024)

/* Waits until a result can be taken; what is unsent is sent meanwhile. */
static bool wait_for_result(Conn *conn, Guard *guard, Err *cut)
{
    PGconn *pg = conn_pg(conn);
    while (true) {
        int unsent = PQflush(pg);
        if (unsent == 0 && PQisBusy(pg) == 0) {
            return true;
        }
        if (unsent < 0 ||
            !guard_wait(guard, PQsocket(pg), (short)(POLLIN | (unsent > 0 ? POLLOUT : 0))) ||
            conn_take_in(conn, cut) != ERR_NONE) {
            return false;
        }
    }
}

/* Room for more: the server reads slower than we write. */
static bool wait_for_room(Conn *conn, Guard *guard, Err *cut)
{
    PGconn *pg = conn_pg(conn);
    return PQflush(pg) >= 0 && guard_wait(guard, PQsocket(pg), POLLIN | POLLOUT) &&
           conn_take_in(conn, cut) == ERR_NONE;
}

static bool send_rows(Conn *conn, Bytes rows, Guard *guard, Err *cut)
{
    PGconn *pg = conn_pg(conn);
    for (size_t at = 0; at < rows.length;) {
        size_t left = rows.length - at;
        int length = (int)(left < CHUNK_BYTES ? left : CHUNK_BYTES);
        int sent = PQputCopyData(pg, (const char *)rows.data + at, length);
        if (sent < 0 || (sent == 0 && !wait_for_room(conn, guard, cut))) {
            return false;
        }
        at += sent > 0 ? (size_t)length : 0;
    }
    int ended = 0;
    while ((ended = PQputCopyEnd(pg, NULL)) == 0) {
        if (!wait_for_room(conn, guard, cut)) {
            return false;
        }
    }
    return ended == 1;
}

/* Takes every result up to the end; the first error is kept. */
static CopyEnd take_results(Conn *conn, Bytes rows, Guard *guard, PGresult **ret_error, Err *cut)
{
    CopyEnd end = COPY_DONE;
    while (wait_for_result(conn, guard, cut)) {
        PGresult *result = PQgetResult(conn_pg(conn));
        if (result == NULL) {
            return end;
        }
        ExecStatusType status = PQresultStatus(result);
        bool is_error = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
        if (is_error && end == COPY_DONE) {
            *ret_error = result;
            end = COPY_REFUSED;
            continue;
        }
        PQclear(result);
        if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH ||
            (status == PGRES_COPY_IN && !send_rows(conn, rows, guard, cut))) {
            return COPY_BROKEN;
        }
    }
    return COPY_BROKEN;
}

CopyEnd copy_run(Conn *conn, const char *sql, Bytes rows, Guard *guard, PGresult **ret_error,
                 Err *cut)
{
    PGconn *pg = conn_pg(conn);
    PGresult *error = NULL;
    CopyEnd end = COPY_BROKEN;
    if (PQsendQuery(pg, sql) == 1) {
        end = take_results(conn, rows, guard, &error, cut);
    }
    if (end == COPY_REFUSED && PQstatus(pg) == CONNECTION_OK) {
        *ret_error = error;
        return COPY_REFUSED;
    }
    PQclear(error);
    return end == COPY_DONE ? COPY_DONE : COPY_BROKEN;
}
