/* dbmate's files: what is read, what is refused, what is told. */
#include "sandbox.h"

static void files_hold_both_directions(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "both",
          { { "20240101000000_create_a.sql",
              "-- migrate:up\nSELECT 1;\nSELECT 2;\n\n-- migrate:down\nSELECT 3;\n" } },
          "20240101000000_create_a 20240101000000 create_a 2/1" },
        { "comments above, a byte order mark, CRLF, no name, marks without a blank",
          { { "1.sql",
              "\xEF\xBB\xBF-- licence\r\n\r\n--migrate:up\r\nSELECT 1;\r\n--migrate:down  \r\n" } },
          "1 1 1 1/0" },
        { "no down", { { "1_a.sql", "-- migrate:up\nSELECT 1" } }, "1_a 1 a 1/-" },
        { "as text, not as numbers",
          { { "9_b.sql", "-- migrate:up\n" }, { "10_a.sql", "-- migrate:up\n" } },
          "10_a 10 a 0/-, 9_b 9 b 0/-" },
        { "without a transaction",
          { { "1_a.sql", "-- migrate:up transaction:false\nDROP INDEX CONCURRENTLY i;\n"
                         "-- migrate:down transaction:false\nCALL p()" },
            { "2_b.sql", "-- migrate:up transaction:false\nSELECT 1;\nSELECT 2" },
            { "3_c.sql", "-- migrate:up transaction:true\nSELECT 1;\nSELECT 2" } },
          "1_a 1 a (1)/(1), 2_b 2 b 2/-, 3_c 3 c 2/-" },
        { "a transaction of its own, and one ended in the middle",
          { { "1_a.sql", "-- migrate:up\nBEGIN;\nSELECT 1;\nCOMMIT;" },
            { "2_b.sql", "-- migrate:up\nSELECT 1;\nCOMMIT;\nSELECT 2; SELECT 3" } },
          "1_a 1 a 1/-, 2_b 2 b 1+2/-" },
        { "no marks within a line or another word",
          { { "1_a.sql", "-- migrate:up\nSELECT '\n -- migrate:down';\n-- migrate:downs\n" } },
          "1_a 1 a 1/-" },
        { "skein's own directives",
          { { "1_a.sql", "-- migrate:up\n-- skein: no-transaction\nVACUUM;SELECT 1;\n"
                         "-- migrate:down\n-- skein: irreversible\n" } },
          "1_a 1 a (1)+1/-" },
    };
    ASSERT_READ(CASES, "dbmate");
}

static const RefusedCase REFUSED[] = {
    { { { "1_a.sql", "-- migrate:up\n" }, { "2_b.sql", "SELECT 1" } },
      ERR_SYNTAX,
      "m/2_b.sql:1: something above \"-- migrate:up\"",
      "move it below that line: dbmate runs nothing above it" },
    { { { "1_a.sql", "-- migrate:up\n" }, { "2_b.sql", "-- nothing\n" } },
      ERR_SYNTAX,
      "m/2_b.sql: no line \"-- migrate:up\"",
      "put it above what is to be applied, and \"-- migrate:down\" above what undoes it" },
    { { { "1_a.sql", "-- migrate:down\nSELECT 1;\n-- migrate:up\n" } },
      ERR_SYNTAX,
      "m/1_a.sql:1: \"-- migrate:down\" above \"-- migrate:up\"",
      "dbmate wants the up first" },
    { { { "1_a.sql", "-- migrate:up\n-- migrate:down\n-- migrate:up\n" } },
      ERR_SYNTAX,
      "m/1_a.sql:3: a second \"-- migrate:up\", the first is at line 1",
      "a file is one migration: part it into two" },
    { { { "1_a.sql", "-- migrate:up\n'" } },
      ERR_SYNTAX,
      "m/1_a.sql:2: unterminated quoted string",
      "" },
};

static void what_is_wrong_with_a_file_is_said_with_its_line(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void notes_tell_what_is_odd(void **state)
{
    (void)state;
    static const NotesCase ROWS[] = {
        { { { "1_a.sql", "-- migrate:up transaction:False x\nVACUUM" },
            { "schema.sql", "SELECT 1" } },
          "note m/schema.sql: left out: its name does not begin with a version\n"
          "warning m/1_a.sql:1: \"transaction:False\" says nothing to dbmate\n"
          "warning m/1_a.sql:1: \"x\" says nothing to dbmate\n"
          "warning m/1_a.sql:2: VACUUM cannot run in a transaction; skein runs it outside of "
          "one, but dbmate begins one, unless the section's first line is \"-- migrate:up "
          "transaction:false\" (or down)\n"
          "note m/1_a.sql: irreversible: it has no \"-- migrate:down\"" },
    };
    ASSERT_NOTES(ROWS);
}

static void a_new_file_is_named_by_the_time(void **state)
{
    (void)state;
    static const NewCase ROWS[] = {
        { .newest = NULL,
          .paths = { "20240131235959_add_a.sql" },
          .text = "-- migrate:up\n\n\n-- migrate:down\n\n" },
    };
    ASSERT_NEW(&source_dbmate, "add_a", ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_hold_both_directions),
        cmocka_unit_test(what_is_wrong_with_a_file_is_said_with_its_line),
        cmocka_unit_test(notes_tell_what_is_odd),
        cmocka_unit_test(a_new_file_is_named_by_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
