/*
 * The world: a virtual clock, and a queue of things that will happen. Everything a seed does is
 * decided here and in this order: by time, then by the order of scheduling. Nothing else is a
 * source of time, and nothing but dice (dice.h) one of chance, so that a seed is the same story on
 * every machine.
 */
#ifndef SKEIN_TESTS_SIM_WORLD_H
#define SKEIN_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "tests/sim/dice.h"
#include "tests/sim/rules.h"
#include "tests/sim/sights.h"

typedef struct World World;

/* What happens: `ctx` lives as long as the world; `tag` tells a stale call (an older life of ctx)
 * apart. */
typedef void (*WorldAction)(void *ctx, uint64_t tag);

/* `story` NULL: nothing is told (and nothing formatted). */
World *world_new(uint64_t seed, FILE *story);
void world_free(World *world);

AUTO_PTR_DEFINE(World, world_free)

uint64_t world_now_ms(const World *world);
int64_t world_wall_ms(const World *world);

void world_at(World *world, uint64_t at_ms, WorldAction action, void *ctx, uint64_t tag);
void world_after(World *world, uint64_t delay_ms, WorldAction action, void *ctx, uint64_t tag);

/* Lets the next thing happen. False: nothing is left, it lies after `until_ms`, or an invariant
 * broke. */
bool world_step(World *world, uint64_t until_ms);

/* Moves the clock on to `until_ms` when nothing is left to happen before it. */
void world_advance(World *world, uint64_t until_ms);

/* Dice of one source of chance. */
Dice world_dice(const World *world, DiceOwner owner, uint64_t number);

/* One line of the story: "  12.345 agent-2        connected". */
void world_tell(World *world, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool world_is_told(const World *world);

/* The first violation ends the seed. */
void world_violate(World *world, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *world_violation(const World *world); /* NULL: none */

void world_saw(World *world, Sight sight);
const uint32_t *world_sights(const World *world); /* SIGHT_COUNT_ counters */

/* A rule of a machine has fired. */
void world_saw_rule(World *world, const Rule *rule);
const bool *world_rules(const World *world); /* RULES_MAX: has it fired? */

/* A digest of everything that happened: equal for equal seeds, or something
 * is not deterministic. */
uint64_t world_digest(const World *world);
void world_mix(World *world, uint64_t value);

#endif
