/*
 * The envelope: one ZeroMQ frame = msgpack array [version, type, session, term, seq, body].
 *
 * Decoding checks, in this order and before any allocation that outside bytes could size: frame
 * size, nesting depth and element counts, shape, protocol version, message type, then the body by
 * its table.
 */
#ifndef SKEIN_PROTO_ENVELOPE_H
#define SKEIN_PROTO_ENVELOPE_H

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"
#include "proto/messages.h"

typedef struct Envelope {
    uint32_t version; /* of the protocol: the session's, or the lowest spoken before there is one */
    MessageType type;
    uint64_t session; /* 0 before WELCOME */
    uint64_t term;    /* of the coordinator that the sender knows; 0: none yet */
    uint64_t seq;     /* rising per sender and session */
    const void *body; /* the struct of `type` */
} Envelope;

/*
 * Appends the frame to `frame` (cleared first), without the fields that its version does not have.
 * ERR_LIMIT: a field or the frame is too large; local bug or bad data.
 */
ErrCode envelope_encode(const Envelope *envelope, size_t max_bytes, Str *frame, Err *err);

/*
 * ERR_PROTOCOL or ERR_LIMIT with what was wrong, where; a version that is not one of `spoken` is
 * not read. The body and its parts live in `arena`.
 */
ErrCode envelope_decode(Bytes frame, size_t max_bytes, ProtocolRange spoken, Arena *arena,
                        Envelope *ret_envelope, Err *err);

/* One line for logs and tests: "GOAL session=7 term=3 seq=12 {rollout=…, target=…}". */
void envelope_print(const Envelope *envelope, Str *out);

const char *message_type_name(MessageType type);

#endif
