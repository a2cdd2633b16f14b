/*
 * Prisma: a row for each attempt. One that has neither finished nor been rolled back stopped half
 * way. The checksum is compared: a row with another one is a migration that was changed.
 */
#include "cli/adopt/tool.h"
#include "cli/source/prisma.h"

static void append_question(const char *table, Str *out)
{
    str_printf(
        out,
        " SELECT v.id, t.migration_name::pg_catalog.text, CASE WHEN t.finished_at IS NULL THEN"
        " 'migration ' || t.migration_name || ' has begun, and neither finished nor been"
        " rolled back, and may be there in part: set that right, then `prisma migrate resolve`"
        " with --applied or --rolled-back' END, CASE WHEN t.checksum <> ALL (h.same) THEN 'its"
        " table has the checksum ' || pg_catalog.left(t.checksum, 12) || '…, and the file has '"
        " || pg_catalog.left(h.same[1], 12) || '…' END FROM"
        " (SELECT DISTINCT ON (migration_name) migration_name, started_at, finished_at, checksum"
        "  FROM %s WHERE rolled_back_at IS NULL"
        "  ORDER BY migration_name, finished_at DESC NULLS FIRST) t"
        " LEFT JOIN v ON v.version = t.migration_name LEFT JOIN h ON h.id = v.id"
        " ORDER BY t.started_at",
        table);
}

static void append_checksums(const MigrationSet *set, Str *out)
{
    str_append(out, ", h (id, same) AS (VALUES (NULL, NULL::pg_catalog.text[])");
    for (size_t i = 0; i < set->count; i++) {
        const PrismaMigration *own = set->own[i];
        str_append(out, ", (");
        tool_literal(set->migrations[i].id, out);
        for (size_t j = 0; j < own->same_count; j++) {
            str_printf(out, "%s'%s'", j == 0 ? ", ARRAY[" : ", ", own->same[j]);
        }
        str_append(out, "])");
    }
    str_append(out, ")");
}

static void query_own(const MigrationSet *set, const char *table, Str *out)
{
    append_checksums(set, out);
    append_question(table, out);
}

/* Of another tool's directories: they say nothing of checksums. */
static void query(const char *table, Str *out)
{
    query_own(&(MigrationSet){ 0 }, table, out);
}

static void append_standing(const ToolStep *step, const PlanMigration *migration, Str *out)
{
    str_printf(out, "%s WHERE rolled_back_at IS NULL AND migration_name = ", step->table);
    tool_literal(migration->version, out);
}

static void mirror(const ToolStep *step, Str *out)
{
    if (step->is_down) {
        str_append(out, "DELETE FROM ");
        append_standing(step, step->migration, out);
        return;
    }
    const PrismaMigration *own = step->own;
    str_printf(out,
               "INSERT INTO %s (id, checksum, migration_name, started_at, finished_at,"
               " applied_steps_count) SELECT pg_catalog.gen_random_uuid()::pg_catalog.text, '%s', ",
               step->table, own->checksum);
    tool_literal(step->migration->version, out);
    str_append(out, ", pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), 1"
                    " WHERE NOT EXISTS (SELECT FROM ");
    append_standing(step, step->migration, out);
    str_append(out, ")");
}

static void rewrite(const ToolStep *step, const PlanMigration *old, Str *out)
{
    const PrismaMigration *own = step->own;
    str_printf(out, "UPDATE %s SET checksum = '%s', migration_name = ", step->table, own->checksum);
    tool_literal(step->migration->version, out);
    str_append(out, " WHERE id IN (SELECT id FROM ");
    append_standing(step, old, out);
    str_append(out, ")");
    if (!str_equal(old->version, step->migration->version)) {
        str_append(out, " AND NOT EXISTS (SELECT FROM ");
        append_standing(step, step->migration, out);
        str_append(out, ")");
    }
}

const Tool tool_prisma = {
    .name = "prisma",
    .has = "finished_at",
    .table = "_prisma_migrations",
    .schema = "public",
    .format = "prisma",
    .query = query,
    .query_own = query_own,
    .mirror = mirror,
    .rewrite = rewrite,
    .needs_own = true,
};
