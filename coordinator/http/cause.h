/* Which targets of a rollout failed for the same cause. Pure. */
#ifndef SKEIN_COORDINATOR_HTTP_CAUSE_H
#define SKEIN_COORDINATOR_HTTP_CAUSE_H

#include "common/arena.h"
#include "coordinator/engine/model.h"

/*
 * The same for all that failed alike: same code, SQLSTATE, migration and statement; of those that
 * were blocked, by the like of one blocker. Where no server's code says what happened at a step
 * (held before one, or raised by the migration's own code), the words and the hint are the same,
 * too, but for how each target is called and its own numbers. In `arena`.
 */
const char *cause_key(const TargetRow *target, Arena *arena);

#endif
