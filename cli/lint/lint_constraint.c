/* Rules about constraints: those that look at every row, or build an index, while others wait. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include <string.h>

#include "cli/lint/constraint.h"
#include "common/str.h"

/* ---- writing the safe way ---- */

static const char *constraint_name(const LintCase *lint, Name table,
                                   const PgQuery__Constraint *constraint, const char *column)
{
    return constraint_read(constraint, table.name, column, lint->arena).name;
}

/* ALTER TABLE table ADD CONSTRAINT name … NOT VALID; a foreign key beside a
 * column gets its column. */
static const char *write_not_valid(LintCase *lint, Name table,
                                   const PgQuery__Constraint *constraint, const char *column)
{
    PgQuery__Constraint late = *constraint;
    late.conname = (char *)constraint_name(lint, table, constraint, column);
    late.skip_validation = true;
    late.initially_valid = false;
    PgQuery__String key = PG_QUERY__STRING__INIT;
    key.sval = (char *)(column == NULL ? "" : column);
    Node key_node = PG_QUERY__NODE__INIT;
    key_node.node_case = PG_QUERY__NODE__NODE_STRING;
    key_node.string = &key;
    Node *keys[] = { &key_node };
    if (column != NULL && late.contype == PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN) {
        late.n_fk_attrs = 1;
        late.fk_attrs = keys;
    }
    Node definition = PG_QUERY__NODE__INIT;
    definition.node_case = PG_QUERY__NODE__NODE_CONSTRAINT;
    definition.constraint = &late;
    PgQuery__AlterTableCmd command = PG_QUERY__ALTER_TABLE_CMD__INIT;
    command.subtype = PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint;
    command.def = &definition;
    command.behavior = PG_QUERY__DROP_BEHAVIOR__DROP_RESTRICT;
    return case_alter_alone(lint, &command);
}

/* NOT VALID and VALIDATE: the pair for CHECK and FOREIGN KEY. */
static void step_validate_later(LintCase *lint, Finding *finding, Name table,
                                const PgQuery__Constraint *constraint, const char *column)
{
    const char *sql = write_not_valid(lint, table, constraint, column);
    if (sql != NULL) {
        case_step(lint, finding, "%s;", sql);
        case_step(lint, finding, "ALTER TABLE %s VALIDATE CONSTRAINT %s;", case_table(lint, table),
                  name_write(constraint_name(lint, table, constraint, column), lint->arena));
    }
}

/* ---- columns and tables alike ---- */

/* A constraint that stands by itself (column NULL) or beside a new column. */
typedef void (*ConstraintCheck)(LintCase *lint, Name table, const PgQuery__Constraint *constraint,
                                const PgQuery__ColumnDef *column);

static void each_constraint(LintCase *lint, PgQuery__ConstrType type, ConstraintCheck check)
{
    const PgQuery__AlterTableStmt *alter = lint->tree.node->alter_table_stmt;
    Name table = name_of_relation(alter->relation);
    if (!case_alters_table(lint) || !case_is_busy(lint, table)) {
        return;
    }
    for (size_t i = 0; i < alter->n_cmds; i++) {
        const PgQuery__AlterTableCmd *command = alter->cmds[i]->alter_table_cmd;
        if (command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint &&
            command->def->constraint->contype == type) {
            check(lint, table, command->def->constraint, NULL);
        } else if (command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn) {
            const PgQuery__ColumnDef *column = command->def->column_def;
            const PgQuery__Constraint *constraint = column_constraint(column, type);
            if (constraint != NULL) {
                check(lint, table, constraint, column);
            }
        }
    }
}

/* The column without this constraint, as a first step. */
static void step_column_without(LintCase *lint, Finding *finding, const PgQuery__ColumnDef *column,
                                const PgQuery__Constraint *without)
{
    PgQuery__ColumnDef bare = *column;
    bare.constraints = ARENA_ARRAY(lint->arena, Node *, column->n_constraints);
    bare.n_constraints = 0;
    for (size_t i = 0; i < column->n_constraints; i++) {
        if (column->constraints[i]->constraint != without) {
            bare.constraints[bare.n_constraints++] = column->constraints[i];
        }
    }
    Node definition = PG_QUERY__NODE__INIT;
    definition.node_case = PG_QUERY__NODE__NODE_COLUMN_DEF;
    definition.column_def = &bare;
    PgQuery__AlterTableCmd command = PG_QUERY__ALTER_TABLE_CMD__INIT;
    command.subtype = PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn;
    command.def = &definition;
    command.behavior = PG_QUERY__DROP_BEHAVIOR__DROP_RESTRICT;
    const char *sql = case_alter_alone(lint, &command);
    if (sql != NULL) {
        case_step(lint, finding, "%s;", sql);
    }
}

/* ---- foreign keys and checks ---- */

/* One that is partitioned takes no NOT VALID: each partition first, the parent then finds them. */
static void step_partitioned_foreign_key(LintCase *lint, Finding *finding, const Relation *parent,
                                         const PgQuery__Constraint *constraint)
{
    void *cursor = NULL;
    const Relation *child = NULL;
    while ((child = model_next(lint->model, &cursor)) != NULL && finding->safe_count == 0) {
        if (str_equal(child->parent.name, parent->name.name) &&
            str_equal(child->parent.schema, parent->name.schema)) {
            Name table = relation_plain_name(child);
            PgQuery__Constraint own = *constraint;
            own.conname = (char *)constraint_name(lint, table, constraint, NULL);
            PgQuery__RangeVar relation = *lint->tree.node->alter_table_stmt->relation;
            relation.schemaname = (char *)table.schema;
            relation.relname = (char *)table.name;
            PgQuery__AlterTableStmt alter = *lint->tree.node->alter_table_stmt;
            alter.relation = &relation;
            Node node = *lint->tree.node;
            node.alter_table_stmt = &alter;
            Tree whole = lint->tree;
            lint->tree.node = &node;
            step_validate_later(lint, finding, table, &own, NULL);
            lint->tree = whole;
        }
    }
    case_step_allow(lint, finding, "every partition has it already");
}

static void tell_foreign_key(LintCase *lint, Name table, const PgQuery__Constraint *constraint,
                             const PgQuery__ColumnDef *column)
{
    bool is_checked =
        column == NULL ? !constraint->skip_validation
                       : column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT) != NULL;
    if (!is_checked) {
        return;
    }
    const char *other = case_table(lint, name_of_relation(constraint->pktable));
    Finding *finding = case_report(lint, constraint->location,
                                   "nobody can write to %s or %s until every row of %s has been "
                                   "looked up in %s",
                                   case_table(lint, table), other, case_table(lint, table), other);
    const Relation *relation = model_relation(lint->model, table);
    if (relation != NULL && relation->kind == RELATION_PARTITIONED && column == NULL) {
        step_partitioned_foreign_key(lint, finding, relation, constraint);
        return;
    }
    if (column != NULL) {
        step_column_without(lint, finding, column, constraint);
    }
    step_validate_later(lint, finding, table, constraint, column == NULL ? NULL : column->colname);
}

static void check_foreign_key(LintCase *lint)
{
    each_constraint(lint, PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN, tell_foreign_key);
}

static void tell_check(LintCase *lint, Name table, const PgQuery__Constraint *constraint,
                       const PgQuery__ColumnDef *column)
{
    if (constraint->skip_validation) {
        return;
    }
    Finding *finding = case_report(lint, constraint->location,
                                   "nobody can read or write %s until every row has been checked",
                                   case_table(lint, table));
    if (column != NULL) {
        step_column_without(lint, finding, column, constraint);
    }
    step_validate_later(lint, finding, table, constraint, NULL);
}

static void check_check(LintCase *lint)
{
    each_constraint(lint, PG_QUERY__CONSTR_TYPE__CONSTR_CHECK, tell_check);
}

/* ---- keys ---- */

static const char *write_clauses(const LintCase *lint, const PgQuery__Constraint *constraint)
{
    AUTO(Str) text = { 0 };
    if (constraint->deferrable) {
        str_append(&text, " DEFERRABLE");
    }
    if (constraint->initdeferred) {
        str_append(&text, " INITIALLY DEFERRED");
    }
    return arena_strdup(lint->arena, str_text(&text));
}

/* CREATE UNIQUE INDEX CONCURRENTLY, then the constraint USING it. */
static void step_key(LintCase *lint, Finding *finding, Name table,
                     const PgQuery__Constraint *constraint, const TableConstraint *key)
{
    const char *name = name_write(key->name, lint->arena);
    const char *written = case_table(lint, table);
    bool is_primary = key->kind == CONSTRAINT_PRIMARY_KEY;
    const char *including = "";
    if (constraint->n_including > 0) {
        const char *const *columns =
            strings_of(constraint->including, constraint->n_including, lint->arena);
        including = arena_printf(lint->arena, " INCLUDE (%s)",
                                 names_write(columns, constraint->n_including, lint->arena));
    }
    case_step(lint, finding, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)%s%s;", name, written,
              names_write(key->columns.items, key->columns.count, lint->arena), including,
              constraint->nulls_not_distinct ? " NULLS NOT DISTINCT" : "");
    case_step(lint, finding, "ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s;", written, name,
              is_primary ? "PRIMARY KEY" : "UNIQUE", name, write_clauses(lint, constraint));
}

static void tell_key(LintCase *lint, Name table, const PgQuery__Constraint *constraint,
                     const PgQuery__ColumnDef *column)
{
    if (constraint->indexname[0] != '\0') {
        return;
    }
    TableConstraint key = constraint_read(constraint, table.name,
                                          column == NULL ? NULL : column->colname, lint->arena);
    Finding *finding = case_report(lint, constraint->location,
                                   "nobody can read or write %s until the index of %s is built",
                                   case_table(lint, table), name_write(key.name, lint->arena));
    const Relation *relation = model_relation(lint->model, table);
    if (column != NULL) {
        step_column_without(lint, finding, column, constraint);
    }
    for (size_t i = 0; key.kind == CONSTRAINT_PRIMARY_KEY && i < key.columns.count; i++) {
        const Column *part = relation_column(relation, key.columns.items[i]);
        if (part == NULL || !part->is_not_null) {
            case_step_not_null(lint, finding, table, key.columns.items[i]);
        }
    }
    step_key(lint, finding, table, constraint, &key);
}

static void check_unique(LintCase *lint)
{
    each_constraint(lint, PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE, tell_key);
}

static void check_primary_key(LintCase *lint)
{
    each_constraint(lint, PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY, tell_key);
}

static void tell_exclusion(LintCase *lint, Name table, const PgQuery__Constraint *constraint,
                           const PgQuery__ColumnDef *column)
{
    (void)column;
    Finding *finding = case_report(lint, constraint->location,
                                   "nobody can read or write %s until the constraint's index is "
                                   "built, and there is no way around it",
                                   case_table(lint, table));
    case_step_allow(lint, finding, "runs in the quiet hour on Sunday, the table has 20000 rows");
}

static void check_exclusion(LintCase *lint)
{
    each_constraint(lint, PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION, tell_exclusion);
}

static void tell_key_nulls(LintCase *lint, Name table, const PgQuery__Constraint *constraint,
                           const PgQuery__ColumnDef *column)
{
    Effect effect = case_effect(lint, table);
    if (constraint->indexname[0] == '\0' || effect.work != WORK_SCAN || effect.is_likely) {
        return;
    }
    (void)column;
    const Relation *relation = model_relation(lint->model, table);
    const TableIndex *index = NULL;
    model_index(lint->model, (Name){ table.schema, constraint->indexname }, &index);
    Finding *finding =
        case_report(lint, constraint->location,
                    "a primary key makes its columns NOT NULL: nobody can read or write %s until "
                    "every row has been looked at",
                    case_table(lint, table));
    for (size_t i = 0; index != NULL && i < index->columns.count; i++) {
        const Column *part = relation_column(relation, index->columns.items[i]);
        if (part != NULL && !part->is_not_null) {
            case_step_not_null(lint, finding, table, part->name);
        }
    }
    case_step(lint, finding, "%s;", lint->statement->sql);
}

static void check_key_nulls(LintCase *lint)
{
    each_constraint(lint, PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY, tell_key_nulls);
}

/* ---- NOT NULL, VALIDATE ---- */

static void tell_not_null(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    if (case_command_effect(lint, table, command).work < WORK_SCAN) {
        return;
    }
    Finding *finding = case_report(lint, case_command_place(lint, command),
                                   "nobody can read or write %s until every row has been looked "
                                   "at for a NULL in %s",
                                   case_table(lint, table), name_write(command->name, lint->arena));
    case_step_not_null(lint, finding, table, command->name);
}

static void check_not_null(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull, tell_not_null);
}

/* The line of an earlier statement of the transaction that holds a stronger lock; 0: none does. */
static uint32_t line_of_lock(const LintCase *lint, Name table, LockMode above)
{
    const CaseStatement *statements = lint->script->statements;
    for (const CaseStatement *one = statements; one < lint->statement; one++) {
        for (size_t i = 0; one->part == lint->statement->part && i < one->effect_count; i++) {
            if (one->effects[i].effect.lock > above &&
                model_is_same(lint->model, one->effects[i].effect.table, table)) {
                return one->line;
            }
        }
    }
    return 0;
}

static void tell_validate(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    uint32_t line = line_of_lock(lint, table, LOCK_SHARE_UPDATE_EXCLUSIVE);
    if (!lint->statement->is_transactional || line == 0 ||
        case_command_effect(lint, table, command).work < WORK_SCAN) {
        return;
    }
    Finding *finding = case_report(lint, case_command_place(lint, command),
                                   "the lock that line %u took is held until every row is "
                                   "checked: NOT VALID has won nothing",
                                   line);
    case_step(lint, finding, "ALTER TABLE %s VALIDATE CONSTRAINT %s;", case_table(lint, table),
              name_write(command->name, lint->arena));
}

static void check_validate(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint, tell_validate);
}

/* ---- domains ---- */

static void check_domain(LintCase *lint)
{
    const PgQuery__AlterDomainStmt *alter = lint->tree.node->alter_domain_stmt;
    Name name = name_of_strings(alter->type_name, alter->n_type_name, 0);
    const UserType *type = model_type(lint->model, name.name);
    const Effect *effect = case_work(lint, WORK_SCAN);
    bool is_unknown = type == NULL && effect_checks_domain(alter);
    if ((effect == NULL && !is_unknown) ||
        (type != NULL && type->made_by == model_migration(lint->model))) {
        return;
    }
    const char *others = arena_printf(lint->arena, "any %stable with a column of %s",
                                      effect == NULL ? "" : "other ", case_table(lint, name));
    Finding *finding =
        effect == NULL
            ? case_report(lint, -1, "nobody can write to %s until every row has been checked",
                          others)
            : case_report(lint, -1,
                          "nobody can write to %s, or %s, until every row has been checked",
                          case_table(lint, effect->table), others);
    case_step_allow(lint, finding, "runs in the quiet hour on Sunday, the tables are small");
}

static void check_new_domain(LintCase *lint)
{
    const PgQuery__CreateDomainStmt *create = lint->tree.node->create_domain_stmt;
    for (size_t i = 0; i < create->n_constraints; i++) {
        const PgQuery__Constraint *constraint = create->constraints[i]->constraint;
        bool is_not_null = constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL;
        if (is_not_null || constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_CHECK) {
            case_report(
                lint, constraint->location,
                "to %s, every table with a column of %s will be read while nobody can write",
                is_not_null ? "say NOT NULL again once it is dropped" : "change this CHECK",
                case_table(lint, name_of_strings(create->domainname, create->n_domainname, 0)));
        }
    }
}

static const LintRule RULES[] = {
    {
        .id = "foreign-key-scan",
        .severity = SEVERITY_WARNING,
        .title = "a foreign key is checked while nobody may write",
        .explain =
            "ADD FOREIGN KEY holds SHARE ROW EXCLUSIVE on both tables while every row of one is "
            "looked up in the other.",
        .remedy =
            "Add it NOT VALID, which checks new rows only and is quick; VALIDATE it in the next "
            "migration, while others read and write. A partitioned table takes no NOT VALID: give "
            "each partition the key in this way, then the parent, which finds it there.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_foreign_key,
        .fires = { "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);", NULL },
        .silent = { "ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey\n"
                    "    FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;",
                    NULL },
    },
    {
        .id = "check-scan",
        .severity = SEVERITY_WARNING,
        .title = "a CHECK is tried on every row while nobody may read or write",
        .explain = "ADD CHECK holds ACCESS EXCLUSIVE on the table while every row is read.",
        .remedy =
            "Add it NOT VALID, which checks new rows only and is quick; VALIDATE it in the next "
            "migration, while others read and write.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_check,
        .fires = { "ALTER TABLE orders ADD CHECK (total >= 0);", NULL },
        .silent = { "ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0) NOT "
                    "VALID;",
                    NULL },
    },
    {
        .id = "not-null-scan",
        .severity = SEVERITY_WARNING,
        .title = "SET NOT NULL looks at every row while nobody may read or write",
        .explain =
            "SET NOT NULL holds ACCESS EXCLUSIVE on the table while every row is read, unless a "
            "valid CHECK (column IS NOT NULL) proves that there is no NULL.",
        .remedy =
            "Add that CHECK as NOT VALID, VALIDATE it in the next migration, then SET NOT NULL, "
            "which reads nothing, and drop the CHECK.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_not_null,
        .fires = { "ALTER TABLE users ALTER COLUMN email SET NOT NULL;", NULL },
        .silent = { "ALTER TABLE users ALTER COLUMN name SET NOT NULL; -- it is", NULL },
    },
    {
        .id = "unique-build",
        .severity = SEVERITY_WARNING,
        .title = "a UNIQUE constraint builds its index while nobody may read or write",
        .explain = "ADD UNIQUE holds ACCESS EXCLUSIVE on the table until the index is built.",
        .remedy =
            "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … "
            "USING INDEX, which is quick.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_unique,
        .fires = { "ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);", NULL },
        .silent = { "CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);\n"
                    "ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX "
                    "users_email_key;",
                    NULL },
    },
    {
        .id = "primary-key-build",
        .severity = SEVERITY_WARNING,
        .title = "a primary key builds its index while nobody may read or write",
        .explain =
            "ADD PRIMARY KEY holds ACCESS EXCLUSIVE on the table until the index is built and "
            "every row has been looked at for a NULL.",
        .remedy =
            "Make the columns NOT NULL by way of a CHECK, CREATE UNIQUE INDEX CONCURRENTLY in a "
            "migration of its own, then ADD CONSTRAINT … PRIMARY KEY USING INDEX.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_primary_key,
        .fires = { "ALTER TABLE items ADD PRIMARY KEY (order_id);", NULL },
        .silent = { "CREATE TABLE carts (id bigint);\nALTER TABLE carts ADD PRIMARY KEY (id);",
                    NULL },
    },
    {
        .id = "primary-key-nulls",
        .severity = SEVERITY_WARNING,
        .title = "a primary key USING INDEX looks at every row for a NULL",
        .explain =
            "The index is there, but a primary key makes its columns NOT NULL, and where they are "
            "not yet, every row is read under ACCESS EXCLUSIVE.",
        .remedy = "Make the columns NOT NULL first, by way of a CHECK.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_key_nulls,
        .fires = { "CREATE UNIQUE INDEX CONCURRENTLY items_pkey ON items (amount);\n"
                   "ALTER TABLE items ADD PRIMARY KEY USING INDEX items_pkey;",
                   NULL },
        .silent = { "CREATE UNIQUE INDEX CONCURRENTLY items_pkey ON items (order_id);\n"
                    "ALTER TABLE items ADD PRIMARY KEY USING INDEX items_pkey;",
                    NULL },
    },
    {
        .id = "exclusion-build",
        .severity = SEVERITY_WARNING,
        .title = "an exclusion constraint builds its index while nobody may read or write",
        .explain =
            "ADD EXCLUDE holds ACCESS EXCLUSIVE on the table until the index is built. PostgreSQL "
            "has neither NOT VALID nor USING INDEX for it.",
        .remedy = "A quiet hour; or a new table that has the constraint, filled little by little.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_exclusion,
        .fires = { "ALTER TABLE items ADD EXCLUDE USING btree (order_id WITH =);", NULL },
        .silent = { "CREATE TABLE carts (id bigint, EXCLUDE USING btree (id WITH =));", NULL },
    },
    {
        .id = "validate-at-once",
        .severity = SEVERITY_WARNING,
        .title = "VALIDATE in the transaction that has locked the table",
        .explain =
            "VALIDATE CONSTRAINT lets others read and write, but locks are held to the end of the "
            "transaction, and an earlier statement has taken a stronger one.",
        .remedy = "Move VALIDATE to a migration of its own.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_validate,
        .fires = { "ALTER TABLE orders ADD CONSTRAINT c CHECK (total >= 0) NOT VALID;\n"
                   "ALTER TABLE orders VALIDATE CONSTRAINT c;",
                   NULL },
        .silent = { "ALTER TABLE orders VALIDATE CONSTRAINT c;", NULL },
    },
    {
        .id = "domain-scan",
        .severity = SEVERITY_WARNING,
        .title = "a domain's constraint is checked in every table",
        .explain =
            "ALTER DOMAIN … ADD CONSTRAINT, VALIDATE CONSTRAINT and SET NOT NULL read every table "
            "with a column of the domain, one after the other, and hold SHARE on all of them to "
            "the end: nobody can write.",
        .remedy = "Add the constraint NOT VALID: new values are checked. For the values that are "
                  "there, put a CHECK on each table, NOT VALID and then validated, or wait for a "
                  "quiet hour.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT),
        .check = check_domain,
        .fires = { "ALTER DOMAIN positive ADD CONSTRAINT more_than_none CHECK (VALUE > 0);", NULL },
        .silent = { "ALTER DOMAIN positive ADD CONSTRAINT more_than_none CHECK (VALUE > 0) NOT "
                    "VALID;",
                    NULL },
    },
    {
        .id = "domain-constraint",
        .severity = SEVERITY_NOTICE,
        .title = "a domain carries a constraint",
        .explain =
            "A domain's CHECK or NOT NULL cannot be changed table by table: every change reads all "
            "tables with a column of the domain while nobody can write to them. And a column of a "
            "domain that is NOT NULL holds NULLs all the same, where an outer join gives them.",
        .remedy = "Put the constraint on the columns.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT),
        .check = check_new_domain,
        .fires = { "CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100);", NULL },
        .silent = { "CREATE DOMAIN percent AS integer;", NULL },
    },
};

LINT_FAMILY(LINT_CONSTRAINTS, "Constraints", RULES);
