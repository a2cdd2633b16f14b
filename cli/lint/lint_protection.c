/* Rules about what guards rows: triggers, row level security, autovacuum, replica identity. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"
#include "cli/source/tree_option.h"

#include <string.h>
#include <strings.h>

#include "common/str.h"

/* ---- triggers ---- */

static void tell_triggers(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    bool is_all = command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrigAll;
    Finding *finding = case_report(
        lint, case_command_place(lint, command),
        "what is written to %s meanwhile is seen by %s, and nobody looks at it later",
        case_table(lint, table), is_all ? "no trigger and no foreign key" : "no such trigger");
    case_step_allow(lint, finding, "they are on again in this transaction, and the rows are right");
}

static bool is_replica_role(const PgQuery__VariableSetStmt *set)
{
    if (!str_equal(set->name, "session_replication_role") || set->n_args != 1 ||
        set->args[0]->node_case != PG_QUERY__NODE__NODE_A_CONST) {
        return false;
    }
    const PgQuery__AConst *value = set->args[0]->a_const;
    return value->val_case == PG_QUERY__A__CONST__VAL_SVAL &&
           strcasecmp(value->sval->sval, "replica") == 0;
}

static void check_triggers(LintCase *lint)
{
    const Node *node = lint->tree.node;
    if (node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrig, tell_triggers);
        case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrigAll, tell_triggers);
        case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_DisableTrigUser, tell_triggers);
    } else if (is_replica_role(node->variable_set_stmt)) {
        case_report(lint, -1,
                    "no trigger and no foreign key sees what this migration writes after it, and "
                    "nobody looks at it later");
    }
}

/* ---- row level security ---- */

static bool is_policy_for(const PlanStatement *statement, const LintCase *lint, Name table)
{
    AUTO(Arena) arena = { 0 };
    Tree tree = { 0 };
    if (strcmp(statement->kind, "CREATE POLICY") != 0) {
        return false;
    }
    tree_parse(statement->sql, &arena, &tree);
    return tree.node != NULL && tree.node->node_case == PG_QUERY__NODE__NODE_CREATE_POLICY_STMT &&
           model_is_same(lint->model, name_of_relation(tree.node->create_policy_stmt->table),
                         table);
}

/* Up to the end of this migration. That one was dropped again is not looked at. */
static bool has_policy(const LintCase *lint, Name table)
{
    for (size_t i = 0; i <= lint->migration; i++) {
        const PlanScript *up = &lint->set->migrations[i].up;
        for (size_t j = 0; j < up->count; j++) {
            if (is_policy_for(&up->statements[j], lint, table)) {
                return true;
            }
        }
    }
    return false;
}

static void tell_security_on(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    (void)command;
    if (has_policy(lint, table)) {
        return;
    }
    const char *written = case_table(lint, table);
    Finding *finding = case_report(
        lint, -1, "without a policy nobody but its owner sees a row of %s from here on", written);
    case_step(lint, finding,
              "-- what programs may do now, said as a policy; then policies that say less\n"
              "CREATE POLICY everybody ON %s USING (true) WITH CHECK (true);\n%s;",
              written, lint->statement->sql);
}

static void check_security_on(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_EnableRowSecurity, tell_security_on);
}

static void tell_security_off(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    (void)command;
    Finding *finding =
        case_report(lint, -1, "everybody who may read %s reads all of its rows from here on",
                    case_table(lint, table));
    case_step_allow(lint, finding, "rows of all tenants may be read by all who reach it");
}

static void check_security_off(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_DisableRowSecurity, tell_security_off);
}

/* ---- autovacuum ---- */

static bool turns_autovacuum_off(Node *const *options, size_t count)
{
    return !option_is_on(options, count, "autovacuum_enabled", true);
}

static void tell_autovacuum(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const PgQuery__List *options = command->def->list;
    if (turns_autovacuum_off(options->items, options->n_items)) {
        Finding *finding = case_report(lint, case_command_place(lint, command),
                                       "nothing clears %s away until somebody thinks of it",
                                       case_table(lint, table));
        case_step(lint, finding,
                  "-- sooner and in smaller portions, instead of never\n"
                  "ALTER TABLE %s SET (autovacuum_vacuum_scale_factor = 0.01,\n"
                  "    autovacuum_vacuum_cost_delay = 5);",
                  case_table(lint, table));
    }
}

static void check_autovacuum(LintCase *lint)
{
    const Node *node = lint->tree.node;
    if (node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions, tell_autovacuum);
        return;
    }
    const PgQuery__CreateStmt *create = node->create_stmt;
    if (turns_autovacuum_off(create->options, create->n_options)) {
        case_report(lint, -1, "nothing will clear %s away until somebody thinks of it",
                    case_table(lint, name_of_relation(create->relation)));
    }
}

/* ---- replica identity ---- */

static void tell_identity(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const char *type = command->def->replica_identity_stmt->identity_type;
    const char *written = case_table(lint, table);
    if (str_equal(type, "n")) {
        Finding *finding = case_report(
            lint, -1, "UPDATE and DELETE of %s fail from here on wherever it is published",
            written);
        case_step(lint, finding, "ALTER TABLE %s REPLICA IDENTITY DEFAULT;", written);
    } else if (str_equal(type, "f")) {
        Finding *finding = case_report(
            lint, -1, "each UPDATE and DELETE of %s writes the whole old row to the log, too",
            written);
        case_step(lint, finding, "ALTER TABLE %s REPLICA IDENTITY DEFAULT;", written);
    }
}

static void check_identity(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_ReplicaIdentity, tell_identity);
}

static const LintRule RULES[] = {
    {
        .id = "triggers-off",
        .severity = SEVERITY_WARNING,
        .title = "triggers are turned off",
        .explain =
            "Foreign keys are triggers: what is written while they are off is never checked, "
            "and rows that refer to nothing stay until somebody falls over them. Audit and "
            "cache triggers miss it, too. DISABLE TRIGGER stops writers besides; "
            "session_replication_role does not, and lasts for the whole migration.",
        .remedy = "Batches that the triggers can bear; or a trigger that looks at a setting of its "
                  "own. Where a foreign key is in the way: drop it, add it NOT VALID, and VALIDATE "
                  "it in the next migration.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, PG_QUERY__NODE__NODE_VARIABLE_SET_STMT),
        .check = check_triggers,
        .fires = { "ALTER TABLE orders DISABLE TRIGGER ALL;", NULL },
        .silent = { "ALTER TABLE orders ENABLE TRIGGER ALL;", NULL },
    },
    {
        .id = "row-security-denies",
        .severity = SEVERITY_WARNING,
        .title = "row level security is turned on without a policy",
        .explain = "Where no policy says otherwise, nobody but the owner sees or writes a row: "
                   "programs that use another role find the table empty, without an error.",
        .remedy = "The policies first, or in the same migration.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_security_on,
        .fires = { "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;", NULL },
        .silent = { "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;\n"
                    "CREATE POLICY own ON orders USING (user_id = 7);",
                    NULL },
    },
    {
        .id = "row-security-off",
        .severity = SEVERITY_WARNING,
        .title = "row level security is turned off",
        .explain =
            "Policies stay and say nothing any more: who could read some rows reads all, also "
            "those of other tenants.",
        .remedy = "A policy that lets those through who are to see more.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_security_off,
        .fires = { "ALTER TABLE orders DISABLE ROW LEVEL SECURITY;", NULL },
        .silent = { "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY;", NULL },
    },
    {
        .id = "autovacuum-off",
        .severity = SEVERITY_WARNING,
        .title = "autovacuum is turned off for a table",
        .explain = "Dead rows stay, the table and its indexes grow, plans go by old numbers; and "
                   "before transaction ids run out, PostgreSQL vacuums the table all the same, in "
                   "one long go at a time that nobody has chosen.",
        .remedy =
            "Vacuum it more often and in smaller portions, not less. For a bulk load: turn it "
            "on again in the same migration.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, PG_QUERY__NODE__NODE_CREATE_STMT),
        .check = check_autovacuum,
        .fires = { "ALTER TABLE orders SET (autovacuum_enabled = off);", NULL },
        .silent = { "ALTER TABLE orders SET (autovacuum_enabled = on, fillfactor = 90);", NULL },
    },
    {
        .id = "replica-identity",
        .severity = SEVERITY_WARNING,
        .title = "a table's replica identity becomes none, or the whole row",
        .explain = "With NOTHING, a published table takes no UPDATE and no DELETE any more: they "
                   "fail, at once and in every program. With FULL they work, and the log, the "
                   "replication slots and the subscribers, who search for each row, carry the "
                   "weight.",
        .remedy = "DEFAULT, with a primary key; or USING INDEX a unique one over NOT NULL columns.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_identity,
        .fires = { "ALTER TABLE orders REPLICA IDENTITY NOTHING;", NULL },
        .silent = { "ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_pkey;", NULL },
    },
};

LINT_FAMILY(LINT_PROTECTIONS, "Protection", RULES);
