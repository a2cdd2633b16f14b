/* Rules about names that stand twice where PostgreSQL takes each once. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include "common/list.h"
#include "common/str.h"

/* A name in a list of them, and where it stands in the statement; -1: the tree does not say. */
typedef struct Word {
    const char *name;
    int32_t location;
} Word;

typedef struct Words {
    LIST(Word) list;
} Words;

static void words_done(Words *words)
{
    LIST_DONE(&words->list);
}

AUTO_DEFINE(Words, words_done)

static void words_add(Words *words, const char *name, int32_t location)
{
    LIST_PUSH(&words->list, ((Word){ name, location }));
}

/* The first that an earlier one says already; NULL: each stands once. */
static const Word *words_twice(const Words *words)
{
    for (size_t i = 0; i < words->list.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_equal(words->list.items[i].name, words->list.items[j].name)) {
                return &words->list.items[i];
            }
        }
    }
    return NULL;
}

static void tell_twice(LintCase *lint, const Words *words, const char *code, const char *what)
{
    const Word *word = words_twice(words);
    if (word != NULL) {
        case_report(lint, word->location, "fails with %s: %s is %s twice", code,
                    name_write(word->name, lint->arena), what);
    }
}

/* Plain strings: a list of columns in brackets. */
static void words_add_strings(Words *words, Node *const *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        words_add(words, nodes[i]->string->sval, -1);
    }
}

/* ---- values ---- */

/* Elements of an array and fields of a row are set one by one: those are other places. */
static void tell_targets(LintCase *lint, Node *const *targets, size_t count, const char *code)
{
    AUTO(Words) words = { 0 };
    for (size_t i = 0; i < count; i++) {
        const PgQuery__ResTarget *target = targets[i]->res_target;
        if (target->n_indirection == 0) {
            words_add(&words, target->name, target->location);
        }
    }
    tell_twice(lint, &words, code, "set");
}

#define SYNTAX "42601"
#define DUPLICATE "42701"

static bool visit_writer(const ProtobufCMessage *message, void *context)
{
    LintCase *lint = context;
    if (message->descriptor == &pg_query__update_stmt__descriptor) {
        const PgQuery__UpdateStmt *update = (const PgQuery__UpdateStmt *)message;
        tell_targets(lint, update->target_list, update->n_target_list, SYNTAX);
    } else if (message->descriptor == &pg_query__on_conflict_clause__descriptor) {
        const PgQuery__OnConflictClause *conflict = (const PgQuery__OnConflictClause *)message;
        tell_targets(lint, conflict->target_list, conflict->n_target_list, SYNTAX);
    } else if (message->descriptor == &pg_query__insert_stmt__descriptor) {
        const PgQuery__InsertStmt *insert = (const PgQuery__InsertStmt *)message;
        tell_targets(lint, insert->cols, insert->n_cols, DUPLICATE);
    } else if (message->descriptor == &pg_query__merge_when_clause__descriptor) {
        const PgQuery__MergeWhenClause *when = (const PgQuery__MergeWhenClause *)message;
        bool is_insert = when->command_type == PG_QUERY__CMD_TYPE__CMD_INSERT;
        tell_targets(lint, when->target_list, when->n_target_list, is_insert ? DUPLICATE : SYNTAX);
    } else if (message->descriptor == &pg_query__copy_stmt__descriptor) {
        const PgQuery__CopyStmt *copy = (const PgQuery__CopyStmt *)message;
        AUTO(Words) words = { 0 };
        words_add_strings(&words, copy->attlist, copy->n_attlist);
        tell_twice(lint, &words, DUPLICATE, "set");
    }
    return true;
}

static void check_assigned(LintCase *lint)
{
    tree_walk(&lint->tree.node->base, visit_writer, lint);
}

/* ---- columns ---- */

static void words_add_columns(Words *words, Node *const *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (nodes[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            words_add(words, nodes[i]->column_def->colname, nodes[i]->column_def->location);
        }
    }
}

/* By its AS, or as the column that it is; NULL: PostgreSQL makes a name up, or there are several.
 */
static const char *target_name(const PgQuery__ResTarget *target)
{
    if (target->name[0] != '\0') {
        return target->name;
    }
    if (target->val == NULL || target->val->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) {
        return NULL;
    }
    const PgQuery__ColumnRef *column = target->val->column_ref;
    const Node *last = column->fields[column->n_fields - 1];
    return last->node_case == PG_QUERY__NODE__NODE_STRING ? last->string->sval : NULL;
}

/* A UNION's columns are those of its first SELECT. */
static const PgQuery__SelectStmt *first_select(const Node *query)
{
    if (query == NULL || query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        return NULL;
    }
    const PgQuery__SelectStmt *select = query->select_stmt;
    while (select->larg != NULL) {
        select = select->larg;
    }
    return select;
}

/* The columns of a query's result: the first ones go by the list before it, where there is one. */
static void words_add_query(Words *words, Node *const *listed, size_t listed_count,
                            const Node *query)
{
    const PgQuery__SelectStmt *select = first_select(query);
    words_add_strings(words, listed, listed_count);
    for (size_t i = 0; select != NULL && i < select->n_target_list; i++) {
        const PgQuery__ResTarget *target = select->target_list[i]->res_target;
        const char *name = target_name(target);
        bool is_star = name == NULL && target->val != NULL &&
                       target->val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
        if (is_star && listed_count > 0) {
            return; /* how many of the list it uses up nobody knows here */
        }
        if (name != NULL && i >= listed_count) {
            words_add(words, name, target->location);
        }
    }
}

static void words_add_added(Words *words, const PgQuery__AlterTableStmt *alter)
{
    for (size_t i = 0; i < alter->n_cmds; i++) {
        const PgQuery__AlterTableCmd *command = alter->cmds[i]->alter_table_cmd;
        if (command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn && !command->missing_ok) {
            words_add(words, command->def->column_def->colname, command->def->column_def->location);
        }
    }
}

static void words_of_statement(const Node *node, Words *words)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_CREATE_STMT:
        words_add_columns(words, node->create_stmt->table_elts, node->create_stmt->n_table_elts);
        break;
    case PG_QUERY__NODE__NODE_COMPOSITE_TYPE_STMT:
        words_add_columns(words, node->composite_type_stmt->coldeflist,
                          node->composite_type_stmt->n_coldeflist);
        break;
    case PG_QUERY__NODE__NODE_VIEW_STMT:
        words_add_query(words, node->view_stmt->aliases, node->view_stmt->n_aliases,
                        node->view_stmt->query);
        break;
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
        words_add_query(words, node->create_table_as_stmt->into->col_names,
                        node->create_table_as_stmt->into->n_col_names,
                        node->create_table_as_stmt->query);
        break;
    default:
        words_add_added(words, node->alter_table_stmt);
        break;
    }
}

static void check_made(LintCase *lint)
{
    AUTO(Words) words = { 0 };
    words_of_statement(lint->tree.node, &words);
    tell_twice(lint, &words, DUPLICATE, "made");
}

static const LintRule RULES[] = {
    {
        .id = "assigned-twice",
        .severity = SEVERITY_ERROR,
        .title = "a statement sets a column twice",
        .explain = "PostgreSQL refuses it: with 42601 in UPDATE, ON CONFLICT DO UPDATE and MERGE, "
                   "with 42701 in the list of columns of INSERT and COPY.",
        .remedy = "Set it once.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_UPDATE_STMT, PG_QUERY__NODE__NODE_INSERT_STMT,
                   PG_QUERY__NODE__NODE_MERGE_STMT, PG_QUERY__NODE__NODE_COPY_STMT,
                   PG_QUERY__NODE__NODE_SELECT_STMT),
        .check = check_assigned,
        .fires = { "UPDATE orders SET note = 'a', note = 'b' WHERE id = 7;", NULL },
        .silent = { "UPDATE orders SET note = 'a', total = 1 WHERE id = 7;", NULL },
    },
    {
        .id = "column-twice",
        .severity = SEVERITY_ERROR,
        .title = "a statement makes a column twice",
        .explain = "PostgreSQL refuses it with 42701: a table, a view or a type has no two columns "
                   "of one name. In a view it is most often a join of two tables that both have "
                   "an id.",
        .remedy = "Another name for one of the two; in a query by AS.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_CREATE_STMT, PG_QUERY__NODE__NODE_VIEW_STMT,
                   PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT,
                   PG_QUERY__NODE__NODE_COMPOSITE_TYPE_STMT, PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_made,
        .fires = { "CREATE VIEW named AS\n"
                   "    SELECT orders.id, users.id FROM orders JOIN users ON users.id = user_id;",
                   NULL },
        .silent = { "CREATE VIEW named AS\n"
                    "    SELECT orders.id, users.id AS owner\n"
                    "    FROM orders JOIN users ON users.id = user_id;",
                    NULL },
    },
};

LINT_FAMILY(LINT_TWICE, "Names that stand twice", RULES);
