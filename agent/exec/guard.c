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

static uint32_t lock_timeout_of(const Runner *runner, const PlanScript *script)
{
    return script->lock_timeout_ms != 0 ? script->lock_timeout_ms
                                        : runner->config.order->plan->strategy.lock_timeout_ms;
}

/* Early enough to see who blocks before the lock timeout ends the waiting. */
static uint32_t look_first(const Runner *runner, const PlanScript *script)
{
    uint32_t half_ms = lock_timeout_of(runner, script) / 2;
    return half_ms == 0 || half_ms > LOOK_FIRST_MS ? LOOK_FIRST_MS : half_ms;
}

void guard_begin(Guard *guard, Runner *runner, const Action *action, const PlanScript *script)
{
    uint64_t now_ms = clock_boot_ms();
    *guard = (Guard){
        .runner = runner,
        .cancel_at_ms = action_deadline_ms(action),
        .next_look_ms = UINT64_MAX,
        .told_at_ms = now_ms, /* what is over at once is not worth telling */
    };
    if (script == NULL) {
        return;
    }
    guard->look_every_ms = look_first(runner, script);
    guard->next_look_ms = now_ms + guard->look_every_ms;
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
    guard->blocked_by[0] = '\0';
    str_copy(guard->phase, sizeof(guard->phase), "running");
    uint64_t now_ms = clock_boot_ms();
    if (now_ms - guard->told_at_ms >= TELL_EVERY_MS) {
        progress_tell(guard, now_ms);
    }
}

/* Only the very backend we opened: its pid may be another's by now if it is gone. */
static void backend_signal(Runner *runner, const char *sql)
{
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", runner->session.backend_pid);
    const char *params[] = { pid, runner->session.backend_start };
    AUTO_PTR(PGresult) result = NULL;
    watch_query(runner, sql, params, ARRAY_LEN(params), CANCEL_QUERY_MS, &result, NULL);
}

/* One step down the stairs: cancel, terminate, give up. An unreachable server
 * skips none of them. */
static void stage_advance(Guard *guard)
{
    switch (guard->stage) {
    case GUARD_WATCHING:
        backend_signal(guard->runner, SQL_BACKEND_CANCEL);
        guard->stage = GUARD_CANCELLED;
        break;
    case GUARD_CANCELLED:
        backend_signal(guard->runner, SQL_BACKEND_TERMINATE);
        guard->stage = GUARD_TERMINATED;
        break;
    case GUARD_TERMINATED:
    case GUARD_GAVE_UP:
        guard->stage = GUARD_GAVE_UP;
        break;
    }
    guard->next_stage_ms = clock_boot_ms() + STAGE_MS;
}

static void look_again(Guard *guard)
{
    guard_look(guard);
    uint64_t now_ms = clock_boot_ms();
    progress_tell(guard, now_ms);
    guard->look_every_ms =
        guard->look_every_ms * 2 < LOOK_MAX_MS ? guard->look_every_ms * 2 : LOOK_MAX_MS;
    guard->next_look_ms = now_ms + guard->look_every_ms;
}

/* Does what the time has come for; returns when the next thing is due. */
static uint64_t due_perform(Guard *guard)
{
    uint64_t now_ms = clock_boot_ms();
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
    return guard->next_look_ms < guard->cancel_at_ms ? guard->next_look_ms : guard->cancel_at_ms;
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
    return guard->stage != GUARD_WATCHING;
}
