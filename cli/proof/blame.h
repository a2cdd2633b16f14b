/*
 * Blame: which statement of a migration an object of the catalog is about. A guess by names, as its
 * author would make it: the file is searched for the object's name.
 */
#ifndef SKEIN_CLI_PROOF_BLAME_H
#define SKEIN_CLI_PROOF_BLAME_H

#include "cli/source/place.h"

typedef enum BlameOrder {
    BLAME_FIRST = 0, /* who made it */
    BLAME_LAST,      /* who dealt with it last */
} BlameOrder;

/*
 * The statement of the script that names `name` and, where it is part of something, `owner`; or
 * else one that names the owner alone. "" is no name.
 */
Place blame_find(const MigrationSet *set, const PlanScript *script, const char *name,
                 const char *owner, BlameOrder order);

/* Is this among what looks like a name in a text, a statement or a message? */
bool blame_has_name(const char *text, const char *name);

/*
 * A name in the script that is nearly `name`, and which the migration's other script does not know:
 * what a typo looks like. NULL: none. In `arena`.
 */
const char *blame_misspelt(const MigrationSet *set, const PlanScript *script,
                           const PlanScript *other, const char *name, Arena *arena,
                           Place *ret_place);

#endif
