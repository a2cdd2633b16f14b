/*
 * ZAP's two messages (RFC 27), over a ROUTER, so that several handshakes may wait for their
 * answers. Request: route, "", version, id, domain, address, identity, mechanism, key. Reply:
 * route, "", version, id, status code, status text, user id, metadata.
 */
#include "common/zap.h"

#include <string.h>

#define ZAP_VERSION "1.0"
#define KEYLESS_FRAMES 8 /* up to the mechanism */
#define CURVE_FRAMES 9
#define FRAMES_MAX 12 /* mechanisms other than CURVE may bring more; they are answered too */

enum {
    FRAME_ROUTE = 0,
    FRAME_DELIMITER,
    FRAME_VERSION,
    FRAME_ID,
    FRAME_DOMAIN,
    FRAME_ADDRESS,
    FRAME_IDENTITY,
    FRAME_MECHANISM,
    FRAME_KEY,
};

ErrCode zap_open(void *context, Zsock *ret_socket, Err *err)
{
    AUTO(Zsock) socket = NULL;
    ErrCode code = zsock_open(context, ZMQ_ROUTER, NULL, 0, &socket, err);
    if (code == ERR_NONE) {
        code = zsock_bind(socket, ZAP_ENDPOINT, err);
    }
    if (code == ERR_NONE) {
        *ret_socket = TAKE(socket);
    }
    return code;
}

static bool frame_is(const Zframe *frame, const char *text)
{
    return zframe_size(frame) == strlen(text) &&
           memcmp(zframe_data(frame), text, strlen(text)) == 0;
}

static bool copy_bytes(const Zframe *frame, uint8_t *ret, size_t max, size_t *ret_length)
{
    *ret_length = zframe_size(frame);
    if (*ret_length > max) {
        return false;
    }
    memcpy(ret, zframe_data(frame), *ret_length);
    return true;
}

static bool copy_text(const Zframe *frame, char ret[ZAP_TEXT_MAX + 1])
{
    size_t length = zframe_size(frame);
    if (length > ZAP_TEXT_MAX || memchr(zframe_data(frame), '\0', length) != NULL) {
        return false;
    }
    memcpy(ret, zframe_data(frame), length);
    ret[length] = '\0';
    return true;
}

/* What every answer needs: false when none can be given. */
static bool parse_head(const Zframe *frames, size_t count, ZapRequest *request)
{
    return count >= KEYLESS_FRAMES && zframe_size(&frames[FRAME_DELIMITER]) == 0 &&
           frame_is(&frames[FRAME_VERSION], ZAP_VERSION) &&
           copy_bytes(&frames[FRAME_ROUTE], request->route, sizeof(request->route),
                      &request->route_length) &&
           copy_bytes(&frames[FRAME_ID], request->id, sizeof(request->id), &request->id_length);
}

static bool parse_curve(const Zframe *frames, size_t count, ZapRequest *request)
{
    size_t key_length = 0;
    return count == CURVE_FRAMES && frame_is(&frames[FRAME_MECHANISM], "CURVE") &&
           copy_text(&frames[FRAME_DOMAIN], request->domain) &&
           copy_text(&frames[FRAME_ADDRESS], request->address) &&
           copy_bytes(&frames[FRAME_KEY], request->public_key, sizeof(request->public_key),
                      &key_length) &&
           key_length == sizeof(request->public_key);
}

static ZsockResult parse(Zsock zap, const Zframe *frames, size_t count, ZapRequest *ret_request,
                         Err *err)
{
    ZapRequest request = { 0 };
    if (!parse_head(frames, count, &request)) {
        return ZSOCK_MALFORMED;
    }
    if (!parse_curve(frames, count, &request)) {
        ZsockResult result = zap_refuse(zap, &request, "CURVE only", err);
        return result == ZSOCK_FAILED ? result : ZSOCK_MALFORMED;
    }
    *ret_request = request;
    return ZSOCK_OK;
}

ZsockResult zap_receive(Zsock zap, ZapRequest *ret_request, Err *err)
{
    Zframe frames[FRAMES_MAX];
    for (size_t i = 0; i < FRAMES_MAX; i++) {
        frames[i] = zframe_empty();
    }
    size_t count = 0;
    ZsockResult result = zsock_receive_frames(zap, frames, FRAMES_MAX, &count, err);
    if (result == ZSOCK_OK) {
        result = parse(zap, frames, count, ret_request, err);
    }
    for (size_t i = 0; i < FRAMES_MAX; i++) {
        zframe_done(&frames[i]);
    }
    return result;
}

typedef struct Part {
    const void *bytes;
    size_t length;
} Part;

static ZsockResult reply(Zsock zap, const ZapRequest *request, const char *status, const char *text,
                         const char *user_id, Err *err)
{
    const Part parts[] = {
        { request->route, request->route_length },
        { "", 0 },
        { ZAP_VERSION, strlen(ZAP_VERSION) },
        { request->id, request->id_length },
        { status, strlen(status) },
        { text, strlen(text) },
        { user_id, strlen(user_id) },
        { "", 0 }, /* metadata */
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < ARRAY_LEN(parts) ? ZMQ_SNDMORE : 0);
        if (zmq_send(zap, parts[i].bytes, parts[i].length, flags) < 0) {
            err_set(err, ERR_IO, "cannot answer the handshake: %s", zmq_strerror(zmq_errno()));
            return ZSOCK_FAILED;
        }
    }
    return ZSOCK_OK;
}

ZsockResult zap_accept(Zsock zap, const ZapRequest *request, const char *user_id, Err *err)
{
    if (user_id[0] == '\0' || strlen(user_id) > ZAP_TEXT_MAX) {
        err_set(err, ERR_INTERNAL, "a user id of %zu bytes", strlen(user_id));
        return ZSOCK_FAILED;
    }
    return reply(zap, request, "200", "OK", user_id, err);
}

ZsockResult zap_refuse(Zsock zap, const ZapRequest *request, const char *reason, Err *err)
{
    return reply(zap, request, "400", reason, "", err);
}
