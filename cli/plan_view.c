/* A plan in words and as JSON. */
#include "cli/plan_view.h"

#include <string.h>

#include "cli/output.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/keyfile.h"
#include "common/units.h"

#define AMOUNT_TEXT_MAX 32

static const char *amount_text(Amount amount, char ret_text[AMOUNT_TEXT_MAX])
{
    text_format(ret_text, AMOUNT_TEXT_MAX, amount.is_percent ? "%u%%" : "%u", amount.value);
    return ret_text;
}

/* ---- as JSON ---- */

/* Why each part outside of a transaction is there; NULL: whoever wrote the bundle knew. */
static const char *const *reasons_of(const PlanAtHand *at_hand, const PlanScript *script)
{
    const ScriptOrigin *origin = at_hand->set == NULL ? NULL : source_origin(at_hand->set, script);
    return origin == NULL ? NULL : origin->reasons;
}

static void script_json(JsonOut *json, const char *key, const PlanAtHand *at_hand,
                        const PlanScript *script)
{
    const char *const *reasons = reasons_of(at_hand, script);
    json_out_object_begin(json, key);
    json_out_bool(json, "is_transactional", script->is_transactional);
    json_out_array_begin(json, "parts");
    for (size_t i = 0; i < plan_part_count(script); i++) {
        PartView part = plan_part_at(script, i);
        json_out_object_begin(json, NULL);
        json_out_unsigned(json, "statements", part.count);
        json_out_bool(json, "is_transactional", part.is_transactional);
        json_out_string(json, "reason", reasons == NULL ? NULL : reasons[i]);
        json_out_object_end(json);
    }
    json_out_array_end(json);
    json_out_array_begin(json, "statements");
    for (size_t i = 0; i < script->count; i++) {
        json_out_object_begin(json, NULL);
        json_out_string(json, "kind", script->statements[i].kind);
        json_out_unsigned(json, "line", script->statements[i].line);
        json_out_object_end(json);
    }
    json_out_array_end(json);
    json_out_object_end(json);
}

static void migration_json(JsonOut *json, const PlanAtHand *at_hand, const PlanMigration *migration)
{
    char checksum[2 * CHECKSUM_BYTES + 1];
    hex_encode(migration->checksum.data, CHECKSUM_BYTES, checksum);
    json_out_object_begin(json, NULL);
    json_out_string(json, "id", migration->id);
    json_out_string(json, "version", migration->version);
    json_out_string(json, "name", migration->name);
    json_out_string(json, "checksum", checksum);
    json_out_bool(json, "is_irreversible", migration->is_irreversible);
    json_out_bool(json, "is_repeatable", migration->is_repeatable);
    json_out_string(json, "unread", plan_is_unread(migration) ? migration->unread : NULL);
    script_json(json, "up", at_hand, &migration->up);
    script_json(json, "down", at_hand, &migration->down);
    json_out_object_end(json);
}

static void waves_json(JsonOut *json, const PlanStrategy *strategy)
{
    char amount[AMOUNT_TEXT_MAX];
    json_out_array_begin(json, "waves");
    for (size_t i = 0; i < strategy->wave_count; i++) {
        const PlanWave *wave = &strategy->waves[i];
        json_out_object_begin(json, NULL);
        json_out_string(json, "name", wave->name);
        json_out_string(json, "targets", amount_text(wave->targets, amount));
        json_out_unsigned(json, "soak_ms", wave->soak_ms);
        json_out_bool(json, "needs_approval", wave->needs_approval);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

static void gates_json(JsonOut *json, const PlanStrategy *strategy)
{
    json_out_array_begin(json, "gates");
    for (size_t i = 0; i < strategy->gate_count; i++) {
        const PlanGate *gate = &strategy->gates[i];
        AUTO(Str) limit = { 0 };
        gate_limit_write(gate, &limit);
        json_out_object_begin(json, NULL);
        json_out_string(json, "kind", gate_kind_name((GateKind)gate->kind));
        json_out_string(json, "metric", gate_metric_name(gate));
        json_out_string(json, gate_bound_name(gate), str_text(&limit));
        json_out_unsigned(json, "failures", gate->failures);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

static void limits_json(JsonOut *json, const PlanStrategy *strategy)
{
    char amount[AMOUNT_TEXT_MAX];
    json_out_object_begin(json, "limits");
    json_out_unsigned(json, "max_parallel", strategy->max_parallel);
    json_out_unsigned(json, "max_parallel_per_host", strategy->max_parallel_per_host);
    json_out_unsigned(json, "max_parallel_per_database", strategy->max_parallel_per_database);
    json_out_string(json, "max_failures", amount_text(strategy->max_failures, amount));
    json_out_bool(json, "is_strict", strategy->is_strict);
    json_out_bool(json, "allow_irreversible", strategy->allow_irreversible);
    json_out_bool(json, "approved_by_another", strategy->approved_by_another);
    json_out_string(json, "on_failure", on_failure_name((OnFailure)strategy->on_failure));
    json_out_string(json, "on_agent_lost",
                    on_agent_lost_name((OnAgentLost)strategy->on_agent_lost));
    json_out_unsigned(json, "agent_lost_after_ms", strategy->agent_lost_after_ms);
    json_out_unsigned(json, "lock_timeout_ms", strategy->lock_timeout_ms);
    json_out_unsigned(json, "statement_timeout_ms", strategy->statement_timeout_ms);
    json_out_unsigned(json, "concurrent_timeout_ms", strategy->concurrent_timeout_ms);
    json_out_unsigned(json, "target_timeout_ms", strategy->target_timeout_ms);
    json_out_object_begin(json, "watchdog");
    json_out_unsigned(json, "blocked_sessions", strategy->watchdog.blocked_sessions);
    json_out_unsigned(json, "for_ms", strategy->watchdog.for_ms);
    json_out_object_end(json);
    json_out_object_end(json);
}

static void notes_json(JsonOut *json, const PlanAtHand *at_hand)
{
    json_out_array_begin(json, "notes");
    for (size_t i = 0; i < at_hand->note_count; i++) {
        json_out_object_begin(json, NULL);
        json_out_string(json, "level", source_note_level_name(at_hand->notes[i].level));
        json_out_string(json, "text", at_hand->notes[i].text);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

/* As the API shows them. */
static void signers_json(const Bundle *bundle, JsonOut *json)
{
    json_out_array_begin(json, "signers");
    for (size_t i = 0; i < bundle->signature_count; i++) {
        const uint8_t *key = bundle->signatures[i].public_key;
        char public_key[KEY_TEXT_MAX];
        char fingerprint[KEY_FINGERPRINT_MAX];
        key_format(KEY_SIGN, key, public_key);
        key_fingerprint(KEY_SIGN, key, fingerprint);
        json_out_object_begin(json, NULL);
        json_out_string(json, "fingerprint", fingerprint);
        json_out_string(json, "public_key", public_key);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

/* null: no end. */
static void until_json(JsonOut *json, const char *key, int64_t until_s)
{
    char text[UTC_TEXT_MAX];
    utc_format_s(until_s, text);
    json_out_string(json, key, until_s == 0 ? NULL : text);
}

/* Whose table is told of each step; null: nobody's. */
static void mirror_json(JsonOut *json, const Plan *plan)
{
    if (plan->mirrored.tool == NULL || plan->mirrored.tool[0] == '\0') {
        json_out_null(json, "mirrors");
        return;
    }
    json_out_object_begin(json, "mirrors");
    json_out_string(json, "tool", plan->mirrored.tool);
    json_out_string(json, "table", plan->mirrored.table);
    json_out_object_end(json);
}

void plan_json(const PlanAtHand *at_hand, JsonOut *json)
{
    const Plan *plan = at_hand->plan;
    char hash[2 * PLAN_HASH_BYTES + 1];
    hex_encode(at_hand->bundle.hash, PLAN_HASH_BYTES, hash);
    json_out_string(json, "name", plan->name);
    json_out_string(json, "hash", hash);
    json_out_string(json, "to", plan->to);
    json_out_string(json, "where", plan->where);
    until_json(json, "apply_until", plan->apply_until_s);
    until_json(json, "rollback_until", plan->rollback_until_s);
    json_out_string(json, "adopts_from", plan_is_adoption(plan) ? plan->adoption.tool : NULL);
    mirror_json(json, plan);
    json_out_string(json, "out_of_order", history_rule_name((HistoryRule)plan->out_of_order));
    json_out_string(json, "missing", history_rule_name((HistoryRule)plan->missing));
    json_out_string(json, "changed", history_rule_name((HistoryRule)plan->changed));
    signers_json(&at_hand->bundle, json);
    waves_json(json, &plan->strategy);
    gates_json(json, &plan->strategy);
    limits_json(json, &plan->strategy);
    json_out_array_begin(json, "migrations");
    for (size_t i = 0; i < plan->migration_count; i++) {
        migration_json(json, at_hand, &plan->migrations[i]);
    }
    json_out_array_end(json);
    notes_json(json, at_hand);
}

/* ---- for people ---- */

static void kinds_text(const PlanScript *script, Str *out)
{
    for (size_t i = 0; i < script->count; i++) {
        size_t same = 1;
        while (i + same < script->count &&
               strcmp(script->statements[i + same].kind, script->statements[i].kind) == 0) {
            same++;
        }
        str_printf(out, "%s%s", out->length == 0 ? "" : ", ", script->statements[i].kind);
        if (same > 1) {
            str_printf(out, " ×%zu", same);
        }
        i += same - 1;
    }
}

/* "one transaction", "outside a transaction", "3 parts, 1 of them outside a transaction". */
static void mode_text(const PlanScript *script, Str *out)
{
    size_t count = plan_part_count(script);
    size_t outside = 0;
    for (size_t i = 0; i < count; i++) {
        outside += !plan_part_at(script, i).is_transactional;
    }
    if (count == 1) {
        str_append(out, outside == 0 ? "one transaction" : "outside a transaction");
    } else if (outside == 0 || outside == count) {
        str_printf(out, "%zu %s", count,
                   outside == 0 ? "transactions" : "statements outside a transaction");
    } else {
        str_printf(out, "%zu parts, %zu outside a transaction", count, outside);
    }
}

static void migrations_text(const Plan *plan, Str *out)
{
    AUTO_PTR(Table) table = table_new(4, NULL);
    for (size_t i = 0; i < plan->migration_count; i++) {
        const PlanMigration *migration = &plan->migrations[i];
        AUTO(Str) kinds = { 0 };
        kinds_text(&migration->up, &kinds);
        AUTO(Str) mode = { 0 };
        mode_text(&migration->up, &mode);
        table_cellf(table, COLOUR_BOLD, "  %s", migration->id);
        table_cell(table, migration->up.is_transactional ? COLOUR_DIM : COLOUR_WARN,
                   plan_is_adoption(plan) ? "" : str_text(&mode));
        table_cell(table, COLOUR_WARN,
                   migration->is_irreversible ? "cannot be undone"
                   : migration->is_repeatable ? "again when it changes"
                                              : "");
        if (plan_is_adoption(plan)) {
            table_cell(table, COLOUR_NONE, "");
            continue;
        }
        bool is_empty = kinds.length == 0;
        table_cell(table, is_empty ? COLOUR_WARN : COLOUR_NONE,
                   plan_is_unread(migration) ? "not known: never run"
                   : is_empty                ? "no statements"
                                             : str_text(&kinds));
    }
    table_print(table, out);
}

static void waves_text(const PlanStrategy *strategy, Str *out)
{
    AUTO_PTR(Table) table = table_new(4, NULL);
    char amount[AMOUNT_TEXT_MAX];
    char soak[DURATION_TEXT_MAX];
    const char *approval = strategy->approved_by_another
                               ? "opens only when somebody else than its starter approves"
                               : "opens only when approved";
    for (size_t i = 0; i < strategy->wave_count; i++) {
        const PlanWave *wave = &strategy->waves[i];
        duration_format(wave->soak_ms, soak);
        table_cellf(table, COLOUR_BOLD, "  %s", wave->name);
        const char *unit = wave->targets.is_percent   ? " of the targets"
                           : wave->targets.value == 1 ? " target"
                                                      : " targets";
        table_cellf(table, COLOUR_NONE, "up to %s%s", amount_text(wave->targets, amount), unit);
        table_cellf(table, COLOUR_NONE, wave->soak_ms == 0 ? "no soak" : "soak %s", soak);
        table_cell(table, COLOUR_WARN, wave->needs_approval ? approval : "");
    }
    table_print(table, out);
}

static void gates_text(const PlanStrategy *strategy, Str *out)
{
    for (size_t i = 0; i < strategy->gate_count; i++) {
        const PlanGate *gate = &strategy->gates[i];
        str_append(out, i == 0 ? "gates:\n  " : "  ");
        gate_write(gate, out);
        if (gate->failures == 1) {
            str_append(out, "; one sample beyond it fails\n");
        } else {
            str_printf(out, "; %u samples in a row beyond it fail\n", gate->failures);
        }
    }
}

/* "applied until 2026-12-01T18:00:00Z (3d from now)". */
static void until_text(const char *what, int64_t until_s, Str *out)
{
    char until[UTC_TEXT_MAX];
    char left[DURATION_TEXT_MAX];
    int64_t left_s = until_s - clock_wall_s();
    utc_format_s(until_s, until);
    duration_format((uint64_t)(left_s < 0 ? -left_s : left_s) * 1000, left);
    str_printf(out, "%s until %s (", what, until);
    if (left_s < 0) {
        output_colour(out, COLOUR_WARN, "over since ");
        output_colour(out, COLOUR_WARN, left);
    } else {
        str_printf(out, "%s from now", left);
    }
    str_append_char(out, ')');
}

/* What has no end is said as loudly as an end: whoever signs it lets it run again and again. */
static void times_text(const PlanAtHand *at_hand, Str *out)
{
    const Plan *plan = at_hand->plan;
    str_append(out, "times: ");
    if (plan->apply_until_s == 0) {
        output_colour(out, COLOUR_WARN, "no end");
        str_append(out, ": whoever holds the coordinator may have it applied again at any time "
                        "(--apply-until gives it one)\n");
        return;
    }
    until_text("applied", plan->apply_until_s, out);
    if (at_hand->is_time_unsaid) {
        str_append(out, ", since nobody says otherwise");
    }
    if (plan->rollback_until_s != 0) {
        until_text("; rolled back", plan->rollback_until_s, out);
    }
    str_append(out, "; by the clocks of the agents\n");
}

static size_t count_irreversible(const Plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->migration_count; i++) {
        count += plan->migrations[i].is_irreversible;
    }
    return count;
}

/* What the plan makes of the histories that it finds, its own and another tool's. */
static void histories_text(const Plan *plan, Str *out)
{
    if (plan->out_of_order != HISTORY_REFUSE || plan->missing != HISTORY_REFUSE) {
        str_printf(out, "histories: out of order: %s; not in the directory: %s\n",
                   history_rule_name((HistoryRule)plan->out_of_order),
                   history_rule_name((HistoryRule)plan->missing));
    }
    if (plan_is_adoption(plan)) {
        str_printf(out, "adopts what %s has applied%s; runs nothing. migrations: %zu\n",
                   plan->adoption.tool,
                   plan->changed == HISTORY_IGNORE ? ", also as another file" : "",
                   plan->migration_count);
        return;
    }
    const PlanTool *tool = plan_tool(plan);
    if (tool != NULL) {
        str_printf(out, "mirrors: each migration is written into %s's table %s, too\n", tool->tool,
                   tool->table == NULL ? "" : tool->table);
    }
    str_printf(out, "migrations: %zu\n", plan->migration_count);
}

void plan_text(const PlanAtHand *at_hand, Str *out)
{
    const Plan *plan = at_hand->plan;
    const PlanStrategy *strategy = &plan->strategy;
    char hash[2 * PLAN_HASH_BYTES + 1];
    char amount[AMOUNT_TEXT_MAX];
    hex_encode(at_hand->bundle.hash, PLAN_HASH_BYTES, hash);
    output_colour(out, COLOUR_BOLD, plan->name);
    str_printf(out, ": to %s, plan %.12s\n", plan->to, hash);
    if (at_hand->bundle.signature_count > 0) {
        str_append(out, "signed by: ");
        bundle_write_signers(&at_hand->bundle, 0, out);
        str_append_char(out, '\n');
    }
    str_printf(out, "targets: %s\n", plan->where[0] == '\0' ? "all of the fleet" : plan->where);
    times_text(at_hand, out);
    str_append(out, "waves:\n");
    waves_text(strategy, out);
    gates_text(strategy, out);
    str_printf(out,
               "at once: %u in all, %u per host, %u per database\n"
               "budget: %s failed targets; beyond that: %s; an agent lost: %s\n",
               strategy->max_parallel, strategy->max_parallel_per_host,
               strategy->max_parallel_per_database, amount_text(strategy->max_failures, amount),
               on_failure_name((OnFailure)strategy->on_failure),
               on_agent_lost_name((OnAgentLost)strategy->on_agent_lost));
    histories_text(plan, out);
    migrations_text(plan, out);
    size_t irreversible = count_irreversible(plan);
    if (irreversible > 0) {
        str_printf(out,
                   "%zu of them cannot be undone: where one of those is newly applied there is no "
                   "way back, "
                   "and the first wave needs an approval\n",
                   irreversible);
    }
    for (size_t i = 0; i < at_hand->note_count; i++) {
        const SourceNote *note = &at_hand->notes[i];
        bool is_warning = note->level == SOURCE_NOTE_WARNING;
        output_colour(out, is_warning ? COLOUR_WARN : COLOUR_DIM,
                      source_note_level_name(note->level));
        str_printf(out, ": %s\n", note->text);
    }
}
