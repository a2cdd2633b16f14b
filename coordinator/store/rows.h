/*
 * Row codecs of the SQLite store: for each row type a table of columns, from which the SQL is
 * written and by which rows are bound and read. Knows SQLite's values, not the store's contract.
 */
#ifndef SKEIN_COORDINATOR_STORE_ROWS_H
#define SKEIN_COORDINATOR_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <sqlite3.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

typedef enum ColumnKind {
    COLUMN_NONE = 0,
    COLUMN_TEXT, /* const char *, never NULL */
    COLUMN_U32,  /* also an ErrCode: its number is what is stable */
    COLUMN_U64,
    COLUMN_I64,
    COLUMN_BOOL,
    COLUMN_WORD,    /* an enum, kept as its name */
    COLUMN_HASH,    /* uint8_t[PLAN_HASH_BYTES] */
    COLUMN_LABELS,  /* Labels, kept as a JSON object */
    COLUMN_REMARKS, /* const Remarks *, kept as a JSON object (remarks_text.h); NULL: '' */
    COLUMN_TEXTS,   /* const char ** and its count, kept as a JSON array */
    COLUMN_KIND_COUNT_,
} ColumnKind;

typedef struct Column {
    const char *name;
    ColumnKind kind;
    bool is_key; /* part of what makes the row the same row */
    size_t offset;
    size_t count_offset;                 /* COLUMN_TEXTS: of the size_t that counts them */
    const char *(*word)(unsigned value); /* COLUMN_WORD: the name of each value below word_count */
    unsigned word_count;
} Column;

typedef struct RowTable {
    const char *name;
    size_t row_bytes;
    const Column *columns;
    size_t column_count;
    const char *order_by;
} RowTable;

extern const RowTable ROWS_AGENT; /* without its instances: they have a table of their own */
extern const RowTable ROWS_INSTANCE;
extern const RowTable ROWS_INVENTORY;
extern const RowTable ROWS_ROLLOUT;
extern const RowTable ROWS_WAVE;
extern const RowTable ROWS_TARGET;
extern const RowTable ROWS_BASELINE;
extern const RowTable ROWS_EVENT;
extern const RowTable ROWS_AUDIT;
extern const RowTable ROWS_TOKEN;
extern const RowTable ROWS_INVITATION;

/* Append SQL: parameters and columns stand in the order of the table. */
void rows_sql_put(const RowTable *table,
                  Str *sql); /* insert, or replace the row with the same key */
void rows_sql_select(const RowTable *table, Str *sql); /* "SELECT columns FROM table " */

/* Binds every column of `row`; texts and blobs are not copied: `row` outlives the execution. */
int rows_bind(const RowTable *table, sqlite3_stmt *statement, const void *row);

/* Reads the current row of a rows_sql_select statement into zeroed memory. ERR_STORE: the file
 * lies. */
ErrCode rows_read(const RowTable *table, sqlite3_stmt *statement, Arena *arena, void *row,
                  Err *err);

#endif
