/* From events of the log and rows that change to counters. */
#include "coordinator/meters.h"

#include "common/str.h"

#define SECOND_MS UINT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)

const HistogramScale METER_DURATIONS = {
    .bounds = { 10, 50, 100, 500, SECOND_MS, 5 * SECOND_MS, 15 * SECOND_MS, MINUTE_MS,
                5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS },
    .bound_count = 12,
    .decimals = 3,
};

const HistogramScale METER_LATENCIES = {
    .bounds = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 5000000 },
    .bound_count = 11,
    .decimals = 6,
};

const HistogramScale METER_SIZES = {
    .bounds = { 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000 },
    .bound_count = 10,
    .decimals = 0,
};

const char *meter_machine_name(MeterMachine machine)
{
    static const char *const NAMES[] = { "session", "target", "wave", "rollout" };
    return NAMES[machine];
}

const char *meter_way_name(MeterWay way)
{
    return way == METER_FORWARD ? "apply" : "roll_back";
}

const char *meter_state_name(MeterMachine machine, unsigned state)
{
    switch (machine) {
    case METER_SESSION:
        return state < SESSION_STATE_COUNT_ ? session_state_name((SessionState)state) : NULL;
    case METER_TARGET:
        return state < TARGET_STATE_COUNT_ ? target_state_name((TargetState)state) : NULL;
    case METER_WAVE:
        return state < WAVE_STATE_COUNT_ ? wave_state_name((WaveState)state) : NULL;
    case METER_ROLLOUT:
        return state < ROLLOUT_STATE_COUNT_ ? rollout_state_name((RolloutState)state) : NULL;
    case METER_MACHINE_COUNT_:
        break;
    }
    return NULL;
}

_Static_assert(TARGET_STATE_COUNT_ <= METER_STATES_MAX, "the machine with the most states");
_Static_assert(WAVE_STATE_COUNT_ <= METER_STATES_MAX, "likewise");
_Static_assert(ROLLOUT_STATE_COUNT_ <= METER_STATES_MAX, "likewise");

/* Whose state a line of the log tells of: that of the smallest thing which it names. */
static MeterMachine machine_of(const EventRow *event)
{
    return event->target[0] != '\0'    ? METER_TARGET
           : event->wave[0] != '\0'    ? METER_WAVE
           : event->rollout[0] != '\0' ? METER_ROLLOUT
                                       : METER_SESSION;
}

void meters_event(Meters *meters, const EventRow *event)
{
    if (event->new_state[0] == '\0' || str_equal(event->new_state, event->old_state)) {
        return;
    }
    MeterMachine machine = machine_of(event);
    const char *name = "";
    for (unsigned state = 0; (name = meter_state_name(machine, state)) != NULL; state++) {
        if (str_equal(name, event->new_state)) {
            meters->moves[machine][state]++;
            return;
        }
    }
}

static uint32_t rise(uint32_t from, uint32_t to)
{
    return to > from ? to - from : 0;
}

/* The row's own numbers begin at 0 with each order to apply or to roll back, as the report's do. */
void meters_report(Meters *meters, const TargetRow *row, const State *state)
{
    if (row == NULL || order_stamp_compare(row->stamp, state->stamp) != 0) {
        return;
    }
    MeterWay way = row->goal == GOAL_ROLL_BACK ? METER_BACK : METER_FORWARD;
    uint32_t steps = state->has_start ? rise(row->steps_done, state->steps_done) : 0;
    if (steps > 0) {
        uint32_t spent_ms = rise(row->duration_ms, state->duration_ms);
        histogram_add_many(&meters->steps[way], &METER_DURATIONS, spent_ms / steps, steps);
    }
    meters->retries += rise(row->retries, state->retries);
    if (report_is_end((Report)state->report) && !report_is_end(row->report)) {
        histogram_add(&meters->attempts[way], &METER_DURATIONS, state->duration_ms);
    }
}
