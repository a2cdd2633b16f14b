/* Applicants: bounds on who may come in, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/str.h"
#include "coordinator/fleet/applicants.h"

typedef struct Key {
    uint8_t bytes[KEY_PUBLIC_BYTES];
} Key;

static Key key_number(unsigned number)
{
    Key key = { 0 };
    key.bytes[0] = (uint8_t)number;
    key.bytes[1] = (uint8_t)(number >> 8);
    return key;
}

static bool admit(Applicants *applicants, unsigned number, const char *address, uint64_t now_ms)
{
    const Key key = key_number(number);
    return applicants_admit(applicants, key.bytes, address, now_ms);
}

static void a_key_is_one_applicant_however_often_it_comes(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new();
    assert_true(admit(applicants, 1, "10.0.0.1", 1000));
    assert_true(admit(applicants, 1, "10.0.0.2", 1001));
    assert_int_equal(applicants_count(applicants, 1001), 1);
    assert_string_equal(applicants_at(applicants, 0)->address, "10.0.0.2");
}

static void one_address_has_so_many_and_no_more(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new();
    for (unsigned i = 0; i < APPLICANTS_PER_ADDRESS_MAX; i++) {
        assert_true(admit(applicants, i, "10.0.0.1", 1000));
    }
    assert_false(admit(applicants, 100, "10.0.0.1", 1000));
    assert_true(admit(applicants, 100, "10.0.0.2", 1000));
    assert_true(admit(applicants, 0, "10.0.0.1", 1000));
}

static void all_together_are_so_many_and_no_more(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new();
    for (unsigned i = 0; i < APPLICANTS_MAX; i++) {
        char address[16];
        text_format(address, sizeof(address), "10.0.0.%u", i);
        assert_true(admit(applicants, i, address, 1000));
    }
    assert_false(admit(applicants, 1000, "10.1.0.0", 1000));
    assert_int_equal(applicants_count(applicants, 1000), APPLICANTS_MAX);
}

static void who_is_silent_makes_room(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new();
    const Key key = key_number(1);
    char user_id[KEY_TEXT_MAX];
    for (unsigned i = 0; i < APPLICANTS_PER_ADDRESS_MAX; i++) {
        assert_true(admit(applicants, i, "10.0.0.1", 1000));
    }
    key_format(KEY_CURVE, key.bytes, user_id);
    assert_non_null(applicants_hear(applicants, user_id, 2000));
    assert_int_equal(applicants_count(applicants, 1000 + APPLICANT_SILENCE_MS),
                     APPLICANTS_PER_ADDRESS_MAX);
    assert_int_equal(applicants_count(applicants, 1001 + APPLICANT_SILENCE_MS), 1);
    assert_true(admit(applicants, 500, "10.0.0.1", 1001 + APPLICANT_SILENCE_MS));
}

static void a_key_that_comes_or_speaks_all_the_time_is_put_off(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new();
    const Key key = key_number(1);
    char user_id[KEY_TEXT_MAX];
    unsigned visits = 0;
    unsigned words = 0;
    key_format(KEY_CURVE, key.bytes, user_id);
    for (unsigned i = 0; i < 100; i++) {
        visits += admit(applicants, 1, "10.0.0.1", 1000);
        words += applicants_hear(applicants, user_id, 1000) != NULL;
    }
    assert_in_range(visits, 1, 20);
    assert_in_range(words, 1, 20);
    assert_true(admit(applicants, 1, "10.0.0.1", 3000));
    assert_non_null(applicants_hear(applicants, user_id, 3000));
}

static void nobody_is_heard_who_did_not_come_in(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new();
    const Key key = key_number(1);
    char user_id[KEY_TEXT_MAX];
    key_format(KEY_CURVE, key.bytes, user_id);
    assert_null(applicants_hear(applicants, user_id, 1000));
    assert_true(admit(applicants, 1, "10.0.0.1", 1000));
    applicants_forget(applicants, key.bytes);
    assert_null(applicants_hear(applicants, user_id, 1000));
    applicants_forget(applicants, key.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_one_applicant_however_often_it_comes),
        cmocka_unit_test(one_address_has_so_many_and_no_more),
        cmocka_unit_test(all_together_are_so_many_and_no_more),
        cmocka_unit_test(who_is_silent_makes_room),
        cmocka_unit_test(a_key_that_comes_or_speaks_all_the_time_is_put_off),
        cmocka_unit_test(nobody_is_heard_who_did_not_come_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
