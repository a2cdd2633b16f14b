/* See state_copy.h. */
#include "agent/core/state_copy.h"

static Warning *warnings_copy(const State *state, Arena *arena)
{
    Warning *copy = ARENA_ARRAY(arena, Warning, state->warning_count);
    for (size_t i = 0; i < state->warning_count; i++) {
        copy[i] = (Warning){
            .migration = arena_strdup(arena, state->warnings[i].migration),
            .statement = state->warnings[i].statement,
            .sqlstate = arena_strdup(arena, state->warnings[i].sqlstate),
            .message = arena_strdup(arena, state->warnings[i].message),
        };
    }
    return copy;
}

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
    copy.warnings = warnings_copy(state, arena);
    return copy;
}
