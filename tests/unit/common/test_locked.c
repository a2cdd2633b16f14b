/* locked: memory for what is to be found nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/locked.h"

#define NOBODY 65534

/* "VmLck:" of this process. */
static unsigned long locked_kb(void)
{
    char line[256];
    unsigned long kb = 0;
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "VmLck:", strlen("VmLck:")) == 0) {
            kb = strtoul(line + strlen("VmLck:"), NULL, 10);
        }
    }
    fclose(status);
    return kb;
}

/* Sanitizers make mlock a word without a meaning. */
static void skip_where_nothing_locks(void)
{
    static char page[1];
    unsigned long before = locked_kb();
    bool is_locked = mlock(page, sizeof(page)) == 0 && locked_kb() > before;
    munlock(page, sizeof(page));
    if (!is_locked) {
        skip();
    }
}

static void a_piece_is_locked_until_it_is_freed(void **state)
{
    (void)state;
    skip_where_nothing_locks();
    unsigned long before = locked_kb();
    char *piece = locked_alloc(33);
    assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
    assert_int_equal(piece[0] | piece[32], 0);
    memset(piece, 'x', 33);
    assert_true(locked_is_kept());
    assert_true(locked_kb() > before);
    locked_free(piece);
    assert_int_equal(locked_kb(), before);
    locked_free(NULL);
}

/* In a process of its own, that may lock nothing: root may always. */
static void a_system_that_locks_nothing_is_told_of_and_no_hindrance(void **state)
{
    (void)state;
    skip_where_nothing_locks();
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        static const struct rlimit NOTHING = { 0, 0 };
        bool is_set =
            setrlimit(RLIMIT_MEMLOCK, &NOTHING) == 0 && (geteuid() != 0 || setuid(NOBODY) == 0);
        char *piece = locked_alloc(100);
        piece[99] = 'x';
        _exit(is_set && !locked_is_kept() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_is_locked_until_it_is_freed),
        cmocka_unit_test(a_system_that_locks_nothing_is_told_of_and_no_hindrance),
    };
    return cmocka_run_group_tests_name("locked", tests, NULL, NULL);
}
