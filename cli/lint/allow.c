/* Allowances: from their place in the text to the statement that they are about. */
#include "cli/lint/allow.h"

#include <string.h>

#include "common/str.h"

static bool is_same_line(const char *text, uint32_t from, uint32_t to)
{
    return memchr(text + from, '\n', to - from) == NULL;
}

static uint32_t end_of(const CaseStatement *statement)
{
    return statement->start + (uint32_t)strlen(statement->sql);
}

/* The statement that the allowance stands in, that ends on its line, or else that follows. */
static const CaseStatement *subject_of(const CaseScript *script, const Allowance *allowance)
{
    for (size_t i = 0; i < script->count; i++) {
        const CaseStatement *statement = &script->statements[i];
        uint32_t end = end_of(statement);
        bool is_behind = allowance->start >= end;
        if (!is_behind || is_same_line(script->origin->text, end, allowance->start)) {
            return statement;
        }
    }
    return NULL;
}

const char *allow_find(CaseScript *script, const CaseStatement *statement, const LintRule *rule)
{
    const char *reason = NULL;
    for (size_t i = 0; i < script->origin->allowances.count; i++) {
        const Allowance *allowance = &script->origin->allowances.items[i];
        const CaseStatement *subject = subject_of(script, allowance);
        const CaseStatement *wanted = statement == NULL ? script->statements : statement;
        bool is_meant = subject != NULL && subject->owner == wanted->owner;
        bool is_of_rule = allowance->fault == NULL && str_equal(allowance->rule, rule->id);
        if (is_of_rule && (allowance->is_file || is_meant)) {
            script->is_used[i] = true;
            reason = reason == NULL ? allowance->reason : reason;
        }
    }
    return reason;
}

static bool is_of_no_rule(const Allowance *allowance)
{
    return allowance->fault == NULL && lint_rule_find(allowance->rule) == NULL;
}

/* What has no such rule says so in words that know the rules. */
static Allowance of_no_rule(Allowance allowance, Arena *arena)
{
    const char *nearest = lint_rule_nearest(allowance.rule);
    allowance.fault = arena_printf(arena, "no rule \"%s\" to allow", allowance.rule);
    allowance.hint = nearest != NULL ? arena_printf(arena, "did you mean \"%s\"?", nearest)
                                     : "skein lint --rules lists them";
    return allowance;
}

void allow_each(const CaseScript *script, Arena *arena,
                void (*tell)(void *context, const Allowance *one), void *context)
{
    for (size_t i = 0; i < script->origin->allowances.count; i++) {
        Allowance allowance = script->origin->allowances.items[i];
        allowance = is_of_no_rule(&allowance) ? of_no_rule(allowance, arena) : allowance;
        if (allowance.fault != NULL || !script->is_used[i]) {
            tell(context, &allowance);
        }
    }
}
