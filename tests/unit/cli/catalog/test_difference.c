/* cli/catalog/difference.c: the merge, what belongs to what, and renamings. On catalogs made by
 * hand. */
#include "tests/unit/cli/support.h"

#include <string.h>

#include "cli/catalog/catalog.h"
#include "common/str.h"

static const CatalogKind TABLE = { .noun = "table", .order = DIFFERENCE_COLUMN_ORDER };
static const CatalogKind INDEX = { .noun = "index", .is_telling = true };
static const CatalogKind FUNCTION = { .noun = "function", .has_body = true };

#define ENTRIES_MAX 4

typedef struct Case {
    const char *name;
    CatalogEntry before[ENTRIES_MAX]; /* by key; up to the first without one */
    CatalogEntry after[ENTRIES_MAX];
    const char *differences; /* "how key class, …" */
} Case;

#define ENTRY(of, its_key, its_name, its_definition, its_members)                                  \
    {                                                                                              \
        .kind = &(of), .key = (its_key), .parent = "", .origin = "", .name = (its_name),           \
        .definition = (its_definition), .members = (its_members), .schema = ""                     \
    }

static const Case CASES[] = {
    { "nothing", { { 0 } }, { { 0 } }, "" },
    { "the same",
      { ENTRY(TABLE, "table a", "a", "x", "p\nq") },
      { ENTRY(TABLE, "table a", "a", "x", "p\nq") },
      "" },
    { "gone before and come behind",
      { ENTRY(TABLE, "table a", "a", "", ""), ENTRY(TABLE, "table b", "b", "", "") },
      { ENTRY(TABLE, "table b", "b", "", ""), ENTRY(TABLE, "table c", "c", "", "") },
      "missing table a real, left table c real, " },
    { "changed",
      { ENTRY(TABLE, "table a", "a", "x", "") },
      { ENTRY(TABLE, "table a", "a", "y", "") },
      "changed table a real, " },
    { "one member more is no other order",
      { ENTRY(TABLE, "table a", "a", "", "p\nq") },
      { ENTRY(TABLE, "table a", "a", "", "p\nx\nq") },
      "" },
    { "another order among those that both have",
      { ENTRY(TABLE, "table a", "a", "", "p\nq\nr") },
      { ENTRY(TABLE, "table a", "a", "", "x\nr\np") },
      "reordered table a column-order, " },
    { "a member whose name begins another's",
      { ENTRY(TABLE, "table a", "a", "", "pq\np") },
      { ENTRY(TABLE, "table a", "a", "", "p\npq") },
      "reordered table a column-order, " },
    { "blanks and comments in a body",
      { ENTRY(FUNCTION, "function f", "f", "BEGIN RETURN 1; END", "") },
      { ENTRY(FUNCTION, "function f", "f", "BEGIN\n -- one\n RETURN 1;\nEND", "") },
      "changed function f spacing, " },
    { "a blank inside a string",
      { ENTRY(FUNCTION, "function f", "f", "SELECT 'a b'", "") },
      { ENTRY(FUNCTION, "function f", "f", "SELECT 'a  b'", "") },
      "changed function f real, " },
    { "what cannot be scanned is real",
      { ENTRY(FUNCTION, "function f", "f", "it's", "") },
      { ENTRY(FUNCTION, "function f", "f", "it 's", "") },
      "changed function f real, " },
    { "blanks in what is no body",
      { ENTRY(TABLE, "table a", "a", "a b", "") },
      { ENTRY(TABLE, "table a", "a", "a  b", "") },
      "changed table a real, " },
    { "renamed",
      { ENTRY(INDEX, "index a", "a", "INDEX a ON t (b)", "") },
      { ENTRY(INDEX, "index z", "z", "INDEX z ON t (b)", "") },
      "renamed index a real, " },
    { "another index is no renaming",
      { ENTRY(INDEX, "index a", "a", "INDEX a ON t (b)", "") },
      { ENTRY(INDEX, "index z", "z", "INDEX z ON t (c)", "") },
      "missing index a real, left index z real, " },
    { "two of a kind are paired once",
      { ENTRY(INDEX, "index a", "a", "INDEX a ON t (b)", ""),
        ENTRY(INDEX, "index b", "b", "INDEX b ON t (b)", "") },
      { ENTRY(INDEX, "index z", "z", "INDEX z ON t (b)", "") },
      "renamed index a real, missing index b real, " },
};

static Catalog catalog_of(const CatalogEntry *entries)
{
    Catalog catalog = { .entries = entries };
    while (catalog.count < ENTRIES_MAX && entries[catalog.count].key != NULL) {
        catalog.count++;
    }
    return catalog;
}

static void each_way_of_differing_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) text = { 0 };
        Catalog before = catalog_of(CASES[i].before);
        Catalog after = catalog_of(CASES[i].after);
        Differences all = catalog_compare(&before, &after, &arena);
        for (size_t j = 0; j < all.count; j++) {
            str_printf(&text, "%s %s %s, ", difference_how_name(all.items[j].how),
                       difference_entry(&all.items[j])->key,
                       difference_class_name(all.items[j].class));
        }
        if (strcmp(str_text(&text), CASES[i].differences) != 0) {
            fail_msg("%s: %s", CASES[i].name, str_text(&text));
        }
    }
}

static void what_is_known_is_left_out(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    static const CatalogEntry ONE[] = { ENTRY(TABLE, "table a", "a", "", "") };
    static const CatalogEntry TWO[] = { ENTRY(TABLE, "table a", "a", "", ""),
                                        ENTRY(TABLE, "table b", "b", "", "") };
    Catalog none = { 0 };
    Catalog one = { ONE, 1 };
    Catalog two = { TWO, 2 };
    Differences known = catalog_compare(&none, &one, &arena);
    Differences all = catalog_compare(&none, &two, &arena);
    Differences rest = differences_without(&all, &known, &arena);
    assert_int_equal(rest.count, 1);
    assert_int_equal(rest.real_count, 1);
    assert_string_equal(difference_entry(&rest.items[0])->key, "table b");
}

static void parts_are_counted_with_their_whole(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    const CatalogKind *index = NULL;
    for (size_t i = 0; i < CATALOG_RELATIONS.count; i++) {
        bool is_index = str_equal(CATALOG_RELATIONS.rows[i].noun, "index");
        index = is_index ? &CATALOG_RELATIONS.rows[i] : index;
    }
    const CatalogEntry entries[] = {
        { index, "index i", "table t", "", "i", "", "", "" },
        { index, "index j", "", "index i", "j", "", "", "" },
        { &TABLE, "table t", "", "", "t", "", "", "" },
    };
    Catalog none = { 0 };
    Catalog all = { entries, ARRAY_LEN(entries) };
    Differences differences = catalog_compare(&all, &none, &arena);
    assert_int_equal(differences.count, 1);
    assert_string_equal(differences.items[0].parts, "2 indexes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_of_differing_is_told),
        cmocka_unit_test(what_is_known_is_left_out),
        cmocka_unit_test(parts_are_counted_with_their_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
