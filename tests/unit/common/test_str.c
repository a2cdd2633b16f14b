/* str: growable text, and the helpers on text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/str.h"

static void an_empty_one_is_text(void **state)
{
    (void)state;
    AUTO(Str) str = { 0 };
    assert_string_equal(str_text(&str), "");
    str_append(&str, "");
    assert_string_equal(str_text(&str), "");
    str_clear(&str);
    assert_int_equal(str.length, 0);
}

static void it_grows_by_every_way_of_appending(void **state)
{
    (void)state;
    AUTO(Str) str = { 0 };
    str_append(&str, "ab");
    str_append_char(&str, 'c');
    str_append_bytes(&str, "d\0e", 3);
    str_printf(&str, "<%s|%d>", "f", 42);
    assert_int_equal(str.length, 12);
    assert_memory_equal(str.data, "abcd\0e<f|42>", 13);
}

static void a_quoted_text_doubles_its_quotes(void **state)
{
    (void)state;
    AUTO(Str) str = { 0 };
    str_append_quoted(&str, "a\"b'c", '"');
    str_append_quoted(&str, "a\"b'c", '\'');
    str_append_quoted(&str, "", '"');
    assert_string_equal(str_text(&str), "\"a\"\"b'c\"'a\"b''c'\"\"");
}

static void a_count_has_the_noun_that_goes_with_it(void **state)
{
    (void)state;
    AUTO(Str) str = { 0 };
    for (uint64_t i = 0; i < 3; i++) {
        str_append_count(&str, i, "target is;", "targets are;");
    }
    assert_string_equal(str_text(&str), "0 targets are;1 target is;2 targets are;");
}

static void a_long_text_is_kept_whole(void **state)
{
    (void)state;
    AUTO(Str) str = { 0 };
    for (int i = 0; i < 10000; i++) {
        str_printf(&str, "%04d", i);
    }
    assert_int_equal(str.length, 40000);
    assert_memory_equal(str.data + 4 * 9999, "9999", 5);
}

static void what_is_taken_belongs_to_the_taker(void **state)
{
    (void)state;
    AUTO(Str) str = { 0 };
    str_append(&str, "x");
    char *text = str_take(&str);
    char *empty = str_take(&str);
    assert_string_equal(text, "x");
    assert_string_equal(empty, "");
    assert_null(str.data);
    free(text);
    free(empty);
}

static void comparing_knows_null_and_both_ends(void **state)
{
    (void)state;
    assert_true(str_equal(NULL, NULL));
    assert_false(str_equal(NULL, ""));
    assert_true(str_equal("a", "a"));
    assert_true(str_starts_with("abc", "ab"));
    assert_false(str_starts_with("a", "ab"));
    assert_true(str_ends_with("x.up.sql", ".up.sql"));
    assert_false(str_ends_with("sql", ".sql"));
}

static void copying_says_when_it_cuts(void **state)
{
    (void)state;
    char buffer[4] = "???";
    assert_true(str_copy(buffer, sizeof(buffer), "abc"));
    assert_string_equal(buffer, "abc");
    assert_false(str_copy(buffer, sizeof(buffer), "abcd"));
    assert_string_equal(buffer, "abc");
}

typedef struct NumberCase {
    const char *text;
    int64_t min;
    int64_t max;
    bool is_number;
    int64_t value;
} NumberCase;

static void numbers_are_whole_texts_within_bounds(void **state)
{
    (void)state;
    static const NumberCase CASES[] = {
        { "0", 0, 9, true, 0 },
        { "-5", -9, 9, true, -5 },
        { "9223372036854775807", 0, INT64_MAX, true, INT64_MAX },
        { "-9223372036854775808", INT64_MIN, 0, true, INT64_MIN },
        { "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
        { "10", 0, 9, false, 0 },
        { "-1", 0, 9, false, 0 },
        { "", 0, 9, false, 0 },
        { "-", -9, 9, false, 0 },
        { "+1", 0, 9, false, 0 },
        { " 1", 0, 9, false, 0 },
        { "1 ", 0, 9, false, 0 },
        { "0x1", 0, 9, false, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int64_t value = 77;
        bool is_number = str_to_int64(CASES[i].text, CASES[i].min, CASES[i].max, &value);
        assert_int_equal(is_number, CASES[i].is_number);
        assert_int_equal(value, CASES[i].is_number ? CASES[i].value : 77);
    }
}

typedef struct NearestCase {
    const char *word;
    const char *nearest;
} NearestCase;

static void only_a_near_word_is_suggested(void **state)
{
    (void)state;
    static const char *const WORDS[] = { "rollout", "agents", "up", "down", "status", "targets" };
    static const NearestCase CASES[] = {
        { "rolout", "rollout" },
        { "rollotu", "rollout" },
        { "Status", "status" },
        { "agent", "agents" },
        { "target", "targets" },
        { "pu", "up" },
        { "", NULL },
        { "x", NULL },
        { "zebra", NULL },
        { "q", NULL },
        { "migrations", NULL },
        { "ab", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const char *nearest = str_nearest(CASES[i].word, WORDS, ARRAY_LEN(WORDS));
        assert_true(str_equal(nearest, CASES[i].nearest));
    }
}

static void words_within_some_letters_of_each_other_are_known(void **state)
{
    (void)state;
    assert_true(str_is_within("dwon", "Down", 1));
    assert_true(str_is_within("own", "down", 1));
    assert_false(str_is_within("done", "down", 1));
    assert_true(str_is_within("UP", "up", 0));
    assert_false(str_is_within("pu", "up", 0));
    assert_true(str_is_within("", "up", 2));
}

static void a_word_of_any_length_is_no_danger_to_suggesting(void **state)
{
    (void)state;
    char word[200];
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    const char *candidate = word;
    assert_null(str_nearest(word, &candidate, 1));
    assert_null(str_nearest("aaa", &candidate, 1));
    assert_false(str_is_within(word, word, 200));
}

static void hexadecimal_goes_both_ways(void **state)
{
    (void)state;
    const uint8_t bytes[] = { 0x00, 0x9f, 0xff };
    uint8_t back[3] = { 0 };
    char text[7];
    hex_encode(bytes, sizeof(bytes), text);
    assert_string_equal(text, "009fff");
    assert_true(hex_decode("009FfF", back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_false(hex_decode("009ff", back, sizeof(back)));
    assert_false(hex_decode("009fff0", back, sizeof(back)));
    assert_false(hex_decode("009ffg", back, sizeof(back)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_is_text),
        cmocka_unit_test(it_grows_by_every_way_of_appending),
        cmocka_unit_test(a_quoted_text_doubles_its_quotes),
        cmocka_unit_test(a_count_has_the_noun_that_goes_with_it),
        cmocka_unit_test(a_long_text_is_kept_whole),
        cmocka_unit_test(what_is_taken_belongs_to_the_taker),
        cmocka_unit_test(comparing_knows_null_and_both_ends),
        cmocka_unit_test(copying_says_when_it_cuts),
        cmocka_unit_test(numbers_are_whole_texts_within_bounds),
        cmocka_unit_test(only_a_near_word_is_suggested),
        cmocka_unit_test(words_within_some_letters_of_each_other_are_known),
        cmocka_unit_test(a_word_of_any_length_is_no_danger_to_suggesting),
        cmocka_unit_test(hexadecimal_goes_both_ways),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
