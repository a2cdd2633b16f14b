/* The engine's clock: it goes on, stands still, and is put back after a stall, but not for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/reckoning.h"

#define HEARTBEAT_MS 5000

static void it_goes_on_with_the_boot_time_clock(void **state)
{
    (void)state;
    Reckoning reckoning = reckoning_begin(1000);
    assert_int_equal(reckoning_now_ms(&reckoning, 1700), 1700);
}

static void it_stands_still_while_the_store_takes_no_writes(void **state)
{
    (void)state;
    Reckoning reckoning = reckoning_begin(1000);
    reckoning_stop(&reckoning, 2000);
    assert_int_equal(reckoning_now_ms(&reckoning, 9000), 2000);
    assert_int_equal(reckoning_go_on(&reckoning, 9000), 7000);
    assert_int_equal(reckoning_now_ms(&reckoning, 9500), 2500);
}

static void a_stall_is_no_time_that_has_passed(void **state)
{
    (void)state;
    static const struct {
        uint64_t boot_ms;
        uint64_t due_ms;
        uint64_t expected_ms;
    } CASES[] = {
        { 14000, 12000, 14000 },      /* late by less than a heartbeat */
        { 17000, 12000, 10000 },      /* by one: from where it was told last */
        { 14999, UINT64_MAX, 14999 }, /* nothing was due */
        { 99000, UINT64_MAX, 99000 },
        { 15000, 9000, 10000 }, /* due already when it was told: counted from then */
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        uint64_t stall_ms = 0;
        Reckoning reckoning = reckoning_begin(10000);
        assert_int_equal(reckoning_tell_ms(&reckoning, CASES[i].boot_ms, CASES[i].due_ms,
                                           HEARTBEAT_MS, &stall_ms),
                         CASES[i].expected_ms);
        assert_int_equal(stall_ms, CASES[i].boot_ms - CASES[i].expected_ms);
    }
}

/* On a machine that is always late it would stand still for good. */
static void it_is_put_back_only_after_it_has_gone_on_for_a_heartbeat(void **state)
{
    (void)state;
    uint64_t stall_ms = 0;
    Reckoning reckoning = reckoning_begin(10000);
    reckoning_tell_ms(&reckoning, 20000, 10000, HEARTBEAT_MS, &stall_ms);
    assert_int_equal(stall_ms, 10000);
    assert_int_equal(reckoning_tell_ms(&reckoning, 40000, 10000, HEARTBEAT_MS, &stall_ms), 30000);
    assert_int_equal(stall_ms, 0);
    reckoning_tell_ms(&reckoning, 60000, 30000, HEARTBEAT_MS, &stall_ms);
    assert_int_equal(stall_ms, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_with_the_boot_time_clock),
        cmocka_unit_test(it_stands_still_while_the_store_takes_no_writes),
        cmocka_unit_test(a_stall_is_no_time_that_has_passed),
        cmocka_unit_test(it_is_put_back_only_after_it_has_gone_on_for_a_heartbeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
