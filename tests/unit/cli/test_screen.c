/* cli/screen.c: lines that fit a terminal. */
#include "support.h"

#include "cli/screen.h"

#define END "\033[0m\033[K\n"

typedef struct FitCase {
    const char *text;
    ScreenSize size;
    const char *fitted;
    size_t lines;
} FitCase;

static const FitCase CASES[] = {
    { "", { 10, 5 }, "", 0 },
    { "abc\n", { 3, 5 }, "abc" END, 1 },
    { "abcd\n", { 3, 5 }, "abc" END " d" END, 2 },
    { "\nx\n", { 3, 5 }, END "x" END, 2 },
    { "äöü€\n", { 3, 5 }, "äöü" END " €" END, 2 },
    { "█▓▒ x\n", { 4, 5 }, "█▓▒" END "  x" END, 2 },
    { "one two three\n", { 8, 5 }, "one two" END "  three" END, 2 },
    { "one two  three\n", { 7, 5 }, "one two" END "  three" END, 2 },
    { "  one two three\n", { 10, 5 }, "  one two" END "    three" END, 2 },
    { "one longer_than_a_row\n",
      { 6, 4 },
      "one" END "  long" END "  er_t" END "… 3 more lines" END,
      4 },
    { "ends in blanks   \n", { 14, 5 }, "ends in blanks" END, 1 },
    /* Colours take no room; one that is on at a break goes on in the next row. */
    { "\033[32mab\033[0mc\n", { 3, 5 }, "\033[32mab\033[0mc" END, 1 },
    { "\033[32mabcd\033[0m\n", { 3, 5 }, "\033[32mabc" END " \033[32md\033[0m" END, 2 },
    { "\033[32mab c\033[0md\n", { 4, 5 }, "\033[32mab" END "  \033[32mc\033[0md" END, 2 },
    { "a\nb\nc\n", { 9, 3 }, "a" END "b" END "c" END, 3 },
    { "a\nb\nc\nd\n", { 9, 0 }, "a" END "b" END "c" END "d" END, 4 },
    { "a\nb\nc\nd\n", { 9, 3 }, "a" END "b" END "… 2 more lines" END, 3 },
};

static void long_lines_go_on_below_and_many_are_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Str) out = { 0 };
        assert_int_equal(screen_fit(CASES[i].text, CASES[i].size, &out), CASES[i].lines);
        assert_string_equal(str_text(&out), CASES[i].fitted);
    }
}

static void what_is_no_terminal_has_a_size_all_the_same(void **state)
{
    (void)state;
    Fd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ScreenSize size = screen_size(fd);
    close(fd);
    assert_int_equal(size.columns, 80);
    assert_int_equal(size.rows, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_lines_go_on_below_and_many_are_counted),
        cmocka_unit_test(what_is_no_terminal_has_a_size_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
