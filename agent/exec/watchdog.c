/* When enough is enough. */
#include "agent/exec/watchdog.h"

#define TICK_MIN_MS 50
#define TICK_MAX_MS 1000

uint32_t watchdog_tick_ms(PlanWatchdog limit)
{
    if (limit.for_ms == 0) {
        return 0;
    }
    uint32_t tick_ms = limit.for_ms / 4;
    if (tick_ms < TICK_MIN_MS) {
        return TICK_MIN_MS;
    }
    return tick_ms > TICK_MAX_MS ? TICK_MAX_MS : tick_ms;
}

static void note_wait(Watchdog *watchdog, const LockView *view, uint64_t now_ms)
{
    if (!view->waits) {
        watchdog->waits_since_ms = 0;
    } else if (watchdog->waits_since_ms == 0) {
        watchdog->waits_since_ms = now_ms;
    }
}

/* The server may know that they wait longer than we have been looking. */
static void note_blocked(Watchdog *watchdog, const WatchdogRules *rules, const LockView *view,
                         uint64_t now_ms)
{
    if (view->blocked <= rules->limit.blocked_sessions) {
        watchdog->over_since_ms = 0;
        return;
    }
    uint64_t since_ms = view->ranked_ms < now_ms ? now_ms - view->ranked_ms : now_ms;
    if (watchdog->over_since_ms == 0 || since_ms < watchdog->over_since_ms) {
        watchdog->over_since_ms = since_ms;
    }
}

/* Who gives way does so only to a wait that lasts long enough: ending it before is in vain. */
static bool is_about_to_pass(const Watchdog *watchdog, const WatchdogRules *rules,
                             const LockView *view, uint64_t now_ms)
{
    uint64_t needed_ms = (uint64_t)rules->deadlock_timeout_ms + WATCHDOG_YIELD_GRACE_MS;
    return view->waits && view->yields && now_ms - watchdog->waits_since_ms < needed_ms;
}

static uint64_t patience_ms(const WatchdogRules *rules, const LockView *view)
{
    bool has_begun = rules->is_solo && !view->waits_for_table;
    return (uint64_t)rules->limit.for_ms * (has_begun ? WATCHDOG_SOLO_TIMES : 1);
}

WatchdogWord watchdog_look(Watchdog *watchdog, const WatchdogRules *rules, const LockView *view,
                           uint64_t now_ms)
{
    note_wait(watchdog, view, now_ms);
    note_blocked(watchdog, rules, view, now_ms);
    if (view->waits && view->blocker.kind == BLOCKER_WRAPAROUND && !rules->is_solo) {
        return WATCHDOG_VAIN;
    }
    bool is_over = rules->limit.for_ms != 0 && watchdog->over_since_ms != 0 &&
                   now_ms - watchdog->over_since_ms >= patience_ms(rules, view);
    return is_over && !is_about_to_pass(watchdog, rules, view, now_ms) ? WATCHDOG_HELD_UP
                                                                       : WATCHDOG_CALM;
}
