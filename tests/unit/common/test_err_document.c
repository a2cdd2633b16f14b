/* docs/errors.md: one row per error code, as common/err.h has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/file.h"
#include "common/str.h"

#define DOCUMENT SKEIN_SOURCE_DIR "/docs/errors.md"
#define DOCUMENT_BYTES_MAX (1024u * 1024)

static const char *const TRIED_AGAIN[] = {
    [RETRY_NEVER] = "no",
    [RETRY_BACKOFF] = "yes",
    [RETRY_LOOK] = "by looking",
};

static void read_document(Str *text)
{
    Err err = { 0 };
    assert_int_equal(file_read(DOCUMENT, DOCUMENT_BYTES_MAX, text, &err), ERR_NONE);
}

static void every_code_has_its_row(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    read_document(&text);
    for (size_t i = 0; i < err_count(); i++) {
        ErrCode code = err_at(i);
        AUTO(Str) row = { 0 };
        str_printf(&row, "\n| `%s` | %d | %s | %s | ", err_name(code), (int)err_exit_code(code),
                   TRIED_AGAIN[err_retry_class(code)], err_text(code));
        if (code != ERR_NONE && strstr(str_text(&text), str_text(&row)) == NULL) {
            fail_msg("docs/errors.md lacks the row:%s…", str_text(&row));
        }
    }
}

static void no_row_is_of_a_code_that_is_none(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    read_document(&text);
    size_t count = 0;
    for (const char *at = strstr(str_text(&text), "\n| `"); at != NULL;
         at = strstr(at + 1, "\n| `")) {
        count++;
    }
    assert_int_equal(count, err_count() - 1); /* all but "none" */
}

static void every_exit_code_is_told(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    read_document(&text);
    for (int code = EXIT_CODE_DONE; code <= EXIT_CODE_PAUSED; code++) {
        AUTO(Str) row = { 0 };
        str_printf(&row, "\n| %d | ", code);
        assert_non_null(strstr(str_text(&text), str_text(&row)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_row),
        cmocka_unit_test(no_row_is_of_a_code_that_is_none),
        cmocka_unit_test(every_exit_code_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
