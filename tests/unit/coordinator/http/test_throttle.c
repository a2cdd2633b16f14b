/* How much of a flood gets through: here of refused requests, to a row of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/clock.h"
#include "common/str.h"
#include "coordinator/http/audited.h"
#include "coordinator/http/authority.h"

#define BEGIN_MS 1000000
#define MINUTE_MS 60000

/* How many of `asked` refusals from there are kept. */
static unsigned take(Throttle *throttle, const char *origin, unsigned asked, uint64_t now_ms)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < asked; i++) {
        kept += throttle_take(throttle, THROTTLE_STRANGERS, origin, now_ms);
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

static void whoever_asks_without_pause_is_told_to_wait(void **state)
{
    (void)state;
    const ThrottleRates rates = {
        .per_minute = 1, .burst = 1, .per_minute_in_all = 60, .burst_in_all = 60
    };
    AUTO_PTR(Throttle) throttle = throttle_new(&rates, clock_boot_ms());
    const Peer ann = { "operator ann", "127.0.0.1, token 00", ROLE_VIEWER, false };
    const Peer bob = { "operator bob", "127.0.0.1, token 01", ROLE_VIEWER, false };
    Err err = { 0 };
    assert_int_equal(authority_check_pace(throttle, &ann, &err), ERR_NONE);
    assert_int_equal(authority_check_pace(throttle, &ann, &err), ERR_BUSY);
    assert_non_null(strstr(err.message, ann.origin));
    assert_int_equal(authority_check_pace(throttle, &bob, &err), ERR_NONE);
}

/* From more places than are told apart, too. */
static void strangers_from_everywhere_take_nothing_from_who_has_a_token(void **state)
{
    (void)state;
    AUTO_PTR(Throttle) throttle = throttle_new(&AUTHORITY_REQUESTS, BEGIN_MS);
    const Peer stranger = { "nobody", "10.0.0.1", ROLE_NONE, true };
    const Peer ann = { "operator ann", "10.0.0.1, token 00", ROLE_VIEWER, false };
    unsigned let_in = 0;
    for (unsigned i = 0; i < 10000; i++) {
        char origin[32];
        text_format(origin, sizeof(origin), "10.0.%u.%u", i / 256, i % 256);
        let_in += throttle_take(throttle, authority_crowd(&stranger), origin, BEGIN_MS);
    }
    assert_int_equal(let_in, AUTHORITY_REQUESTS.burst_in_all);
    assert_true(throttle_take(throttle, authority_crowd(&ann), ann.origin, BEGIN_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_from_one_place_is_kept_up_to_its_bucket),
        cmocka_unit_test(strangers_from_everywhere_take_nothing_from_who_has_a_token),
        cmocka_unit_test(whoever_asks_without_pause_is_told_to_wait),
        cmocka_unit_test(a_flood_from_everywhere_is_kept_up_to_the_bucket_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
