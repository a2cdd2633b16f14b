/* err: codes, context, cutting. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/utf8.h"

static void every_code_has_a_unique_number_and_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < err_count(); i++) {
        ErrCode code = ERR_NONE;
        assert_true(err_from_name(err_name(err_at(i)), &code));
        assert_int_equal(code, err_at(i));
        assert_true(err_is_known((long)err_at(i)));
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(err_at(i), err_at(j));
        }
    }
}

/* They travel on the wire and lie in stores: a changed number is a broken fleet. */
static void numbers_stay_what_they_were(void **state)
{
    (void)state;
    assert_int_equal(ERR_CONFIG, 3);
    assert_int_equal(ERR_STORE_TERM, 18);
    assert_int_equal(ERR_FENCED, 25);
    assert_int_equal(ERR_UNPROVEN, 38);
}

static void an_unknown_code_reads_as_a_bug(void **state)
{
    (void)state;
    ErrCode code = ERR_IO;
    assert_false(err_is_known(9999));
    assert_string_equal(err_name((ErrCode)9999), "unknown");
    assert_int_equal(err_exit_code((ErrCode)9999), EXIT_CODE_FAILED);
    assert_int_equal(err_retry_class((ErrCode)9999), RETRY_NEVER);
    assert_false(err_from_name("no such name", &code));
    assert_int_equal(code, ERR_IO);
}

static void setting_forgets_what_was_there(void **state)
{
    (void)state;
    Err err = { 0 };
    err_set_errno(&err, ERR_IO, ENOENT, "cannot open %s", "x");
    err_hint(&err, "look");
    text_format(err.sqlstate, sizeof(err.sqlstate), "57014");
    assert_int_equal(err_set(&err, ERR_USAGE, "no"), ERR_USAGE);
    assert_string_equal(err.message, "no");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.sqlstate, "");
    assert_int_equal(err.sys_errno, 0);
}

static void errno_is_kept_and_put_into_words(void **state)
{
    (void)state;
    Err err = { 0 };
    assert_int_equal(err_set_errno(&err, ERR_IO, ENOENT, "cannot open %s", "x"), ERR_IO);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_string_equal(err.message, "cannot open x: No such file or directory");
}

static void context_grows_outward_and_keeps_the_rest(void **state)
{
    (void)state;
    Err err = { 0 };
    err_set(&err, ERR_IO, "torn");
    err_hint(&err, "mend it");
    assert_int_equal(err_wrap(&err, "page %d", 7), ERR_IO);
    err_wrap(&err, "book");
    assert_int_equal(err_append(&err, " (line %d)", 3), ERR_IO);
    assert_string_equal(err.message, "book: page 7: torn (line 3)");
    assert_string_equal(err.hint, "mend it");
}

static void a_message_may_quote_the_error_it_replaces(void **state)
{
    (void)state;
    Err err = { 0 };
    err_set(&err, ERR_IO, "inner");
    err_set(&err, ERR_STORE, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
    err_wrap(&err, "%s", err.message);
    assert_string_equal(err.message, "outer (inner): outer (inner)");
}

static void no_error_is_wanted_by_a_null_pointer(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
    assert_int_equal(err_set_errno(NULL, ERR_LIMIT, EIO, "x"), ERR_LIMIT);
    err_wrap(NULL, "x");
    err_append(NULL, "x");
    err_hint(NULL, "x");
}

/* They go where only UTF-8 may, on the wire and into JSON, and servers need not speak it. */
static void whatever_is_quoted_an_error_is_utf8(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        { "gr\xF6\xDF"
          "er",
          "gr??er" },
        { "torn \xE2\x80", "torn ??" },
        { "sound ä€🦆", "sound ä€🦆" },
        { "\xC0\x80\xED\xA0\x80\xFF", "??????" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        Err err = { 0 };
        err_set(&err, ERR_SERVER, "%s", CASES[i][0]);
        assert_string_equal(err.message, CASES[i][1]);
        err_set_errno(&err, ERR_IO, ENOENT, "%s", CASES[i][0]);
        assert_memory_equal(err.message, CASES[i][1], strlen(CASES[i][1]));
        err_set(&err, ERR_IO, "x");
        err_wrap(&err, "%s", CASES[i][0]);
        assert_memory_equal(err.message, CASES[i][1], strlen(CASES[i][1]));
        err_hint(&err, "%s", CASES[i][0]);
        assert_string_equal(err.hint, CASES[i][1]);
    }
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    for (size_t size = 1; size < 20; size++) {
        char buffer[20] = "";
        size_t length = text_format(buffer, size, "%s", "äöüäöüäöüäöü");
        assert_int_equal(length, strlen(buffer));
        assert_true(length < size);
        assert_true(length == 0 || utf8_is_valid(buffer, length));
        assert_true(length == 0 || strcmp(buffer + length - strlen("…"), "…") == 0);
    }
    char exact[7];
    assert_int_equal(text_format(exact, sizeof(exact), "%s", "äöü"), 6);
    assert_string_equal(exact, "äöü");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_unique_number_and_name),
        cmocka_unit_test(numbers_stay_what_they_were),
        cmocka_unit_test(an_unknown_code_reads_as_a_bug),
        cmocka_unit_test(setting_forgets_what_was_there),
        cmocka_unit_test(errno_is_kept_and_put_into_words),
        cmocka_unit_test(context_grows_outward_and_keeps_the_rest),
        cmocka_unit_test(a_message_may_quote_the_error_it_replaces),
        cmocka_unit_test(no_error_is_wanted_by_a_null_pointer),
        cmocka_unit_test(whatever_is_quoted_an_error_is_utf8),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
