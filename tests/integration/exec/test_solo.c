/* What cannot run in a transaction: noted, run, probed, noted. What an interruption leaves is
 * test_settle.c's. */
#include "tests/integration/exec/exec_world.h"

#define INDEX                                                                                      \
    {                                                                                              \
        .id = "0001_index", .up = { "CREATE INDEX CONCURRENTLY things_v ON things (v)" },          \
        .down = { "DROP INDEX CONCURRENTLY things_v" }, .is_solo = true,                           \
        .probe = PROBE_INDEX_VALID, .object = "things_v", .detail = "things"                       \
    }

static const Migration CONCURRENT[] = { INDEX };

static void things_make(const char *database)
{
    database_ensure(cluster, database);
    pg_cluster_run(
        cluster, database,
        "CREATE TABLE things (v int); INSERT INTO things SELECT generate_series(1, 100)");
}

static void an_index_is_built_concurrently_and_proven(void **state)
{
    (void)state;
    things_make("built");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "built", 0, CONCURRENT, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_v'::regclass",
               "t");
    assert_ask(bench, "SELECT state || ' ' || (evidence ->> 'before') FROM skein.history",
               "applied []");
    assert_ask(bench, "SELECT length(evidence ->> 'statement') FROM skein.history", "64");
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, "SELECT to_regclass('things_v') IS NULL", "t");
    assert_ask(bench, "SELECT state FROM skein.history", "undone");
}

/* A lock timeout, even a short one, must not touch what runs outside a transaction. */
static void a_concurrent_build_waits_without_a_lock_timeout(void **state)
{
    (void)state;
    things_make("waits");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "waits", 0, CONCURRENT, 1);
    bench->plan.strategy.lock_timeout_ms = 1;
    AUTO_PTR(Runner) runner = bench_runner(bench);
    bench_open(runner);
    assert_result(bench_perform(runner, ACTION_RUN, 0), RESULT_OK);
    assert_result(bench_perform(runner, ACTION_PROBE, 0), RESULT_OK);
}

static void vacuum_runs_and_needs_no_proof(void **state)
{
    (void)state;
    static const Migration VACUUM[] = {
        { .id = "0001_vacuum",
          .up = { "VACUUM (ANALYZE) things" },
          .is_solo = true,
          .probe = PROBE_REPEATABLE },
        { .id = "0002_label",
          .up = { "ALTER TYPE mood ADD VALUE 'glad'" },
          .is_solo = true,
          .probe = PROBE_ENUM_LABEL,
          .object = "mood",
          .detail = "glad" },
    };
    things_make("vacuum");
    pg_cluster_run(cluster, "vacuum", "CREATE TYPE mood AS ENUM ('sad')");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "vacuum", 0, VACUUM, ARRAY_LEN(VACUUM));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT string_agg(state, ' ') FROM skein.history", "applied applied");
}

static void probes_read_the_catalog(void **state)
{
    (void)state;
    static const struct {
        ProbeKind probe;
        const char *object;
        const char *detail;
        ResultKind kind;
    } ROWS[] = {
        { PROBE_INDEX_VALID, "things_i", "things", RESULT_OK },
        { PROBE_INDEX_VALID, "public.things_i", "public.things", RESULT_OK },
        { PROBE_INDEX_VALID, "hidden_i", "hidden.things",
          RESULT_OK }, /* made in its table's schema */
        { PROBE_INDEX_VALID, "hidden_i", "things", RESULT_UNPROVEN },
        { PROBE_INDEX_VALID, "\"Odd i\"", "things", RESULT_OK },
        { PROBE_INDEX_VALID, "nothing", "things", RESULT_UNPROVEN },
        { PROBE_INDEX_ABSENT, "nothing", "", RESULT_OK },
        { PROBE_INDEX_ABSENT, "things_i", "", RESULT_UNPROVEN },
        { PROBE_ENUM_LABEL, "mood", "sad", RESULT_OK },
        { PROBE_ENUM_LABEL, "mood", "glad", RESULT_UNPROVEN },
        { PROBE_ENUM_LABEL, "no_such_type", "glad", RESULT_UNPROVEN },
        { PROBE_PARTITION_DETACHED, "things", "", RESULT_OK },
        { PROBE_PARTITION_DETACHED, "part", "parts", RESULT_UNPROVEN },
        { PROBE_NONE, "", "", RESULT_OK },
        { PROBE_REPEATABLE, "", "", RESULT_OK },
        { PROBE_REINDEXED, "things_i", "index", RESULT_OK },
        { PROBE_REINDEXED, "broken", "table", RESULT_UNPROVEN },
        { PROBE_REINDEXED, "broken_i", "index", RESULT_UNPROVEN },
        { PROBE_REINDEXED, "public", "schema", RESULT_UNPROVEN },
        { PROBE_REINDEXED, "probes", "database", RESULT_UNPROVEN },
        { PROBE_REINDEXED, "hidden", "schema", RESULT_OK },
        { PROBE_NAMED_PRESENT, "probes", "database", RESULT_OK },
        { PROBE_NAMED_PRESENT, "nowhere", "database", RESULT_UNPROVEN },
        { PROBE_NAMED_PRESENT, "pg_default", "tablespace", RESULT_OK },
        { PROBE_NAMED_PRESENT, "nowhere", "subscription", RESULT_UNPROVEN },
        { PROBE_NAMED_ABSENT, "probes", "database", RESULT_UNPROVEN },
        { PROBE_NAMED_ABSENT, "nowhere", "tablespace", RESULT_OK },
    };
    things_make("probes");
    pg_cluster_run(
        cluster, "probes",
        "CREATE INDEX things_i ON things (v); CREATE INDEX \"Odd i\" ON things (v); CREATE SCHEMA "
        "hidden;"
        "CREATE TABLE hidden.things (v int); CREATE INDEX hidden_i ON hidden.things (v);"
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE parts (v int) PARTITION BY LIST (v);"
        "CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);"
        "CREATE TABLE broken (v int); CREATE INDEX broken_i ON broken (v);"
        "CREATE INDEX broken_i_ccnew ON broken (v);" MAKE_INVALID("broken_i_ccnew"));
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Migration migration = CONCURRENT[0];
        migration.probe = ROWS[i].probe;
        migration.object = ROWS[i].object;
        migration.detail = ROWS[i].detail;
        AUTO_PTR(Bench) bench = bench_begin(cluster, "probes", 0, &migration, 1);
        AUTO_PTR(Runner) runner = bench_runner(bench);
        bench_open(runner);
        assert_result(bench_perform(runner, ACTION_PROBE, 0), ROWS[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_index_is_built_concurrently_and_proven, test_end),
        cmocka_unit_test_teardown(a_concurrent_build_waits_without_a_lock_timeout, test_end),
        cmocka_unit_test_teardown(vacuum_runs_and_needs_no_proof, test_end),
        cmocka_unit_test_teardown(probes_read_the_catalog, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
