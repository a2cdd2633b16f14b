/*
 * What the tests of the command line share: golden files, a directory of their own, and what a
 * function prints. SKEIN_UPDATE_GOLDEN=1 in the environment writes the golden files instead of
 * comparing.
 */
#ifndef SKEIN_TESTS_UNIT_CLI_SUPPORT_H
#define SKEIN_TESTS_UNIT_CLI_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/file.h"
#include "common/str.h"
#include "tests/scratch.h"

#define GOLDEN_BYTES_MAX (1024 * 1024)
#define PATH_TEXT_MAX 4096

/* ---- golden files ---- */

/* `path` within the source tree. */
static inline void assert_same_as_file(const char *text, const char *path)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) golden = { 0 };
    Err err = { 0 };
    const char *whole = arena_printf(&arena, SKEIN_SOURCE_DIR "/%s", path);
    if (getenv("SKEIN_UPDATE_GOLDEN") != NULL) {
        assert_int_equal(file_write_atomic(whole, text, strlen(text), 0644, &err), ERR_NONE);
        return;
    }
    if (file_read(whole, GOLDEN_BYTES_MAX, &golden, &err) != ERR_NONE) {
        fail_msg("%s; SKEIN_UPDATE_GOLDEN=1 writes golden files", err.message);
    }
    assert_string_equal(text, str_text(&golden));
}

static inline void assert_golden(const char *text, const char *name)
{
    AUTO(Arena) arena = { 0 };
    assert_same_as_file(text, arena_printf(&arena, "tests/golden/cli/%s", name));
}

/* ---- a directory of the test's own ---- */

/* cmocka's setup and teardown: *state is the directory's path. */
static inline int make_directory(void **state)
{
    *state = mem_strdup(scratch_new("test"));
    return 0;
}

static inline int remove_directory(void **state)
{
    scratch_remove(*state);
    free(*state);
    return 0;
}

/* Writes DIRECTORY/NAME, and the folders that NAME begins with, if it does. Returns the path, in
 * the arena. */
static inline const char *put_file(const char *directory, const char *name, const char *text,
                                   Arena *arena)
{
    const char *path = arena_printf(arena, "%s/%s", directory, name);
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        mkdir(arena_printf(arena, "%s/%.*s", directory, (int)(slash - name), name), 0755);
    }
    Err err = { 0 };
    if (file_write_atomic(path, text, strlen(text), 0644, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return path;
}

/* ---- what is printed ---- */

typedef struct Capture {
    int fd;    /* of the stream that is caught */
    int saved; /* what it was before */
    int file;
} Capture;

static inline Capture capture_begin(FILE *stream)
{
    fflush(stream);
    char path[] = "/tmp/skein-capture-XXXXXX";
    Capture capture = { .fd = fileno(stream), .file = mkstemp(path) };
    assert_true(capture.file >= 0);
    unlink(path);
    capture.saved = dup(capture.fd);
    dup2(capture.file, capture.fd);
    return capture;
}

/* What was printed since, appended to `out`. */
static inline void capture_end(Capture capture, FILE *stream, Str *out)
{
    fflush(stream);
    dup2(capture.saved, capture.fd);
    close(capture.saved);
    lseek(capture.file, 0, SEEK_SET);
    char buffer[4096];
    for (ssize_t got = 0; (got = read(capture.file, buffer, sizeof(buffer))) > 0;) {
        str_append_bytes(out, buffer, (size_t)got);
    }
    close(capture.file);
}

#endif
