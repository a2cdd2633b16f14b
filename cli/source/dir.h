/*
 * A directory of migrations: its names, and its files as bytes. Nothing is read from outside of it:
 * a symbolic link that leads out is refused.
 */
#ifndef SKEIN_CLI_SOURCE_DIR_H
#define SKEIN_CLI_SOURCE_DIR_H

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

#define SOURCE_NAMES_MAX 100000

typedef struct SourceDir {
    const char *path;         /* as it was given, without a slash at the end; for messages */
    const char *real_path;    /* absolute, without links */
    const char *const *names; /* in byte order; those that start with "." are left out */
    size_t count;
} SourceDir;

/*
 * Lists it; everything is in `arena`. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT; ERR_SYNTAX for the name of
 * an SQL file that is not UTF-8 or holds control characters.
 */
ErrCode source_dir_open(const char *path, Arena *arena, SourceDir *ret_dir, Err *err);

/* How messages cite one of its files: "migrations/0001_init.up.sql". */
const char *source_dir_cite(const SourceDir *dir, const char *name, Arena *arena);

/* Reads one file of at most SOURCE_FILE_MAX bytes. ERR_FORBIDDEN when it lies outside. */
ErrCode source_dir_read(const SourceDir *dir, const char *name, Str *out, Err *err);

#endif
