/* Steps that are transactions: applied and undone whole, or not at all. */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#include "common/str.h"

static const Migration SHOP[] = {
    { .id = "0001_items",
      .up = { "CREATE TABLE items (id int PRIMARY KEY)" },
      .down = { "DROP TABLE items" } },
    { .id = "0002_price",
      .up = { "ALTER TABLE items ADD price int", "INSERT INTO items VALUES (1, 10), (2, 20)" },
      .down = { "ALTER TABLE items DROP price", "DELETE FROM items" } },
    { .id = "0003_view",
      .up = { "CREATE VIEW cheap AS SELECT id FROM items WHERE price < 15", "SELECT * FROM cheap" },
      .down = { "DROP VIEW cheap" } },
};

static void a_plan_is_applied_whole_and_in_order(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "clean", 0, SHOP, ARRAY_LEN(SHOP));
    bench_know_identity(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT id FROM cheap", "1");
    assert_ask(bench,
               "SELECT string_agg(id || ' ' || state || ' ' || rollout, ', ' ORDER BY seq) FROM "
               "skein.history",
               "0001_items applied r1, 0002_price applied r1, 0003_view applied r1");
    assert_ask(bench,
               "SELECT term || ' ' || token || ' ' || rollout || ' ' || agent FROM skein.fence",
               "1 1 r1 tester");
    assert_ask(bench,
               "SELECT count(*) FROM skein.history WHERE applied_at >= "
               "started_at"
               " AND backend_start IS NOT NULL AND length(plan_hash) = 32",
               "3");
    assert_string_equal(bench->last.version, "0003_view");
    assert_int_equal(bench->last.steps_done, 3);
}

static void applying_again_changes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        AUTO_PTR(Bench) bench = bench_begin(cluster, "again", 0, SHOP, ARRAY_LEN(SHOP));
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
        assert_ask(bench, "SELECT count(*) FROM skein.history", "3");
    }
}

static void rolling_back_undoes_what_the_rollout_applied(void **state)
{
    (void)state;
    AUTO_PTR(Bench) first = bench_begin(cluster, "back", 0, SHOP, 1);
    first->order.rollout = "r0";
    assert_report(first, bench_run(first, GOAL_APPLY), REPORT_APPLIED);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "back", 0, SHOP, ARRAY_LEN(SHOP));
    bench->order.token = 2;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, "SELECT string_agg(id || ' ' || state, ', ' ORDER BY seq) FROM skein.history",
               "0001_items applied, 0002_price undone, 0003_view undone");
    assert_ask(
        bench,
        "SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'items'::regclass"
        " AND attnum > 0 AND NOT attisdropped",
        "id");
    assert_ask(
        bench,
        "SELECT count(*) FROM skein.history WHERE undone_rollout = 'r1' AND undone_at IS NOT NULL",
        "2");
}

static void an_undone_migration_can_be_applied_again(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "anew", 0, SHOP, ARRAY_LEN(SHOP));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(
        bench,
        "SELECT count(*) FILTER (WHERE state = 'applied') || ' ' || count(*) FROM skein.history",
        "3 6");
}

static void a_failing_statement_leaves_nothing_and_is_named(void **state)
{
    (void)state;
    static const Migration BAD[] = {
        { .id = "0001_bad",
          .up = { "CREATE TABLE kept (v int UNIQUE)", "INSERT INTO kept VALUES (4711)",
                  "INSERT INTO kept VALUES (4711)", "SELECT 1" } },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "failing", 0, BAD, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.sqlstate, "23505");
    assert_string_equal(bench->last.migration, "0001_bad");
    assert_int_equal(bench->last.statement, 3);
    assert_non_null(strstr(bench->last.message, "kept_v_key"));
    assert_null(strstr(bench->last.message, "4711"));
    assert_ask(bench,
               "SELECT to_regclass('kept') IS NULL AND NOT EXISTS (SELECT FROM skein.history)",
               "t");
}

/* Known not to be applied, and not only at COMMIT, whose answer may be lost. */
static void a_deferred_constraint_is_a_failure_without_a_statement(void **state)
{
    (void)state;
    static const Migration DEFERRED[] = {
        { .id = "0001_deferred",
          .up = { "CREATE TABLE a (id int PRIMARY KEY)",
                  "CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)",
                  "INSERT INTO b VALUES (1)" } },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "deferred", 0, DEFERRED, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.sqlstate, "23503");
    assert_int_equal(bench->last.statement, 0);
    assert_ask(bench, "SELECT to_regclass('a') IS NULL AND NOT EXISTS (SELECT FROM skein.history)",
               "t");
}

/* What an author may do to the transaction from inside; none of it may ever count as applied. */
static void a_migration_that_ends_its_transaction_is_never_applied(void **state)
{
    (void)state;
    static const Migration ENDINGS[] = {
        { .id = "0001_rollback", .up = { "CREATE TABLE x (i int)", "ROLLBACK" } },
        { .id = "0001_commit", .up = { "CREATE TABLE x (i int)", "DO $$ BEGIN COMMIT; END $$" } },
        { .id = "0001_rollback_begin", .up = { "CREATE TABLE x (i int)", "ROLLBACK", "BEGIN" } },
    };
    for (size_t i = 0; i < ARRAY_LEN(ENDINGS); i++) {
        AUTO_PTR(Bench) bench = bench_begin(cluster, "endings", 0, &ENDINGS[i], 1);
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
        assert_ask(bench,
                   "SELECT to_regclass('x') IS NULL AND NOT EXISTS (SELECT FROM skein.history)",
                   "t");
    }
}

/* Too late to undo what it committed half-way, but not to say so. */
static void a_migration_that_commits_half_way_is_no_success(void **state)
{
    (void)state;
    static const Migration HALF[] = {
        { .id = "0001_half",
          .up = { "CREATE TABLE x (i int)", "COMMIT", "BEGIN", "CREATE TABLE y (i int)" } },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "half", 0, HALF, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_non_null(strstr(bench->err.message, "0001_half ended the transaction"));
    assert_ask(bench, "SELECT to_regclass('y') IS NULL", "t");
}

static void settings_of_one_migration_do_not_reach_the_next(void **state)
{
    (void)state;
    static const Migration LEAKY[] = {
        { .id = "0001_leak",
          .up = { "SET search_path = pg_catalog", "SET lock_timeout = 1",
                  "SET default_transaction_read_only = on", "SET statement_timeout = '1h'",
                  "SET ROLE leaky" } },
        { .id = "0002_look",
          .up = { "CREATE TABLE public.seen AS SELECT current_setting('search_path') AS path, "
                  "current_user::text AS who,"
                  " current_setting('lock_timeout') AS lock, current_setting('application_name') "
                  "AS app,"
                  " current_setting('synchronous_commit') AS sync, "
                  "current_setting('transaction_read_only') AS ro" } },
    };
    pg_cluster_run(cluster, "postgres", "CREATE ROLE leaky; GRANT leaky TO " PG_CLUSTER_ROLE);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "leaky", 0, LEAKY, ARRAY_LEN(LEAKY));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT concat_ws('|', path, who, lock, app, sync, ro) FROM public.seen",
               "public|skein|500ms|skein/r1/1|on|off");
}

/* Whatever is forgotten, and when: in the middle of a migration, or before the next. */
static void a_migration_may_make_the_server_forget_what_was_prepared(void **state)
{
    (void)state;
    static const Migration FORGETFUL[][3] = {
        { { .id = "0001_a", .up = { "CREATE TABLE a ()", "DEALLOCATE ALL" } },
          { .id = "0002_b", .up = { "CREATE TABLE b ()" }, .down = { "DROP TABLE b" } },
          { .id = "0003_c", .up = { "CREATE TABLE c ()" }, .down = { "DROP TABLE c" } } },
        { { .id = "0001_a", .up = { "CREATE TABLE a ()" } },
          { .id = "0002_b",
            .up = { "CREATE TABLE b ()", "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$" },
            .down = { "DROP TABLE b" } },
          { .id = "0003_c", .up = { "CREATE TABLE c ()" }, .down = { "DROP TABLE c" } } },
        { { .id = "0001_a", .up = { "CREATE TABLE a ()" } },
          { .id = "0002_b", .up = { "CREATE TABLE b ()" }, .down = { "DROP TABLE b" } },
          { .id = "0003_c",
            .up = { "CREATE TABLE c ()", "SET lock_timeout = 7" },
            .down = { "DROP TABLE c", "DEALLOCATE ALL" } } },
    };
    for (size_t i = 0; i < ARRAY_LEN(FORGETFUL); i++) {
        AUTO_PTR(Bench) bench = bench_begin(cluster, "forgets", 0, FORGETFUL[i], 3);
        pg_cluster_run(cluster, "forgets",
                       "DROP SCHEMA IF EXISTS skein CASCADE; DROP TABLE IF EXISTS a, b, c");
        AUTO_PTR(Runner) runner = bench_runner(bench);
        bench_open(runner);
        for (size_t migration = 0; migration < 3; migration++) {
            assert_result(bench_perform(runner, ACTION_APPLY, migration), RESULT_OK);
        }
        assert_result(bench_perform(runner, ACTION_UNDO, 2), RESULT_OK);
        assert_result(bench_perform(runner, ACTION_UNDO, 1), RESULT_OK);
        assert_ask(bench,
                   "SELECT string_agg(seq || ' ' || state, ', ' ORDER BY seq) FROM skein.history",
                   "1 applied, 2 undone, 3 undone");
    }
}

static void an_unknown_statement_of_the_migrations_own_is_its_failure(void **state)
{
    (void)state;
    static const Migration UNKNOWN[] = { { .id = "0001_x", .up = { "EXECUTE nothing" } } };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "unknown", 0, UNKNOWN, ARRAY_LEN(UNKNOWN));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->err.sqlstate, "26000");
}

/* For a role named skein, "$user" in search_path names the schema of skein's own tables. */
static void what_a_role_named_skein_makes_does_not_land_among_skeins_tables(void **state)
{
    (void)state;
    static const Migration TWO[] = {
        { .id = "0001_t", .up = { "CREATE TABLE t (i int)" } },
        { .id = "0002_i",
          .up = { "CREATE INDEX CONCURRENTLY t_i ON t (i)" },
          .is_solo = true,
          .probe = PROBE_INDEX_VALID,
          .object = "\"t_i\"" },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "role_skein", 0, TWO, ARRAY_LEN(TWO));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench,
               "SELECT string_agg(relname || ' ' || relnamespace::regnamespace, ', ' ORDER BY 1)"
               " FROM pg_class WHERE relname IN ('t', 't_i')",
               "t public, t_i public");
}

static void a_schema_is_a_target_of_its_own(void **state)
{
    (void)state;
    static const char *const SHARED[] = { "common \"x\"" };
    database_ensure(cluster, "tenants");
    pg_cluster_run(cluster, "tenants",
                   "CREATE SCHEMA \"T' \\\"; CREATE SCHEMA t2;"
                   "CREATE SCHEMA \"common \"\"x\"\"\";" AS_SUPERUSER
                   "ALTER DATABASE tenants SET standard_conforming_strings = off");
    static const char *const SCHEMAS[] = { "T' \\", "t2" };
    for (size_t i = 0; i < ARRAY_LEN(SCHEMAS); i++) {
        AUTO_PTR(Bench) bench = bench_begin(cluster, "tenants", 0, SHOP, ARRAY_LEN(SHOP));
        bench->schema = SCHEMAS[i];
        bench->plan.shared_schemas = (const char **)SHARED;
        bench->plan.shared_schema_count = 1;
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    }
    assert_string_equal(
        pg_cluster_ask(cluster, "tenants",
                       "SELECT string_agg(tenant || ':' || id, ' ' ORDER BY tenant, seq)"
                       " FROM skein.history WHERE id LIKE '0001%'"),
        "T' \\:0001_items t2:0001_items");
    assert_string_equal(
        pg_cluster_ask(cluster, "tenants", "SELECT count(*) FROM \"T' \\\".cheap, t2.cheap"), "1");
}

static void twenty_megabytes_go_through_the_pipeline(void **state)
{
    (void)state;
    enum { BIG = 5 * 1024 * 1024 };
    Str statement = { 0 };
    str_append(&statement, "INSERT INTO big SELECT length('");
    for (size_t i = 0; i < BIG; i++) {
        str_append_char(&statement, 'x');
    }
    str_append(&statement, "')");
    const Migration migration[] = {
        { .id = "0001_big",
          .up = { "CREATE TABLE big (n int)",
                  "SELECT repeat('y', 1000) FROM generate_series(1, 20000)", str_text(&statement),
                  str_text(&statement), str_text(&statement), str_text(&statement),
                  "SELECT repeat('z', 1000) FROM generate_series(1, 20000)" } },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "big", 0, migration, 1);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT sum(n) = 4 * 5 * 1024 * 1024 FROM big", "t");
    str_done(&statement);
}

static void copy_to_the_client_is_dropped_and_from_it_is_refused(void **state)
{
    (void)state;
    static const Migration COPIES[] = {
        { .id = "0001_out",
          .up = { "CREATE TABLE copied (i int)",
                  "COPY (SELECT generate_series(1, 100000)) TO STDOUT",
                  "INSERT INTO copied VALUES (1)" } },
        { .id = "0002_in", .up = { "COPY copied FROM STDIN", "INSERT INTO copied VALUES (2)" } },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "copies", 0, COPIES, ARRAY_LEN(COPIES));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.migration, "0002_in");
    assert_int_equal(bench->last.statement, 1);
    assert_ask(bench, "SELECT string_agg(i::text, ',') FROM copied", "1");
    assert_ask(bench, "SELECT string_agg(id, ',') FROM skein.history", "0001_out");
}

static void the_command_line_takes_the_next_token(void **state)
{
    (void)state;
    AUTO_PTR(Bench) fleet = bench_begin(cluster, "cli", 0, SHOP, 1);
    fleet->order.token = 7;
    fleet->order.stamp.term = 3;
    assert_report(fleet, bench_run(fleet, GOAL_APPLY), REPORT_APPLIED);
    AUTO_PTR(Bench) bench = bench_begin(cluster, "cli", 0, SHOP, ARRAY_LEN(SHOP));
    bench_be_cli(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT term || ' ' || token FROM skein.fence", "3 8");
    bench->order.is_any_rollout = true;
    bench->order.to = "";
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, "SELECT count(*) FROM skein.history WHERE state <> 'undone'", "0");
}

static bool told_of[5];

static void statement_remember(Bench *bench, const ExecProgress *progress)
{
    (void)bench;
    told_of[progress->statement] = true;
    assert_int_equal(progress->statement_count, 4);
}

static void progress_names_the_statement_that_runs(void **state)
{
    (void)state;
    static const Migration SLOW[] = {
        { .id = "0001_slow",
          .up = { "SELECT 1", "SELECT 2", "SELECT pg_sleep(4)", "SELECT 4" },
          .lock_timeout_ms = 1500 },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "slow", 0, SLOW, 1);
    bench->on_progress = statement_remember;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_true(told_of[3]);
    assert_false(told_of[1] || told_of[2]);
}

static unsigned reports_of_running;
static uint32_t steps_last_told;

static void running_count(Bench *bench, const State *state)
{
    (void)bench;
    reports_of_running += state->report == REPORT_RUNNING;
    steps_last_told = state->steps_done;
}

static void counts_of_quick_steps_wait_for_the_next_report(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "quick", 0, SHOP, ARRAY_LEN(SHOP));
    bench->on_report = running_count;
    bench->counts_every_ms = 60000;
    reports_of_running = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_int_equal(reports_of_running, 1);
    assert_int_equal(steps_last_told, 3);
}

static void steps_told_meanwhile(Bench *bench, const ExecProgress *progress)
{
    (void)bench;
    assert_string_equal(progress->migration, "0002_slow");
    assert_int_equal(steps_last_told, 1);
}

/* Else a long migration would look as if those before it had not run yet. */
static void counts_that_waited_are_told_before_the_progress_of_a_slow_step(void **state)
{
    (void)state;
    static const Migration SLOW[] = {
        { .id = "0001_quick", .up = { "SELECT 1" } },
        { .id = "0002_slow", .up = { "SELECT pg_sleep(3)" }, .lock_timeout_ms = 1000 },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "waited", 0, SLOW, ARRAY_LEN(SLOW));
    bench->on_report = running_count;
    bench->on_progress = steps_told_meanwhile;
    bench->counts_every_ms = 60000;
    reports_of_running = 0;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_int_equal(reports_of_running, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_plan_is_applied_whole_and_in_order, test_end),
        cmocka_unit_test_teardown(applying_again_changes_nothing, test_end),
        cmocka_unit_test_teardown(rolling_back_undoes_what_the_rollout_applied, test_end),
        cmocka_unit_test_teardown(an_undone_migration_can_be_applied_again, test_end),
        cmocka_unit_test_teardown(a_failing_statement_leaves_nothing_and_is_named, test_end),
        cmocka_unit_test_teardown(a_deferred_constraint_is_a_failure_without_a_statement, test_end),
        cmocka_unit_test_teardown(a_migration_that_ends_its_transaction_is_never_applied, test_end),
        cmocka_unit_test_teardown(a_migration_that_commits_half_way_is_no_success, test_end),
        cmocka_unit_test_teardown(settings_of_one_migration_do_not_reach_the_next, test_end),
        cmocka_unit_test_teardown(a_migration_may_make_the_server_forget_what_was_prepared,
                                  test_end),
        cmocka_unit_test_teardown(an_unknown_statement_of_the_migrations_own_is_its_failure,
                                  test_end),
        cmocka_unit_test_teardown(what_a_role_named_skein_makes_does_not_land_among_skeins_tables,
                                  test_end),
        cmocka_unit_test_teardown(a_schema_is_a_target_of_its_own, test_end),
        cmocka_unit_test_teardown(twenty_megabytes_go_through_the_pipeline, test_end),
        cmocka_unit_test_teardown(copy_to_the_client_is_dropped_and_from_it_is_refused, test_end),
        cmocka_unit_test_teardown(the_command_line_takes_the_next_token, test_end),
        cmocka_unit_test_teardown(progress_names_the_statement_that_runs, test_end),
        cmocka_unit_test_teardown(counts_of_quick_steps_wait_for_the_next_report, test_end),
        cmocka_unit_test_teardown(counts_that_waited_are_told_before_the_progress_of_a_slow_step,
                                  test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
