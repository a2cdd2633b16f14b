/* From two looks to values: rows of raw numbers in, readings out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/health/measure.h"
#include "common/cleanup.h"

#define SECOND_US UINT64_C(1000000)

static void put(Look *look, Raw raw, int64_t value)
{
    look->raw[raw] = (RawValue){ true, value };
}

/* A primary that shows everything, on which nothing has ever happened. */
static Look quiet_look(uint64_t at_us)
{
    Look look = { .at_us = at_us };
    for (int raw = RAW_NONE + 1; raw < RAW_COUNT_; raw++) {
        put(&look, (Raw)raw, 0);
    }
    put(&look, RAW_SERVER_START, 1700000000000000);
    put(&look, RAW_SEES_ALL, 1);
    put(&look, RAW_CLIENTS_MAX, 97);
    put(&look, RAW_DATABASES, 4711);
    return look;
}

static HealthReading read_between(const Look *before, const Look *now, Metric metric)
{
    Measures measures;
    measures_make(before, now, &measures);
    assert_int_equal(measures.readings[metric - 1].metric, metric);
    return measures.readings[metric - 1];
}

static void assert_value(const Look *before, const Look *now, Metric metric, uint64_t value)
{
    HealthReading reading = read_between(before, now, metric);
    if (reading.absence != METRIC_PRESENT || reading.value != value) {
        fail_msg("%s: %llu (%s), not %llu", metric_row(metric)->name,
                 (unsigned long long)reading.value, metric_absence_name(reading.absence),
                 (unsigned long long)value);
    }
}

static void assert_absent(const Look *before, const Look *now, Metric metric, MetricAbsence absence)
{
    HealthReading reading = read_between(before, now, metric);
    if (reading.absence != absence || reading.value != 0) {
        fail_msg("%s: %llu (%s), not %s", metric_row(metric)->name,
                 (unsigned long long)reading.value, metric_absence_name(reading.absence),
                 metric_absence_name(absence));
    }
}

static void a_gauge_is_scaled_to_thousandths_of_its_unit(void **state)
{
    (void)state;
    static const struct {
        Metric metric;
        Raw raw;
        int64_t value;
        uint64_t thousandths;
    } ROWS[] = {
        { METRIC_CONNECTIONS_USED_PERCENT, RAW_CLIENTS, 97, 100000 },
        { METRIC_CONNECTIONS_USED_PERCENT, RAW_CLIENTS, 1, 1031 },
        { METRIC_CONNECTIONS_USED_PERCENT, RAW_CLIENTS, 100, 103093 }, /* superusers, too */
        { METRIC_BLOCKED_SESSIONS, RAW_BLOCKED, 3, 3000 },
        { METRIC_LONGEST_TRANSACTION_SECONDS, RAW_TRANSACTION_MS, 61234, 61234 },
        { METRIC_LONGEST_TRANSACTION_SECONDS, RAW_TRANSACTION_MS, -5, 0 }, /* a clock set back */
        { METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS, RAW_IDLE_MS, 1500, 1500 },
        { METRIC_REPLICATION_LAG_SECONDS, RAW_REPLICATION_MS, 250, 250 },
        { METRIC_REPLICATION_LAG_BYTES, RAW_REPLICATION_BYTES, 16777216, 16777216000 },
        { METRIC_SLOT_LAG_BYTES, RAW_SLOT_BYTES, INT64_MAX, UINT64_MAX },
        { METRIC_OLDEST_XID_AGE, RAW_XID_AGE, 199999999, 199999999000 },
        { METRIC_PROBE_LATENCY_MS, RAW_PROBE_US, 1234, 1234 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Look none = { 0 };
        Look now = quiet_look(SECOND_US);
        put(&now, ROWS[i].raw, ROWS[i].value);
        assert_value(&none, &now, ROWS[i].metric, ROWS[i].thousandths);
    }
}

static void a_rate_is_what_happened_between_two_looks(void **state)
{
    (void)state;
    static const struct {
        Metric metric;
        Raw a;
        int64_t a_growth;
        Raw b;
        int64_t b_growth;
        uint64_t thousandths; /* over four seconds */
    } ROWS[] = {
        { METRIC_DEADLOCKS_PER_SECOND, RAW_DEADLOCKS, 1, RAW_NONE, 0, 250 },
        { METRIC_CHECKPOINTS_FORCED_PER_MINUTE, RAW_CHECKPOINTS_FORCED, 1, RAW_NONE, 0, 15000 },
        { METRIC_TEMP_BYTES_PER_SECOND, RAW_TEMP_BYTES, 4096, RAW_NONE, 0, 1024000 },
        { METRIC_WAL_BYTES_PER_SECOND, RAW_WAL_BYTES, 0, RAW_NONE, 0, 0 },
        { METRIC_ROLLBACK_PERCENT, RAW_ROLLBACKS, 1, RAW_COMMITS, 3, 25000 },
        { METRIC_ROLLBACK_PERCENT, RAW_ROLLBACKS, 0, RAW_COMMITS, 3, 0 },
        { METRIC_CACHE_HIT_PERCENT, RAW_BLOCKS_HIT, 999, RAW_BLOCKS_READ, 1, 99900 },
        { METRIC_CACHE_HIT_PERCENT, RAW_BLOCKS_HIT, 0, RAW_BLOCKS_READ, 1, 0 },
        { METRIC_MEAN_STATEMENT_TIME_MS, RAW_STATEMENT_US, 9000, RAW_STATEMENTS, 6, 1500 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Look before = quiet_look(SECOND_US);
        Look now = quiet_look(5 * SECOND_US);
        put(&before, ROWS[i].a, 1000);
        put(&now, ROWS[i].a, 1000 + ROWS[i].a_growth);
        if (ROWS[i].b != RAW_NONE) {
            put(&before, ROWS[i].b, 2000);
            put(&now, ROWS[i].b, 2000 + ROWS[i].b_growth);
        }
        assert_value(&before, &now, ROWS[i].metric, ROWS[i].thousandths);
    }
}

static void the_first_look_has_gauges_and_no_rates(void **state)
{
    (void)state;
    Look none = { 0 };
    Look now = quiet_look(SECOND_US);
    for (uint32_t metric = METRIC_NONE + 1; metric < METRIC_COUNT_; metric++) {
        HealthReading reading = read_between(&none, &now, (Metric)metric);
        assert_int_equal(reading.absence, metric_row(metric)->kind == METRIC_RATE
                                              ? METRIC_FIRST_SAMPLE
                                              : METRIC_PRESENT);
    }
}

static void no_traffic_is_nothing_to_measure_and_not_zero(void **state)
{
    (void)state;
    Look before = quiet_look(SECOND_US);
    Look now = quiet_look(6 * SECOND_US);
    assert_absent(&before, &now, METRIC_ROLLBACK_PERCENT, METRIC_NOTHING);
    assert_absent(&before, &now, METRIC_CACHE_HIT_PERCENT, METRIC_NOTHING);
    assert_absent(&before, &now, METRIC_MEAN_STATEMENT_TIME_MS, METRIC_NOTHING);
    assert_value(&before, &now, METRIC_DEADLOCKS_PER_SECOND, 0);
}

/* Each of these makes the counters' difference say something that never happened. */
static void counters_of_another_life_give_no_rate(void **state)
{
    (void)state;
    static const struct {
        Raw epoch;
        Metric gone;  /* its rate */
        Metric stays; /* METRIC_NONE: none does */
    } ROWS[] = {
        { RAW_SERVER_START, METRIC_TEMP_BYTES_PER_SECOND, METRIC_NONE },
        { RAW_SERVER_START, METRIC_WAL_BYTES_PER_SECOND, METRIC_NONE },
        { RAW_IN_RECOVERY, METRIC_WAL_BYTES_PER_SECOND, METRIC_NONE },
        { RAW_DATABASES, METRIC_TEMP_BYTES_PER_SECOND, METRIC_WAL_BYTES_PER_SECOND },
        { RAW_DATABASES_RESET, METRIC_DEADLOCKS_PER_SECOND, METRIC_CHECKPOINTS_FORCED_PER_MINUTE },
        { RAW_CHECKPOINTER_RESET, METRIC_CHECKPOINTS_FORCED_PER_MINUTE,
          METRIC_DEADLOCKS_PER_SECOND },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Look before = quiet_look(SECOND_US);
        Look now = quiet_look(6 * SECOND_US);
        put(&now, ROWS[i].epoch, 1);
        assert_absent(&before, &now, ROWS[i].gone, METRIC_RESET);
        if (ROWS[i].stays != METRIC_NONE) {
            assert_value(&before, &now, ROWS[i].stays, 0);
        }
    }
}

static void a_statement_that_was_evicted_takes_its_time_with_it(void **state)
{
    (void)state;
    Look before = quiet_look(SECOND_US);
    Look now = quiet_look(6 * SECOND_US);
    put(&now, RAW_STATEMENTS, 10);
    put(&now, RAW_STATEMENTS_EVICTED, 25);
    assert_absent(&before, &now, METRIC_MEAN_STATEMENT_TIME_MS, METRIC_RESET);
    put(&before, RAW_STATEMENTS_EVICTED, 25);
    assert_value(&before, &now, METRIC_MEAN_STATEMENT_TIME_MS, 0);
}

static void a_counter_that_fell_is_a_reset_and_never_a_negative_rate(void **state)
{
    (void)state;
    Look before = quiet_look(SECOND_US);
    Look now = quiet_look(6 * SECOND_US);
    put(&before, RAW_COMMITS, 100);
    put(&now, RAW_ROLLBACKS, 100);
    assert_absent(&before, &now, METRIC_ROLLBACK_PERCENT, METRIC_RESET);
    assert_absent(&now, &before, METRIC_WAL_BYTES_PER_SECOND,
                  METRIC_RESET); /* no time has passed */
}

static void what_the_login_does_not_see_is_missing_for_that_reason(void **state)
{
    (void)state;
    static const Raw HIDDEN[] = { RAW_CLIENTS, RAW_TRANSACTION_MS, RAW_IDLE_MS, RAW_REPLICATION_MS,
                                  RAW_REPLICATION_BYTES };
    static const Metric METRICS[] = {
        METRIC_CONNECTIONS_USED_PERCENT,
        METRIC_LONGEST_TRANSACTION_SECONDS,
        METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS,
        METRIC_REPLICATION_LAG_SECONDS,
        METRIC_REPLICATION_LAG_BYTES,
    };
    Look none = { 0 };
    Look now = quiet_look(SECOND_US);
    put(&now, RAW_SEES_ALL, 0);
    for (size_t i = 0; i < ARRAY_LEN(HIDDEN); i++) {
        now.raw[HIDDEN[i]].is_known = false;
    }
    for (size_t i = 0; i < ARRAY_LEN(METRICS); i++) {
        assert_absent(&none, &now, METRICS[i], METRIC_NO_PRIVILEGE);
        assert_string_equal(metric_row(METRICS[i])->needs, "pg_read_all_stats");
    }
    assert_value(&none, &now, METRIC_BLOCKED_SESSIONS, 0);
}

static void what_is_not_there_is_missing_for_a_reason_of_its_own(void **state)
{
    (void)state;
    static const struct {
        bool in_recovery;
        Raw raw;
        Metric metric;
        MetricAbsence absence;
    } ROWS[] = {
        { false, RAW_REPLICATION_MS, METRIC_REPLICATION_LAG_SECONDS, METRIC_NOTHING },
        { false, RAW_REPLICATION_BYTES, METRIC_REPLICATION_LAG_BYTES, METRIC_NOTHING },
        { true, RAW_REPLICATION_MS, METRIC_REPLICATION_LAG_SECONDS, METRIC_NOT_STREAMING },
        { true, RAW_REPLICATION_BYTES, METRIC_REPLICATION_LAG_BYTES, METRIC_NOT_STREAMING },
        { true, RAW_WAL_BYTES, METRIC_WAL_BYTES_PER_SECOND, METRIC_NOT_STREAMING },
        { false, RAW_SLOT_BYTES, METRIC_SLOT_LAG_BYTES, METRIC_NOTHING },
        { false, RAW_STATEMENTS, METRIC_MEAN_STATEMENT_TIME_MS, METRIC_NOT_INSTALLED },
        { false, RAW_BLOCKED, METRIC_BLOCKED_SESSIONS, METRIC_NOT_SAMPLED },
        { false, RAW_COMMITS, METRIC_ROLLBACK_PERCENT, METRIC_NOT_SAMPLED },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Look before = quiet_look(SECOND_US);
        Look now = quiet_look(6 * SECOND_US);
        put(&before, RAW_IN_RECOVERY, ROWS[i].in_recovery);
        put(&now, RAW_IN_RECOVERY, ROWS[i].in_recovery);
        now.raw[ROWS[i].raw].is_known = false;
        assert_absent(&before, &now, ROWS[i].metric, ROWS[i].absence);
    }
}

/* Installed between two looks: the sums of all times so far are no rate. */
static void a_counter_that_was_not_there_before_begins_anew(void **state)
{
    (void)state;
    Look before = quiet_look(SECOND_US);
    Look now = quiet_look(6 * SECOND_US);
    before.raw[RAW_STATEMENTS].is_known = false;
    put(&now, RAW_STATEMENTS, 1000000);
    assert_absent(&before, &now, METRIC_MEAN_STATEMENT_TIME_MS, METRIC_FIRST_SAMPLE);
}

static void without_a_look_every_metric_is_missing(void **state)
{
    (void)state;
    Measures measures;
    measures_missing(METRIC_NOT_SAMPLED, &measures);
    for (uint32_t i = 0; i < ARRAY_LEN(measures.readings); i++) {
        assert_int_equal(measures.readings[i].metric, i + 1);
        assert_int_equal(measures.readings[i].absence, METRIC_NOT_SAMPLED);
        assert_int_equal(measures.readings[i].value, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(a_gauge_is_scaled_to_thousandths_of_its_unit),
        cmocka_unit_test(a_rate_is_what_happened_between_two_looks),
        cmocka_unit_test(the_first_look_has_gauges_and_no_rates),
        cmocka_unit_test(no_traffic_is_nothing_to_measure_and_not_zero),
        cmocka_unit_test(counters_of_another_life_give_no_rate),
        cmocka_unit_test(a_statement_that_was_evicted_takes_its_time_with_it),
        cmocka_unit_test(a_counter_that_fell_is_a_reset_and_never_a_negative_rate),
        cmocka_unit_test(what_the_login_does_not_see_is_missing_for_that_reason),
        cmocka_unit_test(what_is_not_there_is_missing_for_a_reason_of_its_own),
        cmocka_unit_test(a_counter_that_was_not_there_before_begins_anew),
        cmocka_unit_test(without_a_look_every_metric_is_missing),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
