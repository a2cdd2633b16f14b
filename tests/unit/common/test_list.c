/* list: typed growable arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/list.h"

typedef LIST(int) Numbers;

static void an_empty_list_has_nothing_to_visit(void **state)
{
    (void)state;
    Numbers numbers = { 0 };
    LIST_EACH(number, &numbers) {
        fail_msg("visited %d", *number);
    }
    LIST_CLEAR(&numbers);
    LIST_DONE(&numbers);
}

static void items_keep_their_order_while_it_grows(void **state)
{
    (void)state;
    Numbers numbers = { 0 };
    for (int i = 0; i < 1000; i++) {
        LIST_PUSH(&numbers, i);
    }
    int expected = 0;
    LIST_EACH(number, &numbers) {
        assert_int_equal(*number, expected++);
    }
    assert_int_equal(expected, 1000);
    LIST_DONE(&numbers);
    assert_int_equal(numbers.capacity, 0);
}

static void removing_closes_the_gap(void **state)
{
    (void)state;
    Numbers numbers = { 0 };
    for (int i = 0; i < 4; i++) {
        LIST_PUSH(&numbers, i);
    }
    LIST_REMOVE(&numbers, 1);
    LIST_REMOVE(&numbers, 2);
    assert_int_equal(numbers.count, 2);
    assert_int_equal(numbers.items[0], 0);
    assert_int_equal(numbers.items[1], 2);
    LIST_DONE(&numbers);
}

static void reserved_room_is_not_moved(void **state)
{
    (void)state;
    Numbers numbers = { 0 };
    LIST_RESERVE(&numbers, 100);
    const int *items = numbers.items;
    for (int i = 0; i < 100; i++) {
        LIST_PUSH(&numbers, i);
    }
    assert_ptr_equal(numbers.items, items);
    LIST_DONE(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_has_nothing_to_visit),
        cmocka_unit_test(items_keep_their_order_while_it_grows),
        cmocka_unit_test(removing_closes_the_gap),
        cmocka_unit_test(reserved_room_is_not_moved),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
