/* utc: a moment as text, as the C library would write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/utc.h"

#define STEP_S (INT64_C(86400) * 13 + 7919) /* so that all hours and days of months come by */

static void each_time_is_written_as_the_library_writes_it(void **state)
{
    (void)state;
    for (int64_t wall_s = INT64_C(-62135596800); wall_s <= INT64_C(253402300799);
         wall_s += STEP_S) {
        time_t time = (time_t)wall_s;
        struct tm tm = { 0 };
        char wanted[UTC_TEXT_MAX];
        char text[UTC_TEXT_MAX];
        assert_non_null(gmtime_r(&time, &tm));
        /* glibc writes years below 1000 without zeros. */
        size_t zeros = tm.tm_year + 1900 < 10     ? 3
                       : tm.tm_year + 1900 < 100  ? 2
                       : tm.tm_year + 1900 < 1000 ? 1
                                                  : 0;
        memset(wanted, '0', zeros);
        assert_true(strftime(wanted + zeros, sizeof(wanted) - zeros, "%Y-%m-%dT%TZ", &tm) > 0);
        utc_format_s(wall_s, text);
        assert_string_equal(text, wanted);
    }
}

static void the_ends_of_the_calendar_are_the_last_dates(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_s;
        const char *text;
    } ROWS[] = {
        { INT64_C(-62135596801), "(no date)" },
        { INT64_C(-62135596800), "0001-01-01T00:00:00Z" },
        { INT64_C(253402300799), "9999-12-31T23:59:59Z" },
        { INT64_C(253402300800), "(no date)" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char text[UTC_TEXT_MAX];
        utc_format_s(ROWS[i].wall_s, text);
        assert_string_equal(text, ROWS[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_time_is_written_as_the_library_writes_it),
        cmocka_unit_test(the_ends_of_the_calendar_are_the_last_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
