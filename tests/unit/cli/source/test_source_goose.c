/* goose's files: what is read, what is refused, what is told. */
#include "sandbox.h"

#define UP "-- +goose Up\n"
#define DOWN "-- +goose Down\n"
#define BEGIN "-- +goose StatementBegin\n"
#define END "-- +goose StatementEnd\n"

static void files_hold_both_directions(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "both",
          { { "00001_create_a.sql", UP "SELECT 1;\nSELECT 2;\n\n" DOWN "SELECT 3;\n" } },
          "00001_create_a 00001 create_a 2/1" },
        { "comments above, any case, CRLF, no final semicolon",
          { { "1_a.sql", "-- licence\r\n\r\n-- +GOOSE up\r\n-- +goose up\r\nSELECT 1\r\n" } },
          "1_a 1 a 1/-" },
        { "by number", { { "10_b.sql", UP }, { "9_a.sql", UP } }, "9_a 9 a 0/-, 10_b 10 b 0/-" },
        { "a down that does nothing is one all the same",
          { { "1_a.sql", UP "SELECT 1;\n" DOWN } },
          "1_a 1 a 1/0" },
        { "statements that goose must be told about",
          { { "1_f.sql", UP BEGIN
              "CREATE FUNCTION f() RETURNS int AS $$\nBEGIN\n  RETURN 1;\nEND;\n"
              "$$ LANGUAGE plpgsql;\n" END "SELECT 1;\n" DOWN BEGIN "DROP FUNCTION f();\n" END } },
          "1_f 1 f 2/1" },
        { "without a transaction",
          { { "1_a.sql", "-- +goose NO TRANSACTION\n" UP "SELECT 1;\nVACUUM;\nSELECT 2;\n" DOWN
                         "DROP INDEX CONCURRENTLY i;" } },
          "1_a 1 a 1+(1)+1/(1)" },
        { "one query without a transaction is one all the same",
          { { "1_a.sql", "-- +goose NO TRANSACTION\n" UP BEGIN "SELECT 1;\nSELECT 2;\n" END
                         "SELECT 3;\nSELECT 4;\n" BEGIN "SELECT 5; SELECT 6;\n" END } },
          "1_a 1 a 2+1+1+2/-" },
    };
    ASSERT_READ(CASES, "goose");
}

static const RefusedCase REFUSED[] = {
    { { { "1_a.sql", "SELECT 1;\n" UP } },
      ERR_SYNTAX,
      "m/1_a.sql:1: something above \"-- +goose Up\"",
      "move it below that line: goose runs nothing above it" },
    { { { "1_a.sql", UP }, { "2_b.sql", "-- nothing\n" } },
      ERR_SYNTAX,
      "m/2_b.sql: no line \"-- +goose Up\"",
      "put it above what is to be applied, and \"-- +goose Down\" above what undoes it" },
    { { { "1_a.sql", UP UP } },
      ERR_SYNTAX,
      "m/1_a.sql:2: a second \"-- +goose Up\", or one below Down",
      "" },
    { { { "1_a.sql", DOWN UP } },
      ERR_SYNTAX,
      "m/1_a.sql:1: \"-- +goose Down\" out of place",
      "it stands once, below what \"-- +goose Up\" begins" },
    { { { "1_a.sql", UP BEGIN BEGIN } },
      ERR_SYNTAX,
      "m/1_a.sql:3: \"-- +goose StatementBegin\" out of place",
      "it stands below Up or Down, and not within another" },
    { { { "1_a.sql", UP END } },
      ERR_SYNTAX,
      "m/1_a.sql:2: \"-- +goose StatementEnd\" without StatementBegin",
      "" },
    { { { "1_a.sql", UP BEGIN "SELECT 1;" } },
      ERR_SYNTAX,
      "m/1_a.sql:2: StatementBegin without StatementEnd",
      "" },
    { { { "1_a.sql", UP "-- +goose StatmentBegin\n" } },
      ERR_SYNTAX,
      "m/1_a.sql:2: goose has no mark \"StatmentBegin\"",
      "did you mean \"-- +goose StatementBegin\"?" },
    { { { "1_a.sql", UP " -- +goose Down\n" } },
      ERR_SYNTAX,
      "m/1_a.sql:2: a blank before a mark of goose",
      "begin the line with --" },
    { { { "1_a.sql", UP }, { "2_b.go", "package b" } },
      ERR_SYNTAX,
      "m/2_b.go: a migration in Go, and skein runs SQL alone",
      "write it in SQL" },
    { { { "1_a.sql", UP "-- +goose ENVSUB ON\nSELECT '$SKEIN_TEST_UNSET';" } },
      ERR_SYNTAX,
      "m/1_a.sql:3: \"SKEIN_TEST_UNSET\" is not set",
      "give it a value: --set SKEIN_TEST_UNSET=VALUE, or under `set:` in the rollout file" },
    { { { "1_a.sql", UP "-- +goose ENVSUB ON\n\nSELECT '${X:2:1}';" } },
      ERR_SYNTAX,
      "m/1_a.sql:4: not understood with ENVSUB: ${X:2:1}';",
      "write a dollar that is no variable as $$, or turn ENVSUB off there" },
};

static void what_is_wrong_with_a_file_is_said_with_its_line(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void variables_are_substituted_where_it_is_on(void **state)
{
    (void)state;
    static const ConfigPair SET[] = { { "NAME", "shop" }, { "EMPTY", "" } };
    static const struct {
        const char *line;
        const char *sql;
    } CASES[] = {
        { "SELECT '${NAME}', '$NAME';", "SELECT 'shop', 'shop'" },
        { "SELECT '${NAME:-x}${EMPTY:-x}${EMPTY-x}${NONE-y}${NAME?unset}';",
          "SELECT 'shopxyshop'" },
        { "SELECT '${NONE:-a${NONE:-$NAME}b}';", "SELECT 'ashopb'" },
        { "SELECT $$$$a$$$$, '\\$NAME', 'a\\\\b', '$(x)';",
          "SELECT $$a$$, '$NAME', 'a\\\\b', '$(x)'" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        SourceOptions options = { .variables = { .items = SET, .count = ARRAY_LEN(SET) } };
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_write(&sandbox, "1_a.sql",
                      arena_printf(&arena,
                                   UP "-- +goose ENVSUB ON\n%s\n-- +goose ENVSUB OFF\n"
                                      "SELECT '$NAME';",
                                   CASES[i].line));
        source_read(sandbox.path, &options, &arena, &set, &err);
        assert_case(CASES[i].line, err.message, "");
        assert_case(CASES[i].line, set.migrations[0].up.statements[0].sql, CASES[i].sql);
        assert_string_equal(set.migrations[0].up.statements[1].sql, "SELECT '$NAME'");
    }
}

/* A body is kept in the catalog: it has to be what goose makes of it. */
static void marks_leave_bodies_and_line_numbers_behind_them_as_they_were(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_f.sql",
                  UP BEGIN "CREATE FUNCTION f() RETURNS int AS $$\r\n-- +goose ENVSUB ON\n"
                           "SELECT 1;\n-- +goose ENVSUB OFF\n$$ LANGUAGE sql;\n" END "SELECT 2;\n");
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
    const PlanStatement *statements = set.migrations[0].up.statements;
    assert_string_equal(statements[0].sql,
                        "CREATE FUNCTION f() RETURNS int AS $$\nSELECT 1;\n$$ LANGUAGE sql");
    assert_int_equal(statements[0].line, 3);
    assert_int_equal(statements[1].line, 9);
}

static void a_new_file_goes_on_as_the_directory_does(void **state)
{
    (void)state;
    static const NewCase ROWS[] = {
        { .newest = NULL, .paths = { "20240131235959_add_a.sql" } },
        { .newest = "20230101000000", .paths = { "20240131235959_add_a.sql" } },
        { .newest = "00041", .paths = { "00042_add_a.sql" } },
    };
    ASSERT_NEW(&source_goose, "add_a", ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_hold_both_directions),
        cmocka_unit_test(what_is_wrong_with_a_file_is_said_with_its_line),
        cmocka_unit_test(variables_are_substituted_where_it_is_on),
        cmocka_unit_test(marks_leave_bodies_and_line_numbers_behind_them_as_they_were),
        cmocka_unit_test(a_new_file_goes_on_as_the_directory_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
