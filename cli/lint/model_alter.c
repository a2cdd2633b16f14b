/* What ALTER TABLE, RENAME and SET SCHEMA do to the model. */
#include "cli/lint/model_internal.h"

#include "common/str.h"

/* ---- ALTER TABLE ---- */

static void alter_add_column(Model *model, Relation *relation,
                             const PgQuery__AlterTableCmd *command)
{
    model_add_column(model, relation, command->def->column_def);
}

static void alter_drop_column(Model *model, Relation *relation,
                              const PgQuery__AlterTableCmd *command)
{
    relation_remove_column(relation, command->name, model->arena);
}

static void alter_set_not_null(Model *model, Relation *relation,
                               const PgQuery__AlterTableCmd *command)
{
    Column *column = relation_edit_column(relation, command->name, model->arena);
    if (column != NULL) {
        column->is_not_null = command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull;
    }
}

static void alter_type(Model *model, Relation *relation, const PgQuery__AlterTableCmd *command)
{
    Column *column = relation_edit_column(relation, command->name, model->arena);
    if (column != NULL) {
        column->type = type_read(command->def->column_def->type_name);
        column->type.name = arena_strdup(model->arena, column->type.name);
    }
}

static void alter_add_constraint(Model *model, Relation *relation,
                                 const PgQuery__AlterTableCmd *command)
{
    model_add_constraint(model, relation, command->def->constraint, NULL);
}

static void alter_validate(Model *model, Relation *relation, const PgQuery__AlterTableCmd *command)
{
    TableConstraint *constraint = relation_edit_constraint(relation, command->name, model->arena);
    if (constraint != NULL) {
        constraint->is_valid = true;
    }
}

static void alter_drop_constraint(Model *model, Relation *relation,
                                  const PgQuery__AlterTableCmd *command)
{
    relation_remove_constraint(relation, command->name, model->arena);
    relation_remove_index(relation, command->name, model->arena);
}

static void set_parent(Model *model, Name child, Name parent)
{
    if (model_relation(model, child) != NULL) {
        Relation *relation = model_edit(model, child);
        relation->parent = parent;
        model_put(model, relation);
    }
}

static void alter_attach(Model *model, Relation *relation, const PgQuery__AlterTableCmd *command)
{
    bool is_detached = command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition;
    set_parent(model, name_of_relation(command->def->partition_cmd->name),
               is_detached ? (Name){ "", "" } : relation->name);
}

static const struct {
    PgQuery__AlterTableType type;
    void (*apply)(Model *model, Relation *relation, const PgQuery__AlterTableCmd *command);
} ALTERS[] = {
    { PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn, alter_add_column },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn, alter_drop_column },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull, alter_set_not_null },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull, alter_set_not_null },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType, alter_type },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint, alter_add_constraint },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint, alter_validate },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_DropConstraint, alter_drop_constraint },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_AttachPartition, alter_attach },
    { PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition, alter_attach },
};

void model_apply_alter_table(Model *model, const Node *node)
{
    const PgQuery__AlterTableStmt *alter = node->alter_table_stmt;
    if (alter->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
        alter->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE) {
        return;
    }
    Relation *relation = model_edit(model, name_of_relation(alter->relation));
    for (size_t i = 0; i < alter->n_cmds; i++) {
        const PgQuery__AlterTableCmd *command = alter->cmds[i]->alter_table_cmd;
        for (size_t j = 0; j < ARRAY_LEN(ALTERS); j++) {
            if (ALTERS[j].type == command->subtype) {
                ALTERS[j].apply(model, relation, command);
            }
        }
    }
    model_put(model, relation);
}

/* ---- renaming and moving ---- */

static bool name_is(Name a, Name b)
{
    return str_equal(a.schema, b.schema) && str_equal(a.name, b.name);
}

/* Whoever points at the old name points at the new one. */
static void follow_rename(Model *model, Relation *relation, Name from, Name to)
{
    if (name_is(relation->parent, from)) {
        relation->parent = to;
    }
    for (size_t i = 0; i < relation->constraint_count; i++) {
        const TableConstraint *constraint = &relation->constraints[i];
        if (name_is(constraint->references, from)) {
            relation_edit_constraint(relation, constraint->name, model->arena)->references = to;
        }
    }
}

static void rename_relation(Model *model, Name name, Name to)
{
    const Relation *known = model_relation(model, name);
    if (known == NULL) {
        return;
    }
    Relation *renamed = model_edit(model, name);
    model_remove(model, known);
    renamed->name = to;
    model_put(model, renamed);
    void *cursor = NULL;
    const Relation *other = NULL;
    while ((other = model_next(model, &cursor)) != NULL) {
        Relation *edited = model_edit(model, other->name);
        follow_rename(model, edited, known->name, to);
        model_put(model, edited);
    }
}

static void rename_index(Model *model, Name name, const char *to)
{
    const TableIndex *index = NULL;
    const Relation *known = model_index(model, name, &index);
    if (known == NULL) {
        return;
    }
    Relation *relation = model_edit(model, known->name);
    TableIndex renamed = *index;
    renamed.name = arena_strdup(model->arena, to);
    relation_remove_index(relation, name.name, model->arena);
    relation_add_index(relation, &renamed, model->arena);
    TableConstraint *constraint = relation_edit_constraint(relation, name.name, model->arena);
    if (constraint != NULL) {
        constraint->name = renamed.name;
    }
    model_put(model, relation);
}

static void rename_column(Model *model, const PgQuery__RenameStmt *rename)
{
    Relation *relation = model_edit(model, name_of_relation(rename->relation));
    Column *column = relation_edit_column(relation, rename->subname, model->arena);
    if (column != NULL) {
        column->name = arena_strdup(model->arena, rename->newname);
        model_put(model, relation);
    }
}

static void rename_constraint(Model *model, const PgQuery__RenameStmt *rename)
{
    Relation *relation = model_edit(model, name_of_relation(rename->relation));
    TableConstraint *constraint = relation_edit_constraint(relation, rename->subname, model->arena);
    if (constraint != NULL) {
        constraint->name = arena_strdup(model->arena, rename->newname);
        model_put(model, relation);
    }
}

void model_apply_rename(Model *model, const Node *node)
{
    const PgQuery__RenameStmt *rename = node->rename_stmt;
    Name name = name_of_relation(rename->relation);
    switch (rename->rename_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
        rename_column(model, rename);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
        rename_constraint(model, rename);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        rename_index(model, name, rename->newname);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
        model_rename_type(model, name_of_object(rename->object, 0), rename->newname);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE:
        rename_relation(model, name, model_place(model, (Name){ name.schema, rename->newname }));
        rename_index(model, name, rename->newname);
        break;
    default:
        break;
    }
}

void model_apply_set_schema(Model *model, const Node *node)
{
    const PgQuery__AlterObjectSchemaStmt *alter = node->alter_object_schema_stmt;
    if (alter->relation != NULL) {
        Name name = name_of_relation(alter->relation);
        rename_relation(model, name, model_place(model, (Name){ alter->newschema, name.name }));
    }
}
