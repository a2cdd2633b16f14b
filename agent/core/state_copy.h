/* A report's own copy. Pure. */
#ifndef SKEIN_AGENT_CORE_STATE_COPY_H
#define SKEIN_AGENT_CORE_STATE_COPY_H

#include "common/arena.h"
#include "proto/messages.h"

/* With all that it points to, in the arena. */
State state_copy(const State *state, Arena *arena);

#endif
