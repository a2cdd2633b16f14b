/* utf8: what is a character and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/utf8.h"

typedef struct Case {
    const char *text;
    size_t length; /* of the first character; 0: none */
} Case;

static void characters_have_one_to_four_bytes(void **state)
{
    (void)state;
    static const Case CASES[] = {
        { "a", 1 },
        { "\xC3\xA4", 2 },
        { "\xE2\x82\xAC", 3 },
        { "\xF0\x9F\xA6\xA2", 4 },
        { "\x80", 0 },                 /* a continuation alone */
        { "\xC3", 0 },                 /* torn */
        { "\xE2\x82", 0 },             /* torn */
        { "\xC0\xAF", 0 },             /* overlong '/' */
        { "\xE0\x80\xAF", 0 },         /* overlong */
        { "\xED\xA0\x80", 0 },         /* a surrogate */
        { "\xF4\x90\x80\x80", 0 },     /* above U+10FFFF */
        { "\xF8\x88\x80\x80\x80", 0 }, /* five bytes */
        { "\xFF", 0 },
        { "\xC3\x41", 0 }, /* no continuation */
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_int_equal(utf8_character(CASES[i].text, strlen(CASES[i].text)), CASES[i].length);
    }
}

static void a_text_is_valid_when_every_character_is(void **state)
{
    (void)state;
    assert_true(utf8_is_valid("", 0));
    assert_true(utf8_is_valid("a\0ä", 4));
    assert_false(utf8_is_valid("aä", 2));
    assert_false(utf8_is_valid("a\xFFz", 3));
}

static void a_character_counts_wherever_it_stands(void **state)
{
    (void)state;
    char text[25];
    for (size_t at = 0; at + 1 < sizeof(text); at++) {
        memset(text, 'a', sizeof(text));
        memcpy(text + at, "\xC3\xA4", 2);
        assert_true(utf8_is_valid(text, sizeof(text)));
        assert_false(utf8_is_valid(text, at + 1));
        text[at + 1] = 'a';
        assert_false(utf8_is_valid(text, sizeof(text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_have_one_to_four_bytes),
        cmocka_unit_test(a_text_is_valid_when_every_character_is),
        cmocka_unit_test(a_character_counts_wherever_it_stands),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
