/* What each statement does to the catalog: one function a kind of statement, found by a table. */
#include <string.h>
#include <strings.h>

#include "cli/lint/catalog_internal.h"
#include "cli/lint/constraint.h"
#include "common/str.h"

/* ---- columns and constraints ---- */

static void add_constraint(Catalog *catalog, Relation *relation,
                           const PgQuery__Constraint *constraint, const char *column)
{
    TableConstraint added =
        constraint_read(constraint, relation->name.name, column, catalog->arena);
    if (added.kind == CONSTRAINT_NONE) {
        return;
    }
    added.made_by = catalog->migration;
    if (added.kind == CONSTRAINT_FOREIGN_KEY) {
        added.references = catalog_find_name(catalog, added.references);
    }
    bool is_key = added.kind == CONSTRAINT_PRIMARY_KEY || added.kind == CONSTRAINT_UNIQUE;
    const TableIndex *used = NULL;
    if (constraint->indexname[0] != '\0' &&
        catalog_index(catalog, (Name){ relation->name.schema, constraint->indexname }, &used) !=
            NULL) {
        added.columns = used->columns;
    } else if (is_key || added.kind == CONSTRAINT_EXCLUSION) {
        TableIndex index = { added.name, added.columns, is_key, false, false, catalog->migration };
        relation_add_index(relation, &index, catalog->arena);
    }
    relation_add_constraint(relation, &added, catalog->arena);
    for (size_t i = 0; added.kind == CONSTRAINT_PRIMARY_KEY && i < added.columns.count; i++) {
        Column *key = relation_edit_column(relation, added.columns.items[i], catalog->arena);
        if (key != NULL) {
            key->is_not_null = true;
        }
    }
}

static void add_column(Catalog *catalog, Relation *relation, const PgQuery__ColumnDef *definition)
{
    ColumnType type = type_read(definition->type_name);
    bool is_identity =
        column_constraint(definition, PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY) != NULL;
    Column column = {
        .name = arena_strdup(catalog->arena, definition->colname),
        .type = type,
        .is_not_null = is_identity || type_is_serial(&type) ||
                       column_constraint(definition, PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL) != NULL,
        .made_by = catalog->migration,
    };
    column.type.name = type_is_serial(&type)
                           ? arena_printf(catalog->arena, "int%s", type.name + strlen("serial"))
                           : arena_strdup(catalog->arena, type.name);
    relation_add_column(relation, &column, catalog->arena);
    for (size_t i = 0; i < definition->n_constraints; i++) {
        if (definition->constraints[i]->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
            add_constraint(catalog, relation, definition->constraints[i]->constraint,
                           definition->colname);
        }
    }
}

/* ---- making relations ---- */

static Relation *new_relation(Catalog *catalog, const PgQuery__RangeVar *name, RelationKind kind)
{
    Relation *relation = ARENA_NEW(catalog->arena, Relation);
    *relation = (Relation){
        .name = catalog_place(catalog, name_of_relation(name)),
        .kind = kind,
        .made_by = catalog->migration,
        .is_temporary = str_equal(name->relpersistence, "t"),
        .parent = { "", "" },
    };
    return relation;
}

static void copy_columns(Catalog *catalog, Relation *relation, Name from)
{
    const Relation *source = catalog_relation(catalog, from);
    relation->is_whole = relation->is_whole && source != NULL && source->is_whole;
    for (size_t i = 0; source != NULL && i < source->column_count; i++) {
        relation_add_column(relation, &source->columns[i], catalog->arena);
    }
}

static void add_elements(Catalog *catalog, Relation *relation, Node *const *elements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (elements[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            add_column(catalog, relation, elements[i]->column_def);
        } else if (elements[i]->node_case == PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE) {
            copy_columns(catalog, relation,
                         name_of_relation(elements[i]->table_like_clause->relation));
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (elements[i]->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
            add_constraint(catalog, relation, elements[i]->constraint, NULL);
        }
    }
}

static void apply_create_table(Catalog *catalog, const Node *node)
{
    const PgQuery__CreateStmt *create = node->create_stmt;
    if (create->if_not_exists &&
        catalog_relation(catalog, name_of_relation(create->relation)) != NULL) {
        return;
    }
    RelationKind kind = create->partspec != NULL ? RELATION_PARTITIONED : RELATION_TABLE;
    Relation *relation = new_relation(catalog, create->relation, kind);
    relation->is_whole = create->of_typename == NULL;
    for (size_t i = 0; i < create->n_inh_relations; i++) {
        Name parent = name_of_relation(create->inh_relations[i]->range_var);
        relation->parent = catalog_find_name(catalog, parent);
        copy_columns(catalog, relation, parent);
    }
    add_elements(catalog, relation, create->table_elts, create->n_table_elts);
    add_elements(catalog, relation, create->constraints, create->n_constraints);
    catalog_put(catalog, relation);
}

static void apply_create_foreign_table(Catalog *catalog, const Node *node)
{
    const PgQuery__CreateStmt *create = node->create_foreign_table_stmt->base_stmt;
    Relation *relation = new_relation(catalog, create->relation, RELATION_FOREIGN);
    add_elements(catalog, relation, create->table_elts, create->n_table_elts);
    catalog_put(catalog, relation);
}

static void apply_create_as(Catalog *catalog, const Node *node)
{
    const PgQuery__CreateTableAsStmt *create = node->create_table_as_stmt;
    if (create->if_not_exists &&
        catalog_relation(catalog, name_of_relation(create->into->rel)) != NULL) {
        return;
    }
    bool is_view = create->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW;
    catalog_put(catalog, new_relation(catalog, create->into->rel,
                                      is_view ? RELATION_MATVIEW : RELATION_TABLE));
}

static void apply_select(Catalog *catalog, const Node *node)
{
    if (node->select_stmt->into_clause != NULL) {
        catalog_put(catalog,
                    new_relation(catalog, node->select_stmt->into_clause->rel, RELATION_TABLE));
    }
}

static void apply_view(Catalog *catalog, const Node *node)
{
    const PgQuery__ViewStmt *view = node->view_stmt;
    if (!view->replace || catalog_relation(catalog, name_of_relation(view->view)) == NULL) {
        catalog_put(catalog, new_relation(catalog, view->view, RELATION_VIEW));
    }
}

static void apply_sequence(Catalog *catalog, const Node *node)
{
    const PgQuery__RangeVar *name = node->create_seq_stmt->sequence;
    if (catalog_relation(catalog, name_of_relation(name)) == NULL) {
        catalog_put(catalog, new_relation(catalog, name, RELATION_SEQUENCE));
    }
}

static Names index_columns(const PgQuery__IndexStmt *index, Arena *arena)
{
    const char **items = ARENA_ARRAY(arena, const char *, index->n_index_params);
    size_t count = 0;
    for (; count < index->n_index_params; count++) {
        const Node *param = index->index_params[count];
        if (param->node_case != PG_QUERY__NODE__NODE_INDEX_ELEM ||
            param->index_elem->name[0] == '\0') {
            break;
        }
        items[count] = arena_strdup(arena, param->index_elem->name);
    }
    return (Names){ items, count };
}

static void apply_index(Catalog *catalog, const Node *node)
{
    const PgQuery__IndexStmt *statement = node->index_stmt;
    Name table = name_of_relation(statement->relation);
    if (statement->idxname[0] != '\0' && statement->if_not_exists &&
        catalog_index(catalog, (Name){ table.schema, statement->idxname }, NULL) != NULL) {
        return;
    }
    Relation *relation = catalog_edit(catalog, table);
    TableIndex index = {
        .columns = index_columns(statement, catalog->arena),
        .is_unique = statement->unique,
        .is_partial = statement->where_clause != NULL,
        .is_concurrent = statement->concurrent,
        .made_by = catalog->migration,
    };
    AUTO(Str) part = { 0 };
    for (size_t i = 0; i < index.columns.count; i++) {
        str_printf(&part, "%s%s", i == 0 ? "" : "_", index.columns.items[i]);
    }
    index.name = statement->idxname[0] != '\0'
                     ? arena_strdup(catalog->arena, statement->idxname)
                     : name_make(table.name, str_text(&part), "idx", catalog->arena);
    relation_add_index(relation, &index, catalog->arena);
    catalog_put(catalog, relation);
}

/* ---- ALTER TABLE ---- */

static void alter_add_column(Catalog *catalog, Relation *relation,
                             const PgQuery__AlterTableCmd *command)
{
    add_column(catalog, relation, command->def->column_def);
}

static void alter_drop_column(Catalog *catalog, Relation *relation,
                              const PgQuery__AlterTableCmd *command)
{
    relation_remove_column(relation, command->name, catalog->arena);
}

static void alter_set_not_null(Catalog *catalog, Relation *relation,
                               const PgQuery__AlterTableCmd *command)
{
    Column *column = relation_edit_column(relation, command->name, catalog->arena);
    if (column != NULL) {
        column->is_not_null = command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull;
    }
}

static void alter_type(Catalog *catalog, Relation *relation, const PgQuery__AlterTableCmd *command)
{
    Column *column = relation_edit_column(relation, command->name, catalog->arena);
    if (column != NULL) {
        column->type = type_read(command->def->column_def->type_name);
        column->type.name = arena_strdup(catalog->arena, column->type.name);
    }
}

static void alter_add_constraint(Catalog *catalog, Relation *relation,
                                 const PgQuery__AlterTableCmd *command)
{
    add_constraint(catalog, relation, command->def->constraint, NULL);
}

static void alter_validate(Catalog *catalog, Relation *relation,
                           const PgQuery__AlterTableCmd *command)
{
    TableConstraint *constraint = relation_edit_constraint(relation, command->name, catalog->arena);
    if (constraint != NULL) {
        constraint->is_valid = true;
    }
}

static void alter_drop_constraint(Catalog *catalog, Relation *relation,
                                  const PgQuery__AlterTableCmd *command)
{
    relation_remove_constraint(relation, command->name, catalog->arena);
    relation_remove_index(relation, command->name, catalog->arena);
}

static void set_parent(Catalog *catalog, Name child, Name parent)
{
    if (catalog_relation(catalog, child) != NULL) {
        Relation *relation = catalog_edit(catalog, child);
        relation->parent = parent;
        catalog_put(catalog, relation);
    }
}

static void alter_attach(Catalog *catalog, Relation *relation,
                         const PgQuery__AlterTableCmd *command)
{
    bool is_detached = command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition;
    set_parent(catalog, name_of_relation(command->def->partition_cmd->name),
               is_detached ? (Name){ "", "" } : relation->name);
}

static const struct {
    PgQuery__AlterTableType type;
    void (*apply)(Catalog *catalog, Relation *relation, const PgQuery__AlterTableCmd *command);
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

static void apply_alter_table(Catalog *catalog, const Node *node)
{
    const PgQuery__AlterTableStmt *alter = node->alter_table_stmt;
    if (alter->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE &&
        alter->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE) {
        return;
    }
    Relation *relation = catalog_edit(catalog, name_of_relation(alter->relation));
    for (size_t i = 0; i < alter->n_cmds; i++) {
        const PgQuery__AlterTableCmd *command = alter->cmds[i]->alter_table_cmd;
        for (size_t j = 0; j < ARRAY_LEN(ALTERS); j++) {
            if (ALTERS[j].type == command->subtype) {
                ALTERS[j].apply(catalog, relation, command);
            }
        }
    }
    catalog_put(catalog, relation);
}

/* ---- renaming and moving ---- */

static bool name_is(Name a, Name b)
{
    return str_equal(a.schema, b.schema) && str_equal(a.name, b.name);
}

/* Whoever points at the old name points at the new one. */
static void follow_rename(Catalog *catalog, Relation *relation, Name from, Name to)
{
    if (name_is(relation->parent, from)) {
        relation->parent = to;
    }
    for (size_t i = 0; i < relation->constraint_count; i++) {
        const TableConstraint *constraint = &relation->constraints[i];
        if (name_is(constraint->references, from)) {
            relation_edit_constraint(relation, constraint->name, catalog->arena)->references = to;
        }
    }
}

static void rename_relation(Catalog *catalog, Name name, Name to)
{
    const Relation *known = catalog_relation(catalog, name);
    if (known == NULL) {
        return;
    }
    Relation *renamed = catalog_edit(catalog, name);
    catalog_remove(catalog, known);
    renamed->name = to;
    catalog_put(catalog, renamed);
    void *cursor = NULL;
    const Relation *other = NULL;
    while ((other = catalog_next(catalog, &cursor)) != NULL) {
        Relation *edited = catalog_edit(catalog, other->name);
        follow_rename(catalog, edited, known->name, to);
        catalog_put(catalog, edited);
    }
}

static void rename_index(Catalog *catalog, Name name, const char *to)
{
    const TableIndex *index = NULL;
    const Relation *known = catalog_index(catalog, name, &index);
    if (known == NULL) {
        return;
    }
    Relation *relation = catalog_edit(catalog, known->name);
    TableIndex renamed = *index;
    renamed.name = arena_strdup(catalog->arena, to);
    relation_remove_index(relation, name.name, catalog->arena);
    relation_add_index(relation, &renamed, catalog->arena);
    TableConstraint *constraint = relation_edit_constraint(relation, name.name, catalog->arena);
    if (constraint != NULL) {
        constraint->name = renamed.name;
    }
    catalog_put(catalog, relation);
}

static void rename_column(Catalog *catalog, const PgQuery__RenameStmt *rename)
{
    Relation *relation = catalog_edit(catalog, name_of_relation(rename->relation));
    Column *column = relation_edit_column(relation, rename->subname, catalog->arena);
    if (column != NULL) {
        column->name = arena_strdup(catalog->arena, rename->newname);
        catalog_put(catalog, relation);
    }
}

static void rename_constraint(Catalog *catalog, const PgQuery__RenameStmt *rename)
{
    Relation *relation = catalog_edit(catalog, name_of_relation(rename->relation));
    TableConstraint *constraint =
        relation_edit_constraint(relation, rename->subname, catalog->arena);
    if (constraint != NULL) {
        constraint->name = arena_strdup(catalog->arena, rename->newname);
        catalog_put(catalog, relation);
    }
}

static void apply_rename(Catalog *catalog, const Node *node)
{
    const PgQuery__RenameStmt *rename = node->rename_stmt;
    Name name = name_of_relation(rename->relation);
    switch (rename->rename_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
        rename_column(catalog, rename);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
        rename_constraint(catalog, rename);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        rename_index(catalog, name, rename->newname);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE:
        rename_relation(catalog, name,
                        catalog_place(catalog, (Name){ name.schema, rename->newname }));
        rename_index(catalog, name, rename->newname);
        break;
    default:
        break;
    }
}

static void apply_set_schema(Catalog *catalog, const Node *node)
{
    const PgQuery__AlterObjectSchemaStmt *alter = node->alter_object_schema_stmt;
    if (alter->relation != NULL) {
        Name name = name_of_relation(alter->relation);
        rename_relation(catalog, name,
                        catalog_place(catalog, (Name){ alter->newschema, name.name }));
    }
}

/* ---- dropping ---- */

static void drop_object(Catalog *catalog, PgQuery__ObjectType type, const Node *object)
{
    Name name = name_of_object(object, 0);
    const Relation *relation = NULL;
    switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE:
        relation = catalog_relation(catalog, name);
        if (relation != NULL) {
            catalog_remove(catalog, relation);
        }
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        relation = catalog_index(catalog, name, NULL);
        if (relation != NULL) {
            Relation *edited = catalog_edit(catalog, relation->name);
            relation_remove_index(edited, name.name, catalog->arena);
            catalog_put(catalog, edited);
        }
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
        map_remove(catalog->types, name.name);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
        map_remove(catalog->functions, name.name);
        break;
    default:
        break;
    }
}

static void apply_drop(Catalog *catalog, const Node *node)
{
    for (size_t i = 0; i < node->drop_stmt->n_objects; i++) {
        drop_object(catalog, node->drop_stmt->remove_type, node->drop_stmt->objects[i]);
    }
}

/* ---- the rest ---- */

static void apply_function(Catalog *catalog, const Node *node)
{
    static char stable[] = "";
    const PgQuery__CreateFunctionStmt *create = node->create_function_stmt;
    Name name = name_of_strings(create->funcname, create->n_funcname, 0);
    bool is_stable = false;
    for (size_t i = 0; i < create->n_options; i++) {
        const PgQuery__DefElem *option = create->options[i]->def_elem;
        is_stable = is_stable || (str_equal(option->defname, "volatility") &&
                                  option->arg->node_case == PG_QUERY__NODE__NODE_STRING &&
                                  !str_equal(option->arg->string->sval, "volatile"));
    }
    if (is_stable) {
        map_put(catalog->functions, name.name, stable);
    } else {
        map_remove(catalog->functions, name.name);
    }
}

static void put_type(Catalog *catalog, Name name, bool is_domain, bool has_constraints)
{
    UserType *type = ARENA_NEW(catalog->arena, UserType);
    *type = (UserType){ arena_strdup(catalog->arena, name.name), is_domain, has_constraints,
                        catalog->migration };
    map_put(catalog->types, type->name, type);
}

static void apply_enum(Catalog *catalog, const Node *node)
{
    const PgQuery__CreateEnumStmt *create = node->create_enum_stmt;
    put_type(catalog, name_of_strings(create->type_name, create->n_type_name, 0), false, false);
}

static void apply_domain(Catalog *catalog, const Node *node)
{
    const PgQuery__CreateDomainStmt *create = node->create_domain_stmt;
    bool has_constraints = false;
    for (size_t i = 0; i < create->n_constraints; i++) {
        PgQuery__ConstrType type = create->constraints[i]->constraint->contype;
        has_constraints = has_constraints || type == PG_QUERY__CONSTR_TYPE__CONSTR_CHECK ||
                          type == PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL;
    }
    put_type(catalog, name_of_strings(create->domainname, create->n_domainname, 0), true,
             has_constraints);
}

static void apply_alter_domain(Catalog *catalog, const Node *node)
{
    const PgQuery__AlterDomainStmt *alter = node->alter_domain_stmt;
    if (str_equal(alter->subtype, "C") || str_equal(alter->subtype, "O")) {
        put_type(catalog, name_of_strings(alter->type_name, alter->n_type_name, 0), true, true);
    }
}

static const char *first_word(const PgQuery__VariableSetStmt *set)
{
    bool is_text = set->n_args > 0 && set->args[0]->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                   set->args[0]->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
    return is_text ? set->args[0]->a_const->sval->sval : "";
}

static void apply_set(Catalog *catalog, const Node *node)
{
    const PgQuery__VariableSetStmt *set = node->variable_set_stmt;
    const char *word = first_word(set);
    if (strcasecmp(set->name, "search_path") == 0) {
        bool is_plain = word[0] == '\0' || str_equal(word, "$user");
        catalog->schema = is_plain ? "public" : arena_strdup(catalog->arena, word);
    } else if (strcasecmp(set->name, "timezone") == 0) {
        catalog->is_utc = strcasecmp(word, "UTC") == 0 || strcasecmp(word, "Etc/UTC") == 0;
    }
}

static const struct {
    PgQuery__Node__NodeCase node;
    void (*apply)(Catalog *catalog, const Node *statement);
} STATEMENTS[] = {
    { PG_QUERY__NODE__NODE_CREATE_STMT, apply_create_table },
    { PG_QUERY__NODE__NODE_CREATE_FOREIGN_TABLE_STMT, apply_create_foreign_table },
    { PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, apply_create_as },
    { PG_QUERY__NODE__NODE_SELECT_STMT, apply_select },
    { PG_QUERY__NODE__NODE_VIEW_STMT, apply_view },
    { PG_QUERY__NODE__NODE_CREATE_SEQ_STMT, apply_sequence },
    { PG_QUERY__NODE__NODE_INDEX_STMT, apply_index },
    { PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, apply_alter_table },
    { PG_QUERY__NODE__NODE_RENAME_STMT, apply_rename },
    { PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT, apply_set_schema },
    { PG_QUERY__NODE__NODE_DROP_STMT, apply_drop },
    { PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT, apply_function },
    { PG_QUERY__NODE__NODE_CREATE_ENUM_STMT, apply_enum },
    { PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT, apply_domain },
    { PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT, apply_alter_domain },
    { PG_QUERY__NODE__NODE_VARIABLE_SET_STMT, apply_set },
};

void catalog_apply(Catalog *catalog, const Node *statement)
{
    for (size_t i = 0; i < ARRAY_LEN(STATEMENTS); i++) {
        if (STATEMENTS[i].node == statement->node_case) {
            STATEMENTS[i].apply(catalog, statement);
        }
    }
}
