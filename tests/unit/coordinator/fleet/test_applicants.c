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
    Applicant *applicant = applicants_note(applicants, key.bytes, address, now_ms);
    return applicant != NULL && applicants_admit(applicants, applicant, now_ms);
}

/* Has it a place? */
static bool note(Applicants *applicants, unsigned number, const char *address, uint64_t now_ms)
{
    const Key key = key_number(number);
    return applicants_note(applicants, key.bytes, address, now_ms) != NULL;
}

static bool has(const Applicants *applicants, unsigned number)
{
    const Key key = key_number(number);
    for (size_t i = 0; i < applicants_count((Applicants *)applicants, 1000); i++) {
        if (memcmp(applicants_at(applicants, i)->key, key.bytes, KEY_PUBLIC_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

/* `count` keys of one address, the first of which is `first`. */
static void flood(Applicants *applicants, unsigned first, unsigned count, const char *address)
{
    for (unsigned i = 0; i < count; i++) {
        (void)note(applicants, first + i, address, 1000);
        assert_in_range(applicants_count(applicants, 1000), 1, APPLICANTS_MAX);
    }
}

static void a_key_is_one_applicant_however_often_it_comes(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(true);
    assert_true(admit(applicants, 1, "10.0.0.1", 1000));
    assert_true(admit(applicants, 1, "10.0.0.2", 1001));
    assert_int_equal(applicants_count(applicants, 1001), 1);
    assert_string_equal(applicants_at(applicants, 0)->address, "10.0.0.2");
}

static void one_address_has_so_many_and_no_more(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(true);
    for (unsigned i = 0; i < APPLICANTS_PER_ADDRESS_MAX; i++) {
        assert_true(admit(applicants, i, "10.0.0.1", 1000));
    }
    assert_false(admit(applicants, 100, "10.0.0.1", 1000));
    assert_true(admit(applicants, 100, "10.0.0.2", 1000));
    assert_true(admit(applicants, 0, "10.0.0.1", 1000));
}

static void all_together_are_so_many_inside_and_no_more(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(true);
    char address[16];
    for (unsigned i = 0; i < APPLICANTS_INSIDE_MAX; i++) {
        text_format(address, sizeof(address), "10.0.0.%u", i);
        assert_true(admit(applicants, i, address, 1000));
    }
    assert_false(admit(applicants, 1000, "10.1.0.0", 1000));
    assert_true(has(applicants, 1000)); /* noted all the same */
    for (unsigned i = 0; i < APPLICANTS_MAX; i++) {
        text_format(address, sizeof(address), "10.2.%u.0", i);
        assert_false(admit(applicants, 2000 + i, address, 1000));
    }
    assert_int_equal(applicants_count(applicants, 1000), APPLICANTS_MAX);
}

static void where_nobody_may_enter_keys_are_noted_and_not_heard(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(false);
    const Key key = key_number(1);
    char user_id[KEY_TEXT_MAX];
    key_format(KEY_CURVE, key.bytes, user_id);
    assert_false(admit(applicants, 1, "10.0.0.1", 1000));
    assert_false(admit(applicants, 1, "10.0.0.1", 2000));
    assert_int_equal(applicants_count(applicants, 2000), 1);
    assert_int_equal(applicants_at(applicants, 0)->tries, 2);
    assert_string_equal(applicants_at(applicants, 0)->name, "");
    assert_null(applicants_hear(applicants, user_id, 2000));
}

static void a_flood_of_one_address_leaves_the_others_their_places(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(false);
    assert_true(note(applicants, 1, "10.0.0.1", 1000));
    flood(applicants, 100, 10000, "10.6.6.6");
    assert_true(has(applicants, 1));
    assert_int_equal(applicants_count(applicants, 1000), 1 + APPLICANTS_PER_ADDRESS_MAX);
    assert_true(note(applicants, 2, "10.0.0.2", 1000)); /* and who comes after it has one, too */
    assert_true(has(applicants, 2));
}

static void what_comes_again_keeps_its_place_in_a_flood_of_its_own_address(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(false);
    assert_true(note(applicants, 1, "10.6.6.6", 1000));
    assert_true(note(applicants, 1, "10.6.6.6", 1000));
    flood(applicants, 100, 10000, "10.6.6.6");
    assert_true(has(applicants, 1));
}

/* 200 addresses of a flood, each with as many keys as it can have. */
static void who_comes_alone_takes_a_place_of_those_who_have_many(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(false);
    char address[16];
    for (unsigned i = 0; i < 200; i++) {
        text_format(address, sizeof(address), "10.6.6.%u", i);
        flood(applicants, 1000 + 100 * i, 20, address);
    }
    assert_int_equal(applicants_count(applicants, 1000), APPLICANTS_MAX);
    assert_true(note(applicants, 1, "10.0.0.1", 1000));
    for (unsigned i = 0; i < 200; i++) {
        text_format(address, sizeof(address), "10.6.6.%u", i);
        flood(applicants, 30000 + 100 * i, 20, address);
    }
    assert_true(has(applicants, 1));
}

static void where_each_has_one_place_nobody_loses_it_to_a_newcomer(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(false);
    char address[16];
    for (unsigned i = 0; i < APPLICANTS_MAX; i++) {
        text_format(address, sizeof(address), "10.6.6.%u", i);
        assert_true(note(applicants, i, address, 1000));
    }
    assert_false(note(applicants, 1000, "10.0.0.1", 1000));
    assert_true(note(applicants, 1000, "10.0.0.1", APPLICANT_SILENCE_MS + 1001));
}

/* A key each, of as many addresses as there are places; the one agent among them comes again. */
static void where_all_places_are_taken_who_is_silent_gives_way(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(false);
    const uint64_t later_ms = 1000 + APPLICANT_GIVES_WAY_MS + 1;
    char address[32];
    for (unsigned i = 0; i < APPLICANTS_MAX; i++) {
        text_format(address, sizeof(address), "10.2.%u.%u", i / 100, i % 100);
        assert_true(note(applicants, i, address, 1000));
    }
    assert_false(note(applicants, 5000, "10.4.0.1", later_ms - 1));
    assert_true(note(applicants, 5, "10.2.0.5", later_ms));
    for (unsigned i = 0; i < APPLICANTS_MAX - 1; i++) {
        text_format(address, sizeof(address), "10.5.%u.%u", i / 100, i % 100);
        assert_true(note(applicants, 5001 + i, address, later_ms));
    }
    const Key agent = key_number(5);
    assert_int_equal(applicants_note(applicants, agent.bytes, "10.2.0.5", later_ms)->tries, 3);
    assert_false(note(applicants, 9000, "10.4.0.1", later_ms)); /* all have come just now */
}

static void who_is_silent_makes_room(void **state)
{
    (void)state;
    AUTO_PTR(Applicants) applicants = applicants_new(true);
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
    AUTO_PTR(Applicants) applicants = applicants_new(true);
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
    AUTO_PTR(Applicants) applicants = applicants_new(true);
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
        cmocka_unit_test(all_together_are_so_many_inside_and_no_more),
        cmocka_unit_test(where_nobody_may_enter_keys_are_noted_and_not_heard),
        cmocka_unit_test(a_flood_of_one_address_leaves_the_others_their_places),
        cmocka_unit_test(what_comes_again_keeps_its_place_in_a_flood_of_its_own_address),
        cmocka_unit_test(who_comes_alone_takes_a_place_of_those_who_have_many),
        cmocka_unit_test(where_each_has_one_place_nobody_loses_it_to_a_newcomer),
        cmocka_unit_test(where_all_places_are_taken_who_is_silent_gives_way),
        cmocka_unit_test(who_is_silent_makes_room),
        cmocka_unit_test(a_key_that_comes_or_speaks_all_the_time_is_put_off),
        cmocka_unit_test(nobody_is_heard_who_did_not_come_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
