/*
 * Words of the command line that others are not to read: as long as a program runs, its words are
 * anybody's (`ps`, /proc/PID/cmdline).
 */
#ifndef SKEIN_CLI_CONCEAL_H
#define SKEIN_CLI_CONCEAL_H

#include <stdbool.h>

#include "common/secret.h"

/* Does the connection string hold a password? One that does not parse counts as if it did. */
bool conceal_has_password(const char *connection);

/* The word as it was, which the caller frees; `word` itself is asterisks from `from` on. */
Secret *conceal_word(char *word, char *from);

#endif
