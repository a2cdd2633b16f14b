/* skein rollout start, and the verbs that steer a rollout. */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/plan_view.h"
#include "cli/preview.h"
#include "cli/rollout_view.h"
#include "cli/watch.h"
#include "common/json.h"

/* ---- start ---- */

/* Shows the plan and where it would go, and asks. */
static ErrCode show_and_ask(PlanAtHand *plan, const json_t *preview, const Options *options,
                            Err *err)
{
    AUTO(Str) text = { 0 };
    AUTO(Str) question = { 0 };
    plan_text(plan, &text);
    preview_text(preview, &text);
    if (options->is_yes) {
        if (options->output == OUTPUT_TEXT) {
            output_text(&text);
        }
        return ERR_NONE;
    }
    size_t count = json_array_size(json_object_get(preview, "targets"));
    str_printf(&question, "start it on %zu target%s?", count, count == 1 ? "" : "s");
    return output_confirm(&text, str_text(&question), err);
}

static ErrCode post_start(Client *client, const PlanAtHand *plan, json_t **ret_rollout, Err *err)
{
    char hash[2 * PLAN_HASH_BYTES + 1];
    hex_encode(plan->hash, PLAN_HASH_BYTES, hash);
    AUTO_PTR(JsonDocument) body = json_pack("{s:s}", "plan", hash);
    return client_post(client, body, ret_rollout, err, "/rollouts");
}

ErrCode cmd_rollout_start(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    const Options *options = &invocation->options;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) preview = NULL;
    AUTO_PTR(JsonDocument) rollout = NULL;
    PlanAtHand plan;
    ErrCode code = planning_load(invocation->arguments[0], &invocation->arena, &plan, err);
    if (code == ERR_NONE) {
        code = client_new(options, &client, err);
    }
    if (code == ERR_NONE) {
        code = preview_fetch(client, &plan, options->signer, &invocation->arena, &preview, err);
    }
    if (code == ERR_NONE) {
        code = show_and_ask(&plan, preview, options, err);
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

/* ---- steering ---- */

/* A verb at work on one rollout. */
typedef struct Steering {
    const char *verb;
    const char *question; /* "abort", before the rollout's id; NULL: nothing is asked */
    const char *id;       /* NULL: the one that is open */
    json_t *body;         /* taken */
} Steering;

static ErrCode ask(Client *client, const Steering *steering, const char *id, Err *err)
{
    AUTO_PTR(JsonDocument) rollout = NULL;
    ErrCode code = client_get(client, &rollout, err, "/rollouts/%s", id);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(Str) text = { 0 };
    AUTO(Str) question = { 0 };
    rollout_text(rollout, &text);
    str_printf(&question, "%s %s (%lld of %lld targets have it)?", steering->question,
               get_text(rollout, "id"), count_applied(rollout), get_number(rollout, "total"));
    return output_confirm(&text, str_text(&question), err);
}

/* --plan: gives the coordinator the plan that its store has lost. */
static ErrCode bring_plan(Client *client, Invocation *invocation, Err *err)
{
    const Options *options = &invocation->options;
    PlanAtHand plan;
    ErrCode code = planning_load(options->plan, &invocation->arena, &plan, err);
    return code == ERR_NONE
               ? preview_hand_over(client, &plan, options->signer, &invocation->arena, err)
               : code;
}

static ErrCode steer(Invocation *invocation, const Steering *steering, Err *err)
{
    const Options *options = &invocation->options;
    AUTO_PTR(JsonDocument) body = steering->body;
    AUTO_PTR(JsonDocument) rollout = NULL;
    AUTO_PTR(Client) client = NULL;
    const char *id =
        steering->id == NULL ? "current" : client_escape(steering->id, &invocation->arena);
    if (options->reason != NULL) {
        json_object_set_new(body, "reason", json_string(options->reason));
    }
    ErrCode code = client_new(options, &client, err);
    if (code == ERR_NONE && options->plan != NULL) {
        code = bring_plan(client, invocation, err);
    }
    if (code == ERR_NONE && steering->question != NULL && !options->is_yes) {
        code = ask(client, steering, id, err);
    }
    if (code == ERR_NONE) {
        code = client_post(client, body, &rollout, err, "/rollouts/%s/%s", id, steering->verb);
    }
    if (code == ERR_NONE && options->output == OUTPUT_JSON) {
        output_json(rollout);
    } else if (code == ERR_NONE) {
        AUTO(Str) text = { 0 };
        rollout_text(rollout, &text);
        output_text(&text);
    }
    return code;
}

static const char *first_argument(const Invocation *invocation)
{
    return invocation->argument_count == 0 ? NULL : invocation->arguments[0];
}

static ErrCode steer_plainly(Invocation *invocation, const char *verb, const char *question,
                             Err *err)
{
    Steering steering = { verb, question, first_argument(invocation), json_object() };
    return steer(invocation, &steering, err);
}

ErrCode cmd_rollout_pause(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer_plainly(invocation, "pause", NULL, err);
}

ErrCode cmd_rollout_resume(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer_plainly(invocation, "resume", NULL, err);
}

ErrCode cmd_rollout_abort(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer_plainly(invocation, "abort", "abort, leaving what is applied,", err);
}

ErrCode cmd_rollout_rollback(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer_plainly(invocation, "rollback", "roll back everywhere", err);
}

ErrCode cmd_rollout_approve(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    Steering steering = { "approve", NULL, first_argument(invocation), json_object() };
    if (invocation->options.wave != NULL) {
        json_object_set_new(steering.body, "wave", json_string(invocation->options.wave));
    }
    return steer(invocation, &steering, err);
}

/* The arguments of retry and skip: [ID] TARGET…, where an address has a slash and an id has none.
 */
static ErrCode steer_targets(Invocation *invocation, const char *verb, bool asks, Err *err)
{
    const char *first = first_argument(invocation);
    bool has_id = first != NULL && strchr(first, '/') == NULL;
    size_t target_count = invocation->argument_count - (has_id ? 1 : 0);
    if ((target_count > 0) == invocation->options.is_failed) {
        err_set(err, ERR_USAGE, "'skein %s' wants targets, or --failed", invocation->command->name);
        return err_hint(err, "for example: skein %s db1/tenant_3", invocation->command->name);
    }
    const char *whom = invocation->options.is_failed ? "its failed targets"
                       : target_count == 1           ? "this target"
                                                     : "these targets";
    json_t *targets = json_array();
    for (size_t i = has_id ? 1 : 0; i < invocation->argument_count; i++) {
        json_array_append_new(targets, json_string(invocation->arguments[i]));
    }
    Steering steering = {
        .verb = verb,
        .question = asks ? arena_printf(&invocation->arena, "go on without %s in", whom) : NULL,
        .id = has_id ? first : NULL,
        .body =
            json_pack("{s:o, s:b}", "targets", targets, "failed", invocation->options.is_failed),
    };
    return steer(invocation, &steering, err);
}

ErrCode cmd_rollout_retry(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer_targets(invocation, "retry", false, err);
}

ErrCode cmd_rollout_skip(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return steer_targets(invocation, "skip", true, err);
}
