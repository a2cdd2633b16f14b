/*
 * Gates on real servers: a migration that succeeds and makes the application's statements slow is
 * noticed in the canary and taken back, with nobody asked.
 */
#include "tests/harness/fleet.h"

#include <curl/curl.h>
#include <string.h>

#define CANARY "db1/tenant_1"
#define ROWS "100000"
#define INDEX "CREATE INDEX orders_customer ON orders (customer)"

static int suite_begin(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t host = 0; host < FLEET_HOSTS; host++) {
        fleet_cluster_begin(host, "shared_preload_libraries = 'pg_stat_statements'");
    }
    return 0;
}

/* Statements of the agent's own login are left out of the mean: the application has another. */
static void make_shop(Fleet *fleet)
{
    PgCluster *cluster = fleet->hosts[0].cluster;
    pg_cluster_run(cluster, "postgres", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    if (pg_cluster_count(cluster, "postgres",
                         "SELECT count(*) FROM pg_roles WHERE rolname = 'shop'") == 0) {
        pg_cluster_run(cluster, "postgres", "CREATE ROLE shop LOGIN");
    }
    for (unsigned tenant = 1; tenant <= FLEET_TENANTS; tenant++) {
        const char *address = arena_printf(&fleet->arena, "db1/tenant_%u", tenant);
        fleet_run(fleet, address,
                  "CREATE TABLE orders (id int, customer int, note text);"
                  "INSERT INTO orders SELECT i, i, repeat('x', 40) FROM generate_series(1, " ROWS
                  ") i;" INDEX "; GRANT USAGE ON SCHEMA public TO shop; "
                  "GRANT SELECT ON orders TO shop; ANALYZE orders");
    }
}

/* The application, looking for one customer's orders after the other. */
static int customers_begin(Fleet *fleet)
{
    PgCluster *cluster = fleet->hosts[0].cluster;
    const char *script = fleet_path(fleet, "customers.sql");
    file_write_as_cluster_user(script, "\\set customer random(1, " ROWS ")\n"
                                       "SELECT count(*) FROM orders WHERE customer = :customer;\n");
    const char *const arguments[] = {
        SKEIN_PG_BINDIR "/pgbench",
        "--no-vacuum",
        "--client=2",
        "--rate=100",
        "--time=600",
        arena_printf(&fleet->arena, "--file=%s", script),
        arena_printf(&fleet->arena, "--host=%s", pg_cluster_socket_dir(cluster)),
        arena_printf(&fleet->arena, "--port=%d", pg_cluster_port(cluster)),
        "--username=shop",
        "tenant_1",
        NULL
    };
    return process_start(arguments, fleet_path(fleet, "pgbench.log"));
}

static const json_t *gate_of(Fleet *fleet, const char *id)
{
    return json_array_get(json_object_get(fleet_get(fleet, "/rollouts/%s", id), "gates"), 0);
}

/* As the newest sample of db1 has it; -1: none has come. */
static double blocked_sessions(Fleet *fleet)
{
    size_t index = 0;
    const json_t *metric = NULL;
    const json_t *health = json_object_get(fleet_get(fleet, "/agents/db1"), "health");
    json_array_foreach(json_object_get(json_array_get(health, 0), "metrics"), index, metric)
    {
        const json_t *value = json_object_get(metric, "value");
        if (strcmp(json_text(metric, "name"), "blocked_sessions") == 0 && json_is_number(value)) {
            return json_number_value(value);
        }
    }
    return -1;
}

static void assert_says(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("no \"%s\" in:\n%s", words, text);
    }
}

static void start(Fleet *fleet)
{
    fleet->hosts[0].targets = "databases: { include: [ 'tenant_*' ] }, sample_every: 500ms";
    make_shop(fleet);
    fleet_migration(fleet, "0001_tidy", "DROP INDEX orders_customer", INDEX);
    fleet_start(fleet);
}

static void a_dropped_index_is_noticed_in_the_canary_and_taken_back(void **state)
{
    Fleet *fleet = *state;
    start(fleet);
    int customers = customers_begin(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "instance = 'db1'",
                             .waves = "{ name: canary, targets: 1, soak: 10m }, "
                                      "{ name: rest, targets: 100% }",
                             .strategy = "on_failure: roll_back_rollout, gates: "
                                         "[ { metric: mean_statement_time_ms, "
                                         "max: 10x baseline } ]" });
    fleet_await_rollout(fleet, id, "rolled_back");
    process_stop(customers);

    /* The migration itself did well: it was applied, and its gate is what took it back. */
    const char *events = fleet_cli(fleet, "rollout", "events", id, NULL).out;
    assert_says(events, "db1/tenant_1 is at 0001_tidy");
    assert_says(events, "a gate has failed: mean_statement_time_ms at most 10x baseline on db1: ");
    assert_says(events, "for 3 samples in a row; everything is taken back");
    assert_string_equal(fleet_applied(fleet, CANARY), "");
    assert_string_equal(
        fleet_ask(fleet, CANARY, "SELECT to_regclass('orders_customer') IS NOT NULL"), "t");
    for (unsigned tenant = 2; tenant <= FLEET_TENANTS; tenant++) {
        const char *address = arena_printf(&fleet->arena, "db1/tenant_%u", tenant);
        assert_int_equal(json_count(fleet_target(fleet, id, address), "attempt"), 0);
    }
}

static void who_waits_for_locks_keeps_a_wave_from_opening(void **state)
{
    Fleet *fleet = *state;
    start(fleet);
    PGconn *owner = fleet_session(fleet, CANARY, "BEGIN; LOCK TABLE orders");
    PGconn *waiting = fleet_session(fleet, CANARY, "SELECT 1");
    assert_int_equal(PQsendQuery(waiting, "SELECT count(*) FROM orders"), 1);
    fleet_await_sql(fleet, CANARY, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted");
    FLEET_AWAIT(fleet, blocked_sessions(fleet) >= 1);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "instance = 'db1'",
                             .waves = FLEET_ONE_WAVE,
                             .strategy = "gates: [ { metric: blocked_sessions, max: 0 } ]" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "all"), "gated") == 0);
    FLEET_AWAIT(fleet, strcmp(json_text(gate_of(fleet, id), "verdict"), "fail") == 0);
    const json_t *server = json_array_get(json_object_get(gate_of(fleet, id), "servers"), 0);
    assert_string_equal(json_text(server, "instance"), "db1");
    assert_true(json_number_value(json_object_get(server, "value")) >= 1);
    assert_true(json_number_value(json_object_get(server, "limit")) == 0);
    assert_says(fleet_cli(fleet, "rollout", "show", id, NULL).out,
                "gate blocked_sessions at most 0: fail (0 of 1 server)");
    assert_int_equal(fleet_tenants_where(fleet, "SELECT count(*) = 0 FROM journal"), FLEET_TARGETS);
    PQclear(PQexec(owner, "COMMIT"));
    fleet_await_rollout(fleet, id, "succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_dropped_index_is_noticed_in_the_canary_and_taken_back),
        FLEET_TEST(who_waits_for_locks_keeps_a_wave_from_opening),
    };
    cmocka_set_test_filter(getenv("SKEIN_TEST"));
    return cmocka_run_group_tests(tests, suite_begin, fleet_suite_end);
}
