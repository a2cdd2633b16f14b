/* Splitting: the torture list. Statements are written "LINE|text", joined by " ¦ ". */
#include "sql_case.h"

#include "cli/source/split.h"
#include "common/str.h"

#define BETWEEN " ¦ "

static const struct {
    const char *name;
    const char *sql;
    const char *statements;
    bool is_grammatical;
} CASES[] = {
    { "nothing", "", "", true },
    { "blanks", " \t\r\n\f", "", true },
    { "only comments", "-- a; b\n/* c; /* d; */ e; */", "", true },
    { "only semicolons", ";;\n;", "", true },
    { "no final semicolon", "SELECT 1;\nSELECT 2", "1|SELECT 1 ¦ 2|SELECT 2", true },
    { "doubled semicolons", "SELECT 1;;\n; SELECT 2;;", "1|SELECT 1 ¦ 2|SELECT 2", true },
    { "crlf", "SELECT 1;\r\n-- c\r\nSELECT 2;\r\n", "1|SELECT 1 ¦ 3|SELECT 2", true },
    { "byte order mark", "\xEF\xBB\xBFSELECT 1;", "1|SELECT 1", true },
    { "comments around", "-- a\nSELECT 1 -- b\n; /* c */\n/* d */ SELECT 2 /* e */",
      "2|SELECT 1 ¦ 4|SELECT 2", true },
    { "comments inside stay", "SELECT -- a;\n 1 /* ; */ + 2;", "1|SELECT -- a;\n 1 /* ; */ + 2",
      true },
    { "dollar body", "DO $$ BEGIN PERFORM 1; END $$; SELECT 1",
      "1|DO $$ BEGIN PERFORM 1; END $$ ¦ 1|SELECT 1", true },
    { "tagged dollar body", "DO $tag$ x; $$ y; $$ z; $tag$; SELECT 1",
      "1|DO $tag$ x; $$ y; $$ z; $tag$ ¦ 1|SELECT 1", true },
    { "function of strings",
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; SELECT 2';",
      "1|CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; SELECT 2'", true },
    { "begin atomic",
      "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; "
      "END;\nSELECT 3",
      "1|CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; "
      "END ¦ 2|SELECT 3",
      true },
    { "names in begin atomic",
      "CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1 AS end, 2 AS case; SELECT t.end FROM t; END; "
      "SELECT 3",
      "1|CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1 AS end, 2 AS case; SELECT t.end FROM t; END"
      " ¦ 1|SELECT 3",
      true },
    { "rule of several",
      "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b); SELECT 1",
      "1|CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b) ¦ 1|SELECT 1", true },
    { "escape string", "SELECT E'\\';'; SELECT 2", "1|SELECT E'\\';' ¦ 1|SELECT 2", true },
    { "backslash in a standard string", "SELECT '\\'; SELECT 2", "1|SELECT '\\' ¦ 1|SELECT 2",
      true },
    { "doubled quote", "SELECT 'it''s; x'; SELECT 2", "1|SELECT 'it''s; x' ¦ 1|SELECT 2", true },
    { "unicode string", "SELECT U&'d;\\0061'; SELECT U&'x;' UESCAPE '!'",
      "1|SELECT U&'d;\\0061' ¦ 1|SELECT U&'x;' UESCAPE '!'", true },
    { "unicode identifier at the end", "SELECT 1 AS U&\"a;\\0062\";SELECT 2",
      "1|SELECT 1 AS U&\"a;\\0062\" ¦ 1|SELECT 2", true },
    { "quoted identifier", "CREATE TABLE \"a;b\"\"c;\" (x int); SELECT 2",
      "1|CREATE TABLE \"a;b\"\"c;\" (x int) ¦ 1|SELECT 2", true },
    { "comment opening in a string", "SELECT '/** x'; SELECT 2 /* y */",
      "1|SELECT '/** x' ¦ 1|SELECT 2", true },
    { "dashes in a string", "SELECT '-- x;'; SELECT 2", "1|SELECT '-- x;' ¦ 1|SELECT 2", true },
    { "placeholders in a string", "SELECT '$%NAME%$; $$'; SELECT 2",
      "1|SELECT '$%NAME%$; $$' ¦ 1|SELECT 2", true },
    { "placeholders outside", "SELECT $%NAME%$; SELECT 2", "1|SELECT $%NAME%$ ¦ 1|SELECT 2",
      false },
    /* PostgreSQL joins the two; libpg_query 15 has comments as tokens and refuses them here. */
    { "string continued over a comment", "SELECT 'a' -- ;\n 'b'; SELECT 2",
      "1|SELECT 'a' -- ;\n 'b' ¦ 2|SELECT 2", false },
    { "vertical tab", "SELECT 1;\v\nSELECT 2\v;", "1|SELECT 1 ¦ 2|SELECT 2", false },
    { "nested comment between", "SELECT 1; /* a /* ; */ ; */ SELECT 2", "1|SELECT 1 ¦ 1|SELECT 2",
      true },
    { "operator that looks like a comment's end", "SELECT 2 */*x*/ 3; SELECT 4",
      "1|SELECT 2 */*x*/ 3 ¦ 1|SELECT 4", true },
    { "syntax error keeps its neighbours", "SELECT 1;\nSELEC 2;\nSELECT 3",
      "1|SELECT 1 ¦ 2|SELEC 2 ¦ 3|SELECT 3", false },
    { "unbalanced parenthesis keeps the rest together", "SELECT (1;\nSELECT 2;",
      "1|SELECT (1;\nSELECT 2", false },
    { "stray closing parenthesis", "SELECT 1);\nSELECT (2);", "1|SELECT 1) ¦ 2|SELECT (2)", false },
    { "newer syntax beside a body", "FUTURE THING;\nDO $$ ; $$;", "1|FUTURE THING ¦ 2|DO $$ ; $$",
      false },
};

static void describe(const SqlStatements *statements, Str *out)
{
    for (size_t i = 0; i < statements->count; i++) {
        str_printf(out, "%s%u|%s", i == 0 ? "" : BETWEEN, statements->items[i].line,
                   statements->items[i].sql);
    }
}

static void every_case_of_the_torture_list_is_cut_where_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) got = { 0 };
        SqlText text = sql_case(CASES[i].sql, &arena);
        SqlStatements statements = { 0 };
        Err err = { 0 };
        assert_int_equal(split_sql(&text, &arena, &statements, &err), ERR_NONE);
        describe(&statements, &got);
        assert_case(CASES[i].name, str_text(&got), CASES[i].statements);
        if (statements.is_grammatical != CASES[i].is_grammatical) {
            fail_msg("%s: the grammar's verdict is another one", CASES[i].name);
        }
    }
}

static void tokens_cut_like_the_grammar_where_both_can(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) got = { 0 };
        SqlText text = sql_case(CASES[i].sql, &arena);
        SqlStatements statements = { 0 };
        split_tokens(&text, &arena, &statements);
        describe(&statements, &got);
        assert_case(CASES[i].name, str_text(&got), CASES[i].statements);
    }
}

static void a_lost_statement_is_found_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        size_t lost;
        const char *message;
    } LOSSES[] = {
        { "SELECT 1;\n-- c\nSELECT 2;\nSELECT 3", 1,
          "m/1.sql:3: this belongs to no statement: SELECT 2;" },
        { "/* a /* b */ */ SELECT 1; SELECT 2", 0,
          "m/1.sql:1: this belongs to no statement: SELECT 1; SELECT 2" },
        { "SELECT 1;\n\n'x';", 1, "m/1.sql:3: this belongs to no statement: 'x';" },
    };
    for (size_t i = 0; i < ARRAY_LEN(LOSSES); i++) {
        AUTO(Arena) arena = { 0 };
        SqlText text = sql_case(LOSSES[i].sql, &arena);
        SqlStatements statements = { 0 };
        Err err = { 0 };
        split_tokens(&text, &arena, &statements);
        assert_int_equal(split_check_cover(&text, &statements, &err), ERR_NONE);
        size_t lost = LOSSES[i].lost;
        statements.count--;
        memmove(&statements.items[lost], &statements.items[lost + 1],
                (statements.count - lost) * sizeof(statements.items[0]));
        assert_int_equal(split_check_cover(&text, &statements, &err), ERR_SYNTAX);
        assert_string_equal(err.message, LOSSES[i].message);
    }
}

static void deep_expressions_do_not_end_the_process(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) sql = { 0 };
    str_append(&sql, "SELECT 1");
    for (int i = 0; i < 200000; i++) {
        str_append(&sql, "+1");
    }
    str_append(&sql, "; SELECT 2");
    SqlText text = sql_case(str_text(&sql), &arena);
    SqlStatements statements = { 0 };
    Err err = { 0 };
    assert_int_equal(split_sql(&text, &arena, &statements, &err), ERR_NONE);
    assert_int_equal(statements.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_of_the_torture_list_is_cut_where_it_should),
        cmocka_unit_test(tokens_cut_like_the_grammar_where_both_can),
        cmocka_unit_test(a_lost_statement_is_found_with_its_line),
        cmocka_unit_test(deep_expressions_do_not_end_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
