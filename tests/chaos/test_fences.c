/*
 * Whoever was overtaken changes nothing: frozen agents whose place was taken, two agents with one
 * key, coordinators that were deposed, and databases that are copies of others.
 */
#include "tests/chaos/chaos.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/str.h"

#define HERE "db2/tenant_1"
#define ONLY_HERE "instance = 'db2' and database = 'tenant_1'"
#define PATIENT "timeouts: { lock: 30s }"

static void gated_history(Fleet *fleet)
{
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_gate", FLEET_PASS_GATE "CREATE TABLE behind (i int)",
                    "DROP TABLE behind");
}

/* A rollout whose step at HERE waits inside its transaction. */
static const char *start_and_stick(Fleet *fleet, PGconn **ret_gate)
{
    gated_history(fleet);
    *ret_gate = fleet_gate_close(fleet, HERE);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = ONLY_HERE, .waves = FLEET_ONE_WAVE, .strategy = PATIENT });
    fleet_gate_await(fleet, HERE);
    return id;
}

/* The process of an agent goes on under nobody's eyes; another one can take its name. */
static int agent_let_go(Fleet *fleet, size_t host)
{
    int pid = fleet->hosts[host].pid;
    fleet->hosts[host].pid = 0;
    return pid;
}

static void process_end(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void agent_release(Fleet *fleet, const char *name)
{
    CliResult result = fleet_cli(fleet, "agents", "release", name, "--reason", "one is left", NULL);
    assert_int_equal(result.exit_code, 0);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, name), "active") == 0);
}

/* ---- agents ---- */

/*
 * Its host is declared lost, another process has its key and takes the next attempt: that ends the
 * old backend and applies. Thawed, the old one finds nothing left to do, and two with one key are
 * quarantined.
 */
static void an_agent_frozen_inside_a_transaction_is_overtaken(void **state)
{
    Fleet *fleet = *state;
    PGconn *gate = NULL;
    CHAOS_OR_SKIP(fleet);
    const char *id = start_and_stick(fleet, &gate);
    fleet_agent_freeze(fleet, 1);
    fleet_await_target(fleet, id, HERE, "unknown");
    int frozen = agent_let_go(fleet, 1);
    fleet_agent_start(fleet, 1, NULL);
    fleet_await_sql(fleet, HERE,
                    "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND application_name LIKE 'skein/%/2'");
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    kill(frozen, SIGCONT);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "db2"), "quarantined") == 0);
    process_end(frozen);
    agent_release(fleet, "db2");
    assert_string_equal(fleet_ask(fleet, HERE,
                                  "SELECT string_agg(id || ' ' || attempt, ',' ORDER BY seq)"
                                  " FROM skein.history"),
                        "0001_t 1,0002_gate 2");
}

/* Frozen between its last statement and COMMIT: the server ends it, and with it its locks. */
static void an_agent_frozen_before_its_commit_holds_no_locks_for_long(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_history(fleet, 1);
    fleet_start(fleet);
    chaos_arm(fleet, "db2", "exec.before_commit=stop@2");
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE, .waves = FLEET_ONE_WAVE });
    FLEET_AWAIT(fleet, chaos_is_stopped(fleet->hosts[1].pid));
    fleet_await_sql(fleet, HERE,
                    "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE xact_start IS NOT NULL"
                    " AND application_name LIKE 'skein/%')");
    assert_true(chaos_is_stopped(fleet->hosts[1].pid));
    assert_string_equal(fleet_applied(fleet, HERE), "");
    fleet_agent_thaw(fleet, 1);
    chaos_see_through(fleet, id, "succeeded");
    assert_string_equal(fleet_applied(fleet, HERE), "0001_t");
}

static void two_agents_with_one_key_apply_once(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_migration(fleet, "0001_slow", "SELECT pg_sleep(0.3)", "SELECT 1");
    fleet_migration(fleet, "0002_slow", "SELECT pg_sleep(0.3)", "SELECT 1");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "applying") > 0);
    int twin = agent_let_go(fleet, 1);
    fleet_agent_start(fleet, 1, NULL);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "db2"), "quarantined") == 0);
    process_end(twin);
    agent_release(fleet, "db2");
    chaos_see_through(fleet, id, "succeeded");
}

/* ---- coordinators ---- */

/* Coordinator is frozen, but has its store: nobody else gets it. */
static void a_store_in_use_is_nobody_elses(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_history(fleet, 1);
    fleet_start(fleet);
    fleet_coordinator_freeze(fleet);
    int first = fleet->coordinator_pid;
    fleet->coordinator_pid = 0;
    fleet_coordinator_launch(fleet, NULL);
    FLEET_AWAIT(fleet, fleet_process_has_died(&fleet->coordinator_pid));
    fleet->coordinator_pid = first;
    fleet_coordinator_thaw(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "succeeded");
}

/*
 * Everything that keeps two apart fails: the lock of the store is gone, as on a file system that
 * knows none, and the address belongs to another machine. The term is left.
 */
static void a_deposed_coordinator_that_thaws_changes_nothing(void **state)
{
    Fleet *fleet = *state;
    PGconn *gate = NULL;
    int status = 0;
    CHAOS_OR_SKIP(fleet);
    const char *id = start_and_stick(fleet, &gate);
    fleet_coordinator_freeze(fleet);
    int deposed = fleet->coordinator_pid;
    fleet->coordinator_pid = 0;
    assert_int_equal(remove(fleet_path(fleet, "store.db-lock")), 0);
    assert_int_equal(rename(fleet_path(fleet, "api.sock"), fleet_path(fleet, "old.sock")), 0);
    net_move(chaos_net, HOST_COORDINATOR, HOST_SPARE);
    chaos_coordinator_place(HOST_SPARE);
    fleet_coordinator_start(fleet, NULL);
    FLEET_AWAIT(fleet, json_count(json_object_get(fleet_get(fleet, "/status"), "agents"),
                                  "active") == FLEET_HOSTS);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    kill(deposed, SIGCONT);
    FLEET_AWAIT(fleet, waitpid(deposed, &status, WNOHANG) == deposed);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE_REFUSED);
    assert_true(fleet_log_has(fleet, "coordinator", "another coordinator uses this store"));
    assert_string_equal(fleet_rollout_state(fleet, id), "succeeded");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
}

/* ---- copies ---- */

static FleetHost *copy_add(Fleet *fleet, PgCluster *copy)
{
    LIST_PUSH(&fleet->clusters, copy);
    return fleet_host_add(fleet, "copy", copy);
}

static json_t *target_of(Fleet *fleet, const char *address)
{
    json_t *items = json_object_get(fleet_get(fleet, "/targets?limit=1000"), "items");
    size_t index = 0;
    json_t *target = NULL;
    json_array_foreach(items, index, target)
    {
        if (strcmp(json_text(target, "address"), address) == 0) {
            return target;
        }
    }
    return NULL;
}

static bool is_disputed(Fleet *fleet, const char *address)
{
    return json_is_true(json_object_get(target_of(fleet, address), "is_disputed"));
}

/* A machine that was cloned with its files, and given a key of its own: which is the real one? */
static void a_copy_of_all_files_beside_its_original_is_disputed(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_history(fleet, 1);
    net_enter(chaos_net, HOST_SPARE);
    copy_add(fleet, pg_cluster_copy(fleet->hosts[1].cluster));
    net_leave(chaos_net);
    fleet_coordinator_start(fleet, NULL);
    for (size_t i = 0; i < fleet->host_count; i++) {
        fleet_agent_start(fleet, i, NULL);
    }
    fleet_await_targets(fleet, FLEET_TARGETS + FLEET_TENANTS);
    FLEET_AWAIT(fleet, is_disputed(fleet, HERE) && is_disputed(fleet, "copy/tenant_1"));
    const char *plan = fleet_plan_write(fleet, &(FleetPlan){ .where = ONLY_HERE });
    CliResult refused = fleet_cli(fleet, "rollout", "start", plan, "--yes", NULL);
    assert_int_equal(refused.exit_code, EXIT_CODE_REFUSED);
    assert_non_null(
        strstr(refused.err, HERE " is disputed: two writable databases claim to be it"));
    fleet_agent_stop(fleet, FLEET_HOSTS);
    pg_cluster_crash(fleet->hosts[FLEET_HOSTS].cluster);
    assert_int_equal(remove(fleet_path(fleet, "agents.d/copy.pub")), 0);
    FLEET_AWAIT(fleet, !is_disputed(fleet, HERE));
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE });
    fleet_await_rollout(fleet, id, "succeeded");
}

/* A database made from another by TEMPLATE: what was applied to that one is not its to undo. */
static void a_copy_by_template_is_a_target_of_its_own(void **state)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *first =
        fleet_rollout_start(fleet, &(FleetPlan){ .where = ONLY_HERE, .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, first, "succeeded");
    FLEET_AWAIT(fleet, strcmp(fleet_ask(fleet, "db2/postgres",
                                        "SELECT count(*) FROM pg_stat_activity"
                                        " WHERE datname = 'tenant_1'"),
                              "0") == 0);
    fleet_run(fleet, "db2/postgres", "CREATE DATABASE tenant_copy TEMPLATE tenant_1");
    fleet_await_targets(fleet, FLEET_TARGETS + 1);
    fleet_rollout_order(fleet, "rollback", first);
    fleet_await_rollout(fleet, first, "rolled_back");
    assert_string_equal(fleet_applied(fleet, HERE), "");
    assert_string_equal(fleet_applied(fleet, "db2/tenant_copy"), "0001_t");
    fleet_migration(fleet, "0002_more", "CREATE TABLE more (i int)", "DROP TABLE more");
    const char *second = fleet_rollout_start(
        fleet,
        &(FleetPlan){ .where = "database in ('tenant_1', 'tenant_copy') and instance = 'db2'",
                      .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, second, "succeeded");
    assert_string_equal(fleet_applied(fleet, "db2/tenant_copy"), "0001_t,0002_more");
    fleet_rollout_order(fleet, "rollback", second);
    fleet_await_rollout(fleet, second, "rolled_back");
    assert_string_equal(fleet_applied(fleet, HERE), "");
    assert_string_equal(fleet_applied(fleet, "db2/tenant_copy"), "0001_t");
    fleet_run(fleet, "db2/postgres", "DROP DATABASE tenant_copy WITH (FORCE)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHAOS_TEST(an_agent_frozen_inside_a_transaction_is_overtaken),
        CHAOS_TEST(an_agent_frozen_before_its_commit_holds_no_locks_for_long),
        CHAOS_TEST(two_agents_with_one_key_apply_once),
        CHAOS_TEST(a_store_in_use_is_nobody_elses),
        CHAOS_TEST(a_deposed_coordinator_that_thaws_changes_nothing),
        CHAOS_TEST(a_copy_of_all_files_beside_its_original_is_disputed),
        CHAOS_TEST(a_copy_by_template_is_a_target_of_its_own),
    };
    return CHAOS_RUN(tests);
}
