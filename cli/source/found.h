/*
 * What a format has found in a directory, before any SQL is read: which migrations there are, and
 * the files of each. The way from there to the plan's migrations is the same for every format:
 * order, versions that two share, reading each in turn, what cannot be undone.
 */
#ifndef SKEIN_CLI_SOURCE_FOUND_H
#define SKEIN_CLI_SOURCE_FOUND_H

#include "cli/source/script.h"
#include "cli/source/source.h"

typedef struct Found {
    const char *id;      /* what identifies it in a fleet; unique */
    const char *version; /* as the tool's own history table says it, or as the name spells it */
    const char *key;     /* what the order compares; NULL: the version */
    const char *name;    /* for people */
    const char *up;      /* file, as the directory reads it */
    const char *down;    /* file, or NULL; the same as `up` where one file holds both */
    const void *own;     /* the format's own, for its FoundRead and its tool; or NULL */
} Found;

typedef LIST(Found) FoundList;

static inline void found_list_done(FoundList *list)
{
    LIST_DONE(list);
}

AUTO_DEFINE(FoundList, found_list_done)

typedef int (*VersionOrder)(const char *a, const char *b);

/*
 * One whose name is a version in digits, "_" or "-", and words: "0001_a.sql". The id is the first
 * `stem` bytes of the name.
 */
Found found_of_name(const char *name, size_t stem, Arena *arena);

/* Fills up, down, checksum and is_irreversible; the rest is filled from `found` already. */
typedef ErrCode (*FoundRead)(const SourceReading *reading, const Found *found,
                             PlanMigration *migration, Err *err);

/*
 * Orders the list by key, then by id (`order` NULL: it is in order), warns of versions that two
 * share, refuses ids that two share, and reads each.
 */
ErrCode found_read(const SourceReading *reading, FoundList *list, VersionOrder order,
                   FoundRead read, MigrationSet *ret_set, Err *err);

/* The two scripts of one migration. */
typedef struct FoundScripts {
    ScriptInput up;
    ScriptInput down;        /* file NULL: there is none */
    const char *down_wanted; /* what would undo it, for a note: "0001_a.down.sql" */
    bool is_irreversible;    /* the format itself says that nothing undoes it */
} FoundScripts;

/* Reads both, and lets either say that nothing undoes it. A FoundRead ends here. */
ErrCode found_read_scripts(const SourceReading *reading, const FoundScripts *scripts,
                           PlanMigration *migration, Err *err);

/*
 * A file of the directory as the input of a script, its bytes in the arena, with the reading's
 * variables; the transaction rule is TRANSACTION_DERIVED. A section of it is a copy of this with
 * other bytes and first line.
 */
ErrCode found_input(const SourceReading *reading, const char *file, ScriptInput *ret_input,
                    Err *err);

/* ---- layouts of a folder per migration ---- */

/* How many of the directory's folders hold a file of this name. */
size_t found_folders_with(const SourceReading *reading, const char *name);

/* What a folder VERSION_name is called: the name, or all of it where there is none. Points into it.
 */
const char *found_folder_name(const char *folder);

/* "folder/name" */
const char *found_below(const char *folder, const char *name, Arena *arena);

#endif
