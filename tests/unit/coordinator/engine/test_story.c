/* Stories of a rollout that goes well, and of the ways in which it does not. */
#include "tests/unit/coordinator/engine/harness.h"

static void a_rollout_over_two_waves_succeeds(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(3, 2);
    plan_two_waves(fleet, 1);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_RUNNING);
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
    assert_target(fleet, "b/db1", TARGET_PENDING);
    report(fleet, "a/db1", REPORT_ACCEPTED);
    assert_target(fleet, "a/db1", TARGET_APPLYING);
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
    assert_wave(fleet, 1, WAVE_RUNNING);
    report_all(fleet, REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rollout_over_two_waves_succeeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
