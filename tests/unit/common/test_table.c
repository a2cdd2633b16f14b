/* Rule tables: the driver's order, and every way in which a table can be malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/table.h"

enum { CLOSED = 1, OPEN, LOCKED, STATES };
enum { PUSH = 1, TURN_KEY, EVENTS };

static const char *state_name(int state)
{
    static const char *const NAMES[] = { "none", "closed", "open", "locked" };
    return NAMES[state];
}

static const char *event_name(int event)
{
    static const char *const NAMES[] = { "none", "push", "turn key" };
    return NAMES[event];
}

static bool is_strong(const void *subject)
{
    return *(const int *)subject > 5;
}

#define STRONG is_strong, "strong"
#define ALWAYS NULL, NULL

static const Rule DOOR[] = {
    { "D1", CLOSED, PUSH, STRONG, OPEN, NULL, "it gives way" },
    { "D2", RULE_ANY, PUSH, ALWAYS, RULE_IGNORE, NULL, "nothing moves" },
    { "D3", CLOSED, TURN_KEY, ALWAYS, LOCKED, NULL, "it is locked" },
    { "D4", LOCKED, TURN_KEY, ALWAYS, CLOSED, NULL, "it is unlocked" },
    { "D5", OPEN, TURN_KEY, ALWAYS, RULE_REJECT, NULL, "close it first" },
};

static RuleTable table_of(const Rule *rules, size_t count)
{
    return (RuleTable){ .name = "door",
                        .rules = rules,
                        .rule_count = count,
                        .state_count = STATES,
                        .event_count = EVENTS,
                        .initial_state = CLOSED,
                        .state_name = state_name,
                        .event_name = event_name };
}

static const char *found(int state, int event, int strength)
{
    RuleTable table = table_of(DOOR, ARRAY_LEN(DOOR));
    const Rule *rule = rule_find(&table, state, event, &strength);
    return rule == NULL ? "none" : rule->id;
}

static void a_row_of_the_state_comes_before_a_general_one(void **state)
{
    (void)state;
    assert_string_equal(found(CLOSED, PUSH, 9), "D1");
    assert_string_equal(found(CLOSED, TURN_KEY, 0), "D3");
}

static void a_guard_that_fails_leaves_the_case_to_the_general_row(void **state)
{
    (void)state;
    assert_string_equal(found(CLOSED, PUSH, 1), "D2");
    assert_string_equal(found(LOCKED, PUSH, 9), "D2");
}

static void a_sound_table_passes(void **state)
{
    (void)state;
    Err err = { 0 };
    RuleTable table = table_of(DOOR, ARRAY_LEN(DOOR));
    if (rule_table_check(&table, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

typedef struct Malformed {
    size_t row; /* of DOOR, replaced by: */
    Rule rule;
    const char *message;
} Malformed;

static const Malformed MALFORMED[] = {
    { 4,
      { "D1", OPEN, TURN_KEY, ALWAYS, RULE_REJECT, NULL, "x" },
      "door rule D1: the id stands twice" },
    { 4,
      { "D5", OPEN, TURN_KEY, STRONG, RULE_SAME, NULL, "x" },
      "door: no unguarded row for (open, turn key)" },
    { 3, { "D4", CLOSED, TURN_KEY, STRONG, OPEN, NULL, "x" }, "door rule D4: shadowed by D3" },
    { 2,
      { "D3", CLOSED, TURN_KEY, ALWAYS, RULE_SAME, NULL, "x" },
      "door: state locked cannot be reached" },
    { 0,
      { "D1", CLOSED, PUSH, is_strong, NULL, OPEN, NULL, "x" },
      "door rule D1: guard and its text go together" },
    { 0, { "D1", CLOSED, PUSH, STRONG, OPEN, NULL, "" }, "door rule D1: no sentence" },
    { 0,
      { "D1", STATES, PUSH, STRONG, OPEN, NULL, "x" },
      "door rule D1: state or event out of range" },
    { 0,
      { "D1", CLOSED, EVENTS, STRONG, OPEN, NULL, "x" },
      "door rule D1: state or event out of range" },
    { 0,
      { "D1", CLOSED, PUSH, STRONG, 0, NULL, "x" },
      "door rule D1: state or event out of range" },
    { 0,
      { "D1", CLOSED, PUSH, STRONG, RULE_ANY, NULL, "x" },
      "door rule D1: state or event out of range" },
};

static void every_malformed_table_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(MALFORMED); i++) {
        Rule rules[ARRAY_LEN(DOOR)];
        Err err = { 0 };
        memcpy(rules, DOOR, sizeof(rules));
        rules[MALFORMED[i].row] = MALFORMED[i].rule;
        RuleTable table = table_of(rules, ARRAY_LEN(rules));
        assert_int_equal(rule_table_check(&table, &err), ERR_INTERNAL);
        assert_string_equal(err.message, MALFORMED[i].message);
    }
}

static void a_general_row_that_no_state_needs_is_dead(void **state)
{
    (void)state;
    Rule rules[ARRAY_LEN(DOOR) + 1];
    Err err = { 0 };
    memcpy(rules, DOOR, sizeof(DOOR));
    rules[ARRAY_LEN(DOOR)] = (Rule){ "D6", RULE_ANY, TURN_KEY, ALWAYS, RULE_SAME, NULL, "x" };
    RuleTable table = table_of(rules, ARRAY_LEN(rules));
    assert_int_equal(rule_table_check(&table, &err), ERR_INTERNAL);
    assert_string_equal(err.message, "door rule D6: every state has its own row");
}

static void the_diagram_shows_every_move_and_no_ignored_event(void **state)
{
    (void)state;
    AUTO(Str) out = { 0 };
    RuleTable table = table_of(DOOR, ARRAY_LEN(DOOR));
    rule_table_diagram(&table, &out);
    assert_string_equal(str_text(&out), "stateDiagram-v2\n"
                                        "    [*] --> closed\n"
                                        "    closed --> open : D1 push [strong]\n"
                                        "    closed --> locked : D3 turn key\n"
                                        "    locked --> closed : D4 turn key\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_the_state_comes_before_a_general_one),
        cmocka_unit_test(a_guard_that_fails_leaves_the_case_to_the_general_row),
        cmocka_unit_test(a_sound_table_passes),
        cmocka_unit_test(every_malformed_table_is_named),
        cmocka_unit_test(a_general_row_that_no_state_needs_is_dead),
        cmocka_unit_test(the_diagram_shows_every_move_and_no_ignored_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
