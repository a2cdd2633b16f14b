/* The audit log, as it is kept: whoever reads it checks the chain for himself. */
#include "common/clock.h"
#include "coordinator/http/api.h"

#define AUDIT_LIMIT_DEFAULT 100
#define AUDIT_LIMIT_MAX 1000

/* The members stand in the order of the encoding, which is computed from them. */
static void write_row(JsonOut *json, const AuditRow *row)
{
    char time[UTC_TEXT_MAX];
    char hash[2 * AUDIT_HASH_BYTES + 1];
    utc_format(row->time_ms, time);
    json_out_object_begin(json, NULL);
    json_out_unsigned(json, "seq", row->seq);
    json_out_string(json, "time", time);
    json_out_string(json, "actor", row->actor);
    json_out_string(json, "origin", row->origin);
    json_out_string(json, "action", row->action);
    json_out_string(json, "rollout", row->rollout);
    json_out_string(json, "plan", row->plan);
    json_out_string(json, "agent", row->agent);
    json_out_string(json, "reason", row->reason);
    json_out_string(json, "wave", row->wave);
    json_out_array_begin(json, "targets");
    for (size_t i = 0; i < row->target_count; i++) {
        json_out_string(json, NULL, row->targets[i]);
    }
    json_out_array_end(json);
    json_out_unsigned(json, "targets_total", row->targets_total);
    json_out_string(json, "detail", row->detail);
    json_out_unsigned(json, "status", row->status);
    json_out_string(json, "code", row->code);
    json_out_unsigned(json, "dropped", row->dropped);
    hex_encode(row->previous, AUDIT_HASH_BYTES, hash);
    json_out_string(json, "previous", hash);
    hex_encode(row->hash, AUDIT_HASH_BYTES, hash);
    json_out_string(json, "hash", hash);
    json_out_object_end(json);
}

ErrCode api_audit(const ApiRequest *request, ApiReply *reply, Err *err)
{
    Store *store = shell_store(request->shell);
    uint64_t after = 0;
    uint64_t limit = 0;
    AuditRow *rows = NULL;
    size_t count = 0;
    if (api_number(request, "after", 0, INT64_MAX, 0, &after, err) != ERR_NONE ||
        api_number(request, "limit", 1, AUDIT_LIMIT_MAX, AUDIT_LIMIT_DEFAULT, &limit, err) !=
            ERR_NONE ||
        store->ops->read_audit(store, after, (uint32_t)limit + 1, request->arena, &rows, &count,
                               err) != ERR_NONE) {
        return err->code;
    }
    bool has_more = count > limit;
    size_t shown = has_more ? (size_t)limit : count;
    JsonOut json = json_out(&reply->body);
    json_out_object_begin(&json, NULL);
    json_out_array_begin(&json, "items");
    for (size_t i = 0; i < shown; i++) {
        write_row(&json, &rows[i]);
    }
    json_out_array_end(&json);
    json_out_string(
        &json, "next",
        has_more ? arena_printf(request->arena, "%llu", (unsigned long long)rows[shown - 1].seq)
                 : NULL);
    json_out_object_end(&json);
    return ERR_NONE;
}
