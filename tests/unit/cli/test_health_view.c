/* Health as text: values with their units, and why there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/health_view.h"
#include "common/cleanup.h"
#include "common/json.h"

static const char AGENT[] =
    "{\"name\": \"host1\", \"state\": \"active\", \"targets\": 20, \"heard_at\": \"2026-03-01T12:00:00Z\","
    " \"reason\": \"\", \"health\": ["
    "{\"agent\": \"host1\", \"instance\": \"db1\", \"age_ms\": 1000, \"every_ms\": 5000,"
    " \"is_stale\": false, \"metrics\": ["
    "{\"name\": \"connections_used_percent\", \"unit\": \"%\", \"value\": 12.46, \"absence\": null, \"why\": null},"
    "{\"name\": \"blocked_sessions\", \"unit\": \"sessions\", \"value\": 0, \"absence\": null, \"why\": null},"
    "{\"name\": \"replication_lag_bytes\", \"unit\": \"B\", \"value\": null, \"absence\": \"nothing\","
    " \"why\": \"no standby is connected\"},"
    "{\"name\": \"slot_lag_bytes\", \"unit\": \"B\", \"value\": 16777216, \"absence\": null, \"why\": null},"
    "{\"name\": \"wal_bytes_per_second\", \"unit\": \"B/s\", \"value\": 512.5, \"absence\": null, \"why\": null},"
    "{\"name\": \"probe_latency_ms\", \"unit\": \"ms\", \"value\": 0.25, \"absence\": null, \"why\": null},"
    "{\"name\": \"of_a_newer_one\", \"unit\": \"/h\", \"value\": 2.5, \"absence\": null, \"why\": null}]},"
    "{\"agent\": \"host1\", \"instance\": \"db2\", \"age_ms\": null, \"every_ms\": null,"
    " \"is_stale\": true, \"metrics\": []},"
    "{\"agent\": \"host1\", \"instance\": \"db3\", \"age_ms\": 65000, \"every_ms\": 5000,"
    " \"is_stale\": true, \"metrics\": ["
    "{\"name\": \"probe_latency_ms\", \"unit\": \"ms\", \"value\": null, \"absence\": \"not sampled\","
    " \"why\": \"the server did not answer the sampler in time\"}]}]}";

static json_t *agent_new(void)
{
    json_t *agent = json_loads(AGENT, 0, NULL);
    assert_non_null(agent);
    return agent;
}

static void an_agents_servers_are_told_metric_by_metric(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) agent = agent_new();
    AUTO(Str) text = { 0 };
    health_view_agent(agent, &text);
    assert_string_equal(str_text(&text),
                        "host1  active  20 targets  last heard 2026-03-01T12:00:00Z\n"
                        "\n"
                        "db1  1 s ago\n"
                        "metric                    value\n"
                        "connections_used_percent  12.5 %\n"
                        "blocked_sessions          0 sessions\n"
                        "replication_lag_bytes     -           no standby is connected\n"
                        "slot_lag_bytes            16.0 MiB\n"
                        "wal_bytes_per_second      512 B/s\n"
                        "probe_latency_ms          0.25 ms\n"
                        "of_a_newer_one            2.5 /h\n"
                        "\n"
                        "db2  not sampled yet\n"
                        "\n"
                        "db3  1 m 5 s ago, stale\n"
                        "metric            value\n"
                        "probe_latency_ms  -      the server did not answer the sampler in time\n");
}

static void the_fleet_has_a_line_for_each_server(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) agent = agent_new();
    AUTO(Str) text = { 0 };
    health_view_fleet(json_object_get(agent, "health"), &text);
    assert_string_equal(
        str_text(&text),
        "agent  instance  connections  blocked     oldest transaction  replication lag  cache hits  "
        "probe    mean statement  sampled\n"
        "host1  db1       12.5 %       0 sessions  -                   -                -           "
        "0.25 ms  -               1 s ago\n"
        "host1  db2       -            -           -                   -                -           "
        "-        -               not sampled yet\n"
        "host1  db3       -            -           -                   -                -           "
        "-        -               1 m 5 s ago, stale\n");
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(an_agents_servers_are_told_metric_by_metric),
        cmocka_unit_test(the_fleet_has_a_line_for_each_server),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
