/* Words of commands that somebody is to type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/shell_word.h"
#include "common/cleanup.h"

static void what_a_shell_would_change_is_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        const char *typed;
    } ROWS[] = {
        { "0003_index", "0003_index" },
        { "./migrations", "./migrations" },
        { "", "''" },
        { "two words", "'two words'" },
        { "it's", "'it'\\''s'" },
        { "$HOME;`id`", "'$HOME;`id`'" },
        { "*", "'*'" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) out = { 0 };
        shell_word(ROWS[i].word, &out);
        assert_string_equal(str_text(&out), ROWS[i].typed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_shell_would_change_is_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
