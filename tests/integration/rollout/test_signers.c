/* Who has to sign before an agent runs anything, and what needs no signature anew. */
#include "tests/harness/fleet.h"

#include <string.h>

#include "common/str.h"

#define AT_DB1 "instance = 'db1'"
#define OF_DB1 FLEET_TENANTS

/* The secret key's file of a new signer. */
static const char *make_signer(Fleet *fleet, const char *name)
{
    const char *key = fleet_path(fleet, "rollout-%s.key", name);
    CliResult made = fleet_cli(fleet, "keys", "generate", "signer", name, "--out", key, NULL);
    assert_int_equal(made.exit_code, 0);
    return key;
}

/* db1 wants two people of: whoever has the fleet's own key, ann with two keys, bob. */
static const char *two_of_three(Fleet *fleet, const char *ann, const char *ann_too, const char *bob)
{
    return arena_printf(&fleet->arena,
                        "trusted_people:\n  - { name: ann, keys: [ %s.pub, %s.pub ] }\n"
                        "  - { name: bob, keys: [ %s.pub ] }\nrequired_signatures: 2\n",
                        ann, ann_too, bob);
}

static const char *newest_rollout(Fleet *fleet)
{
    return json_text(json_array_get(json_object_get(fleet_get(fleet, "/rollouts"), "items"), 0),
                     "id");
}

static const char *start_signed_by(Fleet *fleet, const char *file, const char *key)
{
    CliResult start = fleet_cli(fleet, "rollout", "start", file, "--yes", "--signer", key, NULL);
    assert_int_equal(start.exit_code, 0);
    return newest_rollout(fleet);
}

static void sign_too(Fleet *fleet, const char *plan, const char *key)
{
    CliResult signs = fleet_cli(fleet, "plan", "sign", plan, "--yes", "--signer", key, NULL);
    assert_int_equal(signs.exit_code, 0);
    CliResult brings = fleet_cli(fleet, "rollout", "retry", "--failed", "--plan", plan, NULL);
    assert_int_equal(brings.exit_code, 0);
}

static void await_missing(Fleet *fleet, const char *id, const char *of)
{
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "failed") == OF_DB1);
    json_t *error = json_object_get(fleet_target(fleet, id, "db1/tenant_1"), "error");
    assert_string_equal(json_text(error, "code"), "signature");
    assert_non_null(strstr(json_text(error, "message"), "wants the signatures of 2 people"));
    assert_non_null(strstr(json_text(error, "message"), of));
    assert_non_null(strstr(json_text(error, "hint"), "skein plan sign FILE"));
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "");
}

static void a_plan_is_applied_where_as_many_people_have_signed_it_as_are_wanted(void **state)
{
    Fleet *fleet = *state;
    const char *ann = make_signer(fleet, "ann");
    const char *ann_too = make_signer(fleet, "ann-too");
    const char *bob = make_signer(fleet, "bob");
    fleet_history(fleet, 1);
    fleet->hosts[0].settings = two_of_three(fleet, ann, ann_too, bob);
    fleet_start(fleet);
    const char *yaml = fleet_plan_write(
        fleet,
        &(FleetPlan){ .where = AT_DB1, .waves = FLEET_ONE_WAVE, .strategy = "max_failures: 100%" });
    const char *plan = fleet_path(fleet, "p.plan");
    CliResult shown = fleet_cli(fleet, "plan", yaml, "--out", plan, "--signer", ann, NULL);
    assert_int_equal(shown.exit_code, 0);
    assert_non_null(strstr(shown.out, "agent db1 will refuse this plan at 4 targets: they want the "
                                      "signatures of 2 people, and it has 1, of ann ("));
    const char *id = start_signed_by(fleet, plan, ann);
    await_missing(fleet, id, "has 1, of ann (");
    sign_too(fleet, plan, ann_too); /* another key, the same person */
    await_missing(fleet, id, "has 1, of ann (");
    sign_too(fleet, plan, bob);
    fleet_await_rollout(fleet, id, "succeeded");
    shown = fleet_cli(fleet, "plan", plan, NULL);
    assert_null(strstr(shown.out, "will refuse this plan"));
}

/* Its key is trusted no more, and two people are wanted now. */
static void what_was_applied_is_taken_back_without_the_signatures_that_are_wanted_now(void **state)
{
    Fleet *fleet = *state;
    const char *ann = make_signer(fleet, "ann");
    const char *bob = make_signer(fleet, "bob");
    const char *carol = make_signer(fleet, "carol");
    fleet_history(fleet, 2);
    fleet->hosts[0].settings =
        arena_printf(&fleet->arena, "trusted_people: [ { name: ann, keys: [ %s.pub ] } ]\n", ann);
    fleet_start(fleet);
    const char *yaml =
        fleet_plan_write(fleet, &(FleetPlan){ .where = AT_DB1, .waves = FLEET_ONE_WAVE });
    const char *id = start_signed_by(fleet, yaml, ann);
    fleet_await_rollout(fleet, id, "succeeded");
    fleet_agent_stop(fleet, 0);
    fleet->hosts[0].settings = two_of_three(fleet, bob, carol, make_signer(fleet, "dan"));
    fleet_agent_start(fleet, 0, NULL);
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "");
    const char *again = start_signed_by(fleet, yaml, ann); /* … but it is not applied again */
    fleet_await_target(fleet, again, "db1/tenant_1", "failed");
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "");
}

/* ---- until when ---- */

#define TIME_LEFT "20s" /* for three starts and two quick applications */

/* Started with the times of the command line. */
static const char *start_until(Fleet *fleet, const FleetPlan *plan, const char *rollback_until)
{
    const char *yaml = fleet_plan_write(fleet, plan);
    CliResult start =
        fleet_cli(fleet, "rollout", "start", yaml, "--yes", "--apply-until", TIME_LEFT,
                  rollback_until == NULL ? NULL : "--rollback-until", rollback_until, NULL);
    assert_int_equal(start.exit_code, 0);
    assert_non_null(strstr(start.out, "times: applied until "));
    return newest_rollout(fleet);
}

static bool is_over(Fleet *fleet, const char *id)
{
    int64_t until_ms = 0;
    const char *until = json_text(fleet_get(fleet, "/rollouts/%s", id), "apply_until");
    assert_true(utc_parse(until, &until_ms));
    return clock_wall_ms() > until_ms + 1000;
}

static void assert_expired(Fleet *fleet, const char *id, const char *address, const char *words)
{
    json_t *error = json_object_get(fleet_target(fleet, id, address), "error");
    assert_string_equal(json_text(error, "code"), "expired");
    assert_non_null(strstr(json_text(error, "message"), words));
    assert_non_null(strstr(json_text(error, "message"), "this host's clock says 20"));
}

/* db1: applied, and taken back although the time to apply is over. db2: applied, and not taken back
 * any more. db3: not applied, as its approval did not come in time. */
static void each_direction_ends_at_its_own_time(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    FleetPlan plan = { .name = "endless", .where = "instance = 'db1'", .waves = FLEET_ONE_WAVE };
    const char *endless = start_until(fleet, &plan, NULL);
    plan = (FleetPlan){ .name = "ended", .where = "instance = 'db2'", .waves = FLEET_ONE_WAVE };
    const char *ended = start_until(fleet, &plan, TIME_LEFT);
    plan = (FleetPlan){ .name = "late",
                        .where = "instance = 'db3'",
                        .waves = "{ name: all, targets: 100%, approval: required }" };
    const char *late = start_until(fleet, &plan, NULL);
    fleet_await_rollout(fleet, endless, "succeeded");
    fleet_await_rollout(fleet, ended, "succeeded");
    FLEET_AWAIT(fleet, is_over(fleet, late) && is_over(fleet, ended));
    fleet_await_rollout(fleet, late, "paused");
    assert_string_equal(json_text(fleet_get(fleet, "/rollouts/%s", late), "pause_cause"),
                        "expired");
    fleet_rollout_order(fleet, "approve", late);
    CliResult resumed = fleet_cli(fleet, "rollout", "resume", late, NULL);
    assert_int_equal(resumed.exit_code, EXIT_CODE_REFUSED);
    assert_non_null(strstr(resumed.err, "that is over, with "));
    CliResult shown = fleet_cli(fleet, "rollout", "show", late, NULL);
    assert_non_null(strstr(shown.out, "skein rollout start FILE --apply-until TIME"));
    assert_int_equal(fleet_rollout_count(fleet, late, "pending"), FLEET_TENANTS);
    assert_string_equal(fleet_applied(fleet, "db3/tenant_1"), "");
    fleet_rollout_order(fleet, "rollback", endless);
    fleet_await_rollout(fleet, endless, "rolled_back");
    fleet_rollout_order(fleet, "rollback", ended);
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, ended, "rollback_failed") == FLEET_TENANTS);
    assert_expired(fleet, ended, "db2/tenant_1", "may be rolled back until ");
    assert_string_equal(fleet_applied(fleet, "db2/tenant_1"), "0001_t");
}

static void a_plan_whose_time_is_over_is_not_started_and_a_signed_one_keeps_its_time(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *plan = fleet_path(fleet, "p.plan");
    const char *yaml = fleet_plan_write(
        fleet, &(FleetPlan){ .where = AT_DB1, .more = "apply_until: 2001-02-03T04:05Z\n" });
    CliResult refused = fleet_cli(fleet, "rollout", "start", yaml, "--yes", NULL);
    assert_int_equal(refused.exit_code, 3);
    assert_non_null(strstr(refused.err, "may be applied until 2001-02-03T04:05:00Z, and it is 20"));
    assert_int_equal(fleet_cli(fleet, "plan", yaml, "--out", plan, NULL).exit_code, 0);
    refused = fleet_cli(fleet, "rollout", "start", plan, "--yes", "--apply-until", "3d", NULL);
    assert_int_equal(refused.exit_code, 2);
    assert_non_null(strstr(refused.err, "is signed, and its times with it"));
    assert_int_equal(json_array_size(json_object_get(fleet_get(fleet, "/rollouts"), "items")), 0);
}

/* The times are the coordinator's word, and it may be in somebody else's hands. */
static void a_rollout_file_is_not_signed_for_ever_because_the_coordinator_says_so(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *yaml =
        fleet_plan_write(fleet, &(FleetPlan){ .where = AT_DB1, .waves = FLEET_ONE_WAVE });
    CliResult started =
        fleet_cli(fleet, "rollout", "start", yaml, "--yes", "--apply-until", "never", NULL);
    assert_int_equal(started.exit_code, 0);
    assert_non_null(strstr(started.out, "times: no end"));
    const char *id = newest_rollout(fleet);
    fleet_await_rollout(fleet, id, "succeeded");
    CliResult refused = fleet_cli(fleet, "rollout", "rollback", id, "--yes", "--plan", yaml, NULL);
    assert_int_equal(refused.exit_code, EXIT_CODE_REFUSED);
    assert_non_null(strstr(refused.err, "may be applied for ever, and "));
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_plan_is_applied_where_as_many_people_have_signed_it_as_are_wanted),
        FLEET_TEST(what_was_applied_is_taken_back_without_the_signatures_that_are_wanted_now),
        FLEET_TEST(each_direction_ends_at_its_own_time),
        FLEET_TEST(a_rollout_file_is_not_signed_for_ever_because_the_coordinator_says_so),
        FLEET_TEST(a_plan_whose_time_is_over_is_not_started_and_a_signed_one_keeps_its_time),
    };
    return FLEET_RUN(tests);
}
