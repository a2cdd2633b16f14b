/* Token bucket: so many per second, so many at once. Pure: the caller says what time it is. */
#ifndef SKEIN_COORDINATOR_FLEET_BUCKET_H
#define SKEIN_COORDINATOR_FLEET_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Bucket {
    uint32_t per_second;
    uint32_t burst;
    uint64_t thousandths; /* of a token that are in it */
    uint64_t filled_at_ms;
} Bucket;

/* Full at the beginning. Both numbers at least 1. */
void bucket_init(Bucket *bucket, uint32_t per_second, uint32_t burst, uint64_t now_ms);

/* Takes one; false when there is none. */
bool bucket_take(Bucket *bucket, uint64_t now_ms);

#endif
