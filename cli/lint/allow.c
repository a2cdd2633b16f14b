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
        if (str_equal(allowance->rule, rule->id) && (allowance->is_file || is_meant)) {
            script->is_used[i] = true;
            reason = reason == NULL ? allowance->reason : reason;
        }
    }
    return reason;
}

ErrCode allow_check(const CaseScript *script, Err *err)
{
    for (size_t i = 0; i < script->origin->allowances.count; i++) {
        const Allowance *allowance = &script->origin->allowances.items[i];
        if (lint_rule_find(allowance->rule) != NULL) {
            continue;
        }
        err_set(err, ERR_SYNTAX, "%s:%u: no rule \"%s\" to allow", script->origin->file,
                allowance->line, allowance->rule);
        const char *nearest = lint_rule_nearest(allowance->rule);
        return nearest != NULL ? err_hint(err, "did you mean \"%s\"?", nearest)
                               : err_hint(err, "skein lint --rules lists them");
    }
    return ERR_NONE;
}

void allow_each_unused(const CaseScript *script, void (*tell)(void *context, const Allowance *one),
                       void *context)
{
    for (size_t i = 0; i < script->origin->allowances.count; i++) {
        if (!script->is_used[i]) {
            tell(context, &script->origin->allowances.items[i]);
        }
    }
}
