/* Reads the store once, and hands the engine what it needs to go on. */
#include "coordinator/load.h"

#include <string.h>

#include "common/log.h"
#include "common/str.h"

ErrCode load_bundle(Bytes bytes, const uint8_t hash[PLAN_HASH_BYTES], Arena *arena,
                    SignedPlan *ret_plan, Err *err)
{
    SignedPlan loaded = { 0 };
    ErrCode code = bundle_open(bytes, &loaded.bundle, err);
    if (code == ERR_NONE && memcmp(loaded.bundle.hash, hash, PLAN_HASH_BYTES) != 0) {
        char text[2 * PLAN_HASH_BYTES + 1];
        hex_encode(loaded.bundle.hash, PLAN_HASH_BYTES, text);
        code = err_set(err, ERR_CHECKSUM, "the bundle's hash is %s", text);
    }
    if (code == ERR_NONE) {
        code = plan_decode(loaded.bundle.canonical, arena, &loaded.plan, err);
    }
    if (code == ERR_NONE) {
        *ret_plan = loaded;
    }
    return code;
}

ErrCode load_plan(Store *store, const uint8_t hash[PLAN_HASH_BYTES], Arena *arena,
                  SignedPlan *ret_plan, Err *err)
{
    Bytes bytes = { 0 };
    ErrCode code = store->ops->get_plan(store, hash, arena, &bytes, err);
    return code == ERR_NONE ? load_bundle(bytes, hash, arena, ret_plan, err) : code;
}

/* Several rollouts may have one plan: it is read once. */
static const Plan *plan_of(Store *store, const StoreContents *contents, const Plan *const *plans,
                           size_t index, Arena *arena)
{
    const RolloutRow *rollout = &contents->rollouts[index];
    if (rollout->state == ROLLOUT_ROLLED_BACK) {
        return NULL; /* final: nothing can be done with it any more */
    }
    for (size_t i = 0; i < index; i++) {
        if (plans[i] != NULL &&
            memcmp(contents->rollouts[i].plan_hash, rollout->plan_hash, PLAN_HASH_BYTES) == 0) {
            return plans[i];
        }
    }
    SignedPlan loaded;
    Err err = { 0 };
    if (load_plan(store, rollout->plan_hash, arena, &loaded, &err) != ERR_NONE) {
        log_error("cannot read the plan of a rollout", LOG_STR("rollout", rollout->id),
                  LOG_ERR(&err));
        return NULL;
    }
    return loaded.plan;
}

EngineLoad load_of_contents(const StoreContents *contents, uint64_t term, const Plan *const *plans)
{
    return (EngineLoad){ .term = term,
                         .highest_token = contents->highest_token,
                         .agents = contents->agents,
                         .agent_count = contents->agent_count,
                         .inventory = contents->inventory,
                         .inventory_count = contents->inventory_count,
                         .rollouts = contents->rollouts,
                         .plans = plans,
                         .rollout_count = contents->rollout_count,
                         .waves = contents->waves,
                         .wave_count = contents->wave_count,
                         .targets = contents->targets,
                         .target_count = contents->target_count,
                         .baselines = contents->baselines,
                         .baseline_count = contents->baseline_count };
}

ErrCode load_engine(Store *store, const EngineConfig *config, uint64_t term_seen, uint64_t now_ms,
                    Engine **ret_engine, uint64_t *ret_term, Err *err)
{
    AUTO(Arena) arena = { 0 };
    StoreContents contents = { 0 };
    uint64_t term = 0;
    if (engine_check_rules(err) != ERR_NONE ||
        store->ops->take_term(store, term_seen, &term, err) != ERR_NONE ||
        store->ops->load(store, &arena, &contents, err) != ERR_NONE) {
        return err->code;
    }
    const Plan **plans = ARENA_ARRAY(&arena, const Plan *, contents.rollout_count);
    for (size_t i = 0; i < contents.rollout_count; i++) {
        plans[i] = plan_of(store, &contents, plans, i, &arena);
    }
    const EngineLoad load = load_of_contents(&contents, term, plans);
    if (engine_load_check(&load, err) != ERR_NONE) {
        err_wrap(err, "the store's rows do not fit together");
        return err_hint(err,
                        "restore the store from a backup, or move it away and start anew: what "
                        "the databases know of their rollouts is found again");
    }
    *ret_engine = engine_new(config, now_ms, &load);
    *ret_term = term;
    return ERR_NONE;
}
