/*
 * Dispatch: which targets may start now. Forward in the order of the waves while the budget admits
 * it; backward in the reverse order. Limits count everything that holds a slot, whatever its
 * direction; a target whose order the agent has in hand already needs no new slot to turn round.
 *
 * Candidates come from the tally's sets, not from a walk over all targets; and whose agent or
 * database has once been found without room is passed over unseen until something there is freed: a
 * run costs what it starts.
 */
#include "coordinator/engine/state.h"

static void note_full(const Target *target, bool has_agent, bool has_database)
{
    const Lane *lane = &target->rollout->lanes[target->index];
    if (!has_agent) {
        bitset_set(&target->rollout->full_agents, lane->agent);
    }
    if (!has_database) {
        bitset_set(&target->rollout->full_databases, lane->database);
    }
}

static bool has_host_room(const Target *target)
{
    const PlanStrategy *strategy = &target->rollout->strategy;
    bool has_agent = target->agent->busy < strategy->max_parallel_per_host;
    bool has_database = target->item->database->busy < strategy->max_parallel_per_database;
    note_full(target, has_agent, has_database);
    return has_agent && has_database;
}

static bool is_known_full(const Rollout *rollout, size_t index)
{
    const Lane *lane = &rollout->lanes[index];
    return bitset_has(&rollout->full_agents, lane->agent) ||
           bitset_has(&rollout->full_databases, lane->database);
}

static bool is_all_full(const Rollout *rollout)
{
    return bitset_holds(&rollout->full_agents, &rollout->agents) ||
           bitset_holds(&rollout->full_databases, &rollout->databases);
}

static bool has_room(const Rollout *rollout)
{
    return rollout->counts.busy < rollout->strategy.max_parallel;
}

static bool can_be_worked_on(const Target *target)
{
    note_full(target, agent_is_reachable(target->agent), true);
    return target_is_workable(target);
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

static size_t wave_begin(const Wave *wave)
{
    return wave->targets == NULL ? 0 : wave->targets[0].index;
}

static size_t wave_end(const Wave *wave)
{
    return wave_begin(wave) + wave->row.target_count;
}

/* The first pending target before `end` that may have room. */
static size_t next_to_start(const Rollout *rollout, size_t from, size_t end)
{
    const Bitset *pending = &rollout->by_duty[DUTY_START];
    size_t at = bitset_next(pending, from);
    while (at < end && is_known_full(rollout, at)) {
        at = bitset_next(pending, at + 1);
    }
    return at < end ? at : BITSET_NONE;
}

static void wave_start(Wave *wave)
{
    Rollout *rollout = wave->rollout;
    uint32_t slots = slots_allowed(rollout);
    size_t from = wave_begin(wave);
    while (rollout->counts.busy < slots && !is_all_full(rollout)) {
        size_t at = next_to_start(rollout, from, wave_end(wave));
        if (at == BITSET_NONE) {
            return;
        }
        if (can_be_worked_on(&rollout->targets[at]) && has_host_room(&rollout->targets[at])) {
            target_fire(&rollout->targets[at], TARGET_DISPATCH);
        }
        from = at + 1;
    }
}

/* What was parked in a pause goes on before anything new starts, as its host has room. */
static void rollout_unpark(Rollout *rollout)
{
    const Bitset *parked = &rollout->by_duty[DUTY_GO_ON];
    if (rollout->row.state != ROLLOUT_RUNNING) {
        return;
    }
    for (size_t i = bitset_next(parked, 0); i != BITSET_NONE; i = bitset_next(parked, i + 1)) {
        if (has_host_room(
                &rollout->targets[i])) { /* reachable or not: it is told when it is back */
            target_fire(&rollout->targets[i], TARGET_GO_ON);
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

/*
 * A debt whose order the agent has in hand goes on by itself when the agent is back; one that it
 * was told to hold turns round where it is; everything else begins a new attempt and needs room.
 */
static bool may_go_back_now(const Target *target)
{
    if (!target_is_wanted_back(target) || !can_be_worked_on(target)) {
        return false;
    }
    if (order_is_in_hand(target)) {
        return target->row.state != TARGET_DEBT || target->row.goal != GOAL_ROLL_BACK;
    }
    return has_room(target->rollout) && has_host_room(target);
}

/* What may go back in this wave: all that was applied, or only what failed in it by itself. */
static bool wave_has_duty(const Wave *wave, Duty duty)
{
    const Rollout *rollout = wave->rollout;
    bool is_whole = rollout_is_taken_back(rollout) || wave->row.state == WAVE_ROLLING_BACK;
    bool is_single = rollout->strategy.on_failure == ON_FAILURE_ROLL_BACK_TARGET;
    switch (duty) {
    case DUTY_UNDO:
        return is_whole;
    case DUTY_MEND:
    case DUTY_OWE:
        return is_whole || is_single;
    default:
        return false;
    }
}

/* What is in hand can turn without room, and that has failed or is held. */
static bool is_in_vain(const Rollout *rollout, size_t index)
{
    return is_known_full(rollout, index) && !bitset_has(&rollout->by_duty[DUTY_MEND], index);
}

/* Of the 64 targets from 64 * `word`: those that have any of these duties. */
static uint64_t candidates_in(const Rollout *rollout, size_t word, const Duty *duties, size_t count)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        bits |= bitset_word(&rollout->by_duty[duties[i]], word);
    }
    return bits;
}

/* The last one in [begin, end) that has any of these duties, and may have room if it needs it. */
static size_t last_to_take_back(const Rollout *rollout, const Duty *duties, size_t count,
                                size_t begin, size_t end)
{
    while (end > begin) {
        size_t word = (end - 1) / 64;
        uint64_t bits = candidates_in(rollout, word, duties, count);
        for (bits &= UINT64_MAX >> (63 - (end - 1) % 64); bits != 0;) {
            size_t at = word * 64 + 63 - (size_t)__builtin_clzll(bits);
            if (at < begin || !is_in_vain(rollout, at)) {
                return at < begin ? BITSET_NONE : at;
            }
            bits &= ~(UINT64_C(1) << (at % 64));
        }
        end = word * 64;
    }
    return BITSET_NONE;
}

/*
 * What can be reached no more when its turn comes is debt, as if it had been so from the first. Of
 * a suspect agent nothing is concluded.
 */
static void take_back(Target *target)
{
    bool is_out_of_reach = target->row.state != TARGET_DEBT && target_is_wanted_back(target) &&
                           !target_is_workable(target) &&
                           target->agent->row.state != SESSION_SUSPECT;
    if (may_go_back_now(target)) {
        target_fire(target, TARGET_DISPATCH_BACK);
    } else if (is_out_of_reach) {
        target_fire(target, TARGET_TAKE_BACK);
    }
}

static void wave_go_back(Wave *wave)
{
    static const Duty DUTIES[] = { DUTY_MEND, DUTY_OWE, DUTY_UNDO };
    Rollout *rollout = wave->rollout;
    size_t at = wave_end(wave);
    while (true) {
        bool may_begin = has_room(rollout) && !is_all_full(rollout);
        size_t count = 0;
        while (count < ARRAY_LEN(DUTIES) && wave_has_duty(wave, DUTIES[count]) &&
               (count == 0 || may_begin)) {
            count++;
        }
        at = last_to_take_back(rollout, DUTIES, count, wave_begin(wave), at);
        if (at == BITSET_NONE) {
            return;
        }
        take_back(&rollout->targets[at]);
    }
}

static void rollout_go_back(Rollout *rollout)
{
    for (size_t i = rollout->wave_count; i > 0; i--) {
        wave_go_back(&rollout->waves[i - 1]);
    }
}

/* In a pause only what a policy has decided goes on, and not against a person or the breaker. */
static bool may_go_back(const Rollout *rollout)
{
    if (rollout->row.state == ROLLOUT_PAUSED) {
        return rollout->row.pause_cause == PAUSE_BUDGET ||
               rollout->row.pause_cause == PAUSE_AGENT_LOST ||
               rollout->row.pause_cause == PAUSE_GATE;
    }
    return rollout->row.state == ROLLOUT_RUNNING || rollout_is_taken_back(rollout);
}

static void rollout_dispatch(Rollout *rollout)
{
    if (rollout->has_plan && may_go_back(rollout)) {
        rollout_go_back(rollout);
    }
    rollout_unpark(rollout);
    if (rollout_may_admit(rollout)) {
        rollout_start(rollout);
    }
}

static void take_freed(Engine *engine)
{
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        bitset_clear_those(&engine->rollouts.items[i]->full_agents, &engine->freed_agents);
        bitset_clear_those(&engine->rollouts.items[i]->full_databases, &engine->freed_databases);
    }
    bitset_clear_all(&engine->freed_agents);
    bitset_clear_all(&engine->freed_databases);
}

void dispatch_run(Engine *engine)
{
    if (engine->is_recovering || engine->term_seen != 0) {
        return;
    }
    take_freed(engine);
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        if (rollout_is_open(rollout->row.state)) {
            rollout_dispatch(rollout);
        }
    }
}
