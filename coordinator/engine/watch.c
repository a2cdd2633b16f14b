/*
 * Watching over agents: when an absence becomes a verdict, when so many are lost that the
 * coordinator must be the sick one, and when a restarted coordinator knows enough to decide again.
 */
#include "coordinator/engine/state.h"

/* --- recovery --- */

void watch_begin(Engine *engine)
{
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        rollout->is_stale = true;
        for (size_t j = 0; rollout_is_open(rollout->row.state) && j < rollout->target_count; j++) {
            const TargetRow *row = &rollout->targets[j].row;
            bool is_in_flight = row->state == TARGET_ASSIGNED || row->state == TARGET_APPLYING ||
                                row->state == TARGET_UNKNOWN || row->state == TARGET_ROLLING_BACK;
            rollout->targets[j].is_awaited = is_in_flight;
            engine->unreconciled += is_in_flight ? 1 : 0;
        }
    }
    engine->is_recovering = engine->unreconciled > 0;
    engine->recovery_ends_ms = engine->now_ms + engine->config.recovery_grace_ms;
    engine_arm(engine, engine->recovery_ends_ms);
}

void watch_target_reconciled(Target *target)
{
    target->engine->unreconciled -= target->is_awaited ? 1 : 0;
    target->is_awaited = false;
}

void watch_recovery(Engine *engine)
{
    bool is_over = engine->unreconciled == 0 || engine->now_ms >= engine->recovery_ends_ms;
    if (!engine->is_recovering || !is_over) {
        return;
    }
    engine->is_recovering = false;
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        engine->rollouts.items[i]->is_stale = true;
    }
    event_note((Place){ .engine = engine }, "E01", ERR_NONE,
               engine->unreconciled == 0
                   ? "recovered: all that was in flight has been heard of"
                   : "recovered: the grace has passed; what was not heard of stays unknown");
}

static void fire_open(Engine *engine, RolloutEvent event)
{
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        if (rollout_is_open(engine->rollouts.items[i]->row.state)) {
            rollout_fire(engine->rollouts.items[i], event);
        }
    }
}

void watch_term_seen(Agent *agent, uint64_t term)
{
    Engine *engine = agent->engine;
    bool is_first = engine->term_seen == 0;
    engine->term_seen = term;
    if (is_first) {
        event_note((Place){ .engine = engine, .agent = agent }, "E02", ERR_STORE_TERM,
                   "{agent} knows a coordinator of term {claim}, and this store none later than "
                   "{term}: it may be an old backup; nothing starts until a new term is taken");
    }
    fire_open(engine, ROLLOUT_STORE_BEHIND);
}

/* --- the breaker --- */

bool watch_is_mass_loss(const Engine *engine)
{
    size_t total = 0;
    size_t lost = 0;
    LIST_EACH(at, &engine->agents) {
        const Agent *agent = *at;
        bool is_fresh = agent->row.state == SESSION_LOST && !agent->has_said_bye &&
                        engine->now_ms - agent->lost_ms <= engine->config.mass_loss_window_ms;
        total += agent->targets.count > 0 ? 1 : 0;
        lost += agent->targets.count > 0 && is_fresh ? 1 : 0;
    }
    return lost >= 2 && lost * 100 >= total * engine->config.mass_loss_percent;
}

void watch_breaker(Engine *engine)
{
    bool is_due = engine->has_new_loss;
    engine->has_new_loss = false;
    if (is_due && watch_is_mass_loss(engine)) {
        fire_open(engine, ROLLOUT_MASS_LOSS);
    }
}

/* --- verdicts --- */

static uint64_t later_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t watch_verdict_ms(const Target *target)
{
    const Rollout *rollout = target->rollout;
    uint64_t from_ms = later_of(target->agent->heard_ms, rollout->resumed_ms);
    if (target->row.state == TARGET_PENDING) {
        from_ms = later_of(from_ms, target->wave->opened_ms);
    }
    return from_ms + rollout->strategy.agent_lost_after_ms;
}

/* Something is wanted of the agent that is away, and its absence has not been charged. */
static bool is_in_scope(const Target *target)
{
    TargetState state = target->row.state;
    return target->rollout->row.state == ROLLOUT_RUNNING && wave_is_open(target->wave) &&
           (state == TARGET_PENDING || (state == TARGET_UNKNOWN && !target->row.is_charged));
}

/* True when the verdict has been given on at least one target of this rollout. */
static bool verdict_charges(Agent *agent, const Rollout *rollout)
{
    Engine *engine = agent->engine;
    bool has_charged = false;
    for (size_t i = 0; i < agent->targets.count; i++) {
        Target *target = agent->targets.items[i];
        if (target->rollout != rollout || !is_in_scope(target)) {
            continue;
        }
        uint64_t due_ms = watch_verdict_ms(target);
        if (engine->now_ms >= due_ms) {
            target_fire(target, TARGET_ABSENT);
            has_charged = true;
        } else {
            engine_arm(engine, due_ms);
        }
    }
    return has_charged;
}

static void agent_verdicts(Agent *agent)
{
    Engine *engine = agent->engine;
    for (size_t i = 0; agent->targets.count > 0 && i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        if (rollout->row.state == ROLLOUT_RUNNING && verdict_charges(agent, rollout)) {
            rollout->lost_agent = agent;
            rollout_fire(rollout, ROLLOUT_AGENT_LOST);
        }
    }
}

void watch_verdicts(Engine *engine)
{
    if (engine->is_recovering || engine->term_seen != 0) {
        return;
    }
    const Bitset *away = &engine->away_agents;
    for (size_t i = bitset_next(away, 0); i != BITSET_NONE; i = bitset_next(away, i + 1)) {
        agent_verdicts(engine->numbered.items[i]);
    }
}
