/* The envelope: its own shape; bodies are tested in test_messages.c. */
#include "support.h"

#include "proto/envelope.h"

static ErrCode decode_hex(const char *hex, size_t max_bytes, Arena *arena, Envelope *ret_envelope,
                          Err *err)
{
    uint8_t bytes[256];
    size_t length = strlen(hex) / 2;
    assert_true(hex_decode(hex, bytes, length));
    return envelope_decode((Bytes){ bytes, length }, max_bytes, PROTOCOL_SPOKEN, arena,
                           ret_envelope, err);
}

static void a_frame_is_an_array_of_six(void **state)
{
    (void)state;
    AUTO(Str) frame = { 0 };
    Ping ping = { .sent_at_ms = 5 };
    Envelope envelope = { 1, MESSAGE_PING, 200, 0, 1, &ping };
    assert_int_equal(envelope_encode(&envelope, 64, &frame, NULL), ERR_NONE);
    char hex[64];
    hex_encode((const uint8_t *)frame.data, frame.length, hex);
    assert_string_equal(hex, "960106ccc80001810105");
}

static void what_is_wrong_is_said_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        ErrCode code;
        const char *message;
    } ROWS[] = {
        { "", ERR_PROTOCOL, "envelope: byte 0: cut off in the middle of a value" },
        { "ddffffffff", ERR_LIMIT, "envelope: byte 0: 4294967295 values claimed, 0 bytes left" },
        { "80", ERR_PROTOCOL, "envelope: not an array of 6" },
        { "950106000001", ERR_PROTOCOL, "envelope: not an array of 6" },
        { "96010600000181010500", ERR_PROTOCOL, "envelope: 1 bytes after the end" },
        { "96a13106000001810105", ERR_PROTOCOL, "envelope: version is no unsigned integer" },
        { "960006000001810105", ERR_PROTOCOL,
          "envelope: protocol version 0, and 1 to 2 is spoken here" },
        { "966306c0c0c0c0", ERR_PROTOCOL,
          "envelope: protocol version 99, and 1 to 2 is spoken here" },
        { "96010000000180", ERR_PROTOCOL, "envelope: message type 0 is not known" },
        { "96011200000180", ERR_PROTOCOL, "envelope: message type 18 is not known" },
        { "96011100000180", ERR_PROTOCOL, "envelope: there is no HEALTH in protocol version 1" },
        { "9601cf000000010000000600000180", ERR_PROTOCOL,
          "envelope: message type 4294967302 is not known" },
        { "960106ff0001810105", ERR_PROTOCOL, "envelope: session is no unsigned integer" },
        { "96010600c001810105", ERR_PROTOCOL, "envelope: term is no unsigned integer" },
        { "9601060000c2810105", ERR_PROTOCOL, "envelope: seq is no unsigned integer" },
        { "96010600000180", ERR_PROTOCOL, "PING.sent_at_ms: missing" },
        { "96010600000101", ERR_PROTOCOL, "PING: expected map, found unsigned integer" },
    };
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Envelope envelope = { .seq = 99 };
        Err err = { 0 };
        ErrCode code = decode_hex(ROWS[i].hex, 256, &arena, &envelope, &err);
        assert_string_equal(err.message, ROWS[i].message);
        assert_int_equal(code, ROWS[i].code);
        assert_int_equal(envelope.seq, 99);
        assert_int_equal(decode_hex(ROWS[i].hex, 256, &arena, &envelope, NULL), code);
    }
}

static void the_frame_size_is_checked_first(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Envelope envelope;
    Err err;
    assert_int_equal(decode_hex("c1c1c1", 2, &arena, &envelope, &err), ERR_LIMIT);
    assert_string_equal(err.message, "envelope: a frame of 3 bytes, at most 2 allowed");
}

static void an_oversized_encode_is_an_error_of_ours_and_leaves_nothing(void **state)
{
    (void)state;
    AUTO(Str) frame = { 0 };
    Bye bye = { .reason = "a reason that is longer than the frame may be" };
    Envelope envelope = { 1, MESSAGE_BYE, 7, 3, 1, &bye };
    Err err;
    assert_int_equal(envelope_encode(&envelope, 20, &frame, &err), ERR_LIMIT);
    assert_string_equal(err.message, "BYE: 55 bytes, at most 20 fit a frame");
    assert_int_equal(frame.length, 0);
    envelope.type = MESSAGE_TYPE_COUNT_;
    assert_int_equal(envelope_encode(&envelope, 99, &frame, &err), ERR_INTERNAL);
    assert_int_equal(frame.length, 0);
}

static void an_encode_replaces_what_the_buffer_held(void **state)
{
    (void)state;
    AUTO(Str) frame = { 0 };
    str_append(&frame, "old");
    Envelope envelope = { 1, MESSAGE_BYE, 0, 0, 1, &(Bye){ 0 } };
    assert_int_equal(envelope_encode(&envelope, 99, &frame, NULL), ERR_NONE);
    assert_int_equal(frame.length, 7);
}

static void a_print_is_one_line(void **state)
{
    (void)state;
    AUTO(Str) out = { 0 };
    GoalMessage goal = { .rollout = "r1",
                         .target = "db1/shop",
                         .stamp = { 3, 1, 2 },
                         .token = 9,
                         .goal = GOAL_ROLL_BACK,
                         .from = "0001_a",
                         .to = "0002 b\n" };
    envelope_print(&(Envelope){ 1, MESSAGE_GOAL, 7, 3, 12, &goal }, &out);
    assert_string_equal(str_text(&out),
                        "GOAL session=7 term=3 seq=12 {rollout=r1, target=db1/shop, stamp={term=3, "
                        "attempt=1, revision=2}, token=9, goal=\"roll back\", plan_hash=, "
                        "from=0001_a, to=\"0002 b\\u000a\"}");
}

static void a_print_of_what_is_not_there_is_a_line_too(void **state)
{
    (void)state;
    AUTO(Str) unknown = { 0 };
    AUTO(Str) bare = { 0 };
    envelope_print(&(Envelope){ 1, MESSAGE_TYPE_COUNT_, 7, 3, 12, NULL }, &unknown);
    assert_string_equal(str_text(&unknown), "unknown session=7 term=3 seq=12 ");
    envelope_print(&(Envelope){ 1, MESSAGE_BYE, 7, 3, 12, NULL }, &bare);
    assert_string_equal(str_text(&bare), "BYE session=7 term=3 seq=12 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_an_array_of_six),
        cmocka_unit_test(what_is_wrong_is_said_in_order),
        cmocka_unit_test(the_frame_size_is_checked_first),
        cmocka_unit_test(an_oversized_encode_is_an_error_of_ours_and_leaves_nothing),
        cmocka_unit_test(an_encode_replaces_what_the_buffer_held),
        cmocka_unit_test(a_print_is_one_line),
        cmocka_unit_test(a_print_of_what_is_not_there_is_a_line_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
