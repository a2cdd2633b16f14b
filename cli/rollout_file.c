/* A rollout file as a field table, and its translation into a plan. */
#include "cli/rollout_file.h"

#include <libgen.h>
#include <string.h>

#include "cli/adopt/adopt.h"
#include "cli/moment.h"
#include "cli/plan_cut.h"
#include "cli/rollout_gates.h"
#include "common/cleanup.h"
#include "common/str.h"
#include "common/units.h"
#include "proto/select.h"

typedef struct WaveEntry {
    const char *name;
    Amount targets;
    uint32_t soak_ms;
    uint32_t approval;
} WaveEntry;

typedef struct LostEntry {
    uint32_t after_ms;
    uint32_t then;
} LostEntry;

typedef struct TimeoutsEntry {
    uint32_t lock_ms;
    uint32_t statement_ms;
    uint32_t concurrent_ms;
    uint32_t target_ms;
} TimeoutsEntry;

typedef struct WatchdogEntry {
    uint32_t blocked_sessions;
    uint32_t for_ms;
} WatchdogEntry;

typedef struct StrategyEntry {
    WaveEntry *waves;
    size_t wave_count;
    uint32_t max_parallel;
    uint32_t max_parallel_per_host;
    uint32_t max_parallel_per_database;
    Amount max_failures;
    bool strict;
    bool allow_irreversible;
    uint32_t approved_by;
    uint32_t on_failure;
    LostEntry on_agent_lost;
    TimeoutsEntry timeouts;
    WatchdogEntry watchdog;
    GateEntry *gates;
    size_t gate_count;
} StrategyEntry;

typedef struct TargetsEntry {
    const char *where;
} TargetsEntry;

typedef struct RolloutFile {
    const char *name;
    const char *migrations;
    const char *format;
    ConfigPair *set;
    size_t set_count;
    const char *to;
    int64_t apply_until_s; /* or MOMENT_UNSAID, MOMENT_NEVER */
    int64_t rollback_until_s;
    TargetsEntry targets;
    const char **shared_schemas;
    size_t shared_schema_count;
    const char *adopt;
    const char *mirror;
    const char *history_table;
    uint32_t out_of_order;
    uint32_t missing;
    uint32_t changed;
    StrategyEntry strategy;
} RolloutFile;

/* `adopt: baseline`, `mirror: true`. */
#define WHATEVER_IS_THERE "baseline"
#define OF_THE_FORMAT "true"

/* "10%" or "3". */
static ErrCode parse_amount(const char *text, void *ret, Arena *arena, Err *err)
{
    size_t length = strlen(text);
    bool is_percent = length > 0 && text[length - 1] == '%';
    int64_t value = 0;
    if (!str_to_int64(arena_strndup(arena, text, is_percent ? length - 1 : length), 0,
                      is_percent ? 100 : UINT32_MAX, &value)) {
        return err_set(err, ERR_CONFIG, "is neither a number nor a percentage up to 100%%");
    }
    *(Amount *)ret = (Amount){ .value = (uint32_t)value, .is_percent = is_percent };
    return ERR_NONE;
}

static ErrCode parse_where(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)ret;
    Select *selection = NULL;
    return select_parse(text, arena, &selection, err);
}

#define UNSAID "7 days"

/* A life from now on would make another plan of the file each time that it is read. */
static ErrCode parse_until(const char *text, void *ret, Arena *arena, Err *err)
{
    (void)arena;
    int64_t *until_s = ret;
    if (str_equal(text, UNSAID)) {
        *until_s = MOMENT_UNSAID;
        return ERR_NONE;
    }
    if (str_equal(text, MOMENT_WORD_NEVER)) {
        *until_s = MOMENT_NEVER;
        return ERR_NONE;
    }
    return moment_parse(text, until_s) ? ERR_NONE
                                       : err_set(err, ERR_CONFIG, "is not " MOMENT_FORMS);
}

#define UNTIL .expected = MOMENT_FORMS, .parse = parse_until

/* 24 days: PostgreSQL takes 2^31 - 1 ms. */
#define TIMEOUT_MAX_MS INT64_C(2073600000)

#define AMOUNT .expected = "a number or a percentage", .parse = parse_amount

enum { APPROVAL_NONE, APPROVAL_REQUIRED };

static const ConfigName APPROVALS[] = {
    { "none", APPROVAL_NONE },
    { "required", APPROVAL_REQUIRED },
};

enum { APPROVED_BY_ANYONE, APPROVED_BY_ANOTHER };

static const ConfigName APPROVERS[] = {
    { "anyone", APPROVED_BY_ANYONE },
    { "another", APPROVED_BY_ANOTHER },
};

static const ConfigField WAVE_FIELDS[] = {
    { CONFIG_FIELD(WaveEntry, name, CONFIG_STRING), .is_required = true, .min = 1,
      .max = NAME_MAX_BYTES, .example = "canary", .doc = "What the wave is called, everywhere." },
    { CONFIG_FIELD(WaveEntry, targets, CONFIG_CUSTOM), .is_required = true, AMOUNT,
      .example = "10%",
      .doc = "How many of all selected targets have gone when this wave is through: cumulative. "
             "Percentages round up; the last wave reaches 100%." },
    { CONFIG_FIELD_AS("soak", WaveEntry, soak_ms, CONFIG_DURATION), .fallback = "0",
      .max = 2592000000, .example = "60s",
      .doc = "How long the wave is watched, once applied, before the next one opens." },
    { CONFIG_FIELD(WaveEntry, approval, CONFIG_ENUM), .fallback = "none", .example = "required",
      .names = APPROVALS, .name_count = ARRAY_LEN(APPROVALS),
      .doc = "`required`: a person lets this wave open." },
};

static const ConfigTable WAVE_TABLE = CONFIG_TABLE_OF("a wave", WaveEntry, WAVE_FIELDS);

static const ConfigName ON_LOST[] = {
    { "wait", ON_AGENT_LOST_WAIT },
    { "pause", ON_AGENT_LOST_PAUSE },
    { "roll_back_wave", ON_AGENT_LOST_ROLL_BACK_WAVE },
    { "roll_back_rollout", ON_AGENT_LOST_ROLL_BACK_ROLLOUT },
};

static const ConfigField LOST_FIELDS[] = {
    { CONFIG_FIELD_AS("after", LostEntry, after_ms, CONFIG_DURATION), .fallback = "120s",
      .min = 100, .max = 2592000000,
      .doc = "How long an agent may be unreachable before it counts as lost." },
    { CONFIG_FIELD(LostEntry, then, CONFIG_ENUM), .fallback = "pause", .names = ON_LOST,
      .name_count = ARRAY_LEN(ON_LOST), .doc = "What happens then." },
};

static const ConfigTable LOST_TABLE = CONFIG_TABLE_OF("on_agent_lost", LostEntry, LOST_FIELDS);

static const ConfigField TIMEOUT_FIELDS[] = {
    { CONFIG_FIELD_AS("lock", TimeoutsEntry, lock_ms, CONFIG_DURATION), .fallback = "2s", .min = 1,
      .max = 3600000,
      .doc = "lock_timeout of every transactional statement; then it is tried again." },
    { CONFIG_FIELD_AS("statement", TimeoutsEntry, statement_ms, CONFIG_DURATION), .fallback = "15m",
      .min = 1, .max = TIMEOUT_MAX_MS,
      .doc = "statement_timeout of every transactional statement." },
    { CONFIG_FIELD_AS("concurrent", TimeoutsEntry, concurrent_ms, CONFIG_DURATION),
      .fallback = "2h", .min = 1, .max = TIMEOUT_MAX_MS,
      .doc = "For statements that cannot run in a transaction; they have no lock timeout." },
    { CONFIG_FIELD_AS("target", TimeoutsEntry, target_ms, CONFIG_DURATION), .fallback = "30m",
      .min = 1000, .max = TIMEOUT_MAX_MS,
      .doc = "For one attempt at one target, waits and retries included." },
};

static const ConfigTable TIMEOUT_TABLE = CONFIG_TABLE_OF("timeouts", TimeoutsEntry, TIMEOUT_FIELDS);

static const ConfigField WATCHDOG_FIELDS[] = {
    { CONFIG_FIELD(WatchdogEntry, blocked_sessions, CONFIG_INTEGER), .fallback = "5", .min = 0,
      .max = 100000, .unit = "sessions",
      .doc = "More sessions than this wait because of a migration, directly or in the queue behind "
             "its own waiting:" },
    { CONFIG_FIELD_AS("for", WatchdogEntry, for_ms, CONFIG_DURATION), .fallback = "1s", .min = 0,
      .max = 3600000,
      .doc = "for so long: it is cancelled, and tried again after a wait. 0: never." },
};

static const ConfigTable WATCHDOG_TABLE =
    CONFIG_TABLE_OF("the watchdog", WatchdogEntry, WATCHDOG_FIELDS);

static const ConfigName ON_FAILURES[] = {
    { "pause", ON_FAILURE_PAUSE },
    { "roll_back_target", ON_FAILURE_ROLL_BACK_TARGET },
    { "roll_back_wave", ON_FAILURE_ROLL_BACK_WAVE },
    { "roll_back_rollout", ON_FAILURE_ROLL_BACK_ROLLOUT },
};

static const ConfigField STRATEGY_FIELDS[] = {
    { CONFIG_FIELD_COUNTED(StrategyEntry, waves, wave_count, CONFIG_TABLE_LIST),
      .max = PLAN_WAVES_MAX, .table = &WAVE_TABLE,
      .doc = "In order; the first is the canary. None: one wave of everything." },
    { CONFIG_FIELD(StrategyEntry, max_parallel, CONFIG_INTEGER), .fallback = "50", .min = 1,
      .max = 100000, .unit = "targets", .doc = "At once, in the whole rollout." },
    { CONFIG_FIELD(StrategyEntry, max_parallel_per_host, CONFIG_INTEGER), .fallback = "4", .min = 1,
      .max = 1000, .unit = "targets",
      .doc = "At once, by one agent. About two per core is fastest." },
    { CONFIG_FIELD(StrategyEntry, max_parallel_per_database, CONFIG_INTEGER), .fallback = "1",
      .min = 1, .max = 1000, .unit = "targets",
      .doc = "At once, in one database: its schemas share catalogs." },
    { CONFIG_FIELD(StrategyEntry, max_failures, CONFIG_CUSTOM), .fallback = "0", AMOUNT,
      .doc = "More failed targets than this trip the budget. Percentages round down." },
    { CONFIG_FIELD(StrategyEntry, strict, CONFIG_BOOL), .fallback = "false",
      .doc = "Run only as many at once as the budget could lose." },
    { CONFIG_FIELD(StrategyEntry, allow_irreversible, CONFIG_BOOL), .fallback = "false",
      .doc =
          "Allow on_failure: roll_back_… although a migration cannot be undone; targets that have "
          "it are then held." },
    { CONFIG_FIELD(StrategyEntry, approved_by, CONFIG_ENUM), .fallback = "anyone",
      .names = APPROVERS, .name_count = ARRAY_LEN(APPROVERS),
      .doc = "Who may approve: `another` wants somebody else than who started the rollout." },
    { CONFIG_FIELD(StrategyEntry, on_failure, CONFIG_ENUM), .fallback = "pause",
      .names = ON_FAILURES, .name_count = ARRAY_LEN(ON_FAILURES),
      .doc = "What happens when the budget trips." },
    { CONFIG_FIELD(StrategyEntry, on_agent_lost, CONFIG_TABLE), .table = &LOST_TABLE,
      .doc = "When an agent stays away." },
    { CONFIG_FIELD(StrategyEntry, timeouts, CONFIG_TABLE), .table = &TIMEOUT_TABLE,
      .doc = "Limits of time." },
    { CONFIG_FIELD(StrategyEntry, watchdog, CONFIG_TABLE), .table = &WATCHDOG_TABLE,
      .doc = "When a migration ends itself for the sake of others (docs/locks.md)." },
    { CONFIG_FIELD_COUNTED(StrategyEntry, gates, gate_count, CONFIG_TABLE_LIST),
      .max = PLAN_GATES_MAX, .table = &ROLLOUT_GATE_TABLE,
      .doc =
          "What has to hold on every server of the waves so far, or no wave opens or passes; what "
          "fails is answered by on_failure (docs/health.md)." },
};

static const ConfigTable STRATEGY_TABLE =
    CONFIG_TABLE_OF("a strategy", StrategyEntry, STRATEGY_FIELDS);

static const ConfigField TARGETS_FIELDS[] = {
    { CONFIG_FIELD(TargetsEntry, where, CONFIG_STRING), .max = SELECT_TEXT_MAX,
      .parse = parse_where,
      .expected = "an expression over instance, host, database, schema, version and labels.NAME",
      .example = "labels.env = 'prod' and database like 'tenant_%'",
      .doc = "Which targets. None: all." },
};

static const ConfigTable TARGETS_TABLE = CONFIG_TABLE_OF("targets", TargetsEntry, TARGETS_FIELDS);

static const ConfigName ODD_HISTORIES[] = {
    { "refuse", HISTORY_REFUSE },
    { "apply", HISTORY_APPLY },
    { "ignore", HISTORY_IGNORE },
};

static const ConfigName REFUSED_ONES[] = {
    { "refuse", HISTORY_REFUSE },
    { "ignore", HISTORY_IGNORE },
};

static const ConfigField FIELDS[] = {
    { CONFIG_FIELD(RolloutFile, name, CONFIG_STRING), .is_required = true, .min = 1,
      .max = NAME_MAX_BYTES, .example = "invoice-currency", .doc = "What the rollout is called." },
    { CONFIG_FIELD(RolloutFile, migrations, CONFIG_STRING), .fallback = "./migrations", .min = 1,
      .max = 4096, .doc = "The directory of the history, relative to this file." },
    { CONFIG_FIELD(RolloutFile, format, CONFIG_STRING), .max = 64, .example = "golang-migrate",
      .doc = "Its format. None: detected." },
    { CONFIG_FIELD_COUNTED(RolloutFile, set, set_count, CONFIG_STRING_MAP),
      .max = SOURCE_VARIABLES_MAX, .example = "{ app_role: shop }",
      .doc = "Values for the history's templates: placeholders, variables." },
    { CONFIG_FIELD(RolloutFile, to, CONFIG_STRING), .fallback = "head", .min = 1,
      .max = VERSION_MAX, .doc = "The migration to be at: `head`, a version or an id." },
    { CONFIG_FIELD_AS("apply_until", RolloutFile, apply_until_s, CONFIG_CUSTOM), UNTIL,
      .example = "2026-12-01T18:00Z", .fallback = UNSAID,
      .doc = "After this, by their own clocks, agents apply no step of it; `never`: they may for "
             "ever. The days count from when it is planned, to their end." },
    { CONFIG_FIELD_AS("rollback_until", RolloutFile, rollback_until_s, CONFIG_CUSTOM), UNTIL,
      .example = "2026-12-08T18:00Z", .fallback = MOMENT_WORD_NEVER,
      .doc = "After this, they roll nothing of it back: not before apply_until." },
    { CONFIG_FIELD(RolloutFile, targets, CONFIG_TABLE), .table = &TARGETS_TABLE,
      .doc = "What it is for." },
    { CONFIG_FIELD_COUNTED(RolloutFile, shared_schemas, shared_schema_count, CONFIG_STRING_LIST),
      .max = 16, .example = "[ extensions ]",
      .doc = "Where targets are schemas: what follows the schema in search_path." },
    { CONFIG_FIELD(RolloutFile, adopt, CONFIG_STRING), .max = NAME_MAX_BYTES,
      .example = "golang-migrate",
      .doc = "Run nothing: write into skein's history what this tool says it has applied. "
             "`baseline`: all up to `to`, whatever a database says." },
    { CONFIG_FIELD(RolloutFile, mirror, CONFIG_STRING), .max = NAME_MAX_BYTES, .example = "true",
      .doc = "Tell this tool's own table too, in the same transactions, so that both agree. "
             "`true`: the tool of the directory's format. `none`: from now on there is no other "
             "tool, and a target that shares its history with one does so no more." },
    { CONFIG_FIELD(RolloutFile, history_table, CONFIG_STRING), .max = 255,
      .example = "app.schema_migrations",
      .doc = "For adopt and mirror: where that tool keeps its history. None: its default." },
    { CONFIG_FIELD(RolloutFile, out_of_order, CONFIG_ENUM), .fallback = "refuse",
      .names = ODD_HISTORIES, .name_count = ARRAY_LEN(ODD_HISTORIES),
      .doc = "A migration that is absent below an applied one." },
    { CONFIG_FIELD(RolloutFile, missing, CONFIG_ENUM), .fallback = "refuse", .names = REFUSED_ONES,
      .name_count = ARRAY_LEN(REFUSED_ONES),
      .doc = "A migration that is applied and not in the directory." },
    { CONFIG_FIELD(RolloutFile, changed, CONFIG_ENUM), .fallback = "refuse", .names = REFUSED_ONES,
      .name_count = ARRAY_LEN(REFUSED_ONES),
      .doc = "For adopt: a migration that the tool, by its own checksum, has applied as another "
             "file." },
    { CONFIG_FIELD(RolloutFile, strategy, CONFIG_TABLE), .table = &STRATEGY_TABLE,
      .doc = "How it goes out." },
};

const ConfigTable ROLLOUT_FILE_TABLE = {
    .name = "a rollout file",
    .doc = "What to roll out, where, and how: `skein plan FILE` shows what comes of it.",
    .struct_bytes = sizeof(RolloutFile),
    .fields = FIELDS,
    .field_count = ARRAY_LEN(FIELDS),
};

/* Both in percent, and shrinking? Counts can be compared only with the number
 * of targets at hand. */
static bool shrinks(Amount before, Amount now)
{
    return before.is_percent == now.is_percent && now.value < before.value;
}

static ErrCode check_wave_name(const ConfigDocument *document, const StrategyEntry *strategy,
                               size_t index, Err *err)
{
    char path[64];
    text_format(path, sizeof(path), "strategy.waves[%zu].name", index);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(strategy->waves[i].name, strategy->waves[index].name) == 0) {
            return config_error_at(document, path, err, "two waves are named '%s'",
                                   strategy->waves[i].name);
        }
    }
    return ERR_NONE;
}

static ErrCode check_wave_size(const ConfigDocument *document, const StrategyEntry *strategy,
                               size_t index, Err *err)
{
    const WaveEntry *wave = &strategy->waves[index];
    const char *sign = wave->targets.is_percent ? "%" : "";
    char path[64];
    text_format(path, sizeof(path), "strategy.waves[%zu].targets", index);
    if (wave->targets.value == 0) {
        config_error_at(document, path, err, "wave '%s' has no targets", wave->name);
        return err_hint(err, "it takes one at least: `targets: 1`");
    }
    if (index > 0 && shrinks(wave[-1].targets, wave->targets)) {
        config_error_at(document, path, err, "wave '%s' reaches %u%s, and the one before it %u%s",
                        wave->name, wave->targets.value, sign, wave[-1].targets.value, sign);
        return err_hint(err,
                        "waves are cumulative: each reaches at least as far as the one before");
    }
    bool is_last = index + 1 == strategy->wave_count;
    if (is_last && !(wave->targets.is_percent && wave->targets.value == 100)) {
        config_error_at(document, path, err, "the last wave, '%s', does not reach 100%%",
                        wave->name);
        return err_hint(err, "give it `targets: 100%%`, or add a wave that takes the rest");
    }
    return ERR_NONE;
}

/* What can be said of waves before the number of targets is known; the
 * rest is the coordinator's. */
static ErrCode check_waves(const ConfigDocument *document, const StrategyEntry *strategy, Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < strategy->wave_count; i++) {
        code = check_wave_name(document, strategy, i, err);
        if (code == ERR_NONE) {
            code = check_wave_size(document, strategy, i, err);
        }
    }
    return code;
}

static void take_waves(const StrategyEntry *entry, Arena *arena, PlanStrategy *strategy)
{
    if (entry->wave_count == 0) {
        return; /* the default: one wave of everything */
    }
    strategy->waves = ARENA_ARRAY(arena, PlanWave, entry->wave_count);
    strategy->wave_count = entry->wave_count;
    for (size_t i = 0; i < entry->wave_count; i++) {
        strategy->waves[i] = (PlanWave){
            .name = entry->waves[i].name,
            .targets = entry->waves[i].targets,
            .soak_ms = entry->waves[i].soak_ms,
            .needs_approval = entry->waves[i].approval == APPROVAL_REQUIRED,
        };
    }
}

static void take_strategy(const StrategyEntry *entry, Arena *arena, PlanStrategy *strategy)
{
    plan_strategy_defaults(strategy);
    take_waves(entry, arena, strategy);
    rollout_gates_take(entry->gates, entry->gate_count, arena, strategy);
    strategy->max_parallel = entry->max_parallel;
    strategy->max_parallel_per_host = entry->max_parallel_per_host;
    strategy->max_parallel_per_database = entry->max_parallel_per_database;
    strategy->max_failures = entry->max_failures;
    strategy->is_strict = entry->strict;
    strategy->allow_irreversible = entry->allow_irreversible;
    strategy->approved_by_another = entry->approved_by == APPROVED_BY_ANOTHER;
    strategy->on_failure = entry->on_failure;
    strategy->on_agent_lost = entry->on_agent_lost.then;
    strategy->agent_lost_after_ms = entry->on_agent_lost.after_ms;
    strategy->lock_timeout_ms = entry->timeouts.lock_ms;
    strategy->statement_timeout_ms = entry->timeouts.statement_ms;
    strategy->concurrent_timeout_ms = entry->timeouts.concurrent_ms;
    strategy->target_timeout_ms = entry->timeouts.target_ms;
    strategy->watchdog = (PlanWatchdog){ .blocked_sessions = entry->watchdog.blocked_sessions,
                                         .for_ms = entry->watchdog.for_ms };
}

/* `path` as seen from the directory of `file`; where that is this one, as it is written. */
static const char *beside(const char *file, const char *path, Arena *arena)
{
    const char *directory = dirname(arena_strdup(arena, file));
    if (path[0] == '/' || str_equal(directory, ".")) {
        return path;
    }
    const char *below = str_starts_with(path, "./") ? path + strlen("./") : path;
    return arena_printf(arena, "%s/%s", directory, below);
}

/* What the plan has to do with another tool's history. */
static ErrCode take_adoption(const ConfigDocument *document, const RolloutFile *file, Arena *arena,
                             PlannedRollout *rollout, Err *err)
{
    bool has_mirror = file->mirror[0] != '\0';
    if (file->adopt[0] != '\0' && has_mirror) {
        config_error_at(document, "mirror", err, "a plan that adopts has nothing to mirror");
        return err_hint(err, "adopt first; put `mirror` into the files of the rollouts after it");
    }
    if (str_equal(file->adopt, WHATEVER_IS_THERE)) {
        baseline_plan(arena, &rollout->plan);
        return ERR_NONE;
    }
    const char *tool = has_mirror ? file->mirror : file->adopt;
    AdoptFrom from = { .tool = str_equal(tool, OF_THE_FORMAT) ? NULL : tool,
                       .table = file->history_table };
    ErrCode code = ERR_NONE;
    ties_plan(&rollout->set, NULL, arena, &rollout->plan);
    rollout->plan.ends_ties = str_equal(file->mirror, MIRROR_NONE);
    if (has_mirror && !rollout->plan.ends_ties) {
        code = mirror_plan(&rollout->set, &from, arena, &rollout->plan, err);
    } else if (file->adopt[0] != '\0') {
        code = adopt_plan(&rollout->set, &from, arena, &rollout->plan, err);
    }
    if (code != ERR_NONE) {
        Err inner = *err;
        config_error_at(document, has_mirror ? "mirror" : "adopt", err, "%s", inner.message);
        return err_hint(err, "%s", inner.hint);
    }
    return ERR_NONE;
}

ErrCode rollout_file_read(const char *path, Arena *arena, PlannedRollout *ret_rollout, Err *err)
{
    AUTO_PTR(ConfigDocument) document = NULL;
    RolloutFile file;
    ErrCode code = config_open(path, &document, err);
    if (code == ERR_NONE) {
        code = config_read(document, &ROLLOUT_FILE_TABLE, &file, arena, err);
    }
    if (code == ERR_NONE) {
        code = check_waves(document, &file.strategy, err);
    }
    if (code == ERR_NONE) {
        code = rollout_gates_check(document, file.strategy.gates, file.strategy.gate_count, err);
    }
    MigrationSet set = { 0 };
    if (code == ERR_NONE) {
        SourceOptions options = {
            .format = file.format[0] == '\0' ? NULL : file.format,
            .variables = { .items = file.set, .count = file.set_count },
        };
        code = source_read(beside(path, file.migrations, arena), &options, arena, &set, err);
    }
    size_t count = 0;
    if (code == ERR_NONE && plan_cut(&set, file.to, &count, err) != ERR_NONE) {
        Err inner = *err;
        config_error_at(document, "to", err, "%s", inner.message);
        code = err_hint(err, "%s", inner.hint);
    }
    if (code != ERR_NONE) {
        return code;
    }
    *ret_rollout = (PlannedRollout){
        .set = set,
        .times = { file.apply_until_s, file.rollback_until_s },
        .plan = {
            .name = file.name,
            .to = set.migrations[count - 1].id,
            .where = file.targets.where,
            .shared_schemas = file.shared_schemas,
            .shared_schema_count = file.shared_schema_count,
            .migrations = set.migrations,
            .migration_count = count,
            .out_of_order = source_out_of_order(&set, file.out_of_order),
            .missing = file.missing,
            .changed = file.changed,
        },
    };
    take_strategy(&file.strategy, arena, &ret_rollout->plan.strategy);
    return take_adoption(document, &file, arena, ret_rollout, err);
}
