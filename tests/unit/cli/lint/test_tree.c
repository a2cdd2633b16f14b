/* Parse trees: how deep they may be, and names as SQL writes them. */
#include "../support.h"

#include "cli/lint/tree.h"

static TreeFault fault_of(const char *sql)
{
    AUTO(Arena) arena = { 0 };
    Tree tree = { 0 };
    tree_parse(sql, &arena, &tree);
    assert_true((tree.node == NULL) == (tree.fault != TREE_NONE));
    return tree.fault;
}

static void append_times(Str *out, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        str_append(out, text);
    }
}

/* `head`, then `item` so many times, then `tail`. */
static TreeFault fault_of_many(const char *head, const char *item, size_t times, const char *tail)
{
    AUTO(Str) sql = { 0 };
    str_append(&sql, head);
    append_times(&sql, item, times);
    str_append(&sql, tail);
    return fault_of(str_text(&sql));
}

static void wide_statements_are_read_and_deep_ones_are_not(void **state)
{
    (void)state;
    assert_int_equal(fault_of_many("CREATE TABLE t (a int", ", b int", 3000, ")"), TREE_NONE);
    assert_int_equal(fault_of_many("INSERT INTO t VALUES (1, 'x')", ", (1, 'x')", 5000, ""),
                     TREE_NONE);
    assert_int_equal(fault_of_many("INSERT INTO t VALUES (1)", ", (1)", 100000, ""), TREE_LARGE);
    assert_int_equal(fault_of_many("SELECT 1", " + 1", 100000, ""), TREE_LARGE);
    assert_int_equal(fault_of_many("SELECT ", "(", 500, "1"), TREE_LARGE);
    assert_int_equal(fault_of_many("SELECT f(", "1, f(", 400, "1"), TREE_LARGE);
    assert_int_equal(fault_of_many("SELECT 1", " UNION SELECT 1", 100000, ""), TREE_LARGE);
}

static void what_the_grammar_refuses_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(fault_of("CREATE TABLE t (a int)"), TREE_NONE);
    assert_int_equal(fault_of("CREATE TABEL t (a int)"), TREE_REFUSED);
    assert_int_equal(fault_of(""), TREE_LARGE);
}

static void names_are_quoted_where_they_have_to_be(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *written;
    } CASES[] = {
        { "users", "users" },     { "_x1", "_x1" },
        { "Users", "\"Users\"" }, { "a b", "\"a b\"" },
        { "a\"b", "\"a\"\"b\"" }, { "order", "\"order\"" },
        { "user", "\"user\"" },   { "between", "\"between\"" },
        { "name", "name" },       { "1a", "\"1a\"" },
        { "größe", "\"größe\"" }, { "", "\"\"" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        assert_string_equal(name_write(CASES[i].name, &arena), CASES[i].written);
    }
}

static void made_up_names_keep_to_63_bytes(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    assert_string_equal(name_make("t", "a_b", "idx", &arena), "t_a_b_idx");
    assert_string_equal(name_make("t", "", "pkey", &arena), "t_pkey");
    const char *name = name_make("a_table_with_a_name_that_is_rather_long",
                                 "and_a_column_that_is_as_long_as_that", "fkey", &arena);
    assert_int_equal(strlen(name), 63);
    assert_string_equal(name, "a_table_with_a_name_that_is_r_and_a_column_that_is_as_long_fkey");
}

static void statements_are_written_back(void **state)
{
    (void)state;
    static const char *const STATEMENTS[] = {
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a, lower(b)) WHERE c IS NULL",
    };
    for (size_t i = 0; i < ARRAY_LEN(STATEMENTS); i++) {
        AUTO(Arena) arena = { 0 };
        Tree tree = { 0 };
        tree_parse(STATEMENTS[i], &arena, &tree);
        const char *written = tree_write(tree.node, &arena);
        Tree again = { 0 };
        tree_parse(written, &arena, &again);
        assert_string_equal(tree_write(again.node, &arena), written);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_statements_are_read_and_deep_ones_are_not),
        cmocka_unit_test(what_the_grammar_refuses_is_told_apart),
        cmocka_unit_test(names_are_quoted_where_they_have_to_be),
        cmocka_unit_test(made_up_names_keep_to_63_bytes),
        cmocka_unit_test(statements_are_written_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
