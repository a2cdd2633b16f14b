/* The msgpack reader: heads by a table of forms, and the bounded check. No allocation. */
#include "proto/cursor.h"

#include "common/cleanup.h"

/* The forms 0xC0 to 0xDF: `width` bytes of number or length follow; `content` bytes after them. */
typedef struct Form {
    HeadType type;
    uint8_t width;
    uint8_t content; /* fixed length, beside what the length field says */
} Form;

static const Form FORMS[32] = {
    [0x00] = { HEAD_NIL, 0, 0 },   [0x02] = { HEAD_BOOL, 0, 0 },  [0x03] = { HEAD_BOOL, 0, 0 },
    [0x04] = { HEAD_BYTES, 1, 0 }, [0x05] = { HEAD_BYTES, 2, 0 }, [0x06] = { HEAD_BYTES, 4, 0 },
    [0x07] = { HEAD_EXT, 1, 1 },   [0x08] = { HEAD_EXT, 2, 1 },   [0x09] = { HEAD_EXT, 4, 1 },
    [0x0A] = { HEAD_FLOAT, 0, 4 }, [0x0B] = { HEAD_FLOAT, 0, 8 }, [0x0C] = { HEAD_UINT, 1, 0 },
    [0x0D] = { HEAD_UINT, 2, 0 },  [0x0E] = { HEAD_UINT, 4, 0 },  [0x0F] = { HEAD_UINT, 8, 0 },
    [0x10] = { HEAD_INT, 1, 0 },   [0x11] = { HEAD_INT, 2, 0 },   [0x12] = { HEAD_INT, 4, 0 },
    [0x13] = { HEAD_INT, 8, 0 },   [0x14] = { HEAD_EXT, 0, 2 },   [0x15] = { HEAD_EXT, 0, 3 },
    [0x16] = { HEAD_EXT, 0, 5 },   [0x17] = { HEAD_EXT, 0, 9 },   [0x18] = { HEAD_EXT, 0, 17 },
    [0x19] = { HEAD_TEXT, 1, 0 },  [0x1A] = { HEAD_TEXT, 2, 0 },  [0x1B] = { HEAD_TEXT, 4, 0 },
    [0x1C] = { HEAD_ARRAY, 2, 0 }, [0x1D] = { HEAD_ARRAY, 4, 0 }, [0x1E] = { HEAD_MAP, 2, 0 },
    [0x1F] = { HEAD_MAP, 4, 0 },
};

static const char *const TYPE_NAMES[] = {
    [HEAD_NONE] = "nothing",
    [HEAD_NIL] = "nil",
    [HEAD_BOOL] = "bool",
    [HEAD_UINT] = "unsigned integer",
    [HEAD_INT] = "negative integer",
    [HEAD_FLOAT] = "float",
    [HEAD_TEXT] = "text",
    [HEAD_BYTES] = "bytes",
    [HEAD_EXT] = "extension",
    [HEAD_ARRAY] = "array",
    [HEAD_MAP] = "map",
};
_Static_assert(ARRAY_LEN(TYPE_NAMES) == HEAD_TYPE_COUNT_, "a name per type");

const char *head_type_name(HeadType type)
{
    return (unsigned)type < HEAD_TYPE_COUNT_ ? TYPE_NAMES[type] : "invalid";
}

Cursor cursor_of(Bytes bytes)
{
    static const uint8_t NOTHING[1];
    const uint8_t *at = bytes.data == NULL ? NOTHING : bytes.data;
    return (Cursor){ at, at + bytes.length };
}

static size_t bytes_left(const Cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

static uint64_t big_endian(const uint8_t *at, size_t width)
{
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

static int64_t sign_extend(uint64_t number, size_t width)
{
    unsigned shift = 64 - 8 * (unsigned)width;
    return (int64_t)(number << shift) >> shift;
}

static Head signed_head(int64_t value)
{
    return (Head){ .type = value < 0 ? HEAD_INT : HEAD_UINT, .number = (uint64_t)value };
}

/* The forms that carry their number or length in the first byte: all but 0xC0 to 0xDF. */
static Head fix_head(uint8_t first, size_t *ret_content)
{
    *ret_content = 0;
    if (first >= 0xE0) {
        return signed_head((int8_t)first);
    }
    if (first < 0x80) {
        return (Head){ .type = HEAD_UINT, .number = first };
    }
    if (first < 0xA0) {
        return (Head){ .type = first < 0x90 ? HEAD_MAP : HEAD_ARRAY, .number = first & 15u };
    }
    *ret_content = first & 31u;
    return (Head){ .type = HEAD_TEXT };
}

static bool form_head(const Cursor *cursor, Head *ret_head, size_t *ret_width, size_t *ret_content)
{
    uint8_t first = *cursor->at;
    Form form = FORMS[first - 0xC0];
    if (form.type == HEAD_NONE || bytes_left(cursor) - 1 < form.width) {
        return false;
    }
    uint64_t number = big_endian(cursor->at + 1, form.width);
    *ret_width = form.width;
    *ret_content = form.content;
    *ret_head = (Head){ .type = form.type, .number = number };
    if (form.type == HEAD_BOOL) {
        ret_head->number = first & 1u;
    } else if (form.type == HEAD_INT) {
        *ret_head = signed_head(sign_extend(number, form.width));
    } else if (form.type == HEAD_BYTES || form.type == HEAD_TEXT || form.type == HEAD_EXT) {
        *ret_content += number; /* at most 2^32 + 17 */
    }
    return true;
}

bool cursor_head(Cursor *cursor, Head *ret_head)
{
    if (bytes_left(cursor) == 0) {
        return false;
    }
    Head head;
    size_t width = 0;
    size_t content = 0;
    uint8_t first = *cursor->at;
    if (first >= 0xC0 && first < 0xE0) {
        if (!form_head(cursor, &head, &width, &content)) {
            return false;
        }
    } else {
        head = fix_head(first, &content);
    }
    const uint8_t *start = cursor->at + 1 + width;
    if ((size_t)(cursor->end - start) < content) {
        return false;
    }
    head.content = (Bytes){ start, content };
    cursor->at = start + content;
    *ret_head = head;
    return true;
}

/* Values that follow inside: a map's pairs are two each. */
static uint64_t items_inside(const Head *head)
{
    if (head->type == HEAD_MAP) {
        return 2 * head->number;
    }
    return head->type == HEAD_ARRAY ? head->number : 0;
}

void cursor_skip(Cursor *cursor)
{
    Head head;
    for (uint64_t left = 1; left > 0 && cursor_head(cursor, &head); left--) {
        left += items_inside(&head);
    }
}

static ErrCode head_error(const Cursor *cursor, size_t at, Err *err)
{
    if (bytes_left(cursor) > 0 && *cursor->at == 0xC1) {
        return err_set(err, ERR_PROTOCOL, "byte %zu: 0xC1 begins no value", at);
    }
    return err_set(err, ERR_PROTOCOL, "byte %zu: cut off in the middle of a value", at);
}

ErrCode cursor_check(Bytes bytes, Err *err)
{
    Cursor cursor = cursor_of(bytes);
    uint64_t left[WIRE_DEPTH_MAX + 1] = { 1 }; /* values still to come, by depth */
    size_t depth = 0;
    while (depth > 0 || left[0] > 0) {
        size_t at = bytes.length - bytes_left(&cursor);
        Head head;
        if (!cursor_head(&cursor, &head)) {
            return head_error(&cursor, at, err);
        }
        left[depth]--;
        uint64_t items = items_inside(&head);
        if (items > bytes_left(&cursor)) {
            return err_set(err, ERR_LIMIT, "byte %zu: %llu values claimed, %zu bytes left", at,
                           (unsigned long long)items, bytes_left(&cursor));
        }
        if (items > 0) {
            if (depth == WIRE_DEPTH_MAX) {
                return err_set(err, ERR_LIMIT, "byte %zu: nested deeper than %d", at,
                               WIRE_DEPTH_MAX);
            }
            left[++depth] = items;
        }
        while (depth > 0 && left[depth] == 0) {
            depth--;
        }
    }
    if (bytes_left(&cursor) > 0) {
        return err_set(err, ERR_PROTOCOL, "%zu bytes after the end", bytes_left(&cursor));
    }
    return ERR_NONE;
}
