/*
 * ZAP (ZeroMQ RFC 27): the handler that libzmq asks about every CURVE handshake. The identity of a
 * peer is its key; the User-Id given here comes back with every message of that connection.
 *
 * The handler is a ROUTER bound to ZAP_ENDPOINT on the context, in the loop of whoever owns the
 * list of keys: open it before any CURVE socket is bound, and end the process when that fails.
 */
#ifndef SKEIN_COMMON_ZAP_H
#define SKEIN_COMMON_ZAP_H

#include "common/zsock.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_ROUTE_MAX 255
#define ZAP_TEXT_MAX 255

typedef struct ZapRequest {
    uint8_t route[ZAP_ROUTE_MAX]; /* of the asking I/O session */
    size_t route_length;
    uint8_t id[ZAP_TEXT_MAX];
    size_t id_length;
    char domain[ZAP_TEXT_MAX + 1];
    char address[ZAP_TEXT_MAX + 1]; /* of the peer; for logs only */
    uint8_t public_key[CURVE_KEY_BYTES];
} ZapRequest;

/* Opens and binds the handler's socket. */
ErrCode zap_open(void *context, Zsock *ret_socket, Err *err);

/*
 * ZSOCK_OK: a well-formed CURVE request. ZSOCK_MALFORMED: anything else, dropped, or answered with
 * 400 where it was well-formed but not CURVE: no plaintext peer is let in.
 */
ZsockResult zap_receive(Zsock zap, ZapRequest *ret_request, Err *err);

/* Lets the peer in as `user_id`, of at most ZAP_TEXT_MAX bytes. */
ZsockResult zap_accept(Zsock zap, const ZapRequest *request, const char *user_id, Err *err);

/* Keeps the peer out; it learns `reason` and no more. */
ZsockResult zap_refuse(Zsock zap, const ZapRequest *request, const char *reason, Err *err);

#endif
