/* Rows of requests, and the buckets of those that are refused. */
#include "coordinator/http/audited.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/map.h"
#include "common/str.h"
#include "coordinator/fleet/bucket.h"

#define PLACES_MAX 1024 /* that are told apart; then all are forgotten, and begin anew */
#define MINUTE_S 60     /* on a clock so many times slower a bucket's second is a minute */

struct Refusals {
    Map *by_place; /* Bucket * */
    Bucket in_all;
};

/* ---- buckets ---- */

static void forget_places(Refusals *refusals)
{
    void *cursor = NULL;
    void *bucket = NULL;
    const char *place = NULL;
    while (map_next(refusals->by_place, &cursor, &place, &bucket)) {
        free(bucket);
    }
    map_free(refusals->by_place);
    refusals->by_place = map_new();
}

Refusals *refusals_new(uint64_t now_ms)
{
    Refusals *refusals = mem_alloc(sizeof(*refusals));
    refusals->by_place = map_new();
    bucket_init(&refusals->in_all, REFUSALS_PER_MINUTE_IN_ALL, REFUSALS_BURST_IN_ALL,
                now_ms / MINUTE_S);
    return refusals;
}

void refusals_free(Refusals *refusals)
{
    if (refusals != NULL) {
        forget_places(refusals);
        map_free(refusals->by_place);
        free(refusals);
    }
}

static Bucket *bucket_of(Refusals *refusals, const char *origin, uint64_t now_ms)
{
    Bucket *bucket = map_get(refusals->by_place, origin);
    if (bucket == NULL) {
        if (map_count(refusals->by_place) >= PLACES_MAX) {
            forget_places(refusals);
        }
        bucket = mem_alloc(sizeof(*bucket));
        bucket_init(bucket, REFUSALS_PER_MINUTE, REFUSALS_BURST, now_ms / MINUTE_S);
        map_put(refusals->by_place, origin, bucket);
    }
    return bucket;
}

/* One's own bucket first: what he has used up takes nothing from the others. */
bool refusals_take(Refusals *refusals, const char *origin, uint64_t now_ms)
{
    return bucket_take(bucket_of(refusals, origin, now_ms), now_ms / MINUTE_S) &&
           bucket_take(&refusals->in_all, now_ms / MINUTE_S);
}

/* ---- rows ---- */

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

void audited_refuse(Shell *shell, Refusals *refusals, Deed *deed, unsigned status, ErrCode code)
{
    if (deed == NULL || deed->audit.seq != 0 || deed->is_waiting) {
        return;
    }
    deed->audit.status = status;
    deed->audit.code = err_name(code);
    if (refusals_take(refusals, deed->audit.origin, clock_boot_ms())) {
        shell_audit(shell, deed);
    } else {
        shell_drop_audit(shell);
    }
}
