/* Migrations that fail: budgets, the four policies, retry, skip, rolling back and what stays. */
#include "tests/harness/fleet.h"

#include <string.h>

#include "common/str.h"

/* The second migration makes a table `poison`: it fails where there is one already. */
static void bad_history(Fleet *fleet)
{
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_poison", "CREATE TABLE poison (i int)", "DROP TABLE poison");
}

static void poison(Fleet *fleet, const char *address)
{
    fleet_run(fleet, address, "CREATE TABLE poison (mine text)");
}

static void mend(Fleet *fleet, const char *address)
{
    fleet_run(fleet, address, "DROP TABLE poison");
}

/* Targets 1 to 5 are wave 2: db2/tenant_1 is in it. */
#define BAD "db2/tenant_1"

static const char *start_bad(Fleet *fleet, const char *strategy)
{
    bad_history(fleet);
    poison(fleet, BAD);
    fleet_start(fleet);
    return fleet_rollout_start(fleet, &(FleetPlan){ .strategy = strategy });
}

static void assert_words(Fleet *fleet, const char *id)
{
    json_t *error = json_object_get(fleet_target(fleet, id, BAD), "error");
    assert_string_equal(json_text(error, "sqlstate"), "42P07");
    assert_string_equal(json_text(error, "message"), "relation \"poison\" already exists");
    assert_string_equal(json_text(error, "migration"), "0002_poison");
}

static unsigned applied_count(Fleet *fleet)
{
    return fleet_tenants_where(fleet, "SELECT EXISTS (SELECT FROM journal)");
}

/* ---- the policies ---- */

static void a_failure_in_wave_2_pauses(void **state)
{
    Fleet *fleet = *state;
    const char *id = start_bad(fleet, "on_failure: pause");
    fleet_await_rollout(fleet, id, "paused");
    assert_string_equal(json_text(fleet_get(fleet, "/rollouts/%s", id), "pause_cause"), "budget");
    fleet_await_target(fleet, id, BAD, "failed");
    assert_words(fleet, id);
    assert_string_equal(fleet_applied(fleet, BAD), "0001_t");
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "0001_t,0002_poison");
    assert_int_equal(fleet_rollout_count(fleet, id, "pending"), 6);
    assert_int_equal(fleet_cli(fleet, "rollout", "show", id, NULL).exit_code, 6);
}

static void a_failure_in_wave_2_rolls_back_the_target(void **state)
{
    Fleet *fleet = *state;
    const char *id = start_bad(fleet, "on_failure: roll_back_target");
    fleet_await_target(fleet, id, BAD, "rolled_back");
    assert_string_equal(fleet_applied(fleet, BAD), "");
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "0001_t,0002_poison");
    assert_int_equal(fleet_rollout_count(fleet, id, "pending"), 6);
}

static void a_failure_in_wave_2_rolls_back_the_wave(void **state)
{
    Fleet *fleet = *state;
    const char *id = start_bad(fleet, "on_failure: roll_back_wave");
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "early"), "rolled_back") == 0);
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)),
                            i == 0 ? "0001_t,0002_poison" : "");
    }
    assert_words(fleet, id);
}

static void a_failure_in_wave_2_rolls_back_the_rollout(void **state)
{
    Fleet *fleet = *state;
    bad_history(fleet);
    poison(fleet, BAD);
    fleet_start(fleet);
    const char *path =
        fleet_plan_write(fleet, &(FleetPlan){ .strategy = "on_failure: roll_back_rollout" });
    CliResult result = fleet_cli(fleet, "rollout", "start", path, "--yes", "--watch", NULL);
    assert_int_equal(result.exit_code, 5);
    assert_non_null(strstr(result.out, "relation \"poison\" already exists"));
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)), "");
    }
}

/* Newest first: the canary is undone last. */
static void a_rollout_is_taken_back_in_reverse_order(void **state)
{
    Fleet *fleet = *state;
    const char *id = start_bad(fleet, "on_failure: roll_back_rollout, max_parallel: 1");
    fleet_await_rollout(fleet, id, "rolled_back");
    const char *canary =
        fleet_ask(fleet, "db1/tenant_1", "SELECT max(at) FROM journal WHERE way = 'down'");
    for (size_t i = 1; i < FLEET_TARGETS; i++) {
        const char *sql = arena_printf(
            &fleet->arena, "SELECT count(*) FROM journal WHERE way = 'down' AND at > '%s'", canary);
        assert_string_equal(fleet_ask(fleet, fleet_address(fleet, i), sql), "0");
    }
}

/* ---- the budget ---- */

static void a_budget_of_one_is_tripped_by_the_second(void **state)
{
    Fleet *fleet = *state;
    bad_history(fleet);
    poison(fleet, BAD);
    poison(fleet, "db3/tenant_3");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .strategy = "max_failures: 1, on_failure: pause, max_parallel: 2" });
    fleet_await_rollout(fleet, id, "paused");
    fleet_await_target(fleet, id, BAD, "failed");
    fleet_await_target(fleet, id, "db3/tenant_3", "failed");
    json_t *rollout = fleet_get(fleet, "/rollouts/%s", id);
    assert_int_equal(json_count(rollout, "charged"), 2);
    assert_true(fleet_rollout_count(fleet, id, "pending") > 0);
    assert_string_equal(fleet_wave_state(fleet, id, "early"), "passed");
}

/* ---- people ---- */

static void a_retry_after_mending_goes_on(void **state)
{
    Fleet *fleet = *state;
    const char *id = start_bad(fleet, "on_failure: pause");
    fleet_await_rollout(fleet, id, "paused");
    fleet_await_target(fleet, id, BAD, "failed");
    mend(fleet, BAD);
    assert_int_equal(fleet_cli(fleet, "rollout", "retry", id, BAD, NULL).exit_code, 0);
    FLEET_AWAIT(fleet, strcmp(json_text(fleet_target(fleet, id, BAD), "state"), "failed") != 0);
    if (strcmp(fleet_rollout_state(fleet, id), "paused") == 0) {
        fleet_rollout_order(fleet, "resume", id);
    }
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(fleet_applied(fleet, BAD), "0001_t,0002_poison");
}

static void a_skipped_target_stays_as_it_is(void **state)
{
    Fleet *fleet = *state;
    const char *id = start_bad(fleet, "on_failure: pause");
    fleet_await_rollout(fleet, id, "paused");
    fleet_await_target(fleet, id, BAD, "failed");
    assert_int_equal(fleet_cli(fleet, "rollout", "skip", id, "--failed", "--yes", NULL).exit_code,
                     0);
    if (strcmp(fleet_rollout_state(fleet, id), "paused") == 0) {
        fleet_rollout_order(fleet, "resume", id);
    }
    fleet_await_rollout(fleet, id, "succeeded");
    assert_string_equal(json_text(fleet_target(fleet, id, BAD), "state"), "skipped");
    assert_string_equal(fleet_applied(fleet, BAD), "0001_t");
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), FLEET_TARGETS - 1);
}

static void a_paused_rollout_starts_nothing_until_it_is_resumed(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "SELECT 1", "SELECT 1");
    PGconn *gate = fleet_gate_close(fleet, "db1/tenant_1");
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "timeouts: { lock: 30s }" });
    fleet_gate_await(fleet, "db1/tenant_1");
    fleet_rollout_order(fleet, "pause", id);
    fleet_gate_open(fleet, gate);
    fleet_await_target(fleet, id, "db1/tenant_1", "verifying"); /* a step that runs ends */
    assert_string_equal(fleet_rollout_state(fleet, id), "paused");
    assert_int_equal(applied_count(fleet), 1);
    assert_int_equal(fleet_cli(fleet, "rollout", "watch", id, NULL).exit_code, 6);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

static void an_aborted_rollout_leaves_what_is_applied(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = "{ name: canary, targets: 3 },"
                                      "{ name: rest, targets: 100%, approval: required }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    fleet_rollout_order(fleet, "abort", id);
    fleet_await_rollout(fleet, id, "aborted");
    assert_int_equal(applied_count(fleet), 3);
    assert_int_equal(fleet_cli(fleet, "rollout", "watch", id, NULL).exit_code, 1);
}

static void a_succeeded_rollout_can_be_taken_back_by_an_operator(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "succeeded");
    fleet_rollout_order(fleet, "rollback", id);
    CliResult watch = fleet_cli(fleet, "rollout", "watch", id, NULL);
    assert_int_equal(watch.exit_code, 5);
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_0001') IS NULL"),
                     FLEET_TARGETS);
    assert_int_equal(fleet_rollout_count(fleet, id, "rolled_back"), FLEET_TARGETS);
    /* and is final */
    assert_int_equal(fleet_cli(fleet, "rollout", "rollback", id, "--yes", NULL).exit_code, 3);
}

/* A down that fails is not tried again by itself; what is left is listed, and a person goes on. */
static void a_roll_back_that_fails_is_held_for_a_person(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "succeeded");
    fleet_run(fleet, BAD, "CREATE VIEW obstacle AS SELECT i FROM t_0001");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rollback_held");
    const char *words = fleet_await_target(fleet, id, BAD, "rollback_failed");
    assert_non_null(strstr(words, "other objects depend on it"));
    assert_int_equal(fleet_rollout_count(fleet, id, "rolled_back"), FLEET_TARGETS - 1);
    assert_string_equal(fleet_applied(fleet, BAD), "0001_t");
    fleet_run(fleet, BAD, "DROP VIEW obstacle");
    assert_int_equal(fleet_cli(fleet, "rollout", "retry", id, BAD, NULL).exit_code, 0);
    fleet_await_rollout(fleet, id, "rolled_back");
}

static void an_irreversible_migration_wants_an_approval(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_for_ever", "CREATE TABLE t (i int)", NULL);
    fleet_start(fleet);
    const char *back =
        fleet_plan_write(fleet, &(FleetPlan){ .strategy = "on_failure: roll_back_rollout" });
    CliResult refused = fleet_cli(fleet, "rollout", "start", back, "--yes", NULL);
    assert_int_not_equal(refused.exit_code, 0);
    assert_non_null(strstr(refused.err, "0001_for_ever"));
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "on_failure: pause" });
    const char *explain = json_text(fleet_get(fleet, "/rollouts/%s", id), "explain");
    assert_non_null(strstr(explain, "waits for approval, since 0001_for_ever cannot be undone"));
    assert_int_equal(applied_count(fleet), 0);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_failure_in_wave_2_pauses),
        FLEET_TEST(a_failure_in_wave_2_rolls_back_the_target),
        FLEET_TEST(a_failure_in_wave_2_rolls_back_the_wave),
        FLEET_TEST(a_failure_in_wave_2_rolls_back_the_rollout),
        FLEET_TEST(a_rollout_is_taken_back_in_reverse_order),
        FLEET_TEST(a_budget_of_one_is_tripped_by_the_second),
        FLEET_TEST(a_retry_after_mending_goes_on),
        FLEET_TEST(a_skipped_target_stays_as_it_is),
        FLEET_TEST(a_paused_rollout_starts_nothing_until_it_is_resumed),
        FLEET_TEST(an_aborted_rollout_leaves_what_is_applied),
        FLEET_TEST(a_succeeded_rollout_can_be_taken_back_by_an_operator),
        FLEET_TEST(a_roll_back_that_fails_is_held_for_a_person),
        FLEET_TEST(an_irreversible_migration_wants_an_approval),
    };
    return FLEET_RUN(tests);
}
