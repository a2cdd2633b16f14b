/*
 * goose: a row for each move, the newest of a version counts; version 0 is there from the start.
 * Older releases wrote a row for a move down too, newer ones delete.
 */
#include "cli/adopt/tool.h"

static void query(const char *table, Str *out)
{
    str_printf(out,
               "SELECT v.id, t.version_id::pg_catalog.text, ''::pg_catalog.text FROM"
               " (SELECT DISTINCT ON (version_id) version_id, is_applied FROM %s"
               "  ORDER BY version_id, id DESC) t LEFT JOIN v ON v.version = t.version_id"
               " WHERE t.is_applied AND t.version_id <> 0 ORDER BY t.version_id",
               table);
}

static void mirror(const ToolStep *step, Str *out)
{
    if (step->is_down) {
        str_printf(out, "DELETE FROM %s WHERE version_id = ", step->table);
        tool_literal(step->migration->version, out);
        return;
    }
    str_printf(out, "INSERT INTO %s (version_id, is_applied) SELECT ", step->table);
    tool_literal(step->migration->version, out);
    str_printf(out,
               ", true WHERE NOT coalesce((SELECT k.is_applied FROM %s k WHERE k.version_id = ",
               step->table);
    tool_literal(step->migration->version, out);
    str_append(out, " ORDER BY k.id DESC LIMIT 1), false)");
}

const Tool tool_goose = {
    .name = "goose",
    .has = "version_id",
    .table = "goose_db_version",
    .is_in_first = true,
    .place = { .variable = "GOOSE_TABLE" },
    .format = "goose",
    .query = query,
    .is_numeric = true,
    .mirror = mirror,
};
