/* What went on all the same at a rollout's targets: the server's warnings, and migrations that its
 * plan passes over; alike ones of many targets as one. */
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "common/map.h"
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"

#define GROUP_ADDRESSES 10

/* Targets of which the same is to be said. */
typedef struct Group {
    const Warning *warning; /* or */
    const Passed *passed;
    const char *addresses[GROUP_ADDRESSES];
    size_t count;
} Group;

typedef LIST(Group *) GroupList;

typedef struct Gathering {
    Map *by_key;
    GroupList list;
    Arena *arena;
} Gathering;

static void gathering_done(Gathering *gathering)
{
    map_free(gathering->by_key);
    LIST_DONE(&gathering->list);
}

AUTO_DEFINE(Gathering, gathering_done)

/* Texts are of the engine's rows, which stand still meanwhile. */
static void gather(Gathering *gathering, const char *key, const Group *like, const char *address)
{
    Group *group = map_get(gathering->by_key, key);
    if (group == NULL) {
        group = ARENA_NEW(gathering->arena, Group);
        *group = *like;
        map_put(gathering->by_key, key, group);
        LIST_PUSH(&gathering->list, group);
    }
    if (group->count < GROUP_ADDRESSES) {
        group->addresses[group->count] = address;
    }
    group->count++;
}

static void gather_warnings(Gathering *gathering, const TargetRow *target)
{
    for (size_t i = 0; i < target->remarks->warning_count; i++) {
        const Warning *warning = &target->remarks->warnings[i];
        const char *key = arena_printf(gathering->arena, "%s\n%u\n%s\n%s", warning->migration,
                                       warning->statement, warning->sqlstate, warning->message);
        gather(gathering, key, &(Group){ .warning = warning }, target->address);
    }
}

static void gather_passed(Gathering *gathering, const TargetRow *target)
{
    for (size_t i = 0; i < target->remarks->passed_count; i++) {
        const Passed *passed = &target->remarks->passed[i];
        const char *key = arena_printf(gathering->arena, "%s\n%s", passed_rule(passed), passed->id);
        gather(gathering, key, &(Group){ .passed = passed }, target->address);
    }
}

static int compare_groups(const void *a, const void *b)
{
    const Group *left = *(Group *const *)a;
    const Group *right = *(Group *const *)b;
    if (left->count != right->count) {
        return left->count > right->count ? -1 : 1;
    }
    return strcmp(left->addresses[0], right->addresses[0]);
}

static void write_groups(JsonOut *json, const char *key, const GroupList *groups)
{
    if (groups->count > 0) {
        qsort(groups->items, groups->count, sizeof(*groups->items), compare_groups);
    }
    json_out_array_begin(json, key);
    for (size_t i = 0; i < groups->count; i++) {
        const Group *group = groups->items[i];
        json_out_object_begin(json, NULL);
        if (group->warning != NULL) {
            view_warning(json, group->warning);
        } else {
            view_passed(json, group->passed);
        }
        json_out_unsigned(json, "count", group->count);
        json_out_array_begin(json, "targets");
        for (size_t j = 0; j < group->count && j < GROUP_ADDRESSES; j++) {
            json_out_string(json, NULL, group->addresses[j]);
        }
        json_out_array_end(json);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

ErrCode api_rollout_remarks(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    const RolloutRow *rollout = NULL;
    ErrCode code = api_rollout(request, request->path[0], &rollout, err);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(Gathering) warnings = { .by_key = map_new(), .arena = request->arena };
    AUTO(Gathering) passed = { .by_key = map_new(), .arena = request->arena };
    for (size_t i = 0; i < engine_target_count(engine, rollout->id); i++) {
        const TargetRow *target = engine_target_at(engine, rollout->id, i);
        if (target->remarks != NULL) {
            gather_warnings(&warnings, target);
            gather_passed(&passed, target);
        }
    }
    JsonOut json = json_out(&reply->body);
    json_out_object_begin(&json, NULL);
    write_groups(&json, "warnings", &warnings.list);
    write_groups(&json, "passed_over", &passed.list);
    json_out_object_end(&json);
    return ERR_NONE;
}
