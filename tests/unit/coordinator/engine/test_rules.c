/*
 * Every story of the engine, and at the end: is there a rule that no story met? Such a rule is
 * either dead or untested. Rows that ignore need not be met: they are there so that nothing falls
 * through, also what cannot happen.
 */
#include "tests/unit/coordinator/engine/stories.h"

#include <stdio.h>

#include "common/str.h"

static const Stories *const ALL[] = {
    &SESSION_STORIES, &PROTOCOL_STORIES, &FLEET_STORIES,    &START_STORIES,   &FORWARD_STORIES,
    &BUDGET_STORIES,  &COMMAND_STORIES,  &BACK_STORIES,     &LOSS_STORIES,    &RESTART_STORIES,
    &FOUND_STORIES,   &RETIRE_STORIES,   &FAILOVER_STORIES, &BENEATH_STORIES, &TIME_STORIES,
    &WORDS_STORIES,   &ASKED_STORIES,    &UNREAD_STORIES,   &GATE_STORIES,
};

static void every_rule_is_met_by_a_story(void **state)
{
    (void)state;
    AUTO(Str) never = { 0 };
    for (size_t i = 0; i < ENGINE_TABLE_COUNT; i++) {
        const RuleTable *table = engine_table(i);
        for (size_t j = 0; j < table->rule_count; j++) {
            if (table->rules[j].to != RULE_IGNORE && !harness_has_fired(table->rules[j].id)) {
                str_printf(&never, " %s", table->rules[j].id);
            }
        }
    }
    if (never.length > 0) {
        fail_msg("never met:%s", str_text(&never));
    }
}

int main(void)
{
    int failures = 0;
    for (size_t i = 0; i < ARRAY_LEN(ALL); i++) {
        failures +=
            _cmocka_run_group_tests(ALL[i]->theme, ALL[i]->tests, ALL[i]->count, NULL, NULL);
    }
    const struct CMUnitTest meta[] = { cmocka_unit_test(every_rule_is_met_by_a_story) };
    failures += cmocka_run_group_tests(meta, NULL, NULL);
    harness_done();
    return failures;
}
