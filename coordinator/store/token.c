/* Copies of token rows. */
#include "coordinator/store/token.h"

TokenRow token_copy(const TokenRow *row, Arena *arena)
{
    TokenRow copy = *row;
    const char **const texts[] = { &copy.id, &copy.name, &copy.person, &copy.roles, &copy.made_by };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = arena_strdup(arena, *texts[i]);
    }
    return copy;
}
