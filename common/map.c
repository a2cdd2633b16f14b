/* Map: a thin, typed face on uthash. Pure: libc only. */
#include "common/map.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) abort() /* out of memory: see arena.h */
#include <uthash.h>

#include "common/arena.h"

typedef struct Entry {
    UT_hash_handle hh;
    void *value;
    char key[];
} Entry;

struct Map {
    Entry *entries;
};

Map *map_new(void)
{
    return mem_alloc(sizeof(Map));
}

void map_free(Map *map)
{
    if (map == NULL) {
        return;
    }
    Entry *entry = NULL;
    Entry *next = NULL;
    HASH_ITER(hh, map->entries, entry, next) {
        HASH_DEL(map->entries, entry);
        free(entry);
    }
    free(map);
}

static Entry *find(const Map *map, const char *key)
{
    Entry *entry = NULL;
    HASH_FIND_STR(map->entries, key, entry);
    return entry;
}

void *map_put(Map *map, const char *key, void *value)
{
    Entry *entry = find(map, key);
    if (entry != NULL) {
        void *before = entry->value;
        entry->value = value;
        return before;
    }
    size_t key_bytes = strlen(key) + 1;
    entry = mem_alloc(sizeof(Entry) + key_bytes);
    memcpy(entry->key, key, key_bytes);
    entry->value = value;
    HASH_ADD_STR(map->entries, key, entry);
    return NULL;
}

void *map_get(const Map *map, const char *key)
{
    const Entry *entry = find(map, key);
    return entry == NULL ? NULL : entry->value;
}

void *map_remove(Map *map, const char *key)
{
    Entry *entry = find(map, key);
    if (entry == NULL) {
        return NULL;
    }
    void *value = entry->value;
    HASH_DEL(map->entries, entry);
    free(entry);
    return value;
}

size_t map_count(const Map *map)
{
    return HASH_COUNT(map->entries);
}

/* The cursor is the *next* entry (or a sentinel at the end), so that the current may be removed. */
bool map_next(const Map *map, void **cursor, const char **ret_key, void **ret_value)
{
    static char at_end;
    if (*cursor == &at_end) {
        return false;
    }
    Entry *entry = *cursor == NULL ? map->entries : *cursor;
    if (entry == NULL) {
        return false;
    }
    *ret_key = entry->key;
    *ret_value = entry->value;
    *cursor = entry->hh.next == NULL ? (void *)&at_end : entry->hh.next;
    return true;
}
