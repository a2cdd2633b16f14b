/*
 * Locked memory, for what is to be found nowhere else: a page of its own between guard pages, kept
 * in RAM (mlock), left out of core dumps, wiped when freed. Each piece takes whole pages: for keys
 * and passwords, not for data.
 *
 * A system that lets a process lock less than that is no reason not to run: the piece is then as
 * good as it can be, and locked_is_kept says so from then on.
 */
#ifndef SKEIN_COMMON_LOCKED_H
#define SKEIN_COMMON_LOCKED_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroes. Never NULL: out of memory ends the process. Any thread. */
void *locked_alloc(size_t size_bytes);
void locked_free(void *memory); /* NULL is allowed */

/* False once a piece could not be locked, and may have been written to swap. */
bool locked_is_kept(void);

#endif
