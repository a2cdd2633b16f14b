/*
 * Units that people write: durations ("500ms", "2s", "5m", "2h", "1d") and sizes ("64MiB"). Pure.
 *
 * One whole number and one unit; a number without a unit is refused, since nobody can tell what it
 * was meant to be. Only 0 needs none.
 */
#ifndef SKEIN_COMMON_UNITS_H
#define SKEIN_COMMON_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#define DURATION_TEXT_MAX 32
#define SIZE_TEXT_MAX 32

/*
 * False, *ret untouched, when the text is no duration or above UINT32_MAX milliseconds (49 days).
 */
bool duration_parse(const char *text, uint32_t *ret_ms);

/* For people, the two largest units: "850 ms", "2 m 5 s", "3 h", "1 d 4 h". */
void duration_format(uint64_t duration_ms, char ret_text[DURATION_TEXT_MAX]);

/* The shortest text that duration_parse reads back to the same value: "90s", "2h". */
void duration_write(uint32_t duration_ms, char ret_text[DURATION_TEXT_MAX]);

/* Units B, KiB, MiB, GiB, and kB, MB, GB (powers of ten). False, *ret untouched, otherwise. */
bool size_parse(const char *text, uint64_t *ret_bytes);

/* The shortest text that size_parse reads back to the same value, in binary units: "64MiB". */
void size_write(uint64_t size_bytes, char ret_text[SIZE_TEXT_MAX]);

#endif
