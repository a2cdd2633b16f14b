/* Gates: what the servers' health holds up, trips and takes back. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

#define BLOCKED METRIC_BLOCKED_SESSIONS
#define PROBE METRIC_PROBE_LATENCY_MS
#define HITS METRIC_CACHE_HIT_PERCENT

static PlanGate at_most(Metric metric, uint64_t limit)
{
    return (PlanGate){ .kind = GATE_METRIC,
                       .metric = metric,
                       .limit = limit * METRIC_SCALE,
                       .failures = GATE_FAILURES };
}

/* In thousandths of the baseline. */
static PlanGate relative(Metric metric, uint64_t factor)
{
    return (PlanGate){ .kind = GATE_METRIC,
                       .metric = metric,
                       .is_relative = true,
                       .limit = factor,
                       .failures = GATE_FAILURES };
}

static void add_gate(Fleet *fleet, PlanGate gate)
{
    PlanStrategy *strategy = &fleet->plan.strategy;
    PlanGate *gates = ARENA_ARRAY(&fleet->arena, PlanGate, strategy->gate_count + 1);
    for (size_t i = 0; i < strategy->gate_count; i++) {
        gates[i] = strategy->gates[i];
    }
    gates[strategy->gate_count++] = gate;
    strategy->gates = gates;
}

/* Hosts of one database each; the canary is `a`, and soaks for a minute. */
static Fleet *gated(size_t hosts, PlanGate gate, OnFailure policy)
{
    Fleet *fleet = fleet_new(hosts, 1);
    plan_two_waves(fleet, 1);
    fleet->plan_waves[0].soak_ms = 60000;
    fleet->plan.strategy.on_failure = policy;
    add_gate(fleet, gate);
    return fleet;
}

/* The canary is open, with a gate on blocked sessions that holds. */
static Fleet *opened(OnFailure policy)
{
    Fleet *fleet = gated(2, at_most(BLOCKED, 20), policy);
    sample_all(fleet, BLOCKED, 3, 1);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_RUNNING);
    return fleet;
}

static Fleet *soaking(OnFailure policy)
{
    Fleet *fleet = opened(policy);
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_wave(fleet, 0, WAVE_SOAKING);
    return fleet;
}

static const GateFinding *gate_on(Fleet *fleet, const char *instance)
{
    GateView *views = NULL;
    assert_int_equal(engine_gates(fleet->engine, ROLLOUT, fleet->now_ms, &fleet->arena, &views), 1);
    for (size_t i = 0; i < views[0].server_count; i++) {
        if (strcmp(views[0].servers[i].instance, instance) == 0) {
            return &views[0].servers[i];
        }
    }
    fail_msg("no server %s", instance);
    return NULL;
}

/* --- before a wave opens --- */

static void a_wave_waits_until_its_gates_hold(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, at_most(BLOCKED, 20), ON_FAILURE_PAUSE);
    sample_all(fleet, BLOCKED, 35, 4);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_GATED);
    assert_null(goal(fleet, "a/db1"));
    assert_string_equal(event_of(fleet, "W38")->text,
                        "wave canary could open and waits for its gates: blocked_sessions at most "
                        "20 on a: 35");
    sample_all(fleet, BLOCKED, 35, 6);
    assert_rollout(fleet, ROLLOUT_RUNNING); /* not the migration's fault: it waits */
    assert_non_null(strstr(explained(fleet), "opens when its gates hold"));
    assert_non_null(strstr(explained(fleet), "  a: fail: 35"));
    sample_all(fleet, BLOCKED, 20, 1);
    pass(fleet, 1000);
    assert_wave(fleet, 0, WAVE_RUNNING);
    assert_string_equal(event_of(fleet, "W39")->text,
                        "the gates of wave canary hold: it opens with 1 target");
}

static void a_wave_waits_for_samples_of_all_its_servers(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, at_most(BLOCKED, 20), ON_FAILURE_PAUSE);
    fleet->plan_waves[0].targets.value = 2;
    say_health(fleet, "a", BLOCKED, 1);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_GATED);
    assert_non_null(strstr(explained(fleet), "b: inconclusive: its agent has told nothing"));
    say_health(fleet, "b", BLOCKED, 1);
    pass(fleet, 1000);
    assert_wave(fleet, 0, WAVE_RUNNING);
}

static void a_later_waves_servers_hold_up_nothing_before(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, at_most(BLOCKED, 20), ON_FAILURE_PAUSE);
    say_health(fleet, "a", BLOCKED, 1);
    say_health(fleet, "b", BLOCKED, 99);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_RUNNING);
}

static void an_approved_wave_still_waits_for_its_gates(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, at_most(BLOCKED, 20), ON_FAILURE_PAUSE);
    fleet->plan_waves[0].needs_approval = true;
    say_health(fleet, "a", BLOCKED, 35);
    assert_ok(start(fleet));
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_wave(fleet, 0, WAVE_GATED);
    assert_non_null(strstr(explained(fleet), "opens when its gates hold"));
    say_health(fleet, "a", BLOCKED, 1);
    pass(fleet, 1000);
    assert_wave(fleet, 0, WAVE_RUNNING);
    assert_non_null(event_of(fleet, "W04"));
}

static void a_relative_gate_takes_its_baseline_before_the_wave_opens(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, relative(PROBE, 1500), ON_FAILURE_PAUSE);
    sample_all(fleet, PROBE, 10, 1);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_GATED);
    assert_non_null(
        strstr(explained(fleet), "a: inconclusive: there is no baseline yet, 1 of 3 samples"));
    sample_all(fleet, PROBE, 14, 1);
    assert_wave(fleet, 0, WAVE_GATED);
    sample_all(fleet, PROBE, 12, 1);
    pass(fleet, 1000);
    assert_wave(fleet, 0, WAVE_RUNNING);
    const BaselineRow *row = engine_baseline_find(fleet->engine, ROLLOUT, 0, 0, "a");
    assert_int_equal(row->value, 12000);
    assert_int_equal(row->samples, 3);
    assert_null(engine_baseline_find(fleet->engine, ROLLOUT, 0, 0, "b"));
    assert_int_equal(gate_on(fleet, "a")->limit, 18000);
    report(fleet, "a/db1", REPORT_APPLIED);
    sample_all(fleet, PROBE, 19, 3);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_string_equal(rollout(fleet)->reason,
                        "a gate has failed: probe_latency_ms at most 1.5x baseline on a: 19.00 ms, "
                        "and the limit is 18.00 ms, for 3 samples in a row");
}

static void where_there_is_nothing_to_measure_there_is_nothing_to_wait_for(void **state)
{
    (void)state;
    AUTO_PTR(Fleet)
    fleet = gated(2, relative(METRIC_REPLICATION_LAG_SECONDS, 1500), ON_FAILURE_PAUSE);
    say_absent(fleet, "a", METRIC_REPLICATION_LAG_SECONDS, METRIC_NOTHING);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_RUNNING);
}

static void a_reason_that_nobody_knows_is_no_pass(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, at_most(BLOCKED, 20), ON_FAILURE_PAUSE);
    say_absent(fleet, "a", BLOCKED, (MetricAbsence)4711);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_GATED);
    say_absent(fleet, "a", BLOCKED, METRIC_NO_PRIVILEGE);
    assert_non_null(strstr(explained(fleet), "not a member of pg_read_all_stats"));
    say_health(fleet, "a", PROBE, 1); /* and nothing of the metric in question */
    assert_non_null(strstr(explained(fleet), "its agent does not measure it"));
    pass(fleet, 1000);
    assert_wave(fleet, 0, WAVE_GATED);
}

/* --- while it runs and soaks --- */

static void a_gate_fails_by_so_many_samples_in_a_row_and_by_no_fewer(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_PAUSE);
    sample_all(fleet, BLOCKED, 21, 2);
    sample_all(fleet, BLOCKED, 20, 1);
    sample_all(fleet, BLOCKED, 21, 2);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    assert_int_equal(gate_on(fleet, "a")->in_a_row, 2);
    sample_all(fleet, BLOCKED, 21, 1);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_GATE);
    assert_wave(fleet, 0, WAVE_TRIPPED);
    assert_non_null(event_of(fleet, "W41"));
    assert_null(strstr(explained(fleet), "budget"));
    assert_target(fleet, "a/db1", TARGET_VERIFYING);
}

static void a_gate_fails_while_the_wave_still_runs(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = opened(ON_FAILURE_ROLL_BACK_TARGET);
    report(fleet, "a/db1", REPORT_RUNNING);
    sample_all(fleet, BLOCKED, 21, 3);
    assert_wave(fleet, 0, WAVE_TRIPPED);
    assert_non_null(event_of(fleet, "W40"));
    assert_rollout(fleet, ROLLOUT_PAUSED); /* a gate names no target */
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_HOLD);
    assert_non_null(event_of(fleet, "R64"));
}

static void a_failed_gate_takes_its_wave_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_ROLL_BACK_WAVE);
    sample_all(fleet, BLOCKED, 21, 3);
    assert_wave(fleet, 0, WAVE_ROLLING_BACK);
    assert_int_equal(goal(fleet, "a/db1")->goal, GOAL_ROLL_BACK);
    assert_non_null(event_of(fleet, "R63"));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_wave(fleet, 0, WAVE_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_PAUSED);
}

static void what_was_taken_back_opens_again_when_its_gates_hold(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_ROLL_BACK_WAVE);
    sample_all(fleet, BLOCKED, 21, 3);
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_wave(fleet, 0, WAVE_GATED);
    assert_non_null(event_of(fleet, "W42"));
    assert_target(fleet, "a/db1", TARGET_PENDING);
    sample_all(fleet, BLOCKED, 1, 1);
    pass(fleet, 1000);
    assert_wave(fleet, 0, WAVE_RUNNING);
    report(fleet, "a/db1", REPORT_APPLIED);
    sample_all(fleet, BLOCKED, 1, 14);
    assert_wave(fleet, 0, WAVE_PASSED);
}

static void a_failed_gate_takes_the_rollout_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_ROLL_BACK_ROLLOUT);
    sample_all(fleet, BLOCKED, 21, 3);
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
    assert_non_null(event_of(fleet, "R62"));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
}

static void a_metric_that_is_worse_the_lower_it_is_has_a_least(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, at_most(HITS, 90), ON_FAILURE_PAUSE);
    sample_all(fleet, HITS, 99, 1);
    assert_ok(start(fleet));
    assert_wave(fleet, 0, WAVE_RUNNING);
    sample_all(fleet, HITS, 89, 3);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_non_null(strstr(rollout(fleet)->reason, "cache_hit_percent at least 90 on a: 89.00%"));
}

static void servers_of_waves_that_are_through_are_watched_further(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_PAUSE);
    sample_all(fleet, BLOCKED, 1, 14);
    assert_wave(fleet, 1, WAVE_RUNNING);
    for (int i = 0; i < 3; i++) {
        pass(fleet, 5000);
        say_health(fleet, "a", BLOCKED, 99);
        say_health(fleet, "b", BLOCKED, 1);
    }
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_wave(fleet, 1, WAVE_TRIPPED);
}

static void resuming_counts_anew(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_PAUSE);
    sample_all(fleet, BLOCKED, 21, 3);
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_RUNNING);
    assert_non_null(event_of(fleet, "W21"));
    assert_int_equal(gate_on(fleet, "a")->in_a_row, 0);
    say_health(fleet, "a", BLOCKED, 21); /* within the same moment */
    assert_int_equal(gate_on(fleet, "a")->in_a_row, 1);
    sample_all(fleet, BLOCKED, 21, 1);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    sample_all(fleet, BLOCKED, 21, 1);
    assert_rollout(fleet, ROLLOUT_PAUSED);
}

static void no_gate_acts_against_an_operators_pause(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_ROLL_BACK_ROLLOUT);
    assert_ok(command(fleet, COMMAND_PAUSE));
    sample_all(fleet, BLOCKED, 99, 8);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_OPERATOR);
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_rollout(fleet, ROLLOUT_RUNNING);
    sample_all(fleet, BLOCKED, 99, 3);
    assert_rollout(fleet, ROLLOUT_ROLLING_BACK);
}

/* --- at the end of a soak --- */

static void a_wave_passes_by_a_sample_that_came_after_its_soak_began(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) hasty = gated(2, at_most(BLOCKED, 20), ON_FAILURE_PAUSE);
    hasty->plan_waves[0].soak_ms = 0;
    sample_all(hasty, BLOCKED, 3, 1);
    assert_ok(start(hasty));
    report(hasty, "a/db1", REPORT_APPLIED);
    assert_wave(hasty, 0, WAVE_SOAKING);
    assert_non_null(strstr(explained(hasty), "no sample has come since the soak began"));
    pass(hasty, 3000);
    assert_wave(hasty, 0, WAVE_SOAKING);
    say_health(hasty, "a", BLOCKED, 3);
    pass(hasty, 1000);
    assert_wave(hasty, 0, WAVE_PASSED);
}

/* As after a freeze: the last word of the work and a sample are read at the same moment. */
static void what_is_ill_as_the_soak_begins_fails_at_once(void **state)
{
    (void)state;
    PlanGate gate = at_most(BLOCKED, 20);
    gate.failures = 1;
    AUTO_PTR(Fleet) fleet = gated(2, gate, ON_FAILURE_PAUSE);
    fleet->plan_waves[0].soak_ms = 0;
    sample_all(fleet, BLOCKED, 3, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    say_health(fleet, "a", BLOCKED, 21);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_wave(fleet, 0, WAVE_TRIPPED);
}

static void what_is_stale_never_passes_and_in_the_end_a_person_is_asked(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_ROLL_BACK_ROLLOUT);
    sample_all(fleet, BLOCKED, 3, 8);
    pass(fleet, 16000); /* its last word is more than three intervals old */
    pass(fleet, 60000);
    assert_wave(fleet, 0, WAVE_SOAKING);
    assert_non_null(strstr(explained(fleet), "has soaked, and passes when its gates hold"));
    pass(fleet, 30000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_GATE_UNSURE);
    assert_wave(fleet, 0, WAVE_SOAKING);
    assert_string_equal(
        rollout(fleet)->reason,
        "the wave has soaked, and nobody can say whether its gates hold: blocked_sessions at most "
        "20 on a: its newest sample is too old");
    assert_ok(command(fleet, COMMAND_RESUME));
    pass(fleet, 55000);
    assert_rollout(fleet, ROLLOUT_RUNNING); /* the same patience anew */
    pass(fleet, 10000);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_ok(command(fleet, COMMAND_RESUME));
    sample_all(fleet, BLOCKED, 3, 1);
    pass(fleet, 1000);
    assert_wave(fleet, 0, WAVE_PASSED);
}

static void of_a_lost_agent_nothing_is_known(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_PAUSE);
    sample_all(fleet, BLOCKED, 21, 2);
    fall_silent(fleet, "a");
    pass(fleet, 40000);
    come_back(fleet, "a");
    assert_int_equal(gate_on(fleet, "a")->verdict, GATE_INCONCLUSIVE);
    say_health(fleet, "a", BLOCKED, 21);
    assert_int_equal(gate_on(fleet, "a")->in_a_row, 1); /* those before are of another session */
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

static void a_new_process_begins_the_row_anew(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_PAUSE);
    sample_all(fleet, BLOCKED, 21, 2);
    fleet->now_ms++;
    say_hello_reborn(fleet, "a");
    say_ping(fleet, "a");
    assert_int_equal(gate_on(fleet, "a")->reason, GATE_STALE);
    sample_all(fleet, BLOCKED, 21, 2);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    assert_int_equal(gate_on(fleet, "a")->in_a_row, 2);
}

static void what_came_before_the_coordinator_was_deaf_is_old(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = soaking(ON_FAILURE_PAUSE);
    sample_all(fleet, BLOCKED, 3, 1);
    assert_int_equal(gate_on(fleet, "a")->verdict, GATE_PASS);
    fleet->now_ms++;
    step(fleet, (Event){ .kind = EVENT_TICK, .deaf_ms = 600000 });
    assert_int_equal(gate_on(fleet, "a")->verdict, GATE_INCONCLUSIVE);
}

static void who_is_skipped_is_asked_no_more(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(3, at_most(BLOCKED, 20), ON_FAILURE_PAUSE);
    fleet->plan_waves[0].targets.value = 2;
    fleet->plan.strategy.max_failures.value = 1;
    sample_all(fleet, BLOCKED, 3, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_FAILED);
    assert_wave(fleet, 0, WAVE_SOAKING);
    assert_int_equal(gate_on(fleet, "b")->verdict, GATE_PASS);
    assert_ok(command_on(fleet, COMMAND_SKIP, "b/db1"));
    for (int i = 0; i < 15; i++) {
        pass(fleet, 5000);
        say_health(fleet, "a", BLOCKED, 3);
        say_health(fleet, "b", BLOCKED, 99);
    }
    assert_wave(fleet, 0, WAVE_PASSED);
}

/* --- restart --- */

static void a_new_coordinator_has_the_baselines_and_counts_anew(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, relative(PROBE, 1500), ON_FAILURE_PAUSE);
    sample_all(fleet, PROBE, 10, 3);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    sample_all(fleet, PROBE, 16, 2);
    restart(fleet);
    say_hello(fleet, "a");
    say_hello(fleet, "b");
    say_ping(fleet, "a");
    say_ping(fleet, "b");
    assert_int_equal(engine_baseline_count(fleet->engine, ROLLOUT, 0), 1);
    sample_all(fleet, PROBE, 16, 1);
    assert_rollout(fleet, ROLLOUT_RUNNING);
    assert_int_equal(gate_on(fleet, "a")->baseline, 10000);
    assert_int_equal(gate_on(fleet, "a")->in_a_row, 1);
    sample_all(fleet, PROBE, 16, 2);
    assert_rollout(fleet, ROLLOUT_PAUSED);
}

/* a's samples fail while the new coordinator still waits to hear of b. */
static Fleet *failing_while_recovering(void)
{
    Fleet *fleet = gated(3, at_most(BLOCKED, 20), ON_FAILURE_PAUSE);
    fleet->plan_waves[0].targets.value = 2;
    sample_all(fleet, BLOCKED, 3, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    report(fleet, "b/db1", REPORT_RUNNING);
    restart(fleet);
    come_back(fleet, "a");
    come_back(fleet, "b");
    sample_all(fleet, BLOCKED, 21, 3);
    pass(fleet, 1000);
    assert_true(engine_is_recovering(fleet->engine));
    assert_rollout(fleet, ROLLOUT_RUNNING);
    return fleet;
}

static void what_failed_while_recovering_is_acted_on_when_enough_is_known(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = failing_while_recovering();
    report(fleet, "b/db1", REPORT_RUNNING);
    assert_false(engine_is_recovering(fleet->engine));
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_string_equal(rollout(fleet)->reason,
                        "a gate has failed: blocked_sessions at most 20 on a: 21, for 3 samples "
                        "in a row");
    assert_wave(fleet, 0, WAVE_TRIPPED);
}

static void what_was_well_again_before_enough_was_known_is_no_failure(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = failing_while_recovering();
    sample_all(fleet, BLOCKED, 3, 1);
    report(fleet, "b/db1", REPORT_RUNNING);
    assert_false(engine_is_recovering(fleet->engine));
    assert_rollout(fleet, ROLLOUT_RUNNING);
}

static void a_server_that_comes_late_gets_its_baseline_by_resuming(void **state)
{
    (void)state;
    AUTO_PTR(Fleet)
    fleet = gated(2, relative(METRIC_REPLICATION_LAG_BYTES, 2000), ON_FAILURE_PAUSE);
    say_absent(fleet, "a", METRIC_REPLICATION_LAG_BYTES, METRIC_NOTHING);
    assert_ok(start(fleet)); /* a standby comes when the wave is open */
    report(fleet, "a/db1", REPORT_APPLIED);
    sample_all(fleet, METRIC_REPLICATION_LAG_BYTES, 100, 30);
    assert_rollout(fleet, ROLLOUT_PAUSED);
    assert_int_equal(rollout(fleet)->pause_cause, PAUSE_GATE_UNSURE);
    assert_non_null(strstr(rollout(fleet)->reason, "resuming the rollout takes it as it is then"));
    assert_ok(command(fleet, COMMAND_RESUME));
    assert_int_equal(engine_baseline_find(fleet->engine, ROLLOUT, 0, 0, "a")->value, 100000);
    sample_all(fleet, METRIC_REPLICATION_LAG_BYTES, 100, 2);
    assert_wave(fleet, 0, WAVE_PASSED);
}

static void a_gate_on_an_unknown_metric_is_refused_at_the_start(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gated(2, at_most((Metric)4711, 20), ON_FAILURE_PAUSE);
    assert_int_equal(start(fleet), ERR_CONFIG);
    assert_non_null(strstr(fleet->err.message, "metric number 4711"));
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(a_wave_waits_until_its_gates_hold),
    cmocka_unit_test(a_wave_waits_for_samples_of_all_its_servers),
    cmocka_unit_test(a_later_waves_servers_hold_up_nothing_before),
    cmocka_unit_test(an_approved_wave_still_waits_for_its_gates),
    cmocka_unit_test(a_relative_gate_takes_its_baseline_before_the_wave_opens),
    cmocka_unit_test(where_there_is_nothing_to_measure_there_is_nothing_to_wait_for),
    cmocka_unit_test(a_reason_that_nobody_knows_is_no_pass),
    cmocka_unit_test(a_gate_fails_by_so_many_samples_in_a_row_and_by_no_fewer),
    cmocka_unit_test(a_gate_fails_while_the_wave_still_runs),
    cmocka_unit_test(a_failed_gate_takes_its_wave_back),
    cmocka_unit_test(what_was_taken_back_opens_again_when_its_gates_hold),
    cmocka_unit_test(a_failed_gate_takes_the_rollout_back),
    cmocka_unit_test(a_metric_that_is_worse_the_lower_it_is_has_a_least),
    cmocka_unit_test(servers_of_waves_that_are_through_are_watched_further),
    cmocka_unit_test(resuming_counts_anew),
    cmocka_unit_test(no_gate_acts_against_an_operators_pause),
    cmocka_unit_test(a_wave_passes_by_a_sample_that_came_after_its_soak_began),
    cmocka_unit_test(what_is_ill_as_the_soak_begins_fails_at_once),
    cmocka_unit_test(what_is_stale_never_passes_and_in_the_end_a_person_is_asked),
    cmocka_unit_test(of_a_lost_agent_nothing_is_known),
    cmocka_unit_test(a_new_process_begins_the_row_anew),
    cmocka_unit_test(what_came_before_the_coordinator_was_deaf_is_old),
    cmocka_unit_test(who_is_skipped_is_asked_no_more),
    cmocka_unit_test(a_new_coordinator_has_the_baselines_and_counts_anew),
    cmocka_unit_test(what_failed_while_recovering_is_acted_on_when_enough_is_known),
    cmocka_unit_test(what_was_well_again_before_enough_was_known_is_no_failure),
    cmocka_unit_test(a_server_that_comes_late_gets_its_baseline_by_resuming),
    cmocka_unit_test(a_gate_on_an_unknown_metric_is_refused_at_the_start),
};
STORIES(GATE_STORIES, TESTS);
