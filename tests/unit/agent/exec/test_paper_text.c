/* agent/exec/paper_text.c: what psql is given to read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/exec/paper_internal.h"

typedef struct Bound {
    const char *sql;
    const char *param;
    const char *text;
} Bound;

static const Bound BOUND[] = {
    { "SELECT $1", "a", "SELECT 'a'" },
    { "SELECT $1::int8 + $1", "1", "SELECT '1'::int8 + '1'" },
    { "SELECT $1", "it's", "SELECT 'it''s'" },
    { "SELECT $1::bytea", "\\x00", "SELECT E'\\\\x00'::bytea" },
    { "SELECT $1", "a\\'b", "SELECT E'a\\\\''b'" },
    { "SELECT $1", NULL, "SELECT NULL" },
    { "SELECT $1", PAPER_TERM, "SELECT :'skein_term'" },
    { "SELECT $2", "a", "SELECT NULL" },
    { "DO $skein$ $1 $skein$", "a", "DO $skein$ 'a' $skein$" },
};

static void parameters_become_literals_that_any_setting_reads_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BOUND); i++) {
        AUTO(Str) paper = { 0 };
        const char *params[] = { BOUND[i].param };
        paper_bound(&paper, BOUND[i].sql, params, 1);
        assert_string_equal(str_text(&paper), BOUND[i].text);
    }
}

static void a_statement_ends_behind_its_last_comment(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *text;
    } ROWS[] = {
        { "SELECT 1", "SELECT 1;\n" },
        { "SELECT 1 -- one", "SELECT 1 -- one\n;\n" },
        { "SELECT 1 -- one\n + 1", "SELECT 1 -- one\n + 1;\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) paper = { 0 };
        paper_sql(&paper, ROWS[i].sql);
        assert_string_equal(str_text(&paper), ROWS[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_become_literals_that_any_setting_reads_alike),
        cmocka_unit_test(a_statement_ends_behind_its_last_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
