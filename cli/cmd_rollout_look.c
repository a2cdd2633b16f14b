/* skein rollout list | show | targets | watch | events: looking. Changes nothing. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remark_view.h"
#include "cli/rollout_view.h"
#include "cli/watch.h"
#include "common/json.h"

#define EVENTS_PAGE 1000
#define LATE_MAX 100

static const char *rollout_id(Invocation *invocation)
{
    return invocation->argument_count == 0
               ? "current"
               : client_escape(invocation->arguments[0], &invocation->arena);
}

/* ---- list ---- */

static void print_rollouts(const json_t *items)
{
    AUTO_PTR(Table)
    table = table_new(5, (const char *const[]){ "id", "state", "name", "started", "targets" });
    AUTO(Str) text = { 0 };
    size_t index = 0;
    const json_t *rollout = NULL;
    json_array_foreach((json_t *)items, index, rollout)
    {
        table_cell(table, COLOUR_BOLD, get_text(rollout, "id"));
        AUTO(Str) words = { 0 };
        Colour colour = rollout_state_words(rollout, &words);
        table_cell(table, colour, str_text(&words));
        table_cell(table, COLOUR_NONE, get_text(rollout, "name"));
        table_cell(table, COLOUR_NONE, get_text(rollout, "created_at"));
        table_cellf(table, COLOUR_NONE, "%lld of %lld applied", count_applied(rollout),
                    get_number(rollout, "total"));
    }
    table_print(table, &text);
    fputs(json_array_size(items) == 0 ? "no rollouts\n" : str_text(&text), stdout);
}

ErrCode cmd_rollout_list(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) items = NULL;
    ErrCode code = client_new(options, &client, err);
    if (code == ERR_NONE) {
        code = client_list(client, options->is_open ? "/rollouts?state=open" : "/rollouts",
                           options->limit, &items, err);
    }
    if (code == ERR_NONE && options->output == OUTPUT_JSON) {
        output_json(items);
    } else if (code == ERR_NONE) {
        print_rollouts(items);
    }
    return code;
}

/* ---- show ---- */

static ErrCode get_rollout(Invocation *invocation, Client **ret_client, json_t **ret_rollout,
                           Err *err)
{
    ErrCode code = client_new(&invocation->options, ret_client, err);
    return code == ERR_NONE
               ? client_get(*ret_client, ret_rollout, err, "/rollouts/%s", rollout_id(invocation))
               : code;
}

/* A plan that the coordinator has lost selects nothing that could be told: then none is late. */
static ErrCode get_late(Client *client, const json_t *rollout, Arena *arena, json_t **ret_late,
                        Err *err)
{
    const char *path = arena_printf(arena, "/rollouts/%s/late", get_text(rollout, "id"));
    ErrCode code = client_list(client, path, LATE_MAX, ret_late, err);
    if (code == ERR_NOT_FOUND) {
        *ret_late = json_array();
        code = ERR_NONE;
    }
    return code;
}

ErrCode cmd_rollout_show(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) rollout = NULL;
    AUTO_PTR(JsonDocument) errors = NULL;
    AUTO_PTR(JsonDocument) late = NULL;
    AUTO_PTR(JsonDocument) remarks = NULL;
    ErrCode code = get_rollout(invocation, &client, &rollout, err);
    if (code == ERR_NONE) {
        code = client_get(client, &errors, err, "/rollouts/%s/errors", get_text(rollout, "id"));
    }
    if (code == ERR_NONE) {
        code = get_late(client, rollout, &invocation->arena, &late, err);
    }
    if (code == ERR_NONE) {
        code = remarks_get(client, get_text(rollout, "id"), &remarks, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        json_object_set(rollout, "errors", json_object_get(errors, "items"));
        json_object_set(rollout, "late", late);
        json_object_set(rollout, "remarks", remarks);
        output_json(rollout);
    } else {
        AUTO(Str) text = { 0 };
        rollout_text(rollout, &text);
        rollout_plan_text(rollout, &text);
        errors_text(rollout, json_object_get(errors, "items"), &text);
        remarks_text(remarks, &text);
        late_text(rollout, late, LATE_MAX, &text);
        output_text(&text);
    }
    *ret_exit = rollout_exit_code(rollout);
    return ERR_NONE;
}

/* ---- targets ---- */

static void print_targets(const json_t *items)
{
    AUTO_PTR(Table)
    table = table_new(
        6, (const char *const[]){ "target", "wave", "state", "steps", "version", "what happened" });
    AUTO(Str) text = { 0 };
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach((json_t *)items, index, target)
    {
        const json_t *error = json_object_get(target, "error");
        table_cell(table, COLOUR_BOLD, get_text(target, "address"));
        table_cell(table, COLOUR_NONE, get_text(target, "wave"));
        table_cell(table, output_state_colour(get_text(target, "state")),
                   get_text(target, "state"));
        table_cellf(table, COLOUR_NONE, "%lld/%lld", get_number(target, "steps_done"),
                    get_number(target, "steps_total"));
        table_cell(table, COLOUR_NONE, get_text(target, "version"));
        AUTO(Str) happened = { 0 };
        str_append(&happened, json_is_object(error) ? get_text(error, "message") : "");
        target_remarks_text(target, &happened);
        table_cell(table, COLOUR_NONE, str_text(&happened));
    }
    table_print(table, &text);
    fputs(json_array_size(items) == 0 ? "no targets\n" : str_text(&text), stdout);
}

ErrCode cmd_rollout_targets(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    const char *const filters[][2] = { { "state", options->state }, { "wave", options->wave } };
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) items = NULL;
    AUTO(Str) path = { 0 };
    str_printf(&path, "/rollouts/%s/targets", rollout_id(invocation));
    char joint = '?';
    for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
        if (filters[i][1] != NULL) {
            str_printf(&path, "%c%s=%s", joint, filters[i][0],
                       client_escape(filters[i][1], &invocation->arena));
            joint = '&';
        }
    }
    ErrCode code = client_new(options, &client, err);
    if (code == ERR_NONE) {
        code = client_list(client, str_text(&path), options->limit, &items, err);
    }
    if (code == ERR_NONE && options->output == OUTPUT_JSON) {
        output_json(items);
    } else if (code == ERR_NONE) {
        print_targets(items);
    }
    return code;
}

/* ---- watch, events ---- */

ErrCode cmd_rollout_watch(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) rollout = NULL;
    ErrCode code = get_rollout(invocation, &client, &rollout, err);
    return code == ERR_NONE ? watch_rollout(client, get_text(rollout, "id"),
                                            invocation->options.output, ret_exit, err)
                            : code;
}

static void print_events(const json_t *items, OutputKind output)
{
    size_t index = 0;
    const json_t *event = NULL;
    json_array_foreach((json_t *)items, index, event)
    {
        event_print(event, output);
    }
}

ErrCode cmd_rollout_events(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) rollout = NULL;
    ErrCode code = get_rollout(invocation, &client, &rollout, err);
    unsigned long long after = options->after;
    size_t left = options->limit == 0 ? SIZE_MAX : options->limit;
    size_t count = 0;
    do {
        AUTO_PTR(JsonDocument) answer = NULL;
        if (code == ERR_NONE) {
            code =
                client_get(client, &answer, err, "/events?rollout=%s&after=%llu&limit=%zu",
                           get_text(rollout, "id"), after, left < EVENTS_PAGE ? left : EVENTS_PAGE);
        }
        if (code != ERR_NONE) {
            return code;
        }
        const json_t *items = json_object_get(answer, "items");
        print_events(items, options->output);
        count = json_array_size(items);
        left -= count < left ? count : left;
        after = count == 0
                    ? after
                    : (unsigned long long)get_number(json_array_get(items, count - 1), "seq");
    } while (count == EVENTS_PAGE && left > 0);
    return ERR_NONE;
}
