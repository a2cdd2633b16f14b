/* JSON5 made JSON. */
#include "sql_case.h"

#include "cli/source/json5.h"
#include "common/str.h"

static void names_strings_comments_and_commas_become_those_of_json(void **state)
{
    (void)state;
    static const struct {
        const char *json5;
        const char *json;
    } ROWS[] = {
        { "", "" },
        { "{\"a\": [1, true, null]}", "{\"a\": [1 ,true ,null]}" },
        { "{a: 1, $b_2 : 'x', \"c\": {},}", "{\"a\": 1 ,\"$b_2\" : \"x\" ,\"c\": {}}" },
        { "[1, 2, // two\n /* , */ ]", "[1 ,2 \n  ]" },
        { "[1 /* a\n, */ , // b\n 2]", "[1 \n  \n ,2]" },
        { "'it\\'s \"1\" \\u00e9 // no /* comment'",
          "\"it's \\\"1\\\" \\u00e9 // no /* comment\"" },
        { "\"a\\\nb\\v\\x41\\\\\"", "\"ab\\u000b\\u0041\\\\\"" },
        { "{ true: 1, b: true }", "{ \"true\": 1 ,\"b\": true }" },
        { "'open", "\"open" },
        { "'open\\", "\"open\\" },
        { "/* open", "" },
        { "/", "/" },
        { "[1,", "[1" },
        { "[,1]", "[,1]" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) got = { 0 };
        json5_to_json((Bytes){ (const uint8_t *)ROWS[i].json5, strlen(ROWS[i].json5) }, &got);
        assert_case(ROWS[i].json5, str_text(&got), ROWS[i].json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_strings_comments_and_commas_become_those_of_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
