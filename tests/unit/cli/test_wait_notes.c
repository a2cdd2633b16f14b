/* Waiting for locks that comes to nothing is told with the plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/wait_notes.h"
#include "common/cleanup.h"

static void a_lock_timeout_that_no_autovacuum_yields_to_is_told(void **state)
{
    (void)state;
    static const struct {
        uint32_t strategy_ms;
        uint32_t up_ms;
        uint32_t down_ms;
        size_t notes;
        const char *first;
    } ROWS[] = {
        { 2000, 0, 0, 0, NULL },
        { 1001, 1500, 0, 0, NULL },
        { 1000, 0, 0, 1, "rollout.yaml: timeouts.lock of 1 s is not above deadlock_timeout" },
        { 2000, 500, 0, 1, "0001_a: a lock-timeout of 500 ms is not above deadlock_timeout" },
        { 500, 400, 300, 3, "rollout.yaml: timeouts.lock of 500 ms is not" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(SourceNotes) notes = { .arena = &arena };
        PlanMigration migration = { .id = "0001_a",
                                    .up = { .lock_timeout_ms = ROWS[i].up_ms },
                                    .down = { .lock_timeout_ms = ROWS[i].down_ms } };
        Plan plan = { .migrations = &migration, .migration_count = 1 };
        plan.strategy.lock_timeout_ms = ROWS[i].strategy_ms;
        wait_notes(&plan, "rollout.yaml", &notes);
        assert_int_equal(notes.list.count, ROWS[i].notes);
        if (ROWS[i].first != NULL && strstr(notes.list.items[0].text, ROWS[i].first) == NULL) {
            fail_msg("'%s' is not in: %s", ROWS[i].first, notes.list.items[0].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_timeout_that_no_autovacuum_yields_to_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
