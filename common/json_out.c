/* JSON out: a writer that appends to a Str. */
#include "common/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

#define NUMBER_TEXT_MAX 40

static void quote_control(Str *out, unsigned char c)
{
    static const char SHORT[] = "\bb\tt\nn\ff\rr";
    const char *at = c == '\0' ? NULL : strchr(SHORT, c);
    if (at != NULL) {
        str_append_char(out, '\\');
        str_append_char(out, at[1]);
    } else {
        str_printf(out, "\\u%04x", c);
    }
}

void json_quote(Str *out, const char *text)
{
    size_t length = strlen(text);
    str_append_char(out, '"');
    for (size_t at = 0; at < length;) {
        unsigned char c = (unsigned char)text[at];
        size_t step = utf8_character(text + at, length - at);
        if (step == 0) {
            str_append(out, "\xEF\xBF\xBD");
            step = 1;
        } else if (c < 0x20 || c == 0x7F) {
            quote_control(out, c);
        } else {
            if (c == '"' || c == '\\') {
                str_append_char(out, '\\');
            }
            str_append_bytes(out, text + at, step);
        }
        at += step;
    }
    str_append_char(out, '"');
}

JsonOut json_out(Str *out)
{
    return (JsonOut){ .out = out };
}

/* The comma between items, and the key. */
static void begin_value(JsonOut *json, const char *key)
{
    if (json->has_item[json->depth]) {
        str_append_char(json->out, ',');
    }
    json->has_item[json->depth] = true;
    if (key != NULL) {
        json_quote(json->out, key);
        str_append_char(json->out, ':');
    }
}

static void begin(JsonOut *json, const char *key, char bracket)
{
    begin_value(json, key);
    if (json->depth >= JSON_OUT_DEPTH_MAX) {
        abort();
    }
    json->has_item[++json->depth] = false;
    str_append_char(json->out, bracket);
}

static void end(JsonOut *json, char bracket)
{
    if (json->depth == 0) {
        abort();
    }
    json->depth--;
    str_append_char(json->out, bracket);
}

void json_out_object_begin(JsonOut *json, const char *key)
{
    begin(json, key, '{');
}

void json_out_object_end(JsonOut *json)
{
    end(json, '}');
}

void json_out_array_begin(JsonOut *json, const char *key)
{
    begin(json, key, '[');
}

void json_out_array_end(JsonOut *json)
{
    end(json, ']');
}

void json_out_string(JsonOut *json, const char *key, const char *text)
{
    if (text == NULL) {
        json_out_null(json, key);
        return;
    }
    begin_value(json, key);
    json_quote(json->out, text);
}

void json_out_integer(JsonOut *json, const char *key, int64_t value)
{
    begin_value(json, key);
    str_printf(json->out, "%" PRId64, value);
}

void json_out_unsigned(JsonOut *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    str_printf(json->out, "%" PRIu64, value);
}

/* The fewest digits that read back to the same number: 0.1 and not 0.10000000000000001. */
void json_out_number(JsonOut *json, const char *key, double value)
{
    if (!isfinite(value)) {
        json_out_null(json, key);
        return;
    }
    char text[NUMBER_TEXT_MAX];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    begin_value(json, key);
    str_append(json->out, text);
}

void json_out_bool(JsonOut *json, const char *key, bool value)
{
    begin_value(json, key);
    str_append(json->out, value ? "true" : "false");
}

void json_out_null(JsonOut *json, const char *key)
{
    begin_value(json, key);
    str_append(json->out, "null");
}

void json_out_err(JsonOut *json, const char *key, const Err *err)
{
    json_out_err_hinted(json, key, err, err->hint);
}

void json_out_err_hinted(JsonOut *json, const char *key, const Err *err, const char *hint)
{
    json_out_object_begin(json, key);
    json_out_string(json, "code", err_name(err->code));
    json_out_string(json, "message", err->message);
    if (err->sqlstate[0] != '\0') {
        json_out_string(json, "sqlstate", err->sqlstate);
    }
    if (hint[0] != '\0') {
        json_out_string(json, "hint", hint);
    }
    json_out_object_end(json);
}
