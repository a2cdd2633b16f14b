/*
 * graphile-migrate: a row for each committed migration, by its hash, which holds all that was
 * before it. The tool goes on behind the last file's number; that nothing undoes a migration is its
 * own rule.
 */
#include "cli/adopt/tool.h"
#include "cli/source/graphile.h"

static void query_own(const MigrationSet *set, const char *table, Str *out)
{
    str_append(out, ", h (id, filename, hash) AS (VALUES ");
    for (size_t i = 0; i < set->count; i++) {
        const GraphileMigration *own = set->own[i];
        str_append(out, i == 0 ? "(" : ", (");
        tool_literal(set->migrations[i].id, out);
        str_append(out, ", ");
        tool_literal(own->filename, out);
        str_append(out, ", ");
        tool_literal(own->hash, out);
        str_append(out, ")");
    }
    str_printf(out,
               ") SELECT v.id, t.filename, CASE WHEN h.hash <> t.hash THEN t.filename ||"
               " ' was applied as ' || t.hash || ', and its file is ' || h.hash END"
               " FROM %s t LEFT JOIN h ON h.filename = t.filename LEFT JOIN v ON v.id = h.id"
               " ORDER BY t.filename",
               table);
}

/* It has no downs: what goes is a row whose file is gone. */
static void mirror(const ToolStep *step, Str *out)
{
    const GraphileMigration *own = step->own;
    if (step->is_down) {
        str_printf(out, "DELETE FROM %s WHERE filename = ", step->table);
        tool_literal(step->migration->version, out);
        str_append(out, " || '.sql'");
        return;
    }
    str_printf(out, "INSERT INTO %s (hash, previous_hash, filename) VALUES (", step->table);
    tool_literal(own->hash, out);
    str_append(out, ", ");
    if (own->previous == NULL) {
        str_append(out, "NULL");
    } else {
        tool_literal(own->previous, out);
    }
    str_append(out, ", ");
    tool_literal(own->filename, out);
    str_append(out, ") ON CONFLICT (hash) DO NOTHING");
}

const Tool tool_graphile_migrate = {
    .name = "graphile-migrate",
    .has = "hash",
    .table = "graphile_migrate.migrations",
    .is_of_database = true,
    .format = "graphile-migrate",
    .query_own = query_own,
    .mirror = mirror,
    .needs_own = true,
};
