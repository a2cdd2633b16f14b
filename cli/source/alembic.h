/* How Alembic's revisions stand on each other, for its own table. */
#ifndef SKEIN_CLI_SOURCE_ALEMBIC_H
#define SKEIN_CLI_SOURCE_ALEMBIC_H

#include <stddef.h>

/* MigrationSet.own of the format "alembic". */
typedef struct AlembicRevision {
    const char *id;
    const char *const *parents;
    size_t parent_count;
    const struct AlembicRevision *const *all; /* in the order that they are applied in */
    size_t all_count;
} AlembicRevision;

#endif
