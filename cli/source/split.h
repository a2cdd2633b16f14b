/*
 * Splitting: from a file's text to its statements.
 *
 * PostgreSQL's grammar cuts. Where it refuses the file (a syntax error, or syntax newer than it),
 * the tokens are cut at ";" outside of parentheses and of BEGIN ATOMIC … END. libpg_query's own
 * scanner split is not used: it drops statements silently. Whatever cut, the result is checked:
 * every byte that is neither blank, comment nor ";" belongs to a statement.
 */
#ifndef SKEIN_CLI_SOURCE_SPLIT_H
#define SKEIN_CLI_SOURCE_SPLIT_H

#include "cli/source/scan.h"

typedef struct SqlStatement {
    const char *sql;    /* from its first token to its last: no comment around it, no ";" */
    uint32_t line;      /* of its first token */
    size_t first_token; /* into the text's tokens */
    size_t end_token;   /* one past its last; comments may be among them */
} SqlStatement;

typedef struct SqlStatements {
    SqlStatement *items;
    size_t count;
    bool is_grammatical; /* PostgreSQL's grammar accepts the whole file */
} SqlStatements;

/* `text` has been scanned. Statements and their texts are in `arena`. */
ErrCode split_sql(const SqlText *text, Arena *arena, SqlStatements *ret_statements, Err *err);

/* The second way of cutting alone, whatever the grammar says. */
void split_tokens(const SqlText *text, Arena *arena, SqlStatements *ret_statements);

/* ERR_SYNTAX with the line of the first byte that no statement holds and that says something. */
ErrCode split_check_cover(const SqlText *text, const SqlStatements *statements, Err *err);

#endif
