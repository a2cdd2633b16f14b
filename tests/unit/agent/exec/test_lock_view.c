/* Who waits for whom, and how it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/exec/lock_view.h"

#define US 100

static void ours_add(LockSnapshot *snapshot, const char *lock)
{
    LockOurs ours = { .pid = US, .lock = lock, .phase = "", .percent = PERCENT_UNKNOWN };
    LIST_PUSH(&snapshot->ours, ours);
}

static void wait_add(LockSnapshot *snapshot, int session, const char *blockers, uint32_t wait_ms)
{
    LockWait wait = { .session = session, .wait_ms = wait_ms };
    wait.blockers = lock_pids_parse(blockers, &snapshot->arena, &wait.blocker_count);
    LIST_PUSH(&snapshot->waits, wait);
}

static void holder_add(LockSnapshot *snapshot, BlockerKind kind, int pid, int64_t age_ms)
{
    LockHolder holder = { .blocked = US, .blocker = { .kind = kind, .pid = pid } };
    holder.blocker.age_ms = age_ms;
    LIST_PUSH(&snapshot->holders, holder);
}

static LockView look(const LockSnapshot *snapshot, uint32_t rank)
{
    LockView view = { 0 };
    assert_true(lock_view_of(snapshot, US, rank, &view));
    return view;
}

static void those_behind_it_count_directly_or_not(void **state)
{
    (void)state;
    AUTO(LockSnapshot) snapshot = { 0 };
    ours_add(&snapshot, "");
    wait_add(&snapshot, 1, "{100}", 300);
    wait_add(&snapshot, 2, "{7,1}", 200);
    wait_add(&snapshot, 3, "{2}", 100);
    wait_add(&snapshot, 4, "{7}", 9000);
    LockView view = look(&snapshot, 1);
    assert_int_equal(view.blocked, 3);
    assert_int_equal(view.longest_ms, 300);
    assert_int_equal(view.ranked_ms, 200);
    assert_int_equal(look(&snapshot, 3).ranked_ms, 0);
    assert_int_equal(look(&snapshot, 0).ranked_ms, 300);
}

/* Workers of one parallel query wait each for themselves. */
static void a_session_counts_once_and_with_its_longest_wait(void **state)
{
    (void)state;
    AUTO(LockSnapshot) snapshot = { 0 };
    ours_add(&snapshot, "");
    wait_add(&snapshot, 1, "{100}", 10);
    wait_add(&snapshot, 1, "{100}", 900);
    wait_add(&snapshot, 1, "{100}", WAIT_UNKNOWN);
    wait_add(&snapshot, US, "{1}", 5000);
    LockView view = look(&snapshot, 0);
    assert_int_equal(view.blocked, 1);
    assert_int_equal(view.longest_ms, 900);
}

static void those_that_wait_in_a_circle_are_counted_once(void **state)
{
    (void)state;
    AUTO(LockSnapshot) snapshot = { 0 };
    ours_add(&snapshot, "relation");
    wait_add(&snapshot, US, "{2}", 1);
    wait_add(&snapshot, 1, "{100,2}", 1);
    wait_add(&snapshot, 2, "{1}", 1);
    assert_int_equal(look(&snapshot, 0).blocked, 2);
}

static void nobody_waits_for_nobody(void **state)
{
    (void)state;
    AUTO(LockSnapshot) snapshot = { 0 };
    LockView view = { 0 };
    assert_false(lock_view_of(&snapshot, US, 0, &view));
    ours_add(&snapshot, "");
    view = look(&snapshot, 0);
    assert_int_equal(view.blocked, 0);
    assert_int_equal(view.blocker.kind, BLOCKER_NONE);
    assert_false(view.waits || view.yields);
}

static void who_cannot_be_outwaited_is_named_first(void **state)
{
    (void)state;
    static const struct {
        BlockerKind kinds[3]; /* their ages rise */
        BlockerKind named;
        bool yields;
    } ROWS[] = {
        { { BLOCKER_SESSION, BLOCKER_WRAPAROUND, BLOCKER_PREPARED }, BLOCKER_WRAPAROUND, false },
        { { BLOCKER_WRAPAROUND, BLOCKER_SESSION, BLOCKER_SESSION }, BLOCKER_WRAPAROUND, false },
        { { BLOCKER_PREPARED, BLOCKER_SESSION, BLOCKER_AUTOVACUUM }, BLOCKER_PREPARED, false },
        { { BLOCKER_AUTOVACUUM, BLOCKER_AUTOVACUUM }, BLOCKER_AUTOVACUUM, true },
        { { BLOCKER_AUTOVACUUM, BLOCKER_SESSION }, BLOCKER_SESSION, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(LockSnapshot) snapshot = { 0 };
        ours_add(&snapshot, "relation");
        for (int j = 0; j < 3 && ROWS[i].kinds[j] != BLOCKER_NONE; j++) {
            holder_add(&snapshot, ROWS[i].kinds[j], j + 1, j * 1000);
        }
        LockView view = look(&snapshot, 0);
        assert_int_equal(view.blocker.kind, ROWS[i].named);
        assert_int_equal(view.yields, ROWS[i].yields);
        assert_true(view.waits && view.waits_for_table);
    }
}

static void arrays_are_read_as_the_server_writes_them(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    static const struct {
        const char *text;
        size_t count;
        int last;
    } ROWS[] = {
        { "{}", 0, 0 }, { "{0}", 1, 0 }, { "{1,22,333}", 3, 333 }, { "", 0, 0 }, { "{4,x}", 1, 4 }
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        size_t count = 99;
        const int *pids = lock_pids_parse(ROWS[i].text, &arena, &count);
        assert_int_equal(count, ROWS[i].count);
        assert_true(count == 0 || pids[count - 1] == ROWS[i].last);
    }
}

static void it_is_said_how_many_wait_and_for_how_long(void **state)
{
    (void)state;
    static const struct {
        uint32_t blocked;
        uint32_t longest_ms;
        const char *wanted;
    } ROWS[] = {
        { 1, 0, "1 session waits behind it" },
        { 1, 850, "1 session waits behind it, for 850 ms" },
        { 7, 0, "7 sessions wait behind it" },
        { 7, 125000, "7 sessions wait behind it, the longest for 2 m 5 s" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) text = { 0 };
        lock_view_write_blocked(ROWS[i].blocked, ROWS[i].longest_ms, &text);
        assert_string_equal(str_text(&text), ROWS[i].wanted);
    }
}

static void of_several_blockers_one_is_named(void **state)
{
    (void)state;
    LockView view = { .blocker = { .kind = BLOCKER_SESSION,
                                   .pid = 7,
                                   .name = "psql",
                                   .role = "ann",
                                   .state = "active",
                                   .age_ms = 3000 },
                      .blocker_count = 3 };
    AUTO(Str) text = { 0 };
    lock_view_write_blocker(&view, &text);
    assert_string_equal(str_text(&text),
                        "psql (pid 7, role ann, active, in a transaction for 3 s) and 2 more");
}

/* What no wait outlasts is told, however short it has been there; and nobody whom others wait for.
 */
static void of_many_kinds_what_no_wait_outlasts_is_told(void **state)
{
    (void)state;
    static const struct {
        BlockerKind kind;
        int pid;
        int64_t age_ms;
        int told; /* then */
    } ROWS[] = {
        { BLOCKER_SESSION, 1, 9000, 1 },  { BLOCKER_PREPARED, 2, 10, 2 },
        { BLOCKER_SESSION, 3, 99000, 2 }, { BLOCKER_PREPARED, 4, 20, 4 },
        { BLOCKER_WRAPAROUND, 5, 1, 5 },  { BLOCKER_PREPARED, 6, 88000, 5 },
    };
    AUTO(LockSnapshot) snapshot = { 0 };
    ours_add(&snapshot, "relation");
    LockHolder others = { .blocked = US + 1, .blocker = { .kind = BLOCKER_WRAPAROUND, .pid = 77 } };
    LIST_PUSH(&snapshot.holders, others);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        holder_add(&snapshot, ROWS[i].kind, ROWS[i].pid, ROWS[i].age_ms);
        LockView view = look(&snapshot, 0);
        assert_int_equal(view.blocker.pid, ROWS[i].told);
        assert_int_equal(view.blocker_count, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_many_kinds_what_no_wait_outlasts_is_told),
        cmocka_unit_test(those_behind_it_count_directly_or_not),
        cmocka_unit_test(a_session_counts_once_and_with_its_longest_wait),
        cmocka_unit_test(those_that_wait_in_a_circle_are_counted_once),
        cmocka_unit_test(nobody_waits_for_nobody),
        cmocka_unit_test(who_cannot_be_outwaited_is_named_first),
        cmocka_unit_test(arrays_are_read_as_the_server_writes_them),
        cmocka_unit_test(it_is_said_how_many_wait_and_for_how_long),
        cmocka_unit_test(of_several_blockers_one_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
