/* failpoint: what a specification makes a process do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/failpoint.h"

static int teardown(void **state)
{
    (void)state;
    unsetenv(FAILPOINT_VARIABLE);
    return (int)failpoint_set(NULL, NULL);
}

static void an_error_comes_at_its_passing_only(void **state)
{
    (void)state;
    Err err = { 0 };
    assert_int_equal(failpoint_set("a.b=error@2", &err), ERR_NONE);
    assert_int_equal(failpoint_pass_error("a.b", &err), ERR_NONE);
    assert_int_equal(failpoint_pass_error("other", &err), ERR_NONE);
    assert_int_equal(failpoint_pass_error("a.b", &err), ERR_IO);
    assert_string_equal(err.message, "failpoint 'a.b'");
    assert_int_equal(failpoint_pass_error("a.b", &err), ERR_NONE);
}

static void without_a_number_every_passing_counts(void **state)
{
    (void)state;
    Err err = { 0 };
    assert_int_equal(failpoint_set("x=error,y=delay:0", &err), ERR_NONE);
    assert_int_equal(failpoint_pass_error("x", &err), ERR_IO);
    assert_int_equal(failpoint_pass_error("x", &err), ERR_IO);
    assert_int_equal(failpoint_pass_error("y", &err), ERR_NONE);
}

/* The status of a child that passes "here" three times under `spec`. */
static int child_status(const char *spec, int wait_flags)
{
    pid_t pid = fork();
    if (pid == 0) {
        failpoint_set(spec, NULL);
        for (int i = 0; i < 3; i++) {
            failpoint_pass("here");
        }
        _exit(7);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, wait_flags), pid);
    if (WIFSTOPPED(status)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return status;
}

static void kill_ends_the_process_at_once(void **state)
{
    (void)state;
    int status = child_status("here=kill@3", 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    status = child_status("here=kill@4", 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void stop_freezes_the_process(void **state)
{
    (void)state;
    int status = child_status("here=stop", WUNTRACED);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(WSTOPSIG(status), SIGSTOP);
}

static void a_stop_of_so_long_is_over_after_it(void **state)
{
    (void)state;
    int status = child_status("here=stop:1@2", 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* Without descriptors, say: it would be stopped for good. */
static void a_stop_that_nobody_could_end_is_none(void **state)
{
    (void)state;
    const struct rlimit none = { 0 };
    pid_t pid = fork();
    if (pid == 0) {
        failpoint_set("here=stop:1", NULL);
        close(STDERR_FILENO); /* what it says of it is meant for a person */
        setrlimit(RLIMIT_NOFILE, &none);
        setrlimit(RLIMIT_CORE, &none);
        failpoint_pass("here");
        _exit(7);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void a_malformed_specification_is_refused_whole(void **state)
{
    (void)state;
    static const char *const SPECS[] = { "a",        "a=",         "=kill",     "a=burn",
                                         "a=kill@0", "a=kill@",    "a=kill@x",  "a=delay",
                                         "a=delay:", "a=delay:-1", "a=error,b", "a=delay:600001",
                                         "a=kill:1", "a=stop:" };
    for (size_t i = 0; i < ARRAY_LEN(SPECS); i++) {
        Err err = { 0 };
        assert_int_equal(failpoint_set(SPECS[i], &err), ERR_CONFIG);
        assert_non_null(strstr(err.message, "is no failpoint"));
        assert_int_equal(failpoint_pass_error("a", &err), ERR_NONE);
    }
}

static void the_environment_is_obeyed_or_refused_but_never_ignored(void **state)
{
    (void)state;
    Err err = { 0 };
    assert_int_equal(failpoint_init(&err), ERR_NONE);
    setenv(FAILPOINT_VARIABLE, "a=error", 1);
#ifdef SKEIN_FAILPOINTS
    assert_int_equal(failpoint_init(&err), ERR_NONE);
    assert_int_equal(FAILPOINT_ERROR("a", &err), ERR_IO);
    FAILPOINT("a");
#else
    assert_int_equal(failpoint_init(&err), ERR_CONFIG);
    assert_int_equal(FAILPOINT_ERROR("a", &err), ERR_NONE);
    FAILPOINT("a");
#endif
}

/* ---- armed by a file ---- */

typedef struct Arming {
    char dir[32];
    char path[64];
    char spec[80];
} Arming;

static void arming_begin(Arming *arming)
{
    snprintf(arming->dir, sizeof(arming->dir), "/tmp/skein-failpoint-XXXXXX");
    assert_non_null(mkdtemp(arming->dir));
    snprintf(arming->path, sizeof(arming->path), "%s/armed", arming->dir);
    snprintf(arming->spec, sizeof(arming->spec), "file:%s", arming->path);
}

static void arm(const Arming *arming, const char *list)
{
    char fresh[80];
    snprintf(fresh, sizeof(fresh), "%s.new", arming->path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    fputs(list, file);
    fclose(file);
    assert_int_equal(rename(fresh, arming->path), 0);
}

static void arming_end(const Arming *arming)
{
    char fired[80];
    snprintf(fired, sizeof(fired), "%s.fired", arming->path);
    remove(fired);
    remove(arming->path);
    assert_int_equal(rmdir(arming->dir), 0);
}

static void a_file_arms_a_process_that_runs(void **state)
{
    (void)state;
    Err err = { 0 };
    Arming arming;
    arming_begin(&arming);
    assert_int_equal(failpoint_set(arming.spec, &err), ERR_NONE);
    assert_int_equal(failpoint_pass_error("a.b", &err), ERR_NONE);
    arm(&arming, "a.b=error@2\n");
    assert_int_equal(failpoint_pass_error("a.b", &err), ERR_NONE); /* counted from here */
    assert_int_equal(failpoint_pass_error("a.b", &err), ERR_IO);
    arm(&arming, "c=error");
    assert_int_equal(failpoint_pass_error("a.b", &err), ERR_NONE);
    assert_int_equal(failpoint_pass_error("c", &err), ERR_IO);
    arming_end(&arming);
}

static void what_has_acted_is_noted_beside_the_file(void **state)
{
    (void)state;
    Err err = { 0 };
    Arming arming;
    char path[80];
    char text[64] = "";
    arming_begin(&arming);
    arm(&arming, "a=error,b=delay:0");
    assert_int_equal(failpoint_set(arming.spec, &err), ERR_NONE);
    assert_int_equal(failpoint_pass_error("a", &err), ERR_IO);
    failpoint_pass("b");
    failpoint_pass("c");
    snprintf(path, sizeof(path), "%s.fired", arming.path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    assert_string_equal(text, "a error\nb delay\n");
    arming_end(&arming);
}

/* ---- all there are ---- */

static const FailpointSite *site_find(const char *name)
{
    for (size_t i = 0; i < failpoint_count(); i++) {
        if (strcmp(failpoint_at(i)->name, name) == 0) {
            return failpoint_at(i);
        }
    }
    return NULL;
}

static void a_program_knows_all_its_sites(void **state)
{
    (void)state;
#ifdef SKEIN_FAILPOINTS
    Err err = { 0 };
    FAILPOINT("test.plain");
    assert_int_equal(FAILPOINT_ERROR("test.failing", &err), ERR_NONE);
    assert_non_null(site_find("test.plain"));
    assert_false(site_find("test.plain")->can_fail);
    assert_true(site_find("test.failing")->can_fail);
    assert_null(site_find("test.none"));
#else
    assert_null(site_find("test.none"));
    assert_int_equal(failpoint_count(), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_error_comes_at_its_passing_only, teardown),
        cmocka_unit_test_teardown(without_a_number_every_passing_counts, teardown),
        cmocka_unit_test_teardown(kill_ends_the_process_at_once, teardown),
        cmocka_unit_test_teardown(stop_freezes_the_process, teardown),
        cmocka_unit_test_teardown(a_stop_of_so_long_is_over_after_it, teardown),
        cmocka_unit_test_teardown(a_stop_that_nobody_could_end_is_none, teardown),
        cmocka_unit_test_teardown(a_malformed_specification_is_refused_whole, teardown),
        cmocka_unit_test_teardown(a_file_arms_a_process_that_runs, teardown),
        cmocka_unit_test_teardown(what_has_acted_is_noted_beside_the_file, teardown),
        cmocka_unit_test_teardown(a_program_knows_all_its_sites, teardown),
        cmocka_unit_test_teardown(the_environment_is_obeyed_or_refused_but_never_ignored, teardown),
    };
    return cmocka_run_group_tests_name("failpoint", tests, NULL, NULL);
}
