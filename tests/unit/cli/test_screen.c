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
    { "abcd\n", { 3, 5 }, "abc" END, 1 },
    { "\nx\n", { 3, 5 }, END "x" END, 2 },
    { "äöü€\n", { 3, 5 }, "äöü" END, 1 },
    { "█▓▒ x\n", { 4, 5 }, "█▓▒ " END, 1 },
    /* Colours take no room, and the one that ends a colour is kept beyond the edge. */
    { "\033[32mab\033[0mcd\n", { 3, 5 }, "\033[32mab\033[0mc" END, 1 },
    { "\033[32mabcd\033[0m\n", { 3, 5 }, "\033[32mabc\033[0m" END, 1 },
    { "a\nb\nc\n", { 9, 3 }, "a" END "b" END "c" END, 3 },
    { "a\nb\nc\nd\n", { 9, 3 }, "a" END "b" END "… 2 more lines" END, 3 },
};

static void lines_are_cut_to_columns_and_rows(void **state)
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
        cmocka_unit_test(lines_are_cut_to_columns_and_rows),
        cmocka_unit_test(what_is_no_terminal_has_a_size_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
