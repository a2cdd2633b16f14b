/* Arena: chained chunks, bump allocation, one release. Pure: libc only. */
#include "common/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Thousands of arenas live long and hold a few names each; chunks double until they are worth a
 * page or two. */
#define CHUNK_MIN_BYTES 512
#define CHUNK_MAX_BYTES 8192

struct ArenaChunk {
    ArenaChunk *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

void *mem_alloc(size_t size_bytes)
{
    void *memory = calloc(1, size_bytes == 0 ? 1 : size_bytes);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void *mem_realloc(void *memory, size_t size_bytes)
{
    void *grown = realloc(memory, size_bytes == 0 ? 1 : size_bytes);
    if (grown == NULL) {
        abort();
    }
    return grown;
}

char *mem_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

static ArenaChunk *chunk_add(Arena *arena, size_t need_bytes)
{
    size_t size = arena->chunks == NULL ? CHUNK_MIN_BYTES : CHUNK_MAX_BYTES;
    if (arena->chunks != NULL && arena->chunks->size < CHUNK_MAX_BYTES / 2) {
        size = 2 * arena->chunks->size;
    }
    size = need_bytes > size ? need_bytes : size;
    if (size > SIZE_MAX - sizeof(ArenaChunk)) {
        abort();
    }
    ArenaChunk *chunk = mem_alloc(sizeof(ArenaChunk) + size);
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(Arena *arena, size_t size_bytes)
{
    size_t align = _Alignof(max_align_t);
    if (size_bytes > SIZE_MAX - align) {
        abort();
    }
    size_t rounded = (size_bytes + align - 1) / align * align;
    ArenaChunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < rounded) {
        chunk = chunk_add(arena, rounded);
    }
    void *memory = (char *)chunk->data + chunk->used;
    chunk->used += rounded;
    return memory;
}

void *arena_alloc_array(Arena *arena, size_t count, size_t size_bytes)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size_bytes, &total)) {
        abort();
    }
    return arena_alloc(arena, total);
}

void *arena_memdup(Arena *arena, const void *bytes, size_t length)
{
    void *copy = arena_alloc(arena, length);
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

char *arena_strndup(Arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strndup(arena, text, strlen(text));
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        abort();
    }
    char *text = arena_alloc(arena, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

void arena_done(Arena *arena)
{
    while (arena->chunks != NULL) {
        ArenaChunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
}
