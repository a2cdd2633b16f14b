/*
 * Dispatch: which targets may start now. Forward in the order of the waves while the budget admits
 * it; backward in the reverse order. Limits count everything that holds a slot, whatever its
 * direction; a target whose order the agent has in hand already needs no new slot to turn round.
 */
#include "coordinator/engine/state.h"

static bool has_host_room(const Target *target)
{
    const PlanStrategy *strategy = &target->rollout->strategy;
    return target->agent->busy < strategy->max_parallel_per_host &&
           target->item->database->busy < strategy->max_parallel_per_database;
}

static bool has_room(const Target *target)
{
    const Rollout *rollout = target->rollout;
    return rollout->counts.busy < rollout->strategy.max_parallel && has_host_room(target);
}

static bool can_be_worked_on(const Target *target)
{
    const InventoryRow *row = &target->item->row;
    return agent_is_reachable(target->agent) && !row->is_gone && !row->in_recovery &&
           !row->is_disputed;
}

/* --- forward --- */

/* strict: at most one more at once than failures may still happen. */
static uint32_t slots_allowed(const Rollout *rollout)
{
    const PlanStrategy *strategy = &rollout->strategy;
    uint32_t spent = rollout->counts.used + rollout->uncertain;
    uint32_t left = rollout->max_failures > spent ? rollout->max_failures - spent : 0;
    return strategy->is_strict && left + 1 < strategy->max_parallel ? left + 1
                                                                    : strategy->max_parallel;
}

static void wave_start(Wave *wave)
{
    Rollout *rollout = wave->rollout;
    uint32_t slots = slots_allowed(rollout);
    uint32_t waiting = wave->counts.by_state[TARGET_PENDING];
    for (size_t i = 0; waiting > 0 && i < wave->row.target_count; i++) {
        Target *target = &wave->targets[i];
        if (rollout->counts.busy >= slots) {
            return;
        }
        if (target->row.state != TARGET_PENDING) {
            continue;
        }
        waiting--;
        if (can_be_worked_on(target) && has_room(target)) {
            target_fire(target, TARGET_DISPATCH);
        }
    }
}

/* What was parked in a pause goes on before anything new starts, as its host has room. */
static void rollout_unpark(Rollout *rollout)
{
    uint32_t busy = rollout->row.state == ROLLOUT_RUNNING ? rollout->counts.busy : 0;
    for (size_t i = 0; busy > 0 && i < rollout->target_count; i++) {
        Target *target = &rollout->targets[i];
        if (target_is_parked(target) && has_host_room(target)) {
            target_fire(target, TARGET_GO_ON);
        }
    }
}

static void rollout_start(Rollout *rollout)
{
    for (size_t i = 0; i < rollout->wave_count; i++) {
        Wave *wave = &rollout->waves[i];
        if (wave_is_open(wave) && wave->counts.by_state[TARGET_PENDING] > 0) {
            wave_start(wave);
        }
    }
}

/* --- backward --- */

static bool waits_to_go_back(const Target *target)
{
    switch (target->row.state) {
    case TARGET_VERIFYING:
    case TARGET_HEALTHY:
    case TARGET_FAILED:
    case TARGET_DEBT:
        return target_is_wanted_back(target);
    case TARGET_HELD: /* tried once; after that it is a person's */
        return target->row.goal != GOAL_ROLL_BACK && target_is_wanted_back(target);
    default:
        return false;
    }
}

/*
 * A debt whose order the agent has in hand goes on by itself when the agent is back; one that it
 * was told to hold turns round where it is; everything else begins a new attempt and needs room.
 */
static bool may_go_back_now(const Target *target)
{
    if (!waits_to_go_back(target) || !can_be_worked_on(target)) {
        return false;
    }
    return order_is_in_hand(target) ? target->row.state != TARGET_DEBT : has_room(target);
}

static void rollout_go_back(Rollout *rollout)
{
    const uint32_t *by_state = rollout->counts.by_state;
    uint32_t candidates = by_state[TARGET_VERIFYING] + by_state[TARGET_HEALTHY] +
                          by_state[TARGET_FAILED] + by_state[TARGET_DEBT] + by_state[TARGET_HELD];
    for (size_t i = rollout->target_count; candidates > 0 && i > 0; i--) {
        Target *target = &rollout->targets[i - 1];
        if (may_go_back_now(target)) {
            target_fire(target, TARGET_DISPATCH_BACK);
        }
    }
}

/* In a pause only what a policy has decided goes on, and not against a person or the breaker. */
static bool may_go_back(const Rollout *rollout)
{
    if (rollout->row.state == ROLLOUT_PAUSED) {
        return rollout->row.pause_cause == PAUSE_BUDGET ||
               rollout->row.pause_cause == PAUSE_AGENT_LOST;
    }
    return rollout->row.state == ROLLOUT_RUNNING || rollout_is_taken_back(rollout);
}

void dispatch_run(Engine *engine)
{
    if (engine->is_recovering || engine->term_seen != 0) {
        return;
    }
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        if (rollout->has_plan && may_go_back(rollout)) {
            rollout_go_back(rollout);
        }
        rollout_unpark(rollout);
        if (rollout_may_admit(rollout)) {
            rollout_start(rollout);
        }
    }
}
