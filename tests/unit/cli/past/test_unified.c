/* cli/past/unified.c: diffs as `diff -u` writes them. */
#include "tests/unit/cli/support.h"

#include <string.h>

#include "cli/past/unified.h"

typedef struct Case {
    const char *old_text;
    const char *new_text;
    const char *diff; /* without the two lines of labels */
} Case;

static const Case CASES[] = {
    { "", "", "" },
    { "a\nb\n", "a\nb\n", "" },
    { "a\r\nb\r\n", "a\nb", "" },
    { "", "a\n", "@@ -0,0 +1,1 @@\n+a\n" },
    { "a\n", "", "@@ -1,1 +0,0 @@\n-a\n" },
    { "a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n" },
    { "1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nx\n5\n6\n", "@@ -2,5 +2,6 @@\n 2\n 3\n 4\n+x\n 5\n 6\n" },
    /* what both have in the middle stands once */
    { "a\nb\nc\n", "b\nc\nd\n", "@@ -1,3 +1,3 @@\n-a\n b\n c\n+d\n" },
    /* six lines between two changes are one hunk, seven are two */
    { "a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n",
      "@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n" },
    { "a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
      "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n" },
};

static Bytes bytes_of(const char *text)
{
    return (Bytes){ (const uint8_t *)text, strlen(text) };
}

static void diffs_are_those_of_diff_u(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Str) got = { 0 };
        AUTO(Str) wanted = { 0 };
        UnifiedSides sides = { "o", "n", bytes_of(CASES[i].old_text), bytes_of(CASES[i].new_text) };
        unified_write(&sides, 100, &got);
        str_append(&wanted, CASES[i].diff[0] == '\0' ? "" : "--- o\n+++ n\n");
        str_append(&wanted, CASES[i].diff);
        assert_string_equal(str_text(&got), str_text(&wanted));
    }
}

static void a_long_diff_is_cut_and_says_so(void **state)
{
    (void)state;
    AUTO(Str) got = { 0 };
    UnifiedSides sides = { "o", "n", bytes_of(""), bytes_of("a\nb\nc\n") };
    unified_write(&sides, 2, &got);
    assert_string_equal(str_text(&got), "--- o\n+++ n\n@@ -0,0 +1,3 @@\n+a\n… and 2 lines more\n");
}

/* Too much to be laid side by side: memory stays bounded. */
static void texts_with_nothing_in_common_are_replaced_whole(void **state)
{
    (void)state;
    AUTO(Str) old_text = { 0 };
    AUTO(Str) new_text = { 0 };
    AUTO(Str) got = { 0 };
    for (unsigned i = 0; i < 3000; i++) {
        str_printf(&old_text, "old %u\n", i);
        str_printf(&new_text, "new %u\n", i);
    }
    UnifiedSides sides = { "o", "n", bytes_of(str_text(&old_text)), bytes_of(str_text(&new_text)) };
    unified_write(&sides, 2, &got);
    assert_string_equal(str_text(&got),
                        "--- o\n+++ n\n@@ -1,3000 +1,3000 @@\n-old 0\n… and 5999 lines more\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diffs_are_those_of_diff_u),
        cmocka_unit_test(a_long_diff_is_cut_and_says_so),
        cmocka_unit_test(texts_with_nothing_in_common_are_replaced_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
