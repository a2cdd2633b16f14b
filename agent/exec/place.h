/*
 * Where a migration's history row stands before and after a step. The row is moved from one place
 * to the next in the step's own transaction, and only if it stands where the step takes it from:
 * with the fence, that is what makes a step happen once.
 */
#ifndef SKEIN_AGENT_EXEC_PLACE_H
#define SKEIN_AGENT_EXEC_PLACE_H

#include "agent/core/job.h"

typedef struct Place {
    const char *state;   /* as skein.history has it; NULL: no row */
    uint32_t parts_done; /* "started", "undoing" */
    bool is_running;     /* likewise: the next part was begun outside a transaction */
} Place;

typedef struct PlaceMove {
    Place from;
    Place to;
} PlaceMove;

/* For APPLY, UNDO, and the notes. `script` is the migration's in that direction. Pure. */
PlaceMove place_move(const Action *action, const PlanScript *script);

#endif
