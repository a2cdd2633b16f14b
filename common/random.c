/*
 * xoshiro256** by Blackman and Vigna, seeded by splitmix64 as its authors advise; both are in the
 * public domain. Pure: libc only. The sequence is part of recorded seeds: never change it.
 */
#include "common/random.h"

static uint64_t splitmix_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

void random_init(Random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        random->state[i] = splitmix_next(&seed);
    }
}

uint64_t random_next(Random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t carry = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= carry;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Values below 2^64 mod bound are drawn again, so that every remainder is equally likely. */
uint64_t random_below(Random *random, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    uint64_t surplus = (UINT64_MAX - bound + 1) % bound;
    uint64_t value = random_next(random);
    while (value < surplus) {
        value = random_next(random);
    }
    return value % bound;
}

uint64_t random_between(Random *random, uint64_t low, uint64_t high)
{
    uint64_t span = high - low;
    return span == UINT64_MAX ? random_next(random) : low + random_below(random, span + 1);
}

bool random_chance(Random *random, uint32_t percent)
{
    return random_below(random, 100) < percent;
}

uint64_t random_jitter(Random *random, uint64_t value, uint32_t percent)
{
    uint32_t limited = percent > 100 ? 100 : percent;
    uint64_t spread = value / 100 * limited + value % 100 * limited / 100;
    uint64_t high = value > UINT64_MAX - spread ? UINT64_MAX : value + spread;
    return random_between(random, value - spread, high);
}
