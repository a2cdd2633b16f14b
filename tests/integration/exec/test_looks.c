/* Looking without changing: discovery, facts for the inventory, histories, checks, the watching
 * pool. */
#include "tests/integration/exec/exec_world.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/exec/check.h"
#include "agent/exec/discover.h"
#include "common/clock.h"
#include "common/str.h"
#include "tests/patience.h"

static const Migration TWO[] = {
    { .id = "0001_one", .up = { "CREATE TABLE one (i int)" }, .down = { "DROP TABLE one" } },
    { .id = "0002_two", .up = { "CREATE TABLE two (i int)" }, .down = { "DROP TABLE two" } },
};

static uint64_t soon(void)
{
    return clock_boot_ms() + PATIENCE_MS;
}

static void an_instance_tells_who_it_is(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "postgres", 0, NULL, 0);
    InstanceFacts facts = { 0 };
    bench_know_identity(bench);
    assert_int_equal(discover_instance(bench->pool, soon(), NULL, &facts, &bench->err), ERR_NONE);
    assert_true(facts.system_identifier == bench->order.identity.system_identifier);
    assert_int_equal(facts.timeline, 1);
    assert_false(facts.in_recovery);
    assert_true(facts.server_version >= 150000);
    assert_true(facts.started_at_us > 0);
}

static void a_replica_tells_that_it_is_one(void **state)
{
    (void)state;
    PgCluster *standby = pg_cluster_start_standby(cluster);
    Bench *bench = bench_begin(cluster, "postgres", pg_cluster_port(standby), NULL, 0);
    InstanceFacts facts = { 0 };
    ErrCode code = discover_instance(bench->pool, soon(), NULL, &facts, &bench->err);
    bench_end(bench);
    pg_cluster_stop(standby);
    assert_int_equal(code, ERR_NONE);
    assert_true(facts.in_recovery);
    assert_int_equal(facts.timeline, 0);
}

/* Names are in the encoding of whichever database their maker was connected to: this one is in
 * Latin-1. */
static void make_foreign_name(void)
{
    pg_cluster_run(cluster, "postgres",
                   "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    pg_cluster_ask(cluster, "bytes", "CREATE DATABASE \"tenant_caf\xe9\""); /* as superuser */
}

static void databases_are_found_by_pattern(void **state)
{
    (void)state;
    static const char *INCLUDE[] = { "tenant_*" };
    static const char *EXCLUDE[] = { "*_0002", "?enant_0003" };
    pg_cluster_make_databases(cluster, "tenant", 4);
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE tenant_template IS_TEMPLATE true");
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE tenant_closed ALLOW_CONNECTIONS false");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "postgres", 0, NULL, 0);
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE tenant_half_dropped");
    pg_cluster_run(
        cluster, "postgres",
        "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'tenant_half_dropped'");
    make_foreign_name();
    NameFilter filter = { INCLUDE, ARRAY_LEN(INCLUDE), EXCLUDE, ARRAY_LEN(EXCLUDE) };
    DatabaseList list = { 0 };
    assert_int_equal(
        discover_databases(bench->pool, &filter, soon(), NULL, &bench->arena, &list, &bench->err),
        ERR_NONE);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].name, "tenant_0001");
    assert_string_equal(list.items[1].name, "tenant_0004");
    assert_true(list.items[0].oid > 0);
}

static void all_schemas_are_read_at_once_without_the_systems(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "schemas", 0, TWO, ARRAY_LEN(TWO));
    pg_cluster_run(cluster, "schemas", "CREATE SCHEMA skein; CREATE SCHEMA t2; CREATE SCHEMA t1");
    TenantList list = { 0 };
    AUTO_PTR(Conn) conn = NULL;
    assert_int_equal(discover_open(bench->source, "schemas", soon(), NULL, &conn, &bench->err),
                     ERR_NONE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tenants_read(conn, TENANTS_ALL_SCHEMAS, soon(), NULL, &bench->arena, &list,
                                      &bench->err),
                         ERR_NONE);
        assert_int_equal(list.has_tables, i);
        assert_int_equal(list.count, 3);
        assert_string_equal(list.items[0].schema, "public");
        assert_string_equal(list.items[1].schema, "t1");
        assert_string_equal(list.items[1].version, i == 0 ? "" : "0002_two");
        assert_int_equal(list.items[1].fence.token, i);
        assert_string_equal(list.items[2].schema, "t2");
        assert_string_equal(list.items[2].version, "");
        bench->schema = "t1";
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    }
}

/* Each of a thousand looking through the rows of all others would take minutes. */
static void the_newest_rows_of_many_tenants_are_found_by_index(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "crowd", 0, TWO, ARRAY_LEN(TWO));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_run(
        cluster, "crowd",
        "DO $$ BEGIN FOR i IN 1..200 LOOP EXECUTE 'CREATE SCHEMA t' || i; END LOOP; END $$;"
        "INSERT INTO skein.history SELECT (jsonb_populate_record(h, jsonb_build_object("
        "'tenant', 't' || t, 'seq', i, 'id', 'm' || i))).* FROM (SELECT h FROM skein.history h LIMIT 1) x,"
        " generate_series(1, 20) i, generate_series(1, 200) t");
    TenantList list = { 0 };
    Conn *conn = NULL;
    assert_int_equal(discover_open(bench->source, "crowd", soon(), NULL, &conn, &bench->err),
                     ERR_NONE);
    ErrCode code =
        tenants_read(conn, TENANTS_ALL_SCHEMAS, soon(), NULL, &bench->arena, &list, &bench->err);
    conn_close(conn);
    assert_int_equal(code, ERR_NONE);
    assert_int_equal(list.count, 201);
    assert_string_equal(list.items[7].version, "m20");
    pg_cluster_assert_quiet(cluster); /* its counts are told with its end */
    assert_true(pg_cluster_count(
                    cluster, "crowd",
                    "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'history'") < 20);
}

/* In a database that has no encoding a name is whatever bytes its maker sent. */
static void a_schema_whose_name_nobody_could_write_is_left_out(void **state)
{
    (void)state;
    pg_cluster_run(cluster, "postgres",
                   "CREATE DATABASE odd ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
                   " OWNER " PG_CLUSTER_ROLE);
    pg_cluster_run(cluster, "odd", "CREATE SCHEMA \"caf\xe9\"");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "odd", 0, NULL, 0);
    TenantList list = { 0 };
    AUTO_PTR(Conn) conn = NULL;
    assert_int_equal(discover_open(bench->source, "odd", soon(), NULL, &conn, &bench->err),
                     ERR_NONE);
    assert_int_equal(
        tenants_read(conn, TENANTS_ALL_SCHEMAS, soon(), NULL, &bench->arena, &list, &bench->err),
        ERR_NONE);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].schema, "public");
}

static void facts_follow_what_is_applied(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "facts", 0, TWO, ARRAY_LEN(TWO));
    TenantFacts facts = bench_look(bench);
    assert_string_equal(facts.version, "");
    bench->order.token = 5;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    facts = bench_look(bench);
    assert_string_equal(facts.version, "0002_two");
    assert_string_equal(facts.rollout, "r1");
    assert_true(facts.fence.term == 1 && facts.fence.token == 5);
    pg_cluster_assert_quiet(cluster);
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE facts_copy TEMPLATE facts");
    bench->database = "facts_copy";
    facts = bench_look(bench);
    assert_true(facts.is_copy && facts.fence.token == 0);
    assert_string_equal(facts.version, "0002_two");
}

static void a_history_lists_undone_rows_too(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "listed", 0, TWO, ARRAY_LEN(TWO));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    ConnRequest request = { .database = "listed",
                            .purpose = CONN_WATCH,
                            .application_name = CONN_NAME_CLI,
                            .deadline_ms = soon() };
    AUTO_PTR(Conn) conn = NULL;
    HistoryList list = { 0 };
    assert_int_equal(conn_open(bench->source, &request, &conn, &bench->err), ERR_NONE);
    assert_int_equal(history_read_all(conn, "", soon(), &bench->arena, &list, &bench->err),
                     ERR_NONE);
    assert_true(list.has_tables && list.count == 2);
    assert_string_equal(list.entries[1].state, "undone");
    assert_string_equal(list.entries[1].agent, "tester");
    int64_t at_ms = 0;
    assert_true(utc_parse(list.entries[0].applied_at, &at_ms) &&
                utc_parse(list.entries[0].undone_at, &at_ms));
    assert_int_equal(strlen(list.entries[0].checksum), 64);
}

static const CheckRow *row_named(const CheckReport *report, const char *name)
{
    for (size_t i = 0; i < report->count; i++) {
        if (str_equal(report->rows[i].name, name)) {
            return &report->rows[i];
        }
    }
    fail_msg("no row %s", name);
    return NULL;
}

static void a_check_has_an_answer_to_every_question(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "checked", 0, NULL, 0);
    CheckReport report = { 0 };
    check_database(bench->source, "checked", "nobody", soon(), &bench->arena, &report);
    assert_int_equal(report.count, 13);
    assert_int_equal(row_named(&report, "reachable")->verdict, CHECK_OK);
    assert_int_equal(row_named(&report, "direct connection")->verdict, CHECK_OK);
    assert_int_equal(row_named(&report, "privileges")->verdict, CHECK_OK);
    assert_int_equal(row_named(&report, "settings")->verdict,
                     CHECK_WARN); /* fsync is off in tests */
    assert_int_equal(row_named(&report, "target")->verdict, CHECK_FAIL);
    assert_int_equal(report.worst, CHECK_FAIL);
    for (size_t i = 0; i < report.count; i++) {
        assert_true(report.rows[i].verdict == CHECK_OK || report.rows[i].hint[0] != '\0');
    }
}

static void a_check_of_an_unreachable_server_is_one_row(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "postgres", free_port(), NULL, 0);
    CheckReport report = { 0 };
    check_database(bench->source, "postgres", "", soon(), &bench->arena, &report);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.rows[0].verdict, CHECK_FAIL);
    assert_int_equal(report.unreached, ERR_UNREACHABLE);
    assert_true(
        str_ends_with(report.rows[0].text, ", database postgres, as skein: Connection refused"));
}

static void the_pool_keeps_one_connection_and_closes_it_after_a_while(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "postgres", 0, NULL, 0);
    Conn *first = NULL;
    Conn *second = NULL;
    assert_int_equal(conn_pool_take(bench->pool, soon(), NULL, &first, &bench->err), ERR_NONE);
    assert_int_equal(conn_pool_take(bench->pool, soon(), NULL, &second, &bench->err), ERR_NONE);
    conn_pool_give(bench->pool, first);
    conn_pool_give(bench->pool, second);
    assert_int_equal(conn_source_used(bench->source), 1);
    assert_int_equal(conn_pool_take(bench->pool, soon(), NULL, &second, &bench->err), ERR_NONE);
    assert_ptr_equal(second, first);
    conn_pool_give(bench->pool, second);
    conn_pool_tidy(bench->pool, clock_boot_ms() + POOL_IDLE_MS - 1000);
    assert_int_equal(conn_source_used(bench->source), 1);
    conn_pool_tidy(bench->pool, clock_boot_ms() + POOL_IDLE_MS);
    assert_int_equal(conn_source_used(bench->source), 0);
}

static void the_pool_replaces_a_connection_that_died(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "postgres", 0, NULL, 0);
    Conn *conn = NULL;
    assert_int_equal(conn_pool_take(bench->pool, soon(), NULL, &conn, &bench->err), ERR_NONE);
    int pid = PQbackendPID(conn_pg(conn));
    conn_pool_give(bench->pool, conn);
    pg_cluster_run(cluster, "postgres",
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE application_name = 'skein/watch'");
    assert_int_equal(conn_pool_take(bench->pool, soon(), NULL, &conn, &bench->err), ERR_NONE);
    assert_int_not_equal(PQbackendPID(conn_pg(conn)), pid);
    conn_pool_give(bench->pool, conn);
}

#define TO_BEGIN_WAITING_MS 200 /* too short, and the test shows less; it does not fail */

static void *pool_take_late(void *ctx)
{
    Bench *bench = ctx;
    Conn *conn = NULL;
    ErrCode code = conn_pool_take(bench->pool, soon(), NULL, &conn, &bench->err);
    conn_pool_give(bench->pool, conn);
    return code == ERR_NONE ? bench : NULL;
}

/* A survey has the other place, and the sampler this one: then something is to be cancelled. */
static void what_is_given_back_is_had_by_whoever_waits_for_a_place(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "postgres", 0, NULL, 0);
    const ConnRequest request = { .purpose = CONN_WATCH,
                                  .application_name = "skein/test",
                                  .deadline_ms = soon() };
    AUTO_PTR(Conn) survey = NULL;
    Conn *sampler = NULL;
    void *has_it = NULL;
    pthread_t waiter;
    assert_int_equal(conn_open(bench->source, &request, &survey, &bench->err), ERR_NONE);
    assert_int_equal(conn_pool_take(bench->pool, soon(), NULL, &sampler, &bench->err), ERR_NONE);
    assert_int_equal(pthread_create(&waiter, NULL, pool_take_late, bench), 0);
    poll(NULL, 0, TO_BEGIN_WAITING_MS);
    conn_pool_give(bench->pool, sampler);
    assert_int_equal(pthread_join(waiter, &has_it), 0);
    assert_non_null(has_it);
}

static void migrations_never_take_the_watchers_places(void **state)
{
    (void)state;
    AUTO_PTR(Secret) connection = secret_new(pg_cluster_conninfo(cluster, "postgres", 0));
    AUTO_PTR(ConnSource) source = NULL;
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 3, &source, NULL), ERR_NONE);
    ConnRequest request = { .purpose = CONN_MIGRATE,
                            .application_name = "skein/r/1",
                            .deadline_ms = soon() };
    AUTO_PTR(Conn) migration = NULL;
    AUTO_PTR(Conn) watch = NULL;
    Conn *refused = NULL;
    Err err = { 0 };
    assert_int_equal(conn_open(source, &request, &migration, &err), ERR_NONE);
    request.deadline_ms = clock_boot_ms() + 50;
    assert_int_equal(conn_open(source, &request, &refused, &err), ERR_TIMEOUT);
    request.purpose = CONN_WATCH;
    request.deadline_ms = soon();
    assert_int_equal(conn_open(source, &request, &watch, &err), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_instance_tells_who_it_is, test_end),
        cmocka_unit_test_teardown(a_replica_tells_that_it_is_one, test_end),
        cmocka_unit_test_teardown(databases_are_found_by_pattern, test_end),
        cmocka_unit_test_teardown(all_schemas_are_read_at_once_without_the_systems, test_end),
        cmocka_unit_test_teardown(the_newest_rows_of_many_tenants_are_found_by_index, test_end),
        cmocka_unit_test_teardown(a_schema_whose_name_nobody_could_write_is_left_out, test_end),
        cmocka_unit_test_teardown(facts_follow_what_is_applied, test_end),
        cmocka_unit_test_teardown(a_history_lists_undone_rows_too, test_end),
        cmocka_unit_test_teardown(a_check_has_an_answer_to_every_question, test_end),
        cmocka_unit_test_teardown(a_check_of_an_unreachable_server_is_one_row, test_end),
        cmocka_unit_test_teardown(the_pool_keeps_one_connection_and_closes_it_after_a_while,
                                  test_end),
        cmocka_unit_test_teardown(the_pool_replaces_a_connection_that_died, test_end),
        cmocka_unit_test_teardown(what_is_given_back_is_had_by_whoever_waits_for_a_place, test_end),
        cmocka_unit_test_teardown(migrations_never_take_the_watchers_places, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
