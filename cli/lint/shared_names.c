/* Reads the plan's statements in order, with the model of what they have made so far at hand. */
#include "cli/lint/shared_names.h"

#include "cli/lint/model.h"
#include "cli/lint/tree.h"
#include "common/list.h"
#include "common/map.h"
#include "common/str.h"

typedef struct Reading {
    Arena *arena;
    const Model *model;
    Map *functions; /* made without a schema in front; no values of use */
    const PlanMigration *migration;
    const PlanStatement *statement;
    bool is_down;
    SourceNotes *notes;
} Reading;

static void warn(const Reading *reading, Name name)
{
    SourceNote note = {
        .level = SOURCE_NOTE_WARNING,
        .text = arena_printf(
            reading->arena,
            "%s, %s, line %u: %s %s finds what all tenants share where a tenant has none of its "
            "own, since this plan has not made it: write the schema in front of it",
            reading->migration->id, reading->is_down ? "down" : "up", reading->statement->line,
            reading->statement->kind, name_write(name.name, reading->arena)),
    };
    LIST_PUSH(&reading->notes->list, note);
}

/* ---- is it the tenant's own? ---- */

static bool is_known_relation(const Reading *reading, Name name)
{
    return model_relation(reading->model, name) != NULL;
}

static bool is_known_index(const Reading *reading, Name name)
{
    return model_index(reading->model, name, NULL) != NULL;
}

static bool is_known_type(const Reading *reading, Name name)
{
    return model_type(reading->model, name.name) != NULL || is_known_relation(reading, name);
}

static bool is_known_function(const Reading *reading, Name name)
{
    return map_get(reading->functions, name.name) != NULL;
}

typedef struct ObjectRow {
    PgQuery__ObjectType type;
    bool (*is_known)(const Reading *reading, Name name);
    size_t leave; /* of the name: what belongs to its table */
} ObjectRow;

/* Objects that are looked for along the search_path. */
static const ObjectRow OBJECTS[] = {
    { PG_QUERY__OBJECT_TYPE__OBJECT_TABLE, is_known_relation, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE, is_known_relation, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_VIEW, is_known_relation, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW, is_known_relation, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE, is_known_relation, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_INDEX, is_known_index, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_TYPE, is_known_type, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN, is_known_type, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION, is_known_function, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_PROCEDURE, is_known_function, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_ROUTINE, is_known_function, 0 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER, is_known_relation, 1 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_RULE, is_known_relation, 1 },
    { PG_QUERY__OBJECT_TYPE__OBJECT_POLICY, is_known_relation, 1 },
};

static const ObjectRow *object_row(PgQuery__ObjectType type)
{
    for (size_t i = 0; i < ARRAY_LEN(OBJECTS); i++) {
        if (OBJECTS[i].type == type) {
            return &OBJECTS[i];
        }
    }
    return NULL;
}

static void look_at(const Reading *reading, const ObjectRow *row, Name name)
{
    bool is_plain = name.schema == NULL || name.schema[0] == '\0';
    if (row != NULL && is_plain && name.name != NULL && name.name[0] != '\0' &&
        !row->is_known(reading, name)) {
        warn(reading, name);
    }
}

/* ---- statements ---- */

static void read_drop(const Reading *reading, const Node *node)
{
    const ObjectRow *row = object_row(node->drop_stmt->remove_type);
    for (size_t i = 0; row != NULL && i < node->drop_stmt->n_objects; i++) {
        look_at(reading, row, name_of_object(node->drop_stmt->objects[i], row->leave));
    }
}

static void read_alter_table(const Reading *reading, const Node *node)
{
    const PgQuery__AlterTableStmt *alter = node->alter_table_stmt;
    look_at(reading, object_row(alter->objtype), name_of_relation(alter->relation));
}

static void read_rename(const Reading *reading, const Node *node)
{
    const PgQuery__RenameStmt *rename = node->rename_stmt;
    bool is_index = rename->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX;
    if (rename->relation != NULL) {
        look_at(reading, is_index ? object_row(rename->rename_type) : &OBJECTS[0],
                name_of_relation(rename->relation));
    } else if (rename->object != NULL) {
        look_at(reading, object_row(rename->rename_type), name_of_object(rename->object, 0));
    }
}

static void read_enum(const Reading *reading, const Node *node)
{
    const PgQuery__AlterEnumStmt *alter = node->alter_enum_stmt;
    look_at(reading, object_row(PG_QUERY__OBJECT_TYPE__OBJECT_TYPE),
            name_of_strings(alter->type_name, alter->n_type_name, 0));
}

static void read_domain(const Reading *reading, const Node *node)
{
    const PgQuery__AlterDomainStmt *alter = node->alter_domain_stmt;
    look_at(reading, object_row(PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN),
            name_of_strings(alter->type_name, alter->n_type_name, 0));
}

static void read_truncate(const Reading *reading, const Node *node)
{
    const PgQuery__TruncateStmt *truncate = node->truncate_stmt;
    for (size_t i = 0; i < truncate->n_relations; i++) {
        if (truncate->relations[i]->node_case == PG_QUERY__NODE__NODE_RANGE_VAR) {
            look_at(reading, &OBJECTS[0], name_of_relation(truncate->relations[i]->range_var));
        }
    }
}

static void read_function(const Reading *reading, const Node *node)
{
    const PgQuery__CreateFunctionStmt *create = node->create_function_stmt;
    Name name = name_of_strings(create->funcname, create->n_funcname, 0);
    if (name.schema == NULL || name.schema[0] == '\0') {
        map_put(reading->functions, name.name, reading->functions);
    }
}

static const struct StatementRow {
    PgQuery__Node__NodeCase node;
    void (*read)(const Reading *reading, const Node *node);
} STATEMENTS[] = {
    { PG_QUERY__NODE__NODE_DROP_STMT, read_drop },
    { PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, read_alter_table },
    { PG_QUERY__NODE__NODE_RENAME_STMT, read_rename },
    { PG_QUERY__NODE__NODE_ALTER_ENUM_STMT, read_enum },
    { PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT, read_domain },
    { PG_QUERY__NODE__NODE_TRUNCATE_STMT, read_truncate },
    { PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT, read_function },
};

/* ---- the plan ---- */

static void read_script(Reading *reading, const PlanScript *script, Model *model)
{
    reading->model = model;
    for (size_t i = 0; i < script->count; i++) {
        AUTO(Arena) arena = { 0 };
        Tree tree;
        reading->statement = &script->statements[i];
        tree_parse(reading->statement->sql, &arena, &tree);
        for (size_t j = 0; tree.node != NULL && j < ARRAY_LEN(STATEMENTS); j++) {
            if (STATEMENTS[j].node == tree.node->node_case) {
                STATEMENTS[j].read(reading, tree.node);
            }
        }
        if (tree.node != NULL) {
            model_apply(model, tree.node);
        }
    }
}

void shared_names_warn(const Plan *plan, SourceNotes *notes)
{
    if (plan->shared_schema_count == 0) {
        return;
    }
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Model) model = model_new(&arena);
    AUTO_PTR(Map) functions = map_new();
    Reading reading = { .arena = notes->arena, .functions = functions, .notes = notes };
    for (size_t i = 0; i < plan->migration_count; i++) {
        reading.migration = &plan->migrations[i];
        reading.is_down = false;
        model_begin(model, i);
        read_script(&reading, &plan->migrations[i].up, model);
        AUTO_PTR(Model) back = model_fork(model);
        reading.is_down = true;
        read_script(&reading, &plan->migrations[i].down, back);
    }
}
