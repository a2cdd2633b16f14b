/*
 * SQL text and its tokens: what a migration file holds, before anything is understood of it.
 *
 * The scanner is PostgreSQL's own (libpg_query). Its token numbers stay in scan.c: the rest of the
 * folder sees the few kinds below and compares words.
 */
#ifndef SKEIN_CLI_SOURCE_SCAN_H
#define SKEIN_CLI_SOURCE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "proto/messages.h"

#define SOURCE_FILE_MAX (16 * 1024 * 1024)

typedef enum SqlTokenKind {
    SQL_TOKEN_NONE = 0,
    SQL_TOKEN_WORD,          /* a keyword or an identifier without quotes */
    SQL_TOKEN_LINE_COMMENT,  /* from "--" to the end of the line, which is not part of it */
    SQL_TOKEN_BLOCK_COMMENT, /* nested ones are one token */
    SQL_TOKEN_SEMICOLON,
    SQL_TOKEN_OPEN,  /* ( */
    SQL_TOKEN_CLOSE, /* ) */
    SQL_TOKEN_DOT,
    SQL_TOKEN_BACKSLASH,
    SQL_TOKEN_OTHER, /* quoted identifiers, constants, operators, … */
} SqlTokenKind;

typedef struct SqlToken {
    uint32_t start; /* bytes into the text */
    uint32_t end;
    uint32_t line; /* of its first byte, from 1 */
    SqlTokenKind kind;
} SqlToken;

/* From this byte on, the start of a line, the text is that of `file` from this line on. */
typedef struct TextOrigin {
    size_t offset;
    const char *file; /* as messages cite it */
    uint32_t line;
    const char *from; /* what includes the file, "a.sql:3, from b.sql:1"; NULL: nothing */
} TextOrigin;

/* Every byte of the text that is not blank belongs to exactly one token; comments are tokens. */
typedef struct SqlText {
    const char *file; /* of its beginning, as messages cite it */
    const char *text; /* NUL-terminated UTF-8 without a byte order mark and without NUL inside */
    size_t length;
    const TextOrigin *origins; /* at least one; the first is of byte 0 */
    size_t origin_count;
    const SqlToken *tokens;
    size_t token_count;
} SqlText;

/*
 * Takes a copy of a file's bytes into `arena`: strips a byte order mark, refuses what is too large
 * (ERR_LIMIT), NUL bytes and invalid UTF-8 (ERR_SYNTAX, with the line). No tokens yet. `file` must
 * live as long as the text. The bytes begin at the file's `first_line` (0 is 1).
 */
ErrCode sql_text_open(const char *file, Bytes bytes, uint32_t first_line, Arena *arena,
                      SqlText *ret_text, Err *err);

/*
 * The same for a text that is put together, possibly of several files, without byte order marks.
 * The origins must live as long as the text.
 */
ErrCode sql_text_open_composed(const TextOrigin *origins, size_t origin_count, Bytes bytes,
                               Arena *arena, SqlText *ret_text, Err *err);

/* ERR_SYNTAX with the line of the first NUL byte, or of what is no UTF-8. */
ErrCode sql_check_characters(const SqlText *text, Err *err);

/*
 * Fills the tokens. ERR_SYNTAX with the line for what cannot be scanned (a string or comment
 * without an end); the tokens before the fault are then there, so that the caller can explain it
 * better.
 */
ErrCode sql_scan(SqlText *text, Arena *arena, Err *err);

bool sql_token_is_comment(const SqlToken *token);

/* Is it the word `word` (upper case), written without quotes, in any case? */
bool sql_token_is_word(const SqlText *text, const SqlToken *token, const char *word);

/* Is it, without quotes, a word of PostgreSQL's grammar? */
bool sql_is_keyword(const char *word);

/* Of a comment "-- skein: …" what stands behind the mark, up to the token's
 * end; NULL: it is none. */
const char *sql_token_behind_mark(const SqlText *text, const SqlToken *token);

/* The nearest token after (before) `index` that is no comment, or NULL. */
const SqlToken *sql_token_after(const SqlText *text, size_t index);
const SqlToken *sql_token_before(const SqlText *text, size_t index);

/* The byte at the parser's position, which it counts in characters, from 1. */
size_t sql_offset_of_character(const char *text, size_t length, int position);

/* A blank as PostgreSQL's scanner understands it, from any version. */
bool sql_is_blank(char c);

/* Where a byte of the text stands: the line in its file, and that file. */
uint32_t sql_line_at(const SqlText *text, size_t offset);
const char *sql_file_at(const SqlText *text, size_t offset);
const char *sql_from_at(const SqlText *text, size_t offset); /* see TextOrigin */

/* Fills *err with "FILE:LINE: …" and returns ERR_SYNTAX. The file is the text's first. */
ErrCode sql_refuse(const SqlText *text, uint32_t line, Err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for what stands at a byte. */
ErrCode sql_refuse_at(const SqlText *text, size_t offset, Err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* How many bytes a message quotes: the rest of the line, at most 40, in whole characters. */
int sql_excerpt(const char *at);
int sql_excerpt_of(const char *at, const char *end); /* of a text without a NUL */

/* An error message of PostgreSQL's parser, on one line and without a whole file quoted in it. */
const char *sql_parser_words(const char *message, Arena *arena);

#endif
