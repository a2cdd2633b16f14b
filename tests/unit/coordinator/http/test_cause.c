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

/* A target that is held or has failed before any statement: no server has said a code. */
#define HELD(where, text, what)                                                                    \
    {                                                                                              \
        .code = ERR_HISTORY, .address = (where), .message = (text), .sqlstate = "",                \
        .migration = "", .hint = (what)                                                            \
    }

/* At a statement, with words that its own code raises. */
#define RAISED(text)                                                                               \
    {                                                                                              \
        .code = ERR_SERVER, .address = "i/d", .message = (text), .sqlstate = "P0001",              \
        .migration = "0001_a", .statement = 1, .hint = ""                                          \
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
        { HELD("i/a", "dbmate has applied 9_x here, which the directory does not have", "ignore"),
          HELD("i/b", "golang-migrate is not at rest here: version 3 is dirty", "force"), false },
        { HELD("i/a", "golang-migrate is not at rest here: version 3 is dirty", "force"),
          HELD("i/b", "golang-migrate is not at rest here: version 4 is dirty", "force"), false },
        { HELD("i/a", "the same words", "one thing to type"),
          HELD("i/b", "the same words", "another thing to type"), false },
        { HELD("i/a", "flyway has applied 9_x here", "--missing ignore"),
          HELD("i/b", "flyway has applied 9_x here", "--missing ignore"), true },
        { HELD("i/d/acme", "no table acme.schema_migrations here", "look at schema \"acme\""),
          HELD("i/d/bolt", "no table bolt.schema_migrations here", "look at schema \"bolt\""),
          true },
        { HELD("i/d/acme", "no table acme.a here", ""),
          HELD("i/d/bolt", "no table bolt.b here", ""), false },
        { HELD("i/d/a%2Fb", "schema \"a/b\" is not there", ""),
          HELD("j/e/c", "schema \"c\" is not there", ""), true },
        { HELD("i/d/a", "it has a row", ""), HELD("i/d/b", "it has b row", ""), true },
        { HELD("i/d/a", "it has a table", ""), HELD("i/d/b", "it has b view", ""), false },
        { HELD("h1/d", "backend 17 of an older attempt did not end in time", ""),
          HELD("h2/d", "backend 9234 of an older attempt did not end in time", ""), true },
        { HELD("h1/d", "pid 17 (a, role b) holds the lock of this target", ""),
          HELD("h2/d", "pid 18 (c, role b) holds the lock of this target", ""), false },
        { HELD("h1/d", "its fence is at term 3, token 7", ""),
          HELD("h2/d", "its fence is at term 4, token 19", ""), true },
        { { .code = ERR_SERVER,
            .address = "i/a",
            .message = "permission denied for schema skein",
            .sqlstate = "42501",
            .migration = "",
            .hint = "" },
          { .code = ERR_SERVER,
            .address = "i/b",
            .message = "permission denied for table goose",
            .sqlstate = "42501",
            .migration = "",
            .hint = "" },
          false },
        { RAISED("3 orders without an owner"), RAISED("11 orders without an owner"), true },
        { RAISED("3 orders without an owner"), RAISED("the table is read only"), false },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        bool is_alike = str_equal(cause_key(&ROWS[i].a, &arena), cause_key(&ROWS[i].b, &arena));
        if (is_alike != ROWS[i].is_alike) {
            fail_msg("row %zu: %s", i, ROWS[i].b.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_is_what_has_one_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
