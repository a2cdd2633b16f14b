/*
 * The pieces of a seed: agents, targets, rollouts, strikes of faults, acts of operators, troubles.
 * Each is named once, in an order that does not depend on which are left out; a failing seed is
 * shrunk by leaving out as many as it can do without.
 */
#ifndef SKEIN_TESTS_SIM_PIECES_H
#define SKEIN_TESTS_SIM_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/str.h"

#define PIECES_MAX 4096 /* a seed that has more cannot be without the rest */

typedef struct PieceSet {
    uint64_t bits[PIECES_MAX / 64];
} PieceSet;

bool piece_set_has(const PieceSet *set, size_t piece);
void piece_set_put(PieceSet *set, size_t piece, bool is_in);
size_t piece_set_count(const PieceSet *set);

/* "3,7-19,40" both ways. ERR_USAGE: what is wrong with it. Printing appends. */
ErrCode piece_set_read(const char *text, PieceSet *ret_set, Err *err);
void piece_set_print(const PieceSet *set, Str *out);

/* Of one run of a seed. */
typedef struct Pieces {
    const PieceSet *without; /* NULL: nothing is left out */
    Str *list;               /* NULL: pieces are not named; else a line is appended for each */
    size_t count;
} Pieces;

/* Names the next piece. Is it there? */
bool pieces_add(Pieces *pieces, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
