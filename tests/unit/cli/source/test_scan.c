/* Characters and tokens of a migration's text. */
#include "sql_case.h"

#include <stdlib.h>

#include "common/str.h"

static void every_byte_that_is_not_blank_belongs_to_one_token(void **state)
{
    (void)state;
    static const char *const SQLS[] = {
        "SELECT U&'d\\0061t' , U&'x' UESCAPE '!', U&\"d\"\"q\", U&\"last\"",
        "SELECT N'abc', B'101', X'1F', 'a'\n 'b', e'a''b\\'', $$x$$, $a$ $$ $a$",
        "SELECT 'a' -- and\n  'b'",
        "-- only\r\n/* a /* b */ c */",
        "SELECT 1..10, .5, 1.5e3, a::int, b->>'c', :foo, $1 \\g",
        "\f\v;;\r\n;",
        "caf\xC3\xA9 \xE2\x82\xAC",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(SQLS); i++) {
        AUTO(Arena) arena = { 0 };
        SqlText text = sql_case(SQLS[i], &arena);
        size_t at = 0;
        for (size_t t = 0; t <= text.token_count; t++) {
            size_t start = t < text.token_count ? text.tokens[t].start : text.length;
            for (; at < start; at++) {
                assert_true(sql_is_blank(text.text[at]));
            }
            at = t < text.token_count ? text.tokens[t].end : at;
            assert_true(t == text.token_count || at > start);
        }
    }
}

static void lines_count_line_feeds_whatever_stands_before_them(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    SqlText text = sql_case("a\r\nb\n\n/* \n */ c 'x\ny' d", &arena);
    static const uint32_t LINES[] = { 1, 2, 4, 5, 5, 6 };
    assert_int_equal(text.token_count, ARRAY_LEN(LINES));
    for (size_t i = 0; i < ARRAY_LEN(LINES); i++) {
        assert_int_equal(text.tokens[i].line, LINES[i]);
    }
}

static void a_byte_order_mark_is_stripped(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    SqlText text = sql_case("\xEF\xBB\xBFSELECT 1", &arena);
    assert_string_equal(text.text, "SELECT 1");
    assert_int_equal(text.tokens[0].start, 0);
}

static void words_match_in_any_case_and_never_in_quotes(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    SqlText text = sql_case("Begin \"begin\" 'begin' beginning repack", &arena);
    assert_true(sql_token_is_word(&text, &text.tokens[0], "BEGIN"));
    assert_false(sql_token_is_word(&text, &text.tokens[1], "BEGIN"));
    assert_false(sql_token_is_word(&text, &text.tokens[2], "BEGIN"));
    assert_false(sql_token_is_word(&text, &text.tokens[3], "BEGIN"));
    assert_true(sql_token_is_word(&text, &text.tokens[4], "REPACK"));
}

static void characters_that_no_sql_can_hold_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *message;
    } CASES[] = {
        { "SELECT 1;\n\0SELECT 2", 19, "m/1.sql:2: a NUL byte, which no SQL can hold" },
        { "SELECT 1;\n\n'\xE9'", 14, "m/1.sql:3: not UTF-8: byte 0xe9" },
        { "\xC0\x80", 2, "m/1.sql:1: not UTF-8: byte 0xc0" },
        { "\xFF\xFES\0E\0", 6, "m/1.sql:1: not UTF-8: byte 0xff" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        SqlText text = { 0 };
        Err err = { 0 };
        Bytes bytes = { (const uint8_t *)CASES[i].bytes, CASES[i].length };
        assert_int_equal(sql_text_open("m/1.sql", bytes, 1, &arena, &text, &err), ERR_SYNTAX);
        assert_string_equal(err.message, CASES[i].message);
        assert_true(err.hint[0] != '\0');
    }
}

static void what_has_no_end_is_refused_at_its_beginning(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *message;
        size_t tokens_before;
    } CASES[] = {
        { "SELECT 1;\nSELECT 'it;\nSELECT 2;", "m/1.sql:2: unterminated quoted string", 4 },
        { "'\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9'\n\nDO $x$ BEGIN $y$;",
          "m/1.sql:3: unterminated dollar-quoted string", 2 },
        { "/* a\n/* b */", "m/1.sql:1: unterminated /* comment", 0 },
        { "SELECT \"x", "m/1.sql:1: unterminated quoted identifier", 1 },
        { "SELECT 1;\nSELECT 1a",
          "m/1.sql:2: trailing junk after numeric literal at or near \"1a\"", 4 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        SqlText text = { 0 };
        Err err = { 0 };
        Bytes bytes = { (const uint8_t *)CASES[i].sql, strlen(CASES[i].sql) };
        assert_int_equal(sql_text_open("m/1.sql", bytes, 1, &arena, &text, &err), ERR_NONE);
        assert_int_equal(sql_scan(&text, &arena, &err), ERR_SYNTAX);
        assert_string_equal(err.message, CASES[i].message);
        assert_int_equal(text.token_count, CASES[i].tokens_before);
    }
}

static void a_file_above_the_limit_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    SqlText text = { 0 };
    Err err = { 0 };
    Bytes bytes = { (const uint8_t *)"-- only the beginning is looked at", SOURCE_FILE_MAX + 1 };
    assert_int_equal(sql_text_open("m/1.sql", bytes, 1, &arena, &text, &err), ERR_LIMIT);
    assert_string_equal(err.message,
                        "m/1.sql: 16777217 bytes, and a migration file has at most 16777216");
}

static void words_of_the_parser_are_short_and_on_one_line(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) long_message = { 0 };
    for (int i = 0; i < 100; i++) {
        str_append(&long_message, "x\xC3\xA9");
    }
    const char *words = sql_parser_words(str_text(&long_message), &arena);
    assert_int_equal(strlen(words), 120 + strlen("…"));
    assert_string_equal(sql_parser_words("syntax error at or near \"a\nb\"", &arena),
                        "syntax error at or near \"a b\"");
    assert_string_equal(sql_parser_words("unterminated quoted string at or near \"'x;…\"", &arena),
                        "unterminated quoted string");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_that_is_not_blank_belongs_to_one_token),
        cmocka_unit_test(lines_count_line_feeds_whatever_stands_before_them),
        cmocka_unit_test(a_byte_order_mark_is_stripped),
        cmocka_unit_test(words_match_in_any_case_and_never_in_quotes),
        cmocka_unit_test(characters_that_no_sql_can_hold_are_refused_with_their_line),
        cmocka_unit_test(what_has_no_end_is_refused_at_its_beginning),
        cmocka_unit_test(a_file_above_the_limit_is_refused),
        cmocka_unit_test(words_of_the_parser_are_short_and_on_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
