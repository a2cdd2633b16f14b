/*
 * The steps that are transactions: READ, APPLY, UNDO, and the notes before and after what cannot
 * run in one. Each is a batch of the same shape: frame, fence, history, statements, COMMIT; what an
 * item's failing means depends on its part (see PARTS).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/exec/batch.h"
#include "agent/exec/place.h"
#include "agent/exec/sql.h"
#include "common/str.h"

#define PLAN_NO_STATEMENT 0 /* also the number of those that tell another tool's table */

/* What one step is about, while its batch is put together. */
typedef struct Step {
    Runner *runner;
    const Action *action;
    const PlanMigration *migration; /* NULL: READ */
    const PlanScript *script;       /* NULL: READ */
    bool runs_statements;           /* APPLY, UNDO */
    uint64_t lock_timeout_ms;
    Batch batch;
    Fence taken;
    uint32_t timeline;
    PGresult *rows;    /* of SQL_HISTORY_STANDING */
    PGresult *adopted; /* of the plan's query to the other tool's history */
} Step;

static void step_done(Step *step)
{
    batch_done(&step->batch);
    PQclear(step->rows);
    PQclear(step->adopted);
}

AUTO_DEFINE(Step, step_done)

static const char *number_text(Runner *runner, uint64_t number)
{
    return arena_printf(&runner->arena, "%" PRIu64, number);
}

static const char *bytes_text(Runner *runner, const uint8_t *bytes, size_t length)
{
    char *text = arena_alloc(&runner->arena, 2 * length + 3);
    text[0] = '\\';
    text[1] = 'x';
    hex_encode(bytes, length, text + 2);
    return text;
}

static const char **params_new(Runner *runner, size_t count)
{
    return ARENA_ARRAY(&runner->arena, const char *, count);
}

static void role_reset(Step *step)
{
    batch_add(&step->batch, PART_FRAME, "RESET SESSION AUTHORIZATION", NULL, 0);
    batch_add(&step->batch, PART_FRAME, "RESET ROLE", NULL, 0);
}

/*
 * RESET ALL comes inside the transaction: when it aborts, the settings are the old ones again, and
 * so is the need to reset them. Not DISCARD ALL: it would drop the session's lock.
 */
static void session_reset(Step *step)
{
    role_reset(step);
    batch_add(&step->batch, PART_FRAME, "RESET ALL", NULL, 0);
    for (size_t i = 0; i < session_settings_count(step->runner); i++) {
        batch_add(&step->batch, PART_FRAME, SQL_SESSION_SETTINGS[i], NULL, 0);
    }
}

static void settings_add(Step *step)
{
    Runner *runner = step->runner;
    const PlanStrategy *strategy = &runner->config.order->plan->strategy;
    const char **params = params_new(runner, 4);
    params[0] = "t";
    params[1] = number_text(runner, step->lock_timeout_ms);
    params[2] = number_text(runner, strategy->statement_timeout_ms);
    params[3] = search_path_text(runner);
    batch_add(&step->batch, PART_FRAME, SQL_STEP_SETTINGS, params, 4);
}

static void frame_add(Step *step)
{
    batch_add(&step->batch, PART_FRAME, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL, 0);
    if (step->runner->session.is_dirty) {
        session_reset(step);
    }
    settings_add(step);
}

static void fence_add(Step *step)
{
    Runner *runner = step->runner;
    const JobOrder *order = runner->config.order;
    const char **params = params_new(runner, 8);
    params[0] = runner->config.schema;
    params[1] = number_text(runner, runner->session.system_identifier);
    params[2] = number_text(runner, runner->session.database_oid);
    params[3] = number_text(runner, runner->fence.term);
    params[4] = number_text(runner, runner->fence.token);
    params[5] = order->rollout;
    params[6] = number_text(runner, order->stamp.attempt);
    params[7] = runner->config.agent;
    batch_add(&step->batch, PART_FENCE, SQL_FENCE_TAKE, params, 8);
}

static const char *bool_text(bool value)
{
    return value ? "t" : "f";
}

/* What the first `parts_done` parts did; NULL where there are none. */
static const char *parts_hash_text(const Step *step, uint32_t parts_done)
{
    uint8_t hash[CHECKSUM_BYTES];
    if (parts_done == 0) {
        return NULL;
    }
    plan_parts_hash(step->script, parts_done, hash);
    return bytes_text(step->runner, hash, sizeof(hash));
}

/* Another content of a repeatable migration that stands in the history does so no more. */
static void supersede(Step *step)
{
    Runner *runner = step->runner;
    const char *id = step->migration->id;
    const char **params = params_new(runner, 5);
    params[0] = runner->config.schema;
    params[1] = id;
    params[2] = arena_strndup(&runner->arena, id, plan_repeat_stem(id));
    params[3] = runner->config.order->rollout;
    params[4] = runner->config.agent;
    batch_add(&step->batch, PART_HISTORY, SQL_HISTORY_SUPERSEDE, params, 5);
}

static void row_insert(Step *step, const Place *to, const char *evidence)
{
    Runner *runner = step->runner;
    const JobOrder *order = runner->config.order;
    const PlanMigration *migration = step->migration;
    const char **params = params_new(runner, 18);
    params[0] = runner->config.schema;
    params[1] = migration->id;
    params[2] = migration->version;
    params[3] = migration->name;
    params[4] = bytes_text(runner, migration->checksum.data, migration->checksum.length);
    params[5] = to->state;
    params[6] = order->rollout;
    params[7] = bytes_text(runner, order->plan_hash, PLAN_HASH_BYTES);
    params[8] = number_text(runner, order->stamp.attempt);
    params[9] = number_text(runner, runner->fence.term);
    params[10] = number_text(runner, runner->fence.token);
    params[11] = runner->config.agent;
    params[12] = evidence;
    params[13] = number_text(runner, (uint64_t)runner->session.backend_start_us);
    params[14] = number_text(runner, to->parts_done);
    params[15] = bool_text(to->is_running);
    params[16] = parts_hash_text(step, to->parts_done);
    params[17] = plan_is_adoption(order->plan) ? order->plan->adoption.tool : "";
    batch_add(&step->batch, PART_HISTORY, SQL_HISTORY_INSERT, params, 18);
    if (migration->is_repeatable) {
        supersede(step);
    }
}

static void row_move(Step *step, const PlaceMove *move, const char *evidence)
{
    Runner *runner = step->runner;
    const JobOrder *order = runner->config.order;
    const PlanMigration *migration = step->migration;
    const char **params = params_new(runner, 18);
    params[0] = runner->config.schema;
    params[1] = migration->id;
    params[2] = move->from.state;
    params[3] = number_text(runner, move->from.parts_done);
    params[4] = bool_text(move->from.is_running);
    params[5] = move->to.state;
    params[6] = number_text(runner, move->to.parts_done);
    params[7] = bool_text(move->to.is_running);
    params[8] = parts_hash_text(step, move->to.parts_done);
    params[9] = bytes_text(runner, migration->checksum.data, migration->checksum.length);
    params[10] = order->rollout;
    params[11] = bytes_text(runner, order->plan_hash, PLAN_HASH_BYTES);
    params[12] = number_text(runner, order->stamp.attempt);
    params[13] = number_text(runner, runner->fence.term);
    params[14] = number_text(runner, runner->fence.token);
    params[15] = runner->config.agent;
    params[16] = evidence;
    params[17] = number_text(runner, (uint64_t)runner->session.backend_start_us);
    batch_add(&step->batch, PART_HISTORY, SQL_HISTORY_MOVE, params, 18);
}

/* The history row of a step; returns the state that it has then. */
static const char *row_add(Step *step, const char *evidence)
{
    PlaceMove move = place_move(step->action, step->script);
    if (move.from.state == NULL) {
        row_insert(step, &move.to, evidence);
    } else {
        row_move(step, &move, evidence);
    }
    return move.to.state;
}

/* What the parts before have set for the session was reset with the rest of it. */
static void statements_add(Step *step)
{
    PartView part = plan_part_at(step->script, step->action->part);
    for (size_t i = 0; i < part.first + part.count; i++) {
        const PlanStatement *statement = &step->script->statements[i];
        if (i >= part.first && statement->is_copy) {
            batch_add_copy(&step->batch, (uint32_t)i + 1, statement->sql, &statement->copy_data);
        } else if (i >= part.first || statement->is_setting) {
            batch_add_statement(&step->batch, (uint32_t)i + 1, statement->sql);
        }
    }
}

/* Has this step another tool to tell, when it is done, that the whole script is? */
static bool has_mirror(const Step *step)
{
    bool is_last = step->action->part + 1 == plan_part_count(step->script);
    return is_last && step->script->mirror_count > 0;
}

static void mirror_add(Step *step)
{
    for (size_t i = 0; i < step->script->mirror_count; i++) {
        batch_add_statement(&step->batch, PLAN_NO_STATEMENT, step->script->mirror[i]);
    }
}

/* The migration may have become another role: the histories are ours to write. */
static void finish_add(Step *step, const char *state)
{
    Runner *runner = step->runner;
    const char **params = params_new(runner, 4);
    params[0] = "t";
    params[1] = runner->config.schema;
    params[2] = step->migration->id;
    params[3] = state;
    if (has_mirror(step)) {
        session_reset(step);
        settings_add(step);
        mirror_add(step);
    } else {
        role_reset(step);
    }
    batch_add(&step->batch, PART_FRAME, SQL_HISTORY_FINISH, params, 4);
}

static const PlanScript *script_of(const PlanMigration *migration, const Action *action)
{
    bool is_down = action->kind == ACTION_UNDO || action->is_down;
    return is_down ? &migration->down : &migration->up;
}

static uint32_t lock_timeout_of(const Step *step)
{
    bool is_own = step->runs_statements && step->script->lock_timeout_ms != 0;
    return is_own ? step->script->lock_timeout_ms
                  : step->runner->config.order->plan->strategy.lock_timeout_ms;
}

static Step step_begin(Runner *runner, const Action *action, const PlanMigration *migration)
{
    Step step = {
        .runner = runner,
        .action = action,
        .migration = migration,
        .script = migration == NULL ? NULL : script_of(migration, action),
        .runs_statements = action->kind == ACTION_APPLY || action->kind == ACTION_UNDO,
    };
    step.lock_timeout_ms = lock_timeout_of(&step);
    frame_add(&step);
    fence_add(&step);
    return step;
}

static void rows_take(void *ctx, const BatchItem *item, const PGresult *result)
{
    Step *step = ctx;
    if (item->part == PART_FENCE) {
        step->taken.term = result_uint64(result, 0, 0);
        step->taken.token = result_uint64(result, 0, 1);
        step->timeline = (uint32_t)strtoul(result_text(result, 0, 2), NULL, 16);
    } else if (item->sql == SQL_HISTORY_STANDING) {
        step->rows = PQcopyResult(result, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    } else if (item->sql == step->runner->config.order->plan->adoption.query) {
        step->adopted = PQcopyResult(result, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
    }
}

/*
 * An error of the fence or the history row is never the migration's. Waiting in vain for the row
 * lock means another attempt is inside its transaction; a row that is there means that it got
 * through.
 */
static ResultKind kind_of_own(const Step *step, const BatchOutcome *outcome)
{
    if (outcome->kind == RESULT_REFUSED && step->migration != NULL) {
        return RESULT_FAILED; /* before the first step it is a refusal, then a step that failed */
    }
    if (outcome->kind == RESULT_BLOCKED || str_equal(outcome->err.sqlstate, "57014")) {
        return RESULT_IN_PROGRESS;
    }
    if (outcome->part == PART_HISTORY && str_equal(outcome->err.sqlstate, "23505")) {
        return RESULT_ALREADY;
    }
    return outcome->kind;
}

/* The echo of our own cancel or termination, not the server's judgement of the statement. */
static bool is_our_cancel(const Guard *guard, const Err *err)
{
    return guard_has_ended_it(guard) &&
           (str_equal(err->sqlstate, "57014") || str_equal(err->sqlstate, "57P01"));
}

static void cancel_explain(const Guard *guard, Err *err)
{
    if (guard->is_late) {
        err_set(err, ERR_TIMEOUT, "cancelled: the time allowed for this target ran out");
    } else {
        err_set(err, ERR_CANCELLED, "cancelled because the goal has changed");
    }
}

static void blocker_name(const Guard *guard, Err *err)
{
    if (guard->last_blocker[0] != '\0') {
        err_hint(err, "blocked by %s; end it, or raise the lock timeout", guard->last_blocker);
    }
}

static Result result_of_server(const Step *step, const Guard *guard, const BatchOutcome *outcome)
{
    bool is_statement = outcome->part == PART_STATEMENT;
    Result result = {
        .kind = outcome->kind,
        .err = outcome->err,
        .migration = step->migration == NULL ? "" : step->migration->id,
        .statement = is_statement ? outcome->statement : PLAN_NO_STATEMENT,
    };
    if (is_our_cancel(guard, &outcome->err)) {
        result.kind = RESULT_CANCELLED;
        cancel_explain(guard, &result.err);
    } else if (outcome->part == PART_FENCE || outcome->part == PART_HISTORY) {
        result.kind = kind_of_own(step, outcome);
    } else if (outcome->kind == RESULT_FENCED || outcome->kind == RESULT_ALREADY ||
               outcome->kind == RESULT_REFUSED) {
        result.kind = RESULT_FAILED; /* a migration may raise what it likes, also our numbers */
        result.err.code = ERR_SERVER;
    }
    if (is_statement && outcome->statement == PLAN_NO_STATEMENT) {
        err_wrap(&result.err, "cannot tell the other tool's table that it is done");
    }
    if (result.kind == RESULT_IN_PROGRESS) {
        result.err.code = ERR_ATTEMPT_IN_PROGRESS;
    } else if (result.kind == RESULT_BLOCKED) {
        blocker_name(guard, &result.err);
    }
    return result;
}

static Result result_of_batch(const Step *step, const Guard *guard, const BatchOutcome *outcome)
{
    Result result = {
        .err = outcome->err,
        .migration = step->migration == NULL ? "" : step->migration->id,
    };
    switch (outcome->end) {
    case BATCH_COMMITTED:
        result.kind = RESULT_OK;
        return result;
    case BATCH_ROLLED_BACK:
    case BATCH_ERROR:
        return result_of_server(step, guard, outcome);
    case BATCH_UNSENT:
        result.kind = RESULT_UNREACHABLE;
        return result;
    case BATCH_LOST:
        result.kind = RESULT_LOST;
        return result;
    }
    return result;
}

static Result step_run(Step *step)
{
    Runner *runner = step->runner;
    batch_add(&step->batch, PART_COMMIT, "COMMIT", NULL, 0);
    Guard guard;
    BatchOutcome outcome;
    guard_begin(&guard, runner, step->action, step->runs_statements ? step->script : NULL);
    batch_run(runner->session.conn, &step->batch, &guard, rows_take, step, &outcome);
    runner->session.is_dirty = runner->session.is_dirty || step->runs_statements;
    if (outcome.end == BATCH_COMMITTED && step->taken.token != 0) {
        runner->fence = step->taken;
    }
    return result_of_batch(step, &guard, &outcome);
}

Result perform_read(Runner *runner, const Action *action)
{
    AUTO(Step)
    step = step_begin(runner, action, NULL);
    const Plan *plan = runner->config.order->plan;
    const char **params = params_new(runner, 1);
    params[0] = runner->config.schema;
    batch_add(&step.batch, PART_HISTORY, SQL_HISTORY_STANDING, params, 1);
    if (plan_is_adoption(plan)) {
        batch_add(&step.batch, PART_FRAME, plan->adoption.query, NULL, 0);
    }
    Result result = step_run(&step);
    if (result.kind == RESULT_LOST) {
        result.kind = RESULT_UNREACHABLE; /* nothing of the target was under way */
        result.err.code = ERR_UNREACHABLE;
    }
    if (result.kind != RESULT_OK) {
        return result;
    }
    history_fill(runner, step.rows, step.timeline);
    adoption_fill(runner, step.adopted);
    result.kind = RESULT_HISTORY;
    result.history = &runner->history;
    return result;
}

static const PlanMigration *migration_of(const Runner *runner, const Action *action)
{
    return &runner->config.order->plan->migrations[action->migration];
}

Result perform_transaction(Runner *runner, const Action *action)
{
    AUTO(Step)
    step = step_begin(runner, action, migration_of(runner, action));
    const char *state = row_add(&step, NULL);
    statements_add(&step);
    finish_add(&step, state);
    return step_run(&step);
}

/* Which indexes of the wanted name were there before. NULL for anything but an index. */
static ErrCode evidence_gather(Runner *runner, const Action *action, const char **ret_evidence,
                               Err *err)
{
    *ret_evidence = NULL;
    const PlanScript *script = script_of(migration_of(runner, action), action);
    const PlanStatement *statement =
        &script->statements[plan_part_at(script, action->part).first];
    if (statement->probe != PROBE_INDEX_VALID) {
        return ERR_NONE;
    }
    const char *params[] = { statement->object, statement->detail };
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = solo_settings(runner, action, err); /* names mean what they will mean to the statement */
    if (code == ERR_NONE) {
        code = session_query(runner, SQL_EVIDENCE, params, ARRAY_LEN(params), action, &rows, err);
    }
    if (code == ERR_NONE) {
        *ret_evidence = arena_strdup(&runner->arena, result_text(rows, 0, 0));
    }
    return code;
}

Result perform_note(Runner *runner, const Action *action)
{
    Err err = { 0 };
    const char *evidence = NULL;
    if (action->kind == ACTION_NOTE_BEGIN &&
        evidence_gather(runner, action, &evidence, &err) != ERR_NONE) {
        return result_of_error(&err);
    }
    AUTO(Step)
    step = step_begin(runner, action, migration_of(runner, action));
    row_add(&step, evidence);
    if (action->kind == ACTION_NOTE_END && has_mirror(&step)) {
        mirror_add(&step);
    }
    return step_run(&step);
}
