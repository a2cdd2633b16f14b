/* random: the same numbers for ever, and fair ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/random.h"

/* Seeds stand in bug reports: the sequence may never change. */
static void a_seed_gives_the_same_numbers_for_ever(void **state)
{
    (void)state;
    static const uint64_t EXPECTED[] = {
        UINT64_C(11091344671253066420),
        UINT64_C(13793997310169335082),
        UINT64_C(1900383378846508768),
    };
    Random random;
    random_init(&random, 0);
    for (size_t i = 0; i < ARRAY_LEN(EXPECTED); i++) {
        assert_int_equal(random_next(&random), EXPECTED[i]);
    }
}

static void different_seeds_differ(void **state)
{
    (void)state;
    Random a;
    Random b;
    random_init(&a, 1);
    random_init(&b, 2);
    assert_int_not_equal(random_next(&a), random_next(&b));
}

static void below_stays_below_and_reaches_everything(void **state)
{
    (void)state;
    Random random;
    random_init(&random, 42);
    unsigned seen[7] = { 0 };
    for (int i = 0; i < 7000; i++) {
        uint64_t value = random_below(&random, 7);
        assert_true(value < 7);
        seen[value]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        assert_in_range(seen[i], 850, 1150);
    }
    assert_int_equal(random_below(&random, 0), 0);
    assert_int_equal(random_below(&random, 1), 0);
}

/* Three quarters of the range: a bare remainder would give the lowest third half of the draws. */
static void below_has_no_favourites(void **state)
{
    (void)state;
    Random random;
    random_init(&random, 42);
    unsigned low = 0;
    for (int i = 0; i < 3000; i++) {
        low += random_below(&random, UINT64_C(3) << 62) < UINT64_C(1) << 62 ? 1 : 0;
    }
    assert_in_range(low, 880, 1120);
}

static void between_includes_both_ends(void **state)
{
    (void)state;
    Random random;
    random_init(&random, 42);
    bool has_low = false;
    bool has_high = false;
    for (int i = 0; i < 100; i++) {
        uint64_t value = random_between(&random, 5, 7);
        assert_in_range(value, 5, 7);
        has_low = has_low || value == 5;
        has_high = has_high || value == 7;
    }
    assert_true(has_low && has_high);
    assert_int_equal(random_between(&random, 9, 9), 9);
    random_between(&random, 0, UINT64_MAX);
}

static void chance_knows_never_and_always(void **state)
{
    (void)state;
    Random random;
    random_init(&random, 42);
    int hits = 0;
    for (int i = 0; i < 1000; i++) {
        assert_false(random_chance(&random, 0));
        assert_true(random_chance(&random, 100));
        hits += random_chance(&random, 30) ? 1 : 0;
    }
    assert_in_range(hits, 240, 360);
}

typedef struct JitterCase {
    uint64_t value;
    uint32_t percent;
    uint64_t low;
    uint64_t high;
} JitterCase;

static void jitter_stays_within_its_percentage(void **state)
{
    (void)state;
    static const JitterCase CASES[] = {
        { 5000, 20, 4000, 6000 },
        { 5000, 0, 5000, 5000 },
        { 0, 50, 0, 0 },
        { 3, 50, 2, 4 },
        { 100, 200, 0, 200 },
        { UINT64_MAX, 100, 0, UINT64_MAX },
        { UINT64_MAX, 50, UINT64_MAX / 2, UINT64_MAX },
    };
    Random random;
    random_init(&random, 42);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        for (int j = 0; j < 200; j++) {
            uint64_t value = random_jitter(&random, CASES[i].value, CASES[i].percent);
            assert_in_range(value, CASES[i].low, CASES[i].high);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_numbers_for_ever),
        cmocka_unit_test(different_seeds_differ),
        cmocka_unit_test(below_stays_below_and_reaches_everything),
        cmocka_unit_test(below_has_no_favourites),
        cmocka_unit_test(between_includes_both_ends),
        cmocka_unit_test(chance_knows_never_and_always),
        cmocka_unit_test(jitter_stays_within_its_percentage),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
