/* Allowances: what lint is not to find fault with. */
#include "sql_case.h"

#include "cli/source/directive.h"
#include "cli/source/allowance.h"

static void allowances_stand_anywhere_and_keep_their_reason(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    SqlText text = sql_case("-- skein: allow-file type-json  old clients\r\n"
                            "-- skein: irreversible\n"
                            "SELECT 1;\n"
                            "-- an allow of another kind\n"
                            "--skein: ALLOW column-drop 10 rows, at most.  \n"
                            "SELECT 2; -- skein: allow x y\n"
                            "SELECT '-- skein: allow a b' /* skein: allow c d */",
                            &arena);
    Allowances got = allowances_read(&text, &arena);
    assert_int_equal(got.count, 3);
    assert_string_equal(got.items[0].rule, "type-json");
    assert_string_equal(got.items[0].reason, "old clients");
    assert_true(got.items[0].is_file);
    assert_int_equal(got.items[0].line, 1);
    assert_string_equal(got.items[1].rule, "column-drop");
    assert_string_equal(got.items[1].reason, "10 rows, at most.");
    assert_false(got.items[1].is_file);
    assert_int_equal(got.items[1].line, 5);
    assert_memory_equal(text.text + got.items[1].start, "--skein: ALLOW", 14);
    assert_int_equal(got.items[2].line, 6);
}

static void directives_and_allowances_leave_each_other_alone(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    SqlText text = sql_case("-- skein: allow irreversible no-transaction\nSELECT 1;\n"
                            "-- skein: allow x y",
                            &arena);
    Directives got = { 0 };
    Err err = { 0 };
    assert_int_equal(directives_read(&text, &got, &err), ERR_NONE);
    assert_int_equal(got.irreversible_line, 0);
    assert_int_equal(got.no_transaction_line, 0);
}

static void an_allowance_without_rule_or_reason_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *fault;
        const char *hint;
    } CASES[] = {
        { "-- skein: allow", "\"allow\" without a rule",
          "-- skein: allow RULE REASON, in words that a reviewer understands" },
        { "SELECT 1;\n-- skein: allow column-drop \n", "allow \"column-drop\" gives no reason",
          "say why it is safe here: -- skein: allow column-drop the table has ten rows" },
        { "SELECT 1\n-- skein: allow-file a b", "\"allow-file\" after the first statement",
          "move it above line 1, or say \"allow\" beside the statement" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        SqlText text = sql_case(CASES[i].sql, &arena);
        Allowances got = allowances_read(&text, &arena);
        assert_int_equal(got.count, 1);
        assert_case(CASES[i].sql, got.items[0].fault, CASES[i].fault);
        assert_case(CASES[i].sql, got.items[0].hint, CASES[i].hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allowances_stand_anywhere_and_keep_their_reason),
        cmocka_unit_test(directives_and_allowances_leave_each_other_alone),
        cmocka_unit_test(an_allowance_without_rule_or_reason_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
