/* Agents: the list, one of them, and lifting a quarantine. */
#include "common/clock.h"
#include "common/map.h"
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"

/* Targets per agent, of the whole fleet in one pass: the values are numbers, not pointers. */
static Map *count_targets(const Engine *engine)
{
    Map *counts = map_new();
    for (size_t i = 0; i < engine_inventory_count(engine); i++) {
        const InventoryRow *row = engine_inventory_at(engine, i);
        if (!row->is_gone) {
            uintptr_t count = (uintptr_t)map_get(counts, row->agent);
            map_put(counts, row->agent, (void *)(count + 1));
        }
    }
    return counts;
}

static void write_agent(JsonOut *json, const ApiRequest *request, const AgentRow *agent,
                        const Map *counts)
{
    view_agent(json, NULL, agent, request->enrolment->known_keys,
               (uintptr_t)map_get(counts, agent->name));
}

ErrCode api_agents_list(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    AUTO_PTR(Map) counts = NULL;
    Page page;
    ErrCode code = page_begin(&page, request, true, reply, err);
    if (code != ERR_NONE) {
        return code;
    }
    counts = count_targets(engine);
    for (size_t i = 0; i < engine_agent_count(engine) && !page.has_more; i++) {
        const AgentRow *agent = engine_agent_at(engine, i);
        if (page_wants(&page, agent->name, true)) {
            write_agent(&page.json, request, agent, counts);
        }
    }
    return page_end(&page, err);
}

static ErrCode no_agent(const ApiRequest *request, const Engine *engine, const char *name, Err *err)
{
    size_t count = engine_agent_count(engine);
    const char **names = ARENA_ARRAY(request->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        names[i] = engine_agent_at(engine, i)->name;
    }
    return api_not_found("agent", name, names, count, "skein agents list", err);
}

ErrCode api_agent(const ApiRequest *request, const char *name, const AgentRow **ret, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    *ret = engine_agent_find(engine, name);
    return *ret == NULL ? no_agent(request, engine, name, err) : ERR_NONE;
}

ErrCode api_agent_show(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const AgentRow *agent = NULL;
    ErrCode code = api_agent(request, request->path[0], &agent, err);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO_PTR(Map) counts = count_targets(shell_engine(request->shell));
    const HealthNow now = { request->health, clock_boot_ms() };
    JsonOut json = json_out(&reply->body);
    view_agent_health(&json, NULL, agent, request->enrolment->known_keys,
                      (uintptr_t)map_get(counts, agent->name), &now);
    return ERR_NONE;
}

ErrCode api_agent_release(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const char *name = request->path[0];
    const char *reason = "";
    ErrCode code = api_reason_alone(request, &reason, err);
    if (code != ERR_NONE) {
        return code;
    }
    const AgentRow *agent = NULL;
    code = api_agent(request, name, &agent, err);
    if (code != ERR_NONE) {
        return code;
    }
    Event event = { .kind = EVENT_AGENT_RELEASED,
                    .agent = name,
                    .released = { .actor = request->actor, .reason = reason } };
    code = api_order(request, &event, 200, reply, err);
    if (code == ERR_NONE) {
        const Engine *engine = shell_engine(request->shell);
        AUTO_PTR(Map) counts = count_targets(engine);
        JsonOut json = json_out(&reply->body);
        write_agent(&json, request, engine_agent_find(engine, name), counts);
    }
    return code;
}
