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

Tie tie_read(const PGresult *rows, int row, int column, Arena *arena)
{
    return (Tie){ .tool = arena_strdup(arena, result_text(rows, row, column)),
                  .schema = arena_strdup(arena, result_text(rows, row, column + 1)),
                  .table = arena_strdup(arena, result_text(rows, row, column + 2)) };
}

bool tie_is_same(const Tie *a, const Tie *b)
{
    bool is_open = is_empty(a->table) || is_empty(b->table);
    return str_equal(or_empty(a->tool), or_empty(b->tool)) &&
           (is_open ||
            (str_equal(a->table, b->table) && str_equal(or_empty(a->schema), or_empty(b->schema))));
}

Tie tie_of_tool(const PlanTool *tool)
{
    return (Tie){ .tool = tool->tool, .schema = tool->name_schema, .table = tool->name };
}

const char *tie_evidence(Runner *runner, bool is_told)
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
    if (is_told) {
        json_out_bool(&json, "told", true);
    }
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

/* One that keeps but where it stands, and stands where the plan knows of nothing. */
static const char *hiding_trouble(const PlanTool *known, const ToolSight *sight, Arena *arena)
{
    for (size_t i = 0; known->hides_rest && i < sight->stranger_count; i++) {
        if (sight->strangers[i].fault == NULL) {
            return arena_printf(arena,
                                "it stands at %s, which the directory does not have: take the one "
                                "that has it",
                                sight->strangers[i].name);
        }
    }
    return NULL;
}

/* To a role that may not use its schema, what is in it looks as if it were not there. */
static bool is_closed(Runner *runner, const Tie *tie, const Action *action)
{
    AUTO_PTR(PGresult) rows = NULL;
    const char *sql = arena_printf(&runner->arena,
                                   "SELECT NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
                                   " FROM pg_catalog.pg_namespace n WHERE n.nspname = %s",
                                   literal_quote(&runner->arena, or_empty(tie->schema)));
    return !is_empty(tie->schema) &&
           path_query(runner, NULL, sql, action, &rows, NULL) == ERR_NONE && PQntuples(rows) > 0 &&
           result_bool(rows, 0, 0);
}

static void tied_ask(Runner *runner, const Tie *tie, const PlanTool *known, const Action *action,
                     Arena *arena, TieSight *sight)
{
    Err err = { 0 };
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = path_query(runner, path_of(runner, tie, known), question_of(runner, tie, known),
                              action, &rows, &err);
    if (code != ERR_NONE && is_gone(&err)) {
        if (!is_closed(runner, tie, action)) {
            return; /* whoever took it away has ended it */
        }
        err_set(&err, ERR_PRIVILEGE, "permission denied for schema %s", tie->schema);
    }
    sight->sharing = SHARING_TIED;
    if (code != ERR_NONE) {
        sight->trouble = arena_strdup(arena, err.message);
        return;
    }
    tool_read(runner->config.order->plan, rows, arena, &sight->tool_sight);
    sight->trouble = hiding_trouble(known, &sight->tool_sight, arena);
}

static TieSight tied_see(Runner *runner, Tie *tie, const Action *action, Arena *arena)
{
    const PlanTool *known = find_tie(runner->config.order->plan, tie->tool);
    TieSight sight = { .name = tie->tool, .tool = known, .table = "" };
    if (known == NULL) {
        sight.sharing = SHARING_TIED;
        sight.trouble = "the plan's directory is of another format, and its table can be read for "
                        "its own directories alone";
        return sight;
    }
    table_settle(tie, known);
    sight.table = arena_strdup(arena, table_words(runner, tie, known));
    tied_ask(runner, tie, known, action, arena, &sight);
    return sight;
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

static ErrCode found_ask(Runner *runner, Tie *tie, const PlanTool *known, const Action *action,
                         Arena *arena, TieSight *sight, Err *err)
{
    table_settle(tie, known);
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = found_query(runner, tie, known, action, &rows, err);
    if (code == ERR_NONE && rows != NULL) {
        *sight = (TieSight){ .sharing = SHARING_FOUND,
                             .name = known->tool,
                             .tool = known,
                             .table = arena_strdup(arena, table_words(runner, tie, known)) };
        tool_read(runner->config.order->plan, rows, arena, &sight->tool_sight);
    }
    return code;
}

/* Whom the history was shared with until all of it was undone: that one may have gone on since. */
static ErrCode former_see(Runner *runner, const Action *action, Arena *arena, TieSight *sight,
                          Err *err)
{
    const char *params[] = { runner->config.schema };
    AUTO_PTR(PGresult) rows = NULL;
    if (!runner->session.has_tables) {
        return ERR_NONE;
    }
    ErrCode code = session_query(runner, SQL_HISTORY_FORMER_TIE, params, 1, action, &rows, err);
    if (code != ERR_NONE || PQntuples(rows) == 0) {
        return code;
    }
    Tie tie = tie_read(rows, 0, 0, arena);
    const PlanTool *known = find_tie(runner->config.order->plan, tie.tool);
    return known == NULL ? ERR_NONE : found_ask(runner, &tie, known, action, arena, sight, err);
}

/* Nobody has adopted what the directory's own tool may have done; or it did so after all of ours
 * was undone. */
static ErrCode found_see(Runner *runner, const Action *action, Arena *arena, TieSight *sight,
                         Err *err)
{
    const Plan *plan = runner->config.order->plan;
    ErrCode code = former_see(runner, action, arena, sight, err);
    for (size_t i = 0; code == ERR_NONE && i < plan->tie_count; i++) {
        if (plan->ties[i].is_own && sight->sharing == SHARING_NONE) {
            Tie tie = { .tool = plan->ties[i].tool };
            code = found_ask(runner, &tie, &plan->ties[i], action, arena, sight, err);
        }
    }
    return code;
}

ErrCode tie_see(Runner *runner, Tie *tie, bool has_standing, const Action *action, Arena *arena,
                TieSight *ret_sight, Err *err)
{
    const Plan *plan = runner->config.order->plan;
    *ret_sight = (TieSight){ 0 };
    if (plan->tie_count == 0) {
        return ERR_NONE; /* of a skein that asked nothing */
    }
    if (!is_empty(tie->tool)) {
        *ret_sight = tied_see(runner, tie, action, arena);
        return ERR_NONE;
    }
    return has_standing ? ERR_NONE : found_see(runner, action, arena, ret_sight, err);
}

/* ---- what follows ---- */

static void sight_take(Runner *runner, const TieSight *sight)
{
    History *history = &runner->history;
    if (sight->sharing == SHARING_NONE) {
        return;
    }
    history->tie = sight->name;
    history->tie_table = sight->table;
    history->tie_trouble = sight->trouble;
    history->is_tie_found = sight->sharing == SHARING_FOUND;
    if (sight->trouble == NULL) {
        history->tie_keeps_newest = sight->tool->keeps_newest;
        history->tie_fault = sight->tool_sight.fault;
        for (size_t i = 0; i < history->count; i++) {
            history->rows[i].is_in_tool = sight->tool_sight.has[i];
        }
    }
}

static bool is_same_table(const Tie *tie, const PlanTool *tool)
{
    return str_equal(tie->table, tool->name) && str_equal(tie->schema, or_empty(tool->name_schema));
}

/* Of a plan that has to do with another tool. */
static void other_look(Runner *runner, Tie *tie, const PlanTool *known, const Action *action)
{
    const PlanTool *tool = plan_tool(runner->config.order->plan);
    table_settle(tie, known);
    if (is_same_table(tie, tool) || is_empty(tool->name)) {
        return;
    }
    bool is_there = false;
    Err err = { 0 };
    ErrCode code = table_seek(runner, tie, known, action, &is_there, &err);
    if (code != ERR_NONE || is_there || is_closed(runner, tie, action)) {
        runner->history.tie = tie->tool;
        runner->history.is_tie_other = true;
    }
}

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

/* Not where the tool has gone on, or back: what it has done would be done again. */
static ErrCode tie_end(Runner *runner, const Action *action, Err *err)
{
    const char *params[] = { runner->config.schema };
    AUTO_PTR(PGresult) done = NULL;
    bool is_seen = runner->history.tie != NULL && runner->history.tie_trouble == NULL;
    for (Accord accord = ACCORD_NONE; is_seen && accord < ACCORD_COUNT_; accord++) {
        if (accord_holds(accord, SHARING_TIED, true) && count_accord(runner, accord) > 0) {
            return ERR_NONE;
        }
    }
    runner->history.tie = NULL;
    runner->history.tie_trouble = NULL;
    runner->history.tie_fault = NULL;
    return runner->paper != NULL
               ? ERR_NONE
               : session_query(runner, SQL_HISTORY_UNTIE, params, 1, action, &done, err);
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

static bool is_to_end(const Runner *runner)
{
    return runner->config.order->plan->ends_ties && !is_empty(runner->tie.tool);
}

/* Applied, had by the plan's tool, and no row says so. Their ids, as JSON; none: "[]". */
static size_t unsaid_write(Runner *runner, Str *out)
{
    const Plan *plan = runner->config.order->plan;
    size_t count = 0;
    JsonOut json = json_out(out);
    json_out_array_begin(&json, NULL);
    for (size_t i = 0; i < runner->history.count; i++) {
        HistoryRow *row = &runner->history.rows[i];
        if (row->state == ROW_APPLIED && row->is_in_tool && !row->was_in_tool) {
            row->was_in_tool = true;
            json_out_string(&json, NULL, plan->migrations[i].id);
            count++;
        }
    }
    json_out_array_end(&json);
    return count;
}

bool tie_is_of(Tie *tie, const PlanTool *tool)
{
    if (!str_equal(or_empty(tie->tool), tool->tool)) {
        return false;
    }
    table_settle(tie, tool);
    return is_same_table(tie, tool);
}

/* Not one that a slip of --table names: what it has is not what the other one has had. */
static bool is_shared_with(Runner *runner, const PlanTool *tool)
{
    Tie *tie = &runner->tie;
    bool is_of_tool = str_equal(or_empty(tie->tool), tool->tool);
    return runner->history.tie == NULL && (!is_of_tool || tie_is_of(tie, tool));
}

/* What both have was not always taken over or told: a baseline, or what either has done by itself.
 * From now on it counts as had, or the tool could undo it and nobody would ask. */
static ErrCode both_share(Runner *runner, const Action *action, Err *err)
{
    AUTO(Str) ids = { 0 };
    const PlanTool *tool = plan_tool(runner->config.order->plan);
    const char *evidence = tie_evidence(runner, true);
    bool is_at_rest = runner->history.tool_fault == NULL;
    if (evidence == NULL || !is_at_rest || !is_shared_with(runner, tool) ||
        unsaid_write(runner, &ids) == 0) {
        return ERR_NONE;
    }
    const char *params[] = { runner->config.schema, evidence, str_text(&ids) };
    AUTO_PTR(PGresult) done = NULL;
    return session_query(runner, SQL_HISTORY_TIE, params, ARRAY_LEN(params), action, &done, err);
}

/* Of a plan that leaves it alone. */
static ErrCode alone_look(Runner *runner, const Action *action, Err *err)
{
    bool has_any = has_standing(&runner->history) || runner->config.order->plan->ends_ties;
    TieSight sight = { 0 };
    ErrCode code = tie_see(runner, &runner->tie, has_any, action, &runner->arena, &sight, err);
    if (code == ERR_NONE) {
        sight_take(runner, &sight);
        runner->tie_name = arena_strdup(&runner->life, or_empty(sight.name));
        runner->tie_table = arena_strdup(&runner->life, or_empty(sight.table));
        runner->is_tied =
            sight.sharing == SHARING_TIED && sight.trouble == NULL && !is_to_end(runner);
        runner->behind = runner->is_tied ? count_accord(runner, ACCORD_BEHIND) +
                                               count_accord(runner, ACCORD_STALE)
                                         : 0;
    }
    return code;
}

ErrCode tie_look(Runner *runner, const Action *action, Err *err)
{
    const Plan *plan = runner->config.order->plan;
    const PlanTool *tool = plan_tool(plan);
    Tie *tie = &runner->tie;
    ErrCode code = ERR_NONE;
    if (tool == NULL) {
        code = alone_look(runner, action, err);
    } else if (!is_empty(tie->tool) && !str_equal(tool->tool, tie->tool)) {
        const PlanTool *known = find_tie(plan, tie->tool);
        if (known != NULL) {
            other_look(runner, tie, known, action);
        } else if (plan->tie_count > 0) {
            TieSight sight = tied_see(runner, tie, action, &runner->arena);
            sight_take(runner, &sight);
        }
    }
    if (code == ERR_NONE && tool != NULL && runner->paper == NULL) {
        code = both_share(runner, action, err);
    }
    return code == ERR_NONE && is_to_end(runner) && plan->tie_count > 0
               ? tie_end(runner, action, err)
               : code;
}

/* ---- what it does not learn ---- */

void tie_step(Runner *runner, const char *state)
{
    if (!runner->is_tied) {
        return;
    }
    if (str_equal(state, "applied")) {
        runner->behind++;
    } else if (str_equal(state, "undone") && runner->behind > 0) {
        runner->behind--;
    }
}

void tie_conclude(Runner *runner)
{
    size_t behind = runner->behind;
    const char *tool = runner->tie_name;
    if (runner->config.note == NULL || behind == 0) {
        return;
    }
    AUTO(Str) text = { 0 };
    str_printf(
        &text,
        "%s does not know of %zu migration%s that skein has applied here, and would run %s "
        "by itself: `skein repair --mirror %s%s --tell` tells its table, and --mirror %s keeps "
        "it true from then on; where %s is not used any more, --mirror none",
        tool, behind, behind == 1 ? "" : "s", behind == 1 ? "it" : "them", tool, runner->tie_table,
        tool, tool);
    runner->config.note(runner->config.ctx, str_text(&text));
}
