/* Finds what psql would do itself. */
#include "cli/source/psql.h"

static ErrCode refuse_copy(const SqlText *text, uint32_t line, bool is_from, Err *err)
{
    sql_refuse(text, line, err, "COPY %s: a migration has no client to stream the rows",
               is_from ? "FROM STDIN" : "TO STDOUT");
    if (is_from) {
        return err_hint(err, "write the rows as INSERT, or COPY from a file on the server");
    }
    return err_hint(err, "remove it, or COPY to a file on the server");
}

static ErrCode refuse_backslash(const SqlText *text, const SqlToken *token, Err *err)
{
    const char *command = text->text + token->start;
    sql_refuse(text, token->line, err, "a command of psql, not of the server: %.*s",
               sql_excerpt(command), command);
    return err_hint(err, "a migration holds SQL alone; remove the line");
}

ErrCode psql_refuse(const SqlText *text, Err *err)
{
    const SqlToken *start = NULL; /* the statement's first token */
    const SqlToken *before = NULL;
    size_t parentheses = 0;
    for (size_t i = 0; i < text->token_count; i++) {
        const SqlToken *token = &text->tokens[i];
        if (sql_token_is_comment(token)) {
            continue;
        }
        if (token->kind == SQL_TOKEN_BACKSLASH) {
            return refuse_backslash(text, token, err);
        }
        if (token->kind == SQL_TOKEN_SEMICOLON) {
            start = NULL;
            parentheses = 0;
            continue;
        }
        parentheses += token->kind == SQL_TOKEN_OPEN;
        parentheses -= token->kind == SQL_TOKEN_CLOSE && parentheses > 0;
        start = start == NULL ? token : start;
        bool is_stream = parentheses == 0 && (sql_token_is_word(text, token, "STDIN") ||
                                              sql_token_is_word(text, token, "STDOUT"));
        if (is_stream && sql_token_is_word(text, start, "COPY")) {
            bool is_from = sql_token_is_word(text, before, "FROM");
            if (is_from || sql_token_is_word(text, before, "TO")) {
                return refuse_copy(text, start->line, is_from, err);
            }
        }
        before = token;
    }
    return ERR_NONE;
}
