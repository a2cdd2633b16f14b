/* What must not run does not, and says why. */
#include "tests/harness/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "common/str.h"
#include "proto/bundle.h"

#define ONE "instance = 'db1' and database = 'tenant_1'"

/* The secret key of a signer whom no agent trusts. */
static const char *make_stranger(Fleet *fleet)
{
    const char *key = fleet_path(fleet, "rollout-stranger.key");
    CliResult made = fleet_cli(fleet, "keys", "generate", "signer", "stranger", "--out", key, NULL);
    assert_int_equal(made.exit_code, 0);
    return key;
}

/* Starts what `file` says, signed with `key` where it is not signed yet; the rollout's id. */
static const char *start_signed_by(Fleet *fleet, const char *file, const char *key)
{
    CliResult start = fleet_cli(fleet, "rollout", "start", file, "--yes", "--signer", key, NULL);
    assert_int_equal(start.exit_code, 0);
    return json_text(json_array_get(json_object_get(fleet_get(fleet, "/rollouts"), "items"), 0),
                     "id");
}

static void await_untrusted(Fleet *fleet, const char *id, const char *address)
{
    fleet_await_target(fleet, id, address, "failed");
    json_t *error = json_object_get(fleet_target(fleet, id, address), "error");
    assert_string_equal(json_text(error, "code"), "signature");
    assert_non_null(
        strstr(json_text(error, "message"), "not signed by a key that this agent trusts"));
    assert_non_null(strstr(json_text(error, "hint"), "skein rollout retry --failed --plan FILE"));
    assert_string_equal(fleet_applied(fleet, address), "");
}

static size_t count_signers(Fleet *fleet, const char *id)
{
    return json_array_size(json_object_get(fleet_get(fleet, "/rollouts/%s", id), "signers"));
}

/* The very same plan, with the signature of somebody who is trusted added: what its hint says. */
static void
a_plan_that_was_refused_for_its_signer_runs_once_a_trusted_key_has_signed_it(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *stranger = make_stranger(fleet);
    const char *yaml = fleet_plan_write(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = "max_failures: 100%" });
    const char *plan = fleet_path(fleet, "p.plan");
    CliResult written = fleet_cli(fleet, "plan", yaml, "--out", plan, "--signer", stranger, NULL);
    assert_int_equal(written.exit_code, 0);
    const char *id = start_signed_by(fleet, plan, stranger);
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        await_untrusted(fleet, id, fleet_address(fleet, i));
    }
    CliResult retried = fleet_cli(fleet, "rollout", "retry", "--failed", "--plan", plan, NULL);
    assert_int_equal(retried.exit_code, 0); /* it still has the stranger's signature alone */
    await_untrusted(fleet, id, fleet_address(fleet, 0));
    FLEET_AWAIT(fleet, fleet_rollout_count(fleet, id, "failed") == FLEET_TARGETS);
    assert_int_equal(fleet_cli(fleet, "plan", "sign", plan, "--yes", NULL).exit_code, 0);
    assert_non_null(strstr(fleet_cli(fleet, "plan", "sign", plan, "--yes", NULL).out, "already"));
    retried = fleet_cli(fleet, "rollout", "retry", "--failed", "--plan", plan, NULL);
    assert_int_equal(retried.exit_code, 0);
    assert_int_equal(count_signers(fleet, id), 2);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_non_null(
        strstr(fleet_cli(fleet, "rollout", "events", id, NULL).out, "brings plan test"));
}

/* What a signature says yes to is a signed plan, seen before. */
static void only_a_signed_plan_is_signed_and_nobody_signs_unasked(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    const char *yaml = fleet_plan_write(fleet, &(FleetPlan){ 0 });
    const char *plan = fleet_path(fleet, "p.plan");
    const char *stranger = make_stranger(fleet);
    CliResult refused = fleet_cli(fleet, "plan", "sign", yaml, "--yes", NULL);
    assert_int_equal(refused.exit_code, 2);
    assert_non_null(strstr(refused.err, "--out P.plan"));
    assert_int_equal(fleet_cli(fleet, "plan", yaml, "--out", plan, NULL).exit_code, 0);
    Bytes before = fleet_file_bytes(fleet, plan);
    CliResult unasked = fleet_cli(fleet, "plan", "sign", plan, "--signer", stranger, NULL);
    assert_int_equal(unasked.exit_code, 2);
    assert_non_null(strstr(unasked.err, "--yes"));
    Bytes after = fleet_file_bytes(fleet, plan);
    assert_int_equal(after.length, before.length);
    assert_memory_equal(after.data, before.data, before.length);
    const char *both = fleet_path(fleet, "both.plan");
    CliResult copied = fleet_cli(fleet, "plan", "sign", plan, "--signer", stranger, "--out", both,
                                 "--yes", "--output", "json", NULL);
    assert_int_equal(copied.exit_code, 0);
    json_t *shown = json_loads(copied.out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(shown, "signers")), 2);
    json_decref(shown);
    assert_int_equal(fleet_file_bytes(fleet, plan).length, before.length);
}

/* Without a bundle's file: the operator who is trusted has the same rollout file. */
static void a_rollout_file_brings_a_trusted_signature_as_well(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *plan =
        fleet_plan_write(fleet, &(FleetPlan){ .where = ONE, .waves = FLEET_ONE_WAVE });
    const char *id = start_signed_by(fleet, plan, make_stranger(fleet));
    await_untrusted(fleet, id, "db1/tenant_1");
    FLEET_AWAIT(fleet, strcmp(fleet_rollout_state(fleet, id), "paused") == 0);
    CliResult retried = fleet_cli(fleet, "rollout", "retry", "db1/tenant_1", "--plan", plan, NULL);
    assert_int_equal(retried.exit_code, 0);
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

/* Another plan than the rollout's is not even brought. */
static void another_plan_than_the_rollouts_is_refused_with_both_hashes(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *plan =
        fleet_plan_write(fleet, &(FleetPlan){ .where = ONE, .waves = FLEET_ONE_WAVE });
    const char *id = start_signed_by(fleet, plan, make_stranger(fleet));
    await_untrusted(fleet, id, "db1/tenant_1");
    const char *hash = json_text(fleet_get(fleet, "/rollouts/%s", id), "plan");
    fleet_migration(fleet, "0002_t", "CREATE TABLE t_0002 (i int)", "DROP TABLE t_0002");
    CliResult refused = fleet_cli(fleet, "rollout", "retry", "--failed", "--plan", plan, NULL);
    assert_int_equal(refused.exit_code, 3);
    assert_non_null(strstr(refused.err, hash));
    assert_non_null(strstr(refused.err, plan));
    assert_int_equal(count_signers(fleet, id), 1);
}

/* A bundle as skein writes it, but with an empty list of signatures. */
static Bytes unsigned_bundle(Fleet *fleet, uint8_t *ret_hash)
{
    const char *yaml = fleet_plan_write(fleet, &(FleetPlan){ .where = ONE });
    const char *out = fleet_path(fleet, "signed.plan");
    CliResult plan = fleet_cli(fleet, "plan", yaml, "--out", out, NULL);
    assert_int_equal(plan.exit_code, 0);
    Bytes bytes = fleet_file_bytes(fleet, out);
    Bundle bundle;
    Err err;
    assert_int_equal(bundle_open(bytes, &bundle, &err), ERR_NONE);
    memcpy(ret_hash, bundle.hash, PLAN_HASH_BYTES);
    size_t head = (size_t)((const uint8_t *)bundle.canonical.data - (const uint8_t *)bytes.data) +
                  bundle.canonical.length;
    uint8_t *copy = arena_memdup(&fleet->arena, bytes.data, head + 1);
    copy[head] = 0x90; /* msgpack: an array of none */
    return (Bytes){ copy, head + 1 };
}

static void an_unsigned_plan_is_refused(void **state)
{
    Fleet *fleet = *state;
    uint8_t hash[PLAN_HASH_BYTES];
    char text[2 * PLAN_HASH_BYTES + 1];
    fleet_history(fleet, 1);
    fleet_start(fleet);
    Bytes bundle = unsigned_bundle(fleet, hash);
    hex_encode(hash, sizeof(hash), text);
    ApiAnswer answer = fleet_send(fleet, "PUT", arena_printf(&fleet->arena, "/plans/%s", text),
                                  bundle.data, bundle.length);
    assert_int_equal(answer.status, 422);
    assert_string_equal(json_text(answer.body, "code"), "signature");
}

static void an_agent_with_an_unknown_key_is_not_let_in(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_host_add(fleet, "rogue", fleet->hosts[0].cluster);
    assert_int_equal(remove(fleet_path(fleet, "agents.d/rogue.pub")), 0);
    fleet_start(fleet);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "coordinator", "a key applies"));
    assert_int_equal(json_count(json_object_get(fleet_get(fleet, "/status"), "agents"), "active"),
                     FLEET_HOSTS);
    assert_int_equal(json_array_size(json_object_get(fleet_get(fleet, "/agents"), "items")),
                     FLEET_HOSTS);
    fleet_await_rollout(fleet, fleet_rollout_start(fleet, &(FleetPlan){ 0 }), "succeeded");
}

static void a_second_rollout_on_the_same_targets_is_refused(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = "{ name: all, targets: 100%, approval: required }",
                             .where = "instance = 'db1'" });
    const char *second = fleet_plan_write(fleet, &(FleetPlan){ .name = "second" });
    CliResult refused = fleet_cli(fleet, "rollout", "start", second, "--yes", NULL);
    assert_int_equal(refused.exit_code, 3);
    assert_non_null(strstr(refused.err, id));
    const char *beside =
        fleet_rollout_start(fleet, &(FleetPlan){ .name = "beside", .where = "instance != 'db1'" });
    fleet_await_rollout(fleet, beside, "succeeded");
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

/* A migration that was changed after it had been applied. */
static void a_changed_migration_is_held(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    fleet_await_rollout(fleet, fleet_rollout_start(fleet, &(FleetPlan){ .where = ONE }),
                        "succeeded");
    fleet_migration(fleet, "0001_t", "CREATE TABLE t_0001 (i bigint)", "DROP TABLE t_0001");
    fleet_migration(fleet, "0002_t", "CREATE TABLE t_0002 (i int)", "DROP TABLE t_0002");
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .where = ONE, .waves = FLEET_ONE_WAVE });
    FLEET_AWAIT(fleet,
                json_is_object(json_object_get(fleet_target(fleet, id, "db1/tenant_1"), "error")));
    json_t *error = json_object_get(fleet_target(fleet, id, "db1/tenant_1"), "error");
    assert_string_equal(json_text(error, "code"), "checksum");
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "0001_t");
}

static void the_open_port_only_reads(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = "{ name: all, targets: 100%, approval: required }" });
    const char *tcp = arena_printf(&fleet->arena, "http://127.0.0.1:%d", fleet->http_port);
    CliResult look = fleet_cli(fleet, "rollout", "show", id, "--coordinator", tcp, NULL);
    assert_non_null(strstr(look.out, id));
    CliResult order = fleet_cli(fleet, "rollout", "approve", id, "--coordinator", tcp, NULL);
    assert_int_not_equal(order.exit_code, 0);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_plan_that_was_refused_for_its_signer_runs_once_a_trusted_key_has_signed_it),
        FLEET_TEST(only_a_signed_plan_is_signed_and_nobody_signs_unasked),
        FLEET_TEST(a_rollout_file_brings_a_trusted_signature_as_well),
        FLEET_TEST(another_plan_than_the_rollouts_is_refused_with_both_hashes),
        FLEET_TEST(an_unsigned_plan_is_refused),
        FLEET_TEST(an_agent_with_an_unknown_key_is_not_let_in),
        FLEET_TEST(a_second_rollout_on_the_same_targets_is_refused),
        FLEET_TEST(a_changed_migration_is_held),
        FLEET_TEST(the_open_port_only_reads),
    };
    return FLEET_RUN(tests);
}
