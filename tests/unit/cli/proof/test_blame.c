/* cli/proof/blame.c: which statement an object is about, and names that are nearly right. */
#include "tests/unit/cli/support.h"

#include "cli/proof/blame.h"
#include "common/str.h"

static PlanStatement UP_STATEMENTS[] = {
    { .sql = "CREATE TABLE public.orders (id int, total numeric)" },
    { .sql = "CREATE INDEX ON orders (total)" },
    { .sql = "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM Ledger; "
             "END $$" },
    { .sql = "ALTER TABLE \"Order Lines\" ADD COLUMN note text" },
};
static PlanStatement DOWN_STATEMENTS[] = {
    { .sql = "DROP FUNCTION f" },
    { .sql = "DROP TABLE IF EXISTS oders" },
};
static const PlanScript UP = { .statements = UP_STATEMENTS, .count = ARRAY_LEN(UP_STATEMENTS) };
static const PlanScript DOWN = { .statements = DOWN_STATEMENTS,
                                 .count = ARRAY_LEN(DOWN_STATEMENTS) };
static const MigrationSet SET = { 0 };

typedef struct Case {
    const char *name;
    const char *owner;
    BlameOrder order;
    uint32_t number; /* 0: none */
} Case;

static const Case CASES[] = {
    { "orders", "", BLAME_FIRST, 1 },
    { "orders", "", BLAME_LAST, 2 },
    { "total", "orders", BLAME_FIRST, 1 },
    { "orders_total_idx", "orders", BLAME_LAST, 2 }, /* a name that the server made */
    { "ledger", "", BLAME_FIRST, 3 },
    { "Order Lines", "", BLAME_FIRST, 4 },
    { "order", "", BLAME_FIRST, 0 },
    { "", "", BLAME_FIRST, 0 },
};

static void the_statement_that_names_an_object_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        Place place = blame_find(&SET, &UP, CASES[i].name, CASES[i].owner, CASES[i].order);
        if (place.number != CASES[i].number) {
            fail_msg("%s of %s: statement %u", CASES[i].name, CASES[i].owner, place.number);
        }
    }
}

static void a_name_that_is_nearly_right_is_suggested(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Place place = { 0 };
    assert_string_equal(blame_misspelt(&SET, &DOWN, &UP, "orders", &arena, &place), "oders");
    assert_int_equal(place.number, 2);
}

static void what_the_up_names_too_is_no_misspelling(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Place place = { 0 };
    static PlanStatement drops[] = { { .sql = "DROP TABLE order_lines" } };
    static PlanStatement makes[] = { { .sql = "CREATE TABLE order_line ()" },
                                     { .sql = "CREATE TABLE order_lines ()" } };
    PlanScript down = { .statements = drops, .count = 1 };
    PlanScript up = { .statements = makes, .count = 2 };
    assert_null(blame_misspelt(&SET, &down, &up, "order_line", &arena, &place));
    assert_null(blame_misspelt(&SET, &DOWN, &UP, "f", &arena, &place));
}

typedef struct SlipCase {
    const char *name;
    const char *down;
    const char *found; /* NULL: nothing is near enough */
} SlipCase;

static const SlipCase SLIP_CASES[] = {
    { "tag", "DROP TABLE tga", "tga" },     { "tag", "DROP TABLE tags", "tags" },
    { "tag", "DROP TABLE log", NULL },      { "ip", "DROP TABLE pi", "pi" },
    { "kez", "DROP CONSTRAINT key", NULL }, { "iff", "DROP TABLE IF EXISTS other", NULL },
    { "a", "DROP TABLE b", NULL },
};

/* A short name is near to much: one slip of the fingers, and no word of SQL's own. */
static void of_a_short_name_one_slip_is_suggested(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(SLIP_CASES); i++) {
        AUTO(Arena) arena = { 0 };
        Place place = { 0 };
        PlanStatement statement = { .sql = SLIP_CASES[i].down };
        PlanScript down = { .statements = &statement, .count = 1 };
        PlanScript up = { 0 };
        const char *found = blame_misspelt(&SET, &down, &up, SLIP_CASES[i].name, &arena, &place);
        const char *wanted = SLIP_CASES[i].found;
        if ((found == NULL) != (wanted == NULL) || (found != NULL && !str_equal(found, wanted))) {
            fail_msg("%s: %s", SLIP_CASES[i].name, found == NULL ? "nothing" : found);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_statement_that_names_an_object_is_found),
        cmocka_unit_test(a_name_that_is_nearly_right_is_suggested),
        cmocka_unit_test(what_the_up_names_too_is_no_misspelling),
        cmocka_unit_test(of_a_short_name_one_slip_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
