/* json: typed reading with places, and writing in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <math.h>

#include "common/cleanup.h"
#include "common/json.h"

static JsonDocument *parse(const char *text)
{
    JsonDocument *document = NULL;
    Err err = { 0 };
    if (json_in_parse("body", text, strlen(text), 10000, &document, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return document;
}

static const char EVERY_TYPE[] =
    "{\"s\":\"x\",\"i\":-5,\"b\":true,\"a\":[\"p\",\"q\"],\"o\":{\"n\":1}}";

static void every_type_is_read(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) document = parse(EVERY_TYPE);
    JsonIn root = json_in_root(document, "body");
    JsonIn in;
    const char *text = NULL;
    int64_t number = 0;
    bool flag = false;
    size_t count = 0;
    assert_int_equal(json_in_string(&root, "s", &text, NULL), ERR_NONE);
    assert_string_equal(text, "x");
    assert_int_equal(json_in_integer(&root, "i", -9, 9, &number, NULL), ERR_NONE);
    assert_int_equal(number, -5);
    assert_int_equal(json_in_bool(&root, "b", &flag, NULL), ERR_NONE);
    assert_true(flag);
    assert_int_equal(json_in_array(&root, "a", &in, &count, NULL), ERR_NONE);
    assert_int_equal(count, 2);
    assert_int_equal(json_in_item_string(&in, 1, &text, NULL), ERR_NONE);
    assert_string_equal(text, "q");
    assert_int_equal(json_in_object(&root, "o", &in, NULL), ERR_NONE);
    assert_int_equal(json_in_integer(&in, "n", 0, 9, &number, NULL), ERR_NONE);
    assert_int_equal(number, 1);
}

static void optional_members_fall_back_when_absent_or_null(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) document = parse("{\"s\":null,\"w\":[]}");
    JsonIn root = json_in_root(document, "body");
    const char *text = NULL;
    int64_t number = 0;
    bool flag = false;
    assert_int_equal(json_in_string_or(&root, "s", "d", &text, NULL), ERR_NONE);
    assert_string_equal(text, "d");
    assert_int_equal(json_in_integer_or(&root, "i", 0, 9, 4, &number, NULL), ERR_NONE);
    assert_int_equal(number, 4);
    assert_int_equal(json_in_bool_or(&root, "b", true, &flag, NULL), ERR_NONE);
    assert_true(flag);
    assert_int_equal(json_in_string_or(&root, "w", "d", &text, NULL), ERR_SYNTAX);
    assert_int_equal(json_in_integer_or(&root, "w", 0, 9, 4, &number, NULL), ERR_SYNTAX);
    assert_int_equal(json_in_bool_or(&root, "w", true, &flag, NULL), ERR_SYNTAX);
}

static void errors_name_the_path(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) document = parse("{\"waves\":[{},{\"targets\":7,\"soak\":1.5}]}");
    JsonIn root = json_in_root(document, "body");
    JsonIn waves;
    size_t count = 0;
    const char *text = NULL;
    int64_t number = 0;
    Err err = { 0 };
    assert_int_equal(json_in_array(&root, "waves", &waves, &count, &err), ERR_NONE);
    JsonIn wave = json_in_item(&waves, 1);
    assert_int_equal(json_in_string(&wave, "targets", &text, &err), ERR_SYNTAX);
    assert_string_equal(err.message,
                        "body.waves[1].targets: expected a string, found a whole number");
    assert_int_equal(json_in_integer(&wave, "targets", 8, 9, &number, &err), ERR_SYNTAX);
    assert_string_equal(err.message,
                        "body.waves[1].targets: expected a number from 8 to 9, found 7");
    assert_int_equal(json_in_integer(&wave, "soak", 0, 9, &number, &err), ERR_SYNTAX);
    assert_string_equal(err.message,
                        "body.waves[1].soak: expected a whole number, found a fraction");
    assert_int_equal(json_in_string(&wave, "name", &text, &err), ERR_SYNTAX);
    assert_string_equal(err.message, "body.waves[1].name: expected a string, found nothing");
}

static void members_of_no_object_are_absent(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) document = parse("[1]");
    JsonIn root = json_in_root(document, "body");
    JsonIn member = json_in_member(&root, "x");
    JsonIn item = json_in_item(&root, 5);
    assert_true(json_in_is_absent(&member));
    assert_true(json_in_is_absent(&item));
    Err err = { 0 };
    assert_int_equal(json_in_only(&root, NULL, 0, &err), ERR_SYNTAX);
    assert_string_equal(err.message, "body: expected an object, found an array");
}

static void unknown_members_are_refused_with_a_suggestion(void **state)
{
    (void)state;
    static const char *const KEYS[] = { "name", "targets" };
    AUTO_PTR(JsonDocument) document = parse("{\"name\":1,\"target\":2}");
    JsonIn root = json_in_root(document, "body");
    Err err = { 0 };
    assert_int_equal(json_in_only(&root, KEYS, ARRAY_LEN(KEYS), &err), ERR_SYNTAX);
    assert_string_equal(err.message, "body: unknown member 'target'");
    assert_string_equal(err.hint, "did you mean 'targets'?");
}

static void what_is_no_document_is_refused(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "", "{", "{} x", "{\"a\":1,\"a\":2}", "nonsense", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xFF\"}"
    };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        JsonDocument *document = NULL;
        Err err = { 0 };
        ErrCode code = json_in_parse("body", TEXTS[i], strlen(TEXTS[i]), 100, &document, &err);
        assert_int_equal(code, ERR_SYNTAX);
        assert_null(document);
        assert_int_equal(strncmp(err.message, "body:1:", 7), 0);
    }
}

static void lines_and_columns_count_from_one(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        { "", "body:1:1: " },
        { "\xE9[]", "body:1:1: " },
        { "x", "body:1:1: " },
        { "{\n é}", "body:2:2: " },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        JsonDocument *document = NULL;
        Err err = { 0 };
        json_in_parse("body", CASES[i][0], strlen(CASES[i][0]), 100, &document, &err);
        assert_memory_equal(err.message, CASES[i][1], strlen(CASES[i][1]));
    }
}

static void size_and_depth_are_limited(void **state)
{
    (void)state;
    JsonDocument *document = NULL;
    AUTO(Str) deep = { 0 };
    Err err = { 0 };
    for (int i = 0; i < 65; i++) {
        str_append_char(&deep, '[');
    }
    str_append_char(&deep, '1'); /* no level of its own */
    for (int i = 0; i < 65; i++) {
        str_append_char(&deep, ']');
    }
    assert_int_equal(json_in_parse("b", deep.data, deep.length, 1000, &document, &err), ERR_LIMIT);
    assert_int_equal(json_in_parse("b", deep.data, deep.length, 100, &document, &err), ERR_LIMIT);
    assert_int_equal(json_in_parse("b", deep.data + 1, deep.length - 2, 1000, &document, &err),
                     ERR_NONE);
    json_document_free(document);
}

static void writing_keeps_the_order_of_the_calls(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "z", "x");
    json_out_integer(&json, "a", INT64_MIN);
    json_out_unsigned(&json, "u", UINT64_MAX);
    json_out_array_begin(&json, "list");
    json_out_bool(&json, NULL, true);
    json_out_null(&json, NULL);
    json_out_object_begin(&json, NULL);
    json_out_object_end(&json);
    json_out_array_end(&json);
    json_out_string(&json, "none", NULL);
    json_out_object_end(&json);
    assert_string_equal(str_text(&text),
                        "{\"z\":\"x\",\"a\":-9223372036854775808,\"u\":18446744073709551615,"
                        "\"list\":[true,null,{}],\"none\":null}");
}

typedef struct NumberCase {
    double value;
    const char *text;
} NumberCase;

static void numbers_have_the_fewest_digits_that_read_back(void **state)
{
    (void)state;
    static const NumberCase CASES[] = {
        { 0.1, "0.1" },
        { 3, "3" },
        { 1.0 / 3, "0.3333333333333333" },
        { -2.5e300, "-2.5e+300" },
        { NAN, "null" },
        { INFINITY, "null" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Str) text = { 0 };
        JsonOut json = json_out(&text);
        json_out_number(&json, NULL, CASES[i].value);
        assert_string_equal(str_text(&text), CASES[i].text);
    }
}

static void quoting_escapes_what_json_and_terminals_mind(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    json_quote(&text, "\"\\\n\t\x01\x1b\x7f/ä\xff");
    assert_string_equal(str_text(&text), "\"\\\"\\\\\\n\\t\\u0001\\u001b\\u007f/ä\xEF\xBF\xBD\"");
}

static void an_error_is_one_object(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    Err err = { 0 };
    err_set(&err, ERR_REFUSED, "no");
    json_out_err(&json, NULL, &err);
    assert_string_equal(str_text(&text), "{\"code\":\"refused\",\"message\":\"no\"}");
    str_clear(&text);
    json = json_out(&text);
    text_format(err.sqlstate, sizeof(err.sqlstate), "55P03");
    err_hint(&err, "wait");
    json_out_err(&json, NULL, &err);
    assert_string_equal(str_text(&text), "{\"code\":\"refused\",\"message\":\"no\","
                                         "\"sqlstate\":\"55P03\",\"hint\":\"wait\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(optional_members_fall_back_when_absent_or_null),
        cmocka_unit_test(errors_name_the_path),
        cmocka_unit_test(members_of_no_object_are_absent),
        cmocka_unit_test(unknown_members_are_refused_with_a_suggestion),
        cmocka_unit_test(what_is_no_document_is_refused),
        cmocka_unit_test(lines_and_columns_count_from_one),
        cmocka_unit_test(size_and_depth_are_limited),
        cmocka_unit_test(writing_keeps_the_order_of_the_calls),
        cmocka_unit_test(numbers_have_the_fewest_digits_that_read_back),
        cmocka_unit_test(quoting_escapes_what_json_and_terminals_mind),
        cmocka_unit_test(an_error_is_one_object),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
