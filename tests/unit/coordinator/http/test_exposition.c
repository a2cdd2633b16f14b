/* Prometheus' text format. */
#include "world.h"

#include "coordinator/http/exposition.h"

static void a_sample_stands_under_its_head(void **state)
{
    (void)state;
    AUTO(Str) out = { 0 };
    Exposition exposition = { .out = &out };
    exposition_begin(&exposition, "skein_agents", FAMILY_GAUGE, "Agents.\nBy \\ state.");
    exposition_sample(&exposition, LABELS({ "state", "active" }), 3, 0);
    exposition_sample(&exposition, NO_LABELS, 12345, 3);
    exposition_sample(&exposition, LABELS({ "a", "1" }, { "b", "2" }), 5, 6);
    assert_string_equal(str_text(&out), "# HELP skein_agents Agents.\\nBy \\\\ state.\n"
                                        "# TYPE skein_agents gauge\n"
                                        "skein_agents{state=\"active\"} 3\n"
                                        "skein_agents 12.345\n"
                                        "skein_agents{a=\"1\",b=\"2\"} 0.000005\n");
}

/* Names are people's: nothing in one ends its label. */
static void a_label_is_escaped(void **state)
{
    (void)state;
    AUTO(Str) out = { 0 };
    Exposition exposition = { .out = &out, .family = "m" };
    exposition_sample(&exposition, LABELS({ "name", "a\"b\\c\nd\xc3\xbc" }), 1, 0);
    assert_string_equal(str_text(&out), "m{name=\"a\\\"b\\\\c\\nd\xc3\xbc\"} 1\n");
}

static void a_histogram_is_cumulative_and_ends_in_infinity(void **state)
{
    (void)state;
    AUTO(Str) out = { 0 };
    static const HistogramScale SCALE = { .bounds = { 10, 1500 }, .bound_count = 2, .decimals = 3 };
    Exposition exposition = { .out = &out, .family = "m" };
    Histogram histogram = { 0 };
    histogram_add(&histogram, &SCALE, 5);
    histogram_add(&histogram, &SCALE, 1400);
    histogram_add(&histogram, &SCALE, 2000);
    exposition_histogram(&exposition, LABELS({ "goal", "apply" }), &histogram, &SCALE);
    exposition_histogram(&exposition, NO_LABELS, &histogram, &SCALE);
    assert_string_equal(str_text(&out), "m_bucket{goal=\"apply\",le=\"0.010\"} 1\n"
                                        "m_bucket{goal=\"apply\",le=\"1.500\"} 2\n"
                                        "m_bucket{goal=\"apply\",le=\"+Inf\"} 3\n"
                                        "m_sum{goal=\"apply\"} 3.405\n"
                                        "m_count{goal=\"apply\"} 3\n"
                                        "m_bucket{le=\"0.010\"} 1\n"
                                        "m_bucket{le=\"1.500\"} 2\n"
                                        "m_bucket{le=\"+Inf\"} 3\n"
                                        "m_sum 3.405\n"
                                        "m_count 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_stands_under_its_head),
        cmocka_unit_test(a_label_is_escaped),
        cmocka_unit_test(a_histogram_is_cumulative_and_ends_in_infinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
