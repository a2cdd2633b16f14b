/* timer: callbacks at deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/random.h"
#include "common/str.h"
#include "common/timer.h"

typedef struct Bench {
    Timers *timers;
    Str fired;
    TimerId other;
} Bench;

typedef struct Mark {
    Bench *bench;
    char name;
} Mark;

static void fire(void *ctx, uint64_t now_ms)
{
    const Mark *mark = ctx;
    (void)now_ms;
    str_append_char(&mark->bench->fired, mark->name);
}

static int setup(void **state)
{
    Bench *bench = calloc(1, sizeof(*bench));
    bench->timers = timers_new();
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    Bench *bench = *state;
    timers_free(bench->timers);
    str_done(&bench->fired);
    free(bench);
    return 0;
}

static void they_fire_by_deadline_and_then_by_order_of_adding(void **state)
{
    Bench *bench = *state;
    Mark marks[] = { { bench, 'a' }, { bench, 'b' }, { bench, 'c' }, { bench, 'd' } };
    timers_add(bench->timers, 30, fire, &marks[0]);
    timers_add(bench->timers, 10, fire, &marks[1]);
    timers_add(bench->timers, 10, fire, &marks[2]);
    timers_add(bench->timers, 31, fire, &marks[3]);
    assert_int_equal(timers_run(bench->timers, 9), 0);
    assert_int_equal(timers_run(bench->timers, 30), 3);
    assert_string_equal(str_text(&bench->fired), "bca");
    assert_int_equal(timers_count(bench->timers), 1);
}

static void the_poll_timeout_is_the_next_deadline(void **state)
{
    Bench *bench = *state;
    Mark mark = { bench, 'a' };
    assert_int_equal(timers_timeout_ms(bench->timers, 5), -1);
    timers_add(bench->timers, UINT64_MAX, fire, &mark);
    assert_int_equal(timers_timeout_ms(bench->timers, 5), INT32_MAX);
    timers_add(bench->timers, 100, fire, &mark);
    assert_int_equal(timers_timeout_ms(bench->timers, 40), 60);
    assert_int_equal(timers_timeout_ms(bench->timers, 100), 0);
    assert_int_equal(timers_timeout_ms(bench->timers, 101), 0);
}

static void a_cancelled_one_does_not_fire(void **state)
{
    Bench *bench = *state;
    Mark mark = { bench, 'a' };
    TimerId id = timers_add(bench->timers, 10, fire, &mark);
    assert_true(timers_cancel(bench->timers, id));
    assert_false(timers_cancel(bench->timers, id));
    assert_false(timers_cancel(bench->timers, 0));
    assert_int_equal(timers_run(bench->timers, 10), 0);
}

static void an_old_id_cannot_hit_the_next_tenant_of_its_slot(void **state)
{
    Bench *bench = *state;
    Mark mark = { bench, 'a' };
    TimerId first = timers_add(bench->timers, 10, fire, &mark);
    timers_run(bench->timers, 10);
    TimerId second = timers_add(bench->timers, 20, fire, &mark);
    assert_int_not_equal(first, second);
    assert_false(timers_cancel(bench->timers, first));
    assert_int_equal(timers_run(bench->timers, 20), 1);
}

static void never(void *ctx, uint64_t now_ms)
{
    (void)ctx;
    (void)now_ms;
    fail_msg("a cancelled timer fired");
}

static void cancel_other(void *ctx, uint64_t now_ms)
{
    Bench *bench = ctx;
    (void)now_ms;
    assert_true(timers_cancel(bench->timers, bench->other));
}

static void a_callback_may_cancel_one_that_is_due_too(void **state)
{
    Bench *bench = *state;
    Mark mark = { bench, 'a' };
    timers_add(bench->timers, 10, cancel_other, bench);
    bench->other = timers_add(bench->timers, 10, never, NULL);
    timers_add(bench->timers, 10, fire, &mark);
    assert_int_equal(timers_run(bench->timers, 10), 2);
    assert_string_equal(str_text(&bench->fired), "a");
    assert_int_equal(timers_run(bench->timers, 10), 0);
}

static void add_again(void *ctx, uint64_t now_ms)
{
    Bench *bench = ctx;
    (void)now_ms;
    timers_add(bench->timers, 0, add_again, bench);
}

static void one_that_arms_itself_waits_for_the_next_run(void **state)
{
    Bench *bench = *state;
    Mark mark = { bench, 'a' };
    timers_add(bench->timers, 0, add_again, bench);
    timers_add(bench->timers, 5, fire, &mark);
    assert_int_equal(timers_run(bench->timers, 5), 2);
    assert_string_equal(str_text(&bench->fired), "a");
    assert_int_equal(timers_run(bench->timers, 5), 1);
}

static uint64_t g_last_ms;

static void check_order(void *ctx, uint64_t now_ms)
{
    const uint64_t *deadline_ms = ctx;
    (void)now_ms;
    assert_true(*deadline_ms >= g_last_ms);
    g_last_ms = *deadline_ms;
}

static void many_with_cancellations_keep_their_order(void **state)
{
    Bench *bench = *state;
    static uint64_t deadlines[2000];
    static TimerId ids[2000];
    Random random;
    random_init(&random, 7);
    for (size_t i = 0; i < 2000; i++) {
        deadlines[i] = random_below(&random, 500);
        ids[i] = timers_add(bench->timers, deadlines[i], check_order, &deadlines[i]);
    }
    for (size_t i = 0; i < 2000; i += 3) {
        assert_true(timers_cancel(bench->timers, ids[i]));
    }
    g_last_ms = 0;
    assert_int_equal(timers_run(bench->timers, 500), 2000 - 667);
    assert_int_equal(timers_count(bench->timers), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(they_fire_by_deadline_and_then_by_order_of_adding),
        TEST(the_poll_timeout_is_the_next_deadline),
        TEST(a_cancelled_one_does_not_fire),
        TEST(an_old_id_cannot_hit_the_next_tenant_of_its_slot),
        TEST(a_callback_may_cancel_one_that_is_due_too),
        TEST(one_that_arms_itself_waits_for_the_next_run),
        TEST(many_with_cancellations_keep_their_order),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
