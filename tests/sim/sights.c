/* The columns of the table of sights. */
#include "tests/sim/sights.h"

typedef struct SightRow {
    const char *name;
    uint64_t required_seeds;
    const char *text;
} SightRow;

static const SightRow SIGHTS[] = {
#define X(name, required, text) [SIGHT_##name] = { #name, required, text },
    SIGHT_TABLE(X)
#undef X
};

const char *sight_name(Sight sight)
{
    return SIGHTS[sight].name;
}

const char *sight_text(Sight sight)
{
    return SIGHTS[sight].text;
}

uint64_t sight_required_seeds(Sight sight)
{
    return SIGHTS[sight].required_seeds;
}
