/*
 * Bitset: which of many numbered things are so, and which is the next one. Zero-initialised is
 * empty and valid; it grows when a bit is set, and what it never held is not set.
 */
#ifndef SKEIN_COMMON_BITSET_H
#define SKEIN_COMMON_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"

typedef struct Bitset {
    uint64_t *words;
    size_t word_count;
} Bitset;

#define BITSET_NONE SIZE_MAX

void bitset_done(Bitset *set); /* empty and usable again */
AUTO_DEFINE(Bitset, bitset_done)

void bitset_set(Bitset *set, size_t bit);
void bitset_clear(Bitset *set, size_t bit);
void bitset_clear_all(Bitset *set); /* keeps its room */

static inline bool bitset_has(const Bitset *set, size_t bit)
{
    return bit / 64 < set->word_count && (set->words[bit / 64] >> (bit % 64) & 1) != 0;
}

/* Bits 64 * index and those above it. */
static inline uint64_t bitset_word(const Bitset *set, size_t index)
{
    return index < set->word_count ? set->words[index] : 0;
}

void bitset_clear_those(Bitset *set, const Bitset *others);
bool bitset_holds(const Bitset *set, const Bitset *others); /* all of them */

/* The first one set at `from` or after it, and the last one set before `end`; BITSET_NONE: there is
 * none.
 */
size_t bitset_next(const Bitset *set, size_t from);
size_t bitset_previous(const Bitset *set, size_t end);

#endif
