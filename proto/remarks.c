/* See remarks.h. */
#include "proto/remarks.h"

bool remarks_is_empty(const Remarks *remarks)
{
    return remarks->warnings_total == 0 && remarks->passed_total == 0;
}

static Warning *warnings_copy(const Remarks *remarks, Arena *arena)
{
    Warning *copy = ARENA_ARRAY(arena, Warning, remarks->warning_count);
    for (size_t i = 0; i < remarks->warning_count; i++) {
        copy[i] = (Warning){
            .migration = arena_strdup(arena, remarks->warnings[i].migration),
            .statement = remarks->warnings[i].statement,
            .sqlstate = arena_strdup(arena, remarks->warnings[i].sqlstate),
            .message = arena_strdup(arena, remarks->warnings[i].message),
        };
    }
    return copy;
}

static Passed *passed_copy(const Remarks *remarks, Arena *arena)
{
    Passed *copy = ARENA_ARRAY(arena, Passed, remarks->passed_count);
    for (size_t i = 0; i < remarks->passed_count; i++) {
        copy[i] = (Passed){ .id = arena_strdup(arena, remarks->passed[i].id),
                            .is_missing = remarks->passed[i].is_missing };
    }
    return copy;
}

Remarks remarks_copy(const Remarks *remarks, Arena *arena)
{
    Remarks copy = *remarks;
    copy.warnings = warnings_copy(remarks, arena);
    copy.passed = passed_copy(remarks, arena);
    return copy;
}

const char *passed_rule(const Passed *passed)
{
    return passed->is_missing ? "missing" : "out_of_order";
}
