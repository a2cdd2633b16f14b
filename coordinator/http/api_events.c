/* The event log after a number: what there is, held back until there is something when asked to
 * wait, or as a stream without an end. */
#include "common/str.h"
#include "coordinator/http/api.h"
#include "coordinator/http/stream.h"
#include "coordinator/http/views.h"

#define EVENTS_LIMIT_DEFAULT 100
#define EVENTS_LIMIT_MAX 1000

static ErrCode read_filter(const ApiRequest *request, EventFilter *filter, uint64_t *ret_wait_ms,
                           Err *err)
{
    const char *id = request->query(request->query_ctx, "rollout");
    const RolloutRow *rollout = NULL;
    uint64_t limit = 0;
    if (api_number(request, "after", 0, INT64_MAX, 0, &filter->after_seq, err) != ERR_NONE ||
        api_number(request, "limit", 1, EVENTS_LIMIT_MAX, EVENTS_LIMIT_DEFAULT, &limit, err) !=
            ERR_NONE ||
        api_number(request, "wait_ms", 0, API_WAIT_MAX_MS, 0, ret_wait_ms, err) != ERR_NONE ||
        (id != NULL && api_rollout(request, id, &rollout, err) != ERR_NONE)) {
        return err->code;
    }
    filter->limit = (uint32_t)limit;
    filter->rollout = rollout == NULL ? NULL : rollout->id;
    return ERR_NONE;
}

ErrCode api_events(const ApiRequest *request, ApiReply *reply, Err *err)
{
    Store *store = shell_store(request->shell);
    EventFilter filter = { 0 };
    uint64_t wait_ms = 0;
    EventRow *rows = NULL;
    size_t count = 0;
    if (read_filter(request, &filter, &wait_ms, err) != ERR_NONE ||
        store->ops->read_events(store, &filter, request->arena, &rows, &count, err) != ERR_NONE) {
        return err->code;
    }
    if (count == 0 && wait_ms > 0 && !request->is_late) {
        reply->hold_ms = (uint32_t)wait_ms;
        return ERR_NONE;
    }
    JsonOut json = json_out(&reply->body);
    json_out_object_begin(&json, NULL);
    json_out_array_begin(&json, "items");
    for (size_t i = 0; i < count; i++) {
        view_event(&json, NULL, &rows[i]);
    }
    json_out_array_end(&json);
    json_out_unsigned(&json, "last_seq", shell_last_seq(request->shell));
    json_out_object_end(&json);
    return ERR_NONE;
}

/* Whoever comes again says what he has seen; that counts for more than where he once began. */
static ErrCode read_start(const ApiRequest *request, uint64_t *ret_after, Err *err)
{
    const char *seen = request->last_event_id;
    int64_t number = 0;
    if (seen == NULL) {
        return api_number(request, "after", 0, INT64_MAX, shell_last_seq(request->shell), ret_after,
                          err);
    }
    if (!str_to_int64(seen, 0, INT64_MAX, &number)) {
        err_set(err, ERR_USAGE, "Last-Event-ID is no number of an event");
        return err_hint(err, "it is the id that came with the last one");
    }
    *ret_after = (uint64_t)number;
    return ERR_NONE;
}

ErrCode api_event_stream(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const char *id = request->query(request->query_ctx, "rollout");
    const RolloutRow *rollout = NULL;
    uint64_t after = 0;
    if (read_start(request, &after, err) != ERR_NONE ||
        (id != NULL && api_rollout(request, id, &rollout, err) != ERR_NONE)) {
        return err->code;
    }
    const char *of = rollout == NULL ? NULL : arena_strdup(request->arena, rollout->id);
    reply->content_type = STREAM_CONTENT_TYPE;
    reply->stream = stream_new(request->shell, after, of, request->arena);
    return ERR_NONE;
}
