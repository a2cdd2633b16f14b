/* The health of a whole fleet's servers, from PostgreSQL to the command line. */
#include "tests/harness/fleet.h"

#include <string.h>

/* Often enough to see one come, and of the third server none at all. */
static void start(Fleet *fleet)
{
    fleet->hosts[0].targets = "databases: { include: [ 'tenant_*' ] }, sample_every: 200ms";
    fleet->hosts[1].targets = "databases: { include: [ 'tenant_*' ] }, sample_every: 200ms";
    fleet->hosts[2].targets = "databases: { include: [ 'tenant_*' ] }, sample_every: 0s";
    fleet_history(fleet, 1);
    fleet_start(fleet);
}

/* Of the agent's one instance. */
static const json_t *health_of(Fleet *fleet, const char *agent)
{
    json_t *answer = fleet_get(fleet, "/agents/%s", agent);
    return json_array_get(json_object_get(answer, "health"), 0);
}

static bool is_stale(Fleet *fleet, const char *agent)
{
    return json_is_true(json_object_get(health_of(fleet, agent), "is_stale"));
}

static const json_t *metric_of(Fleet *fleet, const char *agent, const char *name)
{
    size_t index = 0;
    const json_t *metric = NULL;
    json_array_foreach(json_object_get(health_of(fleet, agent), "metrics"), index, metric)
    {
        if (strcmp(json_text(metric, "name"), name) == 0) {
            return metric;
        }
    }
    return NULL;
}

/* -1: there is none. */
static double value_of(Fleet *fleet, const char *agent, const char *name)
{
    const json_t *value = json_object_get(metric_of(fleet, agent, name), "value");
    return json_is_number(value) ? json_number_value(value) : -1;
}

static void assert_says(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("no \"%s\" in:\n%s", words, text);
    }
}

static void who_waits_on_a_server_shows_at_the_command_line(void **state)
{
    Fleet *fleet = *state;
    start(fleet);
    FLEET_AWAIT(fleet, value_of(fleet, "db1", "wal_bytes_per_second") >= 0);
    FLEET_AWAIT(fleet, value_of(fleet, "db1", "blocked_sessions") == 0);
    FLEET_AWAIT(fleet, value_of(fleet, "db1", "connections_used_percent") > 0); /* as role skein */
    FLEET_AWAIT(fleet,
                strcmp(json_text(metric_of(fleet, "db1", "replication_lag_bytes"), "absence"),
                       "nothing") == 0);

    PGconn *holder = fleet_session(fleet, "db1/tenant_1", "BEGIN; LOCK TABLE gate");
    PGconn *waiting = fleet_session(fleet, "db1/tenant_1", "SELECT 1");
    assert_int_equal(PQsendQuery(waiting, "SELECT * FROM gate"), 1);
    FLEET_AWAIT(fleet, value_of(fleet, "db1", "blocked_sessions") == 1);
    FLEET_AWAIT(fleet, value_of(fleet, "db1", "longest_transaction_seconds") > 0.5);
    FLEET_AWAIT(fleet, value_of(fleet, "db2", "blocked_sessions") == 0);

    CliResult one = fleet_cli(fleet, "agents", "show", "db1", NULL);
    assert_int_equal(one.exit_code, 0);
    assert_says(one.out, "blocked_sessions");
    assert_says(one.out, "1 sessions");
    assert_says(one.out, "no standby is connected");
    CliResult all = fleet_cli(fleet, "health", NULL);
    assert_int_equal(all.exit_code, 0);
    assert_says(all.out, "1 sessions");
    assert_says(all.out, "not sampled yet"); /* db3 */
    CliResult json = fleet_cli(fleet, "health", "--output", "json", NULL);
    assert_says(json.out, "\"blocked_sessions\"");
    CliResult nobody = fleet_cli(fleet, "agents", "show", "db9", NULL);
    assert_int_equal(nobody.exit_code, 2);
    assert_says(nobody.err, "no agent");
    PQclear(PQexec(holder, "ROLLBACK"));
}

static void a_frozen_agents_samples_are_stale_until_it_is_back(void **state)
{
    Fleet *fleet = *state;
    start(fleet);
    FLEET_AWAIT(fleet, !is_stale(fleet, "db1") && !is_stale(fleet, "db2"));
    fleet_agent_freeze(fleet, 0);
    FLEET_AWAIT(fleet, is_stale(fleet, "db1"));
    assert_non_null(metric_of(fleet, "db1", "probe_latency_ms")); /* how it was */
    FLEET_AWAIT(fleet, !is_stale(fleet, "db2"));
    fleet_agent_thaw(fleet, 0);
    FLEET_AWAIT(fleet, !is_stale(fleet, "db1"));
    assert_true(is_stale(fleet, "db3"));
}

static void a_coordinator_that_comes_back_sees_the_servers_again(void **state)
{
    Fleet *fleet = *state;
    start(fleet);
    FLEET_AWAIT(fleet, !is_stale(fleet, "db1"));
    fleet_coordinator_kill(fleet);
    fleet_coordinator_start(fleet, NULL);
    FLEET_AWAIT(fleet, !is_stale(fleet, "db1") && !is_stale(fleet, "db2"));
    assert_false(fleet_log_has(fleet, "coordinator", "malformed"));
}

/* It has a lock_timeout, and says itself whom it waits for. */
static void a_migration_that_waits_is_no_blocked_session(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
    fleet->hosts[0].targets = "databases: { include: [ 'tenant_*' ] }, sample_every: 200ms";
    PGconn *gate = fleet_gate_close(fleet, "db1/tenant_1");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = "timeouts: { lock: 30s }" });
    fleet_gate_await(fleet, "db1/tenant_1");
    double idle = value_of(fleet, "db1", "longest_idle_in_transaction_seconds"); /* the gate's */
    FLEET_AWAIT(fleet, value_of(fleet, "db1", "longest_idle_in_transaction_seconds") > idle + 0.5);
    assert_true(value_of(fleet, "db1", "blocked_sessions") <= 0);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        FLEET_TEST(who_waits_on_a_server_shows_at_the_command_line),
        FLEET_TEST(a_frozen_agents_samples_are_stale_until_it_is_back),
        FLEET_TEST(a_coordinator_that_comes_back_sees_the_servers_again),
        FLEET_TEST(a_migration_that_waits_is_no_blocked_session),
    };
    return FLEET_RUN(TESTS);
}
