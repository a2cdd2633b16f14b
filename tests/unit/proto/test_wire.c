/* The codec, on a table of its own that has every type. */
#include "support.h"

#include "proto/orders.h"
#include "proto/wire.h"

typedef struct Part {
    uint32_t number;
    const char *text;
} Part;

typedef struct Whole {
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    bool flag;
    const char *text;
    Bytes bytes;
    Part part;
    Part *parts;
    size_t part_count;
    const char **texts;
    size_t text_count;
    Labels labels;
    const char *secret;
} Whole;

static const Field PART_FIELDS[] = {
    ROW_U32(1, Part, number, FIELD_REQUIRED, 0, 100, "a number"),
    ROW_TEXT(2, Part, text, FIELD_OPTIONAL, 0, 8, "a text"),
};
static const FieldTable PART = FIELD_TABLE("part", Part, PART_FIELDS);

static const Field WHOLE_FIELDS[] = {
    ROW_U32(1, Whole, u32, FIELD_OPTIONAL, 0, UINT32_MAX, "any"),
    ROW_U64(2, Whole, u64, FIELD_OPTIONAL, "any"),
    ROW_I64(3, Whole, i64, FIELD_OPTIONAL, "any"),
    ROW_BOOL(4, Whole, flag, FIELD_OPTIONAL, "either"),
    ROW_TEXT(5, Whole, text, FIELD_OPTIONAL, 0, 63, "a text"),
    ROW_BYTES(6, Whole, bytes, FIELD_OPTIONAL, 4, 4, "four bytes"),
    ROW_STRUCT(7, Whole, part, Part, FIELD_OPTIONAL, &PART, "a part"),
    ROW_STRUCTS(8, Whole, parts, part_count, Part, FIELD_OPTIONAL, 0, 3, &PART, "parts"),
    ROW_TEXTS(9, Whole, texts, text_count, 3, 8, "texts"),
    ROW_LABELS(10, Whole, labels, 3, "labels"),
    ROW_TEXT(12, Whole, secret, FIELD_PRIVATE, 0, 99, "never printed"),
};
static const FieldTable WHOLE = FIELD_TABLE("WHOLE", Whole, WHOLE_FIELDS);

static void assert_encodes(const Whole *whole, const char *hex)
{
    AUTO(Str) out = { 0 };
    Err err;
    assert_int_equal(wire_encode(&WHOLE, WIRE_NEWEST, whole, &out, &err), ERR_NONE);
    char *got = mem_alloc(2 * out.length + 1);
    hex_encode((const uint8_t *)out.data, out.length, got);
    assert_string_equal(got, hex);
    free(got);
}

static void defaults_are_left_out_and_forms_are_shortest(void **state)
{
    (void)state;
    assert_encodes(&(Whole){ 0 }, "80");
    assert_encodes(&(Whole){ .u32 = 1 }, "810101");
    assert_encodes(&(Whole){ .u32 = 200, .u64 = 65536 }, "8201ccc802ce00010000");
    assert_encodes(&(Whole){ .i64 = -1, .flag = true }, "8203ff04c3");
    assert_encodes(&(Whole){ .i64 = INT64_MIN }, "8103d38000000000000000");
    assert_encodes(&(Whole){ .text = "é" }, "8105a2c3a9");
    assert_encodes(&(Whole){ .bytes = { (const uint8_t *)"abcd", 4 } }, "8106c40461626364");
    assert_encodes(&(Whole){ .part = { 0, "x" } }, "810782010002a178");
    Part parts[] = { { 1, "" }, { 0, NULL } };
    assert_encodes(&(Whole){ .parts = parts, .part_count = 2 }, "810892810101810100");
    const char *texts[] = { "a", "b" };
    assert_encodes(&(Whole){ .texts = texts, .text_count = 2 }, "810992a161a162");
    Label labels[] = { { "a", "1" }, { "b", "" } };
    assert_encodes(&(Whole){ .labels = { labels, 2 } }, "810a82a161a131a162a0");
}

static const WireReader LENIENT = { WIRE_NEWEST, WIRE_SKIP_UNKNOWN };
static const WireReader STRICT = { WIRE_NEWEST, WIRE_REFUSE_UNKNOWN };

static Whole *decode_hex(const char *hex, WireReader reader, Arena *arena, ErrCode *ret_code,
                         Err *err)
{
    uint8_t bytes[256];
    size_t length = strlen(hex) / 2;
    assert_true(hex_decode(hex, bytes, length));
    void *value = NULL;
    *ret_code = wire_decode(&WHOLE, (Bytes){ bytes, length }, reader, arena, &value, err);
    assert_true((*ret_code == ERR_NONE) == (value != NULL));
    return value;
}

static void absent_fields_have_their_defaults_and_no_text_is_null(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    ErrCode code = ERR_NONE;
    Whole *whole = decode_hex("80", LENIENT, &arena, &code, NULL);
    assert_int_equal(code, ERR_NONE);
    assert_string_equal(whole->text, "");
    assert_string_equal(whole->part.text, "");
    assert_int_equal(whole->u32, 0);
    assert_int_equal(whole->labels.count, 0);
    whole = decode_hex("810891810105", LENIENT, &arena, &code, NULL);
    assert_int_equal(whole->parts[0].number, 5);
    assert_string_equal(whole->parts[0].text, "");
}

static void long_forms_of_other_writers_are_read(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    ErrCode code = ERR_NONE;
    Whole *whole =
        decode_hex("de0002cf0000000000000001ce0000000703d0fe", LENIENT, &arena, &code, NULL);
    assert_int_equal(code, ERR_NONE);
    assert_int_equal(whole->u32, 7);
    assert_int_equal(whole->i64, -2);
}

static void unknown_tags_are_skipped_or_refused_by_mode(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    ErrCode code = ERR_NONE;
    Err err;
    const char *hex = "830b92a1788101c0cd0100c00101"; /* 11: ["x", {1: nil}], 256: nil, 1: 1 */
    Whole *whole = decode_hex(hex, LENIENT, &arena, &code, &err);
    assert_int_equal(code, ERR_NONE);
    assert_int_equal(whole->u32, 1);
    decode_hex(hex, STRICT, &arena, &code, &err);
    assert_int_equal(code, ERR_PROTOCOL);
    assert_string_equal(err.message, "WHOLE: field 11 is not known");
    assert_string_equal(err.hint, "it was made by a newer skein than this one");
}

static void what_is_wrong_is_said_with_its_path(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        ErrCode code;
        const char *message;
    } ROWS[] = {
        { "", ERR_PROTOCOL, "WHOLE: byte 0: cut off in the middle of a value" },
        { "8080", ERR_PROTOCOL, "WHOLE: 1 bytes after the end" },
        { "90", ERR_PROTOCOL, "WHOLE: expected map, found array" },
        { "81a16101", ERR_PROTOCOL, "WHOLE: expected unsigned integer, found text" },
        { "8101a161", ERR_PROTOCOL, "WHOLE.u32: expected unsigned integer, found text" },
        { "8101ff", ERR_PROTOCOL, "WHOLE.u32: expected unsigned integer, found negative integer" },
        { "8101cf0000000100000000", ERR_LIMIT, "WHOLE.u32: 4294967296 is above 4294967295" },
        { "8201010101", ERR_PROTOCOL, "WHOLE.u32: stands there twice" },
        { "8103cfffffffffffffffff", ERR_LIMIT, "WHOLE.i64: does not fit 63 bits" },
        { "8105a100", ERR_PROTOCOL, "WHOLE.text: contains a NUL" },
        { "8105a1ff", ERR_PROTOCOL, "WHOLE.text: not valid UTF-8" },
        { "8105a3eda080", ERR_PROTOCOL, "WHOLE.text: not valid UTF-8" },
        { "8105a2c0af", ERR_PROTOCOL, "WHOLE.text: not valid UTF-8" },
        { "8106c403616263", ERR_LIMIT, "WHOLE.bytes: 3 bytes, at least 4 wanted" },
        { "8106c4056162636465", ERR_LIMIT, "WHOLE.bytes: longer than 4 bytes" },
        { "8106c400", ERR_LIMIT, "WHOLE.bytes: empty" },
        { "810780", ERR_PROTOCOL, "WHOLE.part.number: missing" },
        { "8107810165", ERR_LIMIT, "WHOLE.part.number: 101 is above 100" },
        { "81089281010180", ERR_PROTOCOL, "WHOLE.parts[1].number: missing" },
        { "81089480808080", ERR_LIMIT, "WHOLE.parts: more than 3 items" },
        { "8103a161", ERR_PROTOCOL, "WHOLE.i64: expected unsigned integer, found text" },
        { "810901", ERR_PROTOCOL, "WHOLE.texts: expected array, found unsigned integer" },
        { "810992a0a161", ERR_LIMIT, "WHOLE.texts[0]: empty" },
        { "810991a0", ERR_LIMIT, "WHOLE.texts[0]: empty" },
        { "810991a9313233343536373839", ERR_LIMIT, "WHOLE.texts[0]: longer than 8 bytes" },
        { "810a82a162a0a161a0", ERR_PROTOCOL,
          "WHOLE.labels[1]: not sorted by name, or a name twice" },
        { "810a82a161a0a161a0", ERR_PROTOCOL,
          "WHOLE.labels[1]: not sorted by name, or a name twice" },
        { "810a81a0a0", ERR_LIMIT, "WHOLE.labels[0]: empty" },
        { "810a8101a0", ERR_PROTOCOL, "WHOLE.labels[0]: expected text, found unsigned integer" },
    };
    AUTO(Arena) arena = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        ErrCode code = ERR_NONE;
        Err err;
        decode_hex(ROWS[i].hex, LENIENT, &arena, &code, &err);
        assert_string_equal(err.message, ROWS[i].message);
        assert_int_equal(code, ROWS[i].code);
        decode_hex(ROWS[i].hex, LENIENT, &arena, &code, NULL); /* without an Err too */
        assert_int_equal(code, ROWS[i].code);
    }
}

static void nothing_is_sent_that_a_reader_would_refuse(void **state)
{
    (void)state;
    static const char LONG[] = "0123456789012345678901234567890123456789012345678901234567890123";
    Part bad = { 101, "" };
    Label unsorted[] = { { "b", "" }, { "a", "" } };
    Label garbled[] = { { "\xff", "" } };
    Label garbled_value[] = { { "a", "\xff" } };
    char too_long[LABEL_BYTES_MAX + 2] = { 0 };
    memset(too_long, 'x', LABEL_BYTES_MAX + 1);
    Label nameless[] = { { "", "x" } };
    Label long_value[] = { { "a", too_long } };
    const char *texts[] = { "" };
    const char *garbled_texts[] = { "\xff" };
    const struct {
        Whole whole;
        ErrCode code;
        const char *message;
    } ROWS[] = {
        { { .text = LONG }, ERR_LIMIT, "WHOLE.text: longer than 63 bytes" },
        { { .text = "\xff" }, ERR_PROTOCOL, "WHOLE.text: not valid UTF-8" },
        { { .bytes = { (const uint8_t *)"abc", 3 } },
          ERR_LIMIT,
          "WHOLE.bytes: 3 bytes, at least 4 wanted" },
        { { .part = bad }, ERR_LIMIT, "WHOLE.part.number: 101 is above 100" },
        { { .parts = &bad, .part_count = 1 },
          ERR_LIMIT,
          "WHOLE.parts[0].number: 101 is above 100" },
        { { .parts = &bad, .part_count = 4 }, ERR_LIMIT, "WHOLE.parts: more than 3 items" },
        { { .texts = texts, .text_count = 1 }, ERR_LIMIT, "WHOLE.texts[0]: empty" },
        { { .texts = texts, .text_count = 4 }, ERR_LIMIT, "WHOLE.texts: more than 3 items" },
        { { .texts = garbled_texts, .text_count = 1 },
          ERR_PROTOCOL,
          "WHOLE.texts[0]: not valid UTF-8" },
        { { .labels = { unsorted, 4 } }, ERR_LIMIT, "WHOLE.labels: more than 3 items" },
        { { .labels = { nameless, 1 } }, ERR_LIMIT, "WHOLE.labels[0]: empty" },
        { { .labels = { long_value, 1 } }, ERR_LIMIT, "WHOLE.labels[0]: longer than 255 bytes" },
        { { .labels = { garbled, 1 } }, ERR_PROTOCOL, "WHOLE.labels[0]: not valid UTF-8" },
        { { .labels = { garbled_value, 1 } }, ERR_PROTOCOL, "WHOLE.labels[0]: not valid UTF-8" },
        { { .labels = { unsorted, 2 } },
          ERR_PROTOCOL,
          "WHOLE.labels[1]: not sorted by name, or a name twice" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) out = { 0 };
        Err err;
        assert_int_equal(wire_encode(&WHOLE, WIRE_NEWEST, &ROWS[i].whole, &out, &err),
                         ROWS[i].code);
        assert_string_equal(err.message, ROWS[i].message);
    }
}

static void a_print_escapes_controls_and_hides_what_is_private(void **state)
{
    (void)state;
    Part parts[] = { { 1, "a b" }, { 2, "\n\"\\\xc2\x85é" } };
    const char *texts[] = { "db1/x" };
    Label labels[] = { { "env", "prod" } };
    Whole whole = { .u32 = 7,
                    .i64 = -2,
                    .flag = true,
                    .text = "plain",
                    .parts = parts,
                    .part_count = 2,
                    .texts = texts,
                    .text_count = 1,
                    .labels = { labels, 1 },
                    .bytes = { (const uint8_t *)"\x01\x02\x03\xff", 4 },
                    .secret = "password" };
    AUTO(Str) out = { 0 };
    wire_print(&WHOLE, &whole, &out);
    assert_string_equal(str_text(&out), "{u32=7, i64=-2, flag=true, text=plain, bytes=010203ff, "
                                        "parts=[{number=1, text=\"a b\"}, "
                                        "{number=2, text=\"\\u000a\\\"\\\\\\u0085é\"}], "
                                        "texts=[db1/x], labels={env=prod}, secret=<8 bytes>}");
    str_clear(&out);
    wire_print(&WHOLE, &(Whole){ 0 }, &out);
    assert_string_equal(str_text(&out), "{}");
}

/* Fields that no table of skein has. */
typedef struct Odd {
    bool is_told;     /* also when it is false */
    uint64_t bounded; /* up to 9 */
    uint32_t wide;    /* whose bounds are wider than it is */
    Bytes many;
} Odd;

static const Field ODD_FIELDS[] = {
    ROW_BOOL(1, Odd, is_told, FIELD_REQUIRED, "told"),
    { .tag = 2,
      .name = "bounded",
      .type = FIELD_U64,
      .offset = offsetof(Odd, bounded),
      .max = 9,
      .doc = "small" },
    ROW_U32(3, Odd, wide, FIELD_OPTIONAL, 0, UINT64_MAX, "wide"),
    ROW_BYTES(4, Odd, many, FIELD_OPTIONAL, 0, 1000, "many"),
};
static const FieldTable ODD = FIELD_TABLE("ODD", Odd, ODD_FIELDS);

static void odd_fields_keep_their_bounds(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) out = { 0 };
    Err err;
    void *value = NULL;
    const uint8_t wide[] = { 0x82, 1, 0xC2, 3, 0xCF, 0, 0, 0, 1, 0, 0, 0, 0 };
    assert_int_equal(wire_encode(&ODD, WIRE_NEWEST, &(Odd){ .bounded = 10 }, &out, &err),
                     ERR_LIMIT);
    assert_string_equal(err.message, "ODD.bounded: 10 is above 9");
    assert_int_equal(
        wire_decode(&ODD, (Bytes){ wide, sizeof(wide) }, LENIENT, &arena, &value, &err), ERR_LIMIT);
    assert_string_equal(err.message, "ODD.wide: does not fit 32 bits");
    static const uint8_t MANY[100];
    str_clear(&out);
    wire_print(&ODD, &(Odd){ .many = { MANY, sizeof(MANY) } }, &out);
    assert_string_equal(str_text(&out), "{is_told=false, many=<100 bytes>}");
    str_clear(&out);
    assert_int_equal(wire_encode(&ODD, WIRE_NEWEST, &(Odd){ 0 }, &out, &err), ERR_NONE);
    assert_int_equal(wire_decode(&ODD, str_bytes(&out), LENIENT, &arena, &value, &err), ERR_NONE);
    assert_false(((const Odd *)value)->is_told);
}

static void a_type_that_is_none_has_no_name(void **state)
{
    (void)state;
    assert_string_equal(field_type_name(FIELD_U32), "u32");
    assert_string_equal(field_type_name(FIELD_TYPE_COUNT_), "invalid");
}

#define ODD_FIELD(...)                                                                             \
    {                                                                                              \
        .name = "x", .doc = "x", .max = 1, __VA_ARGS__                                             \
    }

static void an_unsound_table_is_found_out(void **state)
{
    (void)state;
    static const Field DOUBLED[] = { ROW_BOOL(1, Whole, flag, 0, "a"),
                                     ROW_U32(1, Whole, u32, 0, 0, 1, "b") };
    static const Field OUTSIDE[] = { ODD_FIELD(.tag = 1, .type = FIELD_U64,
                                               .offset = sizeof(Whole) - 4) };
    static const Field TOO_LARGE[] = { ODD_FIELD(.tag = 1, .type = FIELD_STRUCT, .table = &WHOLE) };
    static const Field SILENT[] = { ROW_BOOL(1, Whole, flag, 0, "") };
    static const Field MUTE[] = { ROW_BOOL(1, Whole, flag, 0, NULL) };
    static const Field YOUNG[] = { ROW_BOOL(1, Whole, flag, FIELD_REQUIRED | FIELD_SINCE(2), "a") };
    static const Field NO_TYPE[] = { ODD_FIELD(.tag = 1) };
    static const Field UNKNOWN_TYPE[] = { ODD_FIELD(.tag = 1, .type = FIELD_TYPE_COUNT_) };
    static const Field NO_TAG[] = { ODD_FIELD(.type = FIELD_BOOL) };
    static const Field NO_TABLE[] = { ODD_FIELD(.tag = 1, .type = FIELD_STRUCT) };
    static const Field A_TABLE[] = { ODD_FIELD(.tag = 1, .type = FIELD_BOOL, .table = &PART) };
    static const Field BOUNDS[] = { ODD_FIELD(.tag = 1, .type = FIELD_U32, .min = 2) };
    static const Field SAME_NAME[] = { ODD_FIELD(.tag = 1, .type = FIELD_U32),
                                       ODD_FIELD(.tag = 2, .type = FIELD_U32) };
    static const FieldTable INNER = FIELD_TABLE("inner", Part, SILENT);
    static const Field NESTED[] = { ROW_STRUCT(1, Whole, part, Part, 0, &INNER, "a part") };
    static const struct {
        FieldTable table;
        const char *message;
    } ROWS[] = {
        { FIELD_TABLE("T", Whole, DOUBLED), "T.u32: its tag does not ascend" },
        { FIELD_TABLE("T", Whole, OUTSIDE), "T.x: outside the struct" },
        { FIELD_TABLE("T", Part, TOO_LARGE), "T.x: outside the struct" },
        { FIELD_TABLE("T", Whole, SILENT), "T.flag: no doc" },
        { FIELD_TABLE("T", Whole, MUTE), "T.flag: no doc" },
        { FIELD_TABLE("T", Whole, YOUNG),
          "T.flag: required, and an older version does not have it" },
        { FIELD_TABLE("T", Whole, NO_TYPE), "T.x: no type" },
        { FIELD_TABLE("T", Whole, UNKNOWN_TYPE), "T.x: no type" },
        { FIELD_TABLE("T", Whole, NO_TAG), "T.x: its tag does not ascend" },
        { FIELD_TABLE("T", Whole, NO_TABLE),
          "T.x: a table where none belongs, or none where one does" },
        { FIELD_TABLE("T", Whole, A_TABLE),
          "T.x: a table where none belongs, or none where one does" },
        { FIELD_TABLE("T", Whole, BOUNDS), "T.x: bounds out of order" },
        { FIELD_TABLE("T", Whole, SAME_NAME), "T.x: its name stands there twice" },
        { FIELD_TABLE("T", Whole, NESTED), "T.part: inner.flag: " },
        { { .name = "T", .fields = SILENT, .field_count = FIELDS_MAX + 1 },
          "T: more than 64 fields" },
    };
    Err err;
    assert_int_equal(wire_table_check(&WHOLE, &err), ERR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(wire_table_check(&ROWS[i].table, &err), ERR_INTERNAL);
        assert_true(str_starts_with(err.message, ROWS[i].message));
    }
}

/* --- fields that a later version brought --- */

typedef struct Grown {
    uint32_t old;
    uint32_t newer;
    Part part;
    Part *parts;
    size_t part_count;
} Grown;

static const Field GROWN_PART_FIELDS[] = {
    ROW_U32(1, Part, number, FIELD_OPTIONAL, 0, 100, "a number"),
    ROW_TEXT(2, Part, text, FIELD_OPTIONAL | FIELD_SINCE(3), 0, 8, "a text"),
};
static const FieldTable GROWN_PART = FIELD_TABLE("part", Part, GROWN_PART_FIELDS);

static const Field GROWN_FIELDS[] = {
    ROW_U32(1, Grown, old, FIELD_OPTIONAL, 0, 100, "from the first version on"),
    ROW_U32(2, Grown, newer, FIELD_OPTIONAL | FIELD_SINCE(2), 0, 100, "from the second on"),
    ROW_STRUCT(3, Grown, part, Part, FIELD_OPTIONAL, &GROWN_PART, "it grew, too"),
    ROW_STRUCTS(4, Grown, parts, part_count, Part, FIELD_OPTIONAL, 0, 3, &GROWN_PART, "they did"),
};
static const FieldTable GROWN = FIELD_TABLE("GROWN", Grown, GROWN_FIELDS);

static void encode_grown(const Grown *grown, uint32_t version, Str *out)
{
    Err err;
    assert_int_equal(wire_encode(&GROWN, version, grown, out, &err), ERR_NONE);
}

static void an_older_version_is_not_told_what_it_does_not_know(void **state)
{
    (void)state;
    Part parts[] = { { 5, "p" } };
    const Grown grown = { 1, 2, { 0, "x" }, parts, 1 };
    static const char *const HEX[] = {
        "8201010491810105",
        "83010102020491810105",
        "8401010202038102a178049182010502a170",
    };
    for (uint32_t version = 1; version <= ARRAY_LEN(HEX); version++) {
        AUTO(Str) out = { 0 };
        char got[128] = "";
        encode_grown(&grown, version, &out);
        hex_encode((const uint8_t *)out.data, out.length, got);
        assert_string_equal(got, HEX[version - 1]);
    }
}

static const Grown *decode_grown(const Str *bytes, WireReader reader, Arena *arena, Err *err)
{
    void *value = NULL;
    (void)wire_decode(&GROWN, str_bytes(bytes), reader, arena, &value, err);
    return value;
}

/* Whoever speaks an older version has the defaults, even if somebody puts the field into it. */
static void in_an_older_version_a_newer_field_has_its_default(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) out = { 0 };
    Err err;
    encode_grown(&(Grown){ .old = 1, .newer = 2, .part = { 3, "x" } }, 3, &out);
    const Grown *first = decode_grown(&out, (WireReader){ 1, WIRE_SKIP_UNKNOWN }, &arena, &err);
    assert_int_equal(first->old, 1);
    assert_int_equal(first->newer, 0);
    assert_int_equal(first->part.number, 3);
    assert_string_equal(first->part.text, "");
    const Grown *second = decode_grown(&out, (WireReader){ 2, WIRE_SKIP_UNKNOWN }, &arena, &err);
    assert_int_equal(second->newer, 2);
    assert_string_equal(second->part.text, "");
    assert_null(decode_grown(&out, (WireReader){ 1, WIRE_REFUSE_UNKNOWN }, &arena, &err));
    assert_string_equal(err.message, "GROWN: field 2 is not known");
    assert_null(decode_grown(&out, (WireReader){ 2, WIRE_REFUSE_UNKNOWN }, &arena, &err));
    assert_string_equal(err.message, "GROWN.part: field 2 is not known");
}

static void what_a_value_needs_is_its_newest_field(void **state)
{
    (void)state;
    Part old_part = { 1, "" };
    Part new_part = { 1, "x" };
    const struct {
        Grown grown;
        uint32_t needs;
    } ROWS[] = {
        { { 0 }, 1 },
        { { .old = 1, .part = { 1, NULL } }, 1 },
        { { .newer = 1 }, 2 },
        { { .part = { 0, "x" } }, 3 },
        { { .parts = &old_part, .part_count = 1 }, 1 },
        { { .newer = 1, .parts = &new_part, .part_count = 1 }, 3 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(wire_needs(&GROWN, &ROWS[i].grown), ROWS[i].needs);
    }
}

static void a_table_says_since_when(void **state)
{
    (void)state;
    AUTO(Str) out = { 0 };
    wire_document(&GROWN, &out);
    assert_non_null(strstr(str_text(&out), "| 2 | `newer` | u32 | since version 2 | 0 to 100 |"));
    assert_non_null(strstr(str_text(&out), "| 1 | `old` | u32 |  | 0 to 100 |"));
}

static void a_value_comes_back_as_it_went(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    void *value = sample_new(&WHOLE, &arena);
    AUTO(Str) once = { 0 };
    AUTO(Str) twice = { 0 };
    assert_int_equal(wire_encode(&WHOLE, WIRE_NEWEST, value, &once, NULL), ERR_NONE);
    void *again = NULL;
    Err err;
    assert_int_equal(wire_decode(&WHOLE, str_bytes(&once), STRICT, &arena, &again, &err), ERR_NONE);
    const Whole *a = value;
    const Whole *b = again;
    assert_true(a->u32 == b->u32 && a->u64 == b->u64 && a->i64 == b->i64 && a->flag == b->flag);
    assert_string_equal(a->text, b->text);
    assert_memory_equal(a->bytes.data, b->bytes.data, 4);
    assert_string_equal(a->parts[1].text, b->parts[1].text);
    assert_string_equal(b->texts[1], "second");
    assert_string_equal(b->labels.items[0].value, "prod");
    assert_int_equal(wire_encode(&WHOLE, WIRE_NEWEST, again, &twice, NULL), ERR_NONE);
    assert_int_equal(once.length, twice.length);
    assert_memory_equal(once.data, twice.data, once.length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_left_out_and_forms_are_shortest),
        cmocka_unit_test(absent_fields_have_their_defaults_and_no_text_is_null),
        cmocka_unit_test(long_forms_of_other_writers_are_read),
        cmocka_unit_test(unknown_tags_are_skipped_or_refused_by_mode),
        cmocka_unit_test(what_is_wrong_is_said_with_its_path),
        cmocka_unit_test(nothing_is_sent_that_a_reader_would_refuse),
        cmocka_unit_test(a_print_escapes_controls_and_hides_what_is_private),
        cmocka_unit_test(odd_fields_keep_their_bounds),
        cmocka_unit_test(a_type_that_is_none_has_no_name),
        cmocka_unit_test(an_unsound_table_is_found_out),
        cmocka_unit_test(an_older_version_is_not_told_what_it_does_not_know),
        cmocka_unit_test(in_an_older_version_a_newer_field_has_its_default),
        cmocka_unit_test(what_a_value_needs_is_its_newest_field),
        cmocka_unit_test(a_table_says_since_when),
        cmocka_unit_test(a_value_comes_back_as_it_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
