/*
 * Arena: memory for one unit of work (a message, a request, a command), released at once.
 *
 * Allocation never fails: when memory is out the process aborts (state is durable, a restart
 * replays). Sizes that come from outside are bounded by the caller before they get here.
 */
#ifndef SKEIN_COMMON_ARENA_H
#define SKEIN_COMMON_ARENA_H

#include <stddef.h>

#include "common/cleanup.h"

typedef struct ArenaChunk ArenaChunk;

/* Zero-initialised is empty and valid. Not copied: it owns its chunks. Not thread-safe. */
typedef struct Arena {
    ArenaChunk *chunks;
} Arena;

/* Zeroed memory, aligned for any type, valid until arena_done. Size 0 is allowed. */
void *arena_alloc(Arena *arena, size_t size_bytes);

#define ARENA_NEW(arena, Type) ((Type *)arena_alloc((arena), sizeof(Type)))
#define ARENA_ARRAY(arena, Type, count) ((Type *)arena_alloc_array((arena), (count), sizeof(Type)))

/* Aborts when count * size overflows. */
void *arena_alloc_array(Arena *arena, size_t count, size_t size_bytes);

/* NUL-terminated copies. arena_strdup(NULL) is NULL. */
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t length);
void *arena_memdup(Arena *arena, const void *bytes, size_t length);
char *arena_printf(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Releases everything; the arena is empty and usable again. */
void arena_done(Arena *arena);

AUTO_DEFINE(Arena, arena_done)

/* malloc family that aborts instead of failing, for objects with a life of their own. */
void *mem_alloc(size_t size_bytes); /* zeroed */
void *mem_realloc(void *memory, size_t size_bytes);
char *mem_strdup(const char *text);

#endif
