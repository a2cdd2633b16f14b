/*
 * Retiring: what has ended long ago leaves the engine and the store, so that both stay as small as
 * the fleet's present, however long they live.
 *
 * A rollout is kept, however old, while it is open, while an agent has an order of it in hand, and
 * while a database names it as the one of its newest migrations: then it may still be rolled back.
 * One rollout at a time: whoever asks asks again.
 */
#include "coordinator/engine/state.h"

/* The ids that databases name. */
static Map *named_rollouts(const Engine *engine)
{
    static char yes;
    Map *named = map_new();
    for (size_t i = 0; i < engine->items.count; i++) {
        const InventoryRow *row = &engine->items.items[i]->row;
        if (row->rollout[0] != '\0' && !row->is_gone) {
            map_put(named, row->rollout, &yes);
        }
    }
    return named;
}

/* Dirty: this very step has to do with it. */
static bool is_at_rest(const Rollout *rollout)
{
    bool is_needed = rollout->is_dirty;
    for (size_t i = 0; i < rollout->wave_count; i++) {
        is_needed |= rollout->waves[i].is_dirty;
    }
    for (size_t i = 0; !is_needed && i < rollout->target_count; i++) {
        const Target *target = &rollout->targets[i];
        is_needed = target->is_dirty || order_is_in_hand(target);
    }
    return !is_needed;
}

static Rollout *first_to_go(const Engine *engine, int64_t before_ms)
{
    AUTO_PTR(Map) named = named_rollouts(engine);
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        bool is_over =
            !rollout_is_open(rollout->row.state) && rollout->row.changed_at_ms < before_ms;
        if (is_over && map_get(named, rollout->row.id) == NULL && is_at_rest(rollout)) {
            return rollout;
        }
    }
    return NULL;
}

/* The event is of no rollout: those of this one go with it. */
static void forget(Rollout *rollout)
{
    Engine *engine = rollout->engine;
    AUTO(Str) text = { 0 };
    str_printf(&text, "rollout %s (%s) is forgotten: it ended long ago (%s)", rollout->row.id,
               rollout->row.name, rollout_state_name(rollout->row.state));
    event_tell((Place){ .engine = engine }, "E09", ERR_NONE, str_text(&text));
    effects_add(engine->out, (Effect){ .kind = EFFECT_FORGET_ROLLOUT,
                                       .rollout = row_snapshot(ROW_ROLLOUT, &rollout->row,
                                                               &engine->out->arena) });
    rollout_forget(rollout);
}

void retire_run(Engine *engine, const Ages *ages)
{
    Rollout *rollout = first_to_go(engine, ages->rollouts_ms);
    if (rollout != NULL) {
        forget(rollout);
    }
    effects_add(engine->out,
                (Effect){ .kind = EFFECT_FORGET_OLD,
                          .ages = arena_memdup(&engine->out->arena, ages, sizeof(*ages)) });
}
