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
