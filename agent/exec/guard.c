/* Waiting, cancelling, escalating. Owns every decision about time while something runs on the
 * server. */
#include "agent/exec/guard.h"

#include <stdio.h>

#include "agent/exec/sql.h"
#include "common/clock.h"
#include "common/str.h"

#define STAGE_MS 4000        /* what a cancel, and then a termination, gets */
#define CANCEL_QUERY_MS 3000 /* to reach the server for it */
#define LOOK_FIRST_MS 1000
#define LOOK_MAX_MS 5000
#define TELL_EVERY_MS 200

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Early enough to see who blocks before the lock timeout ends the waiting. */
static uint32_t look_first(const Guard *guard, uint32_t lock_timeout_ms)
{
    uint32_t tick_ms = guard->tick_ms == 0 ? LOOK_FIRST_MS : guard->tick_ms;
    uint32_t half_ms = lock_timeout_ms / 2;
    return half_ms == 0 || half_ms > tick_ms ? tick_ms : half_ms;
}

static void looks_begin(Guard *guard, const PlanScript *script, uint64_t now_ms)
{
    const PlanStrategy *strategy = &guard->runner->config.order->plan->strategy;
    guard->rules.limit = plan_watchdog(strategy, script);
    guard->tick_ms = watchdog_tick_ms(guard->rules.limit);
    guard->look_every_ms = look_first(guard, plan_lock_timeout_ms(strategy, script));
    guard->next_look_ms = now_ms + guard->look_every_ms;
    guard->tell_every_ms = LOOK_FIRST_MS;
    guard->next_tell_ms = guard->next_look_ms;
}

void guard_begin(Guard *guard, Runner *runner, const Action *action, const PlanScript *script)
{
    uint64_t now_ms = clock_boot_ms();
    *guard = (Guard){
        .runner = runner,
        .cancel_at_ms = action_deadline_ms(action),
        .next_look_ms = UINT64_MAX,
        .told_at_ms = now_ms, /* what is over at once is not worth telling */
        .rules = { .deadlock_timeout_ms = runner->session.deadlock_timeout_ms,
                   .is_solo = action->kind == ACTION_RUN },
    };
    if (script == NULL) {
        return;
    }
    looks_begin(guard, script, now_ms);
    guard->progress = (ExecProgress){
        .migration = runner->config.order->plan->migrations[action->migration].id,
        .is_down = action->is_down,
        .statement_count = (uint32_t)script->count,
        .phase = guard->phase,
        .percent = PERCENT_UNKNOWN,
        .blocked_by = guard->blocked_by,
    };
    str_copy(guard->phase, sizeof(guard->phase), "running");
}

void guard_end(Guard *guard)
{
    if (guard->is_watched) {
        lock_watch_leave(guard->runner->locks, guard->runner->session.backend_pid);
    }
}

static void progress_tell(Guard *guard, uint64_t now_ms)
{
    const RunnerConfig *config = &guard->runner->config;
    if (config->progress != NULL && guard->progress.statement != 0) {
        guard->told_at_ms = now_ms;
        config->progress(config->ctx, &guard->progress);
    }
}

void guard_statement(Guard *guard, uint32_t number)
{
    if (guard->progress.migration == NULL || guard->progress.statement == number) {
        return;
    }
    guard->progress.statement = number;
    guard->progress.percent = PERCENT_UNKNOWN;
    guard->progress.blocks = 0;
    guard->blocked_by[0] = '\0';
    str_copy(guard->phase, sizeof(guard->phase), "running");
    uint64_t now_ms = clock_boot_ms();
    if (now_ms - guard->told_at_ms >= TELL_EVERY_MS) {
        progress_tell(guard, now_ms);
    }
}

void guard_commit(Guard *guard)
{
    guard->is_committing = true;
}

/*
 * Only the very backend we opened: its pid may be another's by now if it is gone. False: it was
 * certainly not signalled, since nobody could be asked to, or there is no such backend. A question
 * whose answer is lost may have been heard.
 */
static bool backend_signal(Runner *runner, const char *sql)
{
    char pid[16];
    Conn *conn = NULL;
    uint64_t deadline_ms = clock_boot_ms() + CANCEL_QUERY_MS;
    if (conn_pool_take(runner->watch, deadline_ms, NULL, &conn, NULL) != ERR_NONE) {
        return false;
    }
    snprintf(pid, sizeof(pid), "%d", runner->session.backend_pid);
    const char *params[] = { pid, runner->session.backend_start };
    const Query query = {
        .sql = sql, .params = params, .param_count = ARRAY_LEN(params), .deadline_ms = deadline_ms
    };
    AUTO_PTR(PGresult) result = NULL;
    ErrCode code = conn_query(conn, &query, &result, NULL);
    conn_pool_give(runner->watch, conn);
    return code != ERR_NONE || PQntuples(result) > 0;
}

/*
 * One step down the stairs: cancel, terminate, give up. An unreachable server skips none of them.
 * What is given up is not known by that: batch.c and solo.c say what it is by what they had sent.
 */
static void stage_advance(Guard *guard)
{
    switch (guard->stage) {
    case GUARD_WATCHING:
        guard->is_signalled |= backend_signal(guard->runner, SQL_BACKEND_CANCEL);
        guard->stage = GUARD_CANCELLED;
        break;
    case GUARD_CANCELLED:
        guard->is_signalled |= backend_signal(guard->runner, SQL_BACKEND_TERMINATE);
        guard->stage = GUARD_TERMINATED;
        break;
    case GUARD_TERMINATED:
    case GUARD_GAVE_UP:
        guard->stage = GUARD_GAVE_UP;
        break;
    }
    guard->next_stage_ms = clock_boot_ms() + STAGE_MS;
}

/* As often as anybody wants to read it; at once when it is about other people than before. */
static void look_tell(Guard *guard, int blocker_pid, bool has_blocked, uint64_t now_ms)
{
    bool is_other =
        guard->seen.blocker.pid != blocker_pid || (guard->seen.blocked > 0) != has_blocked;
    if (now_ms >= guard->next_tell_ms || is_other) {
        progress_tell(guard, now_ms);
        guard->next_tell_ms = now_ms + guard->tell_every_ms;
        guard->tell_every_ms = (uint32_t)earlier(guard->tell_every_ms * 2, LOOK_MAX_MS);
    }
}

static void look_again(Guard *guard)
{
    int blocker_pid = guard->seen.blocker.pid;
    bool has_blocked = guard->seen.blocked > 0;
    bool has_seen = guard_look(guard);
    uint64_t now_ms = clock_boot_ms();
    look_tell(guard, blocker_pid, has_blocked, now_ms);
    guard->look_every_ms = guard->tick_ms != 0
                               ? guard->tick_ms
                               : (uint32_t)earlier(guard->look_every_ms * 2, LOOK_MAX_MS);
    guard->next_look_ms = now_ms + guard->look_every_ms;
    if (has_seen && !guard->is_committing) {
        guard->word = watchdog_look(&guard->watchdog, &guard->rules, &guard->seen, now_ms);
    }
}

/* What was cancelled for the sake of others may have come through all the same: then it is left to
 * its COMMIT. */
static bool has_slipped_through(const Guard *guard)
{
    return guard->word != WATCHDOG_CALM && guard->is_committing;
}

/* Does what the time has come for; returns when the next thing is due. */
static uint64_t due_perform(Guard *guard)
{
    uint64_t now_ms = clock_boot_ms();
    if (guard->stage == GUARD_CANCELLED && has_slipped_through(guard)) {
        guard->stage = GUARD_WATCHING;
        guard->is_signalled = false;
        guard->word = WATCHDOG_CALM;
    }
    if (guard->stage != GUARD_WATCHING) {
        if (now_ms >= guard->next_stage_ms) {
            stage_advance(guard);
        }
        return guard->next_stage_ms;
    }
    if (now_ms >= guard->cancel_at_ms) {
        guard->is_late = true;
        stage_advance(guard);
        return guard->next_stage_ms;
    }
    if (now_ms >= guard->next_look_ms) {
        look_again(guard);
    }
    if (guard->word != WATCHDOG_CALM) {
        stage_advance(guard);
        return guard->next_stage_ms;
    }
    return earlier(guard->next_look_ms, guard->cancel_at_ms);
}

bool guard_wait(Guard *guard, int fd, short events)
{
    while (guard->stage != GUARD_GAVE_UP) {
        uint64_t next_ms = due_perform(guard);
        if (guard->stage == GUARD_GAVE_UP) {
            break;
        }
        Interrupt interrupt = runner_interrupt(guard->runner);
        bool can_stop = guard->stage == GUARD_WATCHING;
        WaitEnd end = wait_fd(fd, events, next_ms, can_stop ? &interrupt : NULL);
        if (end == WAIT_READY) {
            return true;
        }
        if (end == WAIT_STOPPED) {
            stage_advance(guard);
        }
    }
    return false;
}

bool guard_has_ended_it(const Guard *guard)
{
    return guard->stage != GUARD_WATCHING && guard->is_signalled;
}

bool guard_is_echo(const Guard *guard, const Err *err)
{
    return guard_has_ended_it(guard) &&
           (str_equal(err->sqlstate, "57014") || str_equal(err->sqlstate, "57P01"));
}
