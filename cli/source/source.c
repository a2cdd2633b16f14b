/* The list of formats, and the choice among them. */
#include "cli/source/source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/source/alembic.h"
#include "cli/source/dialect.h"
#include "cli/source/script.h"
#include "cli/source/version.h"
#include "common/map.h"

static const SourceFormat *const FORMATS[] = {
    &source_golang_migrate,  &source_dbmate,           &source_goose,  &source_flyway,
    &source_diesel,          &source_prisma,           &source_sqitch, &source_alembic,
    &source_node_pg_migrate, &source_graphile_migrate, &source_atlas,
};

static void list_names(const char *ret_names[ARRAY_LEN(FORMATS)])
{
    for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++) {
        ret_names[i] = FORMATS[i]->name;
    }
}

ErrCode source_format(const char *name, const SourceFormat **ret_format, Err *err)
{
    const char *names[ARRAY_LEN(FORMATS)];
    list_names(names);
    AUTO(Str) all = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++) {
        if (str_equal(name, names[i])) {
            *ret_format = FORMATS[i];
            return ERR_NONE;
        }
        str_printf(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    err_set(err, ERR_NOT_FOUND, "no migration format \"%s\"", name);
    const char *nearest = str_nearest(name, names, ARRAY_LEN(names));
    return err_hint(err, nearest != NULL ? "did you mean \"%s\"?" : "there is: %s",
                    nearest != NULL ? nearest : str_text(&all));
}

ErrCode source_pass_over(const SourceReading *reading, const char *migration, const char *file,
                         Err *err)
{
    bool is_of_files =
        err->code == ERR_SYNTAX || err->code == ERR_LIMIT || err->code == ERR_FORBIDDEN;
    if (!reading->options->goes_on || !is_of_files) {
        return err->code;
    }
    source_note_refusal(reading->notes, migration, file, err);
    *err = (Err){ 0 };
    return ERR_NONE;
}

/* A file as node-pg-migrate has it without its marks, which says no more than its name. */
static const char *unmarked_file(const SourceDir *dir)
{
    for (size_t i = 0; i < dir->count; i++) {
        const char *name = dir->names[i];
        if (version_digits(name) > 0 && str_ends_with(name, ".sql")) {
            return name;
        }
    }
    return NULL;
}

static ErrCode refuse_empty(const SourceDir *dir, const SourceFormat *format, Err *err)
{
    err_set(err, ERR_NOT_FOUND, "%s: no migrations here%s", dir->path,
            dir->count + dir->folder_count == 0 ? ", the directory is empty" : "");
    const char *folder = dialect_folder(dir);
    if (folder != NULL) {
        return err_hint(err, "did you mean %s/%s?", dir->path, folder);
    }
    const char *unmarked = unmarked_file(dir);
    if (unmarked != NULL) {
        return err_hint(err,
                        "%s has no marks of a format; --format node-pg-migrate takes each such "
                        "file as an up that nothing undoes",
                        unmarked);
    }
    return err_hint(err, "a migration is %s; \"skein new NAME\" writes one", format->layout);
}

static ErrCode refuse_both(const SourceReading *reading, const SourceFormat *format, size_t count,
                           const SourceFormat *other, size_t other_count, Err *err)
{
    err_set(err, ERR_USAGE, "%s: %zu file%s as %s has them, and %zu as %s has them",
            reading->dir->path, count, count == 1 ? "" : "s", format->name, other_count,
            other->name);
    return err_hint(err, "say which is meant: --format %s, or `format: %s` in the rollout file",
                    format->name, format->name);
}

static ErrCode detect_format(const SourceReading *reading, const SourceFormat **ret_format,
                             Err *err)
{
    const SourceFormat *best = NULL;
    const SourceFormat *second = NULL;
    size_t best_count = 0;
    size_t second_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(FORMATS); i++) {
        size_t count = FORMATS[i]->claim(reading);
        if (count > best_count) {
            second = best;
            second_count = best_count;
            best = FORMATS[i];
            best_count = count;
        } else if (count > second_count) {
            second = FORMATS[i];
            second_count = count;
        }
    }
    if (best == NULL) {
        return refuse_empty(reading->dir, FORMATS[0], err);
    }
    if (second != NULL) {
        return refuse_both(reading, best, best_count, second, second_count, err);
    }
    *ret_format = best;
    return ERR_NONE;
}

const SourceFormat *source_recognise(const char *path, Arena *arena)
{
    AUTO(SourceNotes) notes = { .arena = arena };
    SourceDir dir = { 0 };
    SourceOptions options = { 0 };
    SourceReading reading = { &dir, &options, &notes, arena };
    const SourceFormat *format = NULL;
    if (source_dir_open(path, arena, &dir, NULL) == ERR_NONE) {
        dialect_filter(&dir, &notes, arena);
        detect_format(&reading, &format, NULL);
    }
    return format;
}

/* A value that is given and that nothing asks for is, mostly, a name that is misspelt. */
static void note_unused(const char *path, const SourceVariables *variables, SourceNotes *notes)
{
    for (size_t i = 0; i < variables->count; i++) {
        if (!variables->is_used[i]) {
            source_note(notes, SOURCE_NOTE_WARNING, path, 0,
                        "nothing here asks for \"%s\", which is set", variables->items[i].name);
        }
    }
}

static bool is_other_case(const char *name)
{
    size_t length = strlen(name);
    const char *end = name + length - strlen(".sql");
    return length > strlen(".sql") && strcasecmp(end, ".sql") == 0 && strcmp(end, ".sql") != 0;
}

/*
 * On a disk that knows no case such a file is easily made, and the tool itself may read it.
 * Flyway's settings may say that migrations end so.
 */
static void note_other_case(const SourceReading *reading, const SourceFormat *format)
{
    const SourceDir *dir = reading->dir;
    for (size_t i = 0; i < dir->count && format != &source_flyway; i++) {
        const char *name = dir->names[i];
        if (is_other_case(name)) {
            source_note(reading->notes, SOURCE_NOTE_WARNING,
                        source_dir_cite(dir, name, reading->arena), 0,
                        "left out: its name ends in %s, and .sql alone is read",
                        name + strlen(name) - strlen(".sql"));
        }
    }
}

static int compare_origins(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const ScriptOrigin *)left)->statements;
    uintptr_t b = (uintptr_t)((const ScriptOrigin *)right)->statements;
    return (a > b) - (a < b);
}

static ErrCode read_with(const SourceFormat *named, const SourceReading *reading,
                         MigrationSet *ret_set, Err *err)
{
    const SourceFormat *format = named;
    ErrCode code = named == NULL ? detect_format(reading, &format, err) : ERR_NONE;
    if (code == ERR_NONE) {
        ret_set->format = format->name;
        note_other_case(reading, format);
        code = format->read(reading, ret_set, err);
    }
    if (code == ERR_NONE && ret_set->count == 0 && reading->notes->refusals.count == 0) {
        code = refuse_empty(reading->dir, format, err);
    }
    return code;
}

/* A text of which several scripts are made, as an included file is, has the same said of each. */
static void take_notes(const SourceNotes *notes, Arena *arena, MigrationSet *set)
{
    AUTO_PTR(Map) said = map_new();
    SourceNote *kept = ARENA_ARRAY(arena, SourceNote, notes->list.count);
    LIST_EACH(note, &notes->list) {
        const char *once = note->once == NULL ? note->text : note->once;
        SourceNote *before = map_get(said, once);
        if (before == NULL) {
            kept[set->note_count] = *note;
            map_put(said, once, &kept[set->note_count++]);
        } else if (before->migration != NULL && note->migration != NULL &&
                   !str_equal(before->migration, note->migration)) {
            before->migration = NULL;
        }
    }
    set->notes = kept;
}

/* Takes what reading has collected. */
static void finish(const SourceNotes *notes, Arena *arena, MigrationSet *set)
{
    take_notes(notes, arena, set);
    set->origin_count = notes->origins.count;
    ScriptOrigin *origins = arena_memdup(arena, notes->origins.items,
                                         notes->origins.count * sizeof(notes->origins.items[0]));
    qsort(origins, set->origin_count, sizeof(origins[0]), compare_origins);
    set->origins = origins;
    set->refusal_count = notes->refusals.count;
    set->refusals = arena_memdup(arena, notes->refusals.items,
                                 notes->refusals.count * sizeof(notes->refusals.items[0]));
}

ErrCode source_read(const char *path, const SourceOptions *options, Arena *arena,
                    MigrationSet *ret_set, Err *err)
{
    const SourceFormat *named = NULL;
    SourceDir dir = { 0 };
    AUTO(SourceNotes) notes = { .arena = arena };
    SourceOptions *watched = arena_memdup(arena, options, sizeof(*options));
    SourceReading reading = { &dir, watched, &notes, arena };
    Err own = { 0 };
    err = err == NULL ? &own : err;
    variables_watch(&watched->variables, arena);
    MigrationSet set = { 0 };
    ErrCode code = options->format == NULL ? ERR_NONE : source_format(options->format, &named, err);
    if (code == ERR_NONE) {
        code = source_dir_open(path, arena, &dir, err);
    }
    if (code == ERR_NONE) {
        dir.overlay = options->overlay;
        dialect_filter(&dir, &notes, arena);
        code = read_with(named, &reading, &set, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    note_unused(dir.path, &watched->variables, &notes);
    finish(&notes, arena, &set);
    *ret_set = set;
    return ERR_NONE;
}

void source_take(const ScriptInput *inputs, size_t count, Arena *arena, MigrationSet *ret_set)
{
    AUTO(SourceNotes) notes = { .arena = arena };
    MigrationSet set = {
        .format = "",
        .migrations = ARENA_ARRAY(arena, PlanMigration, count),
        .count = count,
    };
    for (size_t i = 0; i < count; i++) {
        Script script = { 0 };
        Err refusal = { 0 };
        if (script_read(&inputs[i], &notes, arena, &script, &refusal) != ERR_NONE) {
            source_note_refusal(&notes, inputs[i].file, inputs[i].file, &refusal);
        }
        set.migrations[i] = (PlanMigration){
            .id = inputs[i].file,
            .version = inputs[i].file,
            .name = inputs[i].file,
            .checksum = { arena_memdup(arena, script.checksum, CHECKSUM_BYTES), CHECKSUM_BYTES },
            .up = script.plan,
            .down = { .is_transactional = true },
            .is_irreversible = true,
        };
    }
    finish(&notes, arena, &set);
    *ret_set = set;
}

/* No other format knows of branches that are joined. */
bool source_is_merge(const MigrationSet *set, size_t index)
{
    if (!str_equal(set->format, source_alembic.name) || set->own == NULL) {
        return false;
    }
    const AlembicRevision *revision = set->own[index];
    return revision->parent_count > 1 && set->migrations[index].up.count == 0;
}

HistoryRule source_out_of_order(const MigrationSet *set, HistoryRule asked)
{
    return set->has_branches && asked == HISTORY_REFUSE ? HISTORY_APPLY : asked;
}

const ScriptOrigin *source_origin(const MigrationSet *set, const PlanScript *script)
{
    ScriptOrigin wanted = { .statements = script->statements };
    bool has_none = script->count == 0 || set->origin_count == 0;
    return has_none ? NULL
                    : bsearch(&wanted, set->origins, set->origin_count, sizeof(set->origins[0]),
                              compare_origins);
}
