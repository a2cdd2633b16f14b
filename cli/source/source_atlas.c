/*
 * Atlas's layout: VERSION_name.sql, by file name, beside atlas.sum, which holds a hash of each file
 * together with those before it. A checkpoint does what all files before it do.
 *
 * Atlas begins a transaction for each file, unless its head says "-- atlas:txmode none", and has no
 * downs in files: it works them out.
 */
#include <string.h>

#include <sodium.h>

#include "cli/source/atlas.h"
#include "cli/source/foreign.h"
#include "cli/source/found.h"
#include "cli/source/lines.h"

#define SUM "atlas.sum"
#define HASH_PREFIX "h1:"
#define MARK "atlas:"
#define BASE64 sodium_base64_VARIANT_ORIGINAL
#define HASH_TEXT sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, BASE64)

static const char TOOL_SAYS[] =
    "Atlas begins one, unless the file's head is \"-- atlas:txmode none\" above an empty line";

/* A file while it is read: its own first, which is what Found.own points to. */
typedef struct AtlasFile {
    AtlasMigration own;
    ScriptInput whole;
    bool is_bare; /* atlas:txmode none */
} AtlasFile;

/* ---- the head of a file ---- */

/* What stands behind "atlas:NAME" in a comment; NULL: it is not there. */
static const char *read_directive(const char *comment, const char *name)
{
    const char *at = strstr(comment, MARK);
    size_t length = strlen(name);
    if (at == NULL || strncmp(at + strlen(MARK), name, length) != 0) {
        return NULL;
    }
    at += strlen(MARK) + length;
    return *at == '\0' || *at == ' ' ? at + strspn(at, " ") : NULL;
}

/* Of the comments that a file begins with, as far as an empty line parts them from the rest. */
static const char *find_directive(Bytes bytes, const char *name, Arena *arena)
{
    const char *found = NULL;
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        if (text_line_is_blank(&line)) {
            return found;
        }
        if (*line.start != '#' &&
            !(line.length > 1 && line.start[0] == '-' && line.start[1] == '-')) {
            return NULL;
        }
        const char *comment = arena_strndup(arena, line.start, line.length);
        found = found == NULL ? read_directive(comment, name) : found;
    }
    return found;
}

static const char *first_line_says(Bytes bytes, const char *name, Arena *arena)
{
    TextLine line = { 0 };
    return text_next_line(bytes, &line)
               ? read_directive(arena_strndup(arena, line.start, line.length), name)
               : NULL;
}

/* ---- atlas.sum ---- */

typedef struct Sum {
    crypto_hash_sha256_state state; /* of all files so far */
    crypto_hash_sha256_state total; /* of names and hashes */
} Sum;

static const char *end_hash(const crypto_hash_sha256_state *state, Arena *arena)
{
    crypto_hash_sha256_state copy = *state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    char *text = arena_alloc(arena, HASH_TEXT);
    crypto_hash_sha256_final(&copy, digest);
    return sodium_bin2base64(text, HASH_TEXT, digest, sizeof(digest), BASE64);
}

static void update(crypto_hash_sha256_state *state, const char *text)
{
    crypto_hash_sha256_update(state, (const uint8_t *)text, strlen(text));
}

static bool is_out_of_sum(Bytes bytes, Arena *arena)
{
    const char *mode = first_line_says(bytes, "sum", arena);
    return mode != NULL && str_equal(mode, "ignore");
}

static void add_to_sum(Sum *sum, const char *name, AtlasFile *file, Arena *arena)
{
    update(&sum->state, name);
    file->own.hash = "";
    if (is_out_of_sum(file->whole.bytes, arena)) {
        return;
    }
    crypto_hash_sha256_update(&sum->state, file->whole.bytes.data, file->whole.bytes.length);
    file->own.hash = end_hash(&sum->state, arena);
    update(&sum->total, name);
    update(&sum->total, file->own.hash);
}

/* The next line of atlas.sum that names a file: "NAME h1:HASH". */
static bool next_entry(Bytes sum, TextLine *line, Arena *arena, const char **ret_name,
                       const char **ret_hash)
{
    while (text_next_line(sum, line)) {
        const char *text = arena_strndup(arena, line->start, line->length);
        const char *hash = strstr(text, " " HASH_PREFIX);
        if (hash != NULL) {
            *ret_name = arena_strndup(arena, text, (size_t)(hash - text));
            *ret_hash = hash + strlen(" " HASH_PREFIX);
            return true;
        }
    }
    return false;
}

static ErrCode refuse_sum(const SourceReading *reading, const char *name, const char *words,
                          Err *err)
{
    const char *file = source_dir_cite(reading->dir, name, reading->arena);
    err_set(err, ERR_SYNTAX, "%s: %s", file, words);
    err_hint(err,
             "Atlas refuses the directory for it, too: restore the file, or write the sum anew "
             "with \"atlas migrate hash\"");
    return source_pass_over(reading, "", file, err);
}

static ErrCode check_sum(const SourceReading *reading, const FoundList *files, const Sum *sum,
                         Err *err)
{
    Arena *arena = reading->arena;
    ScriptInput input = { 0 };
    TextLine line = { 0 };
    const char *name = NULL;
    const char *hash = NULL;
    ErrCode code = found_input(reading, SUM, &input, err);
    for (size_t i = 0; code == ERR_NONE && i < files->count; i++) {
        const AtlasFile *file = files->items[i].own;
        if (*file->own.hash == '\0') {
            continue;
        }
        if (!next_entry(input.bytes, &line, arena, &name, &hash) ||
            !str_equal(name, files->items[i].up)) {
            return refuse_sum(reading, files->items[i].up, "is not in " SUM, err);
        }
        if (!str_equal(hash, file->own.hash)) {
            return refuse_sum(reading, files->items[i].up, "is not what " SUM " says", err);
        }
    }
    if (code == ERR_NONE && next_entry(input.bytes, &line, arena, &name, &hash)) {
        return refuse_sum(reading, SUM, arena_printf(arena, "%s is not there", name), err);
    }
    const char *total = arena_printf(arena, HASH_PREFIX "%s\n", end_hash(&sum->total, arena));
    bool is_right =
        input.bytes.length >= strlen(total) && memcmp(input.bytes.data, total, strlen(total)) == 0;
    return code != ERR_NONE || is_right
               ? code
               : refuse_sum(reading, SUM, "its first line is not the sum of the others", err);
}

/* ---- the migration ---- */

static ErrCode check_head(AtlasFile *file, Arena *arena, Err *err)
{
    if (first_line_says(file->whole.bytes, "txtar", arena) != NULL) {
        err_set(err, ERR_SYNTAX, "%s:1: an archive of several files", file->whole.file);
        return err_hint(err, "put what is between \"-- migration.sql --\" and the next mark into a "
                             "file of its own");
    }
    const char *mode = find_directive(file->whole.bytes, "txmode", arena);
    file->is_bare = mode != NULL && str_equal(mode, "none");
    if (mode == NULL || file->is_bare || str_equal(mode, "file")) {
        return ERR_NONE;
    }
    err_set(err, ERR_SYNTAX, "%s: the txmode \"%s\"", file->whole.file, mode);
    return err_hint(err, "a file may say none or file");
}

static ErrCode read_file(const SourceReading *reading, const Found *found, PlanMigration *migration,
                         Err *err)
{
    const AtlasFile *file = found->own;
    FoundScripts scripts = { .up = file->whole, .is_irreversible = true };
    scripts.up.rule = (PartRule){
        .transaction = file->is_bare ? TRANSACTION_EACH : TRANSACTION_ONE,
        .tool_says = TOOL_SAYS,
    };
    return found_read_scripts(reading, &scripts, migration, err);
}

/* ---- the directory ---- */

/* Atlas also sums directories that are in other tools' formats: those are theirs. */
static size_t claim_files(const SourceReading *reading)
{
    const SourceDir *dir = reading->dir;
    size_t count = 0;
    for (size_t i = 0; source_dir_has(dir, SUM) && i < dir->count; i++) {
        const char *name = dir->names[i];
        count += str_ends_with(name, ".sql") && !foreign_is(reading, name);
    }
    return count;
}

static ErrCode take_file(const SourceReading *reading, const char *name,
                         const AtlasDirectory *directory, Sum *sum, FoundList *files, Err *err)
{
    Arena *arena = reading->arena;
    AtlasFile *file = ARENA_NEW(arena, AtlasFile);
    ErrCode code = found_input(reading, name, &file->whole, err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *stem = arena_strndup(arena, name, strlen(name) - strlen(".sql"));
    const char *underscore = strchr(stem, '_');
    file->own.directory = directory;
    file->own.description = underscore == NULL ? "" : underscore + 1;
    add_to_sum(sum, name, file, arena);
    Found found = {
        .id = stem,
        .version =
            underscore == NULL ? stem : arena_strndup(arena, stem, (size_t)(underscore - stem)),
        .key = name,
        .name = *file->own.description == '\0' ? stem : file->own.description,
        .up = name,
        .own = file,
    };
    LIST_PUSH(files, found);
    code = check_head(file, arena, err);
    return code == ERR_NONE ? code : source_pass_over(reading, stem, file->whole.file, err);
}

/* With files before it, every database takes their way, which leads to the same place. */
static void take_checkpoint(const SourceReading *reading, const Found *found,
                            AtlasDirectory *directory)
{
    source_note(reading->notes, SOURCE_NOTE_INFO,
                source_dir_cite(reading->dir, found->up, reading->arena), 0,
                "left out: a checkpoint, which does what the files before it do");
    directory->checkpoints[directory->checkpoint_count++] = found->version;
}

static ErrCode read_files(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    const SourceDir *dir = reading->dir;
    AtlasDirectory *directory = ARENA_NEW(reading->arena, AtlasDirectory);
    AUTO(FoundList) files = { 0 };
    AUTO(FoundList) list = { 0 };
    Sum sum = { 0 };
    ErrCode code = ERR_NONE;
    crypto_hash_sha256_init(&sum.state);
    crypto_hash_sha256_init(&sum.total);
    directory->checkpoints = ARENA_ARRAY(reading->arena, const char *, dir->count);
    for (size_t i = 0; code == ERR_NONE && i < dir->count; i++) {
        if (str_ends_with(dir->names[i], ".sql")) {
            code = take_file(reading, dir->names[i], directory, &sum, &files, err);
        }
    }
    if (code == ERR_NONE && source_dir_has(dir, SUM)) {
        code = check_sum(reading, &files, &sum, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    LIST_EACH(found, &files) {
        const AtlasFile *file = found->own;
        if (list.count > 0 &&
            find_directive(file->whole.bytes, "checkpoint", reading->arena) != NULL) {
            take_checkpoint(reading, found, directory);
        } else {
            LIST_PUSH(&list, *found);
        }
    }
    return found_read(reading, &list, strcmp, read_file, ret_set, err);
}

const SourceFormat source_atlas = {
    .name = "atlas",
    .layout = "a file VERSION_name.sql beside " SUM,
    .twins = "Atlas itself fails at it, since its table takes a version once",
    .is_by_text = true,
    .claim = claim_files,
    .read = read_files,
};
