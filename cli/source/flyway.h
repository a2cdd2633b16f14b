/* What Flyway's own history table holds of a migration and no plan carries. */
#ifndef SKEIN_CLI_SOURCE_FLYWAY_H
#define SKEIN_CLI_SOURCE_FLYWAY_H

#include <stdint.h>

#include "cli/source/flyway_settings.h"
#include "common/str.h"

/* MigrationSet.own of the format "flyway". */
typedef struct FlywayMigration {
    const FlywaySettings *settings;
    const char *type;        /* "SQL", "SQL_BASELINE" */
    const char *description; /* "": none */
    const char *script;      /* its file */
    int32_t *checksum;       /* filled as the file is read */
} FlywayMigration;

/* CRC-32 over the lines without their ends, and without a BOM. */
int32_t flyway_checksum(Bytes text);

#endif
