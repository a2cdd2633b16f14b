/*
 * The two clocks.
 *
 * Deadlines, leases and timers use the boot-time clock: it never jumps and it counts suspended
 * time, so that a host that slept knows its lease is over. The wall clock is for people and for
 * expiry dates.
 */
#ifndef SKEIN_COMMON_CLOCK_H
#define SKEIN_COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/utc.h"

uint64_t clock_boot_ms(void); /* CLOCK_BOOTTIME */
uint64_t clock_boot_us(void); /* the same, for what is short */
int64_t clock_wall_s(void);   /* Unix time */
int64_t clock_wall_ms(void);

/*
 * Reads "2026-03-01T12:00:05Z", with optional fraction of a second (cut to milliseconds). Only UTC
 * ("Z"). False, *ret untouched, otherwise.
 */
bool utc_parse(const char *text, int64_t *ret_wall_ms);

#endif
