/* Flyway's placeholders: ${name}, anywhere in a file, replaced before anything is understood. */
#ifndef SKEIN_CLI_SOURCE_PLACEHOLDER_H
#define SKEIN_CLI_SOURCE_PLACEHOLDER_H

#include "cli/source/variable.h"
#include "common/str.h"
#include "proto/values.h"

typedef struct Placeholders {
    const SourceVariables *variables; /* names in any case */
    const char *prefix;               /* "${" */
    const char *suffix;               /* "}" */
    const ConfigPair *own;            /* of the file itself: ${flyway:filename}, … */
    size_t own_count;
} Placeholders;

/*
 * Appends `text` with every placeholder replaced. ERR_SYNTAX with file and line for one that has no
 * value or no end.
 */
ErrCode placeholders_replace(const Placeholders *placeholders, const char *file, Bytes text,
                             Str *out, Err *err);

#endif
