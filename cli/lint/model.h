/*
 * What the statements read so far have made: tables with their columns, constraints and indexes, as
 * far as the statements tell. Nothing is asked of a server.
 *
 * What the history does not show (tables from before it, what a DO block or a function does) is not
 * known, and not known is never read as absent.
 */
#ifndef SKEIN_CLI_LINT_MODEL_H
#define SKEIN_CLI_LINT_MODEL_H

#include "cli/lint/type.h"

typedef enum RelationKind {
    RELATION_NONE = 0,
    RELATION_TABLE,
    RELATION_PARTITIONED,
    RELATION_VIEW,
    RELATION_MATVIEW,
    RELATION_SEQUENCE,
    RELATION_FOREIGN,
} RelationKind;

typedef struct Column {
    const char *name;
    ColumnType type;
    bool is_not_null;
    size_t made_by; /* the migration */
} Column;

typedef enum ConstraintKind {
    CONSTRAINT_NONE = 0,
    CONSTRAINT_CHECK,
    CONSTRAINT_FOREIGN_KEY,
    CONSTRAINT_PRIMARY_KEY,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_EXCLUSION,
} ConstraintKind;

typedef struct Names {
    const char *const *items;
    size_t count;
} Names;

bool names_have(const Names *names, const char *name);

/* Copies of a list of strings, in `arena`. */
Names names_copy(Node *const *nodes, size_t count, Arena *arena);

typedef struct TableConstraint {
    const char *name; /* as PostgreSQL names it where the statement does not */
    ConstraintKind kind;
    bool is_valid;
    Names columns;        /* of the key; of a CHECK those it reads */
    const char *not_null; /* of CHECK (column IS NOT NULL): the column; NULL otherwise */
    Name references;      /* of a foreign key */
    Names referenced;     /* its columns there; none: those of the primary key */
    size_t made_by;
} TableConstraint;

typedef struct TableIndex {
    const char *name;
    Names columns; /* plain ones, from the first to the first expression */
    Names reads;   /* columns that its expressions and its predicate read */
    bool is_unique;
    bool is_partial;
    bool is_concurrent; /* built by CREATE INDEX CONCURRENTLY */
    size_t made_by;
} TableIndex;

/* Never changed: a change makes another one. */
typedef struct Relation {
    Name name; /* with its schema: "public" where names without one go */
    RelationKind kind;
    size_t made_by;
    size_t emptied_by; /* the migration that has truncated it last */
    bool is_temporary;
    bool is_whole;       /* made in this history: all its columns are known */
    Name parent;         /* of a partition or an heir; "" otherwise */
    Names partition_key; /* of a partitioned table: plain columns, up to the first expression */
    const Column *columns;
    size_t column_count;
    const TableConstraint *constraints;
    size_t constraint_count;
    const TableIndex *indexes;
    size_t index_count;
} Relation;

typedef struct Model Model;

/* Everything it knows is in `arena`; model_free releases the rest. */
Model *model_new(Arena *arena);
void model_free(Model *model);

AUTO_PTR_DEFINE(Model, model_free)

/* Knows the same, and goes on by itself. Shares the arena. */
Model *model_fork(const Model *model);

/* A migration begins: what is made from here on is made by it; settings are the session's again. */
void model_begin(Model *model, size_t migration);

/* Reads one statement's tree. Keeps nothing of the tree's memory. */
void model_apply(Model *model, const Node *statement);

/* NULL: not known. The name may leave the schema out. */
const Relation *model_relation(const Model *model, Name name);

/* The table of an index; *ret_index too, unless it is NULL. */
const Relation *model_index(const Model *model, Name name, const TableIndex **ret_index);

/* Do the two names mean one table? */
bool model_is_same(const Model *model, Name a, Name b);

/* As people say it: without "public". */
Name relation_plain_name(const Relation *relation);

const Column *relation_column(const Relation *relation, const char *name);
const TableConstraint *relation_constraint(const Relation *relation, const char *name);

/* Made by the migration that is being read? Then nobody uses it yet. False for NULL. */
bool model_is_new(const Model *model, const Relation *relation);

/* Has the migration that is being read taken every row of it? False for NULL. */
bool model_is_emptied(const Model *model, const Relation *relation);

/* The index's name, or the one that PostgreSQL makes up; in `arena`. */
const char *model_index_name(const PgQuery__IndexStmt *index, Arena *arena);

/* The columns that an expression reads, each once; NULL reads none. In `arena`. */
Names names_read(const Node *expression, Arena *arena);

/* Each relation, in the order they were made: start with *cursor NULL; NULL at the end. */
const Relation *model_next(const Model *model, void **cursor);

/* The migration that is being read. */
size_t model_migration(const Model *model);

/* Is the session's TimeZone UTC, by what this migration has set? */
bool model_is_utc(const Model *model);

/* CREATE FUNCTION said IMMUTABLE or STABLE. */
bool model_function_is_stable(const Model *model, Name name);

/* CREATE DOMAIN, and CREATE TYPE … AS ENUM. */
typedef struct UserType {
    const char *name;
    bool is_domain;
    bool has_constraints; /* of a domain */
    ColumnType base;      /* of a domain: what it is made of, which may be a domain again */
    size_t made_by;
} UserType;

const UserType *model_type(const Model *model, const char *name);

/*
 * What is stored for a type: that of its domains, down to one that is none. *ret_is_checked, unless
 * it is NULL: one of them has constraints.
 */
ColumnType model_base_type(const Model *model, ColumnType type, bool *ret_is_checked);

/* Is the type this domain, or a domain over it? One that no migration makes goes by its name. */
bool model_is_of_domain(const Model *model, const ColumnType *type, const char *domain);

#endif
