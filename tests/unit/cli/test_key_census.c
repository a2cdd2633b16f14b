/* Which agents know which key of the coordinator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cli/key_census.h"
#include "common/cleanup.h"

static void census(const char *agents, Str *out)
{
    json_t *list = json_loads(agents, 0, NULL);
    assert_non_null(list);
    key_census(list, "aaaa", out);
    json_decref(list);
}

static void nothing_is_said_where_there_is_one_key(void **state)
{
    (void)state;
    AUTO(Str) out = { 0 };
    census("[{\"name\": \"db1\", \"coordinator_keys\": [\"aaaa\"]},"
           " {\"name\": \"db2\", \"coordinator_keys\": []}, {\"name\": \"db3\"}]",
           &out);
    assert_string_equal(str_text(&out), "");
}

static void who_does_not_know_the_next_key_is_named(void **state)
{
    (void)state;
    AUTO(Str) out = { 0 };
    census("[{\"name\": \"db1\", \"coordinator_keys\": [\"aaaa\", \"bbbb\"]},"
           " {\"name\": \"db2\", \"coordinator_keys\": [\"aaaa\"]}]",
           &out);
    const char *next = strstr(str_text(&out), "bbbb");
    assert_non_null(strstr(str_text(&out), "2 of 2"));
    assert_non_null(next);
    assert_non_null(strstr(next, "1 of 2"));
    assert_non_null(strstr(next, "db2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_where_there_is_one_key),
        cmocka_unit_test(who_does_not_know_the_next_key_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
