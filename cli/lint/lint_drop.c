/* Rules about removing what others may use. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include "common/str.h"

static const char NO_READER[] = "no program has used it since 2.3";

static bool is_made_here(const LintCase *lint, const Column *column)
{
    return column != NULL && column->made_by == model_migration(lint->model);
}

static void tell_column(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const Relation *relation = model_relation(lint->model, table);
    const Column *column = relation_column(relation, command->name);
    if (is_made_here(lint, column)) {
        return;
    }
    Finding *finding =
        case_report(lint, case_command_place(lint, command),
                    "programs that use %s of %s fail from here on, and what it holds is gone",
                    name_write(command->name, lint->arena), case_table(lint, table));
    const char *alone = case_alter_alone(lint, command);
    if (alone != NULL) {
        bool is_cascade = command->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
        case_step(lint, finding, "%s-- skein: allow column-drop %s\n%s;",
                  is_cascade ? "-- skein: allow drop-cascade its view goes, too\n" : "", NO_READER,
                  alone);
    }
}

static void check_column(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn, tell_column);
}

/* Every rule that a DROP as it stands would meet again, once its time has come. */
static void step_drop(LintCase *lint, Finding *finding)
{
    bool is_cascade = lint->tree.node->drop_stmt->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    case_step(lint, finding, "%s-- skein: allow %s %s\n%s;",
              is_cascade ? "-- skein: allow drop-cascade nothing but its views depends on it\n"
                         : "",
              lint->rule->id, NO_READER, lint->statement->sql);
}

static void check_table(LintCase *lint)
{
    const PgQuery__DropStmt *drop = lint->tree.node->drop_stmt;
    for (size_t i = 0;
         drop->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE && i < drop->n_objects; i++) {
        Name table = name_of_object(drop->objects[i], 0);
        if (case_is_busy(lint, table)) {
            Finding *finding = case_report(
                lint, -1, "programs that use %s fail from here on, and what it holds is gone",
                case_table(lint, table));
            step_drop(lint, finding);
            return;
        }
    }
}

static void check_schema(LintCase *lint)
{
    const PgQuery__DropStmt *drop = lint->tree.node->drop_stmt;
    if (drop->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA) {
        return;
    }
    bool is_cascade = drop->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    if (is_cascade) {
        Finding *finding = case_report(lint, -1, "everything in %s goes, whatever it is",
                                       case_table(lint, name_of_object(drop->objects[0], 0)));
        step_drop(lint, finding);
    }
}

static void check_database(LintCase *lint)
{
    Finding *finding = case_report(lint, -1, "%s is gone, with everything in it",
                                   name_write(lint->tree.node->dropdb_stmt->dbname, lint->arena));
    case_step_allow(lint, finding, "it is the scratch database of the reports");
}

static void tell_cascade(LintCase *lint)
{
    case_report(
        lint, -1,
        "takes views, foreign keys, functions and whatever else depends on it along, also what "
        "others add until then");
}

static void check_cascade(LintCase *lint)
{
    const Node *node = lint->tree.node;
    if (node->node_case == PG_QUERY__NODE__NODE_DROP_STMT) {
        const PgQuery__DropStmt *drop = node->drop_stmt;
        Name name = name_of_object(drop->objects[0], 0);
        bool is_new = drop->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
                      model_is_new(lint->model, model_relation(lint->model, name));
        if (drop->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE && !is_new) {
            tell_cascade(lint);
        }
        return;
    }
    const PgQuery__AlterTableStmt *alter = node->alter_table_stmt;
    for (size_t i = 0; i < alter->n_cmds; i++) {
        if (alter->cmds[i]->alter_table_cmd->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) {
            tell_cascade(lint);
            return;
        }
    }
}

static const LintRule RULES[] = {
    {
        .id = "column-drop",
        .severity = SEVERITY_WARNING,
        .title = "a column that programs may use is dropped",
        .explain = "The programs that run read and write it; many fetch all columns by name, or "
                   "by SELECT *. What it holds cannot be brought back by a down.",
        .remedy = "First release programs that do not know the column; if it is NOT NULL without "
                  "a default, make it nullable before. Then drop it, and say since when nobody "
                  "uses it.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_column,
        .fires = { "ALTER TABLE orders DROP COLUMN note;", NULL },
        .silent = { "ALTER TABLE orders ADD COLUMN draft text;\nALTER TABLE orders DROP COLUMN "
                    "draft;",
                    NULL },
    },
    {
        .id = "table-drop",
        .severity = SEVERITY_WARNING,
        .title = "a table that programs may use is dropped",
        .explain = "The programs that run may use it, and what it holds cannot be brought back by "
                   "a down. Tables at the other end of its foreign keys are locked, too.",
        .remedy = "First release programs that do not know the table. Then drop it, and say since "
                  "when nobody uses it.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DROP_STMT),
        .check = check_table,
        .fires = { "DROP TABLE items;", NULL },
        .silent = { "CREATE TABLE carts (id bigint);\nDROP TABLE carts;", NULL },
    },
    {
        .id = "schema-drop",
        .severity = SEVERITY_WARNING,
        .title = "a schema is dropped with everything in it",
        .explain = "DROP SCHEMA … CASCADE asks about nothing: tables, their rows, functions, "
                   "whatever is there.",
        .remedy = "Drop what is in it by name; DROP SCHEMA without CASCADE then proves that "
                  "nothing was left.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DROP_STMT),
        .check = check_schema,
        .fires = { "DROP SCHEMA archive CASCADE;", NULL },
        .silent = { "DROP SCHEMA archive;", NULL },
    },
    {
        .id = "database-drop",
        .severity = SEVERITY_ERROR,
        .title = "a database is dropped",
        .explain = "No migration of one database has a reason to drop another.",
        .remedy = "Do it by hand, with two pairs of eyes.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DROPDB_STMT),
        .check = check_database,
        .fires = { "DROP DATABASE shop;", NULL },
        .silent = { "CREATE DATABASE reports;", NULL },
    },
    {
        .id = "drop-cascade",
        .severity = SEVERITY_WARNING,
        .title = "CASCADE removes what the statement does not name",
        .explain =
            "What depends on the object goes with it: views, foreign keys of other tables, "
            "columns that use a type. Which ones is decided on each database when it runs, and "
            "fleets differ.",
        .remedy = "Drop what depends on it by name, and then the object without CASCADE.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DROP_STMT, PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_cascade,
        .fires = { "DROP TYPE mood CASCADE;", NULL },
        .silent = { "DROP TYPE mood;", NULL },
    },
};

LINT_FAMILY(LINT_DROPS, "Removing", RULES);
