/*
 * Atlas: a row for each file. A baseline stands for all up to its own version, and so does a
 * checkpoint that the directory has further files before. One that did not come to its end has
 * applied fewer statements than it has.
 */
#include "cli/adopt/tool.h"
#include "cli/source/atlas.h"

#define CLOUD_ROW "'.atlas_cloud_identifier'" /* no migration: whose account it is */

static void append_checkpoints(const MigrationSet *set, Str *out)
{
    str_append(out, ", k (version) AS (VALUES (NULL::pg_catalog.text)");
    const AtlasMigration *own = set->count == 0 ? NULL : set->own[0];
    for (size_t i = 0; own != NULL && i < own->directory->checkpoint_count; i++) {
        str_append(out, ", (");
        tool_literal(own->directory->checkpoints[i], out);
        str_append(out, ")");
    }
    str_append(out, ")");
}

static void query_own(const MigrationSet *set, const char *table, Str *out)
{
    append_checkpoints(set, out);
    str_printf(
        out,
        " SELECT v.id, t.version::pg_catalog.text, CASE WHEN t.applied < t.total OR"
        " coalesce(t.error, '') <> '' THEN 'version ' || t.version || ' stopped at statement '"
        " || t.applied || ' of ' || t.total || ': mend what"
        " stopped it, and `atlas migrate apply` goes on from there' END FROM %s t"
        " LEFT JOIN v ON v.version = t.version::pg_catalog.text OR (v.version COLLATE \"C\" <"
        " t.version::pg_catalog.text AND (t.type = 1 OR t.version IN (SELECT k.version FROM k)))"
        " WHERE t.version <> " CLOUD_ROW " ORDER BY t.version, v.version",
        table);
}

/* Of another tool's directories: they have no checkpoints. */
static void query(const char *table, Str *out)
{
    query_own(&(MigrationSet){ 0 }, table, out);
}

/* A type of 2 is one that ran. Atlas counts statements; these are skein's. It has no downs: what
 * goes is a row whose file is gone. */
static void mirror(const ToolStep *step, Str *out)
{
    const AtlasMigration *own = step->own;
    if (step->is_down) {
        str_printf(out, "DELETE FROM %s WHERE type = 2 AND version = ", step->table);
        tool_literal(step->migration->version, out);
        return;
    }
    const char *const texts[] = { step->migration->version, own->description, own->hash };
    str_printf(out,
               "INSERT INTO %s (version, description, hash, type, applied, total, executed_at,"
               " execution_time, operator_version) VALUES (",
               step->table);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        tool_literal(texts[i], out);
        str_append(out, ", ");
    }
    str_printf(out,
               "2, %zu, %zu, pg_catalog.clock_timestamp(), 0, 'skein')"
               " ON CONFLICT (version) DO NOTHING",
               step->migration->up.count, step->migration->up.count);
}

static void rewrite(const ToolStep *step, const PlanMigration *old, Str *out)
{
    const AtlasMigration *own = step->own;
    str_printf(out, "UPDATE %s SET version = ", step->table);
    tool_literal(step->migration->version, out);
    str_append(out, ", description = ");
    tool_literal(own->description, out);
    str_append(out, ", hash = ");
    tool_literal(own->hash, out);
    str_append(out, " WHERE type = 2 AND version = ");
    tool_literal(old->version, out);
    if (!str_equal(old->version, step->migration->version)) {
        str_printf(out, " AND NOT EXISTS (SELECT FROM %s k WHERE k.version = ", step->table);
        tool_literal(step->migration->version, out);
        str_append(out, ")");
    }
}

const Tool tool_atlas = {
    .name = "atlas",
    .has = "partial_hashes",
    .table = "atlas_schema_revisions",
    .schema = "atlas_schema_revisions",
    .format = "atlas",
    .query = query,
    .query_own = query_own,
    .mirror = mirror,
    .rewrite = rewrite,
    .needs_own = true,
};
