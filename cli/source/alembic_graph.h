/*
 * How Alembic's revisions stand on each other, in the order that Alembic applies them in, as
 * "alembic history --verbose" prints it: from the files alone, without a database and without any
 * SQL. What a revision needs (depends_on) counts as what it stands on: for Alembic it does, too.
 */
#ifndef SKEIN_CLI_SOURCE_ALEMBIC_GRAPH_H
#define SKEIN_CLI_SOURCE_ALEMBIC_GRAPH_H

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

typedef struct AlembicNode {
    const char *id;
    const char *path;           /* of its file, as Alembic says it; "": not known */
    const char *const *parents; /* ids: what it revises first; what it needs besides, if that is not
                                   below another of them */
    size_t parent_count;
    const char *const *needs; /* depends_on as it is written: ids, parts of ids, or labels */
    size_t need_count;
} AlembicNode;

/* Everything is in the arena that it was read into. */
typedef struct AlembicGraph {
    AlembicNode *nodes; /* each above all that it stands on */
    size_t count;
    bool *below; /* count * count: see alembic_graph_stands */
} AlembicGraph;

/* The entries of such an output, oldest first; `parents` is what they revise. */
void alembic_graph_read(const Str *out, Arena *arena, AlembicGraph *ret_graph);

/* Says which revision a need is of. NULL, with *err: of none. */
typedef const char *(*AlembicResolve)(void *ctx, const char *need, Err *err);

/*
 * Takes what each needs among its parents, and looks what stands on what. Ids that are none of the
 * nodes are asked of `resolve`. ERR_SYNTAX where a parent does not stand above its node.
 */
ErrCode alembic_graph_close(AlembicGraph *graph, AlembicResolve resolve, void *ctx, Arena *arena,
                            Err *err);

/* -1: there is none. */
long alembic_graph_find(const AlembicGraph *graph, const char *id);

/* Is it `below` itself, or does it stand on it? Of a graph that is closed. */
bool alembic_graph_stands(const AlembicGraph *graph, size_t node, size_t below);

#endif
