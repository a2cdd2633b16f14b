/*
 * ZeroMQ sockets: options as tables, frames with typed results, CURVE keys. Only libzmq's stable
 * API. Nothing here blocks: every send and receive is ZMQ_DONTWAIT. Sockets belong to one thread.
 */
#ifndef SKEIN_COMMON_ZSOCK_H
#define SKEIN_COMMON_ZSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "common/cleanup.h"
#include "common/err.h"

#define CURVE_KEY_BYTES 32

/* ---- options ---- */

typedef struct ZsockOption {
    int option;    /* ZMQ_… */
    int64_t value; /* passed as int, or as int64_t where the option is one (ZMQ_MAXMSGSIZE) */
    const char *name;
    const char *why; /* the reason, for whoever wants to change it */
} ZsockOption;

/* The profiles of both ends of the link. Who connects sets ZMQ_RECONNECT_IVL itself, at random. */
extern const ZsockOption ZSOCK_ROUTER_OPTIONS[];
extern const size_t ZSOCK_ROUTER_OPTION_COUNT;
extern const ZsockOption ZSOCK_DEALER_OPTIONS[];
extern const size_t ZSOCK_DEALER_OPTION_COUNT;

/* A socket that AUTO(Zsock) closes. NULL: none. */
typedef void *Zsock;

void zsock_done(Zsock *socket); /* closes without lingering, sets NULL */

AUTO_DEFINE(Zsock, zsock_done)

/* Makes a socket with LINGER 0 and the options set. The caller closes it: zsock_done. */
ErrCode zsock_open(void *context, int type, const ZsockOption *options, size_t count,
                   Zsock *ret_socket, Err *err);

ErrCode zsock_set_int(Zsock socket, int option, int value, Err *err);

/* ERR_CONFIG for an endpoint that is malformed, ERR_IO for one that cannot be had. */
ErrCode zsock_bind(Zsock socket, const char *endpoint, Err *err);
ErrCode zsock_connect(Zsock socket, const char *endpoint, Err *err);

/* The endpoint bound last, with the port chosen for "tcp://127.0.0.1:*". */
ErrCode zsock_last_endpoint(Zsock socket, char *buffer, size_t size_bytes, Err *err);

/* ---- CURVE ---- */

/*
 * Makes a bound socket take only CURVE peers, each asked for at the ZAP handler (zap.h) under
 * `domain`. Without a handler libzmq lets every peer in: bind the handler first.
 */
ErrCode zsock_curve_server(Zsock socket, const uint8_t secret[CURVE_KEY_BYTES], const char *domain,
                           Err *err);

ErrCode zsock_curve_client(Zsock socket, const uint8_t server_public[CURVE_KEY_BYTES],
                           const uint8_t own_public[CURVE_KEY_BYTES],
                           const uint8_t own_secret[CURVE_KEY_BYTES], Err *err);

/* ---- what becomes of a connection, also one that libzmq makes again by itself ---- */

typedef enum ZsockFate {
    ZSOCK_FATE_NONE = 0,
    ZSOCK_FATE_UNREACHABLE,  /* nobody listens there, or nothing gets through */
    ZSOCK_FATE_NO_HANDSHAKE, /* somebody does, who hung up: he may not have the key that is asked */
    ZSOCK_FATE_CONNECTED,
    ZSOCK_FATE_REFUSED, /* his gate does not want our key; libzmq does not try again */
} ZsockFate;

/* Opens a socket that tells how the other one's connections go. Closed by zsock_unmonitor, before
 * that one is. */
ErrCode zsock_monitor(void *context, Zsock socket, Zsock *ret_monitor, Err *err);
void zsock_unmonitor(Zsock socket, Zsock *monitor); /* NULL monitors are allowed */

/* The next one; false: none now. */
bool zsock_next_fate(Zsock monitor, ZsockFate *ret_fate);

/* ---- messages ---- */

/* One frame. Declare as AUTO(Zframe) frame = zframe_empty(). */
typedef zmq_msg_t Zframe;

Zframe zframe_empty(void);
void zframe_done(Zframe *frame);
const void *zframe_data(const Zframe *frame);
size_t zframe_size(const Zframe *frame);

AUTO_DEFINE(Zframe, zframe_done)

typedef enum ZsockResult {
    ZSOCK_NONE = 0,
    ZSOCK_OK,
    ZSOCK_WOULD_BLOCK, /* send: the peer is slow; receive: nothing there */
    ZSOCK_UNROUTABLE,  /* send to a peer that is not connected any more */
    ZSOCK_MALFORMED,   /* receive: the wrong number of frames; the whole message is dropped */
    ZSOCK_FAILED,      /* err says how */
} ZsockResult;

/* One-frame messages: DEALER, PAIR, PUSH and PULL. The bytes are copied. */
ZsockResult zsock_send(Zsock socket, const void *bytes, size_t length, Err *err);
ZsockResult zsock_receive(Zsock socket, Zframe *ret_frame, Err *err);

/*
 * The same on a ROUTER: a routing id in front. All or nothing: a half-sent message cannot remain.
 * Of a malformed message the id and the first frame are given too: they say whose it was.
 */
ZsockResult zsock_send_to(Zsock router, const void *id, size_t id_length, const void *bytes,
                          size_t length, Err *err);
ZsockResult zsock_receive_from(Zsock router, Zframe *ret_id, Zframe *ret_frame, Err *err);

/*
 * Receives a message of at most `max` frames into `frames` (each zframe_empty before); drops what
 * has more: ZSOCK_MALFORMED. *ret_count is how many there are.
 */
ZsockResult zsock_receive_frames(Zsock socket, Zframe *frames, size_t max, size_t *ret_count,
                                 Err *err);

/*
 * The ZAP User-Id of the connection that the frame came over, valid as long as the frame; NULL when
 * there is none: then the peer was not authenticated and the message must be refused.
 */
const char *zframe_user_id(const Zframe *frame);

#endif
