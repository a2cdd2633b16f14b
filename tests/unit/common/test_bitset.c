/* bitset: numbered things that are so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/bitset.h"
#include "common/list.h"

static void an_empty_set_holds_nothing(void **state)
{
    (void)state;
    AUTO(Bitset) set = { 0 };
    bitset_clear(&set, 1000);
    bitset_clear_all(&set);
    assert_false(bitset_has(&set, 0));
    assert_true(bitset_next(&set, 0) == BITSET_NONE);
    assert_true(bitset_previous(&set, SIZE_MAX) == BITSET_NONE);
}

/* At the borders of words, and where it has to grow. */
static const size_t BITS[] = { 0, 1, 62, 63, 64, 65, 127, 128, 511, 512, 1000, 20000 };

static void what_was_set_is_found_in_both_directions(void **state)
{
    (void)state;
    AUTO(Bitset) set = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(BITS); i++) {
        bitset_set(&set, BITS[i]);
    }
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(BITS); i++, at++) {
        at = bitset_next(&set, at);
        assert_int_equal(at, BITS[i]);
        assert_true(bitset_has(&set, at));
        assert_int_equal(bitset_has(&set, at + 1),
                         i + 1 < ARRAY_LEN(BITS) && BITS[i + 1] == at + 1);
    }
    assert_true(bitset_next(&set, at) == BITSET_NONE);
    at = SIZE_MAX;
    for (size_t i = ARRAY_LEN(BITS); i > 0; i--) {
        at = bitset_previous(&set, at);
        assert_int_equal(at, BITS[i - 1]);
    }
    assert_true(bitset_previous(&set, at) == BITSET_NONE);
}

static void what_was_cleared_is_passed_over(void **state)
{
    (void)state;
    AUTO(Bitset) set = { 0 };
    bitset_set(&set, 5);
    bitset_set(&set, 64);
    bitset_set(&set, 70);
    bitset_clear(&set, 64);
    assert_int_equal(bitset_next(&set, 6), 70);
    assert_int_equal(bitset_previous(&set, 70), 5);
    bitset_clear_all(&set);
    assert_true(bitset_next(&set, 0) == BITSET_NONE);
    bitset_set(&set, 3);
    assert_int_equal(bitset_next(&set, 0), 3);
}

static void sets_are_compared_and_taken_out_of_each_other(void **state)
{
    (void)state;
    AUTO(Bitset) set = { 0 };
    AUTO(Bitset) others = { 0 };
    assert_true(bitset_holds(&set, &others));
    bitset_set(&others, 3);
    bitset_set(&others, 9000);
    assert_false(bitset_holds(&set, &others));
    bitset_set(&set, 3);
    bitset_set(&set, 4);
    assert_false(bitset_holds(&set, &others));
    bitset_set(&set, 9000);
    assert_true(bitset_holds(&set, &others));
    bitset_clear_those(&set, &others);
    assert_int_equal(bitset_next(&set, 0), 4);
    assert_true(bitset_next(&set, 5) == BITSET_NONE);
    assert_int_equal(bitset_word(&set, 0), 1 << 4);
    assert_int_equal(bitset_word(&set, 100000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_holds_nothing),
        cmocka_unit_test(what_was_set_is_found_in_both_directions),
        cmocka_unit_test(what_was_cleared_is_passed_over),
        cmocka_unit_test(sets_are_compared_and_taken_out_of_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
