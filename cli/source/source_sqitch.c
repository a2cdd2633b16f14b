/*
 * Sqitch's layout: sqitch.plan lists the changes in order (sqitch_plan.h), and each has a script in
 * deploy/ and one in revert/; sqitch.conf may say where else these are. Of a change that a later
 * one reworks the scripts are called name@tag.
 *
 * psql runs them: each statement by itself, but for what a script puts between BEGIN and COMMIT.
 * Verify scripts are not run: Sqitch does so where it is asked to.
 */
#include <string.h>

#include "cli/source/found.h"
#include "cli/source/ini.h"
#include "cli/source/sqitch_plan.h"

#define CONF "sqitch.conf"
#define PLAN "sqitch.plan"

typedef enum Kind {
    KIND_DEPLOY,
    KIND_REVERT,
    KIND_COUNT_,
} Kind;

static const char *const KIND_NAMES[] = { "deploy", "revert" };

/* The directory as sqitch.conf describes it. */
typedef struct Layout {
    const SourceReading *reading;
    IniFile conf;
    const char *target; /* section of the target that is taken when none is named */
    const char *plan;
    const char *extension;
    const char *folders[KIND_COUNT_];
    const char *reworked[KIND_COUNT_];
    SourceVariables variables[KIND_COUNT_];
} Layout;

/* ---- sqitch.conf ---- */

/* What holds for the target that Sqitch takes when none is named comes first. */
static const char *find_setting(const Layout *layout, const char *name)
{
    const char *value = ini_find(&layout->conf, layout->target, name);
    value = value == NULL ? ini_find(&layout->conf, "engine.pg", name) : value;
    return value == NULL ? ini_find(&layout->conf, "core", name) : value;
}

/* The section of that target. It may also be named by an address, which has none. */
static const char *target_of(const IniFile *conf, Arena *arena)
{
    const char *target = ini_find(conf, "engine.pg", "target");
    target = target == NULL ? ini_find(conf, "core", "target") : target;
    return arena_printf(arena, "target.%s", target == NULL ? "" : target);
}

/* A path below the directory, without what says nothing: "./" and slashes at its end. */
static const char *clean_path(const char *path, Arena *arena)
{
    while (path[0] == '.' && path[1] == '/') {
        path += 2 + strspn(path + 2, "/");
    }
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    return str_equal(path, ".") ? "" : arena_strndup(arena, path, length);
}

static const char *below(const char *folder, const char *name, Arena *arena)
{
    return *folder == '\0' ? name : arena_printf(arena, "%s/%s", folder, name);
}

/* The setting, or else `name` below the folder. */
static const char *path_of(const Layout *layout, const char *setting, const char *folder,
                           const char *name)
{
    const char *value = find_setting(layout, setting);
    return value == NULL ? below(folder, name, layout->reading->arena)
                         : clean_path(value, layout->reading->arena);
}

/* What the command line says comes first, then the section that is named first. */
static ErrCode take_variables(const Layout *layout, const char *section, SourceVariables *variables,
                              Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = layout->conf.count; code == ERR_NONE && i > 0; i--) {
        const IniEntry *entry = &layout->conf.entries[i - 1];
        if (str_equal(entry->section, section) && variables_find(variables, entry->name) == NULL) {
            const char *text =
                arena_printf(layout->reading->arena, "%s=%s", entry->name, entry->value);
            code = variables_add(variables, text, layout->reading->arena, err);
        }
    }
    return code;
}

static ErrCode read_variables(Layout *layout, Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t kind = 0; code == ERR_NONE && kind < KIND_COUNT_; kind++) {
        SourceVariables *variables = &layout->variables[kind];
        *variables = (SourceVariables){ .first = &layout->reading->options->variables };
        code = take_variables(layout,
                              arena_printf(layout->reading->arena, "%s.variables", layout->target),
                              variables, err);
        if (code == ERR_NONE) {
            code = take_variables(layout, "engine.pg.variables", variables, err);
        }
        if (code == ERR_NONE && kind == KIND_REVERT) {
            code = take_variables(layout, "revert.variables", variables, err);
        }
        if (code == ERR_NONE) {
            code = take_variables(layout, "deploy.variables", variables, err);
        }
    }
    return code;
}

static ErrCode check_engine(const Layout *layout, Err *err)
{
    const char *engine = ini_find(&layout->conf, "core", "engine");
    if (engine == NULL || str_equal(engine, "pg")) {
        return ERR_NONE;
    }
    err_set(err, ERR_SYNTAX, "%s: a project for the engine \"%s\"",
            source_dir_cite(layout->reading->dir, CONF, layout->reading->arena), engine);
    return err_hint(err, "skein runs those for pg");
}

static ErrCode read_layout(const SourceReading *reading, Layout *layout, Err *err)
{
    Arena *arena = reading->arena;
    ScriptInput conf = { 0 };
    ErrCode code =
        source_dir_has(reading->dir, CONF) ? found_input(reading, CONF, &conf, err) : ERR_NONE;
    if (code != ERR_NONE) {
        return code;
    }
    *layout = (Layout){ .reading = reading };
    ini_read(conf.bytes, arena, &layout->conf);
    layout->target = target_of(&layout->conf, arena);
    const char *top = path_of(layout, "top_dir", "", "");
    const char *reworked = find_setting(layout, "reworked_dir");
    reworked = reworked == NULL ? top : clean_path(reworked, arena);
    layout->plan = path_of(layout, "plan_file", top, PLAN);
    layout->extension = find_setting(layout, "extension");
    if (layout->extension == NULL) {
        layout->extension = "sql";
    }
    for (size_t kind = 0; kind < KIND_COUNT_; kind++) {
        const char *name = KIND_NAMES[kind];
        layout->folders[kind] = path_of(layout, arena_printf(arena, "%s_dir", name), top, name);
        layout->reworked[kind] =
            path_of(layout, arena_printf(arena, "reworked_%s_dir", name), reworked, name);
    }
    code = check_engine(layout, err);
    return code == ERR_NONE ? read_variables(layout, err) : code;
}

/* ---- the scripts ---- */

static const char *script_of(const Layout *layout, Kind kind, const SqitchChange *change,
                             const SqitchTag *tag)
{
    Arena *arena = layout->reading->arena;
    const char *folder = tag == NULL ? layout->folders[kind] : layout->reworked[kind];
    const char *name =
        tag == NULL
            ? arena_printf(arena, "%s.%s", change->line.name, layout->extension)
            : arena_printf(arena, "%s@%s.%s", change->line.name, tag->line.name, layout->extension);
    return below(folder, name, arena);
}

/*
 * The tag that the scripts of a reworked change are called by: of those between it and the next of
 * its name, the last one that has a script, or else the last change's first.
 */
static const SqitchTag *tag_of(const Layout *layout, const SqitchPlan *plan,
                               const SqitchChange *change)
{
    const SqitchTag *first = NULL;
    if (change->reworked_by == 0) {
        return NULL;
    }
    for (const SqitchChange *at = &plan->changes[change->reworked_by - 1]; at >= change; at--) {
        for (size_t i = 0; i < at->tag_count; i++) {
            const SqitchTag *tag = &at->tags[i];
            first = first == NULL ? tag : first;
            if (source_dir_has_path(layout->reading->dir,
                                    script_of(layout, KIND_DEPLOY, change, tag))) {
                return tag;
            }
        }
    }
    return first;
}

/* A change that is read: the plan's first, which is what Found.own points to. */
typedef struct SqitchScripts {
    SqitchChange change;
    FoundScripts scripts;
} SqitchScripts;

static ErrCode open_script(const Layout *layout, Kind kind, const char *path, ScriptInput *input,
                           Err *err)
{
    ErrCode code = found_input(layout->reading, path, input, err);
    input->rule.transaction = TRANSACTION_EACH;
    input->variables = &layout->variables[kind];
    return code;
}

static ErrCode refuse_missing(const Layout *layout, const SqitchChange *change, const char *path,
                              Err *err)
{
    err_set(err, ERR_SYNTAX, "%s:%u: the change %s has no script %s",
            source_dir_cite(layout->reading->dir, layout->plan, layout->reading->arena),
            change->line.number, change->line.name, path);
    return err_hint(err, "add it, or take the line out of the plan");
}

static ErrCode take_change(const Layout *layout, const SqitchPlan *plan, SqitchChange *change,
                           FoundList *list, Err *err)
{
    Arena *arena = layout->reading->arena;
    const SqitchTag *tag = tag_of(layout, plan, change);
    const char *up = script_of(layout, KIND_DEPLOY, change, tag);
    const char *down = script_of(layout, KIND_REVERT, change, tag);
    SqitchScripts *own = ARENA_NEW(arena, SqitchScripts);
    own->scripts.down_wanted = down;
    if (!source_dir_has_path(layout->reading->dir, up)) {
        return refuse_missing(layout, change, up, err);
    }
    ErrCode code = open_script(layout, KIND_DEPLOY, up, &own->scripts.up, err);
    bool has_down = source_dir_has_path(layout->reading->dir, down);
    if (code == ERR_NONE && has_down) {
        code = open_script(layout, KIND_REVERT, down, &own->scripts.down, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    sqitch_hash(own->scripts.up.bytes, change->script_hash);
    own->change = *change;
    const char *name = change->line.name;
    Found found = {
        .id = change->instance == 1 ? name : arena_printf(arena, "%s#%zu", name, change->instance),
        .version = change->id,
        .name = name,
        .up = up,
        .down = has_down ? down : NULL,
        .own = own,
    };
    LIST_PUSH(list, found);
    return ERR_NONE;
}

static ErrCode read_change(const SourceReading *reading, const Found *found,
                           PlanMigration *migration, Err *err)
{
    const SqitchScripts *own = found->own;
    return found_read_scripts(reading, &own->scripts, migration, err);
}

/* ---- the directory ---- */

static size_t claim_plan(const SourceReading *reading)
{
    return source_dir_has(reading->dir, CONF) || source_dir_has(reading->dir, PLAN);
}

/* The registry is a schema, in whatever letters it is written. */
static const char *own_table(const Layout *layout)
{
    const char *registry = find_setting(layout, "registry");
    AUTO(Str) table = { 0 };
    if (registry == NULL) {
        return NULL;
    }
    str_append_quoted(&table, registry, '"');
    str_append(&table, ".changes");
    return arena_strdup(layout->reading->arena, str_text(&table));
}

static ErrCode read_changes(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    Layout *layout = ARENA_NEW(reading->arena, Layout); /* scripts point to its variables */
    SqitchPlan *plan = ARENA_NEW(reading->arena, SqitchPlan);
    ScriptInput input = { 0 };
    ErrCode code = read_layout(reading, layout, err);
    if (code == ERR_NONE) {
        code = found_input(reading, layout->plan, &input, err);
    }
    if (code == ERR_NONE) {
        code = sqitch_plan_read(&input, reading->arena, plan, err);
    }
    ret_set->own_table = own_table(layout);
    AUTO(FoundList) list = { 0 };
    for (size_t i = 0; code == ERR_NONE && i < plan->count; i++) {
        code = take_change(layout, plan, &plan->changes[i], &list, err);
    }
    return code == ERR_NONE ? found_read(reading, &list, NULL, read_change, ret_set, err) : code;
}

/* A change needs its line in the plan, with a planner and their address: "sqitch add" writes it. */
const SourceFormat source_sqitch = {
    .name = "sqitch",
    .layout = "a line of " PLAN " with deploy/NAME.sql and revert/NAME.sql",
    .claim = claim_plan,
    .read = read_changes,
};
