/* See alembic_graph.h. */
#include "cli/source/alembic_graph.h"

#include <string.h>

#include "cli/source/lines.h"
#include "common/list.h"

/* ---- reading ---- */

/* "a, b" */
static const char *const *read_ids(const char *text, Arena *arena, size_t *ret_count)
{
    const char **ids = ARENA_ARRAY(arena, const char *, strlen(text) + 1);
    size_t count = 0;
    for (char *rest = arena_strdup(arena, text), *id = NULL; (id = strsep(&rest, ",")) != NULL;) {
        id += strspn(id, " ");
        if (*id != '\0' && !str_equal(id, "<base>")) {
            ids[count++] = id;
        }
    }
    *ret_count = count;
    return ids;
}

/* "ae10 (head) (mergepoint)" */
static const char *read_id(const char *text, Arena *arena)
{
    const char *end = strstr(text, " (");
    return arena_strndup(arena, text, end == NULL ? strlen(text) : (size_t)(end - text));
}

/* What stands behind this label, or NULL. What its author wrote is indented: it is no label. */
static const char *behind(const char *line, const char *label)
{
    return str_starts_with(line, label) ? line + strlen(label) : NULL;
}

static void read_line(const char *line, AlembicNode *node, Arena *arena)
{
    const char *text = NULL;
    if ((text = behind(line, "Parent: ")) != NULL || (text = behind(line, "Merges: ")) != NULL) {
        node->parents = read_ids(text, arena, &node->parent_count);
    } else if ((text = behind(line, "Also depends on: ")) != NULL) {
        node->needs = read_ids(text, arena, &node->need_count);
    } else if ((text = behind(line, "Path: ")) != NULL) {
        node->path = text;
    }
}

void alembic_graph_read(const Str *out, Arena *arena, AlembicGraph *ret_graph)
{
    LIST(AlembicNode) nodes = { 0 };
    Bytes bytes = { (const uint8_t *)str_text(out), out->length };
    for (TextLine at = { 0 }; text_next_line(bytes, &at);) {
        const char *line = arena_strndup(arena, at.start, at.length);
        const char *id = behind(line, "Rev: ");
        if (id != NULL) {
            AlembicNode node = { .id = read_id(id, arena), .path = "" };
            LIST_PUSH(&nodes, node);
        } else if (nodes.count > 0) {
            read_line(line, &nodes.items[nodes.count - 1], arena);
        }
    }
    *ret_graph = (AlembicGraph){ .nodes = ARENA_ARRAY(arena, AlembicNode, nodes.count),
                                 .count = nodes.count };
    for (size_t i = 0; i < nodes.count; i++) {
        ret_graph->nodes[i] = nodes.items[nodes.count - i - 1];
    }
    LIST_DONE(&nodes);
}

/* ---- what stands on what ---- */

long alembic_graph_find(const AlembicGraph *graph, const char *id)
{
    for (size_t i = 0; i < graph->count; i++) {
        if (str_equal(graph->nodes[i].id, id)) {
            return (long)i;
        }
    }
    return -1;
}

bool alembic_graph_stands(const AlembicGraph *graph, size_t node, size_t below)
{
    return graph->below[node * graph->count + below];
}

/* Below `index`: itself, and all that its first `count` parents stand on. */
static ErrCode look_below(AlembicGraph *graph, size_t index, Err *err)
{
    const AlembicNode *node = &graph->nodes[index];
    bool *row = graph->below + index * graph->count;
    row[index] = true;
    for (size_t i = 0; i < node->parent_count; i++) {
        long parent = alembic_graph_find(graph, node->parents[i]);
        if (parent < 0 || (size_t)parent >= index) {
            return err_set(err, ERR_SYNTAX, "alembic prints %s, which %s stands on, %s",
                           node->parents[i], node->id, parent < 0 ? "nowhere" : "after it");
        }
        for (size_t j = 0; j <= (size_t)parent; j++) {
            row[j] = row[j] || alembic_graph_stands(graph, (size_t)parent, j);
        }
    }
    return ERR_NONE;
}

static ErrCode resolve_needs(const AlembicGraph *graph, const AlembicNode *node,
                             AlembicResolve resolve, void *ctx, const char **ids, Err *err)
{
    for (size_t i = 0; i < node->need_count; i++) {
        ids[i] = alembic_graph_find(graph, node->needs[i]) >= 0 ? node->needs[i]
                                                                : resolve(ctx, node->needs[i], err);
        if (ids[i] == NULL) {
            return err->code;
        }
    }
    return ERR_NONE;
}

/* Is the need below a parent, or below another need? Then it says nothing that is not said. */
static bool is_implied(const AlembicGraph *graph, const AlembicNode *node, const char *const *ids,
                       size_t which)
{
    size_t need = (size_t)alembic_graph_find(graph, ids[which]);
    for (size_t i = 0; i < node->parent_count + node->need_count; i++) {
        bool is_parent = i < node->parent_count;
        long other =
            alembic_graph_find(graph, is_parent ? node->parents[i] : ids[i - node->parent_count]);
        bool is_same = other == (long)need && (is_parent || i - node->parent_count < which);
        if (other >= 0 && (is_same || ((size_t)other != need &&
                                       alembic_graph_stands(graph, (size_t)other, need)))) {
            return true;
        }
    }
    return false;
}

static ErrCode take_needs(AlembicGraph *graph, size_t index, AlembicResolve resolve, void *ctx,
                          Arena *arena, Err *err)
{
    AlembicNode *node = &graph->nodes[index];
    const char **ids = ARENA_ARRAY(arena, const char *, node->need_count + 1);
    ErrCode code = resolve_needs(graph, node, resolve, ctx, ids, err);
    if (code != ERR_NONE) {
        return code;
    }
    size_t count = node->parent_count;
    const char **parents = ARENA_ARRAY(arena, const char *, count + node->need_count + 1);
    memcpy(parents, node->parents, count * sizeof(*parents));
    for (size_t i = 0; i < node->need_count; i++) {
        if (alembic_graph_find(graph, ids[i]) < 0 || !is_implied(graph, node, ids, i)) {
            parents[count++] = ids[i];
        }
    }
    node->parents = parents;
    node->parent_count = count;
    return ERR_NONE;
}

ErrCode alembic_graph_close(AlembicGraph *graph, AlembicResolve resolve, void *ctx, Arena *arena,
                            Err *err)
{
    ErrCode code = ERR_NONE;
    graph->below = ARENA_ARRAY(arena, bool, graph->count * graph->count + 1);
    for (size_t i = 0; i < graph->count && code == ERR_NONE; i++) {
        code = take_needs(graph, i, resolve, ctx, arena, err);
        if (code == ERR_NONE) {
            code = look_below(graph, i, err);
        }
    }
    return code;
}
