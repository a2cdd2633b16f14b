/* One message there, one back; and the file that the token is in. */
#include "agent/enrol.h"

#include <string.h>

#include "common/arena.h"
#include "common/log.h"
#include "proto/envelope.h"
#include "proto/invitation.h"

/* Every coordinator that has invitations reads this version. */
#define VERSION PROTOCOL_VERSION_MIN

/* ---- the token ---- */

void enrol_token_done(EnrolToken *token)
{
    key_pair_done(&token->key);
}

static void take_token(EnrolToken *token, KeyPair *read)
{
    KeyPair before = token->key;
    if (memcmp(read->public_key, before.public_key, KEY_PUBLIC_BYTES) != 0) {
        *token = (EnrolToken){ .key = *read };
        *read = before; /* the caller wipes it */
    }
}

bool enrol_token_is_due(EnrolToken *token, const char *path, uint64_t now_ms)
{
    AUTO(KeyPair) read = { 0 };
    Err err = { 0 };
    if (path[0] == '\0') {
        return false;
    }
    if (invitation_read(path, &read, &err) != ERR_NONE) {
        if (!token->is_unread_told) {
            log_warning("cannot use the enrolment token", LOG_ERR(&err));
        }
        token->is_unread_told = true;
        return false;
    }
    token->is_unread_told = false;
    take_token(token, &read);
    return !token->is_spent && now_ms >= token->paused_to_ms;
}

void enrol_token_kept_out(EnrolToken *token, uint64_t now_ms)
{
    if (token->pause_ms == 0) {
        log_warning("the enrolment token lets nobody in: it was used, has expired or was revoked, "
                    "or somebody on the way says so; it is tried again now and then");
    }
    uint32_t longer_ms = token->pause_ms == 0 ? ENROL_PAUSE_MIN_MS : 2 * token->pause_ms;
    token->pause_ms = longer_ms < ENROL_PAUSE_MAX_MS ? longer_ms : ENROL_PAUSE_MAX_MS;
    token->paused_to_ms = now_ms + token->pause_ms;
}

/* ---- what is said ---- */

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
        return (EnrolAnswer){ .verdict = ENROL_NONE };
    }
    switch (envelope.type) {
    case MESSAGE_BYE:
        return (EnrolAnswer){ .verdict = ENROL_DONE };
    case MESSAGE_BUSY:
        return (EnrolAnswer){ ENROL_LATER, ((const Busy *)envelope.body)->retry_after_ms };
    case MESSAGE_REJECT:
        err_set(err, ERR_FORBIDDEN, "%s", ((const Reject *)envelope.body)->reason);
        return (EnrolAnswer){ .verdict = ENROL_REFUSED };
    default:
        return (EnrolAnswer){ .verdict = ENROL_NONE };
    }
}
