/*
 * Directories below /tmp for tests. Whatever becomes of the test, they are gone when its process
 * ends: one that fails jumps over what would have removed them.
 */
#ifndef SKEIN_TESTS_SCRATCH_H
#define SKEIN_TESTS_SCRATCH_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SCRATCH_PATH_MAX 64
#define SCRATCH_MAX 64 /* at the same time */

typedef struct ScratchList {
    char paths[SCRATCH_MAX][SCRATCH_PATH_MAX]; /* "": free */
    pid_t owner;                               /* a child that exits takes nothing away */
} ScratchList;

static ScratchList scratch_list;

static inline int scratch_entry_remove(const char *path, const struct stat *info, int kind,
                                       struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* With all that is in it. `path` as it was given. */
static inline void scratch_remove(const char *path)
{
    nftw(path, scratch_entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < SCRATCH_MAX; i++) {
        if (strcmp(scratch_list.paths[i], path) == 0) {
            scratch_list.paths[i][0] = '\0';
        }
    }
}

static inline void scratch_remove_all(void)
{
    for (size_t i = 0; i < SCRATCH_MAX && scratch_list.owner == getpid(); i++) {
        if (scratch_list.paths[i][0] != '\0') {
            scratch_remove(scratch_list.paths[i]);
        }
    }
}

/* A new one: /tmp/skein-NAME-XXXXXX. Borrowed until it is removed. */
static inline const char *scratch_new(const char *name)
{
    size_t free_place = 0;
    if (scratch_list.owner == 0) {
        scratch_list.owner = getpid();
        assert_int_equal(atexit(scratch_remove_all), 0);
    }
    while (free_place < SCRATCH_MAX && scratch_list.paths[free_place][0] != '\0') {
        free_place++;
    }
    assert_true(free_place < SCRATCH_MAX);
    char *path = scratch_list.paths[free_place];
    snprintf(path, SCRATCH_PATH_MAX, "/tmp/skein-%s-XXXXXX", name);
    assert_non_null(mkdtemp(path));
    return path;
}

#endif
