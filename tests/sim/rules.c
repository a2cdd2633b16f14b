/* The tables in one list, and what in them is out of a simulator's reach. */
#include "tests/sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core/job.h"
#include "agent/core/session.h"
#include "common/cleanup.h"
#include "coordinator/engine/engine.h"

#define TABLE_COUNT (ENGINE_TABLE_COUNT + 2)

/* Rules by id, or by how the id begins ("J20*"). */
typedef struct Excuse {
    const char *id;
    const char *why;
} Excuse;

static const Excuse EXCUSES[] = {
    { "none", "" },
};

static const RuleTable *table_at(size_t index)
{
    if (index < ENGINE_TABLE_COUNT) {
        return engine_table(index);
    }
    return index == ENGINE_TABLE_COUNT ? job_rule_table() : agent_session_rule_table();
}

size_t rules_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        count += table_at(i)->rule_count;
    }
    return count;
}

static const Rule *rule_at(size_t index)
{
    size_t left = index;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const RuleTable *table = table_at(i);
        if (left < table->rule_count) {
            return &table->rules[left];
        }
        left -= table->rule_count;
    }
    abort();
}

const char *rules_id(size_t index)
{
    return rule_at(index)->id;
}

const char *rules_why(size_t index)
{
    return rule_at(index)->why;
}

size_t rules_index(const Rule *rule)
{
    size_t before = 0;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const RuleTable *table = table_at(i);
        uintptr_t first = (uintptr_t)table->rules;
        uintptr_t at = (uintptr_t)rule;
        if (at >= first && at < first + table->rule_count * sizeof(Rule)) {
            return before + (size_t)(rule - table->rules);
        }
        before += table->rule_count;
    }
    return RULES_MAX - 1; /* the job's rule for nonsense is in no table */
}

static bool is_meant(const Excuse *excuse, const char *id)
{
    size_t length = strlen(excuse->id);
    bool is_prefix = length > 0 && excuse->id[length - 1] == '*';
    return is_prefix ? strncmp(excuse->id, id, length - 1) == 0 : strcmp(excuse->id, id) == 0;
}

const char *rules_excuse(size_t index)
{
    for (size_t i = 0; i < ARRAY_LEN(EXCUSES); i++) {
        if (is_meant(&EXCUSES[i], rules_id(index))) {
            return EXCUSES[i].why;
        }
    }
    return NULL;
}
