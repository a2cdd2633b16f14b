/* Streams of chance. */
#include "tests/sim/dice.h"

Dice dice_new(uint64_t seed, DiceOwner owner, uint64_t number)
{
    Dice dice;
    uint64_t mixed = (seed ^ (uint64_t)owner << 56) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 29 ^ number) * UINT64_C(0xbf58476d1ce4e5b9);
    random_init(&dice.random, mixed ^ mixed >> 32);
    return dice;
}

uint64_t dice_below(Dice *dice, uint64_t bound)
{
    return random_below(&dice->random, bound);
}

uint64_t dice_between(Dice *dice, uint64_t low, uint64_t high)
{
    return random_between(&dice->random, low, high);
}

bool dice_chance(Dice *dice, uint32_t percent)
{
    return random_chance(&dice->random, percent);
}

bool dice_rarely(Dice *dice, uint32_t per_ten_thousand)
{
    return random_below(&dice->random, 10000) < per_ten_thousand;
}

uint64_t dice_duration(Dice *dice, uint64_t typical_ms)
{
    uint64_t most = dice_chance(dice, 5) ? typical_ms * 20 : typical_ms * 2;
    return 1 + dice_below(dice, most);
}
