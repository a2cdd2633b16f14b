/* graphile-migrate's committed files: what is read, what is refused, what is told. The hashes are
 * what graphile-migrate 1.4.1 makes of the texts. */
#include "sandbox.h"

#define HASH_A "sha1:6f5d52040d236b269ec58babceae8ee759778232"
#define HASH_B "sha1:d686a94607d58aa6c54f4e13c363c43167d93d2d"
#define HASH_C "sha1:43fd2657ced6280c2abe371f510f1c0624af7e6d"
#define HEAD(previous, hash) "--! Previous: " previous "\n--! Hash: " hash "\n"
#define TEXT_A HEAD("-", HASH_A) "\nCREATE TABLE a (i int);\n"
#define TEXT_B HEAD(HASH_A, HASH_B) "--! Message: Why: not\n\n--! no-transaction\nVACUUM;\n"
#define TEXT_C HEAD(HASH_B, HASH_C) "\n\n  SELECT 1;\nSELECT 2\n\n"

static void committed_files_are_migrations_that_nothing_undoes(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "the folder of migrations",
          { { "committed/000001.sql", TEXT_A },
            { "committed/000002-why-not.sql", TEXT_B },
            { "committed/000003.sql", TEXT_C },
            { "current.sql", "SELECT 1;" } },
          "000001 000001 000001 1/-, 000002-why-not 000002 why-not (1)/-, 000003 000003 000003 2/-" },
        { "the project",
          { { "migrations/committed/000001.sql", TEXT_A }, { "package.json", "{}" } },
          "000001 000001 000001 1/-" },
        { "what is committed", { { "1-a.sql", TEXT_A } }, "1-a 1 a 1/-" },
        { "where its settings say",
          { { ".gmrc", "{ migrationsFolder: './db/moves/', }" },
            { "db/moves/committed/1.sql", TEXT_A } },
          "1 1 1 1/-" },
        { "settings among the migrations",
          { { ".gmrc", "{}" }, { "committed/1.sql", TEXT_A } },
          "1 1 1 1/-" },
        { "as text, not as numbers",
          { { "committed/9.sql", HEAD(HASH_A, HASH_B) "\n--! no-transaction\nVACUUM;\n" },
            { "committed/10.sql", TEXT_A } },
          "10 10 10 1/-, 9 9 9 (1)/-" },
        { "line ends that a checkout has made, and a byte order mark",
          { { "committed/1.sql", TEXT_A },
            { "committed/2.sql", TEXT_B },
            { "committed/3.sql", "\xEF\xBB\xBF--! Previous: " HASH_B "\r\n--! Hash: " HASH_C
                                 "\r\n\r\nSELECT 1;\r\nSELECT 2\r\n" } },
          "1 1 1 1/-, 2 2 2 (1)/-, 3 3 3 2/-" },
        { "several statements without a transaction, and no text at all",
          { { "committed/1.sql",
              HEAD("-", "x") "--! AllowInvalidHash\n\n--!no-transaction\nSELECT 1; SELECT 2" },
            { "committed/2.sql", HEAD("x", "y") "--! AllowInvalidHash: why not\n" } },
          "1 1 1 2/-, 2 2 2 0/-" },
        { "a line that is not the first of the text says nothing",
          { { "committed/1.sql", HEAD("-", "x") "--! AllowInvalidHash\n\n-- a\n--! no-transaction\n"
                                                "SELECT 1" } },
          "1 1 1 1/-" },
    };
    ASSERT_READ(CASES, "graphile-migrate");
}

#define MEND "graphile-migrate refuses the file for it, too: restore it as it was committed"

static const RefusedCase REFUSED[] = {
    { { { "committed/1.sql", HEAD("-", HASH_A) "\nCREATE TABLE b (i int);\n" } },
      ERR_SYNTAX,
      "m/committed/1.sql: its text is not what \"--! Hash:\" says was committed",
      "graphile-migrate does not run it, either: restore it, or, where it was changed on purpose, "
      "add the header \"--! AllowInvalidHash\"" },
    { { { "committed/1.sql", TEXT_A },
        { "committed/3.sql", HEAD(HASH_B, HASH_C) "\nSELECT 1;\nSELECT 2\n" } },
      ERR_SYNTAX,
      "m/committed/3.sql: says that " HASH_B " is before it, and there " HASH_A " is",
      "graphile-migrate refuses the directory for it, too: one is missing, or two were committed "
      "at the same time" },
    { { { "committed/2.sql", TEXT_B } },
      ERR_SYNTAX,
      "m/committed/2.sql: says that " HASH_A " is before it, and there nothing is",
      "graphile-migrate refuses the directory for it, too: one is missing, or two were committed "
      "at the same time" },
    { { { "committed/1.sql", HEAD("-", HASH_A) "CREATE TABLE a (i int);\n" } },
      ERR_SYNTAX,
      "m/committed/1.sql:3: no empty line below the headers",
      MEND },
    { { { "committed/1.sql", "--! Hash: " HASH_A "\n\nSELECT 1;" } },
      ERR_SYNTAX,
      "m/committed/1.sql:1: no header \"--! Previous:\"",
      MEND },
    { { { "committed/1.sql", "--! Hash: x\n--! Hash: y\n\n" } },
      ERR_SYNTAX,
      "m/committed/1.sql:2: a header for the second time",
      MEND },
    { { { "committed/1.sql", "--! Previous: -\n--! Hash:\n\n" } },
      ERR_SYNTAX,
      "m/committed/1.sql:1: no header \"--! Hash:\"",
      MEND },
    { { { "committed/1.sql",
          HEAD("-",
               "sha1:76346909cfff2776eb5a574c03737a938cb73162") "\nSELECT 1;\n\nSELECT '\n" } },
      ERR_SYNTAX,
      "m/committed/1.sql:6: unterminated quoted string",
      "" },
    { { { "committed/1.sql",
          HEAD("-",
               "sha1:9fe2f2681d8877206aa57e020a07c20348f6bbe1") "\nSELECT ':DATABASE_NAME';\n" } },
      ERR_SYNTAX,
      "m/committed/1.sql:4: :DATABASE_NAME is another in each database, and a plan is the same for "
      "all",
      "where it is the same everywhere: --set DATABASE_NAME=VALUE, or under `set:` in the rollout "
      "file" },
    { { { ".gmrc", "// c\n{ placeholders: { ':MISSING': '!ENV' } }" },
        { "migrations/committed/1.sql",
          HEAD(
              "-",
              "sha1:a3c04b1cb5fcd14053fedb0e46881b990dba568e") "\nSELECT 1; SELECT :MISSING;\n" } },
      ERR_SYNTAX,
      "m/migrations/committed/1.sql:4: \"MISSING\" is not set",
      "give it a value: --set MISSING=VALUE, or under `set:` in the rollout file" },
};

static void what_is_wrong_with_a_file_is_said_with_its_line(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static const RefusedCase BAD_SETTINGS[] = {
    { { { ".gmrc", "{ placeholders: { 'VISITOR': 'x' } }" } },
      ERR_SYNTAX,
      "m/.gmrc: the placeholder \"VISITOR\"",
      "graphile-migrate wants them to begin with a colon" },
    { { { ".gmrc", "{\n placeholders: { ':VISITOR': 1 } }" } },
      ERR_SYNTAX,
      "m/.gmrc.placeholders.:VISITOR: expected a string, found a whole number",
      "" },
    { { { ".gmrc", "{ migrationsFolder: '/tmp' }" } },
      ERR_SYNTAX,
      "m/.gmrc: migrationsFolder is /tmp",
      "name a folder below the directory of .gmrc" },
};

static void bad_settings_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD_SETTINGS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_fill(&sandbox, BAD_SETTINGS[i].files);
        sandbox_read(&sandbox, "graphile-migrate", &arena, &set, &err);
        assert_case("settings", without_path(&sandbox, err.message, &arena),
                    BAD_SETTINGS[i].message);
        assert_string_equal(err.hint, BAD_SETTINGS[i].hint);
    }
}

static void placeholders_are_replaced_as_whole_words_anywhere(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    SourceOptions options = { 0 };
    setenv("OWN", "it\"s", 1);
    sandbox_write(&sandbox, ".gmrc",
                  "/* why */ {\n  // c\n  \"placeholders\": {\n    ':VISITOR': \"!ENV\",\n"
                  "    ':OWN': '!ENV', \":A_B\": 'it\\'\\'s \"1\"',\n  },\n}\n");
    sandbox_write(
        &sandbox, "migrations/committed/1.sql",
        HEAD(
            "-",
            "sha1:5bc706aa4eda2aeea5e855a421abb4fd66c00fbc") "\nGRANT SELECT ON t TO :VISITOR; -- :OWN ::TEXT\n"
                                                             "SELECT ':VISITOR :VISITORS x::VISITOR :A_B', to_char(now(), 'HH24:MI');\n");
    assert_int_equal(variables_add(&options.variables, "VISITOR=guest", &arena, &err), ERR_NONE);
    assert_int_equal(source_read(sandbox.path, &options, &arena, &set, &err), ERR_NONE);
    assert_string_equal(set.migrations[0].up.statements[0].sql, "GRANT SELECT ON t TO guest");
    assert_string_equal(set.migrations[0].up.statements[1].sql,
                        "SELECT 'guest :VISITORS x:guest it''s \"1\"', to_char(now(), 'HH24:MI')");
    assert_int_equal(set.migrations[0].up.statements[1].line, 5);
}

static void notes_tell_what_is_odd(void **state)
{
    (void)state;
    static const NotesCase ROWS[] = {
        { { { ".gmrc", "{ pgSettings: { search_path: 'app' }, afterAllMigrations: ['x.sql'],"
                       " beforeAllMigrations: [], }" },
            { "migrations/committed/000001.sql",
              HEAD("-", HASH_A) "--! AllowInvalidHash\n\nCREATE TABLE a (i int);\n" },
            { "migrations/committed/000002.sql", TEXT_B },
            { "migrations/committed/000003 x.sql", "SELECT 1" },
            { "migrations/current.sql", "-- now\nSELECT 1" } },
          "warning m/.gmrc: graphile-migrate sets search_path for every migration, skein "
          "does not: say it in the migrations, or by ALTER ROLE or ALTER DATABASE … SET\n"
          "warning m/.gmrc: afterAllMigrations: skein runs migrations alone\n"
          "note m/migrations/committed/000003 x.sql: left out: its name is not NNNNNN.sql or "
          "NNNNNN-words.sql\n"
          "note m/migrations/current.sql: left out: it is not committed\n"
          "warning m/migrations/committed/000001.sql: graphile-migrate refuses \"--! "
          "AllowInvalidHash\" where the hash is right\n"
          "note m/migrations/committed/000002.sql:6: runs outside a transaction: VACUUM cannot run "
          "in a transaction" },
    };
    ASSERT_NOTES(ROWS);
}

static void a_program_of_settings_is_not_run(void **state)
{
    (void)state;
    static const NotesCase ROWS[] = {
        { { { ".gmrc.cjs", "module.exports = {}" }, { "migrations/committed/000001.sql", TEXT_A } },
          "warning m/.gmrc.cjs: a program, which is not run: give what its placeholders are "
          "with --set" },
    };
    ASSERT_NOTES(ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(committed_files_are_migrations_that_nothing_undoes),
        cmocka_unit_test(what_is_wrong_with_a_file_is_said_with_its_line),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(placeholders_are_replaced_as_whole_words_anywhere),
        cmocka_unit_test(notes_tell_what_is_odd),
        cmocka_unit_test(a_program_of_settings_is_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
