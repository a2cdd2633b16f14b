/*
 * Every failpoint of coordinator and agent, with every action: the process dies there, freezes
 * there, or fails there, on a rollout's way out or back; and in the end everything has taken
 * effect once, or not at all. The programs say which failpoints they have: a new one is here by
 * itself.
 */
#include "tests/chaos/chaos.h"

#include <string.h>

#include "common/str.h"

/* Of the targets, so that a failpoint of the agent's is passed by the agent of db1. */
#define SOME "database in ('tenant_1', 'tenant_2') and instance in ('db1', 'db2')"

/* Longer than lost, which is 1.5 s at this scale. */
#define FROZEN "stop:2000"

typedef struct Program {
    const char *name;
    const char *process; /* that it befalls */
} Program;

static const Program COORDINATOR = { "skein-coordinator", "coordinator" };
static const Program AGENT = { "skein-agent", "db1" };

/* One action at one failpoint. What acts must have been met. */
static void befall(Fleet *fleet, const Program *program, const char *site, const char *action)
{
    const char *list = arena_printf(&fleet->arena, "%s=%s@1", site, action);
    printf("  %s: %s\n", program->process, list);
    fflush(stdout);
    const FleetPlan plan = { .where = SOME, .waves = FLEET_ONE_WAVE };
    chaos_arm(fleet, program->process, list);
    const char *id = chaos_rollout_start(fleet, &plan);
    chaos_see_through(fleet, id, "succeeded");
    chaos_order(fleet, "rollback", id);
    chaos_see_through(fleet, id, "rolled_back");
    if (!chaos_has_fired(fleet, program->process)) {
        fleet_fail(fleet, "%s was never met by a rollout", list);
    }
}

/* Which release a process is of is asked once, when it starts: before a rollout can meet it.
 * tests/integration/rollout/test_releases.c arms it. */
static bool is_of_the_start(const char *site)
{
    return strcmp(site, "agent.release_before") == 0 ||
           strcmp(site, "coordinator.release_before") == 0;
}

static void befall_everywhere(void **state, const Program *program, const char *action)
{
    Fleet *fleet = *state;
    CHAOS_OR_SKIP(fleet);
    fleet_history(fleet, 2);
    fleet_migration_raw(fleet, "0003_index_solo", "CREATE INDEX CONCURRENTLY i ON t_0001 (i);\n",
                        "DROP INDEX CONCURRENTLY i;\n");
    fleet_start(fleet);
    char *sites = arena_strdup(&fleet->arena, chaos_failpoints(fleet, program->name));
    for (char *line = strsep(&sites, "\n"); line != NULL; line = strsep(&sites, "\n")) {
        const char *site = strsep(&line, " ");
        bool can_fail = line != NULL;
        bool is_met = site[0] != '\0' && !is_of_the_start(site);
        if (is_met && (can_fail || strcmp(action, "error") != 0)) {
            befall(fleet, program, site, action);
        }
    }
}

static void a_coordinator_killed_at_any_failpoint_goes_on(void **state)
{
    befall_everywhere(state, &COORDINATOR, "kill");
}

static void a_coordinator_frozen_at_any_failpoint_goes_on(void **state)
{
    befall_everywhere(state, &COORDINATOR, FROZEN);
}

static void a_coordinator_that_fails_at_any_failpoint_goes_on(void **state)
{
    befall_everywhere(state, &COORDINATOR, "error");
}

static void an_agent_killed_at_any_failpoint_goes_on(void **state)
{
    befall_everywhere(state, &AGENT, "kill");
}

static void an_agent_frozen_at_any_failpoint_goes_on(void **state)
{
    befall_everywhere(state, &AGENT, FROZEN);
}

static void an_agent_that_fails_at_any_failpoint_goes_on(void **state)
{
    befall_everywhere(state, &AGENT, "error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHAOS_TEST(a_coordinator_killed_at_any_failpoint_goes_on),
        CHAOS_TEST(a_coordinator_frozen_at_any_failpoint_goes_on),
        CHAOS_TEST(a_coordinator_that_fails_at_any_failpoint_goes_on),
        CHAOS_TEST(an_agent_killed_at_any_failpoint_goes_on),
        CHAOS_TEST(an_agent_frozen_at_any_failpoint_goes_on),
        CHAOS_TEST(an_agent_that_fails_at_any_failpoint_goes_on),
    };
    return CHAOS_RUN(tests);
}
