/* skein plan: show what a rollout file would do, or write the signed plan. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/plan_view.h"
#include "cli/preview.h"
#include "common/file.h"

static ErrCode write_bundle(PlanAtHand *plan, const Options *options, Arena *arena, Err *err)
{
    ErrCode code = planning_sign(plan, options->signer, arena, err);
    if (code == ERR_NONE) {
        code = file_write_atomic(options->out, plan->bundle.data, plan->bundle.length, 0644, err);
    }
    return code;
}

/*
 * Where the plan would go now. A coordinator that is named on the command line has to answer; one
 * that only the environment names is asked if it can be, and `ret_missing` says why there is no
 * answer.
 */
static ErrCode find_preview(Invocation *invocation, PlanAtHand *plan, json_t **ret_preview,
                            Err *ret_missing, Err *err)
{
    const Options *options = &invocation->options;
    if (option_or_env(options->coordinator, "SKEIN_COORDINATOR") == NULL) {
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
    preview_text(preview, &text);
    if (missing->code != ERR_NONE) {
        str_printf(&text, "which targets it would go to is not known: %s\n", missing->message);
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
    ErrCode code = planning_load(invocation->arguments[0], &invocation->arena, &plan, err);
    if (code == ERR_NONE && options->out != NULL) {
        code = write_bundle(&plan, options, &invocation->arena, err);
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
