/* Bundles: what is signed, what is refused, who is trusted. */
#include "support.h"

#include <sodium.h>

#include "plan_sample.h"
#include "proto/pack.h"

typedef struct Signer {
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    uint8_t secret[SIGN_SECRET_BYTES];
} Signer;

static Signer signer_of(uint8_t number)
{
    uint8_t seed[crypto_sign_SEEDBYTES] = { number };
    Signer signer;
    assert_int_equal(crypto_sign_seed_keypair(signer.public_key, signer.secret, seed), 0);
    return signer;
}

static Bytes sealed(const Signer *signer, Arena *arena)
{
    Bytes canonical = { 0 };
    Bytes bundle = { 0 };
    assert_int_equal(plan_encode(sample_plan(arena), arena, &canonical, NULL), ERR_NONE);
    assert_int_equal(bundle_seal(canonical, signer->secret, arena, &bundle, NULL), ERR_NONE);
    return bundle;
}

static void a_sealed_plan_opens_and_is_its_signers(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Signer signer = signer_of(1);
    Bytes bytes = sealed(&signer, &arena);
    Bundle bundle = { 0 };
    Plan *plan = NULL;
    uint8_t hash[PLAN_HASH_BYTES];
    Err err = { 0 };
    assert_int_equal(bundle_open(bytes, &bundle, &err), ERR_NONE);
    assert_int_equal(bundle.signature_count, 1);
    assert_memory_equal(bundle.signatures[0].public_key, signer.public_key, SIGN_PUBLIC_BYTES);
    plan_hash(bundle.canonical, hash);
    assert_memory_equal(bundle.hash, hash, sizeof(hash));
    assert_true(bundle.canonical.data > bytes.data && /* points into what it was opened from */
                bundle.canonical.data < bytes.data + bytes.length);
    assert_int_equal(plan_decode(bundle.canonical, &arena, &plan, &err), ERR_NONE);
    assert_string_equal(plan->to, "0004_fill");
}

/* By libsodium alone, as a second implementation would. */
static void the_signature_is_over_purpose_and_hash(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Signer signer = signer_of(1);
    Bundle bundle = { 0 };
    assert_int_equal(bundle_open(sealed(&signer, &arena), &bundle, NULL), ERR_NONE);
    uint8_t text[14 + 32] = "skein-plan-v1";
    crypto_generichash(text + 14, 32, bundle.canonical.data, bundle.canonical.length, NULL, 0);
    assert_int_equal(crypto_sign_verify_detached(bundle.signatures[0].signature, text, sizeof(text),
                                                 signer.public_key),
                     0);
}

static void a_change_of_any_bit_is_caught(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Signer signer = signer_of(1);
    Bytes bytes = sealed(&signer, &arena);
    uint8_t *changed = arena_memdup(&arena, bytes.data, bytes.length);
    for (size_t bit = 0; bit < 8 * bytes.length; bit++) {
        Bundle bundle = { 0 };
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ErrCode code = bundle_open((Bytes){ changed, bytes.length }, &bundle, NULL);
        if (code != ERR_SIGNATURE && code != ERR_PROTOCOL && code != ERR_LIMIT) {
            fail_msg("bit %zu of byte %zu: %d", bit % 8, bit / 8, (int)code);
        }
        assert_null(bundle.canonical.data);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void a_bundle_cut_anywhere_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Signer signer = signer_of(1);
    Bytes bytes = sealed(&signer, &arena);
    for (size_t length = 0; length < bytes.length; length++) {
        Bytes cut = { arena_memdup(&arena, bytes.data, length), length };
        Bundle bundle;
        ErrCode code = bundle_open(cut, &bundle, NULL);
        assert_true(code == ERR_PROTOCOL || code == ERR_LIMIT);
    }
}

/*
 * A bundle, by libsodium alone, with a signature of each of `count` signers: the one at `forged`
 * over another plan, the one at `doubled` by the key of the first.
 */
static Bytes signed_by(size_t count, size_t forged, size_t doubled, Arena *arena)
{
    AUTO(Str) out = { 0 };
    Bytes canonical = { 0 };
    uint8_t text[14 + 32] = "skein-plan-v1";
    assert_int_equal(plan_encode(sample_plan(arena), arena, &canonical, NULL), ERR_NONE);
    plan_hash(canonical, text + 14);
    msgpack_packer packer = packer_into(&out);
    msgpack_pack_array(&packer, 4);
    pack_text(&packer, "skein-plan", 10);
    msgpack_pack_uint32(&packer, 1);
    pack_bytes(&packer, canonical.data, canonical.length);
    msgpack_pack_array(&packer, count);
    for (size_t i = 0; i < count; i++) {
        Signer signer = signer_of((uint8_t)(i == doubled ? 1 : i + 1));
        uint8_t signature[SIGNATURE_BYTES];
        text[14] ^= i == forged;
        crypto_sign_detached(signature, NULL, text, sizeof(text), signer.secret);
        text[14] ^= i == forged;
        msgpack_pack_array(&packer, 2);
        pack_bytes(&packer, signer.public_key, SIGN_PUBLIC_BYTES);
        pack_bytes(&packer, signature, SIGNATURE_BYTES);
    }
    return (Bytes){ arena_memdup(arena, out.data, out.length), out.length };
}

#define NONE SIZE_MAX

static void one_to_eight_signatures_are_all_verified(void **state)
{
    (void)state;
    static const struct {
        size_t count, forged, doubled;
        ErrCode code;
        const char *message;
    } ROWS[] = {
        { 0, NONE, NONE, ERR_SIGNATURE, "bundle: not signed" },
        { 1, NONE, NONE, ERR_NONE, "" },
        { 8, NONE, NONE, ERR_NONE, "" },
        { 9, NONE, NONE, ERR_LIMIT, "bundle: 9 signatures, at most 8 allowed" },
        { 1, 0, NONE, ERR_SIGNATURE, "bundle: a signature does not fit the plan" },
        { 8, 7, NONE, ERR_SIGNATURE, "bundle: a signature does not fit the plan" },
        { 8, NONE, 7, ERR_PROTOCOL, "bundle: one key has signed twice" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        Bundle bundle = { 0 };
        Err err = { 0 };
        Bytes bytes = signed_by(ROWS[i].count, ROWS[i].forged, ROWS[i].doubled, &arena);
        assert_int_equal(bundle_open(bytes, &bundle, &err), ROWS[i].code);
        assert_string_equal(err.message, ROWS[i].message);
        assert_int_equal(bundle.signature_count, ROWS[i].code == ERR_NONE ? ROWS[i].count : 0);
    }
}

/* --- several signers --- */

/* Opens a bundle of these signers, by number. */
static Bundle opened(uint8_t first, uint8_t last, Arena *arena)
{
    Bundle bundle;
    Bytes canonical = { 0 };
    Err err = { 0 };
    assert_int_equal(plan_encode(sample_plan(arena), arena, &canonical, NULL), ERR_NONE);
    bundle_begin(canonical, &bundle);
    for (uint8_t number = first; number <= last; number++) {
        assert_int_equal(bundle_sign(&bundle, signer_of(number).secret, &err), ERR_NONE);
    }
    assert_int_equal(bundle_open(bundle_pack(&bundle, arena), &bundle, &err), ERR_NONE);
    return bundle;
}

static void every_signer_stands_in_the_bundle_in_the_order_of_signing(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Bundle bundle = opened(1, 8, &arena);
    assert_int_equal(bundle.signature_count, 8);
    for (uint8_t i = 0; i < 8; i++) {
        assert_memory_equal(bundle.signatures[i].public_key, signer_of(i + 1).public_key,
                            SIGN_PUBLIC_BYTES);
    }
}

static void a_key_signs_once_however_often_it_is_asked(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Bundle bundle = opened(1, 8, &arena);
    assert_int_equal(bundle_sign(&bundle, signer_of(3).secret, NULL), ERR_NONE);
    assert_int_equal(bundle.signature_count, 8);
}

static void a_ninth_signer_is_refused_with_a_way_out(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Bundle bundle = opened(1, 8, &arena);
    Err err = { 0 };
    assert_int_equal(bundle_sign(&bundle, signer_of(9).secret, &err), ERR_LIMIT);
    assert_string_equal(err.message, "bundle: signed by 8 keys, and a plan can have no more");
    assert_non_null(strstr(err.hint, "another name"));
    assert_int_equal(bundle.signature_count, 8);
}

static void merging_is_the_union_of_the_signers(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, last;             /* of the bundle */
        uint8_t other_first, other_last; /* of the one that is merged into it */
        size_t count;                    /* 0: refused */
    } ROWS[] = {
        { 1, 1, 1, 1, 1 }, { 1, 1, 2, 2, 2 }, { 1, 3, 2, 4, 4 }, { 1, 4, 5, 8, 8 },
        { 2, 8, 1, 8, 8 }, { 1, 8, 9, 9, 0 }, { 1, 4, 4, 9, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        Bundle bundle = opened(ROWS[i].first, ROWS[i].last, &arena);
        Bundle other = opened(ROWS[i].other_first, ROWS[i].other_last, &arena);
        size_t before = bundle.signature_count;
        ErrCode code = bundle_merge(&bundle, &other, NULL);
        assert_int_equal(code, ROWS[i].count == 0 ? ERR_LIMIT : ERR_NONE);
        assert_int_equal(bundle.signature_count, code == ERR_NONE ? ROWS[i].count : before);
        for (uint8_t number = ROWS[i].first; number <= ROWS[i].last; number++) {
            assert_true(bundle_is_signed_by(&bundle, signer_of(number).public_key));
        }
        assert_int_equal(bundle_is_signed_by(&bundle, signer_of(ROWS[i].other_last).public_key),
                         code == ERR_NONE);
        assert_int_equal(bundle_open(bundle_pack(&bundle, &arena), &other, NULL), ERR_NONE);
        assert_int_equal(other.signature_count, bundle.signature_count);
    }
}

static void signatures_of_another_plan_are_not_merged(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Bundle bundle = opened(1, 1, &arena);
    Bundle other = opened(2, 2, &arena);
    other.hash[0] ^= 1;
    assert_int_equal(bundle_merge(&bundle, &other, NULL), ERR_CHECKSUM);
    assert_int_equal(bundle.signature_count, 1);
}

#define TEXT_32 "a key has thirty-two bytes, sir."

static void what_is_no_bundle_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        ErrCode code;
        const char *message;
    } ROWS[] = {
        { "", 0, ERR_PROTOCOL, "bundle: byte 0: cut off in the middle of a value" },
        { "name: x\n", 8, ERR_PROTOCOL, "bundle: 7 bytes after the end" },
        { "\xdd\xff\xff\xff\xff", 5, ERR_LIMIT,
          "bundle: byte 0: 4294967295 values claimed, 0 bytes left" },
        { "\x94\xa1x\x01\xc4\x00\x90", 7, ERR_PROTOCOL, "bundle: not a plan of skein" },
        { "\x80", 1, ERR_PROTOCOL, "bundle: not a plan of skein" },
        { "\x94\x01\x01\xc4\x00\x90", 6, ERR_PROTOCOL, "bundle: not a plan of skein" },
        { "\x94\xaaskein-plum\x01\xc4\x00\x90", 16, ERR_PROTOCOL, "bundle: not a plan of skein" },
        { "\x94\xaaskein-plan\x02\xc4\x00\x90", 16, ERR_PROTOCOL,
          "bundle: format 2, this skein reads 1" },
        { "\x94\xaaskein-plan\xc0\xc4\x00\x90", 16, ERR_PROTOCOL, "bundle: no format version" },
        { "\x94\xaaskein-plan\x01\xa0\x90", 15, ERR_PROTOCOL, "bundle: no plan in it" },
        { "\x94\xaaskein-plan\x01\xc4\x00\x80", 16, ERR_PROTOCOL, "bundle: no list of signatures" },
        { "\x94\xaaskein-plan\x01\xc4\x00\x91\x90", 17, ERR_PROTOCOL,
          "bundle: a signature is not a key and a signature" },
        { "\x94\xaaskein-plan\x01\xc4\x00\x91\x01", 17, ERR_PROTOCOL,
          "bundle: a signature is not a key and a signature" },
        { "\x94\xaaskein-plan\x01\xc4\x00\x91\x92\x01\x01", 19, ERR_PROTOCOL,
          "bundle: a signature is not a key and a signature" },
        { "\x94\xaaskein-plan\x01\xc4\x00\x91\x92\xc4\x00\xc4\x00", 21, ERR_PROTOCOL,
          "bundle: a signature is not a key and a signature" },
        { "\x94\xaaskein-plan\x01\xc4\x00\x91\x92\xc4\x20" TEXT_32 "\xc4\x00", 53, ERR_PROTOCOL,
          "bundle: a signature is not a key and a signature" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Bundle bundle = { 0 };
        Err err = { 0 };
        Bytes bytes = { (const uint8_t *)ROWS[i].bytes, ROWS[i].length };
        assert_int_equal(bundle_open(bytes, &bundle, &err), ROWS[i].code);
        assert_string_equal(err.message, ROWS[i].message);
    }
}

static void sizes_are_checked_before_anything_is_read(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Bytes huge = { (const uint8_t *)"", (size_t)BUNDLE_MAX + 1 };
    Bundle bundle;
    Bytes out;
    Plan *plan;
    assert_int_equal(bundle_open(huge, &bundle, NULL), ERR_LIMIT);
    assert_int_equal(plan_decode(huge, &arena, &plan, NULL), ERR_LIMIT);
    assert_int_equal(bundle_seal(huge, signer_of(1).secret, &arena, &out, NULL), ERR_LIMIT);
}

static void a_damaged_key_seals_nothing(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Signer signer = signer_of(1);
    Bytes out = { 0 };
    Err err = { 0 };
    signer.secret[40] ^= 1; /* in the public half */
    assert_int_equal(
        bundle_seal((Bytes){ (const uint8_t *)"x", 1 }, signer.secret, &arena, &out, &err),
        ERR_SIGNATURE);
    assert_string_equal(err.message, "bundle: the signing key is damaged");
    assert_null(out.data);
}

/* What is done is known by its statements and rows, and by where one ends and the next begins. */
static void the_hash_of_parts_tells_what_they_do(void **state)
{
    (void)state;
    PlanStatement statements[] = { { .sql = "ab" }, { .sql = "c" }, { .sql = "d" } };
    PlanPart parts[] = { { 2, true }, { 1, true } };
    PlanScript script = { .statements = statements, .count = 3, .parts = parts, .part_count = 2 };
    uint8_t before[CHECKSUM_BYTES];
    uint8_t after[CHECKSUM_BYTES];
    plan_parts_hash(&script, 1, before);
    statements[2].sql = "e";
    plan_parts_hash(&script, 1, after);
    assert_memory_equal(before, after, CHECKSUM_BYTES);
    statements[0].sql = "a";
    statements[1].sql = "bc";
    plan_parts_hash(&script, 1, after);
    assert_memory_not_equal(before, after, CHECKSUM_BYTES);
    statements[0].sql = "ab";
    statements[1].sql = "c";
    statements[1].copy_data = (Bytes){ (const uint8_t *)"1\n", 2 };
    plan_parts_hash(&script, 1, after);
    assert_memory_not_equal(before, after, CHECKSUM_BYTES);
    plan_parts_hash(&script, 0, after); /* nothing is done: the same for every script */
    assert_memory_not_equal(before, after, CHECKSUM_BYTES);
    plan_parts_hash(&(PlanScript){ 0 }, 0, before);
    assert_memory_equal(before, after, CHECKSUM_BYTES);
}

static void signers_are_told_one_after_another(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) both = { 0 };
    AUTO(Str) last = { 0 };
    Bundle bundle = opened(1, 2, &arena);
    bundle_write_signers(&bundle, 0, &both);
    bundle_write_signers(&bundle, 1, &last);
    const char *comma = strstr(str_text(&both), ", ");
    assert_non_null(comma);
    assert_string_equal(comma + 2, str_text(&last));
}

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_plan_opens_and_is_its_signers),
        cmocka_unit_test(the_signature_is_over_purpose_and_hash),
        cmocka_unit_test(a_change_of_any_bit_is_caught),
        cmocka_unit_test(a_bundle_cut_anywhere_is_refused),
        cmocka_unit_test(one_to_eight_signatures_are_all_verified),
        cmocka_unit_test(every_signer_stands_in_the_bundle_in_the_order_of_signing),
        cmocka_unit_test(a_key_signs_once_however_often_it_is_asked),
        cmocka_unit_test(a_ninth_signer_is_refused_with_a_way_out),
        cmocka_unit_test(merging_is_the_union_of_the_signers),
        cmocka_unit_test(signatures_of_another_plan_are_not_merged),
        cmocka_unit_test(what_is_no_bundle_is_told_apart),
        cmocka_unit_test(sizes_are_checked_before_anything_is_read),
        cmocka_unit_test(a_damaged_key_seals_nothing),
        cmocka_unit_test(signers_are_told_one_after_another),
        cmocka_unit_test(the_hash_of_parts_tells_what_they_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
