/*
 * A unified diff of two texts, by lines. Of texts that have too many lines in common places to be
 * laid side by side in memory, what lies between their common head and tail is told as replaced.
 */
#ifndef SKEIN_CLI_PAST_UNIFIED_H
#define SKEIN_CLI_PAST_UNIFIED_H

#include "common/str.h"
#include "proto/values.h"

typedef struct UnifiedSides {
    const char *old_label; /* behind "--- " */
    const char *new_label; /* behind "+++ " */
    Bytes old_text;
    Bytes new_text;
} UnifiedSides;

/*
 * Appends at most `lines_max` lines, and how many more there were; nothing where the texts are the
 * same. "\r\n" is a line's end as "\n" is.
 */
void unified_write(const UnifiedSides *sides, size_t lines_max, Str *out);

#endif
