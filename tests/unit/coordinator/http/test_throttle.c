/* How much of a flood gets through: here of refused requests, to a row of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/str.h"
#include "coordinator/http/audited.h"

#define BEGIN_MS 1000000
#define MINUTE_MS 60000

/* How many of `asked` refusals from there are kept. */
static unsigned take(Throttle *throttle, const char *origin, unsigned asked, uint64_t now_ms)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < asked; i++) {
        kept += throttle_take(throttle, origin, now_ms);
    }
    return kept;
}

static void a_flood_from_one_place_is_kept_up_to_its_bucket(void **state)
{
    (void)state;
    AUTO_PTR(Throttle) throttle = throttle_new(&AUDITED_REFUSALS, BEGIN_MS);
    assert_int_equal(take(throttle, "uid 1000", 1000, BEGIN_MS), REFUSALS_BURST);
    assert_int_equal(take(throttle, "uid 1000", 1000, BEGIN_MS + MINUTE_MS), REFUSALS_PER_MINUTE);
    assert_int_equal(take(throttle, "uid 1001", 1, BEGIN_MS + MINUTE_MS), 1);
}

static void a_flood_from_everywhere_is_kept_up_to_the_bucket_of_all(void **state)
{
    (void)state;
    AUTO_PTR(Throttle) throttle = throttle_new(&AUDITED_REFUSALS, BEGIN_MS);
    unsigned kept = 0;
    for (unsigned i = 0; i < 5000; i++) {
        char origin[32];
        text_format(origin, sizeof(origin), "10.0.%u.%u", i / 256, i % 256);
        kept += take(throttle, origin, 1, BEGIN_MS);
    }
    assert_int_equal(kept, REFUSALS_BURST_IN_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_from_one_place_is_kept_up_to_its_bucket),
        cmocka_unit_test(a_flood_from_everywhere_is_kept_up_to_the_bucket_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
