/*
 * Every message of the registry, every field of it, by loops: a new message or field is tested as
 * soon as its row exists. Faults are made by taking apart with msgpack-c what our encoder wrote,
 * which also holds the encoder against a reader that is not ours.
 */
#include "support.h"

#include <ctype.h>

#include "proto/envelope.h"
#include "proto/messages.h"
#include "proto/pack.h"

typedef enum Fault {
    FAULT_NONE,
    FAULT_MISSING,
    FAULT_WRONG_TYPE,
    FAULT_OVERSIZED,
    FAULT_DOUBLED,
    FAULT_UNKNOWN_TAG, /* beside it */
} Fault;

/*
 * What to break in every struct that has `field`, and with which of WRONG when the type is wrong.
 */
typedef struct Mutation {
    const Field *field;
    Fault fault;
    HeadType wrong;
} Mutation;

static void pack_of_type(msgpack_packer *packer, HeadType type)
{
    switch (type) {
    case HEAD_NIL:
        msgpack_pack_nil(packer);
        break;
    case HEAD_BOOL:
        msgpack_pack_true(packer);
        break;
    case HEAD_UINT:
        msgpack_pack_uint32(packer, 1);
        break;
    case HEAD_INT:
        msgpack_pack_int32(packer, -1);
        break;
    case HEAD_FLOAT:
        msgpack_pack_double(packer, 1.5);
        break;
    case HEAD_TEXT:
        pack_text(packer, "x", 1);
        break;
    case HEAD_BYTES:
        pack_bytes(packer, "x", 1);
        break;
    case HEAD_ARRAY:
        msgpack_pack_array(packer, 0);
        break;
    default:
        msgpack_pack_map(packer, 0);
        break;
    }
}

static bool type_fits(FieldType field, HeadType head)
{
    static const HeadType FITTING[FIELD_TYPE_COUNT_] = {
        [FIELD_U32] = HEAD_UINT,   [FIELD_U64] = HEAD_UINT,      [FIELD_I64] = HEAD_UINT,
        [FIELD_BOOL] = HEAD_BOOL,  [FIELD_TEXT] = HEAD_TEXT,     [FIELD_BYTES] = HEAD_BYTES,
        [FIELD_STRUCT] = HEAD_MAP, [FIELD_STRUCTS] = HEAD_ARRAY, [FIELD_TEXTS] = HEAD_ARRAY,
        [FIELD_LABELS] = HEAD_MAP,
    };
    return FITTING[field] == head || (field == FIELD_I64 && head == HEAD_INT);
}

/*
 * One more than allowed. The items of a list are nil: the count must be refused before they are
 * read.
 */
static void pack_oversized(msgpack_packer *packer, const Field *field)
{
    if (field->type == FIELD_U32) {
        msgpack_pack_uint64(packer, field->max + 1);
        return;
    }
    size_t size = field->max + 1;
    if (field->type == FIELD_TEXT || field->type == FIELD_BYTES) {
        char *filler = mem_alloc(size);
        memset(filler, 'x', size);
        if (field->type == FIELD_TEXT) {
            pack_text(packer, filler, size);
        } else {
            pack_bytes(packer, filler, size);
        }
        free(filler);
        return;
    }
    bool is_map = field->type == FIELD_LABELS;
    is_map ? msgpack_pack_map(packer, size) : msgpack_pack_array(packer, size);
    for (size_t i = 0; i < (is_map ? 2 * size : size); i++) {
        msgpack_pack_nil(packer);
    }
}

static const Field *field_of_tag(const FieldTable *table, uint64_t tag)
{
    for (size_t i = 0; i < table->field_count; i++) {
        if (table->fields[i].tag == tag) {
            return &table->fields[i];
        }
    }
    fail_msg("%s has no tag %llu", table->name, (unsigned long long)tag);
    return NULL;
}

static void repack_struct(msgpack_packer *packer, const FieldTable *table, msgpack_object map,
                          const Mutation *mutation);

static void repack_value(msgpack_packer *packer, const Field *field, msgpack_object value,
                         const Mutation *mutation)
{
    if (field->type == FIELD_STRUCT) {
        repack_struct(packer, field->table, value, mutation);
    } else if (field->type == FIELD_STRUCTS) {
        msgpack_pack_array(packer, value.via.array.size);
        for (size_t i = 0; i < value.via.array.size; i++) {
            repack_struct(packer, field->table, value.via.array.ptr[i], mutation);
        }
    } else {
        msgpack_pack_object(packer, value);
    }
}

static void repack_pair(msgpack_packer *packer, const Field *field, msgpack_object value,
                        const Mutation *mutation)
{
    Fault fault = field == mutation->field ? mutation->fault : FAULT_NONE;
    if (fault == FAULT_MISSING) {
        return;
    }
    msgpack_pack_uint32(packer, field->tag);
    if (fault == FAULT_WRONG_TYPE) {
        pack_of_type(packer, mutation->wrong);
        return;
    }
    if (fault == FAULT_OVERSIZED) {
        pack_oversized(packer, field);
        return;
    }
    repack_value(packer, field, value, mutation);
    if (fault == FAULT_DOUBLED) {
        msgpack_pack_uint32(packer, field->tag);
        repack_value(packer, field, value, mutation);
    } else if (fault == FAULT_UNKNOWN_TAG) {
        msgpack_pack_uint32(packer, 1000);
        msgpack_pack_array(packer, 2);
        msgpack_pack_nil(packer);
        msgpack_pack_map(packer, 0);
    }
}

static bool table_has(const FieldTable *table, const Field *field)
{
    return field >= table->fields && field < table->fields + table->field_count;
}

static void repack_struct(msgpack_packer *packer, const FieldTable *table, msgpack_object map,
                          const Mutation *mutation)
{
    assert_int_equal(map.type, MSGPACK_OBJECT_MAP);
    assert_int_equal(map.via.map.size, table->field_count); /* the sample sets every field */
    size_t size = map.via.map.size;
    if (table_has(table, mutation->field)) {
        size -= mutation->fault == FAULT_MISSING;
        size += mutation->fault == FAULT_DOUBLED || mutation->fault == FAULT_UNKNOWN_TAG;
    }
    msgpack_pack_map(packer, size);
    for (size_t i = 0; i < map.via.map.size; i++) {
        msgpack_object_kv pair = map.via.map.ptr[i];
        assert_int_equal(pair.key.type, MSGPACK_OBJECT_POSITIVE_INTEGER);
        repack_pair(packer, field_of_tag(table, pair.key.via.u64), pair.val, mutation);
    }
}

/* Breaks a sample of the message as told and decodes the result. */
static ErrCode decode_mutated(const MessageRow *row, const Mutation *mutation, Arena *arena,
                              void **ret_value, Err *err)
{
    AUTO(Str) sound = { 0 };
    AUTO(Str) broken = { 0 };
    assert_int_equal(
        wire_encode(row->table, WIRE_NEWEST, sample_new(row->table, arena), &sound, err), ERR_NONE);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    assert_int_equal(msgpack_unpack_next(&unpacked, sound.data, sound.length, NULL),
                     MSGPACK_UNPACK_SUCCESS);
    msgpack_packer packer = packer_into(&broken);
    repack_struct(&packer, row->table, unpacked.data, mutation);
    msgpack_unpacked_destroy(&unpacked);
    *err = (Err){ 0 };
    return wire_decode(row->table, str_bytes(&broken),
                       (WireReader){ WIRE_NEWEST, WIRE_SKIP_UNKNOWN }, arena, ret_value, err);
}

static void assert_refused(const MessageRow *row, const Mutation *mutation, ErrCode wanted)
{
    AUTO(Arena) arena = { 0 };
    Err err;
    void *value = NULL;
    ErrCode code = decode_mutated(row, mutation, &arena, &value, &err);
    if (code != wanted || !str_starts_with(err.message, row->name) ||
        strstr(err.message, mutation->field->name) == NULL) {
        fail_msg("%s.%s, fault %d: %d \"%s\"", row->name, mutation->field->name, mutation->fault,
                 (int)code, err.message);
    }
    assert_null(value);
}

typedef void (*FieldVisit)(const MessageRow *row, const Field *field);

static void visit_fields(const MessageRow *row, const FieldTable *table, FieldVisit visit)
{
    for (size_t i = 0; i < table->field_count; i++) {
        visit(row, &table->fields[i]);
        if (table->fields[i].table != NULL) {
            visit_fields(row, table->fields[i].table, visit);
        }
    }
}

static void visit_all_fields(FieldVisit visit)
{
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT_; type++) {
        const MessageRow *row = message_row((MessageType)type);
        visit_fields(row, row->table, visit);
    }
}

static void every_table_is_sound(void **state)
{
    (void)state;
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT_; type++) {
        const MessageRow *row = message_row((MessageType)type);
        Err err = { 0 };
        assert_non_null(row);
        assert_int_equal(wire_table_check(row->table, &err), ERR_NONE);
        assert_string_equal(row->name, row->table->name);
        assert_true(row->way >= MESSAGE_TO_COORDINATOR && row->way <= MESSAGE_BOTH_WAYS);
        assert_true(strlen(row->doc) > 0);
    }
    assert_null(message_row(MESSAGE_NONE));
    assert_null(message_row(MESSAGE_TYPE_COUNT_));
}

static void every_member_of_a_struct_has_a_field(void **state)
{
    (void)state;
    /*
     * A row forgotten in messages.c would silently lose its member: the sample must fill every
     * byte.
     */
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT_; type++) {
        const FieldTable *table = message_row((MessageType)type)->table;
        size_t end = 0;
        for (size_t i = 0; i < table->field_count; i++) {
            const Field *field = &table->fields[i];
            size_t start = field->offset;
            assert_true(start >= end && start - end < sizeof(uint64_t)); /* only padding between */
            end = start + (field->type == FIELD_U32      ? sizeof(uint32_t)
                           : field->type == FIELD_BOOL   ? sizeof(bool)
                           : field->type == FIELD_BYTES  ? sizeof(Bytes)
                           : field->type == FIELD_LABELS ? sizeof(Labels)
                           : field->type == FIELD_STRUCT ? field->table->size_bytes
                                                         : sizeof(uint64_t));
            end = field->count_offset > end - 1 ? field->count_offset + sizeof(size_t) : end;
        }
        assert_true(table->size_bytes - end < sizeof(uint64_t));
    }
}

typedef struct Trip {
    Arena arena;
    Envelope sent;
    Envelope got;
    Str frame;
} Trip;

static void trip_done(Trip *trip)
{
    arena_done(&trip->arena);
    str_done(&trip->frame);
}

AUTO_DEFINE(Trip, trip_done)

/* A whole message of the type, on its way in a protocol version. */
static void trip_make(Trip *trip, MessageType type, uint32_t version)
{
    Err err;
    const FieldTable *table = message_row(type)->table;
    *trip = (Trip){ 0 };
    trip->sent = (Envelope){ version, type, 7, 3, 12, sample_new(table, &trip->arena) };
    assert_int_equal(envelope_encode(&trip->sent, MESSAGE_TO_AGENT_MAX, &trip->frame, &err),
                     ERR_NONE);
    assert_int_equal(envelope_decode(str_bytes(&trip->frame), MESSAGE_TO_AGENT_MAX, PROTOCOL_SPOKEN,
                                     &trip->arena, &trip->got, &err),
                     ERR_NONE);
}

static void every_message_comes_back_as_it_went(void **state)
{
    (void)state;
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT_; type++) {
        AUTO(Trip) trip;
        AUTO(Str) again = { 0 };
        AUTO(Str) printed = { 0 };
        AUTO(Str) printed_again = { 0 };
        Err err;
        trip_make(&trip, (MessageType)type, PROTOCOL_VERSION_MAX);
        assert_int_equal(envelope_encode(&trip.got, MESSAGE_TO_AGENT_MAX, &again, &err), ERR_NONE);
        assert_int_equal(trip.frame.length, again.length);
        assert_memory_equal(trip.frame.data, again.data, again.length);
        envelope_print(&trip.sent, &printed);
        envelope_print(&trip.got, &printed_again);
        assert_string_equal(str_text(&printed), str_text(&printed_again));
    }
}

/* What an older release wrote is what this one writes to it: those bytes never change. */
static void every_message_has_its_golden_bytes_in_every_version(void **state)
{
    (void)state;
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT_; type++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) text = { 0 };
        for (uint32_t version = 1; version <= PROTOCOL_VERSION_MAX; version++) {
            if (!message_is_of((MessageType)type, version)) {
                continue;
            }
            AUTO(Trip) trip;
            trip_make(&trip, (MessageType)type, version);
            envelope_print(&trip.got, &text);
            str_append_char(&text, '\n');
            hex_lines(str_bytes(&trip.frame), &text);
        }
        char *name = arena_printf(&arena, "%s.hex", message_type_name((MessageType)type));
        for (char *c = name; *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        golden_compare(name, &text);
    }
}

/* Nobody knows yet what the other side speaks. */
static void the_greeting_is_the_same_in_every_version(void **state)
{
    (void)state;
    static const MessageType GREETING[] = { MESSAGE_HELLO, MESSAGE_WELCOME, MESSAGE_BUSY,
                                            MESSAGE_REJECT };
    for (size_t i = 0; i < ARRAY_LEN(GREETING); i++) {
        AUTO(Arena) arena = { 0 };
        const FieldTable *table = message_row(GREETING[i])->table;
        assert_int_equal(wire_needs(table, sample_new(table, &arena)), 1);
    }
}

static void a_message_of_a_version_that_is_not_spoken_is_not_read(void **state)
{
    (void)state;
    AUTO(Trip) trip;
    Err err;
    trip_make(&trip, MESSAGE_STATE, 2);
    const ProtocolRange old = { 1, 1 };
    assert_int_equal(envelope_decode(str_bytes(&trip.frame), MESSAGE_TO_AGENT_MAX, old, &trip.arena,
                                     &trip.got, &err),
                     ERR_PROTOCOL);
    assert_string_equal(err.message, "envelope: protocol version 2, and 1 to 1 is spoken here");
    assert_string_equal(err.hint, "upgrade this skein");
    trip.sent.version = PROTOCOL_VERSION_MAX + 1;
    assert_int_equal(envelope_encode(&trip.sent, MESSAGE_TO_AGENT_MAX, &trip.frame, &err),
                     ERR_PROTOCOL);
}

static void a_message_is_not_said_in_a_version_older_than_itself(void **state)
{
    (void)state;
    AUTO(Trip) trip;
    Err err;
    trip_make(&trip, MESSAGE_HEALTH, 2);
    trip.sent.version = 1;
    assert_int_equal(envelope_encode(&trip.sent, MESSAGE_TO_AGENT_MAX, &trip.frame, &err),
                     ERR_PROTOCOL);
    assert_string_equal(err.message, "envelope: there is no HEALTH in protocol version 1");
    assert_true(message_is_of(MESSAGE_HEALTH, 2));
    assert_false(message_is_of(MESSAGE_HEALTH, 1));
    assert_false(message_is_of(MESSAGE_TYPE_COUNT_, 2));
}

static void visit_missing(const MessageRow *row, const Field *field)
{
    Mutation mutation = { .field = field, .fault = FAULT_MISSING };
    if ((field->flags & FIELD_REQUIRED) != 0) {
        assert_refused(row, &mutation, ERR_PROTOCOL);
        return;
    }
    AUTO(Arena) arena = { 0 };
    Err err;
    void *value = NULL;
    assert_int_equal(decode_mutated(row, &mutation, &arena, &value, &err), ERR_NONE);
}

static void a_missing_field_is_refused_only_where_it_is_required(void **state)
{
    (void)state;
    visit_all_fields(visit_missing);
}

static void visit_wrong_type(const MessageRow *row, const Field *field)
{
    for (int type = HEAD_NIL; type < HEAD_TYPE_COUNT_; type++) {
        Mutation mutation = { field, FAULT_WRONG_TYPE, (HeadType)type };
        if (type != HEAD_EXT && !type_fits(field->type, (HeadType)type)) {
            assert_refused(row, &mutation, ERR_PROTOCOL);
        }
    }
}

static void a_field_of_the_wrong_type_is_refused(void **state)
{
    (void)state;
    visit_all_fields(visit_wrong_type);
}

static void visit_oversized(const MessageRow *row, const Field *field)
{
    if (field->type != FIELD_U64 && field->type != FIELD_I64 && field->type != FIELD_BOOL &&
        field->type != FIELD_STRUCT) {
        Mutation mutation = { .field = field, .fault = FAULT_OVERSIZED };
        assert_refused(row, &mutation, ERR_LIMIT);
    }
}

static void an_oversized_field_is_refused(void **state)
{
    (void)state;
    visit_all_fields(visit_oversized);
}

static void visit_doubled(const MessageRow *row, const Field *field)
{
    Mutation mutation = { .field = field, .fault = FAULT_DOUBLED };
    assert_refused(row, &mutation, ERR_PROTOCOL);
}

static void a_doubled_field_is_refused(void **state)
{
    (void)state;
    visit_all_fields(visit_doubled);
}

static void visit_unknown(const MessageRow *row, const Field *field)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) sound = { 0 };
    AUTO(Str) decoded = { 0 };
    Mutation mutation = { .field = field, .fault = FAULT_UNKNOWN_TAG };
    Err err;
    void *value = NULL;
    assert_int_equal(decode_mutated(row, &mutation, &arena, &value, &err), ERR_NONE);
    wire_print(row->table, sample_new(row->table, &arena), &sound);
    wire_print(row->table, value, &decoded);
    assert_string_equal(str_text(&sound), str_text(&decoded));
}

static void an_unknown_field_beside_any_other_changes_nothing(void **state)
{
    (void)state;
    visit_all_fields(visit_unknown);
}

static void a_frame_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT_; type++) {
        const MessageRow *row = message_row((MessageType)type);
        AUTO(Arena) arena = { 0 };
        AUTO(Str) frame = { 0 };
        Envelope envelope = { PROTOCOL_VERSION_MAX,          (MessageType)type, 7, 3, 12,
                              sample_new(row->table, &arena) };
        assert_int_equal(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &frame, NULL), ERR_NONE);
        for (size_t length = 0; length < frame.length; length++) {
            /* A copy of exactly this length, so that a sanitizer sees a read beyond it. */
            uint8_t *cut = arena_memdup(&arena, frame.data, length);
            Envelope got;
            ErrCode code = envelope_decode((Bytes){ cut, length }, SIZE_MAX, PROTOCOL_SPOKEN,
                                           &arena, &got, NULL);
            assert_true(code == ERR_PROTOCOL || code == ERR_LIMIT);
        }
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* Whatever a decoder accepts is a message: it can be printed and sent on. */
static void mutate_and_decode(const Str *frame, uint64_t *seed)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) out = { 0 };
    uint8_t *bytes = mem_alloc(frame->length);
    memcpy(bytes, frame->data, frame->length);
    for (uint64_t i = 0; i <= next_random(seed) % 4; i++) {
        bytes[next_random(seed) % frame->length] = (uint8_t)next_random(seed);
    }
    Envelope got;
    Err err;
    if (envelope_decode((Bytes){ bytes, frame->length }, SIZE_MAX, PROTOCOL_SPOKEN, &arena, &got,
                        &err) == ERR_NONE) {
        envelope_print(&got, &out);
        assert_int_equal(envelope_encode(&got, SIZE_MAX, &out, &err), ERR_NONE);
    }
    free(bytes);
}

static void mutated_frames_are_refused_or_are_messages(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT_; type++) {
        const MessageRow *row = message_row((MessageType)type);
        AUTO(Arena) arena = { 0 };
        AUTO(Str) frame = { 0 };
        Envelope envelope = { PROTOCOL_VERSION_MAX,          (MessageType)type, 7, 3, 12,
                              sample_new(row->table, &arena) };
        assert_int_equal(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &frame, NULL), ERR_NONE);
        for (int round = 0; round < 3000; round++) {
            mutate_and_decode(&frame, &seed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_sound),
        cmocka_unit_test(every_member_of_a_struct_has_a_field),
        cmocka_unit_test(every_message_comes_back_as_it_went),
        cmocka_unit_test(every_message_has_its_golden_bytes_in_every_version),
        cmocka_unit_test(the_greeting_is_the_same_in_every_version),
        cmocka_unit_test(a_message_of_a_version_that_is_not_spoken_is_not_read),
        cmocka_unit_test(a_message_is_not_said_in_a_version_older_than_itself),
        cmocka_unit_test(a_missing_field_is_refused_only_where_it_is_required),
        cmocka_unit_test(a_field_of_the_wrong_type_is_refused),
        cmocka_unit_test(an_oversized_field_is_refused),
        cmocka_unit_test(a_doubled_field_is_refused),
        cmocka_unit_test(an_unknown_field_beside_any_other_changes_nothing),
        cmocka_unit_test(a_frame_cut_anywhere_is_refused),
        cmocka_unit_test(mutated_frames_are_refused_or_are_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
