/* Reports for programs, as golden files. */
#include "history.h"

#include <jansson.h>

#include "cli/lint/report.h"

/* Everything that a report can hold: each severity, a file as a whole, what
 * is allowed, odd names. */
static LintReport lint_sample(History *history)
{
    history_add(history, "CREATE TABLE t (id bigint PRIMARY KEY, a int);", "DROP TABLE t;");
    history_add(history,
                "CREATE INDEX i ON t (a);\n"
                "ALTER TABLE t ADD COLUMN b text NOT NULL,\n"
                "    ADD COLUMN \"c: 100%, ü\" json;\n"
                "-- skein: allow column-drop nobody reads it\n"
                "ALTER TABLE t DROP COLUMN a;\n"
                "DROP INDEX elsewhere;\n",
                NULL);
    LintReport report = history_lint(history, NULL);
    for (size_t i = 0; i < report.count; i++) {
        const char *name = strrchr(report.findings[i]->file, '/');
        report.findings[i]->file = arena_printf(&history->arena, "my migrations%s", name);
    }
    return report;
}

static void assert_report(void (*render)(const LintReport *report, Str *out), bool is_json,
                          const char *golden)
{
    AUTO(History) history = history_new();
    AUTO(Str) text = { 0 };
    LintReport report = lint_sample(&history);
    render(&report, &text);
    if (!is_json) {
        assert_golden(str_text(&text), golden);
        return;
    }
    json_t *value = json_loads(str_text(&text), 0, NULL);
    assert_non_null(value);
    json_t *runs = json_object_get(value, "runs");
    json_t *driver = json_object_get(json_object_get(json_array_get(runs, 0), "tool"), "driver");
    if (driver != NULL) { /* the rules are in docs/lint.md, word for word */
        assert_int_equal(json_array_size(json_object_get(driver, "rules")), lint_rule_count());
        json_object_del(driver, "rules");
    }
    char *pretty = json_dumps(value, JSON_INDENT(2));
    str_clear(&text);
    str_printf(&text, "%s\n", pretty);
    free(pretty);
    json_decref(value);
    assert_golden(str_text(&text), golden);
}

static void json_has_everything(void **state)
{
    (void)state;
    assert_report(report_json, true, "lint.json");
}

static void sarif_points_at_rules_and_places(void **state)
{
    (void)state;
    assert_report(report_sarif, true, "lint.sarif");
}

static void github_gets_one_command_a_line(void **state)
{
    (void)state;
    assert_report(report_github, false, "lint.github");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_everything),
        cmocka_unit_test(sarif_points_at_rules_and_places),
        cmocka_unit_test(github_gets_one_command_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
