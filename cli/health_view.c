/* Tables of metrics. What has no value is a dash, and beside it stands why. */
#include "cli/health_view.h"

#include "cli/output.h"
#include "common/cleanup.h"
#include "common/units.h"
#include "proto/metrics.h"

#define NO_VALUE "-"

/* ---- values ---- */

/* NULL: a coordinator that is newer has a metric that is not known here. */
static const MetricRow *row_named(const char *name)
{
    for (uint32_t metric = METRIC_NONE + 1; metric < METRIC_COUNT_; metric++) {
        if (str_equal(metric_row(metric)->name, name)) {
            return metric_row(metric);
        }
    }
    return NULL;
}

/* "16.0 MiB/s" */
static void bytes_text(double bytes, const char *per, Str *out)
{
    static const char *const UNITS[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < ARRAY_LEN(UNITS)) {
        bytes /= 1024;
        unit++;
    }
    str_printf(out, unit == 0 ? "%.0f %s%s" : "%.1f %s%s", bytes, UNITS[unit], per);
}

static void value_text(const json_t *metric, Str *out)
{
    const json_t *value = json_object_get(metric, "value");
    const char *unit = get_text(metric, "unit");
    const MetricRow *row = row_named(get_text(metric, "name"));
    if (!json_is_number(value)) {
        str_append(out, NO_VALUE);
    } else if (str_equal(unit, "B") || str_equal(unit, "B/s")) {
        bytes_text(json_number_value(value), unit + 1, out);
    } else if (row == NULL) {
        str_printf(out, "%g %s", json_number_value(value), unit);
    } else {
        double thousandths = json_number_value(value) * METRIC_SCALE;
        metric_format(row, (uint64_t)(thousandths > 0 ? thousandths + 0.5 : 0), out);
        str_printf(out, " %s", unit);
    }
}

/* "1.2 s ago", with what that means. */
static void age_text(const json_t *health, Str *out)
{
    char text[DURATION_TEXT_MAX];
    if (!json_is_integer(json_object_get(health, "age_ms"))) {
        str_append(out, "not sampled yet");
        return;
    }
    duration_format((uint64_t)get_number(health, "age_ms"), text);
    str_printf(out, "%s ago%s", text, get_bool(health, "is_stale") ? ", stale" : "");
}

static Colour age_colour(const json_t *health)
{
    return get_bool(health, "is_stale") ? COLOUR_WARN : COLOUR_NONE;
}

/* ---- one agent ---- */

static void metric_cells(Table *table, const json_t *metric)
{
    AUTO(Str) value = { 0 };
    const char *absence = get_text(metric, "absence");
    bool is_gap = absence[0] != '\0' && !str_equal(absence, metric_absence_name(METRIC_NOTHING));
    value_text(metric, &value);
    table_cell(table, COLOUR_NONE, get_text(metric, "name"));
    table_cell(table, COLOUR_BOLD, str_text(&value));
    table_cell(table, is_gap ? COLOUR_WARN : COLOUR_DIM, get_text(metric, "why"));
}

static void instance_text(const json_t *health, Str *out)
{
    AUTO_PTR(Table)
    table = table_new(3, (const char *const[]){ "metric", "value", "" });
    AUTO(Str) age = { 0 };
    size_t index = 0;
    const json_t *metric = NULL;
    age_text(health, &age);
    str_append(out, "\n");
    output_colour(out, COLOUR_BOLD, get_text(health, "instance"));
    str_append(out, "  ");
    output_colour(out, age_colour(health), str_text(&age));
    str_append(out, "\n");
    json_array_foreach(json_object_get(health, "metrics"), index, metric)
    {
        metric_cells(table, metric);
    }
    if (index > 0) {
        table_print(table, out);
    }
}

void health_view_agent(const json_t *agent, Str *out)
{
    size_t index = 0;
    const json_t *health = NULL;
    const char *state = agent_state_words(get_text(agent, "state"));
    const char *heard = get_text(agent, "heard_at");
    const char *reason = get_text(agent, "reason");
    output_colour(out, COLOUR_BOLD, get_text(agent, "name"));
    str_append(out, "  ");
    output_colour(out, output_state_colour(state), state);
    str_printf(out, "  %lld targets", get_number(agent, "targets"));
    if (heard[0] != '\0') {
        str_printf(out, "  last heard %s", heard);
    }
    str_append(out, "\n");
    if (reason[0] != '\0') {
        str_printf(out, "%s\n", reason);
    }
    json_array_foreach(json_object_get(agent, "health"), index, health)
    {
        instance_text(health, out);
    }
}

/* ---- the fleet ---- */

/* What a line has room for; all of them: skein agents show. */
static const struct {
    Metric metric;
    const char *heading;
} BRIEF[] = {
    { METRIC_CONNECTIONS_USED_PERCENT, "connections" },
    { METRIC_BLOCKED_SESSIONS, "blocked" },
    { METRIC_LONGEST_TRANSACTION_SECONDS, "oldest transaction" },
    { METRIC_REPLICATION_LAG_SECONDS, "replication lag" },
    { METRIC_CACHE_HIT_PERCENT, "cache hits" },
    { METRIC_PROBE_LATENCY_MS, "probe" },
    { METRIC_MEAN_STATEMENT_TIME_MS, "mean statement" },
};

#define FLEET_COLUMNS (3 + ARRAY_LEN(BRIEF))

static const json_t *metric_named(const json_t *health, const char *name)
{
    size_t index = 0;
    const json_t *metric = NULL;
    json_array_foreach(json_object_get(health, "metrics"), index, metric)
    {
        if (str_equal(get_text(metric, "name"), name)) {
            return metric;
        }
    }
    return NULL;
}

static void fleet_row(Table *table, const json_t *health)
{
    AUTO(Str) age = { 0 };
    age_text(health, &age);
    table_cell(table, COLOUR_BOLD, get_text(health, "agent"));
    table_cell(table, COLOUR_NONE, get_text(health, "instance"));
    for (size_t i = 0; i < ARRAY_LEN(BRIEF); i++) {
        AUTO(Str) value = { 0 };
        const json_t *metric = metric_named(health, metric_row(BRIEF[i].metric)->name);
        if (metric == NULL) {
            str_append(&value, NO_VALUE);
        } else {
            value_text(metric, &value);
        }
        table_cell(table, COLOUR_NONE, str_text(&value));
    }
    table_cell(table, age_colour(health), str_text(&age));
}

void health_view_fleet(const json_t *items, Str *out)
{
    const char *headings[FLEET_COLUMNS] = { "agent", "instance" };
    for (size_t i = 0; i < ARRAY_LEN(BRIEF); i++) {
        headings[2 + i] = BRIEF[i].heading;
    }
    headings[FLEET_COLUMNS - 1] = "sampled";
    AUTO_PTR(Table) table = table_new(FLEET_COLUMNS, headings);
    size_t index = 0;
    const json_t *health = NULL;
    json_array_foreach((json_t *)items, index, health)
    {
        fleet_row(table, health);
    }
    table_print(table, out);
}
