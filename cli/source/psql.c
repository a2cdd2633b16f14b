/* A file as psql reads it, made into SQL alone. */
#include "cli/source/psql.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "cli/source/psql_internal.h"

#define BOM "\xEF\xBB\xBF"

static void composer_done(Composer *composer)
{
    str_done(&composer->out);
    LIST_DONE(&composer->origins);
    LIST_DONE(&composer->copies);
    LIST_DONE(&composer->unset);
    LIST_DONE(&composer->set);
}

AUTO_DEFINE(Composer, composer_done)

ErrCode psql_refuse(const PsqlFile *file, Err *err, const char *format, ...)
{
    char message[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    text_format_args(message, sizeof(message), format, args);
    va_end(args);
    return file->from == NULL
               ? err_set(err, ERR_SYNTAX, "%s:%u: %s", file->file, file->line, message)
               : err_set(err, ERR_SYNTAX, "%s:%u: %s (included from %s)", file->file, file->line,
                         message, file->from);
}

const char *psql_variable(const Composer *composer, const char *name)
{
    for (size_t i = composer->set.count; i > 0; i--) {
        if (str_equal(composer->set.items[i - 1].name, name)) {
            return composer->set.items[i - 1].value;
        }
    }
    return composer->input->variables == NULL ? NULL
                                              : variables_find(composer->input->variables, name);
}

void psql_begin_origin(Composer *composer, const PsqlFile *file)
{
    Str *out = &composer->out;
    if (out->length > 0 && out->data[out->length - 1] != '\n') {
        str_append_char(out, '\n');
    }
    TextOrigin origin = { out->length, file->file, file->line, file->from };
    LIST_PUSH(&composer->origins, origin);
}

/* ---- rows ---- */

static bool is_end_of_rows(const char *line, size_t length)
{
    length -= length > 0 && line[length - 1] == '\r';
    return length == 2 && line[0] == '\\' && line[1] == '.';
}

/* Takes the lines up to "\.", or to the end of the file. */
static Bytes take_lines(Arena *arena, PsqlFile *file)
{
    const char *start = file->at;
    size_t length = 0;
    bool is_end = false;
    while (file->at < file->end && !is_end) {
        const char *newline = memchr(file->at, '\n', (size_t)(file->end - file->at));
        const char *line_end = newline == NULL ? file->end : newline;
        is_end = is_end_of_rows(file->at, (size_t)(line_end - file->at));
        length = is_end ? length : (size_t)((newline == NULL ? line_end : newline + 1) - start);
        file->at = newline == NULL ? file->end : newline + 1;
        file->line++;
    }
    return (Bytes){ arena_memdup(arena, start, length), length };
}

/* The statement ends here; its rows begin with the next line. */
static void begin_copy(Composer *composer)
{
    PsqlCopy copy = { .offset = composer->out.length };
    LIST_PUSH(&composer->copies, copy);
    composer->due_count++;
}

/* One line may have held several. */
static void take_rows(Composer *composer, PsqlFile *file)
{
    for (; composer->due_count > 0; composer->due_count--) {
        size_t index = composer->copies.count - composer->due_count;
        composer->copies.items[index].rows = take_lines(composer->arena, file);
    }
    psql_begin_origin(composer, file);
}

/* ---- statements ---- */

static bool word_is(const char *at, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(at, word, length) == 0;
}

static ErrCode watch_word(Composer *composer, const PsqlFile *file, const char *at, size_t length,
                          Err *err)
{
    StatementWatch *watch = &composer->watch;
    bool is_outside = composer->lexer.parentheses == 0;
    /* To the grammar both words are the same: the direction is said before them. */
    bool is_stream = word_is(at, length, "STDIN") || word_is(at, length, "STDOUT");
    if (!watch->has_begun) {
        watch->is_copy = word_is(at, length, "COPY");
    } else if (watch->is_copy && is_outside && watch->is_after_to && is_stream) {
        psql_refuse(file, err, "COPY TO STDOUT: a migration has no client to stream the rows");
        return err_hint(err, "remove it, or COPY to a file on the server");
    } else if (watch->is_copy && is_outside && watch->is_after_from && is_stream) {
        watch->is_from_stdin = true;
        watch->stdin_end = composer->out.length;
    } else if (watch->is_from_stdin && word_is(at, length, "BINARY")) {
        return psql_refuse(file, err,
                           "COPY FROM STDIN of binary rows, which no text file can hold");
    }
    watch->has_begun = true;
    watch->is_after_from = word_is(at, length, "FROM");
    watch->is_after_to = word_is(at, length, "TO");
    return ERR_NONE;
}

static bool begins_comment(const char *at, size_t length)
{
    return length >= 2 && at[0] == '-' && at[1] == '-';
}

/* Blanks and comments begin no statement. */
static void watch_text(Composer *composer, LexMode mode, const char *at, size_t length)
{
    bool is_comment = mode == LEX_MODE_COMMENT ||
                      (mode == LEX_MODE_SQL && composer->lexer.mode == LEX_MODE_COMMENT) ||
                      (mode == LEX_MODE_SQL && begins_comment(at, length));
    if (!is_comment && (length > 1 || !sql_is_blank(*at))) {
        composer->watch.has_begun = true;
        composer->watch.is_after_from = false;
        composer->watch.is_after_to = false;
    }
}

/* ---- variables ---- */

void psql_quote(Str *out, const char *value, char quote)
{
    bool has_escape = quote == '\'' && strchr(value, '\\') != NULL;
    str_append(out, has_escape ? " E" : "");
    str_append_char(out, quote);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == quote || (has_escape && *c == '\\')) {
            str_append_char(out, *c);
        }
        str_append_char(out, *c);
    }
    str_append_char(out, quote);
}

/* A variable whose value is being put in, and the one in whose value it stands. */
typedef struct Expansion {
    const char *name;
    const struct Expansion *outer; /* NULL: it stands in the file */
} Expansion;

static bool is_within(const Expansion *expansion, const char *name)
{
    for (; expansion != NULL; expansion = expansion->outer) {
        if (str_equal(expansion->name, name)) {
            return true;
        }
    }
    return false;
}

static ErrCode take_variable(Composer *composer, const PsqlFile *file, const char *at,
                             size_t length, const Expansion *outer, Err *err);

/* A value is SQL, too: its quotes count for what follows, and variables in it have values. */
static ErrCode append_value(Composer *composer, const PsqlFile *file, const char *value,
                            const Expansion *expansion, Err *err)
{
    const char *end = value + strlen(value);
    ErrCode code = ERR_NONE;
    for (const char *at = value; at < end && code == ERR_NONE;) {
        LexKind kind;
        LexMode mode = composer->lexer.mode;
        size_t length = psql_lex(&composer->lexer, at, end, &kind);
        if (kind == LEX_SEMICOLON || kind == LEX_BACKSLASH) {
            psql_refuse(file, err, "a value that ends the statement, or is a command of psql");
            return err_hint(err, "give it as a part of one statement");
        }
        if (mode == LEX_MODE_SQL && begins_comment(at, length) && at + length == end) {
            psql_refuse(file, err, "a value that would comment out what follows it on its line");
            return err_hint(err, "take the comment (--) out of the variable");
        }
        if (kind == LEX_WORD && composer->out.length == composer->watch.stdin_end) {
            composer->watch.is_from_stdin = false; /* the word goes on: "stdin:x" */
        }
        if (kind == LEX_VARIABLE) {
            code = take_variable(composer, file, at, length, expansion, err);
        } else {
            str_append_bytes(&composer->out, at, length);
            if (kind == LEX_WORD) {
                code = watch_word(composer, file, at, length, err);
            } else {
                watch_text(composer, mode, at, length);
            }
        }
        at += length;
    }
    return code;
}

/* `at` is ":name", ":'name'", ":"name"" or ":{?name}"; `outer` has it in its value. */
static ErrCode take_variable(Composer *composer, const PsqlFile *file, const char *at,
                             size_t length, const Expansion *outer, Err *err)
{
    char kind = at[1];
    bool is_question = kind == '{';
    bool is_quoted = kind == '\'' || kind == '"';
    size_t before = is_question ? 3 : is_quoted ? 2 : 1;
    size_t after = is_question || is_quoted ? 1 : 0;
    const char *name = arena_strndup(composer->arena, at + before, length - before - after);
    const char *value = psql_variable(composer, name);
    if (is_question || is_quoted || value == NULL) {
        watch_text(composer, LEX_MODE_SQL, "?", 1);
    }
    if (is_question) {
        str_append(&composer->out, value == NULL ? "FALSE" : "TRUE");
        return ERR_NONE;
    }
    if (value == NULL) {
        PsqlUnset unset = { composer->out.length, name, composer->lexer.brackets > 0 };
        LIST_PUSH(&composer->unset, unset);
        str_append_bytes(&composer->out, at, length);
        return ERR_NONE;
    }
    if (is_quoted) {
        psql_quote(&composer->out, value, kind);
        return ERR_NONE;
    }
    if (is_within(outer, name)) {
        psql_refuse(file, err, "the value of the variable %s has itself in it", name);
        return err_hint(err, "give it a value that ends: psql would leave :%s standing there",
                        name);
    }
    Expansion expansion = { name, outer };
    return append_value(composer, file, value, &expansion, err);
}

/* ---- a file ---- */

static uint32_t count_newlines(const char *at, size_t length)
{
    uint32_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += at[i] == '\n';
    }
    return count;
}

static ErrCode take_piece(Composer *composer, PsqlFile *file, Err *err)
{
    LexKind kind;
    LexMode mode = composer->lexer.mode;
    const char *at = file->at;
    size_t length = psql_lex(&composer->lexer, at, file->end, &kind);
    if (kind == LEX_BACKSLASH) {
        return psql_take_command(composer, file, err);
    }
    ErrCode code = ERR_NONE;
    file->at += length;
    if (kind == LEX_VARIABLE) {
        return take_variable(composer, file, at, length, NULL, err);
    }
    str_append_bytes(&composer->out, at, length);
    if (kind == LEX_WORD) {
        code = watch_word(composer, file, at, length, err);
    } else if (kind == LEX_SEMICOLON) {
        if (composer->watch.is_from_stdin) {
            begin_copy(composer);
        }
        composer->watch = (StatementWatch){ 0 };
    } else {
        watch_text(composer, mode, at, length);
        file->line += count_newlines(at, length);
    }
    if (kind == LEX_NEWLINE && composer->due_count > 0) {
        take_rows(composer, file);
    }
    return code;
}

/* Also of the rows, which no scanner looks at. */
static ErrCode check_characters(const PsqlFile *file, Err *err)
{
    TextOrigin origin = { 0, file->file, file->line, file->from };
    SqlText text = {
        .file = file->file,
        .text = file->at,
        .length = (size_t)(file->end - file->at),
        .origins = &origin,
        .origin_count = 1,
    };
    return sql_check_characters(&text, err);
}

ErrCode psql_take_file(Composer *composer, PsqlFile *file, Err *err)
{
    if (check_characters(file, err) != ERR_NONE) {
        return ERR_SYNTAX;
    }
    size_t mark = strlen(BOM);
    if ((size_t)(file->end - file->at) >= mark && memcmp(file->at, BOM, mark) == 0) {
        file->at += mark;
    }
    psql_begin_origin(composer, file);
    while (file->at < file->end) {
        ErrCode code = take_piece(composer, file, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    if (composer->watch.is_from_stdin) {
        begin_copy(composer);
    }
    if (composer->due_count > 0) {
        take_rows(composer, file); /* none: the file has ended */
    }
    return ERR_NONE;
}

static void finish(const Composer *composer, PsqlText *ret_text)
{
    Arena *arena = composer->arena;
#define KEPT(list) arena_memdup(arena, (list).items, (list).count * sizeof((list).items[0]))
    *ret_text = (PsqlText){
        .bytes = { arena_memdup(arena, str_text(&composer->out), composer->out.length),
                   composer->out.length },
        .origins = KEPT(composer->origins),
        .origin_count = composer->origins.count,
        .copies = KEPT(composer->copies),
        .copy_count = composer->copies.count,
        .unset = KEPT(composer->unset),
        .unset_count = composer->unset.count,
    };
#undef KEPT
}

ErrCode psql_read(const PsqlInput *input, Arena *arena, PsqlText *ret_text, Err *err)
{
    AUTO(Composer) composer = { .input = input, .arena = arena };
    PsqlFile file = {
        .file = input->file,
        .path = input->path,
        .at = (const char *)input->bytes.data,
        .end = (const char *)input->bytes.data + input->bytes.length,
        .line = input->first_line == 0 ? 1 : input->first_line,
    };
    ErrCode code = psql_take_file(&composer, &file, err);
    if (code == ERR_NONE) {
        finish(&composer, ret_text);
    }
    return code;
}
