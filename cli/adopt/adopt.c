/* See adopt.h. */
#include "cli/adopt/adopt.h"

#include <string.h>

#include "cli/adopt/place.h"

#define BASELINE "baseline"

static ErrCode find_tool(const MigrationSet *set, const AdoptFrom *from, const Tool **ret_tool,
                         Err *err)
{
    if (from->tool != NULL && from->tool[0] != '\0') {
        return tool_find(from->tool, ret_tool, err);
    }
    *ret_tool = tool_of_format(set->format);
    if (*ret_tool != NULL) {
        return ERR_NONE;
    }
    AUTO(Arena) arena = { 0 };
    err_set(err, ERR_USAGE, "no tool is known that keeps directories of format %s", set->format);
    return err_hint(err, "name the one whose history it is: %s", tool_names(&arena));
}

static bool is_own(const MigrationSet *set, const Tool *tool)
{
    return tool->format != NULL && str_equal(tool->format, set->format);
}

/* The directory speaks of one database: a schema that is a tenant has a table of its own. */
static TableName own_name(const Tool *tool, const char *written, const ToolTable *table)
{
    bool is_parted = table->schema != NULL && !tool->is_of_database;
    return (TableName){
        .written = is_parted ? table->name : written,
        .sql = is_parted ? table->name : table->sql,
        .plain = table->plain,
        .said_schema = is_parted ? NULL : table->schema,
        .schema = is_parted ? table->schema : tool->schema,
    };
}

static ErrCode find_table(const MigrationSet *set, const AdoptFrom *from, const Tool *tool,
                          Arena *arena, TableName *ret_table, Err *err)
{
    bool is_said = from->table != NULL && from->table[0] != '\0';
    const char *written = is_said ? from->table : place_find(tool, from->url, arena);
    bool is_by_directory = written == NULL && is_own(set, tool) && set->own_table != NULL;
    if (is_by_directory) {
        written = set->own_table;
    }
    ToolTable table = { 0 };
    ErrCode code = tool_table(tool, written, arena, &table, err);
    if (code == ERR_NONE && is_by_directory) {
        *ret_table = own_name(tool, written, &table);
    } else if (code == ERR_NONE) {
        *ret_table = (TableName){ .written = written == NULL ? tool->table : written,
                                  .sql = table.sql,
                                  .plain = table.plain,
                                  .said_schema = table.schema,
                                  .schema = tool->schema };
    }
    return code;
}

/* The plan's migrations are the set's: what is changed is a copy. */
static PlanMigration *copy_migrations(Arena *arena, Plan *plan)
{
    PlanMigration *copies = ARENA_ARRAY(arena, PlanMigration, plan->migration_count);
    memcpy(copies, plan->migrations, plan->migration_count * sizeof(*copies));
    plan->migrations = copies;
    return copies;
}

static void empty_scripts(Arena *arena, Plan *plan)
{
    PlanMigration *migrations = copy_migrations(arena, plan);
    for (size_t i = 0; i < plan->migration_count; i++) {
        migrations[i].up = (PlanScript){ .is_transactional = true };
        migrations[i].down = (PlanScript){ .is_transactional = true };
        migrations[i].is_irreversible = false;
    }
}

/* A tool with a question of its own is asked that in its own directories. */
static void append_question(const MigrationSet *set, const Tool *tool, const char *table, Str *out)
{
    if (tool->query_own != NULL && is_own(set, tool)) {
        tool->query_own(set, table, out);
    } else {
        tool->query(table, out);
    }
}

/* Without the question itself. */
static PlanTool plan_tool_of(const Tool *tool, const TableName *name)
{
    return (PlanTool){
        .tool = tool->name,
        .table = name->written,
        .schema = name->schema,
        .is_in_first = name->schema == NULL && tool->is_in_first,
        .keeps_newest = tool->keeps_newest,
        .hides_rest = tool->hides_rest,
        .name = name->plain,
        .name_schema = name->said_schema,
    };
}

static PlanTool ask_tool(const MigrationSet *set, const Plan *plan, const Tool *tool,
                         const TableName *name, Arena *arena)
{
    PlanTool asked = plan_tool_of(tool, name);
    AUTO(Str) query = { 0 };
    tool_values(plan->migrations, plan->migration_count, tool->is_numeric, &query);
    append_question(set, tool, name->sql, &query);
    AUTO(Str) look = { 0 };
    tool_look(name->sql, &look);
    asked.query = arena_strdup(arena, str_text(&query));
    asked.look = arena_strdup(arena, str_text(&look));
    return asked;
}

static PlanTool tie_of(const MigrationSet *set, const Tool *tool, const TableName *table,
                       Arena *arena)
{
    AUTO(Str) name = { 0 };
    AUTO(Str) query = { 0 };
    str_append_quoted(&name, table->plain, '"');
    append_question(set, tool, str_text(&name), &query);
    PlanTool tie = plan_tool_of(tool, table);
    tie.query = arena_strdup(arena, str_text(&query));
    tie.is_numeric = tool->is_numeric;
    tie.is_own = is_own(set, tool);
    return tie;
}

/* Which of the tools a target has to do with, and by which table, only the target knows. One whose
 * own words name no table cannot be asked, and the target says so where it matters. */
void ties_plan(const MigrationSet *set, const char *url, Arena *arena, Plan *plan)
{
    plan->ties = ARENA_ARRAY(arena, PlanTool, PLAN_TIES_MAX);
    for (size_t i = 0; tool_at(i) != NULL && plan->tie_count < PLAN_TIES_MAX; i++) {
        const Tool *tool = tool_at(i);
        AdoptFrom from = { .tool = tool->name, .url = url };
        TableName table = { 0 };
        if (tool->query == NULL && !is_own(set, tool)) {
            continue;
        }
        if (find_table(set, &from, tool, arena, &table, NULL) == ERR_NONE) {
            plan->ties[plan->tie_count++] = tie_of(set, tool, &table, arena);
        }
    }
}

ErrCode adopt_plan(const MigrationSet *set, const AdoptFrom *from, Arena *arena, Plan *plan,
                   Err *err)
{
    const Tool *tool = NULL;
    TableName table = { 0 };
    ErrCode code = find_tool(set, from, &tool, err);
    if (code == ERR_NONE) {
        code = find_table(set, from, tool, arena, &table, err);
    }
    if (code == ERR_NONE && tool->query == NULL && !str_equal(tool->format, set->format)) {
        err_set(err, ERR_USAGE, "the history of %s can be adopted for its own directories alone",
                tool->name);
        code = err_hint(err, "this one is of format %s", set->format);
    }
    if (code != ERR_NONE) {
        return code;
    }
    plan->adoption = ask_tool(set, plan, tool, &table, arena);
    empty_scripts(arena, plan);
    return ERR_NONE;
}

void baseline_plan(Arena *arena, Plan *plan)
{
    AUTO(Str) query = { 0 };
    tool_values(plan->migrations, plan->migration_count, false, &query);
    str_append(&query, "SELECT v.id, v.version, ''::pg_catalog.text FROM v");
    empty_scripts(arena, plan);
    plan->adoption = (PlanTool){ .tool = BASELINE, .query = arena_strdup(arena, str_text(&query)) };
}

static const char *step_text(const Mirror *mirror, const ToolStep *step, Arena *arena)
{
    AUTO(Str) sql = { 0 };
    mirror->tool->mirror(step, &sql);
    return arena_strdup(arena, str_text(&sql));
}

static void mirror_script(const Mirror *mirror, const ToolStep *step, Arena *arena,
                          PlanScript *script)
{
    script->mirror = ARENA_NEW(arena, const char *);
    script->mirror[0] = step_text(mirror, step, arena);
    script->mirror_count = 1;
}

static ErrCode check_mirror(const MigrationSet *set, const Tool *tool, Err *err)
{
    if (tool->mirror == NULL) {
        return err_set(err, ERR_USAGE, "the history of %s cannot be kept true by another tool",
                       tool->name);
    }
    if (tool->needs_own && !str_equal(tool->format, set->format)) {
        err_set(err, ERR_USAGE, "the history of %s can be kept true of its own directories alone",
                tool->name);
        return err_hint(err, "this one is of format %s", set->format);
    }
    return ERR_NONE;
}

static const void *own_of(const Mirror *mirror, size_t index)
{
    const MigrationSet *set = mirror->set;
    return is_own(set, mirror->tool) && set->own != NULL ? set->own[index] : NULL;
}

ErrCode mirror_find(const MigrationSet *set, const AdoptFrom *from, Arena *arena,
                    Mirror *ret_mirror, Err *err)
{
    Mirror mirror = { .set = set };
    ErrCode code = find_tool(set, from, &mirror.tool, err);
    if (code == ERR_NONE) {
        code = find_table(set, from, mirror.tool, arena, &mirror.table, err);
    }
    if (code == ERR_NONE) {
        code = check_mirror(set, mirror.tool, err);
    }
    if (code == ERR_NONE) {
        *ret_mirror = mirror;
    }
    return code;
}

ErrCode mirror_plan(const MigrationSet *set, const AdoptFrom *from, Arena *arena, Plan *plan,
                    Err *err)
{
    Mirror mirror = { 0 };
    ErrCode code = mirror_find(set, from, arena, &mirror, err);
    if (code != ERR_NONE) {
        return code;
    }
    plan->mirrored = ask_tool(set, plan, mirror.tool, &mirror.table, arena);
    PlanMigration *migrations = copy_migrations(arena, plan);
    for (size_t i = 0; i < plan->migration_count; i++) {
        ToolStep step = {
            .migration = &migrations[i],
            .before = i == 0 ? NULL : &migrations[i - 1],
            .table = mirror.table.sql,
            .own = own_of(&mirror, i),
        };
        mirror_script(&mirror, &step, arena, &migrations[i].up);
        step.is_down = true;
        if (!migrations[i].is_irreversible) {
            mirror_script(&mirror, &step, arena, &migrations[i].down);
        }
    }
    return ERR_NONE;
}

/* ---- by hand ---- */

/* Where a tool that keeps but its newest stands without it. */
static const PlanMigration *newest_standing(const MigrationSet *set, const bool *stands)
{
    for (size_t i = set->count; i > 0; i--) {
        if (stands[i - 1] && !set->migrations[i - 1].is_repeatable) {
            return &set->migrations[i - 1];
        }
    }
    return NULL;
}

const char *mirror_gone(const Mirror *mirror, const PlanMigration *gone, const bool *stands,
                        Arena *arena)
{
    const MigrationSet *set = mirror->set;
    bool has_own = is_own(set, mirror->tool) && set->own != NULL;
    ToolStep step = {
        .migration = gone,
        .before = newest_standing(set, stands),
        .table = mirror->table.sql,
        .set = has_own ? set : NULL,
        .stands = has_own ? stands : NULL,
        .is_down = true,
    };
    return step_text(mirror, &step, arena);
}

const char *mirror_rewrite(const Mirror *mirror, size_t index, const PlanMigration *old,
                           Arena *arena)
{
    ToolStep step = { .migration = &mirror->set->migrations[index],
                      .table = mirror->table.sql,
                      .own = own_of(mirror, index) };
    AUTO(Str) sql = { 0 };
    if (mirror->tool->rewrite == NULL || step.migration->is_repeatable) {
        return NULL;
    }
    mirror->tool->rewrite(&step, old, &sql);
    return arena_strdup(arena, str_text(&sql));
}

bool mirror_is_same_row(const Mirror *mirror, const PlanMigration *a, const PlanMigration *b)
{
    const Tool *tool = mirror->tool;
    if (tool->is_by_id) {
        return str_equal(a->id, b->id);
    }
    size_t zeros_a = tool->is_numeric ? strspn(a->version, "0") : 0;
    size_t zeros_b = tool->is_numeric ? strspn(b->version, "0") : 0;
    return str_equal(a->version + zeros_a, b->version + zeros_b);
}
