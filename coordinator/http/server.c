/* Connections, requests and waiting: everything that libmicrohttpd has to be told. */
#include "coordinator/http/server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <microhttpd.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/list.h"
#include "common/log.h"
#include "coordinator/http/guard.h"
#include "coordinator/http/listen.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/routes.h"

#define CONNECTIONS_MAX 256
#define WAITING_MAX                                                                                \
    192 /* held requests of a door; its other connections stay for requests that are answered */
#define CONNECTION_BYTES_MAX (32 * 1024) /* request line and headers */
#define IDLE_TIMEOUT_S 60
#define RETRY_AFTER_S "5"

/* A client that goes on sending what is too large loses its connection. */
#define EXCESS_MAX (4 * 1024 * 1024)

typedef enum DoorKind {
    DOOR_NONE = 0,
    DOOR_UNIX,
    DOOR_TCP,
    DOOR_COUNT_,
} DoorKind;

typedef struct HttpRequest HttpRequest;

typedef struct Door {
    HttpServer *server;
    DoorKind kind;
    struct MHD_Daemon *daemon; /* NULL: closed */
    LoopId id;
    bool has_work; /* a connection was resumed: MHD_run has to look at it */
} Door;

struct HttpServer {
    Loop *loop;
    LoopId hook;
    Shell *shell; /* NULL: does not serve yet */
    PlanFactsCache *facts;
    char *socket_path;
    Door doors[DOOR_COUNT_];
    LIST(HttpRequest *) waiting;
    bool is_closing;
};

/* One request, from its head to the last byte of its answer. */
struct HttpRequest {
    Door *door;
    struct MHD_Connection *connection;
    Arena arena;
    ApiRequest api;
    size_t body_max;
    Str body;
    size_t excess;     /* bytes of the body beyond body_max, dropped */
    unsigned refusal;  /* status of an answer that was found before the handler; 0: none */
    const char *allow; /* for 405 */
    Err err;
    uint64_t held_until_ms; /* 0: not held yet */
};

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

static const char *header(const HttpRequest *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* TCP has no users: reading only, and only for pages and programs of this machine. */
static ErrCode check_tcp(HttpRequest *request, const Route *route)
{
    if (guard_check_origin(header(request, MHD_HTTP_HEADER_HOST),
                           header(request, MHD_HTTP_HEADER_ORIGIN), &request->err) != ERR_NONE) {
        return refuse_error(request);
    }
    if (!str_equal(route->method, "GET")) {
        err_set(&request->err, ERR_FORBIDDEN, "over TCP the API only answers GET");
        err_hint(&request->err, "ask over the unix socket: skein --coordinator unix:%s",
                 request->door->server->socket_path);
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
    (void)kind;
    (void)value;
    QueryCheck *check = ctx;
    HttpRequest *request = check->request;
    ErrCode code = route_check_query(check->route, key, &request->arena, &request->err);
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
    err_set(&request->err, ERR_LIMIT, "the body is larger than %zu bytes", request->body_max);
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

static const char *actor_of(HttpRequest *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    bool is_unix = request->door->kind == DOOR_UNIX && info != NULL;
    return is_unix ? guard_actor(info->connect_fd, &request->arena) : "";
}

/* All that can be said before the body has come. */
static ErrCode read_head(HttpRequest *request, const char *method, const char *path)
{
    HttpServer *server = request->door->server;
    ApiRequest *api = &request->api;
    *api = (ApiRequest){ .shell = server->shell,
                         .facts = server->facts,
                         .arena = &request->arena,
                         .query = query_value,
                         .query_ctx = request };
    const Route *route =
        route_find(method, path, &request->arena, api->path, &request->allow, &request->err);
    if (route == NULL) {
        return refuse(request,
                      request->allow == NULL ? MHD_HTTP_NOT_FOUND : MHD_HTTP_METHOD_NOT_ALLOWED);
    }
    api->route = route;
    if (request->door->kind == DOOR_TCP && check_tcp(request, route) != ERR_NONE) {
        return request->err.code;
    }
    api->actor = route->is_write ? actor_of(request) : ""; /* who merely looks is not looked up */
    if (check_query(request, route) != ERR_NONE || check_body(request, route) != ERR_NONE ||
        check_writable(request, route) != ERR_NONE) {
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

/* Sends and releases the reply's body. */
static enum MHD_Result answer(HttpRequest *request, ApiReply *reply)
{
    size_t length = reply->body.length;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, str_take(&reply->body), MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < ARRAY_LEN(HEADERS); i++) {
        add_header(response, HEADERS[i].name, HEADERS[i].value);
    }
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
               reply->content_type == NULL ? "application/json" : reply->content_type);
    add_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
    add_header(response, MHD_HTTP_HEADER_ALLOW, request->allow);
    add_header(response, MHD_HTTP_HEADER_RETRY_AFTER,
               reply->status == MHD_HTTP_SERVICE_UNAVAILABLE ? RETRY_AFTER_S : NULL);
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
    problem_write(status, &request->err, &reply.body);
    return answer(request, &reply);
}

/* ---- waiting for events ---- */

static void forget_waiting(HttpServer *server, const HttpRequest *request)
{
    for (size_t i = 0; i < server->waiting.count; i++) {
        if (server->waiting.items[i] == request) {
            LIST_REMOVE(&server->waiting, i);
            return;
        }
    }
}

/* Per door: whoever may only read over TCP must not use up what the unix socket's users may hold.
 */
static size_t count_waiting(const Door *door)
{
    size_t count = 0;
    for (size_t i = 0; i < door->server->waiting.count; i++) {
        count += door->server->waiting.items[i]->door == door;
    }
    return count;
}

static void hold(HttpRequest *request, uint32_t hold_ms)
{
    HttpServer *server = request->door->server;
    if (request->held_until_ms == 0) {
        request->held_until_ms = clock_boot_ms() + hold_ms;
    }
    LIST_PUSH(&server->waiting, request);
    MHD_suspend_connection(request->connection);
}

/* The handler is asked again; is_late says whether it may wait on. */
static void wake(HttpRequest *request)
{
    request->door->has_work = true;
    MHD_resume_connection(request->connection);
}

static void wake_all(HttpServer *server)
{
    for (size_t i = 0; i < server->waiting.count; i++) {
        wake(server->waiting.items[i]);
    }
    LIST_CLEAR(&server->waiting);
}

static void wake_late(HttpServer *server, uint64_t now_ms)
{
    for (size_t i = server->waiting.count; i > 0; i--) {
        HttpRequest *request = server->waiting.items[i - 1];
        if (request->held_until_ms <= now_ms) {
            LIST_REMOVE(&server->waiting, i - 1);
            wake(request);
        }
    }
}

/* The longest wait until one of them is late; -1: nobody waits. */
static int64_t next_late_ms(const HttpServer *server, uint64_t now_ms)
{
    int64_t least_ms = -1;
    for (size_t i = 0; i < server->waiting.count; i++) {
        uint64_t until_ms = server->waiting.items[i]->held_until_ms;
        int64_t left_ms = until_ms <= now_ms ? 0 : (int64_t)(until_ms - now_ms);
        least_ms = least_ms < 0 || left_ms < least_ms ? left_ms : least_ms;
    }
    return least_ms;
}

/* ---- libmicrohttpd's callbacks ---- */

static enum MHD_Result run_handler(HttpRequest *request)
{
    HttpServer *server = request->door->server;
    ApiRequest *api = &request->api;
    ApiReply reply = { .status = MHD_HTTP_OK };
    api->body = (Bytes){ (const uint8_t *)str_text(&request->body), request->body.length };
    api->is_late = server->is_closing || count_waiting(request->door) >= WAITING_MAX ||
                   (request->held_until_ms != 0 && request->held_until_ms <= clock_boot_ms());
    ErrCode code = api->route->handler(api, &reply, &request->err);
    if (code != ERR_NONE) {
        str_done(&reply.body);
        return answer_problem(request, problem_status(code));
    }
    if (reply.hold_ms > 0) {
        hold(request, reply.hold_ms);
        return MHD_YES;
    }
    return answer(request, &reply);
}

static void take_body(HttpRequest *request, const char *data, size_t length)
{
    if (request->body.length + length > request->body_max) {
        request->excess += length;
        if (request->refusal == 0) {
            refuse_size(request);
        }
    } else if (request->refusal == 0) {
        str_append_bytes(&request->body, data, length);
    }
}

static HttpRequest *request_new(Door *door, struct MHD_Connection *connection)
{
    HttpRequest *request = mem_alloc(sizeof(*request));
    request->door = door;
    request->connection = connection;
    return request;
}

/* Called with the head, with each piece of the body, at its end, and again after each waking. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **request_ctx)
{
    (void)version;
    HttpRequest *request = *request_ctx;
    if (request == NULL) {
        request = request_new(ctx, connection);
        *request_ctx = request;
        return read_head(request, method, url) == ERR_NONE
                   ? MHD_YES
                   : answer_problem(request, request->refusal);
    }
    if (*upload_data_size > 0) {
        take_body(request, upload_data, *upload_data_size);
        *upload_data_size = 0;
        return request->excess > EXCESS_MAX ? MHD_NO : MHD_YES;
    }
    return request->refusal != 0 ? answer_problem(request, request->refusal) : run_handler(request);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request_ctx,
                         enum MHD_RequestTerminationCode how)
{
    (void)connection;
    (void)how;
    Door *door = ctx;
    HttpRequest *request = *request_ctx;
    if (request == NULL) {
        return;
    }
    forget_waiting(door->server, request);
    str_done(&request->body);
    arena_done(&request->arena);
    free(request);
    *request_ctx = NULL;
}

/* ---- the loop ---- */

static void run_door(Door *door)
{
    door->has_work = false;
    (void)MHD_run(door->daemon);
}

static void on_readable(void *ctx, int fd, short events)
{
    (void)fd;
    (void)events;
    run_door(ctx);
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/*
 * How long the door can wait. When it cannot, it is run, and everything is looked at anew: a
 * handler may have given the engine a nearer deadline than the one that this turn waits for.
 */
static int64_t door_wait_ms(Door *door)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    if (door->daemon == NULL) {
        return -1;
    }
    bool has_timeout = MHD_get_timeout(door->daemon, &timeout_ms) == MHD_YES;
    if (door->has_work || (has_timeout && timeout_ms == 0)) {
        run_door(door);
        return 0;
    }
    return has_timeout ? (int64_t)(timeout_ms < INT32_MAX ? timeout_ms : INT32_MAX) : -1;
}

static int on_turn(void *ctx, uint64_t now_ms)
{
    (void)now_ms;
    HttpServer *server = ctx;
    uint64_t boot_ms = clock_boot_ms();
    int64_t wait_ms = -1;
    wake_late(server, boot_ms);
    for (int kind = DOOR_UNIX; kind < DOOR_COUNT_; kind++) {
        wait_ms = shorter(wait_ms, door_wait_ms(&server->doors[kind]));
    }
    return (int)shorter(wait_ms, next_late_ms(server, boot_ms));
}

/* ---- life ---- */

static void on_mhd_log(void *ctx, const char *format, va_list arguments)
{
    (void)ctx;
    char text[ERR_MESSAGE_MAX];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* libmicrohttpd's own format */
    (void)vsnprintf(text, sizeof(text), format, arguments);
#pragma GCC diagnostic pop
    log_debug("libmicrohttpd says", LOG_STR("text", text));
}

/* Takes over `fd`. */
static ErrCode open_door(HttpServer *server, DoorKind kind, Fd fd, Err *err)
{
    Door *door = &server->doors[kind];
    door->server = server;
    door->kind = kind;
    door->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
        door, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, door, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES_MAX,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (door->daemon == NULL) {
        fd_done(&fd);
        return err_set(err, ERR_IO, "cannot start the HTTP server");
    }
    return ERR_NONE;
}

static void watch_door(Door *door)
{
    if (door->daemon == NULL) {
        return;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    door->id = loop_add_fd(door->server->loop, info->epoll_fd, ZMQ_POLLIN, on_readable, door);
}

static ErrCode open_doors(HttpServer *server, const ApiConfig *config, Err *err)
{
    Fd fd = -1;
    ErrCode code = listen_unix(config->socket, config->group, &fd, err);
    if (code == ERR_NONE) {
        server->socket_path = mem_strdup(config->socket);
        code = open_door(server, DOOR_UNIX, fd, err);
    }
    if (code == ERR_NONE && config->listen[0] != '\0') {
        code = listen_tcp(config->listen, &fd, err);
        if (code == ERR_NONE) {
            code = open_door(server, DOOR_TCP, fd, err);
        }
    }
    return code;
}

ErrCode http_server_open(Loop *loop, const ApiConfig *config, HttpServer **ret_server, Err *err)
{
    AUTO_PTR(HttpServer) server = mem_alloc(sizeof(*server));
    server->loop = loop;
    ErrCode code = open_doors(server, config, err);
    if (code == ERR_NONE) {
        *ret_server = TAKE(server);
    }
    return code;
}

/* Only from here on are the doors looked at: what they are asked is asked of the shell. */
void http_server_serve(HttpServer *server, Shell *shell)
{
    server->shell = shell;
    server->facts = plan_facts_new(shell_store(shell));
    for (int kind = DOOR_UNIX; kind < DOOR_COUNT_; kind++) {
        watch_door(&server->doors[kind]);
    }
    server->hook = loop_add_hook(server->loop, on_turn, server);
}

static void close_door(Door *door)
{
    if (door->daemon != NULL) {
        if (door->server->shell != NULL) {
            run_door(door); /* answers those who were waiting */
        }
        loop_remove(door->server->loop, door->id);
        MHD_stop_daemon(door->daemon);
        door->daemon = NULL;
    }
}

void http_server_close(HttpServer *server)
{
    server->is_closing = true;
    if (server->socket_path != NULL) {
        /* Before it closes: whoever finds nobody there makes a socket of its own at this path. */
        (void)unlink(server->socket_path);
    }
    wake_all(server);
    for (int kind = DOOR_UNIX; kind < DOOR_COUNT_; kind++) {
        close_door(&server->doors[kind]);
    }
    loop_remove(server->loop, server->hook);
    free(server->socket_path);
    plan_facts_free(server->facts);
    LIST_DONE(&server->waiting);
    free(server);
}

void http_server_notify(HttpServer *server)
{
    wake_all(server);
}

void http_server_forget_plan(HttpServer *server, const uint8_t hash[PLAN_HASH_BYTES])
{
    plan_facts_forget(server->facts, hash);
}

uint16_t http_server_port(const HttpServer *server)
{
    const Door *door = &server->doors[DOOR_TCP];
    if (door->daemon == NULL) {
        return 0;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_LISTEN_FD);
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof(address);
    if (info == NULL || getsockname(info->listen_fd, (struct sockaddr *)&address, &length) != 0) {
        return 0;
    }
    return address.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port)
               : ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}
