/*
 * Cursor: reads msgpack where it lies, one head at a time, without allocating.
 *
 * msgpack-c's unpacker sizes its arrays by what the bytes claim (five bytes ask for 96 GB). So
 * bytes from outside are checked as a whole first, against what is really there; after cursor_check
 * every read and skip stays inside and ends.
 */
#ifndef SKEIN_PROTO_CURSOR_H
#define SKEIN_PROTO_CURSOR_H

#include <stdbool.h>

#include "common/err.h"
#include "proto/values.h"

/*
 * Nesting of arrays and maps in anything we read: ours is at most 7 deep, newer peers may add some.
 */
#define WIRE_DEPTH_MAX 16

typedef enum HeadType {
    HEAD_NONE = 0,
    HEAD_NIL,
    HEAD_BOOL,
    HEAD_UINT, /* not negative, whatever its encoding */
    HEAD_INT,  /* negative */
    HEAD_FLOAT,
    HEAD_TEXT,
    HEAD_BYTES,
    HEAD_EXT,
    HEAD_ARRAY,
    HEAD_MAP,
    HEAD_TYPE_COUNT_,
} HeadType;

/*
 * One value's head; for text, bytes, float and ext with its content, for arrays and maps without.
 */
typedef struct Head {
    HeadType type;
    uint64_t number; /* UINT; INT as two's complement; BOOL 0 or 1; items of ARRAY, pairs of MAP */
    Bytes content;   /* TEXT, BYTES, FLOAT, EXT: points into the input */
} Head;

typedef struct Cursor {
    const uint8_t *at;
    const uint8_t *end;
} Cursor;

Cursor cursor_of(Bytes bytes);

/*
 * Reads one head and steps over it. False, and the cursor unmoved: cut off, or a byte that begins
 * nothing.
 */
bool cursor_head(Cursor *cursor, Head *ret_head);

/* Steps over one whole value. Only after cursor_check. */
void cursor_skip(Cursor *cursor);

/*
 * Is `bytes` exactly one msgpack value, nested at most WIRE_DEPTH_MAX deep, with no array or map
 * that claims more items than there are bytes left? One linear pass, constant memory. ERR_PROTOCOL
 * or ERR_LIMIT with the byte at which it broke.
 */
ErrCode cursor_check(Bytes bytes, Err *err);

const char *head_type_name(HeadType type);

#endif
