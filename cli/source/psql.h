/*
 * What psql does itself, when a file is meant for it: backslash commands, variables, included
 * files, and the rows below COPY … FROM STDIN. What comes out is SQL alone, and the rows beside it.
 *
 * Understood: \set and \unset, \i and \ir within the directory, what only speaks to the person at
 * the terminal (\echo, \timing, …), and \restrict. Everything else is refused with its line.
 */
#ifndef SKEIN_CLI_SOURCE_PSQL_H
#define SKEIN_CLI_SOURCE_PSQL_H

#include "cli/source/dir.h"
#include "cli/source/scan.h"
#include "cli/source/variable.h"

typedef struct PsqlInput {
    const char *file; /* as messages cite it */
    Bytes bytes;
    uint32_t first_line;
    const SourceVariables *variables;
    const SourceDir *dir; /* what \i is relative to; NULL: nothing may be included */
    const char *path;     /* of the file below it, for \ir */
} PsqlInput;

/* Rows of a COPY whose statement ends before this byte of the text. */
typedef struct PsqlCopy {
    size_t offset;
    Bytes rows; /* as they stand in the file, without the line "\." */
} PsqlCopy;

/* ":name" or ":'name'" that nobody has set, as it stands: a slice of an array, or an oversight. */
typedef struct PsqlUnset {
    size_t offset;
    const char *name;
    bool is_in_brackets;
} PsqlUnset;

typedef struct PsqlText {
    Bytes bytes;               /* SQL alone, without a byte order mark */
    const TextOrigin *origins; /* at least one */
    size_t origin_count;
    const PsqlCopy *copies; /* in the order of the text */
    size_t copy_count;
    const PsqlUnset *unset;
    size_t unset_count;
} PsqlText;

/*
 * ERR_SYNTAX with file and line for a command that is refused, for an included file that is not to
 * be had what source_dir_read says. Everything is in `arena`.
 */
ErrCode psql_read(const PsqlInput *input, Arena *arena, PsqlText *ret_text, Err *err);

#endif
