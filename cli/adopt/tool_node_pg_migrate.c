/*
 * node-pg-migrate: a row for each migration that is applied, by its file's name without the suffix.
 * The tool compares their order, by run_on, with that of the files.
 */
#include "cli/adopt/tool.h"

static void query(const char *table, Str *out)
{
    str_printf(out,
               "SELECT v.id, t.name::pg_catalog.text, ''::pg_catalog.text FROM %s t"
               " LEFT JOIN v ON v.id = t.name ORDER BY t.run_on, t.id",
               table);
}

/* run_on has no time zone: a row is never older than those before it, wherever they were written.
 */
static void mirror(const ToolStep *step, Str *out)
{
    if (step->is_down) {
        str_printf(out, "DELETE FROM %s WHERE name = ", step->table);
        tool_literal(step->migration->id, out);
        return;
    }
    str_printf(out, "INSERT INTO %s (name, run_on) SELECT ", step->table);
    tool_literal(step->migration->id, out);
    str_printf(out,
               ", greatest(pg_catalog.now()::pg_catalog.timestamp, pg_catalog.max(t.run_on))"
               " FROM %s t HAVING NOT EXISTS (SELECT FROM %s k WHERE k.name = ",
               step->table, step->table);
    tool_literal(step->migration->id, out);
    str_append(out, ")");
}

static void rewrite(const ToolStep *step, const PlanMigration *old, Str *out)
{
    str_printf(out, "UPDATE %s SET name = ", step->table);
    tool_literal(step->migration->id, out);
    str_append(out, " WHERE name = ");
    tool_literal(old->id, out);
    str_printf(out, " AND NOT EXISTS (SELECT FROM %s k WHERE k.name = ", step->table);
    tool_literal(step->migration->id, out);
    str_append(out, ")");
}

const Tool tool_node_pg_migrate = {
    .name = "node-pg-migrate",
    .has = "run_on",
    .table = "pgmigrations",
    .schema = "public",
    .format = "node-pg-migrate",
    .query = query,
    .is_by_id = true,
    .mirror = mirror,
    .rewrite = rewrite,
};
