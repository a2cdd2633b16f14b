/* Rules about types: of new columns, and enums. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include <string.h>

#include "cli/lint/constraint.h"
#include "common/str.h"

/* ---- types of new columns ---- */

static void tell_type(LintCase *lint, const PgQuery__ColumnDef *column, const char *better)
{
    ColumnType type = type_read(column->type_name);
    case_report(lint, column->location, "%s is %s; %s", name_write(column->colname, lint->arena),
                type_write(&type, lint->arena), better);
}

static void tell_if_named(LintCase *lint, const PgQuery__ColumnDef *column, const char *name,
                          const char *better)
{
    if (str_equal(type_read(column->type_name).name, name)) {
        tell_type(lint, column, better);
    }
}

/* Columns that come, and those that change over to a type of another name. */
static void each_typed_column(LintCase *lint, CaseColumn check)
{
    case_each_new_column(lint, check);
    if (lint->tree.node->node_case != PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        return;
    }
    const PgQuery__AlterTableStmt *alter = lint->tree.node->alter_table_stmt;
    Name table = name_of_relation(alter->relation);
    const Relation *relation = model_relation(lint->model, table);
    for (size_t i = 0; case_alters_table(lint) && i < alter->n_cmds; i++) {
        const PgQuery__AlterTableCmd *command = alter->cmds[i]->alter_table_cmd;
        if (command->subtype != PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType) {
            continue;
        }
        const Column *before = relation_column(relation, command->name);
        PgQuery__ColumnDef column = *command->def->column_def;
        column.colname = command->name; /* the grammar leaves it out there */
        if (before == NULL || !str_equal(before->type.name, type_read(column.type_name).name)) {
            check(lint, table, &column);
        }
    }
}

static void tell_json(LintCase *lint, Name table, const PgQuery__ColumnDef *column)
{
    (void)table;
    tell_if_named(lint, column, "json", "jsonb has equality, indexes and faster reading");
}

static void check_json(LintCase *lint)
{
    each_typed_column(lint, tell_json);
}

static void tell_char(LintCase *lint, Name table, const PgQuery__ColumnDef *column)
{
    (void)table;
    tell_if_named(lint, column, "bpchar", "text keeps what it is given, and is no slower");
}

static void check_char(LintCase *lint)
{
    each_typed_column(lint, tell_char);
}

static void tell_timestamp(LintCase *lint, Name table, const PgQuery__ColumnDef *column)
{
    (void)table;
    tell_if_named(lint, column, "timestamp", "timestamptz says which moment is meant");
}

static void check_timestamp(LintCase *lint)
{
    each_typed_column(lint, tell_timestamp);
}

static void tell_varchar(LintCase *lint, Name table, const PgQuery__ColumnDef *column)
{
    ColumnType type = type_read(column->type_name);
    (void)table;
    if (str_equal(type.name, "varchar") && type.modifiers[0] >= 0) {
        tell_type(lint, column, "text with a CHECK can be changed without a standstill");
    }
}

static void check_varchar(LintCase *lint)
{
    each_typed_column(lint, tell_varchar);
}

static bool is_small_integer(const ColumnType *type)
{
    static const char *const SMALL[] = { "int2", "int4", "serial2", "serial4" };
    for (size_t i = 0; i < ARRAY_LEN(SMALL); i++) {
        if (str_equal(SMALL[i], type->name)) {
            return !type->is_array;
        }
    }
    return false;
}

/* Keys of one column that rows are counted by: "PRIMARY KEY (id)" of the same CREATE TABLE, too. */
static bool is_primary_key(const LintCase *lint, const PgQuery__ColumnDef *column)
{
    if (column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY) != NULL) {
        return true;
    }
    if (lint->tree.node->node_case != PG_QUERY__NODE__NODE_CREATE_STMT) {
        return false;
    }
    const PgQuery__CreateStmt *create = lint->tree.node->create_stmt;
    for (size_t i = 0; i < create->n_table_elts; i++) {
        const Node *element = create->table_elts[i];
        if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT &&
            element->constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY &&
            element->constraint->n_keys == 1 &&
            str_equal(element->constraint->keys[0]->string->sval, column->colname)) {
            return true;
        }
    }
    return false;
}

static void tell_id(LintCase *lint, Name table, const PgQuery__ColumnDef *column)
{
    ColumnType type = type_read(column->type_name);
    bool is_counted = type_is_serial(&type) ||
                      column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY) != NULL;
    (void)table;
    if (is_small_integer(&type) && (is_counted || is_primary_key(lint, column)) &&
        !lint_table_is_small(lint->config, table.name)) {
        tell_type(lint, column,
                  "bigint never runs out of numbers, and cannot be had later without writing "
                  "every row anew");
    }
}

static void check_id(LintCase *lint)
{
    case_each_new_column(lint, tell_id);
}

static void tell_integer(LintCase *lint, Name table, const PgQuery__ColumnDef *column)
{
    ColumnType type = type_read(column->type_name);
    (void)table;
    if (is_small_integer(&type)) {
        tell_type(lint, column, "bigint never overflows");
    }
}

static void check_integer(LintCase *lint)
{
    each_typed_column(lint, tell_integer);
}

static void tell_serial(LintCase *lint, Name table, const PgQuery__ColumnDef *column)
{
    ColumnType type = type_read(column->type_name);
    (void)table;
    if (type_is_serial(&type)) {
        tell_type(lint, column,
                  "GENERATED ALWAYS AS IDENTITY is the standard's, and keeps its sequence to "
                  "itself");
    }
}

static void check_serial(LintCase *lint)
{
    case_each_new_column(lint, tell_serial);
}

/* ---- enums ---- */

static bool is_new_enum(const LintCase *lint, const char *name)
{
    const UserType *type = model_type(lint->model, name);
    return type != NULL && type->made_by == model_migration(lint->model);
}

static const char *quote_text(const LintCase *lint, const char *text)
{
    AUTO(Str) quoted = { 0 };
    for (const char *c = text; *c != '\0'; c++) {
        str_append(&quoted, *c == '\'' ? "''" : (char[]){ *c, '\0' });
    }
    return arena_printf(lint->arena, "'%s'", str_text(&quoted));
}

static void check_new_enum(LintCase *lint)
{
    const PgQuery__CreateEnumStmt *create = lint->tree.node->create_enum_stmt;
    Name name = name_of_strings(create->type_name, create->n_type_name, 0);
    case_report(lint, -1,
                "no value of %s can ever be taken away, and its values say nothing but their names",
                case_table(lint, name));
}

static void check_rename_value(LintCase *lint)
{
    const PgQuery__AlterEnumStmt *alter = lint->tree.node->alter_enum_stmt;
    Name name = name_of_strings(alter->type_name, alter->n_type_name, 0);
    if (alter->old_val[0] == '\0' || is_new_enum(lint, name.name)) {
        return;
    }
    Finding *finding = case_report(
        lint, -1, "programs that write %s fail from here on, those that read it meet %s",
        quote_text(lint, alter->old_val), quote_text(lint, alter->new_val));
    case_step(lint, finding,
              "-- then programs learn to read both, and to write the new one; then rows go over\n"
              "ALTER TYPE %s ADD VALUE %s AFTER %s;",
              case_table(lint, name), quote_text(lint, alter->new_val),
              quote_text(lint, alter->old_val));
}

static void check_order(LintCase *lint)
{
    const PgQuery__AlterEnumStmt *alter = lint->tree.node->alter_enum_stmt;
    if (alter->old_val[0] == '\0' && alter->new_val_neighbor[0] == '\0') {
        case_report(lint, -1, "%s sorts behind all others", quote_text(lint, alter->new_val));
    }
}

typedef struct LabelSearch {
    const CaseScript *script;
    size_t part;
    const EnumLabel *found;
    int32_t location;
} LabelSearch;

static bool visit_constant(const ProtobufCMessage *message, void *context)
{
    LabelSearch *search = context;
    if (message->descriptor != &pg_query__a__const__descriptor) {
        return true;
    }
    const PgQuery__AConst *constant = (const PgQuery__AConst *)message;
    for (size_t i = 0;
         constant->val_case == PG_QUERY__A__CONST__VAL_SVAL && i < search->script->labels.count;
         i++) {
        const EnumLabel *label = &search->script->labels.items[i];
        if (label->part == search->part && str_equal(label->label, constant->sval->sval)) {
            search->found = label;
            search->location = constant->location;
        }
    }
    return search->found == NULL;
}

static void remember_label(LintCase *lint)
{
    const PgQuery__AlterEnumStmt *alter = lint->tree.node->alter_enum_stmt;
    Name name = name_of_strings(alter->type_name, alter->n_type_name, 0);
    if (alter->old_val[0] != '\0' || is_new_enum(lint, name.name)) {
        return;
    }
    EnumLabel label = {
        .type = arena_strdup(lint->arena, case_table(lint, name)),
        .label = arena_strdup(lint->arena, alter->new_val),
        .part = lint->statement->part,
        .line = lint->statement->line,
    };
    LIST_PUSH(&lint->script->labels, label);
}

static void check_used_label(LintCase *lint)
{
    if (lint->tree.node->node_case == PG_QUERY__NODE__NODE_ALTER_ENUM_STMT) {
        remember_label(lint);
        return;
    }
    LabelSearch search = { .script = lint->script, .part = lint->statement->part };
    tree_walk(&lint->tree.node->base, visit_constant, &search);
    if (search.found == NULL || !lint->statement->is_transactional) {
        return;
    }
    Finding *finding =
        case_report(lint, search.location,
                    "%s was added to %s at line %u, and cannot be used before that transaction "
                    "has ended (55P04)",
                    quote_text(lint, search.found->label), search.found->type, search.found->line);
    case_step(lint, finding, "ALTER TYPE %s ADD VALUE %s;", search.found->type,
              quote_text(lint, search.found->label));
    case_step(lint, finding, "%s;", lint->statement->sql);
}

#define NEW_COLUMNS                                                                                \
    LINT_NODES(PG_QUERY__NODE__NODE_CREATE_STMT, PG_QUERY__NODE__NODE_ALTER_TABLE_STMT)

static const LintRule RULES[] = {
    {
        .id = "id-integer",
        .severity = SEVERITY_NOTICE,
        .title = "rows are numbered by an integer that can run out",
        .explain =
            "A key of type integer ends at 2,147,483,647, a smallint at 32,767. The day it does, "
            "no row can be inserted, and the way to bigint writes every row anew.",
        .remedy = "bigint. Tables that stay small can be listed in small_tables.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        NEW_COLUMNS,
        .check = check_id,
        .fires = { "CREATE TABLE carts (id serial PRIMARY KEY);", NULL },
        .silent = { "CREATE TABLE carts (id bigserial PRIMARY KEY, seats integer);", NULL },
    },
    {
        .id = "type-json",
        .severity = SEVERITY_NOTICE,
        .title = "a column is json rather than jsonb",
        .explain =
            "json keeps the text as it came. It has no equality: SELECT DISTINCT, GROUP BY and "
            "UNION over the column fail, also in queries that work today.",
        .remedy = "jsonb, unless the exact text is what matters.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        NEW_COLUMNS,
        .check = check_json,
        .fires = { "ALTER TABLE users ADD COLUMN settings json;", NULL },
        .silent = { "ALTER TABLE users ADD COLUMN settings jsonb;", NULL },
    },
    {
        .id = "type-char",
        .severity = SEVERITY_NOTICE,
        .title = "a column is char(n)",
        .explain = "char(n) pads with blanks, which then count or do not count, and is no faster "
                   "than text.",
        .remedy = "text, with a CHECK if the length matters.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        NEW_COLUMNS,
        .check = check_char,
        .fires = { "ALTER TABLE users ADD COLUMN country char(2);", NULL },
        .silent = { "ALTER TABLE users ADD COLUMN country text;", NULL },
    },
    {
        .id = "type-timestamp",
        .severity = SEVERITY_NOTICE,
        .title = "a column is timestamp without time zone",
        .explain = "It holds a date and a time, and not which moment that was: that depends on "
                   "what whoever wrote it meant.",
        .remedy = "timestamptz, which takes no more room.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        NEW_COLUMNS,
        .check = check_timestamp,
        .fires = { "ALTER TABLE users ADD COLUMN seen_at timestamp;", NULL },
        .silent = { "ALTER TABLE users ADD COLUMN seen_at timestamptz;", NULL },
    },
    {
        .id = "type-varchar",
        .severity = SEVERITY_OFF,
        .title = "a column is varchar(n)",
        .explain = "A shorter length writes every row anew, a longer one still stops everybody "
                   "for a moment.",
        .remedy = "text with CHECK (length(column) <= n), which can be exchanged by NOT VALID and "
                  "VALIDATE.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        NEW_COLUMNS,
        .check = check_varchar,
        .fires = { "ALTER TABLE users ADD COLUMN nick varchar(20);", NULL },
        .silent = { "ALTER TABLE users ADD COLUMN nick varchar;", NULL },
    },
    {
        .id = "type-integer",
        .severity = SEVERITY_OFF,
        .title = "a column is integer or smallint",
        .explain = "It can overflow, and the way to bigint writes every row anew.",
        .remedy = "bigint.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        NEW_COLUMNS,
        .check = check_integer,
        .fires = { "ALTER TABLE users ADD COLUMN visits integer;", NULL },
        .silent = { "ALTER TABLE users ADD COLUMN visits bigint;", NULL },
    },
    {
        .id = "type-serial",
        .severity = SEVERITY_OFF,
        .title = "a column is serial rather than an identity",
        .explain = "A serial column's sequence has privileges and an owner of its own, and any "
                   "INSERT may pass it by.",
        .remedy = "bigint GENERATED ALWAYS AS IDENTITY.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        NEW_COLUMNS,
        .check = check_serial,
        .fires = { "CREATE TABLE carts (id bigserial PRIMARY KEY);", NULL },
        .silent = { "CREATE TABLE carts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);",
                    NULL },
    },
    {
        .id = "type-enum",
        .severity = SEVERITY_OFF,
        .title = "a type is an enum",
        .explain = "Values can be added and renamed, and not taken away: that takes a new type, "
                   "and every column of it written anew.",
        .remedy = "A table of the values, and a foreign key to it; or text with a CHECK.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_CREATE_ENUM_STMT),
        .check = check_new_enum,
        .fires = { "CREATE TYPE channel AS ENUM ('web', 'shop');", NULL },
        .silent = { "CREATE TABLE channels (name text PRIMARY KEY);\n"
                    "INSERT INTO channels VALUES ('web'), ('shop');",
                    NULL },
    },
    {
        .id = "enum-value-used",
        .severity = SEVERITY_ERROR,
        .title = "a new enum value is used in the transaction that adds it",
        .explain = "PostgreSQL refuses it with 55P04, unless the type itself is made in the same "
                   "transaction.",
        .remedy = "ADD VALUE in a migration before.",
        .moment = RULE_STATEMENT,
        .check = check_used_label,
        .fires = { "ALTER TYPE mood ADD VALUE 'calm';\n"
                   "ALTER TABLE users ADD COLUMN mood mood DEFAULT 'calm';",
                   NULL },
        .silent = { "ALTER TYPE mood ADD VALUE 'calm';\n"
                    "ALTER TABLE users ADD COLUMN mood mood DEFAULT 'glad';",
                    NULL },
    },
    {
        .id = "enum-value-rename",
        .severity = SEVERITY_WARNING,
        .title = "an enum value that programs use is renamed",
        .explain = "The programs that run know the old word, the ones to come the new one.",
        .remedy = "Add the new value beside the old one; then programs go over; then the rows do. "
                  "PostgreSQL cannot take a value away.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_ENUM_STMT),
        .check = check_rename_value,
        .fires = { "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';", NULL },
        .silent = { "ALTER TYPE mood ADD VALUE 'blue' AFTER 'sad';", NULL },
    },
    {
        .id = "enum-value-order",
        .severity = SEVERITY_OFF,
        .title = "a new enum value does not say where it sorts",
        .explain = "Without BEFORE or AFTER it sorts behind all others, and cannot be moved.",
        .remedy = "ADD VALUE … BEFORE or AFTER another.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_ENUM_STMT),
        .check = check_order,
        .fires = { "ALTER TYPE mood ADD VALUE 'blue';", NULL },
        .silent = { "ALTER TYPE mood ADD VALUE 'blue' BEFORE 'sad';", NULL },
    },
};

LINT_FAMILY(LINT_TYPES, "Types", RULES);
