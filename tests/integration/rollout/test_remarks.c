/* What goes on all the same over a fleet: the server's warnings, and what a plan passes over. */
#include <string.h>

#include "tests/harness/fleet.h"

#define ODD "db2/tenant_1" /* has applied what the others have not */

static void warnings_and_what_is_passed_over_are_told_of_each_target(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *first = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, first, "succeeded");
    fleet_migration_raw(fleet, "0003_warned_solo",
                        "DO $$ BEGIN RAISE WARNING 'mind the gap'; END $$", "SELECT 1");
    const char *second = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "database = 'tenant_1' and instance = 'db2'" });
    fleet_await_rollout(fleet, second, "succeeded");
    fleet_migration(fleet, "0002_late", "CREATE TABLE late (i int)", "DROP TABLE late");
    const char *third =
        fleet_rollout_start(fleet, &(FleetPlan){ .more = "out_of_order: ignore\n" });
    fleet_await_rollout(fleet, third, "succeeded");

    const json_t *remarks = fleet_get(fleet, "/rollouts/%s/remarks", third);
    const json_t *warning = json_array_get(json_object_get(remarks, "warnings"), 0);
    assert_string_equal(json_text(warning, "message"), "mind the gap");
    assert_string_equal(json_text(warning, "migration"), "0003_warned_solo");
    assert_int_equal(json_integer_value(json_object_get(warning, "count")), FLEET_TARGETS - 1);
    const json_t *passed = json_array_get(json_object_get(remarks, "passed_over"), 0);
    assert_string_equal(json_text(passed, "id"), "0002_late");
    assert_string_equal(json_string_value(json_array_get(json_object_get(passed, "targets"), 0)),
                        ODD);
    assert_int_equal(json_integer_value(json_object_get(passed, "count")), 1);

    const json_t *target = fleet_target(fleet, third, ODD);
    assert_int_equal(json_array_size(json_object_get(target, "passed_over")), 1);
    assert_int_equal(json_integer_value(json_object_get(target, "passed_over_total")), 1);
    CliResult show = fleet_cli(fleet, "rollout", "show", third, NULL);
    assert_non_null(strstr(
        show.out, "warned at 11 targets: 0003_warned_solo, statement 1: mind the gap (01000)"));
    assert_non_null(strstr(show.out, "passed over at 1 target: 0002_late: not applied there"));
    CliResult targets = fleet_cli(fleet, "rollout", "targets", third, NULL);
    assert_non_null(strstr(targets.out, "passed over 0002_late"));
}

static void a_grant_that_does_nothing_fails_the_fleets_target(void **state)
{
    Fleet *fleet = *state;
    for (size_t host = 0; host < FLEET_HOSTS; host++) {
        pg_cluster_run(
            fleet->hosts[host].cluster, "postgres",
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'remarks_plain') "
            "THEN CREATE ROLE remarks_plain; END IF; END $$; GRANT remarks_plain TO skein");
    }
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_grant",
                    "CREATE TABLE given (i int); GRANT SELECT ON given TO remarks_plain;"
                    "SET ROLE remarks_plain; GRANT SELECT ON given TO PUBLIC; RESET ROLE",
                    "DROP TABLE given");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "paused");
    const json_t *error =
        json_array_get(json_object_get(fleet_get(fleet, "/rollouts/%s/errors", id), "items"), 0);
    assert_string_equal(json_text(error, "sqlstate"), "01007");
    assert_non_null(
        strstr(json_text(error, "message"), "no privileges were granted for \"given\""));
    assert_non_null(strstr(json_text(error, "hint"), "tolerate-warnings"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(warnings_and_what_is_passed_over_are_told_of_each_target),
        FLEET_TEST(a_grant_that_does_nothing_fails_the_fleets_target),
    };
    return FLEET_RUN(tests);
}
