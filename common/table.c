/*
 * Machines as tables: looking a rule up, checking that a table is well-formed, drawing it.
 * Pure: no I/O. Knows no machine.
 */
#include "common/table.h"

#include <string.h>

#include "common/arena.h"

static int first_state(const RuleTable *table)
{
    return table->has_zero_state ? 0 : 1;
}

static bool applies(const Rule *rule, int state, int event)
{
    return rule->event == event && (rule->from == state || rule->from == RULE_ANY);
}

/* Is there a row for exactly this state and event? Then rows with RULE_ANY do not count. */
static bool has_own_rows(const RuleTable *table, int state, int event)
{
    for (size_t i = 0; i < table->rule_count; i++) {
        if (table->rules[i].event == event && table->rules[i].from == state) {
            return true;
        }
    }
    return false;
}

/*
 * Rows of the state itself come first, in order; when none of them matches, those with RULE_ANY, in
 * order. So a state may name its exceptions and leave the rest to the general rows.
 */
const Rule *rule_find(const RuleTable *table, int state, int event, const void *subject)
{
    for (int pass = 0; pass < 2; pass++) {
        int from = pass == 0 ? state : RULE_ANY;
        for (size_t i = 0; i < table->rule_count; i++) {
            const Rule *rule = &table->rules[i];
            if (rule->event == event && rule->from == from &&
                (rule->guard == NULL || rule->guard(subject))) {
                return rule;
            }
        }
    }
    return NULL;
}

static ErrCode check_row(const RuleTable *table, const Rule *rule, Err *err)
{
    bool from_ok = rule->from == RULE_ANY ||
                   (rule->from >= first_state(table) && rule->from < table->state_count);
    bool to_ok = rule->to >= RULE_REJECT && rule->to < table->state_count &&
                 (rule->to != 0 || table->has_zero_state) && rule->to != RULE_ANY;
    if (!from_ok || !to_ok || rule->event < 1 || rule->event >= table->event_count) {
        return err_set(err, ERR_INTERNAL, "%s rule %s: state or event out of range", table->name,
                       rule->id);
    }
    if (rule->why == NULL || rule->why[0] == '\0') {
        return err_set(err, ERR_INTERNAL, "%s rule %s: no sentence", table->name, rule->id);
    }
    if ((rule->guard == NULL) != (rule->guard_text == NULL)) {
        return err_set(err, ERR_INTERNAL, "%s rule %s: guard and its text go together", table->name,
                       rule->id);
    }
    for (const Rule *other = table->rules; other < rule; other++) {
        if (strcmp(other->id, rule->id) == 0) {
            return err_set(err, ERR_INTERNAL, "%s rule %s: the id stands twice", table->name,
                           rule->id);
        }
        /* An earlier row without a guard, or with the same one, takes every case of a later row. */
        bool is_shadow = other->event == rule->event && other->from == rule->from &&
                         (other->guard == NULL || other->guard == rule->guard);
        if (is_shadow) {
            return err_set(err, ERR_INTERNAL, "%s rule %s: shadowed by %s", table->name, rule->id,
                           other->id);
        }
    }
    return ERR_NONE;
}

/* Covered: some row that matches whatever the guards say. */
static bool is_covered(const RuleTable *table, int state, int event)
{
    for (size_t i = 0; i < table->rule_count; i++) {
        if (applies(&table->rules[i], state, event) && table->rules[i].guard == NULL) {
            return true;
        }
    }
    return false;
}

static ErrCode check_coverage(const RuleTable *table, Err *err)
{
    for (int state = first_state(table); state < table->state_count; state++) {
        for (int event = 1; event < table->event_count; event++) {
            if (!is_covered(table, state, event)) {
                return err_set(err, ERR_INTERNAL, "%s: no unguarded row for (%s, %s)", table->name,
                               table->state_name(state), table->event_name(event));
            }
        }
    }
    return ERR_NONE;
}

/* A RULE_ANY row is dead when every state has an unguarded row of its own for the event. */
static ErrCode check_general_rows(const RuleTable *table, Err *err)
{
    for (size_t i = 0; i < table->rule_count; i++) {
        const Rule *rule = &table->rules[i];
        bool is_used = rule->from != RULE_ANY;
        for (int state = first_state(table); state < table->state_count && !is_used; state++) {
            bool has_final = false;
            for (size_t j = 0; j < table->rule_count; j++) {
                const Rule *own = &table->rules[j];
                has_final |= own->from == state && own->event == rule->event && own->guard == NULL;
            }
            is_used = !has_final;
        }
        if (!is_used) {
            return err_set(err, ERR_INTERNAL, "%s rule %s: every state has its own row",
                           table->name, rule->id);
        }
    }
    return ERR_NONE;
}

/* Marks what one application of any row adds to the reachable states. Returns
 * whether it added any. */
static bool spread(const RuleTable *table, bool *reached)
{
    bool has_grown = false;
    for (size_t i = 0; i < table->rule_count; i++) {
        const Rule *rule = &table->rules[i];
        if (rule->to < 0 || reached[rule->to]) {
            continue;
        }
        for (int state = first_state(table); state < table->state_count; state++) {
            if (reached[state] && applies(rule, state, rule->event)) {
                reached[rule->to] = true;
                has_grown = true;
            }
        }
    }
    return has_grown;
}

static ErrCode check_reachability(const RuleTable *table, Err *err)
{
    AUTO(Arena) arena = { 0 };
    bool *reached = ARENA_ARRAY(&arena, bool, (size_t)table->state_count);
    reached[table->initial_state] = true;
    while (spread(table, reached)) {
    }
    for (int state = first_state(table); state < table->state_count; state++) {
        if (!reached[state]) {
            return err_set(err, ERR_INTERNAL, "%s: state %s cannot be reached", table->name,
                           table->state_name(state));
        }
    }
    return ERR_NONE;
}

ErrCode rule_table_check(const RuleTable *table, Err *err)
{
    for (size_t i = 0; i < table->rule_count; i++) {
        ErrCode code = check_row(table, &table->rules[i], err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    ErrCode code = check_coverage(table, err);
    if (code == ERR_NONE) {
        code = check_general_rows(table, err);
    }
    return code == ERR_NONE ? check_reachability(table, err) : code;
}

/* Mermaid's state names are identifiers. */
static void append_identifier(Str *out, const char *name)
{
    for (; *name != '\0'; name++) {
        str_append_char(out, *name == ' ' ? '_' : *name);
    }
}

static void append_edge(Str *out, const RuleTable *table, const Rule *rule, int from)
{
    str_append(out, "    ");
    append_identifier(out, table->state_name(from));
    str_append(out, " --> ");
    append_identifier(out, table->state_name(rule->to));
    str_printf(out, " : %s %s", rule->id, table->event_name(rule->event));
    if (rule->guard_text != NULL) {
        str_printf(out, " [%s]", rule->guard_text);
    }
    str_append_char(out, '\n');
}

void rule_table_diagram(const RuleTable *table, Str *out)
{
    str_append(out, "stateDiagram-v2\n    [*] --> ");
    append_identifier(out, table->state_name(table->initial_state));
    str_append_char(out, '\n');
    for (size_t i = 0; i < table->rule_count; i++) {
        const Rule *rule = &table->rules[i];
        if (rule->to < 0) {
            continue;
        }
        for (int state = first_state(table); state < table->state_count; state++) {
            bool is_general = rule->from == RULE_ANY && state != rule->to &&
                              !has_own_rows(table, state, rule->event);
            if (rule->from == state || is_general) {
                append_edge(out, table, rule, state);
            }
        }
    }
}
