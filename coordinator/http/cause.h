/* Which targets of a rollout failed for the same cause. Pure. */
#ifndef SKEIN_COORDINATOR_HTTP_CAUSE_H
#define SKEIN_COORDINATOR_HTTP_CAUSE_H

#include "common/arena.h"
#include "coordinator/engine/model.h"

/*
 * The same for all that failed alike: same code, SQLSTATE, migration and statement; of those that
 * were blocked, by the like of one blocker. In `arena`.
 */
const char *cause_key(const TargetRow *target, Arena *arena);

#endif
