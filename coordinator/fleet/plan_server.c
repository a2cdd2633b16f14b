/* Chunks of bundles, from the store through a cache of the few that were used last. */
#include "coordinator/fleet/plan_server.h"

#include <stdlib.h>
#include <string.h>

typedef struct Cached {
    uint8_t hash[PLAN_HASH_BYTES];
    Arena arena;
    Bytes bundle; /* empty: the slot is free */
    uint64_t used;
} Cached;

struct PlanServer {
    Store *store;
    Cached cache[PLAN_CACHE_COUNT];
    uint64_t uses;
};

PlanServer *plan_server_new(Store *store)
{
    PlanServer *server = mem_alloc(sizeof(*server));
    server->store = store;
    return server;
}

void plan_server_free(PlanServer *server)
{
    for (size_t i = 0; i < PLAN_CACHE_COUNT; i++) {
        arena_done(&server->cache[i].arena);
    }
    free(server);
}

static Cached *find(PlanServer *server, const uint8_t *hash)
{
    for (size_t i = 0; i < PLAN_CACHE_COUNT; i++) {
        Cached *slot = &server->cache[i];
        if (slot->bundle.length > 0 && memcmp(slot->hash, hash, PLAN_HASH_BYTES) == 0) {
            return slot;
        }
    }
    return NULL;
}

static Cached *least_used(PlanServer *server)
{
    Cached *least = &server->cache[0];
    for (size_t i = 1; i < PLAN_CACHE_COUNT; i++) {
        if (server->cache[i].used < least->used) {
            least = &server->cache[i];
        }
    }
    return least;
}

static void slot_free(Cached *slot)
{
    arena_done(&slot->arena);
    *slot = (Cached){ 0 };
}

void plan_server_forget(PlanServer *server, const uint8_t hash[PLAN_HASH_BYTES])
{
    Cached *slot = find(server, hash);
    if (slot != NULL) {
        slot_free(slot);
    }
}

/* Puts the plan into the slot used longest ago. */
static ErrCode fill(PlanServer *server, const uint8_t *hash, Cached **ret_slot, Err *err)
{
    Cached fresh = { 0 };
    ErrCode code =
        server->store->ops->get_plan(server->store, hash, &fresh.arena, &fresh.bundle, err);
    if (code != ERR_NONE) {
        arena_done(&fresh.arena);
        return code;
    }
    memcpy(fresh.hash, hash, PLAN_HASH_BYTES);
    Cached *slot = least_used(server);
    slot_free(slot);
    *slot = fresh;
    *ret_slot = slot;
    return ERR_NONE;
}

static Bytes cut(Bytes bundle, uint64_t offset)
{
    if (offset >= bundle.length) {
        return (Bytes){ bundle.data, 0 };
    }
    size_t left = bundle.length - (size_t)offset;
    return (Bytes){ bundle.data + offset, left < PLAN_CHUNK_MAX ? left : PLAN_CHUNK_MAX };
}

ErrCode plan_server_chunk(PlanServer *server, const PlanGet *get, PlanChunk *ret_chunk, Err *err)
{
    Cached *slot = find(server, get->hash.data);
    ErrCode code = slot == NULL ? fill(server, get->hash.data, &slot, err) : ERR_NONE;
    if (code != ERR_NONE && code != ERR_NOT_FOUND) {
        return code;
    }
    *ret_chunk = (PlanChunk){ .hash = get->hash, .offset = get->offset };
    if (slot != NULL) {
        slot->used = ++server->uses;
        ret_chunk->total_size = slot->bundle.length;
        ret_chunk->data = cut(slot->bundle, get->offset);
    }
    return ERR_NONE;
}
