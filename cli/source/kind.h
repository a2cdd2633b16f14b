/*
 * What a statement is, in the words of PostgreSQL's command tags: "ALTER TABLE", "CREATE INDEX
 * CONCURRENTLY". For people; nothing is decided by it.
 */
#ifndef SKEIN_CLI_SOURCE_KIND_H
#define SKEIN_CLI_SOURCE_KIND_H

#include "cli/source/split.h"

/* Never NULL; the first word in capitals when the statement is none that is known here. */
const char *kind_of(const SqlText *text, const SqlStatement *statement, Arena *arena);

#endif
