/*
 * Timers: callbacks at deadlines, ordered by deadline and then by the order of adding. Pure: the
 * caller says what time it is, in any unit-consistent clock (skein uses clock_boot_ms). Not
 * thread-safe.
 */
#ifndef SKEIN_COMMON_TIMER_H
#define SKEIN_COMMON_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"

typedef struct Timers Timers;

/* Names one armed timer; never used again after it fired or was cancelled. 0: none. */
typedef uint64_t TimerId;

typedef void (*TimerCallback)(void *ctx, uint64_t now_ms);

Timers *timers_new(void);
void timers_free(Timers *timers); /* armed timers do not fire */

AUTO_PTR_DEFINE(Timers, timers_free)

/* Arms a one-shot timer. A deadline in the past fires at the next run. `ctx` stays the caller's. */
TimerId timers_add(Timers *timers, uint64_t deadline_ms, TimerCallback callback, void *ctx);

/* True when it was armed and now will not fire. 0, fired and cancelled ids are allowed: false. */
bool timers_cancel(Timers *timers, TimerId id);

size_t timers_count(const Timers *timers);

/* The earliest deadline; false when no timer is armed. */
bool timers_next(const Timers *timers, uint64_t *ret_deadline_ms);

/* For poll(): 0 when one is due, -1 when none is armed, else the wait, at most INT_MAX. */
int timers_timeout_ms(const Timers *timers, uint64_t now_ms);

/*
 * Fires what is due, in order. Callbacks may add and cancel timers, also each other; what they add
 * waits for the next run, however early its deadline. Not to be called from a callback. Returns how
 * many fired.
 */
size_t timers_run(Timers *timers, uint64_t now_ms);

#endif
