/*
 * Ctrl-C and SIGTERM. While a migration runs: asked once, it is cancelled in good order; asked
 * twice, the program ends at once and leaves the rest to the server. While something is only
 * followed: the program ends as ever, and says what goes on without it.
 */
#ifndef SKEIN_CLI_INTERRUPT_H
#define SKEIN_CLI_INTERRUPT_H

#include <stdbool.h>

#include "agent/conn/wake.h"

/* From now on the first SIGINT or SIGTERM raises `wake`, which lives until interrupt_end. */
void interrupt_begin(Wake *wake);
void interrupt_end(void); /* signals do again what they did */

bool interrupt_is_asked(void);

/*
 * From now on SIGINT and SIGTERM write `words`, a whole line that lives until then, to standard
 * error before they end the program. NULL: no more.
 */
void interrupt_last_words(const char *words);

#endif
