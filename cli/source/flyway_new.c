/* See flyway_new.h. */
#include "cli/source/flyway_new.h"

#include <string.h>

#include "cli/source/flyway_settings.h"
#include "cli/source/new_version.h"
#include "cli/source/version.h"

/* The last number of the newest version, plus one: V1_9 is followed by V1.10. */
static const char *next_version(const char *newest, Arena *arena)
{
    const char *dot = strrchr(newest, '.');
    const char *last = dot == NULL ? newest : dot + 1;
    const char *next = version_after(last, arena);
    return next == NULL ? NULL : arena_printf(arena, "%.*s%s", (int)(last - newest), newest, next);
}

/* What the directory says of names, and where it looks for the first of them. */
static ErrCode read_names(const char *directory, Arena *arena, FlywaySettings *ret_settings,
                          const char **ret_folder, Err *err)
{
    AUTO(SourceNotes) notes = { .arena = arena }; /* whoever reads says them */
    SourceDir dir = { 0 };
    SourceOptions options = { 0 };
    SourceReading reading = { &dir, &options, &notes, arena };
    *ret_settings = FLYWAY_DEFAULTS;
    *ret_folder = NULL;
    if (directory == NULL || source_dir_open(directory, arena, &dir, NULL) != ERR_NONE) {
        return ERR_NONE;
    }
    ErrCode code = flyway_settings_read(&reading, ret_settings, err);
    if (code == ERR_NONE && ret_settings->locations.count > 0) {
        *ret_folder = flyway_folder(&reading, ret_settings->locations.items[0]);
    }
    return code;
}

static const char *new_path(const FlywaySettings *settings, FlywayPrefix prefix, const char *folder,
                            const char *version, const char *slug, Arena *arena)
{
    bool has_folder = folder != NULL && *folder != '\0';
    return arena_printf(arena, "%s%s%s%s%s%s%s", has_folder ? folder : "", has_folder ? "/" : "",
                        settings->prefixes[prefix], version, settings->separator, slug,
                        settings->suffixes.items[0]);
}

ErrCode flyway_create(const NewMigration *migration, Arena *arena, NewFiles *ret_files, Err *err)
{
    FlywaySettings settings = { 0 };
    const char *folder = NULL;
    const char *newest = migration->newest == NULL ? "0" : migration->newest->version;
    const char *version = newest[0] == '\0' ? NULL : next_version(newest, arena);
    if (version == NULL) {
        return new_version_refuse(migration, err);
    }
    if (read_names(migration->directory, arena, &settings, &folder, err) != ERR_NONE) {
        return err->code;
    }
    *ret_files = (NewFiles){
        .items = { { new_path(&settings, FLYWAY_PREFIX_VERSIONED, folder, version, migration->slug,
                              arena),
                     "" },
                   { new_path(&settings, FLYWAY_PREFIX_UNDO, folder, version, migration->slug,
                              arena),
                     "-- Exactly the inverse. What cannot be undone has no such file: delete this "
                     "one.\n" } },
        .count = 2,
    };
    return ERR_NONE;
}
