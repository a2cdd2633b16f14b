/* What model.c keeps and model_apply.c changes. */
#ifndef SKEIN_CLI_LINT_MODEL_INTERNAL_H
#define SKEIN_CLI_LINT_MODEL_INTERNAL_H

#include "cli/lint/model.h"
#include "common/map.h"

struct Model {
    Arena *arena;
    Map *relations; /* by key: Relation */
    Map *indexes;   /* by key: the key of its relation */
    Map *functions; /* by name: "" where it is IMMUTABLE or STABLE */
    Map *types;     /* by name: UserType */
    size_t migration;
    const char *schema; /* where names without a schema go */
    bool is_utc;
};

/* Where a new relation of this name goes: with its schema, in the model's memory. */
Name model_place(const Model *model, Name name);

/* The name of a known relation as it is kept, or else where it would go. */
Name model_find_name(const Model *model, Name name);

/* Takes the relation's place in the maps, with its indexes. */
void model_put(Model *model, const Relation *relation);
void model_remove(Model *model, const Relation *relation);

/* A copy to change and put; of a relation that is not known, one that
 * knows nothing but its name. */
Relation *model_edit(Model *model, Name name);

void relation_add_column(Relation *relation, const Column *column, Arena *arena);
void relation_add_constraint(Relation *relation, const TableConstraint *constraint, Arena *arena);
void relation_add_index(Relation *relation, const TableIndex *index, Arena *arena);
void relation_remove_column(Relation *relation, const char *name, Arena *arena);
void relation_remove_constraint(Relation *relation, const char *name, Arena *arena);
void relation_remove_index(Relation *relation, const char *name, Arena *arena);

/* To be changed; the copies that relation_add_… and model_edit make are not
 * shared. NULL: none. */
Column *relation_edit_column(Relation *relation, const char *name, Arena *arena);
TableConstraint *relation_edit_constraint(Relation *relation, const char *name, Arena *arena);

/* A column or a constraint, with what comes of it: keys, indexes, NOT NULL. `column`: where it
 * stands beside one; NULL otherwise. */
void model_add_column(Model *model, Relation *relation, const PgQuery__ColumnDef *definition);
void model_add_constraint(Model *model, Relation *relation, const PgQuery__Constraint *constraint,
                          const char *column);

/* Columns and domains of the type go by its new name. */
void model_rename_type(Model *model, Name name, const char *to);

/* The rows of model_apply.c that other files hold: model_alter.c, then model_types.c. */
void model_apply_alter_table(Model *model, const Node *node);
void model_apply_rename(Model *model, const Node *node);
void model_apply_set_schema(Model *model, const Node *node);
void model_apply_function(Model *model, const Node *node);
void model_apply_enum(Model *model, const Node *node);
void model_apply_domain(Model *model, const Node *node);
void model_apply_alter_domain(Model *model, const Node *node);

#endif
