/*
 * Variables in text as goose's ENVSUB understands them: $NAME, ${NAME}, ${NAME:-default},
 * ${NAME-default}, ${NAME?words}; "$$" and "\$" are a dollar.
 */
#ifndef SKEIN_CLI_SOURCE_INTERPOLATE_H
#define SKEIN_CLI_SOURCE_INTERPOLATE_H

#include "cli/source/variable.h"
#include "common/str.h"

/* Where the text stands, for messages, and what is set. */
typedef struct Interpolation {
    const char *file;
    uint32_t line;
    const SourceVariables *variables; /* before the environment */
} Interpolation;

/*
 * Appends `length` bytes of `text` with their variables' values. A variable is set by --set, or by
 * the environment; one that is not set and has no default is refused, although goose leaves it
 * empty. ERR_SYNTAX with file and line.
 */
ErrCode interpolate(const Interpolation *interpolation, const char *text, size_t length, Str *out,
                    Err *err);

#endif
