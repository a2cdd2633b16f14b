/* Retiring: what has ended long ago, and what is kept all the same. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

#define LONG_MS (60 * 60 * 1000)

static void list_as(Fleet *fleet, const char *name, const char *rollout_id)
{
    Host *from = host(fleet, name);
    InventoryTarget target = { .target = arena_printf(&fleet->arena, "%s/db1", name),
                               .instance = arena_strdup(&fleet->arena, name),
                               .identity = { from->system_identifier, 1001, "" },
                               .version = "0002_currency",
                               .is_read = true,
                               .rollout = rollout_id };
    say_listing(fleet, name, &target, 1);
}

/* Everything that ended more than `age_ms` ago. */
static void retire(Fleet *fleet, int64_t age_ms)
{
    const int64_t wall_ms = fleet->events.items[fleet->events.count - 1]->time_ms;
    step(fleet, (Event){ .kind = EVENT_RETIRE, .ages = { .rollouts_ms = wall_ms - age_ms } });
}

/* r1 is through on both hosts, and then r2 on all databases that it was on. */
static Fleet *after_two(void)
{
    static const char *const IDS[] = { "r1", "r2" };
    Fleet *fleet = fleet_new(2, 1);
    for (size_t i = 0; i < ARRAY_LEN(IDS); i++) {
        assert_ok(start_as(fleet, IDS[i]));
        report(fleet, "a/db1", REPORT_APPLIED);
        report(fleet, "b/db1", REPORT_APPLIED);
        list_as(fleet, "a", IDS[i]);
        list_as(fleet, "b", IDS[i]);
    }
    assert_int_equal(engine_rollout_count(fleet->engine), 2);
    pass(fleet, LONG_MS);
    say_bye(fleet, "a"); /* the newest event tells the time */
    return fleet;
}

static void what_ended_long_ago_is_forgotten(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = after_two();
    retire(fleet, LONG_MS / 2);
    assert_null(engine_rollout_find(fleet->engine, "r1"));
    assert_non_null(engine_rollout_find(fleet->engine, "r2"));
    assert_null(map_get(fleet->rollouts, "r1"));
    assert_null(map_get(fleet->targets, "r1 a/db1"));
    assert_non_null(map_get(fleet->targets, "r2 a/db1"));
    assert_non_null(strstr(event_of(fleet, "E09")->text, "rollout r1 (invoice-currency)"));
    restart(fleet);
    assert_int_equal(engine_rollout_count(fleet->engine), 1);
}

static void what_ended_lately_is_kept(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = after_two();
    retire(fleet, 2 * LONG_MS);
    assert_int_equal(engine_rollout_count(fleet->engine), 2);
}

/* Somebody may want it back. */
static void what_a_database_has_as_its_newest_is_kept(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = after_two();
    list_as(fleet, "b", "r1"); /* r2 was undone there by the command line */
    retire(fleet, LONG_MS / 2);
    assert_int_equal(engine_rollout_count(fleet->engine), 2);
}

/* What was done upon it is forgotten, and a failover takes what r1 did. */
static void what_is_kept_speaks_for_its_databases_still(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = after_two();
    say_hello(fleet, "a");
    list_as(fleet, "a", "r1");
    list_as(fleet, "b", "r1");
    retire(fleet, LONG_MS / 2);
    assert_null(engine_rollout_find(fleet->engine, "r2"));
    host(fleet, "a")->timeline = 2;
    host(fleet, "a")->version = "0001_init";
    say_hello(fleet, "a");
    say_inventory(fleet, "a");
    assert_int_equal(target(fleet, "a/db1")->code, ERR_LOST_AFTER_FAILOVER);
}

static void what_is_open_is_kept(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    assert_ok(command(fleet, COMMAND_PAUSE));
    pass(fleet, LONG_MS);
    say_bye(fleet, "a");
    retire(fleet, LONG_MS / 2);
    assert_rollout(fleet, ROLLOUT_PAUSED);
}

/* A host that was away when it was aborted has its order still, and is to be told to hold. */
static void what_an_agent_has_in_hand_is_kept_until_it_has_told_its_end(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(4, 1);
    assert_ok(start(fleet));
    report_all(fleet, REPORT_RUNNING);
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    assert_ok(command(fleet, COMMAND_ABORT));
    for (const char *name = "bcd"; *name != '\0'; name++) {
        report(fleet, arena_printf(&fleet->arena, "%c/db1", *name), REPORT_FAILED);
    }
    assert_ok(command_on(fleet, COMMAND_SKIP, "a/db1")); /* it is not waited for */
    assert_rollout(fleet, ROLLOUT_ABORTED);
    pass(fleet, LONG_MS);
    say_bye(fleet, "b");
    retire(fleet, LONG_MS / 2);
    assert_rollout(fleet, ROLLOUT_ABORTED);
    come_back(fleet, "a");
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_HOLD);
    report(fleet, "a/db1", REPORT_FAILED);
    retire(fleet, LONG_MS / 2);
    assert_null(rollout(fleet));
    say_ping(fleet, "a");
    assert_int_equal(sent(fleet, MESSAGE_GOAL), 0);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(what_ended_long_ago_is_forgotten),
    cmocka_unit_test(what_ended_lately_is_kept),
    cmocka_unit_test(what_a_database_has_as_its_newest_is_kept),
    cmocka_unit_test(what_is_kept_speaks_for_its_databases_still),
    cmocka_unit_test(what_is_open_is_kept),
    cmocka_unit_test(what_an_agent_has_in_hand_is_kept_until_it_has_told_its_end),
};
STORIES(RETIRE_STORIES, TESTS);
