/*
 * The loop: sources in a list with stable ids, one zmq_poll per turn, dispatch by id so that a
 * callback may remove anything.
 */
#include "common/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include "common/arena.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/list.h"

static const int SIGNALS[] = { SIGINT, SIGTERM, SIGHUP };

typedef struct Source {
    LoopId id;
    void *socket; /* NULL: a descriptor */
    int fd;
    short events;
    LoopSocketCallback on_socket;
    LoopFdCallback on_fd;
    void *ctx;
} Source;

typedef struct Hook {
    LoopId id;
    LoopHook callback;
    void *ctx;
} Hook;

struct Loop {
    LIST(Source) sources;
    LIST(Hook) hooks;
    LIST(zmq_pollitem_t) items; /* of this turn */
    LIST(LoopId) ids;           /* of the items, and of the hooks while they run */
    Timers *timers;
    LoopId last_id;
    uint64_t now_ms;
    bool is_stopped;
    int signal_fd;
    LoopSignalCallback on_signal;
    void *signal_ctx;
    LoopClock clock;
    void *clock_ctx;
};

static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++) {
        sigaddset(set, SIGNALS[i]);
    }
}

void loop_block_signals(void)
{
    sigset_t set;
    fill_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of write(2), like a full disk */
}

static uint64_t boot_clock(void *ctx)
{
    (void)ctx;
    return clock_boot_ms();
}

Loop *loop_new(void)
{
    Loop *loop = mem_alloc(sizeof(Loop));
    loop->timers = timers_new();
    loop->signal_fd = -1;
    loop_set_clock(loop, boot_clock, NULL);
    return loop;
}

void loop_free(Loop *loop)
{
    if (loop == NULL) {
        return;
    }
    fd_done(&loop->signal_fd);
    timers_free(loop->timers);
    LIST_DONE(&loop->sources);
    LIST_DONE(&loop->hooks);
    LIST_DONE(&loop->items);
    LIST_DONE(&loop->ids);
    free(loop);
}

/* ---- sources ---- */

static Source *source_find(Loop *loop, LoopId id)
{
    LIST_EACH(source, &loop->sources) {
        if (source->id == id) {
            return source;
        }
    }
    return NULL;
}

LoopId loop_add_socket(Loop *loop, void *socket, LoopSocketCallback callback, void *ctx)
{
    Source source = { .id = ++loop->last_id,
                      .socket = socket,
                      .events = ZMQ_POLLIN,
                      .on_socket = callback,
                      .ctx = ctx };
    LIST_PUSH(&loop->sources, source);
    return source.id;
}

LoopId loop_add_fd(Loop *loop, int fd, short events, LoopFdCallback callback, void *ctx)
{
    Source source = {
        .id = ++loop->last_id, .fd = fd, .events = events, .on_fd = callback, .ctx = ctx
    };
    LIST_PUSH(&loop->sources, source);
    return source.id;
}

void loop_set_events(Loop *loop, LoopId id, short events)
{
    Source *source = source_find(loop, id);
    if (source != NULL) {
        source->events = events;
    }
}

LoopId loop_add_hook(Loop *loop, LoopHook callback, void *ctx)
{
    Hook hook = { .id = ++loop->last_id, .callback = callback, .ctx = ctx };
    LIST_PUSH(&loop->hooks, hook);
    return hook.id;
}

static Hook *hook_find(Loop *loop, LoopId id)
{
    LIST_EACH(hook, &loop->hooks) {
        if (hook->id == id) {
            return hook;
        }
    }
    return NULL;
}

void loop_remove(Loop *loop, LoopId id)
{
    const Source *source = source_find(loop, id);
    if (source != NULL) {
        LIST_REMOVE(&loop->sources, (size_t)(source - loop->sources.items));
    }
    const Hook *hook = hook_find(loop, id);
    if (hook != NULL) {
        LIST_REMOVE(&loop->hooks, (size_t)(hook - loop->hooks.items));
    }
}

/* ---- signals ---- */

static void on_signal_fd(void *ctx, int fd, short events)
{
    Loop *loop = ctx;
    (void)events;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        loop->on_signal(loop->signal_ctx, (int)info.ssi_signo);
    }
}

ErrCode loop_on_signal(Loop *loop, LoopSignalCallback callback, void *ctx, Err *err)
{
    sigset_t set;
    fill_signals(&set);
    fd_done(&loop->signal_fd);
    loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signal_fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot watch for signals");
    }
    loop->on_signal = callback;
    loop->signal_ctx = ctx;
    loop_add_fd(loop, loop->signal_fd, ZMQ_POLLIN, on_signal_fd, loop);
    return ERR_NONE;
}

/* ---- time ---- */

TimerId loop_after(Loop *loop, uint64_t delay_ms, TimerCallback callback, void *ctx)
{
    uint64_t deadline_ms = 0;
    if (__builtin_add_overflow(loop->now_ms, delay_ms, &deadline_ms)) {
        deadline_ms = UINT64_MAX;
    }
    return timers_add(loop->timers, deadline_ms, callback, ctx);
}

bool loop_cancel(Loop *loop, TimerId id)
{
    return timers_cancel(loop->timers, id);
}

uint64_t loop_now_ms(const Loop *loop)
{
    return loop->now_ms;
}

uint64_t loop_clock_ms(const Loop *loop)
{
    return loop->clock(loop->clock_ctx);
}

void loop_set_clock(Loop *loop, LoopClock clock, void *ctx)
{
    loop->clock = clock;
    loop->clock_ctx = ctx;
    loop->now_ms = loop_clock_ms(loop);
}

/* ---- turning ---- */

/* -1 is no limit. */
static int shorter(int a_ms, int b_ms)
{
    if (a_ms < 0) {
        return b_ms;
    }
    return b_ms < 0 || a_ms < b_ms ? a_ms : b_ms;
}

/* By id, since a hook may add and remove hooks. */
static int run_hooks(Loop *loop)
{
    int wait_ms = -1;
    LIST_CLEAR(&loop->ids);
    LIST_EACH(hook, &loop->hooks) {
        LIST_PUSH(&loop->ids, hook->id);
    }
    for (size_t i = 0; i < loop->ids.count; i++) {
        const Hook *hook = hook_find(loop, loop->ids.items[i]);
        if (hook != NULL) {
            wait_ms = shorter(wait_ms, hook->callback(hook->ctx, loop->now_ms));
        }
    }
    return wait_ms;
}

static void fill_items(Loop *loop)
{
    LIST_CLEAR(&loop->items);
    LIST_CLEAR(&loop->ids);
    LIST_EACH(source, &loop->sources) {
        zmq_pollitem_t item = { .socket = source->socket,
                                .fd = source->fd,
                                .events = source->events };
        LIST_PUSH(&loop->items, item);
        LIST_PUSH(&loop->ids, source->id);
    }
}

/* Found again by id each time: the callback before may have removed it, or moved the list. */
static void dispatch(Loop *loop)
{
    for (size_t i = 0; i < loop->items.count; i++) {
        zmq_pollitem_t item = loop->items.items[i];
        const Source *source = item.revents == 0 ? NULL : source_find(loop, loop->ids.items[i]);
        if (source == NULL) {
            continue;
        }
        if (source->socket != NULL) {
            source->on_socket(source->ctx, source->socket);
        } else {
            source->on_fd(source->ctx, source->fd, item.revents);
        }
    }
}

ErrCode loop_turn(Loop *loop, int max_wait_ms, Err *err)
{
    loop->now_ms = loop_clock_ms(loop);
    int wait_ms = shorter(max_wait_ms, run_hooks(loop));
    fill_items(loop);
    loop->now_ms = loop_clock_ms(loop);
    wait_ms =
        loop->is_stopped ? 0 : shorter(wait_ms, timers_timeout_ms(loop->timers, loop->now_ms));
    int ready = zmq_poll(loop->items.items, (int)loop->items.count, wait_ms);
    loop->now_ms = loop_clock_ms(loop);
    if (ready < 0 && zmq_errno() != EINTR) {
        return err_set(err, ERR_IO, "cannot poll: %s", zmq_strerror(zmq_errno()));
    }
    if (ready > 0) {
        dispatch(loop);
    }
    timers_run(loop->timers, loop->now_ms);
    return ERR_NONE;
}

ErrCode loop_run(Loop *loop, Err *err)
{
    ErrCode code = ERR_NONE;
    while (!loop->is_stopped && code == ERR_NONE) {
        code = loop_turn(loop, -1, err);
    }
    return code;
}

void loop_stop(Loop *loop)
{
    loop->is_stopped = true;
}
