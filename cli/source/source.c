/* The list of formats, and the choice among them. */
#include "cli/source/source.h"

#include <stdlib.h>

static const SourceFormat *const FORMATS[] = {
    &source_golang_migrate,
};

static ErrCode find_format(const char *name, const SourceFormat **ret_format, Err *err)
{
    const char *names[ARRAY_LEN(FORMATS)];
    for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++) {
        names[i] = FORMATS[i]->name;
        if (str_equal(name, names[i])) {
            *ret_format = FORMATS[i];
            return ERR_NONE;
        }
    }
    err_set(err, ERR_NOT_FOUND, "no migration format \"%s\"", name);
    const char *nearest = str_nearest(name, names, ARRAY_LEN(names));
    return err_hint(err, nearest != NULL ? "did you mean \"%s\"?" : "there is: %s",
                    nearest != NULL ? nearest : names[0]);
}

static ErrCode refuse_empty(const SourceDir *dir, const SourceFormat *format, Err *err)
{
    err_set(err, ERR_NOT_FOUND, "%s: no migrations here%s", dir->path,
            dir->count == 0 ? ", the directory is empty" : "");
    return err_hint(err, "a migration is a pair of files, %s; \"skein new NAME\" writes one",
                    format->layout);
}

static ErrCode detect_format(const SourceDir *dir, const SourceFormat **ret_format, Err *err)
{
    const SourceFormat *best = NULL;
    unsigned best_confidence = 0;
    for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++) {
        unsigned confidence = FORMATS[i]->detect(dir);
        if (confidence > best_confidence) {
            best = FORMATS[i];
            best_confidence = confidence;
        }
    }
    if (best == NULL) {
        return refuse_empty(dir, FORMATS[0], err);
    }
    *ret_format = best;
    return ERR_NONE;
}

static int compare_origins(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const ScriptOrigin *)left)->statements;
    uintptr_t b = (uintptr_t)((const ScriptOrigin *)right)->statements;
    return (a > b) - (a < b);
}

ErrCode source_read(const char *path, const char *format, Arena *arena, MigrationSet *ret_set,
                    Err *err)
{
    const SourceFormat *driver = NULL;
    SourceDir dir = { 0 };
    ErrCode code = format == NULL ? ERR_NONE : find_format(format, &driver, err);
    if (code == ERR_NONE) {
        code = source_dir_open(path, arena, &dir, err);
    }
    if (code == ERR_NONE && driver == NULL) {
        code = detect_format(&dir, &driver, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(SourceNotes) notes = { .arena = arena };
    MigrationSet set = { .format = driver->name };
    code = driver->read(&dir, &notes, arena, &set, err);
    if (code == ERR_NONE && set.count == 0) {
        code = refuse_empty(&dir, driver, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    set.note_count = notes.list.count;
    set.notes =
        arena_memdup(arena, notes.list.items, notes.list.count * sizeof(notes.list.items[0]));
    set.origin_count = notes.origins.count;
    ScriptOrigin *origins = arena_memdup(arena, notes.origins.items,
                                         notes.origins.count * sizeof(notes.origins.items[0]));
    qsort(origins, set.origin_count, sizeof(origins[0]), compare_origins);
    set.origins = origins;
    *ret_set = set;
    return ERR_NONE;
}

const ScriptOrigin *source_origin(const MigrationSet *set, const PlanScript *script)
{
    ScriptOrigin wanted = { .statements = script->statements };
    return script->count == 0 ? NULL
                              : bsearch(&wanted, set->origins, set->origin_count,
                                        sizeof(set->origins[0]), compare_origins);
}
