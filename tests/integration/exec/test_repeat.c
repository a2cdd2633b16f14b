/* Repeatable migrations on a real server: each content takes the place of the one before it. */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#define VIEW(number)                                                                               \
    {                                                                                              \
        "CREATE OR REPLACE VIEW v AS SELECT " number " AS n"                                       \
    }

static const Migration FIRST[] = {
    { .id = "V1__a", .up = { "CREATE TABLE a ()" }, .down = { "DROP TABLE a" } },
    { .id = "R__v@one", .up = VIEW("1"), .down = { NULL } },
};

static const Migration SECOND[] = {
    { .id = "V1__a", .up = { "CREATE TABLE a ()" }, .down = { "DROP TABLE a" } },
    { .id = "V2__b", .up = { "CREATE TABLE b ()" }, .down = { "DROP TABLE b" } },
    { .id = "R__v@two", .up = VIEW("2"), .down = { NULL } },
};

static Report apply(const Migration *migrations, size_t count, uint64_t token, Goal goal)
{
    AUTO_PTR(Bench) bench = bench_begin(cluster, "repeat", 0, migrations, count);
    PlanMigration *last = &bench->plan.migrations[count - 1];
    last->is_irreversible = false;
    last->is_repeatable = true;
    last->down.is_transactional = true;
    bench->order.rollout = token % 2 == 0 ? "r2" : "r1";
    bench->order.token = token;
    Report report = bench_run(bench, goal);
    if (bench->last.message[0] != '\0') {
        print_message("%s\n", bench->last.message);
    }
    return report;
}

#define STANDING                                                                                   \
    "SELECT string_agg(id, ' ' ORDER BY seq) FROM skein.history WHERE state <> 'undone'"

static void ask(const char *sql, const char *expected)
{
    assert_string_equal(pg_cluster_ask(cluster, "repeat", sql), expected);
}

static void each_content_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    database_ensure(cluster, "repeat");
    assert_int_equal(apply(FIRST, 2, 1, GOAL_APPLY), REPORT_APPLIED);
    ask(STANDING, "V1__a R__v@one");
    assert_int_equal(apply(SECOND, 3, 2, GOAL_APPLY), REPORT_APPLIED);
    ask(STANDING, "V1__a V2__b R__v@two");
    ask("SELECT n FROM v", "2");
    ask("SELECT undone_rollout FROM skein.history WHERE id = 'R__v@one'", "r2");
    assert_int_equal(apply(SECOND, 3, 2, GOAL_ROLL_BACK), REPORT_ROLLED_BACK);
    ask(STANDING, "V1__a");
    assert_int_equal(apply(FIRST, 2, 3, GOAL_APPLY), REPORT_APPLIED);
    ask(STANDING, "V1__a R__v@one");
    ask("SELECT n FROM v", "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_content_takes_the_place_of_the_one_before, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
