/*
 * Late joiners: targets that a rollout's plan selects and that are none of the rollout's, since its
 * members are those of its start. Whoever makes a tenant meanwhile must be able to see that it was
 * left out.
 */
#include "common/map.h"
#include "common/str.h"
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"
#include "proto/select.h"

static const char *identity_text(const Identity *identity, Arena *arena)
{
    return arena_printf(arena, "%llu/%u/%s", (unsigned long long)identity->system_identifier,
                        identity->database_oid, identity->schema);
}

/* By address, and by what it is: a member may have moved to another address. */
static void note_member(Map *members, const TargetRow *target, Arena *arena)
{
    const Identity *identity = &target->identity;
    map_put(members, target->address, members);
    if (identity->system_identifier != 0) {
        map_put(members, identity_text(identity, arena), members);
    }
}

static bool is_member(const Map *members, const InventoryRow *row, Arena *arena)
{
    return map_get(members, row->address) != NULL ||
           (row->identity.system_identifier != 0 &&
            map_get(members, identity_text(&row->identity, arena)) != NULL);
}

static ErrCode find_plan(const ApiRequest *request, const RolloutRow *rollout, Select **ret_where,
                         Err *err)
{
    const PlanFacts *facts = plan_facts_find(request->facts, rollout->plan_hash);
    if (facts == NULL) {
        err_set(err, ERR_NOT_FOUND,
                "the plan of rollout %s is not here: nobody knows what it selects", rollout->id);
        return err_hint(err, "bring it: PUT /api/v1/plans/HASH");
    }
    return select_parse(facts->where, request->arena, ret_where, err);
}

ErrCode api_rollout_late(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    AUTO_PTR(Map) members = map_new();
    const RolloutRow *rollout = NULL;
    Select *where = NULL;
    Page page;
    if (api_rollout(request, request->path[0], &rollout, err) != ERR_NONE ||
        find_plan(request, rollout, &where, err) != ERR_NONE ||
        page_begin(&page, request, true, reply, err) != ERR_NONE) {
        return err->code;
    }
    for (size_t i = 0; i < engine_target_count(engine, rollout->id); i++) {
        note_member(members, engine_target_at(engine, rollout->id, i), request->arena);
    }
    for (size_t i = 0; i < engine_inventory_count(engine) && !page.has_more; i++) {
        const InventoryRow *row = engine_inventory_at(engine, i);
        bool is_late = !row->is_gone && !row->in_recovery && engine_selects(engine, where, i) &&
                       !is_member(members, row, request->arena);
        if (page_wants(&page, row->address, is_late)) {
            view_target(&page.json, NULL, row);
        }
    }
    return page_end(&page, err);
}
