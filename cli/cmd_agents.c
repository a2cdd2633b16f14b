/* skein agents …: who works for the fleet, who would like to, and who may not. */
#include <stdio.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/key_census.h"
#include "cli/output.h"
#include "common/json.h"
#include "common/str.h"

static void instances_text(const json_t *instances, Str *out)
{
    size_t index = 0;
    const json_t *instance = NULL;
    json_array_foreach((json_t *)instances, index, instance)
    {
        long long version = get_number(instance, "server_version");
        str_printf(out, "%s%s", index == 0 ? "" : ", ", get_text(instance, "name"));
        if (version == 0) {
            str_append(out, " (not reached yet)");
        } else {
            str_printf(out, " (%lld.%lld%s)", version / 10000, version % 10000,
                       get_bool(instance, "in_recovery") ? ", replica" : "");
        }
    }
}

static void agent_row(Table *table, const json_t *agent)
{
    AUTO(Str) instances = { 0 };
    instances_text(json_object_get(agent, "instances"), &instances);
    table_cell(table, COLOUR_BOLD, get_text(agent, "name"));
    const char *state = agent_state_words(get_text(agent, "state"));
    table_cell(table, output_state_colour(state), state);
    table_cellf(table, COLOUR_NONE, "%lld", get_number(agent, "targets"));
    table_cell(table, COLOUR_NONE, get_text(agent, "heard_at"));
    table_cell(table, COLOUR_NONE, str_text(&instances));
    table_cell(table, COLOUR_BAD, get_text(agent, "reason"));
}

static void applicants_table(const json_t *applicants)
{
    AUTO_PTR(Table)
    table = table_new(
        6, (const char *const[]){ "applies", "fingerprint", "from", "since", "last seen", "" });
    AUTO(Str) text = { 0 };
    size_t index = 0;
    const json_t *applicant = NULL;
    json_array_foreach((json_t *)applicants, index, applicant)
    {
        const char *name = get_text(applicant, "name");
        table_cell(table, COLOUR_BOLD, name[0] == '\0' ? "(no name said)" : name);
        table_cell(table, COLOUR_NONE, get_text(applicant, "fingerprint"));
        table_cell(table, COLOUR_NONE, get_text(applicant, "address"));
        table_cell(table, COLOUR_NONE, get_text(applicant, "since"));
        table_cell(table, COLOUR_NONE, get_text(applicant, "seen_at"));
        table_cell(table, COLOUR_BAD,
                   get_bool(applicant, "is_name_taken") ? "an agent of that name has another key"
                                                        : "");
    }
    table_print(table, &text);
    output_text(&text);
}

static void invitations_table(const json_t *invitations)
{
    AUTO_PTR(Table)
    table = table_new(4, (const char *const[]){ "invited", "until", "by", "" });
    AUTO(Str) text = { 0 };
    size_t index = 0;
    const json_t *invitation = NULL;
    json_array_foreach((json_t *)invitations, index, invitation)
    {
        table_cell(table, COLOUR_BOLD, get_text(invitation, "name"));
        table_cell(table, COLOUR_NONE, get_text(invitation, "expires_at"));
        table_cell(table, COLOUR_NONE, get_text(invitation, "made_by"));
        table_cell(table, COLOUR_NONE,
                   get_bool(invitation, "replaces") ? "in place of the key that it has" : "");
    }
    table_print(table, &text);
    output_text(&text);
}

static void agents_table(const json_t *agents)
{
    AUTO_PTR(Table)
    table = table_new(
        6, (const char *const[]){ "agent", "state", "targets", "last heard", "instances", "" });
    AUTO(Str) text = { 0 };
    size_t index = 0;
    const json_t *agent = NULL;
    json_array_foreach((json_t *)agents, index, agent)
    {
        agent_row(table, agent);
    }
    table_print(table, &text);
    output_text(&text);
}

static bool all_say_names(const json_t *applicants)
{
    size_t index = 0;
    const json_t *applicant = NULL;
    json_array_foreach((json_t *)applicants, index, applicant)
    {
        if (get_text(applicant, "name")[0] == '\0') {
            return false;
        }
    }
    return true;
}

static void tell_agents(const json_t *agents, const json_t *applicants, const json_t *invitations)
{
    if (json_array_size(agents) > 0) {
        agents_table(agents);
    } else {
        puts("no agents");
    }
    if (json_array_size(invitations) > 0) {
        puts("");
        invitations_table(invitations);
    }
    if (json_array_size(applicants) > 0) {
        puts("");
        applicants_table(applicants);
        fflush(stdout);
        fprintf(stderr,
                "hint: compare the fingerprint with the one in the agent's log, then: skein agents "
                "accept FINGERPRINT%s\n",
                all_say_names(applicants) ? "" : " --name NAME");
    }
}

static void tell_keys(const json_t *agents, const char *current)
{
    AUTO(Str) text = { 0 };
    key_census(agents, current, &text);
    if (text.length > 0) {
        puts("");
        output_text(&text);
    }
}

/* One list for programs: whoever applies, or is invited, has a state that no agent has. */
static void append_as(json_t *agents, const json_t *items, const char *state)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach((json_t *)items, index, item)
    {
        json_t *copy = json_deep_copy(item);
        json_object_set_new(copy, "state", json_string(state));
        json_array_append_new(agents, copy);
    }
}

ErrCode cmd_agents_list(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) agents = NULL;
    AUTO_PTR(JsonDocument) applicants = NULL;
    AUTO_PTR(JsonDocument) invitations = NULL;
    AUTO_PTR(JsonDocument) status = NULL;
    if (client_new(&invocation->options, &client, err) != ERR_NONE ||
        client_list(client, "/agents", 0, &agents, err) != ERR_NONE ||
        client_list_if_known(client, "/applicants", &applicants, err) != ERR_NONE ||
        client_list_if_known(client, "/invitations", &invitations, err) != ERR_NONE ||
        client_get(client, &status, err, "/status") != ERR_NONE) {
        return err->code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        append_as(agents, applicants, "applying");
        append_as(agents, invitations, "invited");
        output_json(agents);
    } else {
        tell_agents(agents, applicants, invitations);
        tell_keys(agents, get_text(status, "key"));
    }
    return ERR_NONE;
}

/* ---- what one does about a key ---- */

static json_t *act_body(const Options *options)
{
    json_t *body = json_object();
    if (options->reason != NULL) {
        json_object_set_new(body, "reason", json_string(options->reason));
    }
    if (options->name != NULL) {
        json_object_set_new(body, "name", json_string(options->name));
    }
    if (options->is_replace) {
        json_object_set_new(body, "replace", json_true());
    }
    return body;
}

static const char *without_blanks(const char *text, Arena *arena)
{
    char *out = arena_strdup(arena, text);
    char *end = out;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c != ' ') {
            *end++ = *c;
        }
    }
    *end = '\0';
    return out;
}

/* Who is meant by a fingerprint, or by the name that it claims. */
typedef struct Meant {
    const json_t *applicant;
    const char *fingerprint; /* without blanks; in the invocation's arena */
    bool is_by_name;
} Meant;

static ErrCode several_claim(const char *name, Err *err)
{
    err_set(err, ERR_CONFLICT, "several keys would like to be called '%s'", name);
    return err_hint(err, "`skein agents list` shows their fingerprints: give the right one");
}

static ErrCode find_meant(const json_t *applicants, const char *given, Arena *arena, Meant *ret,
                          Err *err)
{
    size_t index = 0;
    const json_t *applicant = NULL;
    const char *wanted = without_blanks(given, arena);
    *ret = (Meant){ 0 };
    json_array_foreach((json_t *)applicants, index, applicant)
    {
        const char *fingerprint = without_blanks(get_text(applicant, "fingerprint"), arena);
        bool is_name = str_equal(get_text(applicant, "name"), given);
        if (str_equal(fingerprint, wanted)) {
            *ret = (Meant){ applicant, fingerprint, false };
            return ERR_NONE;
        }
        if (is_name && ret->applicant != NULL) {
            return several_claim(given, err);
        }
        if (is_name) {
            *ret = (Meant){ applicant, fingerprint, true };
        }
    }
    if (ret->applicant == NULL) {
        err_set(err, ERR_NOT_FOUND, "no key applies that is called '%s' or has that fingerprint",
                given);
        return err_hint(err, "`skein agents list` shows those that do");
    }
    return ERR_NONE;
}

/* A name is only what a key says of itself. Whoever gives the fingerprint has compared it. */
static ErrCode confirm_key(const Meant *meant, const Invocation *invocation, Err *err)
{
    AUTO(Str) touched = { 0 };
    if (!meant->is_by_name) {
        return ERR_NONE;
    }
    if (invocation->options.is_yes || !isatty(STDIN_FILENO)) {
        err_set(err, ERR_USAGE, "anybody can claim the name '%s'",
                get_text(meant->applicant, "name"));
        return err_hint(err, "where nobody can be asked, give the fingerprint that the agent's log "
                             "shows, without blanks");
    }
    str_printf(&touched, "%s applies from %s\nfingerprint  %s\n",
               get_text(meant->applicant, "name"), get_text(meant->applicant, "address"),
               get_text(meant->applicant, "fingerprint"));
    return output_confirm(&touched, "is it the fingerprint in the agent's log?", invocation, err);
}

/* A fingerprint is six groups of digits, as it is shown, or one word. */
static const char *joined_arguments(Invocation *invocation)
{
    AUTO(Str) joined = { 0 };
    for (size_t i = 0; i < invocation->argument_count; i++) {
        str_append(&joined, invocation->arguments[i]);
    }
    return arena_strdup(&invocation->arena, str_text(&joined));
}

/* What it claims may be another name by now. */
static void say_shown_name(const Meant *meant, const char *verb, json_t *body)
{
    const char *name = get_text(meant->applicant, "name");
    if (str_equal(verb, "accept") && name[0] != '\0' && json_object_get(body, "name") == NULL) {
        json_object_set_new(body, "name", json_string(name));
    }
}

static ErrCode act_on_applicant(Invocation *invocation, const char *verb, json_t **ret_answer,
                                Meant *meant, Err *err)
{
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) applicants = NULL;
    AUTO_PTR(JsonDocument) body = act_body(&invocation->options);
    ErrCode code = client_new(&invocation->options, &client, err);
    if (code == ERR_NONE) {
        code = client_list(client, "/applicants", 0, &applicants, err);
    }
    if (code == ERR_NONE) {
        code = find_meant(applicants, joined_arguments(invocation), &invocation->arena, meant, err);
    }
    if (code == ERR_NONE) {
        code = confirm_key(meant, invocation, err);
    }
    if (code == ERR_NONE) {
        say_shown_name(meant, verb, body);
        code = client_post(client, body, ret_answer, err, "/applicants/%s/%s", meant->fingerprint,
                           verb);
    }
    meant->applicant = NULL; /* it went with the list */
    return code;
}

ErrCode cmd_agents_accept(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(JsonDocument) answer = NULL;
    Meant meant;
    ErrCode code = act_on_applicant(invocation, "accept", &answer, &meant, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(answer);
    } else {
        printf("%s is an agent: it comes in within some seconds\n", get_text(answer, "name"));
    }
    return ERR_NONE;
}

ErrCode cmd_agents_reject(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(JsonDocument) answer = NULL;
    Meant meant;
    ErrCode code = act_on_applicant(invocation, "reject", &answer, &meant, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(answer);
    } else {
        printf("the key is rejected for good: %s.refused in agents_dir\n", meant.fingerprint);
    }
    return ERR_NONE;
}

static ErrCode confirm_revoke(Client *client, const Invocation *invocation, Err *err)
{
    AUTO_PTR(JsonDocument) agents = NULL;
    AUTO(Str) touched = { 0 };
    const char *name = invocation->arguments[0];
    if (invocation->options.is_yes) {
        return ERR_NONE;
    }
    ErrCode code = client_list(client, "/agents", 0, &agents, err);
    if (code != ERR_NONE) {
        return code;
    }
    size_t index = 0;
    const json_t *agent = NULL;
    json_array_foreach(agents, index, agent)
    {
        if (str_equal(get_text(agent, "name"), name)) {
            str_printf(
                &touched,
                "%s, with %lld targets: nothing new starts there, a step that runs still ends, "
                "and its key is kept out for good\n",
                name, get_number(agent, "targets"));
        }
    }
    return output_confirm(&touched, "take its key away?", invocation, err);
}

ErrCode cmd_agents_revoke(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) answer = NULL;
    AUTO_PTR(JsonDocument) body = act_body(&invocation->options);
    ErrCode code = client_new(&invocation->options, &client, err);
    if (code == ERR_NONE) {
        code = confirm_revoke(client, invocation, err);
    }
    if (code == ERR_NONE) {
        code = client_post(client, body, &answer, err, "/agents/%s/revoke",
                           client_escape(invocation->arguments[0], &invocation->arena));
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(answer);
    } else {
        printf("%s is no agent any more\n", get_text(answer, "name"));
    }
    return ERR_NONE;
}

ErrCode cmd_agents_release(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) agent = NULL;
    AUTO_PTR(JsonDocument) body = act_body(&invocation->options);
    ErrCode code = client_new(&invocation->options, &client, err);
    if (code == ERR_NONE) {
        code = client_post(client, body, &agent, err, "/agents/%s/release",
                           client_escape(invocation->arguments[0], &invocation->arena));
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        output_json(agent);
    } else {
        printf("%s is released: it comes back by itself within a minute\n",
               get_text(agent, "name"));
    }
    return ERR_NONE;
}
