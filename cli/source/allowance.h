/*
 * Allowances: what `skein lint` is not to find fault with, each with its reason.
 *
 *     -- skein: allow column-drop no release has read it since 2.3
 *     ALTER TABLE orders DROP COLUMN note;
 *
 * One counts for the statement that follows, that it stands in, or that ends on its line. Before
 * the first statement, `allow-file` counts for the whole file. Which rules there are is lint's to
 * know; here a rule is a word. One that cannot be read is lint's to tell of, too: no migration is
 * refused for it.
 */
#ifndef SKEIN_CLI_SOURCE_ALLOWANCE_H
#define SKEIN_CLI_SOURCE_ALLOWANCE_H

#include "cli/source/scan.h"

#define ALLOWANCES_MAX 1000 /* in one file */

typedef struct Allowance {
    const char *rule;   /* "": it names none */
    const char *reason; /* "": it gives none */
    const char *fault;  /* why it allows nothing; NULL: nothing is wrong with it */
    const char *hint;   /* how to mend that */
    uint32_t line;
    uint32_t start; /* bytes into the text: of the comment */
    bool is_file;   /* counts for the whole file */
} Allowance;

typedef struct Allowances {
    const Allowance *items;
    size_t count;
} Allowances;

/* Do these words, behind "-- skein:", say "allow" or "allow-file"? */
bool allowance_begins(const char *words, const char *end);

/* `text` has been scanned. In the order of the file; none behind ALLOWANCES_MAX, and the last one
 * says so. */
Allowances allowances_read(const SqlText *text, Arena *arena);

#endif
