/*
 * The invariants of gates. What agents have told of their servers is kept here once more, sample by
 * sample as it was taken, and held against what the engine makes of it: which waves open and pass,
 * what trips, what goes on.
 */
#include <inttypes.h>

#include "tests/sim/invariants_internal.h"

#define STALE_MS (METRIC_STALE_INTERVALS * (uint64_t)SIM_SAMPLE_MS)

/* --- samples --- */

static ShadowServer *server_shadow(Invariants *invariants, const char *agent, const char *instance)
{
    for (size_t i = 0; i < invariants->servers.count; i++) {
        ShadowServer *server = &invariants->servers.items[i];
        if (str_equal(server->agent, agent) && str_equal(server->instance, instance)) {
            return server;
        }
    }
    LIST_PUSH(&invariants->servers, (ShadowServer){ 0 });
    ShadowServer *server = &invariants->servers.items[invariants->servers.count - 1];
    str_copy(server->agent, sizeof(server->agent), agent);
    str_copy(server->instance, sizeof(server->instance), instance);
    return server;
}

static void sample_note(ShadowServer *server, const Event *event)
{
    for (size_t i = SHADOW_SAMPLES - 1; i > 0; i--) {
        server->samples[i] = server->samples[i - 1];
    }
    ShadowSample *sample = &server->samples[0];
    *sample = (ShadowSample){ .came_ms = event->now_ms, .session = event->session };
    for (size_t i = 0; i < event->health->reading_count; i++) {
        sample->readings[event->health->readings[i].metric] = event->health->readings[i];
    }
    server->count += server->count < SHADOW_SAMPLES ? 1 : 0;
}

/* --- gates --- */

static bool is_serving(const TargetRow *row, const ShadowServer *server, size_t wave)
{
    return row->wave <= wave && row->state != TARGET_SKIPPED &&
           str_equal(row->agent, server->agent) && str_equal(row->instance, server->instance);
}

static bool is_concerned(const Engine *engine, const char *rollout, const ShadowServer *server,
                         size_t wave)
{
    for (size_t i = 0; i < engine_target_count(engine, rollout); i++) {
        if (is_serving(engine_target_at(engine, rollout, i), server, wave)) {
            return true;
        }
    }
    return false;
}

/* The wave that the rollout is at; SIZE_MAX: all are through. */
static size_t present_wave(const Engine *engine, const char *rollout)
{
    for (size_t i = 0; i < engine_wave_count(engine, rollout); i++) {
        if (engine_wave_at(engine, rollout, i)->state != WAVE_PASSED) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* 0: nothing to hold a value against. */
static bool limit_of(const Engine *engine, const char *rollout, size_t wave, const PlanGate *gate,
                     uint32_t number, const char *instance, uint64_t *ret_limit)
{
    const BaselineRow *row = engine_baseline_find(engine, rollout, wave, number, instance);
    if (gate->is_relative && row == NULL) {
        return false;
    }
    *ret_limit = gate_limit(gate, row == NULL ? 0 : row->value);
    return true;
}

/* In a row: as many as there may be, and as many as there are at the least. */
static ShadowRun *run_shadow(Invariants *invariants, const char *rollout, uint32_t gate,
                             const ShadowServer *server)
{
    for (size_t i = 0; i < invariants->runs.count; i++) {
        ShadowRun *run = &invariants->runs.items[i];
        if (run->gate == gate && str_equal(run->rollout, rollout) &&
            str_equal(run->agent, server->agent) && str_equal(run->instance, server->instance)) {
            return run;
        }
    }
    LIST_PUSH(&invariants->runs, ((ShadowRun){ .gate = gate }));
    ShadowRun *run = &invariants->runs.items[invariants->runs.count - 1];
    str_copy(run->rollout, sizeof(run->rollout), rollout);
    str_copy(run->agent, sizeof(run->agent), server->agent);
    str_copy(run->instance, sizeof(run->instance), server->instance);
    return run;
}

/* NULL: all of them. */
static void runs_end(Invariants *invariants, const char *rollout, const char *agent, bool is_sure)
{
    for (size_t i = 0; i < invariants->runs.count; i++) {
        ShadowRun *run = &invariants->runs.items[i];
        if ((rollout == NULL || str_equal(run->rollout, rollout)) &&
            (agent == NULL || str_equal(run->agent, agent))) {
            run->least = 0;
            run->most = is_sure ? 0 : run->most;
        }
    }
}

static void run_note(Invariants *invariants, const Engine *engine, const ShadowRollout *rollout,
                     uint32_t number, const ShadowServer *server)
{
    const PlanGate *gate = &rollout->plan->strategy.gates[number];
    const HealthReading *reading = &server->samples[0].readings[gate->metric];
    ShadowRun *run = run_shadow(invariants, rollout->id, number, server);
    uint64_t limit = 0;
    bool has_limit = limit_of(engine, rollout->id, present_wave(engine, rollout->id), gate, number,
                              server->instance, &limit);
    bool is_late =
        server->count > 1 && (server->samples[0].came_ms - server->samples[1].came_ms > STALE_MS ||
                              server->samples[0].session != server->samples[1].session);
    bool is_bad = has_limit && reading->absence == METRIC_PRESENT &&
                  !gate_is_within(gate, reading->value, limit);
    run->most = is_bad ? run->most + 1 : 0;
    run->least = !is_bad ? 0 : is_late ? 1 : run->least + 1;
}

static bool has_gates(const ShadowRollout *rollout)
{
    return rollout->plan != NULL && rollout->is_known && rollout->plan->strategy.gate_count > 0;
}

void invariants_gates_hear(Invariants *invariants, const Engine *engine, const Event *event)
{
    if (event->deaf_ms != invariants->deaf_ms) {
        invariants->deaf_ms = event->deaf_ms;
        invariants->hears_ms = event->now_ms;
        runs_end(invariants, NULL, NULL, false);
    }
    if (event->kind != EVENT_HEALTH || invariants->is_stale || invariants->is_garbled) {
        return;
    }
    ShadowServer *server = server_shadow(invariants, event->agent, event->health->instance);
    sample_note(server, event);
    for (size_t i = 0; i < invariants->rollouts.count; i++) {
        const ShadowRollout *rollout = &invariants->rollouts.items[i];
        for (uint32_t j = 0; has_gates(rollout) && j < rollout->plan->strategy.gate_count; j++) {
            run_note(invariants, engine, rollout, j, server);
        }
    }
}

/* --- what opens, and what passes --- */

/* What is wrong with the newest word of this server; NULL: nothing. */
static const char *fault_of(const Invariants *invariants, const Engine *engine, const Event *event,
                            const WaveRow *wave, const PlanGate *gate, uint32_t number,
                            const ShadowServer *server)
{
    const ShadowSample *sample = &server->samples[0];
    const HealthReading *reading = &sample->readings[gate->metric];
    const AgentRow *agent = engine_agent_find(engine, server->agent);
    uint64_t limit = 0;
    if (server->count == 0 || event->now_ms - sample->came_ms > STALE_MS ||
        sample->came_ms < invariants->hears_ms) {
        return "its newest sample is no news";
    }
    if (agent == NULL || agent->state != SESSION_ACTIVE) {
        return "its agent is not there";
    }
    if (reading->absence == METRIC_NOTHING) {
        return NULL;
    }
    if (reading->absence != METRIC_PRESENT) {
        return "nobody could measure it";
    }
    if (!limit_of(engine, wave->rollout, wave->index, gate, number, server->instance, &limit)) {
        return "there is no baseline";
    }
    return gate_is_within(gate, reading->value, limit) ? NULL : "its newest sample is bad";
}

static void check_holds(Invariants *invariants, const Engine *engine, const Event *event,
                        const ShadowRollout *rollout, const WaveRow *wave, const char *invariant)
{
    for (size_t i = 0; i < engine_target_count(engine, rollout->id); i++) {
        const TargetRow *row = engine_target_at(engine, rollout->id, i);
        ShadowServer *server = server_shadow(invariants, row->agent, row->instance);
        for (uint32_t j = 0;
             is_serving(row, server, wave->index) && j < rollout->plan->strategy.gate_count; j++) {
            const PlanGate *gate = &rollout->plan->strategy.gates[j];
            const char *fault = fault_of(invariants, engine, event, wave, gate, j, server);
            if (fault != NULL) {
                world_violate(invariants->world, invariant, "%s of %s, gate %u on %s: %s",
                              wave->name, rollout->id, j, row->instance, fault);
            }
        }
    }
}

static void take_wave(Invariants *invariants, const Engine *engine, const Event *event,
                      const EventRow *change)
{
    const ShadowRollout *rollout = invariants_rollout(invariants, change->rollout);
    const WaveRow *wave = NULL;
    for (size_t i = 0; i < engine_wave_count(engine, change->rollout); i++) {
        const WaveRow *row = engine_wave_at(engine, change->rollout, i);
        wave = str_equal(row->name, change->wave) ? row : wave;
    }
    if (wave == NULL || !has_gates(rollout)) {
        return;
    }
    bool was_closed = str_equal(change->old_state, "waiting") ||
                      str_equal(change->old_state, "gated") ||
                      str_equal(change->old_state, "rolled_back");
    if (str_equal(change->rule, "W38") || str_equal(change->rule, "W42")) {
        world_saw(invariants->world, SIGHT_GATE_HOLDS_BACK);
    }
    if (was_closed && str_equal(change->new_state, "running")) {
        check_holds(invariants, engine, event, rollout, wave, "a wave opens when its gates hold");
        runs_end(invariants, rollout->id, NULL, true);
    }
    if (str_equal(change->old_state, "soaking") && str_equal(change->new_state, "passed")) {
        world_saw(invariants->world, SIGHT_GATE_PASSED);
        check_holds(invariants, engine, event, rollout, wave, "no wave passes but by its gates");
    }
}

/* --- what trips, and what goes on --- */

static void check_trip(Invariants *invariants, const char *id)
{
    const ShadowRollout *rollout = invariants_rollout(invariants, id);
    world_saw(invariants->world, SIGHT_GATE_FAILED);
    for (size_t i = 0; has_gates(rollout) && i < invariants->runs.count; i++) {
        const ShadowRun *run = &invariants->runs.items[i];
        if (str_equal(run->rollout, id) &&
            run->most >= rollout->plan->strategy.gates[run->gate].failures) {
            return;
        }
    }
    world_violate(invariants->world, "no gate fails by fewer samples than it says", "%s", id);
}

/* Enough in a row, and the wave goes on all the same. */
static void check_answered(Invariants *invariants, const Engine *engine)
{
    for (size_t i = 0; i < invariants->runs.count; i++) {
        const ShadowRun *run = &invariants->runs.items[i];
        const ShadowRollout *rollout = invariants_rollout(invariants, run->rollout);
        const RolloutRow *row = engine_rollout_find(engine, run->rollout);
        size_t index = row == NULL ? SIZE_MAX : present_wave(engine, run->rollout);
        if (!has_gates(rollout) || index == SIZE_MAX || row->state != ROLLOUT_RUNNING ||
            run->least < rollout->plan->strategy.gates[run->gate].failures) {
            continue;
        }
        WaveState state = engine_wave_at(engine, run->rollout, index)->state;
        ShadowServer *server = server_shadow(invariants, run->agent, run->instance);
        if ((state == WAVE_RUNNING || state == WAVE_SOAKING) &&
            is_concerned(engine, run->rollout, server, index)) {
            world_violate(invariants->world, "a failed gate is answered",
                          "%s goes on, with %u bad samples of %s in a row", run->rollout,
                          run->least, run->instance);
        }
    }
}

static void check_baseline(Invariants *invariants, const Engine *engine, const BaselineRow *row)
{
    const ShadowRollout *rollout = invariants_rollout(invariants, row->rollout);
    world_saw(invariants->world, SIGHT_BASELINE);
    for (size_t i = 0; i < invariants->servers.count; i++) {
        const ShadowServer *server = &invariants->servers.items[i];
        uint32_t below = 0;
        uint32_t above = 0;
        for (size_t j = 0; str_equal(server->instance, row->instance) && j < server->count; j++) {
            uint32_t metric = rollout->plan->strategy.gates[row->gate].metric;
            const HealthReading *reading = &server->samples[j].readings[metric];
            below += reading->absence == METRIC_PRESENT && reading->value <= row->value;
            above += reading->absence == METRIC_PRESENT && reading->value >= row->value;
        }
        if (below > 0 && above > 0 && below + above >= BASELINE_SAMPLES_MIN) {
            return;
        }
    }
    (void)engine;
    world_violate(invariants->world, "a baseline is what was measured", "%s of %s: %" PRIu64,
                  row->instance, row->rollout, row->value);
}

static void take_effect(Invariants *invariants, const Engine *engine, const Event *event,
                        const Effect *effect)
{
    if (effect->kind == EFFECT_PERSIST_BASELINE) {
        check_baseline(invariants, engine, effect->baseline);
    }
    if (effect->kind == EFFECT_PERSIST_AGENT && effect->agent->state != SESSION_ACTIVE) {
        runs_end(invariants, NULL, effect->agent->name, false);
    }
    if (effect->kind != EFFECT_PUBLISH_EVENT) {
        return;
    }
    const char *rule = effect->event->rule;
    if (str_equal(rule, "R62") || str_equal(rule, "R63") || str_equal(rule, "R64")) {
        check_trip(invariants, effect->event->rollout);
    } else if (str_equal(rule, "R36") || str_equal(rule, "R37")) { /* resumed */
        runs_end(invariants, effect->event->rollout, NULL, true);
    } else if (str_equal(rule, "R65")) {
        world_saw(invariants->world, SIGHT_GATE_UNSURE);
    } else if (rule[0] == 'W') {
        take_wave(invariants, engine, event, effect->event);
    }
}

void invariants_gates_judge(Invariants *invariants, const Engine *engine, const Event *event,
                            const Effects *effects, size_t from)
{
    for (size_t i = from; i < effects->list.count; i++) {
        take_effect(invariants, engine, event, &effects->list.items[i]);
    }
    if (event->kind == EVENT_HEALTH && !invariants->was_recovering &&
        !engine_is_recovering(engine)) {
        check_answered(invariants, engine);
    }
}

void invariants_gates_forget(Invariants *invariants)
{
    LIST_CLEAR(&invariants->servers);
    LIST_CLEAR(&invariants->runs);
    invariants->deaf_ms = 0;
    invariants->hears_ms = 0;
}
