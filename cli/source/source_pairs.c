/*
 * golang-migrate's layout: NNNN_name.up.sql and, where it can be undone, NNNN_name.down.sql.
 *
 * The id is the name before ".up.sql"; the leading digits are the version, compared as a number of
 * any width. Two migrations may share one: their ids order them. A down belongs to the up of the
 * same id, or else, as golang-migrate itself pairs them, to the one that is left of the same
 * version.
 */
#include "cli/source/source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/source/script.h"
#include "common/list.h"
#include "common/map.h"

#define UP_SUFFIX ".up.sql"
#define DOWN_SUFFIX ".down.sql"

/* One file of a pair. */
typedef struct Half {
    const char *file; /* its name in the directory */
    const char *id;
    const char *version;     /* the digits as written */
    const struct Half *down; /* of an up: what undoes it, or NULL */
    bool is_down;
    bool is_paired;
} Half;

typedef LIST(Half) HalfList;

typedef struct Pairs {
    HalfList ups; /* in the order of the history, once sorted */
    HalfList downs;
} Pairs;

static void pairs_done(Pairs *pairs)
{
    LIST_DONE(&pairs->ups);
    LIST_DONE(&pairs->downs);
}

AUTO_DEFINE(Pairs, pairs_done)

static size_t count_digits(const char *name)
{
    size_t count = 0;
    while (isdigit((unsigned char)name[count])) {
        count++;
    }
    return count;
}

/* Versions are numbers of any width: without leading zeros the longer is the greater. */
static int compare_versions(const char *a, const char *b)
{
    a += strspn(a, "0");
    b += strspn(b, "0");
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    if (a_length != b_length) {
        return a_length < b_length ? -1 : 1;
    }
    return strcmp(a, b);
}

static int compare_halves(const void *left, const void *right)
{
    const Half *a = left;
    const Half *b = right;
    int order = compare_versions(a->version, b->version);
    return order != 0 ? order : strcmp(a->id, b->id);
}

static bool is_half(const char *name)
{
    return str_ends_with(name, UP_SUFFIX) || str_ends_with(name, DOWN_SUFFIX);
}

static ErrCode read_name(const SourceDir *dir, const char *name, Arena *arena, Half *ret_half,
                         Err *err)
{
    bool is_down = str_ends_with(name, DOWN_SUFFIX);
    size_t stem = strlen(name) - strlen(is_down ? DOWN_SUFFIX : UP_SUFFIX);
    size_t digits = count_digits(name);
    if (digits == 0) {
        err_set(err, ERR_SYNTAX, "%s/%s: no version before the name", dir->path, name);
        return err_hint(err, "begin the name with digits and \"_\": 0001_%s", name);
    }
    if (digits < stem && name[digits] != '_') {
        err_set(err, ERR_SYNTAX, "%s/%s: no \"_\" after the version %.*s", dir->path, name,
                (int)digits, name);
        return err_hint(err, "name it %.*s_%s", (int)digits, name, name + digits);
    }
    *ret_half = (Half){
        .file = name,
        .id = arena_strndup(arena, name, stem),
        .version = arena_strndup(arena, name, digits),
        .is_down = is_down,
    };
    return ERR_NONE;
}

static ErrCode collect(const SourceDir *dir, SourceNotes *notes, Arena *arena, Pairs *pairs,
                       Err *err)
{
    for (size_t i = 0; i < dir->count; i++) {
        const char *name = dir->names[i];
        if (!str_ends_with(name, ".sql")) {
            continue;
        }
        if (!is_half(name)) {
            source_note(notes, SOURCE_NOTE_INFO, source_dir_cite(dir, name, arena), 0,
                        "left out: its name ends neither in " UP_SUFFIX " nor in " DOWN_SUFFIX);
            continue;
        }
        Half half = { 0 };
        ErrCode code = read_name(dir, name, arena, &half, err);
        if (code != ERR_NONE) {
            return code;
        }
        if (half.is_down) {
            LIST_PUSH(&pairs->downs, half);
        } else {
            LIST_PUSH(&pairs->ups, half);
        }
    }
    if (pairs->ups.count > PLAN_MIGRATIONS_MAX) {
        return err_set(err, ERR_LIMIT, "%s: %zu migrations, and a history has at most %d",
                       dir->path, pairs->ups.count, PLAN_MIGRATIONS_MAX);
    }
    return ERR_NONE;
}

static void pair(Half *up, Half *down)
{
    up->down = down;
    up->is_paired = true;
    down->is_paired = true;
}

static void pair_by_id(Pairs *pairs)
{
    AUTO_PTR(Map) ups = map_new();
    LIST_EACH(up, &pairs->ups) {
        map_put(ups, up->id, up);
    }
    LIST_EACH(down, &pairs->downs) {
        Half *up = map_get(ups, down->id);
        if (up != NULL) {
            pair(up, down);
        }
    }
}

/* The only half of this version that has found no other, or NULL when there is none or several. */
static Half *only_single(HalfList *halves, const char *version)
{
    Half *found = NULL;
    LIST_EACH(half, halves) {
        if (!half->is_paired && compare_versions(half->version, version) == 0) {
            if (found != NULL) {
                return NULL;
            }
            found = half;
        }
    }
    return found;
}

/* An up in another language leaves a down in SQL behind: say so rather than "no such up". */
static bool has_other_up(const SourceDir *dir, const char *id, Arena *arena, const char **ret_name)
{
    const char *start = arena_printf(arena, "%s.up.", id);
    for (size_t i = 0; i < dir->count; i++) {
        if (str_starts_with(dir->names[i], start)) {
            *ret_name = dir->names[i];
            return true;
        }
    }
    return false;
}

static ErrCode refuse_lone_down(const SourceDir *dir, const Pairs *pairs, const Half *down,
                                Arena *arena, Err *err)
{
    err_set(err, ERR_SYNTAX, "%s/%s: a down without an up", dir->path, down->file);
    const char *other = NULL;
    if (has_other_up(dir, down->id, arena, &other)) {
        return err_hint(err, "%s is not SQL, and skein runs SQL alone", other);
    }
    const char **ids = ARENA_ARRAY(arena, const char *, pairs->ups.count);
    for (size_t i = 0; i < pairs->ups.count; i++) {
        ids[i] = pairs->ups.items[i].id;
    }
    const char *nearest = str_nearest(down->id, ids, pairs->ups.count);
    if (nearest != NULL) {
        return err_hint(err, "did you mean %s%s?", nearest, DOWN_SUFFIX);
    }
    return err_hint(err, "add %s%s, or remove the file", down->id, UP_SUFFIX);
}

static ErrCode pair_by_version(const SourceDir *dir, Pairs *pairs, SourceNotes *notes, Arena *arena,
                               Err *err)
{
    LIST_EACH(down, &pairs->downs) {
        if (down->is_paired) {
            continue;
        }
        Half *up = only_single(&pairs->ups, down->version);
        if (up == NULL || only_single(&pairs->downs, down->version) != down) {
            return refuse_lone_down(dir, pairs, down, arena, err);
        }
        pair(up, down);
        source_note(notes, SOURCE_NOTE_WARNING, source_dir_cite(dir, down->file, arena), 0,
                    "taken as the down of %s: the version is the same, the name is not", up->file);
    }
    return ERR_NONE;
}

static void warn_shared_versions(const SourceDir *dir, const Pairs *pairs, SourceNotes *notes,
                                 Arena *arena)
{
    for (size_t i = 1; i < pairs->ups.count; i++) {
        const Half *before = &pairs->ups.items[i - 1];
        const Half *up = &pairs->ups.items[i];
        if (compare_versions(before->version, up->version) == 0) {
            source_note(notes, SOURCE_NOTE_WARNING, source_dir_cite(dir, up->file, arena), 0,
                        "has the version of %s; it goes second, by its name", before->file);
        }
    }
}

static ErrCode read_half(const SourceDir *dir, const Half *half, SourceNotes *notes, Arena *arena,
                         Script *ret_script, Err *err)
{
    AUTO(Str) bytes = { 0 };
    ErrCode code = source_dir_read(dir, half->file, &bytes, err);
    if (code != ERR_NONE) {
        return code;
    }
    Bytes view = { (const uint8_t *)str_text(&bytes), bytes.length };
    return script_read(source_dir_cite(dir, half->file, arena), view, notes, arena, ret_script,
                       err);
}

/* Takes the down script, unless either file says that nothing undoes the migration. */
static ErrCode add_down(const SourceDir *dir, const Half *up, uint32_t irreversible_line,
                        SourceNotes *notes, Arena *arena, PlanMigration *migration, Err *err)
{
    Script script = { .plan.is_transactional = true };
    if (up->down == NULL) {
        migration->is_irreversible = true;
        source_note(notes, SOURCE_NOTE_INFO, source_dir_cite(dir, up->file, arena), 0,
                    "irreversible: it has no %s%s", up->id, DOWN_SUFFIX);
        return ERR_NONE;
    }
    ErrCode code = read_half(dir, up->down, notes, arena, &script, err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *file = source_dir_cite(dir, up->down->file, arena);
    migration->is_irreversible = irreversible_line != 0 || script.directives.irreversible_line != 0;
    if (!migration->is_irreversible) {
        migration->down = script.plan;
        if (script.plan.count == 0 && migration->up.count > 0) {
            source_note(notes, SOURCE_NOTE_WARNING, file, 0,
                        "no statement: rolling back leaves what %s did", up->file);
        }
    } else if (script.plan.count > 0) {
        source_note(notes, SOURCE_NOTE_WARNING, file, 0,
                    "never runs: the migration is said to be irreversible");
    }
    return ERR_NONE;
}

static ErrCode read_pair(const SourceDir *dir, const Half *up, SourceNotes *notes, Arena *arena,
                         PlanMigration *ret_migration, Err *err)
{
    Script script = { 0 };
    ErrCode code = read_half(dir, up, notes, arena, &script, err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *name = up->id + strlen(up->version);
    *ret_migration = (PlanMigration){
        .id = up->id,
        .version = up->version,
        .name = *name == '_' ? name + 1 : up->id,
        .checksum = { arena_memdup(arena, script.checksum, CHECKSUM_BYTES), CHECKSUM_BYTES },
        .up = script.plan,
        .down = { .is_transactional = true },
    };
    return add_down(dir, up, script.directives.irreversible_line, notes, arena, ret_migration, err);
}

static unsigned detect_pairs(const SourceDir *dir)
{
    for (size_t i = 0; i < dir->count; i++) {
        if (is_half(dir->names[i])) {
            return 100;
        }
    }
    return 0;
}

static ErrCode read_pairs(const SourceDir *dir, SourceNotes *notes, Arena *arena,
                          MigrationSet *ret_set, Err *err)
{
    AUTO(Pairs) pairs = { 0 };
    ErrCode code = collect(dir, notes, arena, &pairs, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (pairs.ups.count > 0) {
        qsort(pairs.ups.items, pairs.ups.count, sizeof(Half), compare_halves);
    }
    pair_by_id(&pairs);
    code = pair_by_version(dir, &pairs, notes, arena, err);
    if (code != ERR_NONE) {
        return code;
    }
    warn_shared_versions(dir, &pairs, notes, arena);
    PlanMigration *migrations = ARENA_ARRAY(arena, PlanMigration, pairs.ups.count);
    for (size_t i = 0; i < pairs.ups.count; i++) {
        code = read_pair(dir, &pairs.ups.items[i], notes, arena, &migrations[i], err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    ret_set->migrations = migrations;
    ret_set->count = pairs.ups.count;
    return ERR_NONE;
}

const SourceFormat source_golang_migrate = {
    .name = "golang-migrate",
    .layout = "NNNN_name.up.sql and NNNN_name.down.sql",
    .detect = detect_pairs,
    .read = read_pairs,
};
