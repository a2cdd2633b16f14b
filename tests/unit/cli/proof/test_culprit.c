/* cli/proof/culprit.c: what explains best what a down has met. */
#include "tests/unit/cli/support.h"

#include "cli/proof/culprit.h"
#include "common/str.h"

#define ENTRY(entry_key, entry_parent, entry_name, entry_definition)                               \
    {                                                                                              \
        .key = entry_key, .parent = entry_parent, .name = entry_name,                              \
        .definition = entry_definition, .members = "", .origin = "", .schema = "shop",             \
    }

static const CatalogEntry ENTRIES[] = {
    ENTRY("function shop.f()", "", "f", "CREATE FUNCTION shop.f() RETURNS integer AS 'SELECT 1'"),
    ENTRY("schema shop", "", "shop", ""),
    ENTRY("table column shop.feelings.x", "table shop.feelings", "x", "type: shop.mood"),
    ENTRY("table shop.feelings", "", "feelings", ""),
    ENTRY("type shop.mood", "", "mood", "enum"),
    ENTRY("view shop.v", "", "v", "SELECT x FROM shop.feelings"),
};
static const Catalog NOW = { ENTRIES, ARRAY_LEN(ENTRIES) };

static const struct {
    const char *words;
    const char *left; /* its key */
    unsigned fit;
} FITS[] = {
    { "cannot drop type shop.mood because other objects depend on it", "table shop.feelings", 1 },
    { "cannot drop type shop.mood because other objects depend on it", "function shop.f()", 0 },
    { "cannot drop type shop.mood because other objects depend on it", "view shop.v", 0 },
    { "cannot drop type shop.mood because other objects depend on it", "type shop.mood",
      CLUE_FIT_NAMED },
    { "cannot drop column x of table feelings because other objects depend on it", "view shop.v",
      2 },
    { "schema shop is not empty", "function shop.f()", 0 },
    { "relation \"moods\" does not exist", "type shop.mood", 0 },
};

static void what_is_made_with_the_objects_of_a_message_explains_it(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(FITS); i++) {
        Clue clue = clue_of_words(FITS[i].words, &NOW, &arena);
        Difference left = { .how = DIFFERENCE_LEFT, .after = catalog_find(&NOW, FITS[i].left) };
        unsigned fit = clue_fit(&clue, &left, &NOW);
        if (fit != FITS[i].fit) {
            fail_msg("%s, %s: %u", FITS[i].words, FITS[i].left, fit);
        }
    }
}

static void either_name_of_what_was_renamed_explains_a_difference(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    static const CatalogEntry BEFORE = ENTRY("index shop.old_idx", "", "old_idx", "");
    static const CatalogEntry AFTER = ENTRY("index shop.new_idx", "", "new_idx", "");
    const Difference item = { .how = DIFFERENCE_LEFT, .after = &AFTER };
    const Differences differences = { .items = &item, .count = 1, .real_count = 1 };
    Difference renamed = { .how = DIFFERENCE_RENAMED, .before = &BEFORE, .after = &AFTER };
    Difference other = { .how = DIFFERENCE_MISSING, .before = &BEFORE };
    Clue clue = clue_of_differences(&differences, &arena);
    assert_int_equal(clue_fit(&clue, &renamed, &NOW), CLUE_FIT_NAMED);
    assert_int_equal(clue_fit(&clue, &other, &NOW), 0);
}

static void rows_are_found_by_the_name_of_their_table(void **state)
{
    (void)state;
    static const RowChange ITEMS[] = {
        { .kind = ROW_CHANGE_ROWS_LEFT, .table = "shop.ledger", .column = "" },
        { .kind = ROW_CHANGE_ROWS_LEFT, .table = "shop.\"Order Lines\"", .column = "" },
    };
    static const RowChanges ROWS = { ITEMS, ARRAY_LEN(ITEMS) };
    assert_ptr_equal(clue_rows("column \"a\" of relation \"ledger\" contains null values", &ROWS),
                     &ITEMS[0]);
    assert_ptr_equal(clue_rows("ALTER TABLE \"Order Lines\" ADD UNIQUE (id)", &ROWS), &ITEMS[1]);
    assert_null(clue_rows("column \"a\" of relation \"orders\" contains null values", &ROWS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_with_the_objects_of_a_message_explains_it),
        cmocka_unit_test(either_name_of_what_was_renamed_explains_a_difference),
        cmocka_unit_test(rows_are_found_by_the_name_of_their_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
