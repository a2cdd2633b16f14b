/* Which failures are one cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "coordinator/http/cause.h"

#define BLOCKED(text, state)                                                                       \
    {                                                                                              \
        .code = ERR_BLOCKED, .message = (text), .sqlstate = (state), .migration = "0001_a",        \
        .statement = 1                                                                             \
    }

static void alike_is_what_has_one_cause(void **state)
{
    (void)state;
    static const struct {
        TargetRow a;
        TargetRow b;
        bool is_alike;
    } ROWS[] = {
        { BLOCKED("gave up after 3 tries: blocked by pgbench (pid 1, role a): canceling", "55P03"),
          BLOCKED("gave up after 9 tries: blocked by pgbench (pid 7, role b); ended for", ""),
          true },
        { BLOCKED("blocked by an autovacuum of public.t (pid 1)", "55P03"),
          BLOCKED("blocked by an autovacuum of public.u (pid 1)", "55P03"), false },
        { BLOCKED("blocked by pgbench (pid 1)", "55P03"), BLOCKED("blocked by psql (pid 1)", ""),
          false },
        { BLOCKED("canceling statement due to lock timeout", "55P03"),
          BLOCKED("canceling statement due to lock timeout", "55P03"), true },
        { { .code = ERR_SERVER, .message = "key (1)", .sqlstate = "23505", .migration = "0001_a" },
          { .code = ERR_SERVER, .message = "key (2)", .sqlstate = "23505", .migration = "0001_a" },
          true },
        { { .code = ERR_SERVER, .message = "x", .sqlstate = "23505", .migration = "0001_a" },
          { .code = ERR_SERVER, .message = "x", .sqlstate = "23502", .migration = "0001_a" },
          false },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        bool is_alike = str_equal(cause_key(&ROWS[i].a, &arena), cause_key(&ROWS[i].b, &arena));
        assert_int_equal(is_alike, ROWS[i].is_alike);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_is_what_has_one_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
