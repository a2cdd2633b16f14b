/*
 * Sqitch: a registry of several tables. A change is known by its id, which stands for the whole
 * plan up to it. Other projects may be in the same registry: their rows are neither read as this
 * one's nor written, but for what this one requires of them.
 */
#include <string.h>

#include "cli/adopt/tool.h"
#include "cli/source/sqitch_plan.h"

/* ---- the registry's tables ---- */

/* Beside the one of the changes: "sqitch"."tags" beside "sqitch"."changes". */
static void append_table(const char *changes, const char *name, Str *out)
{
    const char *at = changes + 1;
    while (at[0] != '"' || at[1] == '"') {
        at += at[0] == '"' ? 2 : 1;
    }
    if (at[1] == '.') {
        str_append_bytes(out, changes, (size_t)(at + 2 - changes));
    }
    str_append(out, name);
}

/* ---- asking ---- */

/* A project's name and URI are one another's, as `sqitch deploy` sees to it. */
static void append_strangers(const SqitchProject *project, const char *table, Str *out)
{
    str_append(out, ", o (project, uri) AS (VALUES (");
    tool_literal(project->name, out);
    str_append(out, ", ");
    if (project->uri == NULL) {
        str_append(out, "NULL::pg_catalog.text");
    } else {
        tool_literal(project->uri, out);
    }
    str_append(out, ")) SELECT q.id, q.name, q.fault, q.other FROM (SELECT NULL AS id,"
                    " p.project::pg_catalog.text AS name, CASE WHEN p.project = o.project THEN"
                    "  'project ' || p.project || ' is registered with '"
                    "  || coalesce('the URI ' || p.uri, 'no URI') || ', and its plan says '"
                    "  || coalesce(o.uri, 'none') ELSE 'project ' || p.project"
                    "  || ' has the URI of ' || o.project || ', ' || o.uri END AS fault,"
                    " NULL AS other, NULL::pg_catalog.timestamptz AS at FROM ");
    append_table(table, "projects", out);
    str_append(out, " p JOIN o ON (p.project = o.project) <> (p.uri IS NOT DISTINCT FROM o.uri)"
                    " WHERE p.project = o.project OR p.uri IS NOT NULL");
}

static void append_hashes(const MigrationSet *set, Str *out)
{
    str_append(out, ", h (id, hash) AS (VALUES ");
    for (size_t i = 0; i < set->count; i++) {
        const SqitchChange *change = set->own[i];
        str_printf(out, "%s('%s', '%s')", i == 0 ? "" : ", ", change->id, change->script_hash);
    }
    str_append(out, ")");
}

/*
 * Other projects in its registry are others' matter. A registry of an early Sqitch has no
 * hashes of scripts; one that was upgraded from there has the change's id in its place, or NULL,
 * until Sqitch fills it in (App::Sqitch::Role::DBIEngine, _update_script_hashes).
 */
static void query_own(const MigrationSet *set, const char *table, Str *out)
{
    const SqitchChange *first = set->own[0];
    append_hashes(set, out);
    append_strangers(first->project, table, out);
    str_printf(
        out,
        " UNION ALL SELECT v.id, t.change, '', CASE WHEN t.hash <> h.hash AND t.hash <>"
        "  t.change_id THEN 'its registry has the script''s hash ' || pg_catalog.left(t.hash,"
        "  12) || '…, and the file has ' || pg_catalog.left(h.hash, 12) || '…' END,"
        "  t.committed_at FROM (SELECT c.*, pg_catalog.to_jsonb(c) ->> 'script_hash' AS hash"
        "   FROM %s c) t LEFT JOIN v ON v.version = t.change_id"
        "  LEFT JOIN h ON h.id = t.change_id WHERE t.project = ",
        table);
    tool_literal(first->project->name, out);
    str_append(out, ") q ORDER BY q.at");
}

/* Of another tool's directories: they say nothing of projects, so there has to be but one. */
static void query(const char *table, Str *out)
{
    str_append(out, "SELECT q.id, q.name, q.fault FROM (SELECT NULL AS id, NULL AS name, 'the "
                    "registry is of several projects (' || pg_catalog.string_agg(p.project, ', '"
                    " ORDER BY p.project) || '), and only a plan of Sqitch says which is meant'"
                    " AS fault, NULL::pg_catalog.timestamptz AS at FROM ");
    append_table(table, "projects", out);
    str_printf(out,
               " p HAVING pg_catalog.count(*) > 1"
               " UNION ALL SELECT v.id, t.change, '', t.committed_at FROM %s t"
               " LEFT JOIN v ON v.version = t.change_id) q ORDER BY q.at",
               table);
}

/* ---- what is written ---- */

static void append_literals(const char *const *texts, size_t count, Str *out)
{
    for (size_t i = 0; i < count; i++) {
        str_append(out, i == 0 ? "" : ", ");
        tool_literal(texts[i], out);
    }
}

/* project, note, and who planned it when; then who commits it, when. */
#define MAKING                                                                                     \
    "project, note, planned_at, planner_name, planner_email, committed_at, committer_name,"        \
    " committer_email"

static void append_making(const SqitchProject *project, const SqitchLine *line, Str *out)
{
    const char *const texts[] = { project->name, line->note };
    append_literals(texts, ARRAY_LEN(texts), out);
    str_append(out, ", ");
    tool_literal(line->date, out);
    str_append(out, "::pg_catalog.timestamptz, ");
    append_literals((const char *const[]){ line->planner, line->email }, 2, out);
    str_append(out, ", n.at, 'skein', session_user || '@' || pg_catalog.current_database()");
}

/* ---- what a change brings ---- */

static void append_project(const ToolStep *step, const SqitchProject *project, Str *out)
{
    str_append(out, "p AS (INSERT INTO ");
    append_table(step->table, "projects", out);
    str_append(out, " (project, uri, creator_name, creator_email) SELECT ");
    tool_literal(project->name, out);
    str_append(out, ", ");
    if (project->uri == NULL) {
        str_append(out, "NULL");
    } else {
        tool_literal(project->uri, out);
    }
    str_append(out, ", 'skein', session_user || '@' || pg_catalog.current_database()"
                    " ON CONFLICT (project) DO NOTHING)");
}

static void append_change(const ToolStep *step, const SqitchChange *change, Str *out)
{
    const char *const texts[] = { change->id, change->script_hash, change->line.name };
    str_printf(out, ", c AS (INSERT INTO %s (change_id, script_hash, change, " MAKING ") SELECT ",
               step->table);
    append_literals(texts, ARRAY_LEN(texts), out);
    str_append(out, ", ");
    append_making(change->project, &change->line, out);
    str_append(out, " FROM n ON CONFLICT (change_id) DO NOTHING RETURNING change_id)");
}

static void append_depend(const ToolStep *step, const SqitchDepend *depend, Str *out)
{
    str_append(out, depend->is_conflict ? "('conflict', " : "('require', ");
    tool_literal(depend->text, out);
    str_append(out, ", ");
    if (depend->is_conflict) {
        str_append(out, "NULL)");
    } else if (depend->id != NULL) {
        tool_literal(depend->id, out);
        str_append(out, ")");
    } else {
        str_printf(out, "(SELECT k.change_id FROM %s k WHERE k.project = ", step->table);
        tool_literal(depend->project, out);
        str_append(out, " AND k.change = ");
        tool_literal(depend->change, out);
        str_append(out, " ORDER BY k.committed_at LIMIT 1))");
    }
}

static void append_depends(const ToolStep *step, const SqitchChange *change, Str *out)
{
    if (change->depend_count == 0) {
        return;
    }
    str_append(out, ", d AS (INSERT INTO ");
    append_table(step->table, "dependencies", out);
    str_append(out, " (change_id, type, dependency, dependency_id)"
                    " SELECT c.change_id, x.* FROM c, (VALUES ");
    for (size_t i = 0; i < change->depend_count; i++) {
        str_append(out, i == 0 ? "" : ", ");
        append_depend(step, &change->depends[i], out);
    }
    str_append(out, ") x)");
}

static void append_tags(const ToolStep *step, const SqitchChange *change, Str *out)
{
    for (size_t i = 0; i < change->tag_count; i++) {
        const SqitchTag *tag = &change->tags[i];
        str_printf(out, ", t%zu AS (INSERT INTO ", i);
        append_table(step->table, "tags", out);
        str_append(out, " (tag_id, tag, change_id, " MAKING ") SELECT ");
        tool_literal(tag->id, out);
        str_append(out, ", '@' || ");
        tool_literal(tag->line.name, out);
        str_append(out, ", c.change_id, ");
        append_making(change->project, &tag->line, out);
        str_append(out, " FROM c, n)");
    }
}

/* ---- events ---- */

static void append_names(const SqitchChange *change, bool is_conflict, Str *out)
{
    str_append(out, ", ARRAY[");
    const char *comma = "";
    for (size_t i = 0; i < change->depend_count; i++) {
        if (change->depends[i].is_conflict == is_conflict) {
            str_append(out, comma);
            tool_literal(change->depends[i].text, out);
            comma = ", ";
        }
    }
    str_append(out, "]::pg_catalog.text[]");
}

static void append_event(const ToolStep *step, const SqitchChange *change, Str *out)
{
    str_append(out, " INSERT INTO ");
    append_table(step->table, "events", out);
    str_printf(out,
               " (event, change_id, change, requires, conflicts, tags, " MAKING
               ") SELECT '%s', c.change_id, ",
               step->is_down ? "revert" : "deploy");
    tool_literal(change->line.name, out);
    append_names(change, false, out);
    append_names(change, true, out);
    str_append(out, ", ARRAY[");
    for (size_t i = 0; i < change->tag_count; i++) {
        str_append(out, i == 0 ? "'@' || " : ", '@' || ");
        tool_literal(change->tags[i].line.name, out);
    }
    str_append(out, "]::pg_catalog.text[], ");
    append_making(change->project, &change->line, out);
    str_append(out, " FROM c, n");
}

/* ---- the statement ---- */

/* Of a change whose line is gone, that it is of this plan's project is not said by its id. */
static const SqitchProject *project_of(const ToolStep *step)
{
    const SqitchChange *change = step->own != NULL ? step->own : step->set->own[0];
    return change->project;
}

static void append_which(const ToolStep *step, Str *out)
{
    str_append(out, " WHERE change_id = ");
    tool_literal(step->migration->version, out);
    str_append(out, " AND project = ");
    tool_literal(project_of(step)->name, out);
}

static void append_leaving(const ToolStep *step, Str *out)
{
    str_append(out, "WITH n (at) AS MATERIALIZED (SELECT pg_catalog.clock_timestamp()),"
                    " t AS (DELETE FROM ");
    append_table(step->table, "tags", out);
    append_which(step, out);
    str_printf(out, "), c AS (DELETE FROM %s", step->table);
    append_which(step, out);
    str_append(out, " RETURNING *)");
}

/* What is written of a change whose line is gone is what was written when it came. */
static void append_event_of_row(const ToolStep *step, Str *out)
{
    str_append(out, " INSERT INTO ");
    append_table(step->table, "events", out);
    str_append(out, " (event, change_id, change, requires, conflicts, tags, " MAKING
                    ") SELECT 'revert', c.change_id, c.change, coalesce(e.requires, '{}'),"
                    " coalesce(e.conflicts, '{}'), coalesce(e.tags, '{}'), c.project, c.note,"
                    " c.planned_at, c.planner_name, c.planner_email, n.at, 'skein',"
                    " session_user || '@' || pg_catalog.current_database()"
                    " FROM n, c LEFT JOIN LATERAL (SELECT * FROM ");
    append_table(step->table, "events", out);
    str_append(out, " k WHERE k.change_id = c.change_id AND k.event = 'deploy'"
                    " ORDER BY k.committed_at DESC LIMIT 1) e ON true");
}

static void mirror_down(const ToolStep *step, Str *out)
{
    append_leaving(step, out);
    if (step->own == NULL) {
        append_event_of_row(step, out);
    } else {
        append_event(step, step->own, out);
    }
}

static void mirror_up(const ToolStep *step, Str *out)
{
    const SqitchChange *change = step->own;
    str_append(out, "WITH n (at) AS MATERIALIZED (SELECT pg_catalog.clock_timestamp()), ");
    append_project(step, change->project, out);
    append_change(step, change, out);
    append_depends(step, change, out);
    append_tags(step, change, out);
    append_event(step, change, out);
}

static void mirror(const ToolStep *step, Str *out)
{
    if (step->is_down) {
        mirror_down(step, out);
    } else {
        mirror_up(step, out);
    }
}

/* Its id is of its line in the plan: with another line it is another change. */
static void rewrite(const ToolStep *step, const PlanMigration *old, Str *out)
{
    const SqitchChange *change = step->own;
    str_printf(out, "UPDATE %s SET script_hash = '%s' WHERE change_id = '%s' AND change_id = ",
               step->table, change->script_hash, change->id);
    tool_literal(old->version, out);
}

const Tool tool_sqitch = {
    .name = "sqitch",
    .has = "change_id",
    .table = "sqitch.changes",
    .is_of_database = true,
    .format = "sqitch",
    .query = query,
    .query_own = query_own,
    .mirror = mirror,
    .rewrite = rewrite,
    .needs_own = true,
};
