/* Rows to JSON, field by field in the order of docs/api.md. */
#include "coordinator/http/views.h"

#include "common/clock.h"
#include "common/keyfile.h"
#include "common/str.h"
#include "coordinator/http/api.h"
#include "proto/address.h"

#define ALL_WAVES UINT32_MAX
#define PERCENT_UNKNOWN 255

/* ---- values ---- */

void view_time(JsonOut *json, const char *key, int64_t wall_ms)
{
    char text[UTC_TEXT_MAX];
    if (wall_ms == 0) {
        json_out_null(json, key);
        return;
    }
    utc_format(wall_ms, text);
    json_out_string(json, key, text);
}

void view_text(JsonOut *json, const char *key, const char *text)
{
    json_out_string(json, key, text[0] == '\0' ? NULL : text);
}

static void view_labels(JsonOut *json, const char *key, const Labels *labels)
{
    json_out_object_begin(json, key);
    for (size_t i = 0; i < labels->count; i++) {
        json_out_string(json, labels->items[i].name, labels->items[i].value);
    }
    json_out_object_end(json);
}

static void view_counts(JsonOut *json, const char *key, const TargetCounts *counts)
{
    json_out_object_begin(json, key);
    for (unsigned state = 1; state < TARGET_STATE_COUNT_; state++) {
        json_out_unsigned(json, target_state_name((TargetState)state), counts->by_state[state]);
    }
    json_out_object_end(json);
}

/* Of a rollout that was found in the fleet nobody knows it before a database has named it. */
static void view_plan(JsonOut *json, const char *key, const RolloutRow *rollout)
{
    static const uint8_t NOT_KNOWN[PLAN_HASH_BYTES];
    bool is_known = memcmp(rollout->plan_hash, NOT_KNOWN, PLAN_HASH_BYTES) != 0;
    char text[2 * PLAN_HASH_BYTES + 1];
    hex_encode(rollout->plan_hash, PLAN_HASH_BYTES, text);
    json_out_string(json, key, is_known ? text : NULL);
}

/* ---- rollouts ---- */

static void view_wave(JsonOut *json, const Engine *engine, const WaveRow *wave,
                      const PlanFacts *facts, uint64_t now_ms)
{
    TargetCounts counts = { 0 };
    engine_count(engine, wave->rollout, wave->index, &counts);
    json_out_object_begin(json, NULL);
    json_out_string(json, "name", wave->name);
    json_out_unsigned(json, "index", wave->index);
    json_out_string(json, "state", wave_state_name(wave->state));
    json_out_unsigned(json, "total", wave->target_count);
    json_out_unsigned(json, "soak_ms", wave->soak_ms);
    json_out_unsigned(json, "soak_left_ms",
                      engine_soak_left_ms(engine, wave->rollout, wave->index, now_ms));
    json_out_bool(json, "needs_approval",
                  facts != NULL && wave->index < facts->wave_count &&
                      facts->needs_approval[wave->index]);
    view_text(json, "approved_by", wave->approved_by);
    view_time(json, "opened_at", wave->opened_at_ms);
    view_time(json, "changed_at", wave->changed_at_ms);
    view_counts(json, "counts", &counts);
    json_out_object_end(json);
}

/* ---- gates ---- */

/* Of a large fleet the servers that do not pass come first, and the others are counted. */
#define SERVERS_SHOWN_MAX 50

static void view_thousandths(JsonOut *json, const char *key, bool has_value, uint64_t value)
{
    if (has_value) {
        json_out_number(json, key, (double)value / METRIC_SCALE);
    } else {
        json_out_null(json, key);
    }
}

static void view_gate_server(JsonOut *json, const PlanGate *gate, const GateFinding *finding)
{
    AUTO(Str) reason = { 0 };
    gate_reason_write(gate, finding, &reason);
    json_out_object_begin(json, NULL);
    json_out_string(json, "instance", finding->instance);
    json_out_string(json, "agent", finding->agent);
    json_out_string(json, "verdict", gate_verdict_name(finding->verdict));
    json_out_string(json, "reason", str_text(&reason));
    view_thousandths(json, "value", finding->has_value, finding->value);
    view_thousandths(json, "limit", finding->has_limit, finding->limit);
    view_thousandths(json, "baseline", finding->has_baseline, finding->baseline);
    json_out_unsigned(json, "in_a_row", finding->in_a_row);
    json_out_object_end(json);
}

static void view_gate(JsonOut *json, const GateView *view)
{
    AUTO(Str) limit = { 0 };
    gate_limit_write(view->gate, &limit);
    json_out_object_begin(json, NULL);
    json_out_string(json, "kind", gate_kind_name((GateKind)view->gate->kind));
    json_out_string(json, "metric", gate_metric_name(view->gate));
    json_out_string(json, gate_bound_name(view->gate), str_text(&limit));
    json_out_unsigned(json, "failures", view->gate->failures);
    json_out_string(json, "verdict", gate_verdict_name(view->verdict));
    json_out_object_begin(json, "counts");
    for (unsigned verdict = GATE_PASS; verdict < GATE_VERDICT_COUNT_; verdict++) {
        json_out_unsigned(json, gate_verdict_name((GateVerdict)verdict), view->counts[verdict]);
    }
    json_out_object_end(json);
    json_out_array_begin(json, "servers");
    for (size_t i = 0; i < view->server_count && i < SERVERS_SHOWN_MAX; i++) {
        view_gate_server(json, view->gate, &view->servers[i]);
    }
    json_out_array_end(json);
    json_out_object_end(json);
}

static void view_gates(JsonOut *json, const Engine *engine, const char *rollout, uint64_t now_ms)
{
    AUTO(Arena) arena = { 0 };
    GateView *views = NULL;
    size_t count = engine_gates(engine, rollout, now_ms, &arena, &views);
    json_out_array_begin(json, "gates");
    for (size_t i = 0; i < count; i++) {
        view_gate(json, &views[i]);
    }
    json_out_array_end(json);
}

static void view_explanation(JsonOut *json, const Engine *engine, const char *rollout,
                             uint64_t now_ms)
{
    AUTO(Str) text = { 0 };
    engine_explain(engine, rollout, now_ms, &text);
    json_out_string(json, "explain", str_text(&text));
}

void view_signers(JsonOut *json, const char *key, const PlanSignature *signatures, size_t count)
{
    json_out_array_begin(json, key);
    for (size_t i = 0; i < count; i++) {
        char public_key[KEY_TEXT_MAX];
        char fingerprint[KEY_FINGERPRINT_MAX];
        key_format(KEY_SIGN, signatures[i].public_key, public_key);
        key_fingerprint(KEY_SIGN, signatures[i].public_key, fingerprint);
        json_out_object_begin(json, NULL);
        json_out_string(json, "fingerprint", fingerprint);
        json_out_string(json, "public_key", public_key);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

static void view_settings(JsonOut *json, const PlanSettings *settings)
{
    json_out_object_begin(json, "settings");
    json_out_array_begin(json, "shared_schemas");
    for (size_t i = 0; i < settings->shared_schema_count; i++) {
        json_out_string(json, NULL, settings->shared_schemas[i]);
    }
    json_out_array_end(json);
    view_text(json, "adopt", settings->adopts);
    view_text(json, "mirror", settings->mirrors);
    view_text(json, "table", settings->table);
    view_text(json, "table_schema", settings->table_schema);
    json_out_string(json, "out_of_order", history_rule_name(settings->out_of_order));
    json_out_string(json, "missing", history_rule_name(settings->missing));
    json_out_string(json, "changed", history_rule_name(settings->changed));
    json_out_object_end(json);
}

/* As it was set: without a fraction. */
static void view_until(JsonOut *json, const char *key, int64_t until_s)
{
    char text[UTC_TEXT_MAX];
    utc_format_s(until_s, text);
    json_out_string(json, key, until_s == 0 ? NULL : text);
}

/* What the plan says; null where it is missing. */
static void view_facts(JsonOut *json, const PlanFacts *facts, uint32_t total)
{
    if (facts == NULL) {
        json_out_null(json, "to");
        json_out_null(json, "max_failures");
        json_out_null(json, "is_irreversible");
        json_out_null(json, "signers");
        json_out_null(json, "settings");
        json_out_null(json, "apply_until");
        json_out_null(json, "rollback_until");
        return;
    }
    json_out_string(json, "to", facts->to);
    json_out_unsigned(json, "max_failures", amount_round_down(facts->max_failures, total));
    json_out_bool(json, "is_irreversible", facts->is_irreversible);
    view_signers(json, "signers", facts->signatures, facts->signature_count);
    view_settings(json, &facts->settings);
    view_until(json, "apply_until", facts->apply_until_s);
    view_until(json, "rollback_until", facts->rollback_until_s);
}

/* One that was found has no targets before its plan is brought; its
 * databases are counted instead. */
static void count_rollout(const Engine *engine, const RolloutRow *rollout, TargetCounts *ret_counts)
{
    engine_count(engine, rollout->id, ALL_WAVES, ret_counts);
    if (rollout->state == ROLLOUT_FOUND && ret_counts->total == 0) {
        FoundCounts found;
        engine_count_found(engine, rollout->id, &found);
        ret_counts->total = found.total;
        ret_counts->by_state[TARGET_HEALTHY] = found.total - found.undone;
        ret_counts->by_state[TARGET_ROLLED_BACK] = found.undone;
    }
}

void view_rollout(JsonOut *json, const char *key, const Engine *engine, const RolloutRow *rollout,
                  const PlanFacts *facts, uint64_t now_ms)
{
    TargetCounts counts = { 0 };
    count_rollout(engine, rollout, &counts);
    json_out_object_begin(json, key);
    json_out_string(json, "id", rollout->id);
    json_out_string(json, "name", rollout->name);
    view_plan(json, "plan", rollout);
    json_out_string(json, "state", rollout_state_name(rollout->state));
    json_out_string(json, "pause_cause",
                    rollout->pause_cause == PAUSE_NONE ? NULL
                                                       : pause_cause_name(rollout->pause_cause));
    view_explanation(json, engine, rollout->id, now_ms);
    json_out_string(json, "reason", rollout->reason);
    json_out_string(json, "actor", rollout->actor);
    view_time(json, "created_at", rollout->created_at_ms);
    view_time(json, "changed_at", rollout->changed_at_ms);
    view_facts(json, facts, counts.total);
    json_out_unsigned(json, "charged", counts.charged);
    view_counts(json, "counts", &counts);
    json_out_unsigned(json, "total", counts.total);
    json_out_unsigned(json, "running", counts.running);
    json_out_array_begin(json, "waves");
    for (size_t i = 0; i < engine_wave_count(engine, rollout->id); i++) {
        view_wave(json, engine, engine_wave_at(engine, rollout->id, i), facts, now_ms);
    }
    json_out_array_end(json);
    view_gates(json, engine, rollout->id, now_ms);
    json_out_bool(json, "is_open", rollout_is_open(rollout->state));
    json_out_bool(json, "is_adopted", rollout->is_adopted);
    json_out_object_end(json);
}

/* ---- targets of a rollout ---- */

void view_warning(JsonOut *json, const Warning *warning)
{
    json_out_string(json, "migration", warning->migration);
    json_out_unsigned(json, "statement", warning->statement);
    view_text(json, "sqlstate", warning->sqlstate);
    json_out_string(json, "message", warning->message);
}

void view_passed(JsonOut *json, const Passed *passed)
{
    json_out_string(json, "id", passed->id);
    json_out_string(json, "rule", passed_rule(passed));
}

static void view_error(JsonOut *json, const TargetRow *target)
{
    if (target->code == ERR_NONE) {
        json_out_null(json, "error");
        return;
    }
    json_out_object_begin(json, "error");
    json_out_string(json, "code", err_name(target->code));
    view_text(json, "sqlstate", target->sqlstate);
    json_out_string(json, "message", target->message);
    view_text(json, "hint", target->hint);
    view_text(json, "migration", target->migration);
    json_out_unsigned(json, "statement", target->statement);
    json_out_object_end(json);
}

/* Beside the error: what went on all the same. */
static void view_remarks(JsonOut *json, const Remarks *said)
{
    static const Remarks NONE = { 0 };
    const Remarks *remarks = said == NULL ? &NONE : said;
    json_out_array_begin(json, "warnings");
    for (size_t i = 0; i < remarks->warning_count; i++) {
        json_out_object_begin(json, NULL);
        view_warning(json, &remarks->warnings[i]);
        json_out_object_end(json);
    }
    json_out_array_end(json);
    json_out_unsigned(json, "warnings_total", remarks->warnings_total);
    json_out_array_begin(json, "passed_over");
    for (size_t i = 0; i < remarks->passed_count; i++) {
        json_out_object_begin(json, NULL);
        view_passed(json, &remarks->passed[i]);
        json_out_object_end(json);
    }
    json_out_array_end(json);
    json_out_unsigned(json, "passed_over_total", remarks->passed_total);
}

static void view_progress(JsonOut *json, const Progress *progress)
{
    if (progress == NULL) {
        json_out_null(json, "progress");
        return;
    }
    json_out_object_begin(json, "progress");
    json_out_string(json, "migration", progress->migration);
    json_out_unsigned(json, "statement", progress->statement);
    json_out_unsigned(json, "statement_count", progress->statement_count);
    json_out_string(json, "phase", progress->phase);
    if (progress->percent == PERCENT_UNKNOWN) {
        json_out_null(json, "percent");
    } else {
        json_out_unsigned(json, "percent", progress->percent);
    }
    view_text(json, "blocked_by", progress->blocked_by);
    json_out_unsigned(json, "blocks", progress->blocks);
    json_out_unsigned(json, "blocks_for_ms", progress->blocks_for_ms);
    json_out_object_end(json);
}

void view_rollout_target(JsonOut *json, const char *key, const Engine *engine,
                         const TargetRow *target)
{
    const WaveRow *wave = engine_wave_at(engine, target->rollout, target->wave);
    json_out_object_begin(json, key);
    json_out_string(json, "address", target->address);
    json_out_string(json, "agent", target->agent);
    json_out_string(json, "wave", wave == NULL ? NULL : wave->name);
    json_out_string(json, "state", target_state_name(target->state));
    json_out_string(json, "goal", target->goal == GOAL_NONE ? NULL : goal_name(target->goal));
    json_out_unsigned(json, "attempt", target->stamp.attempt);
    json_out_unsigned(json, "token", target->token);
    json_out_bool(json, "is_charged", target->is_charged);
    json_out_string(json, "start", target->has_start ? target->start : NULL);
    json_out_string(json, "version", target->version);
    json_out_unsigned(json, "steps_done", target->steps_done);
    json_out_unsigned(json, "steps_total", target->steps_total);
    view_text(json, "step", target->step);
    json_out_unsigned(json, "applied", target->applied);
    view_error(json, target);
    view_remarks(json, target->remarks);
    view_progress(json, engine_target_progress(engine, target->rollout, target->address));
    json_out_unsigned(json, "retries", target->retries);
    json_out_unsigned(json, "duration_ms", target->duration_ms);
    view_time(json, "changed_at", target->changed_at_ms);
    json_out_object_end(json);
}

/* ---- the fleet ---- */

static void view_instance(JsonOut *json, const InstanceRow *instance)
{
    char identifier[24];
    text_format(identifier, sizeof(identifier), "%llu",
                (unsigned long long)instance->system_identifier);
    json_out_object_begin(json, NULL);
    json_out_string(json, "name", instance->name);
    json_out_string(json, "system_identifier",
                    instance->system_identifier == 0 ? NULL : identifier);
    json_out_unsigned(json, "server_version", instance->server_version);
    json_out_bool(json, "in_recovery", instance->in_recovery);
    json_out_unsigned(json, "timeline", instance->timeline);
    view_labels(json, "labels", &instance->labels);
    json_out_object_end(json);
}

static void view_trusted(JsonOut *json, const char *agent, const KnownKeys *known)
{
    json_out_array_begin(json, "coordinator_keys");
    for (size_t i = 0; i < known_keys_count(known, agent); i++) {
        char fingerprint[KEY_FINGERPRINT_MAX];
        key_fingerprint(KEY_CURVE, known_keys_at(known, agent, i), fingerprint);
        json_out_string(json, NULL, fingerprint);
    }
    json_out_array_end(json);
}

/* An object that is not ended. */
static void begin_agent(JsonOut *json, const char *key, const AgentRow *agent,
                        const KnownKeys *known, size_t target_count)
{
    json_out_object_begin(json, key);
    json_out_string(json, "name", agent->name);
    json_out_string(json, "state", session_state_name(agent->state));
    view_text(json, "version", agent->version);
    if (agent->protocol == 0) {
        json_out_null(json, "protocol");
    } else {
        json_out_unsigned(json, "protocol", agent->protocol);
    }
    view_labels(json, "labels", &agent->labels);
    view_time(json, "heard_at", agent->heard_at_ms);
    json_out_string(json, "reason", agent->reason);
    view_trusted(json, agent->name, known);
    json_out_array_begin(json, "instances");
    for (size_t i = 0; i < agent->instance_count; i++) {
        view_instance(json, &agent->instances[i]);
    }
    json_out_array_end(json);
    json_out_unsigned(json, "targets", target_count);
}

void view_agent(JsonOut *json, const char *key, const AgentRow *agent, const KnownKeys *known,
                size_t target_count)
{
    begin_agent(json, key, agent, known, target_count);
    json_out_object_end(json);
}

void view_agent_health(JsonOut *json, const char *key, const AgentRow *agent,
                       const KnownKeys *known, size_t target_count, const HealthNow *now)
{
    begin_agent(json, key, agent, known, target_count);
    json_out_array_begin(json, "health");
    for (size_t i = 0; i < agent->instance_count; i++) {
        view_health(json, NULL, agent, &agent->instances[i], now);
    }
    json_out_array_end(json);
    json_out_object_end(json);
}

void view_target(JsonOut *json, const char *key, const InventoryRow *row)
{
    AUTO(Arena) arena = { 0 };
    Address address = { .instance = row->instance, .database = "", .schema = "" };
    Err err = { 0 };
    (void)address_parse(row->address, &arena, &address, &err); /* else only its parts are missing */
    json_out_object_begin(json, key);
    json_out_string(json, "address", row->address);
    json_out_string(json, "agent", row->agent);
    json_out_string(json, "instance", row->instance);
    json_out_string(json, "database", address.database);
    json_out_string(json, "schema", address.schema);
    json_out_string(json, "version", row->is_read ? row->version : NULL);
    json_out_bool(json, "is_read", row->is_read);
    json_out_bool(json, "in_recovery", row->in_recovery);
    json_out_bool(json, "is_gone", row->is_gone);
    json_out_bool(json, "is_disputed", row->is_disputed);
    view_text(json, "lost", row->lost);
    view_text(json, "rollout", row->rollout);
    json_out_object_end(json);
}

void view_event(JsonOut *json, const char *key, const EventRow *event)
{
    json_out_object_begin(json, key);
    json_out_unsigned(json, "seq", event->seq);
    view_time(json, "time", event->time_ms);
    json_out_string(json, "actor", event->actor);
    view_text(json, "rollout", event->rollout);
    view_text(json, "wave", event->wave);
    view_text(json, "target", event->target);
    view_text(json, "agent", event->agent);
    view_text(json, "rule", event->rule);
    view_text(json, "old", event->old_state);
    view_text(json, "new", event->new_state);
    json_out_string(json, "code", event->code == ERR_NONE ? NULL : err_name(event->code));
    json_out_string(json, "text", event->text);
    json_out_object_end(json);
}
