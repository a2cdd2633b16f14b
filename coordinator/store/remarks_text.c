/* See remarks_text.h. */
#include "coordinator/store/remarks_text.h"

#include <string.h>

#include "common/json.h"

#define TEXT_MAX (1024 * 1024)

void remarks_write(const Remarks *remarks, Str *out)
{
    JsonOut json = json_out(out);
    json_out_object_begin(&json, NULL);
    json_out_array_begin(&json, "warnings");
    for (size_t i = 0; i < remarks->warning_count; i++) {
        const Warning *warning = &remarks->warnings[i];
        json_out_object_begin(&json, NULL);
        json_out_string(&json, "migration", warning->migration);
        json_out_unsigned(&json, "statement", warning->statement);
        json_out_string(&json, "sqlstate", warning->sqlstate);
        json_out_string(&json, "message", warning->message);
        json_out_object_end(&json);
    }
    json_out_array_end(&json);
    json_out_unsigned(&json, "warnings_total", remarks->warnings_total);
    json_out_array_begin(&json, "passed");
    for (size_t i = 0; i < remarks->passed_count; i++) {
        json_out_object_begin(&json, NULL);
        json_out_string(&json, "id", remarks->passed[i].id);
        json_out_bool(&json, "is_missing", remarks->passed[i].is_missing);
        json_out_object_end(&json);
    }
    json_out_array_end(&json);
    json_out_unsigned(&json, "passed_total", remarks->passed_total);
    json_out_object_end(&json);
}

/* ---- reading ---- */

static ErrCode number_read(const JsonIn *in, const char *key, uint32_t *ret, Err *err)
{
    int64_t number = 0;
    ErrCode code = json_in_integer(in, key, 0, UINT32_MAX, &number, err);
    *ret = (uint32_t)number;
    return code;
}

static ErrCode text_read(const JsonIn *in, const char *key, Arena *arena, const char **ret,
                         Err *err)
{
    const char *text = NULL;
    ErrCode code = json_in_string(in, key, &text, err);
    *ret = code == ERR_NONE ? arena_strdup(arena, text) : "";
    return code;
}

static ErrCode warning_read(const JsonIn *in, Arena *arena, Warning *ret, Err *err)
{
    ErrCode code = text_read(in, "migration", arena, &ret->migration, err);
    if (code == ERR_NONE) {
        code = number_read(in, "statement", &ret->statement, err);
    }
    if (code == ERR_NONE) {
        code = text_read(in, "sqlstate", arena, &ret->sqlstate, err);
    }
    return code == ERR_NONE ? text_read(in, "message", arena, &ret->message, err) : code;
}

static ErrCode warnings_read(const JsonIn *root, Arena *arena, Remarks *remarks, Err *err)
{
    JsonIn list;
    size_t count = 0;
    ErrCode code = json_in_array(root, "warnings", &list, &count, err);
    if (code == ERR_NONE && count > WARNINGS_MAX) {
        return json_in_error(&list, err, "more than %d warnings", WARNINGS_MAX);
    }
    remarks->warnings = ARENA_ARRAY(arena, Warning, count);
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        JsonIn item = json_in_item(&list, i);
        code = warning_read(&item, arena, &remarks->warnings[remarks->warning_count++], err);
    }
    return code == ERR_NONE ? number_read(root, "warnings_total", &remarks->warnings_total, err)
                            : code;
}

static ErrCode passed_read(const JsonIn *root, Arena *arena, Remarks *remarks, Err *err)
{
    JsonIn list;
    size_t count = 0;
    ErrCode code = json_in_array(root, "passed", &list, &count, err);
    if (code == ERR_NONE && count > PASSED_MAX) {
        return json_in_error(&list, err, "more than %d migrations", PASSED_MAX);
    }
    remarks->passed = ARENA_ARRAY(arena, Passed, count);
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        JsonIn item = json_in_item(&list, i);
        Passed *passed = &remarks->passed[remarks->passed_count++];
        code = text_read(&item, "id", arena, &passed->id, err);
        if (code == ERR_NONE) {
            code = json_in_bool(&item, "is_missing", &passed->is_missing, err);
        }
    }
    return code == ERR_NONE ? number_read(root, "passed_total", &remarks->passed_total, err) : code;
}

ErrCode remarks_read(const char *text, Arena *arena, const Remarks **ret_remarks, Err *err)
{
    *ret_remarks = NULL;
    if (text[0] == '\0') {
        return ERR_NONE;
    }
    AUTO_PTR(JsonDocument) document = NULL;
    Remarks *remarks = ARENA_NEW(arena, Remarks);
    *remarks = (Remarks){ 0 };
    ErrCode code = json_in_parse("remarks", text, strlen(text), TEXT_MAX, &document, err);
    JsonIn root = json_in_root(document, "remarks");
    if (code == ERR_NONE) {
        code = warnings_read(&root, arena, remarks, err);
    }
    if (code == ERR_NONE) {
        code = passed_read(&root, arena, remarks, err);
    }
    if (code != ERR_NONE) {
        err->code = ERR_STORE;
        return ERR_STORE;
    }
    *ret_remarks = remarks;
    return ERR_NONE;
}
