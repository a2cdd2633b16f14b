/* Which statement an allowance is about, and whether it was of use. */
#ifndef SKEIN_CLI_LINT_ALLOW_H
#define SKEIN_CLI_LINT_ALLOW_H

#include "cli/lint/lint_case.h"

/*
 * The reason why the finding is allowed; NULL: it is not. `statement` NULL: the finding is about
 * the file, and an allowance before its first statement counts. Marks what it uses.
 */
const char *allow_find(CaseScript *script, const CaseStatement *statement, const LintRule *rule);

/* Calls `tell` for each allowance that was of no use: it allowed nothing (`fault` NULL), or cannot
 * be meant so. */
void allow_each(const CaseScript *script, Arena *arena,
                void (*tell)(void *context, const Allowance *one), void *context);

#endif
