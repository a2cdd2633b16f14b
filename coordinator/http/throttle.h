/*
 * Throttle: so many a minute from each place, and so many from all of them. For what nobody needs
 * often, and somebody may try all day. Who has shown that he may come in and who has not are
 * counted apart: strangers from many addresses take nothing from those who are known. Memory is
 * bounded.
 */
#ifndef SKEIN_COORDINATOR_HTTP_THROTTLE_H
#define SKEIN_COORDINATOR_HTTP_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"

typedef enum ThrottleCrowd {
    THROTTLE_STRANGERS = 0,
    THROTTLE_KNOWN, /* at the unix socket, or by a token that is right */
    THROTTLE_CROWD_COUNT_,
} ThrottleCrowd;

/* For each crowd. */
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

/* Takes one; false when the place, or all of its crowd together, have had theirs. */
bool throttle_take(Throttle *throttle, ThrottleCrowd crowd, const char *place, uint64_t now_ms);

#endif
