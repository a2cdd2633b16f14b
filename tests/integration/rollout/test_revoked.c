/* An agent whose key is revoked while it works: it stops, nobody else does, and it may come back.
 */
#include "tests/harness/fleet.h"

#include <dirent.h>
#include <string.h>

#include "common/str.h"

#define STEP_RUNS                                                                                  \
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"               \
    " AND application_name LIKE 'skein/%' AND state = 'active' AND query ~ 'asleep|CONCURRENTLY'"  \
    " AND pid <> pg_backend_pid())"
#define NO_STEP_RUNS "SELECT NOT (" STEP_RUNS ")"

static void revoke(Fleet *fleet, const char *name)
{
    CliResult result =
        fleet_cli(fleet, "agents", "revoke", name, "--yes", "--reason", "lost", NULL);
    assert_int_equal(result.exit_code, 0);
}

/* As a person would: the refusal goes, the file comes back. */
static void put_key_back(Fleet *fleet, const char *pub, const char *text)
{
    const char *folder = fleet_path(fleet, "agents.d");
    DIR *stream = opendir(folder);
    const struct dirent *file = NULL;
    assert_non_null(stream);
    while ((file = readdir(stream)) != NULL) {
        if (str_ends_with(file->d_name, ".refused")) {
            assert_int_equal(remove(fleet_path(fleet, "agents.d/%s", file->d_name)), 0);
        }
    }
    closedir(stream);
    file_write_as_cluster_user(pub, text);
}

static void go_on(Fleet *fleet, const char *id)
{
    CliResult retried =
        fleet_cli(fleet, "rollout", "retry", id, "--failed", "--reason", "the key is back", NULL);
    assert_int_equal(retried.exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

static void for_tenants_of_db3(Fleet *fleet, const char *sql,
                               void (*act)(Fleet *fleet, const char *address, const char *sql))
{
    for (int i = 1; i <= FLEET_TENANTS; i++) {
        act(fleet, arena_printf(&fleet->arena, "db3/tenant_%d", i), sql);
    }
}

static void a_revoked_agent_rolls_back_what_it_runs_and_may_come_back(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_slow",
                    "DO $$ BEGIN IF to_regclass('asleep') IS NOT NULL THEN PERFORM pg_sleep(600);"
                    " END IF; END $$; CREATE TABLE slow (id int)",
                    "DROP TABLE slow");
    for_tenants_of_db3(fleet, "CREATE TABLE asleep ()", fleet_run);
    fleet_start(fleet);
    const char *pub = fleet_path(fleet, "agents.d/db3.pub");
    const char *text = fleet_file_text(fleet, pub);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    for_tenants_of_db3(fleet, STEP_RUNS, fleet_await_sql);

    revoke(fleet, "db3");
    for_tenants_of_db3(fleet, NO_STEP_RUNS, fleet_await_sql);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "db3", "rule=A33"));
    fleet_await_rollout(fleet, id, "paused");
    for (int i = 1; i <= FLEET_TENANTS; i++) {
        const char *address = arena_printf(&fleet->arena, "db3/tenant_%d", i);
        assert_string_equal(fleet_applied(fleet, address), "0001_t");
        assert_true(json_is_true(json_object_get(fleet_target(fleet, id, address), "is_charged")));
    }
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "verifying") == 2 * FLEET_TENANTS);
    assert_string_equal(fleet_agent_state(fleet, "db1"), "active");
    assert_string_equal(fleet_agent_state(fleet, "db2"), "active");

    for_tenants_of_db3(fleet, "DROP TABLE asleep", fleet_run);
    put_key_back(fleet, pub, text);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "db3"), "active") == 0);
    go_on(fleet, id);
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), FLEET_TARGETS);
}

/* Cancelled, it would leave an INVALID index that nobody there may clear away. */
static void a_revoked_agent_lets_what_cannot_be_rolled_back_come_to_its_end(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_migration_raw(fleet, "0002_index_solo", "CREATE INDEX CONCURRENTLY built ON t_0001 (i);",
                        "DROP INDEX CONCURRENTLY built;");
    fleet_migration(fleet, "0003_after", "CREATE TABLE after_it (id int)", "DROP TABLE after_it");
    fleet_start(fleet);
    const char *pub = fleet_path(fleet, "agents.d/db3.pub");
    const char *text = fleet_file_text(fleet, pub);
    PGconn *reader =
        fleet_session(fleet, "db3/tenant_1", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "verifying") == FLEET_TARGETS - 1);
    fleet_await_sql(fleet, "db3/tenant_1", STEP_RUNS);

    revoke(fleet, "db3");
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "db3", "rule=A33"));
    assert_string_equal(fleet_ask(fleet, "db3/tenant_1", STEP_RUNS), "t");
    PQclear(PQexec(reader, "COMMIT"));
    fleet_await_sql(fleet, "db3/tenant_1", NO_STEP_RUNS);
    fleet_await_sql(fleet, "db3/tenant_1",
                    "SELECT indisvalid FROM pg_index WHERE indexrelid = 'built'::regclass");
    assert_null(strstr(fleet_applied(fleet, "db3/tenant_1"), "0003_after"));

    put_key_back(fleet, pub, text);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "db3"), "active") == 0);
    go_on(fleet, id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_revoked_agent_rolls_back_what_it_runs_and_may_come_back),
        FLEET_TEST(a_revoked_agent_lets_what_cannot_be_rolled_back_come_to_its_end),
    };
    return FLEET_RUN(tests);
}
