/*
 * Tools that keep a row for each migration that is applied, with its version: dbmate, Rails and
 * diesel.
 */
#include "cli/adopt/tool.h"

/* Of those that have a version, too, and would answer the question. */
#define MARKS_OF_OTHERS "dirty,run_on,installed_rank,partial_hashes"

static void query(const char *table, Str *out)
{
    str_printf(out,
               "SELECT v.id, t.version::pg_catalog.text, ''::pg_catalog.text FROM %s t"
               " LEFT JOIN v ON v.version = t.version::pg_catalog.text ORDER BY t.version",
               table);
}

static void mirror(const ToolStep *step, Str *out)
{
    if (step->is_down) {
        str_printf(out, "DELETE FROM %s WHERE version = ", step->table);
        tool_literal(step->migration->version, out);
        return;
    }
    str_printf(out, "INSERT INTO %s (version) VALUES (", step->table);
    tool_literal(step->migration->version, out);
    str_append(out, ") ON CONFLICT DO NOTHING");
}

const Tool tool_dbmate = {
    .name = "dbmate",
    .has = "version",
    .lacks = MARKS_OF_OTHERS,
    .table = "schema_migrations",
    .is_in_first = true,
    .place = { .variable = "DBMATE_MIGRATIONS_TABLE", .spelling = TOOL_SPELLS_PARTS },
    .format = "dbmate",
    .query = query,
    .mirror = mirror,
};

const Tool tool_rails = {
    .name = "rails",
    .has = "version",
    .lacks = MARKS_OF_OTHERS,
    .table = "schema_migrations",
    .query = query,
    .mirror = mirror,
};

const Tool tool_diesel = {
    .name = "diesel",
    .has = "run_on",
    .table = "__diesel_schema_migrations",
    .is_in_first = true,
    .format = "diesel",
    .query = query,
    .mirror = mirror,
};
