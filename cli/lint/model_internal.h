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

/* A copy to change and put; of a relation that is not known, one that knows nothing but its name.
 */
Relation *model_edit(Model *model, Name name);

void relation_add_column(Relation *relation, const Column *column, Arena *arena);
void relation_add_constraint(Relation *relation, const TableConstraint *constraint, Arena *arena);
void relation_add_index(Relation *relation, const TableIndex *index, Arena *arena);
void relation_remove_column(Relation *relation, const char *name, Arena *arena);
void relation_remove_constraint(Relation *relation, const char *name, Arena *arena);
void relation_remove_index(Relation *relation, const char *name, Arena *arena);

/* To be changed; the copies that relation_add_… and model_edit make are not shared. NULL: none.
 */
Column *relation_edit_column(Relation *relation, const char *name, Arena *arena);
TableConstraint *relation_edit_constraint(Relation *relation, const char *name, Arena *arena);

#endif
