/* What each statement does to the model: one function a kind of statement, found by a table. */
#include <string.h>
#include <strings.h>

#include "cli/lint/model_internal.h"
#include "cli/lint/constraint.h"
#include "common/str.h"

/* ---- columns and constraints ---- */

void model_add_constraint(Model *model, Relation *relation, const PgQuery__Constraint *constraint,
                          const char *column)
{
    TableConstraint added = constraint_read(constraint, relation->name.name, column, model->arena);
    if (added.kind == CONSTRAINT_NONE) {
        return;
    }
    added.made_by = model->migration;
    if (added.kind == CONSTRAINT_FOREIGN_KEY) {
        added.references = model_find_name(model, added.references);
    }
    bool is_key = added.kind == CONSTRAINT_PRIMARY_KEY || added.kind == CONSTRAINT_UNIQUE;
    const TableIndex *used = NULL;
    if (constraint->indexname[0] != '\0' &&
        model_index(model, (Name){ relation->name.schema, constraint->indexname }, &used) != NULL) {
        added.columns = used->columns;
    } else if (is_key || added.kind == CONSTRAINT_EXCLUSION) {
        TableIndex index = {
            .name = added.name,
            .columns = added.columns,
            .is_unique = is_key,
            .made_by = model->migration,
        };
        relation_add_index(relation, &index, model->arena);
    }
    relation_add_constraint(relation, &added, model->arena);
    for (size_t i = 0; added.kind == CONSTRAINT_PRIMARY_KEY && i < added.columns.count; i++) {
        Column *key = relation_edit_column(relation, added.columns.items[i], model->arena);
        if (key != NULL) {
            key->is_not_null = true;
        }
    }
}

void model_add_column(Model *model, Relation *relation, const PgQuery__ColumnDef *definition)
{
    ColumnType type = type_read(definition->type_name);
    bool is_identity =
        column_constraint(definition, PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY) != NULL;
    Column column = {
        .name = arena_strdup(model->arena, definition->colname),
        .type = type,
        .is_not_null = is_identity || type_is_serial(&type) ||
                       column_constraint(definition, PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL) != NULL,
        .made_by = model->migration,
    };
    column.type.name = type_is_serial(&type)
                           ? arena_printf(model->arena, "int%s", type.name + strlen("serial"))
                           : arena_strdup(model->arena, type.name);
    relation_add_column(relation, &column, model->arena);
    for (size_t i = 0; i < definition->n_constraints; i++) {
        if (definition->constraints[i]->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
            model_add_constraint(model, relation, definition->constraints[i]->constraint,
                                 definition->colname);
        }
    }
}

/* ---- making relations ---- */

static Relation *new_relation(Model *model, const PgQuery__RangeVar *name, RelationKind kind)
{
    Relation *relation = ARENA_NEW(model->arena, Relation);
    *relation = (Relation){
        .name = model_place(model, name_of_relation(name)),
        .kind = kind,
        .made_by = model->migration,
        .emptied_by = SIZE_MAX,
        .is_temporary = str_equal(name->relpersistence, "t"),
        .parent = { "", "" },
    };
    return relation;
}

static void copy_columns(Model *model, Relation *relation, Name from)
{
    const Relation *source = model_relation(model, from);
    relation->is_whole = relation->is_whole && source != NULL && source->is_whole;
    for (size_t i = 0; source != NULL && i < source->column_count; i++) {
        relation_add_column(relation, &source->columns[i], model->arena);
    }
}

static void add_elements(Model *model, Relation *relation, Node *const *elements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (elements[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
            model_add_column(model, relation, elements[i]->column_def);
        } else if (elements[i]->node_case == PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE) {
            copy_columns(model, relation,
                         name_of_relation(elements[i]->table_like_clause->relation));
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (elements[i]->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
            model_add_constraint(model, relation, elements[i]->constraint, NULL);
        }
    }
}

static Names read_partition_key(const PgQuery__PartitionSpec *spec, Arena *arena)
{
    const char **items = ARENA_ARRAY(arena, const char *, spec->n_part_params);
    size_t count = 0;
    for (; count < spec->n_part_params; count++) {
        const PgQuery__PartitionElem *element = spec->part_params[count]->partition_elem;
        if (element->name[0] == '\0') {
            break;
        }
        items[count] = arena_strdup(arena, element->name);
    }
    return (Names){ items, count };
}

static void apply_create_table(Model *model, const Node *node)
{
    const PgQuery__CreateStmt *create = node->create_stmt;
    if (create->if_not_exists &&
        model_relation(model, name_of_relation(create->relation)) != NULL) {
        return;
    }
    RelationKind kind = create->partspec != NULL ? RELATION_PARTITIONED : RELATION_TABLE;
    Relation *relation = new_relation(model, create->relation, kind);
    relation->is_whole = create->of_typename == NULL;
    if (create->partspec != NULL) {
        relation->partition_key = read_partition_key(create->partspec, model->arena);
    }
    for (size_t i = 0; i < create->n_inh_relations; i++) {
        Name parent = name_of_relation(create->inh_relations[i]->range_var);
        relation->parent = model_find_name(model, parent);
        copy_columns(model, relation, parent);
    }
    add_elements(model, relation, create->table_elts, create->n_table_elts);
    add_elements(model, relation, create->constraints, create->n_constraints);
    model_put(model, relation);
}

static void apply_create_foreign_table(Model *model, const Node *node)
{
    const PgQuery__CreateStmt *create = node->create_foreign_table_stmt->base_stmt;
    Relation *relation = new_relation(model, create->relation, RELATION_FOREIGN);
    add_elements(model, relation, create->table_elts, create->n_table_elts);
    model_put(model, relation);
}

static void apply_create_as(Model *model, const Node *node)
{
    const PgQuery__CreateTableAsStmt *create = node->create_table_as_stmt;
    if (create->if_not_exists &&
        model_relation(model, name_of_relation(create->into->rel)) != NULL) {
        return;
    }
    bool is_view = create->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW;
    model_put(model,
              new_relation(model, create->into->rel, is_view ? RELATION_MATVIEW : RELATION_TABLE));
}

static void apply_select(Model *model, const Node *node)
{
    if (node->select_stmt->into_clause != NULL) {
        model_put(model, new_relation(model, node->select_stmt->into_clause->rel, RELATION_TABLE));
    }
}

static void apply_view(Model *model, const Node *node)
{
    const PgQuery__ViewStmt *view = node->view_stmt;
    if (!view->replace || model_relation(model, name_of_relation(view->view)) == NULL) {
        model_put(model, new_relation(model, view->view, RELATION_VIEW));
    }
}

static void apply_sequence(Model *model, const Node *node)
{
    const PgQuery__RangeVar *name = node->create_seq_stmt->sequence;
    if (model_relation(model, name_of_relation(name)) == NULL) {
        model_put(model, new_relation(model, name, RELATION_SEQUENCE));
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

/* What an index reads beside its plain columns, as one list. */
static Names index_reads(const PgQuery__IndexStmt *index, Arena *arena)
{
    size_t room = 0;
    Names *parts = ARENA_ARRAY(arena, Names, index->n_index_params + 1);
    parts[0] = names_read(index->where_clause, arena);
    for (size_t i = 0; i < index->n_index_params; i++) {
        parts[i + 1] = names_read(index->index_params[i]->index_elem->expr, arena);
    }
    for (size_t i = 0; i <= index->n_index_params; i++) {
        room += parts[i].count;
    }
    const char **items = ARENA_ARRAY(arena, const char *, room);
    size_t count = 0;
    for (size_t i = 0; i <= index->n_index_params; i++) {
        for (size_t j = 0; j < parts[i].count; j++) {
            items[count++] = parts[i].items[j];
        }
    }
    return (Names){ items, count };
}

static void apply_index(Model *model, const Node *node)
{
    const PgQuery__IndexStmt *statement = node->index_stmt;
    Name table = name_of_relation(statement->relation);
    if (statement->idxname[0] != '\0' && statement->if_not_exists &&
        model_index(model, (Name){ table.schema, statement->idxname }, NULL) != NULL) {
        return;
    }
    Relation *relation = model_edit(model, table);
    TableIndex index = {
        .columns = index_columns(statement, model->arena),
        .reads = index_reads(statement, model->arena),
        .is_unique = statement->unique,
        .is_partial = statement->where_clause != NULL,
        .is_concurrent = statement->concurrent,
        .made_by = model->migration,
    };
    index.name = model_index_name(statement, model->arena);
    relation_add_index(relation, &index, model->arena);
    model_put(model, relation);
}

/* ---- dropping ---- */

static void drop_object(Model *model, PgQuery__ObjectType type, const Node *object)
{
    Name name = name_of_object(object, 0);
    const Relation *relation = NULL;
    switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE:
        relation = model_relation(model, name);
        if (relation != NULL) {
            model_remove(model, relation);
        }
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        relation = model_index(model, name, NULL);
        if (relation != NULL) {
            Relation *edited = model_edit(model, relation->name);
            relation_remove_index(edited, name.name, model->arena);
            model_put(model, edited);
        }
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
        map_remove(model->types, name.name);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
        map_remove(model->functions, name.name);
        break;
    default:
        break;
    }
}

static void apply_drop(Model *model, const Node *node)
{
    for (size_t i = 0; i < node->drop_stmt->n_objects; i++) {
        drop_object(model, node->drop_stmt->remove_type, node->drop_stmt->objects[i]);
    }
}

/* ---- the rest ---- */

static void apply_truncate(Model *model, const Node *node)
{
    for (size_t i = 0; i < node->truncate_stmt->n_relations; i++) {
        Name name = name_of_relation(node->truncate_stmt->relations[i]->range_var);
        if (model_relation(model, name) != NULL) {
            Relation *relation = model_edit(model, name);
            relation->emptied_by = model->migration;
            model_put(model, relation);
        }
    }
}

static const char *first_word(const PgQuery__VariableSetStmt *set)
{
    bool is_text = set->n_args > 0 && set->args[0]->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                   set->args[0]->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
    return is_text ? set->args[0]->a_const->sval->sval : "";
}

static void apply_set(Model *model, const Node *node)
{
    const PgQuery__VariableSetStmt *set = node->variable_set_stmt;
    const char *word = first_word(set);
    if (strcasecmp(set->name, "search_path") == 0) {
        bool is_plain = word[0] == '\0' || str_equal(word, "$user");
        model->schema = is_plain ? "public" : arena_strdup(model->arena, word);
    } else if (strcasecmp(set->name, "timezone") == 0) {
        model->is_utc = strcasecmp(word, "UTC") == 0 || strcasecmp(word, "Etc/UTC") == 0;
    }
}

static const struct {
    PgQuery__Node__NodeCase node;
    void (*apply)(Model *model, const Node *statement);
} STATEMENTS[] = {
    { PG_QUERY__NODE__NODE_CREATE_STMT, apply_create_table },
    { PG_QUERY__NODE__NODE_CREATE_FOREIGN_TABLE_STMT, apply_create_foreign_table },
    { PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, apply_create_as },
    { PG_QUERY__NODE__NODE_SELECT_STMT, apply_select },
    { PG_QUERY__NODE__NODE_VIEW_STMT, apply_view },
    { PG_QUERY__NODE__NODE_CREATE_SEQ_STMT, apply_sequence },
    { PG_QUERY__NODE__NODE_INDEX_STMT, apply_index },
    { PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, model_apply_alter_table },
    { PG_QUERY__NODE__NODE_RENAME_STMT, model_apply_rename },
    { PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT, model_apply_set_schema },
    { PG_QUERY__NODE__NODE_DROP_STMT, apply_drop },
    { PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT, model_apply_function },
    { PG_QUERY__NODE__NODE_CREATE_ENUM_STMT, model_apply_enum },
    { PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT, model_apply_domain },
    { PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT, model_apply_alter_domain },
    { PG_QUERY__NODE__NODE_TRUNCATE_STMT, apply_truncate },
    { PG_QUERY__NODE__NODE_VARIABLE_SET_STMT, apply_set },
};

void model_apply(Model *model, const Node *statement)
{
    for (size_t i = 0; i < ARRAY_LEN(STATEMENTS); i++) {
        if (STATEMENTS[i].node == statement->node_case) {
            STATEMENTS[i].apply(model, statement);
        }
    }
}
