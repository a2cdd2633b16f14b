/* units: durations and sizes as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/units.h"

typedef struct DurationCase {
    const char *text;
    bool is_duration;
    uint32_t ms;
} DurationCase;

static void durations_are_one_number_and_one_unit(void **state)
{
    (void)state;
    static const DurationCase CASES[] = {
        { "500ms", true, 500 },
        { "2s", true, 2000 },
        { "5m", true, 300000 },
        { "2h", true, 7200000 },
        { "1d", true, 86400000 },
        { "0", true, 0 },
        { "0s", true, 0 },
        { "2 s", true, 2000 },
        { "49d", true, 4233600000u },
        { "50d", false, 0 },
        { "5", false, 0 },
        { "s", false, 0 },
        { "", false, 0 },
        { "-5s", false, 0 },
        { "1.5s", false, 0 },
        { "5S", false, 0 },
        { "5  s", false, 0 },
        { "5s ", false, 0 },
        { " 5s", false, 0 },
        { "1h30m", false, 0 },
        { "5 ", false, 0 },
        { "99999999999999999999s", false, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        uint32_t ms = 77;
        assert_int_equal(duration_parse(CASES[i].text, &ms), CASES[i].is_duration);
        assert_int_equal(ms, CASES[i].is_duration ? CASES[i].ms : 77);
    }
}

typedef struct FormatCase {
    uint64_t ms;
    const char *text;
} FormatCase;

static void people_read_the_two_largest_units(void **state)
{
    (void)state;
    static const FormatCase CASES[] = {
        { 0, "0 ms" },          { 850, "850 ms" },        { 2013, "2 s" },
        { 60000, "1 m" },       { 125000, "2 m 5 s" },    { 3 * 3600000, "3 h" },
        { 3661000, "1 h 1 m" }, { 100800000, "1 d 4 h" }, { UINT64_C(31536000000), "365 d" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char text[DURATION_TEXT_MAX];
        duration_format(CASES[i].ms, text);
        assert_string_equal(text, CASES[i].text);
    }
    char longest[DURATION_TEXT_MAX];
    duration_format(UINT64_MAX, longest);
    assert_string_equal(longest, "213503982334 d 14 h");
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const FormatCase CASES[] = {
        { 0, "0ms" },
        { 500, "500ms" },
        { 1500, "1500ms" },
        { 90000, "90s" },
        { 7200000, "2h" },
        { 86400000, "1d" },
        { UINT32_MAX, "4294967295ms" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char text[DURATION_TEXT_MAX];
        uint32_t back = 77;
        duration_write((uint32_t)CASES[i].ms, text);
        assert_string_equal(text, CASES[i].text);
        assert_true(duration_parse(text, &back));
        assert_int_equal(back, CASES[i].ms);
    }
}

typedef struct SizeCase {
    const char *text;
    bool is_size;
    uint64_t bytes;
} SizeCase;

static void sizes_know_binary_and_decimal_units(void **state)
{
    (void)state;
    static const SizeCase CASES[] = {
        { "64MiB", true, 67108864 },
        { "1kB", true, 1000 },
        { "1KiB", true, 1024 },
        { "3B", true, 3 },
        { "2 GiB", true, 2147483648u },
        { "2GB", true, 2000000000u },
        { "0", true, 0 },
        { "64", false, 0 },
        { "64M", false, 0 },
        { "64mib", false, 0 },
        { "99999999999GiB", false, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        uint64_t bytes = 77;
        assert_int_equal(size_parse(CASES[i].text, &bytes), CASES[i].is_size);
        assert_int_equal(bytes, CASES[i].is_size ? CASES[i].bytes : 77);
    }
}

static void sizes_are_written_in_the_largest_exact_unit(void **state)
{
    (void)state;
    char text[SIZE_TEXT_MAX];
    size_write(67108864, text);
    assert_string_equal(text, "64MiB");
    size_write(1500, text);
    assert_string_equal(text, "1500B");
    size_write(0, text);
    assert_string_equal(text, "0B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_one_number_and_one_unit),
        cmocka_unit_test(people_read_the_two_largest_units),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(sizes_know_binary_and_decimal_units),
        cmocka_unit_test(sizes_are_written_in_the_largest_exact_unit),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
