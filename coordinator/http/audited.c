/* Rows of requests. */
#include "coordinator/http/audited.h"

#include "common/clock.h"
#include "common/str.h"

const ThrottleRates AUDITED_REFUSALS = { .per_minute = REFUSALS_PER_MINUTE,
                                         .burst = REFUSALS_BURST,
                                         .per_minute_in_all = REFUSALS_PER_MINUTE_IN_ALL,
                                         .burst_in_all = REFUSALS_BURST_IN_ALL };

Deed *audited_begin(const Route *route, const char *const *path, const char *actor,
                    const char *origin, Arena *arena)
{
    Deed *deed = ARENA_NEW(arena, Deed);
    deed->audit = audit_row(arena_printf(arena, "%s %s", route->method, route->pattern));
    deed->audit.actor = audit_text(actor, AUDIT_WORDS_MAX, arena);
    deed->audit.origin = audit_text(origin, AUDIT_WORDS_MAX, arena);
    const char **const objects[] = { [ROUTE_OBJECT_NONE] = NULL,
                                     [ROUTE_OBJECT_ROLLOUT] = &deed->audit.rollout,
                                     [ROUTE_OBJECT_PLAN] = &deed->audit.plan,
                                     [ROUTE_OBJECT_AGENT] = &deed->audit.agent };
    if (objects[route->object] != NULL && path[0] != NULL) {
        *objects[route->object] = audit_text(path[0], AUDIT_WORDS_MAX, arena);
    }
    return deed;
}

void audited_refuse(Shell *shell, Throttle *refusals, ThrottleCrowd crowd, Deed *deed,
                    unsigned status, ErrCode code)
{
    if (deed == NULL || deed->audit.seq != 0 || deed->is_waiting) {
        return;
    }
    deed->audit.status = status;
    deed->audit.code = err_name(code);
    if (throttle_take(refusals, crowd, deed->audit.origin, clock_boot_ms())) {
        shell_audit(shell, deed);
    } else {
        shell_drop_audit(shell);
    }
}
