/* cli/credential.c: where a token is read from, and where it does not go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "cli/credential.h"
#include "common/file.h"

#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOKEN "skein_0011223344556677_" SECRET

static void write_file(const char *path, const char *text, mode_t mode)
{
    (void)unlink(path);
    assert_int_equal(file_write_new(path, text, strlen(text), mode, NULL), ERR_NONE);
}

static void a_token_comes_from_the_file_before_the_variable(void **state)
{
    (void)state;
    char path[] = "/tmp/skein-token-XXXXXX";
    close(mkstemp(path));
    Options options = { .token_file = path };
    AUTO_PTR(Secret) header = NULL;
    write_file(path, TOKEN "\n", 0600);
    setenv("SKEIN_TOKEN", "skein_other", 1);
    assert_int_equal(credential_find(&options, "http://localhost:1", &header, NULL), ERR_NONE);
    assert_string_equal(secret_reveal(header), "Authorization: Bearer " TOKEN);
    options.token_file = NULL;
    AUTO_PTR(Secret) other = NULL;
    setenv("SKEIN_TOKEN", TOKEN, 1);
    assert_int_equal(credential_find(&options, "https://x", &other, NULL), ERR_NONE);
    assert_string_equal(secret_reveal(other), "Authorization: Bearer " TOKEN);
    AUTO_PTR(Secret) none = NULL;
    unsetenv("SKEIN_TOKEN");
    assert_int_equal(credential_find(&options, "https://x", &none, NULL), ERR_NONE);
    assert_null(none);
    unlink(path);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/skein-token-XXXXXX";
    close(mkstemp(path));
    const Options options = { .token_file = path };
    AUTO_PTR(Secret) header = NULL;
    Err err = { 0 };
    write_file(path, TOKEN, 0640);
    assert_int_equal(credential_find(&options, "https://x", &header, &err), ERR_FORBIDDEN);
    assert_non_null(strstr(err.hint, "chmod 600"));
    unlink(path);
}

static void what_is_no_token_is_refused_and_not_shown(void **state)
{
    (void)state;
    static const char *const WRONG[] = { "hunter2", "skein_0011\r\nX-Evil: 1", "skein_zz",
                                         "skein_ 00" };
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
        AUTO_PTR(Secret) header = NULL;
        const Options options = { 0 };
        Err err = { 0 };
        setenv("SKEIN_TOKEN", WRONG[i], 1);
        assert_int_equal(credential_find(&options, "https://x", &header, &err), ERR_CONFIG);
        assert_null(strstr(err.message, WRONG[i]));
    }
    unsetenv("SKEIN_TOKEN");
}

static void a_token_does_not_go_over_the_network_in_the_clear(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool is_fine;
    } CASES[] = {
        { "http://127.0.0.1:8420", true },
        { "http://localhost", true },
        { "http://[::1]:8420/", true },
        { "https://coordinator.example", true },
        { "http://coordinator.example", false },
        { "http://127.0.0.1.evil.example", false },
        { "http://localhost:80@evil.example", false },
        { "http://10.0.0.1:8420", false },
    };
    setenv("SKEIN_TOKEN", TOKEN, 1);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Secret) header = NULL;
        const Options options = { 0 };
        ErrCode code = credential_find(&options, CASES[i].address, &header, NULL);
        if ((code == ERR_NONE) != CASES[i].is_fine) {
            fail_msg("%s", CASES[i].address);
        }
    }
    unsetenv("SKEIN_TOKEN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_comes_from_the_file_before_the_variable),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
        cmocka_unit_test(what_is_no_token_is_refused_and_not_shown),
        cmocka_unit_test(a_token_does_not_go_over_the_network_in_the_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
