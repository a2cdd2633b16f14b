/* Histograms: which bucket a value is in, and what is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/histogram.h"

static const HistogramScale SCALE = { .bounds = { 10, 100, 1000 }, .bound_count = 3 };

static void a_value_is_within_the_first_bound_that_it_does_not_exceed(void **state)
{
    (void)state;
    Histogram histogram = { 0 };
    histogram_add(&histogram, &SCALE, 0);
    histogram_add(&histogram, &SCALE, 10);
    histogram_add(&histogram, &SCALE, 11);
    histogram_add(&histogram, &SCALE, 1000);
    histogram_add(&histogram, &SCALE, 1001);
    assert_int_equal(histogram_count_within(&histogram, 0), 2);
    assert_int_equal(histogram_count_within(&histogram, 1), 3);
    assert_int_equal(histogram_count_within(&histogram, 2), 4);
    assert_int_equal(histogram_count_within(&histogram, SCALE.bound_count), 5);
    assert_int_equal(histogram.sum, 2022);
}

static void several_values_alike_count_each(void **state)
{
    (void)state;
    Histogram histogram = { 0 };
    histogram_add_many(&histogram, &SCALE, 50, 3);
    assert_int_equal(histogram_count_within(&histogram, 0), 0);
    assert_int_equal(histogram_count_within(&histogram, 1), 3);
    assert_int_equal(histogram.sum, 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_within_the_first_bound_that_it_does_not_exceed),
        cmocka_unit_test(several_values_alike_count_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
