/* Buckets by place, and one for all. */
#include "coordinator/http/throttle.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/map.h"
#include "coordinator/fleet/bucket.h"

#define PLACES_MAX 1024 /* that are told apart; then all are forgotten, and begin anew */
#define MINUTE_S 60     /* on a clock so many times slower a bucket's second is a minute */

struct Throttle {
    ThrottleRates rates;
    Map *by_place; /* Bucket * */
    Bucket in_all;
};

static void forget_places(Throttle *throttle)
{
    void *cursor = NULL;
    void *bucket = NULL;
    const char *place = NULL;
    while (map_next(throttle->by_place, &cursor, &place, &bucket)) {
        free(bucket);
    }
    map_free(throttle->by_place);
    throttle->by_place = map_new();
}

Throttle *throttle_new(const ThrottleRates *rates, uint64_t now_ms)
{
    Throttle *throttle = mem_alloc(sizeof(*throttle));
    throttle->rates = *rates;
    throttle->by_place = map_new();
    bucket_init(&throttle->in_all, rates->per_minute_in_all, rates->burst_in_all,
                now_ms / MINUTE_S);
    return throttle;
}

void throttle_free(Throttle *throttle)
{
    if (throttle != NULL) {
        forget_places(throttle);
        map_free(throttle->by_place);
        free(throttle);
    }
}

static Bucket *bucket_of(Throttle *throttle, const char *place, uint64_t now_ms)
{
    Bucket *bucket = map_get(throttle->by_place, place);
    if (bucket == NULL) {
        if (map_count(throttle->by_place) >= PLACES_MAX) {
            forget_places(throttle);
        }
        bucket = mem_alloc(sizeof(*bucket));
        bucket_init(bucket, throttle->rates.per_minute, throttle->rates.burst, now_ms / MINUTE_S);
        map_put(throttle->by_place, place, bucket);
    }
    return bucket;
}

/* One's own bucket first: what he has used up takes nothing from the others. */
bool throttle_take(Throttle *throttle, const char *place, uint64_t now_ms)
{
    return bucket_take(bucket_of(throttle, place, now_ms), now_ms / MINUTE_S) &&
           bucket_take(&throttle->in_all, now_ms / MINUTE_S);
}
