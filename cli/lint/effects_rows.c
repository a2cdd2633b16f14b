/* Statements about rows and files: reading, writing, locking, maintenance. */
#include "cli/lint/effects_internal.h"
#include "cli/source/tree_option.h"

#include <strings.h>

#include "common/str.h"

static const char ROWS[] = "rows are written";
static const char EVERY_ROW[] = "without a WHERE every row is written";

/* ---- reading and writing ---- */

static void write_rows(const EffectReader *reader, const PgQuery__RangeVar *table,
                       bool is_every_row)
{
    Effect effect = {
        .table = name_of_relation(table),
        .lock = LOCK_ROW_EXCLUSIVE,
        .work = is_every_row ? WORK_SCAN : WORK_ROWS,
        .why = is_every_row ? EVERY_ROW : ROWS,
    };
    effect_add(reader, &effect);
}

static bool visit_writer(const ProtobufCMessage *message, void *context)
{
    const EffectReader *reader = context;
    if (message->descriptor == &pg_query__insert_stmt__descriptor) {
        write_rows(reader, ((const PgQuery__InsertStmt *)message)->relation, false);
    } else if (message->descriptor == &pg_query__merge_stmt__descriptor) {
        write_rows(reader, ((const PgQuery__MergeStmt *)message)->relation, false);
    } else if (message->descriptor == &pg_query__update_stmt__descriptor) {
        const PgQuery__UpdateStmt *update = (const PgQuery__UpdateStmt *)message;
        write_rows(reader, update->relation,
                   update->where_clause == NULL && update->n_from_clause == 0);
    } else if (message->descriptor == &pg_query__delete_stmt__descriptor) {
        const PgQuery__DeleteStmt *removal = (const PgQuery__DeleteStmt *)message;
        write_rows(reader, removal->relation,
                   removal->where_clause == NULL && removal->n_using_clause == 0);
    }
    return true;
}

/* Any of them may stand in the WITH of any other. */
static void read_query(const EffectReader *reader, const Node *node)
{
    bool locks_rows = node->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
                      node->select_stmt->n_locking_clause > 0;
    tree_walk(&node->base, visit_writer, (void *)reader);
    effect_add_reads(reader, &node->base, locks_rows ? LOCK_ROW_SHARE : LOCK_ACCESS_SHARE,
                     WORK_ROWS, "rows are read");
}

static void read_copy(const EffectReader *reader, const Node *node)
{
    const PgQuery__CopyStmt *copy = node->copy_stmt;
    if (copy->relation != NULL) {
        effect_add(reader, &(Effect){
                               .table = name_of_relation(copy->relation),
                               .lock = copy->is_from ? LOCK_ROW_EXCLUSIVE : LOCK_ACCESS_SHARE,
                               .work = copy->is_from ? WORK_ROWS : WORK_SCAN,
                               .why = copy->is_from ? ROWS : "every row is read",
                           });
    }
}

static void read_truncate(const EffectReader *reader, const Node *node)
{
    const PgQuery__TruncateStmt *truncate = node->truncate_stmt;
    for (size_t i = 0; i < truncate->n_relations; i++) {
        const PgQuery__RangeVar *table = truncate->relations[i]->range_var;
        Effect effect = {
            .table = name_of_relation(table),
            .lock = LOCK_ACCESS_EXCLUSIVE,
            .work = WORK_EMPTY,
            .why = "every row is gone",
        };
        effect_add(reader, &effect);
        if (table->inh) {
            effect_add_heirs(reader, &effect);
        }
        if (truncate->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) {
            effect_add_referrers(reader, model_relation(reader->model, effect.table), NULL,
                                 &effect);
        }
    }
}

static void read_lock(const EffectReader *reader, const Node *node)
{
    const PgQuery__LockStmt *lock = node->lock_stmt;
    for (size_t i = 0; i < lock->n_relations; i++) {
        const PgQuery__RangeVar *table = lock->relations[i]->range_var;
        Effect effect = {
            .table = name_of_relation(table),
            .lock = (LockMode)lock->mode, /* PostgreSQL's numbers are in the same order */
            .why = "the statement asks for it",
        };
        effect_add(reader, &effect);
        if (table->inh) {
            effect_add_heirs(reader, &effect);
        }
    }
}

/* ---- maintenance ---- */

static void read_vacuum(const EffectReader *reader, const Node *node)
{
    const PgQuery__VacuumStmt *vacuum = node->vacuum_stmt;
    bool is_full = option_is_on(vacuum->options, vacuum->n_options, "full", false);
    for (size_t i = 0; i < vacuum->n_rels; i++) {
        Effect effect = {
            .table = name_of_relation(vacuum->rels[i]->vacuum_relation->relation),
            .lock = is_full ? LOCK_ACCESS_EXCLUSIVE : LOCK_SHARE_UPDATE_EXCLUSIVE,
            .work = is_full                ? WORK_REWRITE
                    : vacuum->is_vacuumcmd ? WORK_SCAN
                                           : WORK_ROWS,
            .why = is_full                ? "the table is written anew without its dead rows"
                   : vacuum->is_vacuumcmd ? "dead rows are removed while others go on"
                                          : "a sample of the rows is read",
        };
        effect_add(reader, &effect);
    }
    if (vacuum->n_rels == 0) {
        effects_are_hidden(reader);
    }
}

static void read_cluster(const EffectReader *reader, const Node *node)
{
    effect_add(reader, &(Effect){
                           .table = name_of_relation(node->cluster_stmt->relation),
                           .lock = LOCK_ACCESS_EXCLUSIVE,
                           .work = WORK_REWRITE,
                           .why = "the table is written anew in the order of an index",
                       });
    if (node->cluster_stmt->relation == NULL) {
        effects_are_hidden(reader);
    }
}

static void read_reindex(const EffectReader *reader, const Node *node)
{
    const PgQuery__ReindexStmt *reindex = node->reindex_stmt;
    bool is_concurrent = option_is_on(reindex->params, reindex->n_params, "concurrently", false);
    Effect effect = {
        .table = name_of_relation(reindex->relation),
        .lock = is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE,
        .work = WORK_BUILD,
        .why = is_concurrent ? "the index is built anew while others read and write"
                             : "nobody may write, or read by the index, while it is built anew",
    };
    if (reindex->kind == PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_INDEX) {
        const Relation *relation = model_index(reader->model, effect.table, NULL);
        effect.is_index = relation == NULL;
        effect.table = relation == NULL ? effect.table : relation_plain_name(relation);
    } else if (reindex->kind != PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_TABLE) {
        effects_are_hidden(reader);
        return;
    }
    effect_add(reader, &effect);
}

static void read_refresh(const EffectReader *reader, const Node *node)
{
    const PgQuery__RefreshMatViewStmt *refresh = node->refresh_mat_view_stmt;
    effect_add(reader, &(Effect){
                           .table = name_of_relation(refresh->relation),
                           .lock = refresh->concurrent ? LOCK_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE,
                           .work = refresh->concurrent ? WORK_SCAN : WORK_REWRITE,
                           .why = refresh->concurrent ? "only rows that differ are written"
                                                      : "its query runs, and every row is written",
                       });
}

static void read_sequence(const EffectReader *reader, const Node *node)
{
    effect_add_lock(reader, name_of_relation(node->alter_seq_stmt->sequence),
                    LOCK_SHARE_ROW_EXCLUSIVE, "its parameters change");
}

/* ---- domains ---- */

static bool has_domain(const Model *model, const Relation *relation, const char *domain)
{
    for (size_t i = 0; i < relation->column_count; i++) {
        if (model_is_of_domain(model, &relation->columns[i].type, domain)) {
            return true;
        }
    }
    return false;
}

bool effect_checks_domain(const PgQuery__AlterDomainStmt *alter)
{
    bool is_constraint = str_equal(alter->subtype, "C") && alter->def != NULL;
    return str_equal(alter->subtype, "O") || str_equal(alter->subtype, "V") ||
           (is_constraint && !alter->def->constraint->skip_validation);
}

/* A new constraint of a domain is checked in every table that has a column of it. */
static void read_domain(const EffectReader *reader, const Node *node)
{
    const PgQuery__AlterDomainStmt *alter = node->alter_domain_stmt;
    bool is_checked = effect_checks_domain(alter);
    const char *domain = name_of_strings(alter->type_name, alter->n_type_name, 0).name;
    void *cursor = NULL;
    const Relation *relation = NULL;
    while (is_checked && (relation = model_next(reader->model, &cursor)) != NULL) {
        if (has_domain(reader->model, relation, domain)) {
            effect_add(reader, &(Effect){
                                   .table = relation_plain_name(relation),
                                   .lock = LOCK_SHARE,
                                   .work = WORK_SCAN,
                                   .why = "every row is checked against the domain's constraint",
                               });
        }
    }
    if (is_checked && reader->effects->count == 0) {
        effects_are_hidden(reader);
    }
}

const EffectRow EFFECTS_ROWS[] = {
    { PG_QUERY__NODE__NODE_SELECT_STMT, read_query },
    { PG_QUERY__NODE__NODE_INSERT_STMT, read_query },
    { PG_QUERY__NODE__NODE_UPDATE_STMT, read_query },
    { PG_QUERY__NODE__NODE_DELETE_STMT, read_query },
    { PG_QUERY__NODE__NODE_MERGE_STMT, read_query },
    { PG_QUERY__NODE__NODE_COPY_STMT, read_copy },
    { PG_QUERY__NODE__NODE_TRUNCATE_STMT, read_truncate },
    { PG_QUERY__NODE__NODE_LOCK_STMT, read_lock },
    { PG_QUERY__NODE__NODE_VACUUM_STMT, read_vacuum },
    { PG_QUERY__NODE__NODE_CLUSTER_STMT, read_cluster },
    { PG_QUERY__NODE__NODE_REINDEX_STMT, read_reindex },
    { PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT, read_refresh },
    { PG_QUERY__NODE__NODE_ALTER_SEQ_STMT, read_sequence },
    { PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT, read_domain },
    { 0, NULL },
};
