/* A rule for each metric: which raw numbers it is made of, and what it means when one is missing.
 */
#include "agent/health/measure.h"

#include "common/cleanup.h"

typedef enum Formula {
    FORMULA_NONE = 0,
    FORMULA_VALUE,    /* of a */
    FORMULA_PART,     /* a of b */
    FORMULA_RATE,     /* growth of a, per second */
    FORMULA_SHARE,    /* growth of a, of the growth of both */
    FORMULA_QUOTIENT, /* growth of a per growth of b */
} Formula;

#define EPOCHS_MAX 2

typedef struct Rule {
    Formula formula;
    Raw a;
    Raw b;
    uint32_t scale;           /* thousandths of the metric's unit in one that the formula gives */
    bool needs_sight;         /* without pg_read_all_stats the raw numbers are not known */
    bool is_of_stream;        /* a standby knows them of what it receives */
    MetricAbsence if_unknown; /* for any other reason */
    Raw epochs[EPOCHS_MAX];   /* of the counters, besides those of the server */
} Rule;

#define PERCENT (100 * METRIC_SCALE)
#define OF_DATABASES                                                                               \
    {                                                                                              \
        RAW_DATABASES, RAW_DATABASES_RESET                                                         \
    }
#define OF_CHECKPOINTER                                                                            \
    {                                                                                              \
        RAW_CHECKPOINTER_RESET, RAW_NONE                                                           \
    }
#define OF_STATEMENTS                                                                              \
    {                                                                                              \
        RAW_STATEMENTS_RESET, RAW_STATEMENTS_EVICTED                                               \
    }
#define OF_SERVER                                                                                  \
    {                                                                                              \
        RAW_NONE, RAW_NONE                                                                         \
    }

/* A row of the table reads as a row. */
/* clang-format off */
static const Rule RULES[] = {
    [METRIC_CONNECTIONS_USED_PERCENT] = {
        FORMULA_PART, RAW_CLIENTS, RAW_CLIENTS_MAX, PERCENT, true, false, METRIC_NOT_SAMPLED, OF_SERVER },
    [METRIC_BLOCKED_SESSIONS] = {
        FORMULA_VALUE, RAW_BLOCKED, RAW_NONE, METRIC_SCALE, false, false, METRIC_NOT_SAMPLED, OF_SERVER },
    [METRIC_LONGEST_TRANSACTION_SECONDS] = {
        FORMULA_VALUE, RAW_TRANSACTION_MS, RAW_NONE, 1, true, false, METRIC_NOT_SAMPLED, OF_SERVER },
    [METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS] = {
        FORMULA_VALUE, RAW_IDLE_MS, RAW_NONE, 1, true, false, METRIC_NOT_SAMPLED, OF_SERVER },
    [METRIC_REPLICATION_LAG_SECONDS] = {
        FORMULA_VALUE, RAW_REPLICATION_MS, RAW_NONE, 1, true, true, METRIC_NOTHING, OF_SERVER },
    [METRIC_REPLICATION_LAG_BYTES] = {
        FORMULA_VALUE, RAW_REPLICATION_BYTES, RAW_NONE, METRIC_SCALE, true, true, METRIC_NOTHING, OF_SERVER },
    [METRIC_SLOT_LAG_BYTES] = {
        FORMULA_VALUE, RAW_SLOT_BYTES, RAW_NONE, METRIC_SCALE, false, false, METRIC_NOTHING, OF_SERVER },
    [METRIC_DEADLOCKS_PER_SECOND] = {
        FORMULA_RATE, RAW_DEADLOCKS, RAW_NONE, METRIC_SCALE, false, false, METRIC_NOT_SAMPLED, OF_DATABASES },
    [METRIC_ROLLBACK_PERCENT] = {
        FORMULA_SHARE, RAW_ROLLBACKS, RAW_COMMITS, PERCENT, false, false, METRIC_NOT_SAMPLED, OF_DATABASES },
    [METRIC_CACHE_HIT_PERCENT] = {
        FORMULA_SHARE, RAW_BLOCKS_HIT, RAW_BLOCKS_READ, PERCENT, false, false, METRIC_NOT_SAMPLED, OF_DATABASES },
    [METRIC_CHECKPOINTS_FORCED_PER_MINUTE] = {
        FORMULA_RATE, RAW_CHECKPOINTS_FORCED, RAW_NONE, 60 * METRIC_SCALE, false, false, METRIC_NOT_SAMPLED,
        OF_CHECKPOINTER },
    [METRIC_TEMP_BYTES_PER_SECOND] = {
        FORMULA_RATE, RAW_TEMP_BYTES, RAW_NONE, METRIC_SCALE, false, false, METRIC_NOT_SAMPLED, OF_DATABASES },
    [METRIC_WAL_BYTES_PER_SECOND] = {
        FORMULA_RATE, RAW_WAL_BYTES, RAW_NONE, METRIC_SCALE, false, true, METRIC_NOT_SAMPLED, OF_SERVER },
    [METRIC_OLDEST_XID_AGE] = {
        FORMULA_VALUE, RAW_XID_AGE, RAW_NONE, METRIC_SCALE, false, false, METRIC_NOT_SAMPLED, OF_SERVER },
    [METRIC_PROBE_LATENCY_MS] = {
        FORMULA_VALUE, RAW_PROBE_US, RAW_NONE, 1, false, false, METRIC_NOT_SAMPLED, OF_SERVER },
    [METRIC_MEAN_STATEMENT_TIME_MS] = {
        FORMULA_QUOTIENT, RAW_STATEMENT_US, RAW_STATEMENTS, 1, false, false, METRIC_NOT_INSTALLED, OF_STATEMENTS },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(RULES) == METRIC_COUNT_, "a rule per metric");

/* What has to be the same for all counters of two looks. A promoted standby counts anew. */
static const Raw EPOCHS_OF_SERVER[] = { RAW_SERVER_START, RAW_IN_RECOVERY };

static bool is_growth(Formula formula)
{
    return formula == FORMULA_RATE || formula == FORMULA_SHARE || formula == FORMULA_QUOTIENT;
}

static bool is_same(const Look *before, const Look *now, Raw raw)
{
    const RawValue *old = &before->raw[raw];
    const RawValue *new = &now->raw[raw];
    return old->is_known == new->is_known && (!old->is_known || old->value == new->value);
}

static bool is_same_life(const Rule *rule, const Look *before, const Look *now)
{
    for (size_t i = 0; i < ARRAY_LEN(EPOCHS_OF_SERVER); i++) {
        if (!is_same(before, now, EPOCHS_OF_SERVER[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < EPOCHS_MAX; i++) {
        if (rule->epochs[i] != RAW_NONE && !is_same(before, now, rule->epochs[i])) {
            return false;
        }
    }
    return true;
}

static bool knows(const Look *look, const Rule *rule)
{
    return look->raw[rule->a].is_known && (rule->b == RAW_NONE || look->raw[rule->b].is_known);
}

static bool is_set(const Look *look, Raw raw)
{
    return look->raw[raw].is_known && look->raw[raw].value != 0;
}

/* What a standby does not know of the stream is not what a primary without a standby lacks. */
static MetricAbsence why_unknown(const Rule *rule, const Look *now)
{
    if (rule->is_of_stream && is_set(now, RAW_IN_RECOVERY)) {
        return METRIC_NOT_STREAMING;
    }
    return rule->needs_sight && !is_set(now, RAW_SEES_ALL) ? METRIC_NO_PRIVILEGE : rule->if_unknown;
}

static int64_t growth(const Look *before, const Look *now, Raw raw)
{
    return raw == RAW_NONE ? 0 : now->raw[raw].value - before->raw[raw].value;
}

/* NaN and what is below 0 are 0: a clock that was set back makes no negative age. */
static uint64_t rounded(double value)
{
    if (!(value > 0)) {
        return 0;
    }
    return value < 18e18 ? (uint64_t)(value + 0.5) : UINT64_MAX;
}

static MetricAbsence level(const Rule *rule, const Look *now, uint64_t *ret_value)
{
    double a = (double)now->raw[rule->a].value;
    double b = rule->b == RAW_NONE ? 1 : (double)now->raw[rule->b].value;
    if (b <= 0) {
        return METRIC_NOT_SAMPLED;
    }
    *ret_value = rounded(a * rule->scale / b);
    return METRIC_PRESENT;
}

static double divisor(const Rule *rule, const Look *before, const Look *now)
{
    switch (rule->formula) {
    case FORMULA_SHARE:
        return (double)growth(before, now, rule->a) + (double)growth(before, now, rule->b);
    case FORMULA_QUOTIENT:
        return (double)growth(before, now, rule->b);
    default:
        return (double)(now->at_us - before->at_us) / 1e6;
    }
}

static MetricAbsence grown(const Rule *rule, const Look *before, const Look *now,
                           uint64_t *ret_value)
{
    if (before->at_us == 0 || !knows(before, rule)) {
        return METRIC_FIRST_SAMPLE;
    }
    if (!is_same_life(rule, before, now) || growth(before, now, rule->a) < 0 ||
        growth(before, now, rule->b) < 0 || now->at_us <= before->at_us) {
        return METRIC_RESET;
    }
    double by = divisor(rule, before, now);
    if (by <= 0) {
        return METRIC_NOTHING;
    }
    *ret_value = rounded((double)growth(before, now, rule->a) * rule->scale / by);
    return METRIC_PRESENT;
}

static HealthReading measure(uint32_t metric, const Look *before, const Look *now)
{
    const Rule *rule = &RULES[metric];
    HealthReading reading = { .metric = metric };
    if (!knows(now, rule)) {
        reading.absence = why_unknown(rule, now);
    } else if (is_growth(rule->formula)) {
        reading.absence = grown(rule, before, now, &reading.value);
    } else {
        reading.absence = level(rule, now, &reading.value);
    }
    return reading;
}

void measures_make(const Look *before, const Look *now, Measures *ret_measures)
{
    for (uint32_t metric = METRIC_NONE + 1; metric < METRIC_COUNT_; metric++) {
        ret_measures->readings[metric - 1] = measure(metric, before, now);
    }
}

void measures_missing(MetricAbsence absence, Measures *ret_measures)
{
    for (uint32_t metric = METRIC_NONE + 1; metric < METRIC_COUNT_; metric++) {
        ret_measures->readings[metric - 1] =
            (HealthReading){ .metric = metric, .absence = absence };
    }
}
