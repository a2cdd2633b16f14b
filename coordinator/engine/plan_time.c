/*
 * How long a plan may be applied, as the coordinator sees it. The agents have the last word, each
 * by its own host's clock, before every step; here it is only seen to that nobody is sent where he
 * would be refused, and that a refusal for the time's sake is not taken for a failure of the
 * migration.
 *
 * Two clocks: the plan's end is a moment of the wall clock, which may be set, and which is looked
 * at whenever something is decided; the timer that wakes the engine for it runs on the boot-time
 * clock, and is at most PLAN_TIME_LOOK_S ahead, so that a clock that was set is noticed.
 */
#include "coordinator/engine/state.h"

#define PLAN_TIME_LOOK_S 60

/* The plan's end is a whole second, which belongs to its time, as the agents count. */
static int64_t seconds_left(const Rollout *rollout)
{
    return rollout->apply_until_s + 1 - rollout->engine->wall_ms / 1000;
}

uint32_t rollout_ahead(const Rollout *rollout)
{
    return rollout->counts.by_state[TARGET_PENDING] + rollout->counts.busy;
}

bool rollout_is_over_time(const Rollout *rollout)
{
    return rollout->apply_until_s != 0 && seconds_left(rollout) <= 0;
}

/* Charged, since its agent's clock says that the plan's time is over. */
static bool is_refused_for_time(const Target *target)
{
    const TargetRow *row = &target->row;
    return row->is_charged && row->code == ERR_EXPIRED &&
           (row->state == TARGET_FAILED || row->state == TARGET_HELD);
}

bool rollout_trips_for_time(const Rollout *rollout)
{
    uint32_t refused = 0;
    if (!rollout_is_tripped(rollout)) {
        return false;
    }
    for (size_t i = 0; i < rollout->target_count; i++) {
        refused += is_refused_for_time(&rollout->targets[i]) ? 1 : 0;
    }
    return refused > 0 &&
           rollout->counts.used - rollout->excused <= rollout->max_failures + refused;
}

void plan_time_tick(Rollout *rollout)
{
    Engine *engine = rollout->engine;
    bool is_going = rollout->row.state == ROLLOUT_RUNNING || rollout->row.state == ROLLOUT_READY;
    if (!is_going || rollout->apply_until_s == 0) {
        return;
    }
    int64_t left_s = seconds_left(rollout);
    if (left_s <= 0) {
        rollout->is_stale |= rollout_ahead(rollout) > 0;
        return;
    }
    int64_t look_s = left_s < PLAN_TIME_LOOK_S ? left_s : PLAN_TIME_LOOK_S;
    engine_arm(engine, engine->now_ms + (uint64_t)look_s * 1000);
}
