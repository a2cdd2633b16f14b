/* Directives in the leading comment. */
#include "sql_case.h"

#include "cli/source/directive.h"

static void directives_are_read_from_the_leading_comment(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        Directives wanted;
    } CASES[] = {
        { "SELECT 1", { 0 } },
        { "-- an ordinary comment about skein: nothing\nSELECT 1", { 0 } },
        { "-- skein: no-transaction\nSELECT 1", { .no_transaction_line = 1 } },
        { "\xEF\xBB\xBF\r\n--Skein:NO-TRANSACTION\r\nSELECT 1", { .no_transaction_line = 2 } },
        { "/* licence */\n\n-- skein: lock-timeout=5s\n-- skein: irreversible\nSELECT 1",
          { .lock_timeout_line = 3, .lock_timeout_ms = 5000, .irreversible_line = 4 } },
        { "-- skein: lock-timeout=250ms, irreversible",
          { .lock_timeout_line = 1, .lock_timeout_ms = 250, .irreversible_line = 1 } },
        { "-- skein: watchdog=0/200ms",
          { .watchdog_line = 1, .watchdog = { .blocked_sessions = 0, .for_ms = 200 } } },
        { "-- skein: lock-timeout=1s, watchdog=off",
          { .lock_timeout_line = 1, .lock_timeout_ms = 1000, .watchdog_line = 1 } },
        { "-- skein: tolerate-warnings, irreversible",
          { .tolerate_warnings_line = 1, .irreversible_line = 1 } },
        { "/* skein: no-transaction */ SELECT 1", { 0 } },
        { "SELECT $$\n-- skein: no-transaction\n$$, '\n-- skein: x'", { 0 } },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        SqlText text = sql_case(CASES[i].sql, &arena);
        Directives got = { 0 };
        Err err = { 0 };
        if (directives_read(&text, &got, &err) != ERR_NONE) {
            fail_msg("%s: %s", CASES[i].sql, err.message);
        }
        assert_memory_equal(&got, &CASES[i].wanted, sizeof(got));
    }
}

static void a_wrong_directive_is_an_error_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *message;
        const char *hint;
    } CASES[] = {
        { "-- skein: no-transactions\nSELECT 1", "m/1.sql:1: unknown directive \"no-transactions\"",
          "did you mean \"no-transaction\"?" },
        { "--\n-- skein: ireversible", "m/1.sql:2: unknown directive \"ireversible\"",
          "did you mean \"irreversible\"?" },
        { "-- skein: xyzzy", "m/1.sql:1: unknown directive \"xyzzy\"",
          "the directives are no-transaction, lock-timeout=5s, watchdog=20/5s, irreversible, "
          "tolerate-warnings, allow RULE REASON, allow-file RULE REASON" },
        { "-- skein: alow-file x y", "m/1.sql:1: unknown directive \"alow-file\"",
          "did you mean \"allow-file\"?" },
        { "-- skein:", "m/1.sql:1: \"skein:\" without a directive", "" },
        { "-- skein: irreversible=yes", "m/1.sql:1: directive \"irreversible\" takes no value",
          "" },
        { "-- skein: lock-timeout",
          "m/1.sql:1: directive \"lock-timeout\" needs a duration from 1ms to 24d, not \"\"",
          "for example lock-timeout=5s" },
        { "-- skein: lock-timeout=5",
          "m/1.sql:1: directive \"lock-timeout\" needs a duration from 1ms to 24d, not \"5\"",
          "for example lock-timeout=5s" },
        { "-- skein: lock-timeout=0",
          "m/1.sql:1: directive \"lock-timeout\" needs a duration from 1ms to 24d, not \"0\"",
          "for example lock-timeout=5s" },
        { "-- skein: lock-timeout=25d",
          "m/1.sql:1: directive \"lock-timeout\" needs a duration from 1ms to 24d, not \"25d\"",
          "for example lock-timeout=5s" },
        { "-- skein: watchdog=5",
          "m/1.sql:1: directive \"watchdog\" needs sessions and a duration up to 1h, or off, not "
          "\"5\"",
          "for example watchdog=20/5s" },
        { "-- skein: watchdog=5/0s",
          "m/1.sql:1: directive \"watchdog\" needs sessions and a duration up to 1h, or off, not "
          "\"5/0s\"",
          "for example watchdog=20/5s" },
        { "-- skein: irreversible\n-- skein: irreversible",
          "m/1.sql:2: directive \"irreversible\" is said twice, first at line 1", "" },
        { "-- c\nSELECT 1;\n-- skein: no-transaction",
          "m/1.sql:3: a directive after the first statement", "move it above line 2" },
        { "SELECT 1; -- skein: irreversible", "m/1.sql:1: a directive after the first statement",
          "move it above line 1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        SqlText text = sql_case(CASES[i].sql, &arena);
        Directives got = { 0 };
        Err err = { 0 };
        assert_int_equal(directives_read(&text, &got, &err), ERR_SYNTAX);
        assert_case(CASES[i].sql, err.message, CASES[i].message);
        assert_case(CASES[i].sql, err.hint, CASES[i].hint);
    }
}

static void a_directive_of_any_length_is_refused_in_a_short_message(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    char sql[400] = "-- skein: ";
    memset(sql + strlen(sql), 'x', 300);
    SqlText text = sql_case(sql, &arena);
    Directives got = { 0 };
    Err err = { 0 };
    assert_int_equal(directives_read(&text, &got, &err), ERR_SYNTAX);
    assert_string_equal(err.message, "m/1.sql:1: unknown directive "
                                     "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directives_are_read_from_the_leading_comment),
        cmocka_unit_test(a_wrong_directive_is_an_error_with_its_line),
        cmocka_unit_test(a_directive_of_any_length_is_refused_in_a_short_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
