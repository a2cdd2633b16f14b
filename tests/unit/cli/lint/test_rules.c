/* What holds of every rule: examples that fire and that do not, and a safe way that is safe. */
#include "history.h"

static const char *rule_config(const LintRule *rule, Arena *arena)
{
    const char *severity =
        severity_name(rule->severity == SEVERITY_OFF ? SEVERITY_WARNING : rule->severity);
    return arena_printf(arena, "rules: { %s: %s }\n%s", rule->id, severity,
                        rule->config == NULL ? "" : rule->config);
}

static LintReport lint_example(History *history, const LintRule *rule, const RuleExample *example)
{
    const char *down = example->down == NULL           ? "SELECT 1;"
                       : example->down == RULE_NO_DOWN ? NULL
                                                       : example->down;
    history_add_world(history);
    history_add(history, example->up, down);
    return history_lint(history, rule_config(rule, &history->arena));
}

/* The first of the rule in the example itself. */
static const Finding *example_finding(const LintReport *report, const LintRule *rule)
{
    for (size_t i = 0; i < report->count; i++) {
        const Finding *finding = report->findings[i];
        if (finding->rule == rule && finding->order == RULE_WORLD_COUNT &&
            finding->allowed == NULL) {
            return finding;
        }
    }
    return NULL;
}

static void every_rule_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < lint_rule_count(); i++) {
        const LintRule *rule = lint_rule_at(i);
        assert_ptr_equal(lint_rule_find(rule->id), rule);
        assert_int_equal(lint_rule_index(rule), i);
        if (rule->title == NULL || rule->explain == NULL || rule->remedy == NULL ||
            rule->check == NULL || rule->fires.up == NULL || rule->silent.up == NULL) {
            fail_msg("%s is not whole", rule->id);
        }
        if (rule->explain[strlen(rule->explain) - 1] != '.' ||
            rule->remedy[strlen(rule->remedy) - 1] != '.') {
            fail_msg("%s: sentences end with a full stop", rule->id);
        }
    }
}

static void every_rule_finds_its_example(void **state)
{
    (void)state;
    for (size_t i = 0; i < lint_rule_count(); i++) {
        const LintRule *rule = lint_rule_at(i);
        AUTO(History) history = history_new();
        AUTO(Str) all = { 0 };
        LintReport report = lint_example(&history, rule, &rule->fires);
        describe_findings(&report, &all);
        if (example_finding(&report, rule) == NULL) {
            fail_msg("%s does not fire on:\n%s\nfound:\n%s", rule->id, rule->fires.up,
                     str_text(&all));
        }
    }
}

static void no_rule_finds_its_near_miss(void **state)
{
    (void)state;
    for (size_t i = 0; i < lint_rule_count(); i++) {
        const LintRule *rule = lint_rule_at(i);
        AUTO(History) history = history_new();
        AUTO(Str) all = { 0 };
        LintReport report = lint_example(&history, rule, &rule->silent);
        describe_findings(&report, &all);
        if (example_finding(&report, rule) != NULL) {
            fail_msg("%s fires on:\n%s\nfound:\n%s", rule->id, rule->silent.up, str_text(&all));
        }
    }
}

/* Each step is a migration of its own, and none of them is found fault with. */
static void every_safe_way_is_clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < lint_rule_count(); i++) {
        const LintRule *rule = lint_rule_at(i);
        AUTO(History) history = history_new();
        LintReport report = lint_example(&history, rule, &rule->fires);
        const Finding *finding = example_finding(&report, rule);
        AUTO(History) safe = history_new();
        AUTO(Str) steps = { 0 };
        AUTO(Str) found = { 0 };
        history_add_world(&safe);
        for (size_t j = 0; j < finding->safe_count; j++) {
            str_printf(&steps, "-- %zu\n%s\n", j + 1, finding->safe[j].sql);
            history_add(&safe, finding->safe[j].sql, "SELECT 1;");
        }
        LintReport after = history_lint(&safe, rule_config(rule, &safe.arena));
        for (size_t j = 0; j < after.count; j++) {
            const Finding *fault = after.findings[j];
            if (fault->order >= RULE_WORLD_COUNT && fault->allowed == NULL &&
                (fault->severity >= SEVERITY_WARNING ||
                 strcmp(fault->rule->id, "allowance-unused") == 0 ||
                 strcmp(fault->rule->id, "syntax-unknown") == 0)) {
                str_printf(&found, "%04zu_m:%u %s: %s\n", fault->order + 1, fault->line,
                           fault->rule->id, fault->why);
            }
        }
        if (found.length > 0) {
            fail_msg("the safe way of %s:\n%s\nis found fault with:\n%s", rule->id,
                     str_text(&steps), str_text(&found));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_described),
        cmocka_unit_test(every_rule_finds_its_example),
        cmocka_unit_test(no_rule_finds_its_near_miss),
        cmocka_unit_test(every_safe_way_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
