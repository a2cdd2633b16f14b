/*
 * The table of metrics, and docs/health.md, which is printed from it. SKEIN_UPDATE_GOLDEN=1 writes
 * it into the file.
 */
#include "support.h"

#include "proto/metrics.h"
#include "proto/values.h"
#include "tests/document.h"

#define DOCUMENT SKEIN_SOURCE_DIR "/docs/health.md"

static void every_metric_is_whole_and_its_name_is_its_own(void **state)
{
    (void)state;
    for (uint32_t metric = METRIC_NONE + 1; metric < METRIC_COUNT_; metric++) {
        const MetricRow *row = metric_row(metric);
        assert_non_null(row);
        assert_non_null(row->name);
        assert_true(row->unit[0] != '\0' && row->doc[0] != '\0' && row->source[0] != '\0');
        assert_true(row->decimals <= 3);
        assert_true(row->kind == METRIC_GAUGE || row->kind == METRIC_RATE);
        assert_true(row->worse == METRIC_WORSE_HIGHER || row->worse == METRIC_WORSE_LOWER);
        for (uint32_t other = METRIC_NONE + 1; other < metric; other++) {
            assert_string_not_equal(metric_row(other)->name, row->name);
        }
    }
    assert_null(metric_row(METRIC_NONE));
    assert_null(metric_row(METRIC_COUNT_));
    assert_true(METRIC_COUNT_ - 1 <= METRIC_NUMBER_MAX);
}

/* Numbers travel: whoever moves a row breaks the wire. */
static void numbers_stay_what_they_were(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        const char *name;
    } ROWS[] = {
        { 1, "connections_used_percent" },
        { 2, "blocked_sessions" },
        { 3, "longest_transaction_seconds" },
        { 4, "longest_idle_in_transaction_seconds" },
        { 5, "replication_lag_seconds" },
        { 6, "replication_lag_bytes" },
        { 7, "slot_lag_bytes" },
        { 8, "deadlocks_per_second" },
        { 9, "rollback_percent" },
        { 10, "cache_hit_percent" },
        { 11, "checkpoints_forced_per_minute" },
        { 12, "temp_bytes_per_second" },
        { 13, "wal_bytes_per_second" },
        { 14, "oldest_xid_age" },
        { 15, "probe_latency_ms" },
        { 16, "mean_statement_time_ms" },
    };
    assert_int_equal(ARRAY_LEN(ROWS), METRIC_COUNT_ - 1);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_string_equal(metric_row(ROWS[i].number)->name, ROWS[i].name);
    }
    assert_int_equal(METRIC_NOTHING, 7);
}

static void a_value_is_shown_rounded_with_its_decimals(void **state)
{
    (void)state;
    static const struct {
        Metric metric;
        uint64_t value;
        const char *text;
    } ROWS[] = {
        { METRIC_BLOCKED_SESSIONS, 0, "0" },
        { METRIC_BLOCKED_SESSIONS, 3000, "3" },
        { METRIC_BLOCKED_SESSIONS, 3500, "4" },
        { METRIC_LONGEST_TRANSACTION_SECONDS, 1049, "1.0" },
        { METRIC_LONGEST_TRANSACTION_SECONDS, 1950, "2.0" },
        { METRIC_CACHE_HIT_PERCENT, 99994, "99.99" },
        { METRIC_CACHE_HIT_PERCENT, 99996, "100.00" },
        { METRIC_MEAN_STATEMENT_TIME_MS, 7, "0.007" },
        { METRIC_SLOT_LAG_BYTES, UINT64_MAX, "18446744073709552" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) text = { 0 };
        metric_format(metric_row(ROWS[i].metric), ROWS[i].value, &text);
        assert_string_equal(str_text(&text), ROWS[i].text);
    }
}

static void nothing_to_measure_is_no_gap_and_all_else_is_one(void **state)
{
    (void)state;
    assert_false(metric_absence_is_gap(METRIC_PRESENT));
    assert_false(metric_absence_is_gap(METRIC_NOTHING));
    for (uint32_t absence = METRIC_NOT_SAMPLED; absence < METRIC_ABSENCE_COUNT_; absence++) {
        assert_int_equal(metric_absence_is_gap(absence), absence != METRIC_NOTHING);
    }
    assert_true(metric_absence_is_gap(METRIC_ABSENCE_COUNT_)); /* of a newer agent */
    assert_string_equal(metric_absence_name(METRIC_ABSENCE_COUNT_), "unknown");
}

static void every_absence_has_words(void **state)
{
    (void)state;
    const MetricRow *standby = metric_row(METRIC_REPLICATION_LAG_BYTES);
    assert_string_equal(metric_absence_text(standby, METRIC_NOTHING), "no standby is connected");
    for (uint32_t absence = METRIC_NOT_SAMPLED; absence <= METRIC_ABSENCE_COUNT_; absence++) {
        assert_true(metric_absence_name(absence)[0] != '\0');
        assert_true(metric_absence_text(standby, absence)[0] != '\0');
    }
    /* One that always has a value: this coordinator cannot know what its agent means. */
    const MetricRow *blocked = metric_row(METRIC_BLOCKED_SESSIONS);
    assert_string_equal(blocked->nothing, "");
    assert_string_equal(metric_absence_text(blocked, METRIC_NOTHING),
                        metric_absence_text(blocked, METRIC_ABSENCE_COUNT_));
}

/* ---- the document ---- */

static void metrics_document(Str *out)
{
    str_append(out, "| | metric | unit | kind | worse | what it says | source | needs |\n"
                    "|--:|---|---|---|---|---|---|---|\n");
    for (uint32_t metric = METRIC_NONE + 1; metric < METRIC_COUNT_; metric++) {
        const MetricRow *row = metric_row(metric);
        str_printf(out, "| %u | `%s` | %s | %s | %s | %s | %s | %s |\n", (unsigned)metric,
                   row->name, row->unit, row->kind == METRIC_GAUGE ? "gauge" : "rate",
                   row->worse == METRIC_WORSE_HIGHER ? "higher" : "lower", row->doc, row->source,
                   row->needs);
    }
}

static void absences_document(Str *out)
{
    str_append(out, "| | absence | means |\n|--:|---|---|\n");
    for (uint32_t absence = METRIC_PRESENT + 1; absence < METRIC_ABSENCE_COUNT_; absence++) {
        str_printf(out, "| %u | %s | ", (unsigned)absence, metric_absence_name(absence));
        if (absence != METRIC_NOTHING) {
            str_printf(out, "%s |\n", metric_absence_text(metric_row(1), absence));
            continue;
        }
        const char *before = "all is known, and there is nothing to measure: ";
        for (uint32_t metric = METRIC_NONE + 1; metric < METRIC_COUNT_; metric++) {
            const char *nothing = metric_row(metric)->nothing;
            if (nothing[0] != '\0') {
                str_printf(out, "%s%s (`%s`)", before, nothing, metric_row(metric)->name);
                before = "; ";
            }
        }
        str_append(out, " |\n");
    }
}

static void the_document_shows_the_table_that_runs(void **state)
{
    (void)state;
    AUTO(Str) metrics = { 0 };
    AUTO(Str) absences = { 0 };
    metrics_document(&metrics);
    absences_document(&absences);
    document_check(DOCUMENT, "metrics", "proto/metrics.c", &metrics);
    document_check(DOCUMENT, "absences", "proto/metrics.c", &absences);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_is_whole_and_its_name_is_its_own),
        cmocka_unit_test(numbers_stay_what_they_were),
        cmocka_unit_test(a_value_is_shown_rounded_with_its_decimals),
        cmocka_unit_test(nothing_to_measure_is_no_gap_and_all_else_is_one),
        cmocka_unit_test(every_absence_has_words),
        cmocka_unit_test(the_document_shows_the_table_that_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
