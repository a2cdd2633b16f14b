/* Errors as values: the table's look-ups and the formatting. Pure: no I/O, no allocation. */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/utf8.h"

typedef struct ErrRow {
    ErrCode code;
    const char *name;
    ExitCode exit_code;
    RetryClass retry;
    const char *text;
} ErrRow;

static const ErrRow ROWS[] = {
#define X(code, number, name, exit_code, retry, text) { code, name, exit_code, retry, text },
    ERR_TABLE(X)
#undef X
};

static const ErrRow UNKNOWN_ROW = { ERR_INTERNAL, "unknown", EXIT_CODE_FAILED, RETRY_NEVER,
                                    "an error that this version of skein does not know" };

static const char CUT_MARK[] = "…";

static const ErrRow *row_of(ErrCode code)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (ROWS[i].code == code) {
            return &ROWS[i];
        }
    }
    return &UNKNOWN_ROW;
}

/* Ends the cut text so that no UTF-8 sequence is torn. */
static size_t mark_cut(char *buffer, size_t size_bytes)
{
    size_t mark_length = sizeof(CUT_MARK) - 1;
    if (size_bytes <= mark_length) {
        buffer[0] = '\0';
        return 0;
    }
    size_t end = size_bytes - 1 - mark_length;
    while (end > 0 && ((unsigned char)buffer[end] & 0xC0) == 0x80) {
        end--;
    }
    memcpy(buffer + end, CUT_MARK, mark_length + 1);
    return end + mark_length;
}

size_t text_format_args(char *buffer, size_t size_bytes, const char *format, va_list args)
{
    int length = vsnprintf(buffer, size_bytes, format, args);
    if (length < 0) {
        buffer[0] = '\0';
        return 0;
    }
    if ((size_t)length < size_bytes) {
        return (size_t)length;
    }
    return mark_cut(buffer, size_bytes);
}

/* What an error quotes may come from anywhere: a server that speaks Latin-1, a torn file. */
__attribute__((format(printf, 3, 0))) static void format_words(char *buffer, size_t size_bytes,
                                                               const char *format, va_list args)
{
    size_t length = text_format_args(buffer, size_bytes, format, args);
    for (size_t at = 0; at < length;) {
        size_t step = utf8_character(buffer + at, length - at);
        if (step == 0) {
            buffer[at] = '?';
        }
        at += step == 0 ? 1 : step;
    }
}

size_t text_format(char *buffer, size_t size_bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t length = text_format_args(buffer, size_bytes, format, args);
    va_end(args);
    return length;
}

ErrCode err_set(Err *err, ErrCode code, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    /* The arguments may point into *err itself: format first, reset after. */
    char message[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    format_words(message, sizeof(message), format, args);
    va_end(args);
    *err = (Err){ .code = code };
    memcpy(err->message, message, sizeof(message));
    return code;
}

ErrCode err_set_errno(Err *err, ErrCode code, int sys_errno, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    char message[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    format_words(message, sizeof(message), format, args);
    va_end(args);
    *err = (Err){ .code = code, .sys_errno = sys_errno };
    text_format(err->message, sizeof(err->message), "%s: %s", message, strerrordesc_np(sys_errno));
    return code;
}

ErrCode err_wrap(Err *err, const char *format, ...)
{
    if (err == NULL) {
        return ERR_INTERNAL;
    }
    char context[ERR_MESSAGE_MAX];
    char inner[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    format_words(context, sizeof(context), format, args);
    va_end(args);
    memcpy(inner, err->message, sizeof(inner));
    text_format(err->message, sizeof(err->message), "%s: %s", context, inner);
    return err->code;
}

ErrCode err_append(Err *err, const char *format, ...)
{
    if (err == NULL) {
        return ERR_INTERNAL;
    }
    char words[ERR_MESSAGE_MAX];
    char inner[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    format_words(words, sizeof(words), format, args);
    va_end(args);
    memcpy(inner, err->message, sizeof(inner));
    text_format(err->message, sizeof(err->message), "%s%s", inner, words);
    return err->code;
}

ErrCode err_hint(Err *err, const char *format, ...)
{
    if (err == NULL) {
        return ERR_INTERNAL;
    }
    va_list args;
    va_start(args, format);
    format_words(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    return err->code;
}

const char *err_name(ErrCode code)
{
    return row_of(code)->name;
}

const char *err_text(ErrCode code)
{
    return row_of(code)->text;
}

ExitCode err_exit_code(ErrCode code)
{
    return row_of(code)->exit_code;
}

RetryClass err_retry_class(ErrCode code)
{
    return row_of(code)->retry;
}

bool err_is_known(long number)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if ((long)ROWS[i].code == number) {
            return true;
        }
    }
    return false;
}

bool err_from_name(const char *name, ErrCode *ret_code)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (strcmp(ROWS[i].name, name) == 0) {
            *ret_code = ROWS[i].code;
            return true;
        }
    }
    return false;
}

size_t err_count(void)
{
    return ARRAY_LEN(ROWS);
}

ErrCode err_at(size_t index)
{
    return ROWS[index].code;
}
