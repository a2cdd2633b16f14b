/*
 * Flyway's layout: V1_2__name.sql (versioned), U1_2__name.sql (undoes it), R__name.sql (done again
 * whenever it has changed, after all others, by name) and B5__name.sql (does what all up to its
 * version do), also in folders. Versions are rows of numbers, divided by "." or "_".
 *
 * A file's own FILE.sql.conf may say executeInTransaction, placeholderReplacement, shouldExecute.
 * Without it Flyway itself derives whether a file runs in a transaction from its statements.
 */
#include <string.h>

#include "cli/source/dialect.h"
#include "cli/source/flyway.h"
#include "cli/source/flyway_conf.h"
#include "cli/source/flyway_name.h"
#include "cli/source/flyway_new.h"
#include "cli/source/pairs.h"
#include "cli/source/placeholder.h"
#include "cli/source/version.h"

#define DEPTH_MAX 16
#define FINGERPRINT_DIGITS 8
#define AFTER_ALL '~' /* begins the key of what has no version */

typedef struct History {
    const FlywaySettings *settings;
    Pairs pairs;
    HalfList baselines;
    FoundList list;
} History;

static void history_done(History *history)
{
    pairs_done(&history->pairs);
    LIST_DONE(&history->baselines);
    LIST_DONE(&history->list);
}

AUTO_DEFINE(History, history_done)

/* Versions by number; repeatables behind them, by name. */
static int compare_keys(const char *a, const char *b)
{
    bool is_a_last = *a == AFTER_ALL;
    bool is_b_last = *b == AFTER_ALL;
    if (is_a_last || is_b_last) {
        return is_a_last && is_b_last ? strcmp(a, b) : is_a_last - is_b_last;
    }
    return version_compare_rows(a, b);
}

/* ---- the directory ---- */

static void note_left_out(const SourceReading *reading, SourceNoteLevel level, const char *path,
                          const char *words)
{
    source_note(reading->notes, level, source_dir_cite(reading->dir, path, reading->arena), 0,
                "left out: %s", words);
}

static ErrCode take_file(const SourceReading *reading, const char *path, const char *name,
                         History *history, Err *err)
{
    FlywayName parsed = flyway_name_read(history->settings, name, reading->arena);
    Half half = { .file = path, .id = parsed.id, .version = parsed.version, .name = parsed.name };
    switch (parsed.kind) {
    case FLYWAY_VERSIONED:
        LIST_PUSH(&history->pairs.ups, half);
        break;
    case FLYWAY_UNDO:
        LIST_PUSH(&history->pairs.downs, half);
        break;
    case FLYWAY_BASELINE:
        LIST_PUSH(&history->baselines, half);
        break;
    case FLYWAY_REPEATABLE: {
        Found found = {
            .id = parsed.id,
            .version = "",
            .key = arena_printf(reading->arena, "%c%s", AFTER_ALL, parsed.name),
            .name = parsed.name,
            .up = path,
        };
        LIST_PUSH(&history->list, found);
        break;
    }
    case FLYWAY_CALLBACK:
        note_left_out(reading, SOURCE_NOTE_WARNING, path,
                      "a callback, and skein runs migrations alone");
        break;
    case FLYWAY_NONE:
        if (str_ends_with(name, ".java") && strchr("VURB", name[0]) != NULL) {
            err_set(err, ERR_SYNTAX, "%s/%s: a migration in Java, and skein runs SQL alone",
                    reading->dir->path, path);
            err_hint(err, "write it in SQL");
            return source_pass_over(reading, "",
                                    source_dir_cite(reading->dir, path, reading->arena), err);
        }
        if (flyway_has_suffix(history->settings, name)) {
            note_left_out(reading, SOURCE_NOTE_WARNING, path,
                          "no name of a migration (V1__name.sql, R__name.sql, …)");
        }
        break;
    }
    return ERR_NONE;
}

static const char *below(const char *folder, const char *name, Arena *arena)
{
    return folder[0] == '\0' ? name : arena_printf(arena, "%s/%s", folder, name);
}

/* Calls `take` for each file of the directory and its folders. `path` is below reading->dir. */
static ErrCode walk(const SourceReading *reading, const SourceDir *dir, const char *path,
                    unsigned depth, History *history, Err *err)
{
    Arena *arena = reading->arena;
    for (size_t i = 0; i < dir->count; i++) {
        ErrCode code =
            take_file(reading, below(path, dir->names[i], arena), dir->names[i], history, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    for (size_t i = 0; i < dir->folder_count && depth < DEPTH_MAX; i++) {
        SourceDir inside = { 0 };
        if (dialect_is_other(dir->folders[i])) {
            continue;
        }
        ErrCode code = source_dir_enter(dir, dir->folders[i], arena, &inside, err);
        if (code == ERR_NONE) {
            dialect_filter(&inside, reading->notes, arena);
            code = walk(reading, &inside, below(path, dir->folders[i], arena), depth + 1, history,
                        err);
        }
        if (code != ERR_NONE) {
            return code;
        }
    }
    return ERR_NONE;
}

static size_t count_files(const SourceReading *reading, const FlywaySettings *settings)
{
    size_t count = 0;
    for (size_t i = 0; i < reading->dir->count; i++) {
        FlywayKind kind = flyway_name_read(settings, reading->dir->names[i], reading->arena).kind;
        count += kind != FLYWAY_NONE && kind != FLYWAY_CALLBACK;
    }
    return count;
}

/* Of this directory alone: the folders of an unrelated tree must not make it Flyway's. */
static size_t claim_files(const SourceReading *reading)
{
    return count_files(reading, &FLYWAY_DEFAULTS) + flyway_has_settings(reading->dir);
}

static ErrCode refuse_location(const SourceReading *reading, const FlywaySettings *settings,
                               const char *location, Err *err)
{
    err_set(err, ERR_SYNTAX, "%s:%u: there is no %s in %s", settings->file,
            settings->locations_line, location, reading->dir->path);
    return err_hint(err, "name the directory that it is in with --migrations DIR, or the one that "
                         "the migrations are in");
}

/* Settings may lie beside the migrations and name the place where a container has them. */
static ErrCode walk_location(const SourceReading *reading, const char *location, History *history,
                             Err *err)
{
    const FlywaySettings *settings = history->settings;
    SourceDir inside = { 0 };
    const char *folder = flyway_folder(reading, location);
    if (folder == NULL && settings->locations.count == 1 && count_files(reading, settings) > 0) {
        source_note(reading->notes, SOURCE_NOTE_WARNING, settings->file, settings->locations_line,
                    "there is no %s in %s: the migrations beside this file are read", location,
                    reading->dir->path);
        folder = "";
    }
    if (folder == NULL) {
        return refuse_location(reading, settings, location, err);
    }
    if (*folder == '\0') {
        return walk(reading, reading->dir, "", 0, history, err);
    }
    ErrCode code = source_dir_enter(reading->dir, folder, reading->arena, &inside, err);
    if (code == ERR_NONE) {
        dialect_filter(&inside, reading->notes, reading->arena);
        code = walk(reading, &inside, folder, 0, history, err);
    }
    return code;
}

static ErrCode walk_all(const SourceReading *reading, History *history, Err *err)
{
    const FlywayList *locations = &history->settings->locations;
    ErrCode code =
        locations->count == 0 ? walk(reading, reading->dir, "", 0, history, err) : ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < locations->count; i++) {
        code = walk_location(reading, locations->items[i], history, err);
    }
    return code;
}

/* ---- baselines ---- */

/*
 * The newest baseline stands for all versions up to its own. Where these are there, too, they lead
 * to the same place, and every database can take the same way; where they are gone, it is the
 * first migration.
 */
static void take_baselines(const SourceReading *reading, History *history)
{
    Half *newest = NULL;
    LIST_EACH(baseline, &history->baselines) {
        if (newest == NULL || version_compare_rows(newest->version, baseline->version) < 0) {
            newest = baseline;
        }
    }
    bool is_needed = newest != NULL;
    LIST_EACH(up, &history->pairs.ups) {
        is_needed = is_needed && version_compare_rows(newest->version, up->version) < 0;
    }
    LIST_EACH(baseline, &history->baselines) {
        if (baseline == newest && is_needed) {
            LIST_PUSH(&history->pairs.ups, *baseline);
        } else {
            note_left_out(reading, SOURCE_NOTE_INFO, baseline->file,
                          "a baseline, and the migrations that it stands for are here");
        }
    }
}

/* ---- migrations ---- */

static ErrCode replace(const SourceReading *reading, const FlywaySettings *settings,
                       const char *path, ScriptInput *input, Err *err)
{
    const char *slash = strrchr(path, '/');
    const ConfigPair own[] = {
        { "flyway:filename", slash == NULL ? path : slash + 1 },
        { "flyway:table", settings->table },
        { "flyway:defaultSchema", settings->schema },
    };
    Placeholders placeholders = {
        .variables = &settings->placeholders,
        .prefix = settings->placeholder_prefix,
        .suffix = settings->placeholder_suffix,
        .own = own,
        .own_count = ARRAY_LEN(own),
    };
    AUTO(Str) text = { 0 };
    ErrCode code = placeholders_replace(&placeholders, input->file, input->bytes, &text, err);
    if (code == ERR_NONE) {
        input->bytes =
            (Bytes){ arena_memdup(reading->arena, str_text(&text), text.length), text.length };
    }
    return code;
}

static ErrCode read_input(const SourceReading *reading, const FlywaySettings *settings,
                          const char *path, ScriptInput *ret_input, Err *err)
{
    FlywayConf conf = { 0 };
    ErrCode code = flyway_conf_read(reading, settings, path, &conf, err);
    if (code == ERR_NONE) {
        code = found_input(reading, path, ret_input, err);
    }
    if (code == ERR_NONE && conf.is_left_out) {
        note_left_out(
            reading, SOURCE_NOTE_WARNING, path,
            "its .conf says shouldExecute=false; the migration is one without statements");
        ret_input->bytes.length = 0;
    }
    if (code == ERR_NONE && conf.is_replacing) {
        code = replace(reading, settings, path, ret_input, err);
    }
    if (conf.has_transaction) {
        ret_input->rule = (PartRule){
            .transaction = conf.is_in_transaction ? TRANSACTION_ONE : TRANSACTION_EACH,
            .tool_says = conf.transaction_words,
        };
    }
    return code;
}

/* Its id tells its contents apart: see plan_repeated. */
static void make_repeatable(PlanMigration *migration, Arena *arena)
{
    char digits[2 * CHECKSUM_BYTES + 1];
    hex_encode(migration->checksum.data, CHECKSUM_BYTES, digits);
    migration->id = arena_printf(arena, "%s%c%.*s", migration->id, PLAN_REPEAT_SIGN,
                                 FINGERPRINT_DIGITS, digits);
    migration->is_repeatable = true;
    migration->is_irreversible = false;
}

/* Of what is done again when its placeholders change, with these replaced; else of the file. */
static ErrCode take_checksums(const SourceReading *reading, const Found *found,
                              const ScriptInput *replaced, Err *err)
{
    const FlywayMigration *own = found->own;
    ScriptInput file = *replaced;
    ErrCode code = found_input(reading, found->up, &file, err);
    if (code == ERR_NONE) {
        own->checksums->of_file = flyway_checksum(file.bytes);
        own->checksums->own =
            found->key == NULL ? own->checksums->of_file : flyway_checksum(replaced->bytes);
    }
    return code;
}

static ErrCode read_migration(const SourceReading *reading, const Found *found,
                              PlanMigration *migration, Err *err)
{
    const FlywayMigration *own = found->own;
    const FlywaySettings *settings = own->settings;
    bool is_repeatable = found->key != NULL;
    FoundScripts scripts = {
        .down_wanted =
            is_repeatable
                ? NULL
                : arena_printf(reading->arena, "%s%s%s…%s", settings->prefixes[FLYWAY_PREFIX_UNDO],
                               found->version, settings->separator, settings->suffixes.items[0]),
    };
    ErrCode code = read_input(reading, settings, found->up, &scripts.up, err);
    if (code == ERR_NONE) {
        code = take_checksums(reading, found, &scripts.up, err);
    }
    if (code == ERR_NONE && found->down != NULL) {
        code = read_input(reading, settings, found->down, &scripts.down, err);
    }
    if (code == ERR_NONE) {
        code = found_read_scripts(reading, &scripts, migration, err);
    }
    if (code == ERR_NONE && is_repeatable) {
        make_repeatable(migration, reading->arena);
    }
    return code;
}

/* Flyway refuses the directory, too. */
static ErrCode check_versions(const SourceReading *reading, const HalfList *halves, Err *err)
{
    for (size_t i = 0; i < halves->count; i++) {
        for (size_t j = i + 1; j < halves->count; j++) {
            if (version_compare_rows(halves->items[i].version, halves->items[j].version) == 0) {
                err_set(err, ERR_SYNTAX, "%s/%s: the version of %s", reading->dir->path,
                        halves->items[j].file, halves->items[i].file);
                return err_hint(err, "give one of them another version");
            }
        }
    }
    return ERR_NONE;
}

static const char *file_of(const void *of, const Half *half, bool is_down, Arena *arena)
{
    const FlywaySettings *settings = of;
    const char *own = settings->prefixes[is_down ? FLYWAY_PREFIX_VERSIONED : FLYWAY_PREFIX_UNDO];
    return arena_printf(arena, "%s%s%s",
                        settings->prefixes[is_down ? FLYWAY_PREFIX_UNDO : FLYWAY_PREFIX_VERSIONED],
                        half->id + strlen(own), settings->suffixes.items[0]);
}

/* A baseline that is a migration here: only where what it stands for is gone. */
static const FlywayMigration *own_of(const FlywaySettings *settings, const Found *found,
                                     Arena *arena)
{
    FlywayMigration *own = ARENA_NEW(arena, FlywayMigration);
    bool is_baseline = found->key == NULL &&
                       !str_starts_with(found->id, settings->prefixes[FLYWAY_PREFIX_VERSIONED]);
    *own = (FlywayMigration){
        .settings = settings,
        .type = is_baseline ? "SQL_BASELINE" : "SQL",
        .description = str_equal(found->name, found->id) ? "" : found->name,
        .script = found->up,
        .checksums = ARENA_NEW(arena, FlywayChecksums),
    };
    return own;
}

/* Flyway writes both names in quotes, in the schema that is its default. NULL: nothing is said. */
static const char *own_table(const FlywaySettings *settings, Arena *arena)
{
    AUTO(Str) name = { 0 };
    bool has_schema = settings->schema != NULL && settings->schema[0] != '\0';
    if (!has_schema && str_equal(settings->table, FLYWAY_TABLE)) {
        return NULL;
    }
    if (has_schema) {
        str_append_quoted(&name, settings->schema, '"');
        str_append_char(&name, '.');
    }
    str_append_quoted(&name, settings->table, '"');
    return arena_strdup(arena, str_text(&name));
}

static ErrCode read_history(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    FlywaySettings *settings = ARENA_NEW(reading->arena, FlywaySettings);
    AUTO(History) history = { .settings = settings };
    PairNames names = {
        .order = version_compare_rows,
        .is_by_version_only = true,
        .file_of = file_of,
        .of = settings,
    };
    ErrCode code = flyway_settings_read(reading, settings, err);
    if (code == ERR_NONE) {
        code = walk_all(reading, &history, err);
    }
    if (code == ERR_NONE) {
        take_baselines(reading, &history);
        code = check_versions(reading, &history.pairs.ups, err);
    }
    if (code == ERR_NONE) {
        code = check_versions(reading, &history.pairs.downs, err);
    }
    if (code == ERR_NONE) {
        code = pairs_match(reading, &history.pairs, &names, &history.list, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    LIST_EACH(found, &history.list) {
        found->own = own_of(settings, found, reading->arena);
    }
    ret_set->own_table = own_table(settings, reading->arena);
    return found_read(reading, &history.list, compare_keys, read_migration, ret_set, err);
}

const SourceFormat source_flyway = {
    .name = "flyway",
    .layout = "a file V1__name.sql, and U1__name.sql where it can be undone",
    .claim = claim_files,
    .read = read_history,
    .create = flyway_create,
};
