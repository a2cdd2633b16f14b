/* skein targets: the fleet as the coordinator knows it. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "common/json.h"

/* A word of what a person should know about a target. */
static const char *target_remark(const json_t *target, Arena *arena)
{
    const char *lost = get_text(target, "lost");
    if (get_bool(target, "is_gone")) {
        return "gone";
    }
    if (lost[0] != '\0') {
        return arena_printf(arena, "lost in a failover: %s", lost);
    }
    if (get_bool(target, "is_disputed")) {
        return "disputed: two writable servers claim it";
    }
    if (get_bool(target, "in_recovery")) {
        return "replica";
    }
    return get_bool(target, "is_read") ? "" : "not read yet";
}

static void targets_table(const json_t *items)
{
    AUTO_PTR(Table) table = table_new(4, (const char *const[]){ "target", "agent", "version", "" });
    AUTO(Str) text = { 0 };
    AUTO(Arena) arena = { 0 };
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach((json_t *)items, index, target)
    {
        const char *version = get_text(target, "version");
        table_cell(table, COLOUR_BOLD, get_text(target, "address"));
        table_cell(table, COLOUR_NONE, get_text(target, "agent"));
        table_cell(table, COLOUR_NONE, version[0] == '\0' ? "none" : version);
        table_cell(table, COLOUR_WARN, target_remark(target, &arena));
    }
    table_print(table, &text);
    output_text(&text);
}

/* What the coordinator has to say of the expression: why it selects nothing, or a label in it that
 * nobody has. */
static ErrCode tell_doubt(Client *client, const char *where, Err *err)
{
    AUTO_PTR(JsonDocument) answer = NULL;
    ErrCode code = client_get(client, &answer, err, "/targets?where=%s&limit=1", where);
    const char *hint = code == ERR_NONE ? get_text(answer, "hint") : "";
    fflush(stdout);
    if (hint[0] != '\0') {
        fprintf(stderr, "hint: %s\n", hint);
    }
    return code;
}

/* For people. Nothing is an answer too. */
static ErrCode tell_targets(Client *client, const json_t *items, const char *where, Err *err)
{
    if (json_array_size(items) > 0) {
        targets_table(items);
    } else {
        puts(where == NULL ? "no targets" : "no targets match");
    }
    if (where != NULL) {
        return tell_doubt(client, where, err);
    }
    if (json_array_size(items) == 0) {
        fputs("hint: `skein agents list` shows which agents are there\n", stderr);
    }
    return ERR_NONE;
}

ErrCode cmd_targets(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    const char *where =
        options->where == NULL ? NULL : client_escape(options->where, &invocation->arena);
    const char *path =
        where == NULL ? "/targets" : arena_printf(&invocation->arena, "/targets?where=%s", where);
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) items = NULL;
    ErrCode code = client_new(options, &client, err);
    if (code == ERR_NONE) {
        code = client_list(client, path, options->limit, &items, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (options->output == OUTPUT_JSON) {
        output_json(items);
        return ERR_NONE;
    }
    return tell_targets(client, items, where, err);
}
