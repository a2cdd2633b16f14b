/* skein agents show and skein health: how the servers do. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/health_view.h"
#include "cli/output.h"
#include "common/json.h"

ErrCode cmd_agents_show(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) agent = NULL;
    AUTO(Str) text = { 0 };
    ErrCode code = client_new(&invocation->options, &client, err);
    if (code == ERR_NONE) {
        code = client_get(client, &agent, err, "/agents/%s",
                          client_escape(invocation->arguments[0], &invocation->arena));
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(agent);
    } else {
        health_view_agent(agent, &text);
        output_text(&text);
    }
    return ERR_NONE;
}

ErrCode cmd_health(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) items = NULL;
    AUTO(Str) text = { 0 };
    ErrCode code = client_new(&invocation->options, &client, err);
    if (code == ERR_NONE) {
        code = client_list(client, "/health", 0, &items, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(items);
    } else if (json_array_size(items) == 0) {
        puts("no servers: skein agents list");
    } else {
        health_view_fleet(items, &text);
        output_text(&text);
    }
    return ERR_NONE;
}
