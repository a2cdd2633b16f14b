/* The codec's common ground: paths, bounds, defaults, and the soundness of tables. */
#include "proto/wire.h"

#include <stdarg.h>
#include <string.h>

#include "common/utf8.h"
#include "proto/orders.h"
#include "proto/wire_internal.h"

static const char *const TYPE_NAMES[] = {
    [FIELD_NONE] = "none",
    [FIELD_U32] = "u32",
    [FIELD_U64] = "u64",
    [FIELD_I64] = "i64",
    [FIELD_BOOL] = "bool",
    [FIELD_TEXT] = "text",
    [FIELD_BYTES] = "bytes",
    [FIELD_STRUCT] = "struct",
    [FIELD_STRUCTS] = "list of structs",
    [FIELD_TEXTS] = "list of texts",
    [FIELD_LABELS] = "labels",
};
_Static_assert(ARRAY_LEN(TYPE_NAMES) == FIELD_TYPE_COUNT_, "a name per type");

const char *field_type_name(FieldType type)
{
    return (unsigned)type < FIELD_TYPE_COUNT_ ? TYPE_NAMES[type] : "invalid";
}

static void path_write(const Path *path, Str *out)
{
    if (path->up != NULL) {
        path_write(path->up, out);
        str_append_char(out, '.');
    }
    str_append(out, path->name);
    if (path->index != NO_INDEX) {
        str_printf(out, "[%zu]", path->index);
    }
}

ErrCode path_error(const Path *path, ErrCode code, Err *err, const char *format, ...)
{
    AUTO(Str) where = { 0 };
    path_write(path, &where);
    char what[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    text_format_args(what, sizeof(what), format, args);
    va_end(args);
    return err_set(err, code, "%s: %s", str_text(&where), what);
}

static ErrCode below(const Field *field, uint64_t number, const char *unit, const Path *path,
                     Err *err)
{
    if (number == 0) {
        return path_error(path, ERR_LIMIT, err, "empty");
    }
    return path_error(path, ERR_LIMIT, err, "%llu %s, at least %llu wanted",
                      (unsigned long long)number, unit, (unsigned long long)field->min);
}

ErrCode check_number(const Field *field, uint64_t number, const Path *path, Err *err)
{
    if (number < field->min) {
        return path_error(path, ERR_LIMIT, err, "%llu is below %llu", (unsigned long long)number,
                          (unsigned long long)field->min);
    }
    if (number > field->max) {
        return path_error(path, ERR_LIMIT, err, "%llu is above %llu", (unsigned long long)number,
                          (unsigned long long)field->max);
    }
    return ERR_NONE;
}

ErrCode check_bytes(const Field *field, uint64_t length, const Path *path, Err *err)
{
    if (length > field->max) {
        return path_error(path, ERR_LIMIT, err, "longer than %llu bytes",
                          (unsigned long long)field->max);
    }
    return length < field->min ? below(field, length, "bytes", path, err) : ERR_NONE;
}

ErrCode check_items(const Field *field, uint64_t count, const Path *path, Err *err)
{
    if (count > field->max) {
        return path_error(path, ERR_LIMIT, err, "more than %llu items",
                          (unsigned long long)field->max);
    }
    return count < field->min ? below(field, count, "items", path, err) : ERR_NONE;
}

ErrCode check_characters(const char *text, size_t length, const Path *path, Err *err)
{
    if (memchr(text, '\0', length) != NULL) {
        return path_error(path, ERR_PROTOCOL, err, "contains a NUL");
    }
    if (!utf8_is_valid(text, length)) {
        return path_error(path, ERR_PROTOCOL, err, "not valid UTF-8");
    }
    return ERR_NONE;
}

ErrCode check_label(const Label *label, const Label *before, const Path *path, Err *err)
{
    static const Field NAME = { .min = 1, .max = LABEL_BYTES_MAX };
    static const Field VALUE = { .min = 0, .max = LABEL_BYTES_MAX };
    size_t name_length = strlen(label->name);
    size_t value_length = strlen(label->value);
    ErrCode code = check_bytes(&NAME, name_length, path, err);
    if (code == ERR_NONE) {
        code = check_bytes(&VALUE, value_length, path, err);
    }
    if (code == ERR_NONE) {
        code = check_characters(label->name, name_length, path, err);
    }
    if (code == ERR_NONE) {
        code = check_characters(label->value, value_length, path, err);
    }
    if (code == ERR_NONE && before != NULL && strcmp(before->name, label->name) >= 0) {
        code = path_error(path, ERR_PROTOCOL, err, "not sorted by name, or a name twice");
    }
    return code;
}

const void *field_item(const Field *field, const void *value, size_t index)
{
    const char *items = *(const char *const *)field_at(field, value);
    return items + index * field->table->size_bytes;
}

static bool struct_is_default(const FieldTable *table, const void *value, uint32_t version)
{
    for (size_t i = 0; i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        if (field_is_known(field, version) && !field_is_default(field, value, version)) {
            return false;
        }
    }
    return true;
}

bool field_is_default(const Field *field, const void *value, uint32_t version)
{
    const void *at = field_at(field, value);
    switch (field->type) {
    case FIELD_U32:
        return *(const uint32_t *)at == 0;
    case FIELD_U64:
        return *(const uint64_t *)at == 0;
    case FIELD_I64:
        return *(const int64_t *)at == 0;
    case FIELD_BOOL:
        return !*(const bool *)at;
    case FIELD_TEXT:
        return field_text(field, value)[0] == '\0';
    case FIELD_BYTES:
        return ((const Bytes *)at)->length == 0;
    case FIELD_STRUCT:
        return struct_is_default(field->table, at, version);
    case FIELD_STRUCTS:
    case FIELD_TEXTS:
        return field_count(field, value) == 0;
    case FIELD_LABELS:
        return ((const Labels *)at)->count == 0;
    case FIELD_NONE:
    case FIELD_TYPE_COUNT_:
        break;
    }
    return true;
}

static uint32_t later(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* What is in a field that is sent. */
static uint32_t field_needs(const Field *field, const void *value)
{
    uint32_t needs = field_since(field);
    if (field->type == FIELD_STRUCT) {
        return later(needs, wire_needs(field->table, field_at(field, value)));
    }
    size_t count = field->type == FIELD_STRUCTS ? field_count(field, value) : 0;
    for (size_t i = 0; i < count; i++) {
        needs = later(needs, wire_needs(field->table, field_item(field, value, i)));
    }
    return needs;
}

uint32_t wire_needs(const FieldTable *table, const void *value)
{
    uint32_t needs = 1;
    for (size_t i = 0; i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        if (field_is_sent(field, value, WIRE_NEWEST)) {
            needs = later(needs, field_needs(field, value));
        }
    }
    return needs;
}

static size_t member_size(const Field *field)
{
    switch (field->type) {
    case FIELD_U32:
        return sizeof(uint32_t);
    case FIELD_BOOL:
        return sizeof(bool);
    case FIELD_BYTES:
        return sizeof(Bytes);
    case FIELD_LABELS:
        return sizeof(Labels);
    case FIELD_STRUCT:
        return field->table->size_bytes;
    default:
        return sizeof(uint64_t); /* 64-bit numbers and pointers */
    }
}

/* What is wrong with one row, or NULL. */
static const char *field_fault(const FieldTable *table, size_t index)
{
    const Field *field = &table->fields[index];
    bool has_table = field->type == FIELD_STRUCT || field->type == FIELD_STRUCTS;
    if (field->type == FIELD_NONE || field->type >= FIELD_TYPE_COUNT_) {
        return "no type";
    }
    if (field->tag == 0 || (index > 0 && field->tag <= field[-1].tag)) {
        return "its tag does not ascend";
    }
    if (has_table != (field->table != NULL)) {
        return "a table where none belongs, or none where one does";
    }
    size_t size = member_size(field);
    if (size > table->size_bytes || field->offset > table->size_bytes - size) {
        return "outside the struct";
    }
    if (field->min > field->max) {
        return "bounds out of order";
    }
    if (field_since(field) > 1 && (field->flags & FIELD_REQUIRED) != 0) {
        return "required, and an older version does not have it";
    }
    if (field->doc == NULL || field->doc[0] == '\0') {
        return "no doc";
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(table->fields[i].name, field->name) == 0) {
            return "its name stands there twice";
        }
    }
    return NULL;
}

ErrCode wire_table_check(const FieldTable *table, Err *err)
{
    if (table->field_count > FIELDS_MAX) {
        return err_set(err, ERR_INTERNAL, "%s: more than %d fields", table->name, FIELDS_MAX);
    }
    for (size_t i = 0; i < table->field_count; i++) {
        const Field *field = &table->fields[i];
        const char *fault = field_fault(table, i);
        if (fault != NULL) {
            return err_set(err, ERR_INTERNAL, "%s.%s: %s", table->name, field->name, fault);
        }
        if (field->table != NULL && wire_table_check(field->table, err) != ERR_NONE) {
            return err_wrap(err, "%s.%s", table->name, field->name);
        }
    }
    return ERR_NONE;
}
