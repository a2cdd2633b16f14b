/* Who stands in the way, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/exec/blocker.h"

static void a_process_is_known_by_what_the_server_tells_of_it(void **state)
{
    (void)state;
    static const struct {
        bool is_worker;
        bool has_role;
        const char *query;
        BlockerKind kind;
    } ROWS[] = {
        { false, true, "", BLOCKER_SESSION },
        { true, false, "autovacuum: VACUUM public.t", BLOCKER_AUTOVACUUM },
        { true, false, "autovacuum: VACUUM public.t (to prevent wraparound)", BLOCKER_WRAPAROUND },
        { true, false, "autovacuum: ANALYZE public.t", BLOCKER_AUTOVACUUM },
        { true, false, "", BLOCKER_AUTOVACUUM },  /* track_activities is off */
        { false, false, "", BLOCKER_AUTOVACUUM }, /* this role may not look */
        { false, true, "SELECT 1 -- (to prevent wraparound)", BLOCKER_SESSION },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(blocker_kind(ROWS[i].is_worker, ROWS[i].has_role, ROWS[i].query),
                         ROWS[i].kind);
    }
}

static void what_an_autovacuum_works_on_is_kept_without_the_rest(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        { "autovacuum: VACUUM public.t (to prevent wraparound)", "VACUUM public.t" },
        { "autovacuum: VACUUM ANALYZE public.t", "VACUUM ANALYZE public.t" },
        { "", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char work[BLOCKER_WORK_MAX];
        blocker_work(ROWS[i][0], work);
        assert_string_equal(work, ROWS[i][1]);
    }
}

static void a_blocker_is_told_in_words(void **state)
{
    (void)state;
    static const struct {
        Blocker blocker;
        const char *wanted;
    } ROWS[] = {
        { { BLOCKER_SESSION, 4711, "pgbench", "app", "", "idle in transaction", "Client/ClientRead",
            "", "", 0, 0, 12345, false },
          "pgbench (pid 4711, role app, idle in transaction, in a transaction for 12 s, wait event "
          "Client/ClientRead)" },
        { { BLOCKER_SESSION, 7, "", "app", "", "active", "", "", "scanning heap", 3, 10, 900,
            false },
          "a session without a name (pid 7, role app, active, scanning heap, 3 of 10 blocks, in a "
          "transaction for under 1 s)" },
        { { BLOCKER_SESSION, 7, "psql", "ann", "", "", "", "", "", 0, 0, -1, true },
          "psql (pid 7, role ann, whose state this role may not see)" },
        { { BLOCKER_SESSION, 7, "psql", "", "", "", "", "", "initializing", 0, 0, -1, false },
          "psql (pid 7, state unknown, initializing)" },
        { { BLOCKER_AUTOVACUUM, 9, "", "", "", "active", "", "VACUUM public.t", "vacuuming heap",
            12, 400, 61000, false },
          "an autovacuum of public.t (pid 9, vacuuming heap, 12 of 400 blocks, for 1 m 1 s)" },
        { { BLOCKER_AUTOVACUUM, 9, "", "", "", "", "", "", "", 0, 0, -1, true },
          "an autovacuum (pid 9)" },
        { { BLOCKER_WRAPAROUND, 9, "", "", "", "active", "", "VACUUM public.t", "scanning heap", 1,
            2, 5000, false },
          "an autovacuum to prevent wraparound of public.t (pid 9, scanning heap, 1 of 2 blocks, "
          "for 5 s)" },
        { { BLOCKER_PREPARED, 0, "order-17", "app", "", "", "", "", "", 0, 0, 7200000, false },
          "a prepared transaction (\"order-17\", role app, prepared 2 h ago)" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) text = { 0 };
        blocker_write(&ROWS[i].blocker, &text);
        assert_string_equal(str_text(&text), ROWS[i].wanted);
    }
}

static void each_kind_says_what_to_do_and_how_to_try_again(void **state)
{
    (void)state;
    static const Obstacle OBSTACLES[BLOCKER_KIND_COUNT_] = {
        [BLOCKER_AUTOVACUUM] = OBSTACLE_YIELDING,
        [BLOCKER_WRAPAROUND] = OBSTACLE_UNYIELDING,
    };
    for (BlockerKind kind = BLOCKER_NONE; kind < BLOCKER_KIND_COUNT_; kind++) {
        Blocker blocker = { .kind = kind };
        assert_int_equal(blocker_obstacle(kind), OBSTACLES[kind]);
        assert_int_equal(blocker_hint(&blocker)[0] == '\0', kind == BLOCKER_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_known_by_what_the_server_tells_of_it),
        cmocka_unit_test(what_an_autovacuum_works_on_is_kept_without_the_rest),
        cmocka_unit_test(a_blocker_is_told_in_words),
        cmocka_unit_test(each_kind_says_what_to_do_and_how_to_try_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
