/* The health board: what is kept of samples, and when one is no news any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coordinator/fleet/health.h"

static InstanceRow two_instances[] = { { .name = "db1" }, { .name = "db2" } };

static AgentRow agent_with(InstanceRow *instances, size_t count)
{
    return (AgentRow){
        .name = "host1", .state = SESSION_ACTIVE, .instances = instances, .instance_count = count
    };
}

static void take(HealthBoard *board, const AgentRow *agent, const char *instance, uint64_t blocked,
                 uint64_t now_ms)
{
    HealthReading readings[] = {
        { .metric = METRIC_BLOCKED_SESSIONS, .value = blocked },
        { .metric = METRIC_SLOT_LAG_BYTES, .absence = METRIC_NOTHING },
        { .metric = METRIC_NUMBER_MAX, .value = 1 }, /* of a newer agent */
    };
    const Health health = { .instance = instance,
                            .every_ms = 5000,
                            .readings = readings,
                            .reading_count = ARRAY_LEN(readings) };
    health_board_take(board, agent, &health, now_ms);
}

static void the_newest_sample_is_kept_with_its_time(void **state)
{
    (void)state;
    AUTO_PTR(HealthBoard) board = health_board_new();
    const AgentRow agent = agent_with(two_instances, 2);
    assert_null(health_board_find(board, "host1", "db1"));
    take(board, &agent, "db1", 1000, 100);
    take(board, &agent, "db2", 9000, 150);
    take(board, &agent, "db1", 2000, 200);
    const HealthSample *sample = health_board_find(board, "host1", "db1");
    assert_int_equal(sample->received_ms, 200);
    assert_int_equal(sample->every_ms, 5000);
    assert_int_equal(sample->readings[METRIC_BLOCKED_SESSIONS].value, 2000);
    assert_int_equal(sample->readings[METRIC_SLOT_LAG_BYTES].absence, METRIC_NOTHING);
    assert_int_equal(sample->readings[METRIC_OLDEST_XID_AGE].metric, METRIC_NONE); /* not told */
    assert_int_equal(
        health_board_find(board, "host1", "db2")->readings[METRIC_BLOCKED_SESSIONS].value, 9000);
    assert_null(health_board_find(board, "host2", "db1"));
    assert_null(health_board_find(NULL, "host1", "db1"));
}

static void an_agent_tells_of_its_own_instances_only(void **state)
{
    (void)state;
    AUTO_PTR(HealthBoard) board = health_board_new();
    const AgentRow agent = agent_with(two_instances, 1);
    take(board, &agent, "db2", 1000, 100);
    assert_null(health_board_find(board, "host1", "db2"));
}

/* Else an agent that renames its instance again and again would fill the memory. */
static void an_instance_that_is_gone_goes_when_another_comes(void **state)
{
    (void)state;
    AUTO_PTR(HealthBoard) board = health_board_new();
    AgentRow agent = agent_with(two_instances, 1);
    take(board, &agent, "db1", 1000, 100);
    agent = agent_with(&two_instances[1], 1);
    take(board, &agent, "db2", 1000, 200);
    assert_null(health_board_find(board, "host1", "db1"));
    assert_non_null(health_board_find(board, "host1", "db2"));
}

static void what_a_revoked_agent_told_is_forgotten(void **state)
{
    (void)state;
    AUTO_PTR(HealthBoard) board = health_board_new();
    const AgentRow agent = agent_with(two_instances, 2);
    take(board, &agent, "db1", 1000, 100);
    health_board_forget(board, "host1");
    health_board_forget(board, "host2");
    assert_null(health_board_find(board, "host1", "db1"));
}

static void a_sample_is_stale_after_three_intervals_or_without_a_session(void **state)
{
    (void)state;
    AUTO_PTR(HealthBoard) board = health_board_new();
    AgentRow agent = agent_with(two_instances, 2);
    take(board, &agent, "db1", 1000, 100);
    const HealthSample *sample = health_board_find(board, "host1", "db1");
    assert_false(health_sample_is_stale(sample, &agent, 100));
    assert_false(health_sample_is_stale(sample, &agent, 15100));
    assert_true(health_sample_is_stale(sample, &agent, 15101));
    for (int at = 0; at < SESSION_STATE_COUNT_; at++) {
        agent.state = (SessionState)at;
        assert_int_equal(health_sample_is_stale(sample, &agent, 100), at != SESSION_ACTIVE);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(the_newest_sample_is_kept_with_its_time),
        cmocka_unit_test(an_agent_tells_of_its_own_instances_only),
        cmocka_unit_test(an_instance_that_is_gone_goes_when_another_comes),
        cmocka_unit_test(what_a_revoked_agent_told_is_forgotten),
        cmocka_unit_test(a_sample_is_stale_after_three_intervals_or_without_a_session),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
