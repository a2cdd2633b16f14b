/*
 * The rows of a database, as numbers: how many rows each table has and how many values each column,
 * with digests of whole rows and of values that do not depend on the order of rows or columns. What
 * a down loses or mixes up shows as a difference of two such counts.
 */
#ifndef SKEIN_CLI_PROOF_ROWS_H
#define SKEIN_CLI_PROOF_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "common/arena.h"

typedef struct RowCount {
    const char *table;  /* qualified */
    const char *column; /* "": the table itself */
    uint64_t count;     /* rows, or values that are not null */
    const char *digest; /* of the whole rows, or of the column's values */
    const char *others; /* of a column: the digest of the rows without it */
    bool is_key;        /* the column is of the primary key */
} RowCount;

typedef struct RowCounts {
    const RowCount *items; /* by table, then column, in the order of strcmp */
    size_t count;
} RowCounts;

/*
 * Counts what the tables of migrations hold; tables that never held a row are left out, as are
 * those of extensions, foreign tables and skein's own. Reads each table once, in one transaction
 * whose settings say nothing of how values are written. Values count as they are written. In
 * `arena`.
 */
ErrCode rows_read(Conn *conn, uint64_t deadline_ms, const Interrupt *interrupt, Arena *arena,
                  RowCounts *ret_counts, Err *err);

typedef enum RowChangeKind {
    ROW_CHANGE_NONE = 0,
    ROW_CHANGE_ROWS_LOST,   /* fewer rows than before */
    ROW_CHANGE_ROWS_LEFT,   /* more rows than before */
    ROW_CHANGE_VALUES_LOST, /* of a column: fewer values than before, in as many rows */
    ROW_CHANGE_VALUES_OTHER,
    ROW_CHANGE_VALUES_MOVED, /* all are there, in other rows; the column is "" where it may be one
                                of several */
    ROW_CHANGE_COUNT_,
} RowChangeKind;

const char *row_change_name(RowChangeKind kind); /* "rows-lost", … */

typedef struct RowChange {
    RowChangeKind kind;
    const char *table;
    const char *column; /* "": of whole rows */
    uint64_t before;
    uint64_t after;
} RowChange;

typedef struct RowChanges {
    const RowChange *items;
    size_t count;
} RowChanges;

/* Of a table whose number of rows has changed only that is told, and that values have moved where
 * nothing else has happened to them. Texts are those of `before` and `after`. */
RowChanges rows_compare(const RowCounts *before, const RowCounts *after, Arena *arena);

/* "3 of 5 rows of public.users are gone". In `arena`. */
const char *row_change_text(const RowChange *change, Arena *arena);

#endif
