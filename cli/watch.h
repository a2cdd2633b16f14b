/* Following a rollout until it ends or waits for a person. */
#ifndef SKEIN_CLI_WATCH_H
#define SKEIN_CLI_WATCH_H

#include "cli/client.h"
#include "cli/command.h"

/*
 * On a terminal: redraws. Elsewhere: a line per event. As JSON: an event per line. Survives a
 * restart of the coordinator. Returns when nothing more happens without a person (rollout_goes_on):
 * in a pause after the last running step. Quitting it (SIGINT) stops nothing. *ret_exit is the exit
 * code of how it ended.
 */
ErrCode watch_rollout(Client *client, const char *id, OutputKind output, ExitCode *ret_exit,
                      Err *err);

#endif
