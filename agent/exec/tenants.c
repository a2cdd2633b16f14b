/* Two questions: are skein's own tables there, and then all tenants at once. */
#include "agent/exec/tenants.h"

#include <stdlib.h>
#include <string.h>

#include "agent/conn/query.h"
#include "agent/exec/history.h"
#include "agent/exec/own_tables.h"
#include "agent/exec/sql.h"
#include "common/str.h"

/* Columns of SQL_TENANTS and, the first of them, SQL_TENANTS_BARE. */
enum TenantColumn {
    TENANT_NAME,
    TENANT_TIMELINE,
    TENANT_BARE_COUNT_,
    TENANT_VERSION = TENANT_BARE_COUNT_,
    TENANT_ROLLOUT,
    TENANT_TERM,
    TENANT_TOKEN,
    TENANT_IS_COPY,
    TENANT_PLAN_HASH,
    TENANT_APPLIED,
};

static Bytes hash_read(const PGresult *rows, int row, Arena *arena)
{
    uint8_t hash[PLAN_HASH_BYTES];
    if (!hex_decode(result_text(rows, row, TENANT_PLAN_HASH), hash, PLAN_HASH_BYTES)) {
        return (Bytes){ 0 };
    }
    return (Bytes){ arena_memdup(arena, hash, PLAN_HASH_BYTES), PLAN_HASH_BYTES };
}

static uint32_t timeline_read(const PGresult *rows, int row)
{
    return (uint32_t)strtoul(result_text(rows, row, TENANT_TIMELINE), NULL, 16);
}

static TenantFacts facts_read(const PGresult *rows, int row, Arena *arena)
{
    TenantFacts facts = { .schema = arena_strdup(arena, result_text(rows, row, TENANT_NAME)),
                          .version = "",
                          .rollout = "",
                          .timeline = timeline_read(rows, row) };
    if (PQnfields(rows) == TENANT_BARE_COUNT_) {
        return facts;
    }
    facts.version = history_id(arena, result_text(rows, row, TENANT_VERSION));
    facts.is_copy = result_bool(rows, row, TENANT_IS_COPY);
    if (!facts.is_copy) { /* the rollout and the fence are the original's */
        const char *rollout = result_text(rows, row, TENANT_ROLLOUT);
        facts.rollout = strlen(rollout) > ROLLOUT_ID_MAX ? "" : arena_strdup(arena, rollout);
        facts.plan_hash = hash_read(rows, row, arena);
        facts.applied = (uint32_t)result_uint64(rows, row, TENANT_APPLIED);
        facts.fence.term = result_uint64(rows, row, TENANT_TERM);
        facts.fence.token = result_uint64(rows, row, TENANT_TOKEN);
    }
    return facts;
}

static void list_fill(const PGresult *rows, Arena *arena, TenantList *list)
{
    list->items = ARENA_ARRAY(arena, TenantFacts, (size_t)PQntuples(rows));
    list->count = (size_t)PQntuples(rows);
    for (size_t i = 0; i < list->count; i++) {
        list->items[i] = facts_read(rows, (int)i, arena);
    }
}

ErrCode tenants_names(Conn *conn, uint64_t deadline_ms, const Interrupt *interrupt, Arena *arena,
                      TenantList *ret_list, Err *err)
{
    TenantList list = { 0 };
    AUTO_PTR(PGresult) rows = NULL;
    const char *params[] = { TENANTS_ALL_SCHEMAS };
    Query query = {
        .sql = SQL_TENANTS_BARE,
        .params = params,
        .param_count = 1,
        .deadline_ms = deadline_ms,
        .interrupt = interrupt,
    };
    ErrCode code = conn_query(conn, &query, &rows, err);
    if (code == ERR_NONE) {
        list_fill(rows, arena, &list);
        *ret_list = list;
    }
    return code;
}

ErrCode tenants_read(Conn *conn, const char *tenant, uint64_t deadline_ms,
                     const Interrupt *interrupt, Arena *arena, TenantList *ret_list, Err *err)
{
    OwnTables tables = { 0 };
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = own_tables_find(conn, deadline_ms, interrupt, &tables, err);
    if (code != ERR_NONE) {
        return code;
    }
    TenantList list = { .has_tables = tables.version != 0 };
    const char *params[] = { tenant };
    Query query = {
        .sql = list.has_tables ? SQL_TENANTS : SQL_TENANTS_BARE,
        .params = params,
        .param_count = 1,
        .deadline_ms = deadline_ms,
        .interrupt = interrupt,
    };
    code = conn_query(conn, &query, &rows, err);
    if (code != ERR_NONE) {
        return own_tables_explain(conn, OWN_READ, deadline_ms, err);
    }
    list_fill(rows, arena, &list);
    *ret_list = list;
    return ERR_NONE;
}
