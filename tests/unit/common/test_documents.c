/* docs/faults.md and docs/security.md: what they say is shown by tests, and those tests are there.
 */
#include <ctype.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/err.h"
#include "common/file.h"
#include "common/str.h"

#define DOCUMENTS SKEIN_SOURCE_DIR "/docs/"
#define TESTS SKEIN_SOURCE_DIR "/tests"
#define FILE_BYTES_MAX (4u * 1024 * 1024)
#define ROWS_MAX 256
#define SHOWN_ROWS 40 /* of docs/security.md: those that are promised; more may follow */
#define FAULTS 41     /* the rows that are promised; more may follow */

/* All that stands in the test programs' sources. */
static Str g_sources;

static int source_take(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)walk;
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    if (kind == FTW_F && str_ends_with(path, ".c")) {
        assert_int_equal(file_read(path, FILE_BYTES_MAX, &text, &err), ERR_NONE);
        str_append(&g_sources, str_text(&text));
    }
    return 0;
}

static int sources_read(void **state)
{
    (void)state;
    return nftw(TESTS, source_take, 16, FTW_PHYS);
}

static int sources_free(void **state)
{
    (void)state;
    str_done(&g_sources);
    return 0;
}

/* A function of cmocka's kind. */
static bool test_is_there(const char *name, size_t length)
{
    AUTO(Str) text = { 0 };
    str_printf(&text, "static void %.*s(void **", (int)length, name);
    return strstr(str_text(&g_sources), str_text(&text)) != NULL;
}

/* Of the row's last cell: how many names; fails on one that is of no test. */
static unsigned names_check(const char *document, unsigned number, const char *cell)
{
    unsigned count = 0;
    for (const char *at = strchr(cell, '`'); at != NULL; at = strchr(at, '`')) {
        const char *name = ++at;
        at = strchr(name, '`');
        assert_non_null(at);
        if (strncmp(name, "--", 2) != 0 && !test_is_there(name, (size_t)(at - name))) {
            fail_msg("docs/%s, row %u: there is no test %.*s", document, number, (int)(at - name),
                     name);
        }
        at++;
        count++;
    }
    return count;
}

/* "| 12 | fault | outcome | tests |": its last cell. */
static const char *last_cell(char *row)
{
    size_t length = strlen(row);
    while (length > 0 && (row[length - 1] == '|' || isspace((unsigned char)row[length - 1]))) {
        row[--length] = '\0';
    }
    char *cell = strrchr(row, '|');
    assert_non_null(cell);
    return cell + 1;
}

static void every_fault_names_tests_that_are_there(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    bool has_row[ROWS_MAX] = { false };
    unsigned highest = 0;
    assert_int_equal(file_read(DOCUMENTS "faults.md", FILE_BYTES_MAX, &text, &err), ERR_NONE);
    char *rest = arena_strdup(&arena, str_text(&text));
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        unsigned number = 0;
        if (sscanf(line, "| %u |", &number) != 1) {
            continue;
        }
        assert_in_range(number, 1, ROWS_MAX - 1);
        assert_false(has_row[number]);
        has_row[number] = true;
        highest = number > highest ? number : highest;
        if (names_check("faults.md", number, last_cell(line)) == 0) {
            fail_msg("docs/faults.md, row %u: no test shows it", number);
        }
    }
    for (unsigned number = 1; number <= (highest > FAULTS ? highest : FAULTS); number++) {
        if (!has_row[number]) {
            fail_msg("docs/faults.md has no row %u", number);
        }
    }
}

/* Names in prose look like sentences: nothing else in these documents has so many words. */
static bool is_sentence(const char *name, size_t length)
{
    unsigned blanks = 0;
    for (size_t i = 0; i < length; i++) {
        if (name[i] != '_' && !islower((unsigned char)name[i]) &&
            !isdigit((unsigned char)name[i])) {
            return false;
        }
        blanks += name[i] == '_';
    }
    return blanks >= 4 && strncmp(name, "integration_", strlen("integration_")) != 0;
}

static void prose_check(unsigned number, const char *line)
{
    for (const char *at = strchr(line, '`'); at != NULL; at = strchr(at, '`')) {
        const char *name = ++at;
        size_t length = strcspn(name, "`");
        if (is_sentence(name, length) && !test_is_there(name, length)) {
            fail_msg("docs/security.md, line %u: there is no test %.*s", number, (int)length, name);
        }
        at = name + length;
        at += *at == '`';
    }
}

/* Rows of tables whose last column is headed "shown by". */
static void every_cannot_names_tests_that_are_there(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    unsigned number = 0;
    unsigned rows = 0;
    bool is_shown = false;
    assert_int_equal(file_read(DOCUMENTS "security.md", FILE_BYTES_MAX, &text, &err), ERR_NONE);
    char *rest = arena_strdup(&arena, str_text(&text));
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        number++;
        prose_check(number, line);
        bool is_row = line[0] == '|' && line[1] != '-';
        const char *cell = is_row ? last_cell(line) : "";
        if (is_row && is_shown && names_check("security.md", number, cell) == 0) {
            fail_msg("docs/security.md, line %u: no test shows it", number);
        }
        rows += is_row && is_shown;
        is_shown = line[0] == '|' && (is_shown || strstr(cell, "shown by") != NULL);
    }
    assert_true(rows >= SHOWN_ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_names_tests_that_are_there),
        cmocka_unit_test(every_cannot_names_tests_that_are_there),
    };
    return cmocka_run_group_tests(tests, sources_read, sources_free);
}
