/* The msgpack reader: forms, and bytes that claim more than they are. */
#include "support.h"

#include <msgpack.h>

#include "proto/cursor.h"

#define BYTES(...)                                                                                 \
    {                                                                                              \
        (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })                 \
    }

static void every_form_is_read(void **state)
{
    (void)state;
    const struct {
        Bytes bytes;
        HeadType type;
        uint64_t number;
        size_t content;
    } ROWS[] = {
        { BYTES(0x00), HEAD_UINT, 0, 0 },
        { BYTES(0x7F), HEAD_UINT, 127, 0 },
        { BYTES(0xCC, 0x80), HEAD_UINT, 128, 0 },
        { BYTES(0xCD, 0x01, 0x02), HEAD_UINT, 0x102, 0 },
        { BYTES(0xCE, 0xFF, 0xFF, 0xFF, 0xFF), HEAD_UINT, UINT32_MAX, 0 },
        { BYTES(0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF), HEAD_UINT, UINT64_MAX, 0 },
        { BYTES(0xFF), HEAD_INT, UINT64_MAX, 0 },
        { BYTES(0xE0), HEAD_INT, (uint64_t)-32, 0 },
        { BYTES(0xD0, 0x80), HEAD_INT, (uint64_t)-128, 0 },
        { BYTES(0xD0, 0x05), HEAD_UINT, 5, 0 },
        { BYTES(0xD1, 0xFF, 0x00), HEAD_INT, (uint64_t)-256, 0 },
        { BYTES(0xD2, 0x80, 0, 0, 0), HEAD_INT, (uint64_t)INT32_MIN, 0 },
        { BYTES(0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0), HEAD_INT, (uint64_t)INT64_MIN, 0 },
        { BYTES(0xC0), HEAD_NIL, 0, 0 },
        { BYTES(0xC2), HEAD_BOOL, 0, 0 },
        { BYTES(0xC3), HEAD_BOOL, 1, 0 },
        { BYTES(0xCA, 0, 0, 0, 0), HEAD_FLOAT, 0, 4 },
        { BYTES(0xCB, 0, 0, 0, 0, 0, 0, 0, 0), HEAD_FLOAT, 0, 8 },
        { BYTES(0xA2, 'h', 'i'), HEAD_TEXT, 0, 2 },
        { BYTES(0xD9, 1, 'x'), HEAD_TEXT, 1, 1 },
        { BYTES(0xC4, 1, 'x'), HEAD_BYTES, 1, 1 },
        { BYTES(0xC6, 0, 0, 0, 1, 'x'), HEAD_BYTES, 1, 1 },
        { BYTES(0xD4, 7, 'x'), HEAD_EXT, 0, 2 },
        { BYTES(0xC7, 1, 7, 'x'), HEAD_EXT, 1, 2 },
        { BYTES(0x90), HEAD_ARRAY, 0, 0 },
        { BYTES(0xDC, 0, 0), HEAD_ARRAY, 0, 0 },
        { BYTES(0x80), HEAD_MAP, 0, 0 },
        { BYTES(0xDF, 0, 0, 0, 0), HEAD_MAP, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(cursor_check(ROWS[i].bytes, NULL), ERR_NONE);
        Cursor cursor = cursor_of(ROWS[i].bytes);
        Head head;
        assert_true(cursor_head(&cursor, &head));
        assert_int_equal(head.type, ROWS[i].type);
        if (head.type == HEAD_UINT || head.type == HEAD_INT || head.type == HEAD_BOOL) {
            assert_true(head.number == ROWS[i].number);
        }
        assert_int_equal(head.content.length, ROWS[i].content);
        assert_ptr_equal(cursor.at, cursor.end);
    }
}

static void bombs_are_refused_before_anything_is_allocated(void **state)
{
    (void)state;
    const struct {
        Bytes bytes;
        ErrCode code;
        const char *message;
    } ROWS[] = {
        { BYTES(0xDD, 0xFF, 0xFF, 0xFF, 0xFF), ERR_LIMIT,
          "byte 0: 4294967295 values claimed, 0 bytes left" },
        { BYTES(0xDF, 0xFF, 0xFF, 0xFF, 0xFF), ERR_LIMIT,
          "byte 0: 8589934590 values claimed, 0 bytes left" },
        { BYTES(0x92, 0x01, 0xDC, 0x00, 0x02, 0x01), ERR_LIMIT,
          "byte 2: 2 values claimed, 1 bytes left" },
        { BYTES(0xDB, 0xFF, 0xFF, 0xFF, 0xFF), ERR_PROTOCOL,
          "byte 0: cut off in the middle of a value" },
        { BYTES(0xC9, 0xFF, 0xFF, 0xFF, 0xFF, 0x01), ERR_PROTOCOL,
          "byte 0: cut off in the middle of a value" },
        { BYTES(0x91, 0xC1), ERR_PROTOCOL, "byte 1: 0xC1 begins no value" },
        { BYTES(0x01, 0x02), ERR_PROTOCOL, "1 bytes after the end" },
        { BYTES(0xCE, 0x00), ERR_PROTOCOL, "byte 0: cut off in the middle of a value" },
        { { NULL, 0 }, ERR_PROTOCOL, "byte 0: cut off in the middle of a value" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Err err;
        assert_int_equal(cursor_check(ROWS[i].bytes, &err), ROWS[i].code);
        assert_string_equal(err.message, ROWS[i].message);
    }
}

static void nesting_ends_at_the_limit(void **state)
{
    (void)state;
    uint8_t bytes[WIRE_DEPTH_MAX + 2];
    memset(bytes, 0x91, sizeof(bytes));
    bytes[WIRE_DEPTH_MAX] = 0x01;
    assert_int_equal(cursor_check((Bytes){ bytes, WIRE_DEPTH_MAX + 1 }, NULL), ERR_NONE);
    bytes[WIRE_DEPTH_MAX] = 0x91;
    bytes[WIRE_DEPTH_MAX + 1] = 0x01;
    Err err;
    assert_int_equal(cursor_check((Bytes){ bytes, sizeof(bytes) }, &err), ERR_LIMIT);
    assert_string_equal(err.message, "byte 16: nested deeper than 16");
}

static void a_skip_steps_over_exactly_one_value(void **state)
{
    (void)state;
    const Bytes TWO = BYTES(0x82, 0x01, 0x92, 0xA1, 'x', 0x80, 0x02, 0xC4, 0x01, 0x00, 0x2A);
    Cursor cursor = cursor_of(TWO);
    cursor_skip(&cursor);
    Head head;
    assert_true(cursor_head(&cursor, &head));
    assert_int_equal(head.number, 42);
    assert_ptr_equal(cursor.at, cursor.end);
}

/* Of bytes that nobody has checked it takes what is there. */
static void a_skip_of_a_value_that_is_cut_off_ends_with_the_bytes(void **state)
{
    (void)state;
    const Bytes CUT = BYTES(0x93, 0x01, 0x02);
    Cursor cursor = cursor_of(CUT);
    cursor_skip(&cursor);
    assert_ptr_equal(cursor.at, cursor.end);
}

static void every_type_of_a_head_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(head_type_name(HEAD_MAP), "map");
    assert_string_equal(head_type_name(HEAD_TYPE_COUNT_), "invalid");
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* Small containers, single values and, now and then, any byte. */
static void random_bytes(uint64_t *seed, uint8_t *bytes, size_t length)
{
    static const uint8_t CONTAINERS[] = { 0x81, 0x82, 0x91, 0x92, 0x93, 0xA2, 0xC4, 0xD9 };
    for (size_t i = 0; i < length; i++) {
        uint64_t kind = next_random(seed) % 8;
        uint64_t random = next_random(seed);
        bytes[i] = kind < 3    ? CONTAINERS[random % ARRAY_LEN(CONTAINERS)]
                   : kind == 3 ? (uint8_t)random
                               : (uint8_t)(random % 4);
    }
}

/* What we let through, the library reads as one value of the same length. */
static void the_check_agrees_with_msgpack_c(void **state)
{
    (void)state;
    uint64_t seed = 7;
    size_t passed = 0;
    uint8_t bytes[24];
    for (int round = 0; round < 5000; round++) {
        random_bytes(&seed, bytes, sizeof(bytes));
        size_t length = 1;
        while (length < sizeof(bytes) && cursor_check((Bytes){ bytes, length }, NULL) != ERR_NONE) {
            length++;
        }
        if (length == sizeof(bytes)) {
            continue;
        }
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        size_t end = 0;
        assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)bytes, length, &end),
                         MSGPACK_UNPACK_SUCCESS);
        assert_int_equal(end, length);
        msgpack_unpacked_destroy(&unpacked);
        passed++;
    }
    assert_true(passed > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(bombs_are_refused_before_anything_is_allocated),
        cmocka_unit_test(nesting_ends_at_the_limit),
        cmocka_unit_test(a_skip_steps_over_exactly_one_value),
        cmocka_unit_test(a_skip_of_a_value_that_is_cut_off_ends_with_the_bytes),
        cmocka_unit_test(every_type_of_a_head_has_a_name),
        cmocka_unit_test(the_check_agrees_with_msgpack_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
