/* skein new: the files of a new migration. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/local.h"
#include "cli/output.h"
#include "common/file.h"
#include "common/json.h"

#define VERSION_WIDTH 4

static const char UP_TEMPLATE[] =
    "-- Runs in one transaction, unless this comment says: -- skein: no-transaction\n";
static const char DOWN_TEMPLATE[] = "-- Exactly the inverse of the up file. What cannot be undone "
                                    "has no down file: delete this one.\n";

/* "Add invoice currency!" -> "add_invoice_currency". */
static ErrCode slug_of(const char *name, Arena *arena, const char **ret_slug, Err *err)
{
    char *slug = arena_alloc(arena, strlen(name) + 1);
    size_t length = 0;
    for (const char *c = name; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c)) {
            slug[length++] = (char)tolower((unsigned char)*c);
        } else if (length > 0 && slug[length - 1] != '_') {
            slug[length++] = '_';
        }
    }
    while (length > 0 && slug[length - 1] == '_') {
        length--;
    }
    slug[length] = '\0';
    if (length == 0) {
        err_set(err, ERR_USAGE, "'%s' has no letter or digit to name a file by", name);
        return err_hint(err, "for example: skein new add_invoice_currency");
    }
    *ret_slug = slug;
    return ERR_NONE;
}

/*
 * The version after the newest one, as wide as that one is written. A directory that is not there
 * or has no migrations begins at 1; one that cannot be read as it is gets nothing added.
 */
static ErrCode next_version(const Options *options, Arena *arena, const char **ret_version,
                            Err *err)
{
    MigrationSet set = { 0 };
    ErrCode code = local_migrations(options, arena, &set, err);
    if (code == ERR_NOT_FOUND) {
        *ret_version = arena_printf(arena, "%0*d", VERSION_WIDTH, 1);
        return ERR_NONE;
    }
    if (code != ERR_NONE) {
        return code;
    }
    const PlanMigration *last = &set.migrations[set.count - 1];
    size_t width = strspn(last->id, "0123456789");
    int64_t newest = 0;
    if (!str_to_int64(arena_strndup(arena, last->id, width), 0, INT64_MAX - 1, &newest)) {
        err_set(err, ERR_REFUSED, "the newest migration, %s, has no number to count on from",
                last->id);
        return err_hint(err, "name the new files by hand");
    }
    *ret_version = arena_printf(arena, "%0*lld", (int)width, (long long)newest + 1);
    return ERR_NONE;
}

static ErrCode make_directory(const char *path, Err *err)
{
    if (mkdir(path, 0777) != 0 && access(path, F_OK) != 0) {
        return err_set(err, ERR_IO, "cannot make the directory %s: %m", path);
    }
    return ERR_NONE;
}

static ErrCode write_pair(const char *up, const char *down, Err *err)
{
    ErrCode code = file_write_new(up, UP_TEMPLATE, strlen(UP_TEMPLATE), 0644, err);
    if (code == ERR_NONE) {
        code = file_write_new(down, DOWN_TEMPLATE, strlen(DOWN_TEMPLATE), 0644, err);
        if (code != ERR_NONE) {
            unlink(up);
        }
    }
    return code;
}

static void print_pair(const char *up, const char *down, OutputKind output)
{
    if (output == OUTPUT_TEXT) {
        printf("%s\n%s\n", up, down);
        return;
    }
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "up", up);
    json_out_string(&json, "down", down);
    json_out_object_end(&json);
    output_json_text(&text);
}

ErrCode cmd_new(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    Arena *arena = &invocation->arena;
    const char *directory = invocation->options.migrations;
    const char *slug = NULL;
    const char *version = NULL;
    ErrCode code = slug_of(invocation->arguments[0], arena, &slug, err);
    if (code == ERR_NONE) {
        code = next_version(&invocation->options, arena, &version, err);
    }
    if (code == ERR_NONE) {
        code = make_directory(directory, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    const char *up = arena_printf(arena, "%s/%s_%s.up.sql", directory, version, slug);
    const char *down = arena_printf(arena, "%s/%s_%s.down.sql", directory, version, slug);
    code = write_pair(up, down, err);
    if (code == ERR_NONE) {
        print_pair(up, down, invocation->options.output);
    }
    return code;
}
