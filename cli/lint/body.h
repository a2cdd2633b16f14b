/*
 * The SQL in the body of a DO block: statements that stand there as they are, and those that
 * EXECUTE is given as a constant. Which of them run is decided when the block does; lint takes all
 * of them to.
 */
#ifndef SKEIN_CLI_LINT_BODY_H
#define SKEIN_CLI_LINT_BODY_H

#include "cli/lint/tree.h"

typedef struct BodyStatement {
    const char *sql;
    size_t start; /* bytes into the DO statement: where it stands, or about there */
} BodyStatement;

typedef struct Body {
    const BodyStatement *items;
    size_t count;
    bool
        is_whole; /* false: EXECUTE makes up more, or the body is not PL/pgSQL, or cannot be read */
} Body;

/* `sql` is a DO statement of PostgreSQL's grammar. In the order of the text; in `arena`. */
void body_read(const char *sql, Arena *arena, Body *ret_body);

#endif
