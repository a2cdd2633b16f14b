/* Secret: a wiped heap block behind an opaque type. */
#include "common/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "common/arena.h"

struct Secret {
    size_t length;
    char text[];
};

Secret *secret_new_bytes(const void *bytes, size_t length)
{
    Secret *secret = mem_alloc(sizeof(Secret) + length + 1);
    secret->length = length;
    if (length > 0) {
        memcpy(secret->text, bytes, length);
    }
    return secret;
}

Secret *secret_new(const char *text)
{
    return secret_new_bytes(text, strlen(text));
}

void secret_free(Secret *secret)
{
    if (secret == NULL) {
        return;
    }
    sodium_memzero(secret->text, secret->length);
    free(secret);
}

const char *secret_reveal(const Secret *secret)
{
    return secret->text;
}

size_t secret_length(const Secret *secret)
{
    return secret->length;
}
