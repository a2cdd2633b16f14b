/* Frames as they come from a peer. What is accepted is a message that can be sent on. */
#include "fuzz.h"

#include "common/arena.h"
#include "proto/envelope.h"
#include "tests/unit/proto/support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) out = { 0 };
    Envelope envelope = { 0 };
    Err err = { 0 };
    ErrCode code = envelope_decode((Bytes){ data, size }, MESSAGE_TO_COORDINATOR_MAX,
                                   PROTOCOL_SPOKEN, &arena, &envelope, &err);
    if (code != ERR_NONE) {
        FUZZ_REQUIRE(envelope.body == NULL && err.code == code && err.message[0] != '\0');
        return 0;
    }
    envelope_print(&envelope, &out);
    FUZZ_REQUIRE(out.length > 0);
    FUZZ_REQUIRE(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &out, &err) == ERR_NONE);
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    MessageType type = (MessageType)(index + 1);
    const MessageRow *row = message_row(type);
    if (row == NULL) {
        return false;
    }
    AUTO(Arena) arena = { 0 };
    Envelope envelope = { PROTOCOL_VERSION_MAX, type, 7, 3, 12, sample_new(row->table, &arena) };
    FUZZ_REQUIRE(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, out, NULL) == ERR_NONE);
    return true;
}
