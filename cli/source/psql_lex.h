/*
 * SQL as psql looks at it while it reads a file: just enough to know what is inside quotes and
 * comments, where statements end, and what is psql's own. Unlike PostgreSQL's scanner it can stop
 * at any byte, so that what is no SQL (rows of a COPY, backslash commands) need not be scanned.
 */
#ifndef SKEIN_CLI_SOURCE_PSQL_LEX_H
#define SKEIN_CLI_SOURCE_PSQL_LEX_H

#include <stdbool.h>
#include <stddef.h>

typedef enum LexKind {
    LEX_TEXT = 0,  /* nothing to look at: blanks, operators, quoted things, comments */
    LEX_NEWLINE,   /* one "\n" outside of quotes and block comments */
    LEX_WORD,      /* a word without quotes */
    LEX_SEMICOLON, /* outside of parentheses: the statement ends */
    LEX_BACKSLASH, /* the backslash alone; what follows is for psql */
    LEX_VARIABLE,  /* :name, :'name', :"name", :{?name}, whole */
} LexKind;

typedef enum LexMode {
    LEX_MODE_SQL = 0,
    LEX_MODE_STRING,        /* '…' */
    LEX_MODE_ESCAPE_STRING, /* E'…' */
    LEX_MODE_IDENTIFIER,    /* "…" */
    LEX_MODE_DOLLAR,        /* $tag$…$tag$ */
    LEX_MODE_COMMENT,       /* block comments, nested */
} LexMode;

#define LEX_TAG_MAX 63

/* All zero: the beginning of a file. */
typedef struct PsqlLexer {
    LexMode mode;
    size_t comment_depth;
    size_t parentheses;        /* open ones of the statement */
    size_t brackets;           /* the same: what is in them may be a slice of an array */
    char tag[LEX_TAG_MAX + 3]; /* of the dollar quote, with its dollars */
} PsqlLexer;

/*
 * Takes the next piece of [at, end), which is not empty. Returns its length, at least 1. Pieces end
 * at line ends wherever they are, so quotes and comments come in several.
 */
size_t psql_lex(PsqlLexer *lexer, const char *at, const char *end, LexKind *ret_kind);

/* May stand in the name of a psql variable. */
bool psql_is_variable_char(char c);

#endif
