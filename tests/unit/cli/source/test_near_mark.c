/* Comments that were to be marks, in whatever format they stand. */
#include "cli/source/near_mark.h"
#include "sandbox.h"
#include "sql_case.h"

/* The line of the warning in 1_a.up.sql; 0: there is none. */
static unsigned told_line(const char *text, const char **ret_text, Arena *arena)
{
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    unsigned line = 0;
    sandbox_write(&sandbox, "1_a.up.sql", text);
    sandbox_write(&sandbox, "1_a.down.sql", "DROP TABLE a;\n");
    sandbox_read(&sandbox, "golang-migrate", arena, &set, &err);
    assert_case(text, err.message, "");
    for (size_t i = 0; i < set.note_count; i++) {
        const char *note = without_path(&sandbox, set.notes[i].text, arena);
        if (set.notes[i].level == SOURCE_NOTE_WARNING &&
            sscanf(note, "m/1_a.up.sql:%u: \"--", &line) == 1) {
            *ret_text = note;
        }
    }
    return line;
}

static void a_comment_that_was_to_be_a_mark_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *comment;
        bool is_told;
    } CASES[] = {
        { "-- migrate:down", true },
        { "--Migrate: Down transaction:false", true },
        { "-- migrate:dwon", true },
        { "-- migrat:down", true },
        { "-- migration down", true },
        { "-- +goose Down", true },
        { "-- + goose  down", true },
        { "-- +gooes Down", true },
        { "--goose down", true },
        { "-- Down Migration", true },
        { "-- Down Migratoin", true },
        { "---- DownMigration ----", true },
        { "-- +migrate Down", true },
        { "\t-- DOWN:", true },
        { "-- migrate data", false },
        { "-- migrate:up", false },
        { "-- migrate down the users", false },
        { "-- goose town", true }, /* one letter */
        { "-- migrate the town", false },
        { "-- drown", false },
        { "-- migration drop", false },
        { "-- downs", false },
        { "-- é down", false },
        { "-- a_very_long_word_that_no_mark_has down", false },
        { "--", false },
        { "/*\n-- migrate:down\n*/", false },
        { "SELECT $$\n-- migrate:down\n$$;", false },
        { "SELECT 1; -- migrate:down", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        const char *note = "";
        const char *text =
            arena_printf(&arena, "CREATE TABLE a ();\n%s\nDROP TABLE a;\n", CASES[i].comment);
        assert_case(CASES[i].comment, told_line(text, &note, &arena) == 2 ? "told" : "-",
                    CASES[i].is_told ? "told" : "-");
    }
}

static void what_runs_and_what_parts_them_is_said(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    const char *note = "";
    assert_int_equal(told_line("CREATE TABLE a ();\n-- +goose Down\nDROP TABLE a;", &note, &arena),
                     2);
    assert_string_equal(note, "m/1_a.up.sql:2: \"-- +goose Down\" is only a comment here, and what "
                              "is below it runs with the up: it takes 1_a.down.sql to part them");
}

static void above_nothing_it_does_no_harm(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    const char *note = "";
    assert_int_equal(told_line("CREATE TABLE a ();\n-- down\n-- DROP TABLE a;\n", &note, &arena),
                     0);
}

/* Each tool's own reading of its marks comes first: what is left is a comment to it. */
static void every_format_with_marks_tells(void **state)
{
    (void)state;
#define PARTS(mark)                                                                                \
    " is only a comment here, and what is below it runs with the up: it takes \"" mark             \
    "\" to part them\n"
    static const struct {
        const char *format;
        const char *text;
        const char *notes;
    } CASES[] = {
        { "dbmate", "-- migrate:up\nTABLE a;\n--Migrate: Down\nTABLE b;",
          "warning m/1_a.sql:3: \"--Migrate: Down\"" PARTS(
              "-- migrate:down") "note m/1_a.sql: irreversible: it has no \"-- migrate:down\"" },
        { "goose", "-- +goose Up\nTABLE a;\n-- + goose Down\nTABLE b;",
          "warning m/1_a.sql:3: \"-- + goose Down\"" PARTS(
              "-- +goose Down") "note m/1_a.sql: irreversible: it has no \"-- +goose Down\"" },
        { "node-pg-migrate", "-- Up Migration\nTABLE a;\n-- Down Migraton\nTABLE b;",
          "warning m/1_a.sql:3: \"-- Down Migraton\"" PARTS(
              "-- Down Migration") "note m/1_a.sql: irreversible: it has no \"-- Down Migration\"" },
        { "node-pg-migrate",
          "-- Down Migration\nTABLE b;\n-- migrate up\nTABLE a;\n"
          "-- Up Migration\nTABLE c;",
          "warning m/1_a.sql:3: \"-- migrate up\" is only a comment here, and what is below it "
          "runs with the down" },
        { "node-pg-migrate", "TABLE a;\n-- Down Migration\nTABLE b;",
          "warning m/1_a.sql:2: without \"-- Up Migration\" node-pg-migrate runs the whole file as "
          "the up, what stands below this line as well" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) got = { 0 };
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_write(&sandbox, "1_a.sql", CASES[i].text);
        sandbox_read(&sandbox, CASES[i].format, &arena, &set, &err);
        assert_case(CASES[i].text, err.message, "");
        describe_notes(&sandbox, &set, &arena, &got);
        assert_case(CASES[i].text, str_text(&got), CASES[i].notes);
    }
}

static void a_comment_that_was_to_be_a_directive_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *comment;
        const char *told; /* NULL: nothing */
    } CASES[] = {
        { "-- skien: no-transaction",
          "\"skien no-transaction\" is only a comment here: write \"-- skein: no-transaction\"" },
        { "-- Skein no-transaction",
          "\"Skein no-transaction\" is only a comment here: write \"-- skein: no-transaction\"" },
        { "/* skein: irreversible */",
          "\"skein irreversible\" is only a comment here: write \"-- skein: irreversible\"" },
        { "-- sken: lock-timeout=5s",
          "\"sken lock-timeout\" is only a comment here: write \"-- skein: lock-timeout\"" },
        { "-- skein: irreversible", NULL },
        { "-- skein is told by a directive", NULL },
        { "-- skeletons: irreversible", NULL },
        { "-- skein", NULL },
        { "-- no-transaction", NULL },
        { "--", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(SourceNotes) notes = { .arena = &arena };
        SqlText text = sql_case(arena_printf(&arena, "%s\nSELECT 1;\n", CASES[i].comment), &arena);
        near_directives_tell(&text, &notes);
        assert_int_equal(notes.list.count, CASES[i].told == NULL ? 0 : 1);
        if (CASES[i].told != NULL) {
            assert_case(CASES[i].comment, notes.list.items[0].text,
                        arena_printf(&arena, "m/1.sql:1: %s", CASES[i].told));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comment_that_was_to_be_a_mark_is_known),
        cmocka_unit_test(a_comment_that_was_to_be_a_directive_is_known),
        cmocka_unit_test(what_runs_and_what_parts_them_is_said),
        cmocka_unit_test(above_nothing_it_does_no_harm),
        cmocka_unit_test(every_format_with_marks_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
