/* The limit of open files, in processes of their own: a hard limit that is lowered stays low. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/descriptors.h"

#define SOFT 64
#define HARD 128

/* Under the two limits. 0: all is as it should be. */
static int exit_code_of(int (*body)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit limit = { .rlim_cur = SOFT, .rlim_max = HARD };
        _exit(setrlimit(RLIMIT_NOFILE, &limit) != 0 ? 99 : body());
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int require_what_there_may_be(void)
{
    struct rlimit limit = { 0 };
    Err err = { 0 };
    if (descriptors_require(HARD, &err) != ERR_NONE) {
        return 1;
    }
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == HARD ? 0 : 2;
}

static int require_one_more(void)
{
    Err err = { 0 };
    if (descriptors_require(HARD + 1, &err) != ERR_LIMIT) {
        return 1;
    }
    if (strcmp(err.message, "129 open files are needed, the limit is 128") != 0) {
        return 2;
    }
    return strstr(err.hint, "LimitNOFILE") == NULL ? 3 : 0;
}

static void the_limit_is_raised_as_far_as_it_may_be(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(require_what_there_may_be), 0);
}

static void too_low_a_limit_is_an_error_with_both_numbers(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(require_one_more), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_is_raised_as_far_as_it_may_be),
        cmocka_unit_test(too_low_a_limit_is_an_error_with_both_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
