/* See cause.h. */
#include "coordinator/http/cause.h"

#include <string.h>

/*
 * "gave up after 3 tries: blocked by pgbench (pid 4711, …": who it is stands before the
 * parenthesis, and is the same on every host. Empty: it is not told.
 */
static const char *blocker_of(const TargetRow *target, Arena *arena)
{
    static const char MARK[] = "blocked by ";
    const char *at = strstr(target->message, MARK);
    if (at == NULL) {
        return "";
    }
    at += strlen(MARK);
    const char *end = strstr(at, " (");
    return end == NULL ? "" : arena_strndup(arena, at, (size_t)(end - at));
}

/* Whether lock_timeout or the watchdog ended the waiting is no other cause. */
const char *cause_key(const TargetRow *target, Arena *arena)
{
    bool is_blocked = target->code == ERR_BLOCKED;
    return arena_printf(arena, "%d/%s/%u/%s", (int)target->code,
                        is_blocked ? blocker_of(target, arena) : target->sqlstate,
                        target->statement, target->migration);
}
