/*
 * golang-migrate: one row, the version that was come to, and whether it is dirty. What lies below
 * it is applied, as the tool has no other way. A move is written down as dirty before it begins: up
 * as where it goes, down as what is below, which is -1 below the first.
 */
#include "cli/adopt/tool.h"

static void query(const char *table, Str *out)
{
    str_printf(out,
               "SELECT v.id, t.version::pg_catalog.text, CASE WHEN t.dirty AND"
               " coalesce(v.version = t.version, true) THEN 'version ' || t.version || ' is dirty:"
               " its up, or the down of what is above it, broke off, and may be there in part:"
               " set that right, then `migrate force` to what is there' END FROM %s t LEFT JOIN v"
               " ON v.version <= t.version AND t.version IN (SELECT w.version FROM v w)"
               " WHERE t.version >= 0 OR t.dirty ORDER BY v.version",
               table);
}

/* A migration that comes late, below where the table stands, leaves it there. */
static void mirror_up(const ToolStep *step, Str *out)
{
    const char *version = step->migration->version;
    str_printf(out, "WITH gone AS (DELETE FROM %s WHERE version < ", step->table);
    tool_literal(version, out);
    str_printf(out, ") INSERT INTO %s (version, dirty) SELECT ", step->table);
    tool_literal(version, out);
    str_printf(out, "::pg_catalog.int8, false WHERE NOT EXISTS (SELECT FROM %s WHERE version >= ",
               step->table);
    tool_literal(version, out);
    str_append(out, ")");
}

/* So does one that goes from below there. */
static void mirror_down(const ToolStep *step, Str *out)
{
    bool is_first = step->before == NULL;
    if (is_first) {
        str_printf(out, "DELETE FROM %s", step->table);
    } else {
        str_printf(out, "UPDATE %s SET version = ", step->table);
        tool_literal(step->before->version, out);
        str_append(out, ", dirty = false");
    }
    str_append(out, " WHERE version = ");
    tool_literal(step->migration->version, out);
}

static void mirror(const ToolStep *step, Str *out)
{
    if (step->is_down) {
        mirror_down(step, out);
    } else {
        mirror_up(step, out);
    }
}

const Tool tool_golang_migrate = {
    .name = "golang-migrate",
    .has = "dirty",
    .keeps_newest = true,
    .hides_rest = true,
    .table = "schema_migrations",
    .is_in_first = true,
    .place = { .parameter = "x-migrations-table",
               .is_quoted_parameter = "x-migrations-table-quoted",
               .spelling = TOOL_SPELLS_WHOLE },
    .format = "golang-migrate",
    .query = query,
    .is_numeric = true,
    .mirror = mirror,
};
