/*
 * Allowances: what `skein lint` is not to find fault with, each with its reason.
 *
 *     -- skein: allow column-drop no release has read it since 2.3
 *     ALTER TABLE orders DROP COLUMN note;
 *
 * One counts for the statement that follows, that it stands in, or that ends on its line. Before
 * the first statement, `allow-file` counts for the whole file. Which rules there are is lint's to
 * know; here a rule is a word.
 */
#ifndef SKEIN_CLI_SOURCE_ALLOWANCE_H
#define SKEIN_CLI_SOURCE_ALLOWANCE_H

#include "cli/source/scan.h"

#define ALLOWANCES_MAX 1000 /* in one file */

typedef struct Allowance {
    const char *rule;
    const char *reason;
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

/* `text` has been scanned. In the order of the file. ERR_SYNTAX with file and line. */
ErrCode allowances_read(const SqlText *text, Arena *arena, Allowances *ret_allowances, Err *err);

#endif
