/* cli/proof/rows.c: what two counts say about rows and values. */
#include "tests/unit/cli/support.h"

#include "cli/proof/rows.h"
#include "common/str.h"

#define COUNTS_MAX 4

typedef struct Case {
    RowCount before[COUNTS_MAX]; /* up to the first without a table */
    RowCount after[COUNTS_MAX];
    const char *text;
} Case;

static const Case CASES[] = {
    { { { 0 } }, { { 0 } }, "" },
    { { { "t", "", 2, "" }, { "t", "a", 2, "7" } },
      { { "t", "", 2, "" }, { "t", "a", 2, "7" } },
      "" },
    { { { "t", "", 5, "" } }, { { "t", "", 2, "" } }, "3 of 5 rows of t are lost\n" },
    { { { "t", "", 1, "" } }, { { 0 } }, "1 of 1 row of t is lost\n" },
    { { { 0 } }, { { "t", "", 1, "" } }, "1 row more in t than before\n" },
    { { { "t", "", 1, "" } }, { { "t", "", 4, "" } }, "3 rows more in t than before\n" },
    { { { "t", "", 2, "" }, { "t", "a", 2, "7" } },
      { { "t", "", 2, "" }, { "t", "a", 0, "0" } },
      "2 of 2 values of t.a are lost\n" },
    { { { "t", "", 2, "" }, { "t", "a", 1, "7" } },
      { { "t", "", 2, "" } },
      "1 of 1 values of t.a is lost\n" },
    { { { "t", "", 2, "" }, { "t", "a", 2, "7" } },
      { { "t", "", 2, "" }, { "t", "a", 2, "8" } },
      "the values of t.a are other ones than before\n" },
    { { { "t", "", 2, "" }, { "t", "a", 0, "0" } },
      { { "t", "", 2, "" }, { "t", "a", 2, "9" } },
      "" },
    /* a column that was empty, and what stands in columns of lost rows, are nothing more to tell */
    { { { "t", "", 2, "" }, { "t", "a", 0, "0" } }, { { "t", "", 2, "" } }, "" },
    { { { "t", "", 2, "" }, { "t", "a", 2, "7" } },
      { { "t", "", 1, "" }, { "t", "a", 1, "3" } },
      "1 of 2 rows of t is lost\n" },
    { { { "t", "", 0, "" } }, { { 0 } }, "" },
};

static RowCounts counts_of(const RowCount *items)
{
    RowCounts counts = { .items = items };
    while (counts.count < COUNTS_MAX && items[counts.count].table != NULL) {
        counts.count++;
    }
    return counts;
}

static void lost_rows_and_values_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) text = { 0 };
        RowCounts before = counts_of(CASES[i].before);
        RowCounts after = counts_of(CASES[i].after);
        RowChanges changes = rows_compare(&before, &after, &arena);
        for (size_t j = 0; j < changes.count; j++) {
            str_printf(&text, "%s\n", row_change_text(&changes.items[j], &arena));
        }
        assert_string_equal(str_text(&text), CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_rows_and_values_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
