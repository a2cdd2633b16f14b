/* Rules about names: too long ones, and which schema an unqualified one means. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include <string.h>

#include "cli/source/scan.h"
#include "common/str.h"

#define NAME_BYTES_MAX 63

/* Bytes of an identifier as it is kept; 0: the token is none. */
static size_t identifier_bytes(const SqlText *text, const SqlToken *token)
{
    const char *at = text->text + token->start;
    size_t length = token->end - token->start;
    if (at[0] != '"') {
        return token->kind == SQL_TOKEN_WORD ? length : 0;
    }
    size_t bytes = 0;
    for (size_t i = 1; i + 1 < length; i++) {
        bytes++;
        i += at[i] == '"'; /* "" is one */
    }
    return bytes;
}

static void check_long(LintCase *lint)
{
    AUTO(Arena) arena = { 0 };
    SqlText text = { 0 };
    Bytes bytes = { (const uint8_t *)lint->statement->sql, strlen(lint->statement->sql) };
    if (sql_text_open("", bytes, 0, &arena, &text, NULL) != ERR_NONE ||
        sql_scan(&text, &arena, NULL) != ERR_NONE) {
        return;
    }
    for (size_t i = 0; i < text.token_count; i++) {
        size_t length = identifier_bytes(&text, &text.tokens[i]);
        if (length > NAME_BYTES_MAX) {
            case_report(lint, (int32_t)text.tokens[i].start,
                        "a name of %zu bytes, of which PostgreSQL keeps %d", length,
                        NAME_BYTES_MAX);
        }
    }
}

/* The table that the statement makes or changes. */
static const PgQuery__RangeVar *table_of(const Node *node)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        return node->alter_table_stmt->relation;
    case PG_QUERY__NODE__NODE_RENAME_STMT:
        return node->rename_stmt->relation;
    case PG_QUERY__NODE__NODE_CREATE_STMT:
        return node->create_stmt->relation;
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
        return node->create_table_as_stmt->into->rel;
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        return node->select_stmt->into_clause == NULL ? NULL : node->select_stmt->into_clause->rel;
    case PG_QUERY__NODE__NODE_INDEX_STMT:
        return node->index_stmt->relation;
    default:
        return NULL;
    }
}

typedef void (*TellName)(LintCase *lint, PgQuery__ObjectType type, const char *name);

/* What a DROP or ALTER names without a schema. */
static void each_unqualified(LintCase *lint, TellName tell)
{
    const Node *node = lint->tree.node;
    if (node->node_case == PG_QUERY__NODE__NODE_DROP_STMT) {
        for (size_t i = 0; i < node->drop_stmt->n_objects; i++) {
            Name name = name_of_object(node->drop_stmt->objects[i], 0);
            if (name.schema[0] == '\0' && name.name[0] != '\0' &&
                node->drop_stmt->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA &&
                node->drop_stmt->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_EXTENSION) {
                tell(lint, node->drop_stmt->remove_type, name.name);
            }
        }
        return;
    }
    const PgQuery__RangeVar *table = table_of(node);
    if (table != NULL && table->schemaname[0] == '\0' && !str_equal(table->relpersistence, "t")) {
        tell(lint, PG_QUERY__OBJECT_TYPE__OBJECT_TABLE, table->relname);
    }
}

/* Made by the history, and so by each tenant for itself. */
static bool is_own(const LintCase *lint, PgQuery__ObjectType type, Name name)
{
    return model_relation(lint->model, name) != NULL ||
           model_index(lint->model, name, NULL) != NULL ||
           ((type == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE ||
             type == PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN) &&
            model_type(lint->model, name.name) != NULL);
}

static void tell_shared(LintCase *lint, PgQuery__ObjectType type, const char *name)
{
    if (is_own(lint, type, (Name){ "", name })) {
        return;
    }
    AUTO(Str) schemas = { 0 };
    for (size_t i = 0; i < lint->config->shared_schema_count; i++) {
        str_printf(&schemas, "%s%s", i == 0 ? "" : ", ", lint->config->shared_schemas[i]);
    }
    case_report(lint, -1,
                "where a tenant has no %s of its own, that of %s is meant, which belongs to all",
                name_write(name, lint->arena), str_text(&schemas));
}

static void check_shared(LintCase *lint)
{
    if (lint->config->shared_schema_count > 0) {
        each_unqualified(lint, tell_shared);
    }
}

static void tell_unqualified(LintCase *lint, PgQuery__ObjectType type, const char *name)
{
    (void)type;
    case_report(lint, -1, "which %s is meant depends on search_path",
                name_write(name, lint->arena));
}

static void check_unqualified(LintCase *lint)
{
    each_unqualified(lint, tell_unqualified);
}

static const LintRule RULES[] = {
    {
        .id = "name-too-long",
        .severity = SEVERITY_WARNING,
        .title = "a name is longer than PostgreSQL keeps",
        .explain = "PostgreSQL cuts names at 63 bytes and says so in a notice that nobody reads. "
                   "Two long names may become one, and what the history says is not what the "
                   "database has.",
        .remedy = "A shorter name.",
        .moment = RULE_TEXT,
        .check = check_long,
        .fires = { "CREATE INDEX CONCURRENTLY "
                   "orders_by_user_and_placed_at_and_total_and_note_for_the_dashboard\n"
                   "    ON orders (user_id);",
                   NULL },
        .silent = { "CREATE INDEX CONCURRENTLY "
                    "orders_by_user_and_placed_at_and_total_and_note_for_dashboard_\n"
                    "    ON orders (user_id);",
                    NULL },
    },
    {
        .id = "name-shared",
        .severity = SEVERITY_WARNING,
        .title = "DROP or ALTER without a schema may hit what tenants share",
        .explain =
            "With a schema for each tenant, search_path is the tenant's schema, then the shared "
            "ones. What this history has not made no tenant has of its own: the statement finds "
            "the shared one, and IF EXISTS forgives those who have dropped it already. Looked at "
            "when shared_schemas is configured.",
        .remedy = "Name the schema.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DROP_STMT, PG_QUERY__NODE__NODE_ALTER_TABLE_STMT,
                   PG_QUERY__NODE__NODE_RENAME_STMT),
        .check = check_shared,
        .fires = { "DROP VIEW IF EXISTS prices;", NULL },
        .silent = { "DROP VIEW IF EXISTS shared.prices;", NULL },
        .config = "shared_schemas: [shared]",
    },
    {
        .id = "name-unqualified",
        .severity = SEVERITY_OFF,
        .title = "a table is named without its schema",
        .explain = "Which one is meant depends on the search_path of whoever runs the migration. "
                   "For one schema for each tenant that is the point; for teams with several "
                   "schemas it is a trap.",
        .remedy = "Name the schema.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DROP_STMT, PG_QUERY__NODE__NODE_ALTER_TABLE_STMT,
                   PG_QUERY__NODE__NODE_RENAME_STMT, PG_QUERY__NODE__NODE_CREATE_STMT,
                   PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, PG_QUERY__NODE__NODE_SELECT_STMT,
                   PG_QUERY__NODE__NODE_INDEX_STMT),
        .check = check_unqualified,
        .fires = { "CREATE TABLE carts (id bigint);", NULL },
        .silent = { "CREATE TABLE shop.carts (id bigint);", NULL },
    },
};

LINT_FAMILY(LINT_NAMES, "Names", RULES);
