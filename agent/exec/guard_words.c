/* What a guard says of what it has ended, and of whom it has seen in the way. */
#include "agent/exec/guard.h"
#include "agent/exec/vain.h"
#include "common/str.h"

static void held_up_explain(const LockView *seen, Result *result)
{
    AUTO(Str) text = { 0 };
    lock_view_write_blocked(seen->blocked, seen->longest_ms, &text);
    if (seen->blocker.kind == BLOCKER_NONE) {
        result->kind = RESULT_CANCELLED;
        err_set(&result->err, ERR_BLOCKING, "ended for the sake of others: %s", str_text(&text));
        err_hint(&result->err, "make its steps smaller, choose a quieter hour, or allow it more: "
                               "`strategy.watchdog`, or `-- skein: watchdog=N/TIME` in the file");
        return;
    }
    AUTO(Str) blocker = { 0 };
    lock_view_write_blocker(seen, &blocker);
    result->kind = RESULT_BLOCKED;
    err_set(&result->err, ERR_BLOCKED, "blocked by %s; ended for the sake of others: %s",
            str_text(&blocker), str_text(&text));
    err_hint(&result->err, "%s", blocker_hint(&seen->blocker));
}

static const char *end_reason(const Guard *guard)
{
    return guard->is_late ? "the time allowed for this target ran out" : "the goal has changed";
}

/* The server says COMMIT to a wait that was cancelled; what it adds to that is a warning, in the
 * language of the server. */
void guard_tell_commit(const Guard *guard, const char *migration)
{
    const RunnerConfig *config = &guard->runner->config;
    if (!guard->is_committing || !guard_has_ended_it(guard) || config->note == NULL) {
        return;
    }
    AUTO(Str) text = { 0 };
    str_printf(
        &text,
        "the step of %s is committed on this server, and may not be on a standby: its COMMIT "
        "was cancelled while it waited, since %s. A failover to a standby that lacks it would "
        "lose it: look at synchronous_standby_names and pg_stat_replication before one",
        migration, end_reason(guard));
    config->note(config->ctx, str_text(&text));
}

void guard_explain(const Guard *guard, Result *result)
{
    switch (guard->word) {
    case WATCHDOG_HELD_UP:
        held_up_explain(&guard->seen, result);
        return;
    case WATCHDOG_VAIN:
        vain_explain(&guard->seen.blocker, result);
        guard->runner->vain = guard->seen.blocker; /* asked about before the next try */
        return;
    case WATCHDOG_CALM:
        break;
    }
    result->kind = RESULT_CANCELLED;
    if (guard->is_late) {
        err_set(&result->err, ERR_TIMEOUT, "cancelled: the time allowed for this target ran out");
    } else {
        err_set(&result->err, ERR_CANCELLED, "cancelled because the goal has changed");
    }
}

void guard_blame(const Guard *guard, Result *result)
{
    if (guard->met.blocker.kind == BLOCKER_NONE) {
        return;
    }
    AUTO(Str) blocker = { 0 };
    lock_view_write_blocker(&guard->met, &blocker);
    if (guard->met.blocked > 0) {
        str_append(&blocker, "; ");
        lock_view_write_blocked(guard->met.blocked, guard->met.longest_ms, &blocker);
    }
    result->obstacle = guard->met.yields ? OBSTACLE_YIELDING : OBSTACLE_NONE;
    err_wrap(&result->err, "blocked by %s", str_text(&blocker));
    err_hint(&result->err, "%s", blocker_hint(&guard->met.blocker));
}
