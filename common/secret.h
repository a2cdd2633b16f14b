/*
 * Secret: a text that must not be seen: a connection string, a key, a token. It is opaque, so that
 * it cannot be given to printf or to the log by accident; secret_reveal is the only way to the text
 * and is easily found in a review. It lies in locked memory, which is wiped when freed.
 */
#ifndef SKEIN_COMMON_SECRET_H
#define SKEIN_COMMON_SECRET_H

#include <stddef.h>

#include "common/cleanup.h"

typedef struct Secret Secret;

/* Copies. The caller wipes its own copy, if it has one. */
Secret *secret_new(const char *text);
Secret *secret_new_bytes(const void *bytes, size_t length);
void secret_free(Secret *secret); /* NULL is allowed */

AUTO_PTR_DEFINE(Secret, secret_free)

/* The text, NUL-terminated, valid as long as the secret. Pass it on; do not keep or print it. */
const char *secret_reveal(const Secret *secret);
size_t secret_length(const Secret *secret);

#endif
