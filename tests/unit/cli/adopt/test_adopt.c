/* Plans that live with another tool's history: what they carry. What their SQL does on a server is
 * tests/integration/cli/test_adopt.c. */
#include "tests/unit/cli/support.h"

#include "cli/adopt/adopt.h"
#include "cli/adopt/place.h"
#include "cli/source/alembic.h"

static PlanStatement STATEMENT = { .sql = "SELECT 1", .line = 1, .kind = "SELECT" };

static PlanMigration *migrations_new(Arena *arena)
{
    PlanMigration *migrations = ARENA_ARRAY(arena, PlanMigration, 2);
    migrations[0] = (PlanMigration){ .id = "1_it's", .version = "1", .is_irreversible = true };
    migrations[1] = (PlanMigration){ .id = "0002_b", .version = "0002" };
    for (size_t i = 0; i < 2; i++) {
        migrations[i].up =
            (PlanScript){ .statements = &STATEMENT, .count = 1, .is_transactional = true };
    }
    return migrations;
}

static Plan plan_of(const MigrationSet *set)
{
    return (Plan){ .name = "p",
                   .to = "0002_b",
                   .where = "",
                   .migrations = set->migrations,
                   .migration_count = set->count };
}

static void an_adoption_runs_nothing_and_can_be_taken_back(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    MigrationSet set = { .format = "goose", .migrations = migrations_new(&arena), .count = 2 };
    Plan plan = plan_of(&set);
    AdoptFrom from = { 0 };
    Err err = { 0 };
    assert_int_equal(adopt_plan(&set, &from, &arena, &plan, &err), ERR_NONE);
    assert_string_equal(plan.adoption.tool, "goose");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(plan.migrations[i].up.count, 0);
        assert_false(plan.migrations[i].is_irreversible);
    }
    assert_int_equal(set.migrations[0].up.count, 1);
    assert_true(
        str_starts_with(plan.adoption.query, "WITH v (id, version) AS (VALUES ('1_it''s', '1'::"));
}

static void a_mirror_leaves_what_runs_as_it_is(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    MigrationSet set = { .format = "golang-migrate",
                         .migrations = migrations_new(&arena),
                         .count = 2 };
    Plan plan = plan_of(&set);
    AdoptFrom from = { .table = "app.Versions" };
    Err err = { 0 };
    assert_int_equal(mirror_plan(&set, &from, &arena, &plan, &err), ERR_NONE);
    assert_int_equal(plan.migrations[1].up.count, 1);
    assert_int_equal(plan.migrations[0].up.mirror_count, 1);
    assert_int_equal(plan.migrations[0].down.mirror_count, 0); /* irreversible */
    assert_non_null(strstr(plan.migrations[1].up.mirror[0], "INTO \"app\".\"versions\" "));
    assert_int_equal(set.migrations[1].up.mirror_count, 0);
}

/* As env.py or flyway.conf has it; another tool's is no matter, and who names one knows better. */
static void the_table_is_the_one_that_the_directory_names(void **state)
{
    (void)state;
    static const struct {
        AdoptFrom from;
        const char *table;
        const char *schema; /* of a whole database; NULL: the first one */
    } ROWS[] = {
        { { 0 }, "FROM \"Versions\" ", "app" },
        { { .tool = "goose" }, "FROM \"Versions\" ", "app" },
        { { .table = "mine" }, "FROM \"mine\" ", NULL },
        { { .table = "ops.mine" }, "FROM \"ops\".\"mine\" ", NULL },
        { { .tool = "dbmate" }, "FROM \"schema_migrations\" ", NULL },
        { { .tool = "node-pg-migrate" }, "FROM \"pgmigrations\" ", "public" },
        { { .tool = "atlas" }, "FROM \"atlas_schema_revisions\" ", "atlas_schema_revisions" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        MigrationSet set = { .format = "goose",
                             .migrations = migrations_new(&arena),
                             .count = 2,
                             .own_table = "app.\"Versions\"" };
        Plan plan = plan_of(&set);
        Err err = { 0 };
        assert_int_equal(adopt_plan(&set, &ROWS[i].from, &arena, &plan, &err), ERR_NONE);
        assert_non_null(strstr(plan.adoption.query, ROWS[i].table));
        assert_int_equal(plan.adoption.is_in_first, ROWS[i].schema == NULL);
        if (ROWS[i].schema != NULL) {
            assert_string_equal(plan.adoption.schema, ROWS[i].schema);
        }
    }
}

static void the_table_is_the_one_that_the_tools_own_words_name(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        const char *variable;
        const char *value;
        AdoptFrom from;
        const char *table;
    } ROWS[] = {
        { "dbmate", "DBMATE_MIGRATIONS_TABLE", "Ops.Moves", { 0 }, "FROM \"Ops\".\"Moves\" t" },
        { "dbmate", "DBMATE_MIGRATIONS_TABLE", "", { 0 }, "FROM \"schema_migrations\" t" },
        { "dbmate", "DBMATE_MIGRATIONS_TABLE", "moves", { .table = "other" }, "FROM \"other\" t" },
        { "goose", "GOOSE_TABLE", "Ops.Moves", { 0 }, "FROM \"ops\".\"moves\" " },
        { "goose", "DBMATE_MIGRATIONS_TABLE", "moves", { 0 }, "FROM \"Versions\" " },
        { "golang-migrate",
          "GOOSE_TABLE",
          "moves",
          { .url = "postgres://u@h/d?sslmode=disable&x-migrations-table=Ops%2eMoves&y=1" },
          "FROM \"Ops.Moves\" t" },
        { "golang-migrate",
          "GOOSE_TABLE",
          "moves",
          { .url = "postgres://u@h/d?x-migrations-table=%22Ops%22.%22Mo ves%22"
                   "&x-migrations-table-quoted=1" },
          "FROM \"Ops\".\"Mo ves\" t" },
        { "golang-migrate",
          "GOOSE_TABLE",
          "moves",
          { .url = "host=h dbname=?x-migrations-table=no" },
          "FROM \"Versions\" t" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        MigrationSet set = { .format = ROWS[i].format,
                             .migrations = migrations_new(&arena),
                             .count = 2,
                             .own_table =
                                 str_equal(ROWS[i].format, "dbmate") ? NULL : "app.\"Versions\"" };
        Plan plan = plan_of(&set);
        Err err = { 0 };
        setenv(ROWS[i].variable, ROWS[i].value, 1);
        assert_int_equal(adopt_plan(&set, &ROWS[i].from, &arena, &plan, &err), ERR_NONE);
        unsetenv(ROWS[i].variable);
        if (strstr(plan.adoption.query, ROWS[i].table) == NULL) {
            fail_msg("wanted %s in %s", ROWS[i].table, plan.adoption.query);
        }
    }
}

static void an_address_goes_to_libpq_without_what_golang_migrate_alone_reads(void **state)
{
    (void)state;
    const char *const rows[][2] = {
        { "postgres://u@h/d?x-migrations-table=m", "postgres://u@h/d" },
        { "postgres://u@h/d?x-a=1&sslmode=disable&x-b=2&port=3",
          "postgres://u@h/d?sslmode=disable&port=3" },
        { "postgresql://u@h/d?sslmode=disable", "postgresql://u@h/d?sslmode=disable" },
        { "host=h password=?x-y", "host=h password=?x-y" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Arena) arena = { 0 };
        assert_string_equal(place_plain_url(rows[i][0], &arena), rows[i][1]);
    }
}

static void a_table_that_asks_for_more_than_a_plan_is_kept_true_of_its_own_directories(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    MigrationSet set = { .format = "goose", .migrations = migrations_new(&arena), .count = 2 };
    Plan plan = plan_of(&set);
    AdoptFrom from = { .tool = "prisma" };
    Err err = { 0 };
    assert_int_equal(mirror_plan(&set, &from, &arena, &plan, &err), ERR_USAGE);
    assert_string_equal(err.message,
                        "the history of prisma can be kept true of its own directories alone");
    assert_string_equal(err.hint, "this one is of format goose");
}

static void a_tool_that_keeps_heads_is_asked_with_their_parents(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    const char *const parents[] = { "1_it's" };
    AlembicRevision revisions[] = { { .id = "1_it's" }, { "0002_b", parents, 1, NULL, 0 } };
    const void *const own[] = { &revisions[0], &revisions[1] };
    MigrationSet set = {
        .format = "alembic", .migrations = migrations_new(&arena), .count = 2, .own = own
    };
    Plan plan = plan_of(&set);
    AdoptFrom from = { 0 };
    Err err = { 0 };
    assert_int_equal(adopt_plan(&set, &from, &arena, &plan, &err), ERR_NONE);
    assert_non_null(
        strstr(plan.adoption.query, "(VALUES (0, '1_it''s', NULL), (1, '0002_b', '1_it''s'))"));
    set.format = "goose";
    from.tool = "alembic";
    assert_int_equal(adopt_plan(&set, &from, &arena, &plan, &err), ERR_USAGE);
    assert_string_equal(err.message,
                        "the history of alembic can be adopted for its own directories alone");
}

static void what_is_no_tool_and_no_table_is_refused_in_words(void **state)
{
    (void)state;
    const struct {
        const char *format;
        AdoptFrom from;
        const char *message;
        const char *hint;
    } rows[] = {
        { "goose",
          { .tool = "gooze" },
          "no tool 'gooze' whose history could be adopted",
          "did you mean goose?" },
        { "liquibase", { 0 }, "no tool is known that keeps directories of format liquibase", NULL },
        { "goose",
          { .table = "a.b.c" },
          "'a.b.c' is not a table's name: found \".c\" behind the name",
          "for example goose_db_version, or app.goose_db_version" },
        { "goose",
          { .table = "v; DROP TABLE x" },
          "'v; DROP TABLE x' is not a table's name: found \"; DROP TABLE x\" behind the name",
          NULL },
        { "goose",
          { .table = "\"open" },
          "'\"open' is not a table's name: the quotes of a table's name are not closed",
          NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Arena) arena = { 0 };
        MigrationSet set = { .format = rows[i].format,
                             .migrations = migrations_new(&arena),
                             .count = 2 };
        Plan plan = plan_of(&set);
        Err err = { 0 };
        assert_int_not_equal(adopt_plan(&set, &rows[i].from, &arena, &plan, &err), ERR_NONE);
        assert_string_equal(err.message, rows[i].message);
        if (rows[i].hint != NULL) {
            assert_string_equal(err.hint, rows[i].hint);
        }
    }
}

static void names_are_quoted_as_the_server_reads_them(void **state)
{
    (void)state;
    const char *const rows[][2] = {
        { "schema_migrations", "\"schema_migrations\"" },
        { "App.Versions", "\"app\".\"versions\"" },
        { "\"App\".\"a\"\"b\"", "\"App\".\"a\"\"b\"" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Arena) arena = { 0 };
        ToolTable table = { 0 };
        Err err = { 0 };
        assert_int_equal(tool_table(&tool_goose, rows[i][0], &arena, &table, &err), ERR_NONE);
        assert_string_equal(table.sql, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adoption_runs_nothing_and_can_be_taken_back),
        cmocka_unit_test(a_mirror_leaves_what_runs_as_it_is),
        cmocka_unit_test(the_table_is_the_one_that_the_directory_names),
        cmocka_unit_test(the_table_is_the_one_that_the_tools_own_words_name),
        cmocka_unit_test(an_address_goes_to_libpq_without_what_golang_migrate_alone_reads),
        cmocka_unit_test(
            a_table_that_asks_for_more_than_a_plan_is_kept_true_of_its_own_directories),
        cmocka_unit_test(a_tool_that_keeps_heads_is_asked_with_their_parents),
        cmocka_unit_test(what_is_no_tool_and_no_table_is_refused_in_words),
        cmocka_unit_test(names_are_quoted_as_the_server_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
