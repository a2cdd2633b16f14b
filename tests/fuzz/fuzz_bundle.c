/*
 * Plans from outside: as a bundle, and, since no mutation finds a signature, as canonical bytes. A
 * plan that is accepted has exactly the bytes it came from; a bundle that is accepted has one to
 * eight signers, and keeps them when it is packed anew.
 */
#include "fuzz.h"

#include <string.h>
#include <sodium.h>

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

static bool has_same_signers(const Bundle *a, const Bundle *b)
{
    return a->signature_count == b->signature_count &&
           memcmp(a->signatures, b->signatures, a->signature_count * sizeof(*a->signatures)) == 0;
}

static void try_bundle(const Bundle *bundle, Arena *arena)
{
    Bundle again = { 0 };
    Bundle merged = *bundle;
    FUZZ_REQUIRE(bundle->signature_count > 0 && bundle->signature_count <= PLAN_SIGNATURES_MAX);
    FUZZ_REQUIRE(bundle_open(bundle_pack(bundle, arena), &again, NULL) == ERR_NONE);
    FUZZ_REQUIRE(has_same_signers(bundle, &again));
    FUZZ_REQUIRE(bundle_merge(&merged, &again, NULL) == ERR_NONE);
    FUZZ_REQUIRE(has_same_signers(bundle, &merged));
    for (size_t i = 1; i < bundle->signature_count; i++) {
        Bundle earlier = *bundle;
        earlier.signature_count = i;
        FUZZ_REQUIRE(!bundle_is_signed_by(&earlier, bundle->signatures[i].public_key));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(Arena) arena = { 0 };
    Bundle bundle = { 0 };
    Err err = { 0 };
    Bytes bytes = { data, size };
    if (bundle_open(bytes, &bundle, &err) == ERR_NONE) {
        try_bundle(&bundle, &arena);
        try_plan(bundle.canonical, &arena);
    } else {
        FUZZ_REQUIRE(bundle.signature_count == 0 && err.message[0] != '\0');
    }
    try_plan(bytes, &arena);
    return 0;
}

/* The same keys everywhere, so that seeds are the same everywhere. */
static void sign(Bundle *bundle, uint8_t number)
{
    const uint8_t seed[crypto_sign_SEEDBYTES] = { number };
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    uint8_t secret[SIGN_SECRET_BYTES];
    FUZZ_REQUIRE(crypto_sign_seed_keypair(public_key, secret, seed) == 0);
    FUZZ_REQUIRE(bundle_sign(bundle, secret, NULL) == ERR_NONE);
}

/* The canonical bytes, then bundles of one, two and eight signers. */
bool fuzz_seed(size_t index, Str *out)
{
    static const uint8_t SIGNERS[] = { 0, 1, 2, PLAN_SIGNATURES_MAX };
    AUTO(Arena) arena = { 0 };
    Bytes bytes = { 0 };
    Bundle bundle;
    if (index >= ARRAY_LEN(SIGNERS)) {
        return false;
    }
    FUZZ_REQUIRE(plan_encode(sample_plan(&arena), &arena, &bytes, NULL) == ERR_NONE);
    bundle_begin(bytes, &bundle);
    for (uint8_t number = 1; number <= SIGNERS[index]; number++) {
        sign(&bundle, number);
    }
    if (bundle.signature_count > 0) {
        bytes = bundle_pack(&bundle, &arena);
    }
    str_append_bytes(out, bytes.data, bytes.length);
    return true;
}
