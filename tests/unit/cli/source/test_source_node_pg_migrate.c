/* node-pg-migrate's files of SQL: what is read, in which order, what is refused, what is told. */
#include "sandbox.h"

static void files_hold_both_directions(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "both",
          { { "1704067200000_create-a.sql",
              "-- Up Migration\nSELECT 1;\nSELECT 2;\n\n-- Down Migration\nSELECT 3;\n" } },
          "1704067200000_create-a 1704067200000 create-a 2/1" },
        { "comments above, a byte order mark, CRLF, no name, marks in any case and with dashes",
          { { "1.sql", "\xEF\xBB\xBF-- licence\r\n\r\n  ---- UP   migration: why\r\nSELECT 1;\r\n"
                       "--\r\n-- down\tMigrations\r\n" } },
          "1 1 1 1/0" },
        { "no down", { { "1_a.sql", "-- Up Migration\nSELECT 1" } }, "1_a 1 a 1/-" },
        { "no marks",
          { { "1_a.sql", "SELECT 1" }, { "2_b.sql", "-- Up Migration\n" } },
          "1_a 1 a 1/-, 2_b 2 b 0/-" },
        { "the down first",
          { { "1_a.sql", "-- Down Migration\nSELECT 3;\n-- Up Migration\nSELECT 1; SELECT 2" } },
          "1_a 1 a 2/1" },
        { "no mark for the up",
          { { "1_a.sql", "SELECT 1;\n-- Down Migration\nSELECT 2" } },
          "1_a 1 a 2/1" },
        { "another word is no mark",
          { { "1_a.sql", "-- Up Migration\nSELECT 1 -- Down Migration\n;\n-- Down, Migration\n"
                         "-- downmigration\n-- Down the migration\n" } },
          "1_a 1 a 1/-" },
        { "what cannot run in a transaction, and one of its own",
          { { "1_a.sql", "-- Up Migration\nBEGIN;\nSELECT 1;\nCOMMIT;\nVACUUM;\n" },
            { "2_b.sql", "-- skein: no-transaction\n-- Up Migration\nVACUUM;SELECT 1" } },
          "1_a 1 a 1+(1)/-, 2_b 2 b (1)+1/-" },
    };
    ASSERT_READ(CASES, "node-pg-migrate");
}

/* As node-pg-migrate 9.0 lists them. */
static const char *const IN_ORDER[] = {
    "000_z",
    "1_a9",
    "1_a10",
    "1-aa",
    "1_a-b",
    "1_aB",
    "1_Ab",
    "1_a",
    "1_A",
    "1_b",
    "1_z",
    "2",
    "0010_a",
    "1704067199999_c",
    "20240101000000000_b", /* 1704067200000 */
    "1704067200001_a",
    "20240230000000000_c", /* the first of March */
    "20240301235959999_a",
    "1709337600000_a",
    "20240301240000000_b",  /* the end of that day */
    "20240101000000_later", /* digits of a time, but a number */
};

static void files_go_by_the_time_that_their_number_is(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    for (size_t i = ARRAY_LEN(IN_ORDER); i > 0; i--) {
        sandbox_write(&sandbox, arena_printf(&arena, "%s.sql", IN_ORDER[i - 1]),
                      "-- Up Migration\n");
    }
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
    assert_int_equal(set.count, ARRAY_LEN(IN_ORDER));
    for (size_t i = 0; i < ARRAY_LEN(IN_ORDER); i++) {
        assert_string_equal(set.migrations[i].id, IN_ORDER[i]);
    }
}

static const RefusedCase REFUSED[] = {
    { { { "1_a.sql", "CREATE EXTENSION x;\n-- Up Migration\n" } },
      ERR_SYNTAX,
      "m/1_a.sql:1: something above \"-- Up Migration\"",
      "move it below that line: node-pg-migrate runs nothing above its marks" },
    { { { "1_a.sql", "-- Up Migration\n" }, { "2_b.js", "exports.up = (pgm) => {}" } },
      ERR_SYNTAX,
      "m/2_b.js: a migration in JavaScript, and skein runs SQL alone",
      "write it in SQL; \"node-pg-migrate up --dry-run\" prints what it runs" },
    { { { "2_b.mts", "export const up = async (pgm: MigrationBuilder) => {}" } },
      ERR_SYNTAX,
      "m/2_b.mts: a migration in TypeScript, and skein runs SQL alone",
      "write it in SQL; \"node-pg-migrate up --dry-run\" prints what it runs" },
    { { { "1_a.sql", "-- Up Migration\n" }, { "20241301000000000_b.sql", "SELECT 1" } },
      ERR_SYNTAX,
      "m/20241301000000000_b.sql: 17 digits that are no time in UTC",
      "node-pg-migrate reads them as YYYYMMDDhhmmss and milliseconds, and has no order for what is "
      "none: rename it" },
    { { { "1_a.sql", "-- Up Migration\n\n-- Down Migration\n" },
        { "2_b.sql", "-- Up Migration\n'" } },
      ERR_SYNTAX,
      "m/2_b.sql:2: unterminated quoted string",
      "" },
};

static void what_is_wrong_with_a_file_is_said_with_its_line(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void a_half_of_a_pair_is_no_migration(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "SELECT 1");
    sandbox_write(&sandbox, "1_a.down.sql", "SELECT 2");
    assert_int_equal(sandbox_read(&sandbox, "node-pg-migrate", &arena, &set, &err), ERR_SYNTAX);
    assert_case("pair", without_path(&sandbox, err.message, &arena),
                "m/1_a.down.sql: the half of a pair, which node-pg-migrate takes for a migration "
                "of its own");
    assert_string_equal(
        err.hint, "--format golang-migrate reads pairs, as node-pg-migrate's loader \"sql\" does");
}

static void comments_in_other_tools_files_are_no_marks(void **state)
{
    (void)state;
    const KnownCase rows[] = {
        { { { "1_a.up.sql", "-- Up migration\nSELECT 1" },
            { "1_a.down.sql", "-- Down migration" } },
          &source_golang_migrate },
        { { { "1_a.sql", "-- Up migration: why\n-- +goose Up\nSELECT 1" }, { "x", "" } },
          &source_goose },
        { { { "1_a.sql", "-- Up migration: why\n-- migrate:up\nSELECT 1" }, { "x", "" } },
          &source_dbmate },
    };
    ASSERT_KNOWN(rows);
}

static void notes_tell_what_is_odd(void **state)
{
    (void)state;
    static const NotesCase ROWS[] = {
        { { { "1_a.sql", "SELECT 1;\n-- Down Migration\nSELECT 2;" },
            { "2_b.sql", "-- Up Migration\nVACUUM" },
            { "schema.sql", "SELECT 1" } },
          "note m/schema.sql: left out: its name does not begin with a number\n"
          "warning m/1_a.sql:2: without \"-- Up Migration\" node-pg-migrate runs the whole "
          "file as the up, what stands below this line as well\n"
          "warning m/2_b.sql:2: VACUUM cannot run in a transaction; skein runs it outside of "
          "one, but node-pg-migrate begins one, and a file of SQL has no way to say "
          "otherwise\n"
          "note m/2_b.sql: irreversible: it has no \"-- Down Migration\"" },
    };
    ASSERT_NOTES(ROWS);
}

static void a_new_file_is_numbered_as_the_newest_is(void **state)
{
    (void)state;
    static const char TEXT[] = "-- Up Migration\n\n\n-- Down Migration\n\n";
    static const NewCase ROWS[] = {
        { .newest = NULL, .paths = { "1706745599000_add-some-a.sql" }, .text = TEXT },
        { .newest = "1704067200000", .paths = { "1706745599000_add-some-a.sql" }, .text = TEXT },
        { .newest = "20240101000000000",
          .paths = { "20240131235959000_add-some-a.sql" },
          .text = TEXT },
        { .newest = "0099", .paths = { "0100_add-some-a.sql" }, .text = TEXT },
    };
    ASSERT_NEW(&source_node_pg_migrate, "add_some_a", ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_hold_both_directions),
        cmocka_unit_test(files_go_by_the_time_that_their_number_is),
        cmocka_unit_test(what_is_wrong_with_a_file_is_said_with_its_line),
        cmocka_unit_test(a_half_of_a_pair_is_no_migration),
        cmocka_unit_test(comments_in_other_tools_files_are_no_marks),
        cmocka_unit_test(notes_tell_what_is_odd),
        cmocka_unit_test(a_new_file_is_numbered_as_the_newest_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
