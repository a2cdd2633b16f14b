/*
 * Culprits: of all that downs above have left, what explains best what a down below has met. The
 * server's messages name objects and not who left them there, so it is a comparison of names.
 */
#ifndef SKEIN_CLI_PROOF_CULPRIT_H
#define SKEIN_CLI_PROOF_CULPRIT_H

#include "cli/catalog/catalog.h"
#include "cli/catalog/difference.h"
#include "cli/proof/rows.h"

/* What a down has met. */
typedef struct Clue {
    const char *words;        /* that tell of it */
    const char *const *names; /* of the objects that they are about */
    size_t count;
} Clue;

/* A failure: `now` is what the database holds. In `arena`. */
Clue clue_of_words(const char *words, const Catalog *now, Arena *arena);

/* What has come to be different. In `arena`. */
Clue clue_of_differences(const Differences *differences, Arena *arena);

#define CLUE_FIT_NAMED 1000

/*
 * How well this explains it: CLUE_FIT_NAMED, the clue names it; or else how many of the clue's
 * objects it is made with: a view by its query, a table by the types of its columns. 0: not at all.
 */
unsigned clue_fit(const Clue *clue, const Difference *left, const Catalog *now);

/* The first change of rows in a table that the words name; NULL: none. */
const RowChange *clue_rows(const char *words, const RowChanges *rows);

#endif
