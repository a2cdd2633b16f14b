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

#define ROWS(rows, hash)                                                                           \
    {                                                                                              \
        .table = "t", .column = "", .count = rows, .digest = hash                                  \
    }
#define COLUMN(name, values, hash, rest)                                                           \
    {                                                                                              \
        .table = "t", .column = name, .count = values, .digest = hash, .others = rest              \
    }
#define KEY(name, values, hash, rest)                                                              \
    {                                                                                              \
        .table = "t", .column = name, .count = values, .digest = hash, .others = rest,             \
        .is_key = true                                                                             \
    }

static const Case CASES[] = {
    { { { 0 } }, { { 0 } }, "" },
    { { ROWS(2, ""), COLUMN("a", 2, "7", "") }, { ROWS(2, ""), COLUMN("a", 2, "7", "") }, "" },
    { { ROWS(5, "") }, { ROWS(2, "") }, "3 of 5 rows of t are lost\n" },
    { { ROWS(1, "") }, { { 0 } }, "1 of 1 row of t is lost\n" },
    { { { 0 } }, { ROWS(1, "") }, "1 row more in t than before\n" },
    { { ROWS(1, "") }, { ROWS(4, "") }, "3 rows more in t than before\n" },
    { { ROWS(2, ""), COLUMN("a", 2, "7", "") },
      { ROWS(2, ""), COLUMN("a", 0, "0", "") },
      "2 of 2 values of t.a are lost\n" },
    { { ROWS(2, ""), COLUMN("a", 1, "7", "") }, { ROWS(2, "") }, "1 of 1 values of t.a is lost\n" },
    { { ROWS(2, ""), COLUMN("a", 2, "7", "") },
      { ROWS(2, ""), COLUMN("a", 2, "8", "") },
      "the values of t.a are other ones than before\n" },
    { { ROWS(2, ""), COLUMN("a", 0, "0", "") }, { ROWS(2, ""), COLUMN("a", 2, "9", "") }, "" },
    /* a column that was empty, and what stands in columns of lost rows, are nothing more to tell */
    { { ROWS(2, ""), COLUMN("a", 0, "0", "") }, { ROWS(2, "") }, "" },
    { { ROWS(2, ""), COLUMN("a", 2, "7", "") },
      { ROWS(1, ""), COLUMN("a", 1, "3", "") },
      "1 of 2 rows of t is lost\n" },
    { { ROWS(0, "") }, { { 0 } }, "" },
    /* all values are there, in other rows: without one column the rows are the same */
    { { ROWS(2, "1"), COLUMN("a", 2, "7", "3"), COLUMN("b", 2, "8", "4") },
      { ROWS(2, "2"), COLUMN("a", 2, "7", "3"), COLUMN("b", 2, "8", "5") },
      "values of t.a stand in other rows than before\n" },
    { { ROWS(2, "1"), KEY("a", 2, "7", "3"), COLUMN("b", 2, "8", "4") },
      { ROWS(2, "2"), KEY("a", 2, "7", "3"), COLUMN("b", 2, "8", "4") },
      "values of t.b stand in other rows than before\n" },
    { { ROWS(2, "1"), COLUMN("a", 2, "7", "3"), COLUMN("b", 2, "8", "4") },
      { ROWS(2, "2"), COLUMN("a", 2, "7", "3"), COLUMN("b", 2, "8", "4") },
      "values of t stand in other rows than before\n" },
    /* that a value has changed says it all */
    { { ROWS(2, "1"), COLUMN("a", 2, "7", "3"), COLUMN("b", 2, "8", "4") },
      { ROWS(2, "2"), COLUMN("a", 2, "7", "3"), COLUMN("b", 2, "9", "4") },
      "the values of t.b are other ones than before\n" },
    /* rows with a column more cannot be compared whole */
    { { ROWS(2, "1"), COLUMN("a", 2, "7", "3") },
      { ROWS(2, "2"), COLUMN("a", 2, "7", "3"), COLUMN("b", 2, "9", "4") },
      "" },
    /* one that was empty and is filled is left out of the rows */
    { { ROWS(2, "1"), COLUMN("a", 2, "7", "3"), COLUMN("b", 0, "0", "4") },
      { ROWS(2, "2"), COLUMN("a", 2, "7", "5"), COLUMN("b", 2, "9", "4") },
      "" },
    { { ROWS(2, "1"), COLUMN("a", 2, "7", "3"), COLUMN("b", 0, "0", "4") },
      { ROWS(2, "2"), COLUMN("a", 2, "7", "5"), COLUMN("b", 2, "9", "6") },
      "values of t stand in other rows than before\n" },
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
