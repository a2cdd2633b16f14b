/* Splitting a file into statements, and the proof that none was lost. */
#include "cli/source/split.h"

#include <string.h>

#include <pg_query.h>

#include "common/list.h"

typedef LIST(SqlStatement) StatementList;

static void statement_list_done(StatementList *list)
{
    LIST_DONE(list);
}

AUTO_DEFINE(StatementList, statement_list_done)

static bool token_is_inside(const SqlToken *token)
{
    return !sql_token_is_comment(token) && token->kind != SQL_TOKEN_SEMICOLON;
}

/* Adds what tokens [first, end) hold, without comments around it; nothing when nothing is left. */
static void add_statement(const SqlText *text, size_t first, size_t end, Arena *arena,
                          StatementList *list)
{
    while (first < end && !token_is_inside(&text->tokens[first])) {
        first++;
    }
    while (end > first && !token_is_inside(&text->tokens[end - 1])) {
        end--;
    }
    if (first == end) {
        return;
    }
    uint32_t start = text->tokens[first].start;
    SqlStatement statement = {
        .sql = arena_strndup(arena, text->text + start, text->tokens[end - 1].end - start),
        .line = text->tokens[first].line,
        .first_token = first,
        .end_token = end,
    };
    LIST_PUSH(list, statement);
}

static void finish(StatementList *list, Arena *arena, SqlStatements *ret_statements)
{
    ret_statements->items = arena_memdup(arena, list->items, list->count * sizeof(list->items[0]));
    ret_statements->count = list->count;
}

/*
 * BEGIN ATOMIC … END of a function's body: how many ENDs are open after this token. CASE has an END
 * of its own. After AS and "." both are names of columns.
 */
static size_t atomic_depth_after(const SqlText *text, size_t index, size_t depth)
{
    const SqlToken *token = &text->tokens[index];
    if (depth == 0) {
        const SqlToken *next = sql_token_after(text, index);
        bool is_atomic = sql_token_is_word(text, token, "BEGIN") && next != NULL &&
                         sql_token_is_word(text, next, "ATOMIC");
        return is_atomic ? 1 : 0;
    }
    bool is_case = sql_token_is_word(text, token, "CASE");
    if (!is_case && !sql_token_is_word(text, token, "END")) {
        return depth;
    }
    const SqlToken *before = sql_token_before(text, index);
    if (before->kind == SQL_TOKEN_DOT || sql_token_is_word(text, before, "AS")) {
        return depth;
    }
    return is_case ? depth + 1 : depth - 1;
}

void split_tokens(const SqlText *text, Arena *arena, SqlStatements *ret_statements)
{
    AUTO(StatementList) list = { 0 };
    size_t first = 0;
    size_t parentheses = 0;
    size_t atomic = 0;
    for (size_t i = 0; i < text->token_count; i++) {
        SqlTokenKind kind = text->tokens[i].kind;
        if (kind == SQL_TOKEN_OPEN) {
            parentheses++;
        } else if (kind == SQL_TOKEN_CLOSE && parentheses > 0) {
            parentheses--;
        } else if (kind == SQL_TOKEN_WORD) {
            atomic = atomic_depth_after(text, i, atomic);
        } else if (kind == SQL_TOKEN_SEMICOLON && parentheses == 0 && atomic == 0) {
            add_statement(text, first, i, arena, &list);
            first = i + 1;
        }
    }
    add_statement(text, first, text->token_count, arena, &list);
    *ret_statements = (SqlStatements){ 0 };
    finish(&list, arena, ret_statements);
}

/* The grammar's cuts are bytes: translate them to the tokens that lie within. */
static void take_cuts(const SqlText *text, const PgQuerySplitResult *cuts, Arena *arena,
                      SqlStatements *ret_statements)
{
    AUTO(StatementList) list = { 0 };
    size_t token = 0;
    for (int i = 0; i < cuts->n_stmts; i++) {
        size_t from = (size_t)cuts->stmts[i]->stmt_location;
        size_t to = from + (size_t)cuts->stmts[i]->stmt_len;
        while (token < text->token_count && text->tokens[token].start < from) {
            token++;
        }
        size_t first = token;
        while (token < text->token_count && text->tokens[token].start < to) {
            token++;
        }
        add_statement(text, first, token, arena, &list);
    }
    *ret_statements = (SqlStatements){ .is_grammatical = true };
    finish(&list, arena, ret_statements);
}

/* One past the comment that starts at `at`, or `at` when none does. Comments nest. */
static size_t skip_comment(const char *text, size_t at, size_t end)
{
    if (end - at < 2) {
        return at;
    }
    if (text[at] == '-' && text[at + 1] == '-') {
        while (at < end && text[at] != '\n' && text[at] != '\r') {
            at++;
        }
        return at;
    }
    if (text[at] != '/' || text[at + 1] != '*') {
        return at;
    }
    size_t depth = 0;
    while (end - at >= 2) {
        if (text[at] == '/' && text[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (text[at] == '*' && text[at + 1] == '/') {
            depth--;
            at += 2;
            if (depth == 0) {
                return at;
            }
        } else {
            at++;
        }
    }
    return end;
}

static ErrCode check_gap(const SqlText *text, size_t at, size_t end, Err *err)
{
    while (at < end) {
        if (sql_is_blank(text->text[at]) || text->text[at] == ';') {
            at++;
            continue;
        }
        size_t after = skip_comment(text->text, at, end);
        if (after == at) {
            return sql_refuse_at(text, at, err, "this belongs to no statement: %.*s",
                                 sql_excerpt(text->text + at), text->text + at);
        }
        at = after;
    }
    return ERR_NONE;
}

ErrCode split_check_cover(const SqlText *text, const SqlStatements *statements, Err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < statements->count; i++) {
        const SqlStatement *statement = &statements->items[i];
        ErrCode code = check_gap(text, at, text->tokens[statement->first_token].start, err);
        if (code != ERR_NONE) {
            return code;
        }
        at = text->tokens[statement->end_token - 1].end;
    }
    return check_gap(text, at, text->length, err);
}

ErrCode split_sql(const SqlText *text, Arena *arena, SqlStatements *ret_statements, Err *err)
{
    SqlStatements statements = { 0 };
    PgQuerySplitResult cuts = pg_query_split_with_parser(text->text);
    if (cuts.error == NULL) {
        take_cuts(text, &cuts, arena, &statements);
    } else {
        split_tokens(text, arena, &statements);
    }
    pg_query_free_split_result(cuts);
    ErrCode code = split_check_cover(text, &statements, err);
    if (code == ERR_NONE) {
        *ret_statements = statements;
    }
    return code;
}
