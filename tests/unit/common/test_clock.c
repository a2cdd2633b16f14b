/* clock: both clocks, and Unix time as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"

static void the_boot_clock_does_not_go_back(void **state)
{
    (void)state;
    uint64_t before = clock_boot_ms();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_boot_ms();
        assert_true(now >= before);
        before = now;
    }
}

static void both_wall_clocks_tell_one_time(void **state)
{
    (void)state;
    int64_t before_s = clock_wall_s();
    int64_t ms = clock_wall_ms();
    assert_true(ms / 1000 >= before_s && ms / 1000 <= clock_wall_s());
}

typedef struct UtcCase {
    int64_t ms;
    const char *text;
} UtcCase;

static void times_go_to_text_and_back(void **state)
{
    (void)state;
    static const UtcCase CASES[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 1772366405042, "2026-03-01T12:00:05.042Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 1709164800000, "2024-02-29T00:00:00.000Z" },
        { 4107542400000, "2100-03-01T00:00:00.000Z" }, /* 2100 has no leap day */
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { -62135596800000, "0001-01-01T00:00:00.000Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char text[UTC_TEXT_MAX];
        int64_t back = 77;
        utc_format(CASES[i].ms, text);
        assert_string_equal(text, CASES[i].text);
        assert_true(utc_parse(text, &back));
        assert_int_equal(back, CASES[i].ms);
    }
}

static void a_time_beyond_all_calendars_is_no_crash(void **state)
{
    (void)state;
    char text[UTC_TEXT_MAX];
    utc_format(INT64_MAX, text);
    utc_format(INT64_MIN, text);
    assert_true(strlen(text) < UTC_TEXT_MAX);
}

static void fractions_are_optional_and_cut(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_true(utc_parse("1970-01-01T00:00:01Z", &ms));
    assert_int_equal(ms, 1000);
    assert_true(utc_parse("1970-01-01T00:00:01.5Z", &ms));
    assert_int_equal(ms, 1500);
    assert_true(utc_parse("1970-01-01T00:00:01.123999Z", &ms));
    assert_int_equal(ms, 1123);
}

static void what_is_no_utc_time_is_refused(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        "2026-03-01",
        "2026-03-01T12:00:05",
        "2026-03-01T12:00:05+01:00",
        "2026-03-01 12:00:05Z",
        "2026-02-29T12:00:05Z",
        "2026-04-31T12:00:05Z",
        "2026-13-01T12:00:05Z",
        "2026-03-01T24:00:05Z",
        "2026-03-01T12:60:05Z",
        "2026-03-01T12:00:05.Z",
        "2026-03-01T12:00:05ZZ",
        "2026-3-01T12:00:05Z",
        "2026-03-01T 1:00:05Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        int64_t ms = 77;
        assert_false(utc_parse(TEXTS[i], &ms));
        assert_int_equal(ms, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_boot_clock_does_not_go_back),
        cmocka_unit_test(both_wall_clocks_tell_one_time),
        cmocka_unit_test(times_go_to_text_and_back),
        cmocka_unit_test(a_time_beyond_all_calendars_is_no_crash),
        cmocka_unit_test(fractions_are_optional_and_cut),
        cmocka_unit_test(what_is_no_utc_time_is_refused),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
