/* JSON in: typed access to jansson's values, with errors that name the place. */
#include "common/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define DEPTH_MAX 64
#define MESSAGE_MAX 512

/* Only what holds something nests: a number in the innermost list is no level of its own. */
static bool is_within_depth(const json_t *value, unsigned left)
{
    if (!json_is_array(value) && !json_is_object(value)) {
        return true;
    }
    if (left == 0) {
        return false;
    }
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (!is_within_depth(json_array_get(value, i), left - 1)) {
                return false;
            }
        }
    }
    if (json_is_object(value)) {
        /* The iterators take a non-const value, but only to be able to set through them. */
        json_t *object = (json_t *)value;
        for (void *at = json_object_iter(object); at != NULL;
             at = json_object_iter_next(object, at)) {
            if (!is_within_depth(json_object_iter_value(at), left - 1)) {
                return false;
            }
        }
    }
    return true;
}

ErrCode json_in_parse(const char *name, const char *text, size_t length, size_t max_bytes,
                      JsonDocument **ret_document, Err *err)
{
    if (length > max_bytes) {
        return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", name, max_bytes);
    }
    json_error_t error;
    json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        /* jansson counts the characters it has read: none when the first one is wrong. */
        int column = error.column > 0 ? error.column : 1;
        return err_set(err, ERR_SYNTAX, "%s:%d:%d: %s", name, error.line, column, error.text);
    }
    if (!is_within_depth(document, DEPTH_MAX)) {
        json_decref(document);
        return err_set(err, ERR_LIMIT, "%s: nested deeper than %d", name, DEPTH_MAX);
    }
    *ret_document = document;
    return ERR_NONE;
}

JsonIn json_in_root(const JsonDocument *document, const char *name)
{
    return (JsonIn){ .value = document, .name = name };
}

JsonIn json_in_member(const JsonIn *parent, const char *key)
{
    return (JsonIn){ .value = json_object_get(parent->value, key), .parent = parent, .name = key };
}

JsonIn json_in_item(const JsonIn *parent, size_t index)
{
    return (JsonIn){
        .value = json_array_get(parent->value, index),
        .parent = parent,
        .index = index,
    };
}

bool json_in_is_absent(const JsonIn *in)
{
    return in->value == NULL || json_is_null(in->value);
}

/* As deep as the document at most, which json_in_parse has limited. */
static void append_path(const JsonIn *in, Str *out)
{
    if (in->parent == NULL) {
        str_append(out, in->name);
        return;
    }
    append_path(in->parent, out);
    if (in->name != NULL) {
        str_printf(out, ".%s", in->name);
    } else {
        str_printf(out, "[%zu]", in->index);
    }
}

ErrCode json_in_error(const JsonIn *in, Err *err, const char *format, ...)
{
    AUTO(Str) path = { 0 };
    append_path(in, &path);
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    text_format_args(message, sizeof(message), format, args);
    va_end(args);
    return err_set(err, ERR_SYNTAX, "%s: %s", str_text(&path), message);
}

static const char *found(const JsonIn *in)
{
    if (in->value == NULL) {
        return "nothing";
    }
    switch (json_typeof(in->value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a truth value";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

static ErrCode mismatch(const JsonIn *in, const char *expected, Err *err)
{
    return json_in_error(in, err, "expected %s, found %s", expected, found(in));
}

static ErrCode take_string(const JsonIn *in, const char **ret, Err *err)
{
    if (!json_is_string(in->value)) {
        return mismatch(in, "a string", err);
    }
    *ret = json_string_value(in->value);
    return ERR_NONE;
}

static ErrCode take_integer(const JsonIn *in, int64_t min, int64_t max, int64_t *ret, Err *err)
{
    if (!json_is_integer(in->value)) {
        return mismatch(in, "a whole number", err);
    }
    int64_t value = json_integer_value(in->value);
    if (value < min || value > max) {
        return json_in_error(in, err,
                             "expected a number from %" PRId64 " to %" PRId64 ", found %" PRId64,
                             min, max, value);
    }
    *ret = value;
    return ERR_NONE;
}

static ErrCode take_bool(const JsonIn *in, bool *ret, Err *err)
{
    if (!json_is_boolean(in->value)) {
        return mismatch(in, "true or false", err);
    }
    *ret = json_is_true(in->value);
    return ERR_NONE;
}

ErrCode json_in_string(const JsonIn *parent, const char *key, const char **ret, Err *err)
{
    JsonIn in = json_in_member(parent, key);
    return take_string(&in, ret, err);
}

ErrCode json_in_integer(const JsonIn *parent, const char *key, int64_t min, int64_t max,
                        int64_t *ret, Err *err)
{
    JsonIn in = json_in_member(parent, key);
    return take_integer(&in, min, max, ret, err);
}

ErrCode json_in_bool(const JsonIn *parent, const char *key, bool *ret, Err *err)
{
    JsonIn in = json_in_member(parent, key);
    return take_bool(&in, ret, err);
}

ErrCode json_in_object(const JsonIn *parent, const char *key, JsonIn *ret, Err *err)
{
    JsonIn in = json_in_member(parent, key);
    if (!json_is_object(in.value)) {
        return mismatch(&in, "an object", err);
    }
    *ret = in;
    return ERR_NONE;
}

ErrCode json_in_array(const JsonIn *parent, const char *key, JsonIn *ret, size_t *ret_count,
                      Err *err)
{
    JsonIn in = json_in_member(parent, key);
    if (!json_is_array(in.value)) {
        return mismatch(&in, "an array", err);
    }
    *ret = in;
    *ret_count = json_array_size(in.value);
    return ERR_NONE;
}

ErrCode json_in_item_string(const JsonIn *array, size_t index, const char **ret, Err *err)
{
    JsonIn in = json_in_item(array, index);
    return take_string(&in, ret, err);
}

ErrCode json_in_string_or(const JsonIn *parent, const char *key, const char *fallback,
                          const char **ret, Err *err)
{
    JsonIn in = json_in_member(parent, key);
    if (json_in_is_absent(&in)) {
        *ret = fallback;
        return ERR_NONE;
    }
    return take_string(&in, ret, err);
}

ErrCode json_in_integer_or(const JsonIn *parent, const char *key, int64_t min, int64_t max,
                           int64_t fallback, int64_t *ret, Err *err)
{
    JsonIn in = json_in_member(parent, key);
    if (json_in_is_absent(&in)) {
        *ret = fallback;
        return ERR_NONE;
    }
    return take_integer(&in, min, max, ret, err);
}

ErrCode json_in_bool_or(const JsonIn *parent, const char *key, bool fallback, bool *ret, Err *err)
{
    JsonIn in = json_in_member(parent, key);
    if (json_in_is_absent(&in)) {
        *ret = fallback;
        return ERR_NONE;
    }
    return take_bool(&in, ret, err);
}

static bool is_among(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

ErrCode json_in_only(const JsonIn *in, const char *const *keys, size_t count, Err *err)
{
    if (!json_is_object(in->value)) {
        return mismatch(in, "an object", err);
    }
    json_t *object = (json_t *)in->value;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        if (is_among(key, keys, count)) {
            continue;
        }
        json_in_error(in, err, "unknown member '%s'", key);
        const char *nearest = str_nearest(key, keys, count);
        if (nearest != NULL) {
            err_hint(err, "did you mean '%s'?", nearest);
        }
        return ERR_SYNTAX;
    }
    return ERR_NONE;
}
