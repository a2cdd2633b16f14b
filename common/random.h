/*
 * Random: a small seeded generator (xoshiro256**). The same seed gives the same numbers on every
 * machine, for ever: replays and simulations depend on it. Not for keys or anything secret. Pure.
 */
#ifndef SKEIN_COMMON_RANDOM_H
#define SKEIN_COMMON_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Plain data: copy it to fork a sequence. Zero-initialised is not seeded: call random_init first.
 */
typedef struct Random {
    uint64_t state[4];
} Random;

/* Any seed will do, 0 too. */
void random_init(Random *random, uint64_t seed);

uint64_t random_next(Random *random);

/* Uniform in [0, bound), without modulo bias. A bound of 0 gives 0. */
uint64_t random_below(Random *random, uint64_t bound);

/* Uniform in [low, high], both included; low <= high. */
uint64_t random_between(Random *random, uint64_t low, uint64_t high);

/* True in `percent` of 100 cases; 0 never, 100 and more always. */
bool random_chance(Random *random, uint32_t percent);

/* Uniform in value ± percent, both ends included: random_jitter(r, 5000, 20) is 4000 to 6000. */
uint64_t random_jitter(Random *random, uint64_t value, uint32_t percent);

#endif
