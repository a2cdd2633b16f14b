/* Looking around on an instance: the server itself and its databases. */
#include "agent/exec/discover.h"

#include <stdlib.h>

#include "agent/conn/query.h"
#include "agent/exec/operators.h"
#include "common/list.h"
#include "common/str.h"

/* A replica cannot name its WAL file, and its timeline is the primary's business. */
static const char SQL_INSTANCE[] =
    "SELECT s.system_identifier, pg_catalog.pg_is_in_recovery(),"
    " CASE WHEN pg_catalog.pg_is_in_recovery() THEN '0'"
    "  ELSE pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END,"
    " (extract(epoch FROM pg_catalog.pg_postmaster_start_time())" TIMES "1000000)::pg_catalog.int8"
    " FROM pg_catalog.pg_control_system() s";

/* A connection limit of -2 marks what a broken DROP DATABASE has left. */
static const char SQL_DATABASES[] =
    "SELECT d.datname, d.oid FROM pg_catalog.pg_database d"
    " WHERE d.datallowconn AND NOT d.datistemplate AND d.datconnlimit <> -2"
    " AND pg_catalog.has_database_privilege(d.oid, 'CONNECT') ORDER BY d.datname COLLATE \"C\"";

/* Columns of SQL_INSTANCE. */
enum InstanceColumn {
    INSTANCE_SYSTEM,
    INSTANCE_IN_RECOVERY,
    INSTANCE_TIMELINE,
    INSTANCE_STARTED,
};

/* Through the pool, with the connection given back whatever comes. */
static ErrCode pool_query(ConnPool *pool, const Query *query, PGresult **ret_result,
                          int *ret_server_version, Err *err)
{
    Conn *conn = NULL;
    ErrCode code = conn_pool_take(pool, query->deadline_ms, query->interrupt, &conn, err);
    if (code != ERR_NONE) {
        return code;
    }
    code = conn_query(conn, query, ret_result, err);
    *ret_server_version = PQserverVersion(conn_pg(conn));
    conn_pool_give(pool, conn);
    return code;
}

ErrCode discover_instance(ConnPool *pool, uint64_t deadline_ms, const Interrupt *interrupt,
                          InstanceFacts *ret_facts, Err *err)
{
    Query query = { .sql = SQL_INSTANCE, .deadline_ms = deadline_ms, .interrupt = interrupt };
    AUTO_PTR(PGresult) row = NULL;
    int server_version = 0;
    ErrCode code = pool_query(pool, &query, &row, &server_version, err);
    if (code != ERR_NONE) {
        return code;
    }
    InstanceFacts facts = {
        .system_identifier = result_uint64(row, 0, INSTANCE_SYSTEM),
        .timeline = (uint32_t)strtoul(result_text(row, 0, INSTANCE_TIMELINE), NULL, 16),
        .server_version = (uint32_t)server_version,
        .in_recovery = result_bool(row, 0, INSTANCE_IN_RECOVERY),
        .started_at_us = result_int64(row, 0, INSTANCE_STARTED),
    };
    if (facts.system_identifier == 0) {
        return err_set(err, ERR_UNREACHABLE, "the server does not say which cluster it is");
    }
    *ret_facts = facts;
    return ERR_NONE;
}

ErrCode discover_databases(ConnPool *pool, const NameFilter *filter, uint64_t deadline_ms,
                           const Interrupt *interrupt, Arena *arena, DatabaseList *ret_list,
                           Err *err)
{
    Query query = { .sql = SQL_DATABASES, .deadline_ms = deadline_ms, .interrupt = interrupt };
    AUTO_PTR(PGresult) rows = NULL;
    int server_version = 0;
    ErrCode code = pool_query(pool, &query, &rows, &server_version, err);
    if (code != ERR_NONE) {
        return code;
    }
    DatabaseList list = { .items = ARENA_ARRAY(arena, DatabaseFacts, (size_t)PQntuples(rows)) };
    for (int row = 0; row < PQntuples(rows); row++) {
        const char *name = result_text(rows, row, 0);
        if (name_filter_matches(filter, name)) {
            list.items[list.count++] = (DatabaseFacts){
                .name = arena_strdup(arena, name),
                .oid = (uint32_t)result_uint64(rows, row, 1),
            };
        }
    }
    *ret_list = list;
    return ERR_NONE;
}

ErrCode discover_open(ConnSource *source, const char *database, uint64_t deadline_ms,
                      const Interrupt *interrupt, Conn **ret_conn, Err *err)
{
    ConnRequest request = {
        .database = database,
        .purpose = CONN_WATCH,
        .application_name = CONN_NAME_WATCH,
        .deadline_ms = deadline_ms,
        .interrupt = interrupt,
    };
    return conn_open_to_ask(source, &request, ret_conn, err);
}
