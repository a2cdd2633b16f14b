/*
 * A directory of migrations: its names, and its files as bytes. Nothing is read from outside of it:
 * a symbolic link that leads out is refused.
 */
#ifndef SKEIN_CLI_SOURCE_DIR_H
#define SKEIN_CLI_SOURCE_DIR_H

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"
#include "proto/values.h"

#define SOURCE_NAMES_MAX 100000

/* A text that is read in place of a file's own. */
typedef struct SourceOverlay {
    const char *file; /* absolute, without links */
    Bytes text;
} SourceOverlay;

/* Names that start with "." are left out of both lists. */
typedef struct SourceDir {
    const char *path;         /* as it was given, without a slash at the end; for messages */
    const char *real_path;    /* absolute, without links */
    const char *root_path;    /* nothing outside of it is read: real_path of the outermost one */
    const char *const *names; /* of what is no folder, in byte order */
    size_t count;
    const char *const *folders; /* in byte order */
    size_t folder_count;
    const SourceOverlay *overlay; /* NULL: all files are read as they are */
} SourceDir;

/*
 * Lists it; everything is in `arena`. No overlay is in it. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT;
 * ERR_SYNTAX for the name of an SQL file or of a folder that is not UTF-8 or holds control
 * characters.
 */
ErrCode source_dir_open(const char *path, Arena *arena, SourceDir *ret_dir, Err *err);

/* Lists one of its folders, which has its overlay. ERR_FORBIDDEN when that lies outside of the
 * outermost directory. */
ErrCode source_dir_enter(const SourceDir *dir, const char *folder, Arena *arena, SourceDir *ret_dir,
                         Err *err);

/* Is there a file (a folder) of this name? */
bool source_dir_has(const SourceDir *dir, const char *name);
bool source_dir_has_folder(const SourceDir *dir, const char *name);

/* Is there something at this path below the directory? Asks the disk. */
bool source_dir_has_path(const SourceDir *dir, const char *path);

/* How messages cite one of its files: "migrations/0001_init.up.sql". */
const char *source_dir_cite(const SourceDir *dir, const char *name, Arena *arena);

/*
 * Reads one file of at most SOURCE_FILE_MAX bytes; `name` may be a path below the directory.
 * ERR_FORBIDDEN when it lies outside.
 */
ErrCode source_dir_read(const SourceDir *dir, const char *name, Str *out, Err *err);

#endif
