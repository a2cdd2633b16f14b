/* A server's newest sample as JSON: every metric that was told, with its value or why it has none.
 */
#include "common/cleanup.h"
#include "coordinator/http/views.h"

static void view_reading(JsonOut *json, const HealthReading *reading)
{
    const MetricRow *row = metric_row(reading->metric);
    bool is_present = reading->absence == METRIC_PRESENT;
    json_out_object_begin(json, NULL);
    json_out_string(json, "name", row->name);
    json_out_string(json, "unit", row->unit);
    if (is_present) {
        json_out_number(json, "value", (double)reading->value / METRIC_SCALE);
    } else {
        json_out_null(json, "value");
    }
    json_out_string(json, "absence", is_present ? NULL : metric_absence_name(reading->absence));
    json_out_string(json, "why", is_present ? NULL : metric_absence_text(row, reading->absence));
    json_out_object_end(json);
}

void view_health(JsonOut *json, const char *key, const AgentRow *agent, const InstanceRow *instance,
                 const HealthNow *now)
{
    const HealthSample *sample = health_board_find(now->board, agent->name, instance->name);
    json_out_object_begin(json, key);
    json_out_string(json, "agent", agent->name);
    json_out_string(json, "instance", instance->name);
    if (sample == NULL) {
        json_out_null(json, "age_ms");
        json_out_null(json, "every_ms");
    } else {
        json_out_unsigned(json, "age_ms", now->now_ms - sample->received_ms);
        json_out_unsigned(json, "every_ms", sample->every_ms);
    }
    json_out_bool(json, "is_stale",
                  sample == NULL || health_sample_is_stale(sample, agent, now->now_ms));
    json_out_array_begin(json, "metrics");
    for (size_t i = 0; sample != NULL && i < ARRAY_LEN(sample->readings); i++) {
        if (sample->readings[i].metric != METRIC_NONE) {
            view_reading(json, &sample->readings[i]);
        }
    }
    json_out_array_end(json);
    json_out_object_end(json);
}
