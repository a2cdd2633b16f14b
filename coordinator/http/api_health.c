/* The health of every server of the fleet. */
#include "common/clock.h"
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"

static void write_agent(Page *page, const ApiRequest *request, const AgentRow *agent,
                        const HealthNow *now)
{
    size_t count = agent->instance_count;
    PageRow *rows = ARENA_ARRAY(request->arena, PageRow, count);
    for (size_t i = 0; i < count; i++) {
        const InstanceRow *instance = &agent->instances[i];
        /* A blank is before whatever else a name may hold: so "a" and its servers are before "a-b".
         */
        rows[i] = (PageRow){ arena_printf(request->arena, "%s %s", agent->name, instance->name),
                             instance };
    }
    page_sort(rows, count);
    for (size_t i = 0; i < count && !page->has_more; i++) {
        if (page_wants(page, rows[i].cursor, true)) {
            view_health(&page->json, NULL, agent, rows[i].row, now);
        }
    }
}

ErrCode api_health(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    const HealthNow now = { request->health, clock_boot_ms() };
    Page page;
    ErrCode code = page_begin(&page, request, true, reply, err);
    if (code != ERR_NONE) {
        return code;
    }
    for (size_t i = 0; i < engine_agent_count(engine) && !page.has_more; i++) {
        write_agent(&page, request, engine_agent_at(engine, i), &now);
    }
    return page_end(&page, err);
}
