/* cli/remark_view.c: what went on all the same, in words, from the API's JSON. */
#include "support.h"

#include <jansson.h>

#include "cli/remark_view.h"
#include "common/json.h"

static json_t *load(const char *text)
{
    AUTO(Str) json = { 0 };
    str_append(&json, text);
    for (char *c = json.data; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_t *value = json_loads(str_text(&json), 0, NULL);
    assert_non_null(value);
    return value;
}

static void alike_remarks_of_many_targets_are_one(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument)
    remarks = load("{'warnings': [{'migration': '0002_grant', 'statement': 1, 'sqlstate': '01007',"
                   " 'message': 'no privileges were granted', 'count': 6,"
                   " 'targets': ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'a/6']}],"
                   " 'passed_over': ["
                   " {'id': '0001_x', 'rule': 'missing', 'count': 1, 'targets': ['a/1']},"
                   " {'id': '0003_y', 'rule': 'out_of_order', 'count': 2, 'targets': ['a/1', "
                   "'a/2']}]}");
    remarks_text(remarks, &text);
    assert_string_equal(
        str_text(&text),
        "warned at 6 targets: 0002_grant, statement 1: no privileges were granted (01007)\n"
        "  a/1, a/2, a/3, a/4, … and 2 more\n"
        "passed over at 1 target: 0001_x: applied there, and not in the plan (missing: ignore)\n"
        "  a/1\n"
        "passed over at 2 targets: 0003_y: not applied there, below one that is (out_of_order: "
        "ignore)\n"
        "  a/1, a/2\n");
}

static void a_target_has_them_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *wanted;
    } CASES[] = {
        { "{}", "" },
        { "{'warnings': [], 'warnings_total': 0, 'passed_over': [], 'passed_over_total': 0}", "" },
        { "{'warnings': [{'migration': '0001_x', 'statement': 0, 'sqlstate': '01000',"
          " 'message': 'late'}], 'warnings_total': 1}",
          "warned: 0001_x: late (01000)" },
        { "{'warnings': [{'migration': '0001_x', 'statement': 2, 'message': 'late'}],"
          " 'warnings_total': 30,"
          " 'passed_over': [{'id': '0000_y', 'rule': 'missing'}], 'passed_over_total': 3}",
          "warned: 0001_x, statement 2: late and 29 more; passed over 0000_y and 2 more" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Str) text = { 0 };
        AUTO_PTR(JsonDocument) target = load(CASES[i].target);
        target_remarks_text(target, &text);
        assert_string_equal(str_text(&text), CASES[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_remarks_of_many_targets_are_one),
        cmocka_unit_test(a_target_has_them_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
