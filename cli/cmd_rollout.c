/* skein rollout …: starting, looking, steering. */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/planning.h"
#include "cli/preview.h"
#include "cli/rollout_view.h"
#include "cli/watch.h"

static ErrCode connect_client(const Invocation *invocation, Client **ret_client, Err *err)
{
    return client_new(invocation->options.coordinator, ret_client, err);
}

/* The first argument, or whichever rollout is open. */
static const char *rollout_id(Invocation *invocation)
{
    return invocation->argument_count == 0 ? "current"
                                           : client_escape(invocation->arguments[0], &invocation->arena);
}

static void print_rollout(const json_t *rollout, OutputKind output)
{
    if (output == OUTPUT_JSON) {
        output_json(rollout);
        return;
    }
    AUTO(Str) text = { 0 };
    rollout_text(rollout, &text);
    fputs(str_text(&text), stdout);
}

/* ---- start ---- */

static ErrCode show_and_ask(Client *client, PlanAtHand *plan, Invocation *invocation, Err *err)
{
    const Options *options = &invocation->options;
    json_t *preview = NULL;
    ErrCode code = preview_fetch(client, plan, options->signer, &invocation->arena, &preview, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (options->output == OUTPUT_TEXT) {
        AUTO(Str) text = { 0 };
        planning_text(plan, &text);
        preview_text(preview, &text);
        fputs(str_text(&text), stdout);
    }
    char question[128];
    text_format(question, sizeof(question), "start it on %zu targets?",
                json_array_size(json_object_get(preview, "targets")));
    json_decref(preview);
    return output_confirm(options->is_yes, question, err);
}

ErrCode cmd_rollout_start(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    PlanAtHand plan;
    ErrCode code = planning_load(invocation->arguments[0], &invocation->arena, &plan, err);
    if (code == ERR_NONE) {
        code = connect_client(invocation, &client, err);
    }
    if (code == ERR_NONE) {
        code = show_and_ask(client, &plan, invocation, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    char hash[2 * PLAN_HASH_BYTES + 1];
    hex_encode(plan.hash, PLAN_HASH_BYTES, hash);
    json_t *body = json_pack("{s:s}", "plan", hash);
    json_t *rollout = NULL;
    code = client_post(client, body, &rollout, err, "/rollouts");
    json_decref(body);
    if (code != ERR_NONE) {
        return code;
    }
    const char *id = arena_strdup(&invocation->arena, get_text(rollout, "id"));
    if (invocation->options.output == OUTPUT_JSON && !invocation->options.is_watch) {
        output_json(rollout);
    } else if (invocation->options.output == OUTPUT_TEXT) {
        printf("started %s\n", id);
    }
    json_decref(rollout);
    fflush(stdout);
    return invocation->options.is_watch ? watch_rollout(client, id, invocation->options.output, ret_exit, err)
                                        : ERR_NONE;
}

/* ---- looking ---- */

ErrCode cmd_rollout_list(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    json_t *items = NULL;
    ErrCode code = connect_client(invocation, &client, err);
    if (code == ERR_NONE) {
        code = client_list(client, invocation->options.is_open ? "/rollouts?state=open" : "/rollouts",
                           invocation->options.limit, &items, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(items);
        json_decref(items);
        return ERR_NONE;
    }
    AUTO_PTR(Table) table = table_new(5, (const char *const[]){ "id", "state", "name", "started", "targets" });
    AUTO(Str) text = { 0 };
    size_t index = 0;
    const json_t *rollout = NULL;
    json_array_foreach(items, index, rollout)
    {
        const json_t *counts = json_object_get(rollout, "counts");
        table_cell(table, COLOUR_BOLD, get_text(rollout, "id"));
        table_cell(table, output_state_colour(get_text(rollout, "state")), get_text(rollout, "state"));
        table_cell(table, COLOUR_NONE, get_text(rollout, "name"));
        table_cell(table, COLOUR_NONE, get_text(rollout, "created_at"));
        table_cellf(table, COLOUR_NONE, "%lld of %lld applied",
                    get_number(counts, "healthy") + get_number(counts, "verifying"), get_number(rollout, "total"));
    }
    table_print(table, &text);
    fputs(json_array_size(items) == 0 ? "no rollouts\n" : str_text(&text), stdout);
    json_decref(items);
    return ERR_NONE;
}

ErrCode cmd_rollout_show(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    json_t *rollout = NULL;
    json_t *errors = NULL;
    ErrCode code = connect_client(invocation, &client, err);
    if (code == ERR_NONE) {
        code = client_get(client, &rollout, err, "/rollouts/%s", rollout_id(invocation));
    }
    if (code != ERR_NONE) {
        return code;
    }
    code = client_get(client, &errors, err, "/rollouts/%s/errors", get_text(rollout, "id"));
    if (code == ERR_NONE && invocation->options.output == OUTPUT_JSON) {
        json_object_set(rollout, "errors", json_object_get(errors, "items"));
        output_json(rollout);
    } else if (code == ERR_NONE) {
        AUTO(Str) text = { 0 };
        rollout_text(rollout, &text);
        errors_text(json_object_get(errors, "items"), &text);
        fputs(str_text(&text), stdout);
    }
    *ret_exit = rollout_exit_code(rollout);
    json_decref(rollout);
    json_decref(errors);
    return code;
}

static void print_targets(const json_t *items)
{
    AUTO_PTR(Table) table =
        table_new(6, (const char *const[]){ "target", "wave", "state", "steps", "version", "what happened" });
    AUTO(Str) text = { 0 };
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach((json_t *)items, index, target)
    {
        const json_t *error = json_object_get(target, "error");
        table_cell(table, COLOUR_BOLD, get_text(target, "address"));
        table_cell(table, COLOUR_NONE, get_text(target, "wave"));
        table_cell(table, output_state_colour(get_text(target, "state")), get_text(target, "state"));
        table_cellf(table, COLOUR_NONE, "%lld/%lld", get_number(target, "steps_done"),
                    get_number(target, "steps_total"));
        table_cell(table, COLOUR_NONE, get_text(target, "version"));
        table_cell(table, COLOUR_NONE, json_is_object(error) ? get_text(error, "message") : "");
    }
    table_print(table, &text);
    fputs(str_text(&text), stdout);
}

ErrCode cmd_rollout_targets(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(Client) client = NULL;
    json_t *items = NULL;
    ErrCode code = connect_client(invocation, &client, err);
    Arena *arena = &invocation->arena;
    const char *path = arena_printf(
        arena, "/rollouts/%s/targets%s%s%s%s%s", rollout_id(invocation),
        options->state != NULL || options->wave != NULL ? "?" : "", options->state != NULL ? "state=" : "",
        options->state != NULL ? client_escape(options->state, arena) : "",
        options->wave == NULL ? "" : options->state != NULL ? "&wave=" : "wave=",
        options->wave != NULL ? client_escape(options->wave, arena) : "");
    if (code == ERR_NONE) {
        code = client_list(client, path, options->limit, &items, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (options->output == OUTPUT_JSON) {
        output_json(items);
    } else {
        print_targets(items);
    }
    json_decref(items);
    return ERR_NONE;
}

ErrCode cmd_rollout_watch(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    json_t *rollout = NULL;
    ErrCode code = connect_client(invocation, &client, err);
    if (code == ERR_NONE) {
        code = client_get(client, &rollout, err, "/rollouts/%s", rollout_id(invocation));
    }
    if (code != ERR_NONE) {
        return code;
    }
    const char *id = arena_strdup(&invocation->arena, get_text(rollout, "id"));
    json_decref(rollout);
    return watch_rollout(client, id, invocation->options.output, ret_exit, err);
}

ErrCode cmd_rollout_events(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(Client) client = NULL;
    json_t *answer = NULL;
    ErrCode code = connect_client(invocation, &client, err);
    if (code == ERR_NONE) {
        code = client_get(client, &answer, err, "/events?rollout=%s&after=%llu&limit=%u", rollout_id(invocation),
                          (unsigned long long)options->after, options->limit);
    }
    if (code != ERR_NONE) {
        return code;
    }
    size_t index = 0;
    const json_t *event = NULL;
    json_array_foreach(json_object_get(answer, "items"), index, event)
    {
        AUTO(Str) line = { 0 };
        if (options->output == OUTPUT_JSON) {
            json_dumpf(event, stdout, JSON_COMPACT);
            putchar('\n');
        } else {
            event_text(event, &line);
            fputs(str_text(&line), stdout);
        }
    }
    json_decref(answer);
    return ERR_NONE;
}

/* ---- steering ---- */

static ErrCode post_verb(Invocation *invocation, const char *verb, json_t *body, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    json_t *rollout = NULL;
    ErrCode code = connect_client(invocation, &client, err);
    if (invocation->options.reason != NULL) {
        json_object_set_new(body, "reason", json_string(invocation->options.reason));
    }
    if (code == ERR_NONE) {
        code = client_post(client, body, &rollout, err, "/rollouts/%s/%s", rollout_id(invocation), verb);
    }
    json_decref(body);
    if (code == ERR_NONE) {
        print_rollout(rollout, invocation->options.output);
        json_decref(rollout);
    }
    return code;
}

/* What the verb touches, then the question. */
static ErrCode confirm_verb(Invocation *invocation, const char *what, Err *err)
{
    if (invocation->options.is_yes) {
        return ERR_NONE;
    }
    AUTO_PTR(Client) client = NULL;
    json_t *rollout = NULL;
    ErrCode code = connect_client(invocation, &client, err);
    if (code == ERR_NONE) {
        code = client_get(client, &rollout, err, "/rollouts/%s", rollout_id(invocation));
    }
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(Str) text = { 0 };
    AUTO(Str) question = { 0 };
    rollout_text(rollout, &text);
    fputs(str_text(&text), stdout);
    str_printf(&question, "%s %s (%lld targets)?", what, get_text(rollout, "id"), get_number(rollout, "total"));
    json_decref(rollout);
    return output_confirm(false, str_text(&question), err);
}

ErrCode cmd_rollout_pause(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return post_verb(invocation, "pause", json_object(), err);
}

ErrCode cmd_rollout_resume(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    return post_verb(invocation, "resume", json_object(), err);
}

ErrCode cmd_rollout_approve(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    json_t *body = json_object();
    if (invocation->options.wave != NULL) {
        json_object_set_new(body, "wave", json_string(invocation->options.wave));
    }
    return post_verb(invocation, "approve", body, err);
}

ErrCode cmd_rollout_abort(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    ErrCode code = confirm_verb(invocation, "abort, leaving what is applied,", err);
    return code == ERR_NONE ? post_verb(invocation, "abort", json_object(), err) : code;
}

ErrCode cmd_rollout_rollback(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    ErrCode code = confirm_verb(invocation, "roll back everywhere", err);
    return code == ERR_NONE ? post_verb(invocation, "rollback", json_object(), err) : code;
}

/* {targets: […], failed: bool}; one of the two has to say which. */
static ErrCode targets_body(Invocation *invocation, json_t **ret_body, Err *err)
{
    bool has_targets = invocation->argument_count > 1;
    if (has_targets == invocation->options.is_failed) {
        err_set(err, ERR_USAGE, "'skein %s' wants targets, or --failed", invocation->command->name);
        return err_hint(err, "skein %s %s db1/tenant_3", invocation->command->name, invocation->arguments[0]);
    }
    json_t *targets = json_array();
    for (size_t i = 1; i < invocation->argument_count; i++) {
        json_array_append_new(targets, json_string(invocation->arguments[i]));
    }
    *ret_body = json_pack("{s:o, s:b}", "targets", targets, "failed", invocation->options.is_failed);
    return ERR_NONE;
}

ErrCode cmd_rollout_retry(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    json_t *body = NULL;
    ErrCode code = targets_body(invocation, &body, err);
    return code == ERR_NONE ? post_verb(invocation, "retry", body, err) : code;
}

ErrCode cmd_rollout_skip(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    json_t *body = NULL;
    ErrCode code = targets_body(invocation, &body, err);
    if (code != ERR_NONE) {
        return code;
    }
    code = confirm_verb(invocation, "go on without these targets in", err);
    if (code != ERR_NONE) {
        json_decref(body);
        return code;
    }
    return post_verb(invocation, "skip", body, err);
}
