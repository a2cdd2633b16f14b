/* Boolean options in PostgreSQL's parse tree, as people write them. */
#ifndef SKEIN_CLI_SOURCE_TREE_OPTION_H
#define SKEIN_CLI_SOURCE_TREE_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include <pg_query/pg_query.pb-c.h>

/* NAME, NAME true, NAME off, NAME 1: the last of that name counts; `otherwise` where none is. */
bool option_is_on(PgQuery__Node *const *options, size_t count, const char *name, bool otherwise);

#endif
