/*
 * The API's inside: what a handler gets and gives. Handlers know no sockets and no libmicrohttpd;
 * the server (request.c) has checked method, path, parameters' names, size of the body and who may
 * write.
 */
#ifndef SKEIN_COORDINATOR_HTTP_API_H
#define SKEIN_COORDINATOR_HTTP_API_H

#include "common/arena.h"
#include "common/err.h"
#include "common/json.h"
#include "common/str.h"
#include "coordinator/fleet/enrolment.h"
#include "coordinator/fleet/health.h"
#include "coordinator/http/plan_facts.h"
#include "coordinator/http/roles.h"
#include "coordinator/http/tokens.h"
#include "coordinator/shell.h"

#define API_PATH_PARAMETERS_MAX 2
#define API_JSON_MAX (1024 * 1024)
#define API_WAIT_MAX_MS 30000
#define API_REASON_MAX 1000 /* bytes: it is kept, logged, and shown with every look */

typedef struct Route Route;

typedef struct ApiRequest {
    Shell *shell;
    const Enrolment *enrolment;
    const HealthBoard *health; /* NULL: none is kept */
    PlanFactsCache *facts;
    Tokens *tokens;
    Arena *arena; /* lives as long as the request */
    const Route *route;
    const char *actor;                         /* "operator ann", or "anonymous" */
    Deed *deed;                                /* of a write: what the audit log will say of it */
    const char *path[API_PATH_PARAMETERS_MAX]; /* what stood for each {…} of the pattern */
    Bytes body;
    bool is_late;              /* it has been held back, and may not be any more */
    const char *last_event_id; /* the header of that name; NULL: not given */
    const char *(*query)(const void *ctx, const char *name); /* NULL: not given */
    const void *query_ctx;
} ApiRequest;

typedef struct EventStream EventStream;

/* Zero-initialised: 200, JSON, empty. */
typedef struct ApiReply {
    unsigned status;
    const char *content_type; /* NULL: JSON */
    const char *location;     /* of what was made; in the request's arena */
    Str body;
    Bytes octets;        /* in place of the body, in the request's arena; data NULL: none */
    EventStream *stream; /* in place of the body, in the request's arena: goes on; NULL: none */
    uint32_t hold_ms; /* not 0: no answer yet; ask again when there are events, at the latest after
                         this */
} ApiReply;

/* On error the reply is not used: the error is the answer. */
typedef ErrCode (*ApiHandler)(const ApiRequest *request, ApiReply *reply, Err *err);

typedef enum RouteBody {
    ROUTE_BODY_NONE = 0,
    ROUTE_BODY_JSON,   /* may be left out: then it is {} */
    ROUTE_BODY_OCTETS, /* a plan's bundle */
} RouteBody;

/* What stands for the {…} of a pattern. */
typedef enum RouteObject {
    ROUTE_OBJECT_NONE = 0,
    ROUTE_OBJECT_ROLLOUT,
    ROUTE_OBJECT_PLAN,
    ROUTE_OBJECT_AGENT,
} RouteObject;

struct Route {
    const char *method;  /* "GET" also answers HEAD */
    const char *pattern; /* "/api/v1/rollouts/{id}" */
    ApiHandler handler;
    Role role;     /* that it wants */
    bool is_write; /* refused when read-only; audited */
    RouteObject object;
    RouteBody body;
    const char *query; /* names of its parameters, with blanks between */
    int verb;          /* CommandVerb, where the handler serves several */
    const char *doc;   /* one line */
};

/* ---- helpers of the handlers (api.c) ---- */

/* The body as an object with no other members than `keys`. The document lives
 * as long as *document. */
ErrCode api_body(const ApiRequest *request, const char *const *keys, size_t count,
                 JsonDocument **ret_document, Err *err);

/* The member "reason", which may be left out: then it is "". It lives as long as the document, and
 * stands in the audit row from here on. */
ErrCode api_reason(const ApiRequest *request, const JsonIn *body, const char **ret, Err *err);

/* The same of a body that has nothing else. In the request's arena. */
ErrCode api_reason_alone(const ApiRequest *request, const char **ret, Err *err);

/* shell_keep_now for the request's deed; its row says 503 where it was not done. */
ErrCode api_keep_now(const ApiRequest *request, Err *err);

/* shell_request with the request's deed; after success the reply has this status. */
ErrCode api_order(const ApiRequest *request, Event *event, unsigned status, ApiReply *reply,
                  Err *err);

/* A number in the query within [min, max]; `fallback` when it is not given. */
ErrCode api_number(const ApiRequest *request, const char *name, uint64_t min, uint64_t max,
                   uint64_t fallback, uint64_t *ret, Err *err);

/* The rollout that {id} names; "current": the one that is open. ERR_NOT_FOUND, ERR_CONFLICT. */
ErrCode api_rollout(const ApiRequest *request, const char *id, const RolloutRow **ret, Err *err);

ErrCode api_hash(const char *text, uint8_t ret_hash[PLAN_HASH_BYTES], Err *err);

/* ERR_NOT_FOUND, with the nearest `what` of that name, or the command that lists them. */
ErrCode api_not_found(const char *what, const char *name, const char *const *names, size_t count,
                      const char *list_command, Err *err);

/* The agent that {name} names. ERR_NOT_FOUND. */
ErrCode api_agent(const ApiRequest *request, const char *name, const AgentRow **ret, Err *err);

/* ?state=: ERR_USAGE when no `what` is ever in that state, with the nearest. NULL: not given. */
ErrCode api_check_state(const char *what, const char *state, const char *const *names, size_t count,
                        Err *err);

/* ---- paged lists ---- */

/* Writes {"items": […], "next": …}. Between begin and end, per row while !has_more: page_wants,
 * then the row's JSON. */
typedef struct Page {
    JsonOut json;
    const char *after; /* cursor; NULL: from the beginning */
    bool is_sorted;    /* by the cursor: then it need not exist any more */
    bool is_found;
    uint64_t left;
    const char *last; /* cursor of the last row written */
    bool has_more;
    const char *hint; /* a member beside the rows; NULL: none */
} Page;

/* Reads ?limit and ?after. */
ErrCode page_begin(Page *page, const ApiRequest *request, bool is_sorted, ApiReply *reply,
                   Err *err);

/*
 * Is the row with this cursor to be written? Rows come in their order, also those that are not
 * asked for (`is_wanted`): one may be where the last page ended, and have changed since.
 */
bool page_wants(Page *page, const char *cursor, bool is_wanted);

/* ERR_USAGE: the cursor was not found. */
ErrCode page_end(Page *page, Err *err);

/* For a list whose rows come and go: put in the order of their cursors, `is_sorted` holds. */
typedef struct PageRow {
    const char *cursor;
    const void *row;
} PageRow;

void page_sort(PageRow *rows, size_t count);

/* The cursor of what is listed by the time of its coming, oldest first. */
const char *page_moment(int64_t wall_ms, const char *name, Arena *arena);

/* ---- the handlers ---- */

ErrCode api_root(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_status(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_metrics(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_agents_list(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_agent_show(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_health(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_agent_release(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_agent_revoke(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_applicants_list(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_applicant_accept(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_applicant_reject(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_invitations_list(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_invitation_make(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_invitation_revoke(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_targets_list(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_plan_put(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_plan_get(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_plan_preview(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_rollouts_list(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_rollout_start(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_rollout_show(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_rollout_late(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_rollout_targets(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_rollout_errors(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_rollout_remarks(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_rollout_command(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_audit(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_tokens_list(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_token_make(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_token_revoke(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_events(const ApiRequest *request, ApiReply *reply, Err *err);
ErrCode api_event_stream(const ApiRequest *request, ApiReply *reply, Err *err);

#endif
