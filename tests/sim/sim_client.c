/*
 * The client's end of a connection: what the real agent's runner sees. It sends a batch, waits for
 * the answer until the deadline, and tells apart "nothing was under way" from "nobody knows".
 */
#include <string.h>

#include "tests/sim/sim_pg_internal.h"

#define CONNECT_MS 3
#define CONNECT_TIMEOUT_MS 10000
#define TCP_TIMEOUT_MS 20000
#define END_LATE_MS 25000
#define END_PATIENCE_MS 15000 /* of a job that waits for it */

static World *world_of(const PgSession *session)
{
    return session->pg->world;
}

/* Its target may not exist. */
static Dice *dice_of(PgSession *session)
{
    return session->tenant != NULL ? &session->tenant->dice : &session->pg->dice;
}

/* A fence cannot tell two processes apart that have the same attempt in hand. */
static void check_owner(PgTenant *tenant, const JobOrder *order, uint64_t process)
{
    Fence fence = { order->stamp.term, order->token };
    bool is_given_twice = fence.term <= tenant->pg->excused_term; /* before and after a backup */
    if (fence_compare(fence, tenant->newest) == 0 && tenant->owner != process &&
        !sim_pg_is_excused(tenant) && !is_given_twice) {
        world_violate(tenant->pg->world, "one attempt is one process's", "%s: token %llu of %s",
                      tenant->address, (unsigned long long)fence.token, order->rollout);
    }
    if (fence_compare(fence, tenant->newest) > 0) {
        tenant->newest = fence;
        tenant->owner = process;
    }
}

PgSession *sim_pg_session_new(SimPg *pg, const JobOrder *order, uint64_t process)
{
    PgSession *session = ARENA_NEW(&pg->arena, PgSession);
    session->pg = pg;
    session->tenant = sim_pg_tenant_find(pg, order->target);
    session->order = order;
    session->fence = (Fence){ order->stamp.term, order->token };
    LIST_PUSH(&pg->sessions, session);
    if (session->tenant != NULL && order->token != 0) { /* the command line takes its own */
        check_owner(session->tenant, order, process);
    }
    return session;
}

static void session_forget(PgSession *session)
{
    SimPg *pg = session->pg;
    for (size_t i = 0; i < pg->sessions.count; i++) {
        if (pg->sessions.items[i] == session) {
            LIST_REMOVE(&pg->sessions, i);
            return;
        }
    }
}

static bool *done_part(PgSession *session)
{
    return &session->is_done[session->action.migration][session->action.part];
}

/* The job knows now: what it knows and does not find again is lost. */
static void note_done(PgSession *session)
{
    bool is_up = session->action.kind == ACTION_APPLY ||
                 (session->action.kind == ACTION_NOTE_END && !session->action.is_down);
    if (session->result.kind == RESULT_OK && is_up) {
        *done_part(session) = true;
    } else if (session->action.kind == ACTION_UNDO ||
               (session->action.kind == ACTION_NOTE_BEGIN && session->action.is_down)) {
        memset(session->is_done[session->action.migration], 0,
               sizeof(session->is_done[session->action.migration]));
    }
}

/*
 * A store that was thrown back gives its numbers out again: an order and its opposite, in the hands
 * of two processes, have one token. What the other one took away under it is gone as if this job
 * had not done it yet: neither the fence nor what it reads of the history tells it otherwise.
 */
static bool was_undone_under_its_number(const PgSession *session)
{
    const PgRow *row = &session->tenant->data.rows[session->action.migration];
    return row->undone_by.token != 0 && fence_compare(row->undone_by, session->fence) == 0;
}

/* A standby without it was promoted: that is for a person to see. */
static void check_lost(PgSession *session)
{
    bool is_up = session->action.kind == ACTION_APPLY ||
                 (session->action.kind == ACTION_NOTE_BEGIN && !session->action.is_down);
    if (is_up && *done_part(session) && !was_undone_under_its_number(session)) {
        world_violate(world_of(session), "what was lost is not done again in silence",
                      "%s: migration %zu was committed to this job before",
                      session->tenant->address, session->action.migration + 1);
    }
}

static void session_deliver(void *ctx, uint64_t call)
{
    PgSession *session = ctx;
    if (!session->is_calling || session->is_dead || session->call != call) {
        return;
    }
    session->is_calling = false;
    note_done(session);
    session->done(session->ctx, session->tag, &session->result);
}

static void result_fill(PgSession *session, ResultKind kind, ErrCode code, const char *text)
{
    static const char *const SQLSTATES[] = {
        [RESULT_FAILED] = "23502",    [RESULT_BLOCKED] = "55P03", [RESULT_RETRYABLE] = "40P01",
        [RESULT_CANCELLED] = "57014", [RESULT_KIND_COUNT_] = "",
    };
    session->result = (Result){ .kind = kind, .migration = "" };
    if (code != ERR_NONE) {
        err_set(&session->result.err, code, "%s", text);
        str_copy(session->result.err.sqlstate, sizeof(session->result.err.sqlstate),
                 SQLSTATES[kind] == NULL ? "" : SQLSTATES[kind]);
    }
    bool is_of_script = kind == RESULT_FAILED || kind == RESULT_BLOCKED || kind == RESULT_RETRYABLE;
    if (is_of_script && session->order->plan != NULL) {
        session->result.migration = session->order->plan->migrations[session->action.migration].id;
        session->result.statement = 1;
    }
    session->result.history = kind == RESULT_HISTORY ? &session->history : NULL;
    session->result.trace = kind == RESULT_TRACED ? session->trace : TRACE_NONE;
}

/* `delay_ms` later the client has its result; a second one for the same call is dropped. */
static void result_send(PgSession *session, ResultKind kind, ErrCode code, const char *text,
                        uint64_t delay_ms)
{
    if (!session->is_calling) {
        return;
    }
    session->is_answered = true;
    result_fill(session, kind, code, text);
    world_after(world_of(session), delay_ms, session_deliver, session, session->call);
}

void session_answer(PgSession *session, ResultKind kind, ErrCode code, const char *text)
{
    if (session->is_answered || session->is_muted) {
        return;
    }
    result_send(session, kind, code, text, dice_duration(dice_of(session), 1));
    if (session->is_answer_torn) {
        session_break(session);
    }
}

void session_answer_trouble(PgSession *session, const TroubleAnswer *answer)
{
    if (session->is_answered || session->is_muted) {
        return;
    }
    world_saw(world_of(session), SIGHT_TROUBLE);
    result_send(session, answer->kind, answer->code, answer->text,
                dice_duration(dice_of(session), 1));
    str_copy(session->result.err.sqlstate, sizeof(session->result.err.sqlstate), answer->sqlstate);
    session->is_broken |= answer->is_closing;
}

/* What is answered without a batch: by the server in trouble, if it has an answer. */
static bool meets_trouble(PgSession *session)
{
    const TroubleAnswer *answer =
        trouble_answer(session->tenant->server->trouble, session->action.kind, dice_of(session));
    if (answer == NULL) {
        return false;
    }
    session_answer_trouble(session, answer);
    if (answer->is_closing && session->backend != NULL) {
        backend_end(session->backend);
    }
    return true;
}

/* An answer that was under way when the connection broke never came. */
static bool was_in_doubt(const PgSession *session, const PgBackend *backend)
{
    return session->is_calling && backend != NULL && backend_is_in_doubt(backend) &&
           session->result.kind != RESULT_FENCED;
}

void session_break(PgSession *session)
{
    PgBackend *backend = session->backend;
    bool is_told = session->is_broken && backend == NULL; /* broken already: what it hears stays */
    if (is_told || (session->is_calling && session->action.kind == ACTION_CLOSE)) {
        return;
    }
    session->is_broken = true;
    session->backend = NULL;
    bool is_in_doubt = was_in_doubt(session, backend);
    if (session->is_calling) {
        session->call++; /* an answer on its way is lost */
        if (is_in_doubt && session->action.kind == ACTION_RUN) {
            world_saw(world_of(session), SIGHT_RUN_LOST);
        }
        if (is_in_doubt && session->is_answered && session->result.kind == RESULT_OK) {
            world_saw(world_of(session), SIGHT_COMMIT_LOST_APPLIED);
        }
        world_tell(world_of(session), session->order->target, "%s breaks%s",
                   action_kind_name(session->action.kind), is_in_doubt ? ", in doubt" : "");
        result_send(session, is_in_doubt ? RESULT_LOST : RESULT_UNREACHABLE,
                    is_in_doubt ? ERR_LOST : ERR_UNREACHABLE,
                    "server closed the connection unexpectedly",
                    dice_duration(dice_of(session), 2));
    }
    if (backend != NULL && backend->stage != STAGE_GONE) {
        backend->is_lost = is_in_doubt && !(session->is_answered && backend->stage == STAGE_IDLE);
        backend_orphan(backend, false);
    }
}

static void tcp_gives_up(void *ctx, uint64_t call)
{
    PgSession *session = ctx;
    if (session->is_calling && session->call == call && session->is_muted) {
        session_break(session);
    }
}

static void wait_in_vain(PgSession *session)
{
    if (session->is_calling) {
        world_saw(world_of(session), SIGHT_SILENT_CUT);
        world_after(world_of(session), TCP_TIMEOUT_MS, tcp_gives_up, session, session->call);
    }
}

void session_mute(PgSession *session)
{
    if (session->backend != NULL && !session->is_muted && !session->is_broken) {
        session->is_muted = true;
        wait_in_vain(session);
    }
}

void sim_pg_session_die(PgSession *session)
{
    session->is_dead = true;
    session->is_calling = false;
    if (session->backend != NULL) {
        if (backend_is_in_transaction(session->backend) || session->action.kind == ACTION_RUN) {
            world_saw(world_of(session), SIGHT_AGENT_CRASHED_IN_STEP);
        }
        backend_orphan(session->backend, true);
        session->backend = NULL;
    }
    session_forget(session);
}

void sim_pg_session_freeze(PgSession *session, bool is_frozen)
{
    session->is_frozen = is_frozen;
    if (session->backend == NULL) {
        return;
    }
    if (is_frozen && backend_is_in_transaction(session->backend)) {
        world_saw(world_of(session), SIGHT_AGENT_FROZEN_IN_STEP);
    }
    if (!is_frozen) {
        backend_continue(session->backend);
    }
}

/* --- the actions that are not a batch --- */

/* Whoever bears the name now. */
static bool find_tenant(PgSession *session)
{
    PgTenant *tenant = sim_pg_tenant_find(session->pg, session->order->target);
    if (tenant == NULL || tenant->is_dropped) {
        return false;
    }
    session->tenant = tenant;
    return true;
}

/* The command line takes whichever has the name: one that was made anew has lost nothing. */
static void forget_other(PgSession *session)
{
    uint32_t oid = session->tenant->identity.database_oid;
    if (session->database_oid != oid) {
        memset(session->is_done, 0, sizeof(session->is_done));
    }
    session->database_oid = oid;
}

static bool is_other_database(const PgSession *session)
{
    const Identity *meant = &session->order->identity;
    const Identity *there = &session->tenant->identity;
    return meant->system_identifier != 0 && (meant->system_identifier != there->system_identifier ||
                                             meant->database_oid != there->database_oid);
}

static void do_connect(PgSession *session)
{
    session->is_broken = false;
    session->is_muted = false;
    if (!find_tenant(session)) {
        result_send(session, RESULT_REFUSED, ERR_NOT_FOUND, "database does not exist",
                    dice_duration(dice_of(session), 1));
        return;
    }
    const PgServer *server = session->tenant->server;
    if (server->is_cut) {
        result_send(session, RESULT_UNREACHABLE, ERR_UNREACHABLE, "connection timed out",
                    CONNECT_TIMEOUT_MS);
    } else if (!server->is_up) {
        result_send(session, RESULT_UNREACHABLE, ERR_UNREACHABLE, "connection refused",
                    dice_duration(dice_of(session), 1));
    } else if (is_other_database(session)) {
        world_saw(world_of(session), SIGHT_WRONG_IDENTITY);
        result_send(session, RESULT_REFUSED, ERR_IDENTITY, "this is another database",
                    dice_duration(dice_of(session), CONNECT_MS));
    } else if (!meets_trouble(session)) {
        forget_other(session);
        session->backend = backend_new(session);
        result_send(session, RESULT_OK, ERR_NONE, "", dice_duration(dice_of(session), CONNECT_MS));
    }
}

/* As its application_name and the fence tell: then it is not ours to end. */
static bool is_of_newer_attempt(const PgSession *session, const PgBackend *holder)
{
    Fence ours = session->fence;
    return fence_compare(session->tenant->data.fence, ours) > 0 ||
           (str_equal(holder->rollout, session->order->rollout) &&
            holder->attempt > session->order->stamp.attempt);
}

static void do_lock(PgSession *session)
{
    PgTenant *tenant = session->tenant;
    PgBackend *holder = tenant->lock_holder;
    uint64_t delay_ms = dice_duration(dice_of(session), 1);
    if (holder == NULL || holder == session->backend) {
        tenant->lock_holder = session->backend;
        session->backend->has_lock = true;
        result_send(session, RESULT_OK, ERR_NONE, "", delay_ms);
    } else if (holder->is_stranger || backend_is_by_hand(holder) ||
               session->order->rollout[0] == '\0') {
        world_saw(world_of(session), SIGHT_LOCK_HELD_BY_OTHER);
        result_send(session, RESULT_HELD_BY_OTHER, ERR_ATTEMPT_IN_PROGRESS,
                    "the lock is held by pid 1 (psql)", delay_ms);
    } else if (is_of_newer_attempt(session, holder)) {
        world_saw(world_of(session), SIGHT_FENCED);
        result_send(session, RESULT_FENCED, ERR_FENCED, "a newer attempt holds the lock", delay_ms);
    } else if (backend_is_at_work(holder)) {
        world_saw(world_of(session), SIGHT_ADOPTED);
        result_send(session, RESULT_HELD_AT_WORK, ERR_ATTEMPT_IN_PROGRESS,
                    "a statement of an older attempt still runs", delay_ms);
        session->result.backend_pid = holder->pid;
    } else {
        world_saw(world_of(session), SIGHT_LOCK_HELD_BY_OURS);
        result_send(session, RESULT_HELD_BY_OURS, ERR_ATTEMPT_IN_PROGRESS,
                    "the lock is held by an older attempt", delay_ms);
        session->result.backend_pid = holder->pid;
    }
}

static void end_now(PgBackend *backend)
{
    if (backend->client != NULL) {
        session_break(backend->client);
    }
    backend_end(backend);
}

static void ends_at_last(void *ctx, uint64_t tag)
{
    PgBackend *backend = ctx;
    (void)tag;
    if (backend->stage != STAGE_GONE) {
        end_now(backend);
    }
}

/* Mostly at once. A COMMIT that is under way may come through; and what hangs in the kernel does
 * not hear. Returns how long it takes. */
static uint64_t end_somehow(PgSession *session, PgBackend *backend)
{
    World *world = world_of(session);
    if (backend->stage == STAGE_COMMIT && dice_chance(dice_of(session), 40)) {
        world_saw(world, SIGHT_END_TOO_LATE);
        backend_commit_now(backend);
    }
    if (!dice_chance(dice_of(session), 10)) {
        end_now(backend);
        return 0;
    }
    uint64_t delay_ms = dice_below(dice_of(session), END_LATE_MS);
    world_saw(world, SIGHT_END_LATE);
    world_after(world, delay_ms, ends_at_last, backend, 0);
    return delay_ms;
}

static PgBackend *backend_find(const SimPg *pg, int pid)
{
    for (size_t i = 0; i < pg->backends.count; i++) {
        if (pg->backends.items[i]->pid == pid) {
            return pg->backends.items[i];
        }
    }
    return NULL;
}

/* pg_terminate_backend over the session's own connection; seen gone before it answers. */
static void do_end_backend(PgSession *session)
{
    SimPg *pg = session->pg;
    PgBackend *backend = backend_find(pg, session->action.backend_pid);
    uint64_t delay_ms = dice_duration(dice_of(session), 5);
    if (backend != NULL && backend != session->backend) {
        if (backend->is_stranger) {
            world_violate(pg->world, "ends only its own backends", "pid %d of a stranger on %s",
                          backend->pid, session->tenant->address);
        }
        world_saw(pg->world, SIGHT_BACKEND_ENDED);
        world_tell(pg->world, session->tenant->address, "pid %d ended by pid %d", backend->pid,
                   session->backend->pid);
        delay_ms += end_somehow(session, backend);
    }
    if (delay_ms < END_PATIENCE_MS) { /* else the deadline comes first */
        result_send(session, RESULT_OK, ERR_NONE, "", delay_ms);
    }
}

static void close_backend(void *ctx, uint64_t generation)
{
    PgBackend *backend = ctx;
    if (backend->generation == generation && backend->stage != STAGE_GONE) {
        backend_end(backend);
    }
}

/* The backend reads the Terminate message a moment later; the client does not wait for that. */
static void do_close(PgSession *session)
{
    PgBackend *backend = session->backend;
    session->backend = NULL;
    if (backend != NULL) {
        backend->client = NULL;
        world_after(world_of(session), dice_below(dice_of(session), 4), close_backend, backend,
                    backend->generation);
    }
    result_send(session, RESULT_OK, ERR_NONE, "", 0);
}

/* --- deadlines, cancels, tears --- */

static void deadline_passes(void *ctx, uint64_t call)
{
    PgSession *session = ctx;
    if (!session->is_calling || session->is_answered || session->call != call) {
        return;
    }
    PgBackend *backend = session->backend;
    if (backend == NULL) {
        session->call++;
        result_send(session, RESULT_UNREACHABLE, ERR_UNREACHABLE, "connection timed out", 0);
    } else if (backend->stage == STAGE_ROW_WAIT) {
        backend_fail(backend, RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS, "the time ran out");
    } else if (backend->stage == STAGE_BODY &&
               (session->action.kind == ACTION_RUN || session->action.kind == ACTION_MEND)) {
        backend_fail(backend, RESULT_FAILED, ERR_TIMEOUT, "the time ran out");
    } else if (backend->stage == STAGE_BODY && backend_is_in_transaction(backend)) {
        backend_fail(backend, RESULT_CANCELLED, ERR_TIMEOUT, "the time ran out");
    } else {
        session_break(session);
    }
}

static void cancel_arrives(void *ctx, uint64_t call)
{
    PgSession *session = ctx;
    PgBackend *backend = session->backend;
    if (!session->is_calling || session->call != call || backend == NULL) {
        return;
    }
    bool is_cancellable = backend->stage == STAGE_ROW_WAIT || backend->stage == STAGE_BODY;
    if (is_cancellable && backend_is_in_transaction(backend)) {
        world_saw(world_of(session), SIGHT_STEP_CANCELLED);
        backend_fail(backend, RESULT_CANCELLED, ERR_CANCELLED,
                     "canceling statement due to user request");
    }
}

void sim_pg_cancel(PgSession *session)
{
    world_after(world_of(session), dice_duration(dice_of(session), 3), cancel_arrives, session,
                session->call);
}

static void tear_strikes(void *ctx, uint64_t call)
{
    PgSession *session = ctx;
    if (session->is_calling && session->call == call) {
        session_break(session);
    }
}

static void perform_on_backend(PgSession *session)
{
    if (session->backend == NULL || session->is_broken) {
        result_send(session, RESULT_UNREACHABLE, ERR_UNREACHABLE, "no connection to the server", 0);
        return;
    }
    if (session->is_muted) {
        wait_in_vain(session);
        return;
    }
    bool is_batch =
        session->action.kind != ACTION_LOCK && session->action.kind != ACTION_END_BACKEND;
    if (!is_batch && meets_trouble(session)) {
        return;
    }
    switch (session->action.kind) {
    case ACTION_LOCK:
        do_lock(session);
        break;
    case ACTION_END_BACKEND:
        do_end_backend(session);
        break;
    default:
        backend_begin(session->backend, &session->action);
        break;
    }
}

void sim_pg_perform(PgSession *session, const Action *action, uint64_t deadline_ms, PgDone done,
                    void *ctx, uint64_t tag)
{
    World *world = world_of(session);
    session->action = *action;
    if (session->tenant != NULL) {
        check_lost(session);
    }
    session->call++;
    session->is_calling = true;
    session->is_answered = false;
    session->is_answer_torn = false;
    session->result = (Result){ .migration = "" };
    session->done = done;
    session->ctx = ctx;
    session->tag = tag;
    bool is_torn = dice_rarely(dice_of(session), session->pg->tear_rate);
    session->is_answer_torn = is_torn && dice_chance(dice_of(session), 50);
    switch (action->kind) {
    case ACTION_CONNECT:
        do_connect(session);
        break;
    case ACTION_CLOSE:
        do_close(session);
        return;
    default:
        perform_on_backend(session);
        break;
    }
    if (is_torn && !session->is_answer_torn) {
        world_after(world, dice_duration(dice_of(session), 20), tear_strikes, session,
                    session->call);
    }
    if (deadline_ms != 0 && deadline_ms != UINT64_MAX) {
        world_at(world, deadline_ms, deadline_passes, session, session->call);
    }
}
