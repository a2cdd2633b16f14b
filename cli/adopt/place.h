/*
 * Where a tool keeps its history by its own words: a variable of the environment, or a parameter of
 * the address that it is given. What the directory's own settings say is MigrationSet.own_table.
 */
#ifndef SKEIN_CLI_ADOPT_PLACE_H
#define SKEIN_CLI_ADOPT_PLACE_H

#include "cli/adopt/tool.h"

/*
 * The table's name as tool_table reads it, in `arena`; NULL: nothing says it. `url` is the address
 * of the database as the operator gave it, or NULL.
 */
const char *place_find(const Tool *tool, const char *url, Arena *arena);

/*
 * An address without the parameters that only golang-migrate reads ("x-…"): libpq refuses what it
 * does not know. The same text where there is none. In `arena`.
 */
const char *place_plain_url(const char *url, Arena *arena);

#endif
