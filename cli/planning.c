/* From a file to a signed plan. */
#include "cli/planning.h"

#include <stdlib.h>
#include <string.h>

#include "cli/lint/shared_names.h"
#include "cli/moment.h"
#include "cli/wait_notes.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/keyfile.h"

#define DAY_S INT64_C(86400)
#define DAYS_TO_APPLY 7

static const char BUNDLE_MAGIC[] = "skein-plan";

static bool is_bundle(Bytes bytes)
{
    /* An array of four, then the text "skein-plan" (proto/bundle.h). */
    size_t length = sizeof(BUNDLE_MAGIC) - 1;
    return bytes.length > length + 2 && memcmp(bytes.data + 2, BUNDLE_MAGIC, length) == 0;
}

static ErrCode load_bundle(Bytes bytes, Arena *arena, PlanAtHand *plan, Err *err)
{
    Plan *decoded = NULL;
    ErrCode code = bundle_open(bytes, &plan->bundle, err);
    if (code == ERR_NONE) {
        code = plan_decode(plan->bundle.canonical, arena, &decoded, err);
    }
    plan->plan = decoded;
    return code;
}

/* A signed plan is read whole, or not at all. */
static ErrCode tell_damage(const char *path, Err *err)
{
    err_wrap(err, "%s", path);
    if (err->code == ERR_PROTOCOL) { /* as it comes over the wire; here it is a file of theirs */
        err->code = ERR_SYNTAX;
    }
    return err->hint[0] != '\0'
               ? err->code
               : err_hint(err, "the file was changed or cut off after it was signed: fetch it "
                               "again, or write it anew with `skein plan FILE.yaml --out FILE`");
}

/* What was noticed while reading, and what the plan as a whole gives reason for. */
static void take_notes(const PlannedRollout *rollout, const char *path, Arena *arena,
                       PlanAtHand *plan)
{
    AUTO(SourceNotes) notes = { .arena = arena };
    for (size_t i = 0; i < rollout->set.note_count; i++) {
        LIST_PUSH(&notes.list, rollout->set.notes[i]);
    }
    shared_names_warn(&rollout->plan, &notes);
    wait_notes(&rollout->plan, path, &notes);
    plan->note_count = notes.list.count;
    plan->notes =
        arena_memdup(arena, notes.list.items, notes.list.count * sizeof(*notes.list.items));
}

/* What plan_check wants of them, in words for who typed them. */
static ErrCode check_times(const Plan *plan, Err *err)
{
    bool is_endless = plan->rollback_until_s == 0;
    bool is_in_order = plan->apply_until_s != 0 && plan->apply_until_s <= plan->rollback_until_s;
    if (is_endless || is_in_order) {
        return ERR_NONE;
    }
    err_set(err, ERR_USAGE,
            plan->apply_until_s == 0
                ? "rollback_until is set and apply_until is not: the plan could "
                  "be applied when it cannot be rolled back any more"
                : "rollback_until is before apply_until: the plan could be "
                  "applied when it cannot be rolled back any more");
    return err_hint(err, "give it an apply_until that is not after rollback_until");
}

int64_t planning_default_end_s(int64_t now_s)
{
    return (now_s / DAY_S + DAYS_TO_APPLY + 1) * DAY_S;
}

static int64_t said_first(int64_t first, int64_t second)
{
    return first == MOMENT_UNSAID ? second : first;
}

/* `default_end_s` is for who has said nothing, and not beyond what can be taken back. */
static void take_times(PlannedRollout *rollout, PlanTimes wanted, int64_t default_end_s,
                       PlanAtHand *plan)
{
    int64_t apply_s = said_first(wanted.apply_until_s, rollout->times.apply_until_s);
    int64_t back_s = said_first(wanted.rollback_until_s, rollout->times.rollback_until_s);
    plan->is_time_unsaid = apply_s == MOMENT_UNSAID;
    if (plan->is_time_unsaid) {
        apply_s = back_s > 0 && back_s < default_end_s ? back_s : default_end_s;
    }
    rollout->plan.apply_until_s = apply_s == MOMENT_NEVER ? 0 : apply_s;
    rollout->plan.rollback_until_s = back_s == MOMENT_NEVER ? 0 : back_s;
}

static ErrCode load_rollout_file(const char *path, PlanTimes times, int64_t default_end_s,
                                 Arena *arena, PlanAtHand *plan, Err *err)
{
    PlannedRollout *rollout = ARENA_NEW(arena, PlannedRollout);
    Bytes canonical = { 0 };
    ErrCode code = rollout_file_read(path, arena, rollout, err);
    if (code == ERR_NONE) {
        take_times(rollout, times, default_end_s, plan);
        code = check_times(&rollout->plan, err);
    }
    if (code == ERR_NONE) {
        code = plan_encode(&rollout->plan, arena, &canonical, err);
    }
    if (code == ERR_NONE) {
        plan->plan = &rollout->plan;
        plan->set = &rollout->set;
        take_notes(rollout, path, arena, plan);
        bundle_begin(canonical, &plan->bundle);
    }
    return code;
}

ErrCode planning_load_until(const char *path, PlanTimes times, int64_t default_end_s, Arena *arena,
                            PlanAtHand *ret_plan, Err *err)
{
    PlanAtHand plan = { 0 };
    AUTO(Str) text = { 0 };
    ErrCode code = file_read(path, BUNDLE_MAX, &text, err);
    if (code != ERR_NONE) {
        return code;
    }
    Bytes bytes = { arena_memdup(arena, str_text(&text), text.length), text.length };
    code = is_bundle(bytes) ? load_bundle(bytes, arena, &plan, err)
                            : load_rollout_file(path, times, default_end_s, arena, &plan, err);
    if (code != ERR_NONE) {
        return is_bundle(bytes) ? tell_damage(path, err) : code;
    }
    *ret_plan = plan;
    return ERR_NONE;
}

ErrCode planning_load(const char *path, Arena *arena, PlanAtHand *ret_plan, Err *err)
{
    return planning_load_until(path, (PlanTimes){ 0 }, 0, arena, ret_plan, err);
}

ErrCode planning_load_as_told(const Options *options, const char *path, Arena *arena,
                              PlanAtHand *ret_plan, Err *err)
{
    PlanTimes times = { 0 };
    int64_t now_s = clock_wall_s();
    ErrCode code = ERR_NONE;
    if (options->apply_until != NULL) {
        code = moment_read("apply-until", options->apply_until, now_s, &times.apply_until_s, err);
    }
    if (code == ERR_NONE && options->rollback_until != NULL) {
        code = moment_read("rollback-until", options->rollback_until, now_s,
                           &times.rollback_until_s, err);
    }
    if (code == ERR_NONE) {
        code =
            planning_load_until(path, times, planning_default_end_s(now_s), arena, ret_plan, err);
    }
    bool is_told = options->apply_until != NULL || options->rollback_until != NULL;
    if (code == ERR_NONE && is_told && ret_plan->bundle.signature_count > 0) {
        err_set(err, ERR_USAGE, "%s is signed, and its times with it: they cannot be changed",
                path);
        code =
            err_hint(err, "plan it anew: `skein plan FILE.yaml --apply-until TIME --out %s`", path);
    }
    return code;
}

static const char *signer_path(const char *signer, Arena *arena)
{
    const char *named = option_or_env(signer, "SKEIN_SIGNER");
    if (named != NULL) {
        return named;
    }
    const char *home = getenv("HOME");
    return arena_printf(arena, "%s/.config/skein/signer.key", home == NULL ? "" : home);
}

ErrCode planning_sign(PlanAtHand *plan, const char *signer, Arena *arena, Err *err)
{
    AUTO(KeyPair) pair = { 0 };
    ErrCode code = keyfile_read_secret(signer_path(signer, arena), KEY_SIGN, &pair, err);
    if (code == ERR_NOT_FOUND) {
        err_wrap(err, "no key to sign the plan with");
        return err_hint(
            err,
            "make one with `skein keys generate signer NAME --out FILE`, name it with --signer "
            "or SKEIN_SIGNER, and list its .pub in every agent's trusted_signers");
    }
    if (code == ERR_NONE) {
        code = bundle_sign(&plan->bundle, pair.secret_key, err);
    }
    return code;
}

ErrCode planning_sign_if_new(PlanAtHand *plan, const char *signer, Arena *arena, Err *err)
{
    return plan->bundle.signature_count > 0 ? ERR_NONE : planning_sign(plan, signer, arena, err);
}
