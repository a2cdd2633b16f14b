/*
 * Str: a growable, NUL-terminated text buffer on the heap; and the few text helpers everyone needs.
 * Growing never fails (see arena.h).
 */
#ifndef SKEIN_COMMON_STR_H
#define SKEIN_COMMON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"

/*
 * Zero-initialised is empty and valid. `data` is NULL or NUL-terminated; str_text() is never NULL.
 */
typedef struct Str {
    char *data;
    size_t length;
    size_t capacity;
} Str;

void str_append(Str *str, const char *text);
void str_append_bytes(Str *str, const void *bytes, size_t length);
void str_append_char(Str *str, char c);
void str_printf(Str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "1 target", "3 targets", "0 targets". */
void str_append_count(Str *str, uint64_t count, const char *one, const char *many);

/* In quotes, with those within doubled: an SQL name ('"') or text ('\''). */
void str_append_quoted(Str *str, const char *text, char quote);
void str_clear(Str *str); /* keeps the memory */
void str_done(Str *str);  /* releases it; the Str is empty and usable again */
const char *str_text(const Str *str);

/* Moves the text out as a heap string that the caller frees; the Str is empty afterwards. */
char *str_take(Str *str);

AUTO_DEFINE(Str, str_done)

bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts_with(const char *text, const char *prefix);
bool str_ends_with(const char *text, const char *suffix);

/*
 * Copies with a stated maximum, always NUL-terminated. False when the text did not fit (it is cut).
 */
bool str_copy(char *buffer, size_t size_bytes, const char *text);

/*
 * Whole-text number: optional '-' (signed only), decimal digits, nothing else, within [min, max].
 * False otherwise, *ret untouched.
 */
bool str_to_int64(const char *text, int64_t min, int64_t max, int64_t *ret);

/*
 * The candidate nearest to `word` by Damerau-Levenshtein distance, or NULL when none is near enough
 * to suggest (more than a third of the word's letters wrong). For "did you mean".
 */
const char *str_nearest(const char *word, const char *const *candidates, size_t count);

/* Does at most `edits` letters' change, in any case, make one word of the other? A swap is one. */
bool str_is_within(const char *a, const char *b, size_t edits);

/* Lower-case hexadecimal. `ret_text` holds 2 * length + 1 bytes. */
void hex_encode(const uint8_t *bytes, size_t length, char *ret_text);

/* Exactly `length` bytes from exactly 2 * length digits; false otherwise. */
bool hex_decode(const char *text, uint8_t *ret_bytes, size_t length);

#endif
