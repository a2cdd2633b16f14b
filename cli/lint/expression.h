/* Expressions: do their values differ from call to call? */
#ifndef SKEIN_CLI_LINT_EXPRESSION_H
#define SKEIN_CLI_LINT_EXPRESSION_H

#include "cli/lint/model.h"

/*
 * Is any function in it VOLATILE, as far as can be known? One that is neither PostgreSQL's own nor
 * made IMMUTABLE or STABLE in the history is taken to be. *ret_function names it, unless it is
 * NULL.
 */
bool expression_is_volatile(const Model *model, const Node *expression, const char **ret_function);

/* PostgreSQL's own functions that are taken for not volatile, sorted; for the test on a server. */
extern const char *const STABLE_FUNCTIONS[];
extern const size_t STABLE_FUNCTION_COUNT;

#endif
