/* skein plan: show what a rollout file would do, or write the signed plan. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/planning.h"
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

ErrCode cmd_plan(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    PlanAtHand plan;
    ErrCode code = planning_load(invocation->arguments[0], &invocation->arena, &plan, err);
    if (code == ERR_NONE && options->out != NULL) {
        code = write_bundle(&plan, options, &invocation->arena, err);
    }
    json_t *preview = NULL;
    if (code == ERR_NONE && options->coordinator != NULL) {
        AUTO_PTR(Client) client = NULL;
        code = client_new(options->coordinator, &client, err);
        if (code == ERR_NONE) {
            code = preview_fetch(client, &plan, options->signer, &invocation->arena, &preview, err);
        }
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (options->output == OUTPUT_JSON) {
        json_t *value = planning_json(&plan);
        json_object_set_new(value, "preview", preview == NULL ? json_null() : json_incref(preview));
        output_json(value);
        json_decref(value);
    } else {
        AUTO(Str) text = { 0 };
        planning_text(&plan, &text);
        preview_text(preview, &text);
        fputs(str_text(&text), stdout);
        if (options->out != NULL) {
            printf("signed and written to %s\n", options->out);
        }
    }
    json_decref(preview);
    return ERR_NONE;
}
