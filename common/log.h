/*
 * The log: one constant sentence and fields, one line per event, to standard error.
 *
 *     log_info("agent connected", LOG_STR("agent", name), LOG_U64("session", id));
 *     log_error("cannot open the store", LOG_ERR(&err));
 *
 * Library code does not log: it returns an Err. Only programs' outermost frames and state changes
 * do. The sentence is a string literal by construction; what varies goes into fields, whose values
 * are escaped, so that no value can begin a line of its own or move a terminal's cursor. Secrets
 * cannot be logged: a Secret is no string (secret.h).
 *
 * Text:  2026-03-01T12:00:05.042Z info agent connected agent=db1 session=7
 * JSON:  {"time":"2026-03-01T12:00:05.042Z","level":"info","message":"agent connected",
 *         "agent":"db1","session":7}
 *
 * Under journald (JOURNAL_STREAM names our stderr): "<6>" in front and no time in text lines.
 */
#ifndef SKEIN_COMMON_LOG_H
#define SKEIN_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/str.h"

typedef enum LogLevel {
    LOG_LEVEL_NONE = 0,
    LOG_LEVEL_ERROR,   /* someone has to do something */
    LOG_LEVEL_WARNING, /* someone may have to */
    LOG_LEVEL_INFO,    /* every state change, once */
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_COUNT_,
} LogLevel;

typedef enum LogFormat {
    LOG_FORMAT_TEXT = 0,
    LOG_FORMAT_JSON,
} LogFormat;

typedef enum LogFieldKind {
    LOG_FIELD_NONE = 0,
    LOG_FIELD_STR,
    LOG_FIELD_U64,
    LOG_FIELD_I64,
    LOG_FIELD_BOOL,
    LOG_FIELD_ERR,
} LogFieldKind;

typedef struct LogField {
    const char *key; /* snake_case, with the unit: "duration_ms" */
    LogFieldKind kind;
    union {
        const char *str;
        uint64_t u64;
        int64_t i64;
        bool flag;
        const Err *err;
    };
} LogField;

#define LOG_STR(name, value)                                                                       \
    ((LogField){ .key = (name), .kind = LOG_FIELD_STR, .str = (value) }) /* NULL: left out */
#define LOG_U64(name, value) ((LogField){ .key = (name), .kind = LOG_FIELD_U64, .u64 = (value) })
#define LOG_I64(name, value) ((LogField){ .key = (name), .kind = LOG_FIELD_I64, .i64 = (value) })
#define LOG_BOOL(name, value) ((LogField){ .key = (name), .kind = LOG_FIELD_BOOL, .flag = (value) })
/* error=NAME sqlstate=… detail="…" hint="…", each only when there is one. */
#define LOG_ERR(value) ((LogField){ .key = "error", .kind = LOG_FIELD_ERR, .err = (value) })

#define log_error(sentence, ...) LOG_WRITE_(LOG_LEVEL_ERROR, sentence, ##__VA_ARGS__)
#define log_warning(sentence, ...) LOG_WRITE_(LOG_LEVEL_WARNING, sentence, ##__VA_ARGS__)
#define log_info(sentence, ...) LOG_WRITE_(LOG_LEVEL_INFO, sentence, ##__VA_ARGS__)
#define log_debug(sentence, ...) LOG_WRITE_(LOG_LEVEL_DEBUG, sentence, ##__VA_ARGS__)

#define LOG_WRITE_(level, sentence, ...)                                                           \
    do {                                                                                           \
        if (log_is_on(level)) {                                                                    \
            const LogField fields_[] = { { .key = NULL }, ##__VA_ARGS__ };                         \
            log_write((level), "" sentence, fields_ + 1, sizeof(fields_) / sizeof(*fields_) - 1);  \
        }                                                                                          \
    } while (0)

/* Until it is called: text, up to info, to standard error. Call before threads are started. */
void log_init(LogFormat format, LogLevel max_level);

/* Where lines go instead of standard error; the descriptor stays the caller's. For tests. */
void log_set_fd(int fd);

bool log_is_on(LogLevel level);

/*
 * Writes one line with one write(2). Thread-safe. Never fails and never changes errno: a log that
 * cannot be written is no reason to stop.
 */
void log_write(LogLevel level, const char *sentence, const LogField *fields, size_t count);

/* Appends the line, with its newline, to `out`. wall_ms < 0: without time. */
void log_format_line(LogFormat format, int64_t wall_ms, LogLevel level, const char *sentence,
                     const LogField *fields, size_t count, Str *out);

const char *log_level_name(LogLevel level);

/* False, *ret untouched, when there is no such level. */
bool log_level_from_name(const char *name, LogLevel *ret_level);

#endif
