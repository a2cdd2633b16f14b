/* Gates as a field table, and their translation into a plan's. */
#include "cli/rollout_gates.h"

#include "common/cleanup.h"

static ErrCode parse_metric(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)arena;
    Metric metric = metric_find(text);
    const char *nearest = metric_nearest(text);
    if (metric == METRIC_NONE && nearest != NULL) {
        return err_set(err, ERR_CONFIG, "there is no such metric; did you mean %s?", nearest);
    }
    if (metric == METRIC_NONE) {
        return err_set(err, ERR_CONFIG, "there is no such metric: docs/health.md has them all");
    }
    *(uint32_t *)ret = metric;
    return ERR_NONE;
}

/* Its kind tells that it was written. */
static ErrCode parse_limit(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)arena;
    PlanGate *limit = ret;
    limit->kind = GATE_METRIC;
    return gate_limit_parse(text, limit, err);
}

#define LIMIT .expected = "a number, or a multiple like 1.5x baseline", .parse = parse_limit

static const ConfigField GATE_FIELDS[] = {
    { CONFIG_FIELD(GateEntry, metric, CONFIG_CUSTOM), .is_required = true,
      .expected = "the name of a metric", .parse = parse_metric, .example = "blocked_sessions",
      .doc = "What agents measure of their servers (docs/health.md)." },
    { CONFIG_FIELD(GateEntry, max, CONFIG_CUSTOM), LIMIT, .example = "1.5x baseline",
      .doc =
          "The most that is well, in the metric's unit or as a multiple of what it was before the "
          "wave opened; of metrics that are worse the higher they are." },
    { CONFIG_FIELD(GateEntry, min, CONFIG_CUSTOM), LIMIT, .example = "0.9x baseline",
      .doc = "The least, of those that are worse the lower they are." },
    { CONFIG_FIELD(GateEntry, failures, CONFIG_INTEGER), .fallback = "3", .min = 1,
      .max = GATE_FAILURES_MAX, .unit = "samples",
      .doc = "So many in a row beyond the limit fail the gate." },
};
_Static_assert(GATE_FAILURES == 3, "the default above");

const ConfigTable ROLLOUT_GATE_TABLE = CONFIG_TABLE_OF("a gate", GateEntry, GATE_FIELDS);

/* One limit, and the one that goes with the metric's worse direction. */
static ErrCode check_gate(const ConfigDocument *document, const GateEntry *gate, size_t index,
                          Err *err)
{
    PlanGate asked = { .metric = gate->metric };
    const char *bound = gate_bound_name(&asked);
    bool is_max = str_equal(bound, "max");
    bool has_right = (is_max ? gate->max.kind : gate->min.kind) != GATE_KIND_NONE;
    bool has_wrong = (is_max ? gate->min.kind : gate->max.kind) != GATE_KIND_NONE;
    char path[64];
    text_format(path, sizeof(path), "strategy.gates[%zu]%s", index,
                !has_wrong ? ""
                : is_max   ? ".min"
                           : ".max");
    if (has_right && !has_wrong) {
        return ERR_NONE;
    }
    config_error_at(document, path, err,
                    has_wrong ? "%s is worse the %s it is: its limit is `%s`"
                              : "the gate on %s has no limit",
                    gate_metric_name(&asked), is_max ? "higher" : "lower", bound);
    return err_hint(err, "for example `{ metric: %s, %s: 20 }`, or `%s: %s baseline`",
                    gate_metric_name(&asked), bound, bound, is_max ? "1.5x" : "0.9x");
}

ErrCode rollout_gates_check(const ConfigDocument *document, const GateEntry *entries, size_t count,
                            Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < count; i++) {
        code = check_gate(document, &entries[i], i, err);
    }
    return code;
}

void rollout_gates_take(const GateEntry *entries, size_t count, Arena *arena,
                        PlanStrategy *strategy)
{
    strategy->gates = ARENA_ARRAY(arena, PlanGate, count);
    strategy->gate_count = count;
    for (size_t i = 0; i < count; i++) {
        const GateEntry *gate = &entries[i];
        strategy->gates[i] = gate->max.kind != GATE_KIND_NONE ? gate->max : gate->min;
        strategy->gates[i].metric = gate->metric;
        strategy->gates[i].failures = gate->failures;
    }
}
