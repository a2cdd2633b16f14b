/* Letters between the agent's threads and its loop. */
#include "agent/letter.h"

#include <string.h>

#define BOX "inproc://letters"

/* Without a bound: a worker must never lose or wait with a report; each has a handful under way at
 * most. */
static const ZsockOption OPTIONS[] = {
    { ZMQ_SNDHWM, 0, "ZMQ_SNDHWM", "a report is never dropped" },
    { ZMQ_RCVHWM, 0, "ZMQ_RCVHWM", "a report is never dropped" },
};

ErrCode letter_box_open(void *context, Zsock *ret_box, Err *err)
{
    AUTO(Zsock) box = NULL;
    ErrCode code = zsock_open(context, ZMQ_PULL, OPTIONS, ARRAY_LEN(OPTIONS), &box, err);
    if (code == ERR_NONE) {
        code = zsock_bind(box, BOX, err);
    }
    if (code == ERR_NONE) {
        *ret_box = TAKE(box);
    }
    return code;
}

ErrCode letter_sender_open(void *context, Zsock *ret_sender, Err *err)
{
    AUTO(Zsock) sender = NULL;
    ErrCode code = zsock_open(context, ZMQ_PUSH, OPTIONS, ARRAY_LEN(OPTIONS), &sender, err);
    if (code == ERR_NONE) {
        /* On the way out the last letter has to arrive before the socket goes. */
        code = zsock_set_int(sender, ZMQ_LINGER, -1, err);
    }
    if (code == ERR_NONE) {
        code = zsock_connect(sender, BOX, err);
    }
    if (code == ERR_NONE) {
        *ret_sender = TAKE(sender);
    }
    return code;
}

static ErrCode send_frames(Zsock sender, const char *from, const Str *frame, Err *err)
{
    if (zmq_send(sender, from, strlen(from), ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 ||
        zmq_send(sender, str_text(frame), frame->length, ZMQ_DONTWAIT) < 0) {
        return err_set(err, ERR_INTERNAL, "a letter could not be sent: %s",
                       zmq_strerror(zmq_errno()));
    }
    return ERR_NONE;
}

ErrCode letter_send(Zsock sender, const char *from, MessageType type, const void *body, Err *err)
{
    AUTO(Str) frame = { 0 };
    Envelope envelope = { .version = PROTOCOL_VERSION_MAX, .type = type, .body = body };
    ErrCode code = envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &frame, err);
    return code == ERR_NONE ? send_frames(sender, from, &frame, err) : code;
}

ErrCode letter_send_end(Zsock sender, const char *from, Err *err)
{
    return send_frames(sender, from, &(Str){ 0 }, err);
}

ZsockResult letter_receive(Zsock box, Arena *arena, Letter *ret_letter, Err *err)
{
    AUTO(Zframe) from = zframe_empty();
    AUTO(Zframe) frame = zframe_empty();
    Zframe frames[2] = { zframe_empty(), zframe_empty() };
    size_t count = 0;
    ZsockResult result = zsock_receive_frames(box, frames, ARRAY_LEN(frames), &count, err);
    zmq_msg_move(&from, &frames[0]);
    zmq_msg_move(&frame, &frames[1]);
    if (result == ZSOCK_MALFORMED || (result == ZSOCK_OK && count != ARRAY_LEN(frames))) {
        err_set(err, ERR_PROTOCOL, "a letter has two frames, and this one has %s",
                result == ZSOCK_OK ? "one" : "more");
        return ZSOCK_FAILED;
    }
    if (result != ZSOCK_OK) {
        return result;
    }
    *ret_letter = (Letter){ .from = arena_strndup(arena, zframe_data(&from), zframe_size(&from)) };
    if (zframe_size(&frame) == 0) {
        ret_letter->is_end = true;
        return ZSOCK_OK;
    }
    Bytes bytes = { arena_memdup(arena, zframe_data(&frame), zframe_size(&frame)),
                    zframe_size(&frame) };
    ErrCode code = envelope_decode(bytes, MESSAGE_TO_AGENT_MAX, PROTOCOL_SPOKEN, arena,
                                   &ret_letter->envelope, err);
    return code == ERR_NONE ? ZSOCK_OK : ZSOCK_FAILED;
}
