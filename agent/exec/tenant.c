/* One question, where skein's own tables are there; else whether there is such a schema. */
#include "agent/exec/tenant.h"

#include <inttypes.h>

#include "agent/conn/query.h"
#include "agent/exec/own_tables.h"
#include "agent/exec/sql.h"
#include "common/str.h"

/* Columns of SQL_TENANT_LOOK and, the first of them, SQL_TENANT_LOOK_BARE. */
enum SightColumn {
    SIGHT_IS_THERE,
    SIGHT_HISTORY,
    SIGHT_MOVED_TO,
    SIGHT_STANDING,
};

static const char *text_or_null(const PGresult *rows, int column, Arena *arena)
{
    return PQgetisnull(rows, 0, column) ? NULL : arena_strdup(arena, result_text(rows, 0, column));
}

ErrCode tenant_look(Conn *conn, const char *tenant, uint64_t deadline_ms, Arena *arena,
                    TenantSight *ret_sight, Err *err)
{
    OwnTables tables = { 0 };
    ErrCode code = own_tables_find(conn, deadline_ms, NULL, &tables, err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *params[] = { tenant };
    Query query = {
        .sql = tables.version == 0 ? SQL_TENANT_LOOK_BARE : SQL_TENANT_LOOK,
        .params = params,
        .param_count = ARRAY_LEN(params),
        .deadline_ms = deadline_ms,
    };
    AUTO_PTR(PGresult) rows = NULL;
    if (conn_query(conn, &query, &rows, err) != ERR_NONE) {
        return own_tables_explain(conn, OWN_READ, deadline_ms, err);
    }
    TenantSight sight = { .is_there = result_bool(rows, 0, SIGHT_IS_THERE), .history = tenant };
    if (tables.version != 0) {
        sight.history = text_or_null(rows, SIGHT_HISTORY, arena);
        sight.moved_to = text_or_null(rows, SIGHT_MOVED_TO, arena);
        sight.standing = result_uint64(rows, 0, SIGHT_STANDING);
    }
    *ret_sight = sight;
    return ERR_NONE;
}

ErrCode tenant_refuse_absent(Conn *conn, const char *tenant, uint64_t deadline_ms, Err *err)
{
    AUTO(Arena) arena = { 0 };
    TenantSight sight = { 0 };
    Err ignored = { 0 };
    bool is_seen = tenant_look(conn, tenant, deadline_ms, &arena, &sight, &ignored) == ERR_NONE;
    err_set(err, ERR_NOT_FOUND, "schema \"%s\" does not exist", tenant);
    if (is_seen && sight.moved_to != NULL) {
        err_hint(
            err,
            "it was renamed, it seems: the schema that skein's history of this name is about is "
            "called \"%s\" now; name that one, its history goes along",
            sight.moved_to);
    } else if (is_seen && sight.standing > 0) {
        err_hint(err,
                 "skein's history has %" PRIu64 " migrations of a schema of this name, which was "
                 "dropped: restore it, or make it anew and empty, and it begins anew",
                 sight.standing);
    } else {
        err_hint(err, "create the schema first, or correct its name");
    }
    return err->code;
}
