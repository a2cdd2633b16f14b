/* trust: which signatures are enough, and what is said when they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/cleanup.h"
#include "proto/trust.h"

enum { ANN, ANN_TOO, BOB, CAROL, KEYS };

/* ann has two keys; carol is nobody's name here: a key alone. */
static const char *const PEOPLE[KEYS] = { "ann", "ann", "bob", "" };

typedef struct Circle {
    uint8_t public_keys[KEYS][SIGN_PUBLIC_BYTES];
    uint8_t secret_keys[KEYS][SIGN_SECRET_BYTES];
    TrustedKey keys[KEYS];
} Circle;

static void circle_init(Circle *circle)
{
    assert_true(sodium_init() >= 0);
    for (uint8_t i = 0; i < KEYS; i++) {
        const uint8_t seed[crypto_sign_SEEDBYTES] = { [0] = i + 1 };
        crypto_sign_seed_keypair(circle->public_keys[i], circle->secret_keys[i], seed);
        circle->keys[i] = (TrustedKey){ { circle->public_keys[i], SIGN_PUBLIC_BYTES }, PEOPLE[i] };
    }
}

static Bundle signed_by(const Circle *circle, unsigned who)
{
    static const uint8_t CANONICAL[] = "a plan";
    Bundle bundle = { 0 };
    bundle_begin((Bytes){ CANONICAL, sizeof(CANONICAL) }, &bundle);
    for (unsigned i = 0; i < KEYS; i++) {
        if ((who & 1U << i) != 0) {
            assert_int_equal(bundle_sign(&bundle, circle->secret_keys[i], NULL), ERR_NONE);
        }
    }
    return bundle;
}

#define OF(who) (1U << (who))

static void people_are_counted_and_not_their_keys(void **state)
{
    (void)state;
    static const struct {
        unsigned who;
        size_t people;
    } ROWS[] = {
        { 0, 0 },
        { OF(ANN), 1 },
        { OF(ANN_TOO), 1 },
        { OF(ANN) | OF(ANN_TOO), 1 },
        { OF(ANN) | OF(BOB), 2 },
        { OF(ANN_TOO) | OF(CAROL), 2 },
        { OF(ANN) | OF(ANN_TOO) | OF(BOB) | OF(CAROL), 3 },
    };
    Circle circle;
    circle_init(&circle);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Bundle bundle = signed_by(&circle, ROWS[i].who);
        Trust trust = { .keys = circle.keys, .count = KEYS };
        assert_int_equal(trust_signed(&trust, &bundle), ROWS[i].people);
        for (uint32_t required = 1; required <= 4; required++) {
            trust.required = required;
            assert_int_equal(trust_is_given(&trust, &bundle), ROWS[i].people >= required);
        }
    }
    assert_int_equal(trust_people(&(Trust){ .keys = circle.keys, .count = KEYS }), 3);
}

/* Two that have no name are two people. */
static void keys_without_a_person_are_people_of_their_own(void **state)
{
    (void)state;
    Circle circle;
    circle_init(&circle);
    circle.keys[ANN].person = "";
    circle.keys[ANN_TOO].person = "";
    Bundle bundle = signed_by(&circle, OF(ANN) | OF(ANN_TOO));
    const Trust trust = { .keys = circle.keys, .count = KEYS, .required = 2 };
    assert_true(trust_is_given(&trust, &bundle));
}

static void only_listed_keys_are_trusted_and_an_empty_list_trusts_nobody(void **state)
{
    (void)state;
    Circle circle;
    circle_init(&circle);
    Bundle bundle = signed_by(&circle, OF(CAROL));
    assert_false(trust_is_given(&(Trust){ 0 }, &bundle));
    assert_false(trust_is_given(&(Trust){ .required = 0 }, &(Bundle){ 0 }));
    assert_false(trust_is_given(&(Trust){ .keys = circle.keys, .count = CAROL }, &bundle));
    assert_true(trust_is_given(&(Trust){ .keys = circle.keys, .count = KEYS }, &bundle));
}

static void too_few_signatures_are_refused_with_who_has_signed_and_who_may(void **state)
{
    (void)state;
    Circle circle;
    Err err = { 0 };
    circle_init(&circle);
    const Trust trust = { .keys = circle.keys, .count = KEYS, .required = 3 };
    Bundle bundle = signed_by(&circle, OF(ANN) | OF(ANN_TOO));
    assert_int_equal(trust_refuse(&trust, &bundle, "p", &err), ERR_SIGNATURE);
    assert_non_null(strstr(err.message,
                           "plan \"p\" wants the signatures of 3 people whom this agent "
                           "trusts, and has 1, of ann ("));
    assert_non_null(strstr(err.message, "): 2 more are missing"));
    assert_non_null(strstr(err.hint, "bob ("));
    assert_null(strstr(err.hint, "ann"));
    assert_non_null(strstr(err.hint, "`skein plan sign FILE`"));
    assert_non_null(strstr(err.hint, "`skein rollout retry --failed --plan FILE`"));
}

static void nobody_has_signed_or_all_but_one(void **state)
{
    (void)state;
    static const struct {
        unsigned who;
        uint32_t required;
        const char *words;
    } ROWS[] = {
        { 0, 2, "and has 0: 2 more are missing" },
        { OF(CAROL), 2, ": 1 more is missing" },
    };
    Circle circle;
    circle_init(&circle);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Err err = { 0 };
        Bundle bundle = signed_by(&circle, ROWS[i].who);
        const Trust trust = { .keys = circle.keys, .count = KEYS, .required = ROWS[i].required };
        assert_int_equal(trust_refuse(&trust, &bundle, "p", &err), ERR_SIGNATURE);
        assert_non_null(strstr(err.message, ROWS[i].words));
    }
}

/* An agent of another version may tell of keys that are none here. */
static void a_key_of_another_length_has_signed_nothing(void **state)
{
    (void)state;
    Circle circle;
    circle_init(&circle);
    Bundle bundle = signed_by(&circle, OF(BOB));
    circle.keys[BOB].public_key.length = SIGN_PUBLIC_BYTES - 1;
    assert_int_equal(trust_signed(&(Trust){ .keys = circle.keys, .count = KEYS }, &bundle), 0);
}

static void of_many_who_may_sign_the_first_few_are_told(void **state)
{
    (void)state;
    static const char *const NAMES[] = { "a", "b", "c", "d", "e" };
    TrustedKey keys[ARRAY_LEN(NAMES)];
    Circle circle;
    AUTO(Str) words = { 0 };
    circle_init(&circle);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        keys[i] = circle.keys[ANN];
        keys[i].person = NAMES[i];
    }
    Bundle bundle = signed_by(&circle, 0);
    trust_tell(&(Trust){ .keys = keys, .count = ARRAY_LEN(NAMES), .required = 2 }, &bundle, &words);
    assert_non_null(strstr(str_text(&words), "and it has 0: it may be signed by a ("));
    assert_non_null(strstr(str_text(&words), "c ("));
    assert_null(strstr(str_text(&words), "d ("));
    assert_non_null(strstr(str_text(&words), ") and 2 more"));
}

static void what_is_missing_is_told_of_several_agents(void **state)
{
    (void)state;
    Circle circle;
    AUTO(Str) two = { 0 };
    AUTO(Str) none = { 0 };
    AUTO(Str) nobody = { 0 };
    circle_init(&circle);
    Bundle bundle = signed_by(&circle, OF(ANN));
    Trust trust = { .keys = circle.keys, .count = CAROL, .required = 2 };
    trust_tell(&trust, &bundle, &two);
    assert_non_null(
        strstr(str_text(&two), "want the signatures of 2 people, and it has 1, of ann ("));
    assert_non_null(strstr(str_text(&two), "): it may be signed by bob ("));
    trust = (Trust){ .keys = circle.keys + BOB, .count = 1, .required = 1 };
    trust_tell(&trust, &bundle, &none);
    assert_non_null(strstr(str_text(&none), "trust none who have signed it ("));
    assert_non_null(strstr(str_text(&none), "): it may be signed by bob ("));
    trust_tell(&(Trust){ .required = 1 }, &bundle, &nobody);
    assert_non_null(strstr(str_text(&nobody), "): they trust nobody else"));
}

static void one_untrusted_signature_is_named_by_its_fingerprint(void **state)
{
    (void)state;
    Circle circle;
    Err err = { 0 };
    AUTO(Str) signers = { 0 };
    circle_init(&circle);
    Bundle bundle = signed_by(&circle, OF(CAROL));
    bundle_write_signers(&bundle, 0, &signers);
    trust_refuse(&(Trust){ .keys = circle.keys, .count = CAROL, .required = 1 }, &bundle, "p",
                 &err);
    assert_non_null(
        strstr(err.message, "plan \"p\" is not signed by a key that this agent trusts, only by"));
    assert_non_null(strstr(err.message, str_text(&signers)));
    assert_non_null(strstr(err.hint, "skein rollout retry --failed --plan FILE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_are_counted_and_not_their_keys),
        cmocka_unit_test(keys_without_a_person_are_people_of_their_own),
        cmocka_unit_test(only_listed_keys_are_trusted_and_an_empty_list_trusts_nobody),
        cmocka_unit_test(too_few_signatures_are_refused_with_who_has_signed_and_who_may),
        cmocka_unit_test(nobody_has_signed_or_all_but_one),
        cmocka_unit_test(a_key_of_another_length_has_signed_nothing),
        cmocka_unit_test(of_many_who_may_sign_the_first_few_are_told),
        cmocka_unit_test(what_is_missing_is_told_of_several_agents),
        cmocka_unit_test(one_untrusted_signature_is_named_by_its_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
