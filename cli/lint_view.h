/* Findings of lint, for people; and its rules. */
#ifndef SKEIN_CLI_LINT_VIEW_H
#define SKEIN_CLI_LINT_VIEW_H

#include "cli/lint/lint.h"
#include "common/str.h"

/* Every finding that counts, with its statement, its reason and the safe way; then the sum. */
void lint_view_report(const LintReport *report, Str *out);

/* One line for each rule. */
void lint_view_rules(Str *out);

/* All that is to be said about one. */
void lint_view_rule(const LintRule *rule, Str *out);

#endif
