/* Constraints as statements write them, in columns and beside them. */
#ifndef SKEIN_CLI_LINT_CONSTRAINT_H
#define SKEIN_CLI_LINT_CONSTRAINT_H

#include "cli/lint/model.h"

/*
 * What a constraint is in the model, with the name that PostgreSQL gives it where it has none;
 * `column` is where it stands beside one, otherwise NULL. Kind CONSTRAINT_NONE for what is none of
 * its own (NOT NULL, DEFAULT, …). In `arena`, nothing of the tree's.
 */
TableConstraint constraint_read(const PgQuery__Constraint *constraint, const char *table,
                                const char *column, Arena *arena);

/* The constraint of this kind beside a column, or NULL. */
const PgQuery__Constraint *column_constraint(const PgQuery__ColumnDef *column,
                                             PgQuery__ConstrType type);

/* The column of CHECK (column IS NOT NULL), alone or with AND beside others; NULL:
 * it is not one. */
const char *check_not_null_column(const Node *expression);

#endif
