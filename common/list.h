/*
 * LIST(T): a typed, growable array. Zero-initialised is empty and valid.
 *
 *     LIST(int) numbers = { 0 };
 *     LIST_PUSH(&numbers, 7);
 *     LIST_DONE(&numbers);
 *
 * Growing never fails (see arena.h); items move when it grows, so hold indexes, not pointers.
 */
#ifndef SKEIN_COMMON_LIST_H
#define SKEIN_COMMON_LIST_H

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

#define LIST(T)                                                                                    \
    struct {                                                                                       \
        T *items;                                                                                  \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

#define LIST_PUSH(list, value)                                                                     \
    do {                                                                                           \
        LIST_RESERVE((list), (list)->count + 1);                                                   \
        (list)->items[(list)->count++] = (value);                                                  \
    } while (0)

/* Room for `need` items in all. */
#define LIST_RESERVE(list, need)                                                                   \
    ((list)->items =                                                                               \
         list_reserve_((list)->items, &(list)->capacity, (need), sizeof(*(list)->items)))

/* Removes the item at `index`, keeping the order of the others. */
#define LIST_REMOVE(list, index)                                                                   \
    do {                                                                                           \
        size_t at_ = (index);                                                                      \
        memmove(&(list)->items[at_], &(list)->items[at_ + 1],                                      \
                ((list)->count - at_ - 1) * sizeof(*(list)->items));                               \
        (list)->count--;                                                                           \
    } while (0)

#define LIST_CLEAR(list) ((list)->count = 0)

#define LIST_DONE(list)                                                                            \
    do {                                                                                           \
        free((list)->items);                                                                       \
        memset((list), 0, sizeof(*(list)));                                                        \
    } while (0)

/* An empty list has no items to count from: NULL + 0 is undefined in C. */
#define LIST_EACH(item, list)                                                                      \
    for (__typeof__(*(list)->items) *item = (list)->items,                                         \
                                    *end_##item = item == NULL ? NULL : item + (list)->count;      \
         item < end_##item; item++)

static inline void *list_reserve_(void *items, size_t *capacity, size_t need, size_t item_bytes)
{
    if (need <= *capacity) {
        return items;
    }
    size_t grown = *capacity < 8 ? 8 : *capacity;
    while (grown < need) {
        grown *= 2;
    }
    size_t bytes = 0;
    if (__builtin_mul_overflow(grown, item_bytes, &bytes)) {
        abort();
    }
    *capacity = grown;
    return mem_realloc(items, bytes);
}

#endif
