/* The vocabulary of orders: comparisons, digest, names. Pure: no I/O, no allocation. */
#include "proto/orders.h"

#include <string.h>

#include "common/cleanup.h"

static const char *const GOAL_NAMES[] = {
    [GOAL_NONE] = "none",
    [GOAL_APPLY] = "apply",
    [GOAL_ROLL_BACK] = "roll back",
    [GOAL_HOLD] = "hold",
};
_Static_assert(ARRAY_LEN(GOAL_NAMES) == GOAL_COUNT_, "a name per goal");

static const char *const REPORT_NAMES[] = {
    [REPORT_NONE] = "none",
    [REPORT_ACCEPTED] = "accepted",
    [REPORT_RUNNING] = "running",
    [REPORT_UNKNOWN] = "unknown",
    [REPORT_PARKED] = "parked",
    [REPORT_APPLIED] = "applied",
    [REPORT_ROLLED_BACK] = "rolled_back",
    [REPORT_FAILED] = "failed",
    [REPORT_HELD] = "held",
    [REPORT_REFUSED] = "refused",
};
_Static_assert(ARRAY_LEN(REPORT_NAMES) == REPORT_COUNT_, "a name per report");

static int number_compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int order_stamp_compare(OrderStamp a, OrderStamp b)
{
    int order = number_compare(a.term, b.term);
    if (order == 0) {
        order = number_compare(a.attempt, b.attempt);
    }
    return order != 0 ? order : number_compare(a.revision, b.revision);
}

int fence_compare(Fence a, Fence b)
{
    int order = number_compare(a.term, b.term);
    return order != 0 ? order : number_compare(a.token, b.token);
}

bool identity_equal(const Identity *a, const Identity *b)
{
    return a->system_identifier == b->system_identifier && a->database_oid == b->database_oid &&
           strcmp(a->schema, b->schema) == 0;
}

static uint64_t fnv1a(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* As little-endian bytes, so that both ends agree whatever their machines are. */
static uint64_t fnv1a_number(uint64_t hash, uint64_t number, size_t width_bytes)
{
    unsigned char bytes[sizeof(number)];
    for (size_t i = 0; i < width_bytes; i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
    return fnv1a(hash, bytes, width_bytes);
}

/*
 * FNV-1a leaves the influence of the last bytes in the low bits, and these digests are summed: the
 * finaliser of splitmix64 spreads every input bit first.
 */
static uint64_t spread(uint64_t hash)
{
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

uint64_t goals_digest_add(uint64_t digest, const char *address, OrderStamp stamp, Goal goal)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    hash = fnv1a(hash, address, strlen(address) + 1);
    hash = fnv1a_number(hash, stamp.term, 8);
    hash = fnv1a_number(hash, stamp.attempt, 4);
    hash = fnv1a_number(hash, stamp.revision, 4);
    hash = fnv1a_number(hash, (uint64_t)goal, 1);
    return digest + spread(hash);
}

const char *goal_name(Goal goal)
{
    return (unsigned)goal < GOAL_COUNT_ ? GOAL_NAMES[goal] : "invalid";
}

const char *report_name(Report report)
{
    return (unsigned)report < REPORT_COUNT_ ? REPORT_NAMES[report] : "invalid";
}

bool report_is_end(Report report)
{
    return report >= REPORT_APPLIED && (unsigned)report < REPORT_COUNT_;
}
