/* Classification of single statements. */
#include "sql_case.h"

#include "cli/source/classify.h"
#include "common/str.h"

static StatementFacts classify(const char *sql, Arena *arena)
{
    SqlText text = sql_case(sql, arena);
    SqlStatements statements = { 0 };
    Err err = { 0 };
    assert_int_equal(split_sql(&text, arena, &statements, &err), ERR_NONE);
    assert_int_equal(statements.count, 1);
    StatementFacts facts = { 0 };
    classify_statement(&text, &statements.items[0], statements.is_grammatical, arena, &facts);
    return facts;
}

static void kinds_are_the_words_of_command_tags(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *kind;
    } CASES[] = {
        { "create table t (x int)", "CREATE TABLE" },
        { "CREATE /* a */ UNLOGGED TABLE t (x int)", "CREATE TABLE" },
        { "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
          "CREATE FUNCTION" },
        { "CREATE UNIQUE INDEX i ON t (x)", "CREATE INDEX" },
        { "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
          "CREATE TRIGGER" },
        { "ALTER TABLE t RENAME COLUMN a TO b", "ALTER TABLE" },
        { "ALTER TABLESPACE s OWNER TO o", "ALTER TABLESPACE" },
        { "ALTER TYPE t RENAME VALUE 'a' TO 'b'", "ALTER TYPE" },
        { "ALTER TYPE t RENAME TO u", "ALTER TYPE" },
        { "DROP MATERIALIZED VIEW v", "DROP MATERIALIZED VIEW" },
        { "(SELECT 1)", "SELECT" },
        { "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "WITH" },
        { "insert into t values (1)", "INSERT" },
        { "REINDEX (VERBOSE) TABLE t", "REINDEX TABLE" },
        { "ROLLBACK TO s", "ROLLBACK" },
        { "DO $$ $$", "DO" },
        { "SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(CASES[i].sql, &arena);
        assert_case(CASES[i].sql, facts.kind, CASES[i].kind);
        assert_true(facts.is_transactional);
        assert_null(facts.refusal);
    }
}

/* What cannot run in a transaction, by PostgreSQL's PreventInTransactionBlock. */
static const struct {
    const char *sql;
    const char *kind;
    ProbeKind probe;
    const char *object;
    const char *detail;
} OUTSIDE[] = {
    { "CREATE INDEX CONCURRENTLY i ON t (x)", "CREATE INDEX CONCURRENTLY", PROBE_INDEX_VALID,
      "\"i\"", "\"t\"" },
    { "create unique index concurrently if not exists \"I\"\"x\" on only \"S\".T (x)",
      "CREATE INDEX CONCURRENTLY", PROBE_INDEX_VALID, "\"S\".\"I\"\"x\"", "\"S\".\"t\"" },
    { "DROP INDEX CONCURRENTLY IF EXISTS s.i", "DROP INDEX CONCURRENTLY", PROBE_INDEX_ABSENT,
      "\"s\".\"i\"", "" },
    { "DROP INDEX CONCURRENTLY i", "DROP INDEX CONCURRENTLY", PROBE_INDEX_ABSENT, "\"i\"", "" },
    { "ALTER TABLE s.p DETACH PARTITION p1 CONCURRENTLY",
      "ALTER TABLE DETACH PARTITION CONCURRENTLY", PROBE_PARTITION_DETACHED, "\"p1\"",
      "\"s\".\"p\"" },
    { "REINDEX INDEX CONCURRENTLY i", "REINDEX INDEX CONCURRENTLY", PROBE_REINDEXED, "\"i\"",
      "index" },
    { "REINDEX (CONCURRENTLY) TABLE t", "REINDEX TABLE CONCURRENTLY", PROBE_REINDEXED, "\"t\"",
      "table" },
    { "REINDEX (VERBOSE, CONCURRENTLY on) TABLE t", "REINDEX TABLE CONCURRENTLY", PROBE_REINDEXED,
      "\"t\"", "table" },
    { "REINDEX DATABASE d", "REINDEX DATABASE", PROBE_REPEATABLE, "", "" },
    { "REINDEX SCHEMA CONCURRENTLY s", "REINDEX SCHEMA CONCURRENTLY", PROBE_REINDEXED, "\"s\"",
      "schema" },
    { "REINDEX (CONCURRENTLY) DATABASE d", "REINDEX DATABASE CONCURRENTLY", PROBE_REINDEXED,
      "\"d\"", "database" },
    { "ALTER SUBSCRIPTION s ADD PUBLICATION p", "ALTER SUBSCRIPTION", PROBE_NONE, "", "" },
    { "REINDEX SCHEMA s", "REINDEX SCHEMA", PROBE_REPEATABLE, "", "" },
    { "VACUUM", "VACUUM", PROBE_REPEATABLE, "", "database" },
    { "VACUUM (ANALYZE)", "VACUUM", PROBE_REPEATABLE, "", "database" },
    { "VACUUM (FULL, ANALYZE) t", "VACUUM", PROBE_REPEATABLE, "", "" },
    { "CLUSTER", "CLUSTER", PROBE_REPEATABLE, "", "" },
    { "CREATE DATABASE d", "CREATE DATABASE", PROBE_NAMED_PRESENT, "d", "database" },
    { "DROP DATABASE d", "DROP DATABASE", PROBE_NAMED_ABSENT, "d", "database" },
    { "ALTER DATABASE d SET TABLESPACE s", "ALTER DATABASE", PROBE_REPEATABLE, "", "" },
    { "CREATE TABLESPACE s LOCATION '/x'", "CREATE TABLESPACE", PROBE_NAMED_PRESENT, "s",
      "tablespace" },
    { "DROP TABLESPACE s", "DROP TABLESPACE", PROBE_NAMED_ABSENT, "s", "tablespace" },
    { "ALTER SYSTEM SET work_mem = '8MB'", "ALTER SYSTEM", PROBE_REPEATABLE, "", "" },
    { "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", "CREATE SUBSCRIPTION",
      PROBE_NAMED_PRESENT, "s", "subscription" },
    { "ALTER SUBSCRIPTION s REFRESH PUBLICATION", "ALTER SUBSCRIPTION", PROBE_REPEATABLE, "", "" },
    { "ALTER SUBSCRIPTION s SET PUBLICATION p", "ALTER SUBSCRIPTION", PROBE_REPEATABLE, "", "" },
    { "DROP SUBSCRIPTION s", "DROP SUBSCRIPTION", PROBE_NAMED_ABSENT, "s", "subscription" },
};

static void what_cannot_run_in_a_transaction_is_known_with_its_probe(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(OUTSIDE); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(OUTSIDE[i].sql, &arena);
        assert_case(OUTSIDE[i].sql, facts.kind, OUTSIDE[i].kind);
        assert_case(OUTSIDE[i].sql, facts.object, OUTSIDE[i].object);
        assert_case(OUTSIDE[i].sql, facts.detail, OUTSIDE[i].detail);
        assert_int_equal(facts.probe, OUTSIDE[i].probe);
        assert_false(facts.is_transactional);
        assert_null(facts.refusal);
    }
}

static void what_only_looks_like_it_runs_in_a_transaction(void **state)
{
    (void)state;
    static const char *const SQLS[] = {
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "CREATE INDEX \"concurrently\" ON t (x)",
        "REINDEX TABLE t",
        "REINDEX (CONCURRENTLY false) TABLE t",
        "ANALYZE t",
        "CLUSTER t USING i",
        "ALTER DATABASE d SET work_mem = '8MB'",
        "ALTER DATABASE d CONNECTION LIMIT 5",
        "ALTER TABLE p DETACH PARTITION p1",
        "ALTER TABLE p DETACH PARTITION p1 FINALIZE",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false)",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (create_slot = off)",
        "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)",
        "ALTER SUBSCRIPTION s DISABLE",
        "DISCARD TEMP",
        "LISTEN x",
        "SAVEPOINT s",
        "RELEASE s",
        "ROLLBACK TO SAVEPOINT s",
        "SELECT 'VACUUM', 'pg_advisory_unlock_all()'",
        "SELECT pg_advisory_unlock(1)",
    };
    for (size_t i = 0; i < ARRAY_LEN(SQLS); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(SQLS[i], &arena);
        if (!facts.is_transactional || facts.refusal != NULL || facts.probe != PROBE_NONE) {
            fail_msg("%s: %s", SQLS[i], facts.refusal == NULL ? "not taken" : facts.refusal);
        }
    }
}

static void a_label_added_to_an_enum_is_transactional_with_a_note(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    StatementFacts facts =
        classify("ALTER TYPE s.\"Mood\" ADD VALUE IF NOT EXISTS 'it''s' AFTER 'ok'", &arena);
    assert_true(facts.is_transactional);
    assert_string_equal(facts.kind, "ALTER TYPE ADD VALUE");
    assert_int_equal(facts.probe, PROBE_ENUM_LABEL);
    assert_string_equal(facts.object, "\"s\".\"Mood\"");
    assert_string_equal(facts.detail, "it's");
    assert_string_equal(facts.note,
                        "ALTER TYPE … ADD VALUE: the new label cannot be used before this "
                        "migration's transaction has ended");
}

static void what_no_migration_may_hold_is_refused(void **state)
{
    (void)state;
    static const char UNLOCK[] =
        "pg_advisory_unlock_all: it would release skein's own lock on the database";
    static const char UNTOLD[] = "skein cannot tell which index this statement is about";
    static const struct {
        const char *sql;
        const char *refusal;
    } CASES[] = {
        { "COMMIT AND CHAIN",
          "COMMIT AND CHAIN inside a migration: skein begins and ends the transaction" },
        { "ROLLBACK", "ROLLBACK inside a migration: skein begins and ends the transaction" },
        { "ABORT", "ABORT inside a migration: skein begins and ends the transaction" },
        { "START TRANSACTION READ ONLY",
          "START TRANSACTION READ ONLY: skein writes its history in the transaction" },
        { "PREPARE TRANSACTION 'x'",
          "PREPARE TRANSACTION inside a migration: skein begins and ends the transaction" },
        { "COMMIT PREPARED 'x'",
          "COMMIT PREPARED inside a migration: skein begins and ends the transaction" },
        { "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
          "SET TRANSACTION READ ONLY: skein writes its history in the transaction" },
        { "DISCARD ALL", "DISCARD ALL: it would release skein's own lock on the database" },
        { "SELECT pg_catalog.Pg_Advisory_Unlock_All()", UNLOCK },
        { "DO $$ BEGIN PERFORM pg_advisory_unlock_all(); END $$", UNLOCK },
        { "CREATE INDEX CONCURRENTLY ON t (x)",
          "CREATE INDEX CONCURRENTLY without a name for the index" },
        { "DROP INDEX CONCURRENTLY a, b",
          "DROP INDEX CONCURRENTLY of several indexes, which PostgreSQL does not do" },
        { "CREATE INDEX CONCURRENTLY i ON t (x) FUTURE", UNTOLD },
        { "COMMIT FUTURE", "COMMIT inside a migration: skein begins and ends the transaction" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(CASES[i].sql, &arena);
        assert_case(CASES[i].sql, facts.refusal == NULL ? "(taken)" : facts.refusal,
                    CASES[i].refusal);
        assert_true(facts.hint != NULL && facts.hint[0] != '\0');
    }
}

/* What it says is said by the SET TRANSACTION in its place. */
static void the_options_of_a_begin_are_those_of_its_transaction(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *opening;
    } CASES[] = {
        { "BEGIN ISOLATION LEVEL SERIALIZABLE", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE" },
        { "begin /* w */ work isolation level\n repeatable read, read write",
          "SET TRANSACTION isolation level\n repeatable read, read write" },
        { "START TRANSACTION READ WRITE ISOLATION LEVEL SERIALIZABLE NOT DEFERRABLE",
          "SET TRANSACTION READ WRITE ISOLATION LEVEL SERIALIZABLE NOT DEFERRABLE" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(CASES[i].sql, &arena);
        assert_int_equal(facts.edge, TRANSACTION_EDGE_BEGIN);
        assert_true(facts.is_opening);
        assert_null(facts.refusal);
        assert_case(CASES[i].sql, facts.opening, CASES[i].opening);
    }
}

static void only_edges_of_one_transaction_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        TransactionEdge edge;
    } CASES[] = {
        { "BEGIN", TRANSACTION_EDGE_BEGIN },
        { "BEGIN WORK", TRANSACTION_EDGE_BEGIN },
        { "START TRANSACTION", TRANSACTION_EDGE_BEGIN },
        { "COMMIT", TRANSACTION_EDGE_COMMIT },
        { "END TRANSACTION", TRANSACTION_EDGE_COMMIT },
        { "BEGIN ISOLATION LEVEL SERIALIZABLE", TRANSACTION_EDGE_BEGIN },
        { "COMMIT AND CHAIN", TRANSACTION_EDGE_NONE },
        { "ROLLBACK", TRANSACTION_EDGE_NONE },
        { "SELECT 1", TRANSACTION_EDGE_NONE },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(CASES[i].sql, &arena);
        assert_int_equal(facts.edge, CASES[i].edge);
    }
}

/* By the tokens of the body: a word in a string, a comment or a name ends nothing. */
static void a_block_that_ends_transactions_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bool ends;
    } CASES[] = {
        { "DO $$BEGIN UPDATE t SET a = 1; COMMIT; END$$", true },
        { "DO LANGUAGE plpgsql 'begin loop rollback and chain; end loop; end'", true },
        { "DO $$BEGIN IF a THEN commit /* c */; END IF; END$$", true },
        { "DO $$BEGIN <<here>> COMMIT; END$$", true },
        { "DO $$BEGIN RAISE NOTICE 'we COMMIT; at once'; END$$", false },
        { "DO $$BEGIN -- COMMIT;\nPERFORM f(); END$$", false },
        { "DO $$DECLARE commit int; BEGIN commit := 1; END$$", false },
        { "DO $$BEGIN INSERT INTO log (rollback) VALUES (1); END$$", false },
        { "DO $$BEGIN EXCEPTION WHEN transaction_rollback THEN END$$", false },
        { "DO LANGUAGE plpython3u 'plpy.commit()'", true },
        { "DO LANGUAGE plpython3u 'plpy.execute(1)'", false },
        { "CALL p()", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(CASES[i].sql, &arena);
        assert_case(CASES[i].sql, facts.ends_transactions ? "ends" : "none",
                    CASES[i].ends ? "ends" : "none");
    }
}

static void settings_of_the_session_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bool is_setting;
    } CASES[] = {
        { "SET search_path TO a, b", true },
        { "SET SESSION lock_timeout = '1s'", true },
        { "SET LOCAL lock_timeout = '1s'", false },
        { "SET TIME ZONE 'UTC'", true },
        { "SET ROLE r", true },
        { "SET SESSION AUTHORIZATION r", true },
        { "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", true },
        { "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", false },
        { "RESET ALL", true },
        { "SET CONSTRAINTS ALL DEFERRED", false },
        { "SELECT pg_catalog.set_config('search_path', '', false)", true },
        { "SELECT set_config('a.b', 'c', true)", false },
        { "SELECT set_config('a.b', c, false) FROM t", false },
        { "SELECT set_config('a.b', 'c', false), 1", false },
        { "SELECT set_config", false },
        { "ALTER ROLE r SET a = b", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(CASES[i].sql, &arena);
        assert_case(CASES[i].sql, facts.is_setting ? "setting" : "none",
                    CASES[i].is_setting ? "setting" : "none");
    }
}

static void what_ends_with_the_session_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bool is_temporary;
    } CASES[] = {
        { "CREATE TEMP TABLE a ()", true },
        { "CREATE TEMPORARY TABLE a AS SELECT 1", true },
        { "CREATE TEMP VIEW a AS SELECT 1", true },
        { "CREATE TABLE a ()", false },
        { "CREATE UNLOGGED TABLE a AS SELECT 1", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(CASES[i].sql, &arena);
        assert_int_equal(facts.is_temporary, CASES[i].is_temporary);
    }
}

static void words_judge_what_the_grammar_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *kind;
        bool is_transactional;
        const char *near;
    } CASES[] = {
        { "REPACK t", "REPACK", true, "REPACK" },
        { "REPACK CONCURRENTLY t", "REPACK", false, "REPACK" },
        { "ALTER TABLE t FUTURE", "ALTER TABLE", true, "FUTURE" },
        { "VACUUM ONLY t", "VACUUM", false, "ONLY" },
        { "REFRESH MATERIALIZED VIEW CONCURRENTLY v FUTURE",
          "REFRESH MATERIALIZED VIEW CONCURRENTLY", true, "FUTURE" },
        { "ROLLBACK TO s FUTURE", "ROLLBACK", true, "FUTURE" },
        { "ALTER SYSTEMIC x", "ALTER", true, "SYSTEMIC" },
        { "CREATE DATABASE d FUTURE ( x )", "CREATE DATABASE", false, "(" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        StatementFacts facts = classify(CASES[i].sql, &arena);
        assert_case(CASES[i].sql, facts.kind, CASES[i].kind);
        assert_int_equal(facts.is_transactional, CASES[i].is_transactional);
        assert_null(facts.refusal);
        assert_case(CASES[i].sql, facts.warning,
                    arena_printf(&arena,
                                 "PostgreSQL 15's grammar refuses this statement: syntax error "
                                 "at or near \"%s\"",
                                 CASES[i].near));
    }
}

static void a_first_word_of_any_length_is_a_short_kind(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    char sql[400] = "";
    memset(sql, 'x', 300);
    StatementFacts facts = classify(sql, &arena);
    assert_string_equal(facts.kind, "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
}

static void a_statement_too_deep_for_a_tree_is_judged_by_words(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) sql = { 0 };
    str_append(&sql, "CREATE VIEW v AS SELECT 1");
    for (int i = 0; i < 200000; i++) {
        str_append(&sql, "+1");
    }
    StatementFacts facts = classify(str_text(&sql), &arena);
    assert_string_equal(facts.kind, "CREATE VIEW");
    assert_true(facts.is_transactional);
    assert_null(facts.warning);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_the_words_of_command_tags),
        cmocka_unit_test(what_cannot_run_in_a_transaction_is_known_with_its_probe),
        cmocka_unit_test(what_only_looks_like_it_runs_in_a_transaction),
        cmocka_unit_test(a_label_added_to_an_enum_is_transactional_with_a_note),
        cmocka_unit_test(what_no_migration_may_hold_is_refused),
        cmocka_unit_test(the_options_of_a_begin_are_those_of_its_transaction),
        cmocka_unit_test(only_edges_of_one_transaction_are_understood),
        cmocka_unit_test(a_block_that_ends_transactions_is_known),
        cmocka_unit_test(settings_of_the_session_are_known),
        cmocka_unit_test(what_ends_with_the_session_is_known),
        cmocka_unit_test(words_judge_what_the_grammar_refuses),
        cmocka_unit_test(a_first_word_of_any_length_is_a_short_kind),
        cmocka_unit_test(a_statement_too_deep_for_a_tree_is_judged_by_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
