/*
 * Value types that field tables speak of (wire.h) and messages are made of: byte strings and
 * labels.
 */
#ifndef SKEIN_PROTO_VALUES_H
#define SKEIN_PROTO_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

typedef struct Bytes {
    const uint8_t *data;
    size_t length;
} Bytes;

bool bytes_equal(Bytes a, Bytes b);
Bytes bytes_copy(Arena *arena, Bytes bytes);

typedef struct Label {
    const char *name;
    const char *value;
} Label;

typedef struct Labels {
    Label *items; /* sorted by name, each name once */
    size_t count;
} Labels;

#endif
