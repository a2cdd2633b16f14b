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
#include "cli/source/script.h"
#include "cli/source/variable.h"
#include "proto/bundle.h"

/* What whoever plans says about a directory. All zero: nothing. */
typedef struct SourceOptions {
    const char *format; /* NULL: the one that recognises the directory */
    SourceVariables variables;
    const SourceOverlay *overlay; /* NULL: every file is read as it is */
    bool goes_on; /* what cannot be read is kept as a refusal, and the rest is read: for who looks
                     at migrations and runs none */
    bool wants_downs; /* a down that cannot run is an error: for who proves downs */
} SourceOptions;

/* What a directory holds, oldest first. Everything is in the arena that it was read into. */
typedef struct MigrationSet {
    const char *format; /* name of the format that read it */
    PlanMigration *migrations;
    size_t count;
    bool has_branches;      /* some of them stand beside each other: their order here is but one of
                               several */
    const void *const *own; /* of each migration: what the format knows of it and no plan carries */
    const char *own_table; /* where the format's tool keeps its history, by what the directory says;
                              NULL: it does not say */
    const SourceNote *notes; /* each once */
    size_t note_count;
    const ScriptOrigin *origins; /* sorted for source_origin */
    size_t origin_count;
    const SourceRefusal *refusals; /* with SourceOptions.goes_on, and of source_take */
    size_t refusal_count;
} MigrationSet;

/* What a format works with while it reads. */
typedef struct SourceReading {
    const SourceDir *dir; /* without the files that are meant for other databases */
    const SourceOptions *options;
    SourceNotes *notes;
    Arena *arena;
} SourceReading;

/*
 * The error that *err tells of `file`, as it is cited, and of the migration of that id ("": none):
 * its code, or ERR_NONE where the reading goes on without what it is about.
 */
ErrCode source_pass_over(const SourceReading *reading, const char *migration, const char *file,
                         Err *err);

/* A migration to be written by `skein new`. */
typedef struct NewMigration {
    const char *slug;            /* of its name: lower-case letters, digits and "_" */
    const PlanMigration *newest; /* of the directory, or NULL */
    int64_t now_s;               /* Unix time, for versions that are times */
    const char *directory;       /* whose settings count; NULL, or not there: it has none */
} NewMigration;

typedef struct NewFile {
    const char *path; /* below the directory; folders on the way are made */
    const char *text;
} NewFile;

#define NEW_FILES_MAX 3

typedef struct NewFiles {
    NewFile items[NEW_FILES_MAX];
    size_t count;
} NewFiles;

/* A format of migration directories. */
typedef struct SourceFormat {
    const char *name;   /* as `format:` and --format say it */
    const char *layout; /* one line for people: "a migration is …" */
    const char *twins;  /* what the tool makes of two with one version, for a warning; NULL: there
                           are none */
    bool is_by_text;    /* it orders what names begin with as text: 10 before 2 */

    /* How many of the directory's files or folders it takes for its own; 0: not of this format. */
    size_t (*claim)(const SourceReading *reading);

    /*
     * Reads the directory: migrations and count of *ret_set, in the arena; notes are added to
     * `notes`. Errors name file and line. Changes nothing on the disk.
     */
    ErrCode (*read)(const SourceReading *reading, MigrationSet *ret_set, Err *err);

    /* What the files of a new migration are called and hold. NULL: they are made by the tool. */
    ErrCode (*create)(const NewMigration *migration, Arena *arena, NewFiles *ret_files, Err *err);
} SourceFormat;

extern const SourceFormat source_golang_migrate;
extern const SourceFormat source_dbmate;
extern const SourceFormat source_goose;
extern const SourceFormat source_flyway;
extern const SourceFormat source_diesel;
extern const SourceFormat source_prisma;
extern const SourceFormat source_sqitch;
extern const SourceFormat source_alembic;
extern const SourceFormat source_node_pg_migrate;
extern const SourceFormat source_graphile_migrate;
extern const SourceFormat source_atlas;

/*
 * Reads the directory at `path` with the named format, or with the one that recognises it. Blocks
 * on the disk. ERR_NOT_FOUND for no such directory, no such format, or a directory without
 * migrations; ERR_USAGE when two formats recognise it; ERR_SYNTAX and ERR_LIMIT with file and line
 * for what is in the files. *ret_set only on success.
 */
ErrCode source_read(const char *path, const SourceOptions *options, Arena *arena,
                    MigrationSet *ret_set, Err *err);

/*
 * Scripts that belong to no history: each is a migration of its own, named by its file, which
 * nothing undoes. One that cannot be read has no statement, and is among the refusals.
 */
void source_take(const ScriptInput *inputs, size_t count, Arena *arena, MigrationSet *ret_set);

/*
 * The format that recognises the directory, be there migrations in it or not yet: its settings may
 * say it. NULL: none does, or more than one.
 */
const SourceFormat *source_recognise(const char *path, Arena *arena);

/* The format of that name; ERR_NOT_FOUND with what may have been meant. */
ErrCode source_format(const char *name, const SourceFormat **ret_format, Err *err);

/*
 * The rule for a migration that is absent below an applied one, as it was asked for, in a plan of
 * this set: beside another branch nothing is below, and what is absent there is due.
 */
HistoryRule source_out_of_order(const MigrationSet *set, HistoryRule asked);

/* Does this migration but join branches? Such a one never has statements. */
bool source_is_merge(const MigrationSet *set, size_t index);

/* Where a script of the set stands; NULL for one without a statement of its own. */
const ScriptOrigin *source_origin(const MigrationSet *set, const PlanScript *script);

#endif
