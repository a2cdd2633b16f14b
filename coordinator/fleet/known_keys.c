/* A map of small arrays. */
#include "coordinator/fleet/known_keys.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/map.h"

typedef struct Trusted {
    size_t count;
    uint8_t keys[COORDINATOR_KEYS_MAX][KEY_PUBLIC_BYTES];
} Trusted;

struct KnownKeys {
    Map *agents; /* name -> Trusted */
};

KnownKeys *known_keys_new(void)
{
    KnownKeys *known = mem_alloc(sizeof(*known));
    known->agents = map_new();
    return known;
}

void known_keys_free(KnownKeys *known)
{
    void *cursor = NULL;
    const char *agent = NULL;
    void *trusted = NULL;
    if (known == NULL) {
        return;
    }
    while (map_next(known->agents, &cursor, &agent, &trusted)) {
        free(trusted);
    }
    map_free(known->agents);
    free(known);
}

void known_keys_note(KnownKeys *known, const char *agent, Bytes keys)
{
    size_t count = keys.length / KEY_PUBLIC_BYTES;
    if (count == 0 || count > COORDINATOR_KEYS_MAX || keys.length % KEY_PUBLIC_BYTES != 0) {
        return;
    }
    Trusted *trusted = map_get(known->agents, agent);
    if (trusted == NULL) {
        trusted = mem_alloc(sizeof(*trusted));
        map_put(known->agents, agent, trusted);
    }
    trusted->count = count;
    memcpy(trusted->keys, keys.data, keys.length);
}

void known_keys_forget(KnownKeys *known, const char *agent)
{
    free(map_remove(known->agents, agent));
}

size_t known_keys_count(const KnownKeys *known, const char *agent)
{
    const Trusted *trusted = map_get(known->agents, agent);
    return trusted == NULL ? 0 : trusted->count;
}

const uint8_t *known_keys_at(const KnownKeys *known, const char *agent, size_t index)
{
    const Trusted *trusted = map_get(known->agents, agent);
    return trusted->keys[index];
}
