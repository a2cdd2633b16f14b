/* Other programs: what they print, how they end, and that nothing is left of them. */
#include "tests/unit/cli/support.h"

#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/source/child.h"
#include "common/clock.h"
#include "tests/patience.h"

#define GIVES_UP_MS 50 /* for what would never end */

/* What `sh -c SCRIPT` comes to. */
static ErrCode run_script(const char *script, uint32_t timeout_ms, size_t output_max,
                          ChildOutput *output, Err *err)
{
    const char *const words[] = { "sh", "-c", script, NULL };
    ChildCommand command = {
        .words = words,
        .directory = "/",
        .timeout_ms = timeout_ms,
        .output_max = output_max,
    };
    return child_run(&command, output, err);
}

/* The process of that id has ended, reaped or not. */
static bool has_ended(const char *pid)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) stat = { 0 };
    const char *path = arena_printf(&arena, "/proc/%.*s/stat", (int)strspn(pid, "0123456789"), pid);
    if (file_read(path, PATH_TEXT_MAX, &stat, NULL) != ERR_NONE) {
        return true;
    }
    const char *behind_name = strrchr(str_text(&stat), ')');
    return behind_name != NULL && (behind_name[2] == 'Z' || behind_name[2] == 'X');
}

static void assert_ends(const char *pid)
{
    assert_true(isdigit((unsigned char)*pid));
    uint64_t deadline = clock_boot_ms() + PATIENCE_MS;
    while (!has_ended(pid)) {
        assert_true(clock_boot_ms() < deadline);
        poll(NULL, 0, 1);
    }
}

static void output_and_errors_are_told_apart(void **state)
{
    (void)state;
    AUTO(ChildOutput) output = { 0 };
    Err err = { 0 };
    assert_int_equal(run_script("pwd; echo no >&2; cat; exit 3", PATIENCE_MS, 100, &output, &err),
                     ERR_NONE);
    assert_string_equal(str_text(&output.out), "/\n");
    assert_string_equal(str_text(&output.errors), "no\n");
    assert_int_equal(output.exit_code, 3);
}

static void a_signal_is_told_as_a_shell_does(void **state)
{
    (void)state;
    AUTO(ChildOutput) output = { 0 };
    Err err = { 0 };
    assert_int_equal(run_script("kill -TERM $$", PATIENCE_MS, 100, &output, &err), ERR_NONE);
    assert_int_equal(output.exit_code, 128 + SIGTERM);
}

static void a_program_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    AUTO(ChildOutput) output = { 0 };
    Err err = { 0 };
    const char *const words[] = { "skein-has-no-such-program", NULL };
    ChildCommand command = { .words = words, .directory = "/", .timeout_ms = PATIENCE_MS };
    assert_int_equal(child_run(&command, &output, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "cannot run skein-has-no-such-program"));
}

static void one_that_does_not_end_is_ended_with_all_it_started(void **state)
{
    (void)state;
    static const char *const SCRIPTS[] = {
        "sleep 1000 & echo $!; wait",
        "sleep 1000 & echo $!; exec >/dev/null 2>&1; wait", /* which says no more */
        "sleep 1000 & echo $!", /* which has ended, and what it started holds its output */
    };
    for (size_t i = 0; i < ARRAY_LEN(SCRIPTS); i++) {
        AUTO(ChildOutput) output = { 0 };
        Err err = { 0 };
        /* Until it has said whom it started, it gets more time. */
        for (uint32_t ms = GIVES_UP_MS; output.out.length == 0; ms *= 2) {
            child_output_done(&output);
            output = (ChildOutput){ 0 };
            assert_int_equal(run_script(SCRIPTS[i], ms, 100, &output, &err), ERR_IO);
            assert_true(ms < PATIENCE_MS);
        }
        assert_true(str_starts_with(err.message, "sh has not ended after "));
        assert_ends(str_text(&output.out));
    }
}

static void what_is_left_in_the_background_is_ended(void **state)
{
    (void)state;
    AUTO(ChildOutput) output = { 0 };
    Err err = { 0 };
    assert_int_equal(
        run_script("sleep 1000 >/dev/null 2>&1 & echo $!", PATIENCE_MS, 100, &output, &err),
        ERR_NONE);
    assert_int_equal(output.exit_code, 0);
    assert_ends(str_text(&output.out));
}

static void one_that_prints_without_end_is_ended(void **state)
{
    (void)state;
    AUTO(ChildOutput) output = { 0 };
    Err err = { 0 };
    assert_int_equal(
        run_script("while :; do echo x; echo x >&2; done", PATIENCE_MS, 1000, &output, &err),
        ERR_LIMIT);
    assert_string_equal(err.message, "sh prints more than 1000 bytes");
    assert_int_equal(output.exit_code, 128 + SIGKILL);
}

/* A process of its own that runs `sleep` as a child and is at its wait. Its child's id is in
 * `path`.
 */
static pid_t begin_one_with_a_child(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        AUTO(Arena) arena = { 0 };
        AUTO(ChildOutput) output = { 0 };
        Err err = { 0 };
        const char *script =
            arena_printf(&arena, "echo $$ >%s.new; mv %s.new %s; sleep 1000", path, path, path);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_IGN);
        run_script(script, PATIENCE_MS, 100, &output, &err);
        _exit(0);
    }
    uint64_t deadline = clock_boot_ms() + PATIENCE_MS;
    while (access(path, F_OK) != 0) {
        assert_true(clock_boot_ms() < deadline);
        poll(NULL, 0, 1);
    }
    return pid;
}

static void whoever_is_interrupted_leaves_no_child_behind(void **state)
{
    (void)state;
    AUTO(Str) child = { 0 };
    char directory[] = "/tmp/skein-child-XXXXXX";
    assert_non_null(mkdtemp(directory));
    AUTO(Arena) arena = { 0 };
    const char *path = arena_printf(&arena, "%s/pid", directory);
    pid_t pid = begin_one_with_a_child(path);
    int status = 0;
    assert_int_equal(file_read(path, PATH_TEXT_MAX, &child, NULL), ERR_NONE);
    assert_int_equal(kill(pid, SIGTERM), 0); /* which it ignores */
    assert_false(has_ended(str_text(&child)));
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    assert_true(has_ended(str_text(&child))); /* before it, not after */
    unlink(path);
    rmdir(directory);
}

static void the_environment_is_the_one_that_is_given(void **state)
{
    (void)state;
    AUTO(ChildOutput) output = { 0 };
    Err err = { 0 };
    const char *const words[] = { "/usr/bin/env", NULL };
    const char *const environment[] = { "ONE=1", NULL };
    ChildCommand command = {
        .words = words,
        .directory = "/",
        .environment = environment,
        .timeout_ms = PATIENCE_MS,
        .output_max = 100,
    };
    assert_int_equal(child_run(&command, &output, &err), ERR_NONE);
    assert_string_equal(str_text(&output.out), "ONE=1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_errors_are_told_apart),
        cmocka_unit_test(a_signal_is_told_as_a_shell_does),
        cmocka_unit_test(a_program_that_is_not_there_is_not_found),
        cmocka_unit_test(one_that_does_not_end_is_ended_with_all_it_started),
        cmocka_unit_test(what_is_left_in_the_background_is_ended),
        cmocka_unit_test(one_that_prints_without_end_is_ended),
        cmocka_unit_test(whoever_is_interrupted_leaves_no_child_behind),
        cmocka_unit_test(the_environment_is_the_one_that_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
