/* Counting rows and values, and what has become of them. */
#include "cli/proof/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/conn/query.h"
#include "common/list.h"
#include "common/str.h"

/*
 * Per table: its columns, a line each, and the query that counts them. The server writes the query,
 * since it knows how its names are quoted. A digest is a sum: it does not depend on the order of
 * rows.
 */
static const char SQL_TABLES[] =
    "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname),"
    " coalesce(pg_catalog.string_agg(a.attname, E'\\n' ORDER BY a.attname COLLATE \"C\"), ''),"
    " pg_catalog.format('SELECT pg_catalog.count(*)%s FROM ONLY %I.%I',"
    " pg_catalog.string_agg(pg_catalog.format(', pg_catalog.count(%1$I), coalesce(pg_catalog.sum("
    "pg_catalog.hashtextextended(%1$I::pg_catalog.text, 0)::pg_catalog.numeric), 0)', a.attname),"
    " '' ORDER BY a.attname COLLATE \"C\") FILTER (WHERE a.attname IS NOT NULL), n.nspname, "
    "c.relname)"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " AND NOT a.attisdropped AND a.attgenerated = ''"
    " WHERE c.relkind = 'r' AND pg_catalog.left(n.nspname, 3) <> 'pg_'"
    " AND n.nspname NOT IN ('information_schema', 'skein') AND pg_catalog.pg_relation_size(c.oid) "
    "> 0"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = c.oid"
    " AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.deptype = 'e')"
    " GROUP BY n.nspname, c.relname";

typedef LIST(RowCount) CountList;

typedef struct Counting {
    Conn *conn;
    uint64_t deadline_ms;
    const Interrupt *interrupt;
    Arena *arena;
    CountList list;
} Counting;

static void counting_done(Counting *counting)
{
    LIST_DONE(&counting->list);
}

AUTO_DEFINE(Counting, counting_done)

static ErrCode ask(const Counting *counting, const char *sql, PGresult **ret_rows, Err *err)
{
    Query query = { .sql = sql,
                    .deadline_ms = counting->deadline_ms,
                    .interrupt = counting->interrupt };
    return conn_query(counting->conn, &query, ret_rows, err);
}

static void columns_take(Counting *counting, const char *table, const char *columns,
                         const PGresult *counts)
{
    for (int field = 1; *columns != '\0'; field += 2) {
        size_t length = strcspn(columns, "\n");
        RowCount column = {
            .table = table,
            .column = arena_strndup(counting->arena, columns, length),
            .count = result_uint64(counts, 0, field),
            .digest = arena_strdup(counting->arena, result_text(counts, 0, field + 1)),
        };
        LIST_PUSH(&counting->list, column);
        columns += length + (columns[length] == '\n');
    }
}

static ErrCode table_count(Counting *counting, const PGresult *tables, int row, Err *err)
{
    const char *table = arena_strdup(counting->arena, result_text(tables, row, 0));
    AUTO_PTR(PGresult) counts = NULL;
    if (ask(counting, result_text(tables, row, 2), &counts, err) != ERR_NONE) {
        return err_wrap(err, "cannot count the rows of %s", table);
    }
    RowCount whole = {
        .table = table, .column = "", .count = result_uint64(counts, 0, 0), .digest = ""
    };
    LIST_PUSH(&counting->list, whole);
    columns_take(counting, table, result_text(tables, row, 1), counts);
    return ERR_NONE;
}

static int compare_counts(const void *a, const void *b)
{
    const RowCount *left = a;
    const RowCount *right = b;
    int order = strcmp(left->table, right->table);
    return order != 0 ? order : strcmp(left->column, right->column);
}

ErrCode rows_read(Conn *conn, uint64_t deadline_ms, const Interrupt *interrupt, Arena *arena,
                  RowCounts *ret_counts, Err *err)
{
    AUTO(Counting)
    counting = { .conn = conn, .deadline_ms = deadline_ms, .interrupt = interrupt, .arena = arena };
    AUTO_PTR(PGresult) tables = NULL;
    if (ask(&counting, SQL_TABLES, &tables, err) != ERR_NONE) {
        return err_wrap(err, "cannot list the tables");
    }
    for (int i = 0; i < PQntuples(tables); i++) {
        if (table_count(&counting, tables, i, err) != ERR_NONE) {
            return err->code;
        }
    }
    CountList *list = &counting.list;
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof(*list->items), compare_counts);
    }
    ret_counts->items = arena_memdup(arena, list->items, list->count * sizeof(*list->items));
    ret_counts->count = list->count;
    return ERR_NONE;
}

/* ---- comparing ---- */

static const char *const CHANGE_NAMES[] = {
    [ROW_CHANGE_NONE] = "none",
    [ROW_CHANGE_ROWS_LOST] = "rows-lost",
    [ROW_CHANGE_ROWS_LEFT] = "rows-left",
    [ROW_CHANGE_VALUES_LOST] = "values-lost",
    [ROW_CHANGE_VALUES_OTHER] = "values-other",
};
_Static_assert(ARRAY_LEN(CHANGE_NAMES) == ROW_CHANGE_COUNT_, "a name per kind");

const char *row_change_name(RowChangeKind kind)
{
    return CHANGE_NAMES[kind];
}

static const RowCount *count_find(const RowCounts *counts, const char *table, const char *column)
{
    RowCount wanted = { .table = table, .column = column };
    return counts->count == 0 ? NULL
                              : bsearch(&wanted, counts->items, counts->count,
                                        sizeof(*counts->items), compare_counts);
}

static uint64_t rows_of(const RowCounts *counts, const char *table)
{
    const RowCount *whole = count_find(counts, table, "");
    return whole == NULL ? 0 : whole->count;
}

static RowChange table_change(const RowCounts *before, const RowCounts *after, const char *table)
{
    RowChange change = {
        .table = table,
        .column = "",
        .before = rows_of(before, table),
        .after = rows_of(after, table),
    };
    if (change.before != change.after) {
        change.kind = change.before > change.after ? ROW_CHANGE_ROWS_LOST : ROW_CHANGE_ROWS_LEFT;
    }
    return change;
}

/* A column of a table that has as many rows as before. What has come is nothing lost. */
static RowChange column_change(const RowCount *column, const RowCounts *after)
{
    const RowCount *there = count_find(after, column->table, column->column);
    RowChange change = {
        .table = column->table,
        .column = column->column,
        .before = column->count,
        .after = there == NULL ? 0 : there->count,
    };
    if (change.after < change.before) {
        change.kind = ROW_CHANGE_VALUES_LOST;
    } else if (there != NULL && strcmp(there->digest, column->digest) != 0) {
        change.kind = ROW_CHANGE_VALUES_OTHER;
    }
    return change;
}

typedef LIST(RowChange) ChangeList;

static void change_push(ChangeList *list, RowChange change)
{
    if (change.kind != ROW_CHANGE_NONE) {
        LIST_PUSH(list, change);
    }
}

RowChanges rows_compare(const RowCounts *before, const RowCounts *after, Arena *arena)
{
    ChangeList list = { 0 };
    for (size_t i = 0; i < before->count; i++) {
        const RowCount *item = &before->items[i];
        if (item->column[0] == '\0') {
            change_push(&list, table_change(before, after, item->table));
        } else if (item->count > 0 && rows_of(before, item->table) == rows_of(after, item->table)) {
            change_push(&list, column_change(item, after));
        }
    }
    for (size_t i = 0; i < after->count; i++) {
        const RowCount *item = &after->items[i];
        if (item->column[0] == '\0' && count_find(before, item->table, "") == NULL) {
            change_push(&list, table_change(before, after, item->table));
        }
    }
    RowChanges changes = {
        .items = arena_memdup(arena, list.items, list.count * sizeof(*list.items)),
        .count = list.count,
    };
    LIST_DONE(&list);
    return changes;
}

static const char *of_rows(uint64_t count)
{
    return count == 1 ? "row" : "rows";
}

const char *row_change_text(const RowChange *change, Arena *arena)
{
    uint64_t before = change->before;
    uint64_t after = change->after;
    switch (change->kind) {
    case ROW_CHANGE_ROWS_LOST:
        return arena_printf(arena, "%" PRIu64 " of %" PRIu64 " %s of %s %s lost", before - after,
                            before, of_rows(before), change->table,
                            before - after == 1 ? "is" : "are");
    case ROW_CHANGE_ROWS_LEFT:
        return arena_printf(arena, "%" PRIu64 " %s more in %s than before", after - before,
                            of_rows(after - before), change->table);
    case ROW_CHANGE_VALUES_LOST:
        return arena_printf(arena, "%" PRIu64 " of %" PRIu64 " values of %s.%s %s lost",
                            before - after, before, change->table, change->column,
                            before - after == 1 ? "is" : "are");
    case ROW_CHANGE_VALUES_OTHER:
        return arena_printf(arena, "the values of %s.%s are other ones than before", change->table,
                            change->column);
    case ROW_CHANGE_NONE:
    case ROW_CHANGE_COUNT_:
        break;
    }
    return "";
}
