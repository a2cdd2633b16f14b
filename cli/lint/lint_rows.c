/* Rules about rows: statements that write all of them. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include "common/str.h"

#define BATCH "10000"

/* The primary key's only column, or ctid, which every table has. */
static const char *key_of(const LintCase *lint, Name table)
{
    const Relation *relation = model_relation(lint->model, table);
    for (size_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        const TableConstraint *key = &relation->constraints[i];
        if (key->kind == CONSTRAINT_PRIMARY_KEY && key->columns.count == 1) {
            return name_write(key->columns.items[0], lint->arena);
        }
    }
    return "ctid";
}

/* Up to where its WHERE would stand. */
static const char *write_bare(const LintCase *lint, const PgQuery__UpdateStmt *update)
{
    PgQuery__UpdateStmt bare = *update;
    bare.n_returning_list = 0;
    Node node = *lint->tree.node;
    node.update_stmt = &bare;
    return tree_write(&node, lint->arena);
}

static void check_update(LintCase *lint)
{
    const PgQuery__UpdateStmt *update = lint->tree.node->update_stmt;
    Name table = name_of_relation(update->relation);
    if (update->where_clause != NULL || update->n_from_clause > 0 || !case_is_busy(lint, table)) {
        return;
    }
    const char *written = case_table(lint, table);
    const char *key = key_of(lint, table);
    Finding *finding = case_report(
        lint, -1, "every row of %s is written twice over, and locked until the transaction ends",
        written);
    const char *sql = write_bare(lint, update);
    if (sql != NULL) {
        case_step(lint, finding,
                  "-- again and again, each in a transaction of its own; from the second on with\n"
                  "-- WHERE %s > the last one of the batch before\n"
                  "%s WHERE %s IN (SELECT %s FROM %s ORDER BY %s LIMIT " BATCH ");",
                  key, sql, key, key, written, key);
    }
}

static void check_delete(LintCase *lint)
{
    const PgQuery__DeleteStmt *removal = lint->tree.node->delete_stmt;
    Name table = name_of_relation(removal->relation);
    if (removal->where_clause != NULL || removal->n_using_clause > 0 ||
        !case_is_busy(lint, table)) {
        return;
    }
    const char *written = case_table(lint, table);
    const char *key = key_of(lint, table);
    Finding *finding =
        case_report(lint, -1, "every row of %s is gone, one by one, in one transaction", written);
    case_step(lint, finding,
              "-- again and again, each in a transaction of its own, until no row is left\n"
              "DELETE FROM %s WHERE %s IN (SELECT %s FROM %s LIMIT " BATCH ");",
              written, key, key, written);
}

/* Can an index find the rows that the condition asks for? What is not known counts as yes. */
static bool is_found_by_index(const LintCase *lint, Name table, const Node *condition)
{
    const Relation *relation = model_relation(lint->model, table);
    Names read = names_read(condition, lint->arena);
    if (relation == NULL || !relation->is_whole || read.count == 0) {
        return true;
    }
    for (size_t i = 0; i < relation->index_count; i++) {
        const TableIndex *index = &relation->indexes[i];
        if (index->columns.count == 0 || names_have(&read, index->columns.items[0])) {
            return true;
        }
    }
    return false;
}

static void check_scan(LintCase *lint)
{
    const Node *node = lint->tree.node;
    bool is_update = node->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT;
    const Node *condition =
        is_update ? node->update_stmt->where_clause : node->delete_stmt->where_clause;
    Name table =
        name_of_relation(is_update ? node->update_stmt->relation : node->delete_stmt->relation);
    bool is_joined =
        is_update ? node->update_stmt->n_from_clause > 0 : node->delete_stmt->n_using_clause > 0;
    if (condition == NULL || is_joined || !case_is_busy(lint, table) ||
        is_found_by_index(lint, table, condition)) {
        return;
    }
    const char *written = case_table(lint, table);
    const char *key = key_of(lint, table);
    Finding *finding = case_report(
        lint, -1, "all of %s is read, and every row that fits is locked until the transaction ends",
        written);
    if (!str_equal(key, "ctid")) {
        case_step(lint, finding,
                  "-- again and again, each in a transaction of its own, with the next bounds\n"
                  "%s AND %s BETWEEN 1 AND " BATCH ";",
                  lint->statement->sql, key);
    }
}

static const LintRule RULES[] = {
    {
        .id = "update-every-row",
        .severity = SEVERITY_WARNING,
        .title = "every row of a table is updated at once",
        .explain = "The table doubles in size, its indexes grow, replicas fall behind, and every "
                   "row stays locked until the transaction ends: whoever wants to write one waits.",
        .remedy = "In batches of some thousand rows, each in a transaction of its own, outside of "
                  "migrations; the migration can then prove that none is left.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_UPDATE_STMT),
        .check = check_update,
        .fires = { "UPDATE orders SET note = '';", NULL },
        .silent = { "UPDATE orders SET note = '' WHERE id = 7;", NULL },
    },
    {
        .id = "delete-every-row",
        .severity = SEVERITY_WARNING,
        .title = "every row of a table is deleted at once",
        .explain = "Each row is marked and logged by itself, foreign keys are looked up for each, "
                   "and the room is free only after VACUUM.",
        .remedy = "In batches, each in a transaction of its own.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DELETE_STMT),
        .check = check_delete,
        .fires = { "DELETE FROM items;", NULL },
        .silent = { "DELETE FROM items WHERE order_id = 7;", NULL },
    },
    {
        .id = "rows-by-scan",
        .severity = SEVERITY_NOTICE,
        .title = "rows to be written are looked for by reading the whole table",
        .explain =
            "No index begins with a column of the condition. How many rows fit nobody can say "
            "here: a backfill of most of a table is an UPDATE of every row, in one "
            "transaction, under another name.",
        .remedy = "In batches along the primary key, each in a transaction of its own, outside of "
                  "migrations.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_UPDATE_STMT, PG_QUERY__NODE__NODE_DELETE_STMT),
        .check = check_scan,
        .fires = { "UPDATE orders SET note = '' WHERE note IS NULL;", NULL },
        .silent = { "UPDATE orders SET note = '' WHERE note IS NULL AND id BETWEEN 1 AND 10000;",
                    NULL },
    },
};

LINT_FAMILY(LINT_ROWS, "Rows", RULES);
