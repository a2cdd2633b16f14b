/*
 * JSON, in and out.
 *
 * In: typed access to a parsed document; every error says where: "body.waves[2].targets: expected a
 * string, found a number". Out: a writer that appends to a Str in the order of the calls.
 */
#ifndef SKEIN_COMMON_JSON_H
#define SKEIN_COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "common/err.h"
#include "common/str.h"

/* ---- in ---- */

typedef json_t JsonDocument;

static inline void json_document_free(JsonDocument *document)
{
    json_decref(document);
}

AUTO_PTR_DEFINE(JsonDocument, json_document_free)

/*
 * A place in a document: a value and the way to it. It points at its parent place, which must live
 * as long. A plain value: no release. `value` is NULL when there is nothing there.
 */
typedef struct JsonIn JsonIn;
struct JsonIn {
    const json_t *value;
    const JsonIn *parent; /* NULL: the root */
    const char *name; /* key in the parent; of a root what the document is called; NULL: an item */
    size_t index;     /* of an item */
};

/*
 * Parses exactly one object or array. Doubled keys, text behind it, NUL in strings, nesting beyond
 * 64 and more than max_bytes are errors (ERR_SYNTAX with line and column, ERR_LIMIT). `name`
 * ("body") begins every message. The caller frees the document: AUTO_PTR(JsonDocument).
 */
ErrCode json_in_parse(const char *name, const char *text, size_t length, size_t max_bytes,
                      JsonDocument **ret_document, Err *err);

JsonIn json_in_root(const JsonDocument *document, const char *name);

/* The member or item; its value is NULL when absent. `parent` must outlive the result. */
JsonIn json_in_member(const JsonIn *parent, const char *key);
JsonIn json_in_item(const JsonIn *parent, size_t index);

/* Absent or null. */
bool json_in_is_absent(const JsonIn *in);

/* Required values: absent is an error too. Texts belong to the document. */
ErrCode json_in_string(const JsonIn *parent, const char *key, const char **ret, Err *err);
ErrCode json_in_integer(const JsonIn *parent, const char *key, int64_t min, int64_t max,
                        int64_t *ret, Err *err);
ErrCode json_in_bool(const JsonIn *parent, const char *key, bool *ret, Err *err);
ErrCode json_in_object(const JsonIn *parent, const char *key, JsonIn *ret, Err *err);
ErrCode json_in_array(const JsonIn *parent, const char *key, JsonIn *ret, size_t *ret_count,
                      Err *err);

/* The string that an item of an array must be. */
ErrCode json_in_item_string(const JsonIn *array, size_t index, const char **ret, Err *err);

/* Optional values: absent or null gives `fallback`; the wrong type is still an error. */
ErrCode json_in_string_or(const JsonIn *parent, const char *key, const char *fallback,
                          const char **ret, Err *err);
ErrCode json_in_integer_or(const JsonIn *parent, const char *key, int64_t min, int64_t max,
                           int64_t fallback, int64_t *ret, Err *err);
ErrCode json_in_bool_or(const JsonIn *parent, const char *key, bool fallback, bool *ret, Err *err);

/* Refuses members that are not among `keys`, with did-you-mean. `in` must be an object. */
ErrCode json_in_only(const JsonIn *in, const char *const *keys, size_t count, Err *err);

/* ERR_SYNTAX "<path>: <message>"; for checks of the caller's own. */
ErrCode json_in_error(const JsonIn *in, Err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- out ---- */

#define JSON_OUT_DEPTH_MAX 32

/*
 * Zero-initialised but for `out`. Misuse (an end without begin, nesting beyond the maximum) aborts.
 */
typedef struct JsonOut {
    Str *out; /* appended to */
    unsigned depth;
    bool has_item[JSON_OUT_DEPTH_MAX + 1];
} JsonOut;

JsonOut json_out(Str *out);

/* `key` is NULL for the root and for items of an array. */
void json_out_object_begin(JsonOut *json, const char *key);
void json_out_object_end(JsonOut *json);
void json_out_array_begin(JsonOut *json, const char *key);
void json_out_array_end(JsonOut *json);
void json_out_string(JsonOut *json, const char *key, const char *text); /* NULL text writes null */
void json_out_integer(JsonOut *json, const char *key, int64_t value);
void json_out_unsigned(JsonOut *json, const char *key, uint64_t value);
void json_out_number(JsonOut *json, const char *key, double value); /* not finite writes null */
void json_out_bool(JsonOut *json, const char *key, bool value);
void json_out_null(JsonOut *json, const char *key);

/*
 * {"code":"…","message":"…"} plus sqlstate and hint where there are any: one form for API and CLI.
 */
void json_out_err(JsonOut *json, const char *key, const Err *err);

/* With another hint than its own; "": none. */
void json_out_err_hinted(JsonOut *json, const char *key, const Err *err, const char *hint);

/* Appends `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD. */
void json_quote(Str *out, const char *text);

#endif
