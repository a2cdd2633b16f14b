/*
 * Effects: collecting what a step asks of the world. Rows are marked while a step runs and copied
 * once, at its end.
 */
#include <stdlib.h>

#include "coordinator/engine/state.h"

void effects_done(Effects *effects)
{
    arena_done(&effects->arena);
    LIST_DONE(&effects->list);
}

void effects_add(Effects *effects, Effect effect)
{
    LIST_PUSH(&effects->list, effect);
}

void engine_send(Engine *engine, const Binding *to, MessageType type, const void *body)
{
    SendEffect send = { .connection = to->connection,
                        .session = to->session,
                        .protocol = to->protocol,
                        .type = type,
                        .body = body };
    effects_add(engine->out, (Effect){ .kind = EFFECT_SEND, .send = send });
}

#define TOUCH(list, thing)                                                                         \
    do {                                                                                           \
        if (!(thing)->is_dirty) {                                                                  \
            (thing)->is_dirty = true;                                                              \
            LIST_PUSH(&(thing)->engine->list, (thing));                                            \
        }                                                                                          \
    } while (0)

void agent_touch(Agent *agent)
{
    TOUCH(dirty_agents, agent);
}

void item_touch(Item *item)
{
    TOUCH(dirty_items, item);
}

void rollout_touch(Rollout *rollout)
{
    rollout->row.changed_at_ms = rollout->engine->wall_ms;
    rollout->is_stale = true;
    TOUCH(dirty_rollouts, rollout);
}

void wave_touch(Wave *wave)
{
    wave->row.changed_at_ms = wave->engine->wall_ms;
    wave->rollout->is_stale = true;
    TOUCH(dirty_waves, wave);
}

void target_touch(Target *target)
{
    target->row.changed_at_ms = target->engine->wall_ms;
    target->rollout->is_stale = true;
    TOUCH(dirty_targets, target);
}

/* Marked rows of one kind become effects: `member` is where an Effect points at them. */
#define FLUSH(list_name, row_kind, effect_kind, member)                                            \
    do {                                                                                           \
        for (size_t i_ = 0; i_ < engine->list_name.count; i_++) {                                  \
            engine->list_name.items[i_]->is_dirty = false;                                         \
            const void *copy_ =                                                                    \
                row_snapshot((row_kind), &engine->list_name.items[i_]->row, &engine->out->arena);  \
            effects_add(engine->out, (Effect){ .kind = (effect_kind), .member = copy_ });          \
        }                                                                                          \
        LIST_CLEAR(&engine->list_name);                                                            \
    } while (0)

/* Targets in their order: a store that keeps the order of insertion has the order of the waves. */
static int target_order(const void *a, const void *b)
{
    const Target *left = *(Target *const *)a;
    const Target *right = *(Target *const *)b;
    if (left->rollout != right->rollout) {
        return left->rollout->number < right->rollout->number ? -1 : 1;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

void engine_flush(Engine *engine)
{
    if (engine->dirty_agents.count + engine->dirty_items.count + engine->dirty_rollouts.count +
            engine->dirty_waves.count + engine->dirty_targets.count >
        0) {
        engine->written_ms = engine->now_ms;
    }
    FLUSH(dirty_agents, ROW_AGENT, EFFECT_PERSIST_AGENT, agent);
    FLUSH(dirty_items, ROW_INVENTORY, EFFECT_PERSIST_INVENTORY, inventory);
    FLUSH(dirty_rollouts, ROW_ROLLOUT, EFFECT_PERSIST_ROLLOUT, rollout);
    FLUSH(dirty_waves, ROW_WAVE, EFFECT_PERSIST_WAVE, wave);
    if (engine->dirty_targets.count > 1) {
        qsort(engine->dirty_targets.items, engine->dirty_targets.count, sizeof(Target *),
              target_order);
    }
    FLUSH(dirty_targets, ROW_TARGET, EFFECT_PERSIST_TARGET, target);
}
