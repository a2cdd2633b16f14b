/*
 * A process and its machine: what others see of it. The program starts itself anew, with an
 * environment of its own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/environment.h"
#include "common/process.h"

#define PLANTED "planted-7f3a"
#define NOBODY 65534
#define TEXT_MAX 65536

typedef int (*Life)(void);

static size_t own_environment(char text[TEXT_MAX])
{
    FILE *file = fopen("/proc/self/environ", "re");
    size_t length = file == NULL ? 0 : fread(text, 1, TEXT_MAX, file);
    if (file != NULL) {
        fclose(file);
    }
    return length;
}

static int hides(void)
{
    static char text[TEXT_MAX];
    size_t before = own_environment(text);
    if (memmem(text, before, PLANTED, strlen(PLANTED)) == NULL) {
        return 1; /* what is looked for cannot be found this way */
    }
    environment_hide();
    size_t after = own_environment(text);
    return after == before && memmem(text, after, PLANTED, strlen(PLANTED)) == NULL ? 0 : 2;
}

static int keeps(void)
{
    environment_hide();
    setenv("LATER", "1", 1);
    const char *first = getenv("PGPASSWORD");
    const char *second = getenv("EMPTY");
    return first != NULL && strcmp(first, PLANTED) == 0 && second != NULL && second[0] == '\0' &&
                   getenv("LATER") != NULL
               ? 0
               : 1;
}

/* What others of the same user would have to get by. */
static int seals(void)
{
    struct rlimit core = { 1, 1 };
    process_seal();
    getrlimit(RLIMIT_CORE, &core);
    return core.rlim_cur == 0 && core.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
                   strcmp(getenv("PGPASSWORD"), PLANTED) == 0
               ? 0
               : 1;
}

static int leaves_no_core(void)
{
    process_seal();
    abort();
}

static int is_no_root(void)
{
    Err err = { 0 };
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
        return 1;
    }
    if (process_be_daemon("skein-test", &err) != ERR_NONE) {
        return 2;
    }
    return umask(0) == 0077 ? 0 : 3;
}

static const struct {
    const char *name;
    Life live;
} LIVES[] = {
    { "hides", hides },          { "keeps", keeps },           { "seals", seals },
    { "dumps", leaves_no_core }, { "is no root", is_no_root },
};

/* What waitpid says of this program living that life. */
static int live(const char *name)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        char life[32];
        snprintf(life, sizeof(life), "%s", name);
        char program[] = "test_process";
        char password[] = "PGPASSWORD=" PLANTED;
        char empty[] = "EMPTY=";
        char *argv[] = { program, life, NULL };
        char *variables[] = { password, empty, NULL };
        execve("/proc/self/exe", argv, variables);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void what_it_was_started_with_is_not_to_be_seen(void **state)
{
    (void)state;
    assert_int_equal(live("hides"), 0);
}

static void it_finds_its_environment_as_before(void **state)
{
    (void)state;
    assert_int_equal(live("keeps"), 0);
}

static void a_sealed_one_can_be_neither_dumped_nor_traced(void **state)
{
    (void)state;
    assert_int_equal(live("seals"), 0);
}

static void a_sealed_one_that_dies_leaves_no_core(void **state)
{
    (void)state;
    int status = live("dumps");
    assert_false(WCOREDUMP(status));
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0); /* a sanitizer exits */
}

static void a_daemon_is_not_root(void **state)
{
    (void)state;
    Err err = { 0 };
    mode_t before = umask(022);
    if (geteuid() == 0) {
        assert_int_equal(process_be_daemon("skein-test", &err), ERR_FORBIDDEN);
        assert_non_null(strstr(err.message, "skein-test does not run as root"));
        assert_non_null(strstr(err.hint, "runuser -u skein -- skein-test"));
    }
    umask(before);
    assert_int_equal(live("is no root"), 0);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(LIVES) / sizeof(LIVES[0]); i++) {
        if (strcmp(LIVES[i].name, argv[1]) == 0) {
            return LIVES[i].live();
        }
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_was_started_with_is_not_to_be_seen),
        cmocka_unit_test(it_finds_its_environment_as_before),
        cmocka_unit_test(a_sealed_one_can_be_neither_dumped_nor_traced),
        cmocka_unit_test(a_sealed_one_that_dies_leaves_no_core),
        cmocka_unit_test(a_daemon_is_not_root),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
