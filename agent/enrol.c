/* One message there, one back. */
#include "agent/enrol.h"

#include "common/arena.h"
#include "proto/envelope.h"

/* Every coordinator that has invitations reads this version. */
#define VERSION PROTOCOL_VERSION_MIN

ErrCode enrol_message(const uint8_t key[KEY_PUBLIC_BYTES], Str *ret_frame, Err *err)
{
    const Enrol enrol = { .key = { key, KEY_PUBLIC_BYTES } };
    const Envelope envelope = {
        .version = VERSION, .type = MESSAGE_ENROL, .seq = 1, .body = &enrol
    };
    return envelope_encode(&envelope, MESSAGE_TO_COORDINATOR_MAX, ret_frame, err);
}

EnrolAnswer enrol_answer(const Zframe *frame, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Envelope envelope = { 0 };
    const Bytes bytes = { zframe_data(frame), zframe_size(frame) };
    if (envelope_decode(bytes, MESSAGE_TO_AGENT_MAX, PROTOCOL_SPOKEN, &arena, &envelope, err) !=
        ERR_NONE) {
        return ENROL_NONE;
    }
    switch (envelope.type) {
    case MESSAGE_BYE:
        return ENROL_DONE;
    case MESSAGE_BUSY:
        return ENROL_LATER;
    case MESSAGE_REJECT:
        err_set(err, ERR_FORBIDDEN, "%s", ((const Reject *)envelope.body)->reason);
        return ENROL_REFUSED;
    default:
        return ENROL_NONE;
    }
}
