/*
 * The tally: what waves, rollouts, hosts and databases read of their targets, kept as each target
 * changes, so that no decision walks ten thousand rows. Whoever changes what counts takes the
 * target out first and puts it in again afterwards.
 */
#include "coordinator/engine/state.h"

bool target_holds_slot(TargetState state)
{
    return state == TARGET_ASSIGNED || state == TARGET_APPLYING || state == TARGET_UNKNOWN ||
           state == TARGET_ROLLING_BACK;
}

bool target_is_retried(const TargetRow *row)
{
    return row->state == TARGET_PENDING || row->state == TARGET_ASSIGNED ||
           row->state == TARGET_APPLYING || row->state == TARGET_VERIFYING ||
           row->state == TARGET_HEALTHY;
}

/* What is being tried again, and what is out of the rollout, stands against the budget no more. */
static bool uses_budget(const TargetRow *row)
{
    return row->is_charged && !target_is_retried(row) && row->state != TARGET_SKIPPED;
}

static bool is_parked(const TargetRow *row)
{
    return row->goal == GOAL_HOLD && row->report == REPORT_PARKED;
}

static bool is_running(const TargetRow *row)
{
    return target_holds_slot(row->state) && row->state != TARGET_UNKNOWN && !is_parked(row);
}

static void counts_add(TargetCounts *counts, const TargetRow *row, uint32_t one)
{
    counts->by_state[row->state] += one;
    counts->total += one;
    counts->charged += row->is_charged ? one : 0;
    counts->used += uses_budget(row) ? one : 0;
    counts->busy += target_holds_slot(row->state) ? one : 0;
    counts->running += is_running(row) ? one : 0;
}

bool target_is_parked(const Target *target)
{
    return is_parked(&target->row);
}

/*
 * A debt that its agent still has in hand keeps the host busy, though it holds up nobody else; a
 * target that is parked has no connection, and holds up no other rollout on its host.
 */
static bool holds_host(const Target *target)
{
    return (target_holds_slot(target->row.state) && !target_is_parked(target)) ||
           (target->row.state == TARGET_DEBT && order_is_in_hand(target));
}

static Duty duty_of(const Target *target)
{
    switch (target->row.state) {
    case TARGET_PENDING:
        return DUTY_START;
    case TARGET_VERIFYING:
    case TARGET_HEALTHY:
        return DUTY_UNDO;
    case TARGET_FAILED:
        return DUTY_MEND;
    case TARGET_HELD: /* tried once; after that it is a person's */
        return target->row.goal != GOAL_ROLL_BACK ? DUTY_MEND : DUTY_NONE;
    case TARGET_DEBT: /* what it has in hand still, and was not turned yet, turns where it is */
        return order_is_in_hand(target) && target->row.goal != GOAL_ROLL_BACK ? DUTY_MEND
                                                                              : DUTY_OWE;
    default:
        return target_is_parked(target) ? DUTY_GO_ON : DUTY_NONE;
    }
}

void target_take_lane(Target *target)
{
    Rollout *rollout = target->rollout;
    Lane lane = { (uint32_t)target->agent->number, (uint32_t)target->item->database->number };
    rollout->lanes[target->index] = lane;
    bitset_set(&rollout->agents, lane.agent);
    bitset_set(&rollout->databases, lane.database);
}

/* `one` is 1, or its negative: unsigned arithmetic wraps back. What another one's order may change
 * meanwhile is as it was put in. */
static void count_by(Target *target, uint32_t one)
{
    const TargetRow *row = &target->row;
    Rollout *rollout = target->rollout;
    bool is_used = uses_budget(row);
    counts_add(&target->wave->counts, row, one);
    counts_add(&rollout->counts, row, one);
    bool is_excused = is_used && row->is_excused;
    rollout->excused += is_excused ? one : 0;
    rollout->absent += is_used && row->is_absent && !is_excused ? one : 0;
    rollout->uncertain += row->state == TARGET_UNKNOWN && !row->is_charged ? one : 0;
    if (target->is_on_host) {
        target->agent->busy += one;
        target->item->database->busy += one;
    }
}

void target_count(Target *target)
{
    target->is_on_host = holds_host(target);
    target->duty = duty_of(target);
    count_by(target, 1);
    bitset_set(&target->rollout->by_duty[target->duty], target->index);
}

void target_uncount(Target *target)
{
    if (target->is_on_host) {
        bitset_set(&target->engine->freed_agents, target->agent->number);
        bitset_set(&target->engine->freed_databases, target->item->database->number);
    }
    count_by(target, UINT32_MAX);
    bitset_clear(&target->rollout->by_duty[target->duty], target->index);
}

void target_charge(Target *target, bool is_absent)
{
    bool is_worse = target->row.is_absent && !is_absent; /* it was only away; now it is a failure */
    if (target->row.is_charged && !is_worse) {
        return;
    }
    target_uncount(target);
    target->row.is_charged = true;
    target->row.is_absent = is_absent;
    target_count(target);
    target_touch(target);
}

void target_clear_charge(Target *target)
{
    target_uncount(target);
    target->row.is_charged = false;
    target->row.is_absent = false;
    target_count(target);
    target_touch(target);
}
