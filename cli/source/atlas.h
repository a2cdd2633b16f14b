/* What Atlas's own history table holds of a migration and no plan carries. */
#ifndef SKEIN_CLI_SOURCE_ATLAS_H
#define SKEIN_CLI_SOURCE_ATLAS_H

#include <stddef.h>

/* What a directory has that is no migration of a plan. */
typedef struct AtlasDirectory {
    const char **checkpoints; /* versions of those that are left out, in order */
    size_t checkpoint_count;
} AtlasDirectory;

/* MigrationSet.own of the format "atlas". */
typedef struct AtlasMigration {
    const AtlasDirectory *directory;
    const char *description; /* "": none */
    const char *hash;        /* of all files up to this one, as atlas.sum has it; "": it has none */
} AtlasMigration;

#endif
