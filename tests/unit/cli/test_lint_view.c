/* Findings in words, as a golden file. */
#include "lint/history.h"

#include "cli/lint_view.h"

static void findings_say_lock_reason_and_safe_way(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    AUTO(Str) text = { 0 };
    history_add(&history, "CREATE TABLE t (id bigint PRIMARY KEY, a int);", "DROP TABLE t;");
    history_add(&history,
                "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a);\n"
                "ALTER TABLE unknown ALTER COLUMN \"b\033[31m\" TYPE bigint;\n"
                "-- skein: allow column-drop nobody reads it\n"
                "ALTER TABLE t DROP COLUMN a;\n",
                NULL);
    LintReport report = history_lint(&history, NULL);
    for (size_t i = 0; i < report.count; i++) {
        report.findings[i]->file = strrchr(report.findings[i]->file, '/') + 1;
    }
    lint_view_report(&report, &text);
    assert_golden(str_text(&text), "lint.txt");
}

static void what_includes_a_finding_s_file_is_said(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    AUTO(Str) text = { 0 };
    history_add(&history, "VACUUM FULL t;", NULL);
    LintReport report = history_lint(&history, NULL);
    lint_view_report(&report, &text);
    assert_null(strstr(str_text(&text), "included from"));
    report.findings[0]->from = "m/b.sql:3, from m/1.up.sql:2";
    str_clear(&text);
    lint_view_report(&report, &text);
    assert_non_null(
        strstr(str_text(&text), "\n       included from m/b.sql:3, from m/1.up.sql:2\n"));
}

static void every_rule_can_be_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < lint_rule_count(); i++) {
        AUTO(Str) text = { 0 };
        lint_view_rule(lint_rule_at(i), &text);
        assert_true(str_starts_with(str_text(&text), lint_rule_at(i)->id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_say_lock_reason_and_safe_way),
        cmocka_unit_test(what_includes_a_finding_s_file_is_said),
        cmocka_unit_test(every_rule_can_be_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
