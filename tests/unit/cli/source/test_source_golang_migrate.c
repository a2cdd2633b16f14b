/* golang-migrate's pairs: what is read, what is refused, what is told. */
#include "sandbox.h"

static void directories_are_read_in_the_order_of_their_versions(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "pairs",
          { { "0001_a.up.sql", "SELECT 1; SELECT 2" }, { "0001_a.down.sql", "SELECT 3" } },
          "0001_a 0001 a 2/1" },
        { "numbers, not letters",
          { { "10_b.up.sql", "" }, { "9_a.up.sql", "" }, { "0011_c.up.sql", "" } },
          "9_a 9 a 0/-, 10_b 10 b 0/-, 0011_c 0011 c 0/-" },
        { "wider than any integer",
          { { "340282366920938463463374607431768211457_b.up.sql", "" },
            { "0340282366920938463463374607431768211456_a.up.sql", "" } },
          "0340282366920938463463374607431768211456_a 0340282366920938463463374607431768211456 a "
          "0/-, 340282366920938463463374607431768211457_b "
          "340282366920938463463374607431768211457 b 0/-" },
        { "one version twice",
          { { "1_b.up.sql", "" },
            { "001_a.up.sql", "" },
            { "1_b.down.sql", "" },
            { "001_a.down.sql", "" } },
          "001_a 001 a 0/0, 1_b 1 b 0/0" },
        { "one version twice, by id and not by file",
          { { "1_a.up.sql", "" }, { "1_a.b.up.sql", "" } },
          "1_a 1 a 0/-, 1_a.b 1 a.b 0/-" },
        { "a down of another name",
          { { "1_jobs.up.sql", "" }, { "1_job.down.sql", "SELECT 1" } },
          "1_jobs 1 jobs 0/1" },
        { "irreversible by its own word",
          { { "1_a.up.sql", "-- skein: irreversible\nSELECT 1" }, { "1_a.down.sql", "SELECT 2" } },
          "1_a 1 a 1/-" },
        { "irreversible by its down's word",
          { { "1_a.up.sql", "SELECT 1" }, { "1_a.down.sql", "-- skein: irreversible" } },
          "1_a 1 a 1/-" },
        { "no name, dots, spaces, CRLF and a byte order mark",
          { { "1.up.sql", "\xEF\xBB\xBFSELECT 1;\r\nSELECT 2;\r\n" }, { "2_a b.c.up.sql", "" } },
          "1 1 1 2/-, 2_a b.c 2 a b.c 0/-" },
        { "other files",
          { { "README.md", "x" },
            { ".1_x.up.sql", "\xFF" },
            { "3_c.up.sql~", "'" },
            { "1_a.up.sql", "" } },
          "1_a 1 a 0/-" },
    };
    ASSERT_READ(CASES, "golang-migrate");
}

static const RefusedCase REFUSED[] = {
    { { { NULL, NULL } },
      ERR_NOT_FOUND,
      "m: no migrations here, the directory is empty",
      "a migration is a pair of files, NNNN_name.up.sql and NNNN_name.down.sql; \"skein new NAME\" "
      "writes one" },
    { { { "0001_a.sql", "SELECT 1" } },
      ERR_NOT_FOUND,
      "m: no migrations here",
      "0001_a.sql has no marks of a format; --format node-pg-migrate takes each such file as an up "
      "that nothing undoes" },
    { { { "add_a.up.sql", "" } },
      ERR_SYNTAX,
      "m/add_a.up.sql: no version before the name",
      "begin the name with digits and \"_\": 0001_add_a.up.sql" },
    { { { ".up.sql", "" }, { "1_a.down.sql", "" } },
      ERR_SYNTAX,
      "m/1_a.down.sql: a down without an up",
      "add 1_a.up.sql, or remove the file" },
    { { { "0001-a.up.sql", "" } },
      ERR_SYNTAX,
      "m/0001-a.up.sql: no \"_\" after the version 0001",
      "name it 0001_-a.up.sql" },
    { { { "1_add_job.up.sql", "" }, { "2_add_jobs.down.sql", "" } },
      ERR_SYNTAX,
      "m/2_add_jobs.down.sql: a down without an up",
      "did you mean 1_add_job.down.sql?" },
    { { { "1_a.up.sql", "" }, { "2_tags.down.sql", "" }, { "2_tags.up.go", "" } },
      ERR_SYNTAX,
      "m/2_tags.down.sql: a down without an up",
      "2_tags.up.go is not SQL, and skein runs SQL alone" },
    { { { "1_a.up.sql", "" }, { "1_b.up.sql", "" }, { "1_xyzzy.down.sql", "" } },
      ERR_SYNTAX,
      "m/1_xyzzy.down.sql: a down without an up",
      "add 1_xyzzy.up.sql, or remove the file" },
    { { { "1_a.up.sql", "SELECT 1;\nROLLBACK" } },
      ERR_SYNTAX,
      "m/1_a.up.sql:2: ROLLBACK inside a migration: skein begins and ends the transaction",
      "remove it; BEGIN and COMMIT are understood" },
    { { { "1_a\n.up.sql", "" } },
      ERR_SYNTAX,
      "m: a file's name is not UTF-8, or has control characters",
      "names of migrations are kept in the databases: rename it" },
};

static void what_is_wrong_with_a_directory_is_said_with_a_hint(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void notes_tell_what_is_odd_about_a_directory(void **state)
{
    (void)state;
    static const NotesCase ROWS[] = {
        { { { "1_a.up.sql", "SELECT 1" },
            { "01_b.up.sql", "-- skein: irreversible" },
            { "01_b.down.sql", "SELECT 1" },
            { "2_jobs.up.sql", "SELECT 1" },
            { "2_job.down.sql", "" },
            { "seed.sql", "SELECT" },
            { "4_d.up.SQL", "SELECT 1" },
            { "3_c.sql", "SELECT 1" } },
          "warning m/4_d.up.SQL: left out: its name ends in .SQL, and .sql alone is read\n"
          "warning m/3_c.sql: left out: its name ends neither in .up.sql nor in .down.sql\n"
          "note m/seed.sql: left out: its name ends neither in .up.sql nor in .down.sql\n"
          "warning m/2_job.down.sql: taken as the down of 2_jobs.up.sql: the version is the "
          "same, the name is not\n"
          "warning m/01_b.up.sql: has the version of 1_a.up.sql; it goes second, by its name: "
          "golang-migrate itself refuses such a directory\n"
          "note m/1_a.up.sql: irreversible: it has no 1_a.down.sql\n"
          "warning m/01_b.down.sql: never runs: the migration is said to be irreversible\n"
          "warning m/2_job.down.sql: no statement: rolling back leaves what 2_jobs did" },
    };
    ASSERT_NOTES(ROWS);
}

static void a_new_pair_has_the_next_version_as_wide_as_the_last(void **state)
{
    (void)state;
    static const NewCase ROWS[] = {
        { .newest = NULL, .paths = { "0001_add_a.up.sql", "0001_add_a.down.sql" } },
        { .newest = "0009", .paths = { "0010_add_a.up.sql", "0010_add_a.down.sql" } },
        { .newest = "9", .paths = { "10_add_a.up.sql", "10_add_a.down.sql" } },
        { .newest = "20240101000000",
          .paths = { "20240131235959_add_a.up.sql", "20240131235959_add_a.down.sql" } },
    };
    ASSERT_NEW(&source_golang_migrate, "add_a", ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_are_read_in_the_order_of_their_versions),
        cmocka_unit_test(what_is_wrong_with_a_directory_is_said_with_a_hint),
        cmocka_unit_test(notes_tell_what_is_odd_about_a_directory),
        cmocka_unit_test(a_new_pair_has_the_next_version_as_wide_as_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
