/* Versions as the tools order them. All take the texts as they stand in names. */
#ifndef SKEIN_CLI_SOURCE_VERSION_H
#define SKEIN_CLI_SOURCE_VERSION_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

/* How many digits a name begins with. */
size_t version_digits(const char *name);

/* As numbers of any width: 9 < 10, 007 = 7. Both are digits alone. */
int version_compare_numbers(const char *a, const char *b);

/*
 * As rows of numbers, divided by whatever is no digit: 1.2 < 1.10, 1 = 1.0. What is missing counts
 * as 0.
 */
int version_compare_rows(const char *a, const char *b);

/* As text, but runs of digits as numbers: a_2 < a_10. 0: at most their leading zeros are others. */
int version_compare_names(const char *a, const char *b);

/* A version that is a time, in UTC: "20240131235959". */
const char *version_of_time(int64_t time_s, Arena *arena);

/*
 * The second after a version that is such a time. NULL when it is none: 14 digits that are a time.
 */
const char *version_second_after(const char *version, Arena *arena);

/*
 * The number after `version`, at least as wide as that is written. NULL when it is none, or too
 * great to count on from.
 */
const char *version_after(const char *version, Arena *arena);

#endif
