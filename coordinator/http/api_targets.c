/* The fleet's targets, all or those that a `where` expression selects. */
#include <string.h>

#include "coordinator/http/api.h"
#include "coordinator/http/views.h"
#include "proto/address.h"
#include "proto/select.h"

static const Labels NO_LABELS = { 0 };

static const Labels *instance_labels(const AgentRow *agent, const char *instance)
{
    for (size_t i = 0; agent != NULL && i < agent->instance_count; i++) {
        if (str_equal(agent->instances[i].name, instance)) {
            return &agent->instances[i].labels;
        }
    }
    return &NO_LABELS;
}

static bool is_selected(const Select *select, const Engine *engine, const InventoryRow *row)
{
    AUTO(Arena) arena = { 0 };
    Address address;
    Err err = { 0 };
    if (address_parse(row->address, &arena, &address, &err) != ERR_NONE) {
        return false;
    }
    const AgentRow *agent = engine_agent_find(engine, row->agent);
    const SelectSubject subject = { .instance = row->instance,
                                    .host = row->agent,
                                    .database = address.database,
                                    .schema = address.schema,
                                    .version = row->version,
                                    .agent_labels = agent == NULL ? &NO_LABELS : &agent->labels,
                                    .instance_labels = instance_labels(agent, row->instance) };
    return select_matches(select, &subject);
}

ErrCode api_targets_list(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    const char *where = request->query(request->query_ctx, "where");
    Select *select = NULL;
    Page page;
    ErrCode code = select_parse(where == NULL ? "" : where, request->arena, &select, err);
    if (code != ERR_NONE) {
        return err_wrap(err, "where");
    }
    code = page_begin(&page, request, true, reply, err);
    if (code != ERR_NONE) {
        return code;
    }
    for (size_t i = 0; i < engine_inventory_count(engine) && !page.has_more; i++) {
        const InventoryRow *row = engine_inventory_at(engine, i);
        if (is_selected(select, engine, row) && page_wants(&page, row->address)) {
            view_target(&page.json, NULL, row);
        }
    }
    return page_end(&page, err);
}
