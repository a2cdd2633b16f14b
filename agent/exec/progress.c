/* How it goes on the server, as seen over a watching connection. No SQL text
 * is asked for or told. */
#include <stdio.h>

#include "agent/exec/guard.h"
#include "common/str.h"

static uint32_t max_age_ms(const Guard *guard)
{
    return guard->look_every_ms / 2;
}

void guard_take_view(Guard *guard, const LockView *view)
{
    guard->seen = *view;
    guard->blocked_by[0] = '\0';
    if (view->blocker.kind != BLOCKER_NONE) {
        AUTO(Str) text = { 0 };
        lock_view_write_blocker(view, &text);
        str_copy(guard->blocked_by, sizeof(guard->blocked_by), str_text(&text));
        guard->met = *view;
    }
    const char *phase = view->phase[0] == '\0' ? "running" : view->phase;
    str_copy(guard->phase, sizeof(guard->phase), view->waits ? "waiting for a lock" : phase);
    guard->progress.percent = view->percent;
    guard->progress.blocks = view->blocked;
    guard->progress.blocks_for_ms = view->longest_ms;
}

bool guard_look(Guard *guard)
{
    Runner *runner = guard->runner;
    LockView view = { 0 };
    if (!guard->is_watched) {
        lock_watch_join(runner->locks, runner->session.backend_pid, runner->session.backend_start);
        guard->is_watched = true;
    }
    if (!lock_watch_look(runner->locks, runner->session.backend_pid, max_age_ms(guard),
                         guard->rules.limit.blocked_sessions, &view)) {
        return false;
    }
    guard_take_view(guard, &view);
    return true;
}
