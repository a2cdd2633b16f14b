/* Which names a filter takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/exec/name_filter.h"

static void patterns_match_whole_names(void **state)
{
    (void)state;
    static struct {
        const char *pattern;
        const char *name;
        bool matches;
    } ROWS[] = {
        { "tenant_*", "tenant_1", true },
        { "tenant_*", "tenant_", true },
        { "tenant_*", "xtenant_1", false },
        { "tenant_?", "tenant_1", true },
        { "tenant_?", "tenant_10", false },
        { "tenant", "tenant", true },
        { "tenant", "tenant1", false },
        { "*", "x", true },
        { "[ab]", "a", false },
        { "[ab]", "[ab]", true },
        { "a\\*", "a\\b", true },
        { "Tenant", "tenant", false },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        NameFilter filter = { .include = &ROWS[i].pattern, .include_count = 1 };
        assert_int_equal(name_filter_matches(&filter, ROWS[i].name), ROWS[i].matches);
    }
}

static void without_an_include_everything_is_taken(void **state)
{
    (void)state;
    static const char *EXCLUDE[] = { "post*" };
    NameFilter filter = { .exclude = EXCLUDE, .exclude_count = 1 };
    assert_true(name_filter_matches(&filter, "shop"));
    assert_false(name_filter_matches(&filter, "postgres"));
}

static void an_exclude_wins_over_an_include(void **state)
{
    (void)state;
    static const char *INCLUDE[] = { "a*", "b*" };
    static const char *EXCLUDE[] = { "*_old" };
    NameFilter filter = { INCLUDE, 2, EXCLUDE, 1 };
    assert_true(name_filter_matches(&filter, "b1"));
    assert_false(name_filter_matches(&filter, "b_old"));
    assert_false(name_filter_matches(&filter, "c"));
}

static void what_cannot_be_a_name_is_never_taken(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "", "\xff\xfe", "a2345678901234567890123456789012345678901234567890123456789012_4"
    };
    NameFilter filter = { 0 };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        assert_false(name_filter_matches(&filter, NAMES[i]));
    }
    assert_true(name_filter_matches(&filter, NAMES[2] + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_whole_names),
        cmocka_unit_test(without_an_include_everything_is_taken),
        cmocka_unit_test(an_exclude_wins_over_an_include),
        cmocka_unit_test(what_cannot_be_a_name_is_never_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
