/*
 * The loop of a one-thread process: ZeroMQ sockets, file descriptors, timers and signals, around
 * zmq_poll. Not thread-safe: everything is called from the loop's own thread.
 *
 * One turn: hooks, poll, callbacks of what is ready, timers that are due. Callbacks may add and
 * remove sources, also their own and ones that are ready in the same turn: those do not fire any
 * more. ZeroMQ sockets are level-triggered here: a callback may leave messages for the next turn,
 * so that no busy source starves the others.
 */
#ifndef SKEIN_COMMON_LOOP_H
#define SKEIN_COMMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/timer.h"

typedef struct Loop Loop;

/* Names one source or hook; never used again. 0: none. */
typedef uint64_t LoopId;

/* There is something to receive. */
typedef void (*LoopSocketCallback)(void *ctx, void *socket);

/* `events`: ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLERR as they came. */
typedef void (*LoopFdCallback)(void *ctx, int fd, short events);
typedef void (*LoopSignalCallback)(void *ctx, int signal_number);

/* Gives a time in ms. */
typedef uint64_t (*LoopClock)(void *ctx);

/* Called before each poll. Returns the longest wait in ms that it allows: 0 not at all, -1 any. */
typedef int (*LoopHook)(void *ctx, uint64_t now_ms);

/*
 * Blocks SIGINT, SIGTERM and SIGHUP for this thread and all that it starts, and ignores SIGPIPE and
 * SIGXFSZ: what a write cannot do comes back as its error.
 * Call before zmq_ctx_new: a libzmq thread with open signals would swallow them.
 */
void loop_block_signals(void);

Loop *loop_new(void);
void loop_free(Loop *loop); /* NULL is allowed; sockets and descriptors stay the caller's */

AUTO_PTR_DEFINE(Loop, loop_free)

/* The source stays the caller's, who removes it before closing it. */
LoopId loop_add_socket(Loop *loop, void *socket, LoopSocketCallback callback, void *ctx);
LoopId loop_add_fd(Loop *loop, int fd, short events, LoopFdCallback callback, void *ctx);

/* Changes what a descriptor is watched for; 0 keeps it and watches for nothing. */
void loop_set_events(Loop *loop, LoopId id, short events);

/* Hooks run in the order of adding. */
LoopId loop_add_hook(Loop *loop, LoopHook hook, void *ctx);

/* Unknown and removed ids are allowed. */
void loop_remove(Loop *loop, LoopId id);

/*
 * Has SIGINT, SIGTERM and SIGHUP delivered to the callback. They must be blocked:
 * loop_block_signals.
 */
ErrCode loop_on_signal(Loop *loop, LoopSignalCallback callback, void *ctx, Err *err);

/* One-shot; loop_cancel allows 0 and ids that have fired. */
TimerId loop_after(Loop *loop, uint64_t delay_ms, TimerCallback callback, void *ctx);
bool loop_cancel(Loop *loop, TimerId id);

/* The clock as it was read at the beginning of this turn, and after each poll. */
uint64_t loop_now_ms(const Loop *loop);

/* What the clock shows now. */
uint64_t loop_clock_ms(const Loop *loop);

/*
 * Another clock than the boot-time clock, which never goes back: for tests, whose time is their
 * own. Set before anything asks for the time. Polling still waits in the machine's time.
 */
void loop_set_clock(Loop *loop, LoopClock clock, void *ctx);

/* Runs until loop_stop, then returns ERR_NONE; ERR_IO when polling itself fails. */
ErrCode loop_run(Loop *loop, Err *err);

/*
 * One turn that waits at most max_wait_ms (-1: as long as the timers allow). For tests and
 * shutdown.
 */
ErrCode loop_turn(Loop *loop, int max_wait_ms, Err *err);

/* Ends loop_run after the present turn. Called before loop_run, that returns at once. */
void loop_stop(Loop *loop);

#endif
