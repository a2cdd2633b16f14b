/* From a file to a signed plan, and the plan in words. */
#include "cli/planning.h"

#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/keyfile.h"
#include "common/units.h"

static const char BUNDLE_MAGIC[] = "skein-plan";

static bool is_bundle(Bytes bytes)
{
    /* An array of four, then the text "skein-plan" (proto/bundle.h). */
    size_t length = sizeof(BUNDLE_MAGIC) - 1;
    return bytes.length > length + 2 && memcmp(bytes.data + 2, BUNDLE_MAGIC, length) == 0;
}

static ErrCode load_bundle(Bytes bytes, Arena *arena, PlanAtHand *plan, Err *err)
{
    Bundle bundle;
    Plan *decoded = NULL;
    ErrCode code = bundle_open(bytes, arena, &bundle, err);
    if (code == ERR_NONE) {
        code = plan_decode(bundle.canonical, arena, &decoded, err);
    }
    if (code == ERR_NONE) {
        plan->plan = decoded;
        plan->canonical = bundle.canonical;
        plan->bundle = bytes;
        memcpy(plan->hash, bundle.hash, PLAN_HASH_BYTES);
    }
    return code;
}

static ErrCode load_rollout_file(const char *path, Arena *arena, PlanAtHand *plan, Err *err)
{
    PlannedRollout *rollout = ARENA_NEW(arena, PlannedRollout);
    ErrCode code = rollout_file_read(path, arena, rollout, err);
    if (code == ERR_NONE) {
        code = plan_encode(&rollout->plan, arena, &plan->canonical, err);
    }
    if (code == ERR_NONE) {
        plan->plan = &rollout->plan;
        plan->notes = rollout->set.notes;
        plan->note_count = rollout->set.note_count;
        plan_hash(plan->canonical, plan->hash);
    }
    return code;
}

ErrCode planning_load(const char *path, Arena *arena, PlanAtHand *ret_plan, Err *err)
{
    PlanAtHand plan = { 0 };
    AUTO(Str) text = { 0 };
    ErrCode code = file_read(path, BUNDLE_MAX, &text, err);
    if (code != ERR_NONE) {
        return code;
    }
    Bytes bytes = { arena_memdup(arena, str_text(&text), text.length), text.length };
    code = is_bundle(bytes) ? load_bundle(bytes, arena, &plan, err) : load_rollout_file(path, arena, &plan, err);
    if (code != ERR_NONE) {
        return is_bundle(bytes) ? err_wrap(err, "%s", path) : code;
    }
    *ret_plan = plan;
    return ERR_NONE;
}

static const char *signer_path(const char *signer, Arena *arena)
{
    if (signer != NULL) {
        return signer;
    }
    const char *named = getenv("SKEIN_SIGNER");
    if (named != NULL) {
        return named;
    }
    const char *home = getenv("HOME");
    return arena_printf(arena, "%s/.config/skein/signer.key", home == NULL ? "" : home);
}

ErrCode planning_sign(PlanAtHand *plan, const char *signer, Arena *arena, Err *err)
{
    if (plan->bundle.length > 0) {
        return ERR_NONE;
    }
    AUTO(KeyPair) pair = { 0 };
    ErrCode code = keyfile_read_secret(signer_path(signer, arena), KEY_SIGN, &pair, err);
    if (code == ERR_NOT_FOUND) {
        err_wrap(err, "no key to sign the plan with");
        return err_hint(err, "make one with `skein keys generate signer NAME --out FILE`, name it with --signer "
                             "or SKEIN_SIGNER, and list its .pub in every agent's trusted_signers");
    }
    if (code == ERR_NONE) {
        code = bundle_seal(plan->canonical, pair.secret_key, arena, &plan->bundle, err);
    }
    return code;
}

/* ---- as JSON ---- */

static json_t *script_json(const PlanScript *script)
{
    json_t *statements = json_array();
    for (size_t i = 0; i < script->count; i++) {
        json_array_append_new(statements, json_pack("{s:s, s:i}", "kind", script->statements[i].kind, "line",
                                                    (int)script->statements[i].line));
    }
    return json_pack("{s:b, s:o}", "is_transactional", script->is_transactional, "statements", statements);
}

static json_t *migrations_json(const Plan *plan)
{
    json_t *migrations = json_array();
    for (size_t i = 0; i < plan->migration_count; i++) {
        const PlanMigration *migration = &plan->migrations[i];
        char checksum[2 * CHECKSUM_BYTES + 1];
        hex_encode(migration->checksum.data, CHECKSUM_BYTES, checksum);
        json_array_append_new(
            migrations, json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "id", migration->id, "version",
                                  migration->version, "name", migration->name, "checksum", checksum,
                                  "is_irreversible", migration->is_irreversible, "up",
                                  script_json(&migration->up), "down", script_json(&migration->down)));
    }
    return migrations;
}

static const char *amount_text(Amount amount, char *buffer, size_t size_bytes)
{
    text_format(buffer, size_bytes, amount.is_percent ? "%u%%" : "%u", amount.value);
    return buffer;
}

static json_t *waves_json(const PlanStrategy *strategy)
{
    json_t *waves = json_array();
    char amount[32];
    for (size_t i = 0; i < strategy->wave_count; i++) {
        const PlanWave *wave = &strategy->waves[i];
        json_array_append_new(waves, json_pack("{s:s, s:s, s:I, s:b}", "name", wave->name, "targets",
                                               amount_text(wave->targets, amount, sizeof(amount)), "soak_ms",
                                               (json_int_t)wave->soak_ms, "needs_approval", wave->needs_approval));
    }
    return waves;
}

json_t *planning_json(const PlanAtHand *at_hand)
{
    const Plan *plan = at_hand->plan;
    const PlanStrategy *strategy = &plan->strategy;
    char hash[2 * PLAN_HASH_BYTES + 1];
    char failures[32];
    hex_encode(at_hand->hash, PLAN_HASH_BYTES, hash);
    json_t *notes = json_array();
    for (size_t i = 0; i < at_hand->note_count; i++) {
        json_array_append_new(notes, json_pack("{s:s, s:s}", "level", source_note_level_name(at_hand->notes[i].level),
                                               "text", at_hand->notes[i].text));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:I, s:I, s:I, s:s, s:s, s:s, s:o, s:o}", "name", plan->name,
                     "hash", hash, "to", plan->to, "where", plan->where, "is_signed", at_hand->bundle.length > 0,
                     "waves", waves_json(strategy), "max_parallel", (json_int_t)strategy->max_parallel,
                     "max_parallel_per_host", (json_int_t)strategy->max_parallel_per_host,
                     "max_parallel_per_database", (json_int_t)strategy->max_parallel_per_database, "max_failures",
                     amount_text(strategy->max_failures, failures, sizeof(failures)), "on_failure",
                     on_failure_name((OnFailure)strategy->on_failure), "on_agent_lost",
                     on_agent_lost_name((OnAgentLost)strategy->on_agent_lost), "migrations", migrations_json(plan),
                     "notes", notes);
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

static void migrations_text(const Plan *plan, Str *out)
{
    AUTO_PTR(Table) table = table_new(3, NULL);
    for (size_t i = 0; i < plan->migration_count; i++) {
        const PlanMigration *migration = &plan->migrations[i];
        AUTO(Str) kinds = { 0 };
        kinds_text(&migration->up, &kinds);
        table_cellf(table, COLOUR_BOLD, "  %s", migration->id);
        if (migration->is_irreversible) {
            table_cell(table, COLOUR_WARN, "cannot be undone");
        } else {
            table_cell(table, COLOUR_NONE, migration->up.is_transactional ? "" : "outside a transaction");
        }
        table_cell(table, COLOUR_NONE, kinds.length == 0 ? "no statements" : str_text(&kinds));
    }
    table_print(table, out);
}

static void waves_text(const PlanStrategy *strategy, Str *out)
{
    AUTO_PTR(Table) table = table_new(4, NULL);
    char amount[32];
    char soak[DURATION_TEXT_MAX];
    for (size_t i = 0; i < strategy->wave_count; i++) {
        const PlanWave *wave = &strategy->waves[i];
        duration_format(wave->soak_ms, soak);
        table_cellf(table, COLOUR_BOLD, "  %s", wave->name);
        table_cellf(table, COLOUR_NONE, "up to %s of the targets", amount_text(wave->targets, amount, sizeof(amount)));
        table_cellf(table, COLOUR_NONE, wave->soak_ms == 0 ? "no soak" : "soak %s", soak);
        table_cell(table, COLOUR_WARN, wave->needs_approval ? "opens only when approved" : "");
    }
    table_print(table, out);
}

static size_t count_irreversible(const Plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->migration_count; i++) {
        count += plan->migrations[i].is_irreversible;
    }
    return count;
}

void planning_text(const PlanAtHand *at_hand, Str *out)
{
    const Plan *plan = at_hand->plan;
    const PlanStrategy *strategy = &plan->strategy;
    char hash[2 * PLAN_HASH_BYTES + 1];
    char amount[32];
    hex_encode(at_hand->hash, PLAN_HASH_BYTES, hash);
    output_colour(out, COLOUR_BOLD, plan->name);
    str_printf(out, ": to %s, plan %.12s\n", plan->to, hash);
    str_printf(out, "targets: %s\n", plan->where[0] == '\0' ? "all of the fleet" : plan->where);
    str_append(out, "waves:\n");
    waves_text(strategy, out);
    str_printf(out,
               "at once: %u in all, %u per host, %u per database\n"
               "budget: %s failed targets; beyond that: %s; an agent lost: %s\n",
               strategy->max_parallel, strategy->max_parallel_per_host, strategy->max_parallel_per_database,
               amount_text(strategy->max_failures, amount, sizeof(amount)),
               on_failure_name((OnFailure)strategy->on_failure),
               on_agent_lost_name((OnAgentLost)strategy->on_agent_lost));
    str_printf(out, "migrations: %zu\n", plan->migration_count);
    migrations_text(plan, out);
    size_t irreversible = count_irreversible(plan);
    if (irreversible > 0) {
        str_printf(out, "%zu of them cannot be undone: where one of those is newly applied there is no way back, "
                        "and the first wave needs an approval\n", irreversible);
    }
    for (size_t i = 0; i < at_hand->note_count; i++) {
        const SourceNote *note = &at_hand->notes[i];
        bool is_warning = note->level == SOURCE_NOTE_WARNING;
        output_colour(out, is_warning ? COLOUR_WARN : COLOUR_DIM, source_note_level_name(note->level));
        str_printf(out, ": %s\n", note->text);
    }
}
