/* Dropping, renaming, moving, commenting: statements that name an object by its kind. */
#include "cli/lint/effects_internal.h"

#include "common/str.h"

static const char CATALOG[] = "only the catalog changes";

/* An index's lock is on its table, which only the model knows. */
static void add_on_index(const EffectReader *reader, Name index, LockMode lock, const char *why)
{
    const Relation *relation = model_index(reader->model, index, NULL);
    Effect effect = {
        .table = relation == NULL ? index : relation_plain_name(relation),
        .lock = lock,
        .is_index = relation == NULL,
        .why = why,
    };
    effect_add(reader, &effect);
}

/* ---- DROP ---- */

static void drop_table(const EffectReader *reader, const PgQuery__DropStmt *drop, Name name)
{
    const Relation *relation = model_relation(reader->model, name);
    Effect effect = { .table = name, .lock = LOCK_ACCESS_EXCLUSIVE, .why = "it is removed" };
    effect_add(reader, &effect);
    if (relation == NULL) {
        return;
    }
    effect_add_heirs(reader, &effect);
    effect_add_references(reader, relation, NULL, LOCK_ACCESS_EXCLUSIVE,
                          "the dropped table's foreign key has triggers there");
    if (drop->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) {
        effect_add_referrers(reader, relation, NULL,
                             &(Effect){ .lock = LOCK_ACCESS_EXCLUSIVE,
                                        .why = "its foreign key to the dropped table goes, too" });
        effects_are_hidden(reader); /* views */
    }
    const Relation *parent = model_relation(reader->model, relation->parent);
    if (parent != NULL && parent->kind == RELATION_PARTITIONED) {
        effect_add_lock(reader, relation_plain_name(parent), LOCK_ACCESS_EXCLUSIVE,
                        "it loses a partition");
    }
}

static void drop_schema(const EffectReader *reader, const char *schema)
{
    void *cursor = NULL;
    const Relation *relation = NULL;
    while ((relation = model_next(reader->model, &cursor)) != NULL) {
        if (str_equal(relation->name.schema, schema)) {
            effect_add_lock(reader, relation_plain_name(relation), LOCK_ACCESS_EXCLUSIVE,
                            "it goes with its schema");
        }
    }
    effects_are_hidden(reader);
}

static void drop_object(const EffectReader *reader, const PgQuery__DropStmt *drop,
                        const Node *object)
{
    switch (drop->remove_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE:
        drop_table(reader, drop, name_of_object(object, 0));
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
        effect_add_lock(reader, name_of_object(object, 0), LOCK_ACCESS_EXCLUSIVE, "it is removed");
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        add_on_index(reader, name_of_object(object, 0),
                     drop->concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE,
                     drop->concurrent ? "the index is removed while others read and write"
                                      : "its index is removed");
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER:
    case PG_QUERY__OBJECT_TYPE__OBJECT_RULE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_POLICY:
        effect_add(reader, &(Effect){ .table = name_of_object(object, 1),
                                      .lock = LOCK_ACCESS_EXCLUSIVE,
                                      .is_likely = drop->missing_ok,
                                      .why = CATALOG });
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_STATISTIC_EXT:
        effects_are_hidden(reader); /* whose they are is not known */
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
        drop_schema(reader, name_of_object(object, 0).name);
        break;
    default:
        if (drop->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) {
            effects_are_hidden(reader);
        }
        break;
    }
}

static void read_drop(const EffectReader *reader, const Node *node)
{
    for (size_t i = 0; i < node->drop_stmt->n_objects; i++) {
        drop_object(reader, node->drop_stmt, node->drop_stmt->objects[i]);
    }
}

/* ---- RENAME, SET SCHEMA, COMMENT ---- */

static void read_rename(const EffectReader *reader, const Node *node)
{
    const PgQuery__RenameStmt *rename = node->rename_stmt;
    if (rename->relation == NULL) {
        return;
    }
    if (rename->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX) {
        return; /* SHARE UPDATE EXCLUSIVE on the index, nothing on its table */
    }
    effect_add_lock(reader, name_of_relation(rename->relation), LOCK_ACCESS_EXCLUSIVE, CATALOG);
    if (rename->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN && rename->relation->inh) {
        effect_add_heirs(reader, &(Effect){ .table = name_of_relation(rename->relation),
                                            .lock = LOCK_ACCESS_EXCLUSIVE,
                                            .why = CATALOG });
    }
}

static void read_set_schema(const EffectReader *reader, const Node *node)
{
    effect_add_lock(reader, name_of_relation(node->alter_object_schema_stmt->relation),
                    LOCK_ACCESS_EXCLUSIVE, CATALOG);
}

static void read_comment(const EffectReader *reader, const Node *node)
{
    const Node *object = node->comment_stmt->object;
    switch (node->comment_stmt->objtype) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE:
        effect_add_lock(reader, name_of_object(object, 0), LOCK_SHARE_UPDATE_EXCLUSIVE, CATALOG);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
        effect_add_lock(reader, name_of_object(object, 1), LOCK_SHARE_UPDATE_EXCLUSIVE, CATALOG);
        break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
    case PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER:
    case PG_QUERY__OBJECT_TYPE__OBJECT_POLICY:
    case PG_QUERY__OBJECT_TYPE__OBJECT_RULE:
        effect_add_lock(reader, name_of_object(object, 1), LOCK_ACCESS_SHARE, CATALOG);
        break;
    default:
        break;
    }
}

/* ---- what cannot be seen from here ---- */

static void read_hidden(const EffectReader *reader, const Node *node)
{
    (void)node;
    effects_are_hidden(reader);
}

const EffectRow EFFECTS_DROP[] = {
    { PG_QUERY__NODE__NODE_DROP_STMT, read_drop },
    { PG_QUERY__NODE__NODE_RENAME_STMT, read_rename },
    { PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT, read_set_schema },
    { PG_QUERY__NODE__NODE_COMMENT_STMT, read_comment },
    { PG_QUERY__NODE__NODE_DROP_OWNED_STMT, read_hidden },
    { PG_QUERY__NODE__NODE_REASSIGN_OWNED_STMT, read_hidden },
    { PG_QUERY__NODE__NODE_ALTER_TABLE_MOVE_ALL_STMT, read_hidden },
    { PG_QUERY__NODE__NODE_DO_STMT, read_hidden },
    { PG_QUERY__NODE__NODE_CALL_STMT, read_hidden },
    { 0, NULL },
};
