/* Who is silent at a door: until when, and for whom one gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "common/file.h"
#include "coordinator/http/callers.h"

#define ROOM 3
#define BEGIN_MS 1000

typedef struct Stage {
    Callers callers;
    Caller *there[ROOM + 1];
    Fd ours[ROOM + 1];
    Fd theirs[ROOM + 1];
} Stage;

static void stage_done(Stage *stage)
{
    for (size_t i = 0; i <= ROOM; i++) {
        if (stage->there[i] != NULL) {
            callers_go(&stage->callers, stage->there[i]);
            fd_done(&stage->ours[i]);
            fd_done(&stage->theirs[i]);
        }
    }
    assert_int_equal(stage->callers.count, 0);
    LIST_DONE(&stage->callers.silent);
}

AUTO_DEFINE(Stage, stage_done)

/* One after the other, a second apart. */
static void come(Stage *stage, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        stage->ours[i] = pair[0];
        stage->theirs[i] = pair[1];
        stage->there[i] = callers_come(&stage->callers, pair[0], ROOM, BEGIN_MS + 1000 * i);
    }
}

static bool is_out(const Stage *stage, size_t index)
{
    char byte = 0;
    return recv(stage->theirs[index], &byte, 1, MSG_DONTWAIT) == 0;
}

static void one_that_brings_no_head_in_time_has_to_go(void **state)
{
    (void)state;
    AUTO(Stage) stage = { 0 };
    come(&stage, 2);
    assert_true(callers_due_ms(&stage.callers) == BEGIN_MS + CALLER_HEAD_MS);
    callers_turn_out(&stage.callers, BEGIN_MS + CALLER_HEAD_MS - 1);
    assert_false(is_out(&stage, 0));
    callers_turn_out(&stage.callers, BEGIN_MS + CALLER_HEAD_MS);
    assert_true(is_out(&stage, 0));
    assert_false(is_out(&stage, 1));
}

static void one_that_asks_has_all_the_time_and_rests_after_it(void **state)
{
    (void)state;
    AUTO(Stage) stage = { 0 };
    come(&stage, 1);
    callers_ask(&stage.callers, stage.there[0]);
    assert_true(callers_due_ms(&stage.callers) == UINT64_MAX);
    callers_rest(&stage.callers, stage.there[0], 500000);
    assert_true(callers_due_ms(&stage.callers) == 500000 + CALLER_REST_MS);
    callers_turn_out(&stage.callers, 500000 + CALLER_REST_MS);
    assert_true(is_out(&stage, 0));
}

/* The oldest that is silent, and never one that asks. */
static void at_a_full_door_who_was_silent_longest_gives_way(void **state)
{
    (void)state;
    AUTO(Stage) stage = { 0 };
    come(&stage, ROOM);
    callers_ask(&stage.callers, stage.there[0]);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    stage.ours[ROOM] = pair[0];
    stage.theirs[ROOM] = pair[1];
    stage.there[ROOM] = callers_come(&stage.callers, pair[0], ROOM, BEGIN_MS + 5000);
    const bool OUT[] = { false, true, false, false };
    for (size_t i = 0; i <= ROOM; i++) {
        assert_int_equal(is_out(&stage, i), OUT[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_brings_no_head_in_time_has_to_go),
        cmocka_unit_test(one_that_asks_has_all_the_time_and_rests_after_it),
        cmocka_unit_test(at_a_full_door_who_was_silent_longest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
