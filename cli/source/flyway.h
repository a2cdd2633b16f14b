/* What Flyway's own history table holds of a migration and no plan carries. */
#ifndef SKEIN_CLI_SOURCE_FLYWAY_H
#define SKEIN_CLI_SOURCE_FLYWAY_H

#include <stdint.h>

#include "cli/source/flyway_settings.h"
#include "common/str.h"

/* By Flyway's SqlMigrationResolver: of what is done again, with its placeholders replaced; where
 * its table has the file's own one there, it takes that for the same. */
typedef struct FlywayChecksums {
    int32_t own;
    int32_t of_file;
} FlywayChecksums;

/* MigrationSet.own of the format "flyway". */
typedef struct FlywayMigration {
    const FlywaySettings *settings;
    const char *type;           /* "SQL", "SQL_BASELINE" */
    const char *description;    /* "": none */
    const char *script;         /* its file */
    FlywayChecksums *checksums; /* filled as the file is read */
} FlywayMigration;

/* CRC-32 over the lines without their ends, and without a BOM (Flyway's ChecksumCalculator, which
 * does so with the text as UTF-8, whatever it is encoded in). */
int32_t flyway_checksum(Bytes text);

#endif
