/* Views: what the shell and the API read of the engine, between steps. */
#include "coordinator/engine/state.h"

size_t engine_agent_count(const Engine *engine)
{
    return engine->agents.count;
}

const AgentRow *engine_agent_at(const Engine *engine, size_t index)
{
    return &engine->agents.items[index]->row;
}

const AgentRow *engine_agent_find(const Engine *engine, const char *name)
{
    const Agent *agent = agent_find(engine, name);
    return agent == NULL ? NULL : &agent->row;
}

const Trust *engine_agent_trust(const Engine *engine, const char *name)
{
    const Agent *agent = agent_find(engine, name);
    return agent == NULL || agent->trust.required == 0 ? NULL : &agent->trust;
}

size_t engine_inventory_count(const Engine *engine)
{
    return engine->items.count;
}

const InventoryRow *engine_inventory_at(const Engine *engine, size_t index)
{
    return &engine->items.items[index]->row;
}

size_t engine_rollout_count(const Engine *engine)
{
    return engine->rollouts.count;
}

const RolloutRow *engine_rollout_at(const Engine *engine, size_t index)
{
    return &engine->rollouts.items[index]->row;
}

const RolloutRow *engine_rollout_find(const Engine *engine, const char *id)
{
    const Rollout *rollout = rollout_find(engine, id);
    return rollout == NULL ? NULL : &rollout->row;
}

size_t engine_wave_count(const Engine *engine, const char *rollout)
{
    const Rollout *found = rollout_find(engine, rollout);
    return found == NULL ? 0 : found->wave_count;
}

const WaveRow *engine_wave_at(const Engine *engine, const char *rollout, size_t index)
{
    const Rollout *found = rollout_find(engine, rollout);
    return found == NULL || index >= found->wave_count ? NULL : &found->waves[index].row;
}

uint32_t engine_soak_left_ms(const Engine *engine, const char *rollout, size_t index,
                             uint64_t now_ms)
{
    const Rollout *found = rollout_find(engine, rollout);
    if (found == NULL || index >= found->wave_count) {
        return 0;
    }
    const Wave *wave = &found->waves[index];
    if (wave->soak_until_ms == 0) {
        return wave->row.soak_left_ms; /* not begun, over, or standing still in a pause */
    }
    return wave->soak_until_ms > now_ms ? (uint32_t)(wave->soak_until_ms - now_ms) : 0;
}

size_t engine_target_count(const Engine *engine, const char *rollout)
{
    const Rollout *found = rollout_find(engine, rollout);
    return found == NULL ? 0 : found->target_count;
}

const TargetRow *engine_target_at(const Engine *engine, const char *rollout, size_t index)
{
    const Rollout *found = rollout_find(engine, rollout);
    return found == NULL || index >= found->target_count ? NULL : &found->targets[index].row;
}

const TargetRow *engine_target_find(const Engine *engine, const char *rollout, const char *address)
{
    const Rollout *found = rollout_find(engine, rollout);
    const Target *target = found == NULL ? NULL : target_find(found, address);
    return target == NULL ? NULL : &target->row;
}

const Progress *engine_target_progress(const Engine *engine, const char *rollout,
                                       const char *address)
{
    const Rollout *found = rollout_find(engine, rollout);
    const Target *target = found == NULL ? NULL : target_find(found, address);
    return target == NULL || !target->has_progress ? NULL : &target->progress;
}

void engine_count(const Engine *engine, const char *rollout, uint32_t wave,
                  TargetCounts *ret_counts)
{
    const Rollout *found = rollout_find(engine, rollout);
    *ret_counts = (TargetCounts){ 0 };
    if (found != NULL && wave == UINT32_MAX) {
        *ret_counts = found->counts;
    } else if (found != NULL && wave < found->wave_count) {
        *ret_counts = found->waves[wave].counts;
    }
}

ErrCode engine_preview(const Engine *engine, const Plan *plan, Arena *arena,
                       PlanPreview *ret_preview, Err *err)
{
    ErrCode code = start_check_plan(engine, plan, err);
    return code == ERR_NONE ? selection_make(engine, plan, arena, ret_preview, err) : code;
}
