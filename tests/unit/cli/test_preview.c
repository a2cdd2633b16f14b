/* cli/preview.c: what a start would select, in words. */
#include "support.h"

#include "cli/preview.h"
#include "common/json.h"

static PlanMigration MIGRATIONS[] = { { .id = "0001_a" }, { .id = "0002_b" }, { .id = "0003_c" } };
static const Plan PLAN = { .migrations = MIGRATIONS, .migration_count = ARRAY_LEN(MIGRATIONS) };

static void assert_preview(const char *json, const char *wanted)
{
    AUTO(Str) text = { 0 };
    json_error_t error;
    AUTO_PTR(JsonDocument) preview = json_loads(json, 0, &error);
    assert_non_null(preview);
    preview_text(preview, &PLAN, &text);
    assert_string_equal(str_text(&text), wanted);
}

static void targets_are_told_by_version_and_by_wave(void **state)
{
    (void)state;
    assert_preview(
        "{\"targets\": [{\"address\": \"db1/a\", \"wave\": \"canary\", \"version\": \"0002_b\"},"
        " {\"address\": \"db1/b\", \"wave\": \"rest\", \"version\": \"0002_b\"},"
        " {\"address\": \"db1/c\", \"wave\": \"rest\", \"version\": \"\"},"
        " {\"address\": \"db1/d\", \"wave\": \"rest\", \"version\": \"0003_c\"},"
        " {\"address\": \"db1/e\", \"wave\": \"rest\", \"version\": \"0009_x\"},"
        " {\"address\": \"db1/f\", \"wave\": \"rest\", \"version\": null}],"
        " \"waves\": [{\"name\": \"canary\", \"targets\": 1}, {\"name\": \"rest\", \"targets\": "
        "5}],"
        " \"agents\": [{\"name\": \"db1\", \"state\": \"active\", \"targets\": 6},"
        " {\"name\": \"db2\", \"state\": \"none\", \"targets\": 1}],"
        " \"warnings\": [\"no target has a label 'evn'\"]}",
        "now it would go to 6 targets:\n"
        "  2 targets at 0002_b: 1 migration to apply\n"
        "  1 target without any: 3 migrations to apply\n"
        "  1 target at 0003_c: nothing to apply\n"
        "  1 target at 0009_x, which is none of these migrations: held there\n"
        "  1 target whose history has not been read yet\n"
        "  canary  1  db1/a\n"
        "  rest    5  db1/b, db1/c, db1/d, db1/e, db1/f\n"
        "warning: agent db2 is not connected: 1 of these targets waits for it\n"
        "warning: no target has a label 'evn'\n");
}

/* It runs none of them, and how many there are only the other tool's table says. */
static void a_plan_that_adopts_has_nothing_to_apply(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    Plan plan = PLAN;
    plan.adoption.tool = "dbmate";
    AUTO_PTR(JsonDocument)
    preview = json_pack("{s:[{s:s, s:s}, {s:s, s:s}], s:[]}", "targets", "address", "i/a",
                        "version", "", "address", "i/b", "version", "0003_c", "waves");
    preview_text(preview, &plan, &text);
    assert_string_equal(str_text(&text), "now it would go to 2 targets:\n"
                                         "  1 target without any: up to 3 migrations to take over\n"
                                         "  1 target at 0003_c: nothing to take over\n");
}

static void of_many_targets_and_versions_the_first_are_told(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument)
    preview = json_pack("{s:[], s:[{s:s, s:i}]}", "targets", "waves", "name", "all", "targets", 10);
    for (unsigned i = 0; i < 10; i++) {
        char name[16];
        text_format(name, sizeof(name), "x%u", i);
        json_array_append_new(
            json_object_get(preview, "targets"),
            json_pack("{s:s, s:s, s:s}", "address", name, "wave", "all", "version", name));
    }
    AUTO(Str) text = { 0 };
    preview_text(preview, &PLAN, &text);
    assert_non_null(strstr(str_text(&text), "  … and targets at 2 more versions\n"));
    assert_non_null(strstr(str_text(&text), "  all  10  x0, x1, x2, x3, x4, x5, … and 4 more\n"));
}

static void no_preview_is_no_word(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    preview_text(NULL, &PLAN, &text);
    assert_string_equal(str_text(&text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_told_by_version_and_by_wave),
        cmocka_unit_test(a_plan_that_adopts_has_nothing_to_apply),
        cmocka_unit_test(of_many_targets_and_versions_the_first_are_told),
        cmocka_unit_test(no_preview_is_no_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
