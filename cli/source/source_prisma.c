/*
 * Prisma's layout: a folder TIMESTAMP_name with migration.sql, beside migration_lock.toml, which
 * says for which database they are. Prisma goes by the folders' whole names, as text, and sends a
 * file as one query, in no transaction of its own.
 *
 * Prisma has no way back. "prisma migrate diff" writes one, and by its documentation it is kept as
 * down.sql in the folder: that is taken.
 */
#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "cli/source/found.h"
#include "cli/source/lines.h"
#include "cli/source/new_version.h"
#include "cli/source/prisma.h"
#include "cli/source/version.h"

#define UP "migration.sql"
#define DOWN "down.sql"
#define LOCK "migration_lock.toml"
#define KEY "provider"

/* A folder while it is read: its own first, which is what Found.own points to. */
typedef struct PrismaFolder {
    PrismaMigration own;
    ScriptInput up;
} PrismaFolder;

/* ---- migration_lock.toml ---- */

/* What stands between the quotes of `provider = "…"`; NULL: this line does not say it. */
static const char *find_provider(const TextLine *line, Arena *arena)
{
    const char *words = text_line_words(line);
    const char *text = arena_strndup(arena, words, (size_t)(line->start + line->length - words));
    if (!str_starts_with(text, KEY)) {
        return NULL;
    }
    const char *value = text + strlen(KEY) + strspn(text + strlen(KEY), " \t=");
    bool is_quoted = *value == '"' || *value == '\'';
    return is_quoted ? arena_strndup(arena, value + 1, strcspn(value + 1, "\"'")) : value;
}

static ErrCode check_lock(const SourceReading *reading, Err *err)
{
    ScriptInput lock = { 0 };
    if (!source_dir_has(reading->dir, LOCK)) {
        return ERR_NONE;
    }
    ErrCode code = found_input(reading, LOCK, &lock, err);
    for (TextLine line = { 0 }; code == ERR_NONE && text_next_line(lock.bytes, &line);) {
        const char *provider = find_provider(&line, reading->arena);
        if (provider != NULL && !str_equal(provider, "postgresql") &&
            !str_equal(provider, "postgres")) {
            err_set(err, ERR_SYNTAX, "%s:%u: migrations for \"%s\"", lock.file, line.number,
                    provider);
            code = err_hint(err, "skein runs those for postgresql");
        }
    }
    return code;
}

/* ---- the migration ---- */

static ErrCode read_folder(const SourceReading *reading, const Found *found,
                           PlanMigration *migration, Err *err)
{
    const PrismaFolder *folder = found->own;
    FoundScripts scripts = { .up = folder->up, .down_wanted = DOWN };
    ErrCode code =
        found->down == NULL ? ERR_NONE : found_input(reading, found->down, &scripts.down, err);
    scripts.up.rule.transaction = TRANSACTION_QUERY;
    scripts.down.rule.transaction = TRANSACTION_QUERY;
    return code == ERR_NONE ? found_read_scripts(reading, &scripts, migration, err) : code;
}

static_assert(PRISMA_CHECKSUM_BYTES == crypto_hash_sha256_BYTES, "SHA-256");

static void same_add(PrismaMigration *own, const char *text)
{
    for (size_t i = 0; i < own->same_count; i++) {
        if (str_equal(own->same[i], text)) {
            return;
        }
    }
    own->same[own->same_count++] = text;
}

static void hash_add(PrismaMigration *own, const void *bytes, size_t length, Arena *arena)
{
    uint8_t hash[PRISMA_CHECKSUM_BYTES];
    char *text = arena_alloc(arena, 2 * PRISMA_CHECKSUM_BYTES + 1);
    AUTO(Str) old = { 0 };
    crypto_hash_sha256(hash, bytes, length);
    hex_encode(hash, sizeof(hash), text);
    for (size_t i = 0; i < sizeof(hash); i++) {
        str_printf(&old, "%x", hash[i]);
    }
    same_add(own, text);
    same_add(own, arena_strdup(arena, str_text(&old)));
}

/* CRLF as LF, or LF as CRLF: there Prisma doubles the CR of a CRLF, too. */
static void replace_ends(Bytes bytes, bool is_to_lf, Str *out)
{
    for (size_t i = 0; i < bytes.length; i++) {
        bool is_pair = i + 1 < bytes.length && bytes.data[i] == '\r' && bytes.data[i + 1] == '\n';
        if (is_to_lf && is_pair) {
            continue;
        }
        if (!is_to_lf && bytes.data[i] == '\n') {
            str_append_char(out, '\r');
        }
        str_append_char(out, (char)bytes.data[i]);
    }
}

static void hash_file(Bytes bytes, PrismaMigration *own, Arena *arena)
{
    AUTO(Str) lf = { 0 };
    AUTO(Str) crlf = { 0 };
    replace_ends(bytes, true, &lf);
    replace_ends(bytes, false, &crlf);
    hash_add(own, bytes.data, bytes.length, arena);
    str_copy(own->checksum, sizeof(own->checksum), own->same[0]);
    hash_add(own, str_text(&lf), lf.length, arena);
    hash_add(own, str_text(&crlf), crlf.length, arena);
}

/* ---- the directory ---- */

static ErrCode take_folder(const SourceReading *reading, const char *name, FoundList *list,
                           Err *err)
{
    Arena *arena = reading->arena;
    PrismaFolder *folder = ARENA_NEW(arena, PrismaFolder);
    SourceDir inside = { 0 };
    ErrCode code = source_dir_enter(reading->dir, name, arena, &inside, err);
    if (code == ERR_NONE && !source_dir_has(&inside, UP)) {
        err_set(err, ERR_SYNTAX, "%s: a folder without " UP, inside.path);
        err_hint(err,
                 "Prisma refuses the directory for it, too: restore " UP ", or remove the folder");
        return source_pass_over(reading, "", inside.path, err);
    }
    if (code == ERR_NONE) {
        code = found_input(reading, found_below(name, UP, arena), &folder->up, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    hash_file(folder->up.bytes, &folder->own, arena);
    Found found = {
        .id = name,
        .version = name,
        .name = found_folder_name(name),
        .up = found_below(name, UP, arena),
        .down = source_dir_has(&inside, DOWN) ? found_below(name, DOWN, arena) : NULL,
        .own = folder,
    };
    LIST_PUSH(list, found);
    return ERR_NONE;
}

static size_t claim_folders(const SourceReading *reading)
{
    return found_folders_with(reading, UP);
}

static ErrCode read_folders(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    AUTO(FoundList) list = { 0 };
    ErrCode code = check_lock(reading, err);
    for (size_t i = 0; code == ERR_NONE && i < reading->dir->folder_count; i++) {
        code = take_folder(reading, reading->dir->folders[i], &list, err);
    }
    return code == ERR_NONE ? found_read(reading, &list, strcmp, read_folder, ret_set, err) : code;
}

static ErrCode create_folder(const NewMigration *migration, Arena *arena, NewFiles *ret_files,
                             Err *err)
{
    const char *version = NULL;
    if (new_version_of_time(migration, NEW_VERSION_BY_TEXT, arena, &version, err) != ERR_NONE) {
        return err->code;
    }
    const char *folder = arena_printf(arena, "%s_%s", version, migration->slug);
    *ret_files = (NewFiles){
        .items = { { found_below(folder, UP, arena), "" },
                   { found_below(folder, DOWN, arena),
                     "-- What undoes " UP ". Prisma never runs it.\n" } },
        .count = 2,
    };
    return ERR_NONE;
}

const SourceFormat source_prisma = {
    .name = "prisma",
    .layout = "a folder TIMESTAMP_name with " UP,
    .is_by_text = true,
    .claim = claim_folders,
    .read = read_folders,
    .create = create_folder,
};
