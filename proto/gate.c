/* Gates: their numbers and words. */
#include "proto/gate.h"

#include <string.h>

#include "common/cleanup.h"

#define BASELINE_WORD "baseline"
#define DECIMALS 3

static const char *const KIND_NAMES[] = {
    [GATE_KIND_NONE] = "none",
    [GATE_METRIC] = "metric",
};
_Static_assert(ARRAY_LEN(KIND_NAMES) == GATE_KIND_COUNT_, "a name per kind");

const char *gate_kind_name(GateKind kind)
{
    return (unsigned)kind < GATE_KIND_COUNT_ ? KIND_NAMES[kind] : "invalid";
}

static bool is_worse_higher(const PlanGate *gate)
{
    const MetricRow *row = metric_row(gate->metric);
    return row == NULL || row->worse == METRIC_WORSE_HIGHER;
}

bool gate_is_within(const PlanGate *gate, uint64_t value, uint64_t limit)
{
    return is_worse_higher(gate) ? value <= limit : value >= limit;
}

uint64_t gate_limit(const PlanGate *gate, uint64_t baseline)
{
    if (!gate->is_relative) {
        return gate->limit;
    }
    uint64_t whole = baseline / METRIC_SCALE;
    uint64_t part = baseline % METRIC_SCALE * gate->limit / METRIC_SCALE;
    return whole > (UINT64_MAX - part) / gate->limit ? UINT64_MAX : whole * gate->limit + part;
}

/* ---- parsing ---- */

static size_t digits_in(const char *text)
{
    return strspn(text, "0123456789");
}

/* "1.5" to 1500. Returns what follows the number; NULL: it is none, or too large. */
static const char *parse_thousandths(const char *text, uint64_t max, uint64_t *ret)
{
    size_t whole_digits = digits_in(text);
    const char *end = text + whole_digits;
    size_t decimals = *end == '.' ? digits_in(end + 1) : 0;
    uint64_t value = 0;
    if (whole_digits == 0 || whole_digits > 16 || decimals > DECIMALS ||
        (*end == '.' && decimals == 0)) {
        return NULL;
    }
    for (size_t i = 0; i < whole_digits; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    for (size_t i = 0; i < DECIMALS; i++) {
        value = value * 10 + (i < decimals ? (uint64_t)(end[1 + i] - '0') : 0);
    }
    *ret = value;
    return value > max ? NULL : end + (decimals > 0 ? decimals + 1 : 0);
}

/* "x baseline", with any blanks before the word. */
static bool is_baseline(const char *rest)
{
    size_t blanks = rest[0] == 'x' ? strspn(rest + 1, " ") : 0;
    return blanks > 0 && str_equal(rest + 1 + blanks, BASELINE_WORD);
}

ErrCode gate_limit_parse(const char *text, PlanGate *gate, Err *err)
{
    uint64_t limit = 0;
    const char *rest = parse_thousandths(text, GATE_LIMIT_MAX, &limit);
    if (rest != NULL && rest[0] == '\0') {
        gate->is_relative = false;
        gate->limit = limit;
        return ERR_NONE;
    }
    if (rest != NULL && is_baseline(rest) && limit > 0 && limit <= GATE_FACTOR_MAX) {
        gate->is_relative = true;
        gate->limit = limit;
        return ERR_NONE;
    }
    return err_set(err, ERR_CONFIG,
                   "is neither a number with at most three digits behind the point nor a multiple "
                   "of the baseline up to 1000x");
}

/* ---- words ---- */

static void thousandths_write(uint64_t value, Str *out)
{
    uint64_t part = value % METRIC_SCALE;
    str_printf(out, "%llu", (unsigned long long)(value / METRIC_SCALE));
    if (part > 0) {
        int digits = part % 100 == 0 ? 1 : part % 10 == 0 ? 2 : 3;
        for (int i = digits; i < DECIMALS; i++) {
            part /= 10;
        }
        str_printf(out, ".%0*llu", digits, (unsigned long long)part);
    }
}

void gate_limit_write(const PlanGate *gate, Str *out)
{
    thousandths_write(gate->limit, out);
    str_append(out, gate->is_relative ? "x " BASELINE_WORD : "");
}

const char *gate_bound_name(const PlanGate *gate)
{
    return is_worse_higher(gate) ? "max" : "min";
}

const char *gate_metric_name(const PlanGate *gate)
{
    const MetricRow *row = metric_row(gate->metric);
    return row == NULL ? "an unknown metric" : row->name;
}

void gate_write(const PlanGate *gate, Str *out)
{
    str_printf(out, "%s at %s ", gate_metric_name(gate), is_worse_higher(gate) ? "most" : "least");
    gate_limit_write(gate, out);
}

void gate_value_write(const PlanGate *gate, uint64_t value, Str *out)
{
    const MetricRow *row = metric_row(gate->metric);
    if (row == NULL) {
        return;
    }
    metric_format(row, value, out);
    if (row->unit[0] == '%' || row->unit[0] == '/') {
        str_append(out, row->unit);
    } else if (strlen(row->unit) < strlen("sessions")) { /* the name says what is counted */
        str_printf(out, " %s", row->unit);
    }
}

const char *gate_fault(const PlanGate *gate)
{
    if (gate->kind == GATE_METRIC && gate->metric == METRIC_NONE) {
        return "a gate on no metric";
    }
    if (gate->failures == 0 || gate->failures > GATE_FAILURES_MAX) {
        return "failures: 1 to 12 samples in a row";
    }
    if (gate->is_relative && (gate->limit == 0 || gate->limit > GATE_FACTOR_MAX)) {
        return "a multiple of the baseline is above 0, and at most 1000";
    }
    return gate->limit > GATE_LIMIT_MAX ? "its limit is too large" : NULL;
}
