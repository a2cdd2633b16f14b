/*
 * A plan's field tables and its canonical bytes. Only here does SQL cross a boundary; it is never
 * printed.
 */
#include <string.h>

#include "common/cleanup.h"
#include "proto/bundle.h"
#include "proto/plan_codec.h"
#include "proto/select.h"

#define REQUIRED FIELD_REQUIRED
#define OPTIONAL FIELD_OPTIONAL
#define KIND_MAX 127
#define TIMEOUT_MAX_MS INT32_MAX /* PostgreSQL's own limit for its timeouts */
#define OBJECT_MAX 1023          /* a qualified, quoted name, or what a statement makes of one */

static const char *probe_word(uint32_t number)
{
    return probe_kind_name((ProbeKind)number);
}

static const char *on_failure_word(uint32_t number)
{
    return on_failure_name((OnFailure)number);
}

static const char *on_agent_lost_word(uint32_t number)
{
    return on_agent_lost_name((OnAgentLost)number);
}

static const Field STATEMENT_FIELDS[] = {
    ROW_TEXT(1, PlanStatement, sql, REQUIRED | FIELD_PRIVATE, 1, SQL_MAX, "one statement"),
    ROW_U32(2, PlanStatement, line, REQUIRED, 1, UINT32_MAX, "in its file, from 1"),
    ROW_TEXT(3, PlanStatement, kind, OPTIONAL, 0, KIND_MAX, "for people: ALTER TABLE"),
    ROW_ENUM(4, PlanStatement, probe, OPTIONAL, PROBE_COUNT_, probe_word,
             "what to look up in the catalog after a non-transactional statement"),
    ROW_TEXT(5, PlanStatement, object, OPTIONAL, 0, OBJECT_MAX,
             "of the probe, qualified as the statement writes it"),
    ROW_TEXT(6, PlanStatement, detail, OPTIONAL, 0, OBJECT_MAX,
             "of the probe: an enum's label; of VACUUM and ANALYZE that name no table: database"),
    ROW_BOOL(7, PlanStatement, is_setting, OPTIONAL,
             "changes the session alone: made again before each later part"),
    ROW_BOOL(8, PlanStatement, is_copy, OPTIONAL, "COPY … FROM STDIN: the server asks for rows"),
    ROW_BYTES(9, PlanStatement, copy_data, OPTIONAL | FIELD_PRIVATE, 0, COPY_DATA_MAX,
              "those rows, as psql would send them"),
    ROW_BOOL(10, PlanStatement, is_opening, OPTIONAL,
             "says how its transaction is: runs before skein's own statements in it"),
};
static const FieldTable STATEMENT = FIELD_TABLE("statement", PlanStatement, STATEMENT_FIELDS);

static const Field PART_FIELDS[] = {
    ROW_U32(1, PlanPart, statement_count, REQUIRED, 1, PLAN_STEPS_MAX, "the next so many"),
    ROW_BOOL(2, PlanPart, is_transactional, OPTIONAL,
             "in one transaction; false: one statement, outside of any"),
};
static const FieldTable PART = FIELD_TABLE("part", PlanPart, PART_FIELDS);

static const Field WATCHDOG_FIELDS[] = {
    ROW_U32(1, PlanWatchdog, blocked_sessions, OPTIONAL, 0, UINT32_MAX,
            "more than so many wait because of it"),
    ROW_U32(2, PlanWatchdog, for_ms, OPTIONAL, 0, TIMEOUT_MAX_MS,
            "for so long: it ends itself; 0: never"),
};
static const FieldTable WATCHDOG = FIELD_TABLE("watchdog", PlanWatchdog, WATCHDOG_FIELDS);

static const Field SCRIPT_FIELDS[] = {
    ROW_STRUCTS(1, PlanScript, statements, count, PlanStatement, OPTIONAL, 0, PLAN_STEPS_MAX,
                &STATEMENT, "in order"),
    ROW_BOOL(2, PlanScript, is_transactional, OPTIONAL, "all of it in one transaction"),
    ROW_U32(3, PlanScript, lock_timeout_ms, OPTIONAL, 0, TIMEOUT_MAX_MS,
            "of transactional parts; 0: the strategy's"),
    ROW_STRUCTS(4, PlanScript, parts, part_count, PlanPart, OPTIONAL, 0, PLAN_PARTS_MAX, &PART,
                "in order, at least two; none: the whole script is one part"),
    ROW_TEXTS(5, PlanScript, mirror, mirror_count, PLAN_MIRROR_MAX, MIRROR_SQL_MAX,
              "statements that tell another tool's table that the script is done"),
    ROW_BOOL(6, PlanScript, has_watchdog, OPTIONAL, "the next one counts, not the strategy's"),
    ROW_STRUCT(7, PlanScript, watchdog, PlanWatchdog, OPTIONAL, &WATCHDOG,
               "when it ends itself for the sake of others"),
    ROW_BOOL(8, PlanScript, tolerates_warnings, OPTIONAL | FIELD_SINCE(2),
             "a statement that the server only warns it has not done is done all the same"),
};
static const FieldTable SCRIPT = FIELD_TABLE("script", PlanScript, SCRIPT_FIELDS);

static const Field MIGRATION_FIELDS[] = {
    ROW_TEXT(1, PlanMigration, id, REQUIRED, 1, MIGRATION_ID_MAX,
             "the file's stem; what identifies it"),
    ROW_TEXT(2, PlanMigration, version, OPTIONAL, 0, VERSION_MAX, "sorts only"),
    ROW_TEXT(3, PlanMigration, name, OPTIONAL, 0, PLAN_NAME_MAX, "for people"),
    ROW_BYTES(4, PlanMigration, checksum, REQUIRED, CHECKSUM_BYTES, CHECKSUM_BYTES,
              "of the up script; made by the planner, else only compared"),
    ROW_STRUCT(5, PlanMigration, up, PlanScript, REQUIRED, &SCRIPT, "applies it"),
    ROW_STRUCT(6, PlanMigration, down, PlanScript, OPTIONAL, &SCRIPT, "undoes it"),
    ROW_BOOL(7, PlanMigration, is_irreversible, OPTIONAL, "cannot be undone; there is no down"),
    ROW_BOOL(8, PlanMigration, is_repeatable, OPTIONAL,
             "takes the place of what was applied under an id that is the same up to its last @"),
    ROW_BYTES(9, PlanMigration, fingerprints, OPTIONAL, 0, PLAN_STEPS_MAX *FINGERPRINT_BYTES,
              "8 bytes for each statement of up: kept in the history, to tell which one changed"),
    ROW_TEXT(10, PlanMigration, unread, OPTIONAL, 0, PLAN_UNREAD_MAX,
             "why nobody can say what up does; then it is found applied or taken over, never run"),
    ROW_TEXT(11, PlanMigration, unread_hint, OPTIONAL, 0, PLAN_UNREAD_MAX,
             "what a person can do about that"),
};
static const FieldTable MIGRATION = FIELD_TABLE("migration", PlanMigration, MIGRATION_FIELDS);

static const Field AMOUNT_FIELDS[] = {
    ROW_U32(1, Amount, value, REQUIRED, 0, UINT32_MAX, "a count, or a percentage up to 100"),
    ROW_BOOL(2, Amount, is_percent, OPTIONAL, "of all selected targets"),
};
static const FieldTable AMOUNT = FIELD_TABLE("amount", Amount, AMOUNT_FIELDS);

static const Field WAVE_FIELDS[] = {
    ROW_TEXT(1, PlanWave, name, REQUIRED, 1, NAME_MAX_BYTES, "unique in the plan"),
    ROW_STRUCT(2, PlanWave, targets, Amount, REQUIRED, &AMOUNT,
               "cumulative over all selected; percentages round up; the last is 100 %"),
    ROW_U32(3, PlanWave, soak_ms, OPTIONAL, 0, UINT32_MAX, "watched this long before the next"),
    ROW_BOOL(4, PlanWave, needs_approval, OPTIONAL, "a person opens it"),
};
static const FieldTable WAVE = FIELD_TABLE("wave", PlanWave, WAVE_FIELDS);

static const char *gate_kind_word(uint32_t number)
{
    return gate_kind_name((GateKind)number);
}

static const Field GATE_FIELDS[] = {
    ROW_ENUM(1, PlanGate, kind, REQUIRED, GATE_KIND_COUNT_, gate_kind_word, "what is measured"),
    ROW_U32(2, PlanGate, metric, OPTIONAL, 0, METRIC_NUMBER_MAX,
            "its number in docs/health.md; whether the limit is the most or the least, it says"),
    ROW_BOOL(3, PlanGate, is_relative, OPTIONAL, "the limit is a multiple of the baseline"),
    ROW_U64(4, PlanGate, limit, OPTIONAL,
            "thousandths of the metric's unit, or of the baseline; up to 10^18, or 10^6"),
    ROW_U32(5, PlanGate, failures, REQUIRED, 1, GATE_FAILURES_MAX,
            "so many samples in a row beyond it fail"),
};
static const FieldTable GATE = FIELD_TABLE("gate", PlanGate, GATE_FIELDS);

static const Field STRATEGY_FIELDS[] = {
    ROW_STRUCTS(1, PlanStrategy, waves, wave_count, PlanWave, REQUIRED, 1, PLAN_WAVES_MAX, &WAVE,
                "one after another"),
    ROW_U32(2, PlanStrategy, max_parallel, REQUIRED, 1, UINT32_MAX, "targets at once"),
    ROW_U32(3, PlanStrategy, max_parallel_per_host, REQUIRED, 1, UINT32_MAX, "of one agent"),
    ROW_U32(4, PlanStrategy, max_parallel_per_database, REQUIRED, 1, UINT32_MAX,
            "schemas of one database"),
    ROW_STRUCT(5, PlanStrategy, max_failures, Amount, OPTIONAL, &AMOUNT,
               "tolerated before on_failure acts; percentages round down"),
    ROW_BOOL(6, PlanStrategy, is_strict, OPTIONAL,
             "never more at once than the failures that are left, plus one"),
    ROW_BOOL(7, PlanStrategy, allow_irreversible, OPTIONAL,
             "roll back although something cannot be undone"),
    ROW_ENUM(8, PlanStrategy, on_failure, REQUIRED, ON_FAILURE_COUNT_, on_failure_word,
             "beyond max_failures"),
    ROW_ENUM(9, PlanStrategy, on_agent_lost, REQUIRED, ON_AGENT_LOST_COUNT_, on_agent_lost_word,
             "when an agent is silent for too long"),
    ROW_U32(10, PlanStrategy, agent_lost_after_ms, REQUIRED, 1, UINT32_MAX, "how long that is"),
    ROW_U32(11, PlanStrategy, lock_timeout_ms, REQUIRED, 1, TIMEOUT_MAX_MS, "of a transaction"),
    ROW_U32(12, PlanStrategy, statement_timeout_ms, REQUIRED, 1, TIMEOUT_MAX_MS,
            "in a transaction"),
    ROW_U32(13, PlanStrategy, concurrent_timeout_ms, REQUIRED, 1, TIMEOUT_MAX_MS,
            "of a non-transactional statement, in place of the other two"),
    ROW_U32(14, PlanStrategy, target_timeout_ms, REQUIRED, 1, TIMEOUT_MAX_MS, "of a whole attempt"),
    ROW_STRUCT(15, PlanStrategy, watchdog, PlanWatchdog, OPTIONAL, &WATCHDOG,
               "when a migration ends itself for the sake of others"),
    ROW_BOOL(16, PlanStrategy, approved_by_another, OPTIONAL | FIELD_SINCE(2),
             "whoever approves is somebody else than who started it; the coordinator's to keep"),
    ROW_STRUCTS(17, PlanStrategy, gates, gate_count, PlanGate, OPTIONAL | FIELD_SINCE(2), 0,
                PLAN_GATES_MAX, &GATE,
                "all of them hold, or no wave opens or passes; the coordinator's to keep"),
};
static const FieldTable STRATEGY = FIELD_TABLE("strategy", PlanStrategy, STRATEGY_FIELDS);

static const char *history_word(uint32_t value)
{
    return history_rule_name((HistoryRule)value);
}

static const Field TOOL_FIELDS[] = {
    ROW_TEXT(1, PlanTool, tool, OPTIONAL, 0, NAME_MAX_BYTES, "whose table is read, for people"),
    ROW_TEXT(
        2, PlanTool, query, OPTIONAL, 0, SQL_MAX,
        "which migrations it says are applied: id in this plan or NULL, its own name, trouble"),
    ROW_TEXT(3, PlanTool, table, OPTIONAL, 0, OBJECT_MAX, "that it reads, for people"),
    ROW_TEXT(
        4, PlanTool, look, OPTIONAL, 0, MIRROR_SQL_MAX,
        "asked where that fails for want of a table: which tools' tables there are, and whose"),
    ROW_BOOL(5, PlanTool, keeps_newest, OPTIONAL,
             "its table holds but where it stands: it says nothing of what is below"),
    ROW_TEXT(6, PlanTool, schema, OPTIONAL, 0, NAME_MAX_BYTES,
             "of a whole database, where its table lies when its name has no schema; that of a "
             "schema target lies in that schema"),
    ROW_BOOL(
        7, PlanTool, is_in_first, OPTIONAL,
        "of a whole database, it lies in the first schema of the search_path, and in no other"),
    ROW_TEXT(8, PlanTool, name, OPTIONAL | FIELD_SINCE(2), 0, NAME_MAX_BYTES,
             "of its table, as it is: what the target keeps of it; empty: nothing"),
    ROW_TEXT(9, PlanTool, name_schema, OPTIONAL | FIELD_SINCE(2), 0, NAME_MAX_BYTES,
             "its schema, where the table is named with one"),
    ROW_BOOL(10, PlanTool, is_numeric, OPTIONAL | FIELD_SINCE(2),
             "of ties: versions are compared as numbers"),
    ROW_BOOL(11, PlanTool, is_own, OPTIONAL | FIELD_SINCE(2),
             "of ties: the directory is of its format: it is asked also where nothing stands"),
    ROW_BOOL(
        12, PlanTool, hides_rest, OPTIONAL | FIELD_SINCE(2),
        "its table holds but where it stands: at what the plan does not have it says nothing of "
        "the rest"),
};
static const FieldTable TOOL = FIELD_TABLE("tool", PlanTool, TOOL_FIELDS);

static const Field PLAN_FIELDS[] = {
    ROW_TEXT(1, Plan, name, REQUIRED, 1, PLAN_NAME_MAX, "for people"),
    ROW_TEXT(2, Plan, to, REQUIRED, 1, MIGRATION_ID_MAX, "id of the migration it leads to"),
    ROW_TEXT(3, Plan, where, OPTIONAL, 0, SELECT_TEXT_MAX, "selection; empty: every target"),
    ROW_TEXTS(4, Plan, shared_schemas, shared_schema_count, PLAN_SHARED_SCHEMAS_MAX, NAME_MAX_BYTES,
              "in the search_path of schema targets, after the schema itself"),
    ROW_I64(5, Plan, apply_until_s, OPTIONAL, "Unix time after which it is not applied; 0: no end"),
    ROW_I64(6, Plan, rollback_until_s, OPTIONAL,
            "Unix time after which it is not rolled back; 0: no end"),
    ROW_STRUCT(7, Plan, strategy, PlanStrategy, REQUIRED, &STRATEGY, "how it is rolled out"),
    ROW_STRUCTS(8, Plan, migrations, migration_count, PlanMigration, REQUIRED, 1,
                PLAN_MIGRATIONS_MAX, &MIGRATION, "the whole history up to `to`, in order"),
    ROW_STRUCT(9, Plan, adoption, PlanTool, OPTIONAL, &TOOL,
               "takes over another tool's history instead of running anything"),
    ROW_ENUM(10, Plan, out_of_order, OPTIONAL, HISTORY_RULE_COUNT_, history_word,
             "a migration that is absent below an applied one"),
    ROW_ENUM(11, Plan, missing, OPTIONAL, HISTORY_RULE_COUNT_, history_word,
             "one that is applied and not in the plan"),
    ROW_STRUCT(12, Plan, mirrored, PlanTool, OPTIONAL, &TOOL,
               "told of each step, and asked before the first whether it agrees"),
    ROW_STRUCTS(13, Plan, ties, tie_count, PlanTool, OPTIONAL | FIELD_SINCE(2), 0, PLAN_TIES_MAX,
                &TOOL,
                "of others, the one that a target's history is shared with is asked whether it has "
                "gone on; `query` is what follows \"WITH v (id, version) AS (…)\""),
    ROW_BOOL(14, Plan, ends_ties, OPTIONAL | FIELD_SINCE(2), "from now on none of these is asked"),
    ROW_ENUM(15, Plan, changed, OPTIONAL | FIELD_SINCE(2), HISTORY_RULE_COUNT_, history_word,
             "one that is to be taken over, and that the tool applied as another file"),
};
const FieldTable PLAN_TABLE = FIELD_TABLE("plan", Plan, PLAN_FIELDS);

uint32_t plan_needs(const Plan *plan)
{
    return wire_needs(&PLAN_TABLE, plan);
}

static ErrCode encode(const Plan *plan, Str *out, Err *err)
{
    ErrCode code = wire_encode(&PLAN_TABLE, WIRE_NEWEST, plan, out, err);
    if (code == ERR_NONE && out->length > PLAN_CANONICAL_MAX) {
        code = err_set(err, ERR_LIMIT, "plan: %zu bytes, at most %d allowed", out->length,
                       PLAN_CANONICAL_MAX);
    }
    return code;
}

ErrCode plan_encode(const Plan *plan, Arena *arena, Bytes *ret_canonical, Err *err)
{
    AUTO(Str) out = { 0 };
    ErrCode code = encode(plan, &out, err);
    if (code == ERR_NONE) {
        code = plan_check(plan, err);
    }
    if (code == ERR_NONE) {
        *ret_canonical = (Bytes){ arena_memdup(arena, out.data, out.length), out.length };
    }
    return code;
}

/* One plan has one hash: another spelling of the same fields is not it. */
static ErrCode canonical_check(const Plan *plan, Bytes canonical, Err *err)
{
    AUTO(Str) again = { 0 };
    ErrCode code = encode(plan, &again, err);
    if (code == ERR_NONE && (again.length != canonical.length ||
                             memcmp(again.data, canonical.data, canonical.length) != 0)) {
        code = err_set(err, ERR_PROTOCOL, "plan: not in canonical form");
    }
    return code;
}

ErrCode plan_decode(Bytes canonical, Arena *arena, Plan **ret_plan, Err *err)
{
    if (canonical.length > PLAN_CANONICAL_MAX) {
        return err_set(err, ERR_LIMIT, "plan: %zu bytes, at most %d allowed", canonical.length,
                       PLAN_CANONICAL_MAX);
    }
    void *plan = NULL;
    const WireReader reader = { WIRE_NEWEST, WIRE_REFUSE_UNKNOWN };
    ErrCode code = wire_decode(&PLAN_TABLE, canonical, reader, arena, &plan, err);
    if (code == ERR_NONE) {
        code = canonical_check(plan, canonical, err);
    }
    if (code == ERR_NONE) {
        code = plan_check(plan, err);
    }
    if (code == ERR_NONE) {
        *ret_plan = plan;
    }
    return code;
}
