/* The model's keeping and looking up. What statements do to it is in model_apply.c. */
#include "cli/lint/model_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"

#define BEFORE_HISTORY SIZE_MAX

/* Where names without a schema go; of a tenant that is its own schema, which
 * is the same to lint. */
static const char DEFAULT_SCHEMA[] = "public";

/* ---- keeping ---- */

Model *model_new(Arena *arena)
{
    Model *model = mem_alloc(sizeof(Model));
    *model = (Model){
        .arena = arena,
        .relations = map_new(),
        .indexes = map_new(),
        .functions = map_new(),
        .types = map_new(),
        .schema = DEFAULT_SCHEMA,
    };
    return model;
}

void model_free(Model *model)
{
    map_free(model->relations);
    map_free(model->indexes);
    map_free(model->functions);
    map_free(model->types);
    free(model);
}

static void copy_map(const Map *from, Map *to)
{
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    while (map_next(from, &cursor, &key, &value)) {
        map_put(to, key, value);
    }
}

Model *model_fork(const Model *model)
{
    Model *fork = model_new(model->arena);
    copy_map(model->relations, fork->relations);
    copy_map(model->indexes, fork->indexes);
    copy_map(model->functions, fork->functions);
    copy_map(model->types, fork->types);
    fork->migration = model->migration;
    fork->schema = model->schema;
    fork->is_utc = model->is_utc;
    return fork;
}

void model_begin(Model *model, size_t migration)
{
    model->migration = migration;
    model->schema = DEFAULT_SCHEMA;
    model->is_utc = false;
}

/* ---- names ---- */

static const char *key_of(Name name, Arena *arena)
{
    return arena_printf(arena, "%s\n%s", name.schema, name.name);
}

static const char *schema_of(const Model *model, Name name)
{
    return name.schema[0] == '\0' ? model->schema : name.schema;
}

Name model_place(const Model *model, Name name)
{
    return (Name){ arena_strdup(model->arena, schema_of(model, name)),
                   arena_strdup(model->arena, name.name) };
}

Name model_find_name(const Model *model, Name name)
{
    const Relation *known = model_relation(model, name);
    return known != NULL ? known->name : model_place(model, name);
}

static void *look_up(const Model *model, const Map *map, Name name)
{
    AUTO(Arena) arena = { 0 };
    void *found = map_get(map, key_of((Name){ schema_of(model, name), name.name }, &arena));
    if (found == NULL && name.schema[0] == '\0') {
        found = map_get(map, key_of((Name){ DEFAULT_SCHEMA, name.name }, &arena));
    }
    return found;
}

bool model_is_same(const Model *model, Name a, Name b)
{
    const Relation *one = model_relation(model, a);
    const Relation *other = model_relation(model, b);
    if (one != NULL || other != NULL) {
        return one == other;
    }
    return str_equal(a.name, b.name) && str_equal(schema_of(model, a), schema_of(model, b));
}

Name relation_plain_name(const Relation *relation)
{
    bool is_default = str_equal(relation->name.schema, DEFAULT_SCHEMA);
    return (Name){ is_default ? "" : relation->name.schema, relation->name.name };
}

/* ---- looking up ---- */

const Relation *model_relation(const Model *model, Name name)
{
    return look_up(model, model->relations, name);
}

const Relation *model_index(const Model *model, Name name, const TableIndex **ret_index)
{
    const char *key = look_up(model, model->indexes, name);
    const Relation *relation = key == NULL ? NULL : map_get(model->relations, key);
    for (size_t i = 0; relation != NULL && i < relation->index_count; i++) {
        if (str_equal(relation->indexes[i].name, name.name)) {
            if (ret_index != NULL) {
                *ret_index = &relation->indexes[i];
            }
            return relation;
        }
    }
    return NULL;
}

const Column *relation_column(const Relation *relation, const char *name)
{
    for (size_t i = 0; relation != NULL && i < relation->column_count; i++) {
        if (str_equal(relation->columns[i].name, name)) {
            return &relation->columns[i];
        }
    }
    return NULL;
}

const TableConstraint *relation_constraint(const Relation *relation, const char *name)
{
    for (size_t i = 0; relation != NULL && i < relation->constraint_count; i++) {
        if (str_equal(relation->constraints[i].name, name)) {
            return &relation->constraints[i];
        }
    }
    return NULL;
}

bool model_is_new(const Model *model, const Relation *relation)
{
    return relation != NULL && (relation->is_temporary || relation->made_by == model->migration);
}

bool model_is_emptied(const Model *model, const Relation *relation)
{
    return relation != NULL && relation->emptied_by == model->migration;
}

/* What stands for an expression in a made-up name. */
static const char *name_of_expression(const Node *expression)
{
    switch (expression->node_case) {
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        return name_of_strings(expression->func_call->funcname, expression->func_call->n_funcname,
                               0)
            .name;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        return "coalesce";
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return name_of_expression(expression->type_cast->arg);
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        return name_of_strings(expression->column_ref->fields, expression->column_ref->n_fields, 0)
            .name;
    default:
        return "expr";
    }
}

const char *model_index_name(const PgQuery__IndexStmt *index, Arena *arena)
{
    if (index->idxname[0] != '\0') {
        return arena_strdup(arena, index->idxname);
    }
    AUTO(Str) columns = { 0 };
    for (size_t i = 0; i < index->n_index_params; i++) {
        const PgQuery__IndexElem *element = index->index_params[i]->index_elem;
        str_printf(&columns, "%s%s", i == 0 ? "" : "_",
                   element->expr != NULL ? name_of_expression(element->expr) : element->name);
    }
    return name_make(index->relation->relname, str_text(&columns), "idx", arena);
}

const Relation *model_next(const Model *model, void **cursor)
{
    const char *key = NULL;
    void *value = NULL;
    return map_next(model->relations, cursor, &key, &value) ? value : NULL;
}

size_t model_migration(const Model *model)
{
    return model->migration;
}

bool model_is_utc(const Model *model)
{
    return model->is_utc;
}

bool model_function_is_stable(const Model *model, Name name)
{
    return map_get(model->functions, name.name) != NULL;
}

const UserType *model_type(const Model *model, const char *name)
{
    return map_get(model->types, name);
}

#define DOMAINS_MAX 16 /* over one another; a cycle is none of PostgreSQL's */

static const UserType *domain_of(const Model *model, const ColumnType *type)
{
    const UserType *user = model_type(model, type->name);
    return user != NULL && user->is_domain && !type->is_array ? user : NULL;
}

ColumnType model_base_type(const Model *model, ColumnType type, bool *ret_is_checked)
{
    bool is_checked = false;
    for (size_t i = 0; i < DOMAINS_MAX; i++) {
        const UserType *domain = domain_of(model, &type);
        if (domain == NULL) {
            break;
        }
        is_checked = is_checked || domain->has_constraints;
        type = domain->base;
    }
    if (ret_is_checked != NULL) {
        *ret_is_checked = is_checked;
    }
    return type;
}

bool model_is_of_domain(const Model *model, const ColumnType *type, const char *domain)
{
    if (model_type(model, domain) == NULL) { /* nothing is known of what it is over */
        return !type->is_array && str_equal(type->name, domain);
    }
    const UserType *user = domain_of(model, type);
    for (size_t i = 0; i < DOMAINS_MAX && user != NULL; i++) {
        if (str_equal(user->name, domain)) {
            return true;
        }
        user = domain_of(model, &user->base);
    }
    return false;
}

/* ---- changing ---- */

void model_put(Model *model, const Relation *relation)
{
    const char *key = key_of(relation->name, model->arena);
    map_put(model->relations, key, (void *)relation);
    for (size_t i = 0; i < relation->index_count; i++) {
        Name index = { relation->name.schema, relation->indexes[i].name };
        map_put(model->indexes, key_of(index, model->arena), (void *)key);
    }
}

void model_remove(Model *model, const Relation *relation)
{
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < relation->index_count; i++) {
        Name index = { relation->name.schema, relation->indexes[i].name };
        map_remove(model->indexes, key_of(index, &arena));
    }
    map_remove(model->relations, key_of(relation->name, &arena));
}

Relation *model_edit(Model *model, Name name)
{
    const Relation *known = model_relation(model, name);
    if (known != NULL) {
        return arena_memdup(model->arena, known, sizeof(*known));
    }
    Relation *relation = ARENA_NEW(model->arena, Relation);
    *relation = (Relation){
        .name = model_place(model, name),
        .kind = RELATION_TABLE,
        .made_by = BEFORE_HISTORY,
        .emptied_by = BEFORE_HISTORY,
        .parent = { "", "" },
    };
    return relation;
}

/* One longer, with `item` at the end. */
static const void *grown(const void *items, size_t count, const void *item, size_t bytes,
                         Arena *arena)
{
    char *copy = arena_alloc_array(arena, count + 1, bytes);
    if (count > 0) {
        memcpy(copy, items, count * bytes);
    }
    memcpy(copy + count * bytes, item, bytes);
    return copy;
}

/* One shorter, without the one at `index`. */
static const void *shrunk(const void *items, size_t count, size_t index, size_t bytes, Arena *arena)
{
    char *copy = arena_memdup(arena, items, count * bytes);
    memmove(copy + index * bytes, copy + (index + 1) * bytes, (count - index - 1) * bytes);
    return copy;
}

#define GROW(list, list_count, item, arena)                                                        \
    ((list) = grown((list), (list_count)++, (item), sizeof(*(item)), (arena)))
#define SHRINK(list, list_count, index, arena)                                                     \
    ((list) = shrunk((list), (list_count), (index), sizeof(*(list)), (arena)), (list_count)--)

void relation_add_column(Relation *relation, const Column *column, Arena *arena)
{
    if (relation_column(relation, column->name) == NULL) {
        GROW(relation->columns, relation->column_count, column, arena);
    }
}

void relation_add_constraint(Relation *relation, const TableConstraint *constraint, Arena *arena)
{
    GROW(relation->constraints, relation->constraint_count, constraint, arena);
}

void relation_add_index(Relation *relation, const TableIndex *index, Arena *arena)
{
    GROW(relation->indexes, relation->index_count, index, arena);
}

void relation_remove_column(Relation *relation, const char *name, Arena *arena)
{
    for (size_t i = relation->column_count; i-- > 0;) {
        if (str_equal(relation->columns[i].name, name)) {
            SHRINK(relation->columns, relation->column_count, i, arena);
        }
    }
    for (size_t i = relation->constraint_count; i-- > 0;) {
        if (names_have(&relation->constraints[i].columns, name)) {
            SHRINK(relation->constraints, relation->constraint_count, i, arena);
        }
    }
    for (size_t i = relation->index_count; i-- > 0;) {
        if (names_have(&relation->indexes[i].columns, name) ||
            names_have(&relation->indexes[i].reads, name)) {
            SHRINK(relation->indexes, relation->index_count, i, arena);
        }
    }
}

void relation_remove_constraint(Relation *relation, const char *name, Arena *arena)
{
    for (size_t i = relation->constraint_count; i-- > 0;) {
        if (str_equal(relation->constraints[i].name, name)) {
            SHRINK(relation->constraints, relation->constraint_count, i, arena);
        }
    }
}

void relation_remove_index(Relation *relation, const char *name, Arena *arena)
{
    for (size_t i = relation->index_count; i-- > 0;) {
        if (str_equal(relation->indexes[i].name, name)) {
            SHRINK(relation->indexes, relation->index_count, i, arena);
        }
    }
}

Column *relation_edit_column(Relation *relation, const char *name, Arena *arena)
{
    const Column *known = relation_column(relation, name);
    if (known == NULL) {
        return NULL;
    }
    size_t index = (size_t)(known - relation->columns);
    Column *columns =
        arena_memdup(arena, relation->columns, relation->column_count * sizeof(Column));
    relation->columns = columns;
    return &columns[index];
}

TableConstraint *relation_edit_constraint(Relation *relation, const char *name, Arena *arena)
{
    const TableConstraint *known = relation_constraint(relation, name);
    if (known == NULL) {
        return NULL;
    }
    size_t index = (size_t)(known - relation->constraints);
    TableConstraint *constraints = arena_memdup(
        arena, relation->constraints, relation->constraint_count * sizeof(TableConstraint));
    relation->constraints = constraints;
    return &constraints[index];
}

bool names_have(const Names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_equal(names->items[i], name)) {
            return true;
        }
    }
    return false;
}

Names names_copy(Node *const *nodes, size_t count, Arena *arena)
{
    const char **items = ARENA_ARRAY(arena, const char *, count);
    const char *const *strings = strings_of(nodes, count, arena);
    for (size_t i = 0; i < count; i++) {
        items[i] = arena_strdup(arena, strings[i]);
    }
    return (Names){ items, count };
}
