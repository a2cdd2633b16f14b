/* secret: a text that must not be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/secret.h"

static void the_text_is_given_to_who_asks_for_it(void **state)
{
    (void)state;
    AUTO_PTR(Secret) secret = secret_new("service=db1 password=x");
    assert_string_equal(secret_reveal(secret), "service=db1 password=x");
    assert_int_equal(secret_length(secret), 22);
}

static void bytes_may_hold_anything_and_are_copied(void **state)
{
    (void)state;
    char bytes[] = { 'a', '\0', 'b' };
    AUTO_PTR(Secret) secret = secret_new_bytes(bytes, sizeof(bytes));
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(secret_length(secret), 3);
    assert_memory_equal(secret_reveal(secret), "a\0b", 4);
}

static void nothing_can_be_freed(void **state)
{
    (void)state;
    secret_free(NULL);
    AUTO_PTR(Secret) empty = secret_new("");
    assert_string_equal(secret_reveal(empty), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_given_to_who_asks_for_it),
        cmocka_unit_test(bytes_may_hold_anything_and_are_copied),
        cmocka_unit_test(nothing_can_be_freed),
    };
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
