/* Remarks, and the byte strings of all messages: when there is nothing, and when two are the same.
 */
#include "support.h"

#include "proto/remarks.h"
#include "proto/values.h"

static void remarks_are_warnings_or_what_was_passed_over(void **state)
{
    (void)state;
    assert_true(remarks_is_empty(&(Remarks){ 0 }));
    assert_false(remarks_is_empty(&(Remarks){ .warnings_total = 1 }));
    assert_false(remarks_is_empty(&(Remarks){ .passed_total = 1 }));
}

static void what_was_passed_over_names_the_rule_that_allowed_it(void **state)
{
    (void)state;
    assert_string_equal(passed_rule(&(Passed){ .is_missing = true }), "missing");
    assert_string_equal(passed_rule(&(Passed){ 0 }), "out_of_order");
}

static void bytes_are_the_same_by_what_they_hold(void **state)
{
    (void)state;
    const Bytes NOTHING = { NULL, 0 };
    const Bytes EMPTY = { (const uint8_t *)"x", 0 };
    const Bytes ONE = { (const uint8_t *)"ab", 2 };
    const Bytes SAME = { (const uint8_t *)"abc", 2 };
    const Bytes OTHER = { (const uint8_t *)"ac", 2 };
    const Bytes LONGER = { (const uint8_t *)"abc", 3 };
    assert_true(bytes_equal(NOTHING, EMPTY));
    assert_true(bytes_equal(ONE, SAME));
    assert_false(bytes_equal(ONE, OTHER));
    assert_false(bytes_equal(ONE, LONGER));
    assert_false(bytes_equal(NOTHING, ONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remarks_are_warnings_or_what_was_passed_over),
        cmocka_unit_test(what_was_passed_over_names_the_rule_that_allowed_it),
        cmocka_unit_test(bytes_are_the_same_by_what_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
