/*
 * Ownership helpers: scope-bound release, transfer, and array length.
 *
 * AUTO(Type) x declares a variable that Type's registered `done` function releases when the scope
 * ends, on every path. TAKE(ptr) moves a pointer out of such a variable.
 */
#ifndef SKEIN_COMMON_CLEANUP_H
#define SKEIN_COMMON_CLEANUP_H

#include <stddef.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Registers `function(Type *)` as what AUTO(Type) calls. Place it beside Type's declaration. */
#define AUTO_DEFINE(Type, function)                                                                \
    static inline void Type##_auto_(Type *value)                                                   \
    {                                                                                              \
        function(value);                                                                           \
    }

/*
 * As above for a heap object: AUTO_PTR(Type) holds a `Type *` and `free_function(Type *)` ends it.
 */
#define AUTO_PTR_DEFINE(Type, free_function)                                                       \
    static inline void Type##_auto_ptr_(Type **value)                                              \
    {                                                                                              \
        if (*value != NULL) {                                                                      \
            free_function(*value);                                                                 \
        }                                                                                          \
    }

/* Some are there for their end alone, which clang would call unused. */
#define AUTO(Type) __attribute__((unused, cleanup(Type##_auto_))) Type
#define AUTO_PTR(Type) __attribute__((cleanup(Type##_auto_ptr_))) Type *

#define TAKE(pointer)                                                                              \
    __extension__({                                                                                \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#endif
