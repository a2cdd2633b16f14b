/*
 * PostgreSQL's parse tree of one statement, and back again: reading, names, deparsing.
 *
 * libpg_query writes and reads trees by recursion without a limit, and a deep one ends the process.
 * How deep a tree can get is bounded by its tokens before it is made: too deep a statement has no
 * tree.
 */
#ifndef SKEIN_CLI_LINT_TREE_H
#define SKEIN_CLI_LINT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <pg_query/pg_query.pb-c.h>

#include "common/arena.h"

typedef PgQuery__Node Node;

typedef enum TreeFault {
    TREE_NONE = 0,
    TREE_REFUSED, /* the grammar has no such statement: newer syntax, or a mistake */
    TREE_LARGE,   /* too deep or too long to be read */
} TreeFault;

typedef struct Tree {
    const Node *node; /* NULL when there is a fault */
    TreeFault fault;
    const char *words; /* of TREE_REFUSED: the parser's */
} Tree;

/* One statement, without its ";". Everything is in `arena`. */
void tree_parse(const char *sql, Arena *arena, Tree *ret_tree);

/* The statement of a tree, as SQL, with "IF EXISTS" and all; NULL when it cannot be written. */
const char *tree_write(const Node *statement, Arena *arena);

/* An expression alone. */
const char *tree_write_expression(const Node *expression, Arena *arena);

/* Calls `visit` for the message and every one below it, from the top; false ends the walk. */
typedef bool (*TreeVisit)(const ProtobufCMessage *message, void *context);
bool tree_walk(const ProtobufCMessage *message, TreeVisit visit, void *context);

/* ---- names ---- */

/* As SQL writes it: in quotes where it has to be. */
const char *name_write(const char *name, Arena *arena);

/* In quotes, whether it has to be or not. */
const char *name_quote(const char *name, Arena *arena);

/* "schema.name", or the name alone when `schema` is NULL or "". */
const char *name_write_qualified(const char *schema, const char *name, Arena *arena);

typedef struct Name {
    const char *schema; /* "": not said */
    const char *name;
} Name;

Name name_of_relation(const PgQuery__RangeVar *relation);

/* A list of strings, as most statements hold names; `leave` of the last ones are not part of it. */
Name name_of_strings(Node *const *nodes, size_t count, size_t leave);

/* The object of a DROP, COMMENT or RENAME: a list of strings, a type's name, a string. */
Name name_of_object(const Node *object, size_t leave);

/* The strings of a list of names: columns of a key. In the arena. */
const char *const *strings_of(Node *const *nodes, size_t count, Arena *arena);

/* "a, b, c", each written as SQL does. */
const char *names_write(const char *const *names, size_t count, Arena *arena);

/*
 * A name as PostgreSQL makes it up for an index or a constraint: table_column_suffix, cut to 63
 * bytes.
 */
const char *name_make(const char *table, const char *columns, const char *suffix, Arena *arena);

#endif
