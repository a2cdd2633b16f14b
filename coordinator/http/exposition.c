/* Heads, samples, and what has to be escaped in them. */
#include "coordinator/http/exposition.h"

#include <inttypes.h>

const char *family_type_name(FamilyType type)
{
    static const char *const NAMES[] = { "gauge", "counter", "histogram" };
    return NAMES[type];
}

static void write_escaped(Str *out, const char *text, bool is_quoted)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            str_append(out, "\\n");
        } else if (*at == '\\' || (is_quoted && *at == '"')) {
            str_printf(out, "\\%c", *at);
        } else {
            str_append_bytes(out, at, 1);
        }
    }
}

void exposition_begin(Exposition *exposition, const char *family, FamilyType type, const char *help)
{
    exposition->family = family;
    str_printf(exposition->out, "# HELP %s ", family);
    write_escaped(exposition->out, help, false);
    str_printf(exposition->out, "\n# TYPE %s %s\n", family, family_type_name(type));
}

static void write_number(Str *out, uint64_t value, unsigned decimals)
{
    uint64_t unit = 1;
    for (unsigned i = 0; i < decimals; i++) {
        unit *= 10;
    }
    str_printf(out, "%" PRIu64, value / unit);
    if (decimals > 0) {
        str_printf(out, ".%0*" PRIu64, (int)decimals, value % unit);
    }
}

/* Closed by whoever has one more; the comma is there then. */
static void write_labels(Str *out, const MetricLabel *labels)
{
    for (size_t i = 0; labels[i].name != NULL; i++) {
        str_printf(out, "%s%s=\"", i == 0 ? "" : ",", labels[i].name);
        write_escaped(out, labels[i].value, true);
        str_append(out, "\"");
    }
}

void exposition_sample(Exposition *exposition, const MetricLabel *labels, uint64_t value,
                       unsigned decimals)
{
    Str *out = exposition->out;
    str_append(out, exposition->family);
    if (labels[0].name != NULL) {
        str_append(out, "{");
        write_labels(out, labels);
        str_append(out, "}");
    }
    str_append(out, " ");
    write_number(out, value, decimals);
    str_append(out, "\n");
}

static void write_bucket(Exposition *exposition, const MetricLabel *labels,
                         const Histogram *histogram, const HistogramScale *scale, size_t bound)
{
    Str *out = exposition->out;
    str_printf(out, "%s_bucket{", exposition->family);
    write_labels(out, labels);
    str_append(out, labels[0].name == NULL ? "le=\"" : ",le=\"");
    if (bound < scale->bound_count) {
        write_number(out, scale->bounds[bound], scale->decimals);
    } else {
        str_append(out, "+Inf");
    }
    str_printf(out, "\"} %" PRIu64 "\n", histogram_count_within(histogram, bound));
}

void exposition_histogram(Exposition *exposition, const MetricLabel *labels,
                          const Histogram *histogram, const HistogramScale *scale)
{
    AUTO(Str) sum = { 0 };
    AUTO(Str) count = { 0 };
    for (size_t i = 0; i <= scale->bound_count; i++) {
        write_bucket(exposition, labels, histogram, scale, i);
    }
    str_printf(&sum, "%s_sum", exposition->family);
    str_printf(&count, "%s_count", exposition->family);
    Exposition part = { .out = exposition->out, .family = str_text(&sum) };
    exposition_sample(&part, labels, histogram->sum, scale->decimals);
    part.family = str_text(&count);
    exposition_sample(&part, labels, histogram_count_within(histogram, scale->bound_count), 0);
}
