/* What is counted of events of the log and of agents' reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/meters.h"

static uint64_t count(const Histogram *histogram, const HistogramScale *scale)
{
    return histogram_count_within(histogram, scale->bound_count);
}

static EventRow moved(const char *rollout, const char *wave, const char *target, const char *from,
                      const char *to)
{
    return (EventRow){
        .rollout = rollout, .wave = wave, .target = target, .old_state = from, .new_state = to
    };
}

static void an_event_counts_for_the_smallest_thing_that_it_names(void **state)
{
    (void)state;
    Meters meters = { 0 };
    const EventRow events[] = {
        moved("", "", "", "none", "active"),
        moved("r1", "", "", "ready", "running"),
        moved("r1", "w1", "", "waiting", "running"),
        moved("r1", "w1", "db1/a", "applying", "failed"),
    };
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        meters_event(&meters, &events[i]);
    }
    assert_int_equal(meters.moves[METER_SESSION][SESSION_ACTIVE], 1);
    assert_int_equal(meters.moves[METER_ROLLOUT][ROLLOUT_RUNNING], 1);
    assert_int_equal(meters.moves[METER_WAVE][WAVE_RUNNING], 1);
    assert_int_equal(meters.moves[METER_TARGET][TARGET_FAILED], 1);
}

static void what_changes_no_state_is_not_counted(void **state)
{
    (void)state;
    Meters meters = { 0 };
    const Meters nothing = { 0 };
    const EventRow note = moved("r1", "", "", "", "");
    const EventRow stays = moved("r1", "w1", "", "waiting", "waiting");
    meters_event(&meters, &note);
    meters_event(&meters, &stays);
    assert_memory_equal(&meters, &nothing, sizeof(meters));
}

/* An order that is in force, and what its agent has told of it so far. */
static TargetRow row_of(Goal goal, uint32_t steps_done, uint32_t retries, uint32_t duration_ms)
{
    return (TargetRow){ .goal = goal,
                        .stamp = { .term = 1, .attempt = 1, .revision = 1 },
                        .report = REPORT_RUNNING,
                        .steps_done = steps_done,
                        .retries = retries,
                        .duration_ms = duration_ms };
}

static State told(Report report, uint32_t steps_done, uint32_t retries, uint32_t duration_ms)
{
    return (State){ .stamp = { .term = 1, .attempt = 1, .revision = 1 },
                    .has_start = true,
                    .report = report,
                    .steps_done = steps_done,
                    .retries = retries,
                    .duration_ms = duration_ms };
}

static void steps_and_retries_are_those_since_the_report_before(void **state)
{
    (void)state;
    Meters meters = { 0 };
    const TargetRow row = row_of(GOAL_APPLY, 1, 2, 1000);
    const State report = told(REPORT_RUNNING, 3, 5, 1800);
    meters_report(&meters, &row, &report);
    assert_int_equal(count(&meters.steps[METER_FORWARD], &METER_DURATIONS), 2);
    assert_int_equal(meters.steps[METER_FORWARD].sum, 800);
    assert_int_equal(meters.retries, 3);
    assert_int_equal(count(&meters.attempts[METER_FORWARD], &METER_DURATIONS), 0);
    assert_int_equal(count(&meters.steps[METER_BACK], &METER_DURATIONS), 0);
}

static void the_end_of_an_attempt_counts_once(void **state)
{
    (void)state;
    Meters meters = { 0 };
    TargetRow row = row_of(GOAL_ROLL_BACK, 1, 0, 500);
    const State report = told(REPORT_ROLLED_BACK, 2, 0, 700);
    meters_report(&meters, &row, &report);
    row = row_of(GOAL_ROLL_BACK, 2, 0, 700);
    row.report = REPORT_ROLLED_BACK;
    meters_report(&meters, &row, &report); /* told again: its acknowledgement was lost */
    assert_int_equal(count(&meters.attempts[METER_BACK], &METER_DURATIONS), 1);
    assert_int_equal(meters.attempts[METER_BACK].sum, 700);
    assert_int_equal(count(&meters.steps[METER_BACK], &METER_DURATIONS), 1);
}

static void a_report_under_another_order_counts_for_nothing(void **state)
{
    (void)state;
    Meters meters = { 0 };
    const Meters nothing = { 0 };
    TargetRow row = row_of(GOAL_APPLY, 0, 0, 0);
    row.stamp.attempt = 2;
    const State report = told(REPORT_APPLIED, 3, 1, 100);
    meters_report(&meters, &row, &report);
    meters_report(&meters, NULL, &report);
    assert_memory_equal(&meters, &nothing, sizeof(meters));
}

/* Before its agent has read the history, its zeroes say nothing. */
static void an_agent_that_has_read_nothing_has_done_no_steps(void **state)
{
    (void)state;
    Meters meters = { 0 };
    const TargetRow row = row_of(GOAL_APPLY, 0, 0, 0);
    State report = told(REPORT_RUNNING, 3, 0, 100);
    report.has_start = false;
    meters_report(&meters, &row, &report);
    assert_int_equal(count(&meters.steps[METER_FORWARD], &METER_DURATIONS), 0);
}

static void every_state_of_every_machine_has_a_name_and_a_place(void **state)
{
    (void)state;
    for (unsigned machine = 0; machine < METER_MACHINE_COUNT_; machine++) {
        unsigned states = 0;
        while (meter_state_name((MeterMachine)machine, states) != NULL) {
            states++;
        }
        assert_in_range(states, 5, METER_STATES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_counts_for_the_smallest_thing_that_it_names),
        cmocka_unit_test(what_changes_no_state_is_not_counted),
        cmocka_unit_test(steps_and_retries_are_those_since_the_report_before),
        cmocka_unit_test(the_end_of_an_attempt_counts_once),
        cmocka_unit_test(a_report_under_another_order_counts_for_nothing),
        cmocka_unit_test(an_agent_that_has_read_nothing_has_done_no_steps),
        cmocka_unit_test(every_state_of_every_machine_has_a_name_and_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
