/*
 * The generic codec: one encoder, decoder, validator and printer for everything that is described
 * by a field table. A struct travels as a msgpack map from tag to value.
 *
 * Tags are never reused. A reader skips tags that it does not know, so fields can be added; an
 * optional field with its default value (0, false, "", no items) is left out. The encoding is
 * deterministic: tags in ascending order, every number and length in its shortest form.
 *
 * Every field is known from some protocol version on. What is said in an older version leaves it
 * out, and what is read in an older version has its default, whatever its writer put there.
 *
 * Errors carry the path: "GOAL.identity.schema: longer than 63 bytes".
 *   ERR_LIMIT     a length, count or number is outside its bounds
 *   ERR_PROTOCOL  anything else: cut off, wrong type, missing, doubled, not UTF-8
 */
#ifndef SKEIN_PROTO_WIRE_H
#define SKEIN_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"
#include "proto/cursor.h"
#include "proto/values.h"

/* Member types: uint32_t, uint64_t, int64_t, bool, const char *, Bytes, a struct by value, … */
typedef enum FieldType {
    FIELD_NONE = 0,
    FIELD_U32,
    FIELD_U64,
    FIELD_I64,
    FIELD_BOOL,
    FIELD_TEXT, /* UTF-8 without NUL */
    FIELD_BYTES,
    FIELD_STRUCT,
    FIELD_STRUCTS, /* … pointer and count */
    FIELD_TEXTS,   /* … const char ** and count */
    FIELD_LABELS,  /* … Labels: a map from text to text, sorted by name */
    FIELD_TYPE_COUNT_,
} FieldType;

typedef enum FieldFlags {
    FIELD_OPTIONAL = 0,
    FIELD_REQUIRED = 1, /* always encoded, also when zero; absent is an error */
    FIELD_PRIVATE = 2,  /* never printed: SQL, and what may carry literals */
} FieldFlags;

/* Besides the flags: the protocol version that brought the field. Without it: the first. */
#define FIELD_SINCE(version) ((unsigned)(version) << FIELD_SINCE_SHIFT)
#define FIELD_SINCE_SHIFT 8

typedef struct FieldTable FieldTable;

typedef struct Field {
    uint32_t tag; /* from 1 */
    const char *name;
    FieldType type;
    unsigned flags;      /* FieldFlags, FIELD_SINCE */
    size_t offset;       /* of the value, or of the pointer to the items */
    size_t count_offset; /* STRUCTS, TEXTS: of the size_t that counts the items */
    uint64_t min;        /* number; bytes of TEXT and BYTES; items. Holds for what is present */
    uint64_t max;
    uint64_t item_max;             /* TEXTS: bytes of one item */
    const FieldTable *table;       /* STRUCT, STRUCTS */
    const char *(*word)(uint32_t); /* U32 of an enum: its names, for printing */
    const char *doc;               /* one line, for people who write a second implementation */
} Field;

struct FieldTable {
    const char *name; /* how paths begin when it is the outermost: "GOAL" */
    size_t size_bytes;
    const Field *fields; /* in ascending order of their tags; at most FIELDS_MAX */
    size_t field_count;
};

#define FIELDS_MAX 64

/* --- The rows of a table. The member's type is checked when the table is compiled. --- */

#define MEMBER_(Type, member, MemberType)                                                          \
    (offsetof(Type, member) +                                                                      \
     0 * sizeof(char[_Generic(((Type *)0)->member, MemberType : 1, default                         \
                              : -1)]))

#define NUMBER_(tag_, Type, member, kind, MemberType, flags_, min_, max_, word_, doc_)             \
    {                                                                                              \
        .tag = (tag_), .name = #member, .type = (kind), .flags = (flags_),                         \
        .offset = MEMBER_(Type, member, MemberType), .min = (min_), .max = (max_),                 \
        .word = (word_), .doc = (doc_)                                                             \
    }

#define ROW_U32(tag_, Type, member, flags_, min_, max_, doc_)                                      \
    NUMBER_(tag_, Type, member, FIELD_U32, uint32_t, flags_, min_, max_, NULL, doc_)
#define ROW_ENUM(tag_, Type, member, flags_, count_, word_, doc_)                                  \
    NUMBER_(tag_, Type, member, FIELD_U32, uint32_t, flags_, ((flags_)&FIELD_REQUIRED) ? 1 : 0,    \
            (count_)-1, word_, doc_)
#define ROW_U64(tag_, Type, member, flags_, doc_)                                                  \
    NUMBER_(tag_, Type, member, FIELD_U64, uint64_t, flags_, 0, UINT64_MAX, NULL, doc_)
#define ROW_I64(tag_, Type, member, flags_, doc_)                                                  \
    NUMBER_(tag_, Type, member, FIELD_I64, int64_t, flags_, 0, 0, NULL, doc_)
#define ROW_BOOL(tag_, Type, member, flags_, doc_)                                                 \
    NUMBER_(tag_, Type, member, FIELD_BOOL, bool, flags_, 0, 1, NULL, doc_)
#define ROW_TEXT(tag_, Type, member, flags_, min_, max_, doc_)                                     \
    NUMBER_(tag_, Type, member, FIELD_TEXT, const char *, flags_, min_, max_, NULL, doc_)
#define ROW_BYTES(tag_, Type, member, flags_, min_, max_, doc_)                                    \
    NUMBER_(tag_, Type, member, FIELD_BYTES, Bytes, flags_, min_, max_, NULL, doc_)
#define ROW_LABELS(tag_, Type, member, max_, doc_)                                                 \
    NUMBER_(tag_, Type, member, FIELD_LABELS, Labels, FIELD_OPTIONAL, 0, max_, NULL, doc_)

#define ROW_STRUCT(tag_, Type, member, MemberType, flags_, table_, doc_)                           \
    {                                                                                              \
        .tag = (tag_), .name = #member, .type = FIELD_STRUCT, .flags = (flags_),                   \
        .offset = MEMBER_(Type, member, MemberType), .table = (table_), .doc = (doc_)              \
    }
#define ROW_STRUCTS(tag_, Type, member, count, ItemType, flags_, min_, max_, table_, doc_)         \
    {                                                                                              \
        .tag = (tag_), .name = #member, .type = FIELD_STRUCTS, .flags = (flags_),                  \
        .offset = MEMBER_(Type, member, ItemType *), .count_offset = MEMBER_(Type, count, size_t), \
        .min = (min_), .max = (max_), .table = (table_), .doc = (doc_)                             \
    }
#define ROW_TEXTS(tag_, Type, member, count, max_, item_max_, doc_)                                \
    {                                                                                              \
        .tag = (tag_), .name = #member, .type = FIELD_TEXTS,                                       \
        .offset = MEMBER_(Type, member, const char **),                                            \
        .count_offset = MEMBER_(Type, count, size_t), .max = (max_), .item_max = (item_max_),      \
        .doc = (doc_)                                                                              \
    }

#define FIELD_TABLE(name_, Type, rows)                                                             \
    {                                                                                              \
        .name = (name_), .size_bytes = sizeof(Type), .fields = (rows),                             \
        .field_count = ARRAY_LEN(rows)                                                             \
    }

/* --- What the tables drive. --- */

#define WIRE_NEWEST UINT32_MAX /* as version: every field that there is */

/*
 * Appends the encoding of the struct at `value` to `out`, as protocol version `version` has it.
 * Nothing is sent that a reader would refuse: the same checks as for decoding, as local errors.
 * `out` is unspecified after an error.
 */
ErrCode wire_encode(const FieldTable *table, uint32_t version, const void *value, Str *out,
                    Err *err);

/* The lowest protocol version in which all of the struct at `value` can be said. */
uint32_t wire_needs(const FieldTable *table, const void *value);

typedef enum WireMode {
    WIRE_SKIP_UNKNOWN = 0, /* messages: a newer peer may say more */
    WIRE_REFUSE_UNKNOWN,   /* signed documents: what is not understood is not half-done */
} WireMode;

/* As whom to read: a field that came after `version` is unknown. */
typedef struct WireReader {
    uint32_t version;
    WireMode mode;
} WireReader;

/*
 * Decodes `bytes`, all of them, into a new struct in `arena`. Everything it points to lives there
 * too. Checks nesting and counts first; never allocates more than the tables' limits and the bytes
 * present allow. Absent optional texts are "", never NULL.
 */
ErrCode wire_decode(const FieldTable *table, Bytes bytes, WireReader reader, Arena *arena,
                    void **ret_value, Err *err);

/* The same for one value inside bytes that cursor_check has passed; steps over it. */
ErrCode wire_decode_at(const FieldTable *table, Cursor *cursor, WireReader reader, Arena *arena,
                       void **ret_value, Err *err);

/*
 * One line for logs: {rollout=r1, stamp={term=3, attempt=1}}. Defaults are left out, controls
 * escaped.
 */
void wire_print(const FieldTable *table, const void *value, Str *out);

/* The table as Markdown: a heading row and a row per field. */
void wire_document(const FieldTable *table, Str *out);

/*
 * Is the table itself sound: tags ascending from 1, names unique, members inside the struct, bounds
 * in order, sub-tables sound? For tests. ERR_INTERNAL names what is wrong.
 */
ErrCode wire_table_check(const FieldTable *table, Err *err);

const char *field_type_name(FieldType type);

#endif
