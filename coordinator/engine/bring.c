/*
 * A plan that a person brings: persisted as it is, told with those who signed it, and given to the
 * rollouts that miss it.
 */
#include <string.h>

#include "coordinator/engine/state.h"

static void persist(Engine *engine, const BroughtPlan *brought)
{
    Arena *arena = &engine->out->arena;
    PlanRow *row = ARENA_NEW(arena, PlanRow);
    Bytes bundle = brought->bundle;
    memcpy(row->hash, brought->plan_hash, PLAN_HASH_BYTES);
    row->kept_at_ms = engine->wall_ms;
    row->bundle = (Bytes){ arena_memdup(arena, bundle.data, bundle.length), bundle.length };
    effects_add(engine->out, (Effect){ .kind = EFFECT_PERSIST_PLAN, .plan = row });
}

static bool is_of(const Rollout *rollout, const uint8_t *plan_hash)
{
    return memcmp(rollout->row.plan_hash, plan_hash, PLAN_HASH_BYTES) == 0;
}

static bool wants_to_know(const Rollout *rollout)
{
    return rollout_is_open(rollout->row.state) || rollout->row.state == ROLLOUT_FOUND;
}

static void tell_signers(Engine *engine, Rollout *rollout)
{
    event_note((Place){ .engine = engine, .rollout = rollout }, "E06", ERR_NONE,
               "{actor} brings plan {plan}, signed by {signers}");
}

/* Where it matters: among the events of each open rollout of this plan. */
static void tell_all_signers(Engine *engine, const BroughtPlan *brought)
{
    bool is_told = false;
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        if (wants_to_know(rollout) && is_of(rollout, brought->plan_hash)) {
            tell_signers(engine, rollout);
            is_told = true;
        }
    }
    if (!is_told) {
        tell_signers(engine, NULL);
    }
}

static void give(Engine *engine, const BroughtPlan *brought)
{
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        if (rollout->has_plan || !is_of(rollout, brought->plan_hash)) {
            continue;
        }
        if (rollout->row.state == ROLLOUT_FOUND) {
            found_take_plan(rollout, brought->plan);
        } else {
            rollout_take_plan(rollout, brought->plan);
            rollout_fire(rollout, ROLLOUT_PLAN_BACK);
        }
    }
}

void bring_run(Engine *engine, const BroughtPlan *brought)
{
    engine->brought = brought;
    if (brought->bundle.length > 0) {
        persist(engine, brought);
    }
    if (brought->signers[0] != '\0') {
        tell_all_signers(engine, brought);
    }
    give(engine, brought);
    engine->brought = NULL;
}
