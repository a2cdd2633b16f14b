/* ALTER TABLE: each of its forms with the lock it asks for and the work it does. */
#include "cli/lint/effects_internal.h"

#include <strings.h>

#include "cli/lint/constraint.h"
#include "cli/lint/expression.h"
#include "common/str.h"

/* One form in one statement. `relation` is NULL when the table is not known. */
typedef struct Form {
    const EffectReader *reader;
    const PgQuery__AlterTableCmd *command;
    Name table;
    const Relation *relation;
} Form;

typedef struct FormRow {
    PgQuery__AlterTableType type;
    LockMode lock;
    bool is_inherited; /* goes to partitions and heirs, too */
    const char *why;
    void (*refine)(const Form *form, Effect *effect); /* NULL: the row says it all */
} FormRow;

static void set_work(Effect *effect, TableWork work, const char *why)
{
    if (work >= effect->work) {
        effect->work = work;
        effect->why = why;
    }
}

static void add_on(const Form *form, Name table, LockMode lock, TableWork work, const char *why)
{
    effect_add(form->reader, &(Effect){ .table = table, .lock = lock, .work = work, .why = why });
}

/* ---- columns ---- */

static void refine_default(const Form *form, const PgQuery__ColumnDef *column, Effect *effect)
{
    const PgQuery__Constraint *value =
        column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT);
    const char *function = NULL;
    if (value != NULL && expression_is_volatile(form->reader->model, value->raw_expr, &function)) {
        set_work(effect, WORK_REWRITE,
                 arena_printf(form->reader->arena,
                              "%s() gives every row a value of its own, so each is written anew",
                              function));
    }
}

static void refine_column_type(const Form *form, const PgQuery__ColumnDef *column, Effect *effect)
{
    ColumnType type = type_read(column->type_name);
    bool is_checked = false;
    model_base_type(form->reader->model, type, &is_checked);
    if (type_is_serial(&type)) {
        set_work(effect, WORK_REWRITE, "a serial column gives every row a number of its own");
    } else if (column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY) != NULL) {
        set_work(effect, WORK_REWRITE, "an identity column gives every row a number of its own");
    } else if (column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED) != NULL) {
        set_work(effect, WORK_REWRITE, "a stored generated column is computed for every row");
    } else if (is_checked) {
        set_work(effect, WORK_REWRITE, "the domain's constraints are checked for every row");
    }
}

static void refine_column_constraints(const Form *form, const PgQuery__ColumnDef *column,
                                      Effect *effect)
{
    bool has_default = column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT) != NULL;
    const PgQuery__Constraint *foreign =
        column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN);
    if (column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_CHECK) != NULL) {
        set_work(effect, WORK_SCAN, "the CHECK is tried on every row");
    }
    if (foreign != NULL) {
        bool is_checked = has_default;
        add_on(form, name_of_relation(foreign->pktable), LOCK_SHARE_ROW_EXCLUSIVE,
               is_checked ? WORK_ROWS : WORK_NONE, "the foreign key puts triggers on both tables");
        if (is_checked) {
            set_work(effect, WORK_SCAN, "the default of every row is looked up");
        }
    }
    bool is_not_null = column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL) != NULL;
    if (is_not_null && !has_default) {
        set_work(effect, WORK_SCAN, "NOT NULL without a default is checked on every row");
    }
    if (column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE) != NULL ||
        column_constraint(column, PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY) != NULL) {
        set_work(effect, WORK_BUILD, "the key's index is built");
    }
}

static void refine_add_column(const Form *form, Effect *effect)
{
    const PgQuery__ColumnDef *column = form->command->def->column_def;
    if (form->command->missing_ok && relation_column(form->relation, column->colname) != NULL) {
        return;
    }
    refine_column_constraints(form, column, effect);
    refine_default(form, column, effect);
    refine_column_type(form, column, effect);
}

/* USING that says no more than the change of type itself: the column, with or without a cast. */
static bool using_is_plain(const PgQuery__ColumnDef *column, const char *name)
{
    const Node *value = column->raw_default;
    if (value != NULL && value->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
        ColumnType cast = type_read(value->type_cast->type_name);
        ColumnType to = type_read(column->type_name);
        if (!str_equal(cast.name, to.name) || cast.is_array != to.is_array ||
            (cast.modifiers[0] >= 0 && cast.modifiers[0] != to.modifiers[0])) {
            return false;
        }
        value = value->type_cast->arg;
    }
    if (value == NULL) {
        return true;
    }
    return value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
           str_equal(
               name_of_strings(value->column_ref->fields, value->column_ref->n_fields, 0).name,
               name);
}

/* varchar and text have one set of operators; other pairs of types mean a new index. */
static bool have_same_operators(const ColumnType *from, const ColumnType *to)
{
    static const char *const TEXTS[] = { "varchar", "text" };
    size_t texts = 0;
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        texts += str_equal(from->name, TEXTS[i]);
        texts += str_equal(to->name, TEXTS[i]);
    }
    return texts == 2 || str_equal(from->name, to->name);
}

/* Of an index with expressions or a predicate PostgreSQL does not try to tell whether it still
 * fits. */
static bool index_stays(const TableIndex *index, const char *column, const ColumnType *from,
                        const ColumnType *to)
{
    bool is_key = names_have(&index->columns, column);
    if (!is_key && !names_have(&index->reads, column)) {
        return true;
    }
    return index->reads.count == 0 && have_same_operators(from, to);
}

/* What a change of type costs although the rows stay as they are. */
static void refine_dependents(const Form *form, const ColumnType *from, const ColumnType *to,
                              Effect *effect)
{
    const char *column = form->command->name;
    for (size_t i = 0; i < form->relation->constraint_count; i++) {
        const TableConstraint *constraint = &form->relation->constraints[i];
        if (constraint->kind == CONSTRAINT_CHECK && constraint->is_valid &&
            names_have(&constraint->columns, column)) {
            set_work(effect, WORK_SCAN, "the CHECK on the column is tried on every row again");
        }
    }
    for (size_t i = 0; i < form->relation->index_count; i++) {
        if (!index_stays(&form->relation->indexes[i], column, from, to)) {
            set_work(effect, WORK_BUILD, "the index on the column is built anew");
        }
    }
}

static void refine_type(const Form *form, Effect *effect)
{
    const PgQuery__ColumnDef *definition = form->command->def->column_def;
    const Column *column = relation_column(form->relation, form->command->name);
    ColumnType to = type_read(definition->type_name);
    ColumnType from = column == NULL ? (ColumnType){ .name = "" } : column->type;
    bool is_checked = false;
    ColumnType stored_from = model_base_type(form->reader->model, from, NULL);
    ColumnType stored_to = model_base_type(form->reader->model, to, &is_checked);
    TypeChange change = type_change(&stored_from, &stored_to, model_is_utc(form->reader->model));
    bool is_same_domain = is_checked && str_equal(from.name, to.name);
    if (!using_is_plain(definition, form->command->name)) {
        set_work(effect, WORK_REWRITE, "USING computes every value anew");
    } else if (is_checked && !is_same_domain) {
        set_work(effect, WORK_REWRITE, "the domain's constraints are checked for every row");
    } else if (change == TYPE_CHANGE_UNKNOWN) {
        set_work(effect, WORK_REWRITE,
                 "what the type was is not known here; unless both are stored alike, every row is "
                 "written anew");
        effect->is_likely = true;
    } else if (change == TYPE_CHANGE_REWRITE) {
        set_work(effect, WORK_REWRITE,
                 arena_printf(form->reader->arena, "%s and %s are not stored alike",
                              type_write(&from, form->reader->arena),
                              type_write(&to, form->reader->arena)));
    } else {
        refine_dependents(form, &from, &to, effect);
    }
    effect_add_references(form->reader, form->relation, form->command->name, LOCK_ACCESS_EXCLUSIVE,
                          "the foreign key on the column is made anew");
    effect_add_referrers(
        form->reader, form->relation, form->command->name,
        &(Effect){ .lock = LOCK_ACCESS_EXCLUSIVE,
                   .work = effect->work == WORK_REWRITE ? WORK_SCAN : WORK_NONE,
                   .is_likely = effect->is_likely,
                   .why = "its foreign key to the column is made anew, and checked" });
}

/* Heirs are locked also when ONLY is said: the column becomes their own. */
static void refine_drop_column(const Form *form, Effect *effect)
{
    effect_add_heirs(form->reader, effect);
    effect_add_references(form->reader, form->relation, form->command->name, LOCK_ACCESS_EXCLUSIVE,
                          "the column's foreign key has triggers there");
}

static bool is_proved_not_null(const Relation *relation, const char *column)
{
    for (size_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        const TableConstraint *constraint = &relation->constraints[i];
        if (constraint->is_valid && constraint->not_null != NULL &&
            str_equal(constraint->not_null, column)) {
            return true;
        }
    }
    return false;
}

static void refine_set_not_null(const Form *form, Effect *effect)
{
    const Column *column = relation_column(form->relation, form->command->name);
    if ((column != NULL && column->is_not_null) ||
        is_proved_not_null(form->relation, form->command->name)) {
        return;
    }
    set_work(effect, WORK_SCAN, "every row is looked at for a NULL");
    effect->is_likely = form->relation == NULL || !form->relation->is_whole;
}

/* ---- constraints ---- */

static void refine_foreign_key(const Form *form, const PgQuery__Constraint *constraint,
                               Effect *effect)
{
    effect->lock = LOCK_SHARE_ROW_EXCLUSIVE;
    effect->why = "the foreign key puts triggers on both tables";
    bool is_checked = !constraint->skip_validation;
    if (is_checked) {
        set_work(effect, WORK_SCAN, "every row is looked up in the referenced table");
    }
    add_on(form, name_of_relation(constraint->pktable), LOCK_SHARE_ROW_EXCLUSIVE,
           is_checked ? WORK_ROWS : WORK_NONE,
           is_checked ? "every row of the other table is looked up here"
                      : "the foreign key puts triggers on both tables");
}

/* USING INDEX: the index is there, but a primary key's columns have to be NOT NULL. */
static void refine_using_index(const Form *form, const PgQuery__Constraint *constraint,
                               Effect *effect)
{
    effect->why = "the index is there already";
    if (constraint->contype != PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY) {
        return;
    }
    const TableIndex *index = NULL;
    model_index(form->reader->model, (Name){ form->table.schema, constraint->indexname }, &index);
    bool is_known = index != NULL;
    for (size_t i = 0; is_known && i < index->columns.count; i++) {
        const Column *column = relation_column(form->relation, index->columns.items[i]);
        if (column == NULL || (!column->is_not_null &&
                               !is_proved_not_null(form->relation, index->columns.items[i]))) {
            is_known = column != NULL;
            set_work(effect, WORK_SCAN, "the key's columns are not NOT NULL: every row is checked");
            effect->is_likely = column == NULL;
            return;
        }
    }
    if (!is_known) {
        set_work(effect, WORK_SCAN, "unless the key's columns are NOT NULL, every row is checked");
        effect->is_likely = true;
    }
}

static void refine_add_constraint(const Form *form, Effect *effect)
{
    const PgQuery__Constraint *constraint = form->command->def->constraint;
    switch (constraint->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
        refine_foreign_key(form, constraint, effect);
        break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
        if (!constraint->skip_validation) {
            set_work(effect, WORK_SCAN, "the CHECK is tried on every row");
        }
        break;
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
    case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION:
        if (constraint->indexname[0] != '\0') {
            refine_using_index(form, constraint, effect);
        } else {
            set_work(effect, WORK_BUILD, "the constraint's index is built");
        }
        break;
    default:
        break;
    }
}

static void refine_validate(const Form *form, Effect *effect)
{
    const TableConstraint *constraint = relation_constraint(form->relation, form->command->name);
    if (constraint != NULL && constraint->is_valid) {
        return;
    }
    set_work(effect, WORK_SCAN, "every row is checked, while others go on");
    if (constraint != NULL && constraint->kind == CONSTRAINT_FOREIGN_KEY) {
        const Relation *other = model_relation(form->reader->model, constraint->references);
        add_on(form, other == NULL ? constraint->references : relation_plain_name(other),
               LOCK_ROW_SHARE, WORK_ROWS, "rows of the other table are looked up here");
    }
}

static void refine_drop_constraint(const Form *form, Effect *effect)
{
    (void)effect;
    const TableConstraint *constraint = relation_constraint(form->relation, form->command->name);
    if (constraint == NULL) {
        return;
    }
    if (constraint->kind == CONSTRAINT_FOREIGN_KEY) {
        const Relation *other = model_relation(form->reader->model, constraint->references);
        add_on(form, other == NULL ? constraint->references : relation_plain_name(other),
               LOCK_ACCESS_EXCLUSIVE, WORK_NONE, "the foreign key's triggers there are removed");
    } else if (form->command->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) {
        effect_add_referrers(form->reader, form->relation, NULL,
                             &(Effect){ .lock = LOCK_ACCESS_EXCLUSIVE,
                                        .why = "its foreign key to this key goes, too" });
    }
}

/* ---- partitions and heirs ---- */

static void refine_attach(const Form *form, Effect *effect)
{
    (void)effect;
    Effect child = {
        .table = name_of_relation(form->command->def->partition_cmd->name),
        .lock = LOCK_ACCESS_EXCLUSIVE,
        .work = WORK_SCAN,
        .is_likely = true,
        .why = "every row is checked against the bound, unless a valid CHECK proves it",
    };
    effect_add(form->reader, &child);
}

static void refine_detach(const Form *form, Effect *effect)
{
    bool is_concurrent = form->command->def->partition_cmd->concurrent;
    effect->lock = is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE;
    add_on(form, name_of_relation(form->command->def->partition_cmd->name), LOCK_ACCESS_EXCLUSIVE,
           WORK_NONE, "the partition becomes a table of its own");
}

static void refine_inherit(const Form *form, Effect *effect)
{
    (void)effect;
    bool is_end = form->command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_DropInherit;
    add_on(form, name_of_relation(form->command->def->range_var),
           is_end ? LOCK_ACCESS_SHARE : LOCK_SHARE_UPDATE_EXCLUSIVE, WORK_NONE, "it is the parent");
}

/* ---- storage ---- */

/* Most options are read by autovacuum or the planner, and need no standstill. */
static void refine_options(const Form *form, Effect *effect)
{
    static const char *const STRONG[] = { "user_catalog_table", "security_barrier",
                                          "security_invoker", "check_option" };
    const Node *list = form->command->def;
    for (size_t i = 0; list != NULL && i < list->list->n_items; i++) {
        for (size_t j = 0; j < ARRAY_LEN(STRONG); j++) {
            if (strcasecmp(list->list->items[i]->def_elem->defname, STRONG[j]) == 0) {
                effect->lock = LOCK_ACCESS_EXCLUSIVE;
            }
        }
    }
}

/* ---- the table ---- */

#define FORM(name) PG_QUERY__ALTER_TABLE_TYPE__AT_##name
#define AEL LOCK_ACCESS_EXCLUSIVE
#define SRE LOCK_SHARE_ROW_EXCLUSIVE
#define SUE LOCK_SHARE_UPDATE_EXCLUSIVE

static const char CATALOG[] = "only the catalog changes";
static const char REWRITE[] = "every row is copied to a new file";

static const FormRow FORMS[] = {
    { FORM(AddColumn), AEL, true, CATALOG, refine_add_column },
    { FORM(DropColumn), AEL, false, CATALOG, refine_drop_column },
    { FORM(AlterColumnType), AEL, true, CATALOG, refine_type },
    { FORM(ColumnDefault), AEL, true, CATALOG, NULL },
    { FORM(SetNotNull), AEL, true, CATALOG, refine_set_not_null },
    { FORM(DropNotNull), AEL, true, CATALOG, NULL },
    { FORM(DropExpression), AEL, true, CATALOG, NULL },
    { FORM(AddIdentity), AEL, false, CATALOG, NULL },
    { FORM(SetIdentity), AEL, false, CATALOG, NULL },
    { FORM(DropIdentity), AEL, false, CATALOG, NULL },
    { FORM(SetStatistics), SUE, true, CATALOG, NULL },
    { FORM(SetOptions), SUE, false, CATALOG, NULL },
    { FORM(ResetOptions), SUE, false, CATALOG, NULL },
    { FORM(SetStorage), AEL, true, CATALOG, NULL },
    { FORM(SetCompression), AEL, false, CATALOG, NULL },
    { FORM(AlterColumnGenericOptions), AEL, false, CATALOG, NULL },
    { FORM(AddConstraint), AEL, true, CATALOG, refine_add_constraint },
    { FORM(AlterConstraint), AEL, false, CATALOG, NULL },
    { FORM(ValidateConstraint), SUE, true, CATALOG, refine_validate },
    { FORM(DropConstraint), AEL, true, CATALOG, refine_drop_constraint },
    { FORM(ChangeOwner), AEL, false, CATALOG, NULL },
    { FORM(ClusterOn), SUE, false, CATALOG, NULL },
    { FORM(DropCluster), SUE, false, CATALOG, NULL },
    { FORM(SetRelOptions), SUE, false, CATALOG, refine_options },
    { FORM(ResetRelOptions), SUE, false, CATALOG, refine_options },
    { FORM(ReplaceRelOptions), AEL, false, CATALOG, NULL },
    { FORM(EnableTrig), SRE, true, CATALOG, NULL },
    { FORM(EnableAlwaysTrig), SRE, true, CATALOG, NULL },
    { FORM(EnableReplicaTrig), SRE, true, CATALOG, NULL },
    { FORM(DisableTrig), SRE, true, CATALOG, NULL },
    { FORM(EnableTrigAll), SRE, true, CATALOG, NULL },
    { FORM(DisableTrigAll), SRE, true, CATALOG, NULL },
    { FORM(EnableTrigUser), SRE, true, CATALOG, NULL },
    { FORM(DisableTrigUser), SRE, true, CATALOG, NULL },
    { FORM(EnableRule), AEL, false, CATALOG, NULL },
    { FORM(EnableAlwaysRule), AEL, false, CATALOG, NULL },
    { FORM(EnableReplicaRule), AEL, false, CATALOG, NULL },
    { FORM(DisableRule), AEL, false, CATALOG, NULL },
    { FORM(AddInherit), AEL, false, CATALOG, refine_inherit },
    { FORM(DropInherit), AEL, false, CATALOG, refine_inherit },
    { FORM(AddOf), AEL, false, CATALOG, NULL },
    { FORM(DropOf), AEL, false, CATALOG, NULL },
    { FORM(ReplicaIdentity), AEL, false, CATALOG, NULL },
    { FORM(EnableRowSecurity), AEL, false, CATALOG, NULL },
    { FORM(DisableRowSecurity), AEL, false, CATALOG, NULL },
    { FORM(ForceRowSecurity), AEL, false, CATALOG, NULL },
    { FORM(NoForceRowSecurity), AEL, false, CATALOG, NULL },
    { FORM(GenericOptions), AEL, false, CATALOG, NULL },
    { FORM(AttachPartition), SUE, false, CATALOG, refine_attach },
    { FORM(DetachPartition), AEL, false, CATALOG, refine_detach },
    { FORM(DetachPartitionFinalize), SUE, false, CATALOG, NULL },
    { FORM(SetLogged), AEL, false, CATALOG, NULL },
    { FORM(SetUnLogged), AEL, false, CATALOG, NULL },
    { FORM(SetTableSpace), AEL, false, CATALOG, NULL },
    { FORM(SetAccessMethod), AEL, false, CATALOG, NULL },
};

/* The forms that always copy the table. */
static const PgQuery__AlterTableType REWRITING[] = {
    FORM(SetLogged),
    FORM(SetUnLogged),
    FORM(SetTableSpace),
    FORM(SetAccessMethod),
};

static void read_form(const Form *form, const FormRow *row, bool is_whole_family)
{
    Effect effect = { .table = form->table, .lock = row->lock, .why = row->why };
    for (size_t i = 0; i < ARRAY_LEN(REWRITING); i++) {
        if (REWRITING[i] == row->type) {
            set_work(&effect, WORK_REWRITE, REWRITE);
        }
    }
    if (row->refine != NULL) {
        row->refine(form, &effect);
    }
    effect_add(form->reader, &effect);
    if (row->is_inherited && is_whole_family) {
        effect_add_heirs(form->reader, &effect);
    }
}

void effects_read_alter_table(const EffectReader *reader, const Node *node)
{
    const PgQuery__AlterTableStmt *alter = node->alter_table_stmt;
    if (alter->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE ||
        alter->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX) {
        return; /* no table's lock is taken */
    }
    Form form = { .reader = reader, .table = name_of_relation(alter->relation) };
    form.relation = model_relation(reader->model, form.table);
    for (size_t i = 0; i < alter->n_cmds; i++) {
        form.command = alter->cmds[i]->alter_table_cmd;
        for (size_t j = 0; j < ARRAY_LEN(FORMS); j++) {
            if (FORMS[j].type == form.command->subtype) {
                read_form(&form, &FORMS[j], alter->relation->inh);
            }
        }
    }
}
