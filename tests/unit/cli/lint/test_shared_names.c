/* What a tenant's plan may do to what all tenants share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/lint/shared_names.h"

#define STATEMENTS_MAX 4

typedef struct Case {
    const char *before[STATEMENTS_MAX]; /* ups of the migration before */
    const char *up;
    const char *down;   /* NULL: none */
    const char *object; /* what the one warning names; NULL: there is none */
} Case;

static PlanScript script_of(PlanStatement *statements, const char *const *sql, size_t count)
{
    PlanScript script = { .statements = statements };
    while (script.count < count && sql[script.count] != NULL) {
        statements[script.count] = (PlanStatement){
            .sql = sql[script.count],
            .line = 7,
            .kind = "STATEMENT",
            .object = "",
            .detail = "",
        };
        script.count++;
    }
    return script;
}

static void warn_of(const Case *row, const char **shared, size_t shared_count, SourceNotes *notes)
{
    PlanStatement before[STATEMENTS_MAX];
    PlanStatement up[1];
    PlanStatement down[1];
    PlanMigration migrations[] = {
        { .id = "0001_before", .up = script_of(before, row->before, STATEMENTS_MAX) },
        { .id = "0002_now",
          .up = script_of(up, &row->up, 1),
          .down = script_of(down, &row->down, 1) },
    };
    Plan plan = { .migrations = migrations,
                  .migration_count = 2,
                  .shared_schemas = shared,
                  .shared_schema_count = shared_count };
    shared_names_warn(&plan, notes);
}

static const Case CASES[] = {
    { { NULL }, "DROP TABLE IF EXISTS rates", NULL, "rates" },
    { { NULL }, "ALTER TABLE rates ADD COLUMN v int", NULL, "rates" },
    { { NULL }, "ALTER TABLE rates RENAME TO prices", NULL, "rates" },
    { { NULL }, "TRUNCATE rates", NULL, "rates" },
    { { NULL }, "DROP INDEX rates_i", NULL, "rates_i" },
    { { NULL }, "DROP TYPE mood", NULL, "mood" },
    { { NULL }, "ALTER TYPE mood ADD VALUE 'glad'", NULL, "mood" },
    { { NULL }, "DROP FUNCTION rate(int)", NULL, "rate" },
    { { NULL }, "DROP TRIGGER t ON rates", NULL, "rates" },
    { { NULL }, "DROP TABLE acme.rates", NULL, NULL },
    { { NULL }, "CREATE TABLE rates (v int)", "DROP TABLE rates", NULL },
    { { NULL }, "SELECT 1", "DROP TABLE rates", "rates" },
    { { "CREATE TABLE rates (v int)" }, "DROP TABLE IF EXISTS rates", NULL, NULL },
    { { "CREATE TABLE rates (v int)", "CREATE INDEX rates_i ON rates (v)" },
      "DROP INDEX rates_i",
      NULL,
      NULL },
    { { "CREATE TABLE rates (v int)", "DROP TABLE rates" },
      "DROP TABLE IF EXISTS rates",
      NULL,
      "rates" },
    { { "CREATE TABLE public.other (v int)" }, "DROP TABLE rates", NULL, "rates" },
    { { "CREATE TYPE mood AS ENUM ('sad')" }, "ALTER TYPE mood ADD VALUE 'glad'", NULL, NULL },
    { { "CREATE FUNCTION rate(int) RETURNS int LANGUAGE sql AS 'SELECT 1'" },
      "DROP FUNCTION rate(int)",
      NULL,
      NULL },
    { { "CREATE VIEW v AS SELECT 1 AS one" }, "DROP VIEW v", NULL, NULL },
    { { NULL }, "CREATE TABLE rates (v int)", NULL, NULL },
    { { NULL }, "this is no statement", NULL, NULL },
};

static void it_warns_of_what_the_plan_has_not_made_itself(void **state)
{
    (void)state;
    static const char *SHARED[] = { "public" };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(SourceNotes) notes = { .arena = &arena };
        warn_of(&CASES[i], SHARED, 1, &notes);
        if (notes.list.count != (CASES[i].object != NULL)) {
            fail_msg("case %zu: %zu warnings: %s", i, notes.list.count, CASES[i].up);
        }
        if (CASES[i].object != NULL) {
            assert_int_equal(notes.list.items[0].level, SOURCE_NOTE_WARNING);
            assert_non_null(strstr(notes.list.items[0].text, CASES[i].object));
            assert_non_null(strstr(notes.list.items[0].text, "0002_now"));
        }
    }
}

static void without_shared_schemas_there_is_nothing_to_warn_of(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(SourceNotes) notes = { .arena = &arena };
    warn_of(&CASES[0], NULL, 0, &notes);
    assert_int_equal(notes.list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_warns_of_what_the_plan_has_not_made_itself),
        cmocka_unit_test(without_shared_schemas_there_is_nothing_to_warn_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
