/* One run of lint: what the driver keeps from statement to statement. */
#ifndef SKEIN_CLI_LINT_LINT_RUN_H
#define SKEIN_CLI_LINT_LINT_RUN_H

#include "cli/lint/lint_case.h"
#include "common/map.h"

typedef struct LintRun {
    LIST(Finding *) findings;
    Map *lock_orders;  /* "a\nb", a locked before b: the id of the migration that does so */
    size_t migrations; /* that findings are told of */
    size_t statements;
} LintRun;

/* Weighs the finding of `lint`, looks whether it is allowed, and keeps it. */
void lint_run_take(LintCase *lint, Finding *finding);

#endif
