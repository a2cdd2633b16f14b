/* The fleet's targets, all or those that a `where` expression selects. */
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"
#include "proto/select.h"

/* On the first page: why an expression selects nothing, or a label in it that nobody has. Else
 * NULL. */
static const char *find_hint(const ApiRequest *request, const char *where, const Select *select,
                             const Page *page)
{
    const Engine *engine = shell_engine(request->shell);
    AUTO(Str) hint = { 0 };
    if (where == NULL || page->after != NULL) {
        return NULL;
    }
    if (page->last == NULL) {
        engine_doubt(engine, select, &hint);
    } else {
        engine_doubt_label(engine, select, &hint);
    }
    return hint.length == 0 ? NULL : arena_strdup(request->arena, str_text(&hint));
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
        if (page_wants(&page, row->address, engine_selects(engine, select, i))) {
            view_target(&page.json, NULL, row);
        }
    }
    page.hint = find_hint(request, where, select, &page);
    return page_end(&page, err);
}
