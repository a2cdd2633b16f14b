/* proto/gate.c: limits as people write them, and as they are held against values. */
#include "support.h"

#include "proto/gate.h"

static const struct {
    const char *text;
    bool is_relative;
    uint64_t limit;
    const char *written; /* NULL: as it was read */
} LIMITS[] = {
    { "20", false, 20000, NULL },          { "0", false, 0, NULL },
    { "2.5", false, 2500, NULL },          { "0.001", false, 1, NULL },
    { "2.050", false, 2050, "2.05" },      { "1000000000000000", false, 1000000000000000000, NULL },
    { "1.5x baseline", true, 1500, NULL }, { "2x  baseline", true, 2000, "2x baseline" },
    { "0.9x baseline", true, 900, NULL },  { "1000x baseline", true, 1000000, NULL },
};

static void limits_are_read_as_whole_thousandths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(LIMITS); i++) {
        PlanGate gate = { .kind = GATE_METRIC, .failures = 1, .metric = METRIC_PROBE_LATENCY_MS };
        AUTO(Str) text = { 0 };
        assert_int_equal(gate_limit_parse(LIMITS[i].text, &gate, NULL), ERR_NONE);
        assert_int_equal(gate.is_relative, LIMITS[i].is_relative);
        assert_int_equal(gate.limit, LIMITS[i].limit);
        gate_limit_write(&gate, &text);
        assert_string_equal(str_text(&text),
                            LIMITS[i].written == NULL ? LIMITS[i].text : LIMITS[i].written);
        assert_null(gate_fault(&gate));
    }
}

static void what_is_no_limit_is_refused(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        "many",
        "-1",
        "1.",
        ".5",
        "1.2345",
        "1e3",
        "20 ",
        "1.5x",
        "1.5 baseline",
        "1.5x",
        "1.5xbaseline",
        "1.5x average",
        "0x baseline",
        "1000.001x baseline",
        "1000000000000001",
        "99999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        PlanGate gate = { 0 };
        Err err = { 0 };
        if (gate_limit_parse(TEXTS[i], &gate, &err) != ERR_CONFIG) {
            fail_msg("'%s' was taken", TEXTS[i]);
        }
    }
}

static void the_metric_says_which_side_is_the_bad_one(void **state)
{
    (void)state;
    const PlanGate most = { .metric = METRIC_BLOCKED_SESSIONS };
    const PlanGate least = { .metric = METRIC_CACHE_HIT_PERCENT };
    assert_true(gate_is_within(&most, 20, 20));
    assert_false(gate_is_within(&most, 21, 20));
    assert_true(gate_is_within(&least, 20, 20));
    assert_false(gate_is_within(&least, 19, 20));
    assert_string_equal(gate_bound_name(&most), "max");
    assert_string_equal(gate_bound_name(&least), "min");
}

static void a_relative_limit_is_exact_and_never_wraps(void **state)
{
    (void)state;
    PlanGate gate = { .metric = METRIC_BLOCKED_SESSIONS, .is_relative = true, .limit = 1500 };
    assert_int_equal(gate_limit(&gate, 10000), 15000);
    assert_int_equal(gate_limit(&gate, 1), 1); /* 1.5 thousandths are not more than one */
    assert_int_equal(gate_limit(&gate, 0), 0);
    assert_true(gate_limit(&gate, UINT64_MAX) == UINT64_MAX);
    gate.limit = GATE_FACTOR_MAX;
    assert_true(gate_limit(&gate, UINT64_MAX / 2) == UINT64_MAX);
    gate.limit = 1000;
    assert_true(gate_limit(&gate, UINT64_MAX) == UINT64_MAX);
    gate.limit = 999;
    assert_true(gate_limit(&gate, UINT64_MAX) < UINT64_MAX);
    gate.is_relative = false;
    assert_int_equal(gate_limit(&gate, 77), 999);
}

static void a_gate_reads_as_a_sentence(void **state)
{
    (void)state;
    static const struct {
        PlanGate gate;
        const char *words;
    } ROWS[] = {
        { { GATE_METRIC, METRIC_BLOCKED_SESSIONS, false, 20000, 3 },
          "blocked_sessions at most 20" },
        { { GATE_METRIC, METRIC_CACHE_HIT_PERCENT, true, 900, 3 },
          "cache_hit_percent at least 0.9x baseline" },
        { { GATE_METRIC, 4711, false, 1000, 3 }, "an unknown metric at most 1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) text = { 0 };
        gate_write(&ROWS[i].gate, &text);
        assert_string_equal(str_text(&text), ROWS[i].words);
    }
}

static void values_have_their_units(void **state)
{
    (void)state;
    static const struct {
        Metric metric;
        uint64_t value;
        const char *words;
    } ROWS[] = {
        { METRIC_BLOCKED_SESSIONS, 1000, "1" },
        { METRIC_PROBE_LATENCY_MS, 12500, "12.50 ms" },
        { METRIC_CACHE_HIT_PERCENT, 97250, "97.25%" },
        { METRIC_DEADLOCKS_PER_SECOND, 200, "0.20/s" },
        { METRIC_WAL_BYTES_PER_SECOND, 4096000, "4096 B/s" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const PlanGate gate = { .metric = ROWS[i].metric };
        AUTO(Str) text = { 0 };
        gate_value_write(&gate, ROWS[i].value, &text);
        assert_string_equal(str_text(&text), ROWS[i].words);
    }
}

static void faults_are_named(void **state)
{
    (void)state;
    static const PlanGate FAULTY[] = {
        { GATE_METRIC, METRIC_NONE, false, 1, 3 },
        { GATE_METRIC, METRIC_BLOCKED_SESSIONS, false, 1, 0 },
        { GATE_METRIC, METRIC_BLOCKED_SESSIONS, false, 1, GATE_FAILURES_MAX + 1 },
        { GATE_METRIC, METRIC_BLOCKED_SESSIONS, true, 0, 3 },
        { GATE_METRIC, METRIC_BLOCKED_SESSIONS, true, GATE_FACTOR_MAX + 1, 3 },
        { GATE_METRIC, METRIC_BLOCKED_SESSIONS, false, GATE_LIMIT_MAX + 1, 3 },
    };
    for (size_t i = 0; i < ARRAY_LEN(FAULTY); i++) {
        assert_non_null(gate_fault(&FAULTY[i]));
    }
    /* Only who judges by it has to know a metric. */
    assert_null(gate_fault(&(PlanGate){ GATE_METRIC, 4711, false, 1, 3 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_read_as_whole_thousandths),
        cmocka_unit_test(what_is_no_limit_is_refused),
        cmocka_unit_test(the_metric_says_which_side_is_the_bad_one),
        cmocka_unit_test(a_relative_limit_is_exact_and_never_wraps),
        cmocka_unit_test(a_gate_reads_as_a_sentence),
        cmocka_unit_test(values_have_their_units),
        cmocka_unit_test(faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
