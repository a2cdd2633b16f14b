/*
 * Ctrl-C and SIGTERM while a migration runs: asked once, the migration is cancelled in good order;
 * asked twice, the program ends at once and leaves the rest to the server.
 */
#ifndef SKEIN_CLI_INTERRUPT_H
#define SKEIN_CLI_INTERRUPT_H

#include <stdbool.h>

#include "agent/conn/wake.h"

/* From now on the first SIGINT or SIGTERM raises `wake`, which lives until interrupt_end. */
void interrupt_begin(Wake *wake);
void interrupt_end(void); /* signals do again what they did */

bool interrupt_is_asked(void);

#endif
