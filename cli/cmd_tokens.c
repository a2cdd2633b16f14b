/* skein tokens …: who may use the API over TCP. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "common/json.h"

static ErrCode read_wishes(const Invocation *invocation, json_t *body, Err *err)
{
    const Options *options = &invocation->options;
    int64_t life_ms = 0;
    if (options->roles == NULL || options->person == NULL || options->expires == NULL) {
        err_set(err, ERR_USAGE, "a token wants --%s",
                options->roles == NULL    ? "role"
                : options->person == NULL ? "for"
                                          : "expires");
        return err_hint(err, "skein tokens create %s --role operator --for ann --expires 90d",
                        invocation->arguments[0]);
    }
    if (!moment_parse_life(options->expires, &life_ms)) {
        err_set(err, ERR_USAGE, "--expires: '%s' is no time", options->expires);
        return err_hint(err, "12h, 90d; at most %dd", MOMENT_DAYS_MAX);
    }
    json_object_set_new(body, "name", json_string(invocation->arguments[0]));
    json_object_set_new(body, "roles", json_string(options->roles));
    json_object_set_new(body, "person", json_string(options->person));
    json_object_set_new(body, "expires_in_ms", json_integer(life_ms));
    return ERR_NONE;
}

ErrCode cmd_tokens_create(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) token = NULL;
    AUTO_PTR(JsonDocument) body = json_object();
    if (read_wishes(invocation, body, err) != ERR_NONE ||
        client_new(&invocation->options, &client, err) != ERR_NONE ||
        client_post(client, body, &token, err, "/tokens") != ERR_NONE) {
        return err->code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(token);
        return ERR_NONE;
    }
    puts(get_text(token, "token"));
    fflush(stdout);
    fprintf(stderr, "%s for %s (%s) until %s; it is not shown again\n", get_text(token, "name"),
            get_text(token, "person"), get_text(token, "roles"), get_text(token, "expires_at"));
    return ERR_NONE;
}

static const char *state_of(const json_t *token)
{
    if (get_bool(token, "is_valid")) {
        return "valid";
    }
    return get_text(token, "revoked_at")[0] == '\0' ? "over" : "revoked";
}

static void print_tokens(const json_t *tokens)
{
    AUTO_PTR(Table)
    table = table_new(7, (const char *const[]){ "token", "id", "person", "roles", "state",
                                                "expires", "made by" });
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const json_t *token = json_array_get(tokens, i);
        bool is_valid = get_bool(token, "is_valid");
        table_cell(table, COLOUR_BOLD, get_text(token, "name"));
        table_cell(table, COLOUR_NONE, get_text(token, "id"));
        table_cell(table, COLOUR_NONE, get_text(token, "person"));
        table_cell(table, COLOUR_NONE, get_text(token, "roles"));
        table_cell(table, is_valid ? COLOUR_GOOD : COLOUR_DIM, state_of(token));
        table_cell(table, COLOUR_NONE, get_text(token, "expires_at"));
        table_cell(table, COLOUR_NONE, get_text(token, "made_by"));
    }
    table_print(table, &text);
    output_text(&text);
}

ErrCode cmd_tokens_list(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) tokens = NULL;
    if (client_new(&invocation->options, &client, err) != ERR_NONE ||
        client_list(client, "/tokens", 0, &tokens, err) != ERR_NONE) {
        return err->code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(tokens);
    } else if (json_array_size(tokens) == 0) {
        puts("no tokens");
    } else {
        print_tokens(tokens);
    }
    return ERR_NONE;
}

ErrCode cmd_tokens_revoke(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) token = NULL;
    AUTO_PTR(JsonDocument) body = json_object();
    if (invocation->options.reason != NULL) {
        json_object_set_new(body, "reason", json_string(invocation->options.reason));
    }
    if (client_new(&invocation->options, &client, err) != ERR_NONE ||
        client_post(client, body, &token, err, "/tokens/%s/revoke",
                    client_escape(invocation->arguments[0], &invocation->arena)) != ERR_NONE) {
        return err->code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(token);
    } else {
        printf("%s (%s) lets nobody in any more\n", get_text(token, "name"), get_text(token, "id"));
    }
    return ERR_NONE;
}
