/* Heads, bodies and answers. */
#include "coordinator/http/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "coordinator/http/guard.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/routes.h"
#include "coordinator/http/stream.h"

#define RETRY_AFTER_S "5"
#define RETRY_MUCH_S "60"
#define CHALLENGE "Bearer realm=\"skein\""

/* A client that goes on sending what is too large loses its connection. */
#define EXCESS_MAX (4 * 1024 * 1024)

#define STREAM_BLOCK_BYTES 4096

/*
 * What the clients of a door may have us keep for them: bodies that are not whole yet, and answers
 * that are not read. Four of the largest plans.
 */
#define HELD_BYTES_MAX ((size_t)4 * BUNDLE_MAX)

struct HttpRequest {
    RequestPlace place;
    RequestWait wait;
    struct MHD_Connection *connection;
    Arena arena;
    ApiRequest api;
    ThrottleCrowd crowd; /* with whom the visitor is counted */
    size_t body_max;
    Str body;
    size_t excess;       /* bytes of the body beyond body_max, dropped */
    size_t held_bytes;   /* its share of the door's */
    unsigned refusal;    /* status of an answer that was found before the handler; 0: none */
    EventStream *stream; /* that is being answered; NULL: none */
    bool is_last;        /* the connection ends: where a next request would begin is not known */
    const char *allow;   /* for 405 */
    Err err;
};

HttpRequest *request_new(struct MHD_Connection *connection, const RequestPlace *place,
                         const RequestWait *wait)
{
    HttpRequest *request = mem_alloc(sizeof(*request));
    request->connection = connection;
    request->place = *place;
    request->wait = *wait;
    return request;
}

void request_free(HttpRequest *request)
{
    if (request != NULL) {
        *request->place.held_bytes -= request->held_bytes;
        str_done(&request->body);
        stream_done(request->stream);
        arena_done(&request->arena);
        free(request);
    }
}

/* ---- refusing ---- */

static ErrCode refuse(HttpRequest *request, unsigned status)
{
    request->refusal = status;
    return request->err.code;
}

/* With the status that belongs to the error. */
static ErrCode refuse_error(HttpRequest *request)
{
    return refuse(request, problem_status(request->err.code));
}

/* With 503 when the door has no room for so much more. */
static ErrCode hold_bytes(HttpRequest *request, size_t length)
{
    size_t *held = request->place.held_bytes;
    if (*held > HELD_BYTES_MAX || length > HELD_BYTES_MAX - *held) {
        err_set(&request->err, ERR_LIMIT,
                "too many clients keep large requests or answers waiting");
        err_hint(&request->err, "try again in a moment");
        return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE);
    }
    *held += length;
    request->held_bytes += length;
    return ERR_NONE;
}

static const char *header(const HttpRequest *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

typedef struct HeaderCount {
    const char *name;
    size_t count;
} HeaderCount;

static enum MHD_Result count_header(void *ctx, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    (void)kind;
    (void)value;
    HeaderCount *header = ctx;
    header->count += strcasecmp(key, header->name) == 0;
    return MHD_YES;
}

/* Of two, somebody else may have looked at the other one. */
static ErrCode check_header_once(HttpRequest *request, const char *name)
{
    HeaderCount header = { .name = name };
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_header, &header);
    if (header.count > 1) {
        err_set(&request->err, ERR_USAGE, "%s stands %zu times in the head", name, header.count);
        return refuse_error(request);
    }
    return ERR_NONE;
}

/*
 * Where the body ends has to be said once, in one way and plainly: what stands between a client and
 * us may have read it otherwise, and would take for a body what is a request to us.
 */
static ErrCode check_framing(HttpRequest *request)
{
    const char *length = header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *coding = header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    request->is_last = true; /* until it is known to be right */
    if (check_header_once(request, MHD_HTTP_HEADER_CONTENT_LENGTH) != ERR_NONE ||
        check_header_once(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) != ERR_NONE) {
        return request->err.code;
    }
    bool is_plain =
        length == NULL || (length[0] != '\0' && length[strspn(length, "0123456789")] == '\0');
    bool is_known = coding == NULL || (length == NULL && strcasecmp(coding, "chunked") == 0);
    if (!is_plain || !is_known) {
        err_set(&request->err, ERR_USAGE, "the head does not say plainly where the body ends");
        return refuse_error(request);
    }
    request->is_last = false;
    return ERR_NONE;
}

/* A page from elsewhere must not ask through a browser of this machine. */
static ErrCode check_tcp(HttpRequest *request)
{
    if (check_header_once(request, MHD_HTTP_HEADER_HOST) != ERR_NONE ||
        check_header_once(request, MHD_HTTP_HEADER_ORIGIN) != ERR_NONE) {
        return request->err.code;
    }
    if (guard_check_origin(&request->place.names, header(request, MHD_HTTP_HEADER_HOST),
                           header(request, MHD_HTTP_HEADER_ORIGIN), &request->err) != ERR_NONE) {
        return refuse_error(request);
    }
    return ERR_NONE;
}

/* Checked again when the handler writes; here it spares the body. */
static ErrCode check_writable(HttpRequest *request, const Route *route)
{
    bool is_refused =
        route->is_write && shell_check_writable(request->api.shell, &request->err) != ERR_NONE;
    return is_refused ? refuse_error(request) : ERR_NONE;
}

/* ---- the head of a request ---- */

typedef struct QueryCheck {
    HttpRequest *request;
    const Route *route;
} QueryCheck;

static enum MHD_Result check_query_name(void *ctx, enum MHD_ValueKind kind, const char *key,
                                        const char *value)
{
    QueryCheck *check = ctx;
    HttpRequest *request = check->request;
    ErrCode code = route_check_query(check->route, key, &request->arena, &request->err);
    if (code == ERR_NONE && value == NULL) {
        code = err_set(&request->err, ERR_USAGE, "parameter '%s' has no value", key);
    }
    if (code == ERR_NONE && value != MHD_lookup_connection_value(request->connection, kind, key)) {
        code = err_set(&request->err, ERR_USAGE, "parameter '%s' is given more than once", key);
    }
    return code == ERR_NONE ? MHD_YES : MHD_NO;
}

static ErrCode check_query(HttpRequest *request, const Route *route)
{
    QueryCheck check = { request, route };
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, check_query_name, &check);
    return request->err.code == ERR_NONE ? ERR_NONE : refuse_error(request);
}

static ErrCode refuse_size(HttpRequest *request)
{
    if (request->body_max == 0) {
        err_set(&request->err, ERR_LIMIT, "a %s of %s has no body", request->api.route->method,
                request->api.route->pattern);
    } else {
        err_set(&request->err, ERR_LIMIT, "the body is larger than %zu bytes", request->body_max);
    }
    return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE);
}

/* The length that the client claims, before any of it is read. */
static ErrCode check_body(HttpRequest *request, const Route *route)
{
    static const size_t LIMITS[] = {
        [ROUTE_BODY_NONE] = 0, [ROUTE_BODY_JSON] = API_JSON_MAX, [ROUTE_BODY_OCTETS] = BUNDLE_MAX
    };
    const char *length = header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t bytes = 0;
    request->body_max = LIMITS[route->body];
    if (length != NULL && !str_to_int64(length, 0, (int64_t)request->body_max, &bytes)) {
        return refuse_size(request);
    }
    return ERR_NONE;
}

static const char *query_value(const void *ctx, const char *name)
{
    const HttpRequest *request = ctx;
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Who merely looks, at the socket where everybody may, is not looked up. */
static Peer peer_of(const HttpRequest *request, const Route *route, Arena *arena)
{
    const union MHD_ConnectionInfo *info = NULL;
    if (!request->place.is_tcp && !route->is_write) {
        return (Peer){ .actor = "", .origin = "unix socket", .roles = ROLE_ADMIN };
    }
    if (request->place.is_tcp) {
        info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        return guard_stranger(info == NULL ? NULL : info->client_addr, arena);
    }
    info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return guard_user(info == NULL ? -1 : info->connect_fd, arena);
}

/* A token counts at both doors: whoever shows one asks on its person's behalf. */
static ErrCode read_token(HttpRequest *request, Peer *visitor, Arena *arena)
{
    const char *shown = header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    if (check_header_once(request, MHD_HTTP_HEADER_AUTHORIZATION) != ERR_NONE) {
        return request->err.code;
    }
    if (shown != NULL && authority_read_token(request->place.tokens, request->place.failures, shown,
                                              arena, visitor, &request->err) != ERR_NONE) {
        return refuse_error(request);
    }
    return ERR_NONE;
}

static ErrCode read_visitor(HttpRequest *request, const Route *route, Arena *arena,
                            Peer *ret_visitor)
{
    *ret_visitor = peer_of(request, route, arena);
    if (ret_visitor->is_anonymous) {
        ret_visitor->roles = request->place.anonymous;
    }
    return read_token(request, ret_visitor, arena);
}

/* Who asks, and may he? What is audited has its row from here on, also when the answer is no. */
static ErrCode admit(HttpRequest *request, const Route *route)
{
    ApiRequest *api = &request->api;
    Peer visitor = { 0 };
    ErrCode code = read_visitor(request, route, &request->arena, &visitor);
    api->actor = visitor.actor;
    request->crowd = authority_crowd(&visitor);
    if (route->is_write) {
        api->deed = audited_begin(route, api->path, visitor.actor, visitor.origin, &request->arena);
    }
    if (code == ERR_NONE && request->place.is_tcp &&
        authority_check_pace(request->place.requests, &visitor, &request->err) != ERR_NONE) {
        code = refuse_error(request);
    }
    if (code == ERR_NONE && request->place.is_tcp) {
        code = check_tcp(request);
    }
    if (code == ERR_NONE &&
        authority_check(route, &visitor, request->place.socket_path, &request->err) != ERR_NONE) {
        code = refuse_error(request);
    }
    return code;
}

/* All that can be said before the body has come. */
static ErrCode read_head(HttpRequest *request, const char *method, const char *path)
{
    ApiRequest *api = &request->api;
    *api = (ApiRequest){ .shell = request->place.shell,
                         .enrolment = request->place.enrolment,
                         .health = request->place.health,
                         .facts = request->place.facts,
                         .tokens = request->place.tokens,
                         .arena = &request->arena,
                         .last_event_id = header(request, "Last-Event-ID"),
                         .query = query_value,
                         .query_ctx = request };
    if (check_framing(request) != ERR_NONE) {
        return request->err.code;
    }
    const Route *route =
        route_find(method, path, &request->arena, api->path, &request->allow, &request->err);
    if (route == NULL) {
        return refuse(request,
                      request->allow == NULL ? MHD_HTTP_NOT_FOUND : MHD_HTTP_METHOD_NOT_ALLOWED);
    }
    api->route = route;
    if (admit(request, route) != ERR_NONE || check_query(request, route) != ERR_NONE ||
        check_body(request, route) != ERR_NONE || check_writable(request, route) != ERR_NONE) {
        return request->err.code;
    }
    return ERR_NONE;
}

/* ---- answering ---- */

static const struct {
    const char *name;
    const char *value;
} HEADERS[] = {
    { "Cache-Control", "no-store" },
    { "X-Content-Type-Options", "nosniff" },
    { "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
    { "Referrer-Policy", "no-referrer" },
    { "Cross-Origin-Resource-Policy", "same-origin" },
};

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value != NULL) {
        (void)MHD_add_response_header(response, name, value);
    }
}

static const char *retry_after(unsigned status)
{
    switch (status) {
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        return RETRY_AFTER_S;
    case MHD_HTTP_TOO_MANY_REQUESTS:
        return RETRY_MUCH_S;
    default:
        return NULL;
    }
}

/* Tokens expire and are revoked while a stream stands: nobody goes on reading by what was one. */
static bool may_go_on(HttpRequest *request)
{
    const Route *route = request->api.route;
    AUTO(Arena) arena = { 0 };
    Peer visitor = { 0 };
    Err err = { 0 };
    return read_visitor(request, route, &arena, &visitor) == ERR_NONE &&
           authority_check(route, &visitor, request->place.socket_path, &err) == ERR_NONE;
}

/* For libmicrohttpd: what the stream has next. 0: nothing yet, the connection sleeps. */
static ssize_t read_stream(void *ctx, uint64_t position, char *bytes, size_t max)
{
    (void)position;
    HttpRequest *request = ctx;
    EventStream *stream = request->stream;
    if (stream_is_drained(stream) && (request->wait.is_over(request->wait.ctx) ||
                                      !may_go_on(request) || stream_fill(stream) != ERR_NONE)) {
        return MHD_CONTENT_READER_END_OF_STREAM; /* the client comes again, and is told why not */
    }
    size_t length = stream_take(stream, bytes, max);
    if (length == 0) {
        request->wait.rest(request->wait.ctx, stream_rest_ms(stream));
    }
    return (ssize_t)length;
}

static struct MHD_Response *response_of(HttpRequest *request, ApiReply *reply)
{
    if (reply->stream != NULL) {
        request->stream = reply->stream;
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read_stream,
                                                 request, NULL);
    }
    if (reply->octets.data != NULL) {
        return MHD_create_response_from_buffer(reply->octets.length, (void *)reply->octets.data,
                                               MHD_RESPMEM_PERSISTENT);
    }
    size_t length = reply->body.length;
    return MHD_create_response_from_buffer(length, str_take(&reply->body), MHD_RESPMEM_MUST_FREE);
}

/* Sends and releases the reply's body. */
static enum MHD_Result answer(HttpRequest *request, ApiReply *reply)
{
    struct MHD_Response *response = response_of(request, reply);
    if (response == NULL) {
        return MHD_NO;
    }
    add_header(response, MHD_HTTP_HEADER_CONNECTION, request->is_last ? "close" : NULL);
    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++) {
        add_header(response, HEADERS[i].name, HEADERS[i].value);
    }
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
               reply->content_type == NULL ? "application/json" : reply->content_type);
    add_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    add_header(response, MHD_HTTP_HEADER_ALLOW, request->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
               reply->status == MHD_HTTP_UNAUTHORIZED ? CHALLENGE : NULL);
    add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, retry_after(reply->status));
    enum MHD_Result result = MHD_queue_response(request->connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_problem(HttpRequest *request, unsigned status)
{
    ApiReply reply = { .status = status, .content_type = PROBLEM_CONTENT_TYPE };
    if (status >= MHD_HTTP_INTERNAL_SERVER_ERROR && status != MHD_HTTP_SERVICE_UNAVAILABLE) {
        log_error("a request failed", LOG_STR("path", request->api.route->pattern),
                  LOG_ERR(&request->err));
    }
    audited_refuse(request->place.shell, request->place.refusals, request->crowd, request->api.deed,
                   status, request->err.code);
    problem_write(status, &request->err, &reply.body);
    return answer(request, &reply);
}

/* ---- from head to answer ---- */

size_t request_unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    char *to = text;
    for (const char *at = text; *at != '\0'; at++, to++) {
        char digits[3] = { 0 };
        uint8_t byte = (uint8_t)*at;
        if (*at == '%' && at[1] != '\0') {
            memcpy(digits, at + 1, 2);
            at += hex_decode(digits, &byte, 1) && byte != 0 ? 2 : 0;
        }
        *to = byte == 0 ? '%' : (char)byte;
    }
    *to = '\0';
    return (size_t)(to - text);
}

enum MHD_Result request_begin(HttpRequest *request, const char *method, const char *path)
{
    return read_head(request, method, path) == ERR_NONE ? MHD_YES
                                                        : answer_problem(request, request->refusal);
}

bool request_wants_no_body(const HttpRequest *request)
{
    return request->refusal == 0 && request->body_max == 0;
}

enum MHD_Result request_take_body(HttpRequest *request, const char *data, size_t length)
{
    if (request->body.length + length > request->body_max) {
        request->excess += length;
        if (request->refusal == 0) {
            refuse_size(request);
        }
    } else if (request->refusal == 0 && hold_bytes(request, length) == ERR_NONE) {
        str_append_bytes(&request->body, data, length);
    }
    return request->excess > EXCESS_MAX ? MHD_NO : MHD_YES;
}

enum MHD_Result request_run(HttpRequest *request, bool is_late, uint32_t *ret_hold_ms)
{
    ApiRequest *api = &request->api;
    ApiReply reply = { .status = MHD_HTTP_OK };
    *ret_hold_ms = 0;
    if (request->refusal != 0) {
        return answer_problem(request, request->refusal);
    }
    api->body = (Bytes){ (const uint8_t *)str_text(&request->body), request->body.length };
    api->is_late = is_late;
    ErrCode code = api->route->handler(api, &reply, &request->err);
    if (code != ERR_NONE) {
        str_done(&reply.body);
        return answer_problem(request, problem_status(code));
    }
    if (hold_bytes(request, reply.body.length + reply.octets.length) != ERR_NONE) {
        str_done(&reply.body);
        return answer_problem(request, request->refusal);
    }
    *ret_hold_ms = reply.hold_ms;
    return reply.hold_ms > 0 ? MHD_YES : answer(request, &reply);
}
