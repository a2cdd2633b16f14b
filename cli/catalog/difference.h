/*
 * What differs between two catalogs, object by object, and how much it matters.
 *
 * A thing that came or went takes its parts with it: of a table that is left behind, its columns,
 * indexes and grants are counted, not listed.
 */
#ifndef SKEIN_CLI_CATALOG_DIFFERENCE_H
#define SKEIN_CLI_CATALOG_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"

/* Only the first is a difference that a migration's author has to mend; see DIFFERENCE_CLASSES. */
typedef enum DifferenceClass {
    DIFFERENCE_REAL = 0,
    DIFFERENCE_COLUMN_ORDER,
    DIFFERENCE_SPACING,
    DIFFERENCE_EXTENSION_LEFT,
    DIFFERENCE_LABEL_LEFT,
    DIFFERENCE_CLASS_COUNT_,
} DifferenceClass;

const char *difference_class_name(DifferenceClass class); /* "column-order": for JSON and JUnit */
const char *difference_class_why(DifferenceClass class);  /* why it is told apart; a sentence */

typedef enum DifferenceHow {
    DIFFERENCE_NONE = 0,
    DIFFERENCE_MISSING,   /* it was there before */
    DIFFERENCE_LEFT,      /* it was not there before */
    DIFFERENCE_CHANGED,   /* its definition is another one */
    DIFFERENCE_REORDERED, /* only the order of its members is another one */
    DIFFERENCE_RENAMED,   /* the same is there under another name */
    DIFFERENCE_HOW_COUNT_,
} DifferenceHow;

const char *difference_how_name(DifferenceHow how); /* "missing", "left", "changed", … */

typedef struct CatalogEntry CatalogEntry;
typedef struct Catalog Catalog;

typedef struct Difference {
    DifferenceHow how;
    DifferenceClass class;
    const CatalogEntry *before; /* NULL: DIFFERENCE_LEFT */
    const CatalogEntry *after;  /* NULL: DIFFERENCE_MISSING */
    const char *parts;          /* what came, went or changed with it: "3 columns, 1 index"; "" */
} Difference;

typedef struct Differences {
    const Difference *items; /* by key */
    size_t count;
    size_t real_count;
} Differences;

/* Everything is in `arena`, or in the catalogs, which must live as long. */
Differences catalog_compare(const Catalog *before, const Catalog *after, Arena *arena);

/* The entry that says best what the difference is about. */
const CatalogEntry *difference_entry(const Difference *difference);

/* The difference about this object, in this way; NULL: there is none. */
const Difference *difference_find(const Differences *differences, const char *key,
                                  DifferenceHow how);

/* Those of `all` that are not also among `known`, about the same object and in the same way. */
Differences differences_without(const Differences *all, const Differences *known, Arena *arena);

#endif
