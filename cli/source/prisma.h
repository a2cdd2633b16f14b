/* What Prisma's own history table holds of a migration and no plan carries. */
#ifndef SKEIN_CLI_SOURCE_PRISMA_H
#define SKEIN_CLI_SOURCE_PRISMA_H

#include <stddef.h>

#define PRISMA_CHECKSUM_BYTES 32

#define PRISMA_CHECKSUMS_MAX 6 /* three kinds of line ends, in two spellings */

/*
 * MigrationSet.own of the format "prisma": the SHA-256 of migration.sql, in hexadecimal. Prisma's
 * schema engine (script_matches_checksum in its schema-connector) takes the same text with other
 * line ends for the same, and what its earlier versions wrote, without the zero before a digit.
 */
typedef struct PrismaMigration {
    char checksum[2 * PRISMA_CHECKSUM_BYTES + 1];
    const char
        *same[PRISMA_CHECKSUMS_MAX]; /* whatever the table may have of this text, each once */
    size_t same_count;
} PrismaMigration;

#endif
