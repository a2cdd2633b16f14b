/*
 * Flyway's layout: V1_2__name.sql (versioned), U1_2__name.sql (undoes it), R__name.sql (done again
 * whenever it has changed, after all others, by name) and B5__name.sql (does what all up to its
 * version do), also in folders. Versions are rows of numbers, divided by "." or "_".
 *
 * A file's own FILE.sql.conf may say executeInTransaction, placeholderReplacement, shouldExecute.
 * Without it Flyway itself derives whether a file runs in a transaction from its statements.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli/source/dialect.h"
#include "cli/source/flyway_conf.h"
#include "cli/source/pairs.h"
#include "cli/source/placeholder.h"
#include "cli/source/version.h"

#define SUFFIX ".sql"
#define SEPARATOR "__"
#define DEPTH_MAX 16
#define FINGERPRINT_DIGITS 8
#define AFTER_ALL '~' /* begins the key of what has no version */

/* What a file is, by its name. */
typedef enum FlywayKind {
    FLYWAY_NONE = 0,
    FLYWAY_VERSIONED,
    FLYWAY_UNDO,
    FLYWAY_REPEATABLE,
    FLYWAY_BASELINE,
    FLYWAY_CALLBACK,
} FlywayKind;

static const struct {
    char letter;
    FlywayKind kind;
    bool has_version;
} PREFIXES[] = {
    { 'V', FLYWAY_VERSIONED, true },
    { 'U', FLYWAY_UNDO, true },
    { 'R', FLYWAY_REPEATABLE, false },
    { 'B', FLYWAY_BASELINE, true },
};

/* What runs beside migrations, before and after them; the rest of the name may say more. */
static const char *const CALLBACKS[] = {
    "beforeMigrate",     "beforeEachMigrate", "afterEachMigrate",   "afterMigrate",
    "beforeRepeatables", "afterVersioned",    "beforeValidate",     "afterValidate",
    "beforeUndo",        "beforeEachUndo",    "afterEachUndo",      "afterUndo",
    "beforeConnect",     "afterConnect",      "beforeCreateSchema", "createSchema",
};

typedef struct FlywayName {
    FlywayKind kind;
    const char *version; /* digits and ".", as Flyway's table has it; "": none */
    const char *name;    /* for people: blanks for "_" */
    const char *id;      /* the file's name without the folder and the suffix */
} FlywayName;

typedef struct History {
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

/* ---- names ---- */

static const char *replaced(const char *text, size_t length, char from, char to, Arena *arena)
{
    char *copy = arena_strndup(arena, text, length);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == from ? to : *c;
    }
    return copy;
}

static bool is_version(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]) && text[i] != '.' && text[i] != '_') {
            return false;
        }
    }
    return length > 0 && isdigit((unsigned char)text[0]) &&
           isdigit((unsigned char)text[length - 1]);
}

static bool is_callback(const char *stem)
{
    for (size_t i = 0; i < ARRAY_LEN(CALLBACKS); i++) {
        size_t length = strlen(CALLBACKS[i]);
        if (strncmp(stem, CALLBACKS[i], length) == 0 && !isalpha((unsigned char)stem[length])) {
            return true;
        }
    }
    return false;
}

static bool has_suffix(const char *name)
{
    size_t length = strlen(name);
    return length > strlen(SUFFIX) && strcasecmp(name + length - strlen(SUFFIX), SUFFIX) == 0;
}

/* "V1_2__add_a.sql". A name that is no migration's is FLYWAY_NONE. */
static FlywayName parse_name(const char *name, Arena *arena)
{
    FlywayName parsed = { .kind = FLYWAY_NONE };
    if (!has_suffix(name)) {
        return parsed;
    }
    parsed.id = arena_strndup(arena, name, strlen(name) - strlen(SUFFIX));
    if (is_callback(parsed.id)) {
        parsed.kind = FLYWAY_CALLBACK;
        return parsed;
    }
    const char *separator = strstr(parsed.id, SEPARATOR);
    size_t head = separator == NULL ? strlen(parsed.id) : (size_t)(separator - parsed.id);
    const char *words = separator == NULL ? "" : separator + strlen(SEPARATOR);
    for (size_t i = 0; i < ARRAY_LEN(PREFIXES); i++) {
        bool fits = PREFIXES[i].has_version ? head > 0 && is_version(parsed.id + 1, head - 1)
                                            : head == 1 && separator != NULL;
        if (parsed.id[0] == PREFIXES[i].letter && fits) {
            parsed.kind = PREFIXES[i].kind;
            parsed.version = replaced(parsed.id + 1, head - 1, '_', '.', arena);
            parsed.name =
                *words == '\0' ? parsed.id : replaced(words, strlen(words), '_', ' ', arena);
        }
    }
    return parsed;
}

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
    FlywayName parsed = parse_name(name, reading->arena);
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
        if (has_suffix(name)) {
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

/* Of this directory alone: the folders of an unrelated tree must not make it Flyway's. */
static size_t claim_files(const SourceReading *reading)
{
    size_t count = 0;
    for (size_t i = 0; i < reading->dir->count; i++) {
        FlywayKind kind = parse_name(reading->dir->names[i], reading->arena).kind;
        count += kind != FLYWAY_NONE && kind != FLYWAY_CALLBACK;
    }
    return count;
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

static ErrCode replace(const SourceReading *reading, const char *path, ScriptInput *input, Err *err)
{
    const char *slash = strrchr(path, '/');
    const ConfigPair own[] = {
        { "flyway:filename", slash == NULL ? path : slash + 1 },
        { "flyway:table", "flyway_schema_history" },
    };
    Placeholders placeholders = { &reading->options->variables, own, ARRAY_LEN(own) };
    AUTO(Str) text = { 0 };
    ErrCode code = placeholders_replace(&placeholders, input->file, input->bytes, &text, err);
    if (code == ERR_NONE) {
        input->bytes =
            (Bytes){ arena_memdup(reading->arena, str_text(&text), text.length), text.length };
    }
    return code;
}

static ErrCode read_input(const SourceReading *reading, const char *path, ScriptInput *ret_input,
                          Err *err)
{
    FlywayConf conf = { 0 };
    ErrCode code = flyway_conf_read(reading, path, &conf, err);
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
        code = replace(reading, path, ret_input, err);
    }
    if (conf.has_transaction) {
        ret_input->rule = (PartRule){
            .transaction = conf.is_in_transaction ? TRANSACTION_ONE : TRANSACTION_EACH,
            .tool_says = "its .conf says executeInTransaction=true",
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

static ErrCode read_migration(const SourceReading *reading, const Found *found,
                              PlanMigration *migration, Err *err)
{
    bool is_repeatable = found->key != NULL;
    FoundScripts scripts = {
        .down_wanted = is_repeatable
                           ? NULL
                           : arena_printf(reading->arena, "U%s" SEPARATOR "….sql", found->version),
    };
    ErrCode code = read_input(reading, found->up, &scripts.up, err);
    if (code == ERR_NONE && found->down != NULL) {
        code = read_input(reading, found->down, &scripts.down, err);
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

static const char *file_of(const Half *half, bool is_down, Arena *arena)
{
    return arena_printf(arena, "%c%s" SUFFIX, is_down ? 'U' : 'V', half->id + 1);
}

static const PairNames NAMES = {
    .order = version_compare_rows,
    .is_by_version_only = true,
    .file_of = file_of,
};

static ErrCode read_history(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    AUTO(History) history = { 0 };
    ErrCode code = walk(reading, reading->dir, "", 0, &history, err);
    if (code == ERR_NONE) {
        take_baselines(reading, &history);
        code = check_versions(reading, &history.pairs.ups, err);
    }
    if (code == ERR_NONE) {
        code = check_versions(reading, &history.pairs.downs, err);
    }
    if (code == ERR_NONE) {
        code = pairs_match(reading, &history.pairs, &NAMES, &history.list, err);
    }
    return code == ERR_NONE
               ? found_read(reading, &history.list, compare_keys, read_migration, ret_set, err)
               : code;
}

/* ---- skein new ---- */

/* The last number of the newest version, plus one: V1_9 is followed by V1.10. */
static const char *next_version(const char *newest, Arena *arena)
{
    const char *dot = strrchr(newest, '.');
    const char *last = dot == NULL ? newest : dot + 1;
    const char *next = version_after(last, arena);
    return next == NULL ? NULL : arena_printf(arena, "%.*s%s", (int)(last - newest), newest, next);
}

static ErrCode create_files(const NewMigration *migration, Arena *arena, NewFiles *ret_files,
                            Err *err)
{
    const char *newest = migration->newest == NULL ? "0" : migration->newest->version;
    const char *version = newest[0] == '\0' ? NULL : next_version(newest, arena);
    if (version == NULL) {
        err_set(err, ERR_REFUSED, "the newest migration, %s, has no number to count on from",
                migration->newest->id);
        return err_hint(err, "name the new files by hand");
    }
    *ret_files = (NewFiles){
        .items = { { arena_printf(arena, "V%s" SEPARATOR "%s" SUFFIX, version, migration->slug),
                     "" },
                   { arena_printf(arena, "U%s" SEPARATOR "%s" SUFFIX, version, migration->slug),
                     "-- Exactly the inverse. What cannot be undone has no such file: delete this "
                     "one.\n" } },
        .count = 2,
    };
    return ERR_NONE;
}

const SourceFormat source_flyway = {
    .name = "flyway",
    .layout = "a file V1__name.sql, and U1__name.sql where it can be undone",
    .claim = claim_files,
    .read = read_history,
    .create = create_files,
};
