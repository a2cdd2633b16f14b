/* Counting rows and values, and what has become of them. */
#include "cli/proof/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/conn/query.h"
#include "cli/catalog/steady.h"
#include "common/list.h"
#include "common/str.h"

/*
 * Per table the query that counts it. The server writes the query, since it knows how its names are
 * quoted: of each column one piece of it, put together in the order of the columns.
 *
 * A value's hash is of what its type writes (concat: a cast to text may be anybody's function) and
 * of its column, so that one that changes to another column of its row is not overlooked. A row's
 * is their exclusive or, from which each column can be taken out again. A digest is a sum: it does
 * not depend on the order of rows. OFFSET 0 has each value hashed once, not once per use.
 */
#define PIECES(piece, between)                                                                     \
    "pg_catalog.string_agg(pg_catalog.format(" piece "), '" between "' ORDER BY a.attnum)"         \
    " FILTER (WHERE a.attname IS NOT NULL)"
#define COLUMNS(piece) PIECES(piece, ", ")
#define SUM_OF_ROWS(hash) "coalesce(pg_catalog.sum(pg_catalog.hashint8extended(" hash ", 0)), 0)"

/* clang-format off */
static const char SQL_TABLES[] =
    "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.format("
    "'SELECT t.rows, t.digest, c.* FROM (SELECT pg_catalog.count(*) AS rows,"
    " " SUM_OF_ROWS("r.x") " AS digest, ARRAY[%s]::pg_catalog.int8[] AS counts,"
    " ARRAY[%s]::pg_catalog.numeric[] AS digests, ARRAY[%s]::pg_catalog.numeric[] AS others"
    " FROM (SELECT h.*, %s AS x FROM (SELECT %s FROM ONLY %I.%I OFFSET 0) h OFFSET 0) r) t"
    " LEFT JOIN LATERAL ROWS FROM (pg_catalog.unnest(ARRAY[%s]::pg_catalog.text[]),"
    " pg_catalog.unnest(ARRAY[%s]::pg_catalog.bool[]), pg_catalog.unnest(t.counts),"
    " pg_catalog.unnest(t.digests), pg_catalog.unnest(t.others)) c ON true',"
    " " COLUMNS("'pg_catalog.count(r.c%s)', a.attnum") ","
    " " COLUMNS("'coalesce(pg_catalog.sum(r.c%s), 0)', a.attnum") ","
    " " COLUMNS("'" SUM_OF_ROWS("r.x # coalesce(r.c%s, 0)") "', a.attnum") ","
    " coalesce(" PIECES("'coalesce(h.c%s, 0)', a.attnum", " # ") ", '0'),"
    /* Of a composite value IS NOT NULL would ask for its fields. */
    " " COLUMNS("'CASE WHEN %1$I IS DISTINCT FROM NULL THEN pg_catalog.hashtextextended("
    "pg_catalog.concat(%1$I) COLLATE pg_catalog.\"C\", %2$L::pg_catalog.int8) END AS c%3$s',"
    " a.attname, pg_catalog.hashtextextended(a.attname::pg_catalog.text, 0), a.attnum") ","
    " n.nspname, c.relname,"
    " " COLUMNS("'%L', a.attname") ","
    " " COLUMNS("'%L', coalesce(a.attnum = ANY (k.indkey), false)") ")"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " AND NOT a.attisdropped AND a.attgenerated = ''"
    " LEFT JOIN pg_catalog.pg_index k ON k.indrelid = c.oid AND k.indisprimary"
    " WHERE c.relkind = 'r' AND pg_catalog.left(n.nspname, 3) <> 'pg_'"
    " AND n.nspname NOT IN ('information_schema', 'skein')"
    " AND pg_catalog.pg_relation_size(c.oid) > 0"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = c.oid"
    " AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.deptype = 'e')"
    " GROUP BY n.nspname, c.relname";
/* clang-format on */

enum CountField {
    COUNT_ROWS,
    COUNT_ROWS_DIGEST,
    COUNT_COLUMN, /* null: the table has no columns */
    COUNT_IS_KEY,
    COUNT_VALUES,
    COUNT_VALUES_DIGEST,
    COUNT_OTHERS,
};

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

static void column_take(Counting *counting, const char *table, const PGresult *counts, int row)
{
    RowCount column = {
        .table = table,
        .column = arena_strdup(counting->arena, result_text(counts, row, COUNT_COLUMN)),
        .count = result_uint64(counts, row, COUNT_VALUES),
        .digest = arena_strdup(counting->arena, result_text(counts, row, COUNT_VALUES_DIGEST)),
        .others = arena_strdup(counting->arena, result_text(counts, row, COUNT_OTHERS)),
        .is_key = result_bool(counts, row, COUNT_IS_KEY),
    };
    LIST_PUSH(&counting->list, column);
}

static ErrCode table_count(Counting *counting, const PGresult *tables, int row, Err *err)
{
    const char *table = arena_strdup(counting->arena, result_text(tables, row, 0));
    AUTO_PTR(PGresult) counts = NULL;
    if (ask(counting, result_text(tables, row, 1), &counts, err) != ERR_NONE) {
        return err_wrap(err, "cannot count the rows of %s", table);
    }
    RowCount whole = {
        .table = table,
        .column = "",
        .count = result_uint64(counts, 0, COUNT_ROWS),
        .digest = arena_strdup(counting->arena, result_text(counts, 0, COUNT_ROWS_DIGEST)),
        .others = "",
    };
    LIST_PUSH(&counting->list, whole);
    for (int i = 0; i < PQntuples(counts); i++) {
        if (!PQgetisnull(counts, i, COUNT_COLUMN)) {
            column_take(counting, table, counts, i);
        }
    }
    return ERR_NONE;
}

static ErrCode tables_count(Counting *counting, Err *err)
{
    AUTO_PTR(PGresult) tables = NULL;
    if (ask(counting, SQL_TABLES, &tables, err) != ERR_NONE) {
        return err_wrap(err, "cannot list the tables");
    }
    for (int i = 0; i < PQntuples(tables); i++) {
        if (table_count(counting, tables, i, err) != ERR_NONE) {
            return err->code;
        }
    }
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
    if (conn_run(conn, STEADY_BEGIN, deadline_ms, err) != ERR_NONE ||
        tables_count(&counting, err) != ERR_NONE ||
        conn_run(conn, "COMMIT", deadline_ms, err) != ERR_NONE) {
        return err->code;
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
    [ROW_CHANGE_VALUES_MOVED] = "values-moved",
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

/* ---- values in other rows ---- */

/* The columns of one table, from the item behind the table's own on. */
static size_t columns_of(const RowCounts *counts, const RowCount *whole)
{
    size_t end = (size_t)(whole - counts->items) + 1;
    while (end < counts->count && str_equal(counts->items[end].table, whole->table)) {
        end++;
    }
    return end - (size_t)(whole - counts->items) - 1;
}

static bool has_same_columns(const RowCount *before, const RowCount *after, size_t count)
{
    for (size_t i = 1; i <= count; i++) {
        if (!str_equal(before[i].column, after[i].column)) {
            return false;
        }
    }
    return true;
}

/* One that was empty: what has come into it is nothing lost, and is not looked at. */
static bool is_filled(const RowCount *before, const RowCount *after)
{
    return before->count == 0 && after->count > 0;
}

/* Are the rows the same, but for what a single column was filled with? Of more than one nobody can
 * say. */
static bool has_same_rows(const RowCount *before, const RowCount *after, size_t count)
{
    size_t filled = 0;
    size_t last = 0;
    for (size_t i = 1; i <= count; i++) {
        bool is_one = is_filled(&before[i], &after[i]);
        filled += is_one;
        last = is_one ? i : last;
    }
    return filled == 0   ? str_equal(before->digest, after->digest)
           : filled == 1 ? str_equal(before[last].others, after[last].others)
                         : true;
}

/*
 * Whose values stand in other rows: without its column the rows are the same. Of a table of two
 * columns that is so of both, and the one that is not of the key is meant; "": it may be one of
 * several.
 */
static const char *moved_column(const RowCount *before, const RowCount *after, size_t count)
{
    const char *found[] = { "", "" }; /* not of the key, of the key */
    size_t counts[] = { 0, 0 };
    for (size_t i = 1; i <= count; i++) {
        if (before[i].count > 0 && str_equal(before[i].others, after[i].others)) {
            found[before[i].is_key] = before[i].column;
            counts[before[i].is_key]++;
        }
    }
    size_t which = counts[0] == 0;
    return counts[which] == 1 ? found[which] : "";
}

/* Of a table to which nothing else has happened. */
static RowChange moved_change(const RowCounts *all_before, const RowCount *before,
                              const RowCounts *all_after)
{
    const RowCount *after = count_find(all_after, before->table, "");
    size_t count = columns_of(all_before, before);
    RowChange change = { .table = before->table, .column = "" };
    bool is_comparable = after != NULL && columns_of(all_after, after) == count &&
                         has_same_columns(before, after, count);
    if (is_comparable && !has_same_rows(before, after, count)) {
        change.kind = ROW_CHANGE_VALUES_MOVED;
        change.column = moved_column(before, after, count);
        change.before = before->count;
        change.after = after->count;
    }
    return change;
}

/* ---- all of it ---- */

/* A table that was there, and its columns. */
static void table_compare(const RowCounts *before, const RowCount *whole, const RowCounts *after,
                          ChangeList *list)
{
    size_t known = list->count;
    size_t columns = columns_of(before, whole);
    change_push(list, table_change(before, after, whole->table));
    bool has_same_count = list->count == known;
    for (size_t i = 1; has_same_count && i <= columns; i++) {
        if (whole[i].count > 0) {
            change_push(list, column_change(&whole[i], after));
        }
    }
    if (list->count == known) {
        change_push(list, moved_change(before, whole, after));
    }
}

RowChanges rows_compare(const RowCounts *before, const RowCounts *after, Arena *arena)
{
    ChangeList list = { 0 };
    for (size_t i = 0; i < before->count; i += 1 + columns_of(before, &before->items[i])) {
        table_compare(before, &before->items[i], after, &list);
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
    case ROW_CHANGE_VALUES_MOVED:
        return arena_printf(arena, "values of %s%s%s stand in other rows than before",
                            change->table, change->column[0] == '\0' ? "" : ".", change->column);
    case ROW_CHANGE_NONE:
    case ROW_CHANGE_COUNT_:
        break;
    }
    return "";
}
