/*
 * Two releases at once: which protocol versions a process speaks that starts now, and what one that
 * speaks them reads. The codec is the real one; an old release is a process whose newest version is
 * the one before.
 */
#ifndef SKEIN_TESTS_SIM_RELEASE_H
#define SKEIN_TESTS_SIM_RELEASE_H

#include "proto/envelope.h"
#include "tests/sim/world.h"

/* `old_percent`: how many of the processes are of the old release. */
ProtocolRange release_choose(Dice *dice, uint32_t old_percent);

bool release_is_old(ProtocolRange spoken);

/*
 * Reads a frame as a process does that speaks `spoken`; the body lives in `arena`. False: it is
 * dropped. That a frame says more than its version knows is a violation, and so is one that nobody
 * could read; of one that only this release cannot read the caller judges.
 */
bool release_read(World *world, Bytes frame, size_t max_bytes, ProtocolRange spoken, Arena *arena,
                  Envelope *ret_envelope);

#endif
