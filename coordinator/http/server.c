/* Doors, visits and waiting: everything that libmicrohttpd and the loop have to be told. */
#include "coordinator/http/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <microhttpd.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/list.h"
#include "common/log.h"
#include "common/str.h"
#include "coordinator/http/callers.h"
#include "coordinator/http/certificate.h"
#include "coordinator/http/credentials.h"
#include "coordinator/http/listen.h"
#include "coordinator/http/request.h"

#define CONNECTIONS_MAX 256
#define CALLERS_MAX 224 /* from there on who is silent gives way to who comes */
/* held requests of a door; its other connections stay for requests that are answered */
#define WAITING_MAX 192
#define CONNECTION_BYTES_MAX (32 * 1024) /* request line and headers */
#define IDLE_TIMEOUT_S 60
/* From one address: of others than this machine's users, and of these, who share one. */
#define PLACE_CONNECTIONS_MAX 64
#define LOOPBACK_CONNECTIONS_MAX 192
/* No key exchange that a stolen key opens later. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"

typedef enum DoorKind {
    DOOR_NONE = 0,
    DOOR_UNIX,
    DOOR_TCP,
    DOOR_COUNT_,
} DoorKind;

typedef struct Door {
    HttpServer *server;
    DoorKind kind;
    struct MHD_Daemon *daemon; /* NULL: closed */
    LoopId id;
    bool has_work; /* a connection was resumed: MHD_run has to look at it */
    Callers callers;
    size_t held_bytes;
} Door;

/* A request at its door. */
typedef struct Visit {
    Door *door;
    struct MHD_Connection *connection;
    HttpRequest *request;
    uint64_t held_until_ms; /* 0: not held yet */
} Visit;

struct HttpServer {
    Loop *loop;
    LoopId hook;
    Shell *shell; /* NULL: does not serve yet */
    const Enrolment *enrolment;
    const HealthBoard *health;
    PlanFactsCache *facts;
    Throttle *refusals; /* that have a row each */
    Throttle *requests;
    Throttle *failures; /* wrong tokens */
    Tokens *tokens;
    unsigned anonymous;
    GuardNames names;
    TlsConfig tls;
    Certificate certificate;  /* of the TCP door; empty: it speaks no TLS */
    Credentials *credentials; /* made of it */
    char *socket_path;
    struct stat socket; /* as it was made */
    Door doors[DOOR_COUNT_];
    LIST(Visit *) waiting;
    bool is_closing;
};

/* ---- times ---- */

/* -1: for ever. */
static int64_t left_ms(uint64_t until_ms, uint64_t now_ms)
{
    return until_ms == UINT64_MAX ? -1 : until_ms <= now_ms ? 0 : (int64_t)(until_ms - now_ms);
}

static int64_t shorter(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

/* ---- waiting for events ---- */

static void forget_waiting(HttpServer *server, const Visit *visit)
{
    for (size_t i = 0; i < server->waiting.count; i++) {
        if (server->waiting.items[i] == visit) {
            LIST_REMOVE(&server->waiting, i);
            return;
        }
    }
}

/* Per door: whoever may only read over TCP must not use up what the unix
 * socket's users may hold. */
static size_t count_waiting(const Door *door)
{
    size_t count = 0;
    for (size_t i = 0; i < door->server->waiting.count; i++) {
        count += door->server->waiting.items[i]->door == door;
    }
    return count;
}

static void hold(Visit *visit, uint32_t hold_ms)
{
    HttpServer *server = visit->door->server;
    if (visit->held_until_ms == 0) {
        visit->held_until_ms = clock_boot_ms() + hold_ms;
    }
    LIST_PUSH(&server->waiting, visit);
    MHD_suspend_connection(visit->connection);
}

/* The handler is asked again; is_late says whether it may wait on. */
static void wake(Visit *visit)
{
    visit->door->has_work = true;
    MHD_resume_connection(visit->connection);
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
        Visit *visit = server->waiting.items[i - 1];
        if (visit->held_until_ms <= now_ms) {
            LIST_REMOVE(&server->waiting, i - 1);
            wake(visit);
        }
    }
}

/* The longest wait until one of them is late; -1: nobody waits. */
static int64_t next_late_ms(const HttpServer *server, uint64_t now_ms)
{
    int64_t least_ms = -1;
    for (size_t i = 0; i < server->waiting.count; i++) {
        least_ms = shorter(least_ms, left_ms(server->waiting.items[i]->held_until_ms, now_ms));
    }
    return least_ms;
}

/* ---- requests that go on for ever ---- */

static void rest(void *ctx, uint32_t ms)
{
    Visit *visit = ctx;
    visit->held_until_ms = 0;
    hold(visit, ms);
}

static bool is_over(void *ctx)
{
    const Visit *visit = ctx;
    return visit->door->server->is_closing || count_waiting(visit->door) >= WAITING_MAX;
}

/* ---- libmicrohttpd's callbacks ---- */

static Visit *visit_new(Door *door, struct MHD_Connection *connection)
{
    const RequestPlace place = { .shell = door->server->shell,
                                 .enrolment = door->server->enrolment,
                                 .health = door->server->health,
                                 .facts = door->server->facts,
                                 .refusals = door->server->refusals,
                                 .is_tcp = door->kind == DOOR_TCP,
                                 .socket_path = door->server->socket_path,
                                 .requests = door->server->requests,
                                 .failures = door->server->failures,
                                 .tokens = door->server->tokens,
                                 .anonymous = door->server->anonymous,
                                 .names = door->server->names,
                                 .held_bytes = &door->held_bytes };
    Visit *visit = mem_alloc(sizeof(*visit));
    visit->door = door;
    visit->connection = connection;
    visit->request = request_new(connection, &place, &(RequestWait){ visit, rest, is_over });
    return visit;
}

static bool is_late(const Visit *visit)
{
    return is_over((Visit *)visit) ||
           (visit->held_until_ms != 0 && visit->held_until_ms <= clock_boot_ms());
}

static enum MHD_Result run(Visit *visit)
{
    uint32_t hold_ms = 0;
    enum MHD_Result result = request_run(visit->request, is_late(visit), &hold_ms);
    if (hold_ms > 0) {
        hold(visit, hold_ms);
    }
    return result;
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_ctx,
                          enum MHD_ConnectionNotificationCode what)
{
    Door *door = ctx;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        callers_go(&door->callers, *socket_ctx);
        *socket_ctx = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_ctx = callers_come(&door->callers, info == NULL ? -1 : info->connect_fd, CALLERS_MAX,
                               clock_boot_ms());
}

static Caller *caller_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Called with the head, with each piece of the body, at its end, and again after each waking. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **request_ctx)
{
    (void)version;
    Visit *visit = *request_ctx;
    if (visit == NULL) {
        visit = visit_new(ctx, connection);
        *request_ctx = visit;
        enum MHD_Result begun = request_begin(visit->request, method, url);
        if (!request_wants_no_body(visit->request)) {
            callers_ask(&visit->door->callers, caller_of(connection));
        }
        return begun;
    }
    if (*upload_data_size > 0) {
        size_t length = *upload_data_size;
        *upload_data_size = 0;
        return request_take_body(visit->request, upload_data, length);
    }
    callers_ask(&visit->door->callers, caller_of(connection));
    return run(visit);
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **request_ctx,
                         enum MHD_RequestTerminationCode how)
{
    (void)how;
    Door *door = ctx;
    Visit *visit = *request_ctx;
    if (visit == NULL) {
        return;
    }
    callers_rest(&door->callers, caller_of(connection), clock_boot_ms());
    forget_waiting(door->server, visit);
    request_free(visit->request);
    free(visit);
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

static int64_t look_at_door(Door *door, uint64_t now_ms)
{
    callers_turn_out(&door->callers, now_ms);
    return shorter(door_wait_ms(door), left_ms(callers_due_ms(&door->callers), now_ms));
}

static int on_turn(void *ctx, uint64_t now_ms)
{
    (void)now_ms;
    HttpServer *server = ctx;
    uint64_t boot_ms = clock_boot_ms();
    int64_t wait_ms = -1;
    wake_late(server, boot_ms);
    for (int kind = DOOR_UNIX; kind < DOOR_COUNT_; kind++) {
        wait_ms = shorter(wait_ms, look_at_door(&server->doors[kind], boot_ms));
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

/* What the TCP door has beside the other one's options: an array that ends with MHD_OPTION_END. */
static void tcp_options(const Certificate *certificate, struct MHD_OptionItem options[static 4])
{
    size_t count = 0;
    bool has_tls = certificate_is_there(certificate);
    if (has_tls) {
        const struct MHD_OptionItem tls[] = {
            { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)credentials_retrieve },
            { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
        };
        memcpy(options, tls, sizeof(tls));
        count = ARRAY_LEN(tls);
    }
    options[count++] =
        (struct MHD_OptionItem){ MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                 has_tls ? PLACE_CONNECTIONS_MAX : LOOPBACK_CONNECTIONS_MAX, NULL };
    options[count] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
}

/* Takes over `fd`. */
static ErrCode open_door(HttpServer *server, DoorKind kind, Fd fd, Err *err)
{
    static const Certificate NONE = { 0 };
    const Certificate *certificate = kind == DOOR_TCP ? &server->certificate : &NONE;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem more[4] = { { MHD_OPTION_END, 0, NULL } };
    Door *door = &server->doors[kind];
    door->server = server;
    door->kind = kind;
    if (kind == DOOR_TCP) {
        tcp_options(certificate, more);
    }
    door->daemon = MHD_start_daemon(
        flags | (certificate_is_there(certificate) ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request,
        door, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, door, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, door, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK,
        request_unescape, NULL, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
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

/* Read whole and looked at before anything of it is shown. */
static ErrCode show_certificate(HttpServer *server, bool *ret_is_new, Err *err)
{
    AUTO(Certificate) there = { 0 };
    if (certificate_read(&server->tls, &there, err) != ERR_NONE) {
        return err->code;
    }
    bool is_new = !certificate_equal(&there, &server->certificate);
    if (is_new && credentials_show(&server->credentials, &there, err) != ERR_NONE) {
        return err->code;
    }
    const Certificate before = server->certificate;
    server->certificate = there;
    there = before;
    *ret_is_new = is_new;
    return ERR_NONE;
}

static ErrCode open_doors(HttpServer *server, const ApiConfig *config, Err *err)
{
    Fd fd = -1;
    ErrCode code = listen_unix(config->socket, config->group, &fd, err);
    if (code == ERR_NONE) {
        server->socket_path = mem_strdup(config->socket);
        (void)lstat(server->socket_path, &server->socket);
        code = open_door(server, DOOR_UNIX, fd, err);
    }
    if (code == ERR_NONE && config->tls.certificate[0] != '\0') {
        server->tls = config->tls;
        code = show_certificate(server, &(bool){ false }, err);
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
    bool may_look = config->anonymous == API_ANONYMOUS_VIEWER && api_is_loopback(config->listen);
    server->anonymous = may_look ? ROLE_VIEWER : ROLE_NONE;
    server->names =
        (GuardNames){ config->names, config->name_count, config->tls.certificate[0] != '\0' };
    ErrCode code = open_doors(server, config, err);
    if (code == ERR_NONE) {
        *ret_server = TAKE(server);
    }
    return code;
}

/* Only from here on are the doors looked at: what they are asked is asked of the shell. */
ErrCode http_server_serve(HttpServer *server, Shell *shell, const Enrolment *enrolment, Err *err)
{
    ErrCode code = tokens_open(shell_store(shell), &server->tokens, err);
    if (code != ERR_NONE) {
        return code;
    }
    server->shell = shell;
    server->enrolment = enrolment;
    server->facts = plan_facts_new(shell_store(shell));
    server->refusals = throttle_new(&AUDITED_REFUSALS, clock_boot_ms());
    server->requests = throttle_new(&AUTHORITY_REQUESTS, clock_boot_ms());
    server->failures = throttle_new(&AUTHORITY_FAILURES, clock_boot_ms());
    for (int kind = DOOR_UNIX; kind < DOOR_COUNT_; kind++) {
        watch_door(&server->doors[kind]);
    }
    server->hook = loop_add_hook(server->loop, on_turn, server);
    return ERR_NONE;
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
        LIST_DONE(&door->callers.silent);
    }
}

/*
 * Before it closes: whoever finds nobody there makes a socket of its own at this path. One who
 * already has, because ours was moved away, keeps it.
 */
static void remove_socket(const HttpServer *server)
{
    struct stat there;
    const struct stat *ours = &server->socket;
    if (server->socket_path != NULL && lstat(server->socket_path, &there) == 0 &&
        there.st_dev == ours->st_dev && there.st_ino == ours->st_ino &&
        there.st_ctim.tv_sec == ours->st_ctim.tv_sec &&
        there.st_ctim.tv_nsec == ours->st_ctim.tv_nsec) {
        (void)unlink(server->socket_path);
    }
}

void http_server_show_health(HttpServer *server, const HealthBoard *board)
{
    server->health = board;
}

void http_server_close(HttpServer *server)
{
    server->is_closing = true;
    remove_socket(server);
    wake_all(server);
    for (int kind = DOOR_UNIX; kind < DOOR_COUNT_; kind++) {
        close_door(&server->doors[kind]);
    }
    loop_remove(server->loop, server->hook);
    free(server->socket_path);
    plan_facts_free(server->facts);
    throttle_free(server->refusals);
    throttle_free(server->requests);
    throttle_free(server->failures);
    tokens_free(server->tokens);
    credentials_free(server->credentials);
    certificate_done(&server->certificate);
    LIST_DONE(&server->waiting);
    free(server);
}

ErrCode http_server_read_certificate(HttpServer *server, bool *ret_is_new, Err *err)
{
    *ret_is_new = false;
    return certificate_is_there(&server->certificate) ? show_certificate(server, ret_is_new, err)
                                                      : ERR_NONE;
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
