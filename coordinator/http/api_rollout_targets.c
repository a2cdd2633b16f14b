/* The targets of a rollout, one by one and as clusters of their errors. */
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "common/map.h"
#include "coordinator/http/api.h"
#include "coordinator/http/cause.h"
#include "coordinator/http/views.h"

#define CLUSTER_ADDRESSES 10

/* ---- the list ---- */

static ErrCode check_target_state(const char *wanted, Err *err)
{
    const char *names[TARGET_STATE_COUNT_];
    size_t count = 0;
    for (unsigned state = 1; state < TARGET_STATE_COUNT_; state++) {
        names[count++] = target_state_name((TargetState)state);
    }
    return api_check_state("target", wanted, names, count, err);
}

/* UINT32_MAX: of all waves. */
static ErrCode find_wave(const Engine *engine, const char *rollout, const char *name, uint32_t *ret,
                         Err *err)
{
    *ret = UINT32_MAX;
    for (size_t i = 0; name != NULL && i < engine_wave_count(engine, rollout); i++) {
        const WaveRow *wave = engine_wave_at(engine, rollout, i);
        if (str_equal(wave->name, name)) {
            *ret = wave->index;
        }
    }
    if (name != NULL && *ret == UINT32_MAX) {
        return err_set(err, ERR_NOT_FOUND, "rollout %s has no wave '%s'", rollout, name);
    }
    return ERR_NONE;
}

/* COMMAND_NONE: whether they failed does not matter. */
static ErrCode find_verb(const char *name, CommandVerb *ret, Err *err)
{
    static const struct {
        const char *name;
        CommandVerb verb;
    } VERBS[] = { { "retry", COMMAND_RETRY }, { "skip", COMMAND_SKIP } };
    *ret = COMMAND_NONE;
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(VERBS); i++) {
        *ret = str_equal(name, VERBS[i].name) ? VERBS[i].verb : *ret;
    }
    if (name != NULL && *ret == COMMAND_NONE) {
        err_set(err, ERR_USAGE, "'%s' is nothing that is done to failed targets", name);
        return err_hint(err, "failed_for=retry or failed_for=skip");
    }
    return ERR_NONE;
}

/* Which of a rollout's targets are asked for. */
typedef struct TargetFilter {
    const char *rollout;
    const char *state; /* NULL: any */
    uint32_t wave;     /* UINT32_MAX: any */
    CommandVerb failed_for;
} TargetFilter;

static ErrCode filter_read(const ApiRequest *request, TargetFilter *filter, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    const RolloutRow *rollout = NULL;
    const char *wave = request->query(request->query_ctx, "wave");
    const char *failed_for = request->query(request->query_ctx, "failed_for");
    filter->state = request->query(request->query_ctx, "state");
    ErrCode code = api_rollout(request, request->path[0], &rollout, err);
    if (code == ERR_NONE) {
        filter->rollout = rollout->id;
        code = check_target_state(filter->state, err);
    }
    if (code == ERR_NONE) {
        code = find_wave(engine, rollout->id, wave, &filter->wave, err);
    }
    return code == ERR_NONE ? find_verb(failed_for, &filter->failed_for, err) : code;
}

static bool filter_wants(const TargetFilter *filter, const Engine *engine, size_t index)
{
    const TargetRow *target = engine_target_at(engine, filter->rollout, index);
    return (filter->state == NULL || str_equal(filter->state, target_state_name(target->state))) &&
           (filter->wave == UINT32_MAX || filter->wave == target->wave) &&
           (filter->failed_for == COMMAND_NONE ||
            engine_target_is_failed_for(engine, filter->rollout, index, filter->failed_for));
}

ErrCode api_rollout_targets(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    TargetFilter filter;
    Page page;
    ErrCode code = filter_read(request, &filter, err);
    if (code == ERR_NONE) {
        code = page_begin(&page, request, false, reply, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    for (size_t i = 0; i < engine_target_count(engine, filter.rollout) && !page.has_more; i++) {
        const TargetRow *target = engine_target_at(engine, filter.rollout, i);
        if (page_wants(&page, target->address, filter_wants(&filter, engine, i))) {
            view_rollout_target(&page.json, NULL, engine, target);
        }
    }
    return page_end(&page, err);
}

/* ---- clusters ---- */

/* Targets that failed alike (cause.h); the first one's words. */
typedef struct Cluster {
    const TargetRow *first;
    const char *addresses[CLUSTER_ADDRESSES];
    size_t count;
    bool needs_somebody; /* one of them is neither back nor out of the rollout */
} Cluster;

typedef LIST(Cluster *) ClusterList;

static void add_to_cluster(Map *by_key, ClusterList *clusters, const TargetRow *target,
                           Arena *arena)
{
    const char *key = cause_key(target, arena);
    Cluster *cluster = map_get(by_key, key);
    if (cluster == NULL) {
        cluster = ARENA_NEW(arena, Cluster);
        cluster->first = target;
        map_put(by_key, key, cluster);
        LIST_PUSH(clusters, cluster);
    }
    if (cluster->count < CLUSTER_ADDRESSES) {
        cluster->addresses[cluster->count] = target->address;
    }
    cluster->count++;
    cluster->needs_somebody |=
        target->state != TARGET_ROLLED_BACK && target->state != TARGET_SKIPPED;
}

static int compare_clusters(const void *a, const void *b)
{
    const Cluster *left = *(Cluster *const *)a;
    const Cluster *right = *(Cluster *const *)b;
    if (left->count != right->count) {
        return left->count > right->count ? -1 : 1;
    }
    return strcmp(left->addresses[0], right->addresses[0]);
}

static void write_cluster(JsonOut *json, const Cluster *cluster)
{
    const TargetRow *first = cluster->first;
    json_out_object_begin(json, NULL);
    json_out_string(json, "code", err_name(first->code));
    view_text(json, "sqlstate", first->sqlstate);
    view_text(json, "migration", first->migration);
    json_out_unsigned(json, "statement", first->statement);
    json_out_string(json, "message", first->message);
    view_text(json, "hint", cluster->needs_somebody ? first->hint : ""); /* the cause stays told */
    json_out_unsigned(json, "count", cluster->count);
    json_out_array_begin(json, "targets");
    for (size_t i = 0; i < cluster->count && i < CLUSTER_ADDRESSES; i++) {
        json_out_string(json, NULL, cluster->addresses[i]);
    }
    json_out_array_end(json);
    json_out_object_end(json);
}

static void write_clusters(const ClusterList *clusters, ApiReply *reply)
{
    JsonOut json = json_out(&reply->body);
    json_out_object_begin(&json, NULL);
    json_out_array_begin(&json, "items");
    for (size_t i = 0; i < clusters->count; i++) {
        write_cluster(&json, clusters->items[i]);
    }
    json_out_array_end(&json);
    json_out_object_end(&json);
}

ErrCode api_rollout_errors(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    const RolloutRow *rollout = NULL;
    ErrCode code = api_rollout(request, request->path[0], &rollout, err);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO_PTR(Map) by_key = map_new();
    ClusterList clusters = { 0 };
    for (size_t i = 0; i < engine_target_count(engine, rollout->id); i++) {
        const TargetRow *target = engine_target_at(engine, rollout->id, i);
        if (target->code != ERR_NONE) {
            add_to_cluster(by_key, &clusters, target, request->arena);
        }
    }
    if (clusters.count > 0) {
        qsort(clusters.items, clusters.count, sizeof(*clusters.items), compare_clusters);
    }
    write_clusters(&clusters, reply);
    LIST_DONE(&clusters);
    return ERR_NONE;
}
