/* cli/moment.c: moments and lives as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/moment.h"
#include "common/cleanup.h"

#define NOW_S 1000000

static void a_moment_is_read_with_and_without_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t at_s; /* 0: it is none */
    } ROWS[] = {
        { "2026-12-01T18:00Z", 1796148000 },
        { "2026-12-01T18:00:00Z", 1796148000 },
        { "2026-12-01T18:00:07.5Z", 1796148007 },
        { "2026-12-01", 0 },
        { "2026-12-01T18:00", 0 },
        { "2026-12-01T18:00+", 0 },
        { "2026-12-01 18:00Z", 0 },
        { "2026-12-01T18:00ZZ", 0 },
        { "2026-02-30T18:00Z", 0 },
        { "1969-12-31T23:59Z", 0 },
        { "1970-01-01T00:00Z", 0 },
        { "3d", 0 },
        { "", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        int64_t at_s = 0;
        if (moment_parse(ROWS[i].text, &at_s) != (ROWS[i].at_s != 0) || at_s != ROWS[i].at_s) {
            fail_msg("%s: %lld", ROWS[i].text, (long long)at_s);
        }
    }
}

static void a_life_goes_on_from_now(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t at_s;
    } ROWS[] = {
        { "8h", NOW_S + 8 * 3600 },      { "3d", NOW_S + 3 * 86400 },
        { "366d", NOW_S + 366 * 86400 }, { "2026-12-01T18:00Z", 1796148000 },
        { "never", MOMENT_NEVER },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        int64_t at_s = 0;
        assert_int_equal(moment_read("apply-until", ROWS[i].text, NOW_S, &at_s, NULL), ERR_NONE);
        assert_int_equal(at_s, ROWS[i].at_s);
    }
}

static void what_is_no_time_is_refused_with_the_option_and_what_is(void **state)
{
    (void)state;
    static const char *const TEXTS[] = { "tomorrow", "367d", "0", "500ms", "-3d", "d" };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        Err err = { 0 };
        int64_t at_s = 7;
        assert_int_equal(moment_read("apply-until", TEXTS[i], NOW_S, &at_s, &err), ERR_USAGE);
        assert_int_equal(at_s, 7);
        assert_non_null(strstr(err.message, "--apply-until: '"));
        assert_non_null(strstr(err.hint, "2026-12-01T18:00Z"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_is_read_with_and_without_seconds),
        cmocka_unit_test(a_life_goes_on_from_now),
        cmocka_unit_test(what_is_no_time_is_refused_with_the_option_and_what_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
