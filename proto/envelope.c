/* The envelope: [version, type, session, term, seq, body] around a message. */
#include "proto/envelope.h"

#include "proto/cursor.h"
#include "proto/pack.h"
#include "proto/wire.h"

#define ENVELOPE_ITEMS 6

const char *message_type_name(MessageType type)
{
    const MessageRow *row = message_row(type);
    return row == NULL ? "unknown" : row->name;
}

static void pack_head(const Envelope *envelope, Str *frame)
{
    msgpack_packer packer = packer_into(frame);
    msgpack_pack_array(&packer, ENVELOPE_ITEMS);
    msgpack_pack_uint32(&packer, envelope->version);
    msgpack_pack_uint32(&packer, (uint32_t)envelope->type);
    msgpack_pack_uint64(&packer, envelope->session);
    msgpack_pack_uint64(&packer, envelope->term);
    msgpack_pack_uint64(&packer, envelope->seq);
}

static ErrCode version_check(uint64_t version, ProtocolRange spoken, Err *err)
{
    if (version >= spoken.min && version <= spoken.max) {
        return ERR_NONE;
    }
    err_set(err, ERR_PROTOCOL, "envelope: protocol version %llu, and %u to %u is spoken here",
            (unsigned long long)version, (unsigned)spoken.min, (unsigned)spoken.max);
    err_hint(err, "upgrade %s", version > spoken.max ? "this skein" : "the other one");
    return ERR_PROTOCOL;
}

static ErrCode type_check(const MessageRow *row, uint32_t version, Err *err)
{
    return row->since <= version
               ? ERR_NONE
               : err_set(err, ERR_PROTOCOL, "envelope: there is no %s in protocol version %u",
                         row->name, (unsigned)version);
}

static ErrCode encode(const Envelope *envelope, size_t max_bytes, Str *frame, Err *err)
{
    const MessageRow *row = message_row(envelope->type);
    if (row == NULL) {
        return err_set(err, ERR_INTERNAL, "no message has type %d", (int)envelope->type);
    }
    ErrCode code = version_check(envelope->version, PROTOCOL_SPOKEN, err);
    if (code == ERR_NONE) {
        code = type_check(row, envelope->version, err);
    }
    if (code == ERR_NONE) {
        pack_head(envelope, frame);
        code = wire_encode(row->table, envelope->version, envelope->body, frame, err);
    }
    if (code == ERR_NONE && frame->length > max_bytes) {
        code = err_set(err, ERR_LIMIT, "%s: %zu bytes, at most %zu fit a frame", row->name,
                       frame->length, max_bytes);
    }
    return code;
}

ErrCode envelope_encode(const Envelope *envelope, size_t max_bytes, Str *frame, Err *err)
{
    str_clear(frame);
    ErrCode code = encode(envelope, max_bytes, frame, err);
    if (code != ERR_NONE) {
        str_clear(frame);
    }
    return code;
}

static ErrCode read_number(Cursor *cursor, const char *what, uint64_t *ret_number, Err *err)
{
    Head head;
    if (!cursor_head(cursor, &head) || head.type != HEAD_UINT) {
        return err_set(err, ERR_PROTOCOL, "envelope: %s is no unsigned integer", what);
    }
    *ret_number = head.number;
    return ERR_NONE;
}

static ErrCode shape_check(Cursor *cursor, Err *err)
{
    Head head;
    if (!cursor_head(cursor, &head) || head.type != HEAD_ARRAY || head.number != ENVELOPE_ITEMS) {
        return err_set(err, ERR_PROTOCOL, "envelope: not an array of %d", ENVELOPE_ITEMS);
    }
    return ERR_NONE;
}

/* Everything before the body. The version decides what the rest means, so it is judged first. */
static ErrCode decode_head(Cursor *cursor, ProtocolRange spoken, Envelope *envelope,
                           const MessageRow **ret_row, Err *err)
{
    uint64_t version = 0;
    uint64_t type = 0;
    ErrCode code = shape_check(cursor, err);
    if (code == ERR_NONE) {
        code = read_number(cursor, "version", &version, err);
    }
    if (code == ERR_NONE) {
        code = version_check(version, spoken, err);
    }
    if (code == ERR_NONE) {
        code = read_number(cursor, "type", &type, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    *ret_row = type < MESSAGE_TYPE_COUNT_ ? message_row((MessageType)type) : NULL;
    if (*ret_row == NULL) {
        return err_set(err, ERR_PROTOCOL, "envelope: message type %llu is not known",
                       (unsigned long long)type);
    }
    envelope->version = (uint32_t)version;
    envelope->type = (MessageType)type;
    code = type_check(*ret_row, envelope->version, err);
    if (code == ERR_NONE) {
        code = read_number(cursor, "session", &envelope->session, err);
    }
    if (code == ERR_NONE) {
        code = read_number(cursor, "term", &envelope->term, err);
    }
    return code == ERR_NONE ? read_number(cursor, "seq", &envelope->seq, err) : code;
}

ErrCode envelope_decode(Bytes frame, size_t max_bytes, ProtocolRange spoken, Arena *arena,
                        Envelope *ret_envelope, Err *err)
{
    if (frame.length > max_bytes) {
        return err_set(err, ERR_LIMIT, "envelope: a frame of %zu bytes, at most %zu allowed",
                       frame.length, max_bytes);
    }
    ErrCode code = cursor_check(frame, err);
    if (code != ERR_NONE) {
        err_wrap(err, "envelope");
        return code;
    }
    Cursor cursor = cursor_of(frame);
    Envelope envelope = { 0 };
    const MessageRow *row = NULL;
    void *body = NULL;
    code = decode_head(&cursor, spoken, &envelope, &row, err);
    if (code == ERR_NONE) {
        const WireReader reader = { envelope.version, WIRE_SKIP_UNKNOWN };
        code = wire_decode_at(row->table, &cursor, reader, arena, &body, err);
    }
    if (code == ERR_NONE) {
        envelope.body = body;
        *ret_envelope = envelope;
    }
    return code;
}

void envelope_print(const Envelope *envelope, Str *out)
{
    str_printf(out, "%s session=%llu term=%llu seq=%llu ", message_type_name(envelope->type),
               (unsigned long long)envelope->session, (unsigned long long)envelope->term,
               (unsigned long long)envelope->seq);
    const MessageRow *row = message_row(envelope->type);
    if (row != NULL && envelope->body != NULL) {
        wire_print(row->table, envelope->body, out);
    }
}
