/*
 * What one look at who waits for whom costs: the lock watch's own statement, again and again, while
 * nobody waits, and while N sessions wait behind one that is watched.
 *     bench_look CONNINFO SESSIONS
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <libpq-fe.h>

#include "agent/exec/sql.h"
#include "common/str.h"

#define LOOKS 2000
#define SESSIONS_MAX 1000

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void require(int is_right, PGconn *conn)
{
    if (!is_right) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(1);
    }
}

static PGconn *session_open(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);
    require(PQstatus(conn) == CONNECTION_OK, conn);
    return conn;
}

static void session_run(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    require(PQresultStatus(result) != PGRES_FATAL_ERROR, conn);
    PQclear(result);
}

/* Rows of a look; they tell whether all who are to wait do. */
static int look(PGconn *conn, const char *pids)
{
    const char *params[] = { pids, "{NULL}" };
    PGresult *result = PQexecPrepared(conn, "look", 2, params, NULL, NULL, 0);
    require(PQresultStatus(result) == PGRES_TUPLES_OK, conn);
    int rows = PQntuples(result);
    PQclear(result);
    return rows;
}

static void looks_time(PGconn *conn, const char *pids, int waiting)
{
    while (look(conn, pids) < waiting + 1) {
    }
    double began_ms = now_ms();
    for (int i = 0; i < LOOKS; i++) {
        look(conn, pids);
    }
    printf("%4d sessions wait: %.3f ms a look\n", waiting, (now_ms() - began_ms) / LOOKS);
}

int main(int argc, char **argv)
{
    static PGconn *waiting[SESSIONS_MAX];
    int64_t sessions = 0;
    if (argc != 3 || !str_to_int64(argv[2], 0, SESSIONS_MAX, &sessions)) {
        fprintf(stderr, "usage: bench_look CONNINFO SESSIONS\n");
        return 2;
    }
    int count = (int)sessions;
    char pids[32];
    PGconn *watcher = session_open(argv[1]);
    PGconn *watched = session_open(argv[1]);
    snprintf(pids, sizeof(pids), "{%d}", PQbackendPID(watched));
    PQclear(PQprepare(watcher, "look", SQL_LOCKS_LOOK, 0, NULL));
    session_run(watched, "BEGIN; LOCK TABLE pgbench_accounts");
    looks_time(watcher, pids, 0);
    for (int i = 0; i < count; i++) {
        waiting[i] = session_open(argv[1]);
        require(PQsendQuery(waiting[i], "SELECT FROM pgbench_accounts WHERE aid = 1"), waiting[i]);
    }
    looks_time(watcher, pids, count);
    PQfinish(watched);
    for (int i = 0; i < count; i++) {
        PQfinish(waiting[i]);
    }
    PQfinish(watcher);
    return 0;
}
