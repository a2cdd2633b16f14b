/*
 * What flyway.conf or flyway.toml says of how a directory's files are read. What says something
 * that no plan can keep is refused with its line; the rest (addresses, passwords, how Flyway itself
 * works) is no matter here.
 */
#ifndef SKEIN_CLI_SOURCE_FLYWAY_SETTINGS_H
#define SKEIN_CLI_SOURCE_FLYWAY_SETTINGS_H

#include "cli/source/source.h"

#define FLYWAY_LIST_MAX 16
#define FLYWAY_TABLE "flyway_schema_history" /* unless it is told otherwise */

typedef enum FlywayPrefix {
    FLYWAY_PREFIX_VERSIONED,
    FLYWAY_PREFIX_UNDO,
    FLYWAY_PREFIX_REPEATABLE,
    FLYWAY_PREFIX_BASELINE,
    FLYWAY_PREFIX_COUNT_,
} FlywayPrefix;

/* A value of a list, as "a,b" or ["a", "b"] have it. */
typedef struct FlywayList {
    const char *items[FLYWAY_LIST_MAX];
    size_t count;
} FlywayList;

typedef struct FlywaySettings {
    const char *file; /* as messages cite it; NULL: there is none, and all is as Flyway has it */
    uint32_t locations_line;
    FlywayList locations; /* as the file has them; none: the directory itself */
    const char *prefixes[FLYWAY_PREFIX_COUNT_];
    const char *separator;
    FlywayList suffixes;
    bool is_replacing; /* placeholders */
    const char *placeholder_prefix;
    const char *placeholder_suffix;
    SourceVariables placeholders; /* below those that whoever plans sets */
    bool has_transaction;         /* executeInTransaction is said */
    bool is_in_transaction;
    const char *table;
    const char *schema; /* NULL: not said */
} FlywaySettings;

/* Where nothing is said. */
extern const FlywaySettings FLYWAY_DEFAULTS;

/* Is there such a file in the directory? */
bool flyway_has_settings(const SourceDir *dir);

/* ERR_SYNTAX with file and line. Texts are in the reading's arena. */
ErrCode flyway_settings_read(const SourceReading *reading, FlywaySettings *ret_settings, Err *err);

/* The folder below the directory that a location means ("": the directory), or NULL. */
const char *flyway_folder(const SourceReading *reading, const char *location);

#endif
