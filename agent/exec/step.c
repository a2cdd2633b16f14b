/*
 * What is the same for every step: its frame, and what its answers mean. An item of skein's own
 * that fails is not a statement of the migration that does: that depends on its part (batch.h).
 */
#include "agent/exec/step.h"

#include <inttypes.h>

#include "agent/exec/litter.h"
#include "agent/exec/own_tables.h"
#include "agent/exec/paper_internal.h"
#include "agent/exec/sql.h"
#include "common/str.h"

const char *step_number(const Step *step, uint64_t number)
{
    return arena_printf(&step->runner->arena, "%" PRIu64, number);
}

const char *step_bool(bool value)
{
    return value ? "t" : "f";
}

const char *step_lock_key(const Step *step)
{
    char *key = arena_alloc(&step->runner->arena, LOCK_KEY_MAX);
    session_lock_key(step->runner, key);
    return key;
}

const char *step_bytes(const Step *step, const uint8_t *bytes, size_t length)
{
    char *text = arena_alloc(&step->runner->arena, 2 * length + 3);
    text[0] = '\\';
    text[1] = 'x';
    hex_encode(bytes, length, text + 2);
    return text;
}

const char **step_params(const Step *step, size_t count)
{
    return ARENA_ARRAY(&step->runner->arena, const char *, count);
}

/* ---- what is kept ---- */

static const char *const KEPT_NAMES[] = {
    [KEPT_SETTINGS] = "skein settings",       [KEPT_FENCE_PASS] = "skein fence",
    [KEPT_SCHEMA_STANDS] = "skein schema",    [KEPT_HISTORY_INSERT] = "skein insert",
    [KEPT_HISTORY_MOVE_UP] = "skein move up", [KEPT_HISTORY_MOVE_DOWN] = "skein move down",
    [KEPT_LOCKS_CLEAR] = "skein locks",       [KEPT_LITTER_LOOK] = "skein look",
};
_Static_assert(ARRAY_LEN(KEPT_NAMES) == KEPT_COUNT_, "a name per statement");

void step_kept(Step *step, BatchPart part, Kept kept, const char *sql, const char *const *params,
               size_t param_count)
{
    Session *session = &step->runner->session;
    const char *name = KEPT_NAMES[kept];
    if (session->forgets) {
        batch_add(&step->batch, part, sql, params, param_count);
        return;
    }
    bool is_there = step->keeps[kept] || (session->is_kept[kept] && !step->is_forgetting);
    if (!is_there) {
        batch_add_prepare(&step->batch, part, name, sql, &session->is_kept[kept]);
        step->keeps[kept] = true;
    }
    batch_add_prepared(&step->batch, part, name, sql, params, param_count);
}

/* DEALLOCATE ALL, in a migration. */
static bool has_forgotten(const BatchOutcome *outcome)
{
    return outcome->end == BATCH_ERROR && outcome->part != PART_STATEMENT &&
           str_equal(outcome->err.sqlstate, "26000");
}

/* ---- the frame ---- */

void step_frame(Step *step, const char *sql)
{
    batch_add(&step->batch, PART_FRAME, sql, NULL, 0);
}

void step_reset_role(Step *step)
{
    step_frame(step, "RESET SESSION AUTHORIZATION");
    step_frame(step, "RESET ROLE");
}

void step_reset_settings(Step *step)
{
    const Session *session = &step->runner->session;
    step_frame(step, "RESET ALL");
    step_kept(step, PART_FRAME, KEPT_SETTINGS, session->settings_select, NULL, 0);
}

void step_tool_end(Step *step)
{
    if (step->runner->become != NULL) {
        batch_add(&step->batch, PART_DEFERRED, "SET CONSTRAINTS ALL IMMEDIATE", NULL, 0);
        step_reset_role(step);
    }
}

void step_tool_begin(Step *step, const PlanTool *tool)
{
    const char *path = tool_path(step->runner, tool);
    if (step->runner->become != NULL) {
        step_frame(step, step->runner->become);
    }
    if (path != NULL) {
        step_frame(step, path);
    }
}

/* How the transaction is to be must be said before its first query. */
static void opening_add(Step *step)
{
    PartView part = plan_part_at(step->script, step->action->part);
    for (size_t i = part.first; i < part.first + part.count; i++) {
        const PlanStatement *statement = &step->script->statements[i];
        if (statement->is_opening) {
            batch_add_statement(&step->batch, (uint32_t)i + 1, statement->sql);
        }
    }
}

/*
 * RESET ALL comes inside the transaction: when it aborts, the settings are the old ones again, and
 * so is the need to reset them.
 */
void step_begin(Step *step)
{
    step_frame(step, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    if (step->runs_statements) {
        opening_add(step);
    }
    if (step->runner->session.is_other_role) {
        step_reset_role(step);
    }
    litter_clear(step);
    if (step->runner->session.is_dirty) {
        step_reset_settings(step);
    }
}

/* What the transaction has made of the session. A migration that ended it may have left anything
 * behind. */
static void session_note(Session *session, Step *step, bool is_committed)
{
    litter_note(step, is_committed);
    session->is_dirty = step->runs_statements || (session->is_dirty && !is_committed);
    session->is_other_role = !is_committed && (step->runs_statements || session->is_other_role);
}

/* ---- answers ---- */

/* The constraints of skein's own tables, and what it means to violate them. */
static const struct ConstraintRow {
    const char *name;
    ResultKind kind;
    ErrCode code;
    const char *text;
} CONSTRAINTS[] = {
    { CONSTRAINT_FENCED, RESULT_FENCED, ERR_FENCED, "a newer attempt owns this target" },
    { CONSTRAINT_OTHERWISE, RESULT_ALREADY, ERR_CONFLICT,
      "the history of this target is not as it was read" },
    { CONSTRAINT_ROW_IS_THERE, RESULT_ALREADY, ERR_CONFLICT,
      "the history of this target has the row already" },
};

/*
 * An error of the fence or the history row is never the migration's. Waiting in vain for the row
 * lock means another attempt is inside its transaction; a row that is there means that it got
 * through.
 */
static void own_judge(const Step *step, const BatchOutcome *outcome, Result *result)
{
    for (size_t i = 0; i < ARRAY_LEN(CONSTRAINTS); i++) {
        if (str_equal(outcome->constraint, CONSTRAINTS[i].name)) {
            result->kind = CONSTRAINTS[i].kind;
            err_set(&result->err, CONSTRAINTS[i].code, "%s", CONSTRAINTS[i].text);
            return;
        }
    }
    if (outcome->kind == RESULT_REFUSED && step->migration != NULL) {
        result->kind =
            RESULT_FAILED; /* before the first step it is a refusal, then a step that failed */
    } else if (outcome->kind == RESULT_BLOCKED || str_equal(outcome->err.sqlstate, "57014")) {
        result->kind = RESULT_IN_PROGRESS;
        result->err.code = ERR_ATTEMPT_IN_PROGRESS;
    }
}

/* Which role it is about the server says in words that are not told. */
static void become_explain(const Step *step, const BatchOutcome *outcome, Err *err)
{
    bool is_of_role = str_equal(outcome->err.sqlstate, "22023") || /* there is none */
                      str_equal(outcome->err.sqlstate, "42501");
    if (outcome->part == PART_FRAME && is_of_role && step->runner->become != NULL) {
        err_wrap(err, "%s", step->runner->become);
        err_hint(err, "grant that role to the one of the connection, or name another");
    }
}

static void error_judge(const Step *step, const Guard *guard, const BatchOutcome *outcome,
                        Result *result)
{
    result->kind = outcome->kind;
    result->statement = outcome->part == PART_STATEMENT ? outcome->statement : NO_STATEMENT;
    if (guard_is_echo(guard, &outcome->err)) {
        guard_explain(guard, result);
    } else if (outcome->part == PART_FENCE || outcome->part == PART_HISTORY) {
        own_judge(step, outcome, result);
    } else if (outcome->kind == RESULT_REFUSED) {
        result->kind = RESULT_FAILED; /* a migration may raise what it likes, also our numbers */
        result->err.code = ERR_SERVER;
    } else if (outcome->kind == RESULT_BLOCKED) {
        guard_blame(guard, result);
    } else {
        litter_explain(step, &result->err);
    }
    become_explain(step, outcome, &result->err);
    if (outcome->part == PART_STATEMENT && outcome->statement == NO_STATEMENT) {
        err_wrap(&result->err, "cannot tell the other tool's table that it is done");
        if (str_equal(outcome->err.sqlstate, "42501") && step->runner->become != NULL) {
            err_hint(&result->err, "it is told by the role of migrations, as the tool itself would "
                                   "come: grant that role INSERT, UPDATE and DELETE on it");
        }
        if (str_equal(outcome->err.sqlstate, "42P01")) { /* undefined_table */
            err_hint(&result->err,
                     "a migration that takes that table away is run with --mirror none "
                     "(`mirror: none`)");
        }
    }
}

static void stop_judge(const Step *step, Result *result)
{
    const char *id = step->migration == NULL ? "" : step->migration->id;
    switch (step->stop) {
    case STOP_SCHEMA_GONE: /* the rest of the search_path would have taken its place */
        result->kind = RESULT_FAILED;
        err_set(&result->err, ERR_SERVER,
                "schema \"%s\" was dropped or renamed while migration %s ran",
                step->runner->config.schema, id);
        str_copy(result->err.sqlstate, sizeof(result->err.sqlstate), "3F000");
        break;
    case STOP_OTHER_TRANSACTION:
        result->kind = RESULT_FAILED;
        if (step->migration == NULL) { /* a repair runs nothing else that is not skein's own */
            err_set(&result->err, ERR_SERVER,
                    "what tells the other tool's table of it ended the transaction it runs in");
            err_hint(&result->err,
                     "nothing is changed: tell that table by hand, and repair without "
                     "--mirror");
            break;
        }
        err_set(&result->err, ERR_SERVER, "migration %s ended the transaction it runs in", id);
        err_hint(&result->err, "take BEGIN, COMMIT and ROLLBACK out of the migration");
        break;
    case STOP_LOCK_GONE:
        result->kind = RESULT_IN_PROGRESS;
        session_lock_gone(&result->err);
        break;
    case STOP_NO_ROW:
        result->kind = RESULT_ALREADY;
        err_set(&result->err, ERR_CONFLICT, "the history of this target is not as it was read");
        break;
    }
}

static Result batch_judge(const Step *step, const Guard *guard, const BatchOutcome *outcome)
{
    Result result = {
        .kind = RESULT_OK,
        .err = outcome->err,
        .migration = step->migration == NULL ? "" : step->migration->id,
    };
    switch (outcome->end) {
    case BATCH_COMMITTED:
        break;
    case BATCH_ROLLED_BACK:
    case BATCH_ERROR:
        error_judge(step, guard, outcome, &result);
        break;
    case BATCH_STOPPED:
        stop_judge(step, &result);
        break;
    case BATCH_UNSENT:
        result.kind = RESULT_UNREACHABLE;
        break;
    case BATCH_LOST:
        result.kind = RESULT_LOST;
        break;
    }
    return result;
}

/* What a constraint's violation does not say. Failing is silent: it is said that it is newer. */
static void fence_tell(const Step *step, Err *err)
{
    Runner *runner = step->runner;
    const char *params[] = { runner->config.schema };
    AUTO_PTR(PGresult) row = NULL;
    if (conn_is_alive(runner->session.conn) &&
        session_query(runner, SQL_FENCE_PEEK, params, 1, step->action, &row, NULL) == ERR_NONE &&
        PQntuples(row) == 1) {
        err_set(
            err, ERR_FENCED,
            "a newer attempt owns this target: its fence is at term %s, token %s, this attempt has"
            " term %" PRIu64 ", token %" PRIu64,
            result_text(row, 0, 0), result_text(row, 0, 1), runner->fence.term,
            runner->fence.token);
    }
}

bool step_met_tables(const Step *step, const Result *result)
{
    bool is_own = step->failed_part == PART_FENCE || step->failed_part == PART_HISTORY;
    return result->kind == RESULT_FAILED && is_own && own_tables_are_meant(&result->err);
}

bool step_take_row(Step *step, const BatchItem *item, const PGresult *result)
{
    step->stop = STOP_NO_ROW;
    if (PQntuples(result) != 1) {
        return false;
    }
    if (item->part == PART_FENCE) {
        step->transaction = result_uint64(result, 0, 0);
        step->stop = STOP_LOCK_GONE;
        if (!result_bool(result, 0, 1)) {
            return false;
        }
    }
    step->stop = STOP_OTHER_TRANSACTION;
    return step->transaction == result_uint64(result, 0, 0);
}

Result step_run(Step *step, BatchTake take, void *ctx)
{
    Runner *runner = step->runner;
    Guard guard;
    BatchOutcome outcome;
    batch_add(&step->batch, PART_COMMIT, "COMMIT", NULL, 0);
    if (runner->paper != NULL) {
        paper_batch(runner->paper, &step->batch);
        session_note(&runner->session, step, true);
        return (Result){ .kind = RESULT_OK, .migration = "" };
    }
    guard_begin(&guard, runner, step->action, step->runs_statements ? step->script : NULL);
    if (step->script != NULL) {
        step->batch.warnings = warnings_new(&runner->arena, step->migration->id, step->script);
    }
    batch_run(runner->session.conn, &step->batch, &guard, take, ctx, &outcome);
    guard_end(&guard);
    session_note(&runner->session, step, outcome.end == BATCH_COMMITTED);
    if (outcome.end == BATCH_COMMITTED && step->migration != NULL) {
        guard_tell_commit(&guard, step->migration->id);
    }
    step->failed_part = outcome.part;
    step->is_forgotten = has_forgotten(&outcome);
    runner->session.forgets = runner->session.forgets || step->is_forgotten;
    Result result = batch_judge(step, &guard, &outcome);
    if (step->batch.warnings != NULL) {
        warnings_give(step->batch.warnings, &result);
    }
    if (result.kind == RESULT_FENCED) {
        fence_tell(step, &result.err);
    }
    return result;
}
