/*
 * READ: the fence is taken for the attempt, and the history read behind it, in one transaction.
 * Owns what happens when the fence is not as it should be: not made yet, a copy's, of a schema that
 * was renamed or made anew. Each is found by the fence not being there, so what is regular costs
 * nothing.
 */
#include <stdlib.h>

#include "agent/exec/own_tables.h"
#include "agent/exec/sql.h"
#include "agent/exec/step.h"

/* Columns of SQL_FENCE_TAKE. */
enum FenceColumn {
    FENCE_TERM,
    FENCE_TOKEN,
    FENCE_WRITES,
    FENCE_MAY_WRITE, /* the history, too */
    FENCE_TIMELINE,
};

/* How a fence comes to be regular before it is taken. */
typedef enum FenceState {
    FENCE_REGULAR = 0,
    FENCE_MISSING,
    FENCE_STRANGE,
    FENCE_STATE_COUNT_,
} FenceState;

typedef struct Reading {
    Step step;
    bool has_fence;
    bool may_write;
    Fence taken;
    uint64_t writes;
    uint32_t timeline;
    PGresult *rows; /* of SQL_HISTORY_STANDING */
    PGresult *tool; /* of the plan's query to the other tool's history */
} Reading;

static void reading_done(Reading *reading)
{
    step_done(&reading->step);
    PQclear(reading->rows);
    PQclear(reading->tool);
}

AUTO_DEFINE(Reading, reading_done)

static void make_add(Step *step)
{
    const Runner *runner = step->runner;
    const char **params = step_params(step, 4);
    params[0] = runner->config.schema;
    params[1] = runner->session.system_identifier;
    params[2] = runner->session.database_oid;
    params[3] = runner->schema_identifier;
    batch_add(&step->batch, PART_FENCE, SQL_FENCE_MAKE, params, 4);
}

static void adopt_add(Step *step)
{
    const Runner *runner = step->runner;
    const char **params = step_params(step, 5);
    params[0] = runner->config.schema;
    params[1] = runner->session.system_identifier;
    params[2] = runner->session.database_oid;
    params[3] = runner->config.order->rollout;
    params[4] = runner->config.agent;
    batch_add(&step->batch, PART_FRAME, SQL_FENCE_ADOPT_OF, params, 5);
    batch_add(&step->batch, PART_FENCE, SQL_FENCE_ADOPT, NULL, 0);
}

static void fence_add(Step *step)
{
    const Runner *runner = step->runner;
    const JobOrder *order = runner->config.order;
    const char **params = step_params(step, 9);
    params[0] = runner->config.schema;
    params[1] = runner->session.system_identifier;
    params[2] = runner->session.database_oid;
    params[3] = runner->schema_identifier;
    params[4] = step_number(step, runner->fence.term);
    params[5] = step_number(step, runner->fence.token);
    params[6] = order->rollout;
    params[7] = step_number(step, order->stamp.attempt);
    params[8] = runner->config.agent;
    batch_add(&step->batch, PART_FENCE, SQL_FENCE_TAKE, params, 9);
}

static void history_add(Step *step)
{
    const Plan *plan = step->runner->config.order->plan;
    const char **params = step_params(step, 1);
    params[0] = step->runner->config.schema;
    batch_add(&step->batch, PART_HISTORY, SQL_HISTORY_STANDING, params, 1);
    if (plan_tool(plan) != NULL) {
        step_tool_begin(step, plan_tool(plan));
        batch_add(&step->batch, PART_FRAME, plan_tool(plan)->query, NULL, 0);
        step_tool_end(step);
    }
}

static void fence_take(Reading *reading, const PGresult *result)
{
    reading->has_fence = true;
    reading->taken.term = result_uint64(result, 0, FENCE_TERM);
    reading->taken.token = result_uint64(result, 0, FENCE_TOKEN);
    reading->writes = result_uint64(result, 0, FENCE_WRITES);
    reading->may_write = result_bool(result, 0, FENCE_MAY_WRITE);
    reading->timeline = (uint32_t)strtoul(result_text(result, 0, FENCE_TIMELINE), NULL, 16);
}

/* A transaction that took no fence has changed nothing: there is no harm in its COMMIT. */
static bool reading_take(void *ctx, const BatchItem *item, const PGresult *result)
{
    Reading *reading = ctx;
    const PlanTool *tool = plan_tool(reading->step.runner->config.order->plan);
    if (item->sql == SQL_FENCE_TAKE && PQntuples(result) > 0) {
        fence_take(reading, result);
    } else if (item->sql == SQL_HISTORY_STANDING) {
        reading->rows = PQcopyResult(result, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    } else if (tool != NULL && item->sql == tool->query) {
        reading->tool = PQcopyResult(result, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    }
    return true;
}

/* A table that another tool has made may answer by chance. */
static ErrCode history_ask(Runner *runner, const Reading *reading, Err *err)
{
    const PlanTool *tool = plan_tool(runner->config.order->plan);
    const Action *action = reading->step.action;
    ErrCode code = tool == NULL ? ERR_NONE : tool_check(runner, tool, action, err);
    return code == ERR_NONE ? tie_look(runner, action, err) : code;
}

static Result result_history(Runner *runner, const Reading *reading)
{
    Err err = { 0 };
    runner->fence = reading->taken;
    runner->session.writes = reading->writes;
    runner->session.has_fence = true;
    history_fill(runner, reading->rows, reading->timeline);
    tool_fill(runner, reading->tool);
    if (history_ask(runner, reading, &err) != ERR_NONE) {
        Result result = result_of_error(&err);
        result.kind = err.code == ERR_HISTORY ? RESULT_REFUSED : result.kind;
        return result;
    }
    history_fill_change(runner, reading->step.action);
    return (Result){ .kind = RESULT_HISTORY, .migration = "", .history = &runner->history };
}

static Result result_explain(Runner *runner, const Action *action, Err *err)
{
    Conn *conn = runner->session.conn;
    own_tables_explain(conn, OWN_WRITE, action_deadline_ms(action), err);
    return own_tables_refusal(err);
}

/* Better now than behind the statements of a migration. */
static Result result_may_not_write(Runner *runner, const Action *action)
{
    Err err = { 0 };
    if (own_tables_examine(runner->session.conn, OWN_WRITE, action_deadline_ms(action), &err) ==
        ERR_NONE) {
        err_set(&err, ERR_PRIVILEGE, "skein.history may not be written");
    }
    return own_tables_refusal(&err);
}

/* Behind the history comes the question to the other tool, and nothing else. */
static Result result_explain_tool(Runner *runner, const Action *action, const Reading *reading,
                                  Result result)
{
    const PlanTool *tool = plan_tool(runner->config.order->plan);
    bool is_of_tool = tool != NULL && reading->rows != NULL && reading->tool == NULL;
    if (is_of_tool && result.kind == RESULT_FAILED) {
        tool_explain(runner, tool, action, &result.err);
        result.kind = result.err.code == ERR_HISTORY ? RESULT_REFUSED : result.kind;
    }
    return result;
}

/* RESULT_OK: there was no regular fence to take. */
static Result fence_read(Runner *runner, const Action *action, FenceState state)
{
    AUTO(Reading) reading = { .step = { .runner = runner, .action = action } };
    Step *step = &reading.step;
    step_begin(step);
    if (state == FENCE_STRANGE) {
        adopt_add(step);
    }
    if (state != FENCE_REGULAR) {
        make_add(step); /* also where the one of this name has just gone to its own schema's */
    }
    fence_add(step);
    history_add(step);
    Result result = step_run(step, reading_take, &reading);
    if (result.kind == RESULT_LOST) {
        result.kind = RESULT_UNREACHABLE; /* nothing of the target was under way */
        result.err.code = ERR_UNREACHABLE;
    }
    if (result.kind == RESULT_OK && reading.has_fence) {
        return reading.may_write ? result_history(runner, &reading)
                                 : result_may_not_write(runner, action);
    }
    if (!step_met_tables(step, &result)) {
        return result_explain_tool(runner, action, &reading, result);
    }
    if (state == FENCE_REGULAR) { /* tables of an earlier version may lack what is asked for */
        return (Result){ .kind = RESULT_OK, .migration = "" };
    }
    return result_explain(runner, action, &result.err);
}

Result perform_read(Runner *runner, const Action *action)
{
    Err err = { 0 };
    Result result = { .kind = RESULT_OK, .migration = "" };
    FenceState state = runner->session.has_fence ? FENCE_REGULAR : FENCE_MISSING;
    for (; state < FENCE_STATE_COUNT_ && result.kind == RESULT_OK; state++) {
        if (state == FENCE_MISSING && own_tables_settle(runner, action, &err) != ERR_NONE) {
            return own_tables_refusal(&err);
        }
        result = fence_read(runner, action, state);
    }
    if (result.kind == RESULT_OK) {
        err_set(&result.err, ERR_TABLES, "the fence of this target cannot be taken");
        err_hint(&result.err, "look at its row in skein.fence");
        result.kind = RESULT_FAILED;
    }
    return result;
}
