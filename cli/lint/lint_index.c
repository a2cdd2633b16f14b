/* Rules about indexes: building, dropping, rebuilding. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"
#include "cli/source/tree_option.h"

#include "common/str.h"

#define KEY_COLUMNS_MAX 3

/* The same statement on another table, with another name; CONCURRENTLY, or ON ONLY without it. */
static void step_index(LintCase *lint, Finding *finding, const char *name, Name table,
                       bool is_concurrent)
{
    PgQuery__IndexStmt index = *lint->tree.node->index_stmt;
    PgQuery__RangeVar relation = *index.relation;
    relation.schemaname = (char *)table.schema;
    relation.relname = (char *)table.name;
    relation.inh = is_concurrent;
    index.relation = &relation;
    index.idxname = (char *)name;
    index.concurrent = is_concurrent;
    index.if_not_exists = false;
    if (str_equal(index.access_method, "btree")) {
        index.access_method = (char *)"";
    }
    Node node = PG_QUERY__NODE__INIT;
    node.node_case = PG_QUERY__NODE__NODE_INDEX_STMT;
    node.index_stmt = &index;
    case_step_tree(lint, finding, &node);
}

/* A partitioned table's index: an empty one, one for each partition, and the joining of both. */
static void step_partitions(LintCase *lint, Finding *finding, const Relation *parent,
                            const char *name)
{
    Name table = relation_plain_name(parent);
    step_index(lint, finding, name, table, false);
    void *cursor = NULL;
    const Relation *child = NULL;
    while ((child = model_next(lint->model, &cursor)) != NULL) {
        if (!str_equal(child->parent.name, parent->name.name) ||
            !str_equal(child->parent.schema, parent->name.schema)) {
            continue;
        }
        const char *part = name_make(child->name.name, name, "idx", lint->arena);
        step_index(lint, finding, part, relation_plain_name(child), true);
        case_step(lint, finding, "ALTER INDEX %s ATTACH PARTITION %s;",
                  case_table(lint, (Name){ table.schema, name }),
                  case_table(lint, (Name){ relation_plain_name(child).schema, part }));
        if (finding->safe_count + 2 > SAFE_STEPS_MAX) {
            break; /* the others go the same way */
        }
    }
}

static void check_create(LintCase *lint)
{
    const PgQuery__IndexStmt *index = lint->tree.node->index_stmt;
    Name table = name_of_relation(index->relation);
    const Relation *relation = model_relation(lint->model, table);
    if (index->concurrent || !case_is_busy(lint, table) || case_work(lint, WORK_BUILD) == NULL) {
        return;
    }
    const char *name = model_index_name(index, lint->arena);
    Finding *finding = case_report(lint, -1, "nobody can write to %s until the index is built",
                                   case_table(lint, table));
    if (relation != NULL && relation->kind == RELATION_PARTITIONED) {
        step_partitions(lint, finding, relation, name);
    } else {
        step_index(lint, finding, name, table, true);
    }
}

static void check_drop(LintCase *lint)
{
    const PgQuery__DropStmt *drop = lint->tree.node->drop_stmt;
    if (drop->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_INDEX || drop->concurrent) {
        return;
    }
    Finding *finding = NULL;
    for (size_t i = 0; i < drop->n_objects; i++) {
        Name name = name_of_object(drop->objects[i], 0);
        const Relation *table = model_index(lint->model, name, NULL);
        if (table != NULL && !case_is_busy(lint, relation_plain_name(table))) {
            continue;
        }
        const char *index = case_table(lint, name);
        if (finding == NULL) {
            finding = case_report(lint, -1,
                                  "%s waits for everybody who reads or writes %s, and everybody "
                                  "who comes then waits for it",
                                  lint->statement->kind,
                                  table == NULL ? "the index's table"
                                                : case_table(lint, relation_plain_name(table)));
        }
        case_step(lint, finding, "DROP INDEX CONCURRENTLY %s%s;",
                  drop->missing_ok ? "IF EXISTS " : "", index);
    }
}

static void check_reindex(LintCase *lint)
{
    const PgQuery__ReindexStmt *reindex = lint->tree.node->reindex_stmt;
    bool is_index = reindex->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_INDEX;
    bool is_table = reindex->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_TABLE;
    if (option_is_on(reindex->params, reindex->n_params, "concurrently", false) ||
        ((is_index || is_table) && case_work(lint, WORK_BUILD) == NULL)) {
        return;
    }
    Finding *finding = case_report(
        lint, -1,
        "nobody can write, and queries that would use an index wait, until it is rebuilt");
    if (is_index || is_table) {
        case_step(lint, finding, "REINDEX %s CONCURRENTLY %s;", is_index ? "INDEX" : "TABLE",
                  case_table(lint, name_of_relation(reindex->relation)));
    }
}

static void check_many_columns(LintCase *lint)
{
    const PgQuery__IndexStmt *index = lint->tree.node->index_stmt;
    /* The columns of others (gin, brin, bloom) are looked up each by itself. */
    bool is_ordered = str_equal(index->access_method, "btree");
    if (is_ordered && !index->unique && index->n_index_params > KEY_COLUMNS_MAX) {
        case_report(lint, -1, "%zu key columns: those behind the first few rarely narrow anything",
                    index->n_index_params);
    }
}

static void check_if_not_exists(LintCase *lint)
{
    const PgQuery__IndexStmt *index = lint->tree.node->index_stmt;
    Name table = name_of_relation(index->relation);
    if (!index->concurrent || !index->if_not_exists) {
        return;
    }
    Finding *finding = case_report(lint, -1,
                                   "an INVALID %s that an interrupted build has left counts as "
                                   "existing, and is not built",
                                   case_table(lint, (Name){ table.schema, index->idxname }));
    step_index(lint, finding, model_index_name(index, lint->arena), table, true);
}

static const LintRule RULES[] = {
    {
        .id = "index-blocks-writes",
        .severity = SEVERITY_WARNING,
        .title = "an index is built while nobody may write",
        .explain =
            "CREATE INDEX holds a SHARE lock on the table until every row is read and sorted: "
            "reads go on, every write waits, for minutes on a large table.",
        .remedy =
            "CREATE INDEX CONCURRENTLY, in a migration of its own. skein runs it outside of a "
            "transaction, and looks afterwards whether the index is there and valid. On a "
            "partitioned table, where CONCURRENTLY is not to be had, make the index ON ONLY the "
            "parent, one on each partition, and attach them.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_INDEX_STMT),
        .check = check_create,
        .fires = { "CREATE INDEX orders_user_id_idx ON orders (user_id);", NULL },
        .silent = { "CREATE TABLE carts (id bigint PRIMARY KEY, user_id bigint);\n"
                    "CREATE INDEX carts_user_id_idx ON carts (user_id);",
                    NULL },
    },
    {
        .id = "index-drop-blocks",
        .severity = SEVERITY_WARNING,
        .title = "an index is dropped with a lock that stops everybody",
        .explain =
            "DROP INDEX asks for ACCESS EXCLUSIVE on the index's table. It is quick once it has "
            "it, but while it waits for a long query, everybody else waits behind it.",
        .remedy = "DROP INDEX CONCURRENTLY, one index each, in a migration of its own.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DROP_STMT),
        .check = check_drop,
        .fires = { "DROP INDEX orders_placed_at_idx;", NULL },
        .silent = { "DROP INDEX CONCURRENTLY orders_placed_at_idx;", NULL },
    },
    {
        .id = "reindex-blocks",
        .severity = SEVERITY_WARNING,
        .title = "an index is rebuilt while nobody may write",
        .explain =
            "REINDEX holds SHARE on the table and ACCESS EXCLUSIVE on the index: writes wait, and "
            "so does every query that would use the index.",
        .remedy = "REINDEX … CONCURRENTLY, in a migration of its own.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_REINDEX_STMT),
        .check = check_reindex,
        .fires = { "REINDEX INDEX orders_placed_at_idx;", NULL },
        .silent = { "REINDEX INDEX CONCURRENTLY orders_placed_at_idx;", NULL },
    },
    {
        .id = "index-if-not-exists",
        .severity = SEVERITY_NOTICE,
        .title = "IF NOT EXISTS takes an invalid index for a built one",
        .explain =
            "A CREATE INDEX CONCURRENTLY that was interrupted leaves an INVALID index behind: it "
            "costs every write and serves no query. IF NOT EXISTS finds it there and is content.",
        .remedy = "Leave IF NOT EXISTS out: skein's history already sees to it that the migration "
                  "runs once, and an INVALID index in its way is then an error that says so.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_INDEX_STMT),
        .check = check_if_not_exists,
        .fires = { "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_user_id_idx ON orders "
                   "(user_id);",
                   NULL },
        .silent = { "CREATE INDEX CONCURRENTLY orders_user_id_idx ON orders (user_id);", NULL },
    },
    {
        .id = "index-many-columns",
        .severity = SEVERITY_NOTICE,
        .title = "an index has many columns",
        .explain =
            "A btree that is not unique rarely gets better by a fourth key column, and every write "
            "pays for it.",
        .remedy = "Keep the columns that narrow the search most; what queries only read can go to "
                  "INCLUDE.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_INDEX_STMT),
        .check = check_many_columns,
        .fires = { "CREATE INDEX CONCURRENTLY i ON orders (user_id, placed_at, total, note);",
                   NULL },
        .silent = { "CREATE INDEX CONCURRENTLY i ON orders USING brin (user_id, placed_at, "
                    "total, note);",
                    NULL },
    },
};

LINT_FAMILY(LINT_INDEXES, "Indexes", RULES);
