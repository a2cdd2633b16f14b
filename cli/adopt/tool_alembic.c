/*
 * Alembic: its table holds the heads alone. What a head stands on is applied, too; a revision that
 * comes takes the place of its parents, and one that goes gives it back to those of them that
 * nothing else stands on.
 */
#include "cli/adopt/tool.h"
#include "cli/source/alembic.h"

static void append_pairs(const MigrationSet *set, Str *out)
{
    const char *comma = "";
    for (size_t i = 0; i < set->count; i++) {
        const AlembicRevision *revision = set->own[i];
        for (size_t j = 0; j < revision->parent_count || j == 0; j++) {
            str_printf(out, "%s(%zu, ", comma, i);
            tool_literal(revision->id, out);
            str_append(out, ", ");
            if (revision->parent_count == 0) {
                str_append(out, "NULL");
            } else {
                tool_literal(revision->parents[j], out);
            }
            str_append(out, ")");
            comma = ", ";
        }
    }
}

static void query_own(const MigrationSet *set, const char *table, Str *out)
{
    str_append(out, "SELECT v.id, t.id, ''::pg_catalog.text FROM (WITH RECURSIVE"
                    " p (place, id, parent) AS (VALUES ");
    append_pairs(set, out);
    str_printf(out,
               "), a (id) AS (SELECT version_num::pg_catalog.text FROM %s"
               "  UNION SELECT p.parent FROM a JOIN p ON p.id = a.id WHERE p.parent IS NOT NULL)"
               " SELECT a.id, pg_catalog.min(p.place) AS place FROM a LEFT JOIN p ON p.id = a.id"
               " GROUP BY a.id) t LEFT JOIN v ON v.version = t.id ORDER BY t.place",
               table);
}

/* ---- mirror ---- */

static bool stands_on(const AlembicRevision *revision, const char *id)
{
    for (size_t i = 0; i < revision->parent_count; i++) {
        if (str_equal(revision->parents[i], id)) {
            return true;
        }
    }
    return false;
}

/* Of all, in the order that they are applied in, which stand on `below`, near or far. */
static const bool *find_above(const AlembicRevision *of, const char *below, Arena *arena)
{
    bool *is_above = ARENA_ARRAY(arena, bool, of->all_count);
    for (size_t i = 0; i < of->all_count; i++) {
        is_above[i] = stands_on(of->all[i], below);
        for (size_t j = 0; j < i && !is_above[i]; j++) {
            is_above[i] = is_above[j] && stands_on(of->all[i], of->all[j]->id);
        }
    }
    return is_above;
}

/* ('a', ARRAY['a', …]): a revision, then itself and all that stands on it, but for the one that
 * goes (NULL: it is none of these). */
static void append_standing(const AlembicRevision *of, const char *id, const AlembicRevision *gone,
                            Str *out)
{
    AUTO(Arena) arena = { 0 };
    const bool *is_above = find_above(of, id, &arena);
    str_append(out, "(");
    tool_literal(id, out);
    str_append(out, ", ARRAY[");
    tool_literal(id, out);
    for (size_t i = 0; i < of->all_count; i++) {
        if (is_above[i] && of->all[i] != gone) {
            str_append(out, ", ");
            tool_literal(of->all[i]->id, out);
        }
    }
    str_append(out, "])");
}

/* Of the rows that are said, those of which nothing stands in the table: neither they nor what is
 * above them. */
static void append_unless_standing(const ToolStep *step, Str *out)
{
    str_printf(out,
               ") x (id, standing) WHERE NOT EXISTS (SELECT FROM %s t"
               " WHERE t.version_num = ANY (x.standing))",
               step->table);
}

static void append_delete(const ToolStep *step, const char *const *ids, size_t count, Str *out)
{
    str_printf(out, "DELETE FROM %s WHERE version_num IN (", step->table);
    for (size_t i = 0; i < count; i++) {
        str_append(out, i == 0 ? "" : ", ");
        tool_literal(ids[i], out);
    }
    str_append(out, ")");
}

static void mirror_up(const ToolStep *step, const AlembicRevision *revision, Str *out)
{
    if (revision->parent_count > 0) {
        str_append(out, "WITH g AS (");
        append_delete(step, revision->parents, revision->parent_count, out);
        str_append(out, ") ");
    }
    str_printf(out, "INSERT INTO %s (version_num) SELECT ", step->table);
    tool_literal(revision->id, out);
    str_printf(out, " WHERE NOT EXISTS (SELECT FROM %s WHERE version_num = ", step->table);
    tool_literal(revision->id, out);
    str_append(out, ")");
}

static void mirror_down(const ToolStep *step, const AlembicRevision *revision, Str *out)
{
    if (revision->parent_count == 0) {
        append_delete(step, &revision->id, 1, out);
        return;
    }
    str_append(out, "WITH g AS (");
    append_delete(step, &revision->id, 1, out);
    str_printf(out, ") INSERT INTO %s (version_num) SELECT x.id FROM (VALUES ", step->table);
    for (size_t i = 0; i < revision->parent_count; i++) {
        str_append(out, i == 0 ? "" : ", ");
        append_standing(revision, revision->parents[i], revision, out);
    }
    append_unless_standing(step, out);
}

/* Applied, and nothing that is applied stands on it. */
static bool is_head(const ToolStep *step, size_t index)
{
    AUTO(Arena) arena = { 0 };
    const AlembicRevision *revision = step->set->own[index];
    bool has_next = !step->stands[index];
    for (size_t i = index + 1; i < step->set->count && !has_next; i++) {
        has_next = step->stands[i] && stands_on(step->set->own[i], revision->id);
    }
    const bool *is_above = has_next ? NULL : find_above(revision, revision->id, &arena);
    for (size_t i = index + 1; i < step->set->count && !has_next; i++) {
        has_next = step->stands[i] && is_above[i];
    }
    return !has_next;
}

/* What it stood on, its file would say. It was the head of its branch, so that branch ends with
 * what is left of it now, and each of the others with what stands in the table. */
static void mirror_gone(const ToolStep *step, Str *out)
{
    const char *id = step->migration->version;
    if (step->before == NULL) {
        append_delete(step, &id, 1, out);
        return;
    }
    str_append(out, "WITH g AS (");
    append_delete(step, &id, 1, out);
    str_printf(out, " RETURNING 1) INSERT INTO %s (version_num) SELECT x.id FROM g, (VALUES ",
               step->table);
    const char *comma = "";
    for (size_t i = 0; i < step->set->count; i++) {
        const AlembicRevision *revision = step->set->own[i];
        if (is_head(step, i)) {
            str_append(out, comma);
            append_standing(revision, revision->id, NULL, out);
            comma = ", ";
        }
    }
    append_unless_standing(step, out);
}

static void mirror(const ToolStep *step, Str *out)
{
    const AlembicRevision *revision = step->own;
    if (revision == NULL) {
        mirror_gone(step, out);
    } else if (step->is_down) {
        mirror_down(step, revision, out);
    } else {
        mirror_up(step, revision, out);
    }
}

const Tool tool_alembic = {
    .name = "alembic",
    .has = "version_num",
    .hides_rest = true,
    .table = "alembic_version",
    .format = "alembic",
    .query_own = query_own,
    .mirror = mirror,
    .needs_own = true,
};
