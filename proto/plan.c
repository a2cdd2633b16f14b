/*
 * Plans as values: names, defaults, amounts, and what must hold between a plan's fields. Pure: the
 * engine and the agent's core use it without the codec.
 */
#include <string.h>

#include "common/cleanup.h"
#include "common/map.h"
#include "common/str.h"
#include "proto/bundle.h"
#include "proto/select.h"

static const char *const ON_FAILURE_NAMES[] = {
    [ON_FAILURE_NONE] = "none",
    [ON_FAILURE_PAUSE] = "pause",
    [ON_FAILURE_ROLL_BACK_TARGET] = "roll_back_target",
    [ON_FAILURE_ROLL_BACK_WAVE] = "roll_back_wave",
    [ON_FAILURE_ROLL_BACK_ROLLOUT] = "roll_back_rollout",
};
_Static_assert(ARRAY_LEN(ON_FAILURE_NAMES) == ON_FAILURE_COUNT_, "a name per policy");

static const char *const ON_AGENT_LOST_NAMES[] = {
    [ON_AGENT_LOST_NONE] = "none",
    [ON_AGENT_LOST_WAIT] = "wait",
    [ON_AGENT_LOST_PAUSE] = "pause",
    [ON_AGENT_LOST_ROLL_BACK_WAVE] = "roll_back_wave",
    [ON_AGENT_LOST_ROLL_BACK_ROLLOUT] = "roll_back_rollout",
};
_Static_assert(ARRAY_LEN(ON_AGENT_LOST_NAMES) == ON_AGENT_LOST_COUNT_, "a name per policy");

static const char *const HISTORY_RULE_NAMES[] = {
    [HISTORY_REFUSE] = "refuse",
    [HISTORY_APPLY] = "apply",
    [HISTORY_IGNORE] = "ignore",
};
_Static_assert(ARRAY_LEN(HISTORY_RULE_NAMES) == HISTORY_RULE_COUNT_, "a name per rule");

static const char *const PROBE_NAMES[] = {
    [PROBE_NONE] = "none",
    [PROBE_INDEX_VALID] = "index_valid",
    [PROBE_INDEX_ABSENT] = "index_absent",
    [PROBE_ENUM_LABEL] = "enum_label",
    [PROBE_PARTITION_DETACHED] = "partition_detached",
    [PROBE_REPEATABLE] = "repeatable",
    [PROBE_REINDEXED] = "reindexed",
    [PROBE_NAMED_PRESENT] = "named_present",
    [PROBE_NAMED_ABSENT] = "named_absent",
};
_Static_assert(ARRAY_LEN(PROBE_NAMES) == PROBE_COUNT_, "a name per probe");

const char *on_failure_name(OnFailure value)
{
    return (unsigned)value < ON_FAILURE_COUNT_ ? ON_FAILURE_NAMES[value] : "invalid";
}

const char *on_agent_lost_name(OnAgentLost value)
{
    return (unsigned)value < ON_AGENT_LOST_COUNT_ ? ON_AGENT_LOST_NAMES[value] : "invalid";
}

const char *history_rule_name(HistoryRule value)
{
    return (unsigned)value < HISTORY_RULE_COUNT_ ? HISTORY_RULE_NAMES[value] : "invalid";
}

const char *probe_kind_name(ProbeKind kind)
{
    return (unsigned)kind < PROBE_COUNT_ ? PROBE_NAMES[kind] : "invalid";
}

void plan_strategy_defaults(PlanStrategy *ret_strategy)
{
    static PlanWave all[] = { { .name = "all", .targets = { .value = 100, .is_percent = true } } };
    *ret_strategy = (PlanStrategy){
        .waves = all,
        .wave_count = ARRAY_LEN(all),
        .max_parallel = 50,
        .max_parallel_per_host = 4,
        .max_parallel_per_database = 1,
        .max_failures = { .value = 0 },
        .on_failure = ON_FAILURE_PAUSE,
        .on_agent_lost = ON_AGENT_LOST_PAUSE,
        .agent_lost_after_ms = 120 * 1000,
        .lock_timeout_ms = 2 * 1000,
        .statement_timeout_ms = 15 * 60 * 1000,
        .concurrent_timeout_ms = 2 * 60 * 60 * 1000,
        .target_timeout_ms = 30 * 60 * 1000,
        .watchdog = { .blocked_sessions = 5, .for_ms = 1000 },
    };
}

PlanWatchdog plan_watchdog(const PlanStrategy *strategy, const PlanScript *script)
{
    return script->has_watchdog ? script->watchdog : strategy->watchdog;
}

uint32_t plan_lock_timeout_ms(const PlanStrategy *strategy, const PlanScript *script)
{
    return script->lock_timeout_ms != 0 ? script->lock_timeout_ms : strategy->lock_timeout_ms;
}

static uint32_t amount_of(Amount amount, uint32_t total, uint64_t round_up_by)
{
    uint64_t value = amount.value;
    if (amount.is_percent) {
        value = (value * total + round_up_by) / 100;
    }
    return value < total ? (uint32_t)value : total;
}

uint32_t amount_round_up(Amount amount, uint32_t total)
{
    return amount_of(amount, total, 99);
}

uint32_t amount_round_down(Amount amount, uint32_t total)
{
    return amount_of(amount, total, 0);
}

long plan_find(const Plan *plan, const char *migration_id)
{
    for (size_t i = 0; i < plan->migration_count; i++) {
        if (strcmp(plan->migrations[i].id, migration_id) == 0) {
            return (long)i;
        }
    }
    return -1;
}

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

bool plan_is_adoption(const Plan *plan)
{
    return !is_empty(plan->adoption.tool);
}

const PlanTool *plan_tool(const Plan *plan)
{
    if (plan_is_adoption(plan)) {
        return &plan->adoption;
    }
    return is_empty(plan->mirrored.tool) ? NULL : &plan->mirrored;
}

size_t plan_repeat_stem(const char *id)
{
    const char *sign = strrchr(id, PLAN_REPEAT_SIGN);
    return sign == NULL ? 0 : (size_t)(sign - id) + 1;
}

const PlanMigration *plan_repeated(const Plan *plan, const char *id)
{
    size_t stem = plan_repeat_stem(id);
    for (size_t i = 0; stem > 0 && i < plan->migration_count; i++) {
        const PlanMigration *migration = &plan->migrations[i];
        if (migration->is_repeatable && plan_repeat_stem(migration->id) == stem &&
            strncmp(migration->id, id, stem) == 0) {
            return migration;
        }
    }
    return NULL;
}

bool plan_is_unread(const PlanMigration *migration)
{
    return !is_empty(migration->unread);
}

bool plan_is_same_content(const PlanMigration *migration, const char *checksum)
{
    char now[2 * CHECKSUM_BYTES + 1] = "";
    bool was_unread = checksum[strspn(checksum, "0")] == '\0';
    hex_encode(migration->checksum.data, migration->checksum.length, now);
    return was_unread || plan_is_unread(migration) || str_equal(now, checksum);
}

bool plan_is_new_name_of(const PlanMigration *migration, const char *checksum)
{
    bool has_content = checksum[strspn(checksum, "0")] != '\0' && !plan_is_unread(migration);
    return has_content && !migration->is_repeatable && migration->up.count > 0 &&
           plan_is_same_content(migration, checksum);
}

static bool is_same_fingerprint(Bytes a, size_t a_index, Bytes b, size_t b_index)
{
    return memcmp(a.data + a_index * FINGERPRINT_BYTES, b.data + b_index * FINGERPRINT_BYTES,
                  FINGERPRINT_BYTES) == 0;
}

/* What is the same at the beginning and at the end; what is left in the middle has changed. */
PlanChange plan_change(const PlanMigration *migration, Bytes applied)
{
    Bytes now = migration->fingerprints;
    size_t now_count = now.length / FINGERPRINT_BYTES;
    size_t then_count = applied.length / FINGERPRINT_BYTES;
    if (now_count == 0 || then_count == 0) {
        return (PlanChange){ 0 };
    }
    size_t least = now_count < then_count ? now_count : then_count;
    size_t head = 0;
    while (head < least && is_same_fingerprint(now, head, applied, head)) {
        head++;
    }
    size_t tail = 0;
    while (tail < least - head &&
           is_same_fingerprint(now, now_count - tail - 1, applied, then_count - tail - 1)) {
        tail++;
    }
    uint32_t other = 0;
    for (size_t i = head; now_count == then_count && i < now_count - tail; i++) {
        other += !is_same_fingerprint(now, i, applied, i);
    }
    return (PlanChange){
        .is_known = true,
        .first = (uint32_t)head,
        .gone = (uint32_t)(then_count - head - tail),
        .come = (uint32_t)(now_count - head - tail),
        .other = other,
    };
}

/* "statement 3 (ALTER TABLE, line 12)", "statements 3 to 5 (ALTER TABLE …, from line 12)". */
static void statements_write(const PlanScript *script, uint32_t first, uint32_t count, Str *out)
{
    const PlanStatement *statement = first < script->count ? &script->statements[first] : NULL;
    str_printf(out, count == 1 ? "statement %u" : "statements %u to %u", first + 1, first + count);
    if (statement != NULL) {
        str_printf(out, count == 1 ? " (%s, line %u)" : " (%s …, from line %u)", statement->kind,
                   statement->line);
    }
}

/* As many as there were, from the first that is another one to the last. */
static void others_write(const PlanScript *script, PlanChange change, Str *out)
{
    if (change.other == 2 && change.come > 2) {
        statements_write(script, change.first, 1, out);
        str_append(out, " and ");
        statements_write(script, change.first + change.come - 1, 1, out);
    } else {
        if (change.other < change.come) {
            str_printf(out, "%u of ", change.other);
        }
        statements_write(script, change.first, change.come, out);
    }
    str_append(out, change.come == 1 ? " is another one" : " are others");
}

void plan_change_write(const PlanMigration *migration, PlanChange change, Str *out)
{
    const PlanScript *up = &migration->up;
    if (!change.is_known) {
        return;
    }
    if (change.gone == 0 && change.come == 0) {
        str_append(out, "its statements are the same, but not its transactions");
    } else if (change.come == 0) {
        str_printf(out, change.gone == 1 ? "a statement is gone" : "%u statements are gone",
                   change.gone);
        str_printf(out, change.first == 0 ? " from its beginning" : " after statement %u",
                   change.first);
    } else if (change.gone == change.come) {
        others_write(up, change, out);
    } else {
        statements_write(up, change.first, change.come, out);
        if (change.gone == 0) {
            str_append(out, change.come == 1 ? " was added" : " were added");
        } else {
            str_printf(out, " stand%s in place of %u", change.come == 1 ? "s" : "", change.gone);
        }
    }
}

size_t plan_part_count(const PlanScript *script)
{
    return script->part_count == 0 ? 1 : script->part_count;
}

/* The part after `before`; the first one has an empty part 0 before it. */
static PartView part_after(const PlanScript *script, PartView before, size_t index)
{
    if (script->part_count == 0) {
        return (PartView){ 0, script->count, script->is_transactional || script->count == 0 };
    }
    const PlanPart *part = &script->parts[index];
    return (PartView){ before.first + before.count, part->statement_count, part->is_transactional };
}

PartView plan_part_at(const PlanScript *script, size_t index)
{
    PartView view = { 0 };
    for (size_t i = 0; i <= index; i++) {
        view = part_after(script, view, i);
    }
    return view;
}

/* --- plan_check: each function returns what is wrong with its part, and where --- */

static const char *amount_unit(Amount amount)
{
    return amount.is_percent ? " %" : "";
}

static ErrCode amount_check(Amount amount, Err *err)
{
    if (amount.is_percent && amount.value > 100) {
        return err_set(err, ERR_SYNTAX, "%u %% is more than 100 %%", amount.value);
    }
    return ERR_NONE;
}

/*
 * Counts and percentages are compared only among themselves: the number of targets is not known
 * here.
 */
static ErrCode wave_amount_check(Amount amount, Amount *before, Err *err)
{
    if (amount.value == 0) {
        return err_set(err, ERR_SYNTAX, "must be at least 1");
    }
    if (amount.value < before->value) {
        return err_set(err, ERR_SYNTAX, "%u%s comes after %u%s: waves are cumulative", amount.value,
                       amount_unit(amount), before->value, amount_unit(*before));
    }
    *before = amount;
    return amount_check(amount, err);
}

static ErrCode waves_check(const PlanStrategy *strategy, Err *err)
{
    AUTO_PTR(Map) names = map_new();
    Amount before[2] = { { 0, false }, { 0, true } };
    for (size_t i = 0; i < strategy->wave_count; i++) {
        PlanWave *wave = &strategy->waves[i];
        ErrCode code = wave_amount_check(wave->targets, &before[wave->targets.is_percent], err);
        if (code != ERR_NONE) {
            err_wrap(err, "plan.strategy.waves[%zu].targets", i);
            return code;
        }
        if (map_put(names, wave->name, wave) != NULL) {
            return err_set(err, ERR_SYNTAX, "plan.strategy.waves[%zu].name: there are two \"%s\"",
                           i, wave->name);
        }
    }
    if (strategy->wave_count == 0 || before[true].value != 100 ||
        !strategy->waves[strategy->wave_count - 1].targets.is_percent) {
        return err_set(err, ERR_SYNTAX, "plan.strategy.waves: the last must reach 100 %%");
    }
    return ERR_NONE;
}

static ErrCode gates_check(const PlanStrategy *strategy, Err *err)
{
    for (size_t i = 0; i < strategy->gate_count; i++) {
        const char *fault = gate_fault(&strategy->gates[i]);
        if (fault != NULL) {
            return err_set(err, ERR_SYNTAX, "plan.strategy.gates[%zu]: %s", i, fault);
        }
    }
    return ERR_NONE;
}

static ErrCode strategy_check(const PlanStrategy *strategy, Err *err)
{
    const struct {
        const char *name;
        uint32_t value;
    } POSITIVE[] = {
        { "max_parallel", strategy->max_parallel },
        { "max_parallel_per_host", strategy->max_parallel_per_host },
        { "max_parallel_per_database", strategy->max_parallel_per_database },
        { "on_failure", strategy->on_failure },
        { "on_agent_lost", strategy->on_agent_lost },
        { "agent_lost_after_ms", strategy->agent_lost_after_ms },
        { "lock_timeout_ms", strategy->lock_timeout_ms },
        { "statement_timeout_ms", strategy->statement_timeout_ms },
        { "concurrent_timeout_ms", strategy->concurrent_timeout_ms },
        { "target_timeout_ms", strategy->target_timeout_ms },
    };
    for (size_t i = 0; i < ARRAY_LEN(POSITIVE); i++) {
        if (POSITIVE[i].value == 0) {
            return err_set(err, ERR_SYNTAX, "plan.strategy.%s: must be at least 1",
                           POSITIVE[i].name);
        }
    }
    ErrCode code = amount_check(strategy->max_failures, err);
    if (code != ERR_NONE) {
        err_wrap(err, "plan.strategy.max_failures");
        return code;
    }
    code = gates_check(strategy, err);
    return code == ERR_NONE ? waves_check(strategy, err) : code;
}

/* What is wrong with a statement's probe, or NULL. */
static const char *probe_fault(const PlanStatement *statement, bool is_transactional)
{
    if (statement->probe == PROBE_NONE) {
        return NULL;
    }
    if (is_transactional) {
        return "only a non-transactional statement has a probe";
    }
    bool has_object = statement->object != NULL && statement->object[0] != '\0';
    bool has_detail = statement->detail != NULL && statement->detail[0] != '\0';
    if (statement->probe != PROBE_REPEATABLE && statement->probe != PROBE_REINDEXED &&
        !has_object) {
        return "a probe without an object";
    }
    if (statement->probe == PROBE_ENUM_LABEL && !has_detail) {
        return "a probe for an enum's label without the label";
    }
    bool is_of_kind = statement->probe == PROBE_REINDEXED ||
                      statement->probe == PROBE_NAMED_PRESENT ||
                      statement->probe == PROBE_NAMED_ABSENT;
    return is_of_kind && !has_detail ? "a probe without the kind of its object" : NULL;
}

static const char *copy_fault(const PlanStatement *statement, bool is_transactional)
{
    if (statement->copy_data.length > 0 && !statement->is_copy) {
        return "data for a statement that is no COPY";
    }
    return statement->is_copy && !is_transactional ? "COPY with data outside a transaction" : NULL;
}

/* What is wrong with the list of parts itself, or NULL. */
static const char *parts_fault(const PlanScript *script)
{
    size_t sum = 0;
    for (size_t i = 0; i < script->part_count; i++) {
        if (script->parts[i].statement_count == 0) {
            return "a part without a statement";
        }
        sum += script->parts[i].statement_count;
    }
    if (script->part_count == 1) {
        return "one part alone is not written as a list";
    }
    if (script->part_count > 0 && script->is_transactional) {
        return "several parts are not one transaction";
    }
    return script->part_count > 0 && sum != script->count ? "they do not add up to the statements"
                                                          : NULL;
}

static ErrCode part_check(const PlanScript *script, PartView part, const char *path, Err *err)
{
    if (!part.is_transactional && part.count > 1) {
        return err_set(err, ERR_SYNTAX,
                       "%s.statements[%zu]: only one statement can be a part outside a transaction",
                       path, part.first + 1);
    }
    for (size_t i = part.first; i < part.first + part.count; i++) {
        const PlanStatement *statement = &script->statements[i];
        const char *fault = probe_fault(statement, part.is_transactional);
        fault = fault != NULL ? fault : copy_fault(statement, part.is_transactional);
        if (fault != NULL) {
            return err_set(err, ERR_SYNTAX, "%s.statements[%zu]: %s", path, i, fault);
        }
    }
    return ERR_NONE;
}

static ErrCode script_check(const PlanScript *script, size_t migration, const char *direction,
                            Err *err)
{
    char path[64];
    text_format(path, sizeof(path), "plan.migrations[%zu].%s", migration, direction);
    const char *fault = parts_fault(script);
    if (fault != NULL) {
        return err_set(err, ERR_SYNTAX, "%s.parts: %s", path, fault);
    }
    bool has_limit = script->watchdog.for_ms != 0 || script->watchdog.blocked_sessions != 0;
    if (has_limit && !script->has_watchdog) {
        return err_set(err, ERR_SYNTAX, "%s.watchdog: not said to be its own", path);
    }
    PartView part = { 0 };
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < plan_part_count(script) && code == ERR_NONE; i++) {
        part = part_after(script, part, i);
        code = part_check(script, part, path, err);
    }
    return code;
}

static ErrCode migration_check(const PlanMigration *migration, size_t index, Err *err)
{
    if (migration->is_irreversible && migration->down.count > 0) {
        return err_set(err, ERR_SYNTAX,
                       "plan.migrations[%zu].down: an irreversible migration has none", index);
    }
    if (migration->fingerprints.length % FINGERPRINT_BYTES != 0) {
        return err_set(err, ERR_SYNTAX, "plan.migrations[%zu].fingerprints: not %d bytes each",
                       index, FINGERPRINT_BYTES);
    }
    if (migration->is_repeatable && plan_repeat_stem(migration->id) <= 1) {
        return err_set(err, ERR_SYNTAX, "plan.migrations[%zu].id: a repeatable without a \"%c\"",
                       index, PLAN_REPEAT_SIGN);
    }
    if (plan_is_unread(migration) && migration->up.count > 0) {
        return err_set(err, ERR_SYNTAX, "plan.migrations[%zu].up: of an unread one it is not known",
                       index);
    }
    ErrCode code = script_check(&migration->up, index, "up", err);
    return code == ERR_NONE ? script_check(&migration->down, index, "down", err) : code;
}

static ErrCode migrations_check(const Plan *plan, Err *err)
{
    AUTO_PTR(Map) ids = map_new();
    for (size_t i = 0; i < plan->migration_count; i++) {
        PlanMigration *migration = &plan->migrations[i];
        if (map_put(ids, migration->id, migration) != NULL) {
            return err_set(err, ERR_SYNTAX, "plan.migrations[%zu].id: there are two \"%s\"", i,
                           migration->id);
        }
        ErrCode code = migration_check(migration, i, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    if (map_get(ids, plan->to) == NULL) {
        return err_set(err, ERR_SYNTAX, "plan.to: there is no migration \"%s\"", plan->to);
    }
    if (strcmp(plan->migrations[plan->migration_count - 1].id, plan->to) != 0) {
        return err_set(err, ERR_SYNTAX, "plan.to: \"%s\" is not the last migration", plan->to);
    }
    return ERR_NONE;
}

static ErrCode expiry_check(const Plan *plan, Err *err)
{
    if (plan->apply_until_s < 0 || plan->rollback_until_s < 0) {
        return err_set(err, ERR_SYNTAX, "plan.%s: before 1970",
                       plan->apply_until_s < 0 ? "apply_until_s" : "rollback_until_s");
    }
    if (plan->rollback_until_s > 0 &&
        (plan->apply_until_s == 0 || plan->apply_until_s > plan->rollback_until_s)) {
        return err_set(err, ERR_SYNTAX,
                       "plan.rollback_until_s: what may be applied must be possible to undo");
    }
    return ERR_NONE;
}

static ErrCode where_check(const Plan *plan, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Select *select = NULL;
    ErrCode code = select_parse(plan->where == NULL ? "" : plan->where, &arena, &select, err);
    if (code != ERR_NONE) {
        err_wrap(err, "plan.where");
    }
    return code;
}

static ErrCode adoption_check(const Plan *plan, Err *err)
{
    if (plan_is_adoption(plan) == is_empty(plan->adoption.query)) {
        return err_set(err, ERR_SYNTAX, "plan.adoption: a tool and a query go together");
    }
    if (is_empty(plan->mirrored.tool) != is_empty(plan->mirrored.query)) {
        return err_set(err, ERR_SYNTAX, "plan.mirrored: a tool and a query go together");
    }
    if (plan_is_adoption(plan) && !is_empty(plan->mirrored.tool)) {
        return err_set(err, ERR_SYNTAX, "plan.mirrored: a plan that adopts has nothing to tell");
    }
    for (size_t i = 0; i < plan->migration_count && plan_is_adoption(plan); i++) {
        if (plan->migrations[i].up.count + plan->migrations[i].down.count > 0) {
            return err_set(err, ERR_SYNTAX,
                           "plan.migrations[%zu]: a plan that adopts runs no statements", i);
        }
    }
    return ERR_NONE;
}

static ErrCode rules_check(const Plan *plan, Err *err)
{
    if (plan->missing == HISTORY_APPLY) {
        return err_set(err, ERR_SYNTAX, "plan.missing: what is not in the plan cannot be applied");
    }
    return plan->changed == HISTORY_APPLY
               ? err_set(err, ERR_SYNTAX, "plan.changed: what is taken over is applied already")
               : ERR_NONE;
}

ErrCode plan_check(const Plan *plan, Err *err)
{
    ErrCode (*const CHECKS[])(const Plan *, Err *) = {
        expiry_check, where_check, migrations_check, adoption_check, rules_check,
    };
    for (size_t i = 0; i < ARRAY_LEN(CHECKS); i++) {
        ErrCode code = CHECKS[i](plan, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return strategy_check(&plan->strategy, err);
}
