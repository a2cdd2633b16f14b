/*
 * golang-migrate: one row, the version that was come to, and whether it is dirty. What lies below
 * it is applied, as the tool has no other way.
 */
#include "cli/adopt/tool.h"

static void query(const char *table, Str *out)
{
    str_printf(out,
               "SELECT v.id, t.version::pg_catalog.text, CASE WHEN t.dirty THEN"
               " 'version ' || t.version || ' is dirty' END FROM %s t LEFT JOIN v"
               " ON v.version <= t.version AND t.version IN (SELECT w.version FROM v w)"
               " WHERE t.version >= 0 ORDER BY v.version",
               table);
}

static void mirror(const ToolStep *step, Str *out)
{
    const PlanMigration *now = step->is_down ? step->before : step->migration;
    if (now == NULL) {
        str_printf(out, "DELETE FROM %s", step->table);
        return;
    }
    str_printf(out, "WITH gone AS (DELETE FROM %s WHERE version <> ", step->table);
    tool_literal(now->version, out);
    str_printf(out, ") INSERT INTO %s (version, dirty) VALUES (", step->table);
    tool_literal(now->version, out);
    str_append(out, ", false) ON CONFLICT (version) DO UPDATE SET dirty = false");
}

const Tool tool_golang_migrate = {
    .name = "golang-migrate",
    .table = "schema_migrations",
    .place = { .parameter = "x-migrations-table",
               .is_quoted_parameter = "x-migrations-table-quoted",
               .spelling = TOOL_SPELLS_WHOLE },
    .format = "golang-migrate",
    .query = query,
    .is_numeric = true,
    .mirror = mirror,
};
