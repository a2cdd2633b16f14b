/* Migrations of a fleet that run as another role than the agents come as: `role` in agent.yaml. */
#include "tests/harness/fleet.h"

#include <string.h>

static void role_make(Fleet *fleet, size_t host)
{
    pg_cluster_run(fleet->hosts[host].cluster, "postgres",
                   "DO $$ BEGIN CREATE ROLE app; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                   "GRANT app TO skein");
    fleet->hosts[host].targets = "role: app, databases: { include: [ 'tenant_*' ] }";
}

/* What the harness reads a rollout by has to be open to the role. */
static void tenant_open(Fleet *fleet, const char *address)
{
    fleet_run(fleet, address,
              AS_SUPERUSER
              "GRANT CREATE ON SCHEMA public TO app; GRANT ALL ON journal, gate TO app");
}

static void what_migrations_make_is_the_applications_and_the_history_is_not(void **state)
{
    Fleet *fleet = *state;
    for (size_t host = 0; host < FLEET_HOSTS; host++) {
        role_make(fleet, host);
    }
    for (size_t target = 0; target < FLEET_TARGETS; target++) {
        tenant_open(fleet, fleet_address(fleet, target));
    }
    fleet_history(fleet, 1);
    fleet_migration_raw(fleet, "0002_index_solo", "CREATE INDEX CONCURRENTLY t_i ON t_0001 (i)",
                        "DROP INDEX CONCURRENTLY t_i");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(
        fleet_tenants_where(
            fleet, "SELECT string_agg(relowner::regrole || ' ' || relname, ', ' ORDER BY relname)"
                   " = 'skein history, app t_0001, app t_i'"
                   " FROM pg_class WHERE relname IN ('history', 't_0001', 't_i')"),
        FLEET_TARGETS);
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(what_migrations_make_is_the_applications_and_the_history_is_not),
    };
    return FLEET_RUN(tests);
}
