/* Plans: brought and fetched as signed bundles, and looked at before a start. */
#include <string.h>

#include "coordinator/http/api.h"
#include "coordinator/load.h"

/* A rollout that waited for this plan goes on with it. */
static ErrCode tell_rollouts(const ApiRequest *request, const Plan *plan, const uint8_t *hash,
                             Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    for (size_t i = 0; i < engine_rollout_count(engine); i++) {
        const RolloutRow *rollout = engine_rollout_at(engine, i);
        if (rollout->pause_cause == PAUSE_PLAN_MISSING &&
            memcmp(rollout->plan_hash, hash, PLAN_HASH_BYTES) == 0) {
            Event event = { .kind = EVENT_PLAN_FOUND, .plan_found = { plan, hash } };
            return shell_request(request->shell, &event, err);
        }
    }
    return ERR_NONE;
}

ErrCode api_plan_put(const ApiRequest *request, ApiReply *reply, Err *err)
{
    Store *store = shell_store(request->shell);
    uint8_t hash[PLAN_HASH_BYTES];
    Plan *plan = NULL;
    Bytes before = { 0 };
    if (api_hash(request->path[0], hash, err) != ERR_NONE ||
        load_bundle(request->body, hash, request->arena, &plan, err) != ERR_NONE) {
        return err->code;
    }
    ErrCode code = store->ops->get_plan(store, hash, request->arena, &before, err);
    reply->status = code == ERR_NOT_FOUND ? 201 : 200;
    if (code == ERR_NOT_FOUND) {
        code = store->ops->put_plan(store, hash, request->body, err);
    }
    if (code == ERR_NONE) {
        code = tell_rollouts(request, plan, hash, err);
    }
    if (code == ERR_NONE) {
        JsonOut json = json_out(&reply->body);
        json_out_object_begin(&json, NULL);
        json_out_string(&json, "plan", request->path[0]);
        json_out_string(&json, "name", plan->name);
        json_out_object_end(&json);
        reply->location = arena_printf(request->arena, "/api/v1/plans/%s", request->path[0]);
    }
    return code;
}

ErrCode api_plan_get(const ApiRequest *request, ApiReply *reply, Err *err)
{
    Store *store = shell_store(request->shell);
    uint8_t hash[PLAN_HASH_BYTES];
    Bytes bundle = { 0 };
    if (api_hash(request->path[0], hash, err) != ERR_NONE ||
        store->ops->get_plan(store, hash, request->arena, &bundle, err) != ERR_NONE) {
        return err->code;
    }
    reply->content_type = "application/octet-stream";
    str_append_bytes(&reply->body, bundle.data, bundle.length);
    return ERR_NONE;
}

/* ---- preview ---- */

static void write_targets(JsonOut *json, const PlanPreview *preview, const PlanStrategy *strategy)
{
    json_out_array_begin(json, "targets");
    for (size_t i = 0; i < preview->target_count; i++) {
        const TargetRow *target = &preview->targets[i];
        json_out_object_begin(json, NULL);
        json_out_string(json, "address", target->address);
        json_out_string(json, "wave",
                        target->wave < strategy->wave_count ? strategy->waves[target->wave].name
                                                            : NULL);
        json_out_string(json, "agent", target->agent);
        json_out_string(json, "version", target->version);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

static void write_waves(JsonOut *json, const PlanPreview *preview, const PlanStrategy *strategy)
{
    json_out_array_begin(json, "waves");
    for (size_t i = 0; i < preview->wave_count && i < strategy->wave_count; i++) {
        json_out_object_begin(json, NULL);
        json_out_string(json, "name", strategy->waves[i].name);
        json_out_unsigned(json, "targets", preview->wave_targets[i]);
        json_out_unsigned(json, "soak_ms", strategy->waves[i].soak_ms);
        json_out_bool(json, "needs_approval", strategy->waves[i].needs_approval);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

ErrCode api_plan_preview(const ApiRequest *request, ApiReply *reply, Err *err)
{
    AUTO_PTR(JsonDocument) document = NULL;
    uint8_t hash[PLAN_HASH_BYTES];
    Plan *plan = NULL;
    PlanPreview preview = { 0 };
    if (api_body(request, NULL, 0, &document, err) != ERR_NONE ||
        api_hash(request->path[0], hash, err) != ERR_NONE ||
        load_plan(shell_store(request->shell), hash, request->arena, &plan, err) != ERR_NONE ||
        engine_preview(shell_engine(request->shell), plan, request->arena, &preview, err) !=
            ERR_NONE) {
        return err->code;
    }
    JsonOut json = json_out(&reply->body);
    json_out_object_begin(&json, NULL);
    write_targets(&json, &preview, &plan->strategy);
    write_waves(&json, &preview, &plan->strategy);
    json_out_unsigned(&json, "max_failures", preview.max_failures);
    json_out_unsigned(&json, "max_parallel", plan->strategy.max_parallel);
    json_out_object_end(&json);
    return ERR_NONE;
}
