/* What Prisma's own history table holds of a migration and no plan carries. */
#ifndef SKEIN_CLI_SOURCE_PRISMA_H
#define SKEIN_CLI_SOURCE_PRISMA_H

#define PRISMA_CHECKSUM_BYTES 32

/* MigrationSet.own of the format "prisma": the SHA-256 of migration.sql, in hexadecimal. */
typedef struct PrismaMigration {
    char checksum[2 * PRISMA_CHECKSUM_BYTES + 1];
} PrismaMigration;

#endif
