/* skein new: the files of a new migration. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/local.h"
#include "cli/new_slug.h"
#include "cli/output.h"
#include "cli/source/source.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"

#define NEW_FORMAT "golang-migrate" /* of a directory that has none yet */

/* Repeatables stand behind the others, and have no version to count on from. */
static const PlanMigration *newest_of(const MigrationSet *set)
{
    for (size_t i = set->count; i > 0; i--) {
        if (!set->migrations[i - 1].is_repeatable) {
            return &set->migrations[i - 1];
        }
    }
    return NULL;
}

/*
 * What the directory holds. One that is not there or has no migrations is written in the format
 * that was named, or that its settings are of, or the default; one that cannot be read as it is
 * gets nothing added.
 */
static ErrCode look(const Options *options, Arena *arena, const SourceFormat **ret_format,
                    const PlanMigration **ret_newest, Err *err)
{
    MigrationSet set = { 0 };
    ErrCode code = local_migrations(options, arena, &set, err);
    if (code == ERR_NONE) {
        *ret_newest = newest_of(&set);
        return source_format(set.format, ret_format, err);
    }
    if (code != ERR_NOT_FOUND) {
        return code;
    }
    *ret_newest = NULL;
    *ret_format = options->format == NULL ? source_recognise(options->migrations, arena) : NULL;
    const char *name = options->format == NULL ? NEW_FORMAT : options->format;
    return *ret_format == NULL ? source_format(name, ret_format, err) : ERR_NONE;
}

static ErrCode make_directory(const char *path, Err *err)
{
    if (mkdir(path, 0777) != 0 && access(path, F_OK) != 0) {
        return err_set(err, ERR_IO, "cannot make the directory %s: %m", path);
    }
    return ERR_NONE;
}

/* Every folder on the way to a file. */
static ErrCode make_folders(const char *path, Arena *arena, Err *err)
{
    ErrCode code = ERR_NONE;
    const char *slash = strchr(path + 1, '/');
    for (; slash != NULL && code == ERR_NONE; slash = strchr(slash + 1, '/')) {
        code = make_directory(arena_strndup(arena, path, (size_t)(slash - path)), err);
    }
    return code;
}

/* All or none: a pair of which one file could not be written leaves nothing behind. */
static ErrCode write_files(const NewFiles *files, Arena *arena, Err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        const NewFile *file = &files->items[i];
        ErrCode code = make_folders(file->path, arena, err);
        if (code == ERR_NONE) {
            code = file_write_new(file->path, file->text, strlen(file->text), 0644, err);
        }
        while (code != ERR_NONE && i > 0) {
            unlink(files->items[--i].path);
        }
        if (code != ERR_NONE) {
            return code;
        }
    }
    return ERR_NONE;
}

static void print_files(const NewFiles *files, OutputKind output)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_array_begin(&json, "files");
    for (size_t i = 0; i < files->count; i++) {
        json_out_string(&json, NULL, files->items[i].path);
        if (output == OUTPUT_TEXT) {
            printf("%s\n", files->items[i].path);
        }
    }
    json_out_array_end(&json);
    json_out_object_end(&json);
    if (output == OUTPUT_JSON) {
        output_json_text(&text);
    }
}

static ErrCode create(const SourceFormat *format, const NewMigration *migration,
                      const char *directory, Arena *arena, NewFiles *ret_files, Err *err)
{
    if (format->create == NULL) {
        err_set(err, ERR_REFUSED, "migrations of %s are written by %s itself", format->name,
                format->name);
        return err_hint(err, "skein reads what it writes");
    }
    ErrCode code = format->create(migration, arena, ret_files, err);
    for (size_t i = 0; code == ERR_NONE && i < ret_files->count; i++) {
        NewFile *file = &ret_files->items[i];
        file->path = arena_printf(arena, "%s/%s", directory, file->path);
    }
    return code;
}

ErrCode cmd_new(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    Arena *arena = &invocation->arena;
    const SourceFormat *format = NULL;
    NewMigration migration = {
        .now_s = clock_wall_s(),
        .directory = invocation->options.migrations,
    };
    NewFiles files = { 0 };
    ErrCode code = new_slug(invocation->arguments[0], arena, &migration.slug, err);
    if (code == ERR_NONE) {
        code = look(&invocation->options, arena, &format, &migration.newest, err);
    }
    if (code == ERR_NONE) {
        code = create(format, &migration, invocation->options.migrations, arena, &files, err);
    }
    if (code == ERR_NONE) {
        code = write_files(&files, arena, err);
    }
    if (code == ERR_NONE) {
        print_files(&files, invocation->options.output);
    }
    return code;
}
