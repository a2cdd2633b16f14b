/* Rules about keys and what refers to them: their columns, their indexes, their names. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include <string.h>

#include "common/str.h"

/* ---- foreign keys that the migration has made ---- */

typedef void (*KeyCheck)(LintCase *lint, const Relation *relation, const TableConstraint *key);

/* The statement that it is about: the last one that names the table and says REFERENCES. */
static const CaseStatement *key_statement(const LintCase *lint, const Relation *relation)
{
    const CaseStatement *found = NULL;
    for (size_t i = 0; i < lint->script->count; i++) {
        const CaseStatement *statement = &lint->script->statements[i];
        if (strcasestr(statement->sql, "REFERENCES") != NULL &&
            strcasestr(statement->sql, relation->name.name) != NULL) {
            found = statement;
        }
    }
    return found;
}

/* At the end of the migration, when the indexes beside it are there. A partition's are its
 * parent's. */
static void each_new_key(LintCase *lint, KeyCheck check)
{
    void *cursor = NULL;
    const Relation *relation = NULL;
    while ((relation = model_next(lint->model, &cursor)) != NULL) {
        for (size_t i = 0; relation->parent.name[0] == '\0' && i < relation->constraint_count;
             i++) {
            const TableConstraint *key = &relation->constraints[i];
            const CaseStatement *statement = NULL;
            if (key->kind == CONSTRAINT_FOREIGN_KEY && key->made_by == lint->migration) {
                statement = key_statement(lint, relation);
            }
            if (statement != NULL) {
                lint->statement = statement;
                check(lint, relation, key);
                lint->statement = NULL;
            }
        }
    }
}

/* Do its first columns find the rows of the key? */
static bool serves(const TableIndex *index, const Names *columns)
{
    Names first = { index->columns.items, columns->count };
    if (index->is_partial || index->columns.count < columns->count) {
        return false;
    }
    for (size_t i = 0; i < columns->count; i++) {
        if (!names_have(&first, columns->items[i])) {
            return false;
        }
    }
    return true;
}

/* Did programs have the columns before this migration? */
static bool was_there(const LintCase *lint, const Relation *relation, const Names *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        const Column *column = relation_column(relation, columns->items[i]);
        if (column == NULL || column->made_by == lint->migration) {
            return false;
        }
    }
    return true;
}

static const char *join(const Names *columns, Arena *arena)
{
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < columns->count; i++) {
        str_printf(&text, "%s%s", i == 0 ? "" : "_", columns->items[i]);
    }
    return arena_strdup(arena, str_text(&text));
}

/* Does any index find the rows that refer? One from before the history may. */
static bool is_served(const Relation *relation, const Names *columns)
{
    for (size_t i = 0; i < relation->index_count; i++) {
        if (serves(&relation->indexes[i], columns)) {
            return true;
        }
    }
    return !relation->is_whole && relation->kind != RELATION_PARTITIONED;
}

static void tell_index(LintCase *lint, const Relation *relation, const TableConstraint *key)
{
    if (is_served(relation, &key->columns)) {
        return;
    }
    Name table = relation_plain_name(relation);
    const char *columns = names_write(key->columns.items, key->columns.count, lint->arena);
    Finding *finding = case_report(
        lint, -1, "each DELETE and each change of a key there reads all of %s for rows that refer",
        case_table(lint, table));
    if (relation->kind == RELATION_TABLE && was_there(lint, relation, &key->columns)) {
        const char *index =
            name_make(table.name, join(&key->columns, lint->arena), "idx", lint->arena);
        case_step(lint, finding, "CREATE INDEX CONCURRENTLY %s ON %s (%s);",
                  name_write(index, lint->arena), case_table(lint, table), columns);
    }
}

static void check_index(LintCase *lint)
{
    each_new_key(lint, tell_index);
}

/* ---- foreign keys that lose their index ---- */

static void tell_lost(LintCase *lint, Name table, const TableConstraint *key, Name index)
{
    Finding *finding = case_report(
        lint, -1,
        "without %s each DELETE from %s, and each change of its key, reads all of %s "
        "for rows that refer",
        case_table(lint, index), case_table(lint, key->references), case_table(lint, table));
    case_step_allow(lint, finding, "no row is deleted there, and no key changed");
}

/* What comes later in the script counts: another index, or the end of the key. */
static void check_lost(LintCase *lint)
{
    const PgQuery__DropStmt *drop = lint->tree.node->drop_stmt;
    AUTO_PTR(Model) after = NULL;
    for (size_t i = 0;
         drop->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX && i < drop->n_objects; i++) {
        Name name = name_of_object(drop->objects[i], 0);
        const TableIndex *index = NULL;
        const Relation *before = model_index(lint->model, name, &index);
        after = after == NULL ? case_model_after(lint) : after;
        const Relation *then = before == NULL ? NULL : model_relation(after, before->name);
        for (size_t j = 0; then != NULL && j < then->constraint_count; j++) {
            const TableConstraint *key = &then->constraints[j];
            if (key->kind == CONSTRAINT_FOREIGN_KEY && serves(index, &key->columns) &&
                case_is_busy(lint, before->name) && !is_served(then, &key->columns)) {
                tell_lost(lint, relation_plain_name(before), key, name);
            }
        }
    }
}

/* How much a type of whole numbers holds; 0: it is none of them. */
static unsigned integer_bytes(const Column *column)
{
    static const struct {
        const char *name;
        unsigned bytes;
    } TYPES[] = {
        { "int2", 2 },   { "smallserial", 2 }, { "int4", 4 },
        { "serial", 4 }, { "int8", 8 },        { "bigserial", 8 },
    };
    for (size_t i = 0; column != NULL && i < ARRAY_LEN(TYPES); i++) {
        if (str_equal(column->type.name, TYPES[i].name) && !column->type.is_array) {
            return TYPES[i].bytes;
        }
    }
    return 0;
}

/* The columns that it refers to: those of the primary key where it does not say. */
static Names referenced_columns(const Relation *there, const TableConstraint *key)
{
    if (key->referenced.count > 0 || there == NULL) {
        return key->referenced;
    }
    for (size_t i = 0; i < there->constraint_count; i++) {
        if (there->constraints[i].kind == CONSTRAINT_PRIMARY_KEY) {
            return there->constraints[i].columns;
        }
    }
    return (Names){ 0 };
}

static void tell_type(LintCase *lint, const Relation *relation, const TableConstraint *key)
{
    const Relation *there = model_relation(lint->model, key->references);
    Names columns = referenced_columns(there, key);
    for (size_t i = 0; i < key->columns.count && i < columns.count; i++) {
        const Column *own = relation_column(relation, key->columns.items[i]);
        const Column *other = relation_column(there, columns.items[i]);
        unsigned bytes = integer_bytes(own);
        if (bytes > 0 && bytes < integer_bytes(other)) {
            case_report(lint, -1, "%s is %s, and %s of %s, to which it refers, is %s",
                        name_write(own->name, lint->arena), type_write(&own->type, lint->arena),
                        name_write(other->name, lint->arena),
                        case_table(lint, relation_plain_name(there)),
                        type_write(&other->type, lint->arena));
        }
    }
}

static void check_type(LintCase *lint)
{
    each_new_key(lint, tell_type);
}

/* ---- USING INDEX ---- */

static void tell_renamed(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command)
{
    const PgQuery__Constraint *constraint = command->def->constraint;
    const char *index = constraint->indexname;
    if (index[0] == '\0' || constraint->conname[0] == '\0' ||
        str_equal(constraint->conname, index)) {
        return;
    }
    Finding *finding = case_report(lint, constraint->location, "index %s of %s is called %s then",
                                   name_write(index, lint->arena), case_table(lint, table),
                                   name_write(constraint->conname, lint->arena));
    PgQuery__Constraint same = *constraint;
    same.conname = constraint->indexname;
    Node definition = *command->def;
    definition.constraint = &same;
    PgQuery__AlterTableCmd renamed = *command;
    renamed.def = &definition;
    const char *sql = case_alter_alone(lint, &renamed);
    if (sql != NULL) {
        case_step(lint, finding, "%s;", sql);
    }
}

static void check_renamed(LintCase *lint)
{
    case_each_command(lint, PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint, tell_renamed);
}

static const LintRule RULES[] = {
    {
        .id = "foreign-key-index",
        .severity = SEVERITY_NOTICE,
        .title = "a foreign key has no index on its own side",
        .explain = "PostgreSQL makes none. When a row on the other side is deleted, or its key "
                   "changes, the rows that refer to it are looked for by reading the whole table, "
                   "once for each, with the row locked: slow where the table is large, and a "
                   "deadlock away from whoever deletes in another order.",
        .remedy = "An index that begins with the columns of the key.",
        .is_up_only = true,
        .moment = RULE_MIGRATION,
        .check = check_index,
        .fires = { "ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey\n"
                   "    FOREIGN KEY (user_id) REFERENCES users NOT VALID;",
                   NULL },
        .silent = { "CREATE TABLE carts (id bigint PRIMARY KEY, user_id bigint REFERENCES users);\n"
                    "CREATE INDEX carts_user_id_idx ON carts (user_id, id);",
                    NULL },
    },
    {
        .id = "foreign-key-index-drop",
        .severity = SEVERITY_WARNING,
        .title = "a foreign key loses the index on its own side",
        .explain = "From then on each DELETE of a row that it refers to, and each change of such a "
                   "key, reads the whole table. Neither an index that is partial nor one that "
                   "begins with another column helps.",
        .remedy = "Build the index that takes its place first; or keep it.",
        .is_up_only = true,
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DROP_STMT),
        .check = check_lost,
        .fires = { "DROP INDEX CONCURRENTLY items_order_id_idx;", NULL },
        .silent = { "CREATE INDEX CONCURRENTLY items_both_idx ON items (order_id, amount);\n"
                    "DROP INDEX CONCURRENTLY items_order_id_idx;",
                    NULL },
    },
    {
        .id = "foreign-key-type",
        .severity = SEVERITY_WARNING,
        .title = "a foreign key holds less than the key that it refers to",
        .explain =
            "It works until the first key beyond its range. From then on no row can refer to "
            "new ones, and the way out is a column's new type, over all rows.",
        .remedy = "The same type on both sides.",
        .is_up_only = true,
        .moment = RULE_MIGRATION,
        .check = check_type,
        .fires = { "CREATE TABLE carts (id bigint PRIMARY KEY, user_id integer REFERENCES users);",
                   NULL },
        .silent = { "CREATE TABLE carts (id bigint PRIMARY KEY, user_id bigint REFERENCES users);",
                    NULL },
    },
    {
        .id = "constraint-renames-index",
        .severity = SEVERITY_NOTICE,
        .title = "a constraint USING INDEX gives the index its own name",
        .explain =
            "What uses the index by its name (a later DROP INDEX, REINDEX, a monitor, ON "
            "CONFLICT ON CONSTRAINT, a down) finds it no more, and DROP INDEX IF EXISTS says "
            "nothing.",
        .remedy = "One name for both, or none for the constraint: it then takes the index's.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_ALTER_TABLE_STMT),
        .check = check_renamed,
        .fires = { "CREATE UNIQUE INDEX CONCURRENTLY users_by_code ON users (code);\n"
                   "ALTER TABLE users ADD CONSTRAINT users_code_key UNIQUE USING INDEX "
                   "users_by_code;",
                   NULL },
        .silent = { "CREATE UNIQUE INDEX CONCURRENTLY users_by_code ON users (code);\n"
                    "ALTER TABLE users ADD UNIQUE USING INDEX users_by_code;",
                    NULL },
    },
};

LINT_FAMILY(LINT_REFERENCES, "Keys and references", RULES);
