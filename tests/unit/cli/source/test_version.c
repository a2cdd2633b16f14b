/* The order of versions. */
#include "sql_case.h"

#include "cli/source/version.h"
#include "common/cleanup.h"

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void versions_are_compared_as_numbers_of_any_width(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } CASES[] = {
        { "9", "10", -1 },
        { "007", "7", 0 },
        { "0", "00", 0 },
        { "340282366920938463463374607431768211457", "340282366920938463463374607431768211456", 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_int_equal(sign(version_compare_numbers(CASES[i].a, CASES[i].b)), CASES[i].order);
        assert_int_equal(sign(version_compare_numbers(CASES[i].b, CASES[i].a)), -CASES[i].order);
    }
}

static void versions_are_compared_as_rows_of_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } CASES[] = {
        { "1_2", "1.10", -1 }, { "1", "1.0.0", 0 },  { "1.1", "1", 1 },
        { "2", "1.9.9", 1 },   { "1__2", "1.2", 0 }, { "2024.01.02", "2024.1.2", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_int_equal(sign(version_compare_rows(CASES[i].a, CASES[i].b)), CASES[i].order);
        assert_int_equal(sign(version_compare_rows(CASES[i].b, CASES[i].a)), -CASES[i].order);
    }
}

static void names_are_compared_as_text_with_numbers_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } CASES[] = {
        { "1_2_x", "1_10_x", -1 }, { "1_9_x", "1_10_x", -1 }, { "01_a", "1_a", 0 },
        { "a", "b", -1 },          { "a", "a1", -1 },         { "a10b2", "a10b10", -1 },
        { "x", "1", 1 },           { "", "a", -1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_int_equal(sign(version_compare_names(CASES[i].a, CASES[i].b)), CASES[i].order);
        assert_int_equal(sign(version_compare_names(CASES[i].b, CASES[i].a)), -CASES[i].order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_compared_as_numbers_of_any_width),
        cmocka_unit_test(versions_are_compared_as_rows_of_numbers),
        cmocka_unit_test(names_are_compared_as_text_with_numbers_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
