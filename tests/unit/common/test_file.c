/* file: whole files, read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"

typedef struct Place {
    char directory[64];
    char path[96];
} Place;

static int setup(void **state)
{
    Place *place = calloc(1, sizeof(*place));
    text_format(place->directory, sizeof(place->directory), "/tmp/skein-test-XXXXXX");
    if (mkdtemp(place->directory) == NULL) {
        return -1;
    }
    snprintf(place->path, sizeof(place->path), "%s/file", place->directory);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    Place *place = *state;
    unlink(place->path);
    int failed = rmdir(place->directory); /* fails when a temporary file was left */
    free(place);
    return failed;
}

static void what_is_written_is_read_byte_for_byte(void **state)
{
    const Place *place = *state;
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    assert_int_equal(file_write_atomic(place->path, "a\0b\n", 4, 0640, &err), ERR_NONE);
    assert_int_equal(file_read(place->path, 4, &text, &err), ERR_NONE);
    assert_int_equal(text.length, 4);
    assert_memory_equal(text.data, "a\0b\n", 4);
}

static void the_mode_is_exact_whatever_the_umask(void **state)
{
    const Place *place = *state;
    struct stat status;
    mode_t mask = umask(077);
    assert_int_equal(file_write_atomic(place->path, "", 0, 0644, NULL), ERR_NONE);
    umask(mask);
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
}

static void a_second_write_replaces_the_first(void **state)
{
    const Place *place = *state;
    AUTO(Str) text = { 0 };
    assert_int_equal(file_write_atomic(place->path, "first", 5, 0600, NULL), ERR_NONE);
    assert_int_equal(file_write_atomic(place->path, "2", 1, 0600, NULL), ERR_NONE);
    assert_int_equal(file_read(place->path, 100, &text, NULL), ERR_NONE);
    assert_string_equal(str_text(&text), "2");
}

static void a_new_file_replaces_nothing(void **state)
{
    const Place *place = *state;
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    assert_int_equal(file_write_new(place->path, "a", 1, 0600, &err), ERR_NONE);
    assert_int_equal(file_write_new(place->path, "b", 1, 0600, &err), ERR_EXISTS);
    assert_int_equal(file_read(place->path, 100, &text, &err), ERR_NONE);
    assert_string_equal(str_text(&text), "a");
}

static void more_than_the_limit_is_refused(void **state)
{
    const Place *place = *state;
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    assert_int_equal(file_write_new(place->path, "12345", 5, 0600, &err), ERR_NONE);
    assert_int_equal(file_read(place->path, 4, &text, &err), ERR_LIMIT);
    assert_int_equal(file_read(place->path, 5, &text, &err), ERR_NONE);
}

static void what_cannot_be_read_is_named_with_a_remedy(void **state)
{
    const Place *place = *state;
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    assert_int_equal(file_read(place->path, 9, &text, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, place->path));
    assert_string_not_equal(err.hint, "");
    assert_int_equal(file_read(place->directory, 9, &text, &err), ERR_IO);
    assert_string_equal(err.hint, "name a file, not a directory");
}

static void a_directory_that_is_not_there_is_an_error(void **state)
{
    const Place *place = *state;
    char path[160];
    Err err = { 0 };
    snprintf(path, sizeof(path), "%s/none/file", place->directory);
    assert_int_equal(file_write_atomic(path, "x", 1, 0600, &err), ERR_NOT_FOUND);
    assert_int_equal(file_write_new(path, "x", 1, 0600, &err), ERR_NOT_FOUND);
}

/* The directory stands in the way of the rename; teardown finds a temporary file that is left. */
static void a_failed_write_leaves_nothing_behind(void **state)
{
    const Place *place = *state;
    Err err = { 0 };
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_int_equal(file_write_atomic(place->path, "x", 1, 0600, &err), ERR_IO);
    assert_int_equal(rmdir(place->path), 0);
}

static void a_descriptor_ends_with_its_scope(void **state)
{
    const Place *place = *state;
    int number = -1;
    {
        AUTO(Fd) fd = open(place->directory, O_RDONLY | O_DIRECTORY);
        number = fd;
        assert_true(number >= 0);
    }
    assert_int_equal(fcntl(number, F_GETFD), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read_byte_for_byte),
        TEST(the_mode_is_exact_whatever_the_umask),
        TEST(a_second_write_replaces_the_first),
        TEST(a_new_file_replaces_nothing),
        TEST(more_than_the_limit_is_refused),
        TEST(what_cannot_be_read_is_named_with_a_remedy),
        TEST(a_directory_that_is_not_there_is_an_error),
        TEST(a_failed_write_leaves_nothing_behind),
        TEST(a_descriptor_ends_with_its_scope),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
