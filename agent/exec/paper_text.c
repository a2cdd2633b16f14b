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

#define LOCK_GONE "another session holds the lock of this target"

/* What an answer is to the run; the rest of skein's own statements needs none. */
static const struct AnswerRow {
    const char *sql;
    const char *prefix; /* of the variables that its columns become */
    const char *demand; /* one of them, which must be true; NULL: none */
    const char *message;
} ANSWERS[] = {
    { SQL_FENCE_PASS, "skein_fence_", "skein_fence_has_lock", LOCK_GONE },
    { SQL_LOCKS_CLEAR, "skein_clear_", "skein_clear_has_lock", LOCK_GONE },
    { SQL_LITTER_LOOK, "skein_look_", "skein_look_has_lock", LOCK_GONE },
    { SQL_SCHEMA_STANDS, "skein_schema_", "skein_schema_stands",
      "the schema was dropped or renamed while the migration ran" },
    { SQL_HISTORY_INSERT, "skein_row_", NULL, NULL },
    { SQL_HISTORY_MOVE_UP, "skein_row_", NULL, NULL },
    { SQL_HISTORY_MOVE_DOWN, "skein_row_", NULL, NULL },
};

static void answer_write(Str *paper, const BatchItem *item)
{
    for (size_t i = 0; i < ARRAY_LEN(ANSWERS); i++) {
        const struct AnswerRow *answer = &ANSWERS[i];
        if (item->sql == answer->sql) {
            str_printf(paper, " \\gset %s\n", answer->prefix);
            if (answer->demand != NULL) {
                paper_demand(paper, answer->demand, answer->message);
            }
            return;
        }
    }
    str_append(paper, ";\n");
}

/* Before the row: behind a migration that ended the transaction it would be committed at once. */
static void same_transaction_write(Str *paper)
{
    str_append(paper, "SELECT pg_catalog.txid_current() OPERATOR(pg_catalog.=)"
                      " :'skein_fence_txid_current' AS skein_is_same \\gset\n");
    paper_demand(paper, "skein_is_same", "the migration ended the transaction it runs in");
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

/* A row of history, and nothing else that goes before it. */
static bool is_row(const BatchItem *item)
{
    return item->part == PART_HISTORY && item->sql != SQL_HISTORY_SUPERSEDE;
}

static void item_write(Str *paper, const BatchItem *item)
{
    if (item->rows != NULL) {
        copy_write(paper, item);
    } else if (item->params == NULL) {
        paper_sql(paper, item->sql);
    } else {
        if (is_row(item)) {
            same_transaction_write(paper);
        }
        paper_bound(paper, item->sql, item->params, item->param_count);
        answer_write(paper, item);
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
