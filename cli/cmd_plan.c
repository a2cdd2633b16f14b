/* skein plan, plan sign: show what a rollout file would do, write the signed plan, sign it once
 * more. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/plan_view.h"
#include "cli/preview.h"
#include "common/file.h"

static ErrCode write_bundle(const PlanAtHand *plan, const char *path, Arena *arena, Err *err)
{
    Bytes bytes = bundle_pack(&plan->bundle, arena);
    return file_write_atomic(path, bytes.data, bytes.length, 0644, err);
}

/* Is there a coordinator to be asked? One by default only where its socket is there. */
static bool has_coordinator(const Options *options)
{
    return option_or_env(options->coordinator, "SKEIN_COORDINATOR") != NULL ||
           access(&COORDINATOR_DEFAULT[strlen("unix:")], F_OK) == 0;
}

/*
 * Where the plan would go now. A coordinator that is named on the command line has to answer; any
 * other is asked if it can be, and `ret_missing` says why there is no answer.
 */
static ErrCode find_preview(Invocation *invocation, PlanAtHand *plan, json_t **ret_preview,
                            Err *ret_missing, Err *err)
{
    const Options *options = &invocation->options;
    if (!has_coordinator(options)) {
        return ERR_NONE;
    }
    AUTO_PTR(Client) client = NULL;
    ErrCode code = client_new(options, &client, err);
    if (code == ERR_NONE) {
        code = preview_fetch(client, plan, options->signer, &invocation->arena, ret_preview, err);
    }
    if (code == ERR_NONE || options->coordinator != NULL) {
        return code;
    }
    *ret_missing = *err;
    *err = (Err){ 0 };
    return ERR_NONE;
}

static void print_json(const PlanAtHand *plan, const json_t *preview)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    plan_json(plan, &json);
    json_out_object_end(&json);
    AUTO_PTR(JsonDocument) value = json_loadb(str_text(&text), text.length, 0, NULL);
    json_object_set_new(value, "preview", preview == NULL ? json_null() : json_deep_copy(preview));
    output_json(value);
}

static void print_text(const PlanAtHand *plan, const json_t *preview, const Err *missing,
                       const char *written_to)
{
    AUTO(Str) text = { 0 };
    plan_text(plan, &text);
    preview_text(preview, plan->plan, &text);
    if (missing->code != ERR_NONE) {
        str_printf(&text, "which targets it would go to is not known: %s\n", missing->message);
        if (missing->hint[0] != '\0') {
            str_printf(&text, "hint: %s\n", missing->hint);
        }
    }
    if (written_to != NULL) {
        str_printf(&text, "signed and written to %s\n", written_to);
    }
    output_text(&text);
}

ErrCode cmd_plan(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(JsonDocument) preview = NULL;
    PlanAtHand plan;
    Err missing = { 0 };
    ErrCode code =
        planning_load_as_told(options, invocation->arguments[0], &invocation->arena, &plan, err);
    if (code == ERR_NONE && options->out != NULL) {
        code = planning_sign_if_new(&plan, options->signer, &invocation->arena, err);
    }
    if (code == ERR_NONE && options->out != NULL) {
        code = write_bundle(&plan, options->out, &invocation->arena, err);
    }
    if (code == ERR_NONE) {
        code = find_preview(invocation, &plan, &preview, &missing, err);
    }
    if (code == ERR_NONE && options->output == OUTPUT_JSON) {
        print_json(&plan, preview);
    } else if (code == ERR_NONE) {
        print_text(&plan, preview, &missing, options->out);
    }
    return code;
}

/* ---- sign ---- */

static ErrCode load_signed(const char *path, Arena *arena, PlanAtHand *plan, Err *err)
{
    ErrCode code = planning_load(path, arena, plan, err);
    if (code == ERR_NONE && plan->bundle.signature_count == 0) {
        err_set(err, ERR_USAGE, "%s is a rollout file and no signed plan yet", path);
        code = err_hint(err, "`skein plan %s --out P.plan` makes one, signed with your key", path);
    }
    return code;
}

/* Whoever signs a plan lets it run: what it does is shown first. */
static ErrCode show_and_ask(const PlanAtHand *plan, const Invocation *invocation, Err *err)
{
    const Options *options = &invocation->options;
    AUTO(Str) text = { 0 };
    plan_text(plan, &text);
    if (!options->is_yes) {
        return output_confirm(&text, "sign it?", invocation, err);
    }
    if (options->output == OUTPUT_TEXT) {
        output_text(&text);
    }
    return ERR_NONE;
}

static void print_signed(const PlanAtHand *plan, size_t before, const char *path, OutputKind output)
{
    AUTO(Str) signer = { 0 };
    if (output == OUTPUT_JSON) {
        print_json(plan, NULL);
    } else if (plan->bundle.signature_count == before) {
        printf("%s has the signature of this key already\n", path);
    } else {
        bundle_write_signers(&plan->bundle, before, &signer);
        printf("signed by %s and written to %s\n", str_text(&signer), path);
    }
}

ErrCode cmd_plan_sign(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    Arena *arena = &invocation->arena;
    const char *path = invocation->arguments[0];
    const char *out = options->out == NULL ? path : options->out;
    PlanAtHand plan;
    ErrCode code = load_signed(path, arena, &plan, err);
    if (code != ERR_NONE) {
        return code;
    }
    PlanAtHand signed_plan = plan;
    code = planning_sign(&signed_plan, options->signer, arena, err);
    size_t before = plan.bundle.signature_count;
    bool is_news = signed_plan.bundle.signature_count > before;
    if (code == ERR_NONE && is_news) {
        code = show_and_ask(&plan, invocation, err);
    }
    if (code == ERR_NONE && (is_news || options->out != NULL)) {
        code = write_bundle(&signed_plan, out, arena, err);
    }
    if (code == ERR_NONE) {
        print_signed(&signed_plan, before, out, options->output);
    }
    return code;
}
