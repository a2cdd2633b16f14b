/* cli/proof/reach.c: what changes more than its own database. */
#include "tests/unit/cli/support.h"

#include "cli/proof/reach.h"

typedef struct Case {
    const char *kind;
    const char *sql;
    bool reaches;
} Case;

static const Case CASES[] = {
    { "CREATE ROLE", "CREATE ROLE a", true },
    { "ALTER SYSTEM", "ALTER SYSTEM SET work_mem = '1MB'", true },
    { "DROP OWNED", "DROP OWNED BY a", true },
    { "CREATE SUBSCRIPTION", "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", true },
    { "GRANT", "GRANT a TO b", true },
    { "GRANT", "GRANT CONNECT ON DATABASE d TO a", true },
    { "GRANT", "GRANT CREATE ON /* all */ TABLESPACE s TO a", true },
    { "REVOKE", "REVOKE a FROM b", true },
    { "GRANT", "GRANT SELECT ON t TO a", false },
    { "GRANT", "GRANT USAGE ON SCHEMA \"DATABASE\" TO a", false },
    { "REVOKE", "REVOKE ALL ON ALL TABLES IN SCHEMA s FROM a", false },
    { "CREATE TABLE", "CREATE TABLE role (a int)", false },
    { "ALTER DEFAULT PRIVILEGES", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a", false },
    { "CREATE USER MAPPING", "CREATE USER MAPPING FOR a SERVER s", false },
};

static void statements_that_reach_beyond_their_database_are_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        PlanStatement statement = { .kind = CASES[i].kind, .sql = CASES[i].sql };
        PlanMigration up = { .up = { .statements = &statement, .count = 1 } };
        PlanMigration down = { .down = { .statements = &statement, .count = 1 } };
        const PlanStatement *wanted = CASES[i].reaches ? &statement : NULL;
        if (reach_beyond(&up) != wanted || reach_beyond(&down) != wanted) {
            fail_msg("%s", CASES[i].sql);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_that_reach_beyond_their_database_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
