/* Places: limits per class, order of asking, giving up. And the wake that waits are ended by. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/conn/budget.h"
#include "common/clock.h"
#include "tests/patience.h"

static uint64_t later(void)
{
    return clock_boot_ms() + PATIENCE_MS;
}

static ErrCode take(ConnBudget *budget, BudgetClass class, uint64_t deadline_ms)
{
    return conn_budget_take(budget, class, deadline_ms, NULL, NULL);
}

static void each_class_has_its_own_places(void **state)
{
    (void)state;
    AUTO_PTR(ConnBudget) budget = conn_budget_new(4);
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_NONE);
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_NONE);
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_TIMEOUT);
    assert_int_equal(take(budget, BUDGET_WATCH, 0), ERR_NONE);
    assert_int_equal(take(budget, BUDGET_WATCH, 0), ERR_NONE);
    assert_int_equal(take(budget, BUDGET_WATCH, 0), ERR_TIMEOUT);
    assert_int_equal(conn_budget_used(budget), 4);
}

static void a_small_limit_still_allows_one_migration(void **state)
{
    (void)state;
    AUTO_PTR(ConnBudget) budget = conn_budget_new(1);
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_NONE);
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_TIMEOUT);
    assert_int_equal(take(budget, BUDGET_WATCH, 0), ERR_NONE);
}

static void a_place_given_back_can_be_taken(void **state)
{
    (void)state;
    AUTO_PTR(ConnBudget) budget = conn_budget_new(3);
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_NONE);
    conn_budget_give(budget, BUDGET_MIGRATION);
    assert_int_equal(conn_budget_used(budget), 0);
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_NONE);
}

static void *taker(void *ctx)
{
    ConnBudget *budget = ctx;
    ErrCode code = take(budget, BUDGET_MIGRATION, later());
    if (code == ERR_NONE) {
        conn_budget_give(budget, BUDGET_MIGRATION);
    }
    return (void *)(uintptr_t)code;
}

static void every_waiter_gets_a_place_in_the_end(void **state)
{
    (void)state;
    enum { TAKERS = 8 };
    pthread_t threads[TAKERS];
    AUTO_PTR(ConnBudget) budget = conn_budget_new(3);
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_NONE);
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, taker, budget), 0);
    }
    conn_budget_give(budget, BUDGET_MIGRATION);
    for (int i = 0; i < TAKERS; i++) {
        void *code = NULL;
        pthread_join(threads[i], &code);
        assert_null(code);
    }
    assert_int_equal(conn_budget_used(budget), 0);
}

static bool flag_read(void *ctx)
{
    return *(const bool *)ctx;
}

static void waiting_for_a_place_can_be_cancelled(void **state)
{
    (void)state;
    bool stop = true;
    AUTO_PTR(Wake) wake = wake_new();
    AUTO_PTR(ConnBudget) budget = conn_budget_new(3);
    Interrupt interrupt = { .wake = wake, .should_stop = flag_read, .ctx = &stop };
    assert_int_equal(take(budget, BUDGET_MIGRATION, 0), ERR_NONE);
    assert_int_equal(conn_budget_take(budget, BUDGET_MIGRATION, later(), &interrupt, NULL),
                     ERR_CANCELLED);
    conn_budget_give(budget, BUDGET_MIGRATION);
    assert_int_equal(conn_budget_used(budget), 0);
}

static void raises_count_as_one(void **state)
{
    (void)state;
    AUTO_PTR(Wake) wake = wake_new();
    assert_false(wake_take(wake));
    wake_raise(wake);
    wake_raise(wake);
    assert_true(wake_take(wake));
    assert_false(wake_take(wake));
}

static void a_wait_ends_by_its_descriptor_before_its_time(void **state)
{
    (void)state;
    AUTO_PTR(Wake) wake = wake_new();
    assert_int_equal(wait_fd(wake_fd(wake), POLLIN, 0, NULL), WAIT_TIMEOUT);
    wake_raise(wake);
    assert_int_equal(wait_fd(wake_fd(wake), POLLIN, later(), NULL), WAIT_READY);
}

static int asked;

static bool second_time(void *ctx)
{
    (void)ctx;
    return ++asked == 2;
}

static void a_raise_has_the_question_asked_again(void **state)
{
    (void)state;
    AUTO_PTR(Wake) wake = wake_new();
    Interrupt interrupt = { .wake = wake, .should_stop = second_time };
    asked = 0;
    wake_raise(wake);
    assert_int_equal(wait_fd(-1, 0, later(), &interrupt), WAIT_STOPPED);
    assert_int_equal(asked, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_has_its_own_places),
        cmocka_unit_test(a_small_limit_still_allows_one_migration),
        cmocka_unit_test(a_place_given_back_can_be_taken),
        cmocka_unit_test(every_waiter_gets_a_place_in_the_end),
        cmocka_unit_test(waiting_for_a_place_can_be_cancelled),
        cmocka_unit_test(raises_count_as_one),
        cmocka_unit_test(a_wait_ends_by_its_descriptor_before_its_time),
        cmocka_unit_test(a_raise_has_the_question_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
