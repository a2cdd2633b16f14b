/*
 * graphile-migrate's layout: committed/NNNNNN.sql or NNNNNN-words.sql, each with headers ("--!
 * Hash: …") above an empty line. A hash is of a migration's text and of the hash before it: a
 * chain, which is checked. What is not committed yet (current.sql, current/) is no migration.
 *
 * The tool puts values in place of words like :DATABASE_NAME wherever they stand, begins a
 * transaction unless the first line below the headers says otherwise, and has no way back.
 */
#include <ctype.h>
#include <string.h>

#include "cli/source/found.h"
#include "cli/source/graphile_file.h"
#include "cli/source/lines.h"
#include "cli/source/version.h"

#define COMMITTED "committed"
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static const char TOOL_SAYS[] = "graphile-migrate begins one, unless the first line below the "
                                "headers is \"--! no-transaction\"";

/* ---- placeholders ---- */

/* What each database has its own of. */
static bool is_of_database(const char *name)
{
    return str_equal(name, "DATABASE_NAME") || str_equal(name, "DATABASE_OWNER");
}

/* Of the project's own and of those that are set, the value of this one. False: it is none. */
static bool find_placeholder(const GraphileFile *file, const char *name, const char **ret_value)
{
    const GraphileSettings *settings = file->settings;
    *ret_value = variables_find(file->whole.variables, name);
    for (size_t i = 0; i < settings->placeholder_count; i++) {
        if (str_equal(settings->placeholders[i].name, name)) {
            *ret_value = *ret_value == NULL ? settings->placeholders[i].value : *ret_value;
            return true;
        }
    }
    return *ret_value != NULL || is_of_database(name);
}

static ErrCode refuse_placeholder(const GraphileFile *file, uint32_t line, const char *name,
                                  Err *err)
{
    if (!is_of_database(name)) {
        return variables_refuse_unset(file->whole.variables, file->whole.file, line, name, err);
    }
    err_set(err, ERR_SYNTAX,
            "%s:%u: :%s is another in each database, and a plan is the same for "
            "all",
            file->whole.file, line, name);
    return err_hint(err,
                    "where it is the same everywhere: --set %s=VALUE, or under `set:` in the "
                    "rollout file",
                    name);
}

/* Behind a colon. Words that are no placeholder stay. */
static ErrCode take_word(const GraphileFile *file, const char *word, size_t length, uint32_t line,
                         Arena *arena, Str *out, Err *err)
{
    const char *name = arena_strndup(arena, word, length);
    const char *value = NULL;
    if (!isupper((unsigned char)*name) || !find_placeholder(file, name, &value)) {
        str_printf(out, ":%s", name);
        return ERR_NONE;
    }
    if (value == NULL) {
        return refuse_placeholder(file, line, name, err);
    }
    str_append(out, value);
    return ERR_NONE;
}

static size_t word_length(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && (isalnum((unsigned char)*at) || *at == '_')) {
        at++;
    }
    return (size_t)(at - start);
}

static ErrCode replace(const GraphileFile *file, const char *at, uint32_t line, Arena *arena,
                       Str *out, Err *err)
{
    const char *end = graphile_file_end(file);
    while (at < end) {
        if (*at != ':') {
            line += *at == '\n';
            str_append_char(out, *at++);
            continue;
        }
        size_t length = word_length(at + 1, end);
        ErrCode code = take_word(file, at + 1, length, line, arena, out, err);
        if (code != ERR_NONE) {
            return code;
        }
        at += 1 + length;
    }
    return ERR_NONE;
}

/* Those of the set, in order: each says which hash is before it. */
static ErrCode check_chain(const SourceReading *reading, const MigrationSet *set, Err *err)
{
    const char *previous = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const GraphileFile *file = set->own[i];
        if (!str_equal(file->own.previous, previous)) {
            err_set(err, ERR_SYNTAX, "%s: says that %s is before it, and there %s",
                    file->whole.file, file->own.previous == NULL ? "nothing" : file->own.previous,
                    previous == NULL ? "nothing is"
                                     : arena_printf(reading->arena, "%s is", previous));
            err_hint(err, "graphile-migrate refuses the directory for it, too: one is missing, or "
                          "two were committed at the same time");
            ErrCode code = source_pass_over(reading, set->migrations[i].id, file->whole.file, err);
            if (code != ERR_NONE) {
                return code;
            }
        }
        previous = file->own.hash;
    }
    return ERR_NONE;
}

/* ---- the migration ---- */

static const char *behind(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);
    bool is_there = at != NULL && (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
    return is_there ? at + length : NULL;
}

/* "--! no-transaction" at the very beginning of the text. */
static bool is_bare(Bytes text)
{
    const char *at = (const char *)text.data;
    const char *end = at + text.length;
    at = behind(at, end, "--!");
    while (at != NULL && at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    at = behind(at, end, "no-transaction");
    return at != NULL && word_length(at, end) == 0;
}

static ErrCode read_file(const SourceReading *reading, const Found *found, PlanMigration *migration,
                         Err *err)
{
    const GraphileFile *file = found->own;
    AUTO(Str) text = { 0 };
    ErrCode code = graphile_file_check(reading, file, err);
    if (code == ERR_NONE) {
        code = replace(file, file->body, file->body_line, reading->arena, &text, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    const char *bytes = arena_strndup(reading->arena, str_text(&text), text.length);
    FoundScripts scripts = { .up = file->whole, .is_irreversible = true };
    scripts.up.bytes = (Bytes){ (const uint8_t *)bytes, text.length };
    scripts.up.first_line = file->body_line;
    bool is_query = is_bare(graphile_text(bytes, bytes + text.length));
    scripts.up.rule = (PartRule){
        .transaction = is_query ? TRANSACTION_QUERY : TRANSACTION_ONE,
        .tool_says = TOOL_SAYS,
    };
    return found_read_scripts(reading, &scripts, migration, err);
}

/* ---- the directory ---- */

/* The files that are committed: in committed/ below the folder of migrations, or there. */
typedef struct Committed {
    SourceDir dir;
    const char *folder; /* below the directory */
} Committed;

static const char *below(const char *folder, const char *name, Arena *arena)
{
    return *folder == '\0' ? name : found_below(folder, name, arena);
}

/* .gmrc may also lie among the migrations (`graphile-migrate -c migrations/.gmrc`). */
static ErrCode find_committed(const SourceReading *reading, const GraphileSettings *settings,
                              Committed *ret_committed, Err *err)
{
    const char *const places[] = { below(settings->folder, COMMITTED, reading->arena), COMMITTED };
    *ret_committed = (Committed){ *reading->dir, "" };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (source_dir_has_path(reading->dir, places[i])) {
            ret_committed->folder = places[i];
            return source_dir_enter(reading->dir, places[i], reading->arena, &ret_committed->dir,
                                    err);
        }
    }
    return ERR_NONE;
}

/* Digits, and words behind a dash. */
static bool is_name(const char *name)
{
    size_t digits = version_digits(name);
    const char *rest = name + digits;
    rest += *rest == '-' ? strspn(rest, NAME_LETTERS) : 0;
    return digits > 0 && str_equal(rest, ".sql");
}

static bool has_headers(const SourceReading *reading, const char *path)
{
    ScriptInput whole = { 0 };
    return found_input(reading, path, &whole, NULL) == ERR_NONE &&
           memmem(whole.bytes.data, whole.bytes.length, "--! Hash:", strlen("--! Hash:")) != NULL;
}

static size_t claim_files(const SourceReading *reading)
{
    Committed committed = { 0 };
    GraphileSettings settings = { 0 };
    AUTO(SourceNotes) notes = { .arena = reading->arena }; /* whoever reads says them */
    SourceReading quiet = *reading;
    size_t count = 0;
    quiet.notes = &notes;
    if (graphile_settings_read(&quiet, &settings, NULL) != ERR_NONE ||
        find_committed(&quiet, &settings, &committed, NULL) != ERR_NONE) {
        return 0;
    }
    for (size_t i = 0; i < committed.dir.count; i++) {
        const char *name = committed.dir.names[i];
        count +=
            is_name(name) && has_headers(reading, below(committed.folder, name, reading->arena));
    }
    return count;
}

/* What people call it stands behind the number, which is all that the tool knows it by. */
static ErrCode take_file(const SourceReading *reading, const GraphileSettings *settings,
                         const Committed *committed, const char *name, FoundList *list, Err *err)
{
    Arena *arena = reading->arena;
    GraphileFile *file = ARENA_NEW(arena, GraphileFile);
    Found found = found_of_name(name, strlen(name) - strlen(".sql"), arena);
    found.up = below(committed->folder, name, arena);
    found.own = file;
    file->settings = settings;
    file->own.filename = arena_printf(arena, "%s.sql", found.version);
    found.key = file->own.filename;
    ErrCode code = found_input(reading, found.up, &file->whole, err);
    if (code == ERR_NONE) {
        code = graphile_file_read(file, arena, err);
    }
    if (code != ERR_NONE) {
        return source_pass_over(reading, found.id,
                                file->whole.file == NULL ? found.up : file->whole.file, err);
    }
    LIST_PUSH(list, found);
    return ERR_NONE;
}

static bool has_words(const SourceReading *reading, const char *path)
{
    ScriptInput whole = { 0 };
    ErrCode code = found_input(reading, path, &whole, NULL);
    for (TextLine line = { 0 }; code == ERR_NONE && text_next_line(whole.bytes, &line);) {
        if (!text_line_is_blank(&line) && !text_line_is_comment(&line)) {
            return true;
        }
    }
    return false;
}

/* Somebody works on it. */
static void note_current(const SourceReading *reading, const GraphileSettings *settings)
{
    const char *current = below(settings->folder, "current.sql", reading->arena);
    if (source_dir_has_path(reading->dir, current) && has_words(reading, current)) {
        source_note(reading->notes, SOURCE_NOTE_INFO,
                    source_dir_cite(reading->dir, current, reading->arena), 0,
                    "left out: it is not committed");
    }
}

static void note_name(const SourceReading *reading, const Committed *committed, const char *name)
{
    if (str_ends_with(name, ".sql")) {
        source_note(reading->notes, SOURCE_NOTE_INFO,
                    source_dir_cite(&committed->dir, name, reading->arena), 0,
                    "left out: its name is not NNNNNN.sql or NNNNNN-words.sql");
    }
}

static ErrCode read_files(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    AUTO(FoundList) list = { 0 };
    Committed committed = { 0 };
    GraphileSettings *settings = ARENA_NEW(reading->arena, GraphileSettings);
    ErrCode code = graphile_settings_read(reading, settings, err);
    if (code == ERR_NONE) {
        code = find_committed(reading, settings, &committed, err);
    }
    for (size_t i = 0; code == ERR_NONE && i < committed.dir.count; i++) {
        const char *name = committed.dir.names[i];
        if (is_name(name)) {
            code = take_file(reading, settings, &committed, name, &list, err);
        } else {
            note_name(reading, &committed, name);
        }
    }
    if (code == ERR_NONE) {
        note_current(reading, settings);
        code = found_read(reading, &list, strcmp, read_file, ret_set, err);
    }
    return code == ERR_NONE ? check_chain(reading, ret_set, err) : code;
}

const SourceFormat source_graphile_migrate = {
    .name = "graphile-migrate",
    .layout = "a file committed/NNNNNN.sql that graphile-migrate has committed",
    .claim = claim_files,
    .read = read_files,
};
