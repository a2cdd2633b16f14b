/* Secret: a piece of locked memory behind an opaque type. */
#include "common/secret.h"

#include <string.h>

#include "common/locked.h"

struct Secret {
    size_t length;
    char text[];
};

Secret *secret_new_bytes(const void *bytes, size_t length)
{
    Secret *secret = locked_alloc(sizeof(Secret) + length + 1);
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
    locked_free(secret);
}

const char *secret_reveal(const Secret *secret)
{
    return secret->text;
}

size_t secret_length(const Secret *secret)
{
    return secret->length;
}
