/*
 * diesel's layout: a folder VERSION_name with up.sql and, where it can be undone, down.sql. The
 * version is what stands before the first "_", without its dashes; diesel compares it as text.
 *
 * A file is one query to it, in a transaction, unless the folder's metadata.toml says
 * "run_in_transaction = false".
 */
#include <string.h>

#include "cli/source/found.h"
#include "cli/source/lines.h"
#include "cli/source/new_version.h"
#include "cli/source/version.h"

#define UP "up.sql"
#define DOWN "down.sql"
#define METADATA "metadata.toml"
#define KEY "run_in_transaction"

static const char TOOL_SAYS[] =
    "diesel begins one, unless \"" METADATA "\" beside it says \"" KEY " = false\"";

/* ---- metadata.toml ---- */

/* The value of "run_in_transaction = …" on this line: its start, or NULL. */
static const char *find_value(const TextLine *line)
{
    const char *at = text_line_words(line);
    const char *end = line->start + line->length;
    if ((size_t)(end - at) < strlen(KEY) || strncmp(at, KEY, strlen(KEY)) != 0) {
        return NULL;
    }
    for (at += strlen(KEY); at < end && (*at == ' ' || *at == '\t'); at++) {
    }
    if (at == end || *at != '=') {
        return NULL;
    }
    for (at++; at < end && (*at == ' ' || *at == '\t'); at++) {
    }
    return at;
}

/* Without a file: true. With one that does not say it, diesel reads false. */
static ErrCode read_metadata(const SourceReading *reading, const char *folder, bool *ret_is_one,
                             Err *err)
{
    ScriptInput metadata = { 0 };
    ErrCode code =
        found_input(reading, found_below(folder, METADATA, reading->arena), &metadata, err);
    bool is_one = false;
    for (TextLine line = { 0 }; code == ERR_NONE && text_next_line(metadata.bytes, &line);) {
        const char *value = find_value(&line);
        if (value == NULL) {
            continue;
        }
        size_t left = (size_t)(line.start + line.length - value);
        is_one = left >= 4 && strncmp(value, "true", 4) == 0;
        if (!is_one && (left < 5 || strncmp(value, "false", 5) != 0)) {
            err_set(err, ERR_SYNTAX, "%s:%u: " KEY " is neither true nor false", metadata.file,
                    line.number);
            return err_hint(err, "write \"" KEY " = false\", or remove the file");
        }
    }
    *ret_is_one = is_one;
    return code;
}

/* ---- the migration ---- */

static ErrCode read_folder(const SourceReading *reading, const Found *found,
                           PlanMigration *migration, Err *err)
{
    bool is_one = true;
    ErrCode code = found->own == NULL ? ERR_NONE : read_metadata(reading, found->own, &is_one, err);
    FoundScripts scripts = { .down_wanted = DOWN };
    if (code == ERR_NONE) {
        code = found_input(reading, found->up, &scripts.up, err);
    }
    if (code == ERR_NONE && found->down != NULL) {
        code = found_input(reading, found->down, &scripts.down, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    scripts.up.rule = (PartRule){ .transaction = is_one ? TRANSACTION_ONE : TRANSACTION_QUERY,
                                  .tool_says = TOOL_SAYS };
    scripts.down.rule = scripts.up.rule;
    return found_read_scripts(reading, &scripts, migration, err);
}

/* ---- the directory ---- */

static const char *version_of(const char *folder, Arena *arena)
{
    char *version = arena_strndup(arena, folder, strcspn(folder, "_"));
    char *to = version;
    for (const char *from = version; *from != '\0'; from++) {
        if (*from != '-') {
            *to++ = *from;
        }
    }
    *to = '\0';
    return version;
}

static ErrCode take_folder(const SourceReading *reading, const char *folder, FoundList *list,
                           Err *err)
{
    Arena *arena = reading->arena;
    SourceDir inside = { 0 };
    ErrCode code = source_dir_enter(reading->dir, folder, arena, &inside, err);
    if (code != ERR_NONE || inside.count + inside.folder_count == 0) {
        return code; /* diesel overlooks empty folders, too */
    }
    if (!source_dir_has(&inside, UP)) {
        err_set(err, ERR_SYNTAX, "%s: a folder without " UP, inside.path);
        err_hint(err,
                 "diesel refuses the directory for it, too: add " UP ", or move the folder away");
        return source_pass_over(reading, "", inside.path, err);
    }
    Found found = {
        .id = folder,
        .version = version_of(folder, arena),
        .name = found_folder_name(folder),
        .up = found_below(folder, UP, arena),
        .down = source_dir_has(&inside, DOWN) ? found_below(folder, DOWN, arena) : NULL,
        .own = source_dir_has(&inside, METADATA) ? folder : NULL,
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
    for (size_t i = 0; i < reading->dir->folder_count; i++) {
        ErrCode code = take_folder(reading, reading->dir->folders[i], &list, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return found_read(reading, &list, strcmp, read_folder, ret_set, err);
}

/* As diesel writes times: "2024-01-31-235959". */
static const char *with_dashes(const char *version, Arena *arena)
{
    return strlen(version) == NEW_VERSION_TIME_DIGITS
               ? arena_printf(arena, "%.4s-%.2s-%.2s-%s", version, version + 4, version + 6,
                              version + 8)
               : version;
}

static ErrCode create_folder(const NewMigration *migration, Arena *arena, NewFiles *ret_files,
                             Err *err)
{
    const char *version = NULL;
    if (new_version_of_time(migration, NEW_VERSION_BY_TEXT, arena, &version, err) != ERR_NONE) {
        return err->code;
    }
    const char *folder = arena_printf(arena, "%s_%s", with_dashes(version, arena), migration->slug);
    *ret_files = (NewFiles){
        .items = { { found_below(folder, UP, arena), "-- Your SQL goes here\n" },
                   { found_below(folder, DOWN, arena),
                     "-- This file should undo anything in `up.sql`\n" } },
        .count = 2,
    };
    return ERR_NONE;
}

const SourceFormat source_diesel = {
    .name = "diesel",
    .layout = "a folder VERSION_name with " UP " and " DOWN,
    .twins = "diesel itself runs but one of the two, and does not say which",
    .is_by_text = true,
    .claim = claim_folders,
    .read = read_folders,
    .create = create_folder,
};
