/* The coordinator gets another key while a rollout goes on, and no agent is stopped for it. */
#include "tests/harness/fleet.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/str.h"

static const json_t *agents(Fleet *fleet)
{
    return json_object_get(fleet_get(fleet, "/agents"), "items");
}

/* Every agent is active, and knows so many keys of the coordinator. */
static bool all_know(Fleet *fleet, size_t count)
{
    size_t index = 0;
    const json_t *list = agents(fleet);
    json_t *agent = NULL;
    bool do_all = json_array_size(list) == FLEET_HOSTS;
    json_array_foreach((json_t *)list, index, agent)
    {
        do_all = do_all && strcmp(json_text(agent, "state"), "active") == 0 &&
                 json_array_size(json_object_get(agent, "coordinator_keys")) == count;
    }
    return do_all;
}

static bool is_any_active(Fleet *fleet)
{
    size_t index = 0;
    json_t *agent = NULL;
    bool is_any = false;
    json_array_foreach((json_t *)agents(fleet), index, agent)
    {
        is_any |= strcmp(json_text(agent, "state"), "active") == 0;
    }
    return is_any;
}

static void start_with(Fleet *fleet, const char *key)
{
    const char *own = fleet_path(fleet, "coordinator.key");
    assert_int_equal(rename(fleet_path(fleet, "%s", key), own), 0);
    fleet_coordinator_start(fleet, NULL);
}

static void the_coordinator_gets_another_key_while_a_rollout_goes_on(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_migration(fleet, "0003_slow", "SELECT pg_sleep(2); CREATE TABLE slow (id int)",
                    "DROP TABLE slow");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    const char *next = fleet_path(fleet, "next.key");
    CliResult made =
        fleet_cli(fleet, "keys", "generate", "coordinator", "skein", "--out", next, NULL);
    assert_int_equal(made.exit_code, 0);
    const char *file = fleet_path(fleet, "coordinator.key.pub");
    const char *old_pub = fleet_file_text(fleet, file);
    const char *next_pub = fleet_file_text(fleet, fleet_path(fleet, "next.key.pub"));
    file_write_as_cluster_user(file, arena_printf(&fleet->arena, "%s%s", old_pub, next_pub));
    FLEET_AWAIT(fleet, all_know(fleet, 2));
    CliResult listed = fleet_cli(fleet, "agents", "list", NULL);
    assert_non_null(strstr(listed.out, "coordinator's key"));

    fleet_coordinator_kill(fleet);
    assert_int_equal(rename(fleet_path(fleet, "coordinator.key"), fleet_path(fleet, "old.key")), 0);
    start_with(fleet, "next.key");
    FLEET_AWAIT(fleet, all_know(fleet, 2));
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), FLEET_TARGETS);

    file_write_as_cluster_user(file, next_pub); /* the old one is trusted no more */
    FLEET_AWAIT(fleet, all_know(fleet, 1));
    fleet_coordinator_kill(fleet);
    assert_int_equal(rename(fleet_path(fleet, "coordinator.key"), fleet_path(fleet, "next.key")),
                     0);
    start_with(fleet, "old.key"); /* somebody who has kept it */
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "db1", "is not the coordinator of coordinator_key"));
    assert_false(is_any_active(fleet));
    fleet_coordinator_kill(fleet);
    start_with(fleet, "next.key");
    FLEET_AWAIT(fleet, all_know(fleet, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(the_coordinator_gets_another_key_while_a_rollout_goes_on),
    };
    return FLEET_RUN(tests);
}
