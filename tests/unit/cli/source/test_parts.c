/* Parts: what runs in one transaction, by each tool's rule, and what its author is told. */
#include "sql_case.h"

#include "cli/source/parts.h"
#include "common/str.h"

typedef struct Cutting {
    Arena arena;
    SourceNotes notes;
    ScriptParts parts;
    SqlStatements statements;
    StatementFacts *facts;
    Err err;
    ErrCode code;
} Cutting;

static void cutting_done(Cutting *cutting)
{
    source_notes_done(&cutting->notes);
    arena_done(&cutting->arena);
}

AUTO_DEFINE(Cutting, cutting_done)

static void cut_by(Cutting *cutting, PartRule rule, const char *sql)
{
    Arena *arena = &cutting->arena;
    SqlText text = sql_case(sql, arena);
    cutting->notes.arena = arena;
    assert_int_equal(split_sql(&text, arena, &cutting->statements, &cutting->err), ERR_NONE);
    cutting->facts = ARENA_ARRAY(arena, StatementFacts, cutting->statements.count);
    for (size_t i = 0; i < cutting->statements.count; i++) {
        classify_statement(&text, &cutting->statements.items[i], true, arena, &cutting->facts[i]);
    }
    cutting->code = parts_cut(&text, &cutting->statements, cutting->facts, rule, &cutting->notes,
                              arena, &cutting->parts, &cutting->err);
}

static void cut(Cutting *cutting, TransactionRule transaction, const char *sql)
{
    PartRule rule = { .transaction = transaction, .tool_says = "the tool begins one" };
    cut_by(cutting, rule, sql);
}

/* "(SELECT 1; SELECT 2) VACUUM": parentheses are transactions. */
static void describe(const Cutting *cutting, Str *out)
{
    size_t at = 0;
    for (size_t i = 0; i < cutting->parts.part_count; i++) {
        const PlanPart *part = &cutting->parts.parts[i];
        str_append(out, i == 0 ? "" : " ");
        str_append(out, part->is_transactional ? "(" : "");
        for (size_t s = 0; s < part->statement_count; s++) {
            size_t index = cutting->parts.statements[at++];
            str_printf(out, "%s%s", s == 0 ? "" : "; ", cutting->statements.items[index].sql);
        }
        str_append(out, part->is_transactional ? ")" : "");
    }
    assert_int_equal(at, cutting->parts.count);
}

static void describe_notes(const Cutting *cutting, Str *out)
{
    LIST_EACH(note, &cutting->notes.list) {
        str_printf(out, "%s %s\n", source_note_level_name(note->level), note->text);
    }
}

static void each_rule_cuts_in_its_own_way(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *derived; /* and of TRANSACTION_ONE, which only warns */
        const char *each;
    } CASES[] = {
        { "", "", "" },
        { "TABLE a; TABLE b", "(TABLE a; TABLE b)", "(TABLE a) (TABLE b)" },
        { "TABLE a; VACUUM; TABLE b; TABLE c", "(TABLE a) VACUUM (TABLE b; TABLE c)",
          "(TABLE a) VACUUM (TABLE b) (TABLE c)" },
        { "VACUUM a; VACUUM b", "VACUUM a VACUUM b", "VACUUM a VACUUM b" },
        { "BEGIN; TABLE a; TABLE b; END", "(TABLE a; TABLE b)", "(TABLE a; TABLE b)" },
        { "BEGIN; TABLE a; COMMIT; BEGIN; TABLE b; COMMIT", "(TABLE a) (TABLE b)",
          "(TABLE a) (TABLE b)" },
        { "TABLE a; BEGIN; TABLE b; TABLE c; COMMIT; TABLE d; TABLE e",
          "(TABLE a; TABLE b; TABLE c) (TABLE d; TABLE e)",
          "(TABLE a) (TABLE b; TABLE c) (TABLE d) (TABLE e)" },
        { "BEGIN; TABLE a; BEGIN; TABLE b; COMMIT; VACUUM", "(TABLE a; TABLE b) VACUUM",
          "(TABLE a; TABLE b) VACUUM" },
        { "TABLE a; COMMIT; TABLE b", "(TABLE a) (TABLE b)", "(TABLE a) (TABLE b)" },
        { "BEGIN; COMMIT", "", "" },
        { "CALL p(); DO 'begin commit; end'; DO 'begin end'",
          "(CALL p(); DO 'begin commit; end'; DO 'begin end')",
          "CALL p() DO 'begin commit; end' (DO 'begin end')" },
        { "ALTER TYPE t ADD VALUE 'x'; TABLE a", "(ALTER TYPE t ADD VALUE 'x'; TABLE a)",
          "ALTER TYPE t ADD VALUE 'x' (TABLE a)" },
        { "TABLE a; SAVEPOINT s; ROLLBACK TO s", "(TABLE a; SAVEPOINT s; ROLLBACK TO s)",
          "(TABLE a) (SAVEPOINT s) (ROLLBACK TO s)" },
    };
    static const TransactionRule RULES[] = { TRANSACTION_DERIVED, TRANSACTION_ONE,
                                             TRANSACTION_EACH };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const char *wanted[] = { CASES[i].derived, CASES[i].derived, CASES[i].each };
        for (size_t rule = 0; rule < ARRAY_LEN(wanted); rule++) {
            AUTO(Cutting) cutting = { 0 };
            AUTO(Str) got = { 0 };
            cut(&cutting, RULES[rule], CASES[i].sql);
            assert_case(CASES[i].sql, cutting.err.message, "");
            describe(&cutting, &got);
            assert_case(CASES[i].sql, str_text(&got), wanted[rule]);
        }
    }
}

static void a_query_of_one_statement_is_by_itself(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *parts;
    } CASES[] = {
        { "CALL p()", "CALL p()" },
        { "TABLE a", "(TABLE a)" },
        { "TABLE a; CALL p()", "(TABLE a; CALL p())" },
        { "TABLE a; VACUUM", "(TABLE a) VACUUM" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Cutting) cutting = { 0 };
        AUTO(Str) got = { 0 };
        cut(&cutting, TRANSACTION_QUERY, CASES[i].sql);
        describe(&cutting, &got);
        assert_case(CASES[i].sql, str_text(&got), CASES[i].parts);
    }
}

/* As a query by itself it commits where any tool sends it so; a CALL may do without. */
static void a_lone_block_that_commits_needs_no_transaction(void **state)
{
    (void)state;
    static const struct {
        TransactionRule rule;
        const char *sql;
        bool is_transactional;
        const char *note;
    } CASES[] = {
        { TRANSACTION_DERIVED, "-- c\nDO 'begin update t set a = 1; commit; end'", false,
          "note m/1.sql:2: runs outside a transaction: the block ends transactions of its own\n" },
        { TRANSACTION_QUERY, "DO 'begin rollback; end'", false,
          "note m/1.sql:1: runs outside a transaction: the block ends transactions of its own\n" },
        { TRANSACTION_DERIVED, "DO 'begin delete from t; end'", true, "" },
        { TRANSACTION_DERIVED, "CALL p()", true, "" },
        { TRANSACTION_ONE, "DO 'begin commit; end'", true,
          "warning m/1.sql:1: DO whose body ends transactions, within one: it fails with 2D000 when "
          "it comes to that; \"-- skein: no-transaction\" at the head of the file has each "
          "statement run by itself\n" },
        { TRANSACTION_EACH, "CALL p()", false,
          "note m/1.sql:1: runs outside a transaction: a procedure may end transactions of its "
          "own\n" },
        { TRANSACTION_DERIVED, "VACUUM t", false,
          "note m/1.sql:1: runs outside a transaction: VACUUM cannot run in a transaction\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Cutting) cutting = { 0 };
        AUTO(Str) got = { 0 };
        cut(&cutting, CASES[i].rule, CASES[i].sql);
        assert_int_equal(cutting.parts.parts[0].is_transactional, CASES[i].is_transactional);
        assert_true((cutting.parts.reasons[0] == NULL) == CASES[i].is_transactional);
        describe_notes(&cutting, &got);
        assert_case(CASES[i].sql, str_text(&got), CASES[i].note);
    }
}

static void statements_of_one_query_stay_together(void **state)
{
    (void)state;
    static const LineRange QUERIES[] = { { 2, 3 }, { 4, 6 }, { 7, 7 } };
    AUTO(Cutting) cutting = { 0 };
    AUTO(Str) got = { 0 };
    PartRule rule = { .transaction = TRANSACTION_EACH, .queries = QUERIES, .query_count = 3 };
    cut_by(&cutting, rule,
           "TABLE a;\nTABLE b;\nTABLE c;\nTABLE d; CALL p();\nVACUUM;\nTABLE e;\nTABLE f;\n"
           "TABLE g; TABLE h");
    describe(&cutting, &got);
    assert_string_equal(str_text(&got), "(TABLE a) (TABLE b; TABLE c) (TABLE d; CALL p()) VACUUM "
                                        "(TABLE e) (TABLE f) (TABLE g) (TABLE h)");
}

/* As with goose, which needs its marks around any body. */
static void a_statement_that_is_a_whole_query_may_end_transactions(void **state)
{
    (void)state;
    static const LineRange QUERIES[] = { { 1, 3 }, { 4, 6 }, { 7, 9 } };
    AUTO(Cutting) cutting = { 0 };
    AUTO(Str) got = { 0 };
    PartRule rule = { .transaction = TRANSACTION_EACH, .queries = QUERIES, .query_count = 3 };
    cut_by(&cutting, rule,
           "\nDO 'begin commit; end';\n\n\nTABLE a; CALL p();\n\n\nDO 'begin end';\n\nTABLE b");
    describe(&cutting, &got);
    assert_string_equal(str_text(&got), "DO 'begin commit; end' (TABLE a; CALL p()) "
                                        "(DO 'begin end') (TABLE b)");
}

static void what_is_done_to_a_file_is_told(void **state)
{
    (void)state;
    static const struct {
        TransactionRule rule;
        const char *sql;
        const char *note;
    } CASES[] = {
        { TRANSACTION_ONE, "-- c\nSTART TRANSACTION;\nTABLE a;\nEND;",
          "note m/1.sql:2: START TRANSACTION, and END at line 4, are left out: skein begins and "
          "ends the transaction\n" },
        { TRANSACTION_DERIVED, "SET a = b;\nVACUUM;\nTABLE a;\nTABLE b;",
          "note m/1.sql: runs in 3 parts, each committed by itself: line 1 (SET), line 2 (VACUUM) "
          "outside a transaction, lines 3 to 4 (TABLE …)\n" },
        { TRANSACTION_ONE, "-- c\nVACUUM",
          "warning m/1.sql:2: VACUUM cannot run in a transaction; skein runs it outside of one, "
          "but "
          "the tool begins one\n" },
        { TRANSACTION_EACH, "TABLE a;TABLE a;TABLE a;TABLE a;TABLE a;TABLE a;TABLE a",
          "note m/1.sql: runs in 7 parts, each committed by itself: line 1 (TABLE), line 1 "
          "(TABLE), "
          "line 1 (TABLE), line 1 (TABLE), line 1 (TABLE), line 1 (TABLE), …\n" },
        { TRANSACTION_DERIVED, "BEGIN;\nBEGIN;\nCOMMIT",
          "warning m/1.sql:2: BEGIN in a transaction that has begun already: left out\n"
          "note m/1.sql:1: BEGIN, and COMMIT at line 3, are left out: skein begins and ends the "
          "transaction\n" },
        { TRANSACTION_EACH, "TABLE a;\nCOMMIT",
          "warning m/1.sql:2: COMMIT without BEGIN: left out\n" },
        { TRANSACTION_EACH, "LOCK TABLE a;\nSET LOCAL b = c",
          "warning m/1.sql:1: LOCK TABLE in a transaction of its own, with which its effect ends: "
          "put it between BEGIN and COMMIT, with what it is for\n"
          "warning m/1.sql:2: SET LOCAL in a transaction of its own, with which its effect ends: "
          "put it between BEGIN and COMMIT, with what it is for\n"
          "note m/1.sql: runs in 2 parts, each committed by itself: line 1 (LOCK TABLE), line 2 "
          "(SET)\n" },
        { TRANSACTION_EACH, "lock a",
          "warning m/1.sql:1: LOCK in a transaction of its own, with which its effect ends: "
          "put it between BEGIN and COMMIT, with what it is for\n" },
        { TRANSACTION_EACH, "SAVEPOINT a",
          "warning m/1.sql:1: SAVEPOINT in a transaction of its own, with which its effect ends: "
          "put it between BEGIN and COMMIT, with what it is for\n" },
        { TRANSACTION_EACH, "SET a = b", "" },
        { TRANSACTION_DERIVED, "LOCK TABLE a; SET LOCAL b = c", "" },
        { TRANSACTION_DERIVED, "TABLE a;\nDO 'begin commit; end'",
          "warning m/1.sql:2: DO whose body ends transactions, within one: it fails with 2D000 when "
          "it comes to that; \"-- skein: no-transaction\" at the head of the file has each "
          "statement run by itself\n" },
        { TRANSACTION_EACH, "BEGIN;\nDO 'begin rollback; end';\nCOMMIT",
          "warning m/1.sql:2: DO whose body ends transactions, within one: it fails with 2D000 when "
          "it comes to that; take it out of BEGIN and COMMIT\n"
          "note m/1.sql:1: BEGIN, and COMMIT at line 3, are left out: skein begins and ends the "
          "transaction\n" },
        { TRANSACTION_DERIVED, "TABLE a;\nCOMMIT",
          "warning m/1.sql:2: COMMIT without BEGIN: what stands above it is committed by "
          "itself\n" },
        { TRANSACTION_DERIVED, "CREATE TEMP TABLE a ();\nVACUUM;\nCREATE TEMP TABLE b ();",
          "note m/1.sql: runs in 3 parts, each committed by itself: line 1 (CREATE TABLE), line 2 "
          "(VACUUM) outside a transaction, line 3 (CREATE TABLE)\n"
          "warning m/1.sql:1: CREATE TABLE of something temporary: later parts of this migration "
          "may run in another session, without it\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Cutting) cutting = { 0 };
        AUTO(Str) got = { 0 };
        cut(&cutting, CASES[i].rule, CASES[i].sql);
        assert_case(CASES[i].sql, cutting.err.message, "");
        describe_notes(&cutting, &got);
        assert_case(CASES[i].sql, str_text(&got), CASES[i].note);
    }
}

static void more_parts_than_a_plan_may_have_are_refused(void **state)
{
    (void)state;
    AUTO(Cutting) cutting = { 0 };
    AUTO(Str) sql = { 0 };
    for (int i = 0; i <= PLAN_PARTS_MAX; i++) {
        str_append(&sql, "TABLE t;");
    }
    cut(&cutting, TRANSACTION_EACH, str_text(&sql));
    assert_int_equal(cutting.code, ERR_LIMIT);
    assert_string_equal(cutting.err.message,
                        "m/1.sql: 10001 transactions and statements outside of one, and a "
                        "migration has at most 10000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_cuts_in_its_own_way),
        cmocka_unit_test(a_query_of_one_statement_is_by_itself),
        cmocka_unit_test(a_lone_block_that_commits_needs_no_transaction),
        cmocka_unit_test(statements_of_one_query_stay_together),
        cmocka_unit_test(a_statement_that_is_a_whole_query_may_end_transactions),
        cmocka_unit_test(what_is_done_to_a_file_is_told),
        cmocka_unit_test(more_parts_than_a_plan_may_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
