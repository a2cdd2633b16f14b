/* The coordinator itself: what it is, and how it does. */
#include "coordinator/http/routes.h"
#include "coordinator/http/views.h"

ErrCode api_root(const ApiRequest *request, ApiReply *reply, Err *err)
{
    (void)request;
    (void)err;
    reply->content_type = "text/plain; charset=utf-8";
    str_append(&reply->body, "skein-coordinator " SKEIN_VERSION "\n\n");
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        str_printf(&reply->body, "%-5s%-40s%s\n", ROUTES[i].method, ROUTES[i].pattern,
                   ROUTES[i].doc);
    }
    return ERR_NONE;
}

static void count_agents(const Engine *engine, JsonOut *json)
{
    uint64_t by_state[SESSION_STATE_COUNT_] = { 0 };
    for (size_t i = 0; i < engine_agent_count(engine); i++) {
        by_state[engine_agent_at(engine, i)->state]++;
    }
    json_out_object_begin(json, "agents");
    for (unsigned state = 0; state < SESSION_STATE_COUNT_; state++) {
        json_out_unsigned(json, session_state_name((SessionState)state), by_state[state]);
    }
    json_out_object_end(json);
}

static uint64_t count_open(const Engine *engine)
{
    uint64_t count = 0;
    for (size_t i = 0; i < engine_rollout_count(engine); i++) {
        count += rollout_is_open(engine_rollout_at(engine, i)->state);
    }
    return count;
}

ErrCode api_status(const ApiRequest *request, ApiReply *reply, Err *err)
{
    (void)err;
    const Shell *shell = request->shell;
    const Engine *engine = shell_engine(shell);
    const Err *read_only = shell_read_only(shell);
    char fingerprint[KEY_FINGERPRINT_MAX];
    JsonOut json = json_out(&reply->body);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "version", SKEIN_VERSION);
    key_fingerprint(KEY_CURVE, request->enrolment->own_key, fingerprint);
    json_out_string(&json, "key", fingerprint);
    json_out_unsigned(&json, "term", shell_term(shell));
    json_out_bool(&json, "is_recovering", engine_is_recovering(engine));
    json_out_bool(&json, "is_read_only", read_only != NULL);
    json_out_string(&json, "read_only_reason", read_only == NULL ? NULL : read_only->message);
    count_agents(engine, &json);
    json_out_unsigned(&json, "open_rollouts", count_open(engine));
    json_out_unsigned(&json, "last_seq", shell_last_seq(shell));
    json_out_unsigned(&json, "uptime_ms", shell_uptime_ms(shell));
    json_out_object_end(&json);
    return ERR_NONE;
}
