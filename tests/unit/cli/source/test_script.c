/* Scripts: one file's text as a plan runs it, and every reason to refuse it. */
#include "sql_case.h"

#include "cli/source/script.h"
#include "common/str.h"

typedef struct Reading {
    Script script;
    Err err;
    ErrCode code;
    SourceNotes notes;
} Reading;

static void reading_done(Reading *reading)
{
    source_notes_done(&reading->notes);
}

AUTO_DEFINE(Reading, reading_done)

static Reading read_script(const char *sql, Arena *arena)
{
    Reading reading = { .notes.arena = arena };
    ScriptInput input = { .file = "m/1.sql", .bytes = { (const uint8_t *)sql, strlen(sql) } };
    reading.code = script_read(&input, &reading.notes, arena, &reading.script, &reading.err);
    return reading;
}

/* "tx LINE|KIND|SQL …" or "single …", for each part; enough to tell what would run and how. */
static void describe(const PlanScript *plan, Str *out)
{
    for (size_t p = 0; p < plan_part_count(plan); p++) {
        PartView part = plan_part_at(plan, p);
        str_printf(out, "%s%s", p == 0 ? "" : " / ", part.is_transactional ? "tx" : "single");
        for (size_t i = part.first; i < part.first + part.count; i++) {
            const PlanStatement *statement = &plan->statements[i];
            str_printf(out, " %u|%s|%s%s", statement->line, statement->kind, statement->sql,
                       statement->is_setting   ? "|setting"
                       : statement->is_opening ? "|opening"
                                               : "");
            if (statement->probe != PROBE_NONE) {
                str_printf(out, "|%u|%s|%s", statement->probe, statement->object,
                           statement->detail);
            }
        }
    }
}

static void scripts_are_what_a_plan_runs(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *script;
    } CASES[] = {
        { "", "tx" },
        { "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;\nSELECT 1",
          "tx 1|SET|SET TRANSACTION ISOLATION LEVEL REPEATABLE READ|opening 2|SELECT|SELECT 1" },
        { "BEGIN;SET LOCAL a.b = 1;SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE;COMMIT",
          "tx 1|SET|SET LOCAL a.b = 1 1|SET|SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ "
          "WRITE|opening" },
        { "SELECT 1;SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
          "tx 1|SELECT|SELECT 1 1|SET|SET TRANSACTION ISOLATION LEVEL SERIALIZABLE" },
        { "-- nothing to do\n", "tx" },
        { "-- skein: no-transaction\n", "tx" },
        { "CREATE TABLE t (x int);\r\nSELECT 1",
          "tx 1|CREATE TABLE|CREATE TABLE t (x int) 2|SELECT|SELECT 1" },
        { "BEGIN;\nSELECT 1;\nSAVEPOINT s;\nCOMMIT;",
          "tx 2|SELECT|SELECT 1 3|SAVEPOINT|SAVEPOINT s" },
        { "START TRANSACTION; END;", "tx" },
        { "SET a.b = 1;\nBEGIN ISOLATION LEVEL SERIALIZABLE;\nSET TRANSACTION NOT DEFERRABLE;\nTABLE t;\n"
          "COMMIT",
          "tx 1|SET|SET a.b = 1 2|BEGIN|SET TRANSACTION ISOLATION LEVEL SERIALIZABLE|opening "
          "3|SET|SET TRANSACTION NOT DEFERRABLE|opening 4|TABLE|TABLE t" },
        { "SELECT 1; COMMIT; START TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 2; COMMIT",
          "tx 1|SELECT|SELECT 1 / tx 1|START TRANSACTION|SET TRANSACTION ISOLATION LEVEL REPEATABLE "
          "READ|opening 1|SELECT|SELECT 2" },
        { "CREATE INDEX CONCURRENTLY i ON s.t (x)",
          "single 1|CREATE INDEX CONCURRENTLY|CREATE INDEX CONCURRENTLY i ON s.t (x)|1|\"s\".\"i\"|"
          "\"s\".\"t\"" },
        { "DROP INDEX CONCURRENTLY i",
          "single 1|DROP INDEX CONCURRENTLY|DROP INDEX CONCURRENTLY i|2|\"i\"|" },
        { "-- skein: no-transaction\nUPDATE t SET x = 1;", "tx 2|UPDATE|UPDATE t SET x = 1" },
        { "-- skein: no-transaction\nCALL p();", "single 2|CALL|CALL p()" },
        { "ALTER TYPE t ADD VALUE 'x'", "tx 1|ALTER TYPE ADD VALUE|ALTER TYPE t ADD VALUE 'x'" },
        { "-- skein: no-transaction\nALTER TYPE t ADD VALUE 'x'",
          "single 2|ALTER TYPE ADD VALUE|ALTER TYPE t ADD VALUE 'x'|3|\"t\"|x" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) got = { 0 };
        AUTO(Reading) reading = read_script(CASES[i].sql, &arena);
        assert_case(CASES[i].sql, reading.err.message, "");
        describe(&reading.script.plan, &got);
        assert_case(CASES[i].sql, str_text(&got), CASES[i].script);
    }
}

static const struct {
    const char *sql;
    const char *message;
    const char *hint;
} REFUSED[] = {
    { "SELECT 1;\n\nROLLBACK;\nSELECT 2",
      "m/1.sql:3: ROLLBACK inside a migration: skein begins and ends the transaction",
      "remove it; BEGIN and COMMIT are understood" },
    { "SELECT 1;\nBEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT 2; COMMIT",
      "m/1.sql:2: BEGIN with options in a transaction that has begun already",
      "put it at the head of the file, or COMMIT above it" },
    { "BEGIN; START TRANSACTION ISOLATION LEVEL SERIALIZABLE; COMMIT;",
      "m/1.sql:1: START TRANSACTION with options in a transaction that has begun already",
      "put it at the head of the file, or COMMIT above it" },
    { "\nBEGIN READ ONLY;\nSELECT 1; COMMIT",
      "m/1.sql:2: BEGIN READ ONLY: skein writes its history in the transaction",
      "remove READ ONLY: what only reads does so without it" },
    { "SELECT 1;\nBEGIN; SELECT 1;", "m/1.sql:2: BEGIN without COMMIT",
      "add the COMMIT, or remove the BEGIN: skein begins and ends the transaction" },
    { "BEGIN;\nVACUUM;\nCOMMIT;", "m/1.sql:2: VACUUM in the transaction that begins at line 1",
      "it cannot run in one: move it out, or remove BEGIN and COMMIT" },
    { "-- skein: no-transaction\nBEGIN;\nVACUUM; COMMIT;",
      "m/1.sql:3: VACUUM in the transaction that begins at line 2",
      "it cannot run in one: move it out, or remove BEGIN and COMMIT" },
    { "-- skein: lock-timeout=1s\nDROP INDEX CONCURRENTLY i",
      "m/1.sql:1: lock-timeout on a statement that runs without a transaction",
      "a short one would destroy a concurrent build; it gets the plan's timeouts.concurrent "
      "instead" },
    { "SELECT 1;\n\\connect other\nSELECT 2",
      "m/1.sql:2: a command of psql, not of the server: \\connect other",
      "a migration holds SQL alone; remove the line" },
    { "SELECT 1;\nSELECT 'it", "m/1.sql:2: unterminated quoted string", "" },
    { "-- skein: no-transactoin\nSELECT 1", "m/1.sql:1: unknown directive \"no-transactoin\"",
      "did you mean \"no-transaction\"?" },
};

static void what_a_script_may_not_hold_is_refused_with_line_and_hint(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Reading) reading = read_script(REFUSED[i].sql, &arena);
        assert_int_equal(reading.code, ERR_SYNTAX);
        assert_case(REFUSED[i].sql, reading.err.message, REFUSED[i].message);
        assert_case(REFUSED[i].sql, reading.err.hint, REFUSED[i].hint);
    }
}

static void notes_tell_what_was_left_out_and_what_looks_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        SourceNoteLevel level;
        const char *note;
    } CASES[] = {
        { "-- c\nBEGIN;\nSELECT 1;\nEND;", SOURCE_NOTE_INFO,
          "m/1.sql:2: BEGIN, and END at line 4, are left out: skein begins and ends the "
          "transaction" },
        { "SELECT 1;\nSELEC 2;", SOURCE_NOTE_WARNING,
          "m/1.sql:2: PostgreSQL 15's grammar refuses this statement: syntax error at or near "
          "\"SELEC\"" },
        { "SELECT 1;\nALTER TYPE t ADD VALUE 'x';", SOURCE_NOTE_INFO,
          "m/1.sql:2: ALTER TYPE … ADD VALUE: the new label cannot be used before this "
          "migration's transaction has ended" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Reading) reading = read_script(CASES[i].sql, &arena);
        assert_int_equal(reading.code, ERR_NONE);
        assert_int_equal(reading.notes.list.count, 1);
        assert_int_equal(reading.notes.list.items[0].level, CASES[i].level);
        assert_case(CASES[i].sql, reading.notes.list.items[0].text, CASES[i].note);
    }
}

static void each_statement_has_a_fingerprint_of_what_it_says(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Reading)
    one = read_script("BEGIN; SELECT 1; SELECT 'a';\nCOPY t FROM stdin;\n1\n\\.\nEND", &arena);
    AUTO(Reading)
    other = read_script("SELECT /* c */ 1 ;; SELECT  'A'; COPY t FROM stdin;\n2\n", &arena);
    assert_int_equal(one.script.fingerprints.length, 3 * FINGERPRINT_BYTES);
    assert_int_equal(other.script.fingerprints.length, 3 * FINGERPRINT_BYTES);
    static const bool SAME[] = { true, false, false };
    for (size_t i = 0; i < ARRAY_LEN(SAME); i++) {
        size_t at = i * FINGERPRINT_BYTES;
        assert_int_equal(memcmp(one.script.fingerprints.data + at,
                                other.script.fingerprints.data + at, FINGERPRINT_BYTES) == 0,
                         SAME[i]);
    }
}

static void the_lock_timeout_reaches_the_plan(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Reading) reading = read_script("-- skein: lock-timeout=5s\nSELECT 1", &arena);
    assert_int_equal(reading.code, ERR_NONE);
    assert_int_equal(reading.script.plan.lock_timeout_ms, 5000);
}

static void a_script_of_too_many_statements_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) sql = { 0 };
    for (int i = 0; i <= PLAN_STEPS_MAX; i++) {
        str_append(&sql, "TABLE t;");
    }
    AUTO(Reading) reading = read_script(str_text(&sql), &arena);
    assert_int_equal(reading.code, ERR_LIMIT);
    assert_string_equal(reading.err.message,
                        "m/1.sql: 100001 statements, and a migration has at most 100000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_are_what_a_plan_runs),
        cmocka_unit_test(what_a_script_may_not_hold_is_refused_with_line_and_hint),
        cmocka_unit_test(notes_tell_what_was_left_out_and_what_looks_wrong),
        cmocka_unit_test(each_statement_has_a_fingerprint_of_what_it_says),
        cmocka_unit_test(the_lock_timeout_reaches_the_plan),
        cmocka_unit_test(a_script_of_too_many_statements_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
