/* What several handlers need: bodies, numbers, rollouts by name, pages. */
#include "coordinator/http/api.h"

#include <string.h>

#include "coordinator/http/problem.h"

#define PAGE_LIMIT_DEFAULT 100
#define PAGE_LIMIT_MAX 1000

ErrCode api_body(const ApiRequest *request, const char *const *keys, size_t count,
                 JsonDocument **ret_document, Err *err)
{
    bool is_empty = request->body.length == 0;
    const char *text = is_empty ? "{}" : (const char *)request->body.data;
    size_t length = is_empty ? strlen(text) : request->body.length;
    AUTO_PTR(JsonDocument) document = NULL;
    ErrCode code = json_in_parse("body", text, length, API_JSON_MAX, &document, err);
    if (code != ERR_NONE) {
        return code;
    }
    JsonIn root = json_in_root(document, "body");
    if (!json_is_object(document)) {
        return json_in_error(&root, err, "expected an object");
    }
    code = json_in_only(&root, keys, count, err);
    if (code == ERR_NONE) {
        *ret_document = TAKE(document);
    }
    return code;
}

ErrCode api_reason(const ApiRequest *request, const JsonIn *body, const char **ret, Err *err)
{
    const char *reason = "";
    ErrCode code = json_in_string_or(body, "reason", "", &reason, err);
    if (code == ERR_NONE && strlen(reason) > API_REASON_MAX) {
        code = err_set(err, ERR_LIMIT, "body.reason: %zu bytes, at most %d", strlen(reason),
                       API_REASON_MAX);
    }
    if (code == ERR_NONE) {
        request->deed->audit.reason = audit_text(reason, AUDIT_DETAIL_MAX, request->arena);
        *ret = reason;
    }
    return code;
}

ErrCode api_reason_alone(const ApiRequest *request, const char **ret, Err *err)
{
    static const char *const KEYS[] = { "reason" };
    AUTO_PTR(JsonDocument) document = NULL;
    ErrCode code = api_body(request, KEYS, ARRAY_LEN(KEYS), &document, err);
    if (code == ERR_NONE) {
        JsonIn body = json_in_root(document, "body");
        code = api_reason(request, &body, ret, err);
    }
    if (code == ERR_NONE) {
        *ret = arena_strdup(request->arena, *ret);
    }
    return code;
}

ErrCode api_keep_now(const ApiRequest *request, Err *err)
{
    AuditRow refused = request->deed->audit;
    refused.status = problem_status(ERR_STORE);
    refused.code = err_name(ERR_STORE);
    return shell_keep_now(request->shell, request->deed, &refused, err);
}

ErrCode api_order(const ApiRequest *request, Event *event, unsigned status, ApiReply *reply,
                  Err *err)
{
    request->deed->audit.status = status;
    ErrCode code = shell_request(request->shell, event, request->deed, err);
    if (code == ERR_NONE) {
        reply->status = status;
    }
    return code;
}

ErrCode api_number(const ApiRequest *request, const char *name, uint64_t min, uint64_t max,
                   uint64_t fallback, uint64_t *ret, Err *err)
{
    const char *text = request->query(request->query_ctx, name);
    int64_t number = (int64_t)fallback;
    if (text != NULL && !str_to_int64(text, (int64_t)min, (int64_t)max, &number)) {
        return err_set(err, ERR_USAGE, "%s wants a whole number from %llu to %llu, found '%s'",
                       name, (unsigned long long)min, (unsigned long long)max, text);
    }
    *ret = (uint64_t)number;
    return ERR_NONE;
}

ErrCode api_hash(const char *text, uint8_t ret_hash[PLAN_HASH_BYTES], Err *err)
{
    if (!hex_decode(text, ret_hash, PLAN_HASH_BYTES)) {
        return err_set(err, ERR_USAGE, "a plan's hash is %d hexadecimal digits, not '%s'",
                       2 * PLAN_HASH_BYTES, text);
    }
    return ERR_NONE;
}

ErrCode api_not_found(const char *what, const char *name, const char *const *names, size_t count,
                      const char *list_command, Err *err)
{
    const char *nearest = str_nearest(name, names, count);
    err_set(err, ERR_NOT_FOUND, "no %s '%s'", what, name);
    return nearest != NULL ? err_hint(err, "did you mean %s?", nearest)
                           : err_hint(err, "`%s` lists them", list_command);
}

ErrCode api_check_state(const char *what, const char *state, const char *const *names, size_t count,
                        Err *err)
{
    for (size_t i = 0; state != NULL && i < count; i++) {
        if (str_equal(state, names[i])) {
            return ERR_NONE;
        }
    }
    if (state == NULL) {
        return ERR_NONE;
    }
    const char *nearest = str_nearest(state, names, count);
    err_set(err, ERR_USAGE, "no %s is ever '%s'", what, state);
    return err_hint(err, "did you mean %s?", nearest == NULL ? names[0] : nearest);
}

/* ---- rollouts ---- */

static ErrCode none_open(const Engine *engine, Err *err)
{
    size_t count = engine_rollout_count(engine);
    err_set(err, ERR_NOT_FOUND, "no rollout is open");
    if (count == 0) {
        return err_hint(err, "there has been none yet; skein rollout start FILE starts one");
    }
    const RolloutRow *newest = engine_rollout_at(engine, count - 1);
    return err_hint(err, "give the id: the newest is %s, %s; skein rollout list shows them all",
                    newest->id, rollout_state_name(newest->state));
}

static ErrCode current_rollout(const Engine *engine, const RolloutRow **ret, Err *err)
{
    AUTO(Str) names = { 0 };
    const RolloutRow *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < engine_rollout_count(engine); i++) {
        const RolloutRow *rollout = engine_rollout_at(engine, i);
        if (rollout_is_open(rollout->state)) {
            str_printf(&names, "%s%s", count == 0 ? "" : ", ", rollout->id);
            found = rollout;
            count++;
        }
    }
    if (count == 0) {
        return none_open(engine, err);
    }
    if (count > 1) {
        err_set(err, ERR_CONFLICT, "%zu rollouts are open: %s", count, str_text(&names));
        return err_hint(err, "give the id of the one that you mean");
    }
    *ret = found;
    return ERR_NONE;
}

static ErrCode no_rollout(const ApiRequest *request, const Engine *engine, const char *id, Err *err)
{
    size_t count = engine_rollout_count(engine);
    const char **ids = ARENA_ARRAY(request->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = engine_rollout_at(engine, i)->id;
    }
    return api_not_found("rollout", id, ids, count, "skein rollout list", err);
}

ErrCode api_rollout(const ApiRequest *request, const char *id, const RolloutRow **ret, Err *err)
{
    const Engine *engine = shell_engine(request->shell);
    if (str_equal(id, "current")) {
        return current_rollout(engine, ret, err);
    }
    *ret = engine_rollout_find(engine, id);
    return *ret == NULL ? no_rollout(request, engine, id, err) : ERR_NONE;
}

/* ---- pages ---- */

ErrCode page_begin(Page *page, const ApiRequest *request, bool is_sorted, ApiReply *reply, Err *err)
{
    *page = (Page){ .json = json_out(&reply->body),
                    .is_sorted = is_sorted,
                    .after = request->query(request->query_ctx, "after") };
    ErrCode code =
        api_number(request, "limit", 1, PAGE_LIMIT_MAX, PAGE_LIMIT_DEFAULT, &page->left, err);
    if (code == ERR_NONE) {
        page->is_found = page->after == NULL;
        json_out_object_begin(&page->json, NULL);
        json_out_array_begin(&page->json, "items");
    }
    return code;
}

bool page_wants(Page *page, const char *cursor, bool is_wanted)
{
    if (!page->is_found && page->is_sorted) {
        page->is_found = strcmp(cursor, page->after) > 0;
    }
    if (!page->is_found) {
        page->is_found = str_equal(cursor, page->after); /* from the next row on */
        return false;
    }
    if (!is_wanted) {
        return false;
    }
    if (page->left == 0) {
        page->has_more = true;
        return false;
    }
    page->left--;
    page->last = cursor;
    return true;
}

static int by_cursor(const void *a, const void *b)
{
    return strcmp(((const PageRow *)a)->cursor, ((const PageRow *)b)->cursor);
}

void page_sort(PageRow *rows, size_t count)
{
    if (count > 0) {
        qsort(rows, count, sizeof(*rows), by_cursor);
    }
}

const char *page_moment(int64_t wall_ms, const char *name, Arena *arena)
{
    return arena_printf(arena, "%016llx %s", (unsigned long long)wall_ms, name);
}

ErrCode page_end(Page *page, Err *err)
{
    if (!page->is_found && !page->is_sorted) {
        return err_set(err, ERR_USAGE, "nothing in this list is called '%s', which after names",
                       page->after);
    }
    json_out_array_end(&page->json);
    json_out_string(&page->json, "next", page->has_more ? page->last : NULL);
    if (page->hint != NULL) {
        json_out_string(&page->json, "hint", page->hint);
    }
    json_out_object_end(&page->json);
    return ERR_NONE;
}
