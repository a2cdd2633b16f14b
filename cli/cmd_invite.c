/* skein agents invite: a token by which an agent comes in once, without a person who looks. */
#include <sodium.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "common/json.h"
#include "proto/invitation.h"

#define LIFE_DEFAULT "1h"

static ErrCode take_back(Invocation *invocation, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) answer = NULL;
    AUTO_PTR(JsonDocument) body = json_object();
    const Options *options = &invocation->options;
    if (options->reason != NULL) {
        json_object_set_new(body, "reason", json_string(options->reason));
    }
    if (client_new(options, &client, err) != ERR_NONE ||
        client_post(client, body, &answer, err, "/invitations/%s/revoke",
                    client_escape(invocation->arguments[0], &invocation->arena)) != ERR_NONE) {
        return err->code;
    }
    if (options->output == OUTPUT_JSON) {
        output_json(answer);
    } else {
        printf("%s is invited no more\n", get_text(answer, "name"));
    }
    return ERR_NONE;
}

/* The coordinator gets the public half of what is printed here. */
static ErrCode read_wishes(const Invocation *invocation, const char *token, json_t *body, Err *err)
{
    const Options *options = &invocation->options;
    const char *life = options->expires == NULL ? LIFE_DEFAULT : options->expires;
    int64_t life_ms = 0;
    AUTO(KeyPair) pair = { 0 };
    char key[2 * KEY_PUBLIC_BYTES + 1];
    if (!moment_parse_life(life, &life_ms)) {
        err_set(err, ERR_USAGE, "--expires: '%s' is no time", life);
        return err_hint(err, "15m, 12h, 7d; at most 30d");
    }
    ErrCode code = invitation_key(token, &pair, err);
    if (code != ERR_NONE) {
        return code;
    }
    hex_encode(pair.public_key, KEY_PUBLIC_BYTES, key);
    json_object_set_new(body, "name", json_string(invocation->arguments[0]));
    json_object_set_new(body, "key", json_string(key));
    json_object_set_new(body, "expires_in_ms", json_integer(life_ms));
    json_object_set_new(body, "replace", json_boolean(options->is_replace));
    if (options->reason != NULL) {
        json_object_set_new(body, "reason", json_string(options->reason));
    }
    return ERR_NONE;
}

static void tell_token(const Invocation *invocation, json_t *invitation, const char *token)
{
    if (invocation->options.output == OUTPUT_JSON) {
        json_object_set_new(invitation, "token", json_string(token));
        output_json(invitation);
        return;
    }
    puts(token);
    fflush(stdout);
    fprintf(stderr,
            "for %s, once, until %s; it is not shown again. Into a file of the agent's user, mode "
            "0600, that agent.yaml names: enrolment_token_file\n",
            get_text(invitation, "name"), get_text(invitation, "expires_at"));
}

static ErrCode invite(Invocation *invocation, const char *token, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) invitation = NULL;
    AUTO_PTR(JsonDocument) body = json_object();
    if (read_wishes(invocation, token, body, err) != ERR_NONE ||
        client_new(&invocation->options, &client, err) != ERR_NONE ||
        client_post(client, body, &invitation, err, "/invitations") != ERR_NONE) {
        return err->code;
    }
    tell_token(invocation, invitation, token);
    return ERR_NONE;
}

ErrCode cmd_agents_invite(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    char token[INVITATION_TEXT_MAX];
    if (invocation->options.is_revoke) {
        return take_back(invocation, err);
    }
    invitation_make(token);
    ErrCode code = invite(invocation, token, err);
    sodium_memzero(token, sizeof(token));
    return code;
}
