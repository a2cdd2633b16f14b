/*
 * Flyway: a row for each thing that it did, of which the newest of a version or of a repeatable
 * counts. A baseline stands for all versions up to its own. Versions are equal as numbers: 1 is 1.0
 * is 001.
 */
#include "cli/adopt/tool.h"

/* The numbers of a version, without the zeros at its end. */
#define KEY(version)                                                                               \
    "pg_catalog.string_to_array(pg_catalog.regexp_replace(pg_catalog.replace(" version             \
    ", '_', '.'), '([.]0+)+$', ''), '.')::pg_catalog.numeric[]"

static void query(const char *table, Str *out)
{
    str_append(out, ", k (id, script, key) AS (SELECT id, pg_catalog.split_part(id, '@', 1),"
                    " CASE WHEN version <> '' THEN " KEY("version") " END FROM v)");
    str_printf(
        out,
        ", t AS (SELECT DISTINCT ON (version, CASE WHEN version IS NULL THEN script END)"
        " installed_rank, type, success,"
        " pg_catalog.regexp_replace(script, '^.*/|[.][^.]*$', '', 'g') AS script,"
        " CASE WHEN version IS NOT NULL THEN " KEY(
            "version::pg_catalog.text") " END AS key FROM %s WHERE type <> 'SCHEMA'"
                                        " ORDER BY version, CASE WHEN version IS NULL THEN script END, installed_rank DESC)",
        table);
    str_append(out,
               " SELECT k.id, t.script, CASE WHEN NOT t.success THEN t.script || ' has failed' END"
               " FROM t LEFT JOIN k ON CASE WHEN t.key IS NULL THEN k.script = t.script"
               "  WHEN t.type LIKE '%BASELINE' THEN k.key <= t.key ELSE k.key = t.key END"
               " WHERE t.type NOT LIKE 'UNDO%' AND t.type <> 'DELETE'"
               " AND (k.id IS NOT NULL OR t.type NOT LIKE '%BASELINE')"
               " ORDER BY t.installed_rank, k.key");
}

const Tool tool_flyway = {
    .name = "flyway",
    .table = "flyway_schema_history",
    .format = "flyway",
    .query = query,
};
