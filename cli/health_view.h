/*
 * Servers' health as text: one agent with every metric, and the fleet with a line per server. Of
 * what the API answers (docs/api.md, Health).
 */
#ifndef SKEIN_CLI_HEALTH_VIEW_H
#define SKEIN_CLI_HEALTH_VIEW_H

#include <jansson.h>

#include "common/str.h"

/* An agent as `GET /api/v1/agents/NAME` has it. Appends. */
void health_view_agent(const json_t *agent, Str *out);

/* The items of `GET /api/v1/health`. Appends. */
void health_view_fleet(const json_t *items, Str *out);

#endif
