/*
 * Migration sources: a directory in, ordered migrations out, in the form that a plan carries.
 *
 * Each format is one file with one exported SourceFormat; source.c lists them. Agents never see any
 * of this: they get statements, split, classified and with their probes.
 */
#ifndef SKEIN_CLI_SOURCE_SOURCE_H
#define SKEIN_CLI_SOURCE_SOURCE_H

#include "cli/source/dir.h"
#include "cli/source/note.h"
#include "proto/bundle.h"

/* What a directory holds, oldest first. Everything is in the arena that it was read into. */
typedef struct MigrationSet {
    const char *format; /* name of the format that read it */
    PlanMigration *migrations;
    size_t count;
    const SourceNote *notes;
    size_t note_count;
    const ScriptOrigin *origins; /* sorted for source_origin */
    size_t origin_count;
} MigrationSet;

/* A format of migration directories. */
typedef struct SourceFormat {
    const char *name;   /* as `format:` and --format say it */
    const char *layout; /* one line for people: how its files are named */

    /* How surely the directory is of this format, by its names: 0 not at all, 100 no doubt. */
    unsigned (*detect)(const SourceDir *dir);

    /*
     * Reads the directory: migrations and count of *ret_set, in the arena; notes are added to
     * `notes`. Errors name file and line. Changes nothing on the disk.
     */
    ErrCode (*read)(const SourceDir *dir, SourceNotes *notes, Arena *arena, MigrationSet *ret_set,
                    Err *err);
} SourceFormat;

extern const SourceFormat source_golang_migrate;

/*
 * Reads the directory at `path` with the named format, or with the one that recognises it (NULL).
 * Blocks on the disk. ERR_NOT_FOUND for no such directory, no such format, or a directory without
 * migrations; ERR_SYNTAX and ERR_LIMIT with file and line for what is in the files. *ret_set only
 * on success.
 */
ErrCode source_read(const char *path, const char *format, Arena *arena, MigrationSet *ret_set,
                    Err *err);

/* Where a script of the set stands; NULL for one without a statement of its own. */
const ScriptOrigin *source_origin(const MigrationSet *set, const PlanScript *script);

#endif
