/* cli/warnings.c: which of a directory's warnings are told, in which order, and to whom. */
#include "support.h"

#include "cli/source/source.h"
#include "cli/warnings.h"

#define EMPTY_DOWN ": no statement: rolling back leaves what "
#define LEFT_OUT "/2_b.sql: "

/* One migration whose down says nothing, and so many more of them; one file that is left out. */
static void put_history(const char *directory, int more, Arena *arena)
{
    put_file(directory, "1_a.up.sql", "CREATE TABLE a ();\n", arena);
    put_file(directory, "1_a.down.sql", "\n", arena);
    put_file(directory, "2_b.sql", "CREATE TABLE b ();\n", arena);
    for (int i = 3; i < 3 + more; i++) {
        put_file(directory, arena_printf(arena, "%d_c.up.sql", i), "SELECT 1;\n", arena);
        put_file(directory, arena_printf(arena, "%d_c.down.sql", i), "\n", arena);
    }
}

static MigrationSet read_set(const char *directory, Arena *arena)
{
    MigrationSet set = { 0 };
    Err err = { 0 };
    if (source_read(directory, &(SourceOptions){ 0 }, arena, &set, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return set;
}

/* The first migration stands, as its file is. */
static HistoryList first_applied(const MigrationSet *set, Arena *arena)
{
    char *hex = ARENA_ARRAY(arena, char, 2 * set->migrations[0].checksum.length + 1);
    hex_encode(set->migrations[0].checksum.data, set->migrations[0].checksum.length, hex);
    HistoryEntry *row = ARENA_NEW(arena, HistoryEntry);
    *row = (HistoryEntry){ .id = set->migrations[0].id, .state = "applied", .checksum = hex };
    return (HistoryList){ .has_tables = true, .entries = row, .count = 1 };
}

static const char *told(const MigrationSet *set, const WarningScope *scope, Arena *arena)
{
    AUTO(Str) text = { 0 };
    Options options = { .output = OUTPUT_TEXT, .migrations = "./sql" };
    Capture capture = capture_begin(stderr);
    warnings_tell(&options, set, scope);
    capture_end(capture, stderr, &text);
    return arena_strdup(arena, str_text(&text));
}

static size_t lines_of(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static void what_is_left_out_comes_first_and_always(void **state)
{
    AUTO(Arena) arena = { 0 };
    put_history(*state, 0, &arena);
    MigrationSet set = read_set(*state, &arena);
    HistoryList history = first_applied(&set, &arena);
    const char *text = told(&set, &(WarningScope){ 0 }, &arena);
    assert_int_equal(lines_of(text), 2);
    assert_true(strstr(text, LEFT_OUT) < strstr(text, EMPTY_DOWN));
    text = told(&set, &(WarningScope){ .history = &history }, &arena);
    assert_int_equal(lines_of(text), 1);
    assert_non_null(strstr(text, LEFT_OUT));
}

static void a_down_is_warned_of_where_it_is_to_run(void **state)
{
    AUTO(Arena) arena = { 0 };
    put_history(*state, 1, &arena);
    MigrationSet set = read_set(*state, &arena);
    HistoryList history = first_applied(&set, &arena);
    WarningScope scope = { .history = &history, .is_down = true };
    const char *text = told(&set, &scope, &arena);
    assert_non_null(strstr(text, "1_a.down.sql" EMPTY_DOWN));
    assert_null(strstr(text, "3_c.down.sql"));
    scope.from = 1;
    assert_null(strstr(told(&set, &scope, &arena), EMPTY_DOWN));
}

static void a_file_that_is_another_one_now_is_warned_of_again(void **state)
{
    AUTO(Arena) arena = { 0 };
    put_history(*state, 0, &arena);
    MigrationSet set = read_set(*state, &arena);
    HistoryList history = first_applied(&set, &arena);
    history.entries[0].checksum = "01";
    assert_non_null(strstr(told(&set, &(WarningScope){ .history = &history }, &arena), EMPTY_DOWN));
}

static void of_many_it_is_said_how_all_are_seen(void **state)
{
    AUTO(Arena) arena = { 0 };
    put_history(*state, 5, &arena);
    MigrationSet set = read_set(*state, &arena);
    const char *text = told(&set, &(WarningScope){ 0 }, &arena);
    assert_int_equal(lines_of(text), 1 + 5 + 1);
    assert_true(
        str_ends_with(text, "and 1 more warning: `skein lint --migrations ./sql` shows all\n"));
    text = told(&set, &(WarningScope){ .is_whole = true }, &arena);
    assert_int_equal(lines_of(text), 1 + 6);
}

/* An answer that has no place for them leaves them to standard error. */
static void programs_are_told_in_json(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    put_history(*state, 0, &arena);
    MigrationSet set = read_set(*state, &arena);
    Options options = { .output = OUTPUT_JSON };
    Capture capture = capture_begin(stderr);
    warnings_tell(&options, &set, &(WarningScope){ 0 });
    warning_say(&options, "a \"name\"");
    capture_end(capture, stderr, &text);
    assert_string_equal(str_text(&text), "{\"warning\":{\"message\":\"a \\\"name\\\"\"}}\n");
    str_clear(&text);
    capture = capture_begin(stderr);
    warnings_say(&options, &set);
    capture_end(capture, stderr, &text);
    assert_int_equal(lines_of(str_text(&text)), 2);
}

#define DIRECTORY_TEST(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIRECTORY_TEST(what_is_left_out_comes_first_and_always),
        DIRECTORY_TEST(a_down_is_warned_of_where_it_is_to_run),
        DIRECTORY_TEST(a_file_that_is_another_one_now_is_warned_of_again),
        DIRECTORY_TEST(of_many_it_is_said_how_all_are_seen),
        DIRECTORY_TEST(programs_are_told_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
