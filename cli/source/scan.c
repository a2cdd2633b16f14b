/* SQL text and its tokens. Owns everything that knows libpg_query's token numbers. */
#include "cli/source/scan.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "common/str.h"
#include "common/utf8.h"

#define BOM "\xEF\xBB\xBF"
#define MARK "skein:"
#define PARSER_WORDS_MAX 120 /* bytes of a parser's message that a person still reads */
#define EXCERPT_MAX 40

bool sql_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static const TextOrigin *origin_at(const SqlText *text, size_t offset)
{
    size_t low = 0;
    size_t high = text->origin_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (text->origins[middle].offset <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &text->origins[low];
}

uint32_t sql_line_at(const SqlText *text, size_t offset)
{
    const TextOrigin *origin = origin_at(text, offset);
    uint32_t line = origin->line;
    for (size_t i = origin->offset; i < offset && i < text->length; i++) {
        line += text->text[i] == '\n';
    }
    return line;
}

const char *sql_file_at(const SqlText *text, size_t offset)
{
    return origin_at(text, offset)->file;
}

const char *sql_from_at(const SqlText *text, size_t offset)
{
    return origin_at(text, offset)->from;
}

__attribute__((format(printf, 4, 0))) static ErrCode
refuse(const TextOrigin *origin, uint32_t line, Err *err, const char *format, va_list args)
{
    char message[ERR_MESSAGE_MAX];
    text_format_args(message, sizeof(message), format, args);
    return origin->from == NULL ? err_set(err, ERR_SYNTAX, "%s:%u: %s", origin->file, line, message)
                                : err_set(err, ERR_SYNTAX, "%s:%u: %s (included from %s)",
                                          origin->file, line, message, origin->from);
}

ErrCode sql_refuse(const SqlText *text, uint32_t line, Err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ErrCode code = refuse(&(TextOrigin){ .file = text->file }, line, err, format, args);
    va_end(args);
    return code;
}

ErrCode sql_refuse_at(const SqlText *text, size_t offset, Err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ErrCode code = refuse(origin_at(text, offset), sql_line_at(text, offset), err, format, args);
    va_end(args);
    return code;
}

/* Cuts at a character's start so that the result stays UTF-8. */
static size_t cut_length(const char *message, size_t limit)
{
    size_t length = strnlen(message, limit + 1);
    if (length <= limit) {
        return length;
    }
    length = limit;
    while (length > 0 && ((unsigned char)message[length] & 0xC0) == 0x80) {
        length--;
    }
    return length;
}

int sql_excerpt(const char *at)
{
    size_t line = strcspn(at, "\r\n");
    size_t cut = cut_length(at, EXCERPT_MAX);
    return (int)(line < cut ? line : cut);
}

int sql_excerpt_of(const char *at, const char *end)
{
    char excerpt[EXCERPT_MAX + 2] = { 0 };
    size_t length = (size_t)(end - at) <= EXCERPT_MAX ? (size_t)(end - at) : EXCERPT_MAX + 1;
    memcpy(excerpt, at, length);
    return sql_excerpt(excerpt);
}

const char *sql_parser_words(const char *message, Arena *arena)
{
    /* What is unterminated quotes the rest of the file. */
    const char *near = strstr(message, " at or near ");
    bool is_endless = str_starts_with(message, "unterminated ") && near != NULL;
    size_t length = is_endless ? (size_t)(near - message) : cut_length(message, PARSER_WORDS_MAX);
    bool is_cut = !is_endless && message[length] != '\0';
    char *words = arena_printf(arena, "%.*s%s", (int)length, message, is_cut ? "…" : "");
    for (char *c = words; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ') {
            *c = ' ';
        }
    }
    return words;
}

ErrCode sql_check_characters(const SqlText *text, Err *err)
{
    size_t at = 0;
    while (at < text->length) {
        if (text->text[at] == '\0') {
            sql_refuse_at(text, at, err, "a NUL byte, which no SQL can hold");
            return err_hint(err, "save the file as UTF-8; UTF-16 is full of NUL bytes");
        }
        size_t step = utf8_character(text->text + at, text->length - at);
        if (step == 0) {
            sql_refuse_at(text, at, err, "not UTF-8: byte 0x%02x",
                          (unsigned)(unsigned char)text->text[at]);
            return err_hint(err, "save the file as UTF-8");
        }
        at += step;
    }
    return ERR_NONE;
}

ErrCode sql_text_open_composed(const TextOrigin *origins, size_t origin_count, Bytes bytes,
                               Arena *arena, SqlText *ret_text, Err *err)
{
    if (bytes.length > SOURCE_FILE_MAX) {
        err_set(err, ERR_LIMIT, "%s: %zu bytes, and a migration file has at most %d",
                origins[0].file, bytes.length, SOURCE_FILE_MAX);
        return err_hint(err, "split the file, or load the data by another way than a migration");
    }
    size_t length = bytes.length;
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0) {
        memcpy(copy, bytes.data, length);
    }
    SqlText text = {
        .file = origins[0].file,
        .text = copy,
        .length = length,
        .origins = origins,
        .origin_count = origin_count,
    };
    ErrCode code = sql_check_characters(&text, err);
    if (code == ERR_NONE) {
        *ret_text = text;
    }
    return code;
}

ErrCode sql_text_open(const char *file, Bytes bytes, uint32_t first_line, Arena *arena,
                      SqlText *ret_text, Err *err)
{
    TextOrigin *origin = ARENA_NEW(arena, TextOrigin);
    *origin = (TextOrigin){ .file = file, .line = first_line == 0 ? 1 : first_line };
    if (bytes.length >= strlen(BOM) && memcmp(bytes.data, BOM, strlen(BOM)) == 0) {
        bytes.data += strlen(BOM);
        bytes.length -= strlen(BOM);
    }
    return sql_text_open_composed(origin, 1, bytes, arena, ret_text, err);
}

static SqlTokenKind token_kind(const char *text, const PgQuery__ScanToken *token)
{
    if (token->keyword_kind != PG_QUERY__KEYWORD_KIND__NO_KEYWORD) {
        return SQL_TOKEN_WORD;
    }
    switch ((int)token->token) {
    case PG_QUERY__TOKEN__IDENT:
        return text[token->start] == '"' ? SQL_TOKEN_OTHER : SQL_TOKEN_WORD;
    case PG_QUERY__TOKEN__SQL_COMMENT:
        return SQL_TOKEN_LINE_COMMENT;
    case PG_QUERY__TOKEN__C_COMMENT:
        return SQL_TOKEN_BLOCK_COMMENT;
    case ';':
        return SQL_TOKEN_SEMICOLON;
    case '(':
        return SQL_TOKEN_OPEN;
    case ')':
        return SQL_TOKEN_CLOSE;
    case '.':
        return SQL_TOKEN_DOT;
    case '\\':
        return SQL_TOKEN_BACKSLASH;
    default:
        return SQL_TOKEN_OTHER;
    }
}

/*
 * libpg_query 15 reports wrong ends for U&"…" and U&'…' (none, or one byte in). What lies between
 * two tokens and is not blank can only belong to the first of them.
 */
static uint32_t true_end(const char *text, uint32_t start, uint32_t next_start)
{
    uint32_t end = next_start;
    while (end > start && sql_is_blank(text[end - 1])) {
        end--;
    }
    return end;
}

/* Goes through a text and knows the line in its file. */
typedef struct LineWalk {
    size_t at;
    size_t origin;
    uint32_t line;
} LineWalk;

static void walk_to(const SqlText *text, size_t offset, LineWalk *walk)
{
    const TextOrigin *origins = text->origins;
    for (; walk->at <= offset; walk->at++) {
        walk->line += walk->at > 0 && text->text[walk->at - 1] == '\n';
        while (walk->origin < text->origin_count && origins[walk->origin].offset == walk->at) {
            walk->line = origins[walk->origin++].line;
        }
    }
}

static void fill_tokens(SqlText *text, const PgQuery__ScanResult *scan, Arena *arena)
{
    SqlToken *tokens = ARENA_ARRAY(arena, SqlToken, scan->n_tokens);
    LineWalk walk = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < scan->n_tokens; i++) {
        const PgQuery__ScanToken *token = scan->tokens[i];
        /* A vertical tab is a blank since PostgreSQL 16; to the grammar of 15 it is a character. */
        if (sql_is_blank(text->text[token->start])) {
            continue;
        }
        bool is_last = i + 1 == scan->n_tokens;
        uint32_t next = is_last ? (uint32_t)text->length : (uint32_t)scan->tokens[i + 1]->start;
        walk_to(text, (size_t)token->start, &walk);
        tokens[count++] = (SqlToken){
            .start = (uint32_t)token->start,
            .end = true_end(text->text, (uint32_t)token->start, next),
            .line = walk.line,
            .kind = token_kind(text->text, token),
        };
    }
    text->tokens = tokens;
    text->token_count = count;
}

size_t sql_offset_of_character(const char *text, size_t length, int position)
{
    size_t at = 0;
    for (int i = 1; i < position && at < length; i++) {
        size_t step = utf8_character(text + at, length - at);
        at += step > 0 ? step : 1;
    }
    return at;
}

/* False, with the parser's words and the byte of the fault, when `input` cannot be scanned. */
static bool scan_input(SqlText *text, const char *input, Arena *arena, const char **ret_words,
                       size_t *ret_fault)
{
    PgQueryScanResult result = pg_query_scan(input);
    bool is_scanned = result.error == NULL;
    if (is_scanned) {
        PgQuery__ScanResult *scan =
            pg_query__scan_result__unpack(NULL, result.pbuf.len, (const uint8_t *)result.pbuf.data);
        is_scanned = scan != NULL;
        if (is_scanned) {
            fill_tokens(text, scan, arena);
            pg_query__scan_result__free_unpacked(scan, NULL);
        } else {
            *ret_words = "the scanner's answer cannot be read";
            *ret_fault = 0;
        }
    } else {
        *ret_words = sql_parser_words(result.error->message, arena);
        *ret_fault = sql_offset_of_character(text->text, text->length, result.error->cursorpos);
    }
    pg_query_free_scan_result(result);
    return is_scanned;
}

ErrCode sql_scan(SqlText *text, Arena *arena, Err *err)
{
    const char *words = NULL;
    size_t fault = 0;
    if (scan_input(text, text->text, arena, &words, &fault)) {
        return ERR_NONE;
    }
    SqlText before = {
        .file = text->file,
        .text = arena_strndup(arena, text->text, fault),
        .length = fault,
        .origins = text->origins,
        .origin_count = text->origin_count,
    };
    const char *ignored_words = NULL;
    size_t ignored_fault = 0;
    if (scan_input(&before, before.text, arena, &ignored_words, &ignored_fault)) {
        text->tokens = before.tokens;
        text->token_count = before.token_count;
    }
    return sql_refuse_at(text, fault, err, "%s", words);
}

bool sql_is_keyword(const char *word)
{
    PgQueryScanResult result = pg_query_scan(word);
    PgQuery__ScanResult *scan =
        result.error != NULL ? NULL
                             : pg_query__scan_result__unpack(NULL, result.pbuf.len,
                                                             (const uint8_t *)result.pbuf.data);
    bool is_keyword = scan != NULL && scan->n_tokens == 1 &&
                      scan->tokens[0]->keyword_kind != PG_QUERY__KEYWORD_KIND__NO_KEYWORD;
    pg_query__scan_result__free_unpacked(scan, NULL);
    pg_query_free_scan_result(result);
    return is_keyword;
}

bool sql_token_is_comment(const SqlToken *token)
{
    return token->kind == SQL_TOKEN_LINE_COMMENT || token->kind == SQL_TOKEN_BLOCK_COMMENT;
}

const char *sql_token_behind_mark(const SqlText *text, const SqlToken *token)
{
    if (token->kind != SQL_TOKEN_LINE_COMMENT) {
        return NULL;
    }
    const char *at = text->text + token->start;
    const char *end = text->text + token->end;
    while (at < end && (*at == '-' || sql_is_blank(*at))) {
        at++;
    }
    size_t length = strlen(MARK);
    bool has_mark = (size_t)(end - at) >= length && strncasecmp(at, MARK, length) == 0;
    return has_mark ? at + length : NULL;
}

bool sql_token_is_word(const SqlText *text, const SqlToken *token, const char *word)
{
    size_t length = token->end - token->start;
    return token->kind == SQL_TOKEN_WORD && length == strlen(word) &&
           strncasecmp(text->text + token->start, word, length) == 0;
}

const SqlToken *sql_token_after(const SqlText *text, size_t index)
{
    for (size_t i = index + 1; i < text->token_count; i++) {
        if (!sql_token_is_comment(&text->tokens[i])) {
            return &text->tokens[i];
        }
    }
    return NULL;
}

const SqlToken *sql_token_before(const SqlText *text, size_t index)
{
    for (size_t i = index; i > 0; i--) {
        if (!sql_token_is_comment(&text->tokens[i - 1])) {
            return &text->tokens[i - 1];
        }
    }
    return NULL;
}
