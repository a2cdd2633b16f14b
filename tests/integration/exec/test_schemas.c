/* Schemas as targets: each with a history of its own, whatever lies beside it in the database. */
#include "tests/integration/exec/exec_world.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/str.h"

#define AT_ONCE 40

static int wide_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start("max_connections = 60");
    return 0;
}

static const Migration SHOP[] = {
    { .id = "0001_items", .up = { "CREATE TABLE items (v int)" }, .down = { "DROP TABLE items" } },
    { .id = "0002_index",
      .up = { "CREATE INDEX CONCURRENTLY items_v ON items (v)" },
      .down = { "DROP INDEX CONCURRENTLY items_v" },
      .is_solo = true,
      .probe = PROBE_INDEX_VALID,
      .object = "items_v",
      .detail = "items" },
};

static void schema_make(const char *database, const char *schema)
{
    char sql[PG_TEXT_MAX];
    database_ensure(cluster, database);
    snprintf(sql, sizeof(sql), "CREATE SCHEMA %s", schema);
    pg_cluster_run(cluster, database, sql);
}

static Bench *bench_of(const char *database, const char *schema, const Migration *migrations,
                       size_t count)
{
    Bench *bench = bench_begin(cluster, database, 0, migrations, count);
    bench->schema = schema;
    bench_know_identity(bench);
    bench->order.identity.schema = schema;
    return bench;
}

static void share_public(Bench *bench)
{
    static const char *SHARED[] = { "public" };
    bench->plan.shared_schemas = SHARED;
    bench->plan.shared_schema_count = 1;
}

/* ---- beside each other ---- */

static void tenants_have_histories_of_their_own(void **state)
{
    (void)state;
    static const char *const SCHEMAS[] = { "ours", "\"We.ird \"\"%/é\"" };
    static const char *const NAMES[] = { "ours", "We.ird \"%/é" };
    for (size_t i = 0; i < ARRAY_LEN(SCHEMAS); i++) {
        schema_make("beside", SCHEMAS[i]);
        AUTO_PTR(Bench) bench = bench_of("beside", NAMES[i], SHOP, ARRAY_LEN(SHOP));
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
        assert_ask(bench, "SELECT count(*) FROM pg_class WHERE relname = 'items_v'",
                   i == 0 ? "1" : "2");
        assert_ask(bench, "SELECT count(*) FROM skein.fence", i == 0 ? "1" : "2");
    }
    AUTO_PTR(Bench) bench = bench_of("beside", NAMES[0], SHOP, ARRAY_LEN(SHOP));
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, "SELECT to_regclass('ours.items') IS NULL", "t");
    assert_ask(bench, "SELECT string_agg(state, ' ' ORDER BY tenant) FROM skein.history",
               "applied applied undone undone");
}

/* Of another tenant, whose build broke off, or who has it still. */
static void an_index_of_another_tenant_proves_nothing(void **state)
{
    (void)state;
    schema_make("indexes", "a");
    schema_make("indexes", "b");
    pg_cluster_run(
        cluster, "indexes",
        "CREATE TABLE b.items (v int); CREATE INDEX items_v ON b.items (v);" MAKE_INVALID(
            "b.items_v"));
    AUTO_PTR(Bench) bench = bench_of("indexes", "a", SHOP, ARRAY_LEN(SHOP));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT evidence ->> 'before' FROM skein.history WHERE id = '0002_index'",
               "[]");
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, "SELECT to_regclass('b.items_v') IS NOT NULL", "t");
}

static void an_index_that_another_tenant_has_is_not_taken_for_ones_own(void **state)
{
    (void)state;
    static const Migration BLIND[] = {
        { .id = "0001_nothing",
          .up = { "SELECT 1" },
          .is_solo = true,
          .probe = PROBE_INDEX_VALID,
          .object = "items_v",
          .detail = "items" },
    };
    schema_make("blind", "a");
    schema_make("blind", "b");
    pg_cluster_run(cluster, "blind",
                   "CREATE TABLE a.items (v int); CREATE TABLE b.items (v int);"
                   "CREATE INDEX items_v ON b.items (v)");
    AUTO_PTR(Bench) bench = bench_of("blind", "a", BLIND, ARRAY_LEN(BLIND));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_UNPROVEN);
}

/* In each migration anew, whatever the one before has done to it. */
static void what_is_shared_follows_the_schema_in_the_path(void **state)
{
    (void)state;
    static const Migration PATHS[] = {
        { .id = "0001_path",
          .up = { "SET search_path = pg_catalog", "SET ROLE pg_read_all_stats" },
          .down = { "SELECT 1" } },
        { .id = "0002_use",
          .up = { "CREATE TABLE mine AS SELECT of_all() AS v" },
          .down = { "DROP TABLE mine" } },
    };
    schema_make("shared", "a");
    pg_cluster_run(cluster, "shared",
                   "CREATE FUNCTION public.of_all() RETURNS int LANGUAGE sql AS 'SELECT 7'");
    AUTO_PTR(Bench) bench = bench_of("shared", "a", PATHS, ARRAY_LEN(PATHS));
    share_public(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT v FROM a.mine", "7");
}

/* ---- dropped, renamed, made anew ---- */

static void a_schema_that_is_not_there_is_refused(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_of("absent", "nobody", SHOP, ARRAY_LEN(SHOP));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_int_equal(bench->err.code, ERR_NOT_FOUND);
    assert_ask(bench, "SELECT to_regclass('skein.meta') IS NULL", "t");
}

/* Of its search_path only what is shared is left: nothing must land there. */
static void a_schema_dropped_inside_a_migration_leaves_nothing_in_the_shared_one(void **state)
{
    (void)state;
    static const Migration DROPS[] = {
        { .id = "0001_drop",
          .up = { "DROP SCHEMA a", "CREATE TABLE stray (i int)" },
          .down = { "SELECT 1" } },
    };
    schema_make("dropped", "a");
    AUTO_PTR(Bench) bench = bench_of("dropped", "a", DROPS, ARRAY_LEN(DROPS));
    share_public(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.sqlstate, "3F000");
    assert_ask(bench, "SELECT to_regclass('public.stray') IS NULL", "t");
    assert_ask(bench, "SELECT count(*) FROM skein.history", "0");
}

static void a_schema_dropped_between_two_migrations_fails_the_second(void **state)
{
    (void)state;
    schema_make("between", "a");
    AUTO_PTR(Bench) bench = bench_of("between", "a", SHOP, 1);
    share_public(bench);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    pg_cluster_run(cluster, "between", "DROP SCHEMA a CASCADE");
    assert_result(bench_perform(runner, ACTION_APPLY, 0), RESULT_ALREADY);
    assert_ask(bench, "SELECT to_regclass('public.items') IS NULL", "t");
    Result result = bench_perform(runner, ACTION_READ, 0);
    assert_result(result, RESULT_FAILED);
    assert_string_equal(result.err.sqlstate, "3F000");
}

static void a_renamed_schema_takes_its_history_along(void **state)
{
    (void)state;
    schema_make("renamed", "old");
    AUTO_PTR(Bench) before = bench_of("renamed", "old", SHOP, ARRAY_LEN(SHOP));
    before->order.token = 7;
    assert_report(before, bench_run(before, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_run(cluster, "renamed", "ALTER SCHEMA old RENAME TO new");
    AUTO_PTR(Bench) bench = bench_of("renamed", "new", SHOP, ARRAY_LEN(SHOP));
    TenantFacts facts = bench_look(bench);
    assert_string_equal(facts.version, "0002_index");
    assert_int_equal(facts.fence.token, 7);
    bench->order.token = 8;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT string_agg(tenant || ' ' || state, ', ') FROM skein.history",
               "new applied, new applied");
    assert_ask(bench, "SELECT string_agg(tenant, ', ') FROM skein.fence", "new");
}

/* As a fleet does it: the one that has its name now is looked at and migrated first. */
static void a_history_goes_to_its_own_schema_before_another_of_its_name_begins(void **state)
{
    (void)state;
    schema_make("heir", "a");
    AUTO_PTR(Bench) before = bench_of("heir", "a", SHOP, ARRAY_LEN(SHOP));
    before->order.token = 7;
    assert_report(before, bench_run(before, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_run(cluster, "heir", "ALTER SCHEMA a RENAME TO b; CREATE SCHEMA a");
    AUTO_PTR(Bench) bench = bench_of("heir", "a", SHOP, 1);
    bench->order.token = 8;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench,
               "SELECT string_agg(tenant || ' ' || state, ', ' ORDER BY tenant, seq)"
               " FROM skein.history",
               "a applied, b applied, b applied");
    assert_ask(bench,
               "SELECT string_agg(tenant || ' ' || token, ', ' ORDER BY tenant)"
               " FROM skein.fence",
               "a 8, b 7");
    AUTO_PTR(Bench) moved = bench_of("heir", "b", SHOP, ARRAY_LEN(SHOP));
    assert_string_equal(bench_look(moved).version, "0002_index");
}

static void a_schema_made_anew_begins_anew(void **state)
{
    (void)state;
    schema_make("anew", "a");
    AUTO_PTR(Bench) before = bench_of("anew", "a", SHOP, ARRAY_LEN(SHOP));
    assert_report(before, bench_run(before, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_run(cluster, "anew", "DROP SCHEMA a CASCADE; CREATE SCHEMA a");
    AUTO_PTR(Bench) bench = bench_of("anew", "a", SHOP, ARRAY_LEN(SHOP));
    assert_string_equal(bench_look(bench).version, "");
    bench->order.token = 2;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT to_regclass('a.items') IS NOT NULL", "t");
    assert_ask(bench, "SELECT string_agg(state, ' ' ORDER BY seq) FROM skein.history",
               "undone undone applied applied");
}

/* Restored from a dump, or another one renamed: nobody knows which migrations are in it. */
static void a_schema_that_may_be_another_is_held_until_somebody_has_looked(void **state)
{
    (void)state;
    schema_make("other", "a");
    AUTO_PTR(Bench) before = bench_of("other", "a", SHOP, ARRAY_LEN(SHOP));
    assert_report(before, bench_run(before, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_run(cluster, "other",
                   "DROP SCHEMA a CASCADE; CREATE SCHEMA a; CREATE TABLE a.items (v int)");
    AUTO_PTR(Bench) bench = bench_of("other", "a", SHOP, ARRAY_LEN(SHOP));
    bench->order.token = 2;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
    assert_int_equal(bench->err.code, ERR_IDENTITY);
    assert_non_null(strstr(bench->err.hint, "`skein repair --schema a` on this database"));
    assert_ask(bench, "SELECT string_agg(state, ' ') FROM skein.history", "applied applied");
    pg_cluster_run(cluster, "other", "UPDATE skein.fence SET schema_oid = 'a'::regnamespace");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
}

/* ---- many at once ---- */

typedef struct Tenant {
    pthread_t thread;
    char name[16];
    Bench *bench;
    Report up;
    Report down;
} Tenant;

static void *tenant_live(void *ctx)
{
    Tenant *tenant = ctx;
    tenant->up = bench_run(tenant->bench, GOAL_APPLY);
    tenant->down = bench_run(tenant->bench, GOAL_ROLL_BACK);
    return NULL;
}

/* Nobody has been there before them, and the database's own defaults are of the worst kind. */
static void forty_at_once_make_skeins_tables_once_and_all_get_through(void **state)
{
    (void)state;
    static Tenant tenants[AT_ONCE];
    database_ensure(cluster, "forty");
    pg_cluster_run(cluster, "postgres",
                   "ALTER DATABASE forty SET default_transaction_isolation = 'repeatable read'");
    for (size_t i = 0; i < AT_ONCE; i++) {
        snprintf(tenants[i].name, sizeof(tenants[i].name), "t%zu", i);
        schema_make("forty", tenants[i].name);
        tenants[i].bench = bench_of("forty", tenants[i].name, SHOP, 1);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        assert_int_equal(pthread_create(&tenants[i].thread, NULL, tenant_live, &tenants[i]), 0);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        pthread_join(tenants[i].thread, NULL);
        assert_report(tenants[i].bench, tenants[i].up, REPORT_APPLIED);
        assert_report(tenants[i].bench, tenants[i].down, REPORT_ROLLED_BACK);
    }
    assert_ask(tenants[0].bench, "SELECT count(*) FROM skein.meta", "1");
    assert_ask(tenants[0].bench,
               "SELECT count(*) || ' ' || count(DISTINCT tenant) FROM skein.history", "40 40");
    for (size_t i = 0; i < AT_ONCE; i++) {
        bench_end(tenants[i].bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tenants_have_histories_of_their_own, test_end),
        cmocka_unit_test_teardown(an_index_of_another_tenant_proves_nothing, test_end),
        cmocka_unit_test_teardown(an_index_that_another_tenant_has_is_not_taken_for_ones_own,
                                  test_end),
        cmocka_unit_test_teardown(what_is_shared_follows_the_schema_in_the_path, test_end),
        cmocka_unit_test_teardown(a_schema_that_is_not_there_is_refused, test_end),
        cmocka_unit_test_teardown(
            a_schema_dropped_inside_a_migration_leaves_nothing_in_the_shared_one, test_end),
        cmocka_unit_test_teardown(a_schema_dropped_between_two_migrations_fails_the_second,
                                  test_end),
        cmocka_unit_test_teardown(a_renamed_schema_takes_its_history_along, test_end),
        cmocka_unit_test_teardown(
            a_history_goes_to_its_own_schema_before_another_of_its_name_begins, test_end),
        cmocka_unit_test_teardown(a_schema_made_anew_begins_anew, test_end),
        cmocka_unit_test_teardown(a_schema_that_may_be_another_is_held_until_somebody_has_looked,
                                  test_end),
        cmocka_unit_test_teardown(forty_at_once_make_skeins_tables_once_and_all_get_through,
                                  test_end),
    };
    return cmocka_run_group_tests(tests, wide_begin, suite_end);
}
