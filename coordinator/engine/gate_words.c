/* In words: what a gate says of a server, and why. */
#include "coordinator/engine/gates.h"

#include "common/cleanup.h"

static const char *const VERDICTS[] = {
    [GATE_NONE] = "none",
    [GATE_PASS] = "pass",
    [GATE_INCONCLUSIVE] = "inconclusive",
    [GATE_FAIL] = "fail",
};
_Static_assert(ARRAY_LEN(VERDICTS) == GATE_VERDICT_COUNT_, "a name per verdict");

const char *gate_verdict_name(GateVerdict verdict)
{
    return VERDICTS[verdict];
}

/* "35 sessions", with what a relative limit comes to: "18 ms, the limit is 15 ms". */
static void write_value(const PlanGate *gate, const GateFinding *finding, Str *out)
{
    gate_value_write(gate, finding->value, out);
    if (finding->has_baseline) {
        str_append(out, ", and the limit is ");
        gate_value_write(gate, finding->limit, out);
    }
}

static void write_beyond(const PlanGate *gate, const GateFinding *finding, Str *out)
{
    write_value(gate, finding, out);
    if (finding->verdict == GATE_FAIL && gate->failures > 1) {
        str_printf(out, ", for %u samples in a row", finding->in_a_row);
    } else if (finding->verdict != GATE_FAIL && finding->in_a_row > 0) {
        str_printf(out, ", %u of %u samples in a row", finding->in_a_row, gate->failures);
    }
}

static void write_absence(const PlanGate *gate, const GateFinding *finding, Str *out)
{
    const MetricRow *row = metric_row(gate->metric);
    str_append(out, row == NULL ? "" : metric_absence_text(row, finding->absence));
}

void gate_reason_write(const PlanGate *gate, const GateFinding *finding, Str *out)
{
    switch (finding->reason) {
    case GATE_WITHIN:
        write_value(gate, finding, out);
        break;
    case GATE_BEYOND:
        write_beyond(gate, finding, out);
        break;
    case GATE_NOTHING:
    case GATE_ABSENT:
        write_absence(gate, finding, out);
        break;
    case GATE_UNTOLD:
        str_append(out, metric_row(gate->metric) == NULL
                            ? "this coordinator is older than the metric, and does not know it"
                            : "its agent does not measure it");
        break;
    case GATE_NO_BASELINE:
        str_printf(out, "there is no baseline yet, %u of %u samples", finding->samples,
                   BASELINE_SAMPLES_MIN);
        break;
    case GATE_LATE:
        str_append(out, "there is no baseline, and the wave is open: resuming the rollout takes "
                        "it as it is then");
        break;
    case GATE_STALE:
        str_append(out, "its newest sample is too old");
        break;
    case GATE_SILENT:
        str_append(out, "its agent has told nothing of its health");
        break;
    case GATE_AWAITED:
        str_append(out, "no sample has come since the soak began");
        break;
    case GATE_REASON_NONE:
    case GATE_REASON_COUNT_:
        break;
    }
}

void gate_finding_write(const PlanGate *gate, const GateFinding *finding, Str *out)
{
    gate_write(gate, out);
    str_printf(out, " on %s: ", finding->instance);
    gate_reason_write(gate, finding, out);
}
