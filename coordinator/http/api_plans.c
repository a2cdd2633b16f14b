/* Plans: brought and fetched as signed bundles, and looked at before a start. */
#include <string.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/map.h"
#include "common/utc.h"
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"
#include "coordinator/load.h"
#include "proto/select.h"
#include "proto/trust.h"

/* ---- bringing ---- */

/*
 * The plan with everybody who has signed it, as brought or as kept, those that are kept first. A
 * bundle in the store that is damaged counts as none: what is brought takes its place.
 */
static ErrCode merge_kept(const ApiRequest *request, const Bundle *brought, Bundle *ret_merged,
                          size_t *ret_kept, Err *err)
{
    Store *store = shell_store(request->shell);
    Bytes bytes = { 0 };
    Bundle kept = { 0 };
    Err unread = { 0 };
    ErrCode code = store->ops->get_plan(store, brought->hash, request->arena, &bytes, err);
    if (code != ERR_NONE && code != ERR_NOT_FOUND) {
        return code;
    }
    bool is_kept = code == ERR_NONE && bundle_open(bytes, &kept, &unread) == ERR_NONE &&
                   memcmp(kept.hash, brought->hash, PLAN_HASH_BYTES) == 0;
    *ret_kept = is_kept ? kept.signature_count : 0;
    *ret_merged = is_kept ? kept : *brought;
    return bundle_merge(ret_merged, brought, err);
}

/* The engine hears of every plan that is brought: a rollout may miss one that the store has. */
static ErrCode bring(const ApiRequest *request, const Plan *plan, const Bundle *merged, size_t kept,
                     ApiReply *reply, Err *err)
{
    AUTO(Str) signers = { 0 };
    bool is_news = merged->signature_count > kept;
    bundle_write_signers(merged, kept, &signers);
    Event event = { .kind = EVENT_PLAN_BROUGHT,
                    .brought = { .plan = plan,
                                 .plan_hash = merged->hash,
                                 .bundle =
                                     is_news ? bundle_pack(merged, request->arena) : (Bytes){ 0 },
                                 .signers = str_text(&signers),
                                 .actor = request->actor } };
    request->deed->audit.detail =
        audit_text(arena_printf(request->arena, "%s%s%s", plan->name,
                                is_news ? ", newly signed by " : "", str_text(&signers)),
                   AUDIT_DETAIL_MAX, request->arena);
    return api_order(request, &event, kept == 0 ? 201 : 200, reply, err);
}

static void write_brought(const Plan *plan, const Bundle *merged, size_t kept, JsonOut *json)
{
    char hash[2 * PLAN_HASH_BYTES + 1];
    hex_encode(merged->hash, PLAN_HASH_BYTES, hash);
    json_out_object_begin(json, NULL);
    json_out_string(json, "plan", hash);
    json_out_string(json, "name", plan->name);
    view_signers(json, "signers", merged->signatures, merged->signature_count);
    json_out_unsigned(json, "new_signers", merged->signature_count - kept);
    json_out_object_end(json);
}

ErrCode api_plan_put(const ApiRequest *request, ApiReply *reply, Err *err)
{
    uint8_t hash[PLAN_HASH_BYTES];
    SignedPlan brought;
    Bundle merged;
    size_t kept = 0;
    if (api_hash(request->path[0], hash, err) != ERR_NONE ||
        load_bundle(request->body, hash, request->arena, &brought, err) != ERR_NONE ||
        merge_kept(request, &brought.bundle, &merged, &kept, err) != ERR_NONE ||
        bring(request, brought.plan, &merged, kept, reply, err) != ERR_NONE) {
        return err->code;
    }
    JsonOut json = json_out(&reply->body);
    reply->location = arena_printf(request->arena, "/api/v1/plans/%s", request->path[0]);
    write_brought(brought.plan, &merged, kept, &json);
    return ERR_NONE;
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
    reply->octets = bundle;
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
        json_out_string(json, "version", preview->is_read[i] ? target->version : NULL);
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

/* How many of the targets each agent has, as a pointer. */
static Map *count_by_agent(const PlanPreview *preview)
{
    Map *counts = map_new();
    for (size_t i = 0; i < preview->target_count; i++) {
        const char *agent = preview->targets[i].agent;
        uintptr_t count = (uintptr_t)map_get(counts, agent);
        map_put(counts, agent, (void *)(count + 1));
    }
    return counts;
}

/* Who would do the work, and whether they are there. */
static void write_agents(JsonOut *json, const PlanPreview *preview, const Engine *engine)
{
    AUTO_PTR(Map) counts = count_by_agent(preview);
    json_out_array_begin(json, "agents");
    for (size_t i = 0; i < engine_agent_count(engine); i++) {
        const AgentRow *agent = engine_agent_at(engine, i);
        uintptr_t count = (uintptr_t)map_get(counts, agent->name);
        if (count > 0) {
            json_out_object_begin(json, NULL);
            json_out_string(json, "name", agent->name);
            json_out_string(json, "state", session_state_name(agent->state));
            json_out_unsigned(json, "targets", count);
            json_out_object_end(json);
        }
    }
    json_out_array_end(json);
}

/* Who is known to be too old for the plan; others may be, and have not been heard. */
static void write_too_old(JsonOut *json, const PlanPreview *preview, const Engine *engine,
                          uint32_t needs)
{
    AUTO_PTR(Map) counts = count_by_agent(preview);
    for (size_t i = 0; i < engine_agent_count(engine); i++) {
        const AgentRow *agent = engine_agent_at(engine, i);
        uintptr_t count = (uintptr_t)map_get(counts, agent->name);
        if (count == 0 || agent->protocol == 0 || agent->protocol >= needs) {
            continue;
        }
        AUTO(Str) text = { 0 };
        str_printf(&text,
                   "agent %s (skein %s) is too old for this plan and will refuse its %zu target%s: "
                   "it speaks protocol version %u, the plan needs %u; upgrade it first",
                   agent->name, agent->version, (size_t)count, count == 1 ? "" : "s",
                   agent->protocol, needs);
        json_out_string(json, NULL, str_text(&text));
    }
}

/* Agents that want the same of the plan, in the words for it. */
typedef struct Wanting {
    Str names;
    size_t agents;
    size_t targets;
    const char *words;
} Wanting;

typedef LIST(Wanting) Wantings;

#define NAMES_SHOWN 6

static void wantings_done(Wantings *wantings)
{
    LIST_EACH(wanting, wantings) {
        str_done(&wanting->names);
    }
    LIST_DONE(wantings);
}

AUTO_DEFINE(Wantings, wantings_done)

static void wanting_add(Wantings *wantings, const char *words, const char *agent, size_t targets,
                        Arena *arena)
{
    Wanting *same = NULL;
    LIST_EACH(wanting, wantings) {
        same = str_equal(wanting->words, words) ? wanting : same;
    }
    if (same == NULL) {
        Wanting fresh = { .words = arena_strdup(arena, words) };
        LIST_PUSH(wantings, fresh);
        same = &wantings->items[wantings->count - 1];
    }
    if (same->agents++ < NAMES_SHOWN) {
        str_printf(&same->names, "%s%s", same->names.length == 0 ? "" : ", ", agent);
    }
    same->targets += targets;
}

/* Empty: it will take the plan. */
static void write_wanting(const Trust *trust, const SignedPlan *loaded, Str *out)
{
    if (!trust_is_given(trust, &loaded->bundle)) {
        trust_tell(trust, &loaded->bundle, out);
        str_append(out, ". Have the file of `skein plan --out` signed with `skein plan sign`, and "
                        "start that");
    } else if (!trust_takes_end(trust, loaded->plan)) {
        str_append(out, "apply only plans that end (plans_must_expire). Plan it anew with "
                        "`--apply-until TIME`");
    }
}

static void wantings_find(Wantings *wantings, const ApiRequest *request, const PlanPreview *preview,
                          const SignedPlan *loaded)
{
    const Engine *engine = shell_engine(request->shell);
    AUTO_PTR(Map) counts = count_by_agent(preview);
    for (size_t i = 0; i < engine_agent_count(engine); i++) {
        const char *name = engine_agent_at(engine, i)->name;
        uintptr_t targets = (uintptr_t)map_get(counts, name);
        const Trust *trust = engine_agent_trust(engine, name);
        AUTO(Str) words = { 0 };
        if (targets > 0 && trust != NULL) {
            write_wanting(trust, loaded, &words);
        }
        if (words.length > 0) {
            wanting_add(wantings, str_text(&words), name, (size_t)targets, request->arena);
        }
    }
}

/* A start is not refused for it: the signatures may still come, and the agents judge by themselves.
 */
static void write_untaken(JsonOut *json, const ApiRequest *request, const PlanPreview *preview,
                          const SignedPlan *loaded)
{
    AUTO(Wantings) wantings = { 0 };
    wantings_find(&wantings, request, preview, loaded);
    LIST_EACH(wanting, &wantings) {
        AUTO(Str) text = { 0 };
        str_printf(&text, "agent%s %s", wanting->agents == 1 ? "" : "s", str_text(&wanting->names));
        if (wanting->agents > NAMES_SHOWN) {
            str_printf(&text, " and %zu more", wanting->agents - NAMES_SHOWN);
        }
        str_printf(&text, " will refuse this plan at %zu target%s: they %s", wanting->targets,
                   wanting->targets == 1 ? "" : "s", wanting->words);
        json_out_string(json, NULL, str_text(&text));
    }
}

/* Soaks alone, but the last wave's: before they are over its wave does not open. */
static uint64_t soaks_before_last_ms(const PlanStrategy *strategy)
{
    uint64_t sum_ms = 0;
    for (size_t i = 0; i + 1 < strategy->wave_count; i++) {
        sum_ms += strategy->waves[i].soak_ms;
    }
    return sum_ms;
}

/* The rollout would pause for it, which is better known before it starts. */
static void write_short_time(JsonOut *json, const Plan *plan)
{
    int64_t opens_s = clock_wall_s() + (int64_t)(soaks_before_last_ms(&plan->strategy) / 1000);
    if (plan->apply_until_s == 0 || opens_s <= plan->apply_until_s) {
        return;
    }
    AUTO(Str) text = { 0 };
    char until[UTC_TEXT_MAX];
    char opens[UTC_TEXT_MAX];
    utc_format_s(plan->apply_until_s, until);
    utc_format_s(opens_s, opens);
    str_printf(&text,
               "the plan may be applied until %s, and after the soaks of the waves before it the "
               "last one opens at %s at the earliest: the rollout will pause then. Give it a later "
               "end (--apply-until) or shorter soaks",
               until, opens);
    json_out_string(json, NULL, str_text(&text));
}

static void write_left_out(JsonOut *json, const PlanPreview *preview)
{
    AUTO(Str) text = { 0 };
    preview_tell_left_out(preview, &text);
    if (text.length > 0) {
        json_out_string(json, NULL, str_text(&text));
    }
}

/* What nobody would notice in a list of targets: `labels.evn != 'test'` selects them all. */
static void write_warnings(JsonOut *json, const ApiRequest *request, const SignedPlan *loaded,
                           const PlanPreview *preview)
{
    const Plan *plan = loaded->plan;
    AUTO(Str) doubt = { 0 };
    Select *where = NULL;
    Err err = { 0 };
    if (select_parse(plan->where, request->arena, &where, &err) == ERR_NONE) {
        engine_doubt_label(shell_engine(request->shell), where, &doubt);
    }
    json_out_array_begin(json, "warnings");
    if (doubt.length > 0) {
        json_out_string(json, NULL, str_text(&doubt));
    }
    write_left_out(json, preview);
    write_short_time(json, plan);
    write_too_old(json, preview, shell_engine(request->shell), plan_needs(plan));
    write_untaken(json, request, preview, loaded);
    json_out_array_end(json);
}

ErrCode api_plan_preview(const ApiRequest *request, ApiReply *reply, Err *err)
{
    AUTO_PTR(JsonDocument) document = NULL;
    uint8_t hash[PLAN_HASH_BYTES];
    SignedPlan loaded;
    PlanPreview preview = { 0 };
    if (api_body(request, NULL, 0, &document, err) != ERR_NONE ||
        api_hash(request->path[0], hash, err) != ERR_NONE ||
        load_plan(shell_store(request->shell), hash, request->arena, &loaded, err) != ERR_NONE ||
        engine_preview(shell_engine(request->shell), loaded.plan, request->arena, &preview, err) !=
            ERR_NONE) {
        return err->code;
    }
    const PlanStrategy *strategy = &loaded.plan->strategy;
    JsonOut json = json_out(&reply->body);
    json_out_object_begin(&json, NULL);
    write_targets(&json, &preview, strategy);
    write_waves(&json, &preview, strategy);
    write_agents(&json, &preview, shell_engine(request->shell));
    write_warnings(&json, request, &loaded, &preview);
    json_out_unsigned(&json, "max_failures", preview.max_failures);
    json_out_unsigned(&json, "max_parallel", strategy->max_parallel);
    view_signers(&json, "signers", loaded.bundle.signatures, loaded.bundle.signature_count);
    json_out_object_end(&json);
    return ERR_NONE;
}
