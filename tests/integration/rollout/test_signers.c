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
    assert_int_equal(fleet_cli(fleet, "plan", yaml, "--out", plan, "--signer", ann, NULL).exit_code,
                     0);
    const char *id = start_signed_by(fleet, plan, ann);
    await_missing(fleet, id, "has 1, of ann (");
    sign_too(fleet, plan, ann_too); /* another key, the same person */
    await_missing(fleet, id, "has 1, of ann (");
    sign_too(fleet, plan, bob);
    fleet_await_rollout(fleet, id, "succeeded");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_plan_is_applied_where_as_many_people_have_signed_it_as_are_wanted),
        FLEET_TEST(what_was_applied_is_taken_back_without_the_signatures_that_are_wanted_now),
    };
    return FLEET_RUN(tests);
}
