/* Quotes, comments and words, a piece at a time. */
#include "cli/source/psql_lex.h"

#include <ctype.h>
#include <string.h>

static bool is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c) || c == '$';
}

bool psql_is_variable_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool starts(const char *at, const char *end, const char *prefix)
{
    size_t length = strlen(prefix);
    return (size_t)(end - at) >= length && memcmp(at, prefix, length) == 0;
}

/* Up to `stop` or a line end; at least one byte. */
static size_t plain_length(const char *at, const char *end, const char *stop)
{
    size_t length = 1;
    while (at + length < end && at[length] != '\n' && strchr(stop, at[length]) == NULL) {
        length++;
    }
    return length;
}

/* Within quotes that end with `quote`; a doubled one and, with `escape`, an escaped one do not. */
static size_t lex_quoted(PsqlLexer *lexer, const char *at, const char *end, char quote, bool escape)
{
    if (escape && *at == '\\' && at + 1 < end && at[1] != '\n') {
        return 2;
    }
    if (*at == quote) {
        if (at + 1 < end && at[1] == quote) {
            return 2;
        }
        lexer->mode = LEX_MODE_SQL;
        return 1;
    }
    return plain_length(at, end, (char[]){ quote, escape ? '\\' : quote, '\0' });
}

static size_t lex_dollar(PsqlLexer *lexer, const char *at, const char *end)
{
    if (starts(at, end, lexer->tag)) {
        lexer->mode = LEX_MODE_SQL;
        return strlen(lexer->tag);
    }
    return plain_length(at, end, "$");
}

static size_t lex_comment(PsqlLexer *lexer, const char *at, const char *end)
{
    if (starts(at, end, "*/")) {
        lexer->comment_depth--;
        lexer->mode = lexer->comment_depth == 0 ? LEX_MODE_SQL : LEX_MODE_COMMENT;
        return 2;
    }
    if (starts(at, end, "/*")) {
        lexer->comment_depth++;
        return 2;
    }
    return plain_length(at, end, "*/");
}

/* "$tag$" begins a quote; "$1" and "$%" do not. */
static size_t lex_dollar_sign(PsqlLexer *lexer, const char *at, const char *end)
{
    size_t length = 1;
    while (at + length < end && length <= LEX_TAG_MAX && at[length] != '$' &&
           (length == 1 ? is_word_start(at[length]) : is_word(at[length]))) {
        length++;
    }
    if (at + length == end || at[length] != '$') {
        return 1;
    }
    length++;
    memcpy(lexer->tag, at, length);
    lexer->tag[length] = '\0';
    lexer->mode = LEX_MODE_DOLLAR;
    return length;
}

static size_t variable_end(const char *at, const char *end, size_t from, char close)
{
    size_t length = from;
    while (at + length < end && psql_is_variable_char(at[length])) {
        length++;
    }
    bool is_named = length > from;
    if (close == '\0') {
        return is_named ? length : 0;
    }
    return is_named && at + length < end && at[length] == close ? length + 1 : 0;
}

/* At ":". "::" is a cast and ":=" an operator. */
static size_t lex_colon(const char *at, const char *end, LexKind *ret_kind)
{
    if (starts(at, end, "::") || starts(at, end, ":=")) {
        return 2;
    }
    char next = at + 1 < end ? at[1] : '\0';
    size_t length = next == '\'' || next == '"' ? variable_end(at, end, 2, next)
                    : starts(at, end, ":{?")    ? variable_end(at, end, 3, '}')
                                                : variable_end(at, end, 1, '\0');
    if (length == 0) {
        return 1;
    }
    *ret_kind = LEX_VARIABLE;
    return length;
}

/* A word; "E" before a quote is a part of that. */
static size_t lex_word(PsqlLexer *lexer, const char *at, const char *end, LexKind *ret_kind)
{
    if ((*at == 'e' || *at == 'E') && at + 1 < end && at[1] == '\'') {
        lexer->mode = LEX_MODE_ESCAPE_STRING;
        return 2;
    }
    size_t length = 1;
    while (at + length < end && is_word(at[length])) {
        length++;
    }
    *ret_kind = LEX_WORD;
    return length;
}

static size_t lex_number(const char *at, const char *end)
{
    size_t length = 1;
    while (at + length < end && (isalnum((unsigned char)at[length]) || at[length] == '.')) {
        length++;
    }
    return length;
}

static size_t lex_sign(PsqlLexer *lexer, char c, LexKind *ret_kind)
{
    switch (c) {
    case '\n':
        *ret_kind = LEX_NEWLINE;
        break;
    case '\\':
        *ret_kind = LEX_BACKSLASH;
        break;
    case '(':
        lexer->parentheses++;
        break;
    case ')':
        lexer->parentheses -= lexer->parentheses > 0;
        break;
    case '[':
        lexer->brackets++;
        break;
    case ']':
        lexer->brackets -= lexer->brackets > 0;
        break;
    case '\'':
        lexer->mode = LEX_MODE_STRING;
        break;
    case '"':
        lexer->mode = LEX_MODE_IDENTIFIER;
        break;
    case ';':
        *ret_kind = lexer->parentheses == 0 ? LEX_SEMICOLON : LEX_TEXT;
        lexer->brackets = lexer->parentheses == 0 ? 0 : lexer->brackets;
        break;
    default:
        break;
    }
    return 1;
}

static size_t lex_sql(PsqlLexer *lexer, const char *at, const char *end, LexKind *ret_kind)
{
    if (starts(at, end, "--")) {
        return plain_length(at, end, "\r");
    }
    if (starts(at, end, "/*")) {
        lexer->mode = LEX_MODE_COMMENT;
        lexer->comment_depth = 1;
        return 2;
    }
    if (is_word_start(*at)) {
        return lex_word(lexer, at, end, ret_kind);
    }
    if (isdigit((unsigned char)*at)) {
        return lex_number(at, end);
    }
    if (*at == '$') {
        return lex_dollar_sign(lexer, at, end);
    }
    return *at == ':' ? lex_colon(at, end, ret_kind) : lex_sign(lexer, *at, ret_kind);
}

size_t psql_lex(PsqlLexer *lexer, const char *at, const char *end, LexKind *ret_kind)
{
    *ret_kind = LEX_TEXT;
    switch (lexer->mode) {
    case LEX_MODE_STRING:
        return lex_quoted(lexer, at, end, '\'', false);
    case LEX_MODE_ESCAPE_STRING:
        return lex_quoted(lexer, at, end, '\'', true);
    case LEX_MODE_IDENTIFIER:
        return lex_quoted(lexer, at, end, '"', false);
    case LEX_MODE_DOLLAR:
        return lex_dollar(lexer, at, end);
    case LEX_MODE_COMMENT:
        return lex_comment(lexer, at, end);
    case LEX_MODE_SQL:
        break;
    }
    return lex_sql(lexer, at, end, ret_kind);
}
