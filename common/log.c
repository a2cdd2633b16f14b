/*
 * The log: formatting, and one write per line. The settings are made once before threads exist;
 * lines need no lock, since a single write(2) to a pipe, a journal stream or an appended file is
 * not torn at our line lengths.
 */
#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/utf8.h"

#define VALUE_BYTES_MAX 1024 /* longer values are cut, with "…" */

typedef struct LevelRow {
    const char *name;
    char journal_priority;
} LevelRow;

static const LevelRow LEVELS[] = {
    [LOG_LEVEL_NONE] = { "none", '7' },       [LOG_LEVEL_ERROR] = { "error", '3' },
    [LOG_LEVEL_WARNING] = { "warning", '4' }, [LOG_LEVEL_INFO] = { "info", '6' },
    [LOG_LEVEL_DEBUG] = { "debug", '7' },
};
_Static_assert(ARRAY_LEN(LEVELS) == LOG_LEVEL_COUNT_, "a level without a row");

static struct {
    LogFormat format;
    LogLevel max_level;
    int fd;
    bool is_journal;
} g_log = { .format = LOG_FORMAT_TEXT, .max_level = LOG_LEVEL_INFO, .fd = STDERR_FILENO };

/* JOURNAL_STREAM is inherited even where stderr was redirected: only its device and inode tell. */
static bool is_journal_stream(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device = 0;
    uintmax_t inode = 0;
    struct stat status;
    return stream != NULL && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 &&
           fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_init(LogFormat format, LogLevel max_level)
{
    g_log.format = format;
    g_log.max_level = max_level;
    g_log.is_journal = is_journal_stream(g_log.fd);
}

void log_set_fd(int fd)
{
    g_log.fd = fd;
    g_log.is_journal = is_journal_stream(fd);
}

bool log_is_on(LogLevel level)
{
    return level <= g_log.max_level;
}

const char *log_level_name(LogLevel level)
{
    return (size_t)level < ARRAY_LEN(LEVELS) ? LEVELS[level].name : LEVELS[LOG_LEVEL_NONE].name;
}

bool log_level_from_name(const char *name, LogLevel *ret_level)
{
    for (size_t i = LOG_LEVEL_ERROR; i < ARRAY_LEN(LEVELS); i++) {
        if (strcmp(LEVELS[i].name, name) == 0) {
            *ret_level = (LogLevel)i;
            return true;
        }
    }
    return false;
}

static bool is_plain(const char *text)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-.,:/@%+*()[]";
    return text[0] != '\0' && text[strspn(text, PLAIN)] == '\0';
}

/* Controls, C1 controls (which are terminal escapes too) and bytes that are no UTF-8. */
static bool needs_escape(const unsigned char *at, size_t step)
{
    return step == 0 || at[0] < 0x20 || at[0] == 0x7F || (at[0] == 0xC2 && at[1] < 0xA0);
}

static void quote_text(Str *out, const char *text)
{
    size_t length = strlen(text);
    str_append_char(out, '"');
    for (size_t at = 0; at < length;) {
        const unsigned char *byte = (const unsigned char *)text + at;
        size_t step = utf8_character(text + at, length - at);
        if (*byte == '\n' || *byte == '\t') {
            str_append(out, *byte == '\n' ? "\\n" : "\\t");
        } else if (needs_escape(byte, step)) {
            step = step == 0 ? 1 : step;
            str_printf(out, "\\x%02x", byte[step - 1]);
        } else {
            if (*byte == '"' || *byte == '\\') {
                str_append_char(out, '\\');
            }
            str_append_bytes(out, text + at, step);
        }
        at += step;
    }
    str_append_char(out, '"');
}

/* Where the fields of one line go; the two formats differ in nothing else. */
typedef struct Line {
    LogFormat format;
    Str *out;
    JsonOut json;
} Line;

static void put_string(Line *line, const char *key, const char *value)
{
    char cut[VALUE_BYTES_MAX + 1];
    text_format(cut, sizeof(cut), "%s", value);
    if (line->format == LOG_FORMAT_JSON) {
        json_out_string(&line->json, key, cut);
        return;
    }
    str_printf(line->out, " %s=", key);
    if (is_plain(cut)) {
        str_append(line->out, cut);
    } else {
        quote_text(line->out, cut);
    }
}

static void put_u64(Line *line, const char *key, uint64_t value)
{
    if (line->format == LOG_FORMAT_JSON) {
        json_out_unsigned(&line->json, key, value);
    } else {
        str_printf(line->out, " %s=%" PRIu64, key, value);
    }
}

static void put_i64(Line *line, const char *key, int64_t value)
{
    if (line->format == LOG_FORMAT_JSON) {
        json_out_integer(&line->json, key, value);
    } else {
        str_printf(line->out, " %s=%" PRId64, key, value);
    }
}

static void put_bool(Line *line, const char *key, bool value)
{
    if (line->format == LOG_FORMAT_JSON) {
        json_out_bool(&line->json, key, value);
    } else {
        str_printf(line->out, " %s=%s", key, value ? "true" : "false");
    }
}

static void put_err(Line *line, const Err *err)
{
    put_string(line, "error", err_name(err->code));
    if (err->sqlstate[0] != '\0') {
        put_string(line, "sqlstate", err->sqlstate);
    }
    put_string(line, "detail", err->message);
    if (err->hint[0] != '\0') {
        put_string(line, "hint", err->hint);
    }
}

static void put_field(Line *line, const LogField *field)
{
    switch (field->kind) {
    case LOG_FIELD_STR:
        if (field->str != NULL) {
            put_string(line, field->key, field->str);
        }
        break;
    case LOG_FIELD_U64:
        put_u64(line, field->key, field->u64);
        break;
    case LOG_FIELD_I64:
        put_i64(line, field->key, field->i64);
        break;
    case LOG_FIELD_BOOL:
        put_bool(line, field->key, field->flag);
        break;
    case LOG_FIELD_ERR:
        put_err(line, field->err);
        break;
    case LOG_FIELD_NONE:
        break;
    }
}

static void put_head(Line *line, int64_t wall_ms, LogLevel level, const char *sentence)
{
    char time[UTC_TEXT_MAX] = "";
    if (wall_ms >= 0) {
        utc_format(wall_ms, time);
    }
    if (line->format == LOG_FORMAT_JSON) {
        json_out_object_begin(&line->json, NULL);
        if (wall_ms >= 0) {
            json_out_string(&line->json, "time", time);
        }
        json_out_string(&line->json, "level", log_level_name(level));
        json_out_string(&line->json, "message", sentence);
    } else {
        str_printf(line->out, "%s%s%s %s", time, wall_ms >= 0 ? " " : "", log_level_name(level),
                   sentence);
    }
}

void log_format_line(LogFormat format, int64_t wall_ms, LogLevel level, const char *sentence,
                     const LogField *fields, size_t count, Str *out)
{
    Line line = { .format = format, .out = out, .json = json_out(out) };
    put_head(&line, wall_ms, level, sentence);
    for (size_t i = 0; i < count; i++) {
        put_field(&line, &fields[i]);
    }
    if (format == LOG_FORMAT_JSON) {
        json_out_object_end(&line.json);
    }
    str_append_char(out, '\n');
}

void log_write(LogLevel level, const char *sentence, const LogField *fields, size_t count)
{
    int kept = errno;
    AUTO(Str) line = { 0 };
    if (g_log.is_journal) {
        str_printf(&line, "<%c>", LEVELS[level].journal_priority);
    }
    bool has_time = !g_log.is_journal || g_log.format == LOG_FORMAT_JSON;
    log_format_line(g_log.format, has_time ? clock_wall_ms() : -1, level, sentence, fields, count,
                    &line);
    ssize_t put = 0;
    do {
        put = write(g_log.fd, line.data, line.length);
    } while (put < 0 && errno == EINTR);
    errno = kept;
}
