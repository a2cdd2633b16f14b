/* The environment: moved as a whole, since no list of the variables that matter would be complete.
 */
#include "common/environment.h"

#include <string.h>
#include <unistd.h>
#include <sodium.h>

#include "common/locked.h"

static size_t size_of(char *const *variables)
{
    size_t size = 0;
    for (; *variables != NULL; variables++) {
        size += strlen(*variables) + 1;
    }
    return size;
}

void environment_hide(void)
{
    if (environ == NULL || *environ == NULL) {
        return;
    }
    char *to = locked_alloc(size_of(environ)); /* for as long as the process lives */
    for (char **variable = environ; *variable != NULL; variable++) {
        size_t length = strlen(*variable);
        memcpy(to, *variable, length);
        sodium_memzero(*variable, length);
        *variable = to;
        to += length + 1;
    }
}
