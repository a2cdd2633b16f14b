/* Schemas of one database as targets: many, in turn or at once, made, dropped and renamed on the
 * way. */
#include "tests/harness/fleet.h"

#include <stdio.h>
#include <string.h>

#include "common/str.h"

#define MANY 60
#define AT_ONCE 40

/* Database saas of db1 with schemas t001, t002 …, what they share in public, and
 * one that is none. */
static void saas_make(Fleet *fleet, unsigned count)
{
    fleet_run(fleet, "db1/postgres", "DROP DATABASE IF EXISTS saas WITH (FORCE)");
    pg_cluster_make_database(fleet->hosts[0].cluster, "saas");
    fleet_run(
        fleet, "db1/saas",
        arena_printf(&fleet->arena,
                     "DO $$ BEGIN FOR i IN 1..%u LOOP EXECUTE format('CREATE SCHEMA t%%s',"
                     " to_char(i, 'FM000')); END LOOP; END $$; CREATE SCHEMA other;"
                     "CREATE TABLE gate (n int); CREATE DOMAIN money_of_all AS numeric(12, 2)",
                     count));
    fleet->hosts[0].targets = "databases: { include: [ saas ] }, schemas: { include: [ 't*' ] }";
}

static void saas_start(Fleet *fleet, unsigned count)
{
    fleet_coordinator_start(fleet, NULL);
    fleet_agent_start(fleet, 0, NULL);
    fleet_await_targets(fleet, count);
}

static const char *saas_ask(Fleet *fleet, const char *sql)
{
    return fleet_ask(fleet, "db1/saas", sql);
}

static void assert_tables(Fleet *fleet, const char *name, unsigned count)
{
    const char *sql = arena_printf(
        &fleet->arena,
        "SELECT count(*) FROM pg_tables WHERE tablename = '%s' AND schemaname LIKE 't%%'", name);
    assert_string_equal(saas_ask(fleet, sql), arena_printf(&fleet->arena, "%u", count));
}

/* Two of a database at once would fail: a step looks for another one at work. */
static void the_schemas_of_a_database_go_one_after_another(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(
        fleet, "0001_items",
        "DO $$ BEGIN IF (SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
        " AND application_name LIKE 'skein/r-%') > 1 THEN RAISE 'not alone'; END IF; END $$;\n"
        "CREATE TABLE items (price money_of_all);\n",
        "DROP TABLE items;\n");
    fleet_migration_raw(fleet, "0002_index",
                        "CREATE INDEX CONCURRENTLY items_price ON items (price);\n",
                        "DROP INDEX CONCURRENTLY items_price;\n");
    saas_make(fleet, MANY);
    saas_start(fleet, MANY);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .shared = "public", .strategy = "max_parallel_per_host: 8" });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), MANY);
    assert_tables(fleet, "items", MANY);
    assert_string_equal(fleet_applied(fleet, "db1/saas/t042"), "0001_items,0002_index");
    assert_string_equal(saas_ask(fleet, "SELECT count(*) FROM skein.fence"), "60");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_tables(fleet, "items", 0);
}

/* Nobody has been in the database before; all of them are seen inside a step at one moment. */
static void forty_schemas_go_at_once_when_the_limit_is_lifted(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(
        fleet, "0001_items",
        "LOCK TABLE public.gate IN ACCESS SHARE MODE;\nCREATE TABLE items (i int);\n",
        "DROP TABLE items;\n");
    saas_make(fleet, AT_ONCE);
    fleet->hosts[0].settings = "connections_per_instance: 42\n";
    saas_start(fleet, AT_ONCE);
    PGconn *gate = fleet_session(fleet, "db1/saas", "BEGIN; LOCK TABLE gate");
    const char *id = fleet_rollout_start(
        fleet,
        &(FleetPlan){ .waves = FLEET_ONE_WAVE,
                      .strategy = "max_parallel: 40, max_parallel_per_host: 40,"
                                  " max_parallel_per_database: 40, timeouts: { lock: 30s }" });
    fleet_await_sql(fleet, "db1/saas",
                    "SELECT count(*) = 40 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND application_name LIKE 'skein/r-%'");
    PQfinish(gate);
    LIST_CLEAR(&fleet->sessions);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_tables(fleet, "items", AT_ONCE);
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_tables(fleet, "items", 0);
    assert_string_equal(saas_ask(fleet, "SELECT count(*) FROM skein.meta"), "1");
}

static void a_failing_tenant_has_all_taken_back(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_items", "CREATE TABLE items (i int);\n",
                        "DROP TABLE items;\n");
    saas_make(fleet, 5);
    fleet_run(fleet, "db1/saas", "CREATE TABLE t004.items (mine text)");
    saas_start(fleet, 5);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "on_failure: roll_back_rollout" });
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_non_null(strstr(
        json_text(json_object_get(fleet_target(fleet, id, "db1/saas/t004"), "error"), "message"),
        "already exists"));
    assert_tables(fleet, "items", 1);
}

/* One is dropped, one renamed and one made while the rollout waits: it goes on with those that it
 * knows. */
static void schemas_come_and_go_during_a_rollout(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_items", "CREATE TABLE items (i int);\n",
                        "DROP TABLE items;\n");
    saas_make(fleet, 5);
    saas_start(fleet, 5);
    const char *id = fleet_rollout_start(
        fleet,
        &(FleetPlan){
            .waves =
                "{ name: canary, targets: 1 }, { name: rest, targets: 100%, approval: required }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    fleet_run(
        fleet, "db1/saas",
        "ALTER SCHEMA t001 RENAME TO t101; ALTER SCHEMA t002 RENAME TO t102; DROP SCHEMA t003; CREATE SCHEMA t006");
    fleet_await_target(fleet, id, "db1/saas/t003", "skipped");
    fleet_await_target(fleet, id, "db1/saas/t002", "skipped");
    FLEET_AWAIT(
        fleet,
        strstr(fleet_cli(fleet, "rollout", "show", id, NULL).out,
               "too late for it: 3 targets: db1/saas/t006, db1/saas/t101, db1/saas/t102\n") !=
            NULL);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(
        saas_ask(fleet, "SELECT string_agg(schemaname, ' ' ORDER BY schemaname) FROM pg_tables"
                        " WHERE tablename = 'items'"),
        "t004 t005 t101");
    id = fleet_rollout_start(fleet, &(FleetPlan){ .name = "again" });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_tables(fleet, "items", 5);
    assert_string_equal(fleet_applied(fleet, "db1/saas/t101"), "0001_items");
    assert_string_equal(saas_ask(fleet, "SELECT count(*) FROM skein.history WHERE tenant = 't001'"),
                        "0");
}

static void a_schema_dropped_inside_a_step_fails_it_alone(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(
        fleet, "0001_items",
        "LOCK TABLE public.gate IN ACCESS SHARE MODE;\nCREATE TABLE items (i int);\n",
        "DROP TABLE items;\n");
    saas_make(fleet, 3);
    saas_start(fleet, 3);
    PGconn *gate = fleet_session(fleet, "db1/saas", "BEGIN; LOCK TABLE gate");
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE,
                             .shared = "other",
                             .strategy = "max_failures: 1, timeouts: { lock: 30s }" });
    fleet_await_sql(fleet, "db1/saas",
                    "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND application_name LIKE 'skein/r-%'");
    fleet_run(fleet, "db1/saas", "DROP SCHEMA t001");
    PQfinish(gate);
    LIST_CLEAR(&fleet->sessions);
    fleet_await_target(fleet, id, "db1/saas/t001", "failed");
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "all"), "held") == 0);
    assert_int_equal(fleet_cli(fleet, "rollout", "skip", id, "--failed", "--yes", NULL).exit_code,
                     EXIT_CODE_DONE);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(
        saas_ask(fleet, "SELECT string_agg(schemaname, ' ' ORDER BY schemaname) FROM pg_tables"
                        " WHERE tablename = 'items'"),
        "t002 t003");
}

static void where_chooses_among_schemas(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_items", "CREATE TABLE items (i int);\n",
                        "DROP TABLE items;\n");
    saas_make(fleet, 12);
    saas_start(fleet, 12);
    const char *id = fleet_rollout_start(
        fleet,
        &(FleetPlan){ .where =
                          "database = 'saas' and schema like 't00%' and schema not in ('t005')" });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_tables(fleet, "items", 8);
}

/* db2's agent serves the same server, and lists its databases whole. */
static void a_schema_and_its_database_are_not_selected_together(void **state)
{
    Fleet *fleet = *state;
    fleet_migration_raw(fleet, "0001_items", "CREATE TABLE items (i int);\n",
                        "DROP TABLE items;\n");
    saas_make(fleet, 2);
    fleet_host_add(fleet, "whole", fleet->hosts[0].cluster)->targets =
        "databases: { include: [ saas ] }";
    saas_start(fleet, 2);
    fleet_agent_start(fleet, fleet->host_count - 1, NULL);
    fleet_await_targets(fleet, 3);
    CliResult result = fleet_cli(fleet, "rollout", "start",
                                 fleet_plan_write(fleet, &(FleetPlan){ 0 }), "--yes", NULL);
    assert_int_equal(result.exit_code, EXIT_CODE_REFUSED);
    assert_non_null(strstr(result.err, "db1/saas/t001 lies inside whole/saas"));
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .where = "schema != ''" });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_tables(fleet, "items", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(the_schemas_of_a_database_go_one_after_another),
        FLEET_TEST(forty_schemas_go_at_once_when_the_limit_is_lifted),
        FLEET_TEST(a_failing_tenant_has_all_taken_back),
        FLEET_TEST(schemas_come_and_go_during_a_rollout),
        FLEET_TEST(a_schema_dropped_inside_a_step_fails_it_alone),
        FLEET_TEST(where_chooses_among_schemas),
        FLEET_TEST(a_schema_and_its_database_are_not_selected_together),
    };
    return FLEET_RUN(tests);
}
