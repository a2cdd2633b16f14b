/* Rules about a migration as a whole: can it be undone, and does it say so? */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include "common/str.h"

static const PlanMigration *migration_of(const LintCase *lint)
{
    return &lint->set->migrations[lint->migration];
}

/* Repeatables are done again, and never undone. */
static bool wants_down(const LintCase *lint)
{
    const PlanMigration *migration = migration_of(lint);
    return !migration->is_irreversible && !migration->is_repeatable;
}

static void check_missing(LintCase *lint)
{
    bool is_repeatable = migration_of(lint)->is_repeatable;
    if (!is_repeatable && lint->script->origin->lacks_down && case_has_downs(lint)) {
        case_report_file(lint, lint->script->origin->file,
                         "a rollout that takes it back stops here: there is no down, and nothing "
                         "says that there can be none");
    }
}

/* Statements that leave nothing in the way of their being run again. */
static bool is_harmless(const char *kind)
{
    static const char *const KINDS[] = {
        "SELECT", "UPDATE", "SET", "RESET", "ANALYZE", "VACUUM", "COMMENT", "VALUES",
    };
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (str_equal(KINDS[i], kind)) {
            return true;
        }
    }
    return false;
}

static bool leaves_something(const PlanScript *up)
{
    for (size_t i = 0; i < up->count; i++) {
        if (!is_harmless(up->statements[i].kind)) {
            return true;
        }
    }
    return false;
}

static void check_empty(LintCase *lint)
{
    const PlanMigration *migration = migration_of(lint);
    if (wants_down(lint) && migration->down.count == 0 && leaves_something(&migration->up)) {
        case_report_file(lint, lint->script->origin->file,
                         "its down has no statement: taken back, everything that it did stays");
    }
}

/* ---- what no down brings back ---- */

static Name destroyed_table(const Node *node)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_DROP_STMT:
        return node->drop_stmt->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE
                   ? name_of_object(node->drop_stmt->objects[0], 0)
                   : (Name){ "", "" };
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
        return name_of_relation(node->truncate_stmt->relations[0]->range_var);
    case PG_QUERY__NODE__NODE_DELETE_STMT:
        return name_of_relation(node->delete_stmt->relation);
    default:
        return (Name){ "", "" };
    }
}

static void tell_destroyed_column(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const Column *column = relation_column(model_relation(lint->model, table), command->name);
    if (column == NULL || column->made_by != model_migration(lint->model)) {
        case_report(lint, case_command_place(lint, command),
                    "the down can bring the column back, and not what stood in it");
    }
}

static void check_unsaid(LintCase *lint)
{
    const Node *node = lint->tree.node;
    if (!wants_down(lint)) {
        return;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn, tell_destroyed_column);
        return;
    }
    Name table = destroyed_table(node);
    if (table.name[0] != '\0' && case_is_busy(lint, table)) {
        case_report(lint, -1, "the down can bring %s back, and not its rows",
                    node->node_case == PG_QUERY__NODE__NODE_DROP_STMT ? "the table"
                                                                      : "nothing of this");
    }
}

static const LintRule RULES[] = {
    {
        .id = "down-missing",
        .severity = SEVERITY_WARNING,
        .title = "a migration has no down, and does not say why",
        .explain = "A rollout that has to be taken back cannot go past it: every target where it "
                   "is applied is held. A plan with it needs an approval before its first wave. "
                   "Histories without any down are not told of it.",
        .remedy = "Write the down; or say -- skein: irreversible, and those who plan know.",
        .moment = RULE_MIGRATION,
        .check = check_missing,
        .fires = { "CREATE TABLE carts (id bigint);", RULE_NO_DOWN },
        .silent = { "-- skein: irreversible\nCREATE TABLE carts (id bigint);", RULE_NO_DOWN },
    },
    {
        .id = "down-empty",
        .severity = SEVERITY_WARNING,
        .title = "a down that does nothing",
        .explain = "Rolling back runs it, is content, and leaves everything that the up did. The "
                   "next roll forward then fails on what is already there.",
        .remedy = "Write the down; or say -- skein: irreversible.",
        .moment = RULE_MIGRATION,
        .check = check_empty,
        .fires = { "CREATE TABLE carts (id bigint);", "-- nothing to do\n" },
        .silent = { "CREATE TABLE carts (id bigint);", "DROP TABLE carts;" },
    },
    {
        .id = "irreversible-unsaid",
        .severity = SEVERITY_NOTICE,
        .title = "data is lost, and the migration counts as one that can be undone",
        .explain = "Its down runs and brings the structure back, not the rows or values. A "
                   "rollout that is taken back automatically looks whole, and is not.",
        .remedy = "Say -- skein: irreversible: then plans ask for an approval, and nothing is "
                  "taken back past it. Or keep what is dropped for a while, under another name.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, PG_QUERY__NODE__NODE_DROP_STMT,
                   PG_QUERY__NODE__NODE_TRUNCATE_STMT, PG_QUERY__NODE__NODE_DELETE_STMT),
        .check = check_unsaid,
        .fires = { "ALTER TABLE orders DROP COLUMN note;",
                   "ALTER TABLE orders ADD COLUMN note text;" },
        .silent = { "-- skein: irreversible\nALTER TABLE orders DROP COLUMN note;", RULE_NO_DOWN },
    },
};

LINT_FAMILY(LINT_HISTORIES, "Histories", RULES);
