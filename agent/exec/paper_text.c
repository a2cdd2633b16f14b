/*
 * The language of the paper: psql's. What the executor looks at between two statements becomes a
 * query whose answer is kept in psql variables (\gset, which demands exactly one row) and an \if.
 */
#include "agent/exec/paper_internal.h"

#include <ctype.h>
#include <string.h>

#include "agent/exec/sql.h"

static void literal_write(Str *script, const char *text)
{
    AUTO(Arena) arena = { 0 };
    str_append(script, literal_quote(&arena, text));
}

static void param_write(Str *script, const char *param)
{
    if (param == NULL) {
        str_append(script, "NULL");
    } else if (param[0] == PAPER_VARIABLE[0]) {
        str_printf(script, ":'%s'", param + 1);
    } else {
        literal_write(script, param);
    }
}

void paper_bound(Str *script, const char *sql, const char *const *params, size_t param_count)
{
    for (const char *at = sql; *at != '\0';) {
        if (at[0] != '$' || !isdigit((unsigned char)at[1])) {
            str_append_char(script, *at++);
            continue;
        }
        size_t number = 0;
        for (at++; isdigit((unsigned char)*at); at++) {
            number = 10 * number + (size_t)(*at - '0');
        }
        param_write(script, number >= 1 && number <= param_count ? params[number - 1] : NULL);
    }
}

/* A last line may be a comment. */
void paper_sql(Str *script, const char *sql)
{
    const char *line = strrchr(sql, '\n');
    bool may_end_in_comment = strstr(line == NULL ? sql : line, "--") != NULL;
    str_append(script, sql);
    str_append(script, may_end_in_comment ? "\n;\n" : ";\n");
}

/* ---- looking at answers ---- */

void paper_demand(Str *script, const char *variable, const char *message)
{
    str_printf(script,
               "\\if :%s\n\\else\nDO $skein$BEGIN RAISE EXCEPTION USING MESSAGE = ", variable);
    literal_write(script, message);
    str_append(script, "; END$skein$;\n\\endif\n");
}

#define ROW_DOES "writes the row of skein.history"
#define LOCK_GONE "another session holds the lock of this target"

/* What an answer is to the run; the rest of skein's own statements needs none. */
static const struct AnswerRow {
    const char *sql;
    const char *prefix; /* of the variables that its columns become */
    const char *demand; /* one of them, which must be true; NULL: none */
    const char *message;
    const char *does;
} ANSWERS[] = {
    { SQL_FENCE_PASS, "skein_fence_", "skein_fence_has_lock", LOCK_GONE,
      "passes the fence, and holds the lock of this target until COMMIT" },
    { SQL_LOGIN_SETTINGS, "skein_begin_", NULL, NULL,
      "looks what ALTER ROLE and ALTER DATABASE … SET give to a new session" },
    { SQL_LOCKS_CLEAR, "skein_clear_", "skein_clear_has_lock", LOCK_GONE,
      "releases the advisory locks that the migration before has left" },
    { SQL_LITTER_LOOK, "skein_look_", "skein_look_has_lock", LOCK_GONE,
      "holds the lock of this target beyond COMMIT, and looks whether something was prepared or set "
      "for new sessions" },
    { SQL_SCHEMA_STANDS, "skein_schema_", "skein_schema_stands",
      "the schema was dropped or renamed while the migration ran",
      "looks whether the schema is still the same" },
    { SQL_HISTORY_INSERT, "skein_row_", NULL, NULL, ROW_DOES },
    { SQL_HISTORY_MOVE_UP, "skein_row_", NULL, NULL, ROW_DOES },
    { SQL_HISTORY_MOVE_DOWN, "skein_row_", NULL, NULL, ROW_DOES },
};

static const struct AnswerRow *answer_of(const BatchItem *item)
{
    for (size_t i = 0; i < ARRAY_LEN(ANSWERS); i++) {
        if (item->sql == ANSWERS[i].sql) {
            return &ANSWERS[i];
        }
    }
    return NULL;
}

static void answer_write(Str *script, const BatchItem *item)
{
    const struct AnswerRow *answer = answer_of(item);
    if (answer == NULL) {
        str_append(script, ";\n");
        return;
    }
    str_printf(script, " \\gset %s\n", answer->prefix);
    if (answer->demand != NULL) {
        paper_demand(script, answer->demand, answer->message);
    }
}

/* Before the row: behind a migration that ended the transaction it would be committed at once. */
static void same_transaction_write(Str *script)
{
    str_append(script, "SELECT pg_catalog.txid_current() OPERATOR(pg_catalog.=)"
                       " :'skein_fence_txid_current' AS skein_is_same \\gset\n");
    paper_demand(script, "skein_is_same", "the migration ended the transaction it runs in");
}

static void copy_write(Str *script, const BatchItem *item)
{
    const Bytes *rows = item->rows;
    paper_sql(script, item->sql);
    str_append_bytes(script, rows->data, rows->length);
    if (rows->length > 0 && rows->data[rows->length - 1] != '\n') {
        str_append_char(script, '\n');
    }
    str_append(script, "\\.\n");
}

/* A row of history, and nothing else that goes before it. */
static bool is_row(const BatchItem *item)
{
    return item->part == PART_HISTORY && item->sql != SQL_HISTORY_SUPERSEDE;
}

static void item_write(Str *script, const BatchItem *item)
{
    if (item->rows != NULL) {
        copy_write(script, item);
    } else if (item->params == NULL) {
        paper_sql(script, item->sql);
    } else {
        if (is_row(item)) {
            same_transaction_write(script);
        }
        paper_bound(script, item->sql, item->params, item->param_count);
        answer_write(script, item);
    }
}

/* ---- what is sent ---- */

/* Before the first step only looks are sent, which are not told one by one. */
static void sent_add(Paper *paper, PaperSent sent)
{
    if (paper->steps.count > 0) {
        sent.step = paper->steps.count - 1;
        sent.sql = arena_strdup(&paper->arena, sent.sql);
        LIST_PUSH(&paper->sent, sent);
    }
}

static PaperBy by_of(const BatchItem *item)
{
    if (item->part != PART_STATEMENT) {
        return PAPER_BY_SKEIN;
    }
    return item->statement == NO_STATEMENT ? PAPER_BY_MIRROR : PAPER_BY_MIGRATION;
}

static const char *does_of(const Paper *paper, const BatchItem *item)
{
    const struct AnswerRow *answer = answer_of(item);
    if (answer != NULL) {
        return answer->does;
    }
    if (item->sql == SQL_HISTORY_SUPERSEDE) {
        return "calls the row of its former content undone";
    }
    if (item->part == PART_DEFERRED) {
        return "runs what was deferred, as the role of the migration";
    }
    return item->sql == paper->settings_select ? "makes its settings again" : NULL;
}

static void item_note(Paper *paper, const BatchItem *item)
{
    sent_add(paper, (PaperSent){
                        .sql = item->sql,
                        .by = by_of(item),
                        .statement = item->statement,
                        .does = does_of(paper, item),
                        .is_if_needed = item->sql == SQL_FORGET,
                    });
}

void paper_batch(Paper *paper, const Batch *batch)
{
    for (size_t i = 0; i < batch->items.count; i++) {
        item_write(&paper->script, &batch->items.items[i]);
        item_note(paper, &batch->items.items[i]);
    }
}

void paper_own(Paper *paper, const char *sql)
{
    paper_sql(&paper->script, sql);
    sent_add(paper, (PaperSent){ .sql = sql,
                                 .does = "makes its settings for what runs outside of "
                                         "transactions" });
}

void paper_settings(Paper *paper, const char *sql)
{
    paper_sql(&paper->script, sql);
    sent_add(paper, (PaperSent){ .sql = sql, .by = PAPER_BY_MIGRATION });
}

void paper_run(Paper *paper, uint32_t number, const char *sql)
{
    paper_sql(&paper->script, sql);
    sent_add(paper, (PaperSent){ .sql = sql, .by = PAPER_BY_MIGRATION, .statement = number });
}

void paper_evidence(Paper *paper, const char *sql, const char *const *params, size_t param_count)
{
    str_append(&paper->script, "SELECT s.* FROM (");
    paper_bound(&paper->script, sql, params, param_count);
    str_append(&paper->script, ") AS s (skein_evidence) \\gset\n");
    sent_add(paper, (PaperSent){ .sql = sql, .does = "looks what is there before it" });
}

void paper_evidence_again(Paper *paper, const char *sql)
{
    sent_add(paper, (PaperSent){ .sql = sql, .does = "reads what was there before it" });
}

void paper_probe(Paper *paper, const char *sql, const char *const *params, size_t param_count)
{
    Str *script = &paper->script;
    str_append(script, "SELECT s.* FROM (");
    paper_bound(script, sql, params, param_count);
    str_append(script, ") AS s (skein_is_proven, skein_found) \\gset\n");
    paper_demand(
        script, "skein_is_proven",
        "the catalog does not show what the statement should have done: see `skein repair`");
    sent_add(paper, (PaperSent){ .sql = sql, .does = "looks whether it has done what it should" });
}
