/* Growable text and small text helpers. Pure: libc only. */
#include "common/str.h"

#include <inttypes.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

#define NEAREST_WORD_MAX 63

static void reserve(Str *str, size_t extra)
{
    if (extra > SIZE_MAX / 2 - str->length - 1) {
        abort();
    }
    size_t need = str->length + extra + 1;
    if (need <= str->capacity) {
        return;
    }
    size_t capacity = str->capacity < 64 ? 64 : str->capacity;
    while (capacity < need) {
        capacity *= 2;
    }
    str->data = mem_realloc(str->data, capacity);
    str->capacity = capacity;
}

void str_append_bytes(Str *str, const void *bytes, size_t length)
{
    reserve(str, length);
    if (length > 0) {
        memcpy(str->data + str->length, bytes, length);
    }
    str->length += length;
    str->data[str->length] = '\0';
}

void str_append(Str *str, const char *text)
{
    str_append_bytes(str, text, strlen(text));
}

void str_append_char(Str *str, char c)
{
    str_append_bytes(str, &c, 1);
}

void str_printf(Str *str, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        abort();
    }
    reserve(str, (size_t)length);
    va_start(args, format);
    vsnprintf(str->data + str->length, (size_t)length + 1, format, args);
    va_end(args);
    str->length += (size_t)length;
}

void str_append_count(Str *str, uint64_t count, const char *one, const char *many)
{
    str_printf(str, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

void str_append_quoted(Str *str, const char *text, char quote)
{
    str_append_char(str, quote);
    for (; *text != '\0'; text++) {
        str_append_bytes(str, &quote, *text == quote);
        str_append_char(str, *text);
    }
    str_append_char(str, quote);
}

void str_clear(Str *str)
{
    str->length = 0;
    if (str->data != NULL) {
        str->data[0] = '\0';
    }
}

void str_done(Str *str)
{
    free(str->data);
    *str = (Str){ 0 };
}

const char *str_text(const Str *str)
{
    return str->data == NULL ? "" : str->data;
}

char *str_take(Str *str)
{
    char *text = str->data == NULL ? mem_strdup("") : str->data;
    *str = (Str){ 0 };
    return text;
}

bool str_equal(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return strcmp(a, b) == 0;
}

bool str_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends_with(const char *text, const char *suffix)
{
    size_t text_length = strlen(text);
    size_t suffix_length = strlen(suffix);
    return text_length >= suffix_length &&
           memcmp(text + text_length - suffix_length, suffix, suffix_length) == 0;
}

bool str_copy(char *buffer, size_t size_bytes, const char *text)
{
    size_t length = strnlen(text, size_bytes);
    bool fits = length < size_bytes;
    if (!fits) {
        length = size_bytes - 1;
    }
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    return fits;
}

bool str_to_int64(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    bool is_negative = text[0] == '-';
    const char *digit = is_negative ? text + 1 : text;
    if (*digit == '\0') {
        return false;
    }
    int64_t value = 0;
    for (; *digit != '\0'; digit++) {
        if (!isdigit((unsigned char)*digit)) {
            return false;
        }
        int64_t unit = is_negative ? -(*digit - '0') : *digit - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, unit, &value)) {
            return false;
        }
    }
    if (value < min || value > max) {
        return false;
    }
    *ret = value;
    return true;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment distance, case-insensitive; rows i-2, i-1 and i are kept. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NEAREST_WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            int ca = tolower((unsigned char)a[i - 1]);
            int cb = tolower((unsigned char)b[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                cb == tolower((unsigned char)a[i - 2]) && above2[j - 2] + 1 < row[j]) {
                row[j] = above2[j - 2] + 1;
            }
        }
    }
    return rows[a_length % 3][b_length];
}

bool str_is_within(const char *a, const char *b, size_t edits)
{
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    return a_length <= NEAREST_WORD_MAX && b_length <= NEAREST_WORD_MAX &&
           distance(a, a_length, b, b_length) <= edits;
}

const char *str_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t word_length = strlen(word);
    if (word_length == 0 || word_length > NEAREST_WORD_MAX) {
        return NULL;
    }
    const char *nearest = NULL;
    size_t least = word_length / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(candidates[i]);
        if (length == 0 || length > NEAREST_WORD_MAX) {
            continue;
        }
        size_t d = distance(word, word_length, candidates[i], length);
        if (d < least && d <= length / 3 + 1) {
            least = d;
            nearest = candidates[i];
        }
    }
    return nearest;
}

void hex_encode(const uint8_t *bytes, size_t length, char *ret_text)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        ret_text[2 * i] = DIGITS[bytes[i] >> 4];
        ret_text[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    ret_text[2 * length] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(const char *text, uint8_t *ret_bytes, size_t length)
{
    if (strnlen(text, 2 * length + 1) != 2 * length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
