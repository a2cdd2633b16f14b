/* skein rollout start: planned, shown, confirmed, signed, started, followed. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/plan_view.h"
#include "cli/preview.h"
#include "cli/watch.h"
#include "common/clock.h"
#include "common/json.h"

/* Shows the plan and where it would go, and asks. */
static ErrCode show_and_ask(PlanAtHand *plan, const json_t *preview, const Invocation *invocation,
                            Err *err)
{
    const Options *options = &invocation->options;
    AUTO(Str) text = { 0 };
    AUTO(Str) question = { 0 };
    plan_text(plan, &text);
    preview_text(preview, plan->plan, &text);
    if (options->is_yes) {
        if (options->output == OUTPUT_TEXT) {
            output_text(&text);
        }
        return ERR_NONE;
    }
    size_t count = json_array_size(json_object_get(preview, "targets"));
    str_printf(&question, "start it on %zu target%s?", count, count == 1 ? "" : "s");
    return output_confirm(&text, str_text(&question), invocation, err);
}

static ErrCode post_start(Client *client, const PlanAtHand *plan, json_t **ret_rollout, Err *err)
{
    char hash[2 * PLAN_HASH_BYTES + 1];
    hex_encode(plan->bundle.hash, PLAN_HASH_BYTES, hash);
    AUTO_PTR(JsonDocument) body = json_pack("{s:s}", "plan", hash);
    return client_post(client, body, ret_rollout, err, "/rollouts");
}

/* Agents would refuse it, target by target. */
static ErrCode check_time(const Plan *plan, Err *err)
{
    int64_t now_s = clock_wall_s();
    if (plan->apply_until_s == 0 || now_s <= plan->apply_until_s) {
        return ERR_NONE;
    }
    char until[UTC_TEXT_MAX];
    char now[UTC_TEXT_MAX];
    utc_format_s(plan->apply_until_s, until);
    utc_format_s(now_s, now);
    err_set(err, ERR_EXPIRED, "plan \"%s\" may be applied until %s, and it is %s", plan->name,
            until, now);
    return err_hint(err,
                    "give it a later time: apply_until in the rollout file, or --apply-until; a "
                    "plan that is signed is planned and signed anew");
}

ErrCode cmd_rollout_start(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    const Options *options = &invocation->options;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) preview = NULL;
    AUTO_PTR(JsonDocument) rollout = NULL;
    PlanAtHand plan;
    ErrCode code =
        planning_load_as_told(options, invocation->arguments[0], &invocation->arena, &plan, err);
    if (code == ERR_NONE) {
        code = check_time(plan.plan, err);
    }
    if (code == ERR_NONE) {
        code = client_new(options, &client, err);
    }
    if (code == ERR_NONE) {
        code = preview_fetch(client, &plan, options->signer, &invocation->arena, &preview, err);
        if (code == ERR_STORE) { /* whose words are about the plan, not about a rollout of it */
            err_wrap(err, "the plan is not kept yet, and nothing is started");
        }
    }
    if (code == ERR_NONE) {
        code = show_and_ask(&plan, preview, invocation, err);
    }
    if (code == ERR_NONE) {
        code = post_start(client, &plan, &rollout, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (options->output == OUTPUT_TEXT) {
        printf("started %s\n", get_text(rollout, "id"));
    } else if (!options->is_watch) {
        output_json(rollout);
    }
    fflush(stdout);
    return options->is_watch
               ? watch_rollout(client, get_text(rollout, "id"), options->output, ret_exit, err)
               : ERR_NONE;
}
