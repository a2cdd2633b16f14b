/*
 * What the hint of a fleet's target says to type, written out for that target: such a command is to
 * do there what the rollout would.
 */
#ifndef SKEIN_CLI_TARGET_COMMANDS_H
#define SKEIN_CLI_TARGET_COMMANDS_H

#include <jansson.h>

#include "common/str.h"

/*
 * Appends a line for each command of the cluster's hint and each of its first targets, and what is
 * to be typed then; nothing where the hint names no command that goes to a database. `rollout` and
 * `cluster` are the API's.
 */
void target_commands_text(const json_t *rollout, const json_t *cluster, Str *out);

#endif
