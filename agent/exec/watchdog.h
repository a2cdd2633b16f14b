/*
 * The watchdog: may a statement of a migration go on, as far as others have to wait because of it?
 * One per statement that runs; fed with looks. Pure: it only says what is to be done.
 */
#ifndef SKEIN_AGENT_EXEC_WATCHDOG_H
#define SKEIN_AGENT_EXEC_WATCHDOG_H

#include "agent/exec/lock_view.h"
#include "proto/bundle.h"

/* Beyond deadlock_timeout, for an autovacuum to be told and to be gone. */
#define WATCHDOG_YIELD_GRACE_MS 1000

/* What runs outside a transaction leaves something to be cleared away when it is ended. So it gets
 * so many times as long, unless it still waits for its table and has not begun. */
#define WATCHDOG_SOLO_TIMES 10

typedef enum WatchdogWord {
    WATCHDOG_CALM = 0,
    WATCHDOG_HELD_UP, /* others wait for too long because of it: it has to end */
    WATCHDOG_VAIN, /* it waits for what does not yield: it has to end, and others need not wait */
} WatchdogWord;

typedef struct WatchdogRules {
    PlanWatchdog limit;
    uint32_t deadlock_timeout_ms; /* of the session */
    bool is_solo;                 /* it runs outside a transaction */
} WatchdogRules;

typedef struct Watchdog {
    uint64_t over_since_ms;  /* too many wait since then; 0: they do not */
    uint64_t waits_since_ms; /* it waits itself since then, as seen; 0: it does not */
} Watchdog;

/* How often it has to be looked, so that the limit is kept to a quarter. 0: it is off. */
uint32_t watchdog_tick_ms(PlanWatchdog limit);

WatchdogWord watchdog_look(Watchdog *watchdog, const WatchdogRules *rules, const LockView *view,
                           uint64_t now_ms);

#endif
