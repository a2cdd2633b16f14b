/*
 * The codec: the first byte chooses a message's table or the plan's, the rest is decoded by it.
 * What is accepted can be printed and encoded, and its encoding decodes to the same bytes.
 */
#include "fuzz.h"

#include <string.h>

#include "common/arena.h"
#include "proto/messages.h"
#include "proto/plan_codec.h"
#include "tests/unit/proto/support.h"

static const FieldTable *table_of(uint8_t choice)
{
    unsigned number = choice % MESSAGE_TYPE_COUNT_;
    return number == MESSAGE_NONE ? &PLAN_TABLE : message_row((MessageType)number)->table;
}

static void require_round_trip(const FieldTable *table, const void *value, Arena *arena)
{
    AUTO(Str) once = { 0 };
    AUTO(Str) twice = { 0 };
    AUTO(Str) printed = { 0 };
    void *again = NULL;
    Err err;
    wire_print(table, value, &printed);
    FUZZ_REQUIRE(wire_encode(table, WIRE_NEWEST, value, &once, &err) == ERR_NONE);
    FUZZ_REQUIRE(wire_decode(table, str_bytes(&once),
                             (WireReader){ WIRE_NEWEST, WIRE_REFUSE_UNKNOWN }, arena, &again,
                             &err) == ERR_NONE);
    FUZZ_REQUIRE(wire_encode(table, WIRE_NEWEST, again, &twice, &err) == ERR_NONE);
    FUZZ_REQUIRE(once.length == twice.length && memcmp(once.data, twice.data, once.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    AUTO(Arena) arena = { 0 };
    const FieldTable *table = table_of(data[0]);
    void *value = NULL;
    Err err = { 0 };
    ErrCode code =
        wire_decode(table, (Bytes){ data + 1, size - 1 },
                    (WireReader){ WIRE_NEWEST, WIRE_SKIP_UNKNOWN }, &arena, &value, &err);
    if (code == ERR_NONE) {
        require_round_trip(table, value, &arena);
    } else {
        FUZZ_REQUIRE(value == NULL && err.code == code && err.message[0] != '\0');
    }
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    if (index >= MESSAGE_TYPE_COUNT_) {
        return false;
    }
    AUTO(Arena) arena = { 0 };
    const FieldTable *table = table_of((uint8_t)index);
    str_append_char(out, (char)index);
    FUZZ_REQUIRE(wire_encode(table, WIRE_NEWEST, sample_new(table, &arena), out, NULL) == ERR_NONE);
    return true;
}
