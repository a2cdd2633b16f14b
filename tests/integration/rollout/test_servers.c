/* Servers that crash, block, answer not, or are not what they seem. */
#include "tests/harness/fleet.h"

#include <stdio.h>
#include <string.h>

#include "common/str.h"

#define HERE "db2/tenant_1"
#define ONLY_HERE "instance = 'db2' and database = 'tenant_1'"

static void gated_history(Fleet *fleet)
{
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
}

static bool error_begins(Fleet *fleet, const char *id, const char *address, const char *words)
{
    const json_t *error = json_object_get(fleet_target(fleet, id, address), "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    return message != NULL && str_starts_with(message, words);
}

static void a_crashed_server_is_waited_for(void **state)
{
    Fleet *fleet = *state;
    gated_history(fleet);
    fleet_gate_close(fleet, HERE);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = "timeouts: { lock: 30s }" });
    fleet_gate_await(fleet, HERE);
    pg_cluster_crash(fleet->hosts[1].cluster);
    FLEET_AWAIT(fleet, error_begins(fleet, id, HERE, "cannot connect to the server: "));
    pg_cluster_restart(fleet->hosts[1].cluster);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_applied(fleet, HERE), "0001_t,0002_gate");
}

/* ---- locks of others ---- */

static void a_lock_of_another_is_tried_again_until_it_is_free(void **state)
{
    Fleet *fleet = *state;
    gated_history(fleet);
    fleet->hosts[1].settings = "blocked_retries: 100\n";
    PGconn *gate = fleet_gate_close(fleet, HERE);
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE,
                                                 .waves = FLEET_ONE_WAVE,
                                                 .strategy = "timeouts: { lock: 100ms }" });
    FLEET_AWAIT(fleet, json_count(fleet_target(fleet, id, HERE), "retries") >= 2);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_applied(fleet, HERE), "0001_t,0002_gate");
}

/* The log's line by that rule; NULL: there is none. */
static const char *event_text(Fleet *fleet, const char *id, const char *rule)
{
    json_t *items = json_object_get(fleet_get(fleet, "/events?rollout=%s&limit=1000", id), "items");
    size_t index = 0;
    const json_t *event = NULL;
    json_array_foreach(items, index, event)
    {
        if (strcmp(json_text(event, "rule"), rule) == 0) {
            return json_text(event, "text");
        }
    }
    return NULL;
}

static void a_lock_that_is_never_free_fails_and_says_who_holds_it(void **state)
{
    Fleet *fleet = *state;
    gated_history(fleet);
    fleet->hosts[1].settings = "blocked_retries: 2\n";
    fleet_gate_close(fleet, HERE);
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE,
                                                 .waves = FLEET_ONE_WAVE,
                                                 .strategy = "timeouts: { lock: 1500ms }" });
    fleet_await_rollout(fleet, id, "paused");
    fleet_await_target(fleet, id, HERE, "failed");
    json_t *error = json_object_get(fleet_target(fleet, id, HERE), "error");
    assert_string_equal(json_text(error, "code"), "blocked");
    if (strstr(json_text(error, "message"), "blocked by stranger (pid ") == NULL) {
        fail_msg("it does not say who blocks: %s", json_text(error, "message"));
    }
    const char *told = event_text(fleet, id, "E10"); /* before the last try had failed */
    assert_non_null(told);
    assert_non_null(strstr(told, " tries " HERE " again: 55P03: blocked by stranger (pid "));
    json_t *causes = json_object_get(fleet_get(fleet, "/rollouts/%s/errors", id), "items");
    assert_int_equal(json_array_size(causes), 1);
    assert_string_equal(fleet_applied(fleet, HERE), "0001_t");
}

/* ---- lost answers ---- */

/* Whatever the answer would have been: the target is applied once, at whichever COMMIT the line is
 * cut. */
static void lost_commits(Fleet *fleet, ProxyTear tear)
{
    fleet_history(fleet, 3);
    TcpProxy *proxy = fleet_proxy(fleet, 1);
    fleet_start(fleet);
    for (unsigned nth = 1; nth <= 4; nth++) {
        unsigned torn = tcp_proxy_torn(proxy);
        tcp_proxy_tear(proxy, tear, nth);
        const char *id =
            fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE, .waves = FLEET_ONE_WAVE });
        fleet_await_rollout(fleet, id, "succeeded");
        assert_int_equal(tcp_proxy_torn(proxy), torn + 1);
        assert_string_equal(fleet_applied(fleet, HERE), "0001_t,0002_t,0003_t");
        tcp_proxy_tear(proxy, PROXY_PASS, 1);
        fleet_rollout_order(fleet, "rollback", id);
        fleet_await_rollout(fleet, id, "rolled_back");
    }
}

static void a_commit_that_never_arrived_is_made_again(void **state)
{
    lost_commits(*state, PROXY_TEAR_BEFORE_COMMIT);
}

static void a_commit_whose_answer_is_lost_is_found(void **state)
{
    lost_commits(*state, PROXY_TEAR_AFTER_COMMIT);
}

/* ---- fences ---- */

/*
 * The fence rises between two migrations of one attempt: the rival waits for the first one's
 * transaction and is before the second one's batch in the queue for the table. Of that batch
 * nothing may take effect.
 */
static void a_stale_attempt_changes_nothing(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
    fleet_migration(fleet, "0002_t", "CREATE TABLE t (i int)", "DROP TABLE t");
    PGconn *gate = fleet_gate_close(fleet, HERE);
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE,
                                                 .waves = FLEET_ONE_WAVE,
                                                 .strategy = "timeouts: { lock: 30s }" });
    fleet_gate_await(fleet, HERE);
    PGconn *rival = fleet_session(fleet, HERE, "SET application_name = 'rival'");
    assert_int_equal(PQsendQuery(rival, "BEGIN; LOCK TABLE skein.fence;"
                                        "UPDATE skein.fence SET token = token + 1000; COMMIT"),
                     1);
    fleet_await_sql(fleet, HERE,
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'rival'"
                    " AND wait_event_type = 'Lock')");
    fleet_gate_open(fleet, gate);
    FLEET_AWAIT(fleet, strcmp(json_text(fleet_target(fleet, id, HERE), "state"), "applying") != 0 ||
                           json_count(fleet_target(fleet, id, HERE), "attempt") > 1);
    /* By a newer attempt with a higher token, or not at all. */
    assert_string_equal(fleet_ask(fleet, HERE,
                                  "SELECT count(*) FROM skein.history WHERE id = '0002_t'"
                                  " AND token < (SELECT token FROM skein.fence)"),
                        "0");
}

/* ---- servers that are not what they seem ---- */

static void a_replica_serves_no_targets(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    PgCluster *standby = pg_cluster_start_standby(fleet->hosts[0].cluster);
    LIST_PUSH(&fleet->clusters, standby);
    fleet_host_add(fleet, "replica", standby);
    fleet_coordinator_start(fleet, NULL);
    for (size_t i = 0; i < fleet->host_count; i++) {
        fleet_agent_start(fleet, i, NULL);
    }
    FLEET_AWAIT(fleet,
                json_count(json_object_get(fleet_get(fleet, "/status"), "agents"), "active") == 4);
    FLEET_AWAIT(fleet, strstr(fleet_cli(fleet, "agents", "list", NULL).out, "replica)") != NULL);
    fleet_await_targets(fleet, FLEET_TARGETS);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(json_count(fleet_get(fleet, "/rollouts/%s", id), "total"), FLEET_TARGETS);
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), FLEET_TARGETS);
    fleet_agent_stop(fleet, fleet->host_count - 1);
}

/* Before the host's cluster, in session mode, which is the most transparent one. */
static int pooler_start(Fleet *fleet, size_t host)
{
    int port = free_port();
    const char *path = fleet_path(fleet, "pgbouncer.ini");
    file_write_as_cluster_user(
        path, arena_printf(&fleet->arena,
                           "[databases]\n* = host=127.0.0.1 port=%d user=skein\n[pgbouncer]\n"
                           "listen_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"
                           "auth_type = any\npool_mode = session\n"
                           "ignore_startup_parameters = extra_float_digits,options\n",
                           pg_cluster_port(fleet->hosts[host].cluster), port));
    const char *argv[] = { "/usr/sbin/pgbouncer", path, NULL };
    fleet->hosts[host].port = port;
    return process_start(argv, fleet_path(fleet, "pgbouncer.log"));
}

static void a_pooler_is_refused(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    fleet_agent_stop(fleet, 1);
    int pooler = pooler_start(fleet, 1);
    fleet_agent_start(fleet, 1, NULL);
    FLEET_AWAIT(fleet,
                json_count(json_object_get(fleet_get(fleet, "/status"), "agents"), "active") == 3);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE, .waves = FLEET_ONE_WAVE });
    const char *words = fleet_await_target(fleet, id, HERE, "failed");
    assert_non_null(strstr(words, "pooler"));
    assert_string_equal(fleet_applied(fleet, HERE), "");
    fleet_agent_stop(fleet, 1);
    process_stop(pooler);
}

/* The database has been dropped and made anew under its name since it was listed. */
static void another_database_of_the_same_name_is_refused(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet->hosts[1].rediscover = "1h";
    fleet_start(fleet);
    fleet_run(fleet, "db2/postgres", "DROP DATABASE tenant_1 WITH (FORCE)");
    pg_cluster_make_database(fleet->hosts[1].cluster, "tenant_1");
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE, .waves = FLEET_ONE_WAVE });
    FLEET_AWAIT(fleet, json_is_object(json_object_get(fleet_target(fleet, id, HERE), "error")));
    json_t *error = json_object_get(fleet_target(fleet, id, HERE), "error");
    assert_string_equal(json_text(error, "code"), "identity");
    assert_string_equal(fleet_applied(fleet, HERE), "");
}

static void a_target_dropped_during_a_rollout_is_skipped(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = "{ name: canary, targets: 1 },"
                                      "{ name: rest, targets: 100%, approval: required }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    fleet_run(fleet, "db3/postgres", "DROP DATABASE tenant_4 WITH (FORCE)");
    fleet_await_target(fleet, id, "db3/tenant_4", "skipped");
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), FLEET_TARGETS - 1);
}

/* Whether the agent's list or its job is first to see it: somebody must look, and nobody waits for
 * it. */
static void a_target_dropped_inside_a_step_is_waited_for_no_more(void **state)
{
    Fleet *fleet = *state;
    /* No lock holds it up: whoever held that would be thrown out as well, and perhaps first. */
    fleet_migration_raw(fleet, "0001_slow_solo",
                        "DO $$ BEGIN IF to_regclass('slow') IS NOT NULL THEN"
                        " PERFORM pg_sleep(3600); END IF; END $$;\n",
                        "SELECT 1;\n");
    fleet_run(fleet, HERE, "CREATE TABLE slow ()");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_sql(fleet, HERE,
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                    " AND datname = current_database() AND application_name LIKE 'skein/%')");
    fleet_run(fleet, "db2/postgres", "DROP DATABASE tenant_1 WITH (FORCE)");
    fleet_await_rollout(fleet, id, "paused");
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "db2", HERE " is gone") ||
                           fleet_log_has(fleet, "db2", "attempt ended target=" HERE));
    assert_int_equal(fleet_cli(fleet, "rollout", "skip", id, HERE, "--yes", NULL).exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_crashed_server_is_waited_for),
        FLEET_TEST(a_lock_of_another_is_tried_again_until_it_is_free),
        FLEET_TEST(a_lock_that_is_never_free_fails_and_says_who_holds_it),
        FLEET_TEST(a_commit_that_never_arrived_is_made_again),
        FLEET_TEST(a_commit_whose_answer_is_lost_is_found),
        FLEET_TEST(a_stale_attempt_changes_nothing),
        FLEET_TEST(a_replica_serves_no_targets),
        FLEET_TEST(a_pooler_is_refused),
        FLEET_TEST(another_database_of_the_same_name_is_refused),
        FLEET_TEST(a_target_dropped_during_a_rollout_is_skipped),
        FLEET_TEST(a_target_dropped_inside_a_step_is_waited_for_no_more),
    };
    return FLEET_RUN(tests);
}
