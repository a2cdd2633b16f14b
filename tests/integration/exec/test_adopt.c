/* Taking over what another tool has applied: rows, and nothing else, in either direction. */
#include "tests/integration/exec/exec_world.h"

#include "agent/exec/repair.h"

#include <string.h>

#include "common/str.h"

static const Migration EMPTY[] = {
    { .id = "0001_items", .up = { NULL }, .down = { NULL } },
    { .id = "0002_price", .up = { NULL }, .down = { NULL } },
    { .id = "0003_view", .up = { NULL }, .down = { NULL } },
};

/* As golang-migrate keeps it: one row, the version it has come to. */
static const char QUERY[] =
    "SELECT v.id, s.version::text, CASE WHEN s.dirty THEN 'version ' || s.version || ' is dirty' END"
    " FROM schema_migrations s"
    " LEFT JOIN (VALUES ('0001_items', 1), ('0002_price', 2), ('0003_view', 3)) v (id, n)"
    " ON v.n <= s.version AND s.version <= 3";

static Bench *adoption_begin(const char *database, const char *tool_row)
{
    database_ensure(cluster, database);
    pg_cluster_run(cluster, database,
                   "CREATE TABLE schema_migrations (version bigint, dirty boolean)");
    pg_cluster_run(cluster, database, tool_row);
    Bench *bench = bench_begin(cluster, database, 0, EMPTY, ARRAY_LEN(EMPTY));
    bench->plan.adoption = (PlanTool){ .tool = "golang-migrate", .query = QUERY };
    for (size_t i = 0; i < ARRAY_LEN(EMPTY); i++) {
        bench->plan.migrations[i].is_irreversible = false;
    }
    return bench;
}

#define STANDING                                                                                   \
    "SELECT coalesce(string_agg(concat_ws(' ', id, state, adopted_from), ', ' ORDER BY seq), '')"  \
    " FROM skein.history WHERE state <> 'undone'"

static void what_the_tool_has_applied_stands_in_the_history(void **state)
{
    (void)state;
    AUTO_PTR(Bench)
    bench = adoption_begin("adopted", "INSERT INTO schema_migrations VALUES (2, false)");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_string_equal(bench->last.version, "0002_price");
    assert_ask(bench, STANDING,
               "0001_items applied golang-migrate, 0002_price applied golang-migrate");
}

static void adopting_again_changes_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Bench)
    bench = adoption_begin("again", "INSERT INTO schema_migrations VALUES (1, false)");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    bench->order.stamp.attempt++;
    bench->order.token++;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT count(*) FROM skein.history", "1");
}

static void taking_it_back_takes_the_rows_and_no_more(void **state)
{
    (void)state;
    AUTO_PTR(Bench)
    bench = adoption_begin("given_back", "INSERT INTO schema_migrations VALUES (3, false)");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    bench->order.stamp.attempt++;
    bench->order.token++;
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, STANDING, "");
    assert_ask(bench, "SELECT version FROM schema_migrations", "3");
}

static void what_cannot_be_adopted_is_held_in_words(void **state)
{
    (void)state;
    const struct {
        const char *database;
        const char *row;
        const char *words;
    } rows[] = {
        { "dirty", "INSERT INTO schema_migrations VALUES (2, true)",
          "golang-migrate is not at rest here: version 2 is dirty" },
        { "ahead", "INSERT INTO schema_migrations VALUES (9, false)",
          "golang-migrate has applied 9 here, which the directory does not have (1 such in all)" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_PTR(Bench) bench = adoption_begin(rows[i].database, rows[i].row);
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
        assert_string_equal(bench->err.message, rows[i].words);
        assert_ask(bench, STANDING, "");
    }
}

static void a_tool_that_was_never_here_is_said_in_the_servers_words(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = adoption_begin("elsewhere", "DROP TABLE schema_migrations");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->last.sqlstate, "42P01");
    assert_non_null(strstr(bench->err.message, "schema_migrations"));
}

/* A dump's settings and another role must not reach the other tool's table. */
static const Migration MIRRORED[] = {
    { .id = "0001_items",
      .up = { "SET search_path = ''", "SET ROLE pg_read_all_stats", "SELECT 1" },
      .down = { "SET search_path = ''" } },
};

static Bench *mirror_begin(const char *database)
{
    static const char *up[] = { "INSERT INTO versions VALUES ('1')" };
    static const char *down[] = { "DELETE FROM versions WHERE version = '1'" };
    database_ensure(cluster, database);
    pg_cluster_run(cluster, database, "CREATE TABLE versions (version text PRIMARY KEY)");
    Bench *bench = bench_begin(cluster, database, 0, MIRRORED, 1);
    bench->plan.migrations[0].up.mirror = up;
    bench->plan.migrations[0].up.mirror_count = 1;
    bench->plan.migrations[0].down.mirror = down;
    bench->plan.migrations[0].down.mirror_count = 1;
    return bench;
}

#define VERSIONS "SELECT coalesce(string_agg(version, ' '), '') FROM versions"

static void the_other_tools_table_is_told_up_and_down(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mirror_begin("mirrored");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, VERSIONS, "1");
    bench->order.stamp.attempt++;
    bench->order.token++;
    assert_report(bench, bench_run(bench, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    assert_ask(bench, VERSIONS, "");
}

/* In one transaction: either both histories have it or none. */
static void a_table_that_cannot_be_told_stops_the_migration(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = mirror_begin("untold");
    pg_cluster_run(cluster, "untold", "INSERT INTO versions VALUES ('1')");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_non_null(strstr(bench->err.message, "the other tool's table"));
    assert_int_equal(bench->last.statement, 0);
    assert_ask(bench, STANDING, "");
}

static void the_last_of_several_parts_tells_it(void **state)
{
    (void)state;
    static PlanPart parts[] = { { 2, true }, { 1, false } };
    AUTO_PTR(Bench) bench = mirror_begin("mirrored_parts");
    PlanScript *up = &bench->plan.migrations[0].up;
    up->is_transactional = false;
    up->parts = parts;
    up->part_count = 2;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, VERSIONS, "1");
}

/* Nothing of a migration runs in a repair, so no migration is blamed. */
static void a_repair_whose_mirror_ends_the_transaction_changes_nothing(void **state)
{
    (void)state;
    static const char *const TELL[] = { "COMMIT" };
    AUTO_PTR(Bench) bench = mirror_begin("repaired");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    bench_be_cli(bench);
    AUTO_PTR(Runner) runner = bench_runner(bench);
    RepairSight sight = { 0 };
    Err err = { 0 };
    assert_int_equal(repair_open(runner, &err), ERR_NONE);
    assert_int_equal(repair_take(runner, &err), ERR_NONE);
    assert_int_equal(repair_look(runner, &bench->arena, &sight, &err), ERR_NONE);
    RepairChange change = {
        .row = &sight.rows[0],
        .to = { .state = "undone" },
        .mirror = TELL,
        .mirror_count = 1,
        .choice = "undone",
        .reason = "",
    };
    assert_int_equal(repair_write(runner, &change, &err), ERR_SERVER);
    assert_string_equal(err.message,
                        "what tells the other tool's table of it ended the transaction it runs in");
    assert_ask(bench, "SELECT state FROM skein.history", "applied");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_the_tool_has_applied_stands_in_the_history, test_end),
        cmocka_unit_test_teardown(adopting_again_changes_nothing, test_end),
        cmocka_unit_test_teardown(taking_it_back_takes_the_rows_and_no_more, test_end),
        cmocka_unit_test_teardown(what_cannot_be_adopted_is_held_in_words, test_end),
        cmocka_unit_test_teardown(the_other_tools_table_is_told_up_and_down, test_end),
        cmocka_unit_test_teardown(a_table_that_cannot_be_told_stops_the_migration, test_end),
        cmocka_unit_test_teardown(the_last_of_several_parts_tells_it, test_end),
        cmocka_unit_test_teardown(a_tool_that_was_never_here_is_said_in_the_servers_words,
                                  test_end),
        cmocka_unit_test(a_repair_whose_mirror_ends_the_transaction_changes_nothing),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
