/*
 * The steps that write a row of history: APPLY, UNDO, and the notes before and after what cannot
 * run in a transaction. Each passes the fence first and writes the row last.
 */
#include <inttypes.h>
#include <string.h>

#include "agent/exec/litter.h"
#include "agent/exec/own_tables.h"
#include "agent/exec/paper_internal.h"
#include "agent/exec/place.h"
#include "agent/exec/renew.h"
#include "agent/exec/sql.h"
#include "agent/exec/step.h"
#include "agent/exec/trace.h"
#include "agent/exec/vain.h"
#include "common/str.h"

/* ---- fence and history ---- */

/* Only the run of a script knows which fence it has taken. */
static const char *term_text(const Step *step)
{
    const Runner *runner = step->runner;
    return runner->paper != NULL ? PAPER_TERM : step_number(step, runner->fence.term);
}

static const char *token_text(const Step *step)
{
    const Runner *runner = step->runner;
    return runner->paper != NULL ? PAPER_TOKEN : step_number(step, runner->fence.token);
}

void step_fence_pass(Step *step)
{
    const Runner *runner = step->runner;
    const char **params = step_params(step, 6);
    params[0] = runner->config.schema;
    params[1] = term_text(step);
    params[2] = token_text(step);
    params[3] = runner->schema_identifier;
    params[4] = step_number(step, runner->session.writes);
    params[5] = step_lock_key(step);
    step_kept(step, PART_FENCE, KEPT_FENCE_PASS, SQL_FENCE_PASS, params, 6);
}

/* What the first `parts_done` parts did; NULL where there are none. */
static const char *parts_hash_text(const Step *step, uint32_t parts_done)
{
    uint8_t hash[CHECKSUM_BYTES];
    if (parts_done == 0) {
        return NULL;
    }
    plan_parts_hash(step->script, parts_done, hash);
    return step_bytes(step, hash, sizeof(hash));
}

static const char *checksum_text(const Step *step)
{
    return step_bytes(step, step->migration->checksum.data, step->migration->checksum.length);
}

static const char *plan_hash_text(const Step *step)
{
    return step_bytes(step, step->runner->config.order->plan_hash, PLAN_HASH_BYTES);
}

static const char *fingerprints_text(const Step *step)
{
    const Bytes *fingerprints = &step->migration->fingerprints;
    return step_bytes(step, fingerprints->data, fingerprints->length);
}

/* Of a migration that is done: the time belongs to it. */
static const char *arrived_text(const Place *to)
{
    return step_bool(str_equal(to->state, "applied") || str_equal(to->state, "undone"));
}

static void row_insert(Step *step, const Place *to, const char *evidence)
{
    const Runner *runner = step->runner;
    const JobOrder *order = runner->config.order;
    const char *params[] = {
        runner->config.schema,
        step_number(step, runner->session.writes + 1),
        step->migration->id,
        to->state,
        step_number(step, to->parts_done),
        step_bool(to->is_running),
        parts_hash_text(step, to->parts_done),
        evidence == NULL ? tie_evidence(step->runner, str_equal(to->state, "applied")) : evidence,
        runner->session.backend_start,
        checksum_text(step),
        plan_hash_text(step),
        step->migration->version,
        step->migration->name,
        plan_is_adoption(order->plan) ? order->plan->adoption.tool : "",
        fingerprints_text(step),
        order->rollout,
        step_number(step, order->stamp.attempt),
        term_text(step),
        token_text(step),
        runner->config.agent,
        arrived_text(to),
    };
    step_kept(step, PART_HISTORY, KEPT_HISTORY_INSERT, SQL_HISTORY_INSERT,
              arena_memdup(&step->runner->arena, params, sizeof(params)), ARRAY_LEN(params));
}

#define MOVE_PARAMS 13 /* the first of both ways */

static const char **move_params(Step *step, const PlaceMove *move, const char *evidence,
                                size_t count)
{
    const Runner *runner = step->runner;
    const char *first[MOVE_PARAMS] = {
        runner->config.schema,
        step->migration->id,
        move->from.state,
        step_number(step, move->from.parts_done),
        step_bool(move->from.is_running),
        move->to.state,
        step_number(step, move->to.parts_done),
        step_bool(move->to.is_running),
        parts_hash_text(step, move->to.parts_done),
        evidence,
        runner->session.backend_start,
        runner->config.order->rollout,
        runner->config.agent,
    };
    const char **params = step_params(step, count);
    memcpy(params, first, sizeof(first));
    return params;
}

static void row_move_up(Step *step, const PlaceMove *move, const char *evidence)
{
    const Runner *runner = step->runner;
    bool is_end = str_equal(move->to.state, "applied");
    const char **params = move_params(
        step, move, evidence == NULL && is_end ? tie_evidence(step->runner, true) : evidence,
        MOVE_PARAMS + 7);
    const char **more = params + MOVE_PARAMS;
    more[0] = step_number(step, runner->config.order->stamp.attempt);
    more[1] = term_text(step);
    more[2] = token_text(step);
    more[3] = checksum_text(step);
    more[4] = plan_hash_text(step);
    more[5] = fingerprints_text(step);
    more[6] = arrived_text(&move->to);
    step_kept(step, PART_HISTORY, KEPT_HISTORY_MOVE_UP, SQL_HISTORY_MOVE_UP, params,
              MOVE_PARAMS + 7);
}

static void row_move_down(Step *step, const PlaceMove *move, const char *evidence)
{
    const char **params = move_params(step, move, evidence, MOVE_PARAMS + 1);
    params[MOVE_PARAMS] = arrived_text(&move->to);
    step_kept(step, PART_HISTORY, KEPT_HISTORY_MOVE_DOWN, SQL_HISTORY_MOVE_DOWN, params,
              MOVE_PARAMS + 1);
}

/* In either direction the same: who has brought it to where it is stays as it was. */
static void row_move_back(Step *step, const PlaceMove *move)
{
    batch_add(&step->batch, PART_HISTORY, SQL_HISTORY_MOVE_BACK,
              move_params(step, move, NULL, MOVE_PARAMS), MOVE_PARAMS);
}

/* Another content of a repeatable migration that stands in the history does so no more. */
static void supersede_add(Step *step)
{
    Runner *runner = step->runner;
    const char *id = step->migration->id;
    const char **params = step_params(step, 5);
    params[0] = runner->config.schema;
    params[1] = id;
    params[2] = arena_strndup(&runner->arena, id, plan_repeat_stem(id));
    params[3] = runner->config.order->rollout;
    params[4] = runner->config.agent;
    batch_add(&step->batch, PART_HISTORY, SQL_HISTORY_SUPERSEDE, params, 5);
}

/* Passes it, and makes room for a new row; the locks of others go behind it. */
static void fence_pass(Step *step)
{
    PlaceMove move = place_move(step->action, step->script);
    step_fence_pass(step);
    if (step->migration->is_repeatable && move.from.state == NULL) {
        supersede_add(step);
    }
    litter_clear_locks(step);
}

static void row_add(Step *step, const char *evidence)
{
    PlaceMove move = place_move(step->action, step->script);
    if (step->action->kind == ACTION_NOTE_BACK) {
        row_move_back(step, &move);
    } else if (move.from.state == NULL) {
        row_insert(step, &move.to, evidence);
    } else if (step->script == &step->migration->up) {
        row_move_up(step, &move, evidence);
    } else {
        row_move_down(step, &move, evidence);
    }
}

/* One row of the fence and one of the history, in one transaction; and the schema is still what it
 * is about. */
static bool row_take(void *ctx, const BatchItem *item, const PGresult *result)
{
    Step *step = ctx;
    bool has_lock = false;
    if (litter_take(step, item, result, &has_lock)) {
        step->stop = STOP_LOCK_GONE;
        return has_lock;
    }
    if (item->part == PART_FRAME) {
        step->stop = STOP_SCHEMA_GONE;
        return item->sql != SQL_SCHEMA_STANDS ||
               (PQntuples(result) == 1 && result_bool(result, 0, 0));
    }
    if (item->sql == SQL_HISTORY_SUPERSEDE) {
        return true;
    }
    return step_take_row(step, item, result);
}

static Result row_run(Step *step)
{
    Session *session = &step->runner->session;
    Result result = step_run(step, row_take, step);
    if (result.kind == RESULT_OK) {
        session->writes++;
        tie_step(step->runner, place_move(step->action, step->script).to.state);
    } else if (step_met_tables(step, &result)) {
        own_tables_explain(session->conn, OWN_WRITE, action_deadline_ms(step->action), &result.err);
    }
    return result;
}

/* ---- performers ---- */

/* What the parts before have set for the session was reset with the rest of it. */
static void statements_add(Step *step)
{
    PartView part = plan_part_at(step->script, step->action->part);
    for (size_t i = 0; i < part.first + part.count; i++) {
        const PlanStatement *statement = &step->script->statements[i];
        if (statement->is_opening) {
            continue; /* it has run already */
        }
        if (i >= part.first && statement->is_copy) {
            batch_add_copy(&step->batch, (uint32_t)i + 1, statement->sql, &statement->copy_data);
        } else if (i >= part.first || statement->is_setting) {
            batch_add_statement(&step->batch, (uint32_t)i + 1, statement->sql);
            if (warnings_may_go_off(statement->sql)) {
                step_frame(step, WARNINGS_ON_LOCAL);
            }
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
    step_tool_begin(step, &step->runner->config.order->plan->mirrored);
    for (size_t i = 0; i < step->script->mirror_count; i++) {
        batch_add_statement(&step->batch, NO_STATEMENT, step->script->mirror[i]);
    }
    step_tool_end(step);
}

/* Long enough, where that is wanted, for an autovacuum to be told and to be gone. */
static uint32_t lock_timeout_of(const Step *step)
{
    const Runner *runner = step->runner;
    uint32_t planned_ms = plan_lock_timeout_ms(&runner->config.order->plan->strategy, step->script);
    uint32_t yielded_ms = runner->session.deadlock_timeout_ms + WATCHDOG_YIELD_GRACE_MS;
    return step->action->is_patient && planned_ms < yielded_ms ? yielded_ms : planned_ms;
}

static void lock_timeout_add(Step *step)
{
    if (step->script->lock_timeout_ms != 0 || step->action->is_patient) {
        step_frame(step, arena_printf(&step->runner->arena, "SET LOCAL lock_timeout = %" PRIu32,
                                      lock_timeout_of(step)));
    }
}

/*
 * The migration may have become another role, and set what it liked: the histories are ours to
 * write. Triggers and constraints that wait for the end of the transaction are of that role, and
 * have their turn before it is left.
 */
static void tail_add(Step *step)
{
    const Runner *runner = step->runner;
    batch_add(&step->batch, PART_DEFERRED, "SET CONSTRAINTS ALL IMMEDIATE", NULL, 0);
    step_reset_role(step);
    if (has_mirror(step)) {
        step_reset_settings(step);
        mirror_add(step);
    }
    step_frame(step, runner->session.durable);
    if (runner->schema_identifier != NULL) {
        const char **params = step_params(step, 2);
        params[0] = runner->config.schema;
        params[1] = runner->schema_identifier;
        step_kept(step, PART_FRAME, KEPT_SCHEMA_STANDS, SQL_SCHEMA_STANDS, params, 2);
    }
}

static const PlanMigration *migration_of(const Runner *runner, const Action *action)
{
    return &runner->config.order->plan->migrations[action->migration];
}

static const PlanScript *script_of(const PlanMigration *migration, const Action *action)
{
    bool is_down = action->kind == ACTION_UNDO || action->is_down;
    return is_down ? &migration->down : &migration->up;
}

static Step step_of(Runner *runner, const Action *action)
{
    const PlanMigration *migration = migration_of(runner, action);
    return (Step){
        .runner = runner,
        .action = action,
        .migration = migration,
        .script = script_of(migration, action),
        .runs_statements = action->kind == ACTION_APPLY || action->kind == ACTION_UNDO,
    };
}

/* Once more, with all of it sent anew, when the server has not kept what it should: it is nothing
 * that the migration did wrong, and nothing of it was committed. */
static Result step_perform(Runner *runner, const Action *action, void (*fill)(Step *step),
                           const char *evidence)
{
    while (true) {
        AUTO(Step) step = step_of(runner, action);
        step_begin(&step);
        fence_pass(&step);
        fill(&step);
        litter_look(&step);
        row_add(&step, evidence);
        Result result = row_run(&step);
        if (!step.is_forgotten) {
            return result;
        }
    }
}

static void transaction_fill(Step *step)
{
    lock_timeout_add(step);
    if (step->runner->become != NULL) {
        step_frame(step, step->runner->become);
    }
    statements_add(step);
    tail_add(step);
}

/* Of a step that begins: in a session that serves it. */
static Result session_prepare(Runner *runner, const Action *action)
{
    const PlanMigration *migration = migration_of(runner, action);
    Result result = session_renew(runner, script_of(migration, action), action);
    result.migration = migration->id;
    return result;
}

Result perform_transaction(Runner *runner, const Action *action)
{
    if (vain_stands(runner)) { /* before anything is sent: nobody is to queue behind it */
        Result result = { .migration = migration_of(runner, action)->id };
        vain_explain(&runner->vain, &result);
        return result;
    }
    Result result = session_prepare(runner, action);
    return result.kind == RESULT_OK ? step_perform(runner, action, transaction_fill, NULL) : result;
}

/* Which statement it is, and what was there before it. */
static ErrCode evidence_gather(Runner *runner, const Action *action, const char **ret_evidence,
                               Err *err)
{
    uint32_t number = 0;
    const char *sql = trace_evidence_sql(trace_statement(runner, action, &number));
    const char **params = trace_evidence_params(runner, action);
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code =
        solo_settings(runner, action, err); /* names mean what they will mean to the statement */
    if (runner->paper != NULL) {
        paper_evidence(runner->paper, sql, params, TRACE_EVIDENCE_PARAMS);
        *ret_evidence = PAPER_EVIDENCE;
        return code;
    }
    if (code == ERR_NONE) {
        code = session_query(runner, sql, params, TRACE_EVIDENCE_PARAMS, action, &rows, err);
    }
    if (code == ERR_NONE) {
        *ret_evidence = arena_strdup(&runner->arena, result_text(rows, 0, 0));
    }
    return code;
}

static void note_fill(Step *step)
{
    if (step->action->kind == ACTION_NOTE_END && has_mirror(step)) {
        mirror_add(step);
    }
}

/* Its statement runs in the session that has noted it. */
static Result note_begin(Runner *runner, const Action *action)
{
    Err err = { 0 };
    const char *evidence = NULL;
    Result result = session_prepare(runner, action);
    if (result.kind != RESULT_OK) {
        return result;
    }
    if (evidence_gather(runner, action, &evidence, &err) != ERR_NONE) {
        return result_of_error(&err);
    }
    return step_perform(runner, action, note_fill, evidence);
}

Result perform_note(Runner *runner, const Action *action)
{
    return action->kind == ACTION_NOTE_BEGIN ? note_begin(runner, action)
                                             : step_perform(runner, action, note_fill, NULL);
}
