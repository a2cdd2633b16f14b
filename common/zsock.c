/* Thin helpers on libzmq: options as rows, frames with typed results. */
#include "common/zsock.h"

#include <errno.h>
#include <string.h>

#ifdef SKEIN_FAILPOINTS
#include "common/zsock_trouble.h"
#endif

/* ---- options ---- */

#define OPTION(option, value, why)                                                                 \
    {                                                                                              \
        option, value, #option, why                                                                \
    }

const ZsockOption ZSOCK_ROUTER_OPTIONS[] = {
    OPTION(ZMQ_ROUTER_MANDATORY, 1,
           "without it what cannot be routed, or is over the high-water mark, vanishes silently"),
    OPTION(ZMQ_ROUTER_HANDOVER, 0,
           "the routing id is the client's choice: handover lets any peer steal another's route"),
    OPTION(ZMQ_HEARTBEAT_IVL, 0,
           "ZMTP heartbeats with a finite RCVHWM can abort the process (libzmq#3937, #4767)"),
    OPTION(ZMQ_SNDHWM, 64, "memory per peer is bounded; a full queue means a slow peer"),
    OPTION(ZMQ_RCVHWM, 64, "a flooding peer fills its own queue and no more"),
    OPTION(ZMQ_MAXMSGSIZE, 256 * 1024, "a huge frame is refused before it is buffered"),
    OPTION(ZMQ_HANDSHAKE_IVL, 10000, "a connection that never finishes its handshake is dropped"),
    OPTION(ZMQ_BACKLOG, 4096, "thousands of peers return at once after a restart"),
    OPTION(ZMQ_TCP_KEEPALIVE, 1, "half-dead TCP is found out and its descriptor comes back"),
    OPTION(ZMQ_TCP_KEEPALIVE_IDLE, 20, "seconds of silence before the first probe"),
    OPTION(ZMQ_TCP_KEEPALIVE_INTVL, 5, "seconds between probes"),
    OPTION(ZMQ_TCP_KEEPALIVE_CNT, 4, "probes without answer until the connection is dead"),
    OPTION(ZMQ_TCP_MAXRT, 20000, "data that is not acknowledged for so long ends the connection"),
};
const size_t ZSOCK_ROUTER_OPTION_COUNT = ARRAY_LEN(ZSOCK_ROUTER_OPTIONS);

const ZsockOption ZSOCK_DEALER_OPTIONS[] = {
    OPTION(ZMQ_IMMEDIATE, 1, "nothing is queued for a connection that does not exist yet"),
    OPTION(ZMQ_RECONNECT_IVL_MAX, 0,
           "the doubling has no jitter: herds. The interval itself is random per peer"),
    OPTION(ZMQ_HEARTBEAT_IVL, 0,
           "ZMTP heartbeats with a finite RCVHWM can abort the process (libzmq#3937, #4767)"),
    OPTION(ZMQ_SNDHWM, 64, "what cannot be sent is decided again from the newest state"),
    OPTION(ZMQ_RCVHWM, 64, "what matters is repeated: no long queue of old words is needed"),
    OPTION(ZMQ_MAXMSGSIZE, 1024 * 1024, "a huge frame is refused before it is buffered"),
    OPTION(ZMQ_HANDSHAKE_IVL, 10000, "a handshake that hangs is begun again"),
    OPTION(ZMQ_TCP_KEEPALIVE, 1, "half-dead TCP is found out"),
    OPTION(ZMQ_TCP_KEEPALIVE_IDLE, 20, "seconds of silence before the first probe"),
    OPTION(ZMQ_TCP_KEEPALIVE_INTVL, 5, "seconds between probes"),
    OPTION(ZMQ_TCP_KEEPALIVE_CNT, 4, "probes without answer until the connection is dead"),
    OPTION(ZMQ_TCP_MAXRT, 20000, "data that is not acknowledged for so long ends the connection"),
};
const size_t ZSOCK_DEALER_OPTION_COUNT = ARRAY_LEN(ZSOCK_DEALER_OPTIONS);

static ErrCode fail(Err *err, ErrCode code, const char *what)
{
    err_set(err, code, "%s: %s", what, zmq_strerror(zmq_errno()));
    if (err != NULL) {
        err->sys_errno = zmq_errno();
    }
    return code;
}

static ErrCode set_option(Zsock socket, const ZsockOption *option, Err *err)
{
    int64_t wide = option->value;
    int narrow = (int)option->value;
    bool is_wide = option->option == ZMQ_MAXMSGSIZE;
    int failed = is_wide ? zmq_setsockopt(socket, option->option, &wide, sizeof(wide))
                         : zmq_setsockopt(socket, option->option, &narrow, sizeof(narrow));
    return failed == 0 ? ERR_NONE : fail(err, ERR_INTERNAL, option->name);
}

void zsock_done(Zsock *socket)
{
    if (*socket != NULL) {
        int kept = errno;
#ifdef SKEIN_FAILPOINTS
        trouble_forget(*socket);
#endif
        zmq_close(*socket);
        errno = kept;
        *socket = NULL;
    }
}

ErrCode zsock_open(void *context, int type, const ZsockOption *options, size_t count,
                   Zsock *ret_socket, Err *err)
{
    static const ZsockOption NO_LINGER =
        OPTION(ZMQ_LINGER, 0, "a dead peer must not hang the exit");
    Zsock socket = zmq_socket(context, type);
    if (socket == NULL) {
        ErrCode code = fail(err, ERR_LIMIT, "cannot open a socket");
        if (zmq_errno() == EMFILE) {
            err_hint(err, "raise the limit of open files (LimitNOFILE) or ZMQ_MAX_SOCKETS");
        }
        return code;
    }
    ErrCode code = set_option(socket, &NO_LINGER, err);
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        code = set_option(socket, &options[i], err);
    }
    if (code != ERR_NONE) {
        zsock_done(&socket);
        return code;
    }
    *ret_socket = socket;
    return ERR_NONE;
}

ErrCode zsock_set_int(Zsock socket, int option, int value, Err *err)
{
    if (zmq_setsockopt(socket, option, &value, sizeof(value)) != 0) {
        return fail(err, ERR_INTERNAL, "cannot set a socket option");
    }
    return ERR_NONE;
}

typedef struct EndpointHint {
    int sys_errno;
    ErrCode code;
    const char *hint;
} EndpointHint;

static const EndpointHint ENDPOINT_HINTS[] = {
    { EINVAL, ERR_CONFIG, "write tcp://HOST:PORT" },
    { EPROTONOSUPPORT, ERR_CONFIG, "write tcp://HOST:PORT" },
    { ENODEV, ERR_CONFIG, "the address belongs to no network interface of this machine" },
    { EADDRNOTAVAIL, ERR_CONFIG, "the address belongs to no network interface of this machine" },
    { EADDRINUSE, ERR_IO, "another process listens there: choose another port, or stop it" },
    { EACCES, ERR_FORBIDDEN, "ports below 1024 need a privilege: choose a higher one" },
};

static ErrCode fail_endpoint(Err *err, const char *verb, const char *endpoint)
{
    int sys_errno = zmq_errno();
    for (size_t i = 0; i < ARRAY_LEN(ENDPOINT_HINTS); i++) {
        const EndpointHint *row = &ENDPOINT_HINTS[i];
        if (row->sys_errno == sys_errno) {
            err_set(err, row->code, "cannot %s '%s': %s", verb, endpoint, zmq_strerror(sys_errno));
            err_hint(err, "%s", row->hint);
            return row->code;
        }
    }
    return err_set(err, ERR_IO, "cannot %s '%s': %s", verb, endpoint, zmq_strerror(sys_errno));
}

ErrCode zsock_bind(Zsock socket, const char *endpoint, Err *err)
{
    return zmq_bind(socket, endpoint) == 0 ? ERR_NONE : fail_endpoint(err, "listen on", endpoint);
}

ErrCode zsock_connect(Zsock socket, const char *endpoint, Err *err)
{
    return zmq_connect(socket, endpoint) == 0 ? ERR_NONE
                                              : fail_endpoint(err, "connect to", endpoint);
}

ErrCode zsock_last_endpoint(Zsock socket, char *buffer, size_t size_bytes, Err *err)
{
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, buffer, &size_bytes) != 0) {
        return fail(err, ERR_INTERNAL, "cannot read the endpoint");
    }
    return ERR_NONE;
}

/* ---- CURVE ---- */

typedef struct BytesOption {
    int option;
    const void *bytes;
    size_t length;
} BytesOption;

static ErrCode set_bytes(Zsock socket, const BytesOption *options, size_t count, Err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (zmq_setsockopt(socket, options[i].option, options[i].bytes, options[i].length) != 0) {
            return fail(err, ERR_INTERNAL, "cannot set up CURVE");
        }
    }
    return ERR_NONE;
}

ErrCode zsock_curve_server(Zsock socket, const uint8_t secret[CURVE_KEY_BYTES], const char *domain,
                           Err *err)
{
    static const int IS_SERVER = 1;
    const BytesOption options[] = {
        { ZMQ_CURVE_SERVER, &IS_SERVER, sizeof(IS_SERVER) },
        { ZMQ_CURVE_SECRETKEY, secret, CURVE_KEY_BYTES },
        { ZMQ_ZAP_DOMAIN, domain, strlen(domain) },
    };
    return set_bytes(socket, options, ARRAY_LEN(options), err);
}

ErrCode zsock_curve_client(Zsock socket, const uint8_t server_public[CURVE_KEY_BYTES],
                           const uint8_t own_public[CURVE_KEY_BYTES],
                           const uint8_t own_secret[CURVE_KEY_BYTES], Err *err)
{
    const BytesOption options[] = {
        { ZMQ_CURVE_SERVERKEY, server_public, CURVE_KEY_BYTES },
        { ZMQ_CURVE_PUBLICKEY, own_public, CURVE_KEY_BYTES },
        { ZMQ_CURVE_SECRETKEY, own_secret, CURVE_KEY_BYTES },
    };
    return set_bytes(socket, options, ARRAY_LEN(options), err);
}

/* ---- what becomes of a connection ---- */

static const struct {
    uint16_t event;
    ZsockFate fate;
} FATES[] = {
    { ZMQ_EVENT_HANDSHAKE_SUCCEEDED, ZSOCK_FATE_CONNECTED },
    { ZMQ_EVENT_CONNECT_RETRIED, ZSOCK_FATE_UNREACHABLE },
    { ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ZSOCK_FATE_NO_HANDSHAKE },
    { ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZSOCK_FATE_NO_HANDSHAKE },
    { ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, ZSOCK_FATE_REFUSED },
};

ErrCode zsock_monitor(void *context, Zsock socket, Zsock *ret_monitor, Err *err)
{
    AUTO(Zsock) monitor = NULL;
    char endpoint[64];
    int events = 0;
    for (size_t i = 0; i < ARRAY_LEN(FATES); i++) {
        events |= FATES[i].event;
    }
    text_format(endpoint, sizeof(endpoint), "inproc://monitor-%p", socket);
    if (zmq_socket_monitor(socket, endpoint, events) != 0) {
        return fail(err, ERR_INTERNAL, "cannot monitor a socket");
    }
    ErrCode code = zsock_open(context, ZMQ_PAIR, NULL, 0, &monitor, err);
    if (code == ERR_NONE) {
        code = zsock_connect(monitor, endpoint, err);
    }
    if (code == ERR_NONE) {
        *ret_monitor = TAKE(monitor);
    }
    return code;
}

void zsock_unmonitor(Zsock socket, Zsock *monitor)
{
    if (*monitor != NULL) {
        (void)zmq_socket_monitor(socket, NULL, 0);
        zsock_done(monitor);
    }
}

/* Two frames: the event with its value, and the endpoint. */
bool zsock_next_fate(Zsock monitor, ZsockFate *ret_fate)
{
    Zframe frames[2] = { zframe_empty(), zframe_empty() };
    size_t count = 0;
    uint16_t event = 0;
    ZsockResult result = zsock_receive_frames(monitor, frames, ARRAY_LEN(frames), &count, NULL);
    if (result == ZSOCK_OK && zframe_size(&frames[0]) >= sizeof(event)) {
        memcpy(&event, zframe_data(&frames[0]), sizeof(event));
    }
    zframe_done(&frames[0]);
    zframe_done(&frames[1]);
    *ret_fate = ZSOCK_FATE_NONE;
    for (size_t i = 0; i < ARRAY_LEN(FATES); i++) {
        *ret_fate = FATES[i].event == event ? FATES[i].fate : *ret_fate;
    }
    return result == ZSOCK_OK || result == ZSOCK_MALFORMED;
}

/* ---- frames ---- */

Zframe zframe_empty(void)
{
    Zframe frame;
    zmq_msg_init(&frame);
    return frame;
}

void zframe_done(Zframe *frame)
{
    zmq_msg_close(frame);
}

/* libzmq's getters take a non-const message, but change nothing. */
const void *zframe_data(const Zframe *frame)
{
    return zmq_msg_data((zmq_msg_t *)frame);
}

size_t zframe_size(const Zframe *frame)
{
    return zmq_msg_size(frame);
}

const char *zframe_user_id(const Zframe *frame)
{
    return zmq_msg_gets(frame, "User-Id");
}

static ZsockResult result_of_errno(Err *err, const char *what)
{
    switch (zmq_errno()) {
    case EAGAIN:
        return ZSOCK_WOULD_BLOCK;
    case EHOSTUNREACH:
        return ZSOCK_UNROUTABLE;
    default:
        fail(err, ERR_IO, what);
        return ZSOCK_FAILED;
    }
}

static ZsockResult send_frame(Zsock socket, const void *bytes, size_t length, int flags, Err *err)
{
    int sent = -1;
    do {
        sent = zmq_send(socket, bytes, length, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && zmq_errno() == EINTR);
    return sent >= 0 ? ZSOCK_OK : result_of_errno(err, "cannot send");
}

/*
 * A mandatory ROUTER decides by the id frame: taken, the rest goes to the same pipe and cannot be
 * refused for being full. Should it fail all the same, an empty last frame ends the message, so
 * that the next one is not glued to it; the receiver drops it for its number of frames or its
 * content.
 */
static ZsockResult send_message(Zsock socket, const void *id, size_t id_length, const void *bytes,
                                size_t length, Err *err)
{
    ZsockResult result =
        id == NULL ? ZSOCK_OK : send_frame(socket, id, id_length, ZMQ_SNDMORE, err);
    if (result != ZSOCK_OK) {
        return result;
    }
    result = send_frame(socket, bytes, length, 0, err);
    if (result != ZSOCK_OK && id != NULL) {
        zmq_send(socket, "", 0, ZMQ_DONTWAIT);
    }
    return result;
}

static ZsockResult pass_message(Zsock socket, const void *id, size_t id_length, const void *bytes,
                                size_t length, Err *err)
{
#ifdef SKEIN_FAILPOINTS
    if (trouble_is_on(socket)) {
        return trouble_send(socket, id, id_length, bytes, length, send_message, err);
    }
#endif
    return send_message(socket, id, id_length, bytes, length, err);
}

ZsockResult zsock_send(Zsock socket, const void *bytes, size_t length, Err *err)
{
    return pass_message(socket, NULL, 0, bytes, length, err);
}

ZsockResult zsock_send_to(Zsock router, const void *id, size_t id_length, const void *bytes,
                          size_t length, Err *err)
{
    return pass_message(router, id, id_length, bytes, length, err);
}

static ZsockResult receive_frame(Zsock socket, Zframe *frame, Err *err)
{
    int got = -1;
    do {
        got = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    } while (got < 0 && zmq_errno() == EINTR);
    return got >= 0 ? ZSOCK_OK : result_of_errno(err, "cannot receive");
}

/* The remaining frames of a message that is dropped; parts of one message arrive together. */
static void drop_rest(Zsock socket, bool has_more)
{
    while (has_more) {
        AUTO(Zframe) frame = zframe_empty();
        has_more = receive_frame(socket, &frame, NULL) == ZSOCK_OK && zmq_msg_more(&frame);
    }
}

ZsockResult zsock_receive_frames(Zsock socket, Zframe *frames, size_t max, size_t *ret_count,
                                 Err *err)
{
    size_t count = 0;
    bool has_more = true;
    while (has_more && count < max) {
        ZsockResult result = receive_frame(socket, &frames[count], err);
        if (result != ZSOCK_OK) {
            return result;
        }
        has_more = zmq_msg_more(&frames[count]);
        count++;
    }
    drop_rest(socket, has_more);
    if (has_more) {
        return ZSOCK_MALFORMED;
    }
    *ret_count = count;
    return ZSOCK_OK;
}

ZsockResult zsock_receive(Zsock socket, Zframe *ret_frame, Err *err)
{
    size_t count = 0;
    return zsock_receive_frames(socket, ret_frame, 1, &count, err);
}

ZsockResult zsock_receive_from(Zsock router, Zframe *ret_id, Zframe *ret_frame, Err *err)
{
    Zframe frames[2] = { zframe_empty(), zframe_empty() };
    size_t count = 0;
    ZsockResult result = zsock_receive_frames(router, frames, ARRAY_LEN(frames), &count, err);
    if (result == ZSOCK_OK && count != ARRAY_LEN(frames)) {
        result = ZSOCK_MALFORMED;
    }
    if (result == ZSOCK_OK || result == ZSOCK_MALFORMED) {
        zmq_msg_move(ret_id, &frames[0]);
        zmq_msg_move(ret_frame, &frames[1]);
    }
    zframe_done(&frames[0]);
    zframe_done(&frames[1]);
    return result;
}
