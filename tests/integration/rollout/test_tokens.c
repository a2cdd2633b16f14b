/* Tokens over a real coordinator's TCP door: made, used, missing a role, revoked; and with TLS. */
#include "tests/harness/fleet.h"
#include "tests/harness/tls_pair.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "common/str.h"

static const char *address(Fleet *fleet)
{
    return arena_printf(&fleet->arena, "http://127.0.0.1:%d", fleet->http_port);
}

/* Makes one at the unix socket; the file that holds it. */
static const char *make_token(Fleet *fleet, const char *name, const char *person, const char *roles)
{
    CliResult made = fleet_cli(fleet, "tokens", "create", name, "--for", person, "--role", roles,
                               "--expires", "90d", NULL);
    if (made.exit_code != 0) {
        fail_msg("tokens create: %s", made.err);
    }
    const char *path = fleet_path(fleet, "%s.token", name);
    file_write_as_cluster_user(path, made.out);
    assert_int_equal(chmod(path, 0600), 0);
    return path;
}

/* `skein rollout VERB ID` over TCP with the token in this file (NULL: none). */
static CliResult order(Fleet *fleet, const char *verb, const char *id, const char *token)
{
    if (token == NULL) {
        return fleet_cli(fleet, "rollout", verb, id, "--coordinator", address(fleet), NULL);
    }
    return fleet_cli(fleet, "rollout", verb, id, "--coordinator", address(fleet), "--token-file",
                     token, NULL);
}

static void must_refuse(CliResult result, const char *words)
{
    assert_int_equal(result.exit_code, 3);
    if (strstr(result.err, words) == NULL) {
        fail_msg("no '%s' in: %s", words, result.err);
    }
}

static void a_rollout_is_steered_over_tcp_by_whoever_has_the_role(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *bob = make_token(fleet, "bob", "bob", "operator");
    const char *ann = make_token(fleet, "ann", "ann", "approver");
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = "{ name: canary, targets: 1 },"
                                      "{ name: rest, targets: 100%, approval: required }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    must_refuse(order(fleet, "approve", id, NULL), "this wants a token");
    must_refuse(order(fleet, "approve", id, bob), "wants the role approver");
    must_refuse(order(fleet, "pause", id, ann), "wants the role operator");
    assert_int_equal(order(fleet, "approve", id, ann).exit_code, 0);
    fleet_await_rollout(fleet, id, "succeeded");
    CliResult log = fleet_cli(fleet, "audit", "list", NULL);
    assert_non_null(strstr(log.out, "operator ann"));
    assert_non_null(strstr(log.out, "unauthenticated"));
    assert_int_equal(fleet_cli(fleet, "audit", "verify", NULL).exit_code, 0);
}

static void a_token_counts_across_a_restart_until_it_is_revoked(void **state)
{
    Fleet *fleet = *state;
    fleet_start(fleet);
    const char *token = make_token(fleet, "root", "ann", "admin");
    fleet_coordinator_kill(fleet);
    fleet_coordinator_start(fleet, NULL);
    CliResult list = fleet_cli(fleet, "tokens", "list", "--coordinator", address(fleet),
                               "--token-file", token, NULL);
    assert_int_equal(list.exit_code, 0);
    assert_non_null(strstr(list.out, "admin"));
    assert_int_equal(fleet_cli(fleet, "tokens", "revoke", "root", NULL).exit_code, 0);
    must_refuse(fleet_cli(fleet, "tokens", "list", "--coordinator", address(fleet), "--token-file",
                          token, NULL),
                "lets nobody in");
}

/* Neither the log, the audit log nor the store knows it. */
static void a_token_is_nowhere_but_with_its_holder(void **state)
{
    Fleet *fleet = *state;
    fleet_start(fleet);
    const char *path = make_token(fleet, "ci", "ann", "viewer");
    const char *token = fleet_file_text(fleet, path);
    const char *secret = arena_strndup(&fleet->arena, strrchr(token, '_') + 1, 64);
    assert_int_equal(fleet_cli(fleet, "agents", "list", "--coordinator", address(fleet),
                               "--token-file", path, NULL)
                         .exit_code,
                     0);
    assert_false(fleet_log_has(fleet, "coordinator", secret));
    assert_null(strstr(fleet_cli(fleet, "audit", "list", "--output", "json", NULL).out, secret));
    static const char *const FILES[] = { "store.db", "store.db-wal" };
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        Bytes bytes = fleet_file_bytes(fleet, fleet_path(fleet, "%s", FILES[i]));
        assert_null(memmem(bytes.data, bytes.length, secret, strlen(secret)));
    }
}

static void write_pair(const char *crt_path, const char *key_path)
{
    AUTO(Str) certificate = { 0 };
    AUTO(Str) key = { 0 };
    assert_true(tls_pair_make(&certificate, &key));
    file_write_as_cluster_user(crt_path, str_text(&certificate));
    file_write_as_cluster_user(key_path, str_text(&key));
    assert_int_equal(chmod(key_path, 0600), 0);
}

/* Before the coordinator starts: its door speaks TLS, with a certificate for localhost. */
static const char *use_tls(Fleet *fleet)
{
    const char *crt_path = fleet_path(fleet, "api.crt");
    const char *key_path = fleet_path(fleet, "api.pem");
    write_pair(crt_path, key_path);
    fleet->api =
        arena_printf(&fleet->arena, "tls: { certificate: %s, key: %s }, ", crt_path, key_path);
    return crt_path;
}

static void a_token_goes_over_tls_to_whom_the_certificate_shows(void **state)
{
    Fleet *fleet = *state;
    const char *authority = use_tls(fleet);
    fleet_start(fleet);
    const char *token = make_token(fleet, "root", "ann", "admin");
    const char *url = arena_printf(&fleet->arena, "https://localhost:%d", fleet->http_port);
    CliResult list = fleet_cli(fleet, "tokens", "list", "--coordinator", url, "--token-file", token,
                               "--ca-file", authority, NULL);
    if (list.exit_code != 0) {
        fail_msg("%s", list.err);
    }
    must_refuse(
        fleet_cli(fleet, "tokens", "list", "--coordinator", url, "--token-file", token, NULL),
        "cannot show that it is who it says");
    CliResult plain = fleet_cli(fleet, "agents", "list", "--coordinator", address(fleet), NULL);
    assert_int_not_equal(plain.exit_code, 0);
}

static int list_trusting(Fleet *fleet, const char *token, const char *authority)
{
    const char *url = arena_printf(&fleet->arena, "https://localhost:%d", fleet->http_port);
    return fleet_cli(fleet, "tokens", "list", "--coordinator", url, "--token-file", token,
                     "--ca-file", authority, NULL)
        .exit_code;
}

/* Half of it first, as a tool that writes one file after the other leaves it for a moment. */
static void a_renewed_certificate_counts_from_the_hangup_on(void **state)
{
    Fleet *fleet = *state;
    const char *shown = use_tls(fleet);
    const char *renewed = fleet_path(fleet, "renewed.crt");
    fleet_start(fleet);
    const char *token = make_token(fleet, "root", "ann", "admin");
    assert_int_equal(list_trusting(fleet, token, shown), 0);
    const char *former = fleet_path(fleet, "former.crt");
    file_write_as_cluster_user(former, fleet_file_text(fleet, shown));

    write_pair(renewed, fleet_path(fleet, "renewed.pem"));
    file_write_as_cluster_user(shown, fleet_file_text(fleet, renewed));
    assert_int_equal(kill(fleet->coordinator_pid, SIGHUP), 0);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "coordinator", "the former one stays"));
    assert_int_equal(list_trusting(fleet, token, former), 0);

    file_write_as_cluster_user(fleet_path(fleet, "api.pem"),
                               fleet_file_text(fleet, fleet_path(fleet, "renewed.pem")));
    assert_int_equal(chmod(fleet_path(fleet, "api.pem"), 0600), 0);
    assert_int_equal(kill(fleet->coordinator_pid, SIGHUP), 0);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "coordinator", "a new certificate of the API"));
    assert_int_equal(list_trusting(fleet, token, renewed), 0);
    assert_int_not_equal(list_trusting(fleet, token, former), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_rollout_is_steered_over_tcp_by_whoever_has_the_role),
        FLEET_TEST(a_token_counts_across_a_restart_until_it_is_revoked),
        FLEET_TEST(a_token_is_nowhere_but_with_its_holder),
        FLEET_TEST(a_token_goes_over_tls_to_whom_the_certificate_shows),
        FLEET_TEST(a_renewed_certificate_counts_from_the_hangup_on),
    };
    return FLEET_RUN(tests);
}
