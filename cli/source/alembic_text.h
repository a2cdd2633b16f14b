/*
 * What is peculiar to the SQL that Alembic prints, as against the SQL that it runs.
 */
#ifndef SKEIN_CLI_SOURCE_ALEMBIC_TEXT_H
#define SKEIN_CLI_SOURCE_ALEMBIC_TEXT_H

#include "common/arena.h"
#include "common/str.h"

/* Where every percent sign is printed twice, each is there once afterwards. */
void alembic_undouble_percents(Str *out);

/* The first parameter without a value, "%(name)s"; NULL: there is none. */
const char *alembic_find_parameter(const Str *text, size_t *ret_length);

/* Puts the indexes below each CREATE TABLE in order. */
void alembic_sort_indexes(Str *text, Arena *arena);

#endif
