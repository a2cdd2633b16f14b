/* What is said to a mirrored tool's table when a history is set right. */
#ifndef SKEIN_CLI_REPAIR_MIRROR_H
#define SKEIN_CLI_REPAIR_MIRROR_H

#include "cli/adopt/adopt.h"
#include "cli/repair/finding.h"

/* Fills in the statements of `change` that come of the choice. In `arena`. */
void repair_mirror(const Mirror *mirror, const Plan *plan, const RepairSight *sight, Choice choice,
                   const Finding *finding, Arena *arena, RepairChange *change);

#endif
