/* See graphile_file.h. */
#include "cli/source/graphile_file.h"

#include <ctype.h>
#include <string.h>

#include <nettle/sha1.h>

#include "cli/source/lines.h"

#define HEADER "--! "
#define HASH_NAME "sha1:"
#define HASH_TEXT (2 * SHA1_DIGEST_SIZE + 1)
#define HEADER_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

const char *graphile_file_end(const GraphileFile *file)
{
    return (const char *)file->whole.bytes.data + file->whole.bytes.length;
}

static ErrCode refuse(const GraphileFile *file, uint32_t line, Err *err, const char *words)
{
    err_set(err, ERR_SYNTAX, "%s:%u: %s", file->whole.file, line, words);
    return err_hint(err, "graphile-migrate refuses the file for it, too: restore it as it was "
                         "committed");
}

/* ---- headers ---- */

/* The name of a header, or NULL: it has a capital first. *ret_value is NULL without a colon. */
static const char *read_header(const TextLine *line, Arena *arena, const char **ret_value)
{
    size_t mark = strlen(HEADER);
    if (line->length <= mark || memcmp(line->start, HEADER, mark) != 0) {
        return NULL;
    }
    const char *text = arena_strndup(arena, line->start + mark, line->length - mark);
    size_t length = isupper((unsigned char)*text) ? strspn(text, HEADER_LETTERS) : 0;
    if (length == 0 || (text[length] != '\0' && text[length] != ':')) {
        return NULL;
    }
    *ret_value = text[length] == ':' ? text + length + 1 : NULL;
    return arena_strndup(arena, text, length);
}

static const char *trimmed(const char *text, Arena *arena)
{
    size_t length = 0;
    text += strspn(text, " \t\r");
    for (size_t i = 0; text[i] != '\0'; i++) {
        length = strchr(" \t\r", text[i]) == NULL ? i + 1 : length;
    }
    return arena_strndup(arena, text, length);
}

static ErrCode take_header(GraphileFile *file, uint32_t line, const char *name, const char *value,
                           Arena *arena, Err *err)
{
    for (size_t i = 0; i < file->header_count; i++) {
        if (str_equal(file->headers[i], name)) {
            return refuse(file, line, err, "a header for the second time");
        }
    }
    if (file->header_count == GRAPHILE_HEADERS_MAX) {
        return refuse(file, line, err, "too many headers");
    }
    file->headers[file->header_count++] = name;
    const char *text = value == NULL ? NULL : trimmed(value, arena);
    if (str_equal(name, "Hash")) {
        file->own.hash = text;
    } else if (str_equal(name, "Previous")) {
        file->own.previous = text;
    } else if (str_equal(name, "AllowInvalidHash")) {
        file->may_differ = true;
    }
    return ERR_NONE;
}

/* `line` is the first that is no header. */
static ErrCode check_headers(GraphileFile *file, const TextLine *line, Err *err)
{
    if (line->length > 0) {
        return refuse(file, line->number, err, "no empty line below the headers");
    }
    if (file->own.previous == NULL || *file->own.previous == '\0') {
        return refuse(file, 1, err, "no header \"--! Previous:\"");
    }
    if (file->own.hash == NULL || *file->own.hash == '\0') {
        return refuse(file, 1, err, "no header \"--! Hash:\"");
    }
    if (str_equal(file->own.previous, "-")) {
        file->own.previous = NULL;
    }
    return ERR_NONE;
}

ErrCode graphile_file_read(GraphileFile *file, Arena *arena, Err *err)
{
    const char *end = graphile_file_end(file);
    const char *value = NULL;
    TextLine line = { 0 };
    ErrCode code = ERR_NONE;
    while (code == ERR_NONE) {
        uint32_t number = line.number + 1;
        if (!text_next_line(file->whole.bytes, &line)) {
            line = (TextLine){ end, 0, number };
        }
        const char *name = read_header(&line, arena, &value);
        if (name == NULL) {
            break;
        }
        code = take_header(file, number, name, value, arena, err);
    }
    file->body = line.start;
    file->body_line = line.number;
    return code == ERR_NONE ? check_headers(file, &line, err) : code;
}

/* ---- hashes ---- */

Bytes graphile_text(const char *start, const char *end)
{
    while (start < end && isspace((unsigned char)*start)) {
        start++;
    }
    while (start < end && isspace((unsigned char)end[-1])) {
        end--;
    }
    return (Bytes){ (const uint8_t *)start, (size_t)(end - start) };
}

/* Of the hash before it, a line end, and the text without what is blank around it. */
static void hash_text(const char *previous, Bytes text, char ret_hash[HASH_TEXT])
{
    uint8_t digest[SHA1_DIGEST_SIZE];
    struct sha1_ctx context;
    sha1_init(&context);
    if (previous != NULL) {
        sha1_update(&context, strlen(previous), (const uint8_t *)previous);
        sha1_update(&context, text.length > 0, (const uint8_t *)"\n");
    }
    sha1_update(&context, text.length, text.data);
    sha1_update(&context, 1, (const uint8_t *)"\n");
    sha1_digest(&context, sizeof(digest), digest);
    hex_encode(digest, sizeof(digest), ret_hash);
}

static bool has_hash(const GraphileFile *file, Bytes text)
{
    char hash[HASH_TEXT];
    hash_text(file->own.previous, text, hash);
    return str_starts_with(file->own.hash, HASH_NAME) &&
           str_equal(file->own.hash + strlen(HASH_NAME), hash);
}

/* A checkout may have made CRLF of what was committed with LF. */
static bool has_hash_with_newlines(const GraphileFile *file, Bytes text)
{
    AUTO(Str) lines = { 0 };
    for (size_t i = 0; i < text.length; i++) {
        bool is_return = text.data[i] == '\r' && i + 1 < text.length && text.data[i + 1] == '\n';
        str_append_bytes(&lines, &text.data[i], !is_return);
    }
    return has_hash(file, (Bytes){ (const uint8_t *)str_text(&lines), lines.length });
}

ErrCode graphile_file_check(const SourceReading *reading, const GraphileFile *file, Err *err)
{
    Bytes text = graphile_text(file->body, graphile_file_end(file));
    bool is_same = has_hash(file, text) || has_hash_with_newlines(file, text);
    if (is_same && file->may_differ) {
        source_note(reading->notes, SOURCE_NOTE_WARNING, file->whole.file, 0,
                    "graphile-migrate refuses \"--! AllowInvalidHash\" where the hash is right");
    }
    if (is_same || file->may_differ) {
        return ERR_NONE;
    }
    err_set(err, ERR_SYNTAX, "%s: its text is not what \"--! Hash:\" says was committed",
            file->whole.file);
    return err_hint(err, "graphile-migrate does not run it, either: restore it, or, where it was "
                         "changed on purpose, add the header \"--! AllowInvalidHash\"");
}
