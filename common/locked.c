/* Locked memory: libsodium's, with what it does not tell. */
#include "common/locked.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sodium.h>

static atomic_bool g_is_spilt;

/* libsodium ends a piece where its guard page begins: only a whole number of these is aligned. */
static size_t aligned(size_t size_bytes)
{
    size_t align = _Alignof(max_align_t);
    if (size_bytes > SIZE_MAX - align) {
        abort();
    }
    return (size_bytes + align - 1) / align * align;
}

void *locked_alloc(size_t size_bytes)
{
    size_t size = aligned(size_bytes == 0 ? 1 : size_bytes);
    void *memory = sodium_init() < 0 ? NULL : sodium_malloc(size);
    if (memory == NULL) {
        abort();
    }
    /* sodium_malloc has tried that, and goes on in silence where it may not. */
    if (sodium_mlock(memory, size) != 0) {
        atomic_store(&g_is_spilt, true);
    }
    sodium_memzero(memory, size);
    return memory;
}

void locked_free(void *memory)
{
    sodium_free(memory);
}

bool locked_is_kept(void)
{
    return !atomic_load(&g_is_spilt);
}
