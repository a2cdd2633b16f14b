/*
 * What is peculiar to the SQL that Alembic prints, as against the SQL that it runs.
 */
#ifndef SKEIN_CLI_SOURCE_ALEMBIC_TEXT_H
#define SKEIN_CLI_SOURCE_ALEMBIC_TEXT_H

#include "common/arena.h"
#include "common/str.h"

/*
 * Drivers that write parameters as %(name)s want every other percent sign twice, and so they are
 * printed, though no driver will read them. Printed once anywhere, it is none of these.
 */
typedef struct AlembicPercents {
    bool is_double; /* seen */
    bool is_single;
} AlembicPercents;

/* Looks at what is printed: all of a directory's revisions are printed for one driver. */
void alembic_note_percents(const Str *text, AlembicPercents *percents);

/* Each is there once afterwards. */
void alembic_undouble_percents(Str *text);

/* The first parameter without a value, "%(name)s"; NULL: there is none. */
const char *alembic_find_parameter(const Str *text, size_t *ret_length);

/* Puts the indexes below each CREATE TABLE in order. */
void alembic_sort_indexes(Str *text, Arena *arena);

#endif
