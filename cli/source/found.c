/* From the files of a history to the migrations of a plan, the same way for every format. */
#include "cli/source/found.h"

#include <stdlib.h>
#include <string.h>

#include "cli/source/near_mark.h"
#include "cli/source/version.h"
#include "common/cleanup.h"
#include "common/map.h"

#define DATE_DIGITS 8

Found found_of_name(const char *name, size_t stem, Arena *arena)
{
    size_t digits = version_digits(name);
    const char *id = arena_strndup(arena, name, stem);
    const char *words = digits < stem ? id + digits + strspn(id + digits, "_-") : id;
    return (Found){
        .id = id,
        .version = arena_strndup(arena, name, digits),
        .name = *words == '\0' ? id : words,
        .up = name,
    };
}

static ErrCode check_count(const SourceReading *reading, const FoundList *list, Err *err)
{
    if (list->count <= PLAN_MIGRATIONS_MAX) {
        return ERR_NONE;
    }
    return err_set(err, ERR_LIMIT, "%s: %zu migrations, and a history has at most %d",
                   reading->dir->path, list->count, PLAN_MIGRATIONS_MAX);
}

static const char *cite(const SourceReading *reading, const char *file)
{
    return source_dir_cite(reading->dir, file, reading->arena);
}

static ErrCode check_ids(const SourceReading *reading, const FoundList *list, Err *err)
{
    AUTO_PTR(Map) ids = map_new();
    LIST_EACH(found, list) {
        const Found *other = map_put(ids, found->id, found);
        if (other != NULL) {
            err_set(err, ERR_SYNTAX, "%s: the migration %s is also in %s", cite(reading, found->up),
                    found->id, other->up);
            return err_hint(err, "rename one of them");
        }
        if (strlen(found->id) > MIGRATION_ID_MAX || strlen(found->version) > VERSION_MAX) {
            return err_set(err, ERR_LIMIT, "%s: a name of more than %d bytes",
                           cite(reading, found->up), MIGRATION_ID_MAX);
        }
    }
    return ERR_NONE;
}

/* qsort has no room for a context, and a plan is read once: a merge sort of pointers is enough. */
static const char *key_of(const Found *found)
{
    return found->key == NULL ? found->version : found->key;
}

static int compare_found(const Found *a, const Found *b, VersionOrder order)
{
    int result = order(key_of(a), key_of(b));
    if (result == 0) {
        result = version_compare_names(a->id, b->id);
    }
    return result != 0 ? result : strcmp(a->id, b->id);
}

static void merge_sort(Found *items, Found *spare, size_t count, VersionOrder order)
{
    if (count < 2) {
        return;
    }
    size_t half = count / 2;
    merge_sort(items, spare, half, order);
    merge_sort(items + half, spare, count - half, order);
    memcpy(spare, items, half * sizeof(items[0]));
    size_t left = 0;
    size_t right = half;
    for (size_t i = 0; left < half; i++) {
        bool takes_right = right < count && compare_found(&items[right], &spare[left], order) < 0;
        items[i] = takes_right ? items[right++] : spare[left++];
    }
}

static void sort(const SourceReading *reading, FoundList *list, VersionOrder order)
{
    Found *spare = ARENA_ARRAY(reading->arena, Found, list->count);
    merge_sort(list->items, spare, list->count, order);
}

static bool is_twin(const Found *before, const Found *found, VersionOrder order)
{
    bool is_same =
        order(key_of(before), key_of(found)) == 0 || str_equal(before->version, found->version);
    return is_same && found->version[0] != '\0';
}

/* Counters are meant as numbers; dates, which are longer, may be spelt in more than one way. */
static bool is_before_smaller(const Found *before, const Found *found)
{
    size_t before_digits = version_digits(before->id);
    size_t found_digits = version_digits(found->id);
    bool are_counters = before_digits > 0 && found_digits > 0 && before_digits < DATE_DIGITS &&
                        found_digits < DATE_DIGITS;
    return are_counters && version_compare_names(before->id, found->id) > 0 &&
           before_digits != found_digits;
}

/* Of what stands beside each other in order: where that may not be the one that is meant. */
static void warn_of_order(const SourceReading *reading, const FoundList *list,
                          const SourceFormat *format, VersionOrder order)
{
    for (size_t i = 1; i < list->count; i++) {
        const Found *before = &list->items[i - 1];
        const Found *found = &list->items[i];
        size_t noted = reading->notes->list.count;
        if (is_twin(before, found, order)) {
            source_note(reading->notes, SOURCE_NOTE_WARNING, cite(reading, found->up), 0,
                        "has the version of %s; it goes second, by its name%s%s", before->up,
                        format->twins == NULL ? "" : ": ",
                        format->twins == NULL ? "" : format->twins);
        } else if (format->is_by_text && is_before_smaller(before, found)) {
            source_note(reading->notes, SOURCE_NOTE_WARNING, cite(reading, before->up), 0,
                        "goes before %s, as with %s, which orders versions as text: zeros before "
                        "the number would make it the order of numbers",
                        found->up, format->name);
        }
        source_notes_attribute(reading->notes, noted, found->id);
    }
}

static ErrCode read_each(const SourceReading *reading, const FoundList *list, FoundRead read,
                         MigrationSet *set, Err *err)
{
    PlanMigration *migrations = ARENA_ARRAY(reading->arena, PlanMigration, list->count);
    const void **own = ARENA_ARRAY(reading->arena, const void *, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const Found *found = &list->items[i];
        migrations[i] = (PlanMigration){
            .id = found->id,
            .version = found->version,
            .name = found->name,
            .down = { .is_transactional = true },
        };
        own[i] = found->own;
        size_t noted = reading->notes->list.count;
        if (read(reading, found, &migrations[i], err) != ERR_NONE) {
            if (source_pass_over(reading, found->id, cite(reading, found->up), err) != ERR_NONE) {
                return err->code;
            }
            migrations[i].is_irreversible = true;
        }
        source_notes_attribute(reading->notes, noted, found->id);
    }
    set->migrations = migrations;
    set->own = own;
    set->count = list->count;
    return ERR_NONE;
}

ErrCode found_read(const SourceReading *reading, FoundList *list, VersionOrder order,
                   FoundRead read, MigrationSet *ret_set, Err *err)
{
    ErrCode code = check_count(reading, list, err);
    if (code == ERR_NONE) {
        code = check_ids(reading, list, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (order != NULL) {
        const SourceFormat *format = NULL;
        sort(reading, list, order);
        code = source_format(ret_set->format, &format, err);
        if (code != ERR_NONE) {
            return code;
        }
        warn_of_order(reading, list, format, order);
    }
    return read_each(reading, list, read, ret_set, err);
}

ErrCode found_input(const SourceReading *reading, const char *file, ScriptInput *ret_input,
                    Err *err)
{
    AUTO(Str) bytes = { 0 };
    ErrCode code = source_dir_read(reading->dir, file, &bytes, err);
    if (code == ERR_NONE) {
        *ret_input = (ScriptInput){
            .file = cite(reading, file),
            .bytes = { arena_memdup(reading->arena, str_text(&bytes), bytes.length), bytes.length },
            .variables = &reading->options->variables,
            .dir = reading->dir,
            .path = file,
        };
    }
    return code;
}

/* What is said about a migration that nothing undoes. Its up was read last. */
static void note_irreversible(const SourceReading *reading, const FoundScripts *scripts,
                              bool is_said)
{
    reading->notes->origins.items[reading->notes->origins.count - 1].lacks_down = !is_said;
    if (scripts->down_wanted != NULL) {
        source_note(reading->notes, SOURCE_NOTE_INFO, scripts->up.file, 0,
                    "irreversible: it has no %s", scripts->down_wanted);
    }
}

/* Takes the down script, unless either says that nothing undoes the migration. */
static void take_down(const SourceReading *reading, const FoundScripts *scripts, const Script *down,
                      PlanMigration *migration)
{
    if (down->directives.irreversible_line != 0) {
        migration->is_irreversible = true;
    }
    if (!migration->is_irreversible) {
        migration->down = down->plan;
        if (down->plan.count == 0 && migration->up.count > 0) {
            source_note(reading->notes, SOURCE_NOTE_WARNING, scripts->down.file, 0,
                        "no statement: rolling back leaves what %s did", migration->id);
        }
    } else if (down->plan.count > 0) {
        source_note(reading->notes, SOURCE_NOTE_WARNING, scripts->down.file, 0,
                    "never runs: the migration is said to be irreversible");
    }
}

/*
 * Histories have downs that nobody ever ran, and that nothing could run: an open quote, a BEGIN
 * without its COMMIT, a CONCURRENTLY in a transaction. Their ups are good, and may long be applied.
 * What is wanting or mistaken around the statements (a value, a file, a directive) is an error.
 */
static ErrCode refuse_down(const SourceReading *reading, const FoundScripts *scripts,
                           PlanMigration *migration, size_t up_index, Err *err)
{
    migration->is_irreversible = true;
    if (reading->options->goes_on || reading->options->wants_downs ||
        !script_has_bad_statements(&scripts->down, reading->arena)) {
        return source_pass_over(reading, migration->id, scripts->down.file, err);
    }
    Arena *arena = reading->arena;
    SourceNote note = {
        .level = SOURCE_NOTE_WARNING,
        .text = arena_printf(arena, "%s: %s is irreversible%s%s%s", err->message, migration->id,
                             err->hint[0] == '\0' ? "" : " (", err->hint,
                             err->hint[0] == '\0' ? "" : ")"),
    };
    LIST_PUSH(&reading->notes->list, note);
    reading->notes->origins.items[up_index].bad_down = arena_strdup(arena, err->message);
    *err = (Err){ 0 };
    return ERR_NONE;
}

/* Where a format takes what undoes the migration for a part of it, it has said so. */
static bool is_within(const ScriptInput *inner, const ScriptInput *outer)
{
    return inner->file != NULL && inner->bytes.data >= outer->bytes.data &&
           inner->bytes.data + inner->bytes.length <= outer->bytes.data + outer->bytes.length;
}

/* Of the script that was read last. */
static void tell_near_marks(const SourceReading *reading, const FoundScripts *scripts, bool is_down)
{
    const ScriptOrigin *origin = &reading->notes->origins.items[reading->notes->origins.count - 1];
    if (!is_within(&scripts->down, &scripts->up)) {
        near_marks_tell(origin->sql, is_down, is_down ? NULL : scripts->down_wanted,
                        reading->notes);
    }
}

ErrCode found_read_scripts(const SourceReading *reading, const FoundScripts *scripts,
                           PlanMigration *migration, Err *err)
{
    Script up = { 0 };
    ErrCode code = script_read(&scripts->up, reading->notes, reading->arena, &up, err);
    if (code != ERR_NONE) {
        return code;
    }
    size_t up_index = reading->notes->origins.count - 1;
    tell_near_marks(reading, scripts, false);
    migration->checksum =
        (Bytes){ arena_memdup(reading->arena, up.checksum, CHECKSUM_BYTES), CHECKSUM_BYTES };
    migration->fingerprints = up.fingerprints;
    migration->up = up.plan;
    migration->is_irreversible = scripts->is_irreversible || up.directives.irreversible_line != 0;
    if (scripts->down.file == NULL) {
        note_irreversible(reading, scripts, migration->is_irreversible);
        migration->is_irreversible = true;
        return ERR_NONE;
    }
    Script down = { 0 };
    if (script_read(&scripts->down, reading->notes, reading->arena, &down, err) != ERR_NONE) {
        return refuse_down(reading, scripts, migration, up_index, err);
    }
    tell_near_marks(reading, scripts, true);
    take_down(reading, scripts, &down, migration);
    return ERR_NONE;
}

/* ---- layouts of a folder per migration ---- */

size_t found_folders_with(const SourceReading *reading, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < reading->dir->folder_count; i++) {
        SourceDir inside = { 0 };
        ErrCode code =
            source_dir_enter(reading->dir, reading->dir->folders[i], reading->arena, &inside, NULL);
        count += code == ERR_NONE && source_dir_has(&inside, name);
    }
    return count;
}

const char *found_folder_name(const char *folder)
{
    const char *underscore = strchr(folder, '_');
    return underscore == NULL || underscore[1] == '\0' ? folder : underscore + 1;
}

const char *found_below(const char *folder, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s/%s", folder, name);
}
