/* The arithmetic of a token bucket. */
#include "coordinator/fleet/bucket.h"

/* thousandths: per_second tokens a second are per_second thousandths a millisecond */
#define TOKEN 1000U

void bucket_init(Bucket *bucket, uint32_t per_second, uint32_t burst, uint64_t now_ms)
{
    *bucket = (Bucket){ .per_second = per_second,
                        .burst = burst,
                        .thousandths = (uint64_t)burst * TOKEN,
                        .filled_at_ms = now_ms };
}

static void fill(Bucket *bucket, uint64_t now_ms)
{
    uint64_t full = (uint64_t)bucket->burst * TOKEN;
    uint64_t passed_ms = now_ms > bucket->filled_at_ms ? now_ms - bucket->filled_at_ms : 0;
    uint64_t room = full - bucket->thousandths;
    /* Compared by division: a long pause must not overflow the product. */
    if (passed_ms > room / bucket->per_second) {
        bucket->thousandths = full;
    } else {
        bucket->thousandths += passed_ms * bucket->per_second;
    }
    bucket->filled_at_ms += passed_ms;
}

bool bucket_take(Bucket *bucket, uint64_t now_ms)
{
    fill(bucket, now_ms);
    if (bucket->thousandths < TOKEN) {
        return false;
    }
    bucket->thousandths -= TOKEN;
    return true;
}
