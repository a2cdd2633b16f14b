/* Bits in words of 64. */
#include "common/bitset.h"

#include <stdlib.h>
#include <string.h>

#include "common/list.h"

void bitset_done(Bitset *set)
{
    free(set->words);
    *set = (Bitset){ 0 };
}

static void grow(Bitset *set, size_t need)
{
    size_t count = set->word_count < 8 ? 8 : set->word_count;
    while (count < need) {
        count *= 2;
    }
    set->words = mem_realloc(set->words, count * sizeof(*set->words));
    memset(set->words + set->word_count, 0, (count - set->word_count) * sizeof(*set->words));
    set->word_count = count;
}

void bitset_set(Bitset *set, size_t bit)
{
    if (bit / 64 >= set->word_count) {
        grow(set, bit / 64 + 1);
    }
    set->words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

void bitset_clear(Bitset *set, size_t bit)
{
    if (bit / 64 < set->word_count) {
        set->words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
    }
}

void bitset_clear_all(Bitset *set)
{
    if (set->word_count > 0) {
        memset(set->words, 0, set->word_count * sizeof(*set->words));
    }
}

void bitset_clear_those(Bitset *set, const Bitset *others)
{
    for (size_t i = 0; i < set->word_count; i++) {
        set->words[i] &= ~bitset_word(others, i);
    }
}

bool bitset_holds(const Bitset *set, const Bitset *others)
{
    for (size_t i = 0; i < others->word_count; i++) {
        if ((others->words[i] & ~bitset_word(set, i)) != 0) {
            return false;
        }
    }
    return true;
}

size_t bitset_next(const Bitset *set, size_t from)
{
    size_t at = from / 64;
    uint64_t mask = UINT64_MAX << (from % 64);
    for (; at < set->word_count; at++, mask = UINT64_MAX) {
        uint64_t word = set->words[at] & mask;
        if (word != 0) {
            return at * 64 + (size_t)__builtin_ctzll(word);
        }
    }
    return BITSET_NONE;
}

size_t bitset_previous(const Bitset *set, size_t end)
{
    size_t limit = set->word_count * 64;
    size_t left = end < limit ? end : limit; /* bits below it */
    while (left > 0) {
        size_t at = (left - 1) / 64;
        uint64_t word = set->words[at] & UINT64_MAX >> (63 - (left - 1) % 64);
        if (word != 0) {
            return at * 64 + 63 - (size_t)__builtin_clzll(word);
        }
        left = at * 64;
    }
    return BITSET_NONE;
}
