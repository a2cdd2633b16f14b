/*
 * GET /metrics of a real fleet: what is counted of a rollout, and what Prometheus' own checker says
 * of the text, the alert rules and their tests.
 */
#include <string.h>
#include <unistd.h>

#include "tests/harness/fleet.h"

#define PROMTOOL SKEIN_SOURCE_DIR "/build/promtool/promtool"

/* What a scrape of everything brings, over TCP as Prometheus asks for it. */
static const char *scrape(Fleet *fleet)
{
    const char *path = fleet_path(fleet, "metrics");
    const char *command =
        arena_printf(&fleet->arena,
                     "curl -sS --fail --max-time 60 -o '%s' "
                     "'http://127.0.0.1:%d/metrics?detail=agents,servers,targets'",
                     path, fleet->http_port);
    assert_int_equal(system(command), 0);
    return fleet_file_text(fleet, path);
}

/* Of the sample with exactly this name and these labels; -1: there is none. */
static double value_of(Fleet *fleet, const char *sample)
{
    const char *wanted = arena_printf(&fleet->arena, "\n%s ", sample);
    const char *found = strstr(scrape(fleet), wanted);
    return found == NULL ? -1 : strtod(found + strlen(wanted), NULL);
}

static void what_a_rollout_did_is_counted(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 3);
    fleet_start(fleet);
    assert_true(value_of(fleet, "skein_targets{state=\"present\"}") == FLEET_TARGETS);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_true(value_of(fleet, "skein_rollouts{state=\"succeeded\"}") == 1);
    assert_true(value_of(fleet, "skein_transitions_total{machine=\"target\",state=\"healthy\"}") ==
                FLEET_TARGETS);
    assert_true(value_of(fleet, "skein_step_duration_seconds_count{goal=\"apply\"}") ==
                3 * FLEET_TARGETS);
    assert_true(value_of(fleet, "skein_attempt_duration_seconds_count{goal=\"apply\"}") ==
                FLEET_TARGETS);
    assert_true(value_of(fleet, "skein_step_duration_seconds_count{goal=\"roll_back\"}") == 0);
    assert_true(value_of(fleet, "skein_step_duration_seconds_sum{goal=\"apply\"}") > 0);
    assert_true(value_of(fleet, "skein_store_commit_duration_seconds_count") > 0);
    assert_true(value_of(fleet, "skein_messages_total{type=\"ping\"}") > 0);

    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_true(value_of(fleet, "skein_step_duration_seconds_count{goal=\"roll_back\"}") ==
                3 * FLEET_TARGETS);
    assert_true(value_of(fleet, "skein_attempt_duration_seconds_count{goal=\"roll_back\"}") ==
                FLEET_TARGETS);
}

static void who_waits_for_a_lock_shows_while_he_waits(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "CREATE TABLE t ()", "DROP TABLE t");
    fleet_start(fleet);
    PGconn *gate = fleet_gate_close(fleet, fleet_address(fleet, 0));
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    FLEET_AWAIT(fleet, value_of(fleet, "skein_targets_waiting_for_lock") == 1);
    FLEET_AWAIT(fleet, value_of(fleet, arena_printf(&fleet->arena,
                                                    "skein_rollout_targets{rollout=\"%s\","
                                                    "state=\"verifying\"}",
                                                    id)) == FLEET_TARGETS - 1);
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_true(value_of(fleet, "skein_targets_waiting_for_lock") == 0);
}

/* Output of promtool, whose exit code must be 0. */
static void must_promtool(Fleet *fleet, const char *arguments)
{
    const char *log = fleet_path(fleet, "promtool.log");
    const char *command =
        arena_printf(&fleet->arena, "'%s' %s >'%s' 2>&1", PROMTOOL, arguments, log);
    if (system(command) != 0) {
        fail_msg("promtool %s\n%s", arguments, fleet_file_text(fleet, log));
    }
}

/* Whose words are not many: it says nothing where all is well. */
static void prometheus_checker_finds_nothing(void **state)
{
    Fleet *fleet = *state;
    if (access(PROMTOOL, X_OK) != 0) {
        print_message("skipped: there is no promtool\n");
        skip();
    }
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = "{ name: a, targets: 1, soak: 1h }, "
                                      "{ name: \"b \\\"quoted\\\" \\\\ ü\", targets: 100% }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "a"), "soaking") == 0);
    (void)scrape(fleet);
    must_promtool(fleet,
                  arena_printf(&fleet->arena, "check metrics <'%s'", fleet_path(fleet, "metrics")));
    must_promtool(fleet, "check rules " SKEIN_SOURCE_DIR "/deploy/prometheus/skein.rules.yml");
    must_promtool(fleet, "test rules " SKEIN_SOURCE_DIR "/tests/unit/deploy/skein.rules.test.yml");
    fleet_rollout_order(fleet, "abort", id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(what_a_rollout_did_is_counted),
        FLEET_TEST(who_waits_for_a_lock_shows_while_he_waits),
        FLEET_TEST(prometheus_checker_finds_nothing),
    };
    return FLEET_RUN(tests);
}
