/* Byte strings, compared and copied. */
#include "proto/values.h"

#include <string.h>

bool bytes_equal(Bytes a, Bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

Bytes bytes_copy(Arena *arena, Bytes bytes)
{
    return bytes.length == 0
               ? (Bytes){ 0 }
               : (Bytes){ arena_memdup(arena, bytes.data, bytes.length), bytes.length };
}
