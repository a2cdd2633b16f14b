/* Rules about columns of tables that are in use: adding, changing, renaming. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include "cli/lint/constraint.h"
#include "cli/lint/expression.h"
#include "common/str.h"

#define BATCH "10000"

/* ---- writing the safe way ---- */

/*
 * Rows little by little; the statement is repeated, outside of skein or by a job, until none is
 * left. `from`: a column without which there is no value; NULL: there always is one.
 */
static void step_backfill(LintCase *lint, Finding *finding, Name table, const char *column,
                          const char *value, const char *from)
{
    const char *written = case_table(lint, table);
    const char *quoted = name_write(column, lint->arena);
    case_step(lint, finding,
              "-- again and again, each in a transaction of its own, until no row is left\n"
              "UPDATE %s SET %s = %s WHERE ctid IN (\n"
              "    SELECT ctid FROM %s WHERE %s IS NULL%s%s%s LIMIT " BATCH
              " FOR UPDATE SKIP LOCKED);",
              written, quoted, value, written, quoted, from == NULL ? "" : " AND ",
              from == NULL ? "" : from, from == NULL ? "" : " IS NOT NULL");
}

static const char *type_sql(const LintCase *lint, const PgQuery__ColumnDef *column)
{
    ColumnType type = type_read(column->type_name);
    if (type_is_serial(&type)) {
        return str_equal(type.name, "serial8")   ? "bigint"
               : str_equal(type.name, "serial2") ? "smallint"
                                                 : "integer";
    }
    Name name = name_of_strings(column->type_name->names, column->type_name->n_names, 0);
    bool is_own = name.schema[0] != '\0' && !str_equal(name.schema, "pg_catalog");
    return is_own ? case_table(lint, name) : type_write(&type, lint->arena);
}

static bool is_not_null(const PgQuery__ColumnDef *column)
{
    return column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL) != NULL;
}

/* Part of a key, which other tables may refer to. */
static bool is_key(const Relation *relation, const char *column)
{
    for (size_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        ConstraintKind kind = relation->constraints[i].kind;
        if ((kind == CONSTRAINT_PRIMARY_KEY || kind == CONSTRAINT_UNIQUE) &&
            names_have(&relation->constraints[i].columns, column)) {
            return true;
        }
    }
    return false;
}

/* A list of what hangs on a column, in words. */
static void belonging_append(Str *out, const char *kind, const char *name, Arena *arena)
{
    str_printf(out, "%s%s %s", out->length == 0 ? "" : ", ", kind, name_write(name, arena));
}

/*
 * What the history shows that the column has and the new one is to have, by name. NOT NULL is a
 * step of its own; of a default, of triggers and of what indexes and constraints hold beyond their
 * columns no model of statements knows enough to write it.
 */
static const char *belongings(const LintCase *lint, const Relation *relation, const char *column)
{
    AUTO(Str) list = { 0 };
    for (size_t i = 0; relation != NULL && i < relation->index_count; i++) {
        const TableIndex *index = &relation->indexes[i];
        if (names_have(&index->columns, column) || names_have(&index->reads, column)) {
            belonging_append(&list, "index", index->name, lint->arena);
        }
    }
    for (size_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        const TableConstraint *constraint = &relation->constraints[i];
        if (names_have(&constraint->columns, column)) {
            belonging_append(&list, "constraint", constraint->name, lint->arena);
        }
    }
    return list.length == 0 ? "no index and no constraint"
                            : arena_strdup(lint->arena, str_text(&list));
}

/* What the new column is to have before the old one goes, as far as it is known. */
static const char *belongings_words(const LintCase *lint, Name table, const char *column)
{
    const Relation *relation = model_relation(lint->model, table);
    if (relation == NULL || !relation->is_whole) {
        return "its NOT NULL, indexes and constraints (the history does not show them all), its "
               "default,\n-- and what views and triggers read of it";
    }
    return arena_printf(lint->arena, "%s,\n-- its default, and what views and triggers read of it",
                        belongings(lint, relation, column));
}

/*
 * A new column beside the old one, until programs have gone over to it: the way of every change
 * that programs would notice. The trigger copies what only the old one was given; where a program
 * has written the new one, that stands.
 */
static void step_beside(LintCase *lint, Finding *finding, Name table, const char *column,
                        const char *new_column, const char *type)
{
    const char *written = case_table(lint, table);
    const char *old_name = name_write(column, lint->arena);
    const char *new_name = name_write(new_column, lint->arena);
    const char *trigger = case_table(
        lint, (Name){ table.schema, name_make(table.name, column, "copy", lint->arena) });
    const char *plain = name_write(name_make(table.name, column, "copy", lint->arena), lint->arena);
    case_step(
        lint, finding,
        "ALTER TABLE %s ADD COLUMN %s %s;\n"
        "CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS\n"
        "    $$ BEGIN\n"
        "        IF NEW.%s IS DISTINCT FROM OLD.%s AND NEW.%s IS NOT DISTINCT FROM OLD.%s THEN\n"
        "            NEW.%s := NEW.%s;\n"
        "        END IF;\n"
        "        RETURN NEW;\n"
        "    END $$;\n"
        "CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s\n"
        "    FOR EACH ROW EXECUTE FUNCTION %s();",
        written, new_name, type, trigger, old_name, old_name, new_name, new_name, new_name,
        old_name, plain, written, trigger);
    step_backfill(lint, finding, table, new_column, old_name, old_name);
    const Relation *relation = model_relation(lint->model, table);
    const Column *old = relation_column(relation, column);
    if (is_key(relation, column)) {
        case_step(lint, finding,
                  "-- then tables that refer to %s go over in the same way, then the key itself\n"
                  "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s);",
                  old_name,
                  name_write(name_make(table.name, new_column, "key", lint->arena), lint->arena),
                  written, new_name);
        return;
    }
    if (old != NULL && old->is_not_null) {
        case_step_not_null(lint, finding, table, new_column);
    }
    case_step(
        lint, finding,
        "-- once every program writes both, and then none reads %s. %s is to have before what %s\n"
        "-- has: %s\n"
        "DROP TRIGGER %s ON %s;\n"
        "DROP FUNCTION %s();\n"
        "-- skein: allow column-drop every program uses %s since 2.3\n"
        "ALTER TABLE %s DROP COLUMN %s;",
        old_name, new_name, old_name, belongings_words(lint, table, column), plain, written,
        trigger, new_name, written, old_name);
}

/* ---- adding ---- */

static void tell_required(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const PgQuery__ColumnDef *column = command->def->column_def;
    ColumnType type = type_read(column->type_name);
    bool has_value = column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT) != NULL ||
                     column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY) != NULL ||
                     column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED) != NULL ||
                     type_is_serial(&type);
    bool is_required = is_not_null(column) ||
                       column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY) != NULL;
    if (has_value || !is_required ||
        model_is_emptied(lint->model, model_relation(lint->model, table))) {
        return;
    }
    const char *written = case_table(lint, table);
    const char *name = name_write(column->colname, lint->arena);
    Finding *finding =
        case_report(lint, column->location,
                    "fails with 23502 as soon as %s has a row, and where it has none breaks "
                    "programs that insert without %s",
                    written, name);
    case_step(lint, finding, "ALTER TABLE %s ADD COLUMN %s %s;", written, name,
              type_sql(lint, column));
    case_step(
        lint, finding,
        "-- once every program writes %s: give the old rows a value, then\n"
        "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;",
        name, written,
        name_write(name_make(table.name, column->colname, "not_null", lint->arena), lint->arena),
        name);
    case_step(
        lint, finding, "ALTER TABLE %s VALIDATE CONSTRAINT %s;", written,
        name_write(name_make(table.name, column->colname, "not_null", lint->arena), lint->arena));
    case_step(lint, finding, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;", written, name);
}

static void check_required(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn, tell_required);
}

static void step_default(LintCase *lint, Finding *finding, Name table,
                         const PgQuery__ColumnDef *column, const PgQuery__Constraint *value)
{
    const char *written = case_table(lint, table);
    const char *name = name_write(column->colname, lint->arena);
    const char *text = tree_write_expression(value->raw_expr, lint->arena);
    if (text == NULL) {
        return;
    }
    case_step(lint, finding,
              "ALTER TABLE %s ADD COLUMN %s %s;\nALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s;",
              written, name, type_sql(lint, column), written, name, text);
    step_backfill(lint, finding, table, column->colname, text, NULL);
}

static void step_serial(LintCase *lint, Finding *finding, Name table,
                        const PgQuery__ColumnDef *column)
{
    const char *written = case_table(lint, table);
    const char *name = name_write(column->colname, lint->arena);
    const char *sequence = case_table(
        lint, (Name){ table.schema, name_make(table.name, column->colname, "seq", lint->arena) });
    const char *value = arena_printf(lint->arena, "nextval('%s')", sequence);
    case_step(lint, finding,
              "ALTER TABLE %s ADD COLUMN %s %s;\n"
              "CREATE SEQUENCE %s OWNED BY %s.%s;\n"
              "ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s;",
              written, name, type_sql(lint, column), sequence, written, name, written, name, value);
    step_backfill(lint, finding, table, column->colname, value, NULL);
}

static void step_stored(LintCase *lint, Finding *finding, Name table,
                        const PgQuery__ColumnDef *column, const PgQuery__Constraint *generated)
{
    const char *text = tree_write_expression(generated->raw_expr, lint->arena);
    case_step(lint, finding,
              "-- with a trigger BEFORE INSERT OR UPDATE that sets it for new rows\n"
              "ALTER TABLE %s ADD COLUMN %s %s;",
              case_table(lint, table), name_write(column->colname, lint->arena),
              type_sql(lint, column));
    if (text != NULL) {
        step_backfill(lint, finding, table, column->colname, text, NULL);
    }
}

static void tell_rewrite(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const PgQuery__ColumnDef *column = command->def->column_def;
    const PgQuery__Constraint *value =
        column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT);
    const PgQuery__Constraint *generated =
        column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED);
    ColumnType type = type_read(column->type_name);
    bool is_volatile = value != NULL && expression_is_volatile(lint->model, value->raw_expr, NULL);
    bool is_numbered = type_is_serial(&type) ||
                       column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY) != NULL;
    bool is_checked = false;
    model_base_type(lint->model, type, &is_checked);
    if (!is_volatile && !is_numbered && !is_checked && generated == NULL) {
        return;
    }
    Finding *finding = case_report(
        lint, column->location, "nobody can read or write %s until every row is written anew: %s",
        case_table(lint, table), case_command_effect(lint, table, command).why);
    if (generated != NULL) {
        step_stored(lint, finding, table, column, generated);
    } else if (is_numbered) {
        step_serial(lint, finding, table, column);
    } else if (is_volatile) {
        step_default(lint, finding, table, column, value);
    }
    if (is_not_null(column) && finding->safe_count > 0) {
        case_step_not_null(lint, finding, table, column->colname);
    }
}

static void check_rewrite(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn, tell_rewrite);
}

/* ---- changing ---- */

static bool is_zone_change(const ColumnType *from, const ColumnType *to)
{
    return (str_equal(from->name, "timestamp") && str_equal(to->name, "timestamptz")) ||
           (str_equal(from->name, "timestamptz") && str_equal(to->name, "timestamp"));
}

/* The rows stay; a CHECK or an index on the column does not. */
static void step_around_check(LintCase *lint, Finding *finding, Name table,
                              const Relation *relation, const PgQuery__AlterTableCmd *command)
{
    for (size_t i = 0; i < relation->constraint_count; i++) {
        const TableConstraint *check = &relation->constraints[i];
        if (check->kind == CONSTRAINT_CHECK && names_have(&check->columns, command->name)) {
            const char *alone = case_alter_alone(lint, command);
            case_step(lint, finding,
                      "-- then add %s again, NOT VALID, and VALIDATE it in the next migration\n"
                      "ALTER TABLE %s DROP CONSTRAINT %s;\n%s;",
                      name_write(check->name, lint->arena), case_table(lint, table),
                      name_write(check->name, lint->arena), alone == NULL ? "" : alone);
            return;
        }
    }
}

static void tell_type(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    Effect effect = case_command_effect(lint, table, command);
    const PgQuery__ColumnDef *definition = command->def->column_def;
    const Relation *relation = model_relation(lint->model, table);
    const Column *column = relation_column(relation, command->name);
    if (effect.work < WORK_SCAN) {
        return;
    }
    const char *doing = effect.work == WORK_REWRITE ? "written anew" : "read";
    const char *written = case_table(lint, table);
    Finding *finding =
        effect.is_likely
            ? case_report(lint, case_command_place(lint, command),
                          "what the type was is not known here; unless both are stored alike, "
                          "nobody can read or write %s until every row is %s",
                          written, doing)
            : case_report(lint, case_command_place(lint, command),
                          "nobody can read or write %s until every row is %s: %s", written, doing,
                          effect.why);
    ColumnType to = type_read(definition->type_name);
    bool is_plain = definition->raw_default == NULL && column != NULL;
    if (effect.work != WORK_REWRITE) {
        step_around_check(lint, finding, table, relation, command);
    } else if (is_plain && is_zone_change(&column->type, &to) && to.modifiers[0] < 0) {
        const char *alone = case_alter_alone(lint, command);
        case_step(lint, finding,
                  "-- what is stored was meant as UTC\nSET LOCAL timezone = 'UTC';\n%s;",
                  alone == NULL ? "" : alone);
    } else if (definition->raw_default == NULL) { /* a USING would have to be in the trigger, too */
        step_beside(lint, finding, table, command->name,
                    arena_printf(lint->arena, "new_%s", command->name), type_sql(lint, definition));
    }
}

static void check_type(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType, tell_type);
}

static void tell_nullable(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    case_report(lint, case_command_place(lint, command),
                "programs that read %s have never met a NULL in %s", case_table(lint, table),
                name_write(command->name, lint->arena));
}

static void check_nullable(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull, tell_nullable);
}

/* ---- renaming ---- */

static void check_rename(LintCase *lint)
{
    const PgQuery__RenameStmt *rename = lint->tree.node->rename_stmt;
    Name table = name_of_relation(rename->relation);
    const Column *column = relation_column(model_relation(lint->model, table), rename->subname);
    bool is_new = column != NULL && column->made_by == model_migration(lint->model);
    if (rename->rename_type != PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN || is_new ||
        !case_is_busy(lint, table)) {
        return;
    }
    Finding *finding =
        case_report(lint, -1,
                    "programs that use %s of %s fail from here on, those that use %s fail until "
                    "then",
                    name_write(rename->subname, lint->arena), case_table(lint, table),
                    name_write(rename->newname, lint->arena));
    if (column != NULL && rename->relation_type == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
        step_beside(lint, finding, table, rename->subname, rename->newname,
                    type_write(&column->type, lint->arena));
    } else {
        case_step_allow(lint, finding, "no program uses either name");
    }
}

static const LintRule RULES[] = {
    {
        .id = "column-rewrite",
        .severity = SEVERITY_WARNING,
        .title = "a new column makes PostgreSQL write every row anew",
        .explain =
            "ADD COLUMN with a constant default, or one by now() and its like, is a change of the "
            "catalog alone. A volatile default, serial, an identity, a stored generated column "
            "and a domain with constraints give every row a value of its own: the table is "
            "rewritten under ACCESS EXCLUSIVE.",
        .remedy =
            "Add the column bare, set its default for new rows, and give old rows their values in "
            "batches.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_rewrite,
        .fires = { "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();",
                   NULL },
        .silent = { "ALTER TABLE orders ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();",
                    NULL },
    },
    {
        .id = "column-required",
        .severity = SEVERITY_ERROR,
        .title = "a new column is NOT NULL and has no default",
        .explain = "On a table that has rows it fails. On one that has none, programs that do not "
                   "know the column cannot insert any more.",
        .remedy = "Give it a constant default, or add it nullable and make it NOT NULL when every "
                  "row and every program has a value.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_required,
        .fires = { "ALTER TABLE orders ADD COLUMN channel text NOT NULL;", NULL },
        .silent = { "ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';", NULL },
    },
    {
        .id = "column-type",
        .severity = SEVERITY_WARNING,
        .title = "a column's new type makes PostgreSQL go through every row",
        .explain =
            "Unless both types are stored alike (a longer varchar, varchar to text, more digits "
            "before the point), every row and every index is written anew under ACCESS EXCLUSIVE; "
            "a CHECK on the column is tried on every row even then. Tables whose foreign keys "
            "point at the column are locked and read, too. Programs meet another type from one "
            "moment to the next.",
        .remedy = "A new column beside the old one, kept alike by a trigger; then programs go "
                  "over; then the old one goes. From timestamp to timestamptz and back nothing is "
                  "written if the session's TimeZone is UTC.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_type,
        .fires = { "ALTER TABLE items ALTER COLUMN amount TYPE bigint;", NULL },
        .silent = { "ALTER TABLE users ALTER COLUMN email TYPE text;", NULL },
    },
    {
        .id = "column-rename",
        .severity = SEVERITY_WARNING,
        .title = "a column that programs use is renamed",
        .explain = "The programs that run know the old name, the ones to come the new one. There "
                   "is no moment in which both are right.",
        .remedy = "A new column beside the old one, kept alike by a trigger; then programs go "
                  "over; then the old one goes. Or a view over the table.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_RENAME_STMT),
        .check = check_rename,
        .fires = { "ALTER TABLE orders RENAME COLUMN note TO remark;", NULL },
        .silent = { "ALTER TABLE orders ADD COLUMN remrk text;\n"
                    "ALTER TABLE orders RENAME COLUMN remrk TO remark;",
                    NULL },
    },
    {
        .id = "column-nullable",
        .severity = SEVERITY_NOTICE,
        .title = "a column is no longer NOT NULL",
        .explain = "Programs may rely on a value being there.",
        .remedy = "See to it that every reader copes with NULL before the first is written.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_nullable,
        .fires = { "ALTER TABLE users ALTER COLUMN name DROP NOT NULL;", NULL },
        .silent = { "ALTER TABLE users ALTER COLUMN name SET DEFAULT '';", NULL },
    },
};

LINT_FAMILY(LINT_COLUMNS, "Columns", RULES);
