/* Flyway's files: what is read, what is refused, what is told. */
#include "sandbox.h"

static void files_are_known_by_their_names(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "versioned, with what undoes them",
          { { "V1__create_a.sql", "SELECT 1; SELECT 2" },
            { "U1__anything.sql", "SELECT 3" },
            { "V2__b.sql", "SELECT 4" } },
          "V1__create_a 1 create a 2/1, V2__b 2 b 1/-" },
        { "versions are rows of numbers",
          { { "V1_10__c.sql", "" },
            { "V1.9__b.sql", "" },
            { "V1_2_3__a.sql", "" },
            { "V20240101.1__d.sql", "" } },
          "V1_2_3__a 1.2.3 a 0/-, V1.9__b 1.9 b 0/-, V1_10__c 1.10 c 0/-, "
          "V20240101.1__d 20240101.1 d 0/-" },
        { "no name, capitals",
          { { "V1.sql", "" }, { "V2__.SQL", "" } },
          "V1 1 V1 0/-, V2__ 2 V2__ 0/-" },
        { "folders",
          { { "V2__b.sql", "" },
            { "one/V1__a.sql", "" },
            { "one/two/V3__c.sql", "" },
            { "mysql/V1__a.sql", "`" },
            { "one/U1__a.sql", "" } },
          "V1__a 1 a 0/0, V2__b 2 b 0/-, V3__c 3 c 0/-" },
        { "a baseline beside what it stands for",
          { { "V1__a.sql", "" }, { "V2__b.sql", "" }, { "B2__all.sql", "SELECT 1" } },
          "V1__a 1 a 0/-, V2__b 2 b 0/-" },
        { "a baseline instead of what it stands for",
          { { "B1__old.sql", "" }, { "B2__all.sql", "SELECT 1" }, { "V3__c.sql", "" } },
          "B2__all 2 all 1/-, V3__c 3 c 0/-" },
        { "the mode is derived from the statements",
          { { "V1__a.sql", "CREATE INDEX CONCURRENTLY i ON t (a)" },
            { "V2__b.sql", "SELECT 1; VACUUM; SELECT 2; SELECT 3" } },
          "V1__a 1 a (1)/-, V2__b 2 b 1+(1)+2/-" },
        { "the mode is said beside the file",
          { { "V1__a.sql", "SELECT 1; SELECT 2" },
            { "V1__a.sql.conf", "# why\nexecuteInTransaction = false\nencoding=UTF-8\n" } },
          "V1__a 1 a 1+1/-" },
        { "a file that is not to be executed",
          { { "V1__a.sql", "SELECT 1" }, { "V1__a.sql.conf", "shouldExecute=false" } },
          "V1__a 1 a 0/-" },
    };
    ASSERT_READ(CASES, "flyway");
}

static void repeatables_come_last_and_are_named_by_what_they_hold(void **state)
{
    (void)state;
    static const char *const TEXTS[] = { "SELECT 1", "-- a comment\nSELECT  1;\n", "SELECT 2" };
    char ids[ARRAY_LEN(TEXTS)][64];
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_write(&sandbox, "R__b_views.sql", TEXTS[i]);
        sandbox_write(&sandbox, "V9__x.sql", "");
        sandbox_write(&sandbox, "R__a.sql", "");
        assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
        assert_int_equal(set.count, 3);
        assert_string_equal(set.migrations[0].id, "V9__x");
        assert_true(str_starts_with(set.migrations[1].id, "R__a@"));
        assert_true(str_starts_with(set.migrations[2].id, "R__b_views@"));
        assert_true(set.migrations[2].is_repeatable);
        assert_false(set.migrations[2].is_irreversible);
        assert_string_equal(set.migrations[2].name, "b views");
        assert_string_equal(set.migrations[2].version, "");
        str_copy(ids[i], sizeof(ids[i]), set.migrations[2].id);
    }
    assert_string_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[0], ids[2]);
}

static const RefusedCase REFUSED[] = {
    { { { "V1__a.sql", "" }, { "V1.0__b.sql", "" } },
      ERR_SYNTAX,
      "m/V1__a.sql: the version of V1.0__b.sql",
      "give one of them another version" },
    { { { "V1__a.sql", "" }, { "U2__b.sql", "" } },
      ERR_SYNTAX,
      "m/U2__b.sql: a down without an up",
      "add V2__b.sql, or remove the file" },
    { { { "V1__a.sql", "" }, { "V2__b.java", "" } },
      ERR_SYNTAX,
      "m/V2__b.java: a migration in Java, and skein runs SQL alone",
      "write it in SQL" },
    { { { "V1__a.sql", "SELECT 1;\nSELECT '${tenant_name}'" } },
      ERR_SYNTAX,
      "m/V1__a.sql:2: \"tenant_name\" is not set",
      "give it a value: --set tenant_name=VALUE, or under `set:` in the rollout file" },
    { { { "V1__a.sql", "SELECT 1;\n\nSELECT '${tenant'\n}" } },
      ERR_SYNTAX,
      "m/V1__a.sql:3: \"${\" without \"}\"",
      "where it is no placeholder, say placeholderReplacement=false in the file's .conf" },
    { { { "V1__a.sql", "" }, { "V1__a.sql.conf", "\nexecuteInTransation=false" } },
      ERR_SYNTAX,
      "m/V1__a.sql.conf:2: Flyway has no \"executeInTransation\" for a file",
      "did you mean \"executeInTransaction\"?" },
    { { { "V1__a.sql", "" }, { "V1__a.sql.conf", "executeInTransaction=no" } },
      ERR_SYNTAX,
      "m/V1__a.sql.conf:1: \"no\" is neither true nor false",
      "" },
    { { { "V1__a.sql", "" }, { "V1__a.sql.conf", "shouldExecute=${env}==prod" } },
      ERR_SYNTAX,
      "m/V1__a.sql.conf:1: shouldExecute=${env}==prod is decided per database",
      "a plan is the same for every target: write true or false" },
    { { { "V1__a.sql", "" }, { "V1__a.sql.conf", "encoding=ISO-8859-1" } },
      ERR_SYNTAX,
      "m/V1__a.sql.conf:1: encoding ISO-8859-1",
      "save the file as UTF-8" },
};

static void what_is_wrong_with_a_directory_is_said_with_a_hint(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void placeholders_are_replaced_wherever_they_stand(void **state)
{
    (void)state;
    static const ConfigPair SET[] = { { "Schema", "shop" }, { "empty", "" } };
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    SourceOptions options = { .variables = { .items = SET, .count = ARRAY_LEN(SET) } };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "V1__a.sql",
                  "-- ${schema}\nSELECT '${SCHEMA}${empty}', $$${flyway:filename}$$ FROM "
                  "${schema}.${flyway:table}");
    sandbox_write(&sandbox, "V2__b.sql", "SELECT '${none}'");
    sandbox_write(&sandbox, "V2__b.sql.conf", "placeholderReplacement=false");
    source_read(sandbox.path, &options, &arena, &set, &err);
    assert_case("placeholders", err.message, "");
    assert_string_equal(set.migrations[0].up.statements[0].sql,
                        "SELECT 'shop', $$V1__a.sql$$ FROM shop.flyway_schema_history");
    assert_string_equal(set.migrations[1].up.statements[0].sql, "SELECT '${none}'");
}

static void notes_tell_what_is_left_out(void **state)
{
    (void)state;
    static const NotesCase ROWS[] = {
        { { { "V1__a.sql", "SELECT 1" },
            { "U1__a.sql", "" },
            { "B1__all.sql", "" },
            { "afterMigrate__grants.sql", "" },
            { "seed.sql", "" } },
          "warning m/afterMigrate__grants.sql: left out: a callback, and skein runs "
          "migrations alone\n"
          "warning m/seed.sql: left out: no name of a migration (V1__name.sql, R__name.sql, "
          "…)\n"
          "note m/B1__all.sql: left out: a baseline, and the migrations that it stands for "
          "are here\n"
          "warning m/U1__a.sql: no statement: rolling back leaves what V1__a did" },
    };
    ASSERT_NOTES(ROWS);
}

static void a_new_version_counts_on_from_the_last_number(void **state)
{
    (void)state;
    static const NewCase ROWS[] = {
        { .newest = NULL, .paths = { "V1__add_a.sql", "U1__add_a.sql" } },
        { .newest = "1.9", .paths = { "V1.10__add_a.sql", "U1.10__add_a.sql" } },
        { .newest = "2024.01.09", .paths = { "V2024.01.10__add_a.sql", "U2024.01.10__add_a.sql" } },
        { .newest = "41", .paths = { "V42__add_a.sql", "U42__add_a.sql" } },
    };
    ASSERT_NEW(&source_flyway, "add_a", ROWS);
}

static void new_files_are_named_as_the_settings_have_it(void **state)
{
    (void)state;
    static const NewCase ROWS[] = {
        { .newest = "7",
          .paths = { "sql/up-8-add_a.pgsql", "sql/down-8-add_a.pgsql" },
          .there = { { "sql/x", NULL },
                     { "flyway.conf",
                       "flyway.sqlMigrationPrefix=up-\nflyway.undoSqlMigrationPrefix=down-\n"
                       "flyway.sqlMigrationSeparator=-\nflyway.sqlMigrationSuffixes=.pgsql,.sql\n"
                       "flyway.locations=filesystem:./sql,other\n" } } },
        { .newest = "7",
          .paths = { "src/main/resources/db/migration/V8__add_a.sql",
                     "src/main/resources/db/migration/U8__add_a.sql" },
          .there = { { "src/main/resources/db/migration/x", NULL },
                     { "flyway.toml", "[flyway]\nlocations = [\"classpath:db/migration\"]\n" } } },
        { .newest = "7",
          .paths = { "V8__add_a.sql", "U8__add_a.sql" },
          .there = { { "sql/x", NULL }, { "flyway.conf", "flyway.locations=/flyway/sql\n" } } },
        { .newest = "7",
          .paths = { "V8__add_a.sql", "U8__add_a.sql" },
          .there = { { "sql/x", NULL } } },
    };
    ASSERT_NEW(&source_flyway, "add_a", ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_known_by_their_names),
        cmocka_unit_test(repeatables_come_last_and_are_named_by_what_they_hold),
        cmocka_unit_test(what_is_wrong_with_a_directory_is_said_with_a_hint),
        cmocka_unit_test(placeholders_are_replaced_wherever_they_stand),
        cmocka_unit_test(notes_tell_what_is_left_out),
        cmocka_unit_test(a_new_version_counts_on_from_the_last_number),
        cmocka_unit_test(new_files_are_named_as_the_settings_have_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
