/*
 * golang-migrate's layout: NNNN_name.up.sql and, where it can be undone, NNNN_name.down.sql.
 *
 * The id is the name before ".up.sql"; the leading digits are the version, compared as a number of
 * any width. Two migrations may share one: their ids order them. A down belongs to the up of the
 * same id, or else, as golang-migrate itself pairs them, to the one that is left of the same
 * version. golang-migrate sends a file as one query: all of it is one transaction, but for what
 * stands before a COMMIT of its own.
 */
#include <string.h>

#include "cli/source/new_version.h"
#include "cli/source/pairs.h"
#include "cli/source/version.h"

#define UP_SUFFIX ".up.sql"
#define DOWN_SUFFIX ".down.sql"
#define NO_VERSION "0000" /* before the first; as wide as that is written */

static bool is_half(const char *name)
{
    return str_ends_with(name, UP_SUFFIX) || str_ends_with(name, DOWN_SUFFIX);
}

static ErrCode read_name(const SourceReading *reading, const char *name, Pairs *pairs, Err *err)
{
    const char *path = reading->dir->path;
    bool is_down = str_ends_with(name, DOWN_SUFFIX);
    size_t stem = strlen(name) - strlen(is_down ? DOWN_SUFFIX : UP_SUFFIX);
    size_t digits = version_digits(name);
    if (digits == 0) {
        err_set(err, ERR_SYNTAX, "%s/%s: no version before the name", path, name);
        return err_hint(err, "begin the name with digits and \"_\": 0001_%s", name);
    }
    if (digits < stem && name[digits] != '_') {
        err_set(err, ERR_SYNTAX, "%s/%s: no \"_\" after the version %.*s", path, name, (int)digits,
                name);
        return err_hint(err, "name it %.*s_%s", (int)digits, name, name + digits);
    }
    Found found = found_of_name(name, stem, reading->arena);
    Half half = {
        .file = name,
        .id = found.id,
        .version = found.version,
        .name = found.name,
    };
    if (is_down) {
        LIST_PUSH(&pairs->downs, half);
    } else {
        LIST_PUSH(&pairs->ups, half);
    }
    return ERR_NONE;
}

static ErrCode collect(const SourceReading *reading, Pairs *pairs, Err *err)
{
    const SourceDir *dir = reading->dir;
    for (size_t i = 0; i < dir->count; i++) {
        const char *name = dir->names[i];
        if (is_half(name)) {
            if (read_name(reading, name, pairs, err) != ERR_NONE &&
                source_pass_over(reading, "", source_dir_cite(dir, name, reading->arena), err) !=
                    ERR_NONE) {
                return err->code;
            }
        } else if (str_ends_with(name, ".sql")) {
            /* Another runner may take such a name for an up: golang-migrate does not. */
            size_t digits = version_digits(name);
            bool looks_meant = digits > 0 && name[digits] == '_';
            source_note(reading->notes, looks_meant ? SOURCE_NOTE_WARNING : SOURCE_NOTE_INFO,
                        source_dir_cite(dir, name, reading->arena), 0,
                        "left out: its name ends neither in " UP_SUFFIX " nor in " DOWN_SUFFIX);
        }
    }
    return ERR_NONE;
}

static const char *file_of(const void *of, const Half *half, bool is_down, Arena *arena)
{
    (void)of;
    return arena_printf(arena, "%s%s", half->id, is_down ? DOWN_SUFFIX : UP_SUFFIX);
}

static const PairNames NAMES = { .order = version_compare_numbers, .file_of = file_of };

static ErrCode read_pair(const SourceReading *reading, const Found *found, PlanMigration *migration,
                         Err *err)
{
    FoundScripts scripts = {
        .down_wanted = arena_printf(reading->arena, "%s" DOWN_SUFFIX, found->id),
    };
    ErrCode code = found_input(reading, found->up, &scripts.up, err);
    if (code == ERR_NONE && found->down != NULL) {
        code = found_input(reading, found->down, &scripts.down, err);
    }
    return code == ERR_NONE ? found_read_scripts(reading, &scripts, migration, err) : code;
}

static size_t claim_pairs(const SourceReading *reading)
{
    size_t count = 0;
    for (size_t i = 0; i < reading->dir->count; i++) {
        count += is_half(reading->dir->names[i]);
    }
    return count;
}

static ErrCode read_pairs(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    AUTO(Pairs) pairs = { 0 };
    AUTO(FoundList) list = { 0 };
    ErrCode code = collect(reading, &pairs, err);
    if (code == ERR_NONE) {
        code = pairs_match(reading, &pairs, &NAMES, &list, err);
    }
    if (code == ERR_NONE) {
        code = found_read(reading, &list, NAMES.order, read_pair, ret_set, err);
    }
    return code;
}

/* The version after the newest one, as wide as that one is written; a time after a time. */
static ErrCode next_version(const NewMigration *migration, Arena *arena, const char **ret_version,
                            Err *err)
{
    const char *newest = migration->newest == NULL ? NO_VERSION : migration->newest->version;
    if (version_second_after(newest, arena) != NULL) {
        return new_version_of_time(migration, NEW_VERSION_BY_NUMBER, arena, ret_version, err);
    }
    *ret_version = version_after(newest, arena);
    return *ret_version == NULL ? new_version_refuse(migration, err) : ERR_NONE;
}

static ErrCode create_pair(const NewMigration *migration, Arena *arena, NewFiles *ret_files,
                           Err *err)
{
    const char *version = NULL;
    if (next_version(migration, arena, &version, err) != ERR_NONE) {
        return err->code;
    }
    const char *stem = arena_printf(arena, "%s_%s", version, migration->slug);
    *ret_files = (NewFiles){
        .items = {
            { arena_printf(arena, "%s" UP_SUFFIX, stem),
              "-- Runs in one transaction, unless this comment says: -- skein: no-transaction\n" },
            { arena_printf(arena, "%s" DOWN_SUFFIX, stem),
              "-- Exactly the inverse of the up file. What cannot be undone has no down file: "
              "delete this one.\n" },
        },
        .count = 2,
    };
    return ERR_NONE;
}

const SourceFormat source_golang_migrate = {
    .name = "golang-migrate",
    .layout = "a pair of files, NNNN_name.up.sql and NNNN_name.down.sql",
    .twins = "golang-migrate itself refuses such a directory",
    .claim = claim_pairs,
    .read = read_pairs,
    .create = create_pair,
};
