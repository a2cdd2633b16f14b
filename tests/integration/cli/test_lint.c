/* skein lint: exit codes, what is printed where, and that no database is asked. */
#include "tests/integration/cli/cli_world.h"

#include <string.h>

#include "common/str.h"

static void put_history(World *world)
{
    put_migration(world, "0001_users", "CREATE TABLE users (id bigint);\n", "DROP TABLE users;\n");
    put_migration(world, "0002_index", "CREATE INDEX users_id ON users (id);\n",
                  "DROP INDEX users_id;\n");
}

static void findings_are_exit_code_1_and_nobody_is_asked(void **state)
{
    World *world = *state;
    world->connection = "postgresql://postgres@127.0.0.1:1/nowhere";
    put_history(world);
    assert_run(world, "lint --from 0002 --fail-on error", 0,
               "./migrations/0002_index.up.sql:1:1: warning: an index is built while nobody may "
               "write [index-blocks-writes]\n"
               "     1 | CREATE INDEX users_id ON users (id);\n"
               "  lock: SHARE on users, reads every row and builds an index\n"
               "  why: nobody can write to users until the index is built\n"
               "  safe:\n"
               "      CREATE INDEX CONCURRENTLY users_id ON users (id);\n\n"
               "./migrations/0002_index.down.sql:1:1: notice: an index is dropped with a lock that "
               "stops everybody [index-drop-blocks]\n"
               "     1 | DROP INDEX users_id;\n"
               "  lock: ACCESS EXCLUSIVE on users\n"
               "  why: DROP INDEX waits for everybody who reads or writes users, and everybody who "
               "comes then\n"
               "       waits for it\n"
               "  safe:\n"
               "      DROP INDEX CONCURRENTLY users_id;\n\n"
               "1 migration: 0 errors, 1 warning, 1 notice\n");
    assert_int_equal(run(world, "lint").exit_code, 1);
    assert_int_equal(run(world, "lint migrations --fail-on never").exit_code, 0);
    assert_int_equal(run(world, "lint migrations/0001_users.up.sql").exit_code, 0);
    assert_int_equal(run(world, "lint migrations/0002_index.down.sql").exit_code, 0);
    assert_int_equal(run(world, "lint migrations/0002_index.down.sql --fail-on notice").exit_code,
                     1);
    const json_t *report = run_json(world, "lint", 1);
    assert_int_equal(json_array_size(json_object_get(report, "findings")), 2);
}

static void what_cannot_be_read_is_exit_code_2(void **state)
{
    World *world = *state;
    put_history(world);
    assert_refusal(world, "lint nowhere", 2, "cannot open 'nowhere'");
    assert_refusal(world, "lint --from 0003", 2, "no migration '0003' to begin from");
    assert_refusal(world, "lint --fail-on info", 2, "--fail-on wants error, warning");
    assert_refusal(world, "lint --report html", 2, "--report wants text, sarif or github");
    assert_refusal(world, "lint --explain index-blocks-write", 2,
                   "did you mean index-blocks-writes?");
    assert_refusal(world, "lint --config nowhere.yaml", 2, "nowhere.yaml");
}

/* Comments for lint are nothing to the commands that run migrations. */
static void a_malformed_allowance_is_a_finding_and_stops_no_migration(void **state)
{
    World *world = *state;
    put_history(world);
    put_migration(world, "0003_allow",
                  "-- skein: allow no-such-rule why\nSELECT 1;\n-- skein: allow column-drop\n",
                  "SELECT 1; -- skein: allow\n");
    Outcome outcome = run(world, "lint");
    assert_int_equal(outcome.exit_code, 1);
    assert_non_null(strstr(outcome.out, "[index-blocks-writes]"));
    static const char *const TOLD[] = {
        "0003_allow.up.sql:1:1: error: a malformed allowance",
        "why: no rule \"no-such-rule\" to allow",
        "0003_allow.up.sql:3:1: error: a malformed allowance",
        "why: allow \"column-drop\" gives no reason",
        "0003_allow.down.sql:1:1: ",
    };
    for (size_t i = 0; i < ARRAY_LEN(TOLD); i++) {
        if (strstr(outcome.out, TOLD[i]) == NULL) {
            fail_msg("%s is not in\n%s", TOLD[i], outcome.out);
        }
    }
    assert_int_equal(run(world, "up").exit_code, 0);
    assert_int_equal(run(world, "down --yes").exit_code, 0);
}

static void a_migration_that_is_refused_is_a_finding_among_others(void **state)
{
    World *world = *state;
    put_history(world);
    put_migration(world, "0003_all", "SELECT 1;\nDISCARD ALL;\n", "SELECT 1;\n");
    Outcome outcome = run(world, "lint");
    assert_int_equal(outcome.exit_code, 1);
    assert_non_null(strstr(outcome.out, "[index-blocks-writes]"));
    assert_non_null(strstr(outcome.out, "0003_all.up.sql:2:1: error: "));
    assert_non_null(strstr(outcome.out, "[migration-unreadable]"));
}

static void programs_get_their_own_reports(void **state)
{
    World *world = *state;
    put_history(world);
    Outcome sarif = run(world, "lint --report sarif");
    assert_int_equal(sarif.exit_code, 1);
    json_t *log = json_loads(sarif.out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(log, "version")), "2.1.0");
    json_decref(log);
    Outcome github = run(world, "lint --report github --from 0002 --fail-on never");
    assert_int_equal(github.exit_code, 0);
    assert_true(str_starts_with(
        github.out, "::warning file=migrations/0002_index.up.sql,line=1,col=1,title=index-"));
}

static void rules_are_listed_and_explained(void **state)
{
    World *world = *state;
    assert_non_null(strstr(run(world, "lint --rules").out, "index-blocks-writes"));
    assert_non_null(strstr(run(world, "lint --explain lock-held").out, "Two migrations"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(findings_are_exit_code_1_and_nobody_is_asked),
        WORLD_TEST(what_cannot_be_read_is_exit_code_2),
        WORLD_TEST(a_migration_that_is_refused_is_a_finding_among_others),
        WORLD_TEST(a_malformed_allowance_is_a_finding_and_stops_no_migration),
        WORLD_TEST(programs_get_their_own_reports),
        WORLD_TEST(rules_are_listed_and_explained),
    };
    return WORLD_RUN(tests);
}
