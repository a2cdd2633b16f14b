/* The token bucket, on a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/fleet/bucket.h"

static unsigned take_all(Bucket *bucket, uint64_t now_ms)
{
    unsigned count = 0;
    while (count < 1000 && bucket_take(bucket, now_ms)) {
        count++;
    }
    return count;
}

static void a_new_bucket_gives_its_burst_and_no_more(void **state)
{
    (void)state;
    Bucket bucket;
    bucket_init(&bucket, 10, 25, 1000);
    assert_int_equal(take_all(&bucket, 1000), 25);
}

static void it_fills_at_its_rate_up_to_the_burst(void **state)
{
    (void)state;
    static const struct {
        uint64_t wait_ms;
        unsigned tokens;
    } CASES[] = { { 99, 0 }, { 1, 1 },        { 1000, 10 },          { 150, 1 },
                  { 50, 1 }, { 3600000, 25 }, { UINT64_MAX / 2, 25 } };
    Bucket bucket;
    uint64_t now_ms = 0;
    bucket_init(&bucket, 10, 25, now_ms);
    take_all(&bucket, now_ms);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        now_ms += CASES[i].wait_ms;
        assert_int_equal(take_all(&bucket, now_ms), CASES[i].tokens);
    }
}

static void a_clock_that_stands_or_goes_back_gives_nothing(void **state)
{
    (void)state;
    Bucket bucket;
    bucket_init(&bucket, 1000, 1, 5000);
    assert_true(bucket_take(&bucket, 5000));
    assert_false(bucket_take(&bucket, 5000));
    assert_false(bucket_take(&bucket, 10));
    assert_false(bucket_take(&bucket, 5000));
    assert_true(bucket_take(&bucket, 5001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_bucket_gives_its_burst_and_no_more),
        cmocka_unit_test(it_fills_at_its_rate_up_to_the_burst),
        cmocka_unit_test(a_clock_that_stands_or_goes_back_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
