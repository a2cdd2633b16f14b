/* Buckets by place, and one for all, of each crowd. */
#include "coordinator/http/throttle.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/map.h"
#include "coordinator/fleet/bucket.h"

#define PLACES_MAX 1024 /* that are told apart; then all are forgotten, and begin anew */
#define MINUTE_S 60     /* on a clock so many times slower a bucket's second is a minute */

typedef struct Crowd {
    Map *by_place; /* Bucket * */
    Bucket in_all;
} Crowd;

struct Throttle {
    ThrottleRates rates;
    Crowd crowds[THROTTLE_CROWD_COUNT_];
};

static void forget_places(Crowd *crowd)
{
    void *cursor = NULL;
    void *bucket = NULL;
    const char *place = NULL;
    while (map_next(crowd->by_place, &cursor, &place, &bucket)) {
        free(bucket);
    }
    map_free(crowd->by_place);
    crowd->by_place = NULL;
}

Throttle *throttle_new(const ThrottleRates *rates, uint64_t now_ms)
{
    Throttle *throttle = mem_alloc(sizeof(*throttle));
    throttle->rates = *rates;
    for (size_t i = 0; i < THROTTLE_CROWD_COUNT_; i++) {
        throttle->crowds[i].by_place = map_new();
        bucket_init(&throttle->crowds[i].in_all, rates->per_minute_in_all, rates->burst_in_all,
                    now_ms / MINUTE_S);
    }
    return throttle;
}

void throttle_free(Throttle *throttle)
{
    for (size_t i = 0; throttle != NULL && i < THROTTLE_CROWD_COUNT_; i++) {
        forget_places(&throttle->crowds[i]);
    }
    free(throttle);
}

static Bucket *bucket_of(const ThrottleRates *rates, Crowd *crowd, const char *place,
                         uint64_t now_ms)
{
    Bucket *bucket = map_get(crowd->by_place, place);
    if (bucket == NULL) {
        if (map_count(crowd->by_place) >= PLACES_MAX) {
            forget_places(crowd);
            crowd->by_place = map_new();
        }
        bucket = mem_alloc(sizeof(*bucket));
        bucket_init(bucket, rates->per_minute, rates->burst, now_ms / MINUTE_S);
        map_put(crowd->by_place, place, bucket);
    }
    return bucket;
}

/* One's own bucket first: what he has used up takes nothing from the others. */
bool throttle_take(Throttle *throttle, ThrottleCrowd which, const char *place, uint64_t now_ms)
{
    Crowd *crowd = &throttle->crowds[which];
    return bucket_take(bucket_of(&throttle->rates, crowd, place, now_ms), now_ms / MINUTE_S) &&
           bucket_take(&crowd->in_all, now_ms / MINUTE_S);
}
