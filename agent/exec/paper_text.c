/*
 * The language of the paper: psql's. What the executor looks at between two statements becomes a
 * query whose answer is kept in psql variables (\gset, which demands exactly one row) and an \if.
 */
#include "agent/exec/paper_internal.h"

#include <ctype.h>
#include <string.h>

#include "agent/exec/sql.h"

static void literal_write(Str *paper, const char *text)
{
    AUTO(Arena) arena = { 0 };
    str_append(paper, literal_quote(&arena, text));
}

static void param_write(Str *paper, const char *param)
{
    if (param == NULL) {
        str_append(paper, "NULL");
    } else if (param[0] == PAPER_VARIABLE[0]) {
        str_printf(paper, ":'%s'", param + 1);
    } else {
        literal_write(paper, param);
    }
}

void paper_bound(Str *paper, const char *sql, const char *const *params, size_t param_count)
{
    for (const char *at = sql; *at != '\0';) {
        if (at[0] != '$' || !isdigit((unsigned char)at[1])) {
            str_append_char(paper, *at++);
            continue;
        }
        size_t number = 0;
        for (at++; isdigit((unsigned char)*at); at++) {
            number = 10 * number + (size_t)(*at - '0');
        }
        param_write(paper, number >= 1 && number <= param_count ? params[number - 1] : NULL);
    }
}

/* A last line may be a comment. */
void paper_sql(Str *paper, const char *sql)
{
    const char *line = strrchr(sql, '\n');
    bool may_end_in_comment = strstr(line == NULL ? sql : line, "--") != NULL;
    str_append(paper, sql);
    str_append(paper, may_end_in_comment ? "\n;\n" : ";\n");
}

/* ---- looking at answers ---- */

void paper_demand(Str *paper, const char *variable, const char *message)
{
    str_printf(paper,
               "\\if :%s\n\\else\nDO $skein$BEGIN RAISE EXCEPTION USING MESSAGE = ", variable);
    literal_write(paper, message);
    str_append(paper, "; END$skein$;\n\\endif\n");
}

/* What an answer is to the run; the rest of skein's own statements needs none. */
static const struct AnswerRow {
    const char *sql;
    const char *kept; /* what follows the statement */
} ANSWERS[] = {
    { SQL_FENCE_PASS, " \\gset skein_fence_\n" },
    { SQL_HISTORY_INSERT, " \\gset skein_row_\n" },
    { SQL_HISTORY_MOVE_UP, " \\gset skein_row_\n" },
    { SQL_HISTORY_MOVE_DOWN, " \\gset skein_row_\n" },
};

static const char *kept(const BatchItem *item)
{
    for (size_t i = 0; i < ARRAY_LEN(ANSWERS); i++) {
        if (item->sql == ANSWERS[i].sql) {
            return ANSWERS[i].kept;
        }
    }
    return ";\n";
}

/* Before the row: behind a migration that ended the transaction it would be committed at once. */
static void same_transaction_write(Str *paper)
{
    str_append(paper, "SELECT pg_catalog.txid_current() OPERATOR(pg_catalog.=)"
                      " :'skein_fence_txid_current' AS skein_is_same \\gset\n");
    paper_demand(paper, "skein_is_same", "the migration ended the transaction it runs in");
}

static void stands_write(Str *paper, const BatchItem *item)
{
    str_append(paper, "SELECT s.* FROM (");
    paper_bound(paper, item->sql, item->params, item->param_count);
    str_append(paper, ") AS s (skein_stands) \\gset\n");
    paper_demand(paper, "skein_stands",
                 "the schema was dropped or renamed while the migration ran");
}

static void copy_write(Str *paper, const BatchItem *item)
{
    const Bytes *rows = item->rows;
    paper_sql(paper, item->sql);
    str_append_bytes(paper, rows->data, rows->length);
    if (rows->length > 0 && rows->data[rows->length - 1] != '\n') {
        str_append_char(paper, '\n');
    }
    str_append(paper, "\\.\n");
}

static void item_write(Str *paper, const BatchItem *item)
{
    if (item->rows != NULL) {
        copy_write(paper, item);
    } else if (item->sql == SQL_SCHEMA_STANDS) {
        stands_write(paper, item);
    } else if (item->part == PART_HISTORY || item->part == PART_FENCE) {
        if (item->part == PART_HISTORY && item->sql != SQL_HISTORY_SUPERSEDE) {
            same_transaction_write(paper);
        }
        paper_bound(paper, item->sql, item->params, item->param_count);
        str_append(paper, kept(item));
    } else {
        paper_sql(paper, item->sql);
    }
}

void paper_batch(Str *paper, const Batch *batch)
{
    for (size_t i = 0; i < batch->items.count; i++) {
        item_write(paper, &batch->items.items[i]);
    }
}

void paper_evidence(Str *paper, const char *sql, const char *const *params, size_t param_count)
{
    str_append(paper, "SELECT s.* FROM (");
    paper_bound(paper, sql, params, param_count);
    str_append(paper, ") AS s (skein_evidence) \\gset\n");
}

void paper_probe(Str *paper, const char *sql, const char *const *params, size_t param_count)
{
    str_append(paper, "SELECT s.* FROM (");
    paper_bound(paper, sql, params, param_count);
    str_append(paper, ") AS s (skein_is_proven, skein_found) \\gset\n");
    paper_demand(
        paper, "skein_is_proven",
        "the catalog does not show what the statement should have done: see `skein repair`");
}
