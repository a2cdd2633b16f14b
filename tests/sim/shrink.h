/*
 * Shrinking: which pieces of a failing seed it can do without and still break the same invariant.
 * Every try is a run in a process of its own, so that crashes and hangs shrink too.
 */
#ifndef SKEIN_TESTS_SIM_SHRINK_H
#define SKEIN_TESTS_SIM_SHRINK_H

#include "tests/sim/sim.h"

/* One run in a process of its own. A death of the process is a violation like any other. */
void shrink_try(const SeedRequest *request, SeedOutcome *ret_outcome);

/*
 * Leaves out as many pieces as possible. False: the seed does not fail. Tells on stdout how it
 * goes; `ret_without` and `ret_outcome` are of the smallest run found.
 */
bool shrink_seed(uint64_t seed, PieceSet *ret_without, SeedOutcome *ret_outcome);

#endif
