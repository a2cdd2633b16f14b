/* Which agents know which of the coordinator's keys: what one wants to see before it is changed. */
#ifndef SKEIN_CLI_KEY_CENSUS_H
#define SKEIN_CLI_KEY_CENSUS_H

#include <jansson.h>

#include "common/str.h"

/* `agents` as the API has them, `current`: the coordinator's fingerprint. Nothing where every agent
 * that has said anything knows that one key alone. */
void key_census(const json_t *agents, const char *current, Str *out);

#endif
