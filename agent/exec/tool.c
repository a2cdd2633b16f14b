/* What another tool's own table says: read into the history, and explained where there is none. */
#include <string.h>

#include "agent/exec/runner_internal.h"
#include "agent/exec/sql.h"
#include "common/map.h"

/* Columns of the query to another tool (PlanTool.query). */
enum ToolColumn {
    TOOL_ID,
    TOOL_NAME,
    TOOL_FAULT,
    TOOL_CHANGE, /* that not all have */
    TOOL_COLUMNS_,
};

/* Columns of PlanTool.look. */
enum LookColumn {
    LOOK_TABLE,
    LOOK_WHOSE,
    LOOK_IS_ASKED,
    LOOK_COLUMNS_,
};

/* NULL: nothing, or it has no such column. */
static const char *words_read(const PGresult *rows, int row, int column, Arena *arena)
{
    const char *text = column < PQnfields(rows) ? result_text(rows, row, column) : "";
    return text[0] == '\0' ? NULL : arena_strdup(arena, text);
}

static void row_read(const PGresult *rows, int row, const Map *index, Arena *arena,
                     ToolSight *sight)
{
    uintptr_t known = (uintptr_t)map_get(index, result_text(rows, row, TOOL_ID));
    const char *fault = words_read(rows, row, TOOL_FAULT, arena);
    const char *change = words_read(rows, row, TOOL_CHANGE, arena);
    sight->fault = sight->fault == NULL ? fault : sight->fault;
    if (known != 0) {
        sight->has[known - 1] = true;
        sight->faults[known - 1] = fault == NULL ? sight->faults[known - 1] : fault;
        sight->changes[known - 1] = change == NULL ? sight->changes[known - 1] : change;
    } else {
        sight->strangers[sight->stranger_count++] =
            (ToolStranger){ arena_strdup(arena, result_text(rows, row, TOOL_NAME)), fault };
    }
}

void tool_read(const Plan *plan, const PGresult *rows, Arena *arena, ToolSight *ret_sight)
{
    ToolSight sight = {
        .has = ARENA_ARRAY(arena, bool, plan->migration_count),
        .faults = ARENA_ARRAY(arena, const char *, plan->migration_count),
        .changes = ARENA_ARRAY(arena, const char *, plan->migration_count),
        .strangers = ARENA_ARRAY(arena, ToolStranger, (size_t)PQntuples(rows) + 1),
    };
    AUTO_PTR(Map) index = history_plan_index(plan);
    if (PQnfields(rows) != TOOL_COLUMNS_ && PQnfields(rows) != TOOL_CHANGE) {
        sight.fault = "the plan's query has neither three nor four columns";
        sight.strangers[sight.stranger_count++] = (ToolStranger){ "", sight.fault };
    } else {
        for (int row = 0; row < PQntuples(rows); row++) {
            row_read(rows, row, index, arena, &sight);
        }
    }
    *ret_sight = sight;
}

/* What is held by them is told so, in the history's own words. */
static void strange_tell(Runner *runner, const ToolSight *sight)
{
    const RunnerConfig *config = &runner->config;
    bool is_passed_over = config->order->plan->missing == HISTORY_IGNORE;
    if (config->strange == NULL || !is_passed_over || runner->has_told_strange) {
        return;
    }
    runner->has_told_strange = true;
    for (size_t i = 0; i < sight->stranger_count; i++) {
        config->strange(config->ctx, sight->strangers[i].name);
    }
}

void tool_fill(Runner *runner, const PGresult *rows)
{
    History *history = &runner->history;
    const Plan *plan = runner->config.order->plan;
    ToolSight sight = { 0 };
    if (rows == NULL) {
        return;
    }
    tool_read(plan, rows, &runner->arena, &sight);
    history->tool_change = NULL;
    for (size_t i = 0; i < plan->migration_count; i++) {
        HistoryRow *row = &history->rows[i];
        row->is_in_tool = sight.has[i];
        row->is_other_in_tool = sight.changes[i] != NULL;
        bool is_first = history->tool_change == NULL && row->state == ROW_ABSENT;
        history->tool_change = is_first ? sight.changes[i] : history->tool_change;
    }
    history->strange = (uint32_t)sight.stranger_count;
    history->strange_newest =
        sight.stranger_count == 0 ? NULL : sight.strangers[sight.stranger_count - 1].name;
    history->tool_fault = sight.fault;
    strange_tell(runner, &sight);
}

/* ---- where its table lies ---- */

/* Whatever else the target shares with others has tables of that name, too. */
static const char FIRST_SCHEMA[] =
    "SELECT pg_catalog.set_config('search_path', pg_catalog.quote_ident(coalesce("
    "pg_catalog.current_schema()::pg_catalog.text, 'public')) || ', pg_temp', true)";

const char *tool_path(Runner *runner, const PlanTool *tool)
{
    const char *schema = runner->schema_identifier;
    bool has_schema = tool->schema != NULL && tool->schema[0] != '\0';
    if (schema == NULL && has_schema) {
        schema = identifier_quote(&runner->arena, tool->schema);
    }
    if (schema != NULL) {
        return arena_printf(&runner->arena, "SET LOCAL search_path = %s, pg_temp", schema);
    }
    return tool->is_in_first ? FIRST_SCHEMA : NULL;
}

ErrCode path_query(Runner *runner, const char *path, const char *sql, const Action *action,
                   PGresult **ret_rows, Err *err)
{
    Conn *conn = runner->session.conn;
    const char *become = runner->become;
    AUTO(Str) begin = { 0 };
    str_printf(&begin, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY%s%s%s%s",
               become == NULL ? "" : "; ", become == NULL ? "" : become, path == NULL ? "" : "; ",
               path == NULL ? "" : path);
    ErrCode code = conn_run(conn, str_text(&begin), action_deadline_ms(action), err);
    if (code == ERR_NONE) {
        code = session_query(runner, sql, NULL, 0, action, ret_rows, err);
    }
    if (conn_is_alive(conn)) {
        conn_run(conn, "ROLLBACK", action_deadline_ms(action), NULL);
    }
    return code;
}

ErrCode tool_query(Runner *runner, const PlanTool *tool, const char *sql, const Action *action,
                   PGresult **ret_rows, Err *err)
{
    return path_query(runner, tool_path(runner, tool), sql, action, ret_rows, err);
}

/* ---- where there is no such table ---- */

/* Of the query, not of the server: the table is not there, or is another one. */
static bool is_no_table(const Err *err)
{
    static const char *const STATES[] = { "42P01", "3F000" };
    return str_equal(err->sqlstate, STATES[0]) || str_equal(err->sqlstate, STATES[1]);
}

static bool is_other_table(const Err *err)
{
    static const char *const STATES[] = { "42703", "42883", "42804", "42809", "22P02" };
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++) {
        if (str_equal(err->sqlstate, STATES[i])) {
            return true;
        }
    }
    return false;
}

static const char *path_text(Runner *runner, const PlanTool *tool, const Action *action)
{
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = tool_query(runner, tool, SQL_SEARCH_PATH, action, &rows, NULL);
    return code == ERR_NONE && PQntuples(rows) == 1
               ? arena_strdup(&runner->arena, result_text(rows, 0, 0))
               : "";
}

/* Where a name without a schema was looked for: " (schema app)"; of one with a schema "". */
static const char *where_text(Runner *runner, const PlanTool *tool, const Action *action)
{
    bool has_schema = tool->schema != NULL && tool->schema[0] != '\0';
    if (strchr(tool->table, '.') != NULL) {
        return "";
    }
    if (runner->schema_identifier != NULL || has_schema) {
        return arena_printf(&runner->arena, " (schema %s)",
                            runner->schema_identifier != NULL ? runner->config.schema
                                                              : tool->schema);
    }
    return arena_printf(&runner->arena, " (%s%s)", tool->is_in_first ? "schema " : "search_path: ",
                        path_text(runner, tool, action));
}

static bool is_asked(const PlanTool *tool)
{
    return tool->look != NULL && tool->look[0] != '\0';
}

static ErrCode hint_found(const char *found, Err *err)
{
    bool is_any = found[0] != '\0';
    return err_hint(
        err, "%s%s%s", is_any ? "found: " : "no table of a tool's is in this database", found,
        is_any ? "; say which is meant: the tool (--from, --mirror; `adopt`, `mirror` in a "
                 "rollout file), and its table (--table, `history_table`)"
               : ": where it has never been there is nothing to adopt; to mirror into, have "
                 "the tool make its table first");
}

#define FOUND_TOLD 5

/* "public.schema_migrations (dbmate), app.alembic_version (alembic)" */
static void found_write(Runner *runner, const PlanTool *tool, const Action *action, Str *out)
{
    AUTO_PTR(PGresult) rows = NULL;
    if (!is_asked(tool) ||
        session_query(runner, tool->look, NULL, 0, action, &rows, NULL) != ERR_NONE ||
        PQnfields(rows) != LOOK_COLUMNS_) {
        return;
    }
    for (int row = 0; row < PQntuples(rows) && row < FOUND_TOLD; row++) {
        str_printf(out, "%s%s (%s)", row == 0 ? "" : ", ", result_text(rows, row, LOOK_TABLE),
                   result_text(rows, row, LOOK_WHOSE));
    }
    str_append(out, PQntuples(rows) > FOUND_TOLD ? ", and more" : "");
}

void tool_explain(Runner *runner, const PlanTool *tool, const Action *action, Err *err)
{
    bool is_absent = is_no_table(err);
    if ((!is_absent && !is_other_table(err)) || tool->table == NULL || tool->table[0] == '\0') {
        return;
    }
    AUTO(Str) found = { 0 };
    const char *where = where_text(runner, tool, action);
    const char *words = arena_strdup(&runner->arena, err->message);
    found_write(runner, tool, action, &found);
    char sqlstate[sizeof(err->sqlstate)];
    str_copy(sqlstate, sizeof(sqlstate), err->sqlstate);
    if (is_absent) {
        err_set(err, ERR_HISTORY, "%s keeps its history in a table %s, and there is none here%s",
                tool->tool, tool->table, where);
    } else {
        err_set(err, ERR_HISTORY, "the table %s here is not one that %s makes: %s", tool->table,
                tool->tool, words);
    }
    str_copy(err->sqlstate, sizeof(err->sqlstate), sqlstate);
    hint_found(str_text(&found), err);
}

/* ---- where it has answered ---- */

#define OF_NOBODY "of nobody known"

/* "dbmate or rails" */
static bool is_one_of(const char *whose, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = whose; (at = strstr(at, name)) != NULL; at += length) {
        bool begins = at == whose || at[-1] == ' ';
        if (begins && (at[length] == '\0' || at[length] == ' ')) {
            return true;
        }
    }
    return false;
}

/* By its columns; NULL: the tool's own, or nobody can tell. */
static const char *other_find(const PGresult *rows, const PlanTool *tool)
{
    for (int row = 0; PQnfields(rows) == LOOK_COLUMNS_ && row < PQntuples(rows); row++) {
        const char *whose = result_text(rows, row, LOOK_WHOSE);
        if (result_bool(rows, row, LOOK_IS_ASKED)) {
            return is_one_of(whose, tool->tool) || str_equal(whose, OF_NOBODY) ? NULL : whose;
        }
    }
    return NULL;
}

ErrCode tool_check(Runner *runner, const PlanTool *tool, const Action *action, Err *err)
{
    AUTO_PTR(PGresult) rows = NULL;
    if (!is_asked(tool) || tie_is_of(&runner->tie, tool) ||
        tool_query(runner, tool, tool->look, action, &rows, NULL) != ERR_NONE) {
        return ERR_NONE;
    }
    const char *whose = other_find(rows, tool);
    if (whose == NULL) {
        return ERR_NONE;
    }
    AUTO(Str) found = { 0 };
    found_write(runner, tool, action, &found);
    err_set(err, ERR_HISTORY, "the table %s here is not one that %s makes: it looks like one of %s",
            tool->table, tool->tool, whose);
    hint_found(str_text(&found), err);
    return err->code;
}
