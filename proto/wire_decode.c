/*
 * The decoder: reads checked msgpack by a field table. What it allocates is bounded by table and
 * input.
 */
#include <string.h>

#include "proto/wire_internal.h"

typedef struct Decoder {
    Cursor cursor;
    WireReader reader;
    Arena *arena;
    Err *err;
} Decoder;

static ErrCode decode_struct(Decoder *decoder, const FieldTable *table, void *value,
                             const Path *path);

/* cursor_check has passed, so there always is a head; its type is what can be wrong. */
static ErrCode read_head(Decoder *decoder, HeadType wanted, const Path *path, Head *ret_head)
{
    if (!cursor_head(&decoder->cursor, ret_head)) {
        return path_error(path, ERR_PROTOCOL, decoder->err, "cut off");
    }
    if (ret_head->type != wanted) {
        return path_error(path, ERR_PROTOCOL, decoder->err, "expected %s, found %s",
                          head_type_name(wanted), head_type_name(ret_head->type));
    }
    return ERR_NONE;
}

static ErrCode decode_u32(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    Head head;
    ErrCode code = read_head(decoder, HEAD_UINT, path, &head);
    if (code == ERR_NONE) {
        code = check_number(field, head.number, path, decoder->err);
    }
    if (code == ERR_NONE && head.number > UINT32_MAX) {
        code = path_error(path, ERR_LIMIT, decoder->err, "does not fit 32 bits");
    }
    if (code == ERR_NONE) {
        *(uint32_t *)field_slot(field, value) = (uint32_t)head.number;
    }
    return code;
}

static ErrCode decode_u64(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    Head head;
    ErrCode code = read_head(decoder, HEAD_UINT, path, &head);
    if (code == ERR_NONE) {
        code = check_number(field, head.number, path, decoder->err);
    }
    if (code == ERR_NONE) {
        *(uint64_t *)field_slot(field, value) = head.number;
    }
    return code;
}

static ErrCode decode_i64(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    Head head;
    Cursor before = decoder->cursor;
    if (cursor_head(&before, &head) && head.type == HEAD_INT) {
        decoder->cursor = before;
        *(int64_t *)field_slot(field, value) = (int64_t)head.number;
        return ERR_NONE;
    }
    ErrCode code = read_head(decoder, HEAD_UINT, path, &head);
    if (code == ERR_NONE && head.number > INT64_MAX) {
        code = path_error(path, ERR_LIMIT, decoder->err, "does not fit 63 bits");
    }
    if (code == ERR_NONE) {
        *(int64_t *)field_slot(field, value) = (int64_t)head.number;
    }
    return code;
}

static ErrCode decode_bool(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    Head head;
    ErrCode code = read_head(decoder, HEAD_BOOL, path, &head);
    if (code == ERR_NONE) {
        *(bool *)field_slot(field, value) = head.number != 0;
    }
    return code;
}

static ErrCode read_text(Decoder *decoder, const Field *bounds, const Path *path,
                         const char **ret_text)
{
    Head head;
    ErrCode code = read_head(decoder, HEAD_TEXT, path, &head);
    if (code == ERR_NONE) {
        code = check_bytes(bounds, head.content.length, path, decoder->err);
    }
    const char *text = (const char *)head.content.data;
    if (code == ERR_NONE) {
        code = check_characters(text, head.content.length, path, decoder->err);
    }
    if (code == ERR_NONE) {
        *ret_text = arena_strndup(decoder->arena, text, head.content.length);
    }
    return code;
}

static ErrCode decode_text(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    return read_text(decoder, field, path, field_slot(field, value));
}

static ErrCode decode_bytes(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    Head head;
    ErrCode code = read_head(decoder, HEAD_BYTES, path, &head);
    if (code == ERR_NONE) {
        code = check_bytes(field, head.content.length, path, decoder->err);
    }
    if (code == ERR_NONE) {
        Bytes *bytes = field_slot(field, value);
        bytes->data = arena_memdup(decoder->arena, head.content.data, head.content.length);
        bytes->length = head.content.length;
    }
    return code;
}

static ErrCode decode_member_struct(Decoder *decoder, const Field *field, void *value,
                                    const Path *path)
{
    return decode_struct(decoder, field->table, field_slot(field, value), path);
}

/*
 * The head of a list whose count is within its bounds; cursor_check has held it against the bytes.
 */
static ErrCode read_count(Decoder *decoder, const Field *field, HeadType type, const Path *path,
                          size_t *ret_count)
{
    Head head;
    ErrCode code = read_head(decoder, type, path, &head);
    if (code == ERR_NONE) {
        code = check_items(field, head.number, path, decoder->err);
    }
    if (code == ERR_NONE) {
        *ret_count = head.number;
    }
    return code;
}

static ErrCode decode_structs(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    size_t count = 0;
    ErrCode code = read_count(decoder, field, HEAD_ARRAY, path, &count);
    if (code != ERR_NONE) {
        return code;
    }
    size_t size = field->table->size_bytes;
    char *items = arena_alloc_array(decoder->arena, count, size);
    *(void **)field_slot(field, value) = items;
    field_set_count(field, value, count);
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        Path item = { path->up, path->name, i };
        code = decode_struct(decoder, field->table, items + i * size, &item);
    }
    return code;
}

static ErrCode decode_texts(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    size_t count = 0;
    ErrCode code = read_count(decoder, field, HEAD_ARRAY, path, &count);
    if (code != ERR_NONE) {
        return code;
    }
    const char **texts = ARENA_ARRAY(decoder->arena, const char *, count);
    *(const char ***)field_slot(field, value) = texts;
    field_set_count(field, value, count);
    Field bounds = { .min = 1, .max = field->item_max };
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        Path item = { path->up, path->name, i };
        code = read_text(decoder, &bounds, &item, &texts[i]);
    }
    return code;
}

static ErrCode decode_labels(Decoder *decoder, const Field *field, void *value, const Path *path)
{
    static const Field NAME = { .min = 1, .max = UINT32_MAX }; /* check_label has the bounds */
    static const Field VALUE = { .min = 0, .max = UINT32_MAX };
    Labels *labels = field_slot(field, value);
    ErrCode code = read_count(decoder, field, HEAD_MAP, path, &labels->count);
    if (code != ERR_NONE) {
        return code;
    }
    labels->items = ARENA_ARRAY(decoder->arena, Label, labels->count);
    for (size_t i = 0; i < labels->count && code == ERR_NONE; i++) {
        Label *label = &labels->items[i];
        Path item = { path->up, path->name, i };
        code = read_text(decoder, &NAME, &item, &label->name);
        if (code == ERR_NONE) {
            code = read_text(decoder, &VALUE, &item, &label->value);
        }
        if (code == ERR_NONE) {
            code = check_label(label, i == 0 ? NULL : label - 1, &item, decoder->err);
        }
    }
    return code;
}

typedef ErrCode (*DecodeFunction)(Decoder *, const Field *, void *, const Path *);

static const DecodeFunction DECODERS[FIELD_TYPE_COUNT_] = {
    [FIELD_U32] = decode_u32,
    [FIELD_U64] = decode_u64,
    [FIELD_I64] = decode_i64,
    [FIELD_BOOL] = decode_bool,
    [FIELD_TEXT] = decode_text,
    [FIELD_BYTES] = decode_bytes,
    [FIELD_STRUCT] = decode_member_struct,
    [FIELD_STRUCTS] = decode_structs,
    [FIELD_TEXTS] = decode_texts,
    [FIELD_LABELS] = decode_labels,
};

/* Texts read "" before anything is decoded; all else is zero already. */
static void texts_init(const FieldTable *table, void *value)
{
    for (size_t i = 0; i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        if (field->type == FIELD_TEXT) {
            *(const char **)field_slot(field, value) = "";
        } else if (field->type == FIELD_STRUCT) {
            texts_init(field->table, field_slot(field, value));
        }
    }
}

/* NULL: to this reader there is none. */
static const Field *field_by_tag(const FieldTable *table, uint32_t version, uint64_t tag)
{
    for (size_t i = 0; i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        if (field->tag == tag) {
            return field_is_known(field, version) ? field : NULL;
        }
    }
    return NULL;
}

static ErrCode skip_unknown(Decoder *decoder, uint64_t tag, const Path *path)
{
    if (decoder->reader.mode == WIRE_REFUSE_UNKNOWN) {
        path_error(path, ERR_PROTOCOL, decoder->err, "field %llu is not known",
                   (unsigned long long)tag);
        err_hint(decoder->err, "it was made by a newer skein than this one");
        return ERR_PROTOCOL;
    }
    cursor_skip(&decoder->cursor);
    return ERR_NONE;
}

/* One pair of a struct's map. `seen` has a bit per field of the table. */
static ErrCode decode_pair(Decoder *decoder, const FieldTable *table, void *value, uint64_t *seen,
                           const Path *path)
{
    Head key;
    ErrCode code = read_head(decoder, HEAD_UINT, path, &key);
    if (code != ERR_NONE) {
        return code;
    }
    const Field *field = field_by_tag(table, decoder->reader.version, key.number);
    if (field == NULL) {
        return skip_unknown(decoder, key.number, path);
    }
    Path member = { path, field->name, NO_INDEX };
    uint64_t bit = UINT64_C(1) << (field - table->fields);
    if ((*seen & bit) != 0) {
        return path_error(&member, ERR_PROTOCOL, decoder->err, "stands there twice");
    }
    *seen |= bit;
    return DECODERS[field->type](decoder, field, value, &member);
}

static ErrCode decode_struct(Decoder *decoder, const FieldTable *table, void *value,
                             const Path *path)
{
    Head head;
    ErrCode code = read_head(decoder, HEAD_MAP, path, &head);
    uint64_t seen = 0;
    texts_init(table, value);
    for (uint64_t i = 0; code == ERR_NONE && i < head.number; i++) {
        code = decode_pair(decoder, table, value, &seen, path);
    }
    for (size_t i = 0; code == ERR_NONE && i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        if ((field->flags & FIELD_REQUIRED) != 0 && (seen >> i & 1) == 0) {
            Path member = { path, field->name, NO_INDEX };
            code = path_error(&member, ERR_PROTOCOL, decoder->err, "missing");
        }
    }
    return code;
}

ErrCode wire_decode_at(const FieldTable *table, Cursor *cursor, WireReader reader, Arena *arena,
                       void **ret_value, Err *err)
{
    Decoder decoder = { *cursor, reader, arena, err };
    Path root = { NULL, table->name, NO_INDEX };
    void *value = arena_alloc(arena, table->size_bytes);
    ErrCode code = decode_struct(&decoder, table, value, &root);
    if (code == ERR_NONE) {
        *cursor = decoder.cursor;
        *ret_value = value;
    }
    return code;
}

ErrCode wire_decode(const FieldTable *table, Bytes bytes, WireReader reader, Arena *arena,
                    void **ret_value, Err *err)
{
    ErrCode code = cursor_check(bytes, err);
    if (code != ERR_NONE) {
        err_wrap(err, "%s", table->name);
        return code;
    }
    Cursor cursor = cursor_of(bytes);
    return wire_decode_at(table, &cursor, reader, arena, ret_value, err);
}
