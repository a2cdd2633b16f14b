/* Sets of pieces, and their list. */
#include "tests/sim/pieces.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool piece_set_has(const PieceSet *set, size_t piece)
{
    return piece < PIECES_MAX && (set->bits[piece / 64] >> piece % 64 & 1) != 0;
}

void piece_set_put(PieceSet *set, size_t piece, bool is_in)
{
    uint64_t bit = UINT64_C(1) << piece % 64;
    uint64_t *word = &set->bits[piece / 64];
    *word = is_in ? *word | bit : *word & ~bit;
}

size_t piece_set_count(const PieceSet *set)
{
    size_t count = 0;
    for (size_t i = 0; i < PIECES_MAX; i++) {
        count += piece_set_has(set, i);
    }
    return count;
}

static bool read_number(const char **at, size_t *ret_number)
{
    char *end = NULL;
    unsigned long number = strtoul(*at, &end, 10);
    bool is_number = end != *at && number < PIECES_MAX;
    *at = end;
    *ret_number = number;
    return is_number;
}

ErrCode piece_set_read(const char *text, PieceSet *ret_set, Err *err)
{
    PieceSet set = { 0 };
    const char *at = text;
    while (*at != '\0') {
        size_t first = 0;
        bool is_right = read_number(&at, &first);
        size_t last = first;
        if (is_right && *at == '-') {
            at++;
            is_right = read_number(&at, &last) && first <= last;
        }
        if (!is_right || (*at != ',' && *at != '\0')) {
            return err_set(err, ERR_USAGE, "\"%s\" is no list of pieces like 3,7-19,40", text);
        }
        at += *at == ',';
        for (size_t piece = first; piece <= last; piece++) {
            piece_set_put(&set, piece, true);
        }
    }
    *ret_set = set;
    return ERR_NONE;
}

void piece_set_print(const PieceSet *set, Str *out)
{
    const char *comma = "";
    for (size_t first = 0; first < PIECES_MAX; first++) {
        if (!piece_set_has(set, first)) {
            continue;
        }
        size_t last = first;
        while (piece_set_has(set, last + 1)) {
            last++;
        }
        str_printf(out, last > first ? "%s%zu-%zu" : "%s%zu", comma, first, last);
        comma = ",";
        first = last;
    }
}

bool pieces_add(Pieces *pieces, const char *format, ...)
{
    size_t number = pieces->count++;
    bool is_there = pieces->without == NULL || !piece_set_has(pieces->without, number);
    if (pieces->list != NULL && is_there) {
        char text[256];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        str_printf(pieces->list, "%5zu  %s\n", number, text);
    }
    return is_there;
}
