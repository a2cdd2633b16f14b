/*
 * Plans from outside: as a bundle, and, since no mutation finds a signature, as canonical bytes. A
 * plan that is accepted has exactly the bytes it came from.
 */
#include "fuzz.h"

#include <string.h>

#include "common/arena.h"
#include "proto/bundle.h"
#include "tests/unit/proto/plan_sample.h"

static void try_plan(Bytes canonical, Arena *arena)
{
    Plan *plan = NULL;
    Bytes again = { 0 };
    Err err = { 0 };
    if (plan_decode(canonical, arena, &plan, &err) != ERR_NONE) {
        FUZZ_REQUIRE(plan == NULL && err.message[0] != '\0');
        return;
    }
    FUZZ_REQUIRE(plan_find(plan, plan->to) == (long)plan->migration_count - 1);
    FUZZ_REQUIRE(plan_encode(plan, arena, &again, &err) == ERR_NONE);
    FUZZ_REQUIRE(again.length == canonical.length &&
                 memcmp(again.data, canonical.data, again.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(Arena) arena = { 0 };
    Bundle bundle = { 0 };
    Err err = { 0 };
    Bytes bytes = { data, size };
    if (bundle_open(bytes, &arena, &bundle, &err) == ERR_NONE) {
        FUZZ_REQUIRE(bundle.signature_count > 0);
        try_plan(bundle.canonical, &arena);
    } else {
        FUZZ_REQUIRE(bundle.signature_count == 0 && err.message[0] != '\0');
    }
    try_plan(bytes, &arena);
    return 0;
}

/* Any Ed25519 key will do: a fixed one, so that seeds are the same everywhere. */
static const uint8_t SECRET[SIGN_SECRET_BYTES] = {
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xce, 0xcc, 0x15, 0x07,
    0xdc, 0x1d, 0xdd, 0x72, 0x95, 0x95, 0x1c, 0x29, 0x08, 0x88, 0xf0, 0x95,
    0xad, 0xb9, 0x04, 0x4d, 0x1b, 0x73, 0xd6, 0x96, 0xe6, 0xdf, 0x06, 0x5d,
    0x68, 0x3b, 0xd4, 0xfc,
};

bool fuzz_seed(size_t index, Str *out)
{
    AUTO(Arena) arena = { 0 };
    Bytes canonical = { 0 };
    Bytes bytes = { 0 };
    FUZZ_REQUIRE(plan_encode(sample_plan(&arena), &arena, &canonical, NULL) == ERR_NONE);
    FUZZ_REQUIRE(bundle_seal(canonical, SECRET, &arena, &bytes, NULL) == ERR_NONE);
    if (index == 0) {
        str_append_bytes(out, canonical.data, canonical.length);
    } else if (index == 1) {
        str_append_bytes(out, bytes.data, bytes.length);
    }
    return index < 2;
}
