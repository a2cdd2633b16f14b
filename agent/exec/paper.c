/* See paper.h. The runner's own performers put together what is written; here is what they do not
 * do: look instead of taking, and say what the lock and the fence would have said. */
#include "agent/exec/paper.h"

#include <inttypes.h>
#include <stdlib.h>

#include "agent/exec/history.h"
#include "agent/exec/paper_internal.h"
#include "agent/exec/repair.h"
#include "agent/exec/sql.h"
#include "common/clock.h"

#define LOOK_MS 30000

static const char GONE_ON[] = "the history has gone on since the script was written: write it anew";

typedef struct Writing {
    const ExecJob *exec;
    Arena *arena;
    Paper *paper;
    Runner *runner;
    bool has_tables; /* skein's own, of whatever version */
} Writing;

void paper_done(Paper *paper)
{
    LIST_DONE(&paper->steps);
    LIST_DONE(&paper->sent);
    arena_done(&paper->arena);
    str_done(&paper->script);
}

static Result result_ok(void)
{
    return (Result){ .kind = RESULT_OK, .migration = "" };
}

/* ---- the session ---- */

static void facts_take(Writing *writing)
{
    Session *session = &writing->runner->session;
    Paper *paper = writing->paper;
    paper->settings = ARENA_ARRAY(writing->arena, const char *, session->setting_count);
    for (size_t i = 0; i < session->setting_count; i++) {
        paper->settings[i] =
            arena_strdup(writing->arena, setting_statement(session, &session->settings[i]));
    }
    paper->setting_count = session->setting_count;
    paper->settings_select = session->settings_select;
    paper->system_identifier = strtoull(session->system_identifier, NULL, 10);
    paper->database_oid = strtoull(session->database_oid, NULL, 10);
}

static Result write_connect(Writing *writing, const Action *action)
{
    Session *session = &writing->runner->session;
    Str *out = &writing->paper->script;
    Result result = perform_connect(writing->runner, action);
    if (result.kind != RESULT_OK) {
        return result;
    }
    facts_take(writing);
    session->backend_start = PAPER_BACKEND_START;
    session->forgets = true; /* psql has no names for what a server keeps */
    str_append(out, "\n-- the session: this very database, a session of its own\n");
    str_printf(out,
               "SELECT c.system_identifier = %" PRIu64 " AND d.oid = %" PRIu64
               " AND NOT pg_catalog.pg_is_in_recovery() AS skein_is_here,\n"
               "       pg_catalog.to_json(a.backend_start) #>> '{}' AS skein_backend_start\n"
               "  FROM pg_catalog.pg_control_system() c,\n"
               "       pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a\n"
               "  JOIN pg_catalog.pg_database d ON d.oid = a.datid \\gset\n",
               writing->paper->system_identifier, writing->paper->database_oid);
    paper_demand(out, "skein_is_here", "this is not the database that the script was written for");
    for (size_t i = 0; i < session->setting_count; i++) {
        paper_sql(out, writing->paper->settings[i]);
    }
    return result;
}

static Result write_lock(Writing *writing, const Action *action)
{
    (void)action;
    Str *out = &writing->paper->script;
    char key[LOCK_KEY_MAX];
    session_lock_key(writing->runner, key);
    const char *params[] = { key };
    str_append(
        out,
        "\n-- the lock of this target: no attempt of skein's runs beside this one\nSELECT s.* FROM (");
    paper_bound(out, SQL_LOCK_TRY, params, 1);
    str_append(out, ") AS s (skein_has_lock) \\gset\n");
    paper_demand(out, "skein_has_lock", "another session holds the lock of this target");
    return result_ok();
}

/* They are still as they were. */
static void tables_demand(uint32_t version, Str *out)
{
    str_append(out, "\n-- skein's own tables\n");
    if (version == 0) {
        str_append(out, "SELECT pg_catalog.to_regclass('skein.meta') IS NULL");
    } else {
        str_printf(out, "SELECT max(schema_version) = %" PRIu32, version);
    }
    str_printf(out, " AS skein_is_as_read%s \\gset\n", version == 0 ? "" : " FROM skein.meta");
    paper_demand(out, "skein_is_as_read", GONE_ON);
}

static Result write_prepare(Writing *writing, const Action *action)
{
    Err err = { 0 };
    uint32_t version = 0;
    AUTO(Str) sql = { 0 };
    Paper *paper = writing->paper;
    if (own_tables_write(writing->runner, action, &sql, &version, &err) != ERR_NONE) {
        return own_tables_refusal(&err);
    }
    writing->has_tables = version > 0;
    paper->makes_tables = sql.length > 0;
    if (paper->makes_tables) {
        tables_demand(version, &paper->script);
        str_append(&paper->script, str_text(&sql));
    }
    return result_ok();
}

/* ---- the history ---- */

/* Rows written behind the fence so far: what the run must find, too. */
static ErrCode writes_look(Writing *writing, const Action *action, Err *err)
{
    Runner *runner = writing->runner;
    const char *params[] = { runner->config.schema };
    AUTO_PTR(PGresult) found = NULL;
    runner->session.writes = 0;
    if (!writing->has_tables) {
        return ERR_NONE;
    }
    ErrCode code = session_query(runner, SQL_PAPER_WRITES, params, 1, action, &found, err);
    if (code == ERR_NONE) {
        runner->session.writes = result_uint64(found, 0, 0);
    }
    return code;
}

/* What an attempt would mend first, in a transaction that no script can hold. */
static const char *const STRANGE[] = {
    [FENCE_SIGHT_NONE] = NULL,
    [FENCE_SIGHT_REGULAR] = NULL,
    [FENCE_SIGHT_COPY] = "this database is a copy, and its history is still the original's",
    [FENCE_SIGHT_OTHER_SCHEMA] = "the history is about another schema of this name",
    [FENCE_SIGHT_EMPTY_SCHEMA] =
        "the history is about a schema of this name that was dropped or renamed",
    [FENCE_SIGHT_RENAMED] = "the schema had another name, and its history has it still",
};

static ErrCode fence_check(Writing *writing, Err *err)
{
    RepairSight sight = { 0 };
    if (!writing->has_tables) {
        return ERR_NONE;
    }
    ErrCode code = repair_look_fence(writing->runner, &sight, err);
    if (code != ERR_NONE || STRANGE[sight.fence] == NULL) {
        return code;
    }
    writing->paper->is_beyond = sight.fence != FENCE_SIGHT_OTHER_SCHEMA;
    err_set(err, ERR_HISTORY, "%s", STRANGE[sight.fence]);
    return err_hint(err, sight.fence == FENCE_SIGHT_OTHER_SCHEMA
                             ? "`skein repair` says what may be done"
                             : "`skein up` puts that right by itself, or `skein up --to` what is "
                               "applied does only that");
}

static void fence_write(Writing *writing)
{
    const Runner *runner = writing->runner;
    const RunnerConfig *config = &runner->config;
    Str *out = &writing->paper->script;
    const char *make[] = { config->schema, runner->session.system_identifier,
                           runner->session.database_oid, runner->schema_identifier };
    const char *take[] = {
        make[0], make[1], make[2], make[3], "0", "0", config->order->rollout, "0", config->agent
    };
    str_append(out, "\n-- the fence: taken for this run, if the history is as it was read\n"
                    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\n");
    paper_bound(out, SQL_FENCE_MAKE, make, ARRAY_LEN(make));
    str_append(out, ";\n");
    str_append(out, "WITH t (skein_term, skein_token, skein_writes) AS (");
    paper_bound(out, SQL_FENCE_TAKE, take, ARRAY_LEN(take));
    str_append(out, ") SELECT skein_term, skein_token, skein_writes FROM t \\gset\n");
    str_printf(out, "SELECT :skein_writes = %" PRIu64 " AS skein_is_as_read \\gset\n",
               runner->session.writes);
    paper_demand(out, "skein_is_as_read", GONE_ON);
    str_append(out, "COMMIT;\n");
}

static ErrCode rows_look(Writing *writing, const Action *action, PGresult **ret_rows, Err *err)
{
    Runner *runner = writing->runner;
    const char *params[] = { runner->config.schema };
    if (!writing->has_tables) {
        *ret_rows = PQmakeEmptyPGresult(conn_pg(runner->session.conn), PGRES_TUPLES_OK);
        return ERR_NONE;
    }
    return session_query(runner, SQL_HISTORY_STANDING, params, 1, action, ret_rows, err);
}

/* What another tool says of it, where the plan asks. */
static ErrCode tool_look(Writing *writing, const Action *action, PGresult **ret_rows, Err *err)
{
    const PlanTool *tool = plan_tool(writing->exec->order->plan);
    if (tool == NULL ||
        tool_query(writing->runner, tool, tool->query, action, ret_rows, err) == ERR_NONE) {
        return ERR_NONE;
    }
    tool_explain(writing->runner, tool, action, err);
    return err->code;
}

static Result write_read(Writing *writing, const Action *action)
{
    Err err = { 0 };
    Runner *runner = writing->runner;
    AUTO_PTR(PGresult) rows = NULL;
    AUTO_PTR(PGresult) told = NULL;
    if (fence_check(writing, &err) != ERR_NONE || writes_look(writing, action, &err) != ERR_NONE ||
        rows_look(writing, action, &rows, &err) != ERR_NONE ||
        tool_look(writing, action, &told, &err) != ERR_NONE) {
        return result_of_error(&err);
    }
    history_fill(runner, rows, 0);
    tool_fill(runner, told);
    const PlanTool *tool = plan_tool(writing->exec->order->plan);
    if ((tool != NULL && tool_check(runner, tool, action, &err) != ERR_NONE) ||
        tie_look(runner, action, &err) != ERR_NONE) {
        return result_of_error(&err);
    }
    history_fill_change(runner, action);
    fence_write(writing);
    return (Result){ .kind = RESULT_HISTORY, .migration = "", .history = &runner->history };
}

/* ---- steps ---- */

static bool is_down(const Action *action)
{
    return action->kind == ACTION_UNDO || action->is_down;
}

static void step_note(Writing *writing, const Action *action, bool is_transactional)
{
    PaperStep step = { action->migration, action->part, is_down(action), is_transactional };
    LIST_PUSH(&writing->paper->steps, step);
}

/* An id is a file's name: nothing of it is to end the comment. */
static void heading_write(Writing *writing, const Action *action)
{
    const Plan *plan = writing->exec->order->plan;
    const PlanMigration *migration = &plan->migrations[action->migration];
    const PlanScript *script = is_down(action) ? &migration->down : &migration->up;
    Str *out = &writing->paper->script;
    str_append(out, "\n-- ");
    for (const char *at = migration->id; *at != '\0'; at++) {
        str_append_char(out, (unsigned char)*at < ' ' ? '?' : *at);
    }
    str_printf(out, ", %s", is_down(action) ? "down" : "up");
    if (plan_part_count(script) > 1) {
        str_printf(out, ", part %zu of %zu", action->part + 1, plan_part_count(script));
    }
    str_append(out, "\n");
}

static Result write_transaction(Writing *writing, const Action *action)
{
    heading_write(writing, action);
    step_note(writing, action, true);
    return perform_transaction(writing->runner, action);
}

static Result write_note(Writing *writing, const Action *action)
{
    if (action->kind == ACTION_NOTE_BEGIN) {
        heading_write(writing, action);
        str_append(&writing->paper->script,
                   "-- outside a transaction: written down before it begins\n");
        step_note(writing, action, false);
    }
    return perform_note(writing->runner, action);
}

static Result write_run(Writing *writing, const Action *action)
{
    return perform_run(writing->runner, action);
}

static Result write_probe(Writing *writing, const Action *action)
{
    return perform_probe(writing->runner, action);
}

/* Which way it goes shows only as it is done. */
static Result write_trace(Writing *writing, const Action *action)
{
    const Plan *plan = writing->exec->order->plan;
    Result result = { .kind = RESULT_TRACED, .trace = TRACE_UNKNOWN };
    result.migration = plan->migrations[action->migration].id;
    writing->paper->is_beyond = true;
    err_set(
        &result.err, ERR_INTERRUPTED,
        "no script can settle what its statement outside a transaction has left, and `skein %s` "
        "does that first",
        action->is_down ? "down" : "up");
    return result;
}

static Result write_close(Writing *writing, const Action *action)
{
    return perform_close(writing->runner, action);
}

/* What is not here has no place on paper: nothing is waited for, and no backend is ended. */
static Result (*const WRITE[ACTION_KIND_COUNT_])(Writing *writing, const Action *action) = {
    [ACTION_CONNECT] = write_connect,   [ACTION_LOCK] = write_lock,
    [ACTION_PREPARE] = write_prepare,   [ACTION_READ] = write_read,
    [ACTION_APPLY] = write_transaction, [ACTION_UNDO] = write_transaction,
    [ACTION_NOTE_BEGIN] = write_note,   [ACTION_RUN] = write_run,
    [ACTION_PROBE] = write_probe,       [ACTION_NOTE_END] = write_note,
    [ACTION_TRACE] = write_trace,       [ACTION_CLOSE] = write_close,
};

/* A server that cannot be reached is not waited for. */
static Result act_on_paper(Writing *writing, Action *action)
{
    Result result = { .kind = RESULT_REFUSED, .migration = "" };
    action->deadline_ms = clock_boot_ms() + LOOK_MS;
    arena_done(&writing->runner->arena);
    if (WRITE[action->kind] == NULL) {
        err_set(&result.err, ERR_INTERNAL, "'%s' has no place on paper",
                action_kind_name(action->kind));
        return result;
    }
    result = WRITE[action->kind](writing, action);
    bool is_in_the_way = result.kind == RESULT_UNREACHABLE || result.kind == RESULT_IN_PROGRESS ||
                         result.kind == RESULT_LOST || result.kind == RESULT_RETRYABLE ||
                         result.kind == RESULT_CANCELLED;
    result.kind = is_in_the_way ? RESULT_REFUSED : result.kind;
    return result;
}

static Runner *runner_on_paper(const ExecJob *exec, Paper *paper)
{
    RunnerConfig config = {
        .source = exec->source,
        .database = exec->database,
        .schema = exec->schema,
        .agent = exec->agent,
        .order = exec->order,
        .strange = exec->hooks.strange,
        .ctx = exec->hooks.ctx,
    };
    Runner *runner = runner_new(&config);
    runner->paper = paper;
    return runner;
}

Report exec_on_paper(const ExecJob *exec, Arena *arena, Paper *ret_paper, Err *ret_err)
{
    Permit permit = exec->hooks.permit(exec->hooks.ctx);
    AUTO_PTR(Runner) runner = runner_on_paper(exec, ret_paper);
    AUTO_PTR(Job) job = job_new(exec->order, permit.goal, exec->seed, clock_boot_ms());
    Writing writing = { .exec = exec, .arena = arena, .paper = ret_paper, .runner = runner };
    Result result = { .kind = RESULT_NONE, .migration = "" };
    while (true) {
        Action action = job_next(job, &result, permit, clock_boot_ms());
        if (action.kind == ACTION_DONE) {
            break;
        }
        result = act_on_paper(&writing, &action);
    }
    State state = { 0 };
    job_report(job, clock_boot_ms(), &state);
    *ret_err = *job_error(job);
    return (Report)state.report;
}
