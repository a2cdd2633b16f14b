/* Reading constraints. */
#include "cli/lint/constraint.h"

#include <string.h>

#include "common/list.h"
#include "common/str.h"

static const struct {
    PgQuery__ConstrType type;
    ConstraintKind kind;
    const char *suffix; /* of the name that PostgreSQL makes up */
} KINDS[] = {
    { PG_QUERY__CONSTR_TYPE__CONSTR_CHECK, CONSTRAINT_CHECK, "check" },
    { PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN, CONSTRAINT_FOREIGN_KEY, "fkey" },
    { PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY, CONSTRAINT_PRIMARY_KEY, "pkey" },
    { PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE, CONSTRAINT_UNIQUE, "key" },
    { PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION, CONSTRAINT_EXCLUSION, "excl" },
};

typedef LIST(const char *) Words;

static void add_word(Words *words, const char *word, Arena *arena)
{
    for (size_t i = 0; i < words->count; i++) {
        if (str_equal(words->items[i], word)) {
            return;
        }
    }
    LIST_PUSH(words, arena_strdup(arena, word));
}

typedef struct ColumnsRead {
    Words words;
    Arena *arena;
} ColumnsRead;

static bool visit_column(const ProtobufCMessage *message, void *context)
{
    ColumnsRead *read = context;
    if (message->descriptor == &pg_query__column_ref__descriptor) {
        const PgQuery__ColumnRef *column = (const PgQuery__ColumnRef *)message;
        Name name = name_of_strings(column->fields, column->n_fields, 0);
        add_word(&read->words, name.name, read->arena);
    }
    return true;
}

Names names_read(const Node *expression, Arena *arena)
{
    ColumnsRead read = { .arena = arena };
    if (expression != NULL) {
        tree_walk(&expression->base, visit_column, &read);
    }
    Names names = {
        arena_memdup(arena, read.words.items, read.words.count * sizeof(read.words.items[0])),
        read.words.count,
    };
    LIST_DONE(&read.words);
    return names;
}

static Names columns_of_exclusion(const PgQuery__Constraint *constraint, Arena *arena)
{
    const char **items = ARENA_ARRAY(arena, const char *, constraint->n_exclusions);
    for (size_t i = 0; i < constraint->n_exclusions; i++) {
        const Node *pair = constraint->exclusions[i];
        const Node *element =
            pair->node_case == PG_QUERY__NODE__NODE_LIST && pair->list->n_items > 0
                ? pair->list->items[0]
                : pair;
        bool is_element = element->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM;
        items[i] = arena_strdup(arena, is_element ? element->index_elem->name : "");
    }
    return (Names){ items, constraint->n_exclusions };
}

static Names names_one(const char *name, Arena *arena)
{
    const char **items = ARENA_ARRAY(arena, const char *, 1);
    items[0] = arena_strdup(arena, name);
    return (Names){ items, 1 };
}

static Names read_columns(const PgQuery__Constraint *constraint, ConstraintKind kind,
                          const char *column, Arena *arena)
{
    switch (kind) {
    case CONSTRAINT_CHECK:
        return names_read(constraint->raw_expr, arena);
    case CONSTRAINT_EXCLUSION:
        return columns_of_exclusion(constraint, arena);
    default:
        break;
    }
    if (column != NULL) {
        return names_one(column, arena);
    }
    return kind == CONSTRAINT_FOREIGN_KEY
               ? names_copy(constraint->fk_attrs, constraint->n_fk_attrs, arena)
               : names_copy(constraint->keys, constraint->n_keys, arena);
}

/* The columns' part of a name that is made up. */
static const char *name_part(const Names *columns, ConstraintKind kind, Arena *arena)
{
    if (kind == CONSTRAINT_PRIMARY_KEY || (kind == CONSTRAINT_CHECK && columns->count != 1)) {
        return "";
    }
    AUTO(Str) part = { 0 };
    for (size_t i = 0; i < columns->count; i++) {
        str_printf(&part, "%s%s", i == 0 ? "" : "_", columns->items[i]);
    }
    return arena_strdup(arena, str_text(&part));
}

const char *check_not_null_column(const Node *expression)
{
    if (expression == NULL || expression->node_case != PG_QUERY__NODE__NODE_NULL_TEST) {
        return NULL;
    }
    const PgQuery__NullTest *test = expression->null_test;
    bool is_column = test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL &&
                     test->arg->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
    return is_column
               ? name_of_strings(test->arg->column_ref->fields, test->arg->column_ref->n_fields, 0)
                     .name
               : NULL;
}

TableConstraint constraint_read(const PgQuery__Constraint *constraint, const char *table,
                                const char *column, Arena *arena)
{
    TableConstraint read = { .references = { "", "" } };
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (KINDS[i].type != constraint->contype) {
            continue;
        }
        read.kind = KINDS[i].kind;
        read.columns = read_columns(constraint, read.kind, column, arena);
        read.is_valid = !constraint->skip_validation;
        read.name = constraint->conname[0] != '\0'
                        ? arena_strdup(arena, constraint->conname)
                        : name_make(table, name_part(&read.columns, read.kind, arena),
                                    KINDS[i].suffix, arena);
        const char *not_null =
            read.kind == CONSTRAINT_CHECK ? check_not_null_column(constraint->raw_expr) : NULL;
        read.not_null = arena_strdup(arena, not_null);
        read.referenced = names_copy(constraint->pk_attrs, constraint->n_pk_attrs, arena);
        Name references = name_of_relation(constraint->pktable);
        read.references =
            (Name){ arena_strdup(arena, references.schema), arena_strdup(arena, references.name) };
    }
    return read;
}

const PgQuery__Constraint *column_constraint(const PgQuery__ColumnDef *column,
                                             PgQuery__ConstrType type)
{
    for (size_t i = 0; i < column->n_constraints; i++) {
        const Node *node = column->constraints[i];
        if (node->node_case == PG_QUERY__NODE__NODE_CONSTRAINT &&
            node->constraint->contype == type) {
            return node->constraint;
        }
    }
    return NULL;
}
