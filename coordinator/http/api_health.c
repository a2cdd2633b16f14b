/* The health of every server of the fleet. */
#include "common/clock.h"
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"

static void write_agent(Page *page, const ApiRequest *request, const AgentRow *agent,
                        const HealthNow *now)
{
    for (size_t i = 0; i < agent->instance_count && !page->has_more; i++) {
        const InstanceRow *instance = &agent->instances[i];
        const char *cursor = arena_printf(request->arena, "%s/%s", agent->name, instance->name);
        if (page_wants(page, cursor, true)) {
            view_health(&page->json, NULL, agent, instance, now);
        }
    }
}

ErrCode api_health(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    const HealthNow now = { request->health, clock_boot_ms() };
    Page page;
    ErrCode code = page_begin(&page, request, false, reply, err);
    if (code != ERR_NONE) {
        return code;
    }
    for (size_t i = 0; i < engine_agent_count(engine) && !page.has_more; i++) {
        write_agent(&page, request, engine_agent_at(engine, i), &now);
    }
    return page_end(&page, err);
}
