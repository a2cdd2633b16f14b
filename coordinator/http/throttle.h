/*
 * Throttle: so many a minute from each place, and so many from all of them. For what nobody needs
 * often, and somebody may try all day. Memory is bounded.
 */
#ifndef SKEIN_COORDINATOR_HTTP_THROTTLE_H
#define SKEIN_COORDINATOR_HTTP_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"

typedef struct ThrottleRates {
    uint32_t per_minute; /* from one place */
    uint32_t burst;
    uint32_t per_minute_in_all;
    uint32_t burst_in_all;
} ThrottleRates;

typedef struct Throttle Throttle;

Throttle *throttle_new(const ThrottleRates *rates, uint64_t now_ms);
void throttle_free(Throttle *throttle); /* NULL is allowed */

AUTO_PTR_DEFINE(Throttle, throttle_free)

/* Takes one; false when the place, or all together, have had theirs. */
bool throttle_take(Throttle *throttle, const char *place, uint64_t now_ms);

#endif
