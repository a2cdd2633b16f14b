/* Releases, and what they read of each other. */
#include "tests/sim/release.h"

#include <string.h>

ProtocolRange release_choose(Dice *dice, uint32_t old_percent)
{
    bool is_old = dice_chance(dice, old_percent);
    return (ProtocolRange){ PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX - (is_old ? 1 : 0) };
}

bool release_is_old(ProtocolRange spoken)
{
    return spoken.max < PROTOCOL_VERSION_MAX;
}

/* What was read as its version has it is written again: what more there was is missing now. */
static void check_frame(World *world, Bytes frame, const Envelope *envelope)
{
    AUTO(Str) again = { 0 };
    Err err = { 0 };
    ErrCode code = envelope_encode(envelope, SIZE_MAX, &again, &err);
    if (code != ERR_NONE || again.length != frame.length ||
        memcmp(again.data, frame.data, frame.length) != 0) {
        world_violate(world, "a message says nothing that its version does not know",
                      "%s of version %u: %zu bytes, and %zu of them are known",
                      message_type_name(envelope->type), (unsigned)envelope->version, frame.length,
                      again.length);
    }
}

bool release_read(World *world, Bytes frame, size_t max_bytes, ProtocolRange spoken, Arena *arena,
                  Envelope *ret_envelope)
{
    Err err = { 0 };
    if (envelope_decode(frame, max_bytes, spoken, arena, ret_envelope, &err) == ERR_NONE) {
        check_frame(world, frame, ret_envelope);
        return true;
    }
    Envelope newest = { 0 };
    if (envelope_decode(frame, max_bytes, PROTOCOL_SPOKEN, arena, &newest, &err) != ERR_NONE) {
        world_violate(world, "every message can be decoded", "%s", err.message);
    }
    return false;
}
