/* The list of rules, and finding in it. */
#include "cli/lint/families.h"

#include <stdint.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/str.h"

/* In the order of the documentation. */
static const LintFamily *const FAMILIES[] = {
    &LINT_INDEXES,     &LINT_CONSTRAINTS,  &LINT_REFERENCES, &LINT_COLUMNS, &LINT_TYPES,
    &LINT_TABLES,      &LINT_DROPS,        &LINT_PARTITIONS, &LINT_ROWS,    &LINT_TWICE,
    &LINT_PROTECTIONS, &LINT_TRANSACTIONS, &LINT_HISTORIES,  &LINT_NAMES,   &LINT_READINGS,
};

const char RULE_NO_DOWN[] = "";

const char *const RULE_WORLD[RULE_WORLD_COUNT] = {
    "CREATE TABLE users (\n"
    "    id bigint PRIMARY KEY,\n"
    "    name text NOT NULL,\n"
    "    email varchar(100),\n"
    "    code text\n"
    ");\n"
    "CREATE TABLE orders (\n"
    "    id bigint PRIMARY KEY,\n"
    "    user_id bigint NOT NULL,\n"
    "    total numeric(10,2) NOT NULL,\n"
    "    note varchar(50),\n"
    "    placed_at timestamptz NOT NULL\n"
    ");\n"
    "CREATE INDEX orders_placed_at_idx ON orders (placed_at);\n"
    "CREATE TABLE items (\n"
    "    order_id bigint NOT NULL REFERENCES orders (id),\n"
    "    amount integer\n"
    ");\n"
    "CREATE INDEX items_order_id_idx ON items (order_id);\n"
    "CREATE TABLE events (id bigint NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);\n"
    "CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO "
    "('2025-01-01');\n"
    "CREATE TABLE events_2025 (id bigint NOT NULL, day date NOT NULL);\n"
    "CREATE MATERIALIZED VIEW order_totals AS SELECT user_id, sum(total) FROM orders GROUP BY 1;\n"
    "CREATE TYPE mood AS ENUM ('glad', 'sad');\n"
    "CREATE DOMAIN positive AS integer;\n"
    "CREATE TABLE stock (amount positive);\n",
    "ALTER TABLE users ADD COLUMN old text;\n"
    "ALTER TABLE orders ADD COLUMN old text;\n",
};

size_t lint_family_count(void)
{
    return ARRAY_LEN(FAMILIES);
}

const LintFamily *lint_family_at(size_t index)
{
    return FAMILIES[index];
}

size_t lint_rule_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(FAMILIES); i++) {
        count += FAMILIES[i]->count;
    }
    return count;
}

const LintRule *lint_rule_at(size_t index)
{
    for (size_t i = 0; i < ARRAY_LEN(FAMILIES); i++) {
        if (index < FAMILIES[i]->count) {
            return &FAMILIES[i]->rules[index];
        }
        index -= FAMILIES[i]->count;
    }
    return NULL;
}

size_t lint_rule_index(const LintRule *rule)
{
    size_t index = 0;
    for (size_t i = 0; i < ARRAY_LEN(FAMILIES); i++) {
        uintptr_t first = (uintptr_t)FAMILIES[i]->rules;
        uintptr_t end = (uintptr_t)(FAMILIES[i]->rules + FAMILIES[i]->count);
        if ((uintptr_t)rule >= first && (uintptr_t)rule < end) {
            return index + (size_t)(rule - FAMILIES[i]->rules);
        }
        index += FAMILIES[i]->count;
    }
    return index;
}

const LintRule *lint_rule_find(const char *id)
{
    for (size_t i = 0; i < lint_rule_count(); i++) {
        if (str_equal(lint_rule_at(i)->id, id)) {
            return lint_rule_at(i);
        }
    }
    return NULL;
}

const char *lint_rule_nearest(const char *id)
{
    AUTO(Arena) arena = { 0 };
    size_t count = lint_rule_count();
    const char **ids = ARENA_ARRAY(&arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = lint_rule_at(i)->id;
    }
    return str_nearest(id, ids, count);
}

static const char *const SEVERITIES[] = { "off", "notice", "warning", "error" };
_Static_assert(ARRAY_LEN(SEVERITIES) == SEVERITY_COUNT_, "a name for each severity");

const char *severity_name(Severity severity)
{
    return SEVERITIES[severity];
}

bool severity_parse(const char *text, Severity *ret_severity)
{
    for (size_t i = 0; i < ARRAY_LEN(SEVERITIES); i++) {
        if (str_equal(SEVERITIES[i], text)) {
            *ret_severity = (Severity)i;
            return true;
        }
    }
    return false;
}
