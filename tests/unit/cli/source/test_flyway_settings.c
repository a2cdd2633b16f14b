/* flyway.conf and flyway.toml: what they say of how files are read. */
#include "sandbox.h"

static void settings_say_which_files_are_migrations(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "a location below the directory",
          { { "flyway.conf",
              "# all\nflyway.url=jdbc:x\nflyway.locations = filesystem:./sql/a, b\n" },
            { "V1__not_this.sql", "" },
            { "sql/a/V1__a.sql", "SELECT 1" },
            { "b/one/V2__b.sql", "SELECT 2" } },
          "V1__a 1 a 1/-, V2__b 2 b 1/-" },
        { "a class path, and a line that goes on",
          { { "flyway.conf", "flyway.locations=\\\n  classpath:db/migration" },
            { "src/main/resources/db/migration/V1__a.sql", "" } },
          "V1__a 1 a 0/-" },
        { "a place that is not here, beside the migrations",
          { { "flyway.conf", "flyway.locations=filesystem:/flyway/sql" }, { "V1__a.sql", "" } },
          "V1__a 1 a 0/-" },
        { "other names",
          { { "flyway.conf", "flyway.sqlMigrationPrefix=Up\nflyway.undoSqlMigrationPrefix=Down\n"
                             "flyway.sqlMigrationSeparator=-\n"
                             "flyway.sqlMigrationSuffixes=.psql,.ddl\n" },
            { "Up1-a_b.psql", "SELECT 1" },
            { "Down1-a_b.psql", "SELECT 1" },
            { "Up2_1-c.ddl", "SELECT 1" },
            { "V3__d.sql", "" } },
          "Up1-a_b 1 a b 1/1, Up2_1-c 2.1 c 1/-" },
        { "a transaction for none",
          { { "flyway.conf", "flyway.executeInTransaction=false" },
            { "V1__a.sql", "SELECT 1; SELECT 2" },
            { "V2__b.sql", "SELECT 1; SELECT 2" },
            { "V2__b.sql.conf", "executeInTransaction=true" } },
          "V1__a 1 a 1+1/-, V2__b 2 b 2/-" },
        { "TOML",
          { { "flyway.toml",
              "id = \"x\"\n[environments.dev]\nurl = 'jdbc:x'\nlocations = [\"no\"]\n"
              "[flyway]\nlocations = [ # two\n  \"filesystem:a\",\n  'b', # here\n]\n"
              "sqlMigrationPrefix = \"M\" # why\nmixed = true\n" },
            { "flyway.conf", "flyway.locations=c" },
            { "a/M1__a.sql", "" },
            { "b/M2__b.sql", "" },
            { "c/M3__c.sql", "" } },
          "M1__a 1 a 0/-, M2__b 2 b 0/-" },
    };
    ASSERT_READ(CASES, "flyway");
}

static void settings_say_what_placeholders_are(void **state)
{
    (void)state;
    static const ConfigPair SET[] = { { "ROLE", "app" } };
    static const struct {
        const char *file;
        const char *text;
    } CASES[] = {
        { "flyway.conf", "flyway.placeholderPrefix=#[\nflyway.placeholderSuffix=]]\n"
                         "flyway.placeholders.role=nobody\nflyway.placeholders.list=a,b\n"
                         "flyway.table=mine\nflyway.defaultSchema=public\n" },
        { "flyway.toml", "[flyway]\nplaceholderPrefix = \"#[\"\nplaceholderSuffix = \"]]\"\n"
                         "table = \"mine\"\ndefaultSchema = \"public\"\n"
                         "[flyway.placeholders]\nrole = \"nobody\"\nlist = \"a,b\"\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        SourceOptions options = { .variables = { .items = SET, .count = ARRAY_LEN(SET) } };
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_write(&sandbox, CASES[i].file, CASES[i].text);
        sandbox_write(
            &sandbox, "V1__a.sql",
            "SELECT '#[role]] #[list]] ${role} #[flyway:table]] #[flyway:defaultSchema]]'");
        sandbox_write(&sandbox, "U1__a.sql", "SELECT 1");
        source_read(sandbox.path, &options, &arena, &set, &err);
        assert_case(CASES[i].file, err.message, "");
        assert_string_equal(set.migrations[0].up.statements[0].sql,
                            "SELECT 'app a,b ${role} mine public'");
        AUTO(Str) notes = { 0 };
        describe_notes(&sandbox, &set, &arena, &notes);
        assert_case(CASES[i].file, str_text(&notes), "");
    }
}

static const RefusedCase REFUSED[] = {
    { { { "flyway.conf", "\nflyway.locations=filesystem:sql" } },
      ERR_SYNTAX,
      "m/flyway.conf:2: there is no filesystem:sql in m",
      "name the directory that it is in with --migrations DIR, or the one that the migrations are "
      "in" },
    { { { "flyway.conf", "flyway.locations=sql,gone" }, { "sql/V1__a.sql", "" } },
      ERR_SYNTAX,
      "m/flyway.conf:1: there is no gone in m",
      "name the directory that it is in with --migrations DIR, or the one that the migrations are "
      "in" },
    { { { "flyway.conf", "flyway.initSql=SET ROLE app" }, { "V1__a.sql", "" } },
      ERR_SYNTAX,
      "m/flyway.conf:1: skein cannot keep to initSql=SET ROLE app",
      "begin the migrations that need it with it, or let the role's own settings say it" },
    { { { "flyway.toml", "[flyway]\nencoding = \"ISO-8859-1\"" }, { "V1__a.sql", "" } },
      ERR_SYNTAX,
      "m/flyway.toml:2: skein cannot keep to encoding=ISO-8859-1",
      "save the files as UTF-8" },
    { { { "flyway.conf", "flyway.resolvers=com.shop.Own" }, { "V1__a.sql", "" } },
      ERR_SYNTAX,
      "m/flyway.conf:1: skein cannot keep to resolvers=com.shop.Own",
      "skein runs SQL alone" },
    { { { "flyway.conf", "flyway.placeholderReplacement=yes" }, { "V1__a.sql", "" } },
      ERR_SYNTAX,
      "m/flyway.conf:1: \"yes\" is neither true nor false",
      "" },
    { { { "flyway.conf", "flyway.placeholderPrefix=[[\nflyway.placeholderSuffix=]]" },
        { "V1__a.sql", "SELECT 1\n[[x" } },
      ERR_SYNTAX,
      "m/V1__a.sql:2: \"[[\" without \"]]\"",
      "where it is no placeholder, say placeholderReplacement=false in the file's .conf" },
    { { { "flyway.conf", "flyway.sqlMigrationPrefix=Up" },
        { "Up1__a.sql", "" },
        { "U2__a.sql", "" } },
      ERR_SYNTAX,
      "m/U2__a.sql: a down without an up",
      "did you mean U1__a.sql?" },
};

static void what_no_plan_can_keep_is_refused_with_its_line(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void what_is_for_skein_to_be_said_is_warned_of(void **state)
{
    (void)state;
    static const NotesCase ROWS[] = {
        { { { "V1__a.sql", "SELECT 1" },
            { "U1__a.sql", "SELECT 1" },
            { "flyway.conf",
              "flyway.target=latest\nflyway.target=5.1\nflyway.outOfOrder=true\n"
              "flyway.schemas=shop,public\nflyway.user=x\nflyway.group=true\nfoo\n" } },
          "warning m/flyway.conf:2: target=5.1 is where Flyway stops; skein goes as far as "
          "--to or `to:` says\n"
          "warning m/flyway.conf:3: outOfOrder=true is for skein to be said: --out-of-order "
          "apply, or `out_of_order: apply`\n"
          "warning m/flyway.conf:4: schemas=shop is the search_path of Flyway's migrations; "
          "skein's is the target's own: name the schema as a target, or in the SQL" },
    };
    ASSERT_NOTES(ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_say_which_files_are_migrations),
        cmocka_unit_test(settings_say_what_placeholders_are),
        cmocka_unit_test(what_no_plan_can_keep_is_refused_with_its_line),
        cmocka_unit_test(what_is_for_skein_to_be_said_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
