/* What a database says is shown, and not obeyed by the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/printable.h"
#include "common/cleanup.h"
#include "common/str.h"

typedef struct Case {
    const char *raw;
    const char *shown;
} Case;

static const Case CASES[] = {
    { "plain", "plain" },
    { "größe — ✓", "größe — ✓" },
    { "two\nlines\tand\rmore", "two lines and more" },
    { "\033[2Jgone", "?[2Jgone" },
    { "bell\a, delete\177", "bell?, delete?" },
    { "c1 \302\233 and \302\237, not \302\240", "c1 ? and ?, not \302\240" },
    { "\302", "\302" },
    { "", "" },
};

static void control_characters_are_taken_out_and_letters_stay(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        char text[64];
        str_copy(text, sizeof(text), CASES[i].raw);
        printable_make(text);
        assert_string_equal(text, CASES[i].shown);
    }
}

static void every_string_of_a_value_is_made_printable(void **state)
{
    (void)state;
    json_t *value = json_pack("{s:s, s:[s, {s:s}, i]}", "a", "\033x", "b", "y\n", "c", "\007", 7);
    json_t *wanted = json_pack("{s:s, s:[s, {s:s}, i]}", "a", "?x", "b", "y ", "c", "?", 7);
    printable_make_json(value);
    assert_true(json_equal(value, wanted));
    json_decref(value);
    json_decref(wanted);
}

static void an_explanation_keeps_its_lines(void **state)
{
    (void)state;
    json_t *value =
        json_pack("{s:s, s:[{s:s}]}", "explain", "held\n  a\tb\033", "items", "explain", "x\ny");
    json_t *wanted =
        json_pack("{s:s, s:[{s:s}]}", "explain", "held\n  a b?", "items", "explain", "x\ny");
    printable_make_json(value);
    assert_true(json_equal(value, wanted));
    json_decref(value);
    json_decref(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_taken_out_and_letters_stay),
        cmocka_unit_test(every_string_of_a_value_is_made_printable),
        cmocka_unit_test(an_explanation_keeps_its_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
