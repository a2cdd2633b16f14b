/*
 * graphile-migrate's layout: committed/NNNNNN.sql or NNNNNN-words.sql, each with headers ("--!
 * Hash: …") above an empty line. A hash is of a migration's text and of the hash before it: a
 * chain, which is checked. What is not committed yet (current.sql, current/) is no migration.
 *
 * The tool puts values in place of words like :DATABASE_NAME wherever they stand, begins a
 * transaction unless the first line below the headers says otherwise, and has no way back.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha1.h>

#include "cli/source/found.h"
#include "cli/source/graphile.h"
#include "cli/source/graphile_settings.h"
#include "cli/source/lines.h"
#include "cli/source/version.h"

#define COMMITTED "committed"
#define HEADER "--! "
#define HASH_NAME "sha1:"
#define HASH_TEXT (2 * SHA1_DIGEST_SIZE + 1)
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
#define HEADERS_MAX 64

static const char TOOL_SAYS[] = "graphile-migrate begins one, unless the first line below the "
                                "headers is \"--! no-transaction\"";

/* A file while it is read: its own first, which is what Found.own points to. */
typedef struct GraphileFile {
    GraphileMigration own;
    const GraphileSettings *settings;
    ScriptInput whole;
    const char *headers[HEADERS_MAX]; /* names */
    size_t header_count;
    bool may_differ;  /* "--! AllowInvalidHash" */
    const char *body; /* begins here, at this line */
    uint32_t body_line;
} GraphileFile;

static const char *end_of(const ScriptInput *input)
{
    return (const char *)input->bytes.data + input->bytes.length;
}

static ErrCode refuse(const GraphileFile *file, uint32_t line, Err *err, const char *words)
{
    err_set(err, ERR_SYNTAX, "%s:%u: %s", file->whole.file, line, words);
    return err_hint(err, "graphile-migrate refuses the file for it, too: restore it as it was "
                         "committed");
}

/* ---- headers ---- */

/* The name of a header, or NULL: it has a capital first. *ret_value is NULL without a colon. */
static const char *read_header(const TextLine *line, Arena *arena, const char **ret_value)
{
    size_t mark = strlen(HEADER);
    if (line->length <= mark || memcmp(line->start, HEADER, mark) != 0) {
        return NULL;
    }
    const char *text = arena_strndup(arena, line->start + mark, line->length - mark);
    size_t length = isupper((unsigned char)*text) ? strspn(text, NAME_LETTERS) : 0;
    if (length == 0 || memchr(text, '-', length) != NULL ||
        (text[length] != '\0' && text[length] != ':')) {
        return NULL;
    }
    *ret_value = text[length] == ':' ? text + length + 1 : NULL;
    return arena_strndup(arena, text, length);
}

static const char *trimmed(const char *text, Arena *arena)
{
    size_t length = 0;
    text += strspn(text, " \t\r");
    for (size_t i = 0; text[i] != '\0'; i++) {
        length = strchr(" \t\r", text[i]) == NULL ? i + 1 : length;
    }
    return arena_strndup(arena, text, length);
}

static ErrCode take_header(GraphileFile *file, uint32_t line, const char *name, const char *value,
                           Arena *arena, Err *err)
{
    for (size_t i = 0; i < file->header_count; i++) {
        if (str_equal(file->headers[i], name)) {
            return refuse(file, line, err, "a header for the second time");
        }
    }
    if (file->header_count == HEADERS_MAX) {
        return refuse(file, line, err, "too many headers");
    }
    file->headers[file->header_count++] = name;
    const char *text = value == NULL ? NULL : trimmed(value, arena);
    if (str_equal(name, "Hash")) {
        file->own.hash = text;
    } else if (str_equal(name, "Previous")) {
        file->own.previous = text;
    } else if (str_equal(name, "AllowInvalidHash")) {
        file->may_differ = true;
    }
    return ERR_NONE;
}

/* `line` is the first that is no header. */
static ErrCode check_headers(GraphileFile *file, const TextLine *line, Err *err)
{
    if (line->length > 0) {
        return refuse(file, line->number, err, "no empty line below the headers");
    }
    if (file->own.previous == NULL || *file->own.previous == '\0') {
        return refuse(file, 1, err, "no header \"--! Previous:\"");
    }
    if (file->own.hash == NULL || *file->own.hash == '\0') {
        return refuse(file, 1, err, "no header \"--! Hash:\"");
    }
    if (str_equal(file->own.previous, "-")) {
        file->own.previous = NULL;
    }
    return ERR_NONE;
}

static ErrCode read_headers(GraphileFile *file, Arena *arena, Err *err)
{
    const char *end = end_of(&file->whole);
    const char *value = NULL;
    TextLine line = { 0 };
    ErrCode code = ERR_NONE;
    while (code == ERR_NONE) {
        uint32_t number = line.number + 1;
        if (!text_next_line(file->whole.bytes, &line)) {
            line = (TextLine){ end, 0, number };
        }
        const char *name = read_header(&line, arena, &value);
        if (name == NULL) {
            break;
        }
        code = take_header(file, number, name, value, arena, err);
    }
    file->body = line.start;
    file->body_line = line.number;
    return code == ERR_NONE ? check_headers(file, &line, err) : code;
}

/* ---- hashes ---- */

static Bytes without_blanks(const char *start, const char *end)
{
    while (start < end && isspace((unsigned char)*start)) {
        start++;
    }
    while (start < end && isspace((unsigned char)end[-1])) {
        end--;
    }
    return (Bytes){ (const uint8_t *)start, (size_t)(end - start) };
}

/* Of the hash before it, a line end, and the text without what is blank around it. */
static void hash_text(const char *previous, Bytes text, char ret_hash[HASH_TEXT])
{
    uint8_t digest[SHA1_DIGEST_SIZE];
    struct sha1_ctx context;
    sha1_init(&context);
    if (previous != NULL) {
        sha1_update(&context, strlen(previous), (const uint8_t *)previous);
        sha1_update(&context, text.length > 0, (const uint8_t *)"\n");
    }
    sha1_update(&context, text.length, text.data);
    sha1_update(&context, 1, (const uint8_t *)"\n");
    sha1_digest(&context, sizeof(digest), digest);
    hex_encode(digest, sizeof(digest), ret_hash);
}

static bool has_hash(const GraphileFile *file, Bytes text)
{
    char hash[HASH_TEXT];
    hash_text(file->own.previous, text, hash);
    return str_starts_with(file->own.hash, HASH_NAME) &&
           str_equal(file->own.hash + strlen(HASH_NAME), hash);
}

/* A checkout may have made CRLF of what was committed with LF. */
static bool has_hash_with_newlines(const GraphileFile *file, Bytes text)
{
    AUTO(Str) lines = { 0 };
    for (size_t i = 0; i < text.length; i++) {
        bool is_return = text.data[i] == '\r' && i + 1 < text.length && text.data[i + 1] == '\n';
        str_append_bytes(&lines, &text.data[i], !is_return);
    }
    return has_hash(file, (Bytes){ (const uint8_t *)str_text(&lines), lines.length });
}

static ErrCode check_hash(const SourceReading *reading, const GraphileFile *file, Err *err)
{
    Bytes text = without_blanks(file->body, end_of(&file->whole));
    bool is_same = has_hash(file, text) || has_hash_with_newlines(file, text);
    if (is_same && file->may_differ) {
        source_note(reading->notes, SOURCE_NOTE_WARNING, file->whole.file, 0,
                    "graphile-migrate refuses \"--! AllowInvalidHash\" where the hash is right");
    }
    if (is_same || file->may_differ) {
        return ERR_NONE;
    }
    err_set(err, ERR_SYNTAX, "%s: its text is not what \"--! Hash:\" says was committed",
            file->whole.file);
    return err_hint(err, "graphile-migrate does not run it, either: restore it, or, where it was "
                         "changed on purpose, add the header \"--! AllowInvalidHash\"");
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
    const char *end = end_of(&file->whole);
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
    ErrCode code = check_hash(reading, file, err);
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
    bool is_query = is_bare(without_blanks(bytes, bytes + text.length));
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

static ErrCode find_committed(const SourceReading *reading, const GraphileSettings *settings,
                              Committed *ret_committed, Err *err)
{
    const char *folder = below(settings->folder, COMMITTED, reading->arena);
    bool is_here = !source_dir_has_path(reading->dir, folder);
    *ret_committed = (Committed){ *reading->dir, is_here ? "" : folder };
    return is_here
               ? ERR_NONE
               : source_dir_enter(reading->dir, folder, reading->arena, &ret_committed->dir, err);
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
        code = read_headers(file, arena, err);
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
