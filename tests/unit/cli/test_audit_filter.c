/* cli/audit_filter.c: which rows are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cli/audit_filter.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"

#define NOW "2026-03-02T12:00:00Z"

static AuditFilter filter_of(const Options *options)
{
    AuditFilter filter = { 0 };
    int64_t now_ms = 0;
    Err err = { 0 };
    assert_true(utc_parse(NOW, &now_ms));
    assert_int_equal(audit_filter_read(options, now_ms, &filter, &err), ERR_NONE);
    return filter;
}

static void rows_are_taken_by_rollout_actor_and_time(void **state)
{
    (void)state;
    static const struct {
        Options options;
        bool is_taken;
    } ROWS[] = {
        { { .limit = 0 }, true },
        { { .rollout = "r1" }, true },
        { { .rollout = "r" }, false },
        { { .actor = "ann" }, true },
        { { .actor = "operator ann" }, true },
        { { .actor = "an" }, false },
        { { .since = "2026-03-01T12:00:00Z" }, true },
        { { .since = "2026-03-01T12:00:01Z" }, false },
        { { .since = "2026-03-01" }, true },
        { { .since = "2026-03-02" }, false },
        { { .since = "24h" }, true },
        { { .since = "23h" }, false },
        { { .rollout = "r1", .actor = "bob" }, false },
    };
    AUTO_PTR(JsonDocument)
    row = json_pack("{ss ss ss}", "time", "2026-03-01T12:00:00.000Z", "rollout", "r1", "actor",
                    "operator ann");
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AuditFilter filter = filter_of(&ROWS[i].options);
        if (audit_filter_takes(&filter, row) != ROWS[i].is_taken) {
            fail_msg("row %zu", i);
        }
    }
}

static void a_time_that_is_none_is_refused_with_what_is_one(void **state)
{
    (void)state;
    static const char *const WRONG[] = { "yesterday", "2026-13-01", "12", "2026-03-01 12:00" };
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
        AuditFilter filter = { 0 };
        Err err = { 0 };
        const Options options = { .since = WRONG[i] };
        assert_int_equal(audit_filter_read(&options, 0, &filter, &err), ERR_USAGE);
        assert_non_null(strstr(err.message, WRONG[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_taken_by_rollout_actor_and_time),
        cmocka_unit_test(a_time_that_is_none_is_refused_with_what_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
