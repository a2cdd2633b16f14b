/* Where a statement of a plan stands in the files that were read. */
#ifndef SKEIN_CLI_SOURCE_PLACE_H
#define SKEIN_CLI_SOURCE_PLACE_H

#include "cli/source/source.h"

/* A statement and where it stands. */
typedef struct Place {
    const PlanStatement *statement; /* NULL: none */
    uint32_t number;                /* from 1 */
    const char *file;
    const char *from; /* what includes that; see TextOrigin */
} Place;

/* Statement `number` of a script. */
Place place_of(const MigrationSet *set, const PlanScript *script, uint32_t number);

#endif
