/* See state_copy.h. */
#include "agent/core/state_copy.h"

State state_copy(const State *state, Arena *arena)
{
    State copy = *state;
    copy.rollout = arena_strdup(arena, state->rollout);
    copy.target = arena_strdup(arena, state->target);
    copy.start = arena_strdup(arena, state->start);
    copy.version = arena_strdup(arena, state->version);
    copy.step = arena_strdup(arena, state->step);
    copy.sqlstate = arena_strdup(arena, state->sqlstate);
    copy.message = arena_strdup(arena, state->message);
    copy.hint = arena_strdup(arena, state->hint);
    copy.migration = arena_strdup(arena, state->migration);
    copy.remarks = remarks_copy(&state->remarks, arena);
    return copy;
}
