/* DO blocks: what their body says of transactions. */
#ifndef SKEIN_CLI_SOURCE_DO_BLOCK_H
#define SKEIN_CLI_SOURCE_DO_BLOCK_H

#include <stdbool.h>

#include "common/arena.h"

/*
 * Does the body hold a COMMIT or ROLLBACK, be it ever reached or not? Of PL/pgSQL, by its tokens;
 * of any other language, and of what cannot be scanned, where the word stands in it at all.
 */
bool do_block_ends_transactions(const char *language, const char *body, Arena *arena);

#endif
