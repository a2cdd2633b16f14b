/*
 * Map: text keys to pointers. The keys are copied, the values are the caller's.
 * Iteration is in the order of insertion. Not thread-safe.
 */
#ifndef SKEIN_COMMON_MAP_H
#define SKEIN_COMMON_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/cleanup.h"

typedef struct Map Map;

Map *map_new(void);
void map_free(Map *map); /* NULL is allowed; values are not touched */

AUTO_PTR_DEFINE(Map, map_free)

/* Sets or replaces. Returns the value that was there before, or NULL. */
void *map_put(Map *map, const char *key, void *value);
void *map_get(const Map *map, const char *key); /* NULL: absent */
void *map_remove(Map *map, const char *key);    /* the value that was there, or NULL */
size_t map_count(const Map *map);

/*
 * Iteration: start with *cursor = NULL; false at the end. The current entry may be removed while
 * iterating; nothing else may change.
 */
bool map_next(const Map *map, void **cursor, const char **ret_key, void **ret_value);

#endif
