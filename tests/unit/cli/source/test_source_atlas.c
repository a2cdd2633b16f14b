/* Atlas's files: what is read, what is refused, what is told. The sums are what Atlas would write.
 */
#include "sandbox.h"

#include "cli/source/atlas.h"

#define HASH_A "w0aY6RSdLQ4/OgIVB3cjiQwWvTxFbxJcXBBa6K1Mc9I="
#define ONE                                                                                        \
    {                                                                                              \
        "1_a.sql", "CREATE TABLE a (i int);\n"                                                     \
    }
#define SUM_OF_ONE "h1:AmbWciqiTEZRY66UzF1w/fgHLNLp5AQWth1RxlHVVYI=\n1_a.sql h1:" HASH_A "\n"

static const ReadCase CASES[] = {
    { "modes, a checkpoint behind other files, a file without a name",
      { ONE,
        { "2.sql", "-- atlas:txmode none\n\nVACUUM;\nSELECT 1;\n" },
        { "3_check.sql", "-- atlas:checkpoint\n\nCREATE TABLE a (i int);\n" },
        { "4_b_c.sql", "SELECT 1;\nVACUUM;\n" },
        { "atlas.sum", "h1:ca8VTNmRAzMdtLnJv4QBswVzGZ9+EBepx7tuxZbytL4=\n1_a.sql h1:" HASH_A
                       "\n2.sql h1:ZX5F5GT65fApeOMAFg2DNYadOhaRrLvOrERRDEYyDh8=\n"
                       "3_check.sql h1:pErSd4bfKZlPEARGGeFdUcadT7hi+u0bBiLm63wQ0k8=\n"
                       "4_b_c.sql h1:tk0f8zqiwtPiUFa9/dSiwHrygyK6MfDixhnkmLyC478=\n" } },
      "1_a 1 a 1/-, 2 2 2 (1)+1/-, 4_b_c 4 b_c 1+(1)/-" },
    { "a file that is kept out of the sum",
      { { "1_a.sql", "-- atlas:sum ignore\nSELECT 1;\n" },
        { "2_b.sql", "SELECT 2;\n" },
        { "atlas.sum", "h1:LemDmSBUiDaRH/NAP3RlrjFXjFJseuPevYKjCpYastc=\n"
                       "2_b.sql h1:mXBwCRIIpqxqyyHCqRD99EypyNOrsu5PWwGyoC5w93A=\n" } },
      "1_a 1 a 1/-, 2_b 2 b 1/-" },
};

static void files_are_migrations_that_nothing_undoes(void **state)
{
    (void)state;
    ASSERT_READ(CASES, "atlas");
}

static void sums_beside_another_tools_files_are_no_matter(void **state)
{
    (void)state;
    static const struct {
        File file;
        const char *format;
    } rows[] = {
        { { "1_a.up.sql", "SELECT 1" }, "golang-migrate" },
        { { "1_a.sql", "-- +goose Up\nSELECT 1" }, "goose" },
        { { "1_a.sql", "-- migrate:up\nSELECT 1" }, "dbmate" },
        { { "V1__a.sql", "SELECT 1" }, "flyway" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_write(&sandbox, rows[i].file.name, rows[i].file.text);
        sandbox_write(&sandbox, "atlas.sum", "h1:x\n");
        assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
        assert_string_equal(set.format, rows[i].format);
    }
}

#define MEND                                                                                       \
    "Atlas refuses the directory for it, too: restore the file, or write the sum anew with "       \
    "\"atlas migrate hash\""

static const RefusedCase REFUSED[] = {
    { { { "1_a.sql", "CREATE TABLE b (i int);\n" }, { "atlas.sum", SUM_OF_ONE } },
      ERR_SYNTAX,
      "m/1_a.sql: is not what atlas.sum says",
      MEND },
    { { ONE, { "2_b.sql", "" }, { "atlas.sum", SUM_OF_ONE } },
      ERR_SYNTAX,
      "m/2_b.sql: is not in atlas.sum",
      MEND },
    { { ONE, { "atlas.sum", SUM_OF_ONE "2_b.sql h1:x\n" } },
      ERR_SYNTAX,
      "m/atlas.sum: 2_b.sql is not there",
      MEND },
    { { ONE, { "atlas.sum", "h1:x\n1_a.sql h1:" HASH_A "\n" } },
      ERR_SYNTAX,
      "m/atlas.sum: its first line is not the sum of the others",
      MEND },
    { { { "1_a.sql", "-- atlas:txmode all\n\nSELECT 1;\n" },
        { "atlas.sum", "h1:IoMOnvvYfggLhUos6tpvWPVXWUNbwyhZOpxoqPWe6MQ=\n"
                       "1_a.sql h1:g7frk+/MySpMC0PYcUzr2thBIF3AgIl4hq/YD3MyKhQ=\n" } },
      ERR_SYNTAX,
      "m/1_a.sql: the txmode \"all\"",
      "a file may say none or file" },
    { { { "1_a.sql", "-- atlas:txtar\n\n-- checks.sql --\nSELECT true;\n-- migration.sql --\n"
                     "SELECT 1;\n" },
        { "atlas.sum", "h1:GjNSvAvNILWMxDNHXGCoRDzJY1QGofB9AiRH56Y5Ibw=\n"
                       "1_a.sql h1:8GXRxXPHQXnndvTaBB57/vwsSrAciOOCuoPSF4X4now=\n" } },
      ERR_SYNTAX,
      "m/1_a.sql:1: an archive of several files",
      "put what is between \"-- migration.sql --\" and the next mark into a file of its own" },
    { { { "1_a.sql", "SELECT 1;\n\nSELECT '\n" },
        { "atlas.sum", "h1:FUkE3zgCeaizn22GLi6Fcze8pNc5gqvVuFnVaS9JdLk=\n"
                       "1_a.sql h1:q7AxFW5LLVV3AAqaMJ4bDMe8etoCTpkr9QJkDloGVJU=\n" } },
      ERR_SYNTAX,
      "m/1_a.sql:3: unterminated quoted string",
      "" },
};

static void what_is_wrong_with_a_directory_is_said_with_a_hint(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void notes_tell_what_is_left_out(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_fill(&sandbox, CASES[0].files);
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
    describe_notes(&sandbox, &set, &arena, &got);
    assert_case(
        "notes", str_text(&got),
        "note m/3_check.sql: left out: a checkpoint, which does what the files before it do\n"
        "note m/2.sql: runs in 2 parts, each committed by itself: line 3 (VACUUM) outside a "
        "transaction, line 4 (SELECT)\n"
        "warning m/4_b_c.sql:2: VACUUM cannot run in a transaction; skein runs it outside "
        "of one, but Atlas begins one, unless the file's head is \"-- atlas:txmode none\" "
        "above an empty line\n"
        "note m/4_b_c.sql: runs in 2 parts, each committed by itself: line 1 (SELECT), "
        "line 2 (VACUUM) outside a transaction");
    const AtlasMigration *first = set.own[0];
    assert_string_equal(first->hash, HASH_A);
    assert_string_equal(first->description, "a");
    assert_int_equal(first->directory->checkpoint_count, 1);
    assert_string_equal(first->directory->checkpoints[0], "3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_migrations_that_nothing_undoes),
        cmocka_unit_test(sums_beside_another_tools_files_are_no_matter),
        cmocka_unit_test(what_is_wrong_with_a_directory_is_said_with_a_hint),
        cmocka_unit_test(notes_tell_what_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
