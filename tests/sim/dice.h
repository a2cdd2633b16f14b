/*
 * Dice: chance, as streams. Whoever needs chance has dice of its own, seeded by the seed, by what
 * it is and by its number: what one source does not throw shifts nobody else's throws, so that a
 * part of a seed can be left out and the rest stays as it was.
 */
#ifndef SKEIN_TESTS_SIM_DICE_H
#define SKEIN_TESTS_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/random.h"

/* Sources of chance; with a number where there are several. */
typedef enum DiceOwner {
    DICE_NONE = 0,
    DICE_FLEET,       /* agents, servers, targets */
    DICE_HISTORY,     /* migrations and how far they are */
    DICE_SCRIPT,      /* how scripts behave; by target */
    DICE_ROLLOUT,     /* plan and strategy; by rollout */
    DICE_CONFIG,      /* intervals, length of the seed */
    DICE_FAULT,       /* when it strikes; by row of the table */
    DICE_STRIKE,      /* whom and how; by row and strike */
    DICE_OPERATOR,    /* when he acts */
    DICE_ACT,         /* what he does; by act */
    DICE_RETIRE,      /* what is forgotten */
    DICE_LINK,        /* by agent */
    DICE_AGENT,       /* by agent */
    DICE_COORDINATOR, /* by coordinator */
    DICE_ROUTER,      /* by coordinator */
    DICE_TARGET,      /* a target's backends and clients; by target */
    DICE_END,         /* what is done with what was found */
    DICE_RELEASE,     /* which release a process is of that starts; by process */
    DICE_GATE,        /* the gates of a plan; by rollout */
    DICE_HEALTH,      /* what is measured of a server; by server */
} DiceOwner;

typedef struct Dice {
    Random random;
} Dice;

Dice dice_new(uint64_t seed, DiceOwner owner, uint64_t number);

uint64_t dice_below(Dice *dice, uint64_t bound);
uint64_t dice_between(Dice *dice, uint64_t low, uint64_t high);
bool dice_chance(Dice *dice, uint32_t percent);
bool dice_rarely(Dice *dice, uint32_t per_ten_thousand);
/* Mostly near `typical`, now and then many times that: how long things take in reality. */
uint64_t dice_duration(Dice *dice, uint64_t typical_ms);

#endif
