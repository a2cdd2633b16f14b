/* What graphile-migrate's own history table holds of a migration and no plan carries. */
#ifndef SKEIN_CLI_SOURCE_GRAPHILE_H
#define SKEIN_CLI_SOURCE_GRAPHILE_H

/* MigrationSet.own of the format "graphile-migrate". */
typedef struct GraphileMigration {
    const char *hash;     /* "sha1:…" */
    const char *previous; /* of the migration before it; NULL: it is the first */
    const char *filename; /* without what people call it: "000001.sql" */
} GraphileMigration;

#endif
