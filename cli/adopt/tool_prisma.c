/*
 * Prisma: a row for each attempt. One that has neither finished nor been rolled back stopped half
 * way. The checksum is compared: a row with another one is a migration that was changed.
 */
#include "cli/adopt/tool.h"
#include "cli/source/prisma.h"

static void query(const char *table, Str *out)
{
    str_printf(
        out,
        "SELECT v.id, t.migration_name::pg_catalog.text, CASE WHEN t.finished_at IS NULL THEN"
        " 'migration ' || t.migration_name || ' has begun, and neither finished nor been"
        " rolled back, and may be there in part: set that right, then `prisma migrate resolve`"
        " with --applied or --rolled-back' END FROM"
        " (SELECT DISTINCT ON (migration_name) migration_name, started_at, finished_at"
        "  FROM %s WHERE rolled_back_at IS NULL"
        "  ORDER BY migration_name, finished_at DESC NULLS FIRST) t"
        " LEFT JOIN v ON v.version = t.migration_name ORDER BY t.started_at",
        table);
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
    .mirror = mirror,
    .rewrite = rewrite,
    .needs_own = true,
};
