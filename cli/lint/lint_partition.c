/* Rules about partitions: attaching, detaching, making them in place. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include "cli/lint/constraint.h"
#include "common/str.h"

/* ---- bounds as conditions ---- */

static bool append_value(const LintCase *lint, const Node *value, Str *out)
{
    const char *text = tree_write_expression(value, lint->arena);
    if (text != NULL) {
        str_append(out, text);
    }
    return text != NULL;
}

/* FOR VALUES FROM (a) TO (b), of one column: "key >= a AND key < b". */
static bool append_range(const LintCase *lint, const PgQuery__PartitionBoundSpec *bound,
                         const char *key, Str *out)
{
    static const char *const SIGNS[] = { ">=", "<" };
    if (bound->n_lowerdatums != 1 || bound->n_upperdatums != 1) {
        return false;
    }
    const Node *ends[] = { bound->lowerdatums[0], bound->upperdatums[0] };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        /* MINVALUE and MAXVALUE read as names of columns. */
        if (ends[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_REF) {
            continue;
        }
        str_printf(out, " AND %s %s ", key, SIGNS[i]);
        if (!append_value(lint, ends[i], out)) {
            return false;
        }
    }
    return true;
}

static bool append_list(const LintCase *lint, const PgQuery__PartitionBoundSpec *bound,
                        const char *key, Str *out)
{
    str_printf(out, " AND %s IN (", key);
    for (size_t i = 0; i < bound->n_listdatums; i++) {
        str_append(out, i == 0 ? "" : ", ");
        if (!append_value(lint, bound->listdatums[i], out)) {
            return false;
        }
    }
    str_append_char(out, ')');
    return bound->n_listdatums > 0;
}

/* The condition that all rows of a partition meet; false where it cannot be told. */
static bool write_bound(const LintCase *lint, const PgQuery__PartitionBoundSpec *bound,
                        const Relation *parent, Str *out)
{
    if (bound == NULL || parent == NULL || parent->partition_key.count != 1) {
        return false;
    }
    const char *key = name_write(parent->partition_key.items[0], lint->arena);
    str_printf(out, "%s IS NOT NULL", key);
    return str_equal(bound->strategy, "r")   ? append_range(lint, bound, key, out)
           : str_equal(bound->strategy, "l") ? append_list(lint, bound, key, out)
                                             : false;
}

/* ---- attaching ---- */

/* A valid CHECK over the key, which likely says what the bound says. */
static bool is_proved(const Relation *child, const Relation *parent)
{
    for (size_t i = 0; child != NULL && parent != NULL && i < child->constraint_count; i++) {
        const TableConstraint *check = &child->constraints[i];
        bool reads_key = parent->partition_key.count > 0;
        for (size_t j = 0; j < parent->partition_key.count; j++) {
            reads_key = reads_key && names_have(&check->columns, parent->partition_key.items[j]);
        }
        if (check->kind == CONSTRAINT_CHECK && check->is_valid && reads_key) {
            return true;
        }
    }
    return false;
}

static void tell_attach(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const PgQuery__PartitionCmd *partition = command->def->partition_cmd;
    Name child = name_of_relation(partition->name);
    const Relation *parent = model_relation(lint->model, table);
    if (!case_is_busy(lint, child) || is_proved(model_relation(lint->model, child), parent)) {
        return;
    }
    const char *written = case_table(lint, child);
    Finding *finding =
        case_report(lint, -1,
                    "nobody can read or write %s until every row has been checked against the "
                    "bound",
                    written);
    AUTO(Str) bound = { 0 };
    if (write_bound(lint, partition->bound, parent, &bound)) {
        const char *name = name_write(name_make(child.name, "", "bound", lint->arena), lint->arena);
        case_step(lint, finding, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s) NOT VALID;", written,
                  name, str_text(&bound));
        case_step(lint, finding, "ALTER TABLE %s VALIDATE CONSTRAINT %s;", written, name);
        case_step(lint, finding, "%s;\nALTER TABLE %s DROP CONSTRAINT %s;", lint->statement->sql,
                  written, name);
    }
}

static void check_attach(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_AttachPartition, tell_attach);
}

/* ---- detaching ---- */

static void tell_detach(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    Name child = name_of_relation(command->def->partition_cmd->name);
    if (command->def->partition_cmd->concurrent) {
        return;
    }
    Finding *finding =
        case_report(lint, -1,
                    "nobody can read or write %s, in any partition, while it waits for its lock "
                    "and until the transaction ends",
                    case_table(lint, table));
    case_step(lint, finding, "ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY;",
              case_table(lint, table), case_table(lint, child));
}

static void check_detach(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition, tell_detach);
}

/* ---- making ---- */

static const char *write_attach(LintCase *lint, Name parent, Name child,
                                const PgQuery__PartitionBoundSpec *bound)
{
    PgQuery__RangeVar parent_name = PG_QUERY__RANGE_VAR__INIT;
    parent_name.schemaname = (char *)parent.schema;
    parent_name.relname = (char *)parent.name;
    parent_name.inh = true;
    PgQuery__RangeVar child_name = parent_name;
    child_name.schemaname = (char *)child.schema;
    child_name.relname = (char *)child.name;
    PgQuery__PartitionCmd partition = PG_QUERY__PARTITION_CMD__INIT;
    partition.name = &child_name;
    partition.bound = (PgQuery__PartitionBoundSpec *)bound;
    Node definition = PG_QUERY__NODE__INIT;
    definition.node_case = PG_QUERY__NODE__NODE_PARTITION_CMD;
    definition.partition_cmd = &partition;
    PgQuery__AlterTableCmd command = PG_QUERY__ALTER_TABLE_CMD__INIT;
    command.subtype = PG_QUERY__ALTER_TABLE_TYPE__AT_AttachPartition;
    command.def = &definition;
    command.behavior = PG_QUERY__DROP_BEHAVIOR__DROP_RESTRICT;
    Node command_node = PG_QUERY__NODE__INIT;
    command_node.node_case = PG_QUERY__NODE__NODE_ALTER_TABLE_CMD;
    command_node.alter_table_cmd = &command;
    Node *commands[] = { &command_node };
    PgQuery__AlterTableStmt alter = PG_QUERY__ALTER_TABLE_STMT__INIT;
    alter.relation = &parent_name;
    alter.n_cmds = 1;
    alter.cmds = commands;
    alter.objtype = PG_QUERY__OBJECT_TYPE__OBJECT_TABLE;
    Node node = PG_QUERY__NODE__INIT;
    node.node_case = PG_QUERY__NODE__NODE_ALTER_TABLE_STMT;
    node.alter_table_stmt = &alter;
    return tree_write(&node, lint->arena);
}

static void check_create(LintCase *lint)
{
    const PgQuery__CreateStmt *create = lint->tree.node->create_stmt;
    if (create->partbound == NULL || create->n_inh_relations != 1) {
        return;
    }
    Name parent = name_of_relation(create->inh_relations[0]->range_var);
    Name child = name_of_relation(create->relation);
    if (!case_is_busy(lint, parent)) {
        return;
    }
    Finding *finding =
        case_report(lint, -1,
                    "asks for ACCESS EXCLUSIVE on %s: while it waits for one long query, "
                    "everybody waits behind it, in every partition",
                    case_table(lint, parent));
    const char *attach = write_attach(lint, parent, child, create->partbound);
    if (attach != NULL) {
        case_step(lint, finding,
                  "CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS);\n%s;",
                  case_table(lint, child), case_table(lint, parent), attach);
    }
}

/* ---- what PostgreSQL refuses ---- */

static bool is_partitioned(const LintCase *lint, Name table)
{
    const Relation *relation = model_relation(lint->model, table);
    return relation != NULL && relation->kind == RELATION_PARTITIONED;
}

/* A unique key has to hold the columns by which rows are told apart. */
static bool lacks_key(const LintCase *lint, Name table, const Names *columns)
{
    const Relation *relation = model_relation(lint->model, table);
    for (size_t i = 0; i < relation->partition_key.count; i++) {
        if (!names_have(columns, relation->partition_key.items[i])) {
            return true;
        }
    }
    return false;
}

/* NULL: nothing of it is refused. */
static const char *constraint_refusal(const LintCase *lint, Name table,
                                      const PgQuery__Constraint *constraint)
{
    TableConstraint key = constraint_read(constraint, table.name, NULL, lint->arena);
    bool is_unique = key.kind == CONSTRAINT_UNIQUE || key.kind == CONSTRAINT_PRIMARY_KEY;
    if (key.kind == CONSTRAINT_FOREIGN_KEY && constraint->skip_validation) {
        return "a foreign key NOT VALID";
    }
    if (is_unique && constraint->indexname[0] != '\0') {
        return "USING INDEX";
    }
    return is_unique && lacks_key(lint, table, &key.columns)
               ? "a unique key without the columns of the partition key"
               : NULL;
}

static void tell_refused(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const char *what = is_partitioned(lint, table)
                           ? constraint_refusal(lint, table, command->def->constraint)
                           : NULL;
    if (what != NULL) {
        case_report(lint, command->def->constraint->location,
                    "PostgreSQL refuses it: %s is partitioned, and %s is not to be had there",
                    case_table(lint, table), what);
    }
}

static void check_refused(LintCase *lint)
{
    const Node *node = lint->tree.node;
    if (node->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
        case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint, tell_refused);
        return;
    }
    Name table = name_of_relation(node->index_stmt->relation);
    if (node->index_stmt->concurrent && is_partitioned(lint, table)) {
        case_report(
            lint, -1,
            "PostgreSQL refuses it: %s is partitioned, and CONCURRENTLY is not to be had there",
            case_table(lint, table));
    }
}

static const LintRule RULES[] = {
    {
        .id = "partitioned-refused",
        .severity = SEVERITY_ERROR,
        .title = "what PostgreSQL does not do with a partitioned table",
        .explain =
            "CREATE INDEX CONCURRENTLY, a foreign key NOT VALID, a constraint USING INDEX, and "
            "a unique key without the partition key are refused: the ways that spare a "
            "table that is in use are to be had for its partitions only.",
        .remedy =
            "Partition by partition: an index ON ONLY the parent, one on each partition, ALTER "
            "INDEX … ATTACH PARTITION; a foreign key NOT VALID and VALIDATE on each "
            "partition, then the one of the parent, which finds them.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, PG_QUERY__NODE__NODE_INDEX_STMT),
        .check = check_refused,
        .fires = { "CREATE INDEX CONCURRENTLY events_id_idx ON events (id);", NULL },
        .silent = { "CREATE INDEX CONCURRENTLY events_2024_id_idx ON events_2024 (id);", NULL },
    },
    {
        .id = "partition-attach",
        .severity = SEVERITY_WARNING,
        .title = "a table that is in use is attached and read through",
        .explain = "ATTACH PARTITION is easy on the parent, but holds ACCESS EXCLUSIVE on the "
                   "table that is attached, and on a default partition, until every row has been "
                   "checked against the bound.",
        .remedy = "Give the table a CHECK that says the same as the bound: NOT VALID, then "
                  "VALIDATE in the next migration. ATTACH believes it and reads nothing.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_attach,
        .fires = { "ALTER TABLE events ATTACH PARTITION events_2025\n"
                   "    FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');",
                   NULL },
        .silent = { "CREATE TABLE events_2026 (LIKE events);\n"
                    "ALTER TABLE events ATTACH PARTITION events_2026\n"
                    "    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
                    NULL },
    },
    {
        .id = "partition-detach",
        .severity = SEVERITY_WARNING,
        .title = "a partition is detached with a lock that stops everybody",
        .explain = "DETACH PARTITION asks for ACCESS EXCLUSIVE on the parent, and with it on "
                   "every query of the whole table.",
        .remedy = "DETACH PARTITION … CONCURRENTLY (PostgreSQL 14), in a migration of its own. It "
                  "is not to be had where there is a default partition.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_detach,
        .fires = { "ALTER TABLE events DETACH PARTITION events_2024;", NULL },
        .silent = { "ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY;", NULL },
    },
    {
        .id = "partition-create",
        .severity = SEVERITY_NOTICE,
        .title = "a partition is made in place",
        .explain = "CREATE TABLE … PARTITION OF asks for ACCESS EXCLUSIVE on the parent, if only "
                   "for a moment.",
        .remedy = "Make the table by itself and ATTACH it: that takes SHARE UPDATE EXCLUSIVE, "
                  "which stops neither reads nor writes.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_CREATE_STMT),
        .check = check_create,
        .fires = { "CREATE TABLE events_2026 PARTITION OF events\n"
                   "    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
                   NULL },
        .silent = { "CREATE TABLE logs (day date) PARTITION BY RANGE (day);\n"
                    "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2026-01-01') TO "
                    "('2027-01-01');",
                    NULL },
    },
};

LINT_FAMILY(LINT_PARTITIONS, "Partitions", RULES);
