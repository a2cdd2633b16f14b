/*
 * A backend: performs one batch after another, stage by stage, with the fence row's lock and the
 * advisory lock in its hands. It does not know whether its client still lives; it finds out when it
 * next speaks.
 */
#include <string.h>

#include "tests/sim/sim_pg_internal.h"

#define ROUND_TRIP_MS 2
#define LOCK_TIMEOUT_MS 2000
#define IDLE_IN_TRANSACTION_TIMEOUT_MS 10000
/* An orphan that has nothing to do notices at once, or when TCP gives up. */
#define ORPHAN_LINGERS_MS 30000

static void backend_advance(void *ctx, uint64_t generation);

static World *world_of(const PgBackend *backend)
{
    return backend->tenant->pg->world;
}

static void stage_set(PgBackend *backend, Stage stage)
{
    backend->stage = stage;
    backend->generation++;
}

/* The next stage happens after `delay_ms`, unless something else changes the stage before. */
static void advance_after(PgBackend *backend, uint64_t delay_ms)
{
    world_after(world_of(backend), delay_ms, backend_advance, backend, backend->generation);
}

PgBackend *backend_new(PgSession *client)
{
    SimPg *pg = client->pg;
    PgBackend *backend = ARENA_NEW(&pg->arena, PgBackend);
    *backend = (PgBackend){ .tenant = client->tenant,
                            .client = client,
                            .pid = pg->next_pid++,
                            .fence = client->fence,
                            .rollout = pg_intern(pg, client->order->rollout),
                            .attempt = client->order->stamp.attempt };
    LIST_PUSH(&pg->backends, backend);
    return backend;
}

bool backend_is_in_transaction(const PgBackend *backend)
{
    return backend->stage >= STAGE_BEGIN && backend->stage <= STAGE_COMMIT &&
           (backend->action.kind == ACTION_APPLY || backend->action.kind == ACTION_UNDO);
}

static bool is_note(ActionKind kind)
{
    return kind == ACTION_NOTE_BEGIN || kind == ACTION_NOTE_END || kind == ACTION_NOTE_BACK;
}

bool backend_is_at_work(const PgBackend *backend)
{
    return backend->action.kind == ACTION_RUN && backend->stage == STAGE_BODY;
}

bool backend_is_in_doubt(const PgBackend *backend)
{
    switch (backend->action.kind) {
    case ACTION_APPLY:
    case ACTION_UNDO:
        return backend->is_commit_sent;
    case ACTION_RUN:
    case ACTION_MEND:
        return true;
    default:
        return is_note(backend->action.kind);
    }
}

/* Does the batch begin with the fence? */
static bool takes_fence(ActionKind kind)
{
    return kind == ACTION_READ || kind == ACTION_APPLY || kind == ACTION_UNDO || is_note(kind);
}

static void row_release(PgBackend *backend)
{
    PgTenant *tenant = backend->tenant;
    for (size_t i = 0; i < tenant->row_waiters.count; i++) {
        if (tenant->row_waiters.items[i] == backend) {
            LIST_REMOVE(&tenant->row_waiters, i);
            break;
        }
    }
    if (tenant->row_holder != backend) {
        return;
    }
    tenant->row_holder = NULL;
    if (tenant->row_waiters.count > 0) {
        PgBackend *next = tenant->row_waiters.items[0];
        LIST_REMOVE(&tenant->row_waiters, 0);
        tenant->row_holder = next;
        stage_set(next, STAGE_BEGIN);
        advance_after(next, 1);
    }
}

/* The lost COMMIT is decided now; `is_applied` says which way. */
static void settle_lost(PgBackend *backend, bool is_applied)
{
    if (backend->is_lost && takes_fence(backend->action.kind)) {
        world_saw(world_of(backend),
                  is_applied ? SIGHT_COMMIT_LOST_APPLIED : SIGHT_COMMIT_LOST_ABORTED);
    }
    backend->is_lost = false;
}

static void transaction_end(PgBackend *backend, bool is_applied)
{
    settle_lost(backend, is_applied);
    stage_set(backend, STAGE_IDLE);
    row_release(backend);
}

/* A statement outside a transaction that is killed leaves what it had begun. */
static void leave_carcass(PgBackend *backend)
{
    PgData *data = &backend->tenant->data;
    if (backend->action.kind == ACTION_RUN && backend->stage == STAGE_BODY) {
        data->is_carcass[backend->action.migration] = true;
        world_saw(world_of(backend), SIGHT_CARCASS);
    }
}

void backend_end(PgBackend *backend)
{
    PgTenant *tenant = backend->tenant;
    if (backend->stage == STAGE_GONE) {
        return;
    }
    leave_carcass(backend);
    transaction_end(backend, false);
    stage_set(backend, STAGE_GONE);
    if (tenant->lock_holder == backend) {
        tenant->lock_holder = NULL;
    }
    if (backend->client != NULL) {
        backend->client->backend = NULL;
        backend->client->is_broken = true;
        backend->client = NULL;
    }
    for (size_t i = 0; i < tenant->pg->backends.count; i++) {
        if (tenant->pg->backends.items[i] == backend) {
            LIST_REMOVE(&tenant->pg->backends, i);
            break;
        }
    }
}

static void orphan_leaves(void *ctx, uint64_t generation)
{
    PgBackend *backend = ctx;
    if (backend->generation == generation && backend->stage != STAGE_GONE) {
        backend_end(backend);
    }
}

/* An idle backend without a client ends when it notices. */
static void orphan_linger(PgBackend *backend)
{
    World *world = world_of(backend);
    uint64_t delay_ms = dice_chance(&backend->tenant->dice, 60)
                            ? dice_below(&backend->tenant->dice, 50)
                            : dice_below(&backend->tenant->dice, ORPHAN_LINGERS_MS);
    world_after(world, delay_ms, orphan_leaves, backend, backend->generation);
}

/* The batch is over: tell the client, or notice that there is none. */
static void backend_answer(PgBackend *backend, ResultKind kind, ErrCode code, const char *text)
{
    if (backend->client != NULL) {
        session_answer(backend->client, kind, code, text);
    } else {
        orphan_linger(backend);
    }
}

void backend_fail(PgBackend *backend, ResultKind kind, ErrCode code, const char *text)
{
    leave_carcass(backend);
    transaction_end(backend, false);
    backend_answer(backend, kind, code, text);
}

void backend_fail_trouble(PgBackend *backend, const TroubleAnswer *answer)
{
    if (!answer->is_unsent) {
        leave_carcass(backend);
    }
    transaction_end(backend, false);
    if (backend->client != NULL) {
        session_answer_trouble(backend->client, answer);
    }
    if (answer->is_closing || backend->client == NULL) {
        backend_end(backend);
    }
}

void backend_orphan(PgBackend *backend, bool has_sent_all)
{
    World *world = world_of(backend);
    backend->client = NULL;
    backend->may_commit =
        backend->is_commit_sent && (has_sent_all || dice_chance(&backend->tenant->dice, 50));
    if (backend->stage == STAGE_IDLE || backend->stage == STAGE_OPEN) {
        orphan_linger(backend);
    } else if (has_sent_all && dice_chance(&backend->tenant->dice, 30)) {
        /* client_connection_check_interval: noticed in the middle of a statement */
        world_after(world, dice_below(&backend->tenant->dice, IDLE_IN_TRANSACTION_TIMEOUT_MS),
                    orphan_leaves, backend, backend->generation);
    }
}

void backend_begin(PgBackend *backend, const Action *action)
{
    backend->action = *action;
    backend->is_lost = false;
    backend->trouble =
        trouble_answer(backend->tenant->server->trouble, action->kind, &backend->tenant->dice);
    backend->is_pipelined =
        is_note(action->kind) || ((action->kind == ACTION_APPLY || action->kind == ACTION_UNDO) &&
                                  dice_chance(&backend->tenant->dice, 55));
    backend->is_commit_sent = backend->is_pipelined;
    stage_set(backend, STAGE_BEGIN);
    advance_after(backend, dice_duration(&backend->tenant->dice, ROUND_TRIP_MS));
}

static void row_wait_ends(void *ctx, uint64_t generation)
{
    PgBackend *backend = ctx;
    if (backend->generation == generation && backend->stage == STAGE_ROW_WAIT) {
        world_saw(world_of(backend), SIGHT_IN_PROGRESS);
        backend_fail(backend, RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS,
                     "canceling statement due to lock timeout");
    }
}

/* Takes the fence row's lock or queues for it. */
static bool row_take(PgBackend *backend)
{
    PgTenant *tenant = backend->tenant;
    if (tenant->row_holder == NULL || tenant->row_holder == backend) {
        tenant->row_holder = backend;
        return true;
    }
    world_saw(world_of(backend), SIGHT_FENCE_WAIT);
    stage_set(backend, STAGE_ROW_WAIT);
    LIST_PUSH(&tenant->row_waiters, backend);
    world_after(world_of(backend), LOCK_TIMEOUT_MS, row_wait_ends, backend, backend->generation);
    return false;
}

/* Is the history row where this batch expects it (else a unique index or
 * our own function speaks)? */
static bool row_is_expected(const PgBackend *backend)
{
    const Action *action = &backend->action;
    const PgRow *row = &backend->tenant->data.rows[action->migration];
    if (action->kind == ACTION_READ) {
        return true;
    }
    bool is_down = action->kind == ACTION_UNDO || action->is_down;
    bool is_end = action->kind == ACTION_NOTE_END || action->kind == ACTION_NOTE_BACK;
    if (action->part == 0 && !is_end) {
        return row->state == (is_down ? ROW_APPLIED : ROW_ABSENT);
    }
    return row->state == (is_down ? ROW_UNDOING : ROW_STARTED) && row->is_running == is_end &&
           row->parts_done == action->part;
}

static ScriptBehaviour *script_of(PgBackend *backend)
{
    bool is_down = backend->action.kind == ACTION_UNDO || backend->action.is_down;
    return &backend->tenant->scripts[backend->action.migration][is_down];
}

/* The fence, the history row, and on to the statements. */
static void do_begin(PgBackend *backend)
{
    World *world = world_of(backend);
    const PgData *data = &backend->tenant->data;
    ActionKind kind = backend->action.kind;
    if (takes_fence(kind)) {
        if (!row_take(backend)) {
            return;
        }
        if (backend->fence.token == 0) { /* the command line: one more than is there */
            backend->fence = (Fence){ data->fence.term, data->fence.token + 1 };
        }
        if (fence_compare(data->fence, backend->fence) > 0) {
            world_saw(world, SIGHT_FENCED);
            backend_fail(backend, RESULT_FENCED, ERR_FENCED, "a newer attempt owns this target");
            return;
        }
        if (!row_is_expected(backend) ||
            (kind != ACTION_READ && backend->known_writes != data->writes)) {
            world_saw(world, SIGHT_ALREADY);
            backend_fail(backend, RESULT_ALREADY, ERR_HISTORY, "duplicate key value");
            return;
        }
    }
    bool has_body =
        kind == ACTION_APPLY || kind == ACTION_UNDO || kind == ACTION_RUN || kind == ACTION_MEND;
    bool is_stopped_here = backend->trouble != NULL && (!has_body || backend->trouble->is_unsent);
    if (is_stopped_here) {
        backend_fail_trouble(backend, backend->trouble);
        return;
    }
    stage_set(backend, STAGE_BODY);
    advance_after(backend,
                  has_body ? dice_duration(&backend->tenant->dice, script_of(backend)->duration_ms)
                           : 0);
}

/* What the script itself has to say; RESULT_OK when it went through. */
static ResultKind script_run(PgBackend *backend)
{
    World *world = world_of(backend);
    ScriptBehaviour *script = script_of(backend);
    if (script->fault == SCRIPT_FINE || script->times == 0 ||
        script->part != backend->action.part) {
        return RESULT_OK;
    }
    if (script->fault == SCRIPT_FAILS) {
        return RESULT_FAILED;
    }
    script->times--;
    world_saw(world, script->fault == SCRIPT_BLOCKED ? SIGHT_BLOCKED : SIGHT_RETRIED);
    return script->fault == SCRIPT_BLOCKED ? RESULT_BLOCKED : RESULT_RETRYABLE;
}

static bool script_fails(PgBackend *backend)
{
    if (backend->trouble != NULL) {
        backend_fail_trouble(backend, backend->trouble);
        return true;
    }
    switch (script_run(backend)) {
    case RESULT_FAILED:
        backend_fail(backend, RESULT_FAILED, ERR_SERVER, "column \"x\" contains null values");
        return true;
    case RESULT_BLOCKED:
        backend_fail(backend, RESULT_BLOCKED, ERR_BLOCKED,
                     "canceling statement due to lock timeout");
        return true;
    case RESULT_RETRYABLE:
        backend_fail(backend, RESULT_RETRYABLE, ERR_RETRYABLE, "deadlock detected");
        return true;
    default:
        return false;
    }
}

/* A non-transactional statement has come to its end. Running one twice is for the judge, not for
 * here. */
static void do_run(PgBackend *backend)
{
    if (backend->tenant->data.is_carcass[backend->action.migration]) {
        stage_set(backend, STAGE_IDLE); /* refused at once: nothing new is left behind */
        backend_answer(backend, RESULT_FAILED, ERR_SERVER, "relation already exists");
        return;
    }
    if (script_fails(backend)) {
        return;
    }
    data_run(backend);
    transaction_end(backend, true);
    backend_answer(backend, RESULT_OK, ERR_NONE, "");
}

/* A drop that was broken off has to be ended, a build to be cleared away. */
static void do_trace(PgBackend *backend)
{
    const PgData *data = &backend->tenant->data;
    size_t migration = backend->action.migration;
    int effect = data->effects[migration][data_part(backend)];
    bool is_there = effect == (backend->action.is_down ? 0 : 1);
    Trace trace = data->is_carcass[migration] ? TRACE_CARCASS
                  : is_there                  ? TRACE_DONE
                                              : TRACE_ABSENT;
    if (trace == TRACE_DONE) {
        world_saw(world_of(backend), SIGHT_STEP_FOUND_DONE);
    }
    stage_set(backend, STAGE_IDLE);
    if (backend->client != NULL) {
        backend->client->trace = trace;
    }
    backend_answer(backend, RESULT_TRACED, ERR_INTERRUPTED, trace_name(trace));
}

static void do_mend(PgBackend *backend)
{
    const PgData *data = &backend->tenant->data;
    if (backend->trouble != NULL) {
        backend_fail_trouble(backend, backend->trouble);
        return;
    }
    if (data->is_carcass[backend->action.migration]) {
        world_saw(world_of(backend), SIGHT_CARCASS_MENDED);
        data_mend(backend);
    }
    transaction_end(backend, true);
    backend_answer(backend, RESULT_OK, ERR_NONE, "");
}

static void do_probe(PgBackend *backend)
{
    const PgData *data = &backend->tenant->data;
    size_t migration = backend->action.migration;
    int effect = data->effects[migration][data_part(backend)];
    bool is_shown = effect == (backend->action.is_down ? 0 : 1) && !data->is_carcass[migration];
    stage_set(backend, STAGE_IDLE);
    backend_answer(backend, is_shown ? RESULT_OK : RESULT_UNPROVEN,
                   is_shown ? ERR_NONE : ERR_UNPROVEN, is_shown ? "" : "the index is not valid");
}

static void idle_in_transaction_ends(void *ctx, uint64_t generation)
{
    PgBackend *backend = ctx;
    if (backend->generation == generation && backend->stage == STAGE_OPEN) {
        world_saw(world_of(backend), SIGHT_IDLE_IN_TRANSACTION);
        world_tell(world_of(backend), backend->tenant->address,
                   "pid %d: idle_in_transaction_session_timeout", backend->pid);
        if (backend->client != NULL) {
            session_break(backend->client);
        }
        backend_end(backend);
    }
}

static void commit_begin(PgBackend *backend)
{
    backend->is_commit_sent = true;
    stage_set(backend, STAGE_COMMIT);
    advance_after(backend, dice_duration(&backend->tenant->dice, 1));
}

/* The statements are through: whoever has to send COMMIT sends it, or nobody ever will. */
static void do_body(PgBackend *backend)
{
    World *world = world_of(backend);
    ActionKind kind = backend->action.kind;
    if (kind == ACTION_RUN) {
        do_run(backend);
        return;
    }
    if (kind == ACTION_PROBE) {
        do_probe(backend);
        return;
    }
    if (kind == ACTION_TRACE) {
        do_trace(backend);
        return;
    }
    if (kind == ACTION_MEND) {
        do_mend(backend);
        return;
    }
    if (kind == ACTION_PREPARE) {
        transaction_end(backend, true);
        backend_answer(backend, RESULT_OK, ERR_NONE, "");
        return;
    }
    if ((kind == ACTION_APPLY || kind == ACTION_UNDO) && script_fails(backend)) {
        return;
    }
    if (backend->client == NULL && !backend->may_commit) {
        world_tell(world, backend->tenant->address, "pid %d: no client, no COMMIT: aborts",
                   backend->pid);
        backend_end(backend);
        return;
    }
    bool is_unheard =
        backend->client != NULL && (backend->client->is_frozen || backend->client->is_muted);
    if (!backend->is_pipelined && is_unheard) {
        stage_set(backend, STAGE_OPEN);
        world_after(world, IDLE_IN_TRANSACTION_TIMEOUT_MS, idle_in_transaction_ends, backend,
                    backend->generation);
        return;
    }
    commit_begin(backend);
}

void backend_continue(PgBackend *backend)
{
    bool is_muted = backend->client != NULL && backend->client->is_muted;
    if (backend->stage == STAGE_OPEN && !is_muted) {
        commit_begin(backend);
    }
}

static void do_commit(PgBackend *backend)
{
    World *world = world_of(backend);
    if (backend->client == NULL && !backend->may_commit) {
        backend_end(backend);
        return;
    }
    data_commit(backend);
    if (backend->action.kind != ACTION_READ) {
        world_tell(world, backend->tenant->address, "pid %d: %s %zu of %s committed%s",
                   backend->pid, action_kind_name(backend->action.kind),
                   backend->action.migration + 1, backend->rollout,
                   backend->client == NULL ? ", its client gone" : "");
    }
    if (backend->client == NULL) {
        world_saw(world, SIGHT_COMMIT_AFTER_DEATH);
    } else if (backend->action.kind == ACTION_READ) {
        backend->client->fence = backend->fence;
        session_read_history(backend->client);
    }
    transaction_end(backend, true);
    backend_answer(backend, backend->action.kind == ACTION_READ ? RESULT_HISTORY : RESULT_OK,
                   ERR_NONE, "");
}

void backend_commit_now(PgBackend *backend)
{
    if (backend->stage == STAGE_COMMIT) {
        do_commit(backend);
    }
}

static void backend_advance(void *ctx, uint64_t generation)
{
    PgBackend *backend = ctx;
    if (backend->generation != generation) {
        return;
    }
    switch (backend->stage) {
    case STAGE_BEGIN:
        do_begin(backend);
        break;
    case STAGE_BODY:
        do_body(backend);
        break;
    case STAGE_COMMIT:
        do_commit(backend);
        break;
    default:
        break;
    }
}
