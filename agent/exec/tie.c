/*
 * The tool that a target's history is shared with: skein took it over, or told it of its steps.
 * Where the plan has nothing to do with that tool, it may have gone on by itself: its own table is
 * asked, over the attempt's session, before the first step. Where nothing stands in the history,
 * the tool of the plan's own directory may have been at work, and nobody has adopted what it did.
 */
#include <string.h>

#include "agent/core/accord.h"
#include "agent/exec/runner_internal.h"
#include "agent/exec/sql.h"
#include "common/json.h"
#include "common/shell_word.h"

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

const char *tie_evidence(Runner *runner)
{
    const PlanTool *tool = plan_tool(runner->config.order->plan);
    if (tool == NULL || is_empty(tool->name)) {
        return NULL;
    }
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "tool", tool->tool);
    json_out_string(&json, "tool_schema", or_empty(tool->name_schema));
    json_out_string(&json, "tool_table", tool->name);
    json_out_object_end(&json);
    return arena_strdup(&runner->arena, str_text(&text));
}

/* ---- the question ---- */

static const PlanTool *find_tie(const Plan *plan, const char *tool)
{
    for (size_t i = 0; i < plan->tie_count; i++) {
        if (str_equal(plan->ties[i].tool, tool)) {
            return &plan->ties[i];
        }
    }
    return NULL;
}

/* As somebody would type it: bare where that is the same name. */
static const char *identifier_written(Runner *runner, const char *name)
{
    static const char BARE[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    bool is_bare = name[strspn(name, BARE)] == '\0' && (name[0] < '0' || name[0] > '9');
    return is_bare ? name : identifier_quote(&runner->arena, name);
}

/* A command that says nothing of a table means the usual one. */
static const char *table_words(Runner *runner, const Tie *tie, const PlanTool *known)
{
    AUTO(Str) name = { 0 };
    AUTO(Str) words = { 0 };
    if (str_equal(tie->table, known->name) &&
        str_equal(tie->schema, or_empty(known->name_schema))) {
        return "";
    }
    const char *table = identifier_written(runner, tie->table);
    if (is_empty(tie->schema)) {
        str_append(&name, table);
    } else {
        str_printf(&name, "%s.%s", identifier_written(runner, tie->schema), table);
    }
    str_append(&words, " --table ");
    shell_word(str_text(&name), &words);
    return arena_strdup(&runner->arena, str_text(&words));
}

/* What was taken over before tables were kept has the tool's usual one. */
static void table_settle(Tie *tie, const PlanTool *known)
{
    if (is_empty(tie->table)) {
        tie->table = known->name;
        tie->schema = or_empty(known->name_schema);
    }
}

static const char *path_of(Runner *runner, const Tie *tie, const PlanTool *known)
{
    return is_empty(tie->schema)
               ? tool_path(runner, known)
               : arena_printf(&runner->arena, "SET LOCAL search_path = %s, pg_temp",
                              identifier_quote(&runner->arena, tie->schema));
}

static void values_write(const Plan *plan, bool is_numeric, Arena *arena, Str *out)
{
    str_append(out, "WITH v (id, version) AS (VALUES ");
    for (size_t i = 0; i < plan->migration_count; i++) {
        str_printf(out, "%s(%s, %s::pg_catalog.%s)", i == 0 ? "" : ", ",
                   literal_quote(arena, plan->migrations[i].id),
                   literal_quote(arena, plan->migrations[i].version),
                   is_numeric ? "numeric" : "text");
    }
    str_append(out, ")");
}

/* The question names the usual table; another one takes its place under that name. */
static const char *question_of(Runner *runner, const Tie *tie, const PlanTool *known)
{
    Arena *arena = &runner->arena;
    AUTO(Str) sql = { 0 };
    values_write(runner->config.order->plan, known->is_numeric, arena, &sql);
    if (!str_equal(tie->table, known->name)) {
        str_printf(&sql, ", %s AS (SELECT * FROM %s)", identifier_quote(arena, known->name),
                   identifier_quote(arena, tie->table));
    }
    str_printf(&sql, " %s", known->query);
    return arena_strdup(arena, str_text(&sql));
}

static bool is_gone(const Err *err)
{
    return str_equal(err->sqlstate, "42P01") || str_equal(err->sqlstate, "3F000");
}

static void tie_fill(Runner *runner, const PGresult *rows)
{
    const Plan *plan = runner->config.order->plan;
    ToolSight sight = { 0 };
    tool_read(plan, rows, &runner->arena, &sight);
    for (size_t i = 0; i < plan->migration_count; i++) {
        runner->history.rows[i].is_in_tool = sight.has[i];
    }
}

static void tie_ask(Runner *runner, const Tie *tie, const PlanTool *known, const Action *action)
{
    History *history = &runner->history;
    Err err = { 0 };
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = path_query(runner, path_of(runner, tie, known), question_of(runner, tie, known),
                              action, &rows, &err);
    if (code != ERR_NONE && is_gone(&err)) {
        return; /* whoever took it away has ended it */
    }
    history->tie = tie->tool;
    history->tie_keeps_newest = known->keeps_newest;
    if (code != ERR_NONE) {
        history->tie_trouble = arena_strdup(&runner->arena, err.message);
        return;
    }
    tie_fill(runner, rows);
}

/* Its table, as far as the path of names reaches. */
static ErrCode table_seek(Runner *runner, const Tie *tie, const PlanTool *known,
                          const Action *action, bool *ret_is_there, Err *err)
{
    const char *name = identifier_quote(&runner->arena, tie->table);
    const char *sql = arena_printf(&runner->arena, "SELECT pg_catalog.to_regclass(%s) IS NOT NULL",
                                   literal_quote(&runner->arena, name));
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = path_query(runner, path_of(runner, tie, known), sql, action, &rows, err);
    *ret_is_there = code == ERR_NONE && result_bool(rows, 0, 0);
    return code;
}

/* Of a plan that has to do with another tool. */
static void other_ask(Runner *runner, const Tie *tie, const PlanTool *known, const Action *action)
{
    const PlanTool *tool = plan_tool(runner->config.order->plan);
    bool is_same_table =
        str_equal(tie->table, tool->name) && str_equal(tie->schema, or_empty(tool->name_schema));
    if (is_same_table || is_empty(tool->name)) {
        return;
    }
    bool is_there = false;
    Err err = { 0 };
    ErrCode code = table_seek(runner, tie, known, action, &is_there, &err);
    if (code != ERR_NONE || is_there) {
        runner->history.tie = tie->tool;
        runner->history.is_tie_other = true;
    }
}

/* ---- what follows ---- */

static size_t count_accord(const Runner *runner, Accord accord)
{
    const Plan *plan = runner->config.order->plan;
    const History *history = &runner->history;
    const PlanTool tool = { .keeps_newest = history->tie_keeps_newest };
    size_t end = accord_applied_end(plan, history->rows);
    size_t count = 0;
    for (size_t i = 0; i < plan->migration_count; i++) {
        count += accord_of(plan, &tool, history->rows, i, end) == accord;
    }
    return count;
}

/* Not where the tool has gone on: what it has done would be done again. */
static ErrCode tie_end(Runner *runner, const Action *action, Err *err)
{
    const char *params[] = { runner->config.schema };
    AUTO_PTR(PGresult) done = NULL;
    if (count_accord(runner, ACCORD_AHEAD) > 0) {
        return ERR_NONE;
    }
    runner->history.tie = NULL;
    runner->history.tie_trouble = NULL;
    return runner->paper != NULL
               ? ERR_NONE
               : session_query(runner, SQL_HISTORY_UNTIE, params, 1, action, &done, err);
}

/* Once: what is told stays so for all that comes after. */
static void tie_note(Runner *runner, const Tie *tie)
{
    size_t behind = count_accord(runner, ACCORD_BEHIND);
    if (runner->config.note == NULL || runner->has_told_tie || behind == 0) {
        return;
    }
    runner->has_told_tie = true;
    AUTO(Str) text = { 0 };
    str_printf(
        &text,
        "%s does not know of %zu migration%s that skein has applied here, and would run %s "
        "by itself: `skein repair --mirror %s%s --tell` tells its table, and --mirror %s keeps "
        "it true from then on; where %s is not used any more, --mirror none",
        tie->tool, behind, behind == 1 ? "" : "s", behind == 1 ? "it" : "them", tie->tool,
        or_empty(runner->history.tie_table), tie->tool, tie->tool);
    runner->config.note(runner->config.ctx, str_text(&text));
}

/* ---- where nothing stands ---- */

/* The question's own failure, and not that of its moment: another's table, or not ours to read. */
static bool is_unreadable(const Err *err)
{
    return strncmp(err->sqlstate, "42", 2) == 0 || strncmp(err->sqlstate, "22", 2) == 0 ||
           is_gone(err);
}

/* No rows where there is no such table, or one that is not for us to read. */
static ErrCode found_query(Runner *runner, const Tie *tie, const PlanTool *known,
                           const Action *action, PGresult **ret_rows, Err *err)
{
    bool is_there = false;
    ErrCode code = table_seek(runner, tie, known, action, &is_there, err);
    if (code == ERR_NONE && is_there) {
        code = path_query(runner, path_of(runner, tie, known), question_of(runner, tie, known),
                          action, ret_rows, err);
    }
    if (code != ERR_NONE && is_unreadable(err)) {
        *err = (Err){ 0 };
        return ERR_NONE;
    }
    return code;
}

static ErrCode found_ask(Runner *runner, const PlanTool *known, const Action *action, Err *err)
{
    Tie tie = { .tool = known->tool };
    table_settle(&tie, known);
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = found_query(runner, &tie, known, action, &rows, err);
    if (code == ERR_NONE && rows != NULL) {
        runner->history.tie = known->tool;
        runner->history.tie_keeps_newest = known->keeps_newest;
        runner->history.is_tie_found = true;
        tie_fill(runner, rows);
    }
    return code;
}

static bool has_standing(const History *history)
{
    for (size_t i = 0; i < history->count; i++) {
        if (history->rows[i].state != ROW_ABSENT) {
            return true;
        }
    }
    return history->foreign > 0;
}

/* Nobody has adopted what the directory's own tool may have done; or it did so after all of ours
 * was undone. */
static ErrCode found_look(Runner *runner, const Action *action, Err *err)
{
    const Plan *plan = runner->config.order->plan;
    bool is_asked = plan_tool(plan) == NULL && !plan->ends_ties && !has_standing(&runner->history);
    ErrCode code = ERR_NONE;
    for (size_t i = 0; is_asked && code == ERR_NONE && i < plan->tie_count; i++) {
        if (plan->ties[i].is_own && runner->history.tie == NULL) {
            code = found_ask(runner, &plan->ties[i], action, err);
        }
    }
    return code;
}

ErrCode tie_look(Runner *runner, const Action *action, Err *err)
{
    const Plan *plan = runner->config.order->plan;
    const PlanTool *tool = plan_tool(plan);
    Tie *tie = &runner->tie;
    if (is_empty(tie->tool)) {
        return found_look(runner, action, err);
    }
    if (plan->tie_count == 0 || (tool != NULL && str_equal(tool->tool, tie->tool))) {
        return ERR_NONE;
    }
    const PlanTool *known = find_tie(plan, tie->tool);
    if (known == NULL) {
        runner->history.tie = tie->tool;
        runner->history.tie_trouble = "the plan's directory is of another format, and its table "
                                      "can be read for its own directories alone";
    } else {
        table_settle(tie, known);
        runner->history.tie_table = table_words(runner, tie, known);
    }
    if (known != NULL && tool != NULL) {
        other_ask(runner, tie, known, action);
    } else if (known != NULL) {
        tie_ask(runner, tie, known, action);
    }
    if (plan->ends_ties) {
        return tie_end(runner, action, err);
    }
    if (runner->history.tie != NULL && tool == NULL && runner->history.tie_trouble == NULL) {
        tie_note(runner, tie);
    }
    return ERR_NONE;
}
