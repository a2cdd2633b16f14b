/*
 * JSON documents from outside. What is refused says where, and what is accepted keeps to the
 * promised depth, holds no NUL, is read by every getter as what it is and as nothing else, and
 * comes back the same when it is written and read again.
 */
#include "fuzz.h"

#include <string.h>

#include "check.h"
#include "common/arena.h"
#include "common/json.h"
#include "common/utf8.h"

#define BYTES_MAX 65536
#define DEPTH_MAX 64

/* ---- getters ---- */

static void expect(bool is_wanted, ErrCode code, const Err *err, const char *path)
{
    FUZZ_REQUIRE(is_wanted == (code == ERR_NONE));
    if (code != ERR_NONE) {
        check_error(err, ERR_SYNTAX);
        FUZZ_REQUIRE(str_starts_with(err->message, path));
    }
}

static void try_texts(const JsonIn *parent, const char *key, const json_t *value)
{
    Err err = { 0 };
    const char *text = "untouched";
    ErrCode code = json_in_string(parent, key, &text, &err);
    expect(json_is_string(value), code, &err, "body");
    FUZZ_REQUIRE(code == ERR_NONE ? strlen(text) == json_string_length(value)
                                  : str_equal(text, "untouched"));
    code = json_in_string_or(parent, key, "fallback", &text, &err);
    expect(json_is_string(value) || value == NULL || json_is_null(value), code, &err, "body");
}

static void try_scalars(const JsonIn *parent, const char *key, const json_t *value)
{
    bool is_absent = value == NULL || json_is_null(value);
    Err err = { 0 };
    int64_t number = 7;
    bool flag = false;
    ErrCode code = json_in_integer(parent, key, -1000, 1000, &number, &err);
    bool is_near = json_is_integer(value) && json_integer_value(value) >= -1000 &&
                   json_integer_value(value) <= 1000;
    expect(is_near, code, &err, "body");
    FUZZ_REQUIRE(number == (is_near ? json_integer_value(value) : 7));
    expect(json_is_integer(value) || is_absent,
           json_in_integer_or(parent, key, INT64_MIN, INT64_MAX, 1, &number, &err), &err, "body");
    expect(json_is_boolean(value), json_in_bool(parent, key, &flag, &err), &err, "body");
    expect(json_is_boolean(value) || is_absent, json_in_bool_or(parent, key, true, &flag, &err),
           &err, "body");
}

static void walk(const JsonIn *in, unsigned depth);

static void try_member(const JsonIn *parent, const char *key, const json_t *value)
{
    Err err = { 0 };
    JsonIn member = { 0 };
    size_t count = 0;
    try_texts(parent, key, value);
    try_scalars(parent, key, value);
    expect(json_is_object(value), json_in_object(parent, key, &member, &err), &err, "body");
    expect(json_is_array(value), json_in_array(parent, key, &member, &count, &err), &err, "body");
    FUZZ_REQUIRE(count == json_array_size(value));
}

static void walk_object(const JsonIn *in, unsigned depth)
{
    static const char *const KNOWN[] = { "name", "waves" };
    Err err = { 0 };
    json_t *object = (json_t *)in->value;
    size_t known = 0;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        JsonIn member = json_in_member(in, key);
        FUZZ_REQUIRE(utf8_is_valid(key, strlen(key)));
        known += str_equal(key, KNOWN[0]) || str_equal(key, KNOWN[1]);
        try_member(in, key, json_object_iter_value(at));
        walk(&member, depth + 1);
    }
    try_member(in, "", json_object_get(object, ""));
    expect(known == json_object_size(object), json_in_only(in, KNOWN, ARRAY_LEN(KNOWN), &err), &err,
           "body");
}

static void walk(const JsonIn *in, unsigned depth)
{
    bool nests = json_is_object(in->value) || json_is_array(in->value);
    FUZZ_REQUIRE(in->value != NULL && (!nests || depth <= DEPTH_MAX));
    if (json_is_object(in->value)) {
        walk_object(in, depth);
    }
    for (size_t i = 0; i < json_array_size(in->value); i++) {
        Err err = { 0 };
        const char *text = NULL;
        JsonIn item = json_in_item(in, i);
        expect(json_is_string(item.value), json_in_item_string(in, i, &text, &err), &err, "body");
        walk(&item, depth + 1);
    }
}

/* ---- round trip ---- */

static unsigned depth_of(const JsonIn *in)
{
    unsigned deepest = 0;
    json_t *object = (json_t *)in->value;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        JsonIn member = { .value = json_object_iter_value(at) };
        unsigned depth = depth_of(&member);
        deepest = depth > deepest ? depth : deepest;
    }
    for (size_t i = 0; i < json_array_size(in->value); i++) {
        JsonIn item = { .value = json_array_get(in->value, i) };
        unsigned depth = depth_of(&item);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (json_is_object(in->value) || json_is_array(in->value));
}

static void write_value(JsonOut *out, const char *key, const json_t *value);

static void write_inner(JsonOut *out, const char *key, const json_t *value)
{
    json_t *object = (json_t *)value;
    if (json_is_array(value)) {
        json_out_array_begin(out, key);
        for (size_t i = 0; i < json_array_size(value); i++) {
            write_value(out, NULL, json_array_get(value, i));
        }
        json_out_array_end(out);
        return;
    }
    json_out_object_begin(out, key);
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        write_value(out, json_object_iter_key(at), json_object_iter_value(at));
    }
    json_out_object_end(out);
}

static void write_value(JsonOut *out, const char *key, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        json_out_string(out, key, json_string_value(value));
        break;
    case JSON_INTEGER:
        json_out_integer(out, key, json_integer_value(value));
        break;
    case JSON_REAL:
        json_out_number(out, key, json_real_value(value));
        break;
    case JSON_NULL:
        json_out_null(out, key);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_out_bool(out, key, json_is_true(value));
        break;
    default:
        write_inner(out, key, value);
    }
}

/* A fraction that is whole is written without a point, and is then a whole number. */
static bool is_same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        return json_number_value(a) == json_number_value(b) &&
               (!json_is_integer(a) || json_equal(a, b));
    }
    if (json_typeof(a) != json_typeof(b) || json_array_size(a) != json_array_size(b) ||
        json_object_size(a) != json_object_size(b)) {
        return false;
    }
    json_t *object = (json_t *)a;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const json_t *other = json_object_get(b, json_object_iter_key(at));
        if (other == NULL || !is_same(json_object_iter_value(at), other)) {
            return false;
        }
    }
    for (size_t i = 0; i < json_array_size(a); i++) {
        if (!is_same(json_array_get(a, i), json_array_get(b, i))) {
            return false;
        }
    }
    return json_is_object(a) || json_is_array(a) || json_equal(a, b);
}

static void require_round_trip(const json_t *value)
{
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) again = NULL;
    Err err;
    JsonOut out = json_out(&text);
    write_value(&out, NULL, value);
    FUZZ_REQUIRE(json_in_parse("body", str_text(&text), text.length, 16 * BYTES_MAX, &again,
                               &err) == ERR_NONE);
    FUZZ_REQUIRE(is_same(value, again));
}

static void require_refusal(const uint8_t *data, size_t size, const Err *err, ErrCode code)
{
    size_t brackets = 0;
    for (size_t i = 0; i < size; i++) {
        brackets += data[i] == '[' || data[i] == '{';
    }
    check_error(err, code);
    if (code == ERR_SYNTAX) {
        check_position(err, "body");
    } else {
        FUZZ_REQUIRE(code == ERR_LIMIT && (brackets > DEPTH_MAX || size > BYTES_MAX));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_PTR(JsonDocument) document = NULL;
    Err err = { 0 };
    ErrCode code = json_in_parse("body", (const char *)data, size, BYTES_MAX, &document, &err);
    if (code != ERR_NONE) {
        FUZZ_REQUIRE(document == NULL);
        require_refusal(data, size, &err, code);
        return 0;
    }
    JsonIn root = json_in_root(document, "body");
    walk(&root, 1);
    if (depth_of(&root) <= JSON_OUT_DEPTH_MAX) {
        require_round_trip(document);
    }
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    static const char *const SEEDS[] = {
        "{\"name\":\"invoice-currency\",\"waves\":[{\"targets\":\"10%\",\"soak\":60},{}],\"n\":-7}",
        "[true,false,null,0,-1,9223372036854775807,1.5,-0.1e-7,1e15,123456789012345680000.0]",
        "{\"\":\"\\u00e9\\n\\\"\\\\\\/\\ud83e\\udd86\",\"größe\":\"\\u007f\",\"name\":{\"waves\":[[[]]]}}",
        " \"x\" ",
        "{\"a\":1,\"a\":2}",
    };
    static const char *const BRACKETS[] = { "[", "]" };
    for (size_t i = 0; index == ARRAY_LEN(SEEDS) && i < 2 * (size_t)DEPTH_MAX; i++) {
        str_append(out,
                   BRACKETS[i / DEPTH_MAX]); /* as deep as may be: a step further is too deep */
    }
    if (index < ARRAY_LEN(SEEDS)) {
        str_append(out, SEEDS[index]);
    }
    return index <= ARRAY_LEN(SEEDS);
}
