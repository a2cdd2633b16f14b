/*
 * Wake: a descriptor that one thread raises and another one polls. It says only "look again".
 *
 * Raising is async-signal-safe, never blocks, and any number of raises before a look count as one.
 */
#ifndef SKEIN_AGENT_CONN_WAKE_H
#define SKEIN_AGENT_CONN_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"

typedef struct Wake Wake;

Wake *wake_new(void);
void wake_free(Wake *wake); /* NULL is allowed; nobody may raise or wait any more */

AUTO_PTR_DEFINE(Wake, wake_free)

/* From any thread. */
void wake_raise(Wake *wake);

/* Poll it for POLLIN. */
int wake_fd(const Wake *wake);

/* Takes the raises so far. Was there one? */
bool wake_take(Wake *wake);

/* How a wait is given up from outside: after each raise of `wake`, `should_stop` is asked. All
 * NULL: never. */
typedef struct Interrupt {
    Wake *wake;
    bool (*should_stop)(void *ctx);
    void *ctx;
} Interrupt;

bool interrupt_is_set(
    const Interrupt *interrupt); /* asks now, whether raised or not; NULL: false */

/*
 * Polls `fd` (-1: none) for `events` until it is ready, `until_ms` (boot-time clock) has come, or
 * the interrupt says stop.
 */
typedef enum WaitEnd {
    WAIT_READY = 1,
    WAIT_TIMEOUT,
    WAIT_STOPPED,
} WaitEnd;

WaitEnd wait_fd(int fd, short events, uint64_t until_ms, const Interrupt *interrupt);

#endif
