/* CREATE …: what making things does to the tables that are there. */
#include "cli/lint/effects_internal.h"

#include "cli/lint/constraint.h"
#include "common/str.h"

static const char CATALOG[] = "only the catalog changes";

static void read_foreign_key(const EffectReader *reader, const Node *node)
{
    if (node->node_case == PG_QUERY__NODE__NODE_CONSTRAINT &&
        node->constraint->contype == PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN) {
        effect_add_lock(reader, name_of_relation(node->constraint->pktable),
                        LOCK_SHARE_ROW_EXCLUSIVE, "the foreign key puts a trigger on it");
    }
}

static void read_element(const EffectReader *reader, const Node *node)
{
    read_foreign_key(reader, node);
    if (node->node_case == PG_QUERY__NODE__NODE_TABLE_LIKE_CLAUSE) {
        effect_add_lock(reader, name_of_relation(node->table_like_clause->relation),
                        LOCK_ACCESS_SHARE, "its columns are read");
    }
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
        for (size_t i = 0; i < node->column_def->n_constraints; i++) {
            read_foreign_key(reader, node->column_def->constraints[i]);
        }
    }
}

/* The new table is nobody else's: no effect. One that refers to itself has none either. */
static void remove_effect(const EffectReader *reader, Name table)
{
    Effects *effects = reader->effects;
    for (size_t i = effects->count; i-- > 0;) {
        if (model_is_same(reader->model, effects->items[i].table, table)) {
            effects->items[i] = effects->items[--effects->count];
        }
    }
}

static void read_create_table(const EffectReader *reader, const Node *node)
{
    const PgQuery__CreateStmt *create = node->create_stmt;
    Name table = name_of_relation(create->relation);
    if (create->if_not_exists && model_relation(reader->model, table) != NULL) {
        return;
    }
    for (size_t i = 0; i < create->n_table_elts; i++) {
        read_element(reader, create->table_elts[i]);
    }
    for (size_t i = 0; i < create->n_constraints; i++) {
        read_foreign_key(reader, create->constraints[i]);
    }
    bool is_partition = create->partbound != NULL;
    for (size_t i = 0; i < create->n_inh_relations; i++) {
        Name parent = name_of_relation(create->inh_relations[i]->range_var);
        effect_add_lock(reader, parent,
                        is_partition ? LOCK_ACCESS_EXCLUSIVE : LOCK_SHARE_UPDATE_EXCLUSIVE,
                        is_partition ? "the new partition is made in place" : "it gets an heir");
        if (is_partition) {
            effect_add_references(reader, model_relation(reader->model, parent), NULL,
                                  LOCK_SHARE_ROW_EXCLUSIVE,
                                  "the partition gets the foreign keys of its parent");
        }
    }
    remove_effect(reader, table);
}

static void read_index(const EffectReader *reader, const Node *node)
{
    const PgQuery__IndexStmt *index = node->index_stmt;
    Effect effect = {
        .table = name_of_relation(index->relation),
        .lock = index->concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE,
        .work = WORK_BUILD,
        .why = index->concurrent ? "the index is built while others read and write"
                                 : "nobody may write while the index is built",
    };
    if (!index->relation
             ->inh) { /* ONLY: the index of a partitioned table, without its partitions */
        effect.work = WORK_NONE;
        effect.why = CATALOG;
    }
    Name name = { index->relation->schemaname, index->idxname };
    if (index->if_not_exists && model_index(reader->model, name, NULL) != NULL) {
        effect.work = WORK_NONE;
        effect.why = "the index is there already";
    }
    effect_add(reader, &effect);
    if (index->relation->inh) {
        const Relation *relation = model_relation(reader->model, effect.table);
        if (relation != NULL && relation->kind == RELATION_PARTITIONED) {
            effect_add_heirs(reader, &effect);
        }
    }
}

static void read_trigger(const EffectReader *reader, const Node *node)
{
    effect_add_lock(reader, name_of_relation(node->create_trig_stmt->relation),
                    LOCK_SHARE_ROW_EXCLUSIVE, CATALOG);
    effect_add_lock(reader, name_of_relation(node->create_trig_stmt->constrrel), LOCK_ACCESS_SHARE,
                    CATALOG);
}

static void read_rule(const EffectReader *reader, const Node *node)
{
    effect_add_lock(reader, name_of_relation(node->rule_stmt->relation), LOCK_ACCESS_EXCLUSIVE,
                    CATALOG);
}

static void read_policy(const EffectReader *reader, const Node *node)
{
    bool is_new = node->node_case == PG_QUERY__NODE__NODE_CREATE_POLICY_STMT;
    effect_add_lock(
        reader,
        name_of_relation(is_new ? node->create_policy_stmt->table : node->alter_policy_stmt->table),
        LOCK_ACCESS_EXCLUSIVE, CATALOG);
}

static void read_statistics(const EffectReader *reader, const Node *node)
{
    for (size_t i = 0; i < node->create_stats_stmt->n_relations; i++) {
        effect_add_lock(reader, name_of_relation(node->create_stats_stmt->relations[i]->range_var),
                        LOCK_SHARE_UPDATE_EXCLUSIVE, CATALOG);
    }
}

static void read_view(const EffectReader *reader, const Node *node)
{
    const PgQuery__ViewStmt *view = node->view_stmt;
    Name name = name_of_relation(view->view);
    effect_add_reads(reader, &view->query->base, LOCK_ACCESS_SHARE, WORK_NONE,
                     "its columns are read");
    if (view->replace && model_relation(reader->model, name) != NULL) {
        effect_add_lock(reader, name, LOCK_ACCESS_EXCLUSIVE, CATALOG);
    }
}

static void read_create_as(const EffectReader *reader, const Node *node)
{
    const PgQuery__CreateTableAsStmt *create = node->create_table_as_stmt;
    effect_add_reads(reader, &create->query->base, LOCK_ACCESS_SHARE, WORK_ROWS,
                     "its rows are copied");
}

static void read_publication(const EffectReader *reader, const Node *node)
{
    bool is_new = node->node_case == PG_QUERY__NODE__NODE_CREATE_PUBLICATION_STMT;
    const ProtobufCMessage *statement =
        is_new ? &node->create_publication_stmt->base : &node->alter_publication_stmt->base;
    effect_add_reads(reader, statement, LOCK_SHARE_UPDATE_EXCLUSIVE, WORK_NONE, CATALOG);
}

const EffectRow EFFECTS_MAKE[] = {
    { PG_QUERY__NODE__NODE_CREATE_STMT, read_create_table },
    { PG_QUERY__NODE__NODE_INDEX_STMT, read_index },
    { PG_QUERY__NODE__NODE_CREATE_TRIG_STMT, read_trigger },
    { PG_QUERY__NODE__NODE_RULE_STMT, read_rule },
    { PG_QUERY__NODE__NODE_CREATE_POLICY_STMT, read_policy },
    { PG_QUERY__NODE__NODE_ALTER_POLICY_STMT, read_policy },
    { PG_QUERY__NODE__NODE_CREATE_STATS_STMT, read_statistics },
    { PG_QUERY__NODE__NODE_VIEW_STMT, read_view },
    { PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT, read_create_as },
    { PG_QUERY__NODE__NODE_CREATE_PUBLICATION_STMT, read_publication },
    { PG_QUERY__NODE__NODE_ALTER_PUBLICATION_STMT, read_publication },
    { 0, NULL },
};
