/* The API on one page. docs/api.md says the same in prose; a test compares the two. */
#include "coordinator/http/routes.h"

#include <string.h>

#define V1 "/api/v1"
#define ROLLOUT V1 "/rollouts/{id}"
#define PAGED "limit after"

#define READ(pattern_, query_, handler_, doc_)                                                     \
    {                                                                                              \
        .method = "GET", .pattern = (pattern_), .query = (query_), .role = ROLE_VIEWER,            \
        .handler = (handler_), .doc = (doc_)                                                       \
    }
#define WRITE(pattern_, role_, handler_, doc_)                                                     \
    {                                                                                              \
        .method = "POST", .pattern = (pattern_), .query = "", .role = (role_),                     \
        .handler = (handler_), .is_write = true, .body = ROUTE_BODY_JSON, .doc = (doc_)            \
    }
#define AGENT(pattern_, handler_, doc_)                                                            \
    {                                                                                              \
        .method = "POST", .pattern = (pattern_), .query = "", .role = ROLE_ADMIN,                  \
        .handler = (handler_), .is_write = true, .object = ROUTE_OBJECT_AGENT,                     \
        .body = ROUTE_BODY_JSON, .doc = (doc_)                                                     \
    }
#define COMMAND(word, verb_, role_, doc_)                                                          \
    {                                                                                              \
        .method = "POST", .pattern = ROLLOUT "/" word, .query = "", .role = (role_),               \
        .handler = api_rollout_command, .is_write = true, .object = ROUTE_OBJECT_ROLLOUT,          \
        .body = ROUTE_BODY_JSON, .verb = (verb_), .doc = (doc_)                                    \
    }

const Route ROUTES[] = {
    READ("/", "", api_root, "this page"),
    READ("/metrics", "detail", api_metrics, "counts and durations, for Prometheus"),
    READ(V1 "/status", "", api_status, "the coordinator itself"),

    READ(V1 "/agents", PAGED, api_agents_list, "agents and their instances"),
    READ(V1 "/agents/{name}", "", api_agent_show, "one agent, with its servers' health"),
    AGENT(V1 "/agents/{name}/release", api_agent_release, "lift a quarantine"),
    AGENT(V1 "/agents/{name}/revoke", api_agent_revoke, "take an agent's key away"),
    READ(V1 "/applicants", PAGED, api_applicants_list, "keys that would be agents"),
    AGENT(V1 "/applicants/{fingerprint}/accept", api_applicant_accept, "make one an agent"),
    AGENT(V1 "/applicants/{fingerprint}/reject", api_applicant_reject, "keep one out for good"),
    READ(V1 "/invitations", PAGED, api_invitations_list, "who may come once, by a token"),
    WRITE(V1 "/invitations", ROLE_ADMIN, api_invitation_make, "invite an agent"),
    AGENT(V1 "/invitations/{name}/revoke", api_invitation_revoke, "take that back"),
    READ(V1 "/health", PAGED, api_health, "the health of every server"),
    READ(V1 "/targets", PAGED " where", api_targets_list, "the fleet's targets"),

    { .method = "PUT",
      .pattern = V1 "/plans/{hash}",
      .query = "",
      .role = ROLE_OPERATOR,
      .handler = api_plan_put,
      .is_write = true,
      .object = ROUTE_OBJECT_PLAN,
      .body = ROUTE_BODY_OCTETS,
      .doc = "bring a signed plan" },
    READ(V1 "/plans/{hash}", "", api_plan_get, "a plan's bundle"),
    { .method = "POST",
      .pattern = V1 "/plans/{hash}/preview",
      .query = "",
      .role = ROLE_VIEWER,
      .handler = api_plan_preview,
      .body = ROUTE_BODY_JSON,
      .doc = "what a start would select now" },

    READ(V1 "/rollouts", PAGED " state", api_rollouts_list, "rollouts, newest first"),
    WRITE(V1 "/rollouts", ROLE_OPERATOR, api_rollout_start, "start a plan"),
    READ(ROLLOUT, "", api_rollout_show, "one rollout, with its waves"),
    READ(ROLLOUT "/targets", PAGED " state wave failed_for", api_rollout_targets,
         "its targets, in order"),
    READ(ROLLOUT "/late", PAGED, api_rollout_late, "targets that came too late for it"),
    READ(ROLLOUT "/errors", "", api_rollout_errors, "its errors, clustered"),
    READ(ROLLOUT "/remarks", "", api_rollout_remarks, "warnings, and what is passed over"),
    COMMAND("pause", COMMAND_PAUSE, ROLE_OPERATOR, "start nothing more until resumed"),
    COMMAND("resume", COMMAND_RESUME, ROLE_OPERATOR, "go on"),
    COMMAND("approve", COMMAND_APPROVE, ROLE_APPROVER, "let the next wave open"),
    COMMAND("abort", COMMAND_ABORT, ROLE_OPERATOR, "end it where it is"),
    COMMAND("rollback", COMMAND_ROLL_BACK, ROLE_OPERATOR, "take it back everywhere"),
    COMMAND("retry", COMMAND_RETRY, ROLE_OPERATOR, "try failed targets again"),
    COMMAND("skip", COMMAND_SKIP, ROLE_OPERATOR, "leave targets out"),

    READ(V1 "/events", "after limit rollout wait_ms", api_events, "events after a number"),
    READ(V1 "/events/stream", "after rollout", api_event_stream, "events as they come, for ever"),
    READ(V1 "/audit", PAGED, api_audit, "who ordered what: a chain of rows"),

    { .method = "GET",
      .pattern = V1 "/tokens",
      .query = PAGED,
      .role = ROLE_ADMIN,
      .handler = api_tokens_list,
      .doc = "who may come in over TCP" },
    { .method = "POST",
      .pattern = V1 "/tokens",
      .query = "",
      .role = ROLE_ADMIN,
      .handler = api_token_make,
      .is_write = true,
      .body = ROUTE_BODY_JSON,
      .doc = "make a token, which is told once" },
    { .method = "POST",
      .pattern = V1 "/tokens/{id}/revoke",
      .query = "",
      .role = ROLE_ADMIN,
      .handler = api_token_revoke,
      .is_write = true,
      .body = ROUTE_BODY_JSON,
      .doc = "let it in no more" },
};
const size_t ROUTE_COUNT = ARRAY_LEN(ROUTES);

/* ---- paths ---- */

/* One segment of a path: up to the next '/' or the end. */
static size_t segment_length(const char *at)
{
    return strcspn(at, "/");
}

/* Does the path fit the pattern? Fills what stood for each {…}. */
static bool matches(const char *pattern, const char *path, Arena *arena, const char **ret_path)
{
    size_t parameter = 0;
    for (;;) {
        size_t want = segment_length(pattern);
        size_t have = segment_length(path);
        if (pattern[0] == '{' && have > 0 && parameter < API_PATH_PARAMETERS_MAX) {
            ret_path[parameter++] = arena_strndup(arena, path, have);
        } else if (want != have || memcmp(pattern, path, want) != 0) {
            return false;
        }
        pattern += want;
        path += have;
        if (*pattern == '\0' || *path == '\0') {
            return *pattern == *path;
        }
        pattern++;
        path++;
    }
}

static void add_method(const char *method, Str *allow)
{
    const char *comma = allow->length == 0 ? "" : ", ";
    str_printf(allow, "%s%s", comma, str_equal(method, "GET") ? "GET, HEAD" : method);
}

static void explain_not_found(const char *path, Err *err)
{
    const char *patterns[ARRAY_LEN(ROUTES)];
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        patterns[i] = ROUTES[i].pattern;
    }
    const char *nearest = str_nearest(path, patterns, ROUTE_COUNT);
    err_set(err, ERR_NOT_FOUND, "no such path: %s", path);
    if (nearest == NULL) {
        err_hint(err, "GET / names all paths");
    } else {
        err_hint(err, "did you mean %s?", nearest);
    }
}

const Route *route_find(const char *method, const char *path, Arena *arena,
                        const char *ret_path[API_PATH_PARAMETERS_MAX], const char **ret_allow,
                        Err *err)
{
    const char *wanted = str_equal(method, "HEAD") ? "GET" : method;
    AUTO(Str) allow = { 0 };
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!matches(ROUTES[i].pattern, path, arena, ret_path)) {
            continue;
        }
        if (str_equal(ROUTES[i].method, wanted)) {
            return &ROUTES[i];
        }
        add_method(ROUTES[i].method, &allow);
    }
    *ret_allow = NULL;
    if (allow.length == 0) {
        explain_not_found(path, err);
    } else {
        *ret_allow = arena_strdup(arena, str_text(&allow));
        err_set(err, ERR_USAGE, "%s has no method %s, only %s", path, method, *ret_allow);
    }
    return NULL;
}

/* ---- query parameters ---- */

#define QUERY_NAMES_MAX 8

static size_t split_names(const char *text, Arena *arena, const char *ret_names[QUERY_NAMES_MAX])
{
    size_t count = 0;
    while (*text != '\0' && count < QUERY_NAMES_MAX) {
        size_t length = strcspn(text, " ");
        ret_names[count++] = arena_strndup(arena, text, length);
        text += length + strspn(text + length, " ");
    }
    return count;
}

ErrCode route_check_query(const Route *route, const char *name, Arena *arena, Err *err)
{
    const char *names[QUERY_NAMES_MAX] = { NULL };
    size_t count = split_names(route->query, arena, names);
    for (size_t i = 0; i < count; i++) {
        if (str_equal(names[i], name)) {
            return ERR_NONE;
        }
    }
    const char *nearest = str_nearest(name, names, count);
    err_set(err, ERR_USAGE, "%s has no parameter '%s'", route->pattern, name);
    if (nearest != NULL) {
        return err_hint(err, "did you mean %s?", nearest);
    }
    return count == 0 ? err_hint(err, "it has none") : err_hint(err, "it has: %s", route->query);
}
