/*
 * The encoder: walks a field table and packs with msgpack-c, whose packers choose the shortest
 * forms.
 */
#include <string.h>

#include "proto/pack.h"
#include "proto/wire_internal.h"

typedef struct Encoder {
    msgpack_packer packer;
    uint32_t version;
    Err *err;
} Encoder;

static ErrCode encode_struct(Encoder *encoder, const FieldTable *table, const void *value,
                             const Path *path);

static ErrCode encode_u32(Encoder *encoder, const Field *field, const void *value, const Path *path)
{
    uint32_t number = *(const uint32_t *)field_at(field, value);
    ErrCode code = check_number(field, number, path, encoder->err);
    if (code == ERR_NONE) {
        msgpack_pack_uint32(&encoder->packer, number);
    }
    return code;
}

static ErrCode encode_u64(Encoder *encoder, const Field *field, const void *value, const Path *path)
{
    uint64_t number = *(const uint64_t *)field_at(field, value);
    ErrCode code = check_number(field, number, path, encoder->err);
    if (code == ERR_NONE) {
        msgpack_pack_uint64(&encoder->packer, number);
    }
    return code;
}

static ErrCode encode_i64(Encoder *encoder, const Field *field, const void *value, const Path *path)
{
    (void)path;
    msgpack_pack_int64(&encoder->packer, *(const int64_t *)field_at(field, value));
    return ERR_NONE;
}

static ErrCode encode_bool(Encoder *encoder, const Field *field, const void *value,
                           const Path *path)
{
    (void)path;
    if (*(const bool *)field_at(field, value)) {
        msgpack_pack_true(&encoder->packer);
    } else {
        msgpack_pack_false(&encoder->packer);
    }
    return ERR_NONE;
}

static ErrCode encode_text(Encoder *encoder, const Field *field, const void *value,
                           const Path *path)
{
    const char *text = field_text(field, value);
    size_t length = strlen(text);
    ErrCode code = check_bytes(field, length, path, encoder->err);
    if (code == ERR_NONE) {
        code = check_characters(text, length, path, encoder->err);
    }
    if (code == ERR_NONE) {
        pack_text(&encoder->packer, text, length);
    }
    return code;
}

static ErrCode encode_bytes(Encoder *encoder, const Field *field, const void *value,
                            const Path *path)
{
    const Bytes *bytes = field_at(field, value);
    ErrCode code = check_bytes(field, bytes->length, path, encoder->err);
    if (code == ERR_NONE) {
        pack_bytes(&encoder->packer, bytes->data, bytes->length);
    }
    return code;
}

static ErrCode encode_member_struct(Encoder *encoder, const Field *field, const void *value,
                                    const Path *path)
{
    return encode_struct(encoder, field->table, field_at(field, value), path);
}

static ErrCode encode_structs(Encoder *encoder, const Field *field, const void *value,
                              const Path *path)
{
    size_t count = field_count(field, value);
    ErrCode code = check_items(field, count, path, encoder->err);
    if (code != ERR_NONE) {
        return code;
    }
    msgpack_pack_array(&encoder->packer, count);
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        Path item = { path->up, path->name, i };
        code = encode_struct(encoder, field->table, field_item(field, value, i), &item);
    }
    return code;
}

static ErrCode encode_texts(Encoder *encoder, const Field *field, const void *value,
                            const Path *path)
{
    size_t count = field_count(field, value);
    ErrCode code = check_items(field, count, path, encoder->err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *const *texts = *(const char *const *const *)field_at(field, value);
    Field item_field = { .min = 1, .max = field->item_max };
    msgpack_pack_array(&encoder->packer, count);
    for (size_t i = 0; i < count; i++) {
        Path item = { path->up, path->name, i };
        size_t length = strlen(texts[i]);
        code = check_bytes(&item_field, length, &item, encoder->err);
        if (code == ERR_NONE) {
            code = check_characters(texts[i], length, &item, encoder->err);
        }
        if (code != ERR_NONE) {
            return code;
        }
        pack_text(&encoder->packer, texts[i], length);
    }
    return ERR_NONE;
}

static ErrCode encode_labels(Encoder *encoder, const Field *field, const void *value,
                             const Path *path)
{
    const Labels *labels = field_at(field, value);
    ErrCode code = check_items(field, labels->count, path, encoder->err);
    if (code != ERR_NONE) {
        return code;
    }
    msgpack_pack_map(&encoder->packer, labels->count);
    for (size_t i = 0; i < labels->count; i++) {
        const Label *label = &labels->items[i];
        Path item = { path->up, path->name, i };
        code = check_label(label, i == 0 ? NULL : label - 1, &item, encoder->err);
        if (code != ERR_NONE) {
            return code;
        }
        pack_text(&encoder->packer, label->name, strlen(label->name));
        pack_text(&encoder->packer, label->value, strlen(label->value));
    }
    return ERR_NONE;
}

typedef ErrCode (*EncodeFunction)(Encoder *, const Field *, const void *, const Path *);

static const EncodeFunction ENCODERS[FIELD_TYPE_COUNT_] = {
    [FIELD_U32] = encode_u32,
    [FIELD_U64] = encode_u64,
    [FIELD_I64] = encode_i64,
    [FIELD_BOOL] = encode_bool,
    [FIELD_TEXT] = encode_text,
    [FIELD_BYTES] = encode_bytes,
    [FIELD_STRUCT] = encode_member_struct,
    [FIELD_STRUCTS] = encode_structs,
    [FIELD_TEXTS] = encode_texts,
    [FIELD_LABELS] = encode_labels,
};

static ErrCode encode_struct(Encoder *encoder, const FieldTable *table, const void *value,
                             const Path *path)
{
    size_t count = 0;
    for (size_t i = 0; i < table->field_count; i++) {
        count += field_is_sent(&table->fields[i], value, encoder->version);
    }
    msgpack_pack_map(&encoder->packer, count);
    for (size_t i = 0; i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        if (!field_is_sent(field, value, encoder->version)) {
            continue;
        }
        msgpack_pack_uint32(&encoder->packer, field->tag);
        Path member = { path, field->name, NO_INDEX };
        ErrCode code = ENCODERS[field->type](encoder, field, value, &member);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return ERR_NONE;
}

ErrCode wire_encode(const FieldTable *table, uint32_t version, const void *value, Str *out,
                    Err *err)
{
    Encoder encoder = { packer_into(out), version, err };
    Path root = { NULL, table->name, NO_INDEX };
    return encode_struct(&encoder, table, value, &root);
}
