/* Classification by PostgreSQL's parse tree. Owns the reading of libpg_query's trees. */
#include <string.h>

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "cli/source/classify_internal.h"
#include "cli/source/do_block.h"
#include "cli/source/tree_option.h"
#include "common/str.h"

static const char *quote_name(const char *schema, const char *name, Arena *arena)
{
    AUTO(Str) quoted = { 0 };
    if (schema != NULL && schema[0] != '\0') {
        str_append_quoted(&quoted, schema, '"');
    }
    if (name != NULL && name[0] != '\0') {
        str_append(&quoted, quoted.length > 0 ? "." : "");
        str_append_quoted(&quoted, name, '"');
    }
    return arena_strdup(arena, str_text(&quoted));
}

static const char *quote_relation(const PgQuery__RangeVar *relation, Arena *arena)
{
    return relation == NULL ? "" : quote_name(relation->schemaname, relation->relname, arena);
}

/* A qualified name as the tree has it: a list of strings. A leading catalog is left out. */
static const char *quote_strings(PgQuery__Node *const *nodes, size_t count, Arena *arena)
{
    const char *parts[2] = { NULL, NULL };
    for (size_t i = 0; i < count; i++) {
        if (nodes[i]->node_case == PG_QUERY__NODE__NODE_STRING) {
            parts[0] = parts[1];
            parts[1] = nodes[i]->string->sval;
        }
    }
    return quote_name(parts[0], parts[1], arena);
}

static bool constant_is_on(const PgQuery__Node *value)
{
    return value != NULL && value->node_case == PG_QUERY__NODE__NODE_A_CONST &&
           value->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL &&
           value->a_const->ival->ival != 0;
}

static void read_index(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    const PgQuery__IndexStmt *index = node->index_stmt;
    if (!index->concurrent) {
        return;
    }
    if (index->idxname[0] == '\0') {
        facts_refuse(facts, "CREATE INDEX CONCURRENTLY without a name for the index",
                     "name it, so that an interrupted build can be found again");
        return;
    }
    facts_set_outside(facts, PROBE_INDEX_VALID,
                      quote_name(index->relation->schemaname, index->idxname, reader->arena),
                      quote_relation(index->relation, reader->arena));
}

static void read_drop(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    const PgQuery__DropStmt *drop = node->drop_stmt;
    if (!drop->concurrent) {
        return;
    }
    if (drop->n_objects != 1 || drop->objects[0]->node_case != PG_QUERY__NODE__NODE_LIST) {
        facts_refuse(facts,
                     "DROP INDEX CONCURRENTLY of several indexes, which PostgreSQL does not do",
                     "write one migration for each index");
        return;
    }
    const PgQuery__List *name = drop->objects[0]->list;
    facts_set_outside(facts, PROBE_INDEX_ABSENT,
                      quote_strings(name->items, name->n_items, reader->arena), "");
}

/* What REINDEX CONCURRENTLY may leave behind, and where. */
static const char *reindex_scope(PgQuery__ReindexObjectType kind)
{
    switch (kind) {
    case PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_INDEX:
        return "index";
    case PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_TABLE:
        return "table";
    case PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_SCHEMA:
        return "schema";
    default:
        return "database";
    }
}

/* The index that is rebuilt is valid before and after: only what it leaves behind can be seen. */
static void read_reindex(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    const PgQuery__ReindexStmt *reindex = node->reindex_stmt;
    bool is_concurrent = option_is_on(reindex->params, reindex->n_params, "concurrently", false);
    const char *scope = reindex_scope(reindex->kind);
    const char *object = reindex->relation != NULL
                             ? quote_relation(reindex->relation, reader->arena)
                             : quote_name(NULL, reindex->name, reader->arena);
    if (is_concurrent) {
        facts_set_outside(facts, PROBE_REINDEXED, object, scope);
    } else if (str_equal(scope, "schema") || str_equal(scope, "database")) {
        facts_set_outside(facts, PROBE_REPEATABLE, "", "");
    }
    if (is_concurrent && !str_ends_with(facts->kind, "CONCURRENTLY")) {
        facts->kind = arena_printf(reader->arena, "%s CONCURRENTLY", facts->kind);
    }
}

static void read_vacuum(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    (void)reader;
    facts->is_of_database = node->vacuum_stmt->n_rels == 0;
    facts->detail = facts->is_of_database ? PLAN_WHOLE_DATABASE : "";
    if (node->vacuum_stmt->is_vacuumcmd) {
        facts_set_outside(facts, PROBE_REPEATABLE, "", facts->detail);
    }
}

static void read_alter_table(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    const PgQuery__AlterTableStmt *alter = node->alter_table_stmt;
    for (size_t i = 0; i < alter->n_cmds; i++) {
        if (alter->cmds[i]->node_case != PG_QUERY__NODE__NODE_ALTER_TABLE_CMD) {
            continue;
        }
        const PgQuery__AlterTableCmd *command = alter->cmds[i]->alter_table_cmd;
        if (command->subtype != PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition ||
            command->def == NULL || !command->def->partition_cmd->concurrent) {
            continue;
        }
        facts->kind = "ALTER TABLE DETACH PARTITION CONCURRENTLY";
        facts_set_outside(facts, PROBE_PARTITION_DETACHED,
                          quote_relation(command->def->partition_cmd->name, reader->arena),
                          quote_relation(alter->relation, reader->arena));
    }
}

/* Allowed in a transaction since PostgreSQL 12; probed only where its author wants none. */
static void read_enum(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    const PgQuery__AlterEnumStmt *alter = node->alter_enum_stmt;
    if (alter->old_val[0] != '\0') {
        return;
    }
    facts->kind = "ALTER TYPE ADD VALUE";
    facts->prefers_outside = "the new label can be used as soon as it is done";
    facts->probe = PROBE_ENUM_LABEL;
    facts->object = quote_strings(alter->type_name, alter->n_type_name, reader->arena);
    facts->detail = arena_strdup(reader->arena, alter->new_val);
    facts->note = "ALTER TYPE … ADD VALUE: the new label cannot be used before this migration's "
                  "transaction has ended";
}

/* How a transaction is to be is said of the one that skein writes its history in, too. */
static void read_options(const Reader *reader, PgQuery__Node *const *options, size_t count,
                         StatementFacts *facts)
{
    facts->is_opening = true;
    for (size_t i = 0; i < count; i++) {
        bool is_option = options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM;
        if (is_option && str_equal(options[i]->def_elem->defname, "transaction_read_only") &&
            constant_is_on(options[i]->def_elem->arg)) {
            facts_refuse(
                facts,
                arena_printf(reader->arena,
                             "%s READ ONLY: skein writes its history in the transaction",
                             str_equal(facts->kind, "SET") ? "SET TRANSACTION" : facts->kind),
                "remove READ ONLY: what only reads does so without it");
        }
    }
}

/* SET LOCAL and SET TRANSACTION end with their transaction. */
static void read_setting(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    const PgQuery__VariableSetStmt *set = node->variable_set_stmt;
    if (str_equal(set->name, "TRANSACTION")) {
        read_options(reader, set->args, set->n_args, facts);
    } else {
        facts->is_setting = !set->is_local;
    }
}

/* SELECT set_config('search_path', '', false), as pg_dump writes it, and nothing beside it. */
static void read_select(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    (void)reader;
    const PgQuery__SelectStmt *select = node->select_stmt;
    if (select->n_target_list != 1 || select->n_from_clause != 0 || select->where_clause != NULL ||
        select->target_list[0]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) {
        return;
    }
    const PgQuery__Node *value = select->target_list[0]->res_target->val;
    if (value == NULL || value->node_case != PG_QUERY__NODE__NODE_FUNC_CALL) {
        return;
    }
    const PgQuery__FuncCall *call = value->func_call;
    const PgQuery__Node *name = call->funcname[call->n_funcname - 1];
    const PgQuery__Node *is_local = call->n_args == 3 ? call->args[2] : NULL;
    facts->is_setting = name->node_case == PG_QUERY__NODE__NODE_STRING &&
                        str_equal(name->string->sval, "set_config") && is_local != NULL &&
                        is_local->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                        is_local->a_const->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL &&
                        !is_local->a_const->boolval->boolval;
}

static void read_call(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    (void)reader;
    (void)node;
    facts->prefers_outside = "a procedure may end transactions of its own";
}

/* The text of an option of DO: its language, or its body. */
static const char *do_option(const PgQuery__DoStmt *block, const char *name, const char *otherwise)
{
    for (size_t i = 0; i < block->n_args; i++) {
        const PgQuery__DefElem *option = block->args[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM
                                             ? block->args[i]->def_elem
                                             : NULL;
        if (option != NULL && str_equal(option->defname, name) && option->arg != NULL &&
            option->arg->node_case == PG_QUERY__NODE__NODE_STRING) {
            return option->arg->string->sval;
        }
    }
    return otherwise;
}

/* A block that ends transactions of its own does so outside of one only. */
static void read_do(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    const char *language = do_option(node->do_stmt, "language", "plpgsql");
    const char *body = do_option(node->do_stmt, "as", "");
    facts->ends_transactions = do_block_ends_transactions(language, body, reader->arena);
    if (facts->ends_transactions) {
        facts->prefers_outside = "the block ends transactions of its own";
    }
}

static bool is_temporary(const PgQuery__RangeVar *relation)
{
    return relation != NULL && str_equal(relation->relpersistence, "t");
}

static void read_create_table(const Reader *reader, const PgQuery__Node *node,
                              StatementFacts *facts)
{
    (void)reader;
    facts->is_temporary = is_temporary(node->create_stmt->relation);
}

static void read_create_table_as(const Reader *reader, const PgQuery__Node *node,
                                 StatementFacts *facts)
{
    (void)reader;
    const PgQuery__IntoClause *into = node->create_table_as_stmt->into;
    facts->is_temporary = into != NULL && is_temporary(into->rel);
}

static void read_view(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    (void)reader;
    facts->is_temporary = is_temporary(node->view_stmt->view);
}

static void read_cluster(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    (void)reader;
    if (node->cluster_stmt->relation == NULL) {
        facts_set_outside(facts, PROBE_REPEATABLE, "", "");
    }
}

/* Setting it twice to the same is setting it once. */
static void read_alter_system(const Reader *reader, const PgQuery__Node *node,
                              StatementFacts *facts)
{
    (void)reader;
    (void)node;
    facts_set_outside(facts, PROBE_REPEATABLE, "", "");
}

static void set_named(const Reader *reader, ProbeKind probe, const char *name, const char *what,
                      StatementFacts *facts)
{
    facts_set_outside(facts, probe, arena_strdup(reader->arena, name), what);
}

static void read_create_database(const Reader *reader, const PgQuery__Node *node,
                                 StatementFacts *facts)
{
    set_named(reader, PROBE_NAMED_PRESENT, node->createdb_stmt->dbname, "database", facts);
}

static void read_drop_database(const Reader *reader, const PgQuery__Node *node,
                               StatementFacts *facts)
{
    set_named(reader, PROBE_NAMED_ABSENT, node->dropdb_stmt->dbname, "database", facts);
}

static void read_create_tablespace(const Reader *reader, const PgQuery__Node *node,
                                   StatementFacts *facts)
{
    const char *name = node->create_table_space_stmt->tablespacename;
    set_named(reader, PROBE_NAMED_PRESENT, name, "tablespace", facts);
}

static void read_drop_tablespace(const Reader *reader, const PgQuery__Node *node,
                                 StatementFacts *facts)
{
    const char *name = node->drop_table_space_stmt->tablespacename;
    set_named(reader, PROBE_NAMED_ABSENT, name, "tablespace", facts);
}

/* ALTER DATABASE … SET TABLESPACE copies files; every other form is a row in a catalog. */
static void read_alter_database(const Reader *reader, const PgQuery__Node *node,
                                StatementFacts *facts)
{
    (void)reader;
    const PgQuery__AlterDatabaseStmt *alter = node->alter_database_stmt;
    for (size_t i = 0; i < alter->n_options; i++) {
        if (alter->options[i]->node_case == PG_QUERY__NODE__NODE_DEF_ELEM &&
            str_equal(alter->options[i]->def_elem->defname, "tablespace")) {
            facts_set_outside(facts, PROBE_REPEATABLE, "", "");
        }
    }
}

static void read_create_subscription(const Reader *reader, const PgQuery__Node *node,
                                     StatementFacts *facts)
{
    const PgQuery__CreateSubscriptionStmt *create = node->create_subscription_stmt;
    bool connects = option_is_on(create->options, create->n_options, "connect", true);
    if (option_is_on(create->options, create->n_options, "create_slot", connects)) {
        set_named(reader, PROBE_NAMED_PRESENT, create->subname, "subscription", facts);
    }
}

static void read_drop_subscription(const Reader *reader, const PgQuery__Node *node,
                                   StatementFacts *facts)
{
    const char *name = node->drop_subscription_stmt->subname;
    set_named(reader, PROBE_NAMED_ABSENT, name, "subscription", facts);
}

/* To add a publication that is there already is an error; to say which ones there are is not. */
static void read_alter_subscription(const Reader *reader, const PgQuery__Node *node,
                                    StatementFacts *facts)
{
    (void)reader;
    const PgQuery__AlterSubscriptionStmt *alter = node->alter_subscription_stmt;
    switch (alter->kind) {
    case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_REFRESH:
        facts_set_outside(facts, PROBE_REPEATABLE, "", "");
        break;
    case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_SET_PUBLICATION:
        if (option_is_on(alter->options, alter->n_options, "refresh", true)) {
            facts_set_outside(facts, PROBE_REPEATABLE, "", "");
        }
        break;
    case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_ADD_PUBLICATION:
    case PG_QUERY__ALTER_SUBSCRIPTION_TYPE__ALTER_SUBSCRIPTION_DROP_PUBLICATION:
        if (option_is_on(alter->options, alter->n_options, "refresh", true)) {
            facts_set_outside(facts, PROBE_NONE, "", "");
        }
        break;
    default:
        break;
    }
}

/* "BEGIN WORK ISOLATION LEVEL …" and its like, as SET TRANSACTION says it: a list of options is one
 * in both. */
static const char *opening_of(const Reader *reader)
{
    static const char *const WORDS[] = { "BEGIN", "START", "WORK", "TRANSACTION" };
    const SqlText *text = reader->text;
    const SqlStatement *statement = reader->statement;
    size_t at = statement->first_token;
    for (bool is_word = true; is_word;) {
        is_word = sql_token_is_comment(&text->tokens[at]);
        for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
            is_word = is_word || sql_token_is_word(text, &text->tokens[at], WORDS[i]);
        }
        at += is_word ? 1 : 0;
    }
    size_t start = text->tokens[at].start - text->tokens[statement->first_token].start;
    return arena_printf(reader->arena, "SET TRANSACTION %s", statement->sql + start);
}

static void read_begin(const Reader *reader, const PgQuery__TransactionStmt *transaction,
                       StatementFacts *facts)
{
    facts->edge = TRANSACTION_EDGE_BEGIN;
    if (transaction->n_options > 0) {
        facts->opening = opening_of(reader);
        read_options(reader, transaction->options, transaction->n_options, facts);
    }
}

static void read_transaction(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    const PgQuery__TransactionStmt *transaction = node->transaction_stmt;
    switch (transaction->kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO:
        return;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
        read_begin(reader, transaction, facts);
        break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
        facts->edge = transaction->chain ? TRANSACTION_EDGE_NONE : TRANSACTION_EDGE_COMMIT;
        break;
    default:
        break;
    }
    if (facts->edge == TRANSACTION_EDGE_NONE && transaction->chain) {
        facts_refuse(facts,
                     arena_printf(reader->arena,
                                  "%s AND CHAIN inside a migration: skein begins and ends the "
                                  "transaction",
                                  facts->kind),
                     "take AND CHAIN away: COMMIT and then BEGIN are understood");
    } else if (facts->edge == TRANSACTION_EDGE_NONE) {
        facts_refuse_transaction(reader, facts);
    }
}

static void read_discard(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts)
{
    (void)reader;
    if (node->discard_stmt->target == PG_QUERY__DISCARD_MODE__DISCARD_ALL) {
        facts_refuse(facts, "DISCARD ALL: it would release skein's own lock on the database",
                     "use RESET ALL, DISCARD TEMP, DISCARD PLANS or DISCARD SEQUENCES");
    }
}

static const struct {
    PgQuery__Node__NodeCase node;
    void (*read)(const Reader *reader, const PgQuery__Node *node, StatementFacts *facts);
} TREE_RULES[] = {
    { PG_QUERY__NODE__NODE_INDEX_STMT, read_index },
    { PG_QUERY__NODE__NODE_DROP_STMT, read_drop },
    { PG_QUERY__NODE__NODE_REINDEX_STMT, read_reindex },
    { PG_QUERY__NODE__NODE_VACUUM_STMT, read_vacuum },
    { PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, read_alter_table },
    { PG_QUERY__NODE__NODE_ALTER_ENUM_STMT, read_enum },
    { PG_QUERY__NODE__NODE_CLUSTER_STMT, read_cluster },
    { PG_QUERY__NODE__NODE_CREATEDB_STMT, read_create_database },
    { PG_QUERY__NODE__NODE_DROPDB_STMT, read_drop_database },
    { PG_QUERY__NODE__NODE_ALTER_DATABASE_STMT, read_alter_database },
    { PG_QUERY__NODE__NODE_CREATE_TABLE_SPACE_STMT, read_create_tablespace },
    { PG_QUERY__NODE__NODE_DROP_TABLE_SPACE_STMT, read_drop_tablespace },
    { PG_QUERY__NODE__NODE_ALTER_SYSTEM_STMT, read_alter_system },
    { PG_QUERY__NODE__NODE_CREATE_SUBSCRIPTION_STMT, read_create_subscription },
    { PG_QUERY__NODE__NODE_ALTER_SUBSCRIPTION_STMT, read_alter_subscription },
    { PG_QUERY__NODE__NODE_DROP_SUBSCRIPTION_STMT, read_drop_subscription },
    { PG_QUERY__NODE__NODE_TRANSACTION_STMT, read_transaction },
    { PG_QUERY__NODE__NODE_DISCARD_STMT, read_discard },
    { PG_QUERY__NODE__NODE_VARIABLE_SET_STMT, read_setting },
    { PG_QUERY__NODE__NODE_SELECT_STMT, read_select },
    { PG_QUERY__NODE__NODE_CALL_STMT, read_call },
    { PG_QUERY__NODE__NODE_DO_STMT, read_do },
    { PG_QUERY__NODE__NODE_CREATE_STMT, read_create_table },
    { PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, read_create_table_as },
    { PG_QUERY__NODE__NODE_VIEW_STMT, read_view },
};

static void read_tree(const Reader *reader, const PgQuery__ParseResult *tree, StatementFacts *facts)
{
    if (tree == NULL || tree->n_stmts != 1) {
        facts_refuse(facts, "skein cannot read what PostgreSQL's grammar makes of this statement",
                     "this is a bug in skein; please report it with the statement");
        return;
    }
    const PgQuery__Node *node = tree->stmts[0]->stmt;
    for (size_t i = 0; i < ARRAY_LEN(TREE_RULES); i++) {
        if (TREE_RULES[i].node == node->node_case) {
            TREE_RULES[i].read(reader, node, facts);
        }
    }
}

void classify_by_tree(const Reader *reader, StatementFacts *facts)
{
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(reader->statement->sql);
    PgQuery__ParseResult *tree =
        result.error != NULL
            ? NULL
            : pg_query__parse_result__unpack(NULL, result.parse_tree.len,
                                             (const uint8_t *)result.parse_tree.data);
    read_tree(reader, tree, facts);
    if (tree != NULL) {
        pg_query__parse_result__free_unpacked(tree, NULL);
    }
    pg_query_free_protobuf_parse_result(result);
}
