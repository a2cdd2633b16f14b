/* Plans at hand: nothing of a bundle is believed before its bytes are what was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "agent/plans.h"
#include "common/keyfile.h"

typedef struct Fixture {
    Arena arena;
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    TrustedKey key;
    Trust trust; /* in it */
    uint8_t secret_key[SIGN_SECRET_BYTES];
    Bytes bundle;
    uint8_t hash[PLAN_HASH_BYTES];
} Fixture;

static int set_up(void **state)
{
    static const uint8_t CHECKSUM[CHECKSUM_BYTES] = { 1 };
    static PlanStatement up = {
        .sql = "SELECT 1", .line = 1, .kind = "SELECT", .object = "", .detail = ""
    };
    Fixture *fixture = mem_alloc(sizeof(Fixture));
    assert_true(sodium_init() >= 0);
    crypto_sign_keypair(fixture->public_key, fixture->secret_key);
    fixture->key = (TrustedKey){ { fixture->public_key, SIGN_PUBLIC_BYTES }, "" };
    fixture->trust = (Trust){ .keys = &fixture->key, .count = 1 };
    PlanMigration migration = { .id = "0001_x",
                                .version = "0001",
                                .name = "x",
                                .checksum = { CHECKSUM, CHECKSUM_BYTES },
                                .up = { .statements = &up, .count = 1, .is_transactional = true },
                                .down = { .is_transactional = true },
                                .is_irreversible = true };
    Plan plan = {
        .name = "p", .to = "0001_x", .where = "", .migrations = &migration, .migration_count = 1
    };
    plan_strategy_defaults(&plan.strategy);
    Bytes canonical;
    Err err = { 0 };
    if (plan_encode(&plan, &fixture->arena, &canonical, &err) != ERR_NONE ||
        bundle_seal(canonical, fixture->secret_key, &fixture->arena, &fixture->bundle, &err) !=
            ERR_NONE) {
        fail_msg("%s", err.message);
    }
    plan_hash(canonical, fixture->hash);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    arena_done(&fixture->arena);
    free(fixture);
    return 0;
}

/* Hands the bundle over in chunks of `size`; returns what the last chunk came to. */
static bool deliver(Plans *plans, const Fixture *fixture, Bytes bundle, size_t size)
{
    bool has_ended = false;
    for (size_t at = 0; at < bundle.length && !has_ended; at += size) {
        PlanGet get;
        assert_true(plans_next_request(plans, 0, 1000, &get));
        assert_int_equal(get.offset, at);
        size_t length = bundle.length - at < size ? bundle.length - at : size;
        PlanChunk chunk = { .hash = { fixture->hash, PLAN_HASH_BYTES },
                            .offset = at,
                            .total_size = bundle.length,
                            .data = { bundle.data + at, length } };
        has_ended = plans_take(plans, &chunk);
    }
    return has_ended;
}

static void a_plan_comes_in_chunks_and_is_trusted_when_its_signer_is(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    const HeldPlan *plan = NULL;
    Err err;
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_UNDER_WAY);
    assert_true(deliver(plans, fixture, fixture->bundle, 7));
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_READY);
    assert_true(plan->is_trusted);
    assert_string_equal(plan->plan->to, "0001_x");
}

static void a_plan_of_an_unknown_signer_is_not_trusted(void **state)
{
    const Fixture *fixture = *state;
    static const uint8_t OTHER[SIGN_PUBLIC_BYTES] = { 1 };
    static const TrustedKey KEY = { { OTHER, SIGN_PUBLIC_BYTES }, "" };
    AUTO_PTR(Plans) plans = plans_new(&(Trust){ .keys = &KEY, .count = 1 });
    const HeldPlan *plan = NULL;
    Err err;
    plans_want(plans, fixture->hash, &plan, &err);
    deliver(plans, fixture, fixture->bundle, 1000000);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_READY);
    assert_false(plan->is_trusted);
    assert_int_equal(plan->distrust.code, ERR_SIGNATURE);
}

/* Signed as it has to be, and good for ever: where the agent does not want that, a captured
 * coordinator could repeat it. */
static void a_plan_without_an_end_is_not_trusted_where_plans_must_expire(void **state)
{
    const Fixture *fixture = *state;
    Trust trust = fixture->trust;
    trust.wants_end = true;
    AUTO_PTR(Plans) plans = plans_new(&trust);
    const HeldPlan *plan = NULL;
    Err err;
    plans_want(plans, fixture->hash, &plan, &err);
    deliver(plans, fixture, fixture->bundle, 1000000);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_READY);
    assert_int_equal(plan->plan->apply_until_s, 0);
    assert_false(plan->is_trusted);
    assert_int_equal(plan->distrust.code, ERR_SIGNATURE);
    assert_non_null(strstr(plan->distrust.hint, "--apply-until"));
    Plan ends = *plan->plan;
    ends.apply_until_s = 1;
    assert_true(trust_takes_end(&trust, &ends));
}

/* Each turn that it is waited for; then it goes the way of those that nobody trusts. */
static void a_plan_that_is_waited_for_is_kept_though_nobody_trusts_it(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&(Trust){ 0 });
    const HeldPlan *plan = NULL;
    Err err;
    plans_want(plans, fixture->hash, &plan, &err);
    deliver(plans, fixture, fixture->bundle, 1000000);
    for (int turn = 0; turn < 3; turn++) {
        assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_READY);
        plans_keep(plans, plan);
        plans_drop_refused(plans);
    }
    plans_drop_refused(plans);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_UNDER_WAY);
}

/* Kept, it would be refused for ever, whoever signs it meanwhile. */
static void
a_plan_that_nobody_trusted_signed_is_dropped_and_fetched_anew_with_its_new_signature(void **state)
{
    Fixture *fixture = *state;
    uint8_t trusted[SIGN_PUBLIC_BYTES];
    uint8_t secret[SIGN_SECRET_BYTES];
    Bundle bundle;
    const HeldPlan *plan = NULL;
    Err err;
    crypto_sign_keypair(trusted, secret);
    const TrustedKey key = { { trusted, SIGN_PUBLIC_BYTES }, "" };
    AUTO_PTR(Plans) plans = plans_new(&(Trust){ .keys = &key, .count = 1 });
    plans_want(plans, fixture->hash, &plan, &err);
    deliver(plans, fixture, fixture->bundle, 1000000);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_READY);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err),
                     PLAN_FETCH_READY); /* of all who waited */
    assert_false(plan->is_trusted);
    plans_drop_refused(plans);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_UNDER_WAY);
    assert_int_equal(bundle_open(fixture->bundle, &bundle, &err), ERR_NONE);
    assert_int_equal(bundle_sign(&bundle, secret, &err), ERR_NONE);
    assert_true(deliver(plans, fixture, bundle_pack(&bundle, &fixture->arena), 1000000));
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_READY);
    assert_true(plan->is_trusted);
    plans_drop_refused(plans);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_READY);
}

static void who_has_signed_is_told_where_it_is_not_enough(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&(Trust){ 0 });
    char fingerprint[KEY_FINGERPRINT_MAX];
    const HeldPlan *plan = NULL;
    plans_want(plans, fixture->hash, &plan, &(Err){ 0 });
    deliver(plans, fixture, fixture->bundle, 1000000);
    plans_want(plans, fixture->hash, &plan, &(Err){ 0 });
    key_fingerprint(KEY_SIGN, fixture->public_key, fingerprint);
    assert_non_null(strstr(plan->distrust.message, fingerprint));
}

/* A further signature came while the first chunks were on their way: the bundle is larger now. */
static void a_plan_that_grows_while_it_is_fetched_is_begun_again(void **state)
{
    Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    uint8_t other[SIGN_PUBLIC_BYTES];
    uint8_t secret[SIGN_SECRET_BYTES];
    Bundle bundle;
    PlanGet get;
    const HeldPlan *plan = NULL;
    Err err;
    crypto_sign_keypair(other, secret);
    assert_int_equal(bundle_open(fixture->bundle, &bundle, &err), ERR_NONE);
    assert_int_equal(bundle_sign(&bundle, secret, &err), ERR_NONE);
    Bytes larger = bundle_pack(&bundle, &fixture->arena);
    plans_want(plans, fixture->hash, &plan, &err);
    PlanChunk chunk = { .hash = { fixture->hash, PLAN_HASH_BYTES },
                        .total_size = fixture->bundle.length,
                        .data = { fixture->bundle.data, 50 } };
    assert_false(plans_take(plans, &chunk));
    chunk.offset = 50;
    chunk.total_size = larger.length;
    assert_true(plans_next_request(plans, 0, 1000, &get));
    assert_int_equal(get.offset, 50);
    assert_false(plans_take(plans, &chunk));
    assert_true(deliver(plans, fixture, larger, 40));
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_READY);
    assert_true(plan->is_trusted);
}

static void a_plan_that_never_keeps_its_size_fails_in_the_end(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    const HeldPlan *plan = NULL;
    PlanGet get;
    Err err;
    plans_want(plans, fixture->hash, &plan, &err);
    PlanChunk chunk = { .hash = { fixture->hash, PLAN_HASH_BYTES },
                        .data = { fixture->bundle.data, 1 } };
    bool has_ended = false;
    for (uint64_t size = 100; size < 200 && !has_ended; size++) {
        assert_true(plans_next_request(plans, size * 1000, 1000, &get));
        chunk.offset = get.offset;
        chunk.total_size = size;
        has_ended = plans_take(plans, &chunk);
    }
    assert_true(has_ended);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_FAILED);
    assert_int_equal(err.code, ERR_PROTOCOL);
}

static void a_plan_with_one_bit_changed_fails(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    AUTO(Arena) arena = { 0 };
    uint8_t *bytes = arena_memdup(&arena, fixture->bundle.data, fixture->bundle.length);
    bytes[fixture->bundle.length / 3] ^= 1;
    const HeldPlan *plan = NULL;
    Err err;
    plans_want(plans, fixture->hash, &plan, &err);
    assert_true(deliver(plans, fixture, (Bytes){ bytes, fixture->bundle.length }, 1000000));
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_FAILED);
}

static void a_plan_that_is_none_of_the_hash_fails(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    uint8_t other[PLAN_HASH_BYTES];
    memcpy(other, fixture->hash, sizeof(other));
    other[0] ^= 1;
    const HeldPlan *plan = NULL;
    Err err;
    plans_want(plans, other, &plan, &err);
    PlanChunk chunk = { .hash = { other, PLAN_HASH_BYTES },
                        .total_size = fixture->bundle.length,
                        .data = fixture->bundle };
    assert_true(plans_take(plans, &chunk));
    assert_int_equal(plans_want(plans, other, &plan, &err), PLAN_FETCH_FAILED);
    assert_int_equal(err.code, ERR_SIGNATURE);
}

/* Many targets wait for one plan: each hears why it did not come, and it is asked for once. */
static void a_failed_fetch_answers_all_who_waited_and_begins_anew_for_the_next(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    const HeldPlan *plan = NULL;
    PlanGet get;
    Err err = { 0 };
    plans_want(plans, fixture->hash, &plan, &err);
    PlanChunk chunk = { .hash = { fixture->hash, PLAN_HASH_BYTES } };
    assert_true(plans_take(plans, &chunk));
    for (int i = 0; i < 3; i++) {
        err = (Err){ 0 };
        assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_FAILED);
        assert_int_equal(err.code, ERR_NOT_FOUND);
    }
    assert_false(plans_next_request(plans, 0, 1000, &get));
    plans_drop_refused(plans);
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_UNDER_WAY);
    assert_true(plans_next_request(plans, 0, 1000, &get));
}

static void an_absurd_size_is_refused_before_it_is_allocated(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    const HeldPlan *plan = NULL;
    Err err;
    plans_want(plans, fixture->hash, &plan, &err);
    PlanChunk chunk = { .hash = { fixture->hash, PLAN_HASH_BYTES },
                        .total_size = UINT64_MAX,
                        .data = fixture->bundle };
    assert_true(plans_take(plans, &chunk));
    assert_int_equal(plans_want(plans, fixture->hash, &plan, &err), PLAN_FETCH_FAILED);
    assert_int_equal(err.code, ERR_LIMIT);
}

static void chunks_that_nobody_asked_for_are_dropped(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    PlanChunk chunk = { .hash = { fixture->hash, PLAN_HASH_BYTES },
                        .total_size = fixture->bundle.length,
                        .data = fixture->bundle };
    assert_false(plans_take(plans, &chunk));
    const HeldPlan *plan = NULL;
    plans_want(plans, fixture->hash, &plan, &(Err){ 0 });
    chunk.offset = 5;
    assert_false(plans_take(plans, &chunk));
}

static void an_unanswered_request_is_repeated_after_its_time(void **state)
{
    const Fixture *fixture = *state;
    AUTO_PTR(Plans) plans = plans_new(&fixture->trust);
    const HeldPlan *plan = NULL;
    PlanGet get;
    plans_want(plans, fixture->hash, &plan, &(Err){ 0 });
    assert_true(plans_next_request(plans, 1000, 500, &get));
    assert_false(plans_next_request(plans, 1499, 500, &get));
    assert_true(plans_next_request(plans, 1500, 500, &get));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plan_that_is_waited_for_is_kept_though_nobody_trusts_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_comes_in_chunks_and_is_trusted_when_its_signer_is,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_of_an_unknown_signer_is_not_trusted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_plan_without_an_end_is_not_trusted_where_plans_must_expire, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_plan_that_nobody_trusted_signed_is_dropped_and_fetched_anew_with_its_new_signature,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_signed_is_told_where_it_is_not_enough, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_plan_that_grows_while_it_is_fetched_is_begun_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_that_never_keeps_its_size_fails_in_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_failed_fetch_answers_all_who_waited_and_begins_anew_for_the_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_with_one_bit_changed_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_that_is_none_of_the_hash_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_absurd_size_is_refused_before_it_is_allocated, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(chunks_that_nobody_asked_for_are_dropped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_unanswered_request_is_repeated_after_its_time, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
