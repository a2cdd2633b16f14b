/*
 * What the codec's parts (wire*.c) share: paths, access to members, and the checks of both
 * directions.
 */
#ifndef SKEIN_PROTO_WIRE_INTERNAL_H
#define SKEIN_PROTO_WIRE_INTERNAL_H

#include "proto/wire.h"

/* Where in a value we are: a chain on the stack from the innermost name outward. */
typedef struct Path {
    const struct Path *up; /* NULL: the table's own name */
    const char *name;
    size_t index; /* of the item; NO_INDEX: not in a list */
} Path;

#define NO_INDEX SIZE_MAX

/* Sets *err to "PATH: text" and returns `code`. */
ErrCode path_error(const Path *path, ErrCode code, Err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Bounds of a number, of a length in bytes, of a count of items. */
ErrCode check_number(const Field *field, uint64_t number, const Path *path, Err *err);
ErrCode check_bytes(const Field *field, uint64_t length, const Path *path, Err *err);
ErrCode check_items(const Field *field, uint64_t count, const Path *path, Err *err);

/* Valid UTF-8 without NUL. */
ErrCode check_characters(const char *text, size_t length, const Path *path, Err *err);

/* One label against the one before it (NULL: it is the first): lengths, characters, order. */
ErrCode check_label(const Label *label, const Label *before, const Path *path, Err *err);

static inline const void *field_at(const Field *field, const void *value)
{
    return (const char *)value + field->offset;
}

static inline void *field_slot(const Field *field, void *value)
{
    return (char *)value + field->offset;
}

static inline size_t field_count(const Field *field, const void *value)
{
    return *(const size_t *)(const void *)((const char *)value + field->count_offset);
}

static inline void field_set_count(const Field *field, void *value, size_t count)
{
    *(size_t *)(void *)((char *)value + field->count_offset) = count;
}

/* An unset text member of a caller's struct counts as "". */
static inline const char *field_text(const Field *field, const void *value)
{
    const char *text = *(const char *const *)field_at(field, value);
    return text == NULL ? "" : text;
}

/* Item `index` of a FIELD_STRUCTS member. */
const void *field_item(const Field *field, const void *value, size_t index);

static inline uint32_t field_since(const Field *field)
{
    uint32_t since = field->flags >> FIELD_SINCE_SHIFT;
    return since == 0 ? 1 : since;
}

static inline bool field_is_known(const Field *field, uint32_t version)
{
    return field_since(field) <= version;
}

/* Does the member have the value that an absent field reads as, to a reader of `version`? */
bool field_is_default(const Field *field, const void *value, uint32_t version);

static inline bool field_is_sent(const Field *field, const void *value, uint32_t version)
{
    return field_is_known(field, version) &&
           ((field->flags & FIELD_REQUIRED) != 0 || !field_is_default(field, value, version));
}

#endif
