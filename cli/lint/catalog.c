/* The catalog's keeping and looking up. What statements do to it is in catalog_apply.c. */
#include "cli/lint/catalog_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"

#define BEFORE_HISTORY SIZE_MAX

/* Where names without a schema go; of a tenant that is its own schema, which is the same to lint.
 */
static const char DEFAULT_SCHEMA[] = "public";

/* ---- keeping ---- */

Catalog *catalog_new(Arena *arena)
{
    Catalog *catalog = mem_alloc(sizeof(Catalog));
    *catalog = (Catalog){
        .arena = arena,
        .relations = map_new(),
        .indexes = map_new(),
        .functions = map_new(),
        .types = map_new(),
        .schema = DEFAULT_SCHEMA,
    };
    return catalog;
}

void catalog_free(Catalog *catalog)
{
    map_free(catalog->relations);
    map_free(catalog->indexes);
    map_free(catalog->functions);
    map_free(catalog->types);
    free(catalog);
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

Catalog *catalog_fork(const Catalog *catalog)
{
    Catalog *fork = catalog_new(catalog->arena);
    copy_map(catalog->relations, fork->relations);
    copy_map(catalog->indexes, fork->indexes);
    copy_map(catalog->functions, fork->functions);
    copy_map(catalog->types, fork->types);
    fork->migration = catalog->migration;
    fork->schema = catalog->schema;
    fork->is_utc = catalog->is_utc;
    return fork;
}

void catalog_begin(Catalog *catalog, size_t migration)
{
    catalog->migration = migration;
    catalog->schema = DEFAULT_SCHEMA;
    catalog->is_utc = false;
}

/* ---- names ---- */

static const char *key_of(Name name, Arena *arena)
{
    return arena_printf(arena, "%s\n%s", name.schema, name.name);
}

static const char *schema_of(const Catalog *catalog, Name name)
{
    return name.schema[0] == '\0' ? catalog->schema : name.schema;
}

Name catalog_place(const Catalog *catalog, Name name)
{
    return (Name){ arena_strdup(catalog->arena, schema_of(catalog, name)),
                   arena_strdup(catalog->arena, name.name) };
}

Name catalog_find_name(const Catalog *catalog, Name name)
{
    const Relation *known = catalog_relation(catalog, name);
    return known != NULL ? known->name : catalog_place(catalog, name);
}

static void *look_up(const Catalog *catalog, const Map *map, Name name)
{
    AUTO(Arena) arena = { 0 };
    void *found = map_get(map, key_of((Name){ schema_of(catalog, name), name.name }, &arena));
    if (found == NULL && name.schema[0] == '\0') {
        found = map_get(map, key_of((Name){ DEFAULT_SCHEMA, name.name }, &arena));
    }
    return found;
}

bool catalog_is_same(const Catalog *catalog, Name a, Name b)
{
    const Relation *one = catalog_relation(catalog, a);
    const Relation *other = catalog_relation(catalog, b);
    if (one != NULL || other != NULL) {
        return one == other;
    }
    return str_equal(a.name, b.name) && str_equal(schema_of(catalog, a), schema_of(catalog, b));
}

Name relation_plain_name(const Relation *relation)
{
    bool is_default = str_equal(relation->name.schema, DEFAULT_SCHEMA);
    return (Name){ is_default ? "" : relation->name.schema, relation->name.name };
}

/* ---- looking up ---- */

const Relation *catalog_relation(const Catalog *catalog, Name name)
{
    return look_up(catalog, catalog->relations, name);
}

const Relation *catalog_index(const Catalog *catalog, Name name, const TableIndex **ret_index)
{
    const char *key = look_up(catalog, catalog->indexes, name);
    const Relation *relation = key == NULL ? NULL : map_get(catalog->relations, key);
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

bool catalog_is_new(const Catalog *catalog, const Relation *relation)
{
    return relation != NULL && (relation->is_temporary || relation->made_by == catalog->migration);
}

const Relation *catalog_next(const Catalog *catalog, void **cursor)
{
    const char *key = NULL;
    void *value = NULL;
    return map_next(catalog->relations, cursor, &key, &value) ? value : NULL;
}

size_t catalog_migration(const Catalog *catalog)
{
    return catalog->migration;
}

bool catalog_is_utc(const Catalog *catalog)
{
    return catalog->is_utc;
}

bool catalog_function_is_stable(const Catalog *catalog, Name name)
{
    return map_get(catalog->functions, name.name) != NULL;
}

const UserType *catalog_type(const Catalog *catalog, const char *name)
{
    return map_get(catalog->types, name);
}

/* ---- changing ---- */

void catalog_put(Catalog *catalog, const Relation *relation)
{
    const char *key = key_of(relation->name, catalog->arena);
    map_put(catalog->relations, key, (void *)relation);
    for (size_t i = 0; i < relation->index_count; i++) {
        Name index = { relation->name.schema, relation->indexes[i].name };
        map_put(catalog->indexes, key_of(index, catalog->arena), (void *)key);
    }
}

void catalog_remove(Catalog *catalog, const Relation *relation)
{
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < relation->index_count; i++) {
        Name index = { relation->name.schema, relation->indexes[i].name };
        map_remove(catalog->indexes, key_of(index, &arena));
    }
    map_remove(catalog->relations, key_of(relation->name, &arena));
}

Relation *catalog_edit(Catalog *catalog, Name name)
{
    const Relation *known = catalog_relation(catalog, name);
    if (known != NULL) {
        return arena_memdup(catalog->arena, known, sizeof(*known));
    }
    Relation *relation = ARENA_NEW(catalog->arena, Relation);
    *relation = (Relation){
        .name = catalog_place(catalog, name),
        .kind = RELATION_TABLE,
        .made_by = BEFORE_HISTORY,
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
        if (names_have(&relation->indexes[i].columns, name)) {
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
