/*
 * Printable texts: what comes from databases and agents may hold control characters, and a terminal
 * obeys them. Whatever is shown to people goes through here; JSON output escapes them by itself.
 */
#ifndef SKEIN_CLI_PRINTABLE_H
#define SKEIN_CLI_PRINTABLE_H

#include <jansson.h>

#include "common/str.h"

/*
 * In place, never longer: line breaks and tabs become spaces, other control characters (C0, DEL,
 * and C1 in UTF-8) become '?'.
 */
void printable_make(char *text);

/* Appends `text` as printable_make would have it. */
void printable_append(Str *out, const char *text);

/* The same for every string of a value, at any depth; a rollout's `explain` keeps its lines. Keys
 * are the coordinator's own. */
void printable_make_json(json_t *value);

#endif
