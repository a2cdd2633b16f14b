/*
 * Bad weather over a fleet: faults of all kinds, several at a time, each for a while, as the dice
 * say. A fault is a row in weather_faults.c.
 */
#ifndef SKEIN_TESTS_CHAOS_WEATHER_H
#define SKEIN_TESTS_CHAOS_WEATHER_H

#include "common/random.h"
#include "tests/harness/fleet.h"

typedef struct Weather Weather;

/*
 * Before the fleet is started. Some fleets get a standby, or a small disk under the store. It ends
 * with the fleet. `random` is borrowed.
 */
Weather *weather_new(Fleet *fleet, Random *random);

/* For some seconds, over the rollout `id`; tells what it does on stdout. */
void weather_rage(Weather *weather, const char *id);

/* All is healed, thawed, started and writable again. */
void weather_clear(Weather *weather);

#endif
