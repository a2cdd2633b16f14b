/*
 * Flyway: a row for each thing it has done, in order; the last one of a version counts. A baseline
 * stands for all up to its own. Versions are rows of numbers: 1.0 is 1. What is done again whenever
 * it has changed is known by its file and checksum: with another one it is still to be done.
 *
 * Of the others `flyway validate` compares the checksums of what has one (baselines, and migrations
 * in Java, have none) and lies above the baseline; so does the question here.
 */
#include <inttypes.h>

#include "cli/adopt/tool.h"
#include "cli/source/flyway.h"

#define IS_VERSION(text) text " ~ '^[0-9]+([._][0-9]+)*$'"

/* Such that versions compare as they should; NULL: it is none. */
#define KEY(text)                                                                                  \
    "CASE WHEN " IS_VERSION(text) " THEN pg_catalog.string_to_array(pg_catalog.regexp_replace("    \
                                  "pg_catalog.translate(" text                                     \
                                  ", '_', '.'), '([.]0+)+$', ''), '.')::pg_catalog.numeric[] END"

/* Rows that take back what stood there: of `flyway undo` and `flyway repair`. */
#define IS_GONE "type ~ '^(UNDO|DELETE)'"

/*
 * A file's name without folder and suffix, as an id has it. Of a migration in Java the whole name
 * of its class: what follows its last dot is no suffix.
 */
#define STEM(script) "pg_catalog.regexp_replace(" script ", '^.*/|[.](?!.*__)[^.]*$', '', 'g')"

static void append_repeatables(const MigrationSet *set, Str *out)
{
    str_append(out, ", r (id, stem, checksum, of_file) AS"
                    " (VALUES (NULL, NULL, NULL::pg_catalog.int4, NULL::pg_catalog.int4)");
    for (size_t i = 0; i < set->count; i++) {
        const FlywayMigration *own = set->own[i];
        const char *id = set->migrations[i].id;
        if (set->migrations[i].is_repeatable) {
            str_append(out, ", (");
            tool_literal(id, out);
            str_append(out, ", pg_catalog.split_part(");
            tool_literal(id, out);
            str_printf(out, ", '%c', 1), %" PRId32 ", %" PRId32 ")", PLAN_REPEAT_SIGN,
                       own->checksums->own, own->checksums->of_file);
        }
    }
    str_append(out, ")");
}

static void append_checksums(const MigrationSet *set, Str *out)
{
    str_append(out, ", f (id, checksum) AS (VALUES (NULL, NULL::pg_catalog.int4)");
    for (size_t i = 0; i < set->count; i++) {
        const FlywayMigration *own = set->own[i];
        if (!set->migrations[i].is_repeatable) {
            str_append(out, ", (");
            tool_literal(set->migrations[i].id, out);
            str_printf(out, ", %" PRId32 ")", own->checksums->own);
        }
    }
    str_append(out, ")");
}

/* It writes down a failure where it ran outside a transaction: elsewhere nothing is left of it. */
#define FAULT(row)                                                                                 \
    "CASE WHEN NOT " row ".success THEN " STEM(                                                    \
        row ".script") " || ' has failed, and may be there"                                        \
                       " in part: clear that away, then `flyway repair` takes its row out' END"

/* clang-format off */
static void append_query(const char *table, Str *out)
{
    str_printf(out,
               ", w AS (SELECT v.id, " KEY("v.version") " AS key FROM v WHERE " IS_VERSION("v.version") "),"
               " last AS (SELECT DISTINCT ON (key) * FROM (SELECT t.*, " KEY("t.version") " AS key"
               "  FROM %s t WHERE t.version IS NOT NULL) t ORDER BY key, t.installed_rank DESC),"
               " done AS (SELECT * FROM last WHERE NOT (" IS_GONE " AND success)),"
               " again AS (SELECT DISTINCT ON (t.script) * FROM %s t WHERE t.version IS NULL"
               "  AND t.type <> 'SCHEMA' ORDER BY t.script, t.installed_rank DESC),"
               " base AS (SELECT max(key) AS key FROM done WHERE type ~ 'BASELINE' AND success)"
               " SELECT w.id, " STEM("d.script") ", " FAULT("d") ", CASE WHEN d.checksum <>"
               "  f.checksum AND d.type ~ '^SQL' AND (d.key <= b.key) IS NOT TRUE THEN 'its table"
               " has the checksum ' || d.checksum || ', and the file has ' || f.checksum END"
               "  FROM done d CROSS JOIN base b LEFT JOIN w ON w.key = d.key"
               "  LEFT JOIN f ON f.id = w.id WHERE w.id IS NOT NULL OR d.type !~ 'BASELINE'"
               " UNION ALL SELECT w.id, NULL, NULL, NULL FROM w, base b WHERE w.key <= b.key"
               "  AND NOT EXISTS (SELECT FROM last l WHERE l.key = w.key)"
               " UNION ALL SELECT r.id, " STEM("a.script") ", " FAULT("a") ", NULL FROM again a"
               "  LEFT JOIN r ON r.stem = " STEM("a.script")
               "  AND coalesce(a.checksum IN (r.checksum, r.of_file), true)"
               "  WHERE r.id IS NOT NULL OR NOT a.success",
               table, table);
}
/* clang-format on */

static void query_own(const MigrationSet *set, const char *table, Str *out)
{
    append_repeatables(set, out);
    append_checksums(set, out);
    append_query(table, out);
}

/* Of another tool's directories: they have nothing that is done again. */
static void query(const char *table, Str *out)
{
    query_own(&(MigrationSet){ 0 }, table, out);
}

/* ---- keeping it true ---- */

static void append_place(const ToolStep *step, Str *out)
{
    const FlywayMigration *own = step->own;
    if (step->migration->is_repeatable) {
        str_append(out, "version IS NULL AND script = ");
        tool_literal(own->script, out);
    } else {
        str_append(out, "version = ");
        tool_literal(step->migration->version, out);
    }
}

/* What stands there as the newest of its kind is this one already. */
static void append_standing(const ToolStep *step, Str *out)
{
    const FlywayMigration *own = step->own;
    str_printf(out, "EXISTS (SELECT FROM (SELECT k.type, k.success, k.checksum FROM %s k WHERE ",
               step->table);
    append_place(step, out);
    str_printf(out,
               " ORDER BY k.installed_rank DESC LIMIT 1) n WHERE n.success AND NOT n." IS_GONE);
    if (step->migration->is_repeatable) {
        str_printf(out, " AND n.checksum IN (%" PRId32 ", %" PRId32 ")", own->checksums->own,
                   own->checksums->of_file);
    }
    str_append(out, ")");
}

static void mirror(const ToolStep *step, Str *out)
{
    const FlywayMigration *own = step->own;
    if (step->is_down) {
        str_printf(out, "DELETE FROM %s WHERE ", step->table);
        append_place(step, out);
        return;
    }
    str_printf(out,
               "INSERT INTO %s (installed_rank, version, description, type, script, checksum,"
               " installed_by, execution_time, success)"
               " SELECT coalesce(pg_catalog.max(t.installed_rank), 0) + 1, ",
               step->table);
    if (step->migration->is_repeatable) {
        str_append(out, "NULL");
    } else {
        tool_literal(step->migration->version, out);
    }
    str_append(out, ", ");
    tool_literal(own->description, out);
    str_printf(out, ", '%s', ", own->type);
    tool_literal(own->script, out);
    str_printf(out, ", %" PRId32 ", session_user, 0, true FROM %s t HAVING NOT ",
               own->checksums->own, step->table);
    append_standing(step, out);
}

/* A baseline is no row of a file. */
static void rewrite(const ToolStep *step, const PlanMigration *old, Str *out)
{
    const FlywayMigration *own = step->own;
    str_printf(out, "UPDATE %s SET version = ", step->table);
    tool_literal(step->migration->version, out);
    str_append(out, ", description = ");
    tool_literal(own->description, out);
    str_printf(out, ", type = '%s', script = ", own->type);
    tool_literal(own->script, out);
    str_printf(out,
               ", checksum = %" PRId32 " WHERE installed_rank = (SELECT k.installed_rank FROM %s k"
               " WHERE k.version = ",
               own->checksums->own, step->table);
    tool_literal(old->version, out);
    str_append(out, " ORDER BY k.installed_rank DESC LIMIT 1) AND success AND type !~ 'BASELINE'"
                    " AND NOT " IS_GONE);
    if (!str_equal(old->version, step->migration->version)) {
        str_printf(out, " AND NOT EXISTS (SELECT FROM %s k WHERE k.version = ", step->table);
        tool_literal(step->migration->version, out);
        str_append(out, ")");
    }
}

const Tool tool_flyway = {
    .name = "flyway",
    .has = "installed_rank",
    .table = "flyway_schema_history",
    .is_in_first = true,
    .format = "flyway",
    .query = query,
    .query_own = query_own,
    .mirror = mirror,
    .rewrite = rewrite,
    .needs_own = true,
};
