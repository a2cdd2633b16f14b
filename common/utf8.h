/* UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. Pure. */
#ifndef SKEIN_COMMON_UTF8_H
#define SKEIN_COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes of the well-formed character at text[0], or 0 when there is none. `length` > 0 is what is
 * there.
 */
size_t utf8_character(const char *text, size_t length);

bool utf8_is_valid(const char *text, size_t length);

#endif
