/* loop: one thread, many sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <unistd.h>
#include <zmq.h>

#include "common/loop.h"
#include "common/str.h"
#include "common/zsock.h"

#define TURNS_MAX 1000

/* A loop and two pipes with a byte in each. */
typedef struct Bench {
    Loop *loop;
    int pipes[2][2];
    LoopId ids[2];
    Str events;
} Bench;

static int setup(void **state)
{
    Bench *bench = calloc(1, sizeof(*bench));
    loop_block_signals();
    bench->loop = loop_new();
    for (int i = 0; i < 2; i++) {
        if (pipe(bench->pipes[i]) != 0 || write(bench->pipes[i][1], "x", 1) != 1) {
            return -1;
        }
    }
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    Bench *bench = *state;
    loop_free(bench->loop);
    for (int i = 0; i < 2; i++) {
        close(bench->pipes[i][0]);
        close(bench->pipes[i][1]);
    }
    str_done(&bench->events);
    free(bench);
    return 0;
}

static void take_byte(void *ctx, int fd, short events)
{
    Bench *bench = ctx;
    char byte = 0;
    assert_int_equal(events, ZMQ_POLLIN);
    assert_int_equal(read(fd, &byte, 1), 1);
    str_append_char(&bench->events, fd == bench->pipes[0][0] ? 'a' : 'b');
}

static void ready_descriptors_are_called(void **state)
{
    Bench *bench = *state;
    loop_add_fd(bench->loop, bench->pipes[0][0], ZMQ_POLLIN, take_byte, bench);
    loop_add_fd(bench->loop, bench->pipes[1][0], ZMQ_POLLIN, take_byte, bench);
    assert_int_equal(loop_turn(bench->loop, 1000, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "ab");
    assert_int_equal(loop_turn(bench->loop, 0, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "ab");
}

static void remove_both(void *ctx, int fd, short events)
{
    Bench *bench = ctx;
    (void)fd;
    (void)events;
    str_append_char(&bench->events, 'r');
    loop_remove(bench->loop, bench->ids[0]);
    loop_remove(bench->loop, bench->ids[1]);
    loop_remove(bench->loop, bench->ids[1]);
}

static void a_callback_may_remove_itself_and_others_that_are_ready(void **state)
{
    Bench *bench = *state;
    for (int i = 0; i < 2; i++) {
        bench->ids[i] =
            loop_add_fd(bench->loop, bench->pipes[i][0], ZMQ_POLLIN, remove_both, bench);
    }
    assert_int_equal(loop_turn(bench->loop, 1000, NULL), ERR_NONE);
    assert_int_equal(loop_turn(bench->loop, 0, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "r");
}

static void add_many(void *ctx, int fd, short events)
{
    Bench *bench = ctx;
    take_byte(ctx, fd, events);
    for (int i = 0; i < 100; i++) {
        loop_add_fd(bench->loop, bench->pipes[1][0], 0, take_byte, bench);
    }
}

static void a_callback_may_add_sources(void **state)
{
    Bench *bench = *state;
    loop_add_fd(bench->loop, bench->pipes[0][0], ZMQ_POLLIN, add_many, bench);
    LoopId id = loop_add_fd(bench->loop, bench->pipes[1][0], ZMQ_POLLIN, take_byte, bench);
    assert_int_equal(loop_turn(bench->loop, 1000, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "ab");
    loop_remove(bench->loop, id);
}

static void events_can_be_switched_off_and_on(void **state)
{
    Bench *bench = *state;
    LoopId id = loop_add_fd(bench->loop, bench->pipes[0][0], 0, take_byte, bench);
    assert_int_equal(loop_turn(bench->loop, 0, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "");
    loop_set_events(bench->loop, id, ZMQ_POLLIN);
    loop_set_events(bench->loop, 4711, ZMQ_POLLIN);
    assert_int_equal(loop_turn(bench->loop, 1000, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "a");
}

static void stop_by_timer(void *ctx, uint64_t now_ms)
{
    Bench *bench = ctx;
    (void)now_ms;
    str_append_char(&bench->events, 't');
    loop_stop(bench->loop);
}

static void never(void *ctx, uint64_t now_ms)
{
    (void)ctx;
    (void)now_ms;
    fail_msg("a cancelled timer fired");
}

static void it_runs_until_it_is_stopped(void **state)
{
    Bench *bench = *state;
    TimerId cancelled = loop_after(bench->loop, 0, never, NULL);
    loop_after(bench->loop, 5, stop_by_timer, bench);
    assert_true(loop_cancel(bench->loop, cancelled));
    assert_false(loop_cancel(bench->loop, 0));
    assert_int_equal(loop_run(bench->loop, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "t");
    assert_int_equal(loop_run(bench->loop, NULL), ERR_NONE);
}

static uint64_t clock_of(void *ctx)
{
    return *(const uint64_t *)ctx;
}

/* Whose time is a test's own need not wait for it. */
static void timers_go_by_the_clock_that_it_was_given(void **state)
{
    Bench *bench = *state;
    uint64_t now_ms = 1000;
    loop_set_clock(bench->loop, clock_of, &now_ms);
    loop_after(bench->loop, 60000, stop_by_timer, bench);
    now_ms = 60999;
    assert_int_equal(loop_turn(bench->loop, 0, NULL), ERR_NONE);
    assert_int_equal(loop_now_ms(bench->loop), 60999);
    assert_string_equal(str_text(&bench->events), "");
    now_ms = 61000;
    assert_int_equal(loop_clock_ms(bench->loop), 61000);
    assert_int_equal(loop_turn(bench->loop, -1, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "t");
}

static int hook_without_wait(void *ctx, uint64_t now_ms)
{
    Bench *bench = ctx;
    assert_int_equal(now_ms, loop_now_ms(bench->loop));
    str_append_char(&bench->events, 'h');
    return 0;
}

static int hook_that_leaves(void *ctx, uint64_t now_ms)
{
    Bench *bench = ctx;
    (void)now_ms;
    str_append_char(&bench->events, 'l');
    loop_remove(bench->loop, bench->ids[0]);
    return -1;
}

/* With no source and no timer a turn would wait for ever but for the hook. */
static void hooks_run_before_each_poll_and_bound_the_wait(void **state)
{
    Bench *bench = *state;
    bench->ids[0] = loop_add_hook(bench->loop, hook_that_leaves, bench);
    loop_add_hook(bench->loop, hook_without_wait, bench);
    assert_int_equal(loop_turn(bench->loop, -1, NULL), ERR_NONE);
    assert_int_equal(loop_turn(bench->loop, -1, NULL), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "lhh");
}

static void take_signal(void *ctx, int signal_number)
{
    Bench *bench = ctx;
    str_printf(&bench->events, "%s ", sigabbrev_np(signal_number));
    loop_stop(bench->loop);
}

static void signals_come_as_events(void **state)
{
    Bench *bench = *state;
    Err err = { 0 };
    assert_int_equal(loop_on_signal(bench->loop, take_signal, bench, &err), ERR_NONE);
    raise(SIGHUP);
    raise(SIGTERM);
    raise(SIGPIPE);
    assert_int_equal(loop_run(bench->loop, &err), ERR_NONE);
    assert_string_equal(str_text(&bench->events), "HUP TERM ");
}

static void take_message(void *ctx, void *socket)
{
    Bench *bench = ctx;
    AUTO(Zframe) frame = zframe_empty();
    assert_int_equal(zsock_receive(socket, &frame, NULL), ZSOCK_OK);
    str_append_bytes(&bench->events, zframe_data(&frame), zframe_size(&frame));
}

/* One message is taken per turn: the rest must bring the callback back. */
static void sockets_are_called_as_long_as_messages_lie_there(void **state)
{
    Bench *bench = *state;
    void *context = zmq_ctx_new();
    {
        AUTO(Zsock) left = NULL;
        AUTO(Zsock) right = NULL;
        assert_int_equal(zsock_open(context, ZMQ_PAIR, NULL, 0, &left, NULL), ERR_NONE);
        assert_int_equal(zsock_open(context, ZMQ_PAIR, NULL, 0, &right, NULL), ERR_NONE);
        assert_int_equal(zsock_bind(left, "inproc://pair", NULL), ERR_NONE);
        assert_int_equal(zsock_connect(right, "inproc://pair", NULL), ERR_NONE);
        LoopId id = loop_add_socket(bench->loop, left, take_message, bench);
        assert_int_equal(zsock_send(right, "1", 1, NULL), ZSOCK_OK);
        assert_int_equal(zsock_send(right, "2", 1, NULL), ZSOCK_OK);
        for (int i = 0; i < TURNS_MAX && bench->events.length < 2; i++) {
            assert_int_equal(loop_turn(bench->loop, 10, NULL), ERR_NONE);
        }
        assert_string_equal(str_text(&bench->events), "12");
        loop_remove(bench->loop, id);
    }
    zmq_ctx_term(context);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(ready_descriptors_are_called),
        TEST(a_callback_may_remove_itself_and_others_that_are_ready),
        TEST(a_callback_may_add_sources),
        TEST(events_can_be_switched_off_and_on),
        TEST(it_runs_until_it_is_stopped),
        TEST(timers_go_by_the_clock_that_it_was_given),
        TEST(hooks_run_before_each_poll_and_bound_the_wait),
        TEST(signals_come_as_events),
        TEST(sockets_are_called_as_long_as_messages_lie_there),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
