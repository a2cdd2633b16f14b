/* What catalog.c keeps and catalog_apply.c changes. */
#ifndef SKEIN_CLI_LINT_CATALOG_INTERNAL_H
#define SKEIN_CLI_LINT_CATALOG_INTERNAL_H

#include "cli/lint/catalog.h"
#include "common/map.h"

struct Catalog {
    Arena *arena;
    Map *relations; /* by key: Relation */
    Map *indexes;   /* by key: the key of its relation */
    Map *functions; /* by name: "" where it is IMMUTABLE or STABLE */
    Map *types;     /* by name: UserType */
    size_t migration;
    const char *schema; /* where names without a schema go */
    bool is_utc;
};

/* Where a new relation of this name goes: with its schema, in the catalog's memory. */
Name catalog_place(const Catalog *catalog, Name name);

/* The name of a known relation as it is kept, or else where it would go. */
Name catalog_find_name(const Catalog *catalog, Name name);

/* Takes the relation's place in the maps, with its indexes. */
void catalog_put(Catalog *catalog, const Relation *relation);
void catalog_remove(Catalog *catalog, const Relation *relation);

/* A copy to change and put; of a relation that is not known, one that knows nothing but its name.
 */
Relation *catalog_edit(Catalog *catalog, Name name);

void relation_add_column(Relation *relation, const Column *column, Arena *arena);
void relation_add_constraint(Relation *relation, const TableConstraint *constraint, Arena *arena);
void relation_add_index(Relation *relation, const TableIndex *index, Arena *arena);
void relation_remove_column(Relation *relation, const char *name, Arena *arena);
void relation_remove_constraint(Relation *relation, const char *name, Arena *arena);
void relation_remove_index(Relation *relation, const char *name, Arena *arena);

/* To be changed; the copies that relation_add_… and catalog_edit make are not shared. NULL: none.
 */
Column *relation_edit_column(Relation *relation, const char *name, Arena *arena);
TableConstraint *relation_edit_constraint(Relation *relation, const char *name, Arena *arena);

#endif
