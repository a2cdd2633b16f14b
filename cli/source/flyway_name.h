/* What a file of Flyway's is, by its name: V1_2__add_a.sql, R__views.sql, afterMigrate.sql. */
#ifndef SKEIN_CLI_SOURCE_FLYWAY_NAME_H
#define SKEIN_CLI_SOURCE_FLYWAY_NAME_H

#include "cli/source/flyway_settings.h"

typedef enum FlywayKind {
    FLYWAY_NONE = 0,
    FLYWAY_VERSIONED,
    FLYWAY_UNDO,
    FLYWAY_REPEATABLE,
    FLYWAY_BASELINE,
    FLYWAY_CALLBACK,
} FlywayKind;

typedef struct FlywayName {
    FlywayKind kind;
    const char *version; /* digits and ".", as Flyway's table has it; "": none */
    const char *name;    /* for people: blanks for "_" */
    const char *id;      /* the file's name without the folder and the suffix */
} FlywayName;

/* Does it end in one of the suffixes, in any case? */
bool flyway_has_suffix(const FlywaySettings *settings, const char *name);

/* One that is no migration's is FLYWAY_NONE. Texts are in the arena. */
FlywayName flyway_name_read(const FlywaySettings *settings, const char *name, Arena *arena);

#endif
